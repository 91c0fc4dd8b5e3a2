//! The stack as boxes and arrows: where each component stands, who calls whom, and what to mark.
//!
//! Above some two dozen boxes, many nodes of one kind in one column become one box; above sixty, any two do.

use super::super::theme::Ink;
use crate::analysis::availability::Availability;
use crate::analysis::capacity::Capacity;
use crate::analysis::compare::Compare;
use crate::analysis::result::{Answer, Document, Estimate, Run};
use crate::analysis::spof::{Effect, Spof, Verdict};
use crate::analysis::topology::{Edge, Machine, Topology};
use crate::report::busy::BUSY;
use crate::report::periods::periods;
use crate::report::units;
use std::collections::{BTreeMap, BTreeSet};

/// Above this many boxes, any two nodes of one kind in a column are merged.
const MOST_BOXES: usize = 60;
/// Above this many boxes, `MANY_OF_A_KIND` or more nodes of one kind in a column are merged.
const MANY_BOXES: usize = 24;
const MANY_OF_A_KIND: usize = 6;

/// Boxes, the frames around some of them, and arrows.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub boxes: Vec<Node>,
    pub frames: Vec<Frame>,
    pub arrows: Vec<Arrow>,
    /// The zones that the frames stand in, where there are several.
    pub zones: Vec<String>,
}

/// A box.
#[derive(Clone, Debug, Default)]
pub struct Node {
    pub name: String,
    /// What it is and its utilisation, followed by shorter forms.
    pub says: Vec<String>,
    pub mark: Option<Mark>,
    /// Distance from the clients, which are at 0.
    pub column: usize,
    /// The frame around it.
    pub frame: Option<usize>,
}

/// A host.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Its name, its zone and its utilisation, followed by shorter forms.
    pub says: Vec<String>,
    pub mark: Option<Mark>,
    /// Its zone, where there are several.
    pub zone: Option<usize>,
}

/// Why a component is highlighted.
#[derive(Clone, Debug)]
pub struct Mark {
    /// The reason, followed by shorter and shorter forms.
    pub says: Vec<String>,
    pub ink: Ink,
}

/// Who calls whom.
#[derive(Clone, Debug, Default)]
pub struct Arrow {
    pub from: usize,
    pub to: usize,
    /// It is only a lookup of the other's address.
    pub names: bool,
    pub per_s: Option<f64>,
    pub share: Option<f64>,
    /// The colour of the marked link it crosses, if any.
    pub ink: Option<Ink>,
}

impl Mark {
    fn bad(says: Vec<String>) -> Mark {
        Mark { says, ink: Ink::Bad }
    }
}

/// What is known of each component, by name.
#[derive(Default)]
struct Known {
    /// Utilisation, or cost.
    says: BTreeMap<String, String>,
    marks: BTreeMap<String, Mark>,
}

/// The topology graph of a result of one design, where it has one.
pub fn graph(document: &Document) -> Option<Graph> {
    let (topology, known) = match &document.answer {
        Answer::Run(run) => (&run.topology, of_run(run, document.envelope.duration_s)),
        Answer::Capacity(found) => (&found.topology, of_capacity(found)),
        Answer::Spof(found) => (&found.topology, of_spof(found)),
        Answer::Availability(found) => (&found.topology, of_availability(found)),
        Answer::Compare(found) => {
            let topology = &one_stack(found)?.topology;
            (topology, of_compare(found, topology))
        }
        _ => return None,
    };
    let known = match &document.answer {
        Answer::Run(_) => known.in_zones(topology),
        _ => known,
    };
    let mut graph = whole(topology, &known);
    if let Answer::Compare(_) = document.answer {
        // Flows differ between designs, so they are left out.
        for arrow in &mut graph.arrows {
            (arrow.per_s, arrow.share) = (None, None);
        }
    }
    match graph.boxes.len() {
        0 => None,
        n if n > MOST_BOXES => Some(by_tier(&graph, topology, 2)),
        n if n > MANY_BOXES => Some(by_tier(&graph, topology, MANY_OF_A_KIND)),
        _ => Some(graph),
    }
}

// --- what is marked -------------------------------------------------------------------------------------------------

