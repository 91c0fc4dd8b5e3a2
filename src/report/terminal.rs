//! A report as text for a terminal: no line is wider than the terminal, and colour is used only where wanted.
//!
//! Names come from files that anyone may have written: control characters never reach the terminal.

use super::document::{Align, Block, Fact, Point, Report, Span, Table, Tone};
use super::sparkline;
use super::text::{leanest, shorten, shorten_name, visible, width};
use std::io::IsTerminal;

/// The properties of the terminal.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Width in columns.
    pub width: usize,
    /// Whether escape sequences for colour are wanted.
    pub colour: bool,
}

/// The width if it is unknown.
const USUAL_WIDTH: usize = 80;
/// In fewer columns a table is unreadable; in more, lines are hard to follow.
const WIDTHS: std::ops::RangeInclusive<usize> = 40..=140;
const GAP: usize = 2;
/// The least width of names before columns are dropped.
const NAME_WIDTH: usize = 16;
/// The least width of names before numbers are shortened.
const LEAST_NAME: usize = 10;

impl Terminal {
    /// Standard output: its width, and colour unless `NO_COLOR` is set or the terminal is a dumb one.
    pub fn of_stdout() -> Terminal {
        let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
        let stdout = std::io::stdout();
        let measured = terminal_size::terminal_size_of(&stdout).map(|(w, _)| usize::from(w.0));
        Terminal {
            width: measured.unwrap_or(USUAL_WIDTH),
            colour: stdout.is_terminal() && !dumb && !set("NO_COLOR"),
        }
    }

