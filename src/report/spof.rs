//! The report of `spof`: the verdict first, then the effect of each loss, then the sets that cut a class.

use super::document::{Block, Column, Fact, Point, Report, Span, Table, Tone};
use super::summary::{caveats, plural, seed};
use super::units::{self, NOTHING};
use crate::analysis::result::{Document, Estimate};
use crate::analysis::spof::{Fix, Priced, Relief, Spof, Verdict, titled};

/// How many rows of each list fit a screen.
pub const MOST_ROWS: usize = 40;
const MOST_FIXES: usize = 15;
/// Fewer seconds than this are shown as none.
pub(super) const LEAST_S: f64 = 0.05;
const MOST_SETS: usize = 12;

/// The report of a `spof` document, with at most `most` rows in each table.
pub fn report(document: &Document, spof: &Spof, most: usize) -> Report {
    let mut blocks = vec![
        Block::Facts(verdicts(spof)),
        Block::Table(losses("component", &spof.components, most)),
    ];
    if !spof.pairs.is_empty() {
        blocks.push(Block::Heading("Lost together".into()));
        blocks.push(Block::Table(losses("pair", &spof.pairs, most)));
    }
    blocks.extend(first(spof));
    blocks.extend(together(spof));
    blocks.extend(caveats(document, &[], usize::MAX));
    Report {
        title: format!("{}: what if it dies?", document.envelope.scenario.name),
        subtitle: format!(
            "every component taken away in turn, {} each, {}",
            plural(document.envelope.replications, "replication"),
            seed(document)
        ),
        blocks,
    }
}

fn verdicts(spof: &Spof) -> Vec<Fact> {
    let with = |wanted: Verdict| -> Vec<Span> {
        let tone = if wanted == Verdict::Outage {
            Tone::Bad
        } else {
            Tone::Caution
        };
        let found = spof.components.iter().filter(|p| p.verdict == wanted);
        found.map(|p| Span::new(tone, says(p))).collect()
    };
    let mut alone = with(Verdict::Outage);
    alone.extend(unpriced(spof).into_iter().map(|says| Span::new(Tone::Bad, says)));
    let or_none = |found: Vec<Span>| match found.is_empty() {
        true => vec![Span::new(Tone::Good, "none")],
        false => found,
    };
    let mut facts = vec![
        Fact::new("Single points", or_none(alone)),
        Fact::new("Of capacity", or_none(with(Verdict::Overload))),
    ];
    let degraded = with(Verdict::Degraded);
    if !degraded.is_empty() {
        facts.push(Fact::new("Degraded", degraded));
    }
    let stuck = spof.components.iter().filter(|p| !p.recovers);
    let stuck: Vec<Span> = stuck.map(|p| Span::new(Tone::Bad, named(p))).collect();
    if !stuck.is_empty() {
        facts.push(Fact::new("Does not recover", stuck));
    }
    let minutes = |of: &[Priced]| of.iter().filter_map(|p| p.downtime_min_per_year).sum::<f64>();
    let (alone, pairs) = (minutes(&spof.components), minutes(&spof.pairs));
    if alone + pairs > 0.0 {
        let of = match spof.unfinished.is_empty() {
            true => "all components",
            false => "those that were finished",
        };
        let more = match pairs > 0.0 {
            true => format!(
                ", each alone; {} while two are down at once, counted in part already",
                units::minutes(pairs)
            ),
            false => " together".into(),
        };
        let says = format!("{}, the losses of {of}{more}", units::minutes(alone));
        facts.push(Fact::plain("Lost a year", says));
    }
    facts
}

/// The component, and which part of the service it takes down if not all of it.
fn says(priced: &Priced) -> String {
    match priced.verdict {
        Verdict::Outage => format!("{} ({})", priced.name, priced.cuts.join(", ")),
        _ => named(priced),
    }
}

/// The component, and its effect if that is not a crash.
fn named(priced: &Priced) -> String {
    titled(&priced.name, &priced.effect)
}

