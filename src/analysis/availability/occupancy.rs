//! Which components are down together, for what share of the time, and how often each such state begins: exact if ages
//! do not matter, otherwise from simulated periods.

use std::collections::BTreeMap;

use super::lives::Mortal;
use crate::analysis::reliability::each_state;
use crate::base::random::Streams;
use crate::base::time::{Span, Time};
use crate::failure::{Cause, Timeline};
use crate::scenario::plan::Plan;

/// The components that are down, in ascending order.
pub type Down = Vec<usize>;

/// Numbers the states.
#[derive(Clone, Debug, Default)]
pub struct States {
    /// The components down, by state number.
    pub all: Vec<Down>,
    numbers: BTreeMap<Down, usize>,
}

impl States {
    /// The number of a known state.
    pub fn find(&self, down: &[usize]) -> Option<usize> {
        self.numbers.get(down).copied()
    }

    /// The number of a state; numbers it if it is new.
    pub fn number(&mut self, down: &[usize]) -> usize {
        if let Some(known) = self.numbers.get(down) {
            return *known;
        }
        self.all.push(down.to_vec());
        self.numbers.insert(down.to_vec(), self.all.len() - 1);
        self.all.len() - 1
    }
}

/// How a period, or the long run, is spread over the states.
#[derive(Clone, Debug, Default)]
pub struct Occupancy {
    /// Share of time by state; a state may occur more than once.
    pub shares: Vec<(usize, f64)>,
    /// Failures: the states before and after, the lifetime, and the rate.
    pub entries: Vec<Entry>,
    /// Share of time in states with too many components down to be considered.
    pub unexplored: f64,
}

/// A component goes down.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Entry {
    /// The state before.
    pub from: usize,
    /// The state after.
    pub to: usize,
    /// The lifetime's index.
    pub life: usize,
    /// Rate per second.
    pub per_s: f64,
}

/// Most states considered by the exact method.
const MOST_STATES: usize = 50_000;

/// The long run, for components that fail independently and do not age: only their mean times matter (Barlow and
/// Proschan, 1975). Maintenance follows the calendar, so `walk` reads its states off that.
pub fn exact(plan: &Plan, mortals: &[Mortal], horizon: Span, states: &mut States) -> Occupancy {
    let mut planned = plan.clone();
    let keep: Vec<usize> = (0..mortals.len()).filter(|i| mortals[*i].planned).collect();
    planned.lifetimes = keep.iter().map(|i| plan.lifetimes[*i].clone()).collect();
    let kept: Vec<Mortal> = keep.iter().map(|i| mortals[*i].clone()).collect();
    let mut calendar_states = States::default();
    let calendar = walk(&planned, &kept, horizon, Streams::new(0, 0), &mut calendar_states);
    let random: Vec<(usize, &Mortal)> = mortals.iter().enumerate().filter(|(_, m)| !m.planned).collect();
    let unavailable = |m: &Mortal| m.means.map_or(0.0, |m| m.unavailability());
    let live: Vec<(usize, f64)> = random.iter().map(|(i, m)| (*i, unavailable(m))).collect();
    let mut sets = Vec::new();
    let limit = MOST_STATES / calendar_states.all.len().max(1);
    let most = each_state(&live, limit as f64, &mut |down, q| sets.push((down.to_vec(), q)));
    let mut found = Occupancy {
        unexplored: (1.0 - sets.iter().map(|s| s.1).sum::<f64>()).max(0.0),
        ..Occupancy::default()
    };
    let mut joint = |plan_state: usize, lives: &[usize]| {
        let mut down = calendar_states.all[plan_state].clone();
        down.extend(lives.iter().map(|i| mortals[*i].part));
        down.sort_unstable();
        down.dedup();
        states.number(&down)
    };
    for (lives, probability) in &sets {
        for (at, share) in &calendar.shares {
            let (from, share) = (joint(*at, lives), share * probability);
            found.shares.push((from, share));
            for (life, mortal) in random.iter().filter(|(i, _)| !lives.contains(i)) {
                let mut with = lives.clone();
                with.push(*life);
                let up_s = mortal.means.map_or(f64::INFINITY, |m| m.up_s);
                if with.len() <= most {
                    let to = joint(*at, &with);
                    let (life, per_s) = (*life, share / up_s);
                    found.entries.push(Entry { from, to, life, per_s });
                }
            }
        }
        for entry in &calendar.entries {
            found.entries.push(Entry {
                from: joint(entry.from, lives),
                to: joint(entry.to, lives),
                life: keep[entry.life],
                per_s: entry.per_s * probability,
            });
        }
    }
    found
}

/// One period, starting with everything new, from the simulator's own timeline.
pub fn walk(plan: &Plan, mortals: &[Mortal], horizon: Span, streams: Streams, states: &mut States) -> Occupancy {
    let mut timeline = Timeline::new(plan, &streams, true);
    let (mut now, end) = (Time::ZERO, Time::ZERO + horizon);
    // A component is down while at least one lifetime holds it down.
    let mut holds: BTreeMap<usize, u32> = BTreeMap::new();
    let mut state = states.number(&[]);
    let mut spent: BTreeMap<usize, u64> = BTreeMap::new();
    let mut counts: BTreeMap<(usize, usize, usize), u32> = BTreeMap::new();
    while let Some(at) = timeline.next_at().filter(|at| *at < end) {
        *spent.entry(state).or_default() += at.since(now).nanos();
        now = at;
        let Some(change) = timeline.take() else { break };
        let Cause::Lifetime(life) = change.cause else { continue };
        let part = mortals[life as usize].part;
        let held = holds.entry(part).or_default();
        *held = if change.begins {
            *held + 1
        } else {
            held.saturating_sub(1)
        };
        if *held == 0 {
            holds.remove(&part);
        }
        let down: Down = holds.keys().copied().collect();
        let before = std::mem::replace(&mut state, states.number(&down));
        if change.begins {
            *counts.entry((before, state, life as usize)).or_default() += 1;
        }
    }
    *spent.entry(state).or_default() += end.since(now).nanos();
    let whole = horizon.nanos() as f64;
    let entry = |((from, to, life), count): ((usize, usize, usize), u32)| Entry {
        from,
        to,
        life,
        per_s: f64::from(count) / horizon.seconds(),
    };
    Occupancy {
        shares: spent.into_iter().map(|(s, nanos)| (s, nanos as f64 / whole)).collect(),
        entries: counts.into_iter().map(entry).collect(),
        unexplored: 0.0,
    }
}
