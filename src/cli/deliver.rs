//! What every command does with files: reads scenarios, rejects outputs that would overwrite another file, and delivers
//! the result.

use std::path::{Path, PathBuf};

use super::exit::{self, Failure};
use super::files::Files;
use super::options::{Reading, Writing};
use crate::analysis::result::{Answer, Document};
use crate::report::sink::{Output, Printing, SinkError};
use crate::report::terminal::Terminal;
use crate::report::view::runs;
use crate::report::{json, words};
use crate::scenario::Loaded;
use crate::scenario::plan::Plan;

impl From<SinkError> for Failure {
    fn from(error: SinkError) -> Failure {
        match error.is_bad_input() {
            true => Failure::BadInput(error.to_string()),
            false => Failure::Unreadable(error.to_string()),
        }
    }
}

impl Reading {
    /// Every scenario's plan.
    pub fn plans(&self, scenarios: &[PathBuf], writing: &Writing, also: Option<&Path>) -> Result<Vec<Plan>, Failure> {
        let loaded = self.all(scenarios, writing, also)?;
        Ok(loaded.into_iter().map(|l| l.plan).collect())
    }

    /// Loads every scenario and reports all errors at once. No output may be one of the files read.
    fn all(&self, scenarios: &[PathBuf], writing: &Writing, also: Option<&Path>) -> Result<Vec<Loaded>, Failure> {
        let (mut all, mut failures, mut files) = (Vec::new(), Vec::new(), Files::default());
        for file in scenarios {
            match self.load(file) {
                Ok(loaded) => {
                    let say = |w: &String| exit::note(&format!("{}: warning: {w}", file.display()));
                    if !writing.quiet {
                        loaded.plan.warnings.iter().for_each(say);
                    }
                    files.reads(file, "a scenario of this run");
                    loaded.traces.iter().for_each(|t| files.reads(t, "a trace of this run"));
                    all.push(loaded);
                }
                Err(failure) => failures.push(failure),
            }
        }
        let outputs = writing.output.iter().map(PathBuf::as_path).chain(also);
        failures.extend(outputs.filter_map(|path| files.writes(path).err()));
        said(failures).map(|()| all)
    }

    /// The plan of the one scenario.
    pub fn plan(&self, scenario: &Path, writing: &Writing) -> Result<Plan, Failure> {
        self.one(scenario, writing).map(|loaded| loaded.plan)
    }

    /// The one scenario, resolved and as typed.
    pub fn one(&self, scenario: &Path, writing: &Writing) -> Result<Loaded, Failure> {
        let all = self.all(&[scenario.to_owned()], writing, None)?;
        Ok(all.into_iter().next().expect("one a file"))
    }
}

impl Writing {
    /// The requested output files. A mistake in a name shows before the simulation begins.
    pub fn outputs(&self) -> Result<Vec<Output>, Failure> {
        let outputs = self.outputs_of_sweep()?;
        match outputs.iter().find(|o| o.is_table()) {
            Some(table) => Err(SinkError::NoTable(table.path().into()).into()),
            None => Ok(outputs),
        }
    }

    /// The same for a sweep, which may also be a table.
    pub fn outputs_of_sweep(&self) -> Result<Vec<Output>, Failure> {
        self.output.iter().map(|path| Ok(Output::parse(path)?)).collect()
    }

    /// Prints the result and writes it. The simulation is done: if one file cannot be written, the others still are.
    pub fn deliver(&self, document: &Document, outputs: &[Output]) -> Result<(), Failure> {
        self.deliver_as(document, outputs, || Terminal::of_stdout().render(&words(document)))
    }

    /// The same for a command with a terminal text of its own.
    pub fn deliver_as(
        &self,
        document: &Document,
        outputs: &[Output],
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        let mut failures: Vec<Failure> = self.print(document, text).err().into_iter().collect();
        for output in outputs {
            // An interrupt before the first result must not cost the user an earlier run's file.
            if nothing_finished(document) && output.path().is_file() {
                exit::note(&format!(
                    "{}: left as it was, since nothing was finished",
                    output.path().display()
                ));
                continue;
            }
            failures.extend(write(output, std::slice::from_ref(document), &Printing::default()).err());
        }
        said(failures)
    }

    fn print(&self, document: &Document, text: impl FnOnce() -> String) -> Result<(), Failure> {
        if self.json {
            let mut bytes = Vec::new();
            json::write(document, &mut bytes).map_err(|e| Failure::Unreadable(e.to_string()))?;
            exit::print(&String::from_utf8_lossy(&bytes))
        } else if !self.quiet {
            exit::print(&text())
        } else {
            Ok(())
        }
    }
}

/// Writes one file and warns of characters it cannot show.
pub fn write(output: &Output, documents: &[Document], printing: &Printing) -> Result<(), Failure> {
    output.write(documents, printing)?;
    if output.lacks_letters(documents) {
        exit::note(&format!(
            "{}: some names are in letters that its fonts lack, and shown as ?; a .html or .svg shows them",
            output.path().display()
        ));
    }
    Ok(())
}

/// Was the run interrupted before there was anything to show?
fn nothing_finished(document: &Document) -> bool {
    let runs = runs(document);
    let is_empty = match &document.answer {
        Answer::Sweep(sweep) => sweep.points.is_empty(),
        _ => !runs.is_empty() && runs.iter().all(|r| r.replications == 0),
    };
    is_empty && !document.envelope.complete
}

/// Rejects outputs that would overwrite each other or a file that is read.
pub fn keep_apart(reads: &[PathBuf], writing: &Writing) -> Result<(), Failure> {
    let mut files = Files::default();
    reads.iter().for_each(|file| files.reads(file, "read by this command"));
    said(writing.output.iter().filter_map(|path| files.writes(path).err()))
}

/// Reports all failures. Bad input outranks an unreadable file as the exit status, because the user can correct it
/// here.
pub fn said(failures: impl IntoIterator<Item = Failure>) -> Result<(), Failure> {
    let say = |failure: Failure| {
        failure.print();
        failure.status()
    };
    let status = failures.into_iter().map(say).min();
    status.map_or(Ok(()), |status| Err(Failure::Status(status)))
}
