//! Pictures of a result: a dashboard, a timeline, a distribution of latencies; as SVG, and from that as PNG.
//!
//! The same result and look give the same bytes. Names stand beside their lines instead of in legends.

mod axis;
mod canvas;
mod dashboard;
mod labels;
mod latency;
mod panel;
mod raster;
mod theme;
mod timeline;

pub(super) use canvas::{REGULAR, SEMIBOLD};
pub(super) use raster::tree;
pub use theme::Theme;

use super::summary::subtitle;
use super::timeline::timeline as timeline_of;
use super::view::{RunView, runs};
use crate::analysis::result::Document;
use canvas::{Anchor, Canvas, Rect, fitted, paint, wrapped};
use thiserror::Error;

/// Which picture.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// The headline numbers with the two pictures below.
    Dashboard,
    /// Availability, latency and rates over time.
    Timeline,
    /// The distribution of the latency.
    Latency,
}

impl Name {
    /// Each with the word for it, and what stands above it in a report.
    pub const ALL: [(Name, &'static str, &'static str); 3] = [
        (Name::Dashboard, "dashboard", "At a glance"),
        (Name::Timeline, "timeline", "How things went over time"),
        (Name::Latency, "latency", "How long requests took"),
    ];

    /// The word for it: `timeline`.
    pub fn word(self) -> &'static str {
        self.entry().1
    }

    /// What stands above it in a report.
    pub fn heading(self) -> &'static str {
        self.entry().2
    }

    fn entry(self) -> (Name, &'static str, &'static str) {
        let found = Name::ALL.into_iter().find(|(name, ..)| *name == self);
        found.expect("every name is in the list")
    }

    /// Those that this result gives.
    pub fn given_by(document: &Document) -> Vec<Name> {
        let names = Name::ALL.into_iter().map(|(name, ..)| name);
        names
            .filter(|name| svg(document, *name, &Look::default()).is_ok())
            .collect()
    }
}

/// How a picture is to look.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Look {
    /// Width in pixels, between 320 and 4096; what is drawn rearranges itself.
    pub width: u32,
    /// Pixels of a PNG to each of those.
    pub pixel_ratio: f64,
    /// For which page.
    pub theme: Theme,
    /// Whether it says what it is a picture of. A page that has said so leaves it out.
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
    /// A fault of this program: the SVG was its own.
    #[error("the picture could not be rendered: {0}")]
    Render(String),
}

/// Around every picture.
pub(super) const MARGIN: f64 = 24.0;
const HEAD: f64 = 62.0;
const LINE: f64 = 18.0;
const TIMELINE_HEIGHT: f64 = 560.0;
const LATENCY_HEIGHT: f64 = 440.0;

/// The picture as SVG.
pub fn svg(document: &Document, name: Name, look: &Look) -> Result<String, PictureError> {
    if !(320..=4096).contains(&look.width) {
        return Err(PictureError::Size {
            width: look.width.into(),
            height: 0.0,
        });
    }
    let width = f64::from(look.width);
    let runs = runs(document);
    match name {
        Name::Dashboard if runs.is_empty() => Err(PictureError::Nothing(
            "dashboard",
            "it draws what `fallover run` found".into(),
        )),
        Name::Dashboard => {
            let height = dashboard::height(document, width).ceil();
            let draw = |canvas: &mut Canvas<'_>| dashboard::draw(canvas, document, width, height);
            Ok(paint(width, height, look.theme, &title(document, &runs, ""), draw))
        }
        Name::Timeline => {
            let timeline = timeline_of(&runs).ok_or(PictureError::Nothing(
                "timeline",
                "nothing was measured over time".into(),
            ))?;
            let how = "Line: median of the replications. Band: nine of ten of them.";
            let draw = |canvas: &mut Canvas<'_>, area| timeline::draw(canvas, &timeline, area);
            // Between words there is less room than where it stands alone.
            let height = if look.headed {
                TIMELINE_HEIGHT
            } else {
                0.85 * TIMELINE_HEIGHT
            };
            Ok(titled(document, &runs, how, look, height, draw))
        }
        Name::Latency => {
            let sources = latency::sources(&runs);
            if sources.is_empty() {
                return Err(PictureError::Nothing("latency", "no request succeeded".into()));
            }
            let draw = |canvas: &mut Canvas<'_>, area| latency::draw(canvas, &sources, area);
            Ok(titled(document, &runs, "", look, LATENCY_HEIGHT, draw))
        }
    }
}

/// The PNG of such an SVG, with so many pixels to each of its own.
pub fn png(svg: &str, pixel_ratio: f64) -> Result<Vec<u8>, PictureError> {
    raster::png(svg, pixel_ratio)
}

/// A single chart under its title.
fn titled(
    document: &Document,
    runs: &[RunView<'_>],
    how: &str,
    look: &Look,
    height: f64,
    draw: impl FnOnce(&mut Canvas<'_>, Rect),
) -> String {
    let width = f64::from(look.width);
    let title = title(
        document,
        runs,
        if document.envelope.complete {
            ""
        } else {
            " (INCOMPLETE)"
        },
    );
    // How to read it is said in any case.
    let head = match look.headed {
        true => HEAD,
        false if how.is_empty() => 0.0,
        false => LINE,
    };
    let height = height - HEAD + head;
    paint(width, height, look.theme, &title, |canvas| {
        let room = width - 2.0 * MARGIN;
        let small = canvas.quiet(12.0);
        let line = |canvas: &mut Canvas<'_>, says: &str, y: f64| {
            let line = wrapped(says, small, room, 1).concat();
            canvas.text(&line, MARGIN, MARGIN + y, Anchor::Start, small);
        };
        if look.headed {
            let big = canvas.bold(17.0);
            canvas.text(&fitted(&title, big, room), MARGIN, MARGIN + 6.0, Anchor::Start, big);
            line(canvas, &subtitle(document), 27.0);
        }
        line(canvas, how, head - LINE);
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

fn title(document: &Document, runs: &[RunView<'_>], suffix: &str) -> String {
    match runs.len() {
        0 | 1 => format!("{}{suffix}", document.envelope.scenario.name),
        n => format!("{n} scenarios{suffix}"),
    }
}