/// The single points of failure by structure that were not simulated.
fn unpriced(spof: &Spof) -> Vec<String> {
    let is_priced = |name: &str| spof.components.iter().any(|p| p.name == name && p.effect == "crash");
    let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
    for (class, sets) in spof.cut_sets.iter() {
        for set in sets {
            let [name] = set.as_slice() else { continue };
            match found.iter_mut().find(|(n, _)| n == name) {
                Some((_, classes)) => classes.push(class),
                None => found.push((name, vec![class])),
            }
        }
    }
    found.retain(|(name, _)| !is_priced(name));
    let says = |(name, classes): &(&str, Vec<&str>)| format!("{name} ({})", classes.join(", "));
    found.iter().map(says).collect()
}

fn losses(what: &str, all: &[Priced], most: usize) -> Table {
    let columns = vec![
        Column::left(what),
        Column::left("verdict"),
        Column::right("lost"),
        Column::right("in passing").rank(4),
        Column::right("p99").rank(5),
        Column::right("noticed").rank(3),
        Column::right("back after").rank(2),
        Column::right("at the crash").rank(1),
        Column::right("lost a year"),
    ];
    let seconds = |s: Option<f64>| Span::plain(s.map_or(NOTHING.into(), brief));
    let at_once = |s: Option<f64>| {
        if s == Some(0.0) {
            Span::plain("at once")
        } else {
            seconds(s)
        }
    };
    let row = |p: &Priced| {
        let back = match p.recovers {
            true => at_once(p.recovered_s),
            false => Span::new(Tone::Bad, "never"),
        };
        let at_crash = if p.lost_at_crash < 0.05 {
            NOTHING.into()
        } else {
            format!("{:.1} lost", p.lost_at_crash)
        };
        let in_passing = match p.lost_in_passing_s {
            s if s < LEAST_S => NOTHING.into(),
            s => brief(s),
        };
        vec![
            Span::new(Tone::Strong, named(p)),
            verdict(p.verdict),
            Span::plain(lost(p)),
            Span::plain(in_passing),
            Span::plain(units::latency_brief(&p.p99_s)),
            seconds(p.detected_s),
            back,
            Span::plain(at_crash),
            Span::plain(minutes(p)),
        ]
    };
    // Where not all fit, losses that cost and lose next to nothing are left out first, wherever they stand.
    let is_cheap =
        |p: &Priced| p.downtime_min_per_year.is_none_or(|m| m < units::LEAST_MINUTES) && p.lost_in_passing_s < LEAST_S;
    let is_harmless = |p: &&Priced| p.verdict == Verdict::None && p.recovers && is_cheap(p);
    let harmful = all.iter().filter(|p| !is_harmless(p)).count();
    let mut room_for_harmless = most.saturating_sub(harmful);
    let shown = all.iter().filter(|p| {
        let is_shown = !is_harmless(p) || room_for_harmless > 0;
        room_for_harmless -= usize::from(is_harmless(p) && is_shown);
        is_shown
    });
    let rows: Vec<Vec<Span>> = shown.take(most).map(row).collect();
    let footnote = match all.len() - rows.len() {
        0 => String::new(),
        more if harmful <= most => format!(
            "{} more in the JSON, whose loss costs next to nothing",
            plural(more as u32, what)
        ),
        more => format!("{} more in the JSON", plural(more as u32, what)),
    };
    let unsure = "minutes are no surer than the share lost; more replications narrow both";
    let unsure = all.iter().any(is_unsure).then(|| unsure.to_owned());
    let notes: Vec<String> = Some(footnote)
        .filter(|f| !f.is_empty())
        .into_iter()
        .chain(unsure)
        .collect();
    Table {
        columns,
        rows,
        footnote: notes.join("; "),
    }
}

/// From this part of a share on, its half-width is worth showing.
const WIDE: f64 = 0.2;

/// Is there a price whose inputs are known too imprecisely to look certain?
fn is_unsure(priced: &Priced) -> bool {
    let Estimate { value, lo, hi, .. } = priced.lost_ratio;
    let wide = |value: f64| Some((hi? - value).max(value - lo?) > WIDE * value);
    let is_wide = value.filter(|v| *v > 0.0).and_then(wide).unwrap_or(false);
    is_wide && priced.downtime_min_per_year.is_some_and(|m| m >= units::LEAST_MINUTES)
}

