//! A page to draw on, in ordinary pixels, that becomes an SVG with the same bytes every time.
//!
//! plotters takes whole numbers only, so everything is drawn ten times as large and scaled down: curves stay smooth.
//! Text is measured with the bundled font, never with one of the machine's.

use super::theme::{Colours, Theme};
use crate::report::text::{is_number, kept_together, leanest, most_columns, shorten_name, visible, width};
use plotters::prelude::{DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, RGBColor, ShapeStyle, TextStyle, register_font};
use std::sync::Once;

pub(in crate::report) const REGULAR: &[u8] = include_bytes!("../../../assets/fonts/Inter-Regular.otf");
pub(in crate::report) const SEMIBOLD: &[u8] = include_bytes!("../../../assets/fonts/Inter-SemiBold.otf");

/// Drawing units per pixel.
const FINE: f64 = 10.0;
/// plotters divides the text size by this when it writes SVG.
const PLOTTERS_TEXT: f64 = 1.24;
const FAMILY: &str = "Inter";
/// For readers whose browser does not have Inter.
const FALLBACK: &str = "font-family=\"Inter, 'Helvetica Neue', Arial, sans-serif\"";

/// A rectangle in pixels.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Rect {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Rect {
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }

    /// Whether they share more than an edge.
    pub fn meets(&self, other: &Rect) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }

    /// Whether a straight line passes through it, sampled in steps that are small compared with text.
    pub fn is_crossed(&self, a: (f64, f64), b: (f64, f64)) -> bool {
        const STEP: f64 = 3.0;
        const MOST_STEPS: f64 = 400.0;
        let apart = |a: f64, b: f64, from: f64, to: f64| a.max(b) < from || a.min(b) > to;
        if apart(a.0, b.0, self.left, self.right) || apart(a.1, b.1, self.top, self.bottom) {
            return false;
        }
        let steps = (libm::hypot(b.0 - a.0, b.1 - a.1) / STEP).clamp(1.0, MOST_STEPS).ceil();
        let at = |t: f64| (a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1));
        let holds = |(x, y): (f64, f64)| x > self.left && x < self.right && y > self.top && y < self.bottom;
        (0..=steps as u32).any(|i| holds(at(f64::from(i) / steps)))
    }
}

/// How a text looks.
#[derive(Copy, Clone, Debug)]
pub struct Font {
    pub size: f64,
    pub bold: bool,
    pub colour: RGBColor,
}

/// Which end of a text its position refers to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// The page being drawn.
pub struct Canvas<'a> {
    backend: SVGBackend<'a>,
    pub colours: &'static Colours,
    zoom: Zoom,
}

/// Drawings are scaled down, then moved.
#[derive(Copy, Clone, Debug)]
struct Zoom {
    factor: f64,
    left: f64,
    top: f64,
}

impl Zoom {
    const NONE: Zoom = Zoom {
        factor: 1.0,
        left: 0.0,
        top: 0.0,
    };

    fn at(&self, x: f64, y: f64) -> (i32, i32) {
        (fine(self.left + x * self.factor), fine(self.top + y * self.factor))
    }
}

/// The SVG of what `draw` paints on a page of this size.
pub fn paint(width: f64, height: f64, theme: Theme, title: &str, draw: impl FnOnce(&mut Canvas<'_>)) -> String {
    register_fonts();
    let (fine_width, fine_height) = (fine(width), fine(height));
    let mut svg = String::new();
    {
        let mut canvas = Canvas {
            backend: SVGBackend::with_string(&mut svg, (fine_width as u32, fine_height as u32)),
            colours: theme.colours(),
            zoom: Zoom::NONE,
        };
        canvas.fill(
            Rect {
                left: 0.0,
                top: 0.0,
                right: width,
                bottom: height,
            },
            canvas.colours.page,
            1.0,
        );
        draw(&mut canvas);
        drawn(canvas.backend.present());
    }
    let body = svg.split_once('>').map_or("", |(_, body)| body);
    let body = body
        .replace(&format!("font-family=\"{FAMILY}\""), FALLBACK)
        .replace("\"bold\"", "\"600\"");
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {fine_width} {fine_height}\" role=\"img\" stroke-linejoin=\"round\">\n<title>{}</title>{body}",
        escape(&visible(title))
    )
}

