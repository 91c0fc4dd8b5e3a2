//! Tables on pages. Columns are as wide as their content if there is space. If not, names wrap, then columns of low
//! rank are dropped, then intervals; numbers wrap last of all.

use super::text::{Fonts, Line, Style};
use crate::report::document::{Align, Column, Span, Table, Tone};
use crate::report::text::{leanest, listed};

/// Gap between two columns.
const GAP: f64 = 11.0;
/// The least width of a column of names before numbers suffer.
const LEAST_NAME: f64 = 64.0;

/// The position of a column.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Place {
    pub left: f64,
    pub width: f64,
    pub align: Align,
}

/// What tables are measured with: the fonts, and the styles of headers and cells.
#[derive(Copy, Clone)]
pub struct Looks<'f> {
    pub fonts: &'f Fonts,
    pub head: Style,
    pub cell: Style,
}

impl Looks<'_> {
    /// The width of each column if nothing wraps.
    fn natural(&self, table: &Table) -> Vec<f64> {
        let of =
            |(i, column): (usize, &Column)| self.cells(table, i).max(self.fonts.width(&column.head, self.head)) + 0.5;
        table.columns.iter().enumerate().map(of).collect()
    }

    /// The least width of each column: names wrap anywhere if necessary and headers between words, but numbers do not.
    fn least(&self, table: &Table) -> Vec<f64> {
        let word = |c: &Column| {
            c.head
                .split(' ')
                .map(|w| self.fonts.width(w, self.head))
                .fold(0.0, f64::max)
        };
        let of = |(i, column): (usize, &Column)| match column.align {
            Align::Left => self.natural(table)[i].min(LEAST_NAME),
            Align::Right => self.cells(table, i).max(word(column)) + 0.5,
        };
        table.columns.iter().enumerate().map(of).collect()
    }

    fn cells(&self, table: &Table, column: usize) -> f64 {
        let style = |tone: Tone| Style {
            bold: matches!(tone, Tone::Strong | Tone::Bad),
            ..self.cell
        };
        let cells = table.rows.iter().map(|row| &row[column]);
        cells
            .map(|c| self.fonts.width(&c.text, style(c.tone)))
            .fold(0.0, f64::max)
    }

    /// Whether something would have to wrap in this width.
    pub fn is_squeezed(&self, table: &Table, room: f64) -> bool {
        self.natural(table).iter().sum::<f64>() > without_gaps(room, table.columns.len())
    }

    /// Whether numbers would have to wrap.
    fn is_too_wide(&self, table: &Table, room: f64) -> bool {
        self.least(table).iter().sum::<f64>() > without_gaps(room, table.columns.len())
    }

    /// As much of the table as fits without wrapping a number. A footnote says what is left out.
    pub fn fitted(&self, table: &Table, room: f64) -> Table {
        let mut table = table.clone();
        let mut left_out: Vec<String> = Vec::new();
        while self.is_too_wide(&table, room) {
            let optional = table.columns.iter().enumerate().filter(|(_, c)| c.rank > 0);
            let Some((lowest, _)) = optional.min_by_key(|(_, c)| c.rank) else {
                break;
            };
            left_out.push(table.columns.remove(lowest).head);
            table.rows.iter_mut().for_each(|row| drop(row.remove(lowest)));
        }
        if self.is_too_wide(&table, room) {
            let is_number: Vec<bool> = table.columns.iter().map(|c| c.align == Align::Right).collect();
            let lean = |cell: &mut Span| cell.text = leanest(&cell.text, |_| false);
            for row in &mut table.rows {
                row.iter_mut()
                    .zip(&is_number)
                    .filter(|(_, is)| **is)
                    .for_each(|(cell, _)| lean(cell));
            }
        }
        if !left_out.is_empty() {
            let says = format!("For want of room without {}.", listed(&left_out));
            let before = if table.footnote.is_empty() { "" } else { " " };
            table.footnote = format!("{}{before}{says}", table.footnote);
        }
        table
    }

    /// The positions of the table's columns in this width.
    pub fn places(&self, table: &Table, room: f64) -> Vec<Place> {
        let (mut widths, least) = (self.natural(table), self.least(table));
        let room = without_gaps(room, widths.len());
        // Names shrink first, then the headers of numbers.
        for side in [Align::Left, Align::Right] {
            let excess = (widths.iter().sum::<f64>() - room).max(0.0);
            let of_side: Vec<usize> = (0..widths.len()).filter(|i| table.columns[*i].align == side).collect();
            let spare: f64 = of_side.iter().map(|i| widths[*i] - least[*i]).sum();
            let share = if spare > 0.0 { (excess / spare).min(1.0) } else { 0.0 };
            of_side
                .iter()
                .for_each(|i| widths[*i] -= (widths[*i] - least[*i]) * share);
        }
        let total: f64 = widths.iter().sum();
        if total > room {
            widths.iter_mut().for_each(|w| *w *= room / total);
        }
        let mut left = 0.0;
        let place = |(width, column): (f64, &Column)| {
            let at = left;
            left += width + GAP;
            Place {
                left: at,
                width,
                align: column.align,
            }
        };
        widths.into_iter().zip(&table.columns).map(place).collect()
    }
}

fn without_gaps(room: f64, columns: usize) -> f64 {
    room - GAP * columns.saturating_sub(1) as f64
}

/// The lines of each cell in a row.
pub fn row<'t>(cells: impl Iterator<Item = (&'t str, Style)>, places: &[Place], fonts: &Fonts) -> Vec<Vec<Line>> {
    let cells = cells.zip(places);
    cells
        .map(|((text, style), place)| fonts.wrapped(text, style, place.width))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::style::RGBColor;

    const STYLE: Style = Style {
        size: 7.2,
        bold: false,
        colour: RGBColor(0, 0, 0),
    };

    #[test]
    fn no_number_breaks_as_long_as_something_else_can_go() {
        let fonts = Fonts::new();
        let looks = Looks {
            fonts: &fonts,
            head: STYLE,
            cell: STYLE,
        };
        let columns = ["p50", "p95", "p99", "failed in all"].map(Column::right);
        let mut columns: Vec<Column> = columns.into_iter().zip([0, 1, 0, 0]).map(|(c, r)| c.rank(r)).collect();
        columns.insert(0, Column::left("a design"));
        let cells = [
            "9.74 ± 0.15 ms",
            "36,089 (36,000 to 40,000) ms",
            "9.74 ± 0.15 ms",
            "36,089",
        ];
        let row: Vec<Span> = ["n".repeat(40).as_str()]
            .iter()
            .chain(&cells)
            .map(|c| Span::plain(*c))
            .collect();
        let table = Table {
            columns,
            rows: vec![row],
            footnote: String::new(),
        };
        for room in [190.0, 210.0, 230.0, 260.0, 400.0] {
            let fitted = looks.fitted(&table, room);
            assert_eq!(
                fitted.columns.len() < 5,
                fitted.footnote.contains("without p95"),
                "{fitted:?}"
            );
            for (cell, place) in fitted.rows[0].iter().zip(looks.places(&fitted, room)).skip(1) {
                assert_eq!(
                    fonts.wrapped(&cell.text, STYLE, place.width).len(),
                    1,
                    "{} in {room}",
                    cell.text
                );
            }
        }
    }
}
