//! Changes of a scenario that may help against the loss of a component. Each is an edit of the file as typed, and
//! yields an ordinary scenario. Simulation decides whether it helps.

mod database;
mod draft;
mod pool;
pub mod replicas;
mod spread;
mod standby;

use serde_json::{Value as Json, json};

use super::load::{Loaded, load_text};
use super::plan::{Component, Kind, Monitoring, Plan};
use super::problem::Problems;
use crate::base::ids::NodeId;
use draft::Draft;

/// A change that may help.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Kind and place of the change: `standby:haproxy`.
    pub id: String,
    /// The change in words.
    pub change: String,
    /// The components it is aimed at.
    pub components: Vec<String>,
    /// The nodes whose failure it may make less or more harmful.
    pub touches: Vec<NodeId>,
    /// The scenario after the change.
    pub scenario: Json,
}

impl Candidate {
    /// Whether it changes only monitoring, and nothing that runs.
    pub fn is_monitoring(&self) -> bool {
        self.id == MONITORING
    }

    /// Loads the scenario after the change. Traces are looked for beside the original file.
    ///
    /// # Errors
    /// If the change does not suit the scenario.
    pub fn load(&self, file: &str) -> Result<Loaded, Problems> {
        let name = std::path::Path::new(file).with_extension("json");
        load_text(&name.to_string_lossy(), &self.scenario.to_string(), &[])
    }
}

const MONITORING: &str = "monitoring";
/// The changes that may help against the loss of this component.
type Rule = fn(&Desk<'_>, &Component) -> Vec<Candidate>;

const RULES: [Rule; 9] = [
    standby::second,
    standby::moved,
    database::promotion,
    database::patience,
    pool::another,
    pool::checks,
    spread::zone,
    spread::cause,
    budget,
];

/// The input of the rules.
struct Desk<'a> {
    plan: &'a Plan,
    typed: &'a Json,
}

impl Desk<'_> {
    fn draft(&self) -> Draft {
        Draft::of(self.typed.clone())
    }

    fn name(&self, node: NodeId) -> &str {
        &self.plan.node(node).name
    }

    fn candidate(
        &self,
        id: String,
        change: String,
        component: &Component,
        touches: Vec<NodeId>,
        draft: Draft,
    ) -> Candidate {
        Candidate {
            id,
            change,
            components: vec![component.name.clone()],
            touches,
            scenario: draft.finish(),
        }
    }
}

/// All changes that may help against the loss of these components, each once.
pub fn candidates(loaded: &Loaded, ailing: &[&Component]) -> Vec<Candidate> {
    let typed = loaded.typed();
    let desk = Desk {
        plan: &loaded.plan,
        typed: &typed,
    };
    let mut all: Vec<Candidate> = Vec::new();
    let found = ailing.iter().flat_map(|c| RULES.iter().flat_map(|rule| rule(&desk, c)));
    for candidate in found.chain(monitoring(&desk)) {
        match all.iter_mut().find(|known| known.id == candidate.id) {
            None => all.push(candidate),
            Some(known) => {
                let new = |c: &String| !known.components.contains(c);
                let more: Vec<String> = candidate.components.into_iter().filter(new).collect();
                known.components.extend(more);
            }
        }
    }
    all
}

/// Adds monitoring.
fn monitoring(desk: &Desk<'_>) -> Option<Candidate> {
    if let Monitoring::Probes { .. } = desk.plan.monitoring {
        return None;
    }
    let mut draft = desk.draft();
    draft.root(
        MONITORING,
        json!({ "interval": "15s", "failures": 2, "notify": "10s", "respond": "5m" }),
    );
    Some(Candidate {
        id: MONITORING.into(),
        change: "a probe every 15 s, an alarm after 2 failures, and a person at work 5 min later".into(),
        components: Vec::new(),
        touches: Vec::new(),
        scenario: draft.finish(),
    })
}

/// Limits retries: at most one additional request for every ten.
fn budget(desk: &Desk<'_>, component: &Component) -> Vec<Candidate> {
    const SHARE: f64 = 0.1;
    let mut draft = desk.draft();
    let plan = desk.plan;
    let endless = |retry: &Option<super::plan::Retry>| retry.as_ref().is_some_and(|r| r.budget.is_none());
    let mut who: Vec<&str> = Vec::new();
    for source in plan.sources.iter().filter(|s| endless(&s.retry)) {
        draft.set(&["clients", &source.name, "retry", "budget"], json!(SHARE));
        who.push(&source.name);
    }
    for node in &plan.nodes {
        if let Kind::App(app) = &node.kind
            && endless(&app.retry)
        {
            draft.set(&["nodes", &node.name, "retry", "budget"], json!(SHARE));
            who.push(&node.name);
        }
    }
    if who.is_empty() {
        return Vec::new();
    }
    let change = format!("a retry budget of {SHARE} for {}", who.join(", "));
    let everything = (0..plan.nodes.len()).map(NodeId::new).collect();
    vec![desk.candidate("retry-budget".into(), change, component, everything, draft)]
}
