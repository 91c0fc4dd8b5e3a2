//! The report of `capacity`: one sentence to quote, what breaks first, the curve, and the capacity left after each
//! loss.

use super::document::{Block, Column, Fact, Report, Span, Table, Tone};
use super::summary::{caveats, is_of_losses, plural, seed};
use super::units::{self, NOTHING};
use crate::analysis::capacity::{Beyond, Capacity, Knee, Point, Shape, Size, Sizing, Verdict};
use crate::analysis::result::{Document, Estimate};

/// The report of a `capacity` document.
pub fn report(document: &Document, capacity: &Capacity) -> Report {
    let mut blocks = vec![Block::Facts(facts(capacity, document.envelope.complete))];
    if !capacity.curve.is_empty() {
        blocks.push(Block::Heading("Under load".into()));
        blocks.push(Block::Table(curve(capacity)));
    }
    if let Some(sizing) = &capacity.sizing {
        blocks.push(Block::Heading(format!("How many {}", sizing.of)));
        blocks.push(Block::Table(sizes(sizing)));
    }
    if !capacity.n_minus_1.0.is_empty() {
        blocks.push(Block::Heading("With one lost".into()));
        blocks.push(Block::Table(losses(capacity)));
    }
    blocks.extend(caveats(document, &[], usize::MAX));
    Report {
        title: format!("{}: how much does it carry?", document.envelope.scenario.name),
        subtitle: format!(
            "{} of {} at each load{}, {}",
            plural(document.envelope.replications, "replication"),
            units::span(libm::round(document.envelope.duration_s)),
            match capacity.knee.verdict {
                Verdict::Found => " near the knee",
                _ => "",
            },
            seed(document)
        ),
        blocks,
    }
}

/// `400/s now, knee at 910 ± 15 /s, 505 /s with server1 lost`.
pub fn sentence(capacity: &Capacity) -> String {
    let now = format!("{} now", per_s(capacity.present_per_s));
    let knee = match capacity.knee.verdict {
        Verdict::Found => format!("knee at {}", units::rate_estimate(&capacity.knee.knee_per_s)),
        Verdict::NoLoad => format!("the SLO is missed even at {}", per_s(capacity.tried_per_s[0])),
        Verdict::EveryLoad => format!(
            "the SLO holds up to {}, the most that was tried",
            per_s(capacity.tried_per_s[1])
        ),
    };
    let survivable = |(_, k): &(&str, &Knee)| k.verdict == Verdict::Found;
    let value = |k: &Knee| k.knee_per_s.value.unwrap_or(f64::INFINITY);
    let worst = capacity.n_minus_1.iter().filter(survivable);
    let worst = worst.min_by(|a, b| value(a.1).total_cmp(&value(b.1)));
    let lost = worst.map_or(String::new(), |(name, k)| {
        format!(", {} with {name} lost", per_s(value(k)))
    });
    format!("{now}, {knee}{lost}")
}

/// `4 of server* hold the SLO at 400/s, 5 also with one lost`. If the search was stopped early, larger numbers may hold
/// too.
pub fn enough(capacity: &Capacity, sizing: &Sizing, complete: bool) -> String {
    let now = per_s(capacity.present_per_s);
    let of = &sizing.of;
    let these = match (complete, sizing.sizes.len()) {
        (true, _) => "these numbers",
        (false, 0) => return format!("not known: no number of {of} was finished"),
        (false, _) => "the numbers that were finished",
    };
    match (sizing.fewest, sizing.fewest_with_one_lost) {
        (None, _) => format!("none of {these} of {of} holds the SLO at {now}"),
        (Some(n), Some(m)) if n == m => format!("{n} of {of} hold the SLO at {now}, also with one lost"),
        (Some(n), Some(m)) => format!("{n} of {of} hold the SLO at {now}, {m} also with one lost"),
        (Some(n), None) => format!("{n} of {of} hold the SLO at {now}, none of {these} with one lost"),
    }
}

