//! The charts made of rows of bars or dots: utilisation, the cost of losses, differences, and where time is spent.

use super::axis::Axis;
use super::bars::{Bars, Part, Row};
use super::theme::Ink;
use super::{Drawing, PictureError};
use crate::analysis::availability::Availability;
use crate::analysis::capacity::Verdict as Knee;
use crate::analysis::compare::{Compare, Difference, Verdict};
use crate::analysis::result::{Answer, Document, Estimate, Metrics, Ordered, SloResult};
use crate::analysis::spof::{self, Effect, Priced, Spof};
use crate::analysis::waterfall::{Breakdown, Hop};
use crate::report::answer::loses_much;
use crate::report::busy::BUSY;
use crate::report::capacity::per_s;
use crate::report::compare::{delta, is_of_load, loads, name, told};
use crate::report::spof::{LEAST_S, brief};
use crate::report::units::{self, measured};
use crate::report::view::runs;

/// Fewer minutes a year than this are negligible.
const LEAST_MINUTES: f64 = 0.1;

type Drawn = Result<Drawing<'static>, PictureError>;

fn nothing<T>(word: &'static str, why: &str) -> Result<T, PictureError> {
    Err(PictureError::Nothing(word, why.into()))
}

// --- utilization ----------------------------------------------------------------------------------------------------

/// Utilisation of every component with a limit, the highest first.
pub fn utilization(document: &Document) -> Drawn {
    let (title, mut rows) = match &document.answer {
        Answer::Capacity(found) => {
            let title = match found.knee.verdict {
                Knee::Found => "How busy at the knee".to_owned(),
                _ if found.utilization_per_s > 0.0 => {
                    format!("How busy at {}", per_s(found.utilization_per_s))
                }
                // Results of earlier versions do not say which load it was.
                _ => "How busy at one of the loads that were tried".to_owned(),
            };
            (title, busy(found.utilization.iter(), ""))
        }
        Answer::Run(run) => {
            let mut rows = busy(run.nodes.iter().map(|(n, r)| (n, &r.utilization_ratio)), "workers of ");
            rows.extend(busy(run.hosts.iter().map(|(n, r)| (n, &r.cpu_ratio)), "cores of "));
            ("How busy, on the average".to_owned(), rows)
        }
        _ => {
            return nothing(
                "utilization",
                "it draws what `fallover run` of one scenario, or `capacity`, found",
            );
        }
    };
    if rows.is_empty() {
        return nothing("utilization", "nothing with a limit was measured");
    }
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let bars = Bars {
        title,
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        axis: Axis::between(0.0, 1.0, 5, units::percent),
        marks: vec![(BUSY, "hardly any room".into())],
        legend: Vec::new(),
        more: "with more room",
    };
    Ok(bars.drawing("Mean share of workers or cores that are busy, and its interval."))
}

fn busy<'e>(all: impl Iterator<Item = (&'e str, &'e Estimate)>, whose: &str) -> Vec<(f64, Row)> {
    let row = |(name, e): (&str, &Estimate)| {
        let busy = measured(e.value)?;
        let ink = if busy >= BUSY { Ink::Fault } else { Ink::Line(0) };
        let row = Row {
            name: format!("{whose}{name}"),
            parts: vec![Part::new(0.0, busy, ink)],
            reach: Row::reach(e.lo, e.hi),
            dot: None,
            says: units::percent_brief(e),
            ink: if busy >= BUSY { Ink::Fault } else { Ink::Plain },
        };
        Some((busy, row))
    };
    all.filter_map(row).collect()
}

// --- what losses cost -----------------------------------------------------------------------------------------------

/// Minutes a year by component, or by cause.
pub fn losses(document: &Document) -> Drawn {
    match &document.answer {
        Answer::Spof(found) => by_component(found),
        Answer::Availability(found) => by_cause(found),
        _ => nothing("spof", "it draws what `fallover spof` or `availability` found"),
    }
}

