//! The conclusions of `spof`: the single points of failure, other expensive losses, and what to fix first.

use super::{Conclusions, MOST};
use crate::analysis::spof::{Effect, Fix, Priced, Spof, Verdict};
use crate::report::document::{Span, Tone};
use crate::report::summary::plural;
use crate::report::{text, units};

/// What a `spof` result says. One that was stopped early has not tried every change.
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
    let worst = worst_survived(spof);
    found.extend(worst.first().filter(|_| !outages.is_empty()).map(|first| {
        let lost = units::percent_brief(&first.lost_ratio);
        let alone = if worst.len() == 1 { "it is no" } else { "none is a" };
        let says = format!(
            "{} {lost} of all requests are lost, though {alone} single point.",
            capital(&meanwhile(&worst))
        );
        Span::new(Tone::Caution, says)
    }));
    let overloads: Vec<&Priced> = with(Verdict::Overload).collect();
    found.extend(by_effect(&overloads).iter().map(|those| {
        let says = format!("The load is too much {}.", meanwhile(those));
        Span::new(Tone::Bad, says)
    }));
    let stuck: Vec<&Priced> = spof.components.iter().filter(|p| !p.recovers).collect();
    if !stuck.is_empty() {
        let says = format!("Not well again by itself after the repair of {}.", listed(&stuck));
        found.push(Span::new(Tone::Bad, says));
    }
    found.extend(costs(spof));
    Conclusions {
        found,
        to_do: to_do(spof, complete),
        ..Conclusions::default()
    }
}

/// No loss cuts the service off, but what remains may carry little.
fn none_cuts(spof: &Spof) -> Span {
    let lost = |p: &Priced| p.lost_ratio.value.unwrap_or(0.0);
    let lossy = spof.components.iter().filter(|p| p.verdict != Verdict::None);
    let worst = lossy.max_by(|a, b| lost(a).total_cmp(&lost(b)));
    match worst.filter(|p| loses_much(p)) {
        None => Span::new(Tone::Good, "No single component cuts the service when it dies."),
        Some(worst) => Span::new(
            if lost(worst) >= 0.5 { Tone::Bad } else { Tone::Caution },
            format!(
                "No single component cuts any class of requests for everybody, but {} {} of all requests are lost.",
                meanwhile(&[worst]),
                units::percent_brief(&worst.lost_ratio)
            ),
        ),
    }
}

/// A larger share than this is a good part of the service.
const QUITE_SOME: f64 = 0.1;
/// A larger share than this is not negligible.
const HEAVY: f64 = 0.01;

/// Does its loss lose much, and more than the baseline does?
pub fn loses_much(priced: &Priced) -> bool {
    priced.verdict != Verdict::None && priced.lost_ratio.value.is_some_and(|lost| lost >= HEAVY)
}

/// The worst losses that are not single points of failure: all with the same effect and the same rounded share lost.
pub fn worst_survived(spof: &Spof) -> Vec<&Priced> {
    // If a component's crash is an outage, its other effects add nothing.
    let ends_it = |name: &str| {
        spof.components
            .iter()
            .any(|p| p.name == name && p.verdict == Verdict::Outage)
    };
    let lost = |p: &Priced| libm::round(p.lost_ratio.value.unwrap_or(0.0) * 1000.0);
    let is_meant = |p: &&Priced| p.verdict == Verdict::Degraded && lost(p) >= 1000.0 * QUITE_SOME && !ends_it(&p.name);
    let survived: Vec<&Priced> = spof.components.iter().filter(is_meant).collect();
    // Among equal shares the first counts: crashes are tried before partial failures.
    let worst = survived
        .iter()
        .rev()
        .max_by(|a, b| lost(a).total_cmp(&lost(b)))
        .copied();
    let is_as_bad = |p: &&&Priced| worst.is_some_and(|w| lost(p) == lost(w) && p.effect == w.effect);
    survived.iter().filter(is_as_bad).copied().collect()
}

/// The most expensive components and their minutes a year. All whose minutes read the same are named.
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
            "All losses of one component, each alone, cost {} a year; while two are down at once {} are lost, counted in part already",
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

fn to_do(spof: &Spof, complete: bool) -> Vec<Span> {
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
        true => vec![Span::plain(without_a_fix(spof))],
        false => fixes,
    }
}

/// What to say where none of the tried changes helps: what remains to be done depends on what was found.
fn without_a_fix(spof: &Spof) -> String {
    let any = |verdict| spof.components.iter().any(|p| p.verdict == verdict);
    if any(Verdict::Outage) {
        return "None of the changes that were tried helps. What stands alone has to be doubled.".into();
    }
    if any(Verdict::Overload) {
        return "None of the changes that were tried helps. What is left has to carry the load: give it more room."
            .into();
    }
    if spof.components.iter().any(loses_much) {
        return "None of the changes that were tried helps. See in the table what is lost, and who would have to notice.".into();
    }
    let falters = spof.components.iter().any(|p| p.effect != Effect::Crash.name());
    let further = match (spof.pairs.is_empty(), falters) {
        (true, false) => " `--pairs` and `--effects slow,errors,hang` look further.",
        (true, true) => " `--pairs` looks further.",
        (false, false) => " `--effects slow,errors,hang` looks further.",
        (false, true) => "",
    };
    format!("Nothing that was tried helps, and nothing has to.{further}")
}

/// The situation during such a failure: `without app1`, `while any one of app1 and app2 is slow`.
fn meanwhile(those: &[&Priced]) -> String {
    let names: Vec<&str> = those.iter().map(|p| p.name.as_str()).collect();
    let one = if names.len() > 1 { "any one of " } else { "" };
    let one = format!("{one}{}", text::few(&names, SHOWN, "and"));
    // A component that has not crashed is still there, so "without" would be wrong.
    match those.first().map_or(Effect::Crash.name(), |p| p.effect.as_str()) {
        "slow" => format!("while {one} is slow"),
        "errors" => format!("while {one} answers with errors"),
        "hang" => format!("while {one} hangs"),
        "drop" => format!("while {one} loses calls"),
        _ => format!("without {one}"),
    }
}

fn capital(says: &str) -> String {
    let mut rest = says.chars();
    rest.next()
        .map_or(String::new(), |first| first.to_uppercase().chain(rest).collect())
}

/// Groups components by effect, in the order in which each effect first appears.
fn by_effect<'p>(all: &[&'p Priced]) -> Vec<Vec<&'p Priced>> {
    let mut groups: Vec<Vec<&Priced>> = Vec::new();
    for priced in all.iter().copied() {
        match groups
            .iter_mut()
            .find(|g| g.first().is_some_and(|p| p.effect == priced.effect))
        {
            Some(group) => group.push(priced),
            None => groups.push(vec![priced]),
        }
    }
    groups
}

/// More components than these are not named in a sentence.
const SHOWN: usize = 8;

/// Names, and how many more there are.
fn listed(all: &[&Priced]) -> String {
    // A component that has not crashed is not gone, so its effect is named.
    let named = |p: &&Priced| match p.effect.as_str() {
        "crash" => p.name.clone(),
        effect => format!("{} ({effect})", p.name),
    };
    let names: Vec<String> = all.iter().map(named).collect();
    text::few(&names, SHOWN, "and")
}
