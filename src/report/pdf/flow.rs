//! Lays out blocks from top to bottom and begins a new page where one is full. Related blocks stay together.

mod contents;
mod tables;

use plotters::style::RGBColor;

use super::page::{Area, Bookmark, Leaf, Mark};
use super::text::{Fonts, Line, Style};
use crate::report::chart::{self, Look, PictureError, Theme};
use crate::report::document::{Block, Fact, Number, Point, Span, Tone, in_a_row};
use crate::report::handout::{Handout, Part};
use crate::report::text::{is_number, leanest, most_columns, shorten_name, width};

const MARGIN: f64 = 54.0;
/// From the baseline of the last line to the edge.
const BOTTOM: f64 = 62.0;
/// Line height as a multiple of the letter size.
const LEADING: f64 = 1.38;
const BODY: f64 = 9.5;
const SMALL: f64 = 8.0;
const LABEL: f64 = 96.0;
const TILE: f64 = 50.0;
/// Width of a chart in pixels: the larger, the smaller its letters on the page.
const CHART: u32 = 720;
/// Space that must follow a heading on its page.
const COMPANY: f64 = 72.0;
/// Height of a picture's heading.
const HEADING: f64 = 34.0;
/// How far the letters of a single line may be scaled down.
const LEAST_LETTERS: f64 = 0.6;
/// How far a picture may be scaled down to stay on its page.
const LEAST_SCALE: f64 = 0.82;

/// A document being laid out.
pub struct Flow<'f> {
    fonts: &'f Fonts,
    theme: Theme,
    width: f64,
    height: f64,
    leaves: Vec<Leaf>,
    bookmarks: Vec<Bookmark>,
    /// The latest heading.
    under: String,
    /// Where the next block begins.
    y: f64,
}

