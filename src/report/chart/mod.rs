//! Pictures of a result, each by its name, and a dashboard of those that answer the command's question; as SVG, and
//! from that as PNG.
//!
//! The same result and look give the same bytes. Curves are labelled directly instead of by a legend.

mod axis;
mod bars;
mod canvas;
mod curve;
mod dashboard;
mod knee;
mod labels;
mod latency;
mod panel;
mod raster;
mod rows;
mod theme;
mod timeline;
mod topology;
mod tornado;
mod tracks;

pub(super) use canvas::{REGULAR, SEMIBOLD};
pub(super) use dashboard::rows as dashboard_of;
pub(super) use raster::{has_glyph, tree};
pub use theme::Theme;

use super::summary::subtitle;
use super::timeline::timeline as timeline_of;
use super::view::{MOST_LINES, runs, telling};
use super::words;
use crate::analysis::result::{Answer, Document};
use canvas::{Anchor, Canvas, Rect, fitted, paint, plain, wrapped};
use thiserror::Error;

/// Which picture.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// The headline numbers with the pictures that answer the command's question.
    Dashboard,
    /// The stack: who calls whom, and what failed or limits.
    Topology,
    /// Availability, latency and rates over time.
    Timeline,
    /// The distribution of the latency.
    Latency,
    /// Utilisation of every component with a limit.
    Utilization,
    /// How the mean request's time is spent.
    Waterfall,
    /// Downtime by component, or by cause.
    Spof,
    /// Latency and goodput against the load.
    Knee,
    /// What differs between designs.
    Difference,
    /// Latency and availability along an input.
    Curve,
    /// How far each input moves the outputs.
    Tornado,
    /// Availability in nines.
    Nines,
}

impl Name {
    /// Each picture with its word and its heading in a report.
    pub const ALL: [(Name, &'static str, &'static str); 12] = [
        (Name::Dashboard, "dashboard", "At a glance"),
        (Name::Topology, "topology", "The stack"),
        (Name::Timeline, "timeline", "How things went over time"),
        (Name::Latency, "latency", "How long requests took"),
        (Name::Utilization, "utilization", "How busy everything was"),
        (Name::Waterfall, "waterfall", "Where the time goes"),
        (Name::Spof, "spof", "What losses cost"),
        (Name::Knee, "knee", "How much it carries"),
        (Name::Difference, "difference", "What differs"),
        (Name::Curve, "curve", "What becomes of it"),
        (Name::Tornado, "tornado", "What matters most"),
        (Name::Nines, "nines", "How available it is"),
    ];

    /// Its word: `timeline`.
    pub fn word(self) -> &'static str {
        self.entry().1
    }

    /// Its heading in a report.
    pub fn heading(self) -> &'static str {
        self.entry().2
    }

    fn entry(self) -> (Name, &'static str, &'static str) {
        let found = Name::ALL.into_iter().find(|(name, ..)| *name == self);
        found.expect("every name is in the list")
    }

    /// The pictures that this result gives.
    pub fn given_by(document: &Document) -> Vec<Name> {
        let names = Name::ALL.into_iter().map(|(name, ..)| name);
        let gives =
            |name: &Name| *name == Name::Dashboard || drawing(document, *name, Look::default().width.into()).is_ok();
        names.filter(gives).collect()
    }
}

/// Paints a picture into an area.
type Paint<'a> = Box<dyn FnOnce(&mut Canvas<'_>, Rect) + 'a>;

/// A picture without the title and captions around it.
pub(super) struct Drawing<'a> {
    /// How to read it, in one line; may be empty.
    how: String,
    /// Its height at the width it was made for.
    height: f64,
    draw: Paint<'a>,
}

/// The drawing of this name, `room` wide.
fn drawing(document: &Document, name: Name, room: f64) -> Result<Drawing<'_>, PictureError> {
    let nothing = |why: &str| PictureError::Nothing(name.word(), why.into());
    match name {
        Name::Dashboard => Err(nothing("it is a page of drawings")),
        Name::Topology => topology::of(document, room).ok_or_else(|| {
            nothing("it draws one stack, as `run`, `capacity`, `spof` and `availability` give it, and `compare` of designs that share it")
        }),
        Name::Timeline => {
            let timeline = timeline_of(&telling(&runs(document))).ok_or_else(|| nothing("nothing was measured over time"))?;
            Ok(Drawing {
                how: format!("Line: median of the replications. Band: nine of ten of them.{}", told_of(document)),
                height: TIMELINE_HEIGHT,
                draw: Box::new(move |canvas, area| timeline::draw(canvas, &timeline, area)),
            })
        }
        Name::Latency => {
            let sources = latency::sources(&telling(&runs(document)));
            if sources.is_empty() {
                return Err(nothing("no request succeeded"));
            }
            Ok(Drawing {
                how: told_of(document).trim_start().to_owned(),
                height: LATENCY_HEIGHT,
                draw: Box::new(move |canvas, area| latency::draw(canvas, &sources, area)),
            })
        }
        Name::Utilization => rows::utilization(document),
        Name::Waterfall => rows::waterfall(document),
        Name::Spof => rows::losses(document),
        Name::Knee => knee::knee(document),
        Name::Difference => rows::differences(document),
        Name::Curve => curve::curve(document),
        Name::Tornado => tornado::tornado(document),
        Name::Nines => rows::nines(document),
    }
}

