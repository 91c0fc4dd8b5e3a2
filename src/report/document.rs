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
    /// How the result was obtained.
    pub subtitle: String,
    /// The rest, in reading order.
    pub blocks: Vec<Block>,
}

/// One piece of a report.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A line that names what follows.
    Heading(String),
    /// Labels and their values.
    Facts(Vec<Fact>),
    /// Rows and columns.
    Table(Table),
    /// Sentences that answer the question, the most important first, for a page that is passed on. A terminal, which
    /// shows the same in its first lines, leaves them out.
    Answer(Vec<Span>),
    /// The headline numbers.
    Numbers(Vec<Number>),
    /// A chart, where the result has it. A terminal leaves it out.
    Picture(chart::Name),
    /// The timeline in characters, for terminals only.
    Timeline(Timeline),
    /// A finding in words.
    Point(Point),
    /// A caveat or note.
    Note(Span),
}

/// A label and its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// One or two words.
    pub label: String,
    /// Items of a list; a renderer never breaks a line inside one if it can help it.
    pub items: Vec<Span>,
}

/// A headline number.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// Its name.
    pub name: &'static str,
    /// With its unit and interval.
    pub value: String,
    /// What to compare it with; may be empty.
    pub note: Span,
}

/// A finding: its subject, the problem and the remedy.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The subject; pieces that stand on one line.
    pub head: Vec<Span>,
    /// A sentence or two; may be empty.
    pub body: String,
    /// What to do about it; may be empty.
    pub remedy: String,
}

/// A table. Every row has one cell for each column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The headers.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Vec<Span>>,
    /// What is left out; empty if nothing is.
    pub footnote: String,
}

/// The header of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its text.
    pub head: String,
    /// How its cells are aligned.
    pub align: Align,
    /// Where space is short, the columns of the lowest rank are dropped first; those of rank 0 stay.
    pub rank: u8,
}

/// Names on the left, numbers on the right.
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
    /// Its meaning.
    pub tone: Tone,
}

/// The meaning of a piece of text. The words must say the same without it: not every page has colours.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    Plain,
    /// Read first.
    Strong,
    /// Read last.
    Quiet,
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// A caution.
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
    /// A fact with one or more values.
    pub fn new(label: impl Into<String>, items: Vec<Span>) -> Fact {
        Fact {
            label: label.into(),
            items,
        }
    }

    /// A fact with one value without a tone.
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

    /// The same column with this rank; low ranks are dropped first where space is short.
    pub fn rank(self, rank: u8) -> Column {
        Column { rank, ..self }
    }
}

/// How many of `tiles` stand in a row of at most `most`, so that all rows are about equally full.
pub fn in_a_row(tiles: usize, most: usize) -> usize {
    let rows = tiles.div_ceil(most.max(1)).max(1);
    tiles.div_ceil(rows).max(1)
}
