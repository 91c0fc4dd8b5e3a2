//! A report before it has a format: headings, facts, tables, pictures and notes, in reading order.
//!
//! It holds text, tones and numbers to be drawn; it knows no widths, colours or pages. A renderer may shorten what does
//! not fit, but says so.

use super::chart;
use super::timeline::Timeline;

/// A whole report.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What it is about.
    pub title: String,
    /// What was done to find out.
    pub subtitle: String,
    /// The rest, in reading order.
    pub blocks: Vec<Block>,
}

/// One piece of a report.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A line that names what follows.
    Heading(String),
    /// Labels and what is to be said of each.
    Facts(Vec<Fact>),
    /// Rows and columns.
    Table(Table),
    /// Sentences that answer what was asked, the most important first: for a page that is handed on. A terminal, on
    /// which the same is read off the first lines, leaves them out.
    Answer(Vec<Span>),
    /// The few numbers that matter.
    Numbers(Vec<Number>),
    /// A chart of the result, where it gives one. A terminal leaves it out.
    Picture(chart::Name),
    /// How things went over time, in characters: for a terminal alone.
    Timeline(Timeline),
    /// Something found, in words.
    Point(Point),
    /// Something to bear in mind.
    Note(Span),
}

/// A label and what is to be said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// One or two words.
    pub label: String,
    /// Items of a list; a renderer never breaks a line inside one if it can help it.
    pub items: Vec<Span>,
}

/// One number that matters.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// Of what.
    pub name: &'static str,
    /// With its unit and interval.
    pub value: String,
    /// What it is to be compared to; may be empty.
    pub note: Span,
}

/// Something found: what it is about, what is wrong, and what mends it.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// What it is about; pieces that stand on one line.
    pub head: Vec<Span>,
    /// A sentence or two; may be empty.
    pub body: String,
    /// What to do about it; may be empty.
    pub remedy: String,
}

/// A table. Every row has a cell a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The head.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Vec<Span>>,
    /// What is not shown; empty if nothing.
    pub footnote: String,
}

/// The head of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// What stands on top.
    pub head: String,
    /// Where its cells are pushed to.
    pub align: Align,
    /// Where there is no room for all, the columns of the lowest rank go first; those of rank 0 stay.
    pub rank: u8,
}

/// Names to the left, numbers to the right.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Align {
    /// For names.
    Left,
    /// For numbers.
    Right,
}

/// A piece of text in one tone.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// What it says.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
}

/// How a piece of text is meant. The words must say the same without it: not every page has colours.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    Plain,
    /// What to read first.
    Strong,
    /// What to read last.
    Quiet,
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// To bear in mind.
    Caution,
}

impl Span {
    /// Text in this tone.
    pub fn new(tone: Tone, text: impl Into<String>) -> Span {
        Span {
            text: text.into(),
            tone,
        }
    }

    /// Text without a tone.
    pub fn plain(text: impl Into<String>) -> Span {
        Span::new(Tone::Plain, text)
    }
}

impl Fact {
    /// A fact of one item or several.
    pub fn new(label: impl Into<String>, items: Vec<Span>) -> Fact {
        Fact {
            label: label.into(),
            items,
        }
    }

    /// A fact of one item without a tone.
    pub fn plain(label: impl Into<String>, text: impl Into<String>) -> Fact {
        Fact::new(label, vec![Span::plain(text)])
    }
}

impl Column {
    /// A column of names.
    pub fn left(head: &str) -> Column {
        Column {
            head: head.into(),
            align: Align::Left,
            rank: 0,
        }
    }

    /// A column of numbers.
    pub fn right(head: &str) -> Column {
        Column {
            head: head.into(),
            align: Align::Right,
            rank: 0,
        }
    }

    /// The same column, to be left out where there is no room: low ranks first.
    pub fn rank(self, rank: u8) -> Column {
        Column { rank, ..self }
    }
}

/// How many of so many tiles stand in a row that holds at most so many, so that all rows are about as full.
pub fn in_a_row(tiles: usize, most: usize) -> usize {
    let rows = tiles.div_ceil(most.max(1)).max(1);
    tiles.div_ceil(rows).max(1)
}
