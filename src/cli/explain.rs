//! `fallover explain`: the resolved scenario, and where every value came from.
//!
//! It only lays out what the scenario's own `explain` tells.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::exit::{Failure, note, print};
use super::options::Reading;
use crate::scenario::Setting;

/// Options of `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The file
    #[arg(value_name = "SCENARIO")]
    file: PathBuf,
    #[command(flatten)]
    reading: Reading,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    /// No warnings
    #[arg(long, short = 'q')]
    quiet: bool,
}

/// Columns beyond this are not waited for.
const WIDEST: usize = 60;

impl Explain {
    /// Prints the settings.
    pub fn run(self) -> Result<(), Failure> {
        let loaded = self.reading.load(&self.file)?;
        if !self.quiet {
            loaded
                .plan
                .warnings
                .iter()
                .for_each(|warning| note(&format!("{}: warning: {warning}", loaded.file)));
        }
        let settings = loaded.explain();
        if self.json {
            let rows = settings
                .iter()
                .map(|s| json!({ "path": s.path, "value": s.value, "source": s.source.to_string() }));
            let all = json!({ "scenario": { "name": loaded.plan.name, "digest": loaded.plan.digest },
                "settings": rows.collect::<Vec<_>>(), "warnings": loaded.plan.warnings });
            return print(&format!("{all:#}\n"));
        }
        print(&table(&settings))
    }
}

/// Path, value, source, in columns; an empty line between the parts of a scenario.
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

/// Text without its quotes, `none` for what is not there, the rest as JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".into(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "[]".into(),
        other => other.to_string(),
    }
}
