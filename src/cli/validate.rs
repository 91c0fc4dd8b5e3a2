//! `fallover validate`: is the file right?
//!
//! One line a file, like `haproxy -c`; what is wrong or odd goes to standard error.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::exit::{BAD_INPUT, Failure, UNREADABLE, note, print};
use super::options::Reading;
use crate::scenario::load;
use crate::scenario::plan::Plan;

/// Options of `validate`.
#[derive(Debug, Args)]
pub struct Validate {
    /// The files
    #[arg(required = true, value_name = "SCENARIO")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
    /// Only the exit status and errors
    #[arg(long, short = 'q')]
    quiet: bool,
}

impl Validate {
    /// Looks at all files, also after a bad one; the worst decides the status.
    pub fn run(self) -> Result<(), Failure> {
        let (mut status, mut lines, mut found) = (None, String::new(), Vec::new());
        for file in &self.files {
            let name = file.display().to_string();
            match load(file, &self.reading.set) {
                Ok(loaded) => {
                    if !self.quiet {
                        loaded
                            .plan
                            .warnings
                            .iter()
                            .for_each(|warning| note(&format!("{name}: warning: {warning}")));
                    }
                    lines += &format!("{name}: OK ({})\n", counts(&loaded.plan));
                    found.push(json!({ "file": name, "ok": true, "warnings": loaded.plan.warnings, "problems": [] }));
                }
                Err(problems) => {
                    let bad = if problems.is_unreadable() {
                        UNREADABLE
                    } else {
                        BAD_INPUT
                    };
                    // Bad input outranks an unreadable file: it is what the user can mend here.
                    status = Some(status.map_or(bad, |s: u8| s.min(bad)));
                    note(&problems.to_string());
                    let count = plural(problems.list.len(), "problem");
                    lines += &format!("{name}: {count}\n");
                    let messages: Vec<String> = problems.list.iter().map(|p| p.message.clone()).collect();
                    found.push(json!({ "file": name, "ok": false, "warnings": [], "problems": messages }));
                }
            }
        }
        if self.json {
            print(&format!("{:#}\n", json!({ "files": found })))?;
        } else if !self.quiet {
            print(&lines)?;
        }
        status.map_or(Ok(()), |status| Err(Failure::Status(status)))
    }
}

/// Roles and members count as the scenario has them: a database is one node.
fn counts(plan: &Plan) -> String {
    let members: usize = plan.databases.iter().map(|d| d.members.len()).sum();
    let nodes = plan.nodes.len() - members + plan.databases.len() + plan.vips.len();
    let hosts = plan.hosts.iter().filter(|h| h.named).count();
    let warnings = plan.warnings.len();
    format!(
        "{}, {}, {}",
        plural(nodes, "node"),
        plural(hosts, "host"),
        plural(warnings, "warning")
    )
}

fn plural(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