fn by_component(found: &Spof) -> Drawn {
    let all: Vec<&Priced> = found.components.iter().chain(&found.pairs).collect();
    let cost = |p: &Priced| measured(p.downtime_min_per_year);
    let lost = |p: &Priced| measured(p.lost_ratio.value);
    let priced = all.iter().any(|p| cost(p).is_some());
    // Order: priced losses first, then unpriced ones that lose much, then those that cost next to nothing. A single
    // point of failure without a price is always shown, because its cost is unknown.
    let alone = |p: &Priced| p.verdict == spof::Verdict::Outage && found.components.iter().any(|c| c.name == p.name);
    let place = |p: &Priced| match (if priced { cost(p) } else { lost(p) }, lost(p)) {
        (None, Some(lost)) if alone(p) => Some((3, lost)),
        (Some(size), _) if !priced || size >= units::LEAST_MINUTES => Some((2, size)),
        (None, Some(lost)) if loses_much(p) => Some((1, lost)),
        (size, _) => Some((0, size?)),
    };
    let mut rows: Vec<((u8, f64), Row)> = all
        .iter()
        .filter_map(|p| Some((place(p)?, component(p, cost(p), priced))))
        .collect();
    if rows.is_empty() {
        return nothing("spof", "no loss was tried");
    }
    rows.sort_by(|a, b| (b.0.0.cmp(&a.0.0)).then(b.0.1.total_cmp(&a.0.1)));
    // Among the rows shown, priced bars come first, because readers begin at the top.
    let shown = Bars::shown_of(rows.len());
    rows[..shown].sort_by_key(|((place, _), _)| *place != 2);
    let is_unpriced = |place: &u8| matches!(place, 1 | 3);
    let sizes = rows.iter().filter(|((place, _), _)| !is_unpriced(place));
    let hidden = rows.iter().skip(shown);
    let more = match hidden.map(|((place, _), _)| place).any(is_unpriced) {
        true => "losses",
        false if priced => "that cost less",
        false => "that lose less",
    };
    let most = sizes.map(|((_, size), _)| *size).fold(0.0, f64::max);
    let (title, axis, how) = match priced {
        true => (
            "Downtime by component",
            minutes_axis(most),
            "Minutes of all requests that each loss costs a year.",
        ),
        false => (
            "Lost by component",
            Axis::between(0.0, most.max(0.01), 5, units::percent),
            "Share of the requests lost while it is down.",
        ),
    };
    let bars = Bars {
        title: title.into(),
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        axis,
        marks: Vec::new(),
        legend: Vec::new(),
        more,
    };
    Ok(bars.drawing(how))
}

fn component(p: &Priced, cost: Option<f64>, priced: bool) -> Row {
    let (ink, verdict) = match p.verdict {
        spof::Verdict::Outage => (Ink::Bad, "outage"),
        spof::Verdict::Overload => (Ink::Fault, "overload"),
        spof::Verdict::Degraded => (Ink::Line(0), "degraded"),
        spof::Verdict::None => (Ink::Quiet, "no loss that lasts"),
    };
    let share = measured(p.lost_ratio.value).unwrap_or(0.0);
    let lost = match units::percent_brief(&p.lost_ratio) {
        // Without a steady-state loss, the transient loss is what makes it degraded.
        _ if share == 0.0 && p.lost_in_passing_s >= LEAST_S => format!("{} in passing", brief(p.lost_in_passing_s)),
        lost if priced => format!("{lost} lost"),
        lost => lost,
    };
    let (size, says) = match (cost, priced) {
        (Some(cost), true) => (cost, units::minutes(cost)),
        (None, true) if p.effect == Effect::Crash.name() => (0.0, format!("no lifetime · {lost}")),
        // Lifetimes do not say how often a component is slow.
        (None, true) => (0.0, lost),
        (_, false) => (share, lost),
    };
    Row {
        name: if p.effect == Effect::Crash.name() {
            p.name.clone()
        } else {
            format!("{} ({})", p.name, p.effect)
        },
        parts: vec![Part::new(0.0, size.max(0.0), ink)],
        says: format!("{says} · {verdict}"),
        ink: if matches!(ink, Ink::Line(_)) { Ink::Plain } else { ink },
        ..Row::default()
    }
}

