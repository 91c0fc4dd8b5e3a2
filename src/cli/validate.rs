//! `fallover validate`: is the file valid?
//!
//! One line for each file, like `haproxy -c`; errors and warnings go to standard error.

use std::path::PathBuf;

use clap::Args;

use super::deliver::keep_apart;
use super::exit::{BAD_INPUT, Failure, UNREADABLE, note};
use super::options::{Reading, Writing};
use super::simulate::now;
use crate::analysis::inspection::{Checked, validated};
use crate::report::inspection::verdict;
use crate::scenario::load;

/// Options of `validate`.
#[derive(Debug, Args)]
pub struct Validate {
    /// The files
    #[arg(required = true, value_name = "SCENARIO")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    pub(super) writing: Writing,
}

impl Validate {
    /// Checks all files, even after a bad one; the worst determines the status.
    pub fn run(self) -> Result<(), Failure> {
        let outputs = self.writing.outputs()?;
        keep_apart(&self.files, &self.writing)?;
        let began = now();
        let (mut status, mut files, mut first) = (None, Vec::new(), None);
        for file in &self.files {
            let name = file.display().to_string();
            match load(file, &self.reading.set) {
                Ok(loaded) => {
                    let say = |warning: &String| note(&format!("{name}: warning: {warning}"));
                    if !self.writing.quiet {
                        loaded.plan.warnings.iter().for_each(say);
                    }
                    let checked = Checked::right(name, &loaded.plan);
                    first = first.or_else(|| files.is_empty().then_some(loaded.plan));
                    files.push(checked);
                }
                Err(problems) => {
                    let bad = if problems.is_unreadable() {
                        UNREADABLE
                    } else {
                        BAD_INPUT
                    };
                    // Bad input outranks an unreadable file, because the user can correct it here.
                    status = Some(status.map_or(bad, |s: u8| s.min(bad)));
                    note(&problems.to_string());
                    files.push(Checked::wrong(name, &problems));
                }
            }
        }
        let line = |file: &Checked| format!("{}: {}\n", file.file, verdict(file).1);
        let lines: String = files.iter().map(line).collect();
        let mut document = validated(files, first.as_ref(), began.elapsed().as_secs_f64());
        document.envelope.options.clone_from(&self.writing.typed);
        self.writing.deliver_as(&document, &outputs, || lines)?;
        status.map_or(Ok(()), |status| Err(Failure::Status(status)))
    }
}