fn sizes(sizing: &Sizing) -> Table {
    let mut columns = vec![
        Column::right("number"),
        Column::right("knee"),
        Column::right("of now"),
        Column::left("SLO"),
        Column::left("breaks first").rank(2),
        Column::right("with one lost"),
        Column::right("of now"),
        Column::left("SLO"),
    ];
    let costs = sizing.sizes.iter().any(|s| s.cost.is_some());
    if costs {
        columns.push(Column::right("cost"));
    }
    let says = |holds: bool| match holds {
        true => Span::new(Tone::Good, "holds"),
        false => Span::new(Tone::Bad, "missed"),
    };
    let row = |s: &Size| {
        let mut row = vec![
            Span::new(Tone::Strong, s.replicas.to_string()),
            Span::plain(held(&s.knee)),
            Span::plain(ratio(&s.knee.knee_ratio)),
            says(s.holds),
            Span::plain(first(&s.knee)),
            Span::plain(held(&s.with_one_lost)),
            Span::plain(ratio(&s.with_one_lost.knee_ratio)),
            says(s.holds_with_one_lost),
        ];
        if costs {
            row.push(Span::plain(s.cost.map_or(NOTHING.into(), |c| units::trimmed(c, 2))));
        }
        row
    };
    Table {
        columns,
        rows: sizing.sizes.iter().map(row).collect(),
        footnote: String::new(),
    }
}

/// What breaks first, and where.
fn first(knee: &Knee) -> String {
    knee.limited_by.as_ref().map_or(NOTHING.into(), |l| match &l.component {
        Some(component) => format!("{} at {component}", l.objective),
        None => l.objective.clone(),
    })
}

fn facts(capacity: &Capacity, complete: bool) -> Vec<Fact> {
    let knee = &capacity.knee;
    let carries = knee.carries_the_present();
    let tone = if carries { Tone::Strong } else { Tone::Bad };
    let mut facts = vec![Fact::new("Capacity", vec![Span::new(tone, sentence(capacity))])];
    facts.extend(indispensable(capacity));
    if let Some(sizing) = &capacity.sizing {
        let tone = if sizing.fewest.is_some() {
            Tone::Strong
        } else {
            Tone::Bad
        };
        facts.push(Fact::new(
            "Enough",
            vec![Span::new(tone, enough(capacity, sizing, complete))],
        ));
    }
    if let (Verdict::Found, Some(ratio)) = (knee.verdict, knee.knee_ratio.value) {
        let (lo, hi) = (knee.knee_ratio.lo, knee.knee_ratio.hi);
        let says = match ratio >= 1.0 {
            _ if lo.is_some_and(|lo| lo <= 1.0) && hi.is_some_and(|hi| hi >= 1.0) => {
                "none to speak of: the present load may lie on either side of the knee".into()
            }
            true if capacity.closed => {
                let now = capacity
                    .users
                    .map_or("now".into(), |n| format!("the {} of now", units::count(n.into())));
                let those = users(capacity, ratio).map_or(String::new(), |n| format!("{n} users, "));
                format!("{those}{:.0} % more than {now}", 100.0 * (ratio - 1.0))
            }
            true => format!("{:.0} % more than now", 100.0 * (ratio - 1.0)),
            false => format!(
                "none: {:.0} % of the present {} would have to go",
                100.0 * (1.0 - ratio),
                if capacity.closed { "users" } else { "load" }
            ),
        };
        facts.push(Fact::plain("Head-room", says));
    }
    if let Some(limit) = &knee.limited_by {
        let component = limit.component.as_ref().map_or(String::new(), |c| format!(", at {c}"));
        facts.push(Fact::plain("Breaks first", format!("{}{component}", limit.objective)));
    }
    let mut busy: Vec<(&str, f64)> = capacity
        .utilization
        .iter()
        .filter_map(|(n, e)| Some((n, e.value?)))
        .collect();
    busy.sort_by(|a, b| b.1.total_cmp(&a.1));
    let items = busy
        .iter()
        .take(MOST_BUSY)
        .map(|(n, b)| Span::plain(format!("{n} {:.0} %", 100.0 * b)));
    let items: Vec<Span> = items.collect();
    if !items.is_empty() && knee.verdict == Verdict::Found {
        facts.push(Fact::new("Busy at the knee", items));
    }
    if let Some(bound) = &capacity.bound {
        let says = format!(
            "{} by the {} of {}",
            per_s(bound.rate_per_s),
            bound.resource,
            bound.component
        );
        facts.push(Fact::plain("At most", says));
    }
    if let Some(beyond) = &capacity.beyond {
        facts.push(Fact::plain("Beyond the knee", goodput(beyond, &capacity.curve)));
    }
    facts
}

