//! `fallover report`: turns results into a handout.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::deliver::{said, write};
use super::exit::{self, Failure};
use super::files::Files;
use crate::analysis::result::Document;
use crate::report::chart::{Look, Name, Theme};
use crate::report::pdf::Paper;
use crate::report::sink::{Output, Printing};
use crate::report::terminal::Terminal;
use crate::report::words;

/// Turn results into a report to hand on: PDF, HTML, PNG or SVG
#[derive(Debug, Args)]
pub struct Report {
    /// Results, as `-o FILE.json` or `--json` of any command wrote them; several are bound into one PDF or HTML
    #[arg(required = true, value_name = "RESULT.json")]
    results: Vec<PathBuf>,
    /// What to write: .pdf or .html, or of one result .png or .svg (repeatable); without any, the terminal shows the results
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    output: Vec<PathBuf>,
    /// Which chart a .png or .svg shows, instead of the dashboard
    #[arg(long, value_name = "NAME", value_parser = chart)]
    chart: Option<Name>,
    /// Width of a .png or .svg in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = Look::default().width, value_parser = clap::value_parser!(u32).range(320..=4096))]
    width: u32,
    /// Pixels of a .png to each of those
    #[arg(long, value_name = "R", default_value_t = Look::default().pixel_ratio, value_parser = ratio)]
    pixel_ratio: f64,
    /// Dark on light, or light on dark
    #[arg(long, value_enum, default_value_t = ThemeWord::Light)]
    theme: ThemeWord,
    /// Paper of a .pdf
    #[arg(long, value_enum, default_value_t = PaperWord::A4)]
    paper: PaperWord,
    /// A date to print; without one there is none, so that the same result gives the same bytes
    #[arg(long, value_name = "TEXT")]
    date: Option<String>,
}

#[derive(Copy, Clone, Debug, ValueEnum)]
enum ThemeWord {
    Light,
    Dark,
}

#[derive(Copy, Clone, Debug, ValueEnum)]
enum PaperWord {
    A4,
    Letter,
}

impl Report {
    /// Reads all results, then writes all files, or prints the results if there is no file to write.
    pub fn run(self) -> Result<(), Failure> {
        let documents = self.documents()?;
        let outputs: Vec<Output> = self.output.iter().map(|p| Output::parse(p)).collect::<Result<_, _>>()?;
        if let (Some(chart), false) = (self.chart, outputs.iter().any(Output::is_picture)) {
            let says = "is one picture, and no .png or .svg is to be written; a .pdf or .html holds all of them";
            return Err(Failure::BadInput(format!("--chart {} {says}", chart.word())));
        }
        if outputs.is_empty() {
            let terminal = Terminal::of_stdout();
            let shown: Vec<String> = documents.iter().map(|d| terminal.render(&words(d))).collect();
            return exit::print(&shown.join("\n"));
        }
        let printing = self.printing();
        let failed = outputs.iter().filter_map(|o| write(o, &documents, &printing).err());
        said(failed)
    }

    fn documents(&self) -> Result<Vec<Document>, Failure> {
        let (mut documents, mut failures, mut files) = (Vec::new(), Vec::new(), Files::default());
        for path in &self.results {
            files.reads(path, "a result of this report");
            let text = std::fs::read_to_string(path);
            let text = text.map_err(|e| match e.kind() {
                std::io::ErrorKind::InvalidData => {
                    Failure::BadInput(format!("{}: it is no text, so no result", path.display()))
                }
                _ => Failure::Unreadable(format!("{}: {e}", path.display())),
            });
            let read =
                |text: String| Document::read(&text).map_err(|e| Failure::BadInput(format!("{}: {e}", path.display())));
            match text.and_then(read) {
                Ok(document) => documents.push(document),
                Err(failure) => failures.push(failure),
            }
        }
        failures.extend(self.output.iter().filter_map(|path| files.writes(path).err()));
        said(failures).map(|()| documents)
    }

    fn printing(&self) -> Printing {
        Printing {
            chart: self.chart,
            look: Look {
                width: self.width,
                pixel_ratio: self.pixel_ratio,
                theme: match self.theme {
                    ThemeWord::Light => Theme::Light,
                    ThemeWord::Dark => Theme::Dark,
                },
                ..Look::default()
            },
            paper: match self.paper {
                PaperWord::A4 => Paper::A4,
                PaperWord::Letter => Paper::Letter,
            },
            date: self.date.clone(),
        }
    }
}

fn chart(word: &str) -> Result<Name, String> {
    let found = Name::ALL.into_iter().find(|(_, known, _)| *known == word);
    let words: Vec<&str> = Name::ALL.iter().map(|(_, word, _)| *word).collect();
    found
        .map(|(name, ..)| name)
        .ok_or_else(|| format!("charts are {}", words.join(", ")))
}

fn ratio(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(r) if r > 0.0 && r <= 16.0 => Ok(r),
        _ => Err("it must be above 0 and at most 16, such as 2".into()),
    }
}
