//! From SVG to PNG, with the bundled fonts and none of the machine's, so that output is the same everywhere.

use super::PictureError;
use super::canvas::{REGULAR, SEMIBOLD};
use resvg::usvg::fontdb;
use resvg::{tiny_skia, usvg};
use std::sync::{Arc, LazyLock};

/// More pixels than this take too much memory: 16 thousand by 16 thousand.
const MOST_PIXELS: f64 = 268_435_456.0;

/// The PNG of an SVG, with `pixel_ratio` pixels for each of the SVG's.
pub fn png(svg: &str, pixel_ratio: f64) -> Result<Vec<u8>, PictureError> {
    let tree = tree(svg)?;
    let (width, height) = (f64::from(tree.size().width()), f64::from(tree.size().height()));
    let (width, height) = ((width * pixel_ratio).round(), (height * pixel_ratio).round());
    if !(pixel_ratio.is_finite() && width >= 1.0 && height >= 1.0 && width * height <= MOST_PIXELS) {
        return Err(PictureError::Size { width, height });
    }
    let mut pixels = tiny_skia::Pixmap::new(width as u32, height as u32).ok_or(PictureError::Size { width, height })?;
    let scale = tiny_skia::Transform::from_scale(pixel_ratio as f32, pixel_ratio as f32);
    resvg::render(&tree, scale, &mut pixels.as_mut());
    pixels.encode_png().map_err(|e| PictureError::Render(e.to_string()))
}

/// The parsed SVG, as every renderer draws it.
pub fn tree(svg: &str) -> Result<usvg::Tree, PictureError> {
    // A name in a script that the fonts lack must not vanish from the picture.
    let svg: String = svg.chars().map(|c| if has_glyph(c) { c } else { '?' }).collect();
    usvg::Tree::from_str(&svg, &options()).map_err(|e| PictureError::Render(e.to_string()))
}

/// Whether the bundled fonts have this character, roughly; see `assets/fonts/README.md`.
pub fn has_glyph(c: char) -> bool {
    c < '\u{460}' || ('\u{2000}'..'\u{2800}').contains(&c)
}

/// One set of fonts for all pictures: a PDF of several embeds each font once.
fn options() -> usvg::Options<'static> {
    static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(REGULAR.to_vec());
        fonts.load_font_data(SEMIBOLD.to_vec());
        fonts.set_sans_serif_family("Inter");
        Arc::new(fonts)
    });
    usvg::Options {
        fontdb: FONTS.clone(),
        ..usvg::Options::default()
    }
}