/// What was broken, and where least capacity was left.
fn of_run(run: &Run, end_s: f64) -> Known {
    let mut known = Known::default();
    let busy = run.nodes.iter().map(|(name, n)| (name, &n.utilization_ratio));
    let busy = busy.chain(run.hosts.iter().map(|(name, h)| (name, &h.cpu_ratio)));
    known.busiest(busy, BUSY, "busiest");
    let mut broken: BTreeMap<String, Vec<(String, f64, f64)>> = BTreeMap::new();
    for p in periods(&run.events, end_s).0 {
        broken.entry(p.target).or_default().push((p.effect, p.from_s, p.to_s));
    }
    for (target, times) in broken {
        let says = match times.as_slice() {
            [(effect, from, to)] => vec![
                format!("{effect} {} to {}", units::clock(*from), units::clock(*to)),
                format!("{effect} at {}", units::clock(*from)),
                effect.clone(),
            ],
            several => vec![
                format!("failed {} times", several.len()),
                format!("{} failures", several.len()),
                "failed".into(),
            ],
        };
        known.marks.insert(target, Mark::bad(says));
    }
    known
}

fn of_capacity(found: &Capacity) -> Known {
    let mut known = Known::default();
    known.busiest(found.utilization.iter(), f64::INFINITY, "");
    if let Some(limit) = found.knee.limited_by.as_ref().and_then(|l| l.component.clone()) {
        known
            .marks
            .insert(limit, Mark::bad(vec!["limits the stack".into(), "limits".into()]));
    }
    known
}

fn of_spof(found: &Spof) -> Known {
    let mut known = Known::default();
    for p in found.components.iter().filter(|p| p.effect == Effect::Crash.name()) {
        if let Some(minutes) = units::measured(p.downtime_min_per_year) {
            known
                .says
                .insert(p.name.clone(), format!("{}/y", units::minutes(minutes)));
        }
        let mark = match p.verdict {
            Verdict::Outage => Mark::bad(vec!["single point".into(), "SPOF".into()]),
            Verdict::Overload => Mark {
                says: vec!["rest overloaded".into(), "overload".into()],
                ink: Ink::Fault,
            },
            Verdict::Degraded | Verdict::None => continue,
        };
        known.marks.insert(p.name.clone(), mark);
    }
    known
}

/// What each component costs, as far as the cost can be attributed to one.
fn of_availability(found: &Availability) -> Known {
    let mut known = Known::default();
    let costs = found.by_cause.iter().filter_map(|(cause, e)| Some((cause, e.value?)));
    for (i, (cause, minutes)) in costs.filter(|c| c.1 > 0.0).enumerate() {
        known
            .says
            .insert(cause.to_owned(), format!("{}/y", units::minutes(minutes)));
        if i == 0 {
            let says = vec!["costs most".into(), "costliest".into()];
            known.marks.insert(cause.to_owned(), Mark { says, ink: Ink::Fault });
        }
    }
    known
}

/// The stack that all designs share. Designs that change where components stand or who calls whom have none.
fn one_stack(found: &Compare) -> Option<&Run> {
    let runs = || found.variants.iter().map(|(_, named)| &named.run);
    let shape = |run: &Run| {
        let t = &run.topology;
        let ways = t
            .entries
            .iter()
            .chain(&t.edges)
            .map(|e| (e.from.clone(), e.to.clone(), e.names));
        (
            t.sources.clone(),
            t.nodes.clone(),
            t.hosts.clone(),
            ways.collect::<Vec<_>>(),
        )
    };
    let first = runs().next()?;
    runs().all(|run| shape(run) == shape(first)).then_some(first)
}

/// What the designs change, at the component that the setting belongs to.
fn of_compare(found: &Compare, topology: &Topology) -> Known {
    let mut settings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for change in found.changes.iter().flat_map(|(_, changes)| changes) {
        let path = change.split_once('=').map_or(change.as_str(), |(path, _)| path);
        let Some((target, setting)) = path.split_once('.').and_then(|(_, rest)| rest.split_once('.')) else {
            continue;
        };
        let of_target = settings.entry(target.to_owned()).or_default();
        if !of_target.iter().any(|s| s == setting) {
            of_target.push(setting.to_owned());
        }
    }
    let mut known = Known::default();
    for (target, settings) in settings {
        let mark = Mark {
            says: vec![
                format!("varied: {}", settings.join(", ")),
                settings.join(", "),
                "varied".into(),
            ],
            ink: Ink::Fault,
        };
        // A database is drawn as its members.
        let members = topology.nodes.iter().filter(|n| n.database.as_ref() == Some(&target));
        known.marks.extend(members.map(|n| (n.name.clone(), mark.clone())));
        known.marks.insert(target, mark);
    }
    known
}

