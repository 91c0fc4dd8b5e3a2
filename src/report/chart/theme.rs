//! The colours of pictures, for light and for dark pages.
//!
//! The lines are Okabe and Ito's palette (jfly.uni-koeln.de/color), which colour-blind readers can tell apart; on dark
//! pages the same hues, lightened.

use plotters::style::RGBColor;

use crate::report::document::Tone;

/// The page the picture is for.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Dark on white.
    #[default]
    Light,
    /// Light on black.
    Dark,
}

/// Every colour a picture uses.
#[derive(Copy, Clone, Debug)]
pub struct Colours {
    pub page: RGBColor,
    pub tile: RGBColor,
    pub ink: RGBColor,
    pub quiet: RGBColor,
    pub grid: RGBColor,
    pub fault: RGBColor,
    pub good: RGBColor,
    pub bad: RGBColor,
    lines: [RGBColor; 7],
}

/// A colour by its meaning, for pictures that are built before the page is known.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Ink {
    /// Ordinary text.
    #[default]
    Plain,
    /// Secondary text.
    Quiet,
    /// Barely visible.
    Grid,
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Broken, or about to.
    Fault,
    /// The colour of the n-th line.
    Line(usize),
}

impl Colours {
    /// The colour of this meaning.
    pub fn of(&self, ink: Ink) -> RGBColor {
        match ink {
            Ink::Plain => self.ink,
            Ink::Quiet => self.quiet,
            Ink::Grid => self.grid,
            Ink::Good => self.good,
            Ink::Bad => self.bad,
            Ink::Fault => self.fault,
            Ink::Line(n) => self.line(n),
        }
    }

    /// The colour of text in this tone.
    pub fn said(&self, tone: Tone) -> RGBColor {
        match tone {
            Tone::Plain | Tone::Strong => self.ink,
            Tone::Quiet => self.quiet,
            Tone::Good => self.good,
            Tone::Bad => self.bad,
            Tone::Caution => self.fault,
        }
    }

    /// The colour of the n-th line. After seven the colours repeat, and the labels must tell the lines apart.
    pub fn line(&self, n: usize) -> RGBColor {
        self.lines[n % self.lines.len()]
    }
}

impl Theme {
    /// The colours of this theme.
    pub fn colours(self) -> &'static Colours {
        match self {
            Theme::Light => &LIGHT,
            Theme::Dark => &DARK,
        }
    }
}

static LIGHT: Colours = Colours {
    page: RGBColor(255, 255, 255),
    tile: RGBColor(244, 246, 248),
    ink: RGBColor(27, 31, 36),
    quiet: RGBColor(91, 101, 112),
    grid: RGBColor(226, 230, 234),
    fault: RGBColor(176, 58, 0),
    good: RGBColor(0, 112, 82),
    bad: RGBColor(179, 38, 30),
    lines: [
        RGBColor(0, 114, 178),
        RGBColor(213, 94, 0),
        RGBColor(0, 138, 100),
        RGBColor(184, 92, 142),
        RGBColor(190, 128, 0),
        RGBColor(58, 148, 205),
        RGBColor(80, 80, 80),
    ],
};

static DARK: Colours = Colours {
    page: RGBColor(20, 24, 29),
    tile: RGBColor(31, 37, 44),
    ink: RGBColor(232, 235, 238),
    quiet: RGBColor(154, 165, 177),
    grid: RGBColor(44, 51, 60),
    fault: RGBColor(255, 150, 90),
    good: RGBColor(60, 200, 150),
    bad: RGBColor(255, 120, 110),
    lines: [
        RGBColor(79, 168, 224),
        RGBColor(255, 138, 76),
        RGBColor(44, 197, 155),
        RGBColor(229, 154, 196),
        RGBColor(242, 177, 52),
        RGBColor(143, 208, 247),
        RGBColor(200, 200, 200),
    ],
};
