//! The conclusions of `spof`: what stands alone, what is dear without standing alone, what to fix first.

use super::{Conclusions, MOST};
use crate::analysis::spof::{Fix, Priced, Spof, Verdict};
use crate::report::document::{Span, Tone};
use crate::report::summary::plural;
use crate::report::{text, units};

/// What a `spof` result says; one that was cut short has not tried every change.
pub fn conclusions(spof: &Spof, complete: bool) -> Conclusions {
    let with = |verdict| spof.components.iter().filter(move |p| p.verdict == verdict);
    let outages: Vec<&Priced> = with(Verdict::Outage).collect();
    let mut found = vec![match outages.len() {
        0 => none_cuts(spof),
        n => {
            let says = format!("{} of failure: {}.", plural(n as u32, "single point"), listed(&outages));
            Span::new(Tone::Bad, says)
        }
    }];
    found.extend(worst_survived(spof).filter(|_| !outages.is_empty()).map(|worst| {
        let lost = units::percent_brief(&worst.lost_ratio);
        let says = format!(
            "Without {} {lost} of all requests are lost, though it is no single point.",
            listed(&[worst])
        );
        Span::new(Tone::Caution, says)
    }));
    let overloads: Vec<&Priced> = with(Verdict::Overload).collect();
    if !overloads.is_empty() {
        let says = format!(
            "The load is too much without {}{}.",
            if overloads.len() == 1 { "" } else { "any one of " },
            listed(&overloads)
        );
        found.push(Span::new(Tone::Bad, says));
    }
    let stuck: Vec<&Priced> = spof.components.iter().filter(|p| !p.recovers).collect();
    if !stuck.is_empty() {
        let says = format!("Not well again by itself after the repair of {}.", listed(&stuck));
        found.push(Span::new(Tone::Bad, says));
    }
    found.extend(costs(spof));
    Conclusions {
        found,
        to_do: to_do(spof, outages.is_empty() && overloads.is_empty(), complete),
        ..Conclusions::default()
    }
}

/// Nothing is cut, but what is left may be little.
fn none_cuts(spof: &Spof) -> Span {
    let lost = |p: &Priced| p.lost_ratio.value.unwrap_or(0.0);
    let lossy = spof.components.iter().filter(|p| p.verdict != Verdict::None);
    let worst = lossy.max_by(|a, b| lost(a).total_cmp(&lost(b)));
    match worst.filter(|p| loses_much(p)) {
        None => Span::new(Tone::Good, "No single component cuts the service when it dies."),
        Some(worst) => Span::new(
            if lost(worst) >= 0.5 { Tone::Bad } else { Tone::Caution },
            format!(
                "No single component cuts any class of requests for everybody, but without {} {} of all requests are lost.",
                listed(&[worst]),
                units::percent_brief(&worst.lost_ratio)
            ),
        ),
    }
}

/// More than this is a good part of the service.
const QUITE_SOME: f64 = 0.1;
/// More than this is not as good as nothing.
const HEAVY: f64 = 0.01;

/// Does its loss lose much, and more than is lost anyway?
pub fn loses_much(priced: &Priced) -> bool {
    priced.verdict != Verdict::None && priced.lost_ratio.value.is_some_and(|lost| lost >= HEAVY)
}

/// What is lost most without, of what is no single point and yet takes much with it.
pub fn worst_survived(spof: &Spof) -> Option<&Priced> {
    let lost = |p: &Priced| p.lost_ratio.value.unwrap_or(0.0);
    let survived = |p: &&Priced| p.verdict == Verdict::Degraded && lost(p) >= QUITE_SOME;
    let survived = spof.components.iter().filter(survived);
    survived.max_by(|a, b| lost(a).total_cmp(&lost(b)))
}

/// What costs most, and how many minutes a year each of them: those that read the same are all named.
pub fn costliest(spof: &Spof) -> Option<(Vec<&str>, f64)> {
    let most = spof.components.iter().filter_map(cost).max_by(f64::total_cmp)?;
    let as_much = |p: &&Priced| cost(p).is_some_and(|m| units::minutes(m) == units::minutes(most));
    let mut names: Vec<&str> = Vec::new();
    for priced in spof.components.iter().filter(as_much) {
        if !names.contains(&priced.name.as_str()) {
            names.push(&priced.name);
        }
    }
    Some((names, most))
}

fn cost(priced: &Priced) -> Option<f64> {
    priced.downtime_min_per_year.filter(|m| m.is_finite())
}

fn costs(spof: &Spof) -> Option<Span> {
    let total: f64 = spof.components.iter().filter_map(cost).sum();
    let (worst, minutes) = costliest(spof).filter(|_| total > 0.0)?;
    let ends_it = |name: &&str| {
        spof.components
            .iter()
            .any(|p| p.name == *name && p.verdict == Verdict::Outage)
    };
    let (each, it) = if worst.len() > 1 { (" each", "them") } else { ("", "it") };
    let stands = match worst.iter().any(ends_it) {
        true => String::new(),
        false => format!(", though the service does not end with {it}"),
    };
    let pairs: f64 = spof.pairs.iter().filter_map(cost).sum();
    let of = match pairs > 0.0 {
        true if spof.unfinished.is_empty() => format!(
            "All losses of one component cost {} a year, those of two {} more",
            units::minutes(total),
            units::minutes(pairs)
        ),
        _ if spof.unfinished.is_empty() => format!("All losses together cost {} a year", units::minutes(total)),
        _ => format!(
            "The losses that are known cost {} a year, and those of {} are not known",
            units::minutes(total + pairs),
            text::few(&spof.unfinished, SHOWN, "and")
        ),
    };
    let alone = if worst.len() > 1 { "cost" } else { "alone costs" };
    let says = format!(
        "{of}; {} {alone} {}{each} of it{stands}.",
        text::few(&worst, SHOWN, "and"),
        units::minutes(minutes)
    );
    let tone = if spof.unfinished.is_empty() {
        Tone::Plain
    } else {
        Tone::Caution
    };
    Some(Span::new(tone, says))
}

fn to_do(spof: &Spof, is_sound: bool, complete: bool) -> Vec<Span> {
    let say = |fix: &Fix| {
        let saved = fix.downtime_saved_min_per_year.filter(|m| *m >= units::LEAST_MINUTES);
        let against = fix.against.as_ref().map_or(String::new(), |a| format!(" against {a}"));
        let saved = saved.map(|m| format!("Saves {} a year{against}", units::minutes(m)));
        let saved = saved.unwrap_or_else(|| "Worth a try".into());
        Span::plain(format!("{saved} – {}.", fix.change))
    };
    let fixes: Vec<Span> = spof.fixes.iter().take(MOST).map(say).collect();
    match fixes.is_empty() {
        true if !complete => vec![Span::plain(
            "Let it come to its end: until then no change has been tried on all that it may help.",
        )],
        true if is_sound => vec![Span::plain(
            "Nothing that was tried helps, and nothing has to. `--pairs` and `--effects slow,errors,hang` look further.",
        )],
        true => vec![Span::plain(
            "None of the changes that were tried helps. What stands alone has to be doubled.",
        )],
        false => fixes,
    }
}

/// So many have a name in a sentence.
const SHOWN: usize = 8;

/// Names, and how many more.
fn listed(all: &[&Priced]) -> String {
    // What is not dead is not gone either.
    let named = |p: &&Priced| match p.effect.as_str() {
        "crash" => p.name.clone(),
        effect => format!("{} ({effect})", p.name),
    };
    let names: Vec<String> = all.iter().map(named).collect();
    text::few(&names, SHOWN, "and")
}
