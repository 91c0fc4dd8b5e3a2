//! The topology of a scenario as results carry it: what runs where, who calls whom, and how much went each way.
//!
//! A result can be drawn without its scenario: every drawing of the stack uses this.

use crate::base::ids::{ClassId, NodeId};
use crate::scenario::plan::{Plan, Target};
use crate::study::Study;
use serde::{Deserialize, Serialize};

/// The components and who calls whom.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Topology {
    /// Sources of load, in the scenario's order.
    pub sources: Vec<String>,
    /// Nodes, members of databases, and virtual IPs.
    pub nodes: Vec<Place>,
    /// Hosts that the scenario names.
    pub hosts: Vec<Machine>,
    /// Calls from sources.
    pub entries: Vec<Edge>,
    /// Calls from nodes.
    pub edges: Vec<Edge>,
}

/// A node and its host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// Its kind, as scenarios write it.
    pub kind: String,
    /// The host it runs on, if the scenario names it.
    pub host: Option<String>,
    /// The database it is a member of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Number of calls from the clients on the longest path; null if nothing calls it.
    pub tier: Option<u32>,
}

/// A host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Its name.
    pub name: String,
    /// Its zone.
    pub zone: Option<String>,
}

/// A caller and its target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Edge {
    /// The caller.
    pub from: String,
    /// The target.
    pub to: String,
    /// Whether `from` only resolves the name of `to`.
    #[serde(default)]
    pub names: bool,
    /// Good answers per second; null without measurement.
    pub answered_per_s: Option<f64>,
    /// Share of the good answers that `from` got from nodes of this kind.
    pub share: Option<f64>,
}

/// One end of a call; a target may be a virtual IP.
#[derive(Copy, Clone, PartialEq)]
enum End {
    Source(usize),
    Node(NodeId),
    Vip(usize),
}

struct Way {
    from: End,
    to: End,
    answers: u64,
}

impl Topology {
    /// The topology of a plan, with the answers counted by a study.
    pub fn of(plan: &Plan, study: Option<&Study>) -> Topology {
        let study = study.filter(|s| !s.samples.is_empty());
        let ways = ways(plan, study);
        let tiers = tiers(plan, &ways);
        let measured_s = study.map_or(0.0, |study| {
            let of = |s: &crate::study::sample::Sample| s.measured_s(plan.duration.seconds(), study.warmup.seconds());
            study.samples.iter().map(of).sum()
        });
        let edge = |way: &Way| edge(plan, &ways, way, (measured_s > 0.0).then_some(measured_s));
        let (entries, edges): (Vec<&Way>, Vec<&Way>) = ways.iter().partition(|w| matches!(w.from, End::Source(_)));
        let host = |node: &crate::scenario::plan::Node| Some(&plan.hosts[node.host.index()]).filter(|h| h.named);
        let nodes = plan.nodes.iter().enumerate().map(|(i, node)| Place {
            name: node.name.clone(),
            kind: node.kind.word().into(),
            host: host(node).map(|h| h.name.clone()),
            database: plan.database_of(node).map(str::to_owned),
            tier: tiers.nodes[i],
        });
        let vips = plan.vips.iter().enumerate().map(|(i, vip)| Place {
            name: vip.name.clone(),
            kind: VIRTUAL_IP.into(),
            host: None,
            database: None,
            tier: tiers.vips[i],
        });
        let hosts = plan.hosts.iter().filter(|h| h.named).map(|h| Machine {
            name: h.name.clone(),
            zone: h.zone.map(|z| plan.zones[z.index()].name.clone()),
        });
        Topology {
            sources: plan.sources.iter().map(|s| s.name.clone()).collect(),
            nodes: nodes.chain(vips).collect(),
            hosts: hosts.collect(),
            entries: entries.into_iter().map(edge).collect(),
            edges: edges.into_iter().map(edge).collect(),
        }
    }
}

const VIRTUAL_IP: &str = "virtual-ip";

