//! The headline numbers of a result, each next to what it is compared with; for pages and for pictures.

use std::collections::BTreeSet;

use super::answer::{costliest, loses_much, worst_survived};
use super::availability::about;
use super::capacity::users;
use super::document::{Number, Span, Tone};
use super::review::SEVERITIES;
use super::summary::{objective, plural};
use super::text::few;
use super::units::{self, NOTHING};
use super::view::{RunView, runs};
use crate::analysis::availability::Availability;
use crate::analysis::capacity::{Capacity, Verdict};
use crate::analysis::inspection::{Explanation, Validation};
use crate::analysis::result::{Answer, Document, Metrics, SloResult};
use crate::analysis::review::Review;
use crate::analysis::spof::{Effect, Priced, Spof, Verdict as Loss};
use crate::analysis::sweep::Sweep;
use crate::analysis::verify::Verification;
use crate::scenario::review::Severity;

/// The headline numbers of a result of any command; none if it compares several designs.
pub fn numbers(document: &Document) -> Vec<Number> {
    match &document.answer {
        Answer::Run(_) => runs(document).first().map(of_run).unwrap_or_default(),
        Answer::Capacity(found) => of_capacity(found),
        Answer::Spof(found) => of_spof(found),
        Answer::Availability(found) => of_availability(found, never_failing(document)),
        Answer::Sweep(found) => of_sweep(found),
        Answer::Review(found) => of_review(found),
        Answer::Verify(found) => of_verify(found),
        Answer::Validate(found) => vec![of_validation(found)],
        Answer::Explain(found) => vec![of_explanation(found)],
        Answer::Runs(_) | Answer::Compare(_) => Vec::new(),
    }
}

fn number(name: &'static str, value: impl Into<String>, note: Span) -> Number {
    Number {
        name,
        value: value.into(),
        note,
    }
}

fn quiet(text: impl Into<String>) -> Span {
    Span::new(Tone::Quiet, text)
}

fn kept(slo: &SloResult) -> Span {
    let target = objective(slo).0;
    match (slo.met, slo.may_be_chance()) {
        (_, true) => Span::new(Tone::Caution, format!("? {target}, may be chance")),
        (true, false) => Span::new(Tone::Good, format!("✓ {target}")),
        (false, false) => Span::new(Tone::Bad, format!("✗ missed {target}")),
    }
}

/// Below this availability, the latency of the answers says little about the service.
const FEW_ANSWERS: f64 = 0.9;

/// The headline numbers of one run, each next to its promise.
fn of_run(view: &RunView<'_>) -> Vec<Number> {
    let Metrics {
        requests,
        availability,
        throughput_per_s,
        latency_s,
        ..
    } = &view.run.metrics;
    let promised = |name: &str, otherwise: String| match view.run.slo.iter().find(|s| s.objective == name) {
        Some(slo) if view.is_empty() => quiet(format!("not measured against {}", objective(slo).0)),
        Some(slo) => kept(slo),
        None => quiet(otherwise),
    };
    // Low latency of a few answers is no good news.
    let few = availability.value.filter(|a| *a < FEW_ANSWERS && !view.is_empty());
    let of_few = few.map(|a| format!("of the {} answered", units::percent(a)));
    let of_answers = |name: &str| match (promised(name, of_few.clone().unwrap_or_default()), &of_few) {
        (Span { tone: Tone::Good, .. }, Some(of_few)) => quiet(of_few.clone()),
        (note, _) => note,
    };
    let nines = availability.value.and_then(units::nines);
    let nines = nines.or_else(|| units::at_least(availability)).unwrap_or_default();
    let mut numbers = vec![
        number(
            "Available",
            units::percent_estimate(availability),
            promised("availability", nines),
        ),
        number(
            "Failed",
            units::count(requests.failed),
            quiet(format!("of {} requests", units::count(requests.ended()))),
        ),
        number(
            "Answered",
            units::rate_estimate(throughput_per_s),
            quiet("requests per second"),
        ),
        number(
            "Latency, median",
            units::latency_estimate(&latency_s.p50),
            of_answers("p50"),
        ),
        number(
            "Latency, p99",
            units::latency_estimate(&latency_s.p99),
            of_answers("p99"),
        ),
    ];
    numbers.extend(other_promises(view));
    if let Some(page) = &view.run.metrics.page_s {
        let note = format!("median {}", units::latency_estimate(&page.p50));
        numbers.push(number(
            "Whole page, p99",
            units::latency_estimate(&page.p99),
            quiet(note),
        ));
    }
    numbers
}

