//! The conclusions of `sweep`: where every promise is kept, and which input to change first.

use std::collections::BTreeSet;

use super::Conclusions;
use crate::analysis::sweep::{Input, Point, Sweep};
use crate::report::compare::name;
use crate::report::document::{Span, Tone};
use crate::report::swings::{Moves, moves, value_at};
use crate::report::text::few;
use crate::report::units::count;

/// How many points that miss a promise are named.
const MOST_POINTS: usize = 3;

/// The points by how their promises fared.
struct Judged<'s> {
    all: usize,
    missed: Vec<&'s Point>,
    /// Kept or missed so narrowly that it may be chance.
    open: Vec<&'s Point>,
}

impl Judged<'_> {
    fn of(sweep: &Sweep) -> Judged<'_> {
        let judged = || sweep.points.iter().filter(|p| p.slo_met.is_some());
        Judged {
            all: judged().count(),
            missed: judged().filter(|p| p.slo_met == Some(false) && !p.slo_open).collect(),
            open: judged().filter(|p| p.slo_open).collect(),
        }
    }

    fn kept(&self) -> usize {
        self.all - self.missed.len() - self.open.len()
    }
}

/// What a `sweep` result says, complete or stopped early.
pub fn conclusions(sweep: &Sweep, complete: bool) -> Conclusions {
    let judged = Judged::of(sweep);
    let moves = moves(sweep);
    // With a single input there is no question which to change first.
    let alone = sweep.inputs.len() == 1;
    let mut found: Vec<Span> = missing(sweep).filter(|_| !complete).into_iter().collect();
    if judged.all > 0 && sweep.sensitivity.is_none() {
        found.push(promises(sweep, &judged, complete));
    }
    found.extend(moves.iter().filter_map(|m| {
        let most = m.swings.first()?;
        if !m.ranked {
            let what = name(&m.metric);
            return Some(Span::new(
                Tone::Caution,
                format!("What moves {what} most, so few points do not tell: no input's share of the variance is told from none."),
            ));
        }
        let (does, most_of_all) = match (alone, m.sure) {
            (true, _) => ("moves", ""),
            (false, true) => ("moves", " most"),
            (false, false) => ("may move", " most, though the intervals of the shares overlap"),
        };
        Some(Span::plain(format!(
            "{} {does} {}{most_of_all}: {}.",
            most.input,
            name(&m.metric),
            most.says
        )))
    }));
    let mut to_do = Vec::new();
    if !complete {
        to_do.push(Span::plain(
            "Let the sweep come to its end (the same command goes on where it stopped): what the missing points would say may change all of this.",
        ));
    }
    to_do.extend(what_next(sweep, &judged, &moves, complete).map(Span::plain));
    if !judged.open.is_empty() && sweep.sensitivity.is_none() {
        let says = "More replications (`--replications`) would tell at the points where it may be chance.";
        to_do.push(Span::plain(says));
    }
    Conclusions {
        found,
        to_do,
        ..Conclusions::default()
    }
}

/// Where every point misses, changing the same inputs further may not help.
const ELSEWHERE: &str =
    "go further, or ask `fallover run` of one of them what fails: it may be another thing that breaks the promise";

/// Is the input the load itself? Reducing the load is no remedy.
fn is_load(input: &str) -> bool {
    let parts: Vec<&str> = input.split('.').collect();
    matches!(parts.as_slice(), ["clients", _, "arrivals" | "users" | "think", ..])
}