    /// The report as text, ending in a newline.
    pub fn render(&self, report: &Report) -> String {
        let page = Page {
            width: self.width.clamp(*WIDTHS.start(), *WIDTHS.end()),
            colour: self.colour,
        };
        let mut lines = vec![page.toned(Tone::Strong, &shorten(&visible(&report.title), page.width))];
        lines.extend(
            wrap(&visible(&report.subtitle), page.width)
                .into_iter()
                .map(|l| page.toned(Tone::Quiet, &l)),
        );
        let is_here = |block: &&Block| !matches!(block, Block::Answer(_) | Block::Numbers(_) | Block::Picture(_));
        let blocks: Vec<&Block> = report.blocks.iter().filter(is_here).collect();
        for (i, block) in blocks.iter().enumerate() {
            if i == 0 || !stands_close(blocks[i - 1], block) {
                lines.push(String::new());
            }
            lines.extend(page.block(block));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

/// Related blocks stand without a blank line: a heading and its body, consecutive notes, a picture and its facts.
fn stands_close(above: &Block, below: &Block) -> bool {
    matches!(
        (above, below),
        (Block::Heading(_), _) | (Block::Note(_), Block::Note(_)) | (Block::Timeline(_), Block::Facts(_))
    )
}

struct Page {
    width: usize,
    colour: bool,
}

impl Page {
    fn block(&self, block: &Block) -> Vec<String> {
        match block {
            Block::Heading(text) => self.lines(Tone::Strong, text),
            Block::Facts(facts) => self.facts(facts),
            Block::Table(table) => self.table(table),
            Block::Timeline(timeline) => self.facts(&sparkline::facts(timeline, self.width)),
            Block::Point(point) => self.point(point),
            Block::Note(span) => self.note(span),
            Block::Answer(_) | Block::Numbers(_) | Block::Picture(_) => Vec::new(),
        }
    }

    /// Labels in a column of their own; items separated by dots and wrapped below each other.
    fn facts(&self, facts: &[Fact]) -> Vec<String> {
        let longest = facts.iter().map(|f| width(&visible(&f.label))).max().unwrap_or(0);
        let indent = longest.clamp(sparkline::LABEL_WIDTH, self.width / 3) + GAP;
        let mut lines = Vec::new();
        for fact in facts {
            let label = shorten_name(&visible(&fact.label), indent - GAP);
            let mut line = pad(&label, width(&label), indent, Align::Left);
            let mut used = indent;
            for (i, item) in fact.items.iter().enumerate() {
                let (text, room) = (visible(&item.text), self.width - indent);
                // Text that does not fit a line is wrapped.
                let parts = match width(&text) <= room {
                    true => vec![text],
                    false => wrap(&text, room),
                };
                for (part, text) in parts.iter().enumerate() {
                    let joint = if i == 0 || part > 0 { "" } else { " · " };
                    if part > 0 || i > 0 && used + width(joint) + width(text) > self.width {
                        lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
                        used = indent;
                    } else {
                        line.push_str(joint);
                        used += width(joint);
                    }
                    used += width(text);
                    line.push_str(&self.toned(item.tone, text));
                }
            }
            lines.push(line.trim_end().to_string());
        }
        lines
    }

    /// Words on as many lines as they need.
    fn lines(&self, tone: Tone, text: &str) -> Vec<String> {
        let lines = wrap(&visible(text), self.width).into_iter();
        lines.map(|line| self.toned(tone, &line)).collect()
    }

    fn note(&self, span: &Span) -> Vec<String> {
        let lines = wrap(&visible(&span.text), self.width - 2).into_iter().enumerate();
        lines
            .map(|(i, line)| self.toned(span.tone, &format!("{} {line}", if i == 0 { "!" } else { " " })))
            .collect()
    }

    /// The head on one line if it fits, the body wrapped below it; an arrow introduces the remedy.
    fn point(&self, point: &Point) -> Vec<String> {
        let fits = point.head.iter().map(|s| width(&visible(&s.text)) + GAP).sum::<usize>() <= self.width + GAP;
        let head: Vec<String> = point.head.iter().flat_map(|s| self.lines(s.tone, &s.text)).collect();
        let mut lines = if fits { vec![head.join(&" ".repeat(GAP))] } else { head };
        lines.extend(self.hanging("  ", &point.body));
        lines.extend(self.hanging("  → ", &point.remedy));
        lines
    }

    /// Wrapped text whose lines are all indented to the first one, after its mark.
    fn hanging(&self, mark: &str, text: &str) -> Vec<String> {
        if text.is_empty() {
            return Vec::new();
        }
        let indent = width(mark);
        let lines = wrap(&visible(text), self.width - indent).into_iter().enumerate();
        lines
            .map(|(i, line)| format!("{}{line}", if i == 0 { mark.to_string() } else { " ".repeat(indent) }))
            .collect()
    }

    fn table(&self, table: &Table) -> Vec<String> {
        let columns = self.fitting_columns(table);
        let mut lines = Vec::new();
        let head = columns
            .iter()
            .map(|c| (Span::new(Tone::Quiet, table.columns[c.index].head.clone()), c));
        lines.push(self.row(head));
        for row in &table.rows {
            lines.push(self.row(columns.iter().map(|c| (row[c.index].clone(), c))));
        }
        if !table.footnote.is_empty() {
            lines.extend(self.lines(Tone::Quiet, &table.footnote));
        }
        lines
    }

    fn row<'a>(&self, cells: impl Iterator<Item = (Span, &'a Placed)>) -> String {
        let mut line = String::new();
        for (i, (cell, column)) in cells.enumerate() {
            if i > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            let text = leanest(&visible(&cell.text), |text| width(text) <= column.width);
            let text = shorten_name(&text, column.width);
            let toned = self.toned(cell.tone, &text);
            line.push_str(&pad(&toned, width(&text), column.width, column.align));
        }
        line.trim_end().to_string()
    }

    /// Drops the columns of the lowest rank until the rest fits with readable names, then shortens the widest.
    fn fitting_columns(&self, table: &Table) -> Vec<Placed> {
        let natural = |(index, column): (usize, &super::document::Column)| {
            let cells = table.rows.iter().map(|row| width(&visible(&row[index].text)));
            Placed {
                index,
                align: column.align,
                width: cells.max().unwrap_or(0).max(width(&column.head)),
            }
        };
        let mut columns: Vec<Placed> = table.columns.iter().enumerate().map(natural).collect();
        let leanest = |index: usize| {
            let cells = table
                .rows
                .iter()
                .map(|row| width(&leanest(&visible(&row[index].text), |_| false)));
            cells.max().unwrap_or(0)
        };
        let leanest: Vec<usize> = (0..table.columns.len()).map(leanest).collect();
        let total = |columns: &[Placed]| columns.iter().map(|c| c.width + GAP).sum::<usize>().saturating_sub(GAP);
        let least = |columns: &[Placed]| {
            total(columns)
                - columns
                    .first()
                    .map_or(0, |first| first.width.saturating_sub(NAME_WIDTH))
        };
        while least(&columns) > self.width {
            let optional = columns
                .iter()
                .enumerate()
                .filter(|(_, c)| table.columns[c.index].rank > 0);
            match optional.min_by_key(|(_, c)| table.columns[c.index].rank) {
                Some((position, _)) => columns.remove(position),
                None => break,
            };
        }
        while total(&columns) > self.width {
            // Names shrink first, then numbers lose their intervals. A number is never cut, because half of it is
            // another number.
            let least = |c: &Placed| {
                if c.align == Align::Left {
                    LEAST_NAME
                } else {
                    leanest[c.index]
                }
            };
            let widest = (0..columns.len()).filter(|i| columns[*i].width > least(&columns[*i]));
            match widest.max_by_key(|i| (columns[*i].align == Align::Left, columns[*i].width)) {
                Some(widest) => columns[widest].width -= 1,
                // If they still do not fit, the last columns are dropped.
                None if columns.len() > 2 => drop(columns.pop()),
                None => break,
            }
        }
        columns
    }

    fn toned(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => return text.to_string(),
            Tone::Strong => "1",
            Tone::Quiet => "2",
            Tone::Good => "32",
            Tone::Bad => "1;31",
            Tone::Caution => "33",
        };
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }
}

