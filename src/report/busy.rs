//! Who was busy: the tables of nodes and hosts, cut down to the busiest where there are many.
//!
//! It never looks at what kind of node it has before it.

use super::document::{Column, Span, Table, Tone};
use super::summary::unshown;
use super::units;
use crate::analysis::result::{Estimate, HostResult, NodeResult, Ordered};

/// How much of each list a screen can carry.
const MOST_NODES: usize = 10;
const MOST_HOSTS: usize = 6;

/// A row a node: how busy, how long the queue, how long the wait.
pub fn nodes(nodes: &Ordered<NodeResult>) -> Table {
    let columns = vec![
        Column::left("node"),
        Column::right("busy"),
        Column::right("queue"),
        Column::right("wait"),
        Column::right("wait p99").rank(3),
        Column::right("served").rank(2),
        Column::right("refused").rank(4),
        Column::right("up").rank(1),
    ];
    let row = |(name, node): (&str, &NodeResult)| {
        vec![
            Span::plain(name),
            busy(&node.utilization_ratio),
            Span::plain(units::brief(&node.queue_length)),
            Span::plain(units::latency_brief(&node.wait_s.mean)),
            Span::plain(units::latency_brief(&node.wait_s.p99)),
            Span::plain(units::count(node.served)),
            Span::new(
                if node.refused > 0 { Tone::Caution } else { Tone::Plain },
                units::count(node.refused),
            ),
            up(&node.up_ratio),
        ]
    };
    let pressure = |node: &NodeResult| {
        [node.utilization_ratio, node.queue_length, node.wait_s.mean].map(|e| e.value.unwrap_or(0.0))
    };
    let shown = busiest(nodes, MOST_NODES, pressure);
    Table {
        columns,
        rows: shown.map(row).collect(),
        footnote: quieter(nodes.0.len(), MOST_NODES, "node"),
    }
}

/// A row a host: how busy its cores.
pub fn hosts(hosts: &Ordered<HostResult>) -> Table {
    let columns = vec![Column::left("host"), Column::right("CPU busy"), Column::right("up")];
    let row = |(name, host): (&str, &HostResult)| vec![Span::plain(name), busy(&host.cpu_ratio), up(&host.up_ratio)];
    let shown = busiest(hosts, MOST_HOSTS, |host| {
        [host.cpu_ratio.value.unwrap_or(0.0), 0.0, 0.0]
    });
    Table {
        columns,
        rows: shown.map(row).collect(),
        footnote: quieter(hosts.0.len(), MOST_HOSTS, "host"),
    }
}

/// All in the scenario's order where they fit; else the busiest, the busiest first.
fn busiest<T>(all: &Ordered<T>, most: usize, pressure: impl Fn(&T) -> [f64; 3]) -> impl Iterator<Item = (&str, &T)> {
    let mut entries: Vec<(&str, &T)> = all.iter().collect();
    if entries.len() > most {
        let key = |entry: &(&str, &T)| pressure(entry.1);
        let heavier = |a: &[f64; 3], b: &[f64; 3]| {
            b.iter()
                .zip(a)
                .map(|(b, a)| b.total_cmp(a))
                .find(|o| o.is_ne())
                .unwrap_or(std::cmp::Ordering::Equal)
        };
        entries.sort_by(|a, b| heavier(&key(a), &key(b)));
    }
    entries.into_iter().take(most)
}

fn busy(ratio: &Estimate) -> Span {
    let tone = match ratio.value {
        Some(v) if v >= 0.95 => Tone::Bad,
        Some(v) if v >= 0.8 => Tone::Caution,
        _ => Tone::Plain,
    };
    Span::new(tone, units::percent_brief(ratio))
}

fn up(ratio: &Estimate) -> Span {
    let tone = if ratio.value.is_some_and(|v| v < 1.0) {
        Tone::Caution
    } else {
        Tone::Plain
    };
    Span::new(tone, units::percent_brief(ratio))
}

fn quieter(all: usize, most: usize, what: &str) -> String {
    match unshown(all, most, what) {
        none if none.is_empty() => none,
        more => format!("{more}, none busier"),
    }
}