impl Canvas<'_> {
    /// Draws at this scale, with this corner as the origin.
    pub fn zoomed(&mut self, factor: f64, corner: (f64, f64), draw: impl FnOnce(&mut Self)) {
        let before = self.zoom;
        let (left, top) = corner;
        self.zoom = Zoom { factor, left, top };
        draw(self);
        self.zoom = before;
    }

    /// A line through these points.
    pub fn path(&mut self, points: &[(f64, f64)], colour: RGBColor, width: f64) {
        let points: Vec<_> = points.iter().map(|p| self.zoom.at(p.0, p.1)).collect();
        let stroke = stroke(colour, 1.0, width * self.zoom.factor);
        drawn(self.backend.draw_path(points, &stroke));
    }

    /// A dashed line through these points.
    pub fn dashes(&mut self, points: &[(f64, f64)], colour: RGBColor, width: f64) {
        const DASH: f64 = 5.0;
        const CYCLE: f64 = 9.0;
        for ends in points.windows(2) {
            let ((x, y), (to_x, to_y)) = (ends[0], ends[1]);
            let length = libm::hypot(to_x - x, to_y - y);
            let at = |way: f64| {
                let t = (way / length).min(1.0);
                (x + t * (to_x - x), y + t * (to_y - y))
            };
            for i in 0..(length / CYCLE).ceil() as usize {
                let from = i as f64 * CYCLE;
                self.path(&[at(from), at(from + DASH)], colour, width);
            }
        }
    }

    /// The edge of a rectangle.
    pub fn frame(&mut self, r: Rect, colour: RGBColor, width: f64) {
        let corners = [
            (r.left, r.top),
            (r.right, r.top),
            (r.right, r.bottom),
            (r.left, r.bottom),
            (r.left, r.top),
        ];
        self.path(&corners, colour, width);
    }

    /// The area these points enclose.
    pub fn area(&mut self, points: &[(f64, f64)], colour: RGBColor, opacity: f64) {
        let points: Vec<_> = points.iter().map(|p| self.zoom.at(p.0, p.1)).collect();
        drawn(self.backend.fill_polygon(points, &stroke(colour, opacity, 0.0)));
    }

    /// A filled rectangle.
    pub fn fill(&mut self, r: Rect, colour: RGBColor, opacity: f64) {
        let (from, to) = (self.zoom.at(r.left, r.top), self.zoom.at(r.right, r.bottom));
        drawn(self.backend.draw_rect(from, to, &stroke(colour, opacity, 0.0), true));
    }

    /// A filled disc.
    pub fn dot(&mut self, x: f64, y: f64, radius: f64, colour: RGBColor) {
        let (at, radius) = (self.zoom.at(x, y), fine(radius * self.zoom.factor) as u32);
        drawn(self.backend.draw_circle(at, radius, &stroke(colour, 1.0, 0.0), true));
    }

    /// A line of text, vertically centred on `y`.
    pub fn text(&mut self, text: &str, x: f64, y: f64, anchor: Anchor, font: Font) {
        let h_pos = match anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        // plotters centres on lower-case letters; digits and capitals, which charts are full of, are taller.
        let y = y + 0.09 * font.size;
        let size = font.size * self.zoom.factor;
        let style = style(Font { size, ..font }).pos(Pos::new(h_pos, VPos::Center));
        let at = self.zoom.at(x, y);
        drawn(self.backend.draw_text(&visible(text), &style, at));
    }

    /// Text on a patch of the page's colour, for places where lines may pass behind it.
    pub fn text_on_patch(&mut self, text: &str, x: f64, y: f64, anchor: Anchor, font: Font) {
        let width = text_width(text, font);
        let left = match anchor {
            Anchor::Start => x,
            Anchor::Middle => x - width / 2.0,
            Anchor::End => x - width,
        };
        let half = font.size * 0.62;
        let patch = Rect {
            left: left - 2.0,
            top: y - half,
            right: left + width + 2.0,
            bottom: y + half,
        };
        self.fill(patch, self.colours.page, 0.85);
        self.text(text, x, y, anchor, font);
    }

    /// A font in the colour of ordinary text.
    pub fn ink(&self, size: f64) -> Font {
        Font {
            size,
            bold: false,
            colour: self.colours.ink,
        }
    }

    /// A font in the colour of secondary text.
    pub fn quiet(&self, size: f64) -> Font {
        Font {
            size,
            bold: false,
            colour: self.colours.quiet,
        }
    }

    /// A font for headings.
    pub fn bold(&self, size: f64) -> Font {
        Font {
            size,
            bold: true,
            colour: self.colours.ink,
        }
    }
}

