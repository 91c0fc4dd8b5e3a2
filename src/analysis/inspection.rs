//! Results without simulation: whether files are valid (`validate`), and every effective value (`explain`).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::result::{Answer, Document, Engine, Envelope};
use crate::scenario::plan::Plan;
use crate::scenario::{Loaded, problem::Problems};

/// The result of `validate`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// In the order given.
    pub files: Vec<Checked>,
}

/// A checked file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// Its name, as typed.
    pub file: String,
    /// Whether it can be simulated.
    pub ok: bool,
    /// Number of nodes, where a database counts as one; 0 if the file is invalid.
    pub nodes: u32,
    /// Number of named hosts.
    pub hosts: u32,
    /// Its warnings.
    pub warnings: Vec<String>,
    /// Its errors.
    pub problems: Vec<String>,
}

impl Checked {
    /// A valid file. A database counts as one node.
    pub fn right(file: String, plan: &Plan) -> Checked {
        let members: usize = plan.databases.iter().map(|d| d.members.len()).sum();
        Checked {
            file,
            ok: true,
            nodes: (plan.nodes.len() - members + plan.databases.len() + plan.vips.len()) as u32,
            hosts: plan.hosts.iter().filter(|h| h.named).count() as u32,
            warnings: plan.warnings.clone(),
            problems: Vec::new(),
        }
    }

    /// An invalid file.
    pub fn wrong(file: String, problems: &Problems) -> Checked {
        Checked {
            file,
            ok: false,
            nodes: 0,
            hosts: 0,
            warnings: Vec::new(),
            problems: problems.each(),
        }
    }
}

/// The result of `explain`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// In the order of the format.
    pub settings: Vec<Explained>,
    /// Warnings about the scenario.
    pub warnings: Vec<String>,
}

/// An effective value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    /// Dotted, as `--set` takes it.
    pub path: String,
    /// As in a scenario; null if there is none.
    pub value: Value,
    /// The line of the file, the `--set`, or `default`.
    pub source: String,
}

impl Explained {
    /// Whether it was given in the file or by `--set`.
    pub fn is_typed(&self) -> bool {
        self.source != "default"
    }
}

/// The document of `validate`. Its scenario is the first file; if that is invalid, only its name is known.
pub fn validated(files: Vec<Checked>, first: Option<&Plan>, wall_s: f64) -> Document {
    let name = files.first().map_or("", |f| f.file.as_str());
    let envelope = Envelope::unsimulated("validate", first, name);
    document(envelope, Answer::Validate(Validation { files }), wall_s)
}

/// The document of `explain`.
pub fn explained(loaded: &Loaded, wall_s: f64) -> Document {
    let explained = loaded.explain().into_iter().map(|s| Explained {
        path: s.path,
        value: s.value,
        source: s.source.to_string(),
    });
    let explanation = Explanation {
        settings: explained.collect(),
        warnings: loaded.plan.warnings.clone(),
    };
    let envelope = Envelope::unsimulated("explain", Some(&loaded.plan), &loaded.file);
    document(envelope, Answer::Explain(explanation), wall_s)
}

fn document(envelope: Envelope, answer: Answer, wall_s: f64) -> Document {
    Document {
        envelope,
        answer,
        caveats: Vec::new(),
        engine: Engine::this(1, 0, wall_s),
    }
}
