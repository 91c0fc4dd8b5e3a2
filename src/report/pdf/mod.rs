//! A handout as PDF: pages of A4 or Letter, charts as vectors with text that can be selected, fonts embedded.
//!
//! `text` shapes and measures, `flow` stacks blocks and breaks pages, `table` sizes columns, `page` writes the pages.
//! The same handout gives the same bytes.

mod flow;
mod page;
mod table;
mod text;

use super::chart::{PictureError, Theme};
use super::handout::Handout;

/// The paper.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Paper {
    /// 210 × 297 mm.
    #[default]
    A4,
    /// 8.5 × 11 in.
    Letter,
}

impl Paper {
    /// Width and height in points.
    fn size(self) -> (f64, f64) {
        match self {
            Paper::A4 => (595.28, 841.89),
            Paper::Letter => (612.0, 792.0),
        }
    }
}

/// The bytes of the PDF.
///
/// # Errors
/// If a picture, or the whole, cannot be rendered: a fault of this program.
pub fn pdf(handout: &Handout<'_>, paper: Paper, theme: Theme) -> Result<Vec<u8>, PictureError> {
    let fonts = text::Fonts::new();
    let (width, height) = paper.size();
    let flow = flow::Flow::new(&fonts, theme, width, height);
    let (leaves, bookmarks) = flow.lay_out(handout)?;
    let book = page::Book {
        title: &handout.title,
        width,
        height,
        paper: theme.colours().page,
        leaves,
        bookmarks,
    };
    book.bytes(&fonts).map_err(PictureError::Render)
}