impl Known {
    /// Failures of a zone apply to its hosts, unless a host has an entry of its own.
    fn in_zones(mut self, topology: &Topology) -> Known {
        for host in &topology.hosts {
            let Some((zone, mark)) = host.zone.as_ref().and_then(|z| Some((z, self.marks.get(z)?))) else {
                continue;
            };
            let says = mark
                .says
                .iter()
                .map(|s| format!("{zone}: {s}"))
                .chain(mark.says.last().cloned());
            let mark = Mark {
                says: says.collect(),
                ink: mark.ink,
            };
            self.marks.entry(host.name.clone()).or_insert(mark);
        }
        self
    }

    /// The mark of the link from one node's host or zone to another's.
    fn link(&self, topology: &Topology, from: &str, to: &str) -> Option<Ink> {
        let ends = |node: &str| {
            let host = topology
                .nodes
                .iter()
                .find(|n| n.name == node)
                .and_then(|n| n.host.as_ref());
            let zone = host.and_then(|host| topology.hosts.iter().find(|h| h.name == *host)?.zone.as_ref());
            host.into_iter().chain(zone)
        };
        let marked = |(a, b): (&String, &String)| self.marks.get(&format!("{a}->{b}"));
        let mut ways = ends(from).flat_map(|a| ends(to).flat_map(move |b| [(a, b), (b, a)]));
        ways.find_map(marked).map(|mark| mark.ink)
    }

    fn busiest<'e>(&mut self, all: impl Iterator<Item = (&'e str, &'e Estimate)>, from: f64, word: &str) {
        let mut most = (from, None);
        for (name, estimate) in all {
            let Some(busy) = units::measured(estimate.value) else {
                continue;
            };
            let says = units::percent_brief(&Estimate {
                lo: None,
                hi: None,
                ..*estimate
            });
            if busy >= most.0 {
                most = (busy, Some((name.to_owned(), says.clone())));
            }
            self.says.insert(name.to_owned(), says);
        }
        if let Some((name, says)) = most.1 {
            let says = vec![format!("{word}: {says}"), word.to_owned()];
            self.marks.insert(name, Mark { says, ink: Ink::Fault });
        }
    }

    /// A number is left out or shown whole, because part of it would be a different number.
    fn says(&self, name: &str, first: &str) -> Vec<String> {
        match self.says.get(name) {
            Some(more) => vec![format!("{first} · {more}"), more.clone()],
            None => vec![first.to_owned()],
        }
    }

    fn says_of(&self, host: &Machine) -> Vec<String> {
        let name = &host.name;
        let numbers = self.says.get(name).map(|more| format!("{name} · {more}"));
        let whole = host.zone.as_ref().map(|zone| match self.says.get(name) {
            Some(more) => format!("{name} · {zone} · {more}"),
            None => format!("{name} · {zone}"),
        });
        whole.into_iter().chain(numbers).chain([name.clone()]).collect()
    }
}

// --- boxes and arrows -----------------------------------------------------------------------------------------------

fn whole(topology: &Topology, known: &Known) -> Graph {
    let frame_of = |host: &Option<String>| topology.hosts.iter().position(|h| Some(&h.name) == host.as_ref());
    let last = topology.nodes.iter().filter_map(|n| n.tier).max().unwrap_or(1) as usize;
    let source = |name: &String| Node {
        name: name.clone(),
        says: vec!["clients".into()],
        mark: known.marks.get(name).cloned(),
        ..Node::default()
    };
    let place = |n: &crate::analysis::topology::Place| Node {
        says: known.says(&n.name, if n.tier.is_some() { &n.kind } else { "nothing asks it" }),
        mark: known.marks.get(&n.name).cloned(),
        // Nodes that nobody calls stand in the last column, or with the others on their host.
        column: n.tier.map_or(last, |t| t as usize),
        frame: frame_of(&n.host),
        name: n.name.clone(),
    };
    let boxes: Vec<Node> = topology
        .sources
        .iter()
        .map(source)
        .chain(topology.nodes.iter().map(place))
        .collect();
    let zones: BTreeSet<&String> = topology.hosts.iter().filter_map(|h| h.zone.as_ref()).collect();
    let zone_of = |h: &Machine| zones.iter().position(|zone| Some(*zone) == h.zone.as_ref());
    let frames = topology.hosts.iter().map(|h| Frame {
        says: known.says_of(h),
        mark: known.marks.get(&h.name).cloned(),
        zone: zone_of(h).filter(|_| zones.len() > 1),
    });
    let frames = frames.collect();
    let index = |from: usize| -> BTreeMap<&str, usize> {
        let names = boxes.iter().enumerate().skip(from);
        names.map(|(i, b)| (b.name.as_str(), i)).collect()
    };
    let (sources, nodes) = (index(0), index(topology.sources.len()));
    let arrow = |e: &Edge, starts: &BTreeMap<&str, usize>| {
        Some(Arrow {
            from: *starts.get(e.from.as_str())?,
            to: *nodes.get(e.to.as_str())?,
            names: e.names,
            per_s: units::measured(e.answered_per_s),
            share: units::measured(e.share),
            ink: known.link(topology, &e.from, &e.to),
        })
    };
    let entries = topology.entries.iter().filter_map(|e| arrow(e, &sources));
    let arrows = entries.chain(topology.edges.iter().filter_map(|e| arrow(e, &nodes)));
    // Whatever a document says, arrows lead away from the clients.
    let arrows = arrows.filter(|a| boxes[a.from].column < boxes[a.to].column).collect();
    let zones = zones.iter().map(|z| (*z).clone()).filter(|_| zones.len() > 1).collect();
    Graph {
        boxes,
        frames,
        arrows,
        zones,
    }
}