/// Which input to change first, or which values to keep.
fn what_next(sweep: &Sweep, judged: &Judged<'_>, moves: &[Moves], complete: bool) -> Option<String> {
    let alone = sweep.inputs.len() == 1;
    let first = moves.iter().find(|m| m.ranked).and_then(|m| {
        let of_stack = m.swings.iter().position(|s| !is_load(&s.input));
        let at = of_stack.unwrap_or(0);
        Some((m.swings.get(at)?, m.sure && at == 0))
    });
    let begin = first.map(|(most, sure)| {
        let doubt = if sure {
            "which moves most"
        } else {
            "which may move most"
        };
        format!("begin with {}, {doubt}", most.input)
    });
    let missed = judged.missed.len();
    Some(match (missed, begin) {
        _ if sweep.points.is_empty() => return None,
        (_, None) if !moves.is_empty() => "Ask for more points before changing anything.".to_owned(),
        (_, None) => "Look for another input: none of these moves what the clients see.".to_owned(),
        (_, Some(begin)) if judged.all == 0 || sweep.sensitivity.is_some() => format!("To change the result, {begin}."),
        (_, Some(_)) if alone && missed > 0 => match missed == judged.all {
            true => format!("None of these values is enough: {ELSEWHERE}."),
            false => "Stay where every promise is kept.".to_owned(),
        },
        // Points that are missing, or that may be chance, cannot be called good.
        (0, _) if !complete || !judged.open.is_empty() => return None,
        (0, _) => "Nothing has to be done: every promise is kept at all of these values.".to_owned(),
        (n, Some(begin)) if n == judged.all => format!("None of these values is enough: {begin}, and {ELSEWHERE}."),
        (_, Some(begin)) => format!("Stay where every promise is kept; to get further, {begin}."),
    })
}

/// How many points are missing, and which values have no point at all.
fn missing(sweep: &Sweep) -> Option<Span> {
    let (here, all) = (sweep.points.len() as u64, sweep.size);
    let untried = |input: &Input| {
        // Points run in order, so the first values of each input are there.
        let tried: BTreeSet<String> = sweep.points.iter().filter_map(|p| value_at(p, input)).collect();
        match (input.values.get(tried.len()), input.values.last()) {
            (Some(first), Some(last)) if first != last => Some(format!("{} from {first} to {last}", input.path)),
            (Some(only), _) => Some(format!("{} {only}", input.path)),
            _ => None,
        }
    };
    let untried: Vec<String> = sweep.inputs.iter().filter_map(untried).collect();
    let nothing = match untried.is_empty() {
        true => String::new(),
        false => format!(": nothing is known of {}", few(&untried, MOST_POINTS, "and")),
    };
    let says = format!(
        "{} of {} points are missing{nothing}.",
        count(all.saturating_sub(here)),
        count(all)
    );
    // Other points belong to other shards.
    (here < all && sweep.shard.is_none()).then(|| Span::new(Tone::Bad, says))
}

fn promises(sweep: &Sweep, judged: &Judged<'_>, complete: bool) -> Span {
    let at = |p: &&Point| {
        let input = |i: &Input| Some(format!("{} {}", i.path, value_at(p, i)?));
        let inputs = sweep.inputs.iter().filter_map(input);
        inputs.collect::<Vec<_>>().join(" with ")
    };
    let named = |points: &[&Point]| few(&points.iter().map(at).collect::<Vec<_>>(), MOST_POINTS, "and");
    let Judged { all, missed, open } = judged;
    let finished = if complete { "" } else { " that are finished" };
    let (mut says, tone) = match (missed.len(), judged.kept()) {
        (0, kept) if kept == *all => {
            let tone = if complete { Tone::Good } else { Tone::Plain };
            (format!("Every promise is kept at all {all} points{finished}"), tone)
        }
        (n, _) if n == *all => (format!("No point of {all}{finished} keeps every promise"), Tone::Bad),
        (0, kept) => (
            format!("Every promise is kept at {kept} of {all} points{finished}"),
            Tone::Caution,
        ),
        (_, kept) => {
            let says = format!(
                "Every promise is kept at {kept} of {all} points{finished}, and not at {}",
                named(missed)
            );
            (says, Tone::Bad)
        }
    };
    if !open.is_empty() {
        says += &format!("; {} more may be chance, at {}", open.len(), named(open));
    }
    Span::new(tone, says + ".")
}

#[cfg(test)]
mod tests {
    use super::is_load;

    #[test]
    fn only_how_much_is_asked_for_is_load() {
        for load in ["clients.c.users", "clients.users.arrivals.poisson", "clients.c.think"] {
            assert!(is_load(load), "{load}");
        }
        for other in ["clients.users.timeout", "nodes.a.workers", "nodes.users.arrivals.x"] {
            assert!(!is_load(other), "{other}");
        }
    }
}
