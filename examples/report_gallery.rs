//! Shows every sample result as users see it: text on the terminal, pictures and pages in a directory.
//!
//! For visual inspection: `cargo run --example report_gallery -- DIRECTORY`.

#[path = "../tests/samples/mod.rs"]
mod samples;

use fallover::report::chart::{self, Look, Name, Theme};
use fallover::report::pdf::Paper;
use fallover::report::sink::{Output, Printing};
use fallover::report::terminal::Terminal;
use std::path::PathBuf;

fn main() -> anyhow::Result<()> {
    let directory = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    for (sample, document) in samples::all() {
        println!("──── {sample}");
        print!(
            "{}",
            Terminal {
                width: 80,
                colour: false
            }
            .render(&fallover::report::words(&document))
        );
        for (end, paper) in [
            ("a4.pdf", Paper::A4),
            ("letter.pdf", Paper::Letter),
            ("html", Paper::A4),
        ] {
            let page = Output::parse(&directory.join(format!("{sample}.{end}")))?;
            let printing = Printing {
                paper,
                ..Printing::default()
            };
            page.write(std::slice::from_ref(&document), &printing)?;
        }
        for (name, chart, _) in Name::ALL {
            for (width, theme, suffix) in [(1200, Theme::Light, "light"), (640, Theme::Dark, "dark")] {
                let look = Look {
                    width,
                    pixel_ratio: 1.5,
                    theme,
                    ..Look::default()
                };
                // Not every result has every chart.
                if let Ok(svg) = chart::svg(&document, name, &look) {
                    let path = directory.join(format!("{sample}-{chart}-{width}-{suffix}.png"));
                    std::fs::write(path, chart::png(&svg, look.pixel_ratio)?)?;
                }
            }
        }
    }
    Ok(())
}
