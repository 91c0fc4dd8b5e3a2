//! The first page of a report of several results: for each result the question, the main finding and the main advice.

use super::{BODY, Flow, MARGIN, SMALL};
use crate::report::document::Tone;
use crate::report::handout::{Handout, Part, gist};
use crate::report::pdf::page::{Area, Mark};
use crate::report::pdf::text::Line;

/// Where the first entry begins, below the report's title.
const FIRST: f64 = MARGIN + 60.0;
/// Line spacing within an entry.
const STEP: f64 = 12.5;
/// Where sentences begin, after the word that introduces them.
const INDENT: f64 = 34.0;
/// Gap between two entries.
const GAP: f64 = 22.0;

/// The entry of one result.
pub struct Entry {
    title: Line,
    /// Lines with their offsets from the title, to the right and down.
    lines: Vec<(f64, f64, Line)>,
    height: f64,
}

impl Flow<'_> {
    /// The entries, by page.
    pub(super) fn entries(&self, handout: &Handout<'_>) -> Vec<Vec<Entry>> {
        let mut pages = vec![Vec::new()];
        let mut y = FIRST;
        for part in &handout.parts {
            let entry = self.entry(part);
            if y + entry.height > self.bottom() && y > FIRST {
                pages.push(Vec::new());
                y = FIRST;
            }
            y += entry.height + GAP;
            pages.last_mut().expect("one at least").push(entry);
        }
        pages
    }

    fn entry(&self, part: &Part<'_>) -> Entry {
        let room = self.room() - 40.0;
        let mut lines = Vec::new();
        let mut height = 0.0;
        for (what, text) in gist(part) {
            let sentence = self
                .fonts
                .wrapped(&text, self.style(SMALL, false, Tone::Plain), room - INDENT);
            lines.push((
                0.0,
                height + STEP,
                self.fonts.line(what, self.style(SMALL, false, Tone::Quiet)),
            ));
            for line in sentence {
                height += STEP;
                lines.push((INDENT, height, line));
            }
        }
        let title = self.fitted(&part.report.title, self.style(11.0, true, Tone::Plain), room);
        Entry { title, lines, height }
    }

    /// Writes the entries, each with its page number.
    pub(super) fn contents(&mut self, handout: &Handout<'_>, pages: Vec<Vec<Entry>>) {
        let starts: Vec<usize> = self.bookmarks.iter().filter(|b| b.level == 0).map(|b| b.page).collect();
        let mut starts = starts.into_iter();
        for (page, entries) in pages.into_iter().enumerate() {
            let mut marks = Vec::new();
            if page == 0 {
                let title = self.fitted(&handout.title, self.style(20.0, true, Tone::Plain), self.room());
                marks.push(Mark::Text(MARGIN, MARGIN + 20.0, title));
                let quiet = self.style(SMALL, false, Tone::Quiet);
                let date = self.fonts.line(handout.date.as_deref().unwrap_or_default(), quiet);
                marks.push(Mark::Text(self.width - MARGIN - date.width, MARGIN + 20.0, date));
            }
            let mut top = FIRST;
            for (entry, target) in entries.into_iter().zip(&mut starts) {
                let plain = self.style(BODY, false, Tone::Plain);
                let number = self.fonts.line(&(target + 1).to_string(), plain);
                marks.push(Mark::Text(self.width - MARGIN - number.width, top, number));
                marks.push(Mark::Text(MARGIN, top, entry.title));
                let at = |(x, y, line)| Mark::Text(MARGIN + x, top + y, line);
                marks.extend(entry.lines.into_iter().map(at));
                let area = Area {
                    left: MARGIN,
                    top: top - 11.0,
                    width: self.room(),
                    height: entry.height + 15.0,
                };
                marks.push(Mark::Link(area, target));
                top += entry.height + GAP;
            }
            self.leaves[page].marks = marks;
        }
    }
}