/// Which of many designs have a line.
fn told_of(document: &Document) -> String {
    match runs(document).len() {
        all if all > MOST_LINES => format!(
            " Drawn: the first of {all}, and the {} that lose or wait most.",
            MOST_LINES - 1
        ),
        _ => String::new(),
    }
}

/// How a picture is to look.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Look {
    /// Width in pixels, between 320 and 4096; the layout adapts.
    pub width: u32,
    /// PNG pixels per pixel of width.
    pub pixel_ratio: f64,
    /// For which page.
    pub theme: Theme,
    /// Whether the picture has its own heading. A page that has already given one leaves it out.
    pub headed: bool,
}

impl Default for Look {
    fn default() -> Self {
        Look {
            width: 1200,
            pixel_ratio: 2.0,
            theme: Theme::Light,
            headed: true,
        }
    }
}

/// Why there is no picture.
#[derive(Debug, Error)]
pub enum PictureError {
    /// The result does not hold what this picture shows.
    #[error("this result has nothing for the chart `{0}`: {1}")]
    Nothing(&'static str, String),
    /// Too large to draw, or too small.
    #[error(
        "a picture of {width} × {height} pixels cannot be drawn; try a --width of 320 to 4096 or another --pixel-ratio"
    )]
    Size {
        /// In pixels of the picture.
        width: f64,
        /// In pixels of the picture; 0 where the width alone is at fault.
        height: f64,
    },
    /// A bug in this program: it produced the SVG itself.
    #[error("the picture could not be rendered: {0}")]
    Render(String),
}

/// The margin around every picture.
pub(super) const MARGIN: f64 = 24.0;
const HEAD: f64 = 62.0;
const LINE: f64 = 18.0;
const SMALL: f64 = 12.0;
/// A picture's reading instructions take at most this many lines.
const MOST_LINES_OF_READING: usize = 3;
/// Height without the title and captions.
const TIMELINE_HEIGHT: f64 = 460.0;
const LATENCY_HEIGHT: f64 = 342.0;

/// The picture as SVG.
pub fn svg(document: &Document, name: Name, look: &Look) -> Result<String, PictureError> {
    if !(320..=4096).contains(&look.width) {
        return Err(PictureError::Size {
            width: look.width.into(),
            height: 0.0,
        });
    }
    let width = f64::from(look.width);
    match name {
        Name::Dashboard => Ok(dashboard::svg(document, width, look.theme)),
        _ => drawing(document, name, width - 2.0 * MARGIN).map(|drawing| titled(document, drawing, look)),
    }
}

/// The PNG of such an SVG, with `pixel_ratio` pixels for each of the SVG's.
pub fn png(svg: &str, pixel_ratio: f64) -> Result<Vec<u8>, PictureError> {
    raster::png(svg, pixel_ratio)
}

/// A single chart under its title.
fn titled(document: &Document, drawing: Drawing<'_>, look: &Look) -> String {
    let Drawing { how, height, draw } = drawing;
    let width = f64::from(look.width);
    let (mut title, subtitle) = captions(document);
    if !document.envelope.complete {
        title += " (INCOMPLETE)";
    }
    // The reading instructions are always shown in full.
    let reads = match how.is_empty() {
        true => Vec::new(),
        false => wrapped(&how, plain(SMALL), width - 2.0 * MARGIN, MOST_LINES_OF_READING),
    };
    let head = match look.headed {
        true => HEAD + reads.len().saturating_sub(1) as f64 * LINE,
        false => reads.len() as f64 * LINE,
    };
    let height = (MARGIN + head + height + MARGIN / 2.0).ceil();
    paint(width, height, look.theme, &title, |canvas| {
        let room = width - 2.0 * MARGIN;
        let small = canvas.quiet(SMALL);
        let line = |canvas: &mut Canvas<'_>, says: &str, y: f64| {
            let line = wrapped(says, small, room, 1).concat();
            canvas.text(&line, MARGIN, MARGIN + y, Anchor::Start, small);
        };
        if look.headed {
            let big = canvas.bold(17.0);
            canvas.text(&fitted(&title, big, room), MARGIN, MARGIN + 6.0, Anchor::Start, big);
            line(canvas, &subtitle, 27.0);
        }
        for (i, says) in reads.iter().enumerate() {
            line(canvas, says, head - (reads.len() - i) as f64 * LINE);
        }
        draw(
            canvas,
            Rect {
                left: MARGIN,
                top: MARGIN + head,
                right: width - MARGIN,
                bottom: height - MARGIN / 2.0,
            },
        );
    })
}

/// What the picture shows, and how the numbers were obtained.
fn captions(document: &Document) -> (String, String) {
    match &document.answer {
        Answer::Run(_) => (document.envelope.scenario.name.clone(), subtitle(document)),
        Answer::Runs(several) => (format!("{} scenarios", several.runs.len()), subtitle(document)),
        _ => {
            let report = words(document);
            (report.title, report.subtitle)
        }
    }
}
