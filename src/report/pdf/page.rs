//! Pages and their content: text, rectangles, pictures and links, each at its position; and the bytes of the file.
//!
//! It makes no layout decisions. Everything is measured from the top left corner, in points.

use krilla::Document;
use krilla::annotation::{Annotation, LinkAnnotation, Target};
use krilla::color::rgb;
use krilla::destination::{Destination, XyzDestination};
use krilla::geom::{PathBuilder, Point, Rect, Size, Transform};
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla_svg::{SurfaceExt, SvgSettings};
use plotters::style::RGBColor;
use resvg::usvg::Tree;

use super::text::{Fonts, Line};

/// A rectangle on a page.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Area {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

/// One thing on a page.
pub enum Mark {
    /// A line of text, from the left end of its baseline.
    Text(f64, f64, Line),
    /// A filled rectangle.
    Fill(Area, RGBColor),
    /// A picture.
    Picture(Area, Box<Tree>),
    /// An area that links to another page.
    Link(Area, usize),
}

/// Everything on one page, in drawing order.
#[derive(Default)]
pub struct Leaf {
    pub marks: Vec<Mark>,
}

/// An entry of the outline that a PDF viewer shows next to the pages.
pub struct Bookmark {
    /// 0 for a part, 1 for a heading within it.
    pub level: usize,
    pub text: String,
    pub page: usize,
    pub top: f64,
}

/// The file.
pub struct Book<'a> {
    pub title: &'a str,
    pub width: f64,
    pub height: f64,
    pub paper: RGBColor,
    pub leaves: Vec<Leaf>,
    pub bookmarks: Vec<Bookmark>,
}

impl Book<'_> {
    /// The bytes of the PDF. The same book gives the same bytes.
    pub fn bytes(&self, fonts: &Fonts) -> Result<Vec<u8>, String> {
        let mut document = Document::new();
        for leaf in &self.leaves {
            let settings = PageSettings::from_wh(self.width as f32, self.height as f32).ok_or("a page has no size")?;
            let mut page = document.start_page_with(settings);
            let mut surface = page.surface();
            let whole = Area {
                left: 0.0,
                top: 0.0,
                width: self.width,
                height: self.height,
            };
            if self.paper != RGBColor(255, 255, 255) {
                fill(&mut surface, whole, self.paper);
            }
            // A picture brings its own background, which must not cover what stands at its margin.
            let is_picture = |mark: &&Mark| matches!(mark, Mark::Picture(..));
            let pictures = leaf.marks.iter().filter(is_picture);
            let others = leaf.marks.iter().filter(|mark| !is_picture(mark));
            pictures.chain(others).for_each(|mark| draw(&mut surface, mark, fonts));
            surface.finish();
            for (area, target) in leaf.marks.iter().filter_map(link) {
                let there = Destination::Xyz(XyzDestination::new(target, Point::from_xy(0.0, 0.0)));
                if let Some(area) = rect(area) {
                    let annotation = LinkAnnotation::new(area, Target::Destination(there));
                    page.add_annotation(Annotation::new_link(annotation, None));
                }
            }
            page.finish();
        }
        document.set_outline(self.outline());
        let metadata = Metadata::new().title(self.title.into()).language("en".into());
        document.set_metadata(metadata.creator(format!("fallover {}", env!("CARGO_PKG_VERSION"))));
        document.finish().map_err(|e| format!("{e:?}"))
    }

    fn outline(&self) -> Outline {
        let node = |b: &Bookmark| {
            let place = XyzDestination::new(b.page, Point::from_xy(0.0, b.top as f32));
            OutlineNode::new(b.text.clone(), place)
        };
        let mut outline = Outline::new();
        let starts = self.bookmarks.iter().enumerate().filter(|(_, b)| b.level == 0);
        for (i, part) in starts {
            let mut parent = node(part);
            let inside = self.bookmarks[i + 1..].iter().take_while(|b| b.level > 0);
            inside.for_each(|b| parent.push_child(node(b)));
            outline.push_child(parent);
        }
        outline
    }
}

fn link(mark: &Mark) -> Option<(Area, usize)> {
    match mark {
        Mark::Link(area, page) => Some((*area, *page)),
        _ => None,
    }
}

fn draw(surface: &mut Surface<'_>, mark: &Mark, fonts: &Fonts) {
    match mark {
        Mark::Text(x, y, line) => {
            surface.set_fill(Some(paint(line.style.colour)));
            let start = Point::from_xy(*x as f32, *y as f32);
            surface.draw_glyphs(
                start,
                &line.glyphs,
                fonts.font(line.style),
                &line.text,
                line.style.size as f32,
                false,
            );
        }
        Mark::Fill(area, colour) => fill(surface, *area, *colour),
        Mark::Picture(area, tree) => {
            let Some(size) = Size::from_wh(area.width as f32, area.height as f32) else {
                return;
            };
            surface.push_transform(&Transform::from_translate(area.left as f32, area.top as f32));
            let _ = surface.draw_svg(tree, size, SvgSettings::default());
            surface.pop();
        }
        Mark::Link(..) => {}
    }
}

fn fill(surface: &mut Surface<'_>, area: Area, colour: RGBColor) {
    let mut path = PathBuilder::new();
    if let Some(rect) = rect(area) {
        path.push_rect(rect);
    }
    if let Some(path) = path.finish() {
        surface.set_fill(Some(paint(colour)));
        surface.draw_path(&path);
    }
}

fn rect(area: Area) -> Option<Rect> {
    Rect::from_xywh(area.left as f32, area.top as f32, area.width as f32, area.height as f32)
}

fn paint(colour: RGBColor) -> Fill {
    Fill {
        paint: rgb::Color::new(colour.0, colour.1, colour.2).into(),
        opacity: NormalizedF32::ONE,
        rule: krilla::paint::FillRule::NonZero,
    }
}
