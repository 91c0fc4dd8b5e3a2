//! Parses a picture with another library: which words it has, and where.
#![allow(dead_code, reason = "each test binary uses its own part")]

use resvg::usvg;
use std::sync::{Arc, OnceLock};

pub fn parse(svg: &str) -> usvg::Tree {
    static FONTS: OnceLock<Arc<usvg::fontdb::Database>> = OnceLock::new();
    let fonts = FONTS.get_or_init(|| {
        let mut fonts = usvg::fontdb::Database::new();
        fonts.load_font_data(include_bytes!("../../assets/fonts/Inter-Regular.otf").to_vec());
        fonts.load_font_data(include_bytes!("../../assets/fonts/Inter-SemiBold.otf").to_vec());
        Arc::new(fonts)
    });
    let options = usvg::Options {
        fontdb: fonts.clone(),
        ..usvg::Options::default()
    };
    usvg::Tree::from_str(svg, &options).expect("is an SVG")
}

/// Every text with the box of its glyphs.
pub fn texts(group: &usvg::Group, found: &mut Vec<(String, usvg::Rect)>) {
    for node in group.children() {
        match node {
            usvg::Node::Group(inner) => texts(inner, found),
            usvg::Node::Text(text) => {
                let words: String = text.chunks().iter().map(|c| c.text()).collect();
                found.push((words.trim().to_string(), text.abs_bounding_box()));
            }
            _ => {}
        }
    }
}

/// Whether two boxes overlap by more than the empty space above and below the letters of a line.
pub fn overlap(a: &usvg::Rect, b: &usvg::Rect) -> bool {
    let width = a.right().min(b.right()) - a.left().max(b.left());
    let height = a.bottom().min(b.bottom()) - a.top().max(b.top());
    width > 1.0 && height > 3.0
}

/// Describes the first text that covers another or leaves the page.
pub fn clash(tree: &usvg::Tree, found: &[(String, usvg::Rect)]) -> Option<String> {
    let page = tree.size();
    for (i, (words, a)) in found.iter().enumerate() {
        let inside = a.left() >= 0.0 && a.top() >= 0.0 && a.right() <= page.width() && a.bottom() <= page.height();
        if !inside {
            return Some(format!("{words:?} leaves the page: {a:?}"));
        }
        if let Some((others, b)) = found[i + 1..].iter().find(|(_, b)| overlap(a, b)) {
            return Some(format!("{words:?} {a:?} covers {others:?} {b:?}"));
        }
    }
    None
}
