//! Tables on pages: columns as wide as their content where there is room; where there is none, names and then the rest
//! break over several lines. Nothing is cut.

use super::text::{Fonts, Line, Style};
use crate::report::document::{Align, Column, Table, Tone};

/// Between two columns.
const GAP: f64 = 11.0;
/// What a column of names may be squeezed to before numbers break too.
const LEAST_NAME: f64 = 64.0;

/// Where a column stands.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Place {
    pub left: f64,
    pub width: f64,
    pub align: Align,
}

/// How wide each column would be if nothing had to break.
fn natural(table: &Table, fonts: &Fonts, head: Style, cell: Style) -> Vec<f64> {
    let of = |(i, column): (usize, &Column)| {
        let style = |tone: Tone| Style {
            bold: matches!(tone, Tone::Strong | Tone::Bad),
            ..cell
        };
        let cells = table
            .rows
            .iter()
            .map(|row| fonts.width(&row[i].text, style(row[i].tone)));
        cells.fold(fonts.width(&column.head, head), f64::max) + 0.5
    };
    table.columns.iter().enumerate().map(of).collect()
}

fn without_gaps(room: f64, columns: usize) -> f64 {
    room - GAP * columns.saturating_sub(1) as f64
}

/// Whether something would have to break in this room.
pub fn is_squeezed(table: &Table, fonts: &Fonts, head: Style, cell: Style, room: f64) -> bool {
    natural(table, fonts, head, cell).iter().sum::<f64>() > without_gaps(room, table.columns.len())
}

/// Where the columns of this table stand in this room, the cells in this style.
pub fn places(table: &Table, fonts: &Fonts, head: Style, cell: Style, room: f64) -> Vec<Place> {
    let mut widths = natural(table, fonts, head, cell);
    let room = without_gaps(room, widths.len());
    let is_name = |i: usize| table.columns[i].align == Align::Left;
    let excess = |widths: &[f64]| (widths.iter().sum::<f64>() - room).max(0.0);
    let least = |w: f64| (w - LEAST_NAME).max(0.0);
    let names: f64 = (0..widths.len())
        .filter(|i| is_name(*i))
        .map(|i| least(widths[i]))
        .sum();
    let share = if names > 0.0 {
        (excess(&widths) / names).min(1.0)
    } else {
        0.0
    };
    for i in (0..widths.len()).filter(|i| is_name(*i)) {
        widths[i] -= least(widths[i]) * share;
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

/// The lines of each cell of a row, and how many the longest has.
pub fn row<'t>(
    cells: impl Iterator<Item = (&'t str, Style)>,
    places: &[Place],
    fonts: &Fonts,
) -> (Vec<Vec<Line>>, usize) {
    let cells = cells
        .zip(places)
        .map(|((text, style), place)| fonts.wrapped(text, style, place.width));
    let cells: Vec<Vec<Line>> = cells.collect();
    let most = cells.iter().map(Vec::len).max().unwrap_or(1);
    (cells, most)
}