/// A column that is shown, and its width.
struct Placed {
    index: usize,
    width: usize,
    align: Align,
}

/// `text`, which is `shown` columns wide, padded to `wanted`.
fn pad(text: &str, shown: usize, wanted: usize, align: Align) -> String {
    let fill = " ".repeat(wanted.saturating_sub(shown));
    match align {
        Align::Left => format!("{text}{fill}"),
        Align::Right => format!("{fill}{text}"),
    }
}

/// Lines of at most `limit` columns, broken between words; a word longer than a line is shortened.
fn wrap(text: &str, limit: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let word = shorten(word, limit);
        let line = lines.last_mut().expect("starts with one");
        if line.is_empty() {
            line.push_str(&word);
        } else if width(line) + 1 + width(&word) <= limit {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::document::Column;

    fn render(width: usize, blocks: Vec<Block>) -> String {
        let report = Report {
            title: "T".into(),
            subtitle: String::new(),
            blocks,
        };
        Terminal { width, colour: false }.render(&report)
    }

    #[test]
    fn columns_of_low_rank_go_first_and_names_are_shortened_last() {
        let columns = vec![
            Column::left("name"),
            Column::right("kept"),
            Column::right("optional").rank(1),
        ];
        let rows = vec![vec![
            Span::plain("n".repeat(50)),
            Span::plain("1".repeat(20)),
            Span::plain("2".repeat(20)),
        ]];
        let text = render(
            40,
            vec![Block::Table(Table {
                columns,
                rows,
                footnote: String::new(),
            })],
        );
        assert!(text.contains(&"1".repeat(20)), "{text}");
        assert!(!text.contains("optional"), "{text}");
        assert!(text.contains(&format!("{}…{}", "n".repeat(9), "n".repeat(8))), "{text}");
    }

    #[test]
    fn no_number_is_cut() {
        let columns = ["name", "a", "b", "c"].map(Column::right);
        let rows = [
            ["n", "195.8 (1.2 to 197.6) /s", "0.81 (0.57 to 4.58) min", "12,345,678"]
                .map(Span::plain)
                .to_vec(),
        ];
        for width in [40, 50, 60, 80] {
            let table = Table {
                columns: columns.to_vec(),
                rows: rows.to_vec(),
                footnote: "… and 12,345,678 more rows of which nothing at all was said in this report before".into(),
            };
            let text = render(width, vec![Block::Table(table)]);
            let is_cut = text
                .split_whitespace()
                .any(|word| word.contains('…') && word.chars().any(|c| c.is_ascii_digit()));
            assert!(
                !is_cut && text.contains("195.8") && text.contains("0.81"),
                "{width}: {text}"
            );
            assert!(text.contains("before\n"), "{text}");
        }
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let blocks = vec![Block::Facts(vec![Fact::new(
            "a",
            vec![Span::new(Tone::Bad, "bad"), Span::plain("b")],
        )])];
        let report = Report {
            title: "T".into(),
            subtitle: "s".into(),
            blocks,
        };
        let plain = Terminal {
            width: 80,
            colour: false,
        }
        .render(&report);
        let mut coloured = Terminal {
            width: 80,
            colour: true,
        }
        .render(&report);
        assert_ne!(plain, coloured);
        for code in ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[1;31m"] {
            coloured = coloured.replace(code, "");
        }
        assert_eq!(plain, coloured);
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 5), ["abcd…"]);
    }
}