fn by_cause(found: &Availability) -> Drawn {
    let row = |(cause, e): (&str, &Estimate)| {
        let minutes = measured(e.value)?;
        Some(Row {
            name: cause.into(),
            parts: vec![Part::new(0.0, minutes.max(0.0), Ink::Line(1))],
            reach: Row::reach(e.lo, e.hi),
            says: match minutes {
                small if small < LEAST_MINUTES => units::minutes(small),
                _ => units::minutes_estimate(e),
            },
            ..Row::default()
        })
    };
    // Causes that cost next to nothing are left out if any other is drawn.
    let all = || {
        found
            .by_cause
            .iter()
            .filter(|(_, e)| measured(e.value).is_some_and(|m| m > 0.0))
    };
    let dear = all().filter(|(_, e)| measured(e.value).is_some_and(|m| m >= LEAST_MINUTES));
    let mut rows: Vec<Row> = dear.filter_map(row).collect();
    if rows.is_empty() {
        rows = all().filter_map(row).collect();
    }
    if rows.is_empty() {
        return nothing("spof", "nothing was lost");
    }
    let most = found
        .by_cause
        .iter()
        .filter_map(|(_, e)| e.hi.or(e.value))
        .fold(0.0, f64::max);
    let bars = Bars {
        title: "Downtime by cause".into(),
        rows,
        axis: minutes_axis(most),
        marks: Vec::new(),
        legend: Vec::new(),
        more: "that cost less",
    };
    Ok(bars.drawing("Minutes of all requests that are lost a year, and the interval."))
}

fn minutes_axis(most: f64) -> Axis {
    let (unit, name) = if most > 180.0 { (60.0, "h") } else { (1.0, "min") };
    Axis::in_units(unit, 0.0, most.max(0.1), 5, move |v| match v {
        0.0 => "0".into(),
        v => format!("{} {name}", units::trimmed(v, 2)),
    })
}

// --- nines ----------------------------------------------------------------------------------------------------------

/// Availability on an axis where every nine takes the same space.
pub fn nines(document: &Document) -> Drawn {
    let (rows, slo): (Vec<(String, Estimate)>, &[SloResult]) = match &document.answer {
        Answer::Availability(found) => {
            let mut rows = vec![("all requests".to_owned(), found.availability)];
            let classes = found.classes.iter().filter(|_| found.classes.0.len() > 1);
            rows.extend(classes.map(|(name, c)| (name.to_owned(), c.availability)));
            let structural = found.structural.map(|v| Estimate {
                value: Some(v),
                ..Estimate::default()
            });
            rows.extend(structural.map(|e| ("by structure alone".to_owned(), e)));
            (rows, &found.slo)
        }
        Answer::Run(run) => (of_classes("all requests", &run.metrics, &run.classes), &run.slo),
        Answer::Runs(_) | Answer::Compare(_) => {
            let rows = runs(document)
                .into_iter()
                .map(|v| (v.name.to_owned(), v.run.metrics.availability));
            (rows.collect(), &[])
        }
        _ => {
            return nothing(
                "nines",
                "it draws what `fallover run`, `compare` or `availability` found",
            );
        }
    };
    let several = matches!(document.answer, Answer::Runs(_) | Answer::Compare(_));
    let known: Vec<(String, Estimate)> = rows.into_iter().filter(|(_, e)| measured(e.value).is_some()).collect();
    if known.is_empty() {
        return nothing("nines", "no availability was measured");
    }
    let promised = slo.iter().filter(|s| s.objective == "availability").map(|s| s.target);
    let marks: Vec<(f64, String)> = promised
        .map(|t| (t, format!("promised {}", units::percent(t))))
        .collect();
    let edges = known
        .iter()
        .flat_map(|(_, e)| [e.value, e.lo, e.hi])
        .flatten()
        .chain(marks.iter().map(|m| m.0));
    let axis = Axis::nines(edges.filter(|v| v.is_finite()));
    let row = |(name, e): (String, Estimate)| {
        let v = measured(e.value).unwrap_or(0.0);
        let nines = units::nines(v).map_or(String::new(), |n| format!(" · {n}"));
        Row {
            name,
            reach: Row::reach(e.lo, e.hi),
            // An availability of 1 has no place on this axis; only its bound has.
            dot: Some(v).filter(|v| *v < 1.0),
            says: match units::at_least(&e) {
                Some(bound) => format!("none failed · {bound}"),
                None => format!("{}{nines}", units::percent_estimate(&e)),
            },
            ink: Ink::Line(0),
            ..Row::default()
        }
    };
    let bars = Bars {
        title: "Availability in nines".into(),
        rows: known.into_iter().map(row).collect(),
        axis,
        marks,
        legend: Vec::new(),
        more: if several { "scenarios" } else { "classes" },
    };
    Ok(bars.drawing("Each nine takes the same room: a tenth of the loss. Line: the interval."))
}