/// Every edge once, sources first. What goes to a virtual IP continues to its members.
fn ways(plan: &Plan, study: Option<&Study>) -> Vec<Way> {
    let mut ways: Vec<Way> = Vec::new();
    let mut add = |from: End, to: End, answers: u64| match ways.iter_mut().find(|w| w.from == from && w.to == to) {
        Some(way) => way.answers += answers,
        None => ways.push(Way { from, to, answers }),
    };
    let sources = plan.sources.iter().enumerate();
    let of_sources = sources.map(|(i, s)| (End::Source(i), plan.nodes.len() + i, plan.entries(s)));
    let node = |i| (End::Node(NodeId::new(i)), i, plan.addresses(NodeId::new(i)));
    for (from, caller, addresses) in of_sources.chain((0..plan.nodes.len()).map(node)) {
        for (i, target) in addresses.iter().enumerate() {
            let answers = |node: NodeId| -> u64 {
                // A node called under two addresses is counted under the first.
                let counted = addresses[..i].iter().any(|t| plan.members(*t).contains(&node));
                let study = study.filter(|_| !counted);
                let of = |class| study.map_or(0, |s| s.flows.of(caller, node, ClassId::new(class)).answers);
                (0..plan.classes.len()).map(of).sum()
            };
            match *target {
                Target::Node(to) => add(from, End::Node(to), answers(to)),
                Target::Vip(vip) => {
                    for member in &plan.vips[vip.index()].members {
                        add(from, End::Vip(vip.index()), answers(*member));
                        add(End::Vip(vip.index()), End::Node(*member), answers(*member));
                    }
                }
            }
        }
    }
    ways
}

struct Tiers {
    nodes: Vec<Option<u32>>,
    vips: Vec<Option<u32>>,
}

/// Longest paths from the sources. A scenario has no cycles, so this terminates.
fn tiers(plan: &Plan, ways: &[Way]) -> Tiers {
    let mut tiers = Tiers {
        nodes: vec![None; plan.nodes.len()],
        vips: vec![None; plan.vips.len()],
    };
    loop {
        let mut changed = false;
        for way in ways {
            let from = match way.from {
                End::Source(_) => Some(0),
                End::Node(node) => tiers.nodes[node.index()],
                End::Vip(vip) => tiers.vips[vip],
            };
            let Some(from) = from else { continue };
            let to = match way.to {
                End::Node(node) => &mut tiers.nodes[node.index()],
                End::Vip(vip) => &mut tiers.vips[vip],
                End::Source(_) => continue,
            };
            if to.is_none_or(|t| t <= from) {
                *to = Some(from + 1);
                changed = true;
            }
        }
        if !changed {
            return tiers;
        }
    }
}

fn edge(plan: &Plan, ways: &[Way], way: &Way, measured_s: Option<f64>) -> Edge {
    let names = matches!(way.from, End::Node(node) if plan.only_names(node));
    let measured_s = measured_s.filter(|_| !names);
    let alike = |w: &&Way| w.from == way.from && kind(plan, w.to) == kind(plan, way.to);
    let all: u64 = ways.iter().filter(alike).map(|w| w.answers).sum();
    Edge {
        from: name(plan, way.from).into(),
        to: name(plan, way.to).into(),
        names,
        answered_per_s: measured_s.map(|s| way.answers as f64 / s),
        share: measured_s.filter(|_| all > 0).map(|_| way.answers as f64 / all as f64),
    }
}

fn name(plan: &Plan, end: End) -> &str {
    match end {
        End::Source(source) => &plan.sources[source].name,
        End::Node(node) => &plan.node(node).name,
        End::Vip(vip) => &plan.vips[vip].name,
    }
}

fn kind(plan: &Plan, end: End) -> &'static str {
    match end {
        End::Source(_) => "clients",
        End::Node(node) => plan.node(node).kind.word(),
        End::Vip(_) => VIRTUAL_IP,
    }
}