/// The promises that have no headline number of their own.
fn other_promises(view: &RunView<'_>) -> Option<Number> {
    let slo = &view.run.slo;
    let stands = |s: &&SloResult| !["availability", "p50", "p99"].contains(&s.objective.as_str());
    let others: Vec<&SloResult> = slo.iter().filter(stands).collect();
    if others.is_empty() || view.is_empty() {
        return None;
    }
    let named = |those: &dyn Fn(&&SloResult) -> bool| {
        let names: Vec<&str> = others
            .iter()
            .copied()
            .filter(those)
            .map(|s| s.objective.as_str())
            .collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let note = match (named(&|s| !s.met && !s.may_be_chance()), named(&|s| s.may_be_chance())) {
        (Some(missed), _) => Span::new(Tone::Bad, format!("✗ missed {missed}")),
        (None, Some(close)) => Span::new(Tone::Caution, format!("? {close}, may be chance")),
        (None, None) => Span::new(Tone::Good, "✓ all of them"),
    };
    let kept = others.iter().filter(|s| s.met).count();
    Some(number(
        "Other promises kept",
        format!("{kept} of {}", others.len()),
        note,
    ))
}

/// A rate to the nearest request, if it is at least one a second.
fn per_s_of(rate: f64) -> String {
    if rate < 1.0 {
        units::rate(rate)
    } else {
        units::trimmed(rate, 0)
    }
}

fn of_capacity(found: &Capacity) -> Vec<Number> {
    let knee = match found.knee.verdict {
        Verdict::Found => units::rate_estimate(&found.knee.knee_per_s),
        Verdict::NoLoad => "none".into(),
        Verdict::EveryLoad => format!("≥ {} /s", per_s_of(found.tried_per_s[1])),
    };
    let ratio = found.knee.knee_ratio.value.filter(|v| v.is_finite());
    let ratio = ratio.map_or(String::new(), |r| {
        let what = if found.closed { "users" } else { "load" };
        let those = users(found, r).map_or(String::new(), |n| format!("{n} users, "));
        format!("{those}{} times the {what} of today", units::trimmed(r, 2))
    });
    let limit = found.knee.limited_by.as_ref();
    let component = limit
        .and_then(|l| l.component.clone())
        .unwrap_or_else(|| NOTHING.into());
    let breaks = limit.map_or(String::new(), |l| format!("{} breaks first", l.objective));
    let mut numbers = vec![
        number("Carries", knee, quiet(ratio)),
        number(
            "Load of today",
            format!("{} /s", units::rate(found.present_per_s)),
            quiet(""),
        ),
        number("Limited by", component, quiet(breaks)),
    ];
    let knees = found
        .n_minus_1
        .iter()
        .filter_map(|(name, k)| Some((name, k.knee_per_s.value?)));
    if let Some((name, left)) = knees.filter(|k| k.1.is_finite()).min_by(|a, b| a.1.total_cmp(&b.1)) {
        let tone = if left < found.present_per_s {
            Tone::Bad
        } else {
            Tone::Good
        };
        let says = format!("with {name} lost");
        numbers.push(number(
            "Carries at worst",
            format!("{} /s", per_s_of(left)),
            Span::new(tone, says),
        ));
    }
    numbers
}

/// More components than these that cost the same are not named in a tile.
const MOST_COSTLY: usize = 3;

fn of_spof(found: &Spof) -> Vec<Number> {
    // With several effects, a component appears several times.
    let names = |is_one: &dyn Fn(&Priced) -> bool| {
        let those = found.components.iter().filter(|p| is_one(p));
        those.map(|p| p.name.as_str()).collect::<BTreeSet<&str>>().len()
    };
    let with = |verdict| names(&|p: &Priced| p.verdict == verdict);
    let (outages, all) = (with(Loss::Outage), names(&|_| true));
    let is_whole = found.unfinished.is_empty();
    let tone = |n: usize| match n {
        0 if is_whole => Tone::Good,
        0 => Tone::Quiet,
        _ => Tone::Bad,
    };
    let heavy = names(&|p: &Priced| p.verdict != Loss::Outage && loses_much(p));
    let of_all = match is_whole {
        true => format!("of {}", plural(all as u32, "component")),
        false => format!("of the {all} that were finished"),
    };
    let mut numbers = vec![
        number(
            "Single points of failure",
            outages.to_string(),
            match (outages, heavy) {
                (0, 1..) => {
                    let lose = if heavy == 1 { "loses" } else { "lose" };
                    Span::new(Tone::Caution, format!("but {heavy} {lose} much"))
                }
                _ => Span::new(tone(outages), of_all),
            },
        ),
        overloaded(found, outages == all),
    ];
    let costs = found.components.iter().filter_map(|p| p.downtime_min_per_year);
    let total: f64 = costs.filter(|m| m.is_finite()).sum();
    if let Some((worst, minutes)) = costliest(found) {
        let of = match is_whole {
            true => quiet("of all requests"),
            false => Span::new(Tone::Caution, "some losses are not known yet"),
        };
        let each = if worst.len() > 1 { " each" } else { "" };
        numbers.push(number("Lost a year", units::minutes(total), of));
        numbers.push(number(
            "The costliest",
            few(&worst, MOST_COSTLY, "and"),
            quiet(format!("{} a year{each}", units::minutes(minutes))),
        ));
    }
    if let Some((fix, saved)) = found
        .fixes
        .first()
        .and_then(|f| Some((f, f.downtime_saved_min_per_year?)))
    {
        let says = format!("a year, by {}", fix.id);
        numbers.push(number(
            "The best fix",
            units::minutes(saved),
            Span::new(Tone::Good, says),
        ));
    }
    numbers
}

/// How many losses overload the rest. A component that fails partially is not gone, so it is counted separately.
fn overloaded(found: &Spof, all_are_needed: bool) -> Number {
    let overloads = found.components.iter().filter(|p| p.verdict == Loss::Overload);
    let (dead, faltering): (Vec<&Priced>, Vec<&Priced>) = overloads.partition(|p| p.effect == Effect::Crash.name());
    let names: BTreeSet<&str> = faltering.iter().map(|p| p.name.as_str()).collect();
    let ways: BTreeSet<&str> = faltering.iter().map(|p| p.effect.as_str()).collect();
    let worst = worst_survived(found);
    let note = match (dead.len(), worst.first()) {
        (1.., _) => Span::new(Tone::Bad, "the rest is overloaded"),
        _ if !found.unfinished.is_empty() => quiet("as far as it was finished"),
        _ if ways.len() == 1 && ways.contains("slow") => {
            Span::new(Tone::Bad, format!("but while one of {} is slow", names.len()))
        }
        _ if !ways.is_empty() => Span::new(Tone::Bad, format!("but while one of {} falters", names.len())),
        (0, Some(first)) => {
            let names: Vec<&str> = worst.iter().map(|p| p.name.as_str()).collect();
            let lost = units::percent_brief(&first.lost_ratio);
            let joint = if first.effect == Effect::Crash.name() {
                "without"
            } else {
                "by"
            };
            Span::new(
                Tone::Caution,
                format!("but {lost} lost {joint} {}", few(&names, MOST_COSTLY, "or")),
            )
        }
        (0, None) if all_are_needed => Span::new(Tone::Good, "nothing is left to carry a load"),
        (0, None) => Span::new(Tone::Good, "the rest carries the load"),
    };
    number("Overloaded without", dead.len().to_string(), note)
}

/// The components assumed never to fail, as a caveat of an `availability` names them.
pub(super) fn never_failing(document: &Document) -> Option<&str> {
    let caveat = document.caveats.iter().find(|c| c.code == "lifetime.some")?;
    Some(caveat.message.rsplit_once(": ")?.1)
}

fn of_availability(found: &Availability, never_failing: Option<&str>) -> Vec<Number> {
    let promised = found.slo.iter().find(|s| s.objective == "availability");
    let nines = found.availability.value.and_then(units::nines).unwrap_or_default();
    let span = |s: Option<f64>| s.filter(|v| v.is_finite()).map_or(NOTHING.into(), about);
    vec![
        number(
            "Available",
            units::percent_estimate(&found.availability),
            promised.map_or_else(|| quiet(nines), kept),
        ),
        number(
            "Lost a year",
            units::minutes_estimate(&found.downtime_min_per_year),
            quiet("of all requests"),
        ),
        number(
            "With bad luck",
            units::minutes(found.periods.p95_min_per_year),
            quiet("a year, 1 case in 20"),
        ),
        number(
            "Between outages",
            span(found.mtbf_s),
            match never_failing {
                Some(names) => Span::new(Tone::Caution, format!("{names} never failing")),
                None => quiet("on average"),
            },
        ),
        number("An outage lasts", span(found.mttr_s), quiet("on average")),
    ]
}

fn of_review(found: &Review) -> Vec<Number> {
    let number_of = |(severity, heading, ..): &(Severity, &'static str, &str, Tone)| {
        let n = found.findings.iter().filter(|f| f.severity == *severity).count();
        let note = match (*severity, n) {
            (Severity::Critical, 1..) => Span::new(Tone::Bad, "mend before going live"),
            (Severity::Critical, 0) => Span::new(Tone::Good, "nothing in the way"),
            (Severity::Warning, _) => quiet("would hurt on a bad day"),
            (Severity::Advice, _) => quiet("better otherwise"),
        };
        number(heading, n.to_string(), note)
    };
    SEVERITIES.iter().map(number_of).collect()
}

fn of_verify(found: &Verification) -> Vec<Number> {
    let passed = found.checks.iter().filter(|c| c.passed).count();
    let note = match found.passed {
        true => Span::new(Tone::Good, "all passed"),
        false => Span::new(Tone::Bad, "not all passed"),
    };
    let of = format!("{passed} of {}", found.checks.len());
    vec![number("Checks passed", of, note)]
}

fn of_validation(found: &Validation) -> Number {
    let (right, all) = (found.files.iter().filter(|f| f.ok).count(), found.files.len());
    let note = match right == all {
        true => Span::new(Tone::Good, "can be simulated"),
        false => Span::new(Tone::Bad, "mend the others first"),
    };
    number("Files right", format!("{right} of {all}"), note)
}

fn of_explanation(found: &Explanation) -> Number {
    let typed = found.settings.iter().filter(|s| s.is_typed()).count();
    let note = quiet(format!("{} defaults beside them", found.settings.len() - typed));
    number("Values typed", units::count(typed as u64), note)
}

fn of_sweep(found: &Sweep) -> Vec<Number> {
    let judged = || found.points.iter().filter_map(|p| Some((p.slo_met?, p.slo_open)));
    let (all, met) = (judged().count(), judged().filter(|is| *is == (true, false)).count());
    let open = judged().filter(|(_, open)| *open).count();
    let spread = |metric: &str, say: fn(f64) -> String| {
        let values = found.points.iter().filter_map(|p| p.estimates.get(metric)?.value);
        let ends = values
            .filter(|v| v.is_finite())
            .fold(None, |ends: Option<(f64, f64)>, v| {
                Some(ends.map_or((v, v), |(lo, hi)| (lo.min(v), hi.max(v))))
            });
        ends.map_or(NOTHING.into(), |(lo, hi)| match (say(lo), say(hi)) {
            (lo, hi) if lo == hi => lo,
            (lo, hi) => format!("{lo} to {hi}"),
        })
    };
    let mut numbers = vec![number(
        "Points",
        units::count(found.points.len() as u64),
        match found.points.len() as u64 {
            here if here < found.size && found.shard.is_none() => {
                let says = format!("of {}, the others are missing", units::count(found.size));
                Span::new(Tone::Caution, says)
            }
            _ => quiet(format!("of {}", units::count(found.size))),
        },
    )];
    if all > 0 {
        numbers.push(number(
            "Keep every promise",
            met.to_string(),
            match open {
                0 => quiet(format!("of {all}")),
                open => Span::new(Tone::Caution, format!("of {all}, {open} more may be chance")),
            },
        ));
    }
    numbers.push(number(
        "Available",
        spread("availability", units::percent),
        quiet("over all points"),
    ));
    numbers.push(number(
        "Latency, p99",
        spread("latency_s.p99", units::latency),
        quiet("over all points"),
    ));
    numbers
}