fn of_classes(all: &str, metrics: &Metrics, classes: &Ordered<Metrics>) -> Vec<(String, Estimate)> {
    let split = classes.iter().filter(|_| classes.0.len() > 1);
    let split = split.map(|(name, m)| (name.to_owned(), m.availability));
    std::iter::once((all.to_owned(), metrics.availability))
        .chain(split)
        .collect()
}

// --- differences ----------------------------------------------------------------------------------------------------

/// The differences between designs, each metric on its own scale: zero in the middle, with the interval around the
/// difference.
pub fn differences(document: &Document) -> Drawn {
    let Answer::Compare(compare) = &document.answer else {
        return nothing("difference", "it draws what `fallover compare` found");
    };
    let rows: Vec<Row> = difference_rows(compare);
    if rows.is_empty() {
        return nothing("difference", "there is no difference of anything that was measured");
    }
    let title = match compare.pairs().as_slice() {
        [only] => format!("{} against {}", only[0].b, only[0].a),
        [first, ..] => format!("Each against {}", first[0].a),
        [] => String::new(),
    };
    let bars = Bars {
        title,
        rows,
        axis: Axis::between(-1.0, 1.0, 2, |_| String::new()),
        marks: vec![(0.0, "no difference".into())],
        legend: vec![
            (Ink::Good, "better"),
            (Ink::Bad, "worse"),
            (Ink::Quiet, "not shown, or slight"),
        ],
        more: "differences",
    };
    Ok(bars.drawing("Dot: the difference; line: its interval. Each row has a scale of its own."))
}

fn difference_rows(compare: &Compare) -> Vec<Row> {
    let (pairs, loads) = (compare.pairs(), loads(compare));
    let row = |d: &&Difference| {
        let v = measured(d.difference.value)?;
        // Where the difference is exactly zero, its interval has no scale to be drawn to.
        let reach = Row::reach(d.difference.lo, d.difference.hi).filter(|_| v != 0.0);
        let most = reach.map_or(0.0, |(lo, hi)| lo.abs().max(hi.abs())).max(v.abs());
        let scale = if most > 0.0 { 0.95 / most } else { 0.0 };
        Some(Row {
            name: match pairs.len() {
                1 => name(&d.metric),
                _ => format!("{}: {}", d.b, name(&d.metric)),
            },
            reach: reach.map(|(lo, hi)| (lo * scale, hi * scale)),
            dot: Some(v * scale),
            says: delta(d),
            ink: match d.verdict {
                _ if !d.matters() || is_of_load(&loads, d) => Ink::Quiet,
                Verdict::BBetter => Ink::Good,
                Verdict::ABetter => Ink::Bad,
                Verdict::NoDifferenceShown => Ink::Quiet,
            },
            ..Row::default()
        })
    };
    // With several pairs, only those with the first design and the two most important metrics are shown; more would be
    // unreadable.
    let first = pairs.first().map(|pair| pair[0].a.as_str());
    let is_headline = |d: &Difference| ["latency_s.p99", "availability"].contains(&d.metric.as_str());
    let worth = |d: &&Difference| pairs.len() == 1 || (Some(d.a.as_str()) == first && is_headline(d));
    pairs
        .iter()
        .flat_map(|pair| told(pair))
        .filter(worth)
        .filter_map(|d| row(&d))
        .collect()
}

