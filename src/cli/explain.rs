//! `fallover explain`: the resolved scenario, and the source of every value.
//!
//! It only formats the scenario's own `explain`.

use std::path::PathBuf;

use clap::Args;

use super::exit::Failure;
use super::options::{Reading, Writing};
use super::simulate::now;
use crate::analysis::inspection::explained;
use crate::report::inspection::shown;
use crate::scenario::Setting;

/// Options of `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The file
    #[arg(value_name = "SCENARIO")]
    file: PathBuf,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    pub(super) writing: Writing,
}

/// Longer entries do not widen their column.
const WIDEST: usize = 60;

impl Explain {
    /// Prints the settings.
    pub fn run(self) -> Result<(), Failure> {
        let outputs = self.writing.outputs()?;
        let loaded = self.reading.one(&self.file, &self.writing)?;
        let began = now();
        let mut document = explained(&loaded, began.elapsed().as_secs_f64());
        document.envelope.options.clone_from(&self.writing.typed);
        self.writing
            .deliver_as(&document, &outputs, || table(&loaded.explain()))
    }
}

/// Path, value and source in columns, with an empty line between the parts of a scenario.
fn table(settings: &[Setting]) -> String {
    let values: Vec<String> = settings.iter().map(|s| shown(&s.value)).collect();
    let width = |lengths: &mut dyn Iterator<Item = usize>| lengths.filter(|n| *n <= WIDEST).max().unwrap_or(0);
    let path = width(&mut settings.iter().map(|s| s.path.chars().count()));
    let value = width(&mut values.iter().map(|v| v.chars().count()));
    let mut text = String::new();
    let mut last = "";
    for (setting, shown) in settings.iter().zip(&values) {
        let part = part(&setting.path);
        if part != last && (part.contains('.') || last.contains('.')) {
            text.push('\n');
        }
        last = part;
        text += format!("{:path$}  {shown:value$}  {}", setting.path, setting.source).trim_end();
        text.push('\n');
    }
    text
}

/// `nodes.haproxy` of `nodes.haproxy.servers.nginx1.weight`.
fn part(path: &str) -> &str {
    path.match_indices('.')
        .nth(1)
        .map_or_else(|| path.split_once('.').map_or(path, |_| path), |(end, _)| &path[..end])
}
