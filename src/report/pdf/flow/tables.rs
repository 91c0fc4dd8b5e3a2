//! Tables that run over several pages: every page repeats the header, and no row stands alone.

use super::super::table::{self, Looks, Place};
use super::super::text::{Line, Style};
use super::{Flow, LEADING, MARGIN, SMALL};
use crate::report::document::{Align, Table, Tone};

/// Letter sizes, from the preferred one to the smallest legible one.
const SIZES: [f64; 3] = [8.8, 8.0, 7.2];

/// Thickness of the rule between two rows.
const RULE: f64 = 0.4;

/// A table with its column positions.
struct Set {
    places: Vec<Place>,
    head: Style,
    heads: Vec<Vec<Line>>,
    rows: Vec<Vec<Vec<Line>>>,
    footnote: String,
}

impl Flow<'_> {
    pub(super) fn table(&mut self, table: &Table) {
        let set = self.set(table);
        self.need_below(set.beginning());
        self.head(&set);
        let last = set.rows.len().saturating_sub(1);
        let heights: Vec<f64> = set.rows.iter().map(|row| height(row) + RULE).collect();
        let footnote = if set.footnote.is_empty() {
            0.0
        } else {
            SMALL * LEADING + 3.0
        };
        for (i, row) in set.rows.iter().enumerate() {
            // The last row is not alone on its page, and neither is the footnote.
            let company = match last - i {
                0 => footnote,
                1 => heights[last] + footnote,
                _ => 0.0,
            };
            if self.need_below(heights[i] + company) {
                self.head(&set);
            }
            self.row(row, &set.places);
            self.y += heights[i] - RULE;
            self.rule(self.theme.colours().grid, RULE);
        }
        if !set.footnote.is_empty() {
            self.y += 3.0;
            self.paragraph(&set.footnote, self.style(SMALL, false, Tone::Quiet), 0.0);
        }
        self.y += 8.0;
    }

    /// Height of the header and the first rows.
    pub(super) fn beginning(&self, table: &Table) -> f64 {
        self.set(table).beginning()
    }

    fn set(&self, table: &Table) -> Set {
        let room = self.room();
        let looks = |size: f64| Looks {
            fonts: self.fonts,
            head: self.style(size - 0.6, false, Tone::Quiet),
            cell: self.style(size, false, Tone::Plain),
        };
        let fits = |size: &&f64| !looks(**size).is_squeezed(table, room);
        let size = SIZES.iter().find(fits).copied().unwrap_or(SIZES[SIZES.len() - 1]);
        let looks = looks(size);
        let (head, table) = (looks.head, &looks.fitted(table, room));
        let places = looks.places(table, room);
        let row = |cells: &Vec<_>| {
            let styled = cells.iter().map(|span: &crate::report::document::Span| {
                let bold = matches!(span.tone, Tone::Strong | Tone::Bad);
                (span.text.as_str(), self.style(size, bold, span.tone))
            });
            table::row(styled, &places, self.fonts)
        };
        let heads = table.columns.iter().map(|c| (c.head.as_str(), head));
        Set {
            head,
            heads: table::row(heads, &places, self.fonts),
            rows: table.rows.iter().map(row).collect(),
            footnote: table.footnote.clone(),
            places,
        }
    }

    /// Begins a new page if there is less space than this, and repeats the header there.
    fn need_below(&mut self, height: f64) -> bool {
        let pages = self.leaves.len();
        self.need(height);
        let is_new = self.leaves.len() > pages;
        if is_new && !self.under.is_empty() {
            let says = format!("{}, continued", self.under);
            self.paragraph(&says, self.style(SMALL, false, Tone::Quiet), 0.0);
            self.y += 3.0;
        }
        is_new
    }

    fn head(&mut self, set: &Set) {
        self.row(&set.heads, &set.places);
        self.y += height(&set.heads);
        self.rule(self.theme.colours().quiet, 0.6);
    }

    fn row(&mut self, cells: &[Vec<Line>], places: &[Place]) {
        for (lines, place) in cells.iter().zip(places) {
            let mut foot = self.y + 2.0;
            for line in lines {
                foot += line.style.size;
                let x = match place.align {
                    Align::Left => place.left,
                    Align::Right => place.left + place.width - line.width,
                };
                let down = line.style.size * (LEADING - 1.0);
                self.put(MARGIN + x, foot, line.clone());
                foot += down;
            }
        }
    }
}

impl Set {
    fn beginning(&self) -> f64 {
        height(&self.heads) + self.rows.iter().take(2).map(|row| height(row)).sum::<f64>() + self.head.size
    }
}

/// Height of a row, by its tallest cell.
fn height(cells: &[Vec<Line>]) -> f64 {
    let of = |lines: &Vec<Line>| lines.iter().map(|line| line.style.size * LEADING).sum::<f64>();
    cells.iter().map(of).fold(0.0, f64::max) + 3.0
}

#[cfg(test)]
mod tests {
    use super::super::{COMPANY, Mark};
    use super::*;
    use crate::report::chart::Theme;
    use crate::report::document::{Column, Span};
    use crate::report::pdf::text::Fonts;

    #[test]
    fn no_head_no_row_and_no_footnote_stands_alone() {
        let fonts = Fonts::new();
        let rows = (0..9).map(|i| vec![Span::plain(format!("row {i}")), Span::plain("1")]);
        let table = Table {
            columns: vec![Column::left("component"), Column::right("lost")],
            rows: rows.collect(),
            footnote: "3 more in the JSON".into(),
        };
        for down in 0..90 {
            let mut flow = Flow::new(&fonts, Theme::Light, 595.0, 842.0);
            flow.new_page();
            flow.y = MARGIN + 8.0 * f64::from(down);
            flow.heading_above("Losses", flow.beginning(&table).max(COMPANY));
            flow.table(&table);
            let said = |leaf: &super::super::Leaf| {
                let texts = leaf.marks.iter().filter_map(|mark| match mark {
                    Mark::Text(_, _, line) => Some(line.text.clone()),
                    _ => None,
                });
                texts.collect::<Vec<String>>()
            };
            let pages: Vec<Vec<String>> = flow.leaves.iter().map(said).filter(|page| !page.is_empty()).collect();
            for (i, page) in pages.iter().enumerate() {
                let first = if i == 0 { "Losses" } else { "Losses, continued" };
                assert!(page.len() > 2, "{down}: {pages:?}");
                let rows = page.iter().filter(|text| text.starts_with("row")).count();
                assert_eq!(page[..2], [first, "component"], "{down}: {pages:?}");
                assert!(rows >= 2, "{down}: {pages:?}");
            }
        }
    }
}