// --- waterfall ------------------------------------------------------------------------------------------------------

/// How the mean request's time is spent, hop by hop.
pub fn waterfall(document: &Document) -> Drawn {
    let Answer::Run(run) = &document.answer else {
        return nothing("waterfall", "it draws what `fallover run` of one scenario found");
    };
    let Breakdown {
        mean_s,
        hops,
        elsewhere_s,
    } = &run.waterfall.all;
    let Some(mean) = mean_s.filter(|m| m.is_finite() && !hops.is_empty()) else {
        return nothing("waterfall", "no request succeeded");
    };
    let mut at = 0.0;
    let hops = merged(hops);
    let mut rows: Vec<Row> = hops.iter().map(|hop| hop_row(hop, &mut at)).collect();
    if elsewhere_s.abs() > 1e-3 * mean {
        let row = Row {
            name: if *elsewhere_s < 0.0 {
                "for requests that failed"
            } else {
                "pauses and failed tries"
            }
            .into(),
            parts: vec![Part::new(at, at + elsewhere_s, Ink::Quiet)],
            says: units::signed_latency(*elsewhere_s),
            ink: Ink::Quiet,
            ..Row::default()
        };
        rows.push(row);
    }
    rows.push(Row {
        name: "mean latency".into(),
        parts: vec![Part::new(0.0, mean, Ink::Plain)],
        says: units::latency(mean),
        ..Row::default()
    });
    let ends = rows.iter().flat_map(|r| &r.parts).flat_map(|p| [p.from, p.to]);
    let (lo, hi) = ends.fold((0.0, 0.0), |(lo, hi): (f64, f64), v| (lo.min(v), hi.max(v)));
    let bars = Bars {
        title: "Where the time of the mean request goes".into(),
        rows,
        axis: Axis::between(lo, hi, 5, units::signed_latency),
        marks: Vec::new(),
        legend: vec![
            (Ink::Line(1), "waiting"),
            (Ink::Line(0), "own time"),
            (Ink::Line(2), "on the network"),
        ],
        more: "hops",
    };
    Ok(
        bars.drawing(
            "Each hop goes on where the one before it ended; own time: work, and what calls that failed took.",
        ),
    )
}

/// The longest hops in their order, and the others merged into one. A bar begins where the previous one ends, so none
/// may be missing.
fn merged(hops: &[Hop]) -> Vec<Hop> {
    const MOST: usize = 20;
    let size = |hop: &Hop| hop.wait_s.abs() + hop.own_s.abs() + hop.network_s.abs();
    if hops.len() <= MOST {
        return hops.to_vec();
    }
    let mut order: Vec<usize> = (0..hops.len()).collect();
    order.sort_by(|a, b| size(&hops[*b]).total_cmp(&size(&hops[*a])));
    let (large, small) = order.split_at(MOST - 1);
    let sum = |of: fn(&Hop) -> f64| small.iter().map(|i| of(&hops[*i])).sum::<f64>();
    let rest = Hop {
        node: format!("{} others together", small.len()),
        wait_s: sum(|h| h.wait_s),
        own_s: sum(|h| h.own_s),
        network_s: sum(|h| h.network_s),
        ..hops[small[0]].clone()
    };
    let kept = hops.iter().enumerate().filter(|(i, _)| large.contains(i));
    kept.map(|(_, hop)| hop.clone()).chain([rest]).collect()
}

fn hop_row(hop: &Hop, at: &mut f64) -> Row {
    let mut parts = Vec::new();
    for (seconds, ink) in [
        (hop.wait_s, Ink::Line(1)),
        (hop.own_s, Ink::Line(0)),
        (hop.network_s, Ink::Line(2)),
    ] {
        parts.push(Part::new(*at, *at + seconds, ink));
        *at += seconds;
    }
    Row {
        name: hop.node.clone(),
        parts,
        says: units::signed_latency(hop.network_s + hop.wait_s + hop.own_s),
        ..Row::default()
    }
}
