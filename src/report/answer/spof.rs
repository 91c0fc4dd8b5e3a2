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
    found.extend(costliest(spof));
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

/// More than this is not as good as nothing.
const HEAVY: f64 = 0.01;

/// Does its loss lose much, and more than is lost anyway?
pub fn loses_much(priced: &Priced) -> bool {
    priced.verdict != Verdict::None && priced.lost_ratio.value.is_some_and(|lost| lost >= HEAVY)
}

fn costliest(spof: &Spof) -> Option<Span> {
    let cost = |p: &Priced| p.downtime_min_per_year.filter(|m| m.is_finite());
    let total: f64 = spof.components.iter().filter_map(cost).sum();
    let priced = spof.components.iter().filter_map(|p| Some((p, cost(p)?)));
    let (worst, minutes) = priced.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|_| total > 0.0)?;
    let stands = match worst.verdict {
        Verdict::Outage => "",
        _ => ", though the service does not end with it",
    };
    let pairs: f64 = spof.pairs.iter().filter_map(cost).sum();
    let of = match pairs > 0.0 {
        true => format!(
            "All losses of one component cost {} a year, those of two {} more",
            units::minutes(total),
            units::minutes(pairs)
        ),
        false => format!("All losses together cost {} a year", units::minutes(total)),
    };
    Some(Span::plain(format!(
        "{of}; {} alone costs {} of it{stands}.",
        worst.name,
        units::minutes(minutes)
    )))
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

/// Names, and how many more.
fn listed(all: &[&Priced]) -> String {
    const SHOWN: usize = 8;
    // What is not dead is not gone either.
    let named = |p: &&Priced| match p.effect.as_str() {
        "crash" => p.name.clone(),
        effect => format!("{} ({effect})", p.name),
    };
    let names: Vec<String> = all.iter().map(named).collect();
    text::few(&names, SHOWN, "and")
}