/// Components without which a promise is broken at any load, through losses or latency. The capacity sentence covers
/// the others.
fn indispensable(capacity: &Capacity) -> Vec<Fact> {
    let loses = |knee: &Knee| knee.limited_by.as_ref().is_some_and(|l| is_of_losses(&l.objective));
    let fact = |label: &'static str, of_losses: bool| {
        let is_meant = |(_, knee): &(&str, &Knee)| knee.verdict == Verdict::NoLoad && loses(knee) == of_losses;
        let names = capacity.n_minus_1.iter().filter(is_meant);
        let mut names = names.map(|(name, _)| Span::new(Tone::Bad, name));
        let mut says: Vec<Span> = names.by_ref().take(MOST_NAMED).collect();
        let more = names.count();
        if more > 0 {
            says.push(Span::plain(format!("{more} more")));
        }
        let any_load = Span::new(Tone::Quiet, "whatever the load");
        says.extend((!says.is_empty()).then_some(any_load));
        (!says.is_empty() && capacity.knee.verdict != Verdict::NoLoad).then(|| Fact::new(label, says))
    };
    let facts = [fact("Losses without", true), fact("Late without", false)];
    facts.into_iter().flatten().collect()
}

/// How many of the busiest components are named.
const MOST_BUSY: usize = 4;
/// How many of the indispensable components are named.
const MOST_NAMED: usize = 8;

/// Goodput grows if it rises by more than this from the last load but one to the last. The number of rejected requests
/// grows too, but more slowly than the load.
const GROWS: f64 = 1.03;

fn goodput(beyond: &Beyond, curve: &[Point]) -> String {
    let before = curve.iter().rev().nth(1).and_then(|p| p.metrics.throughput_per_s.value);
    let grows = before.is_some_and(|before| beyond.last_per_s > GROWS * before);
    let (last, offered, peak) = (
        per_s(beyond.last_per_s),
        per_s(beyond.last_offered_per_s),
        per_s(beyond.peak_per_s),
    );
    match beyond.shape {
        Shape::Rises => format!("goodput still rises: {last} of {offered}"),
        Shape::Plateau if grows => format!("goodput grows on, slower than the load: {last} of {offered}"),
        Shape::Plateau => format!("goodput stays at its height: {last} of {offered}"),
        Shape::Sags => format!("goodput sags: {last} of {offered}, after {peak} at best"),
        Shape::Collapses => format!("goodput collapses: {last} of {offered}, after {peak} at best"),
    }
}

/// The number of users at this ratio to the present, where it is users that are scaled.
pub(super) fn users(capacity: &Capacity, ratio: f64) -> Option<String> {
    let now = capacity.users.filter(|_| capacity.closed && ratio.is_finite())?;
    Some(units::count(libm::round(f64::from(now) * ratio) as u64))
}

/// What the ratios next to the loads refer to.
fn of_now(capacity: &Capacity) -> &'static str {
    match (capacity.closed, capacity.users) {
        (true, Some(_)) => "users",
        (true, None) => "of users",
        (false, _) => "of now",
    }
}

/// That ratio, as a number of users where it is known.
fn times_now(capacity: &Capacity, ratio: f64) -> String {
    users(capacity, ratio).unwrap_or_else(|| format!("{:.0} %", 100.0 * ratio))
}

