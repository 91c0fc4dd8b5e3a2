//! The conclusions of `sweep`: where every promise is kept, and which input to begin with.

use super::Conclusions;
use crate::analysis::sweep::{Input, Point, Sweep};
use crate::report::compare::name;
use crate::report::document::{Span, Tone};
use crate::report::swings::{moves, value_at};
use crate::report::text::few;

/// How many points that miss are named.
const MOST_POINTS: usize = 3;

/// What a `sweep` result says.
pub fn conclusions(sweep: &Sweep) -> Conclusions {
    let judged = sweep.points.iter().filter(|p| p.slo_met.is_some()).count();
    let missed: Vec<&Point> = sweep.points.iter().filter(|p| p.slo_met == Some(false)).collect();
    let moves = moves(sweep);
    // Of one input nobody asks which to begin with.
    let alone = sweep.inputs.len() == 1;
    let mut found = Vec::new();
    if judged > 0 && sweep.sensitivity.is_none() {
        found.push(promises(sweep, judged, &missed));
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
    let ranked = moves.iter().find(|m| m.ranked);
    let first = ranked.and_then(|m| m.swings.first());
    let begin = first.map(|most| format!("begin with {}, which moves most", most.input));
    let says = match (missed.len(), begin) {
        _ if sweep.points.is_empty() => return Conclusions::default(),
        (_, None) if !moves.is_empty() => "Ask for more points before changing anything.".to_owned(),
        (_, None) => "Look for another input: none of these moves what the clients see.".to_owned(),
        (_, Some(begin)) if judged == 0 || sweep.sensitivity.is_some() => format!("To change the result, {begin}."),
        (_, Some(_)) if alone && !missed.is_empty() => match missed.len() == judged {
            true => "Go further than these values did.".to_owned(),
            false => "Stay where every promise is kept.".to_owned(),
        },
        (0, _) => "Nothing has to be done: every promise is kept at all of these values.".to_owned(),
        (n, Some(begin)) if n == judged => format!("Go further than these values did: {begin}."),
        (_, Some(begin)) => format!("Stay where every promise is kept; to get further, {begin}."),
    };
    Conclusions {
        found,
        to_do: vec![Span::plain(says)],
        ..Conclusions::default()
    }
}

fn promises(sweep: &Sweep, judged: usize, missed: &[&Point]) -> Span {
    let at = |p: &&Point| {
        let input = |i: &Input| Some(format!("{} {}", i.path, value_at(p, i)?));
        let inputs = sweep.inputs.iter().filter_map(input);
        inputs.collect::<Vec<_>>().join(" with ")
    };
    match missed.len() {
        0 => Span::new(Tone::Good, format!("Every promise is kept at all {judged} points.")),
        n if n == judged => Span::new(Tone::Bad, format!("No point of {judged} keeps every promise.")),
        n => {
            let told: Vec<String> = missed.iter().map(at).collect();
            let says = format!(
                "Every promise is kept at {} of {judged} points, and not at {}.",
                judged - n,
                few(&told, MOST_POINTS, "and")
            );
            Span::new(Tone::Bad, says)
        }
    }
}
