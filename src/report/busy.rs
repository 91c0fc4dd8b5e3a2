//! Utilisation: the tables of nodes and hosts, reduced to the busiest where there are many.
//!
//! A column in which nothing happened anywhere is left out, and a line below says so. The code never looks at a node's
//! kind.

use super::document::{Column, Span, Table, Tone};
use super::summary::unshown;
use super::units;
use crate::analysis::result::{Estimate, HostResult, NodeResult, Ordered};

/// From this utilisation on, hardly any capacity is left.
pub const BUSY: f64 = 0.8;

/// How many nodes fit a screen.
pub const MOST_NODES: usize = 10;
/// How many hosts fit a screen.
pub const MOST_HOSTS: usize = 6;

/// One row for each node, at most `most` rows: utilisation, queue length, wait.
pub fn nodes(nodes: &Ordered<NodeResult>, most: usize) -> Table {
    let any = |seen: fn(&NodeResult) -> bool| nodes.iter().any(|(_, n)| seen(n));
    let columns = [
        Some(Column::left("node")),
        any(|n| n.utilization_ratio.value.is_some()).then(|| Column::right("busy")),
        any(|n| above_zero(&n.queue_length)).then(|| Column::right("queue")),
        any(|n| above_zero(&n.wait_s.mean)).then(|| Column::right("wait")),
        any(|n| above_zero(&n.wait_s.p99)).then(|| Column::right("wait p99").rank(3)),
        Some(Column::right("served").rank(2)),
        any(|n| n.refused > 0).then(|| Column::right("refused").rank(4)),
        // A few are normal for any crash; many are a storm.
        any(|n| n.orphaned * 100 > n.served).then(|| Column::right("for nobody").rank(5)),
        any(|n| was_down(&n.up_ratio)).then(|| Column::right("up").rank(1)),
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
            Span::new(
                if node.orphaned > 0 { Tone::Caution } else { Tone::Plain },
                units::count(node.orphaned),
            ),
            up(&node.up_ratio),
        ]
    };
    let pressure = |node: &NodeResult| {
        [node.utilization_ratio, node.queue_length, node.wait_s.mean].map(|e| e.value.unwrap_or(0.0))
    };
    let absent = [(2, "no queue"), (6, "nothing refused"), (8, "all up throughout")];
    let absent = absent
        .iter()
        .filter(|(i, _)| columns[*i].is_none())
        .map(|(_, says)| *says);
    let (shown, are_busiest) = busiest(nodes, most, pressure, |n| n.refused > 0);
    let footnote = footnote(quieter(nodes.0.len(), most, "node", are_busiest), absent);
    table(columns.into(), shown.into_iter().map(row), footnote)
}

/// One row for each host, at most `most` rows: utilisation of its cores.
pub fn hosts(hosts: &Ordered<HostResult>, most: usize) -> Table {
    let any = |seen: fn(&HostResult) -> bool| hosts.iter().any(|(_, h)| seen(h));
    let columns = [
        Some(Column::left("host")),
        any(|h| h.cpu_ratio.value.is_some()).then(|| Column::right("CPU busy")),
        any(|h| was_down(&h.up_ratio)).then(|| Column::right("up")),
    ];
    let row = |(name, host): (&str, &HostResult)| vec![Span::plain(name), busy(&host.cpu_ratio), up(&host.up_ratio)];
    let absent = columns[2].is_none().then_some("all up throughout");
    let pressure = |host: &HostResult| [host.cpu_ratio.value.unwrap_or(0.0), 0.0, 0.0];
    let (shown, are_busiest) = busiest(hosts, most, pressure, |_| false);
    let footnote = footnote(quieter(hosts.0.len(), most, "host", are_busiest), absent.into_iter());
    table(columns.into(), shown.into_iter().map(row), footnote)
}

/// The columns that are present, and of each row the matching cells.
fn table(columns: Vec<Option<Column>>, rows: impl Iterator<Item = Vec<Span>>, footnote: String) -> Table {
    let kept = |row: Vec<Span>| {
        let cells = row.into_iter().zip(&columns).filter(|(_, column)| column.is_some());
        cells.map(|(cell, _)| cell).collect()
    };
    Table {
        rows: rows.map(kept).collect(),
        columns: columns.iter().flatten().cloned().collect(),
        footnote,
    }
}

fn footnote(more: String, absent: impl Iterator<Item = &'static str>) -> String {
    let absent = absent.collect::<Vec<_>>().join(", ");
    match (more.is_empty(), absent.is_empty()) {
        (false, false) => format!("{more}; {absent}"),
        _ => more + &absent,
    }
}

fn above_zero(e: &Estimate) -> bool {
    e.value.is_some_and(|v| v > 0.0)
}

fn was_down(up: &Estimate) -> bool {
    up.value.is_some_and(|v| v < 1.0)
}

/// All entries in the scenario's order if they fit. Otherwise the busiest, sorted by load; the least busy of them give
/// way to entries that must be shown. Also whether none had to give way: then no hidden entry is busier.
fn busiest<T>(
    all: &Ordered<T>,
    most: usize,
    pressure: impl Fn(&T) -> [f64; 3],
    matters: impl Fn(&T) -> bool,
) -> (Vec<(&str, &T)>, bool) {
    let mut entries: Vec<(&str, &T)> = all.iter().collect();
    let mut are_busiest = true;
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
        let hidden = entries.split_off(most);
        let mut seen = hidden.into_iter().filter(|entry| matters(entry.1));
        for place in (1..most).rev() {
            if !matters(entries[place].1)
                && let Some(entry) = seen.next()
            {
                entries[place] = entry;
                are_busiest = false;
            }
        }
        entries.sort_by(|a, b| heavier(&key(a), &key(b)));
    }
    (entries, are_busiest)
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
    let tone = if was_down(ratio) { Tone::Caution } else { Tone::Plain };
    Span::new(tone, units::percent_brief(ratio))
}

fn quieter(all: usize, most: usize, what: &str, are_busiest: bool) -> String {
    match unshown(all, most, what) {
        more if more.is_empty() || !are_busiest => more,
        more => format!("{more}, none busier"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which four of twelve are shown. Each is less busy than the one before; those in `matter` must be shown.
    fn shown(matter: &[usize]) -> Vec<usize> {
        let all = Ordered((0..12).map(|i| (format!("n{i}"), i)).collect());
        let (shown, are_busiest) = busiest(&all, 4, |i| [0.0, 12.0 - *i as f64, 0.0], |i| matter.contains(i));
        assert_eq!(are_busiest, shown.iter().all(|(_, i)| **i < 4));
        shown.into_iter().map(|(_, i)| *i).collect()
    }

    #[test]
    fn who_refused_is_among_those_that_are_shown() {
        assert_eq!(shown(&[]), [0, 1, 2, 3]);
        assert_eq!(shown(&[1]), [0, 1, 2, 3]);
        assert_eq!(shown(&[11]), [0, 1, 2, 11]);
        assert_eq!(shown(&[3, 5, 11]), [0, 3, 5, 11]);
        // The busiest of all is always shown.
        assert_eq!(shown(&[5, 6, 7, 8, 9]), [0, 5, 6, 7]);
    }
}
