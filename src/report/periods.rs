//! Turns the list of events into periods: what was broken, from when to when.
//!
//! Knows only the words of the event list. A period without an end lasts to the end of the run.

use crate::analysis::result::Happening;

/// A stretch of time in which something was wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Period {
    /// When it began.
    pub from_s: f64,
    /// When it ended, or the end of the run.
    pub to_s: f64,
    /// What was wrong: `crash`, `hang`, `failure`, …
    pub effect: String,
    /// The component.
    pub target: String,
    /// The scenarios that it affects, where several are shown and not all are affected; otherwise empty.
    pub whose: String,
}

/// The periods in a list of events, in order of their beginnings, and the events that begin or end none (`down`,
/// `promoted`, …).
///
/// Ends are matched to beginnings of the same effect and target, first in, first out, so that overlapping faults on one
/// component keep their own ends. An end without a beginning began before the list did.
pub fn periods(events: &[Happening], end_s: f64) -> (Vec<Period>, Vec<Happening>) {
    let mut periods: Vec<Period> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut others = Vec::new();
    for event in events {
        match edge(&event.what) {
            Some(Edge::Begins(effect)) => {
                open.push(periods.len());
                periods.push(Period {
                    from_s: event.at_s,
                    to_s: end_s,
                    effect,
                    target: event.target.clone(),
                    whose: String::new(),
                });
            }
            Some(Edge::Ends(effect)) => {
                let same = |&i: &usize| periods[i].effect == effect && periods[i].target == event.target;
                match open.iter().position(same) {
                    Some(found) => periods[open.remove(found)].to_s = event.at_s,
                    None => periods.push(Period {
                        from_s: 0.0,
                        to_s: event.at_s,
                        effect,
                        target: event.target.clone(),
                        whose: String::new(),
                    }),
                }
            }
            None => others.push(event.clone()),
        }
    }
    periods.sort_by(|a, b| a.from_s.total_cmp(&b.from_s));
    (periods, others)
}

enum Edge {
    Begins(String),
    Ends(String),
}

fn edge(what: &str) -> Option<Edge> {
    match what {
        "fails" => Some(Edge::Begins("failure".into())),
        "repaired" => Some(Edge::Ends("failure".into())),
        _ => {
            let begins = what.strip_suffix(" begins").map(|effect| Edge::Begins(effect.into()));
            begins.or_else(|| what.strip_suffix(" ends").map(|effect| Edge::Ends(effect.into())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(at_s: f64, what: &str, target: &str) -> Happening {
        Happening {
            at_s,
            what: what.into(),
            target: target.into(),
        }
    }

    fn spans(events: &[Happening]) -> Vec<(f64, f64, String)> {
        periods(events, 300.0)
            .0
            .into_iter()
            .map(|p| (p.from_s, p.to_s, format!("{} {}", p.effect, p.target)))
            .collect()
    }

    #[test]
    fn a_beginning_and_its_end_make_a_period() {
        let events = [
            at(60.0, "crash begins", "haproxy"),
            at(62.0, "down", "vip/lb1"),
            at(90.0, "crash ends", "haproxy"),
        ];
        assert_eq!(spans(&events), [(60.0, 90.0, "crash haproxy".into())]);
        assert_eq!(periods(&events, 300.0).1, [at(62.0, "down", "vip/lb1")]);
    }

    #[test]
    fn overlapping_faults_keep_their_own_ends() {
        let events = [
            at(10.0, "crash begins", "a"),
            at(20.0, "hang begins", "a"),
            at(25.0, "crash begins", "b"),
            at(30.0, "crash ends", "a"),
            at(40.0, "hang ends", "a"),
        ];
        let expected = [
            (10.0, 30.0, "crash a".into()),
            (20.0, 40.0, "hang a".into()),
            (25.0, 300.0, "crash b".to_string()),
        ];
        assert_eq!(spans(&events), expected);
    }

    #[test]
    fn a_failure_of_the_lifetimes_is_a_period_too() {
        let events = [
            at(5.0, "repaired", "db"),
            at(10.0, "fails", "db"),
            at(50.0, "repaired", "db"),
        ];
        assert_eq!(
            spans(&events),
            [(0.0, 5.0, "failure db".into()), (10.0, 50.0, "failure db".into())]
        );
    }
}