fn curve(capacity: &Capacity) -> Table {
    // Within this interval the promise may be kept or missed by chance.
    let Estimate { lo, hi, .. } = capacity.knee.knee_ratio;
    let is_found = capacity.knee.verdict == Verdict::Found;
    let is_knee = |p: &Point| is_found && lo.zip(hi).is_some_and(|(lo, hi)| (lo..=hi).contains(&p.load_ratio));
    let columns = vec![
        Column::right("load"),
        Column::right(of_now(capacity)).rank(2),
        Column::right("availability"),
        Column::right("goodput"),
        Column::right("p50").rank(1),
        Column::right("p99"),
        Column::left("SLO"),
    ];
    let row = |p: &Point| {
        let slo = match (is_knee(p), p.holds) {
            (true, _) => Span::new(Tone::Caution, "the knee"),
            (false, true) => Span::new(Tone::Good, "holds"),
            (false, false) => Span::new(Tone::Bad, "missed"),
        };
        vec![
            Span::new(Tone::Strong, per_s(p.rate_per_s)),
            Span::plain(times_now(capacity, p.load_ratio)),
            Span::plain(units::percent_brief(&p.metrics.availability)),
            Span::plain(p.metrics.throughput_per_s.value.map_or(NOTHING.into(), per_s)),
            Span::plain(units::latency_brief(&p.metrics.latency_s.p50)),
            Span::plain(units::latency_brief(&p.metrics.latency_s.p99)),
            slo,
        ]
    };
    // The curve takes fewer replications than the knee, which is measured for longer.
    let each = capacity.curve.iter().map(|p| p.replications).max().filter(|n| *n > 0);
    let longest = capacity.curve.iter().map(|p| p.duration_s).fold(0.0, f64::max);
    let footnote = each.map(|n| {
        format!(
            "each load: {} of at most {}",
            plural(n, "replication"),
            units::span(longest.ceil())
        )
    });
    Table {
        columns,
        rows: capacity.curve.iter().map(row).collect(),
        footnote: footnote.unwrap_or_default(),
    }
}

fn losses(capacity: &Capacity) -> Table {
    let columns = vec![
        Column::left("lost"),
        Column::right("knee"),
        Column::right(of_now(capacity)),
        Column::left("breaks first").rank(1),
    ];
    let row = |(name, knee): (&str, &Knee)| {
        let enough = knee.carries_the_present();
        let tone = if enough { Tone::Good } else { Tone::Bad };
        vec![
            Span::new(Tone::Strong, name),
            Span::new(tone, held(knee)),
            Span::plain(knee.knee_ratio.value.map_or(NOTHING.into(), |r| times_now(capacity, r))),
            Span::plain(first(knee)),
        ]
    };
    let mut all: Vec<(&str, &Knee)> = capacity.n_minus_1.iter().collect();
    let value = |k: &Knee| k.knee_per_s.value.unwrap_or(f64::INFINITY);
    all.sort_by(|a, b| value(a.1).total_cmp(&value(b.1)));
    Table {
        columns,
        rows: all.into_iter().map(row).collect(),
        footnote: String::new(),
    }
}

fn held(knee: &Knee) -> String {
    match (knee.verdict, knee.knee_per_s.lo) {
        (Verdict::Found, _) => units::rate_estimate(&knee.knee_per_s),
        (Verdict::NoLoad, _) => "no load".into(),
        (Verdict::EveryLoad, lo) => format!("> {}", lo.map_or(NOTHING.into(), per_s)),
    }
}

fn ratio(e: &Estimate) -> String {
    e.value.map_or(NOTHING.into(), |r| format!("{:.0} %", 100.0 * r))
}

/// A rate in three digits: `400/s`.
pub(super) fn per_s(rate: f64) -> String {
    let decimals = if rate >= 100.0 {
        0
    } else if rate >= 10.0 {
        1
    } else {
        2
    };
    format!("{}/s", units::trimmed(rate, decimals))
}