/// Merges nodes of one kind in a column into one box where there are at least `least`; the others stay as they are.
fn by_tier(graph: &Graph, topology: &Topology, least: usize) -> Graph {
    let kinds: Vec<String> = std::iter::repeat_n("clients".to_owned(), topology.sources.len())
        .chain(
            topology
                .nodes
                .iter()
                .map(|n| n.database.clone().unwrap_or(n.kind.clone())),
        )
        .collect();
    let mut groups: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
    for (i, node) in graph.boxes.iter().enumerate() {
        groups.entry((node.column, &kinds[i])).or_default().push(i);
    }
    let mut home = vec![0; graph.boxes.len()];
    let mut boxes = Vec::new();
    for ((column, kind), members) in groups {
        if members.len() >= least {
            members.iter().for_each(|m| home[*m] = boxes.len());
            boxes.push(group(graph, column, kind, &members));
            continue;
        }
        for m in members {
            home[m] = boxes.len();
            boxes.push(graph.boxes[m].clone());
        }
    }
    let mut arrows: Vec<Arrow> = Vec::new();
    for arrow in &graph.arrows {
        let (from, to) = (home[arrow.from], home[arrow.to]);
        match arrows.iter_mut().find(|a| (a.from, a.to) == (from, to)) {
            Some(known) => {
                known.names &= arrow.names;
                known.per_s = known.per_s.zip(arrow.per_s).map(|(a, b)| a + b);
                // The merged box may have several callers, so a share of one caller's calls is meaningless.
                known.share = None;
                known.ink = known.ink.or(arrow.ink);
            }
            None => arrows.push(Arrow {
                from,
                to,
                ..arrow.clone()
            }),
        }
    }
    Graph {
        boxes,
        frames: graph.frames.clone(),
        arrows,
        zones: graph.zones.clone(),
    }
}

fn group(graph: &Graph, column: usize, kind: &str, members: &[usize]) -> Node {
    // The mark belongs to the node or, failing that, to its host.
    let mark = |m: &usize| {
        let node = &graph.boxes[*m];
        let host = || graph.frames.get(node.frame?)?.mark.as_ref();
        node.mark.as_ref().or_else(host)
    };
    let marked: Vec<&Mark> = members.iter().filter_map(mark).collect();
    let mut words: Vec<(&str, usize)> = Vec::new();
    for word in marked.iter().filter_map(|mark| mark.says.last()) {
        match words.iter_mut().find(|(known, _)| known == word) {
            Some((_, count)) => *count += 1,
            None => words.push((word, 1)),
        }
    }
    let counted: Vec<String> = words.iter().map(|(word, count)| format!("{count}: {word}")).collect();
    let (first, last) = (members[0], members[members.len() - 1]);
    Node {
        name: format!("{} × {kind}", members.len()),
        says: vec![format!("{} to {}", graph.boxes[first].name, graph.boxes[last].name)],
        mark: marked.first().map(|mark| Mark {
            says: match words.as_slice() {
                [] => Vec::new(),
                [(word, _)] => vec![counted.join(""), (*word).to_owned()],
                _ => vec![counted.join(" · "), format!("{} marked", marked.len())],
            },
            ink: mark.ink,
        }),
        column,
        frame: None,
    }
}
