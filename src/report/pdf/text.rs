//! Text for a PDF: shaped with the bundled fonts, measured as it will be drawn, broken into lines.

use krilla::text::{Font, GlyphId, KrillaGlyph};
use plotters::style::RGBColor;
use rustybuzz::{Face, UnicodeBuffer};

use crate::report::chart::{REGULAR, SEMIBOLD};
use crate::report::text::visible;

/// The style of a text.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Style {
    /// In points.
    pub size: f64,
    /// Bold.
    pub bold: bool,
    /// Its colour.
    pub colour: RGBColor,
}

/// One line, ready to be drawn.
#[derive(Clone, Debug)]
pub struct Line {
    /// The text.
    pub text: String,
    /// Its width in points.
    pub width: f64,
    /// Its glyphs.
    pub glyphs: Vec<KrillaGlyph>,
    /// Its style.
    pub style: Style,
}

/// The two weights, for shaping and for embedding.
pub struct Fonts {
    faces: [Face<'static>; 2],
    fonts: [Font; 2],
}

impl Fonts {
    /// The bundled ones.
    pub fn new() -> Fonts {
        let face = |bytes| Face::from_slice(bytes, 0).expect("the bundled fonts can be read");
        let font = |bytes: &'static [u8]| Font::new(bytes.into(), 0).expect("the bundled fonts can be embedded");
        Fonts {
            faces: [face(REGULAR), face(SEMIBOLD)],
            fonts: [font(REGULAR), font(SEMIBOLD)],
        }
    }

    /// The font to embed for this style.
    pub fn font(&self, style: Style) -> Font {
        self.fonts[usize::from(style.bold)].clone()
    }

    /// The text on one line, however wide.
    pub fn line(&self, text: &str, style: Style) -> Line {
        let face = &self.faces[usize::from(style.bold)];
        // A name in a script that the fonts lack must not vanish.
        let known = |c: char| if face.glyph_index(c).is_some() { c } else { '?' };
        let text: String = visible(text).chars().map(known).collect();
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(&text);
        let shaped = rustybuzz::shape(face, &[], buffer);
        let em = face.units_per_em() as f32;
        let starts: Vec<usize> = shaped.glyph_infos().iter().map(|g| g.cluster as usize).collect();
        let glyph = |(i, (info, at)): (usize, (&rustybuzz::GlyphInfo, &rustybuzz::GlyphPosition))| {
            let from = info.cluster as usize;
            let to = starts[i..].iter().copied().find(|s| *s > from).unwrap_or(text.len());
            KrillaGlyph::new(
                GlyphId::new(info.glyph_id),
                at.x_advance as f32 / em,
                at.x_offset as f32 / em,
                at.y_offset as f32 / em,
                0.0,
                from..to,
                None,
            )
        };
        let positions = shaped.glyph_positions();
        let advance: i32 = positions.iter().map(|p| p.x_advance).sum();
        Line {
            width: f64::from(advance) / f64::from(em) * style.size,
            glyphs: shaped
                .glyph_infos()
                .iter()
                .zip(positions)
                .enumerate()
                .map(glyph)
                .collect(),
            text,
            style,
        }
    }

    /// The width of the text on one line.
    pub fn width(&self, text: &str, style: Style) -> f64 {
        self.line(text, style).width
    }

    /// The text on as many lines of this width as it needs, broken between words, and inside a word that is longer than
    /// a line.
    pub fn wrapped(&self, text: &str, style: Style, room: f64) -> Vec<Line> {
        let mut lines: Vec<String> = vec![String::new()];
        let fits = |text: &str| self.width(text, style) <= room;
        for word in visible(text).split(' ').filter(|word| !word.is_empty()) {
            let line = lines.last_mut().expect("starts with one");
            let longer = if line.is_empty() {
                word.to_owned()
            } else {
                format!("{line} {word}")
            };
            if fits(&longer) {
                *line = longer;
            } else {
                if !line.is_empty() {
                    lines.push(String::new());
                }
                let mut pieces = self.pieces(word, style, room);
                *lines.last_mut().expect("starts with one") = pieces.remove(0);
                lines.extend(pieces);
            }
        }
        lines.iter().map(|line| self.line(line, style)).collect()
    }

    /// A word in pieces that fit, broken after a joining character where there is one.
    fn pieces(&self, word: &str, style: Style, room: f64) -> Vec<String> {
        let mut pieces = vec![String::new()];
        for c in word.chars() {
            let piece = pieces.last_mut().expect("starts with one");
            if !piece.is_empty() && self.width(&format!("{piece}{c}"), style) > room {
                let joint = piece.rfind(['-', '.', '_', '/', ':']).map(|at| at + 1);
                let rest = match joint.filter(|at| *at > piece.len() / 2) {
                    Some(at) => piece.split_off(at),
                    None => String::new(),
                };
                pieces.push(rest);
            }
            pieces.last_mut().expect("starts with one").push(c);
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style = Style {
        size: 10.0,
        bold: false,
        colour: RGBColor(0, 0, 0),
    };

    #[test]
    fn no_line_is_wider_than_its_room_and_nothing_is_lost() {
        let fonts = Fonts::new();
        let text = "a very-long-name-of-an-application-server-that-no-column-holds and then some words 1,234,567";
        for room in [30.0, 55.5, 120.0, 500.0] {
            let lines = fonts.wrapped(text, STYLE, room);
            for line in &lines {
                assert!(line.width <= room, "{} is {} wide in {room}", line.text, line.width);
            }
            let said: String = lines
                .iter()
                .flat_map(|l| l.text.chars())
                .filter(|c| *c != ' ')
                .collect();
            assert_eq!(said, text.replace(' ', ""));
        }
    }

    #[test]
    fn what_the_fonts_lack_is_marked() {
        assert_eq!(Fonts::new().line("web 負 → ok\u{202e}", STYLE).text, "web ? → ok");
    }
}