impl<'f> Flow<'f> {
    /// On pages of this size.
    pub fn new(fonts: &'f Fonts, theme: Theme, width: f64, height: f64) -> Flow<'f> {
        Flow {
            fonts,
            theme,
            width,
            height,
            leaves: Vec::new(),
            bookmarks: Vec::new(),
            under: String::new(),
            y: 0.0,
        }
    }

    /// All pages, and the bookmarks that point to them.
    pub fn lay_out(mut self, handout: &Handout<'_>) -> Result<(Vec<Leaf>, Vec<Bookmark>), PictureError> {
        let contents = match handout.parts.len() {
            1 => Vec::new(),
            _ => self.entries(handout),
        };
        self.leaves.resize_with(contents.len(), Leaf::default);
        for part in &handout.parts {
            self.part(part, handout.date.as_deref())?;
        }
        self.contents(handout, contents);
        self.feet(&handout.title);
        Ok((self.leaves, self.bookmarks))
    }

    // --- a part -----------------------------------------------------------------------------------------------------

    fn part(&mut self, part: &Part<'_>, date: Option<&str>) -> Result<(), PictureError> {
        self.new_page();
        self.bookmark(0, &part.report.title);
        let quiet = self.style(SMALL, false, Tone::Quiet);
        let kicker = format!("fallover {}", part.document.envelope.command);
        let date = self.fonts.line(date.unwrap_or_default(), quiet);
        let at = self.width - MARGIN - date.width;
        self.put(at, self.y + SMALL, date);
        self.paragraph(&kicker, quiet, 0.0);
        self.paragraph(&part.report.title, self.style(20.0, true, Tone::Plain), 0.0);
        self.paragraph(&part.report.subtitle, self.style(BODY, false, Tone::Quiet), 0.0);
        self.y += 3.0;
        let envelope = &part.document.envelope;
        let seed = envelope.seed.map_or(String::new(), |seed| format!(" · seed {seed}"));
        let identity = format!(
            "Scenario {} · digest {}{seed} · fallover {}",
            envelope.scenario.name, envelope.scenario.digest, part.document.engine.version
        );
        self.paragraph(&identity, quiet, 0.0);
        self.y += 4.0;
        self.rule(self.theme.colours().quiet, 0.7);
        self.y += 4.0;
        if let Some(warning) = &part.warning {
            self.banner(warning);
        }
        let below = part.report.blocks.iter().skip(1).map(Some).chain([None]);
        for (block, below) in part.report.blocks.iter().zip(below) {
            match (block, below) {
                (Block::Heading(text), Some(Block::Table(table))) => {
                    self.heading_above(text, self.beginning(table).max(COMPANY));
                }
                _ => self.block(block, part)?,
            }
        }
        // A reader who retypes the command should not have to turn the page.
        self.heading_above(
            "How to make this again",
            self.facts_height(&part.origin) + 2.0 * SMALL * LEADING,
        );
        self.facts(&part.origin);
        let promise =
            "The same version, scenario (its digest says so) and seed give the same numbers on every machine.";
        self.paragraph(promise, self.style(SMALL, false, Tone::Quiet), 0.0);
        Ok(())
    }

    fn block(&mut self, block: &Block, part: &Part<'_>) -> Result<(), PictureError> {
        match block {
            Block::Heading(text) => self.heading(text),
            Block::Answer(sentences) => self.answer(sentences),
            Block::Numbers(numbers) => self.numbers(numbers),
            Block::Facts(facts) => self.facts(facts),
            Block::Table(table) => self.table(table),
            Block::Picture(name) => self.picture(part, *name)?,
            Block::Point(point) => self.point(point),
            Block::Note(span) => self.note(span),
            Block::Timeline(_) => {}
        }
        Ok(())
    }

    fn heading(&mut self, text: &str) {
        self.heading_above(text, COMPANY);
    }

    /// A heading on the same page as what follows, which takes `company`.
    fn heading_above(&mut self, text: &str, company: f64) {
        let style = self.style(12.5, true, Tone::Plain);
        self.need(HEADING - 1.0 + company);
        if self.y > MARGIN + 1.0 {
            self.y += 10.0;
        }
        self.bookmark(1, text);
        self.under = text.to_owned();
        self.paragraph(text, style, 0.0);
        self.y += 2.0;
    }

    /// Sentences with a bar in the colour of their tone.
    fn answer(&mut self, sentences: &[Span]) {
        for sentence in sentences {
            let style = self.style(10.0, matches!(sentence.tone, Tone::Bad | Tone::Good), Tone::Plain);
            let lines = self.fonts.wrapped(&sentence.text, style, self.room() - 12.0);
            let height = lines.len() as f64 * style.size * LEADING;
            self.need(height);
            let bar = Area {
                left: MARGIN,
                top: self.y + 1.5,
                width: 3.0,
                height: height - 2.0,
            };
            let colour = match sentence.tone {
                Tone::Plain | Tone::Strong | Tone::Quiet => self.theme.colours().grid,
                tone => self.theme.colours().said(tone),
            };
            self.leaf().marks.push(Mark::Fill(bar, colour));
            self.lines(lines, 12.0);
            self.y += 3.5;
        }
        self.y += 3.0;
    }

    /// Tiles, at most five in a row, and never one alone in the last row.
    fn numbers(&mut self, numbers: &[Number]) {
        const GAP: f64 = 6.0;
        for row in numbers.chunks(in_a_row(numbers.len(), 5)) {
            self.need(TILE + GAP);
            let width = (self.room() - GAP * (row.len() - 1) as f64) / row.len() as f64;
            for (i, number) in row.iter().enumerate() {
                let left = MARGIN + i as f64 * (width + GAP);
                let tile = Area {
                    left,
                    top: self.y,
                    width,
                    height: TILE,
                };
                let (tile_colour, top) = (self.theme.colours().tile, self.y);
                self.leaf().marks.push(Mark::Fill(tile, tile_colour));
                let texts = [
                    (number.name, self.style(7.5, false, Tone::Quiet), 14.0),
                    (number.value.as_str(), self.style(12.5, true, Tone::Plain), 30.0),
                    (
                        number.note.text.as_str(),
                        self.style(7.5, false, number.note.tone),
                        42.5,
                    ),
                ];
                for (text, style, down) in texts {
                    let line = self.lean(text, style, width - 14.0);
                    self.put(left + 7.0, top + down, line);
                }
            }
            self.y += TILE + GAP;
        }
        self.y += 2.0;
    }

    /// Labels in a column of their own, with the values one after the other.
    fn facts(&mut self, facts: &[Fact]) {
        for fact in facts {
            let label = self
                .fonts
                .wrapped(&fact.label, self.style(BODY, false, Tone::Quiet), LABEL - 8.0);
            let lines = self.items(&fact.items, self.room() - LABEL);
            let step = BODY * LEADING;
            let count = lines.len().max(label.len());
            self.need((count.min(3)) as f64 * step);
            let mut label = label.into_iter();
            let mut lines = lines.into_iter();
            for _ in 0..count {
                self.need(step);
                let foot = self.y + BODY;
                if let Some(label) = label.next() {
                    self.put(MARGIN, foot, label);
                }
                let mut x = MARGIN + LABEL;
                for piece in lines.next().unwrap_or_default() {
                    let width = piece.width;
                    self.put(x, foot, piece);
                    x += width;
                }
                self.y += step;
            }
            self.y += 1.5;
        }
        self.y += 4.0;
    }

    fn facts_height(&self, facts: &[Fact]) -> f64 {
        let lines = |fact: &Fact| self.items(&fact.items, self.room() - LABEL).len() as f64;
        facts.iter().map(|fact| lines(fact) * BODY * LEADING + 1.5).sum::<f64>() + 4.0
    }

    /// Items separated by dots, on lines of this width. Each line consists of several pieces, because items differ in
    /// tone.
    fn items(&self, items: &[Span], room: f64) -> Vec<Vec<Line>> {
        let mut lines: Vec<Vec<Line>> = vec![Vec::new()];
        let mut used = 0.0;
        for (i, item) in items.iter().enumerate() {
            let style = self.style(BODY, item.tone == Tone::Strong, item.tone);
            let joint = self.fonts.line(" · ", self.style(BODY, false, Tone::Quiet));
            let whole = self.fonts.line(&item.text, style);
            if i > 0 && used + joint.width + whole.width > room {
                lines.push(Vec::new());
                used = 0.0;
            } else if i > 0 {
                used += joint.width;
                lines.last_mut().expect("starts with one").push(joint);
            }
            for (n, piece) in self.fonts.wrapped(&item.text, style, room).into_iter().enumerate() {
                if n > 0 {
                    lines.push(Vec::new());
                    used = 0.0;
                }
                used += piece.width;
                lines.last_mut().expect("starts with one").push(piece);
            }
        }
        lines
    }

    fn point(&mut self, point: &Point) {
        let step = BODY * LEADING;
        let body = self
            .fonts
            .wrapped(&point.body, self.style(BODY, false, Tone::Plain), self.room());
        let remedy = self
            .fonts
            .wrapped(&point.remedy, self.style(BODY, false, Tone::Plain), self.room() - 14.0);
        self.need((body.len() + remedy.len() + 1).min(12) as f64 * step + 6.0);
        for line in self.items(&point.head, self.room()) {
            let (mut x, foot) = (MARGIN, self.y + BODY);
            for piece in line {
                let piece = self.fonts.line(
                    &piece.text,
                    Style {
                        bold: true,
                        ..piece.style
                    },
                );
                let width = piece.width;
                self.put(x, foot, piece);
                x += width;
            }
            self.y += step;
        }
        if !point.body.is_empty() {
            self.lines(body, 0.0);
        }
        if !point.remedy.is_empty() {
            let arrow = self.fonts.line("→", self.style(BODY, true, Tone::Good));
            self.need(step);
            self.put(MARGIN, self.y + BODY, arrow);
            self.lines(remedy, 14.0);
        }
        self.y += 7.0;
    }

    fn note(&mut self, span: &Span) {
        let style = self.style(9.0, false, Tone::Plain);
        let lines = self.fonts.wrapped(&span.text, style, self.room() - 12.0);
        self.need(lines.len().min(3) as f64 * style.size * LEADING);
        let mark = self.fonts.line("!", self.style(9.0, true, span.tone));
        self.put(MARGIN + 2.0, self.y + 9.0, mark);
        self.lines(lines, 12.0);
        self.y += 3.0;
    }

    /// The warning that must be read first.
    fn banner(&mut self, text: &str) {
        let style = self.style(10.0, true, Tone::Bad);
        let lines = self.fonts.wrapped(text, style, self.room() - 24.0);
        let height = lines.len() as f64 * style.size * LEADING + 12.0;
        let area = Area {
            left: MARGIN,
            top: self.y,
            width: self.room(),
            height,
        };
        let colours = self.theme.colours();
        let marks = &mut self.leaf().marks;
        marks.push(Mark::Fill(area, colours.tile));
        marks.push(Mark::Fill(Area { width: 4.0, ..area }, colours.bad));
        self.y += 6.0;
        self.lines(lines, 14.0);
        self.y += 10.0;
    }

    // --- pictures -------------------------------------------------------------------------------------------------

    fn picture(&mut self, part: &Part<'_>, name: chart::Name) -> Result<(), PictureError> {
        let look = Look {
            width: CHART,
            theme: self.theme,
            headed: false,
            ..Look::default()
        };
        let svg = match chart::svg(part.document, name, &look) {
            Err(PictureError::Nothing(..)) => return Ok(()),
            other => other?,
        };
        let tree = chart::tree(&svg)?;
        // The picture's margins lie on those of the page.
        let (across, down) = (f64::from(tree.size().width()), f64::from(tree.size().height()));
        let scale = self.room() / (across - 2.0 * chart::MARGIN);
        // A slightly smaller picture is better than one on the next page.
        let left = (self.bottom() - self.y - HEADING) / (down - chart::MARGIN);
        let most = (self.bottom() - MARGIN - HEADING) / down;
        let scale = if left > LEAST_SCALE * scale {
            scale.min(left)
        } else {
            scale.min(most)
        };
        let height = (down - chart::MARGIN) * scale;
        self.need(height + HEADING - 1.0);
        self.heading_above(name.heading(), height);
        let area = Area {
            left: MARGIN - chart::MARGIN * scale,
            top: self.y - chart::MARGIN * scale,
            width: across * scale,
            height: down * scale,
        };
        self.leaf().marks.push(Mark::Picture(area, Box::new(tree)));
        self.y += height + 4.0;
        Ok(())
    }

    // --- feet ------------------------------------------------------------------------------------------

    /// The report's title and the page number, on every page.
    fn feet(&mut self, title: &str) {
        let style = self.style(7.5, false, Tone::Quiet);
        let (all, foot) = (self.leaves.len(), self.height - 32.0);
        let title = self.fitted(title, style, self.room() - 80.0);
        for i in 0..all {
            let number = self.fonts.line(&format!("{} / {all}", i + 1), style);
            let right = self.width - MARGIN - number.width;
            self.leaves[i].marks.push(Mark::Text(MARGIN, foot, title.clone()));
            self.leaves[i].marks.push(Mark::Text(right, foot, number));
        }
    }

    // --- small things -----------------------------------------------------------------------------------------------

    fn room(&self) -> f64 {
        self.width - 2.0 * MARGIN
    }

    fn bottom(&self) -> f64 {
        self.height - BOTTOM
    }

    fn leaf(&mut self) -> &mut Leaf {
        self.leaves.last_mut().expect("a part begins with a page")
    }

    fn new_page(&mut self) {
        self.leaves.push(Leaf::default());
        self.y = MARGIN;
    }

    /// Begins a new page if there is less space than this.
    fn need(&mut self, height: f64) {
        if self.y + height > self.bottom() && self.y > MARGIN + 1.0 {
            self.new_page();
        }
    }

    fn bookmark(&mut self, level: usize, text: &str) {
        self.bookmarks.push(Bookmark {
            level,
            text: text.to_owned(),
            page: self.leaves.len() - 1,
            top: self.y,
        });
    }

    fn put(&mut self, x: f64, foot: f64, line: Line) {
        if !line.glyphs.is_empty() {
            self.leaf().marks.push(Mark::Text(x, foot, line));
        }
    }

    fn paragraph(&mut self, text: &str, style: Style, indent: f64) {
        let lines = self.fonts.wrapped(text, style, self.room() - indent);
        self.lines(lines, indent);
    }

    fn lines(&mut self, lines: Vec<Line>, indent: f64) {
        for line in lines {
            let step = line.style.size * LEADING;
            self.need(step);
            let foot = self.y + line.style.size;
            self.put(MARGIN + indent, foot, line);
            self.y += step;
        }
    }

    fn rule(&mut self, colour: RGBColor, thickness: f64) {
        let area = Area {
            left: MARGIN,
            top: self.y,
            width: self.room(),
            height: thickness,
        };
        self.leaf().marks.push(Mark::Fill(area, colour));
        self.y += thickness;
    }

    /// The same for text with numbers: it loses its interval before it is cut.
    fn lean(&self, text: &str, style: Style, room: f64) -> Line {
        let least = Style {
            size: style.size * LEAST_LETTERS,
            ..style
        };
        let lean = leanest(text, |text| self.fonts.width(text, least) <= room);
        match is_number(&lean) && self.fonts.width(&lean, least) > room {
            true => self.fonts.line(&lean, least),
            false => self.fitted(&lean, style, room),
        }
    }

    /// On one line, in smaller letters where space is short, and finally cut with ….
    fn fitted(&self, text: &str, style: Style, room: f64) -> Line {
        let mut line = self.fonts.line(text, style);
        if line.width > room {
            let size = (style.size * 0.99 * room / line.width).max(style.size * LEAST_LETTERS);
            let style = Style { size, ..style };
            let mut limit = width(text).min(most_columns(room, size));
            line = self.fonts.line(&shorten_name(text, limit), style);
            while line.width > room && limit > 1 {
                limit -= 1;
                line = self.fonts.line(&shorten_name(text, limit), style);
            }
        }
        line
    }

    fn style(&self, size: f64, bold: bool, tone: Tone) -> Style {
        Style {
            size,
            bold,
            colour: self.theme.colours().said(tone),
        }
    }
}