/// A font to measure with: colour does not affect width.
pub fn plain(size: f64) -> Font {
    Font {
        size,
        bold: false,
        colour: Theme::Light.colours().ink,
    }
}

/// How wide the text will be, rounded up a little.
pub fn text_width(text: &str, font: Font) -> f64 {
    // Measuring never fails for a registered font. If it did, half an em a character is a fair guess.
    let guess = || (text.chars().count() as f64 * font.size * FINE * 0.5) as u32;
    let measured = style(font)
        .font
        .box_size(&visible(text))
        .map_or_else(|_| guess(), |(width, _)| width);
    f64::from(measured) / FINE
}

/// The text cut to this width, with … in the middle, where similar names differ least.
pub fn fitted(text: &str, font: Font, room: f64) -> String {
    let text = visible(text);
    let mut limit = width(&text).min(most_columns(room, font.size));
    let mut fitted = shorten_name(&text, limit);
    while limit > 1 && text_width(&fitted, font) > room {
        limit -= 1;
        fitted = shorten_name(&text, limit);
    }
    fitted
}

/// Text with numbers, in a shorter form where space is short. Text that is no number may be cut in the middle.
pub fn lean(text: &str, font: Font, room: f64) -> String {
    let lean = leanest(&visible(text), |text| text_width(text, font) <= room);
    if is_number(&lean) {
        lean
    } else {
        fitted(&lean, font, room)
    }
}

/// The text on as many lines of this width as it needs, at most `most`. The last line ends in … if text was cut.
pub fn wrapped(text: &str, font: Font, room: f64, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in kept_together(&visible(text)).split(' ').filter(|word| !word.is_empty()) {
        let full = lines.len() >= most;
        let line = lines.last_mut().expect("starts with one");
        let longer = if line.is_empty() {
            word.to_string()
        } else {
            format!("{line} {word}")
        };
        if line.is_empty() || text_width(&longer, font) <= room {
            *line = longer;
        } else if full {
            // Words are removed until the … fits.
            while let Some((before, _)) = line
                .rsplit_once(' ')
                .filter(|_| text_width(&format!("{line} …"), font) > room)
            {
                *line = before.to_owned();
            }
            line.push_str(" …");
            break;
        } else {
            lines.push(word.to_string());
        }
    }
    let whole = |line: String| fitted(&line.replace('\u{a0}', " "), font, room);
    lines.into_iter().map(whole).collect()
}

fn register_fonts() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (style, bytes) in [(FontStyle::Normal, REGULAR), (FontStyle::Bold, SEMIBOLD)] {
            assert!(
                register_font(FAMILY, style, bytes).is_ok(),
                "the bundled fonts can be read"
            );
        }
    });
}

fn style(font: Font) -> TextStyle<'static> {
    register_fonts();
    let weight = if font.bold { FontStyle::Bold } else { FontStyle::Normal };
    let size = font.size * FINE * PLOTTERS_TEXT;
    let mut style = TextStyle::from(FontDesc::new(FontFamily::Name(FAMILY), size, weight));
    style.color = font.colour.to_backend_color();
    style
}

fn stroke(colour: RGBColor, opacity: f64, width: f64) -> ShapeStyle {
    ShapeStyle {
        color: colour.mix(opacity),
        filled: true,
        stroke_width: fine(width) as u32,
    }
}

fn fine(pixels: f64) -> i32 {
    (pixels * FINE).round() as i32
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn drawn<T, E: std::fmt::Debug>(result: Result<T, E>) {
    result.map(drop).expect("drawing into a string cannot fail");
}