/// Minutes a year, with their interval if it is wide enough to be worth showing.
fn minutes(priced: &Priced) -> String {
    let Some(value) = priced.downtime_min_per_year else {
        return NOTHING.into();
    };
    let is_wide = |half: f64| half > WIDE * value;
    match priced.downtime_within_min_per_year.is_some_and(is_wide) && value >= units::LEAST_MINUTES {
        true => units::minutes_estimate(&priced.downtime()),
        false => units::minutes(value),
    }
}

/// The share lost, for a large table.
fn lost(priced: &Priced) -> String {
    match is_unsure(priced) {
        true => units::percent_estimate(&priced.lost_ratio),
        false => units::percent_brief(&priced.lost_ratio),
    }
}

fn verdict(verdict: Verdict) -> Span {
    match verdict {
        Verdict::Outage => Span::new(Tone::Bad, "OUTAGE"),
        Verdict::Overload => Span::new(Tone::Bad, "overload"),
        Verdict::Degraded => Span::new(Tone::Caution, "degraded"),
        Verdict::None => Span::new(Tone::Good, "none"),
    }
}

/// What to fix first: the best change for each component, the best overall first.
fn first(spof: &Spof) -> Vec<Block> {
    if spof.fixes.is_empty() {
        return Vec::new();
    }
    let point = |fix: &Fix| {
        let saves = fix.downtime_saved_min_per_year.filter(|m| *m >= units::LEAST_MINUTES);
        let saves = saves.map_or_else(|| kept(fix), |m| format!("saves {} a year", units::minutes(m)));
        let against = fix.against.iter().map(|a| format!(" (against {a})"));
        let head = vec![
            Span::new(Tone::Strong, fix.id.clone()),
            Span::new(Tone::Good, saves + &against.collect::<String>()),
        ];
        Block::Point(Point {
            head,
            body: format!("{}.", fix.change),
            remedy: String::new(),
        })
    };
    let points = spof.fixes.iter().take(MOST_FIXES).map(point);
    let apply =
        "each was tried alone; --apply FIX prints the scenario with it, and several can be applied one after the other";
    let heading = Block::Heading("What to fix first".into());
    let note = Block::Note(Span::new(Tone::Quiet, apply));
    std::iter::once(heading).chain(points).chain([note]).collect()
}

/// What a change saves where there is no price in minutes.
fn kept(fix: &Fix) -> String {
    let Some(Relief {
        component,
        lost_ratio,
        lost_s,
    }) = &fix.relief
    else {
        return "helps".into();
    };
    let share = 100.0 * lost_ratio;
    match share >= 0.5 {
        true => format!("saves {share:.0} % of all requests while {component} is down"),
        false => format!("saves {} of all requests when {component} dies", brief(*lost_s)),
    }
}

/// Sets that cut a class only together. Single components have been listed already.
fn together(spof: &Spof) -> Vec<Block> {
    let fact = |(class, sets): (&str, &Vec<Vec<String>>)| {
        let sets: Vec<&Vec<String>> = sets.iter().filter(|set| set.len() > 1).collect();
        let mut items: Vec<Span> = sets
            .iter()
            .take(MOST_SETS)
            .map(|set| Span::plain(set.join(" + ")))
            .collect();
        if sets.len() > MOST_SETS {
            items.push(Span::new(Tone::Quiet, format!("{} more", sets.len() - MOST_SETS)));
        }
        (!items.is_empty()).then(|| Fact::new(class, items))
    };
    let facts: Vec<Fact> = spof.cut_sets.iter().filter_map(fact).collect();
    match facts.is_empty() {
        true => Vec::new(),
        false => vec![Block::Heading("Cut only together".into()), Block::Facts(facts)],
    }
}

/// A duration to the tenth of a second: it was measured in timeline bins.
pub(super) fn brief(seconds: f64) -> String {
    units::span(libm::round(seconds * 10.0) / 10.0)
}
