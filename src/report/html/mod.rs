//! A handout as one self-contained HTML file: pictures inline, its own style, a few lines of script.
//!
//! Everything that comes from a scenario passes through the template's escaping. Only the pictures, which do their own
//! escaping, are marked as safe.

mod curves;
mod fonts;

use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, context};
use serde::Serialize;

use super::chart::{self, Look, PictureError, Theme};
use super::document::{Align, Block, Span, Table, Tone};
use super::handout::{Handout, Part};
use super::text::visible;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// Pixels of a chart across the page.
const CHART: u32 = 960;

/// The text of the page.
///
/// # Errors
/// If a picture cannot be rendered: a fault of this program.
pub fn html(handout: &Handout<'_>, theme: Theme) -> Result<String, PictureError> {
    let failed = |e: minijinja::Error| PictureError::Render(e.to_string());
    let parts = handout
        .parts
        .iter()
        .enumerate()
        .map(|(i, part)| self::part(part, i, theme));
    let parts: Vec<PartView> = parts.collect::<Result<_, _>>()?;
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("page", TEMPLATE).map_err(failed)?;
    let page = environment.get_template("page").map_err(failed)?;
    page.render(context! {
        title => visible(&handout.title),
        date => handout.date.as_deref().map(visible),
        theme => match theme { Theme::Light => "light", Theme::Dark => "dark" },
        style => Value::from_safe_string(fonts::rules() + STYLE),
        script => Value::from_safe_string(SCRIPT.into()),
        version => env!("CARGO_PKG_VERSION"),
        parts => Value::from(Serde(&parts)),
    })
    .map_err(failed)
}

#[derive(Serialize)]
struct PartView {
    id: String,
    title: String,
    subtitle: String,
    command: String,
    scenario: String,
    digest: String,
    seed: Option<u64>,
    version: String,
    warning: Option<String>,
    blocks: Vec<BlockView>,
    origin: Vec<FactView>,
}

#[derive(Serialize)]
struct FactView {
    label: String,
    items: Vec<SpanView>,
}

#[derive(Serialize)]
struct SpanView {
    text: String,
    tone: &'static str,
}

#[derive(Serialize)]
struct NumberView {
    name: &'static str,
    value: String,
    note: SpanView,
}

#[derive(Serialize)]
struct ColumnView {
    head: String,
    align: &'static str,
}

/// The variants that the template distinguishes by `kind`.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum BlockView {
    Heading {
        text: String,
    },
    Answer {
        sentences: Vec<SpanView>,
    },
    Numbers {
        numbers: Vec<NumberView>,
    },
    Facts {
        facts: Vec<FactView>,
    },
    Table {
        columns: Vec<ColumnView>,
        rows: Vec<Vec<SpanView>>,
        footnote: String,
    },
    Picture {
        heading: &'static str,
        svg: Value,
        curves: Option<Value>,
    },
    Point {
        head: Vec<SpanView>,
        body: String,
        remedy: String,
    },
    Note {
        span: SpanView,
    },
}

fn part(part: &Part<'_>, number: usize, theme: Theme) -> Result<PartView, PictureError> {
    let envelope = &part.document.envelope;
    let blocks = part.report.blocks.iter().map(|b| block(b, part, theme));
    let blocks = blocks.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    Ok(PartView {
        id: format!("part-{}", number + 1),
        title: visible(&part.report.title),
        subtitle: visible(&part.report.subtitle),
        command: visible(&envelope.command),
        scenario: visible(&envelope.scenario.name),
        digest: visible(&envelope.scenario.digest),
        seed: envelope.seed,
        version: visible(&part.document.engine.version),
        warning: part.warning.clone(),
        blocks,
        origin: facts(&part.origin),
    })
}

fn block(block: &Block, part: &Part<'_>, theme: Theme) -> Result<Option<BlockView>, PictureError> {
    Ok(Some(match block {
        Block::Heading(text) => BlockView::Heading { text: visible(text) },
        Block::Answer(sentences) => BlockView::Answer {
            sentences: sentences.iter().map(span).collect(),
        },
        Block::Numbers(numbers) => BlockView::Numbers {
            numbers: numbers
                .iter()
                .map(|n| NumberView {
                    name: n.name,
                    value: visible(&n.value),
                    note: span(&n.note),
                })
                .collect(),
        },
        Block::Facts(all) => BlockView::Facts { facts: facts(all) },
        Block::Table(found) => table(found),
        Block::Picture(name) => return picture(part, *name, theme),
        Block::Point(point) => BlockView::Point {
            head: point.head.iter().map(span).collect(),
            body: visible(&point.body),
            remedy: visible(&point.remedy),
        },
        Block::Note(note) => BlockView::Note { span: span(note) },
        Block::Timeline(_) => return Ok(None),
    }))
}

fn picture(part: &Part<'_>, name: chart::Name, theme: Theme) -> Result<Option<BlockView>, PictureError> {
    let look = Look {
        width: CHART,
        theme,
        headed: false,
        ..Look::default()
    };
    match chart::svg(part.document, name, &look) {
        Err(PictureError::Nothing(..)) => Ok(None),
        Err(other) => Err(other),
        Ok(svg) => Ok(Some(BlockView::Picture {
            heading: name.heading(),
            svg: Value::from_safe_string(svg),
            curves: curves::behind(part.document, name).map(Value::from_safe_string),
        })),
    }
}

fn table(table: &Table) -> BlockView {
    let column = |c: &super::document::Column| ColumnView {
        head: visible(&c.head),
        align: match c.align {
            Align::Left => "left",
            Align::Right => "right",
        },
    };
    BlockView::Table {
        columns: table.columns.iter().map(column).collect(),
        rows: table.rows.iter().map(|row| row.iter().map(span).collect()).collect(),
        footnote: visible(&table.footnote),
    }
}

fn facts(facts: &[super::document::Fact]) -> Vec<FactView> {
    let fact = |f: &super::document::Fact| FactView {
        label: visible(&f.label),
        items: f.items.iter().map(span).collect(),
    };
    facts.iter().map(fact).collect()
}

fn span(span: &Span) -> SpanView {
    SpanView {
        text: visible(&span.text),
        tone: match span.tone {
            Tone::Plain => "plain",
            Tone::Strong => "strong",
            Tone::Quiet => "quiet",
            Tone::Good => "good",
            Tone::Bad => "bad",
            Tone::Caution => "caution",
        },
    }
}
