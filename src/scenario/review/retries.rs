//! Nested retries: how many attempts one request can become.

use std::collections::BTreeMap;

use super::words::{list, number};
use super::{Desk, Finding, graph};
use crate::base::ids::NodeId;
use crate::scenario::plan::{Kind, Plan, Retry, RetryOn, Source};

/// From this multiplication on, a brief overload need not end by itself.
const MUCH: f64 = 3.0;

/// The layers on the path to one node that retry, and the product of their attempts.
#[derive(Clone, Debug)]
struct Ladder {
    attempts: f64,
    layers: Vec<(String, f64)>,
    bottom: NodeId,
}

/// Each layer multiplies what the one above it sends.
pub fn multiply(desk: &Desk<'_>) -> Vec<Finding> {
    let plan = desk.plan;
    let mut known = BTreeMap::new();
    let mut findings = Vec::new();
    for source in &plan.sources {
        let doors = graph::doors(plan, source);
        let ladders = doors.into_iter().map(|door| below(plan, door, &mut known));
        let Some(mut worst) = ladders.max_by(|a, b| a.attempts.total_cmp(&b.attempts)) else {
            continue;
        };
        climb(&mut worst, &source.name, source.retry.as_ref().map_or(1.0, attempts));
        if worst.attempts >= MUCH
            && let Some((first, _)) = worst.layers.first().cloned()
        {
            findings.push(finding(plan, &worst, &first, (first == source.name).then_some(source)));
        }
    }
    findings.dedup();
    findings
}

fn finding(plan: &Plan, ladder: &Ladder, first: &str, source: Option<&Source>) -> Finding {
    let layers: Vec<String> = ladder
        .layers
        .iter()
        .map(|(name, n)| format!("{name} ×{}", number(*n)))
        .collect();
    let message = format!(
        "When answers fail or are late, one request becomes up to {} at {} ({}): a brief overload can keep itself alive.",
        number(ladder.attempts),
        plan.node(ladder.bottom).name,
        list(layers.iter().map(String::as_str)).replace(" and ", " and then "),
    );
    let has_budget = |s: &Source| s.retry.as_ref().is_some_and(|r| r.budget.is_some());
    let fix = match source {
        Some(source) if has_budget(source) => "retry in one layer only: its clients have a budget already".into(),
        Some(_) => format!("clients.{first}.retry.budget=0.1, and retry in one layer only"),
        None => format!(
            "fewer attempts at nodes.{first} (retries, retry_on, next_upstream_tries, retry.budget); retry in one layer only"
        ),
    };
    Finding::warning("capacity.retries-multiply", first, message, fix)
}

/// Attempts per request; with a budget, an upper bound of the mean.
fn attempts(retry: &Retry) -> f64 {
    let most = f64::from(retry.max);
    1.0 + retry.budget.map_or(most, |b| b.min(most))
}

fn climb(ladder: &mut Ladder, name: &str, attempts: f64) {
    if attempts > 1.0 {
        ladder.attempts *= attempts;
        ladder.layers.insert(0, (name.to_owned(), attempts));
    }
}

/// The worst ladder from a node downwards.
fn below(plan: &Plan, node: NodeId, known: &mut BTreeMap<NodeId, Ladder>) -> Ladder {
    if let Some(ladder) = known.get(&node) {
        return ladder.clone();
    }
    let bottom = Ladder {
        attempts: 1.0,
        layers: Vec::new(),
        bottom: node,
    };
    let deeper: Vec<Ladder> = plan.asks(node).into_iter().map(|n| below(plan, n, known)).collect();
    let worst = deeper
        .into_iter()
        .reduce(|a, b| if b.attempts > a.attempts { b } else { a });
    let mut ladder = worst.unwrap_or(bottom);
    climb(&mut ladder, &plan.node(node).name, repeats(plan, node));
    known.insert(node, ladder.clone());
    ladder
}

/// Maximum number of attempts a node makes per request. Refused connections cost the other side nothing and do not
/// count.
fn repeats(plan: &Plan, node: NodeId) -> f64 {
    match &plan.node(node).kind {
        Kind::LoadBalancer(b) if b.retry_on.iter().any(|on| *on != RetryOn::ConnFailure) => 1.0 + f64::from(b.retries),
        Kind::Web(web) if web.next_on.answer || (web.next_on.timeout && web.read_timeout.is_some()) => {
            f64::from(web.tries.min(web.upstreams.len() as u32).max(1))
        }
        Kind::App(app) => app.retry.as_ref().map_or(1.0, attempts),
        _ => 1.0,
    }
}
