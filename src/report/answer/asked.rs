//! What was asked, in a sentence, for a reader of the page who did not type the command.

use super::run::apart;
use crate::analysis::availability::Availability;
use crate::analysis::capacity::Capacity;
use crate::analysis::compare::Compare;
use crate::analysis::result::{Answer, Document, SloResult};
use crate::analysis::sweep::{Input, Sweep};
use crate::report::compare::loads;
use crate::report::periods::periods;
use crate::report::summary::{objective, plural};
use crate::report::text::{few, listed};
use crate::report::units;
use crate::report::view::{RunView, runs};

/// More failures and promises than these are only counted.
const MOST: usize = 3;
/// More values of an input than these are not listed.
const MOST_VALUES: usize = 6;

/// The question that a result answers.
pub fn asked(document: &Document) -> String {
    let name = &document.envelope.scenario.name;
    match &document.answer {
        Answer::Run(_) => {
            let lifetimes_act = document.envelope.options.iter().any(|o| o == "--failures");
            let view = runs(document);
            view.first().map(|view| run(view, lifetimes_act)).unwrap_or_default()
        }
        Answer::Runs(_) => several(&runs(document)),
        Answer::Compare(found) => compare(found),
        Answer::Capacity(found) => capacity(name, found),
        Answer::Spof(_) => {
            format!("What does the death of each component cost {name} a year, and which change saves most?")
        }
        Answer::Availability(found) => availability(name, found),
        Answer::Review(_) => format!("What is wrong with the design of {name}, as far as reading it tells?"),
        Answer::Sweep(found) => sweep(name, found),
        Answer::Validate(found) => match found.files.len() {
            1 => format!("Can {name} be simulated as it stands?"),
            n => format!("Can these {n} files be simulated as they stand?"),
        },
        Answer::Explain(_) => format!("Which values are in force in {name}, and where do they come from?"),
        Answer::Verify(_) => "Does this program say what theory, real servers and its own promises say?".into(),
    }
}

/// The events are those of the first replication. Scheduled faults are the same in every replication; failures from
/// lifetimes are not.
fn run(view: &RunView<'_>, lifetimes_act: bool) -> String {
    let faults = periods(&view.run.events, view.duration_s).0;
    let told = faults.iter().take(MOST).map(|p| {
        let (from, to) = (units::clock(p.from_s), units::clock(p.to_s));
        format!("the {} of {} from {from} to {to}", p.effect, p.target)
    });
    let mut told: Vec<String> = told.collect();
    if faults.len() > MOST {
        told.push(plural((faults.len() - MOST) as u32, "more failure"));
    }
    let with = match (lifetimes_act, told.len()) {
        (false, 0) => "nothing failing".to_owned(),
        (false, _) => listed(&told),
        (true, 0) => "failures drawn from lifetimes, anew in each replication".to_owned(),
        (true, _) => {
            let first = listed(&told);
            format!("failures drawn from lifetimes, anew in each replication (in the first {first})")
        }
    };
    let span = units::span(view.duration_s);
    format!(
        "What do the clients of {} see in {span} with {with}?{}",
        view.name,
        promised(&view.run.slo)
    )
}

fn several(views: &[RunView<'_>]) -> String {
    let names: Vec<&str> = views.iter().map(|v| v.name).collect();
    let mut promises = views.iter().map(|v| promised(&v.run.slo));
    let first = promises.next().unwrap_or_default();
    let same = promises.all(|p| p == first);
    format!(
        "What do the clients see of each of {}?{}",
        listed(&names),
        if same { first } else { String::new() }
    )
}

fn compare(found: &Compare) -> String {
    let names: Vec<String> = found.variants.iter().map(|(label, _)| apart(label)).collect();
    let mut paths: Vec<&str> = Vec::new();
    for path in found.paths().concat() {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    let differ = match paths.as_slice() {
        [] => String::new(),
        paths => format!(" They differ in {}.", listed(paths)),
    };
    let names = few(&names, names.len(), "or");
    // If the loads differ, no design serves the same requests best.
    match loads(found).is_empty() {
        true => format!("Which serves the same requests best: {names}?{differ}"),
        false => format!("What becomes of the requests of each, {names}?{differ}"),
    }
}

fn capacity(name: &str, found: &Capacity) -> String {
    let enough = found.sizing.as_ref();
    let enough = enough.map_or(String::new(), |s| format!(" How many of {} are enough?", s.of));
    let lost = match found.n_minus_1.is_empty() {
        true => "",
        false => " How much is left when one component is lost?",
    };
    format!("How much load does {name} carry before a promise breaks, and what breaks it?{enough}{lost}")
}

fn availability(name: &str, found: &Availability) -> String {
    format!(
        "How much of its requests does {name} answer over {}, as its components fail and are repaired?{}",
        units::span(found.horizon_s),
        promised(&found.slo)
    )
}

fn sweep(name: &str, found: &Sweep) -> String {
    let input = |input: &Input| match (&input.range, input.values.as_slice()) {
        (Some([from, to]), _) => format!("{} ({from} to {to})", input.path),
        (None, [first, .., last]) if input.values.len() > MOST_VALUES => {
            format!("{} ({} values, {first} to {last})", input.path, input.values.len())
        }
        (None, values) => format!("{} ({})", input.path, values.join(", ")),
    };
    let inputs: Vec<String> = found.inputs.iter().map(input).collect();
    let inputs = listed(&inputs);
    match &found.sensitivity {
        Some(_) => format!("What moves the results of {name} most: {inputs}?"),
        None => format!("What do the clients of {name} see at each value of {inputs}?"),
    }
}

fn promised(slo: &[SloResult]) -> String {
    if slo.is_empty() {
        return String::new();
    }
    let one = |s: &SloResult| format!("{} {}", s.objective, objective(s).0);
    let mut all: Vec<String> = slo.iter().take(MOST).map(one).collect();
    if slo.len() > MOST {
        all.push(format!("{} more", slo.len() - MOST));
    }
    format!(" Promised: {}.", listed(&all))
}
