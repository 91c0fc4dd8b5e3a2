//! The conclusions of `capacity`: the load it carries, what breaks first, and which losses leave too little capacity.

use super::{Conclusions, MOST};
use crate::analysis::capacity::{Capacity, Verdict};
use crate::report::capacity::{enough, per_s, users};
use crate::report::document::{Span, Tone};
use crate::report::text::few;
use crate::report::units;

/// What a `capacity` result says, complete or stopped early.
///
/// `faults_act`: scheduled faults act at every load, so they alone may break a promise.
pub fn conclusions(capacity: &Capacity, complete: bool, faults_act: bool) -> Conclusions {
    let tone = if capacity.knee.carries_the_present() {
        Tone::Good
    } else {
        Tone::Bad
    };
    let mut found = vec![Span::new(tone, carried(capacity))];
    let mut to_do = Vec::new();
    let at_any_load = capacity.knee.verdict == Verdict::NoLoad;
    if at_any_load && faults_act {
        let says = "The scheduled faults alone break the promise, so this says nothing of how much the stack carries.";
        found.insert(0, Span::new(Tone::Bad, says));
    }
    if let Some(sizing) = &capacity.sizing {
        found.push(Span::plain(format!("{}.", enough(capacity, sizing, complete))));
        let number = sizing.fewest_with_one_lost.or(sizing.fewest);
        to_do.extend(number.map(|n| Span::plain(format!("Have {n} of {}.", sizing.of))));
    }
    if let Some(limit) = &capacity.knee.limited_by {
        let place = limit.component.as_ref().map_or(String::new(), |c| format!(", at {c}"));
        found.push(Span::plain(format!("What breaks first is {}{place}.", limit.objective)));
        if at_any_load {
            to_do.push(Span::plain(match faults_act {
                true => {
                    "This is no matter of room, since hardly any load misses it too: mend what fails. `--set 'faults=[]'` asks what the stack carries while no scheduled fault acts."
                }
                false => {
                    "This is no matter of room, since hardly any load misses it too: what a single request takes is too much already, or more is promised than the stack can do. `fallover run` says where its time goes."
                }
            }));
        }
        let which = limit
            .component
            .as_ref()
            .filter(|_| !at_any_load && capacity.sizing.is_none());
        to_do.extend(which.map(|c| {
            Span::plain(format!(
                "To carry more, give {c} room first; `--replicas PATTERN=1..8` says how many are enough."
            ))
        }));
    }
    let lost = |at_no_load: bool| -> Vec<&str> {
        let weak = capacity
            .n_minus_1
            .iter()
            .filter(|(_, knee)| !knee.carries_the_present());
        let weak = weak.filter(|(_, knee)| (knee.verdict == Verdict::NoLoad) == at_no_load);
        weak.map(|(name, _)| name).collect()
    };
    let (weak, nothing) = (lost(false), lost(true));
    if !weak.is_empty() {
        let says = format!(
            "The present load is too much as soon as one of these is lost: {}.",
            few(&weak, 2 * MOST, "and")
        );
        found.push(Span::new(Tone::Bad, says));
    }
    if !nothing.is_empty() {
        let says = format!(
            "A promise is broken at any load while one of these is lost: {}.",
            few(&nothing, 2 * MOST, "and")
        );
        found.push(Span::new(Tone::Bad, says));
    }
    if !weak.is_empty() || !nothing.is_empty() {
        to_do.push(Span::plain(
            "Have enough to lose one: double what stands alone, and keep a spare of what is shared.",
        ));
    }
    if to_do.is_empty() {
        to_do.push(Span::plain("Nothing has to be done for the present load."));
    }
    Conclusions {
        found,
        to_do,
        ..Conclusions::default()
    }
}

/// The load it carries, next to the present load, and the least that remains after a loss.
fn carried(capacity: &Capacity) -> String {
    let knee = &capacity.knee;
    let times = knee.knee_ratio.value.filter(|r| r.is_finite());
    let today = match capacity.closed {
        true => "users".to_owned(),
        false => per_s(capacity.present_per_s),
    };
    let times = times.map_or(String::new(), |r| {
        let users = users(capacity, r).map_or(String::new(), |n| format!(": {n} users"));
        format!(", {} times the {today} of today{users}", units::trimmed(r, 1))
    });
    match knee.verdict {
        Verdict::Found => format!(
            "It carries {} before a promise breaks{times}.",
            units::rate_estimate(&knee.knee_per_s)
        ),
        Verdict::NoLoad => format!("A promise is broken even at {}.", per_s(capacity.tried_per_s[0])),
        Verdict::EveryLoad => format!(
            "Every promise is kept up to {}, the most that was tried.",
            per_s(capacity.tried_per_s[1])
        ),
    }
}
