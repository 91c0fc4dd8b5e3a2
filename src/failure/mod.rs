//! What fails and when: scheduled faults, lifetimes and maintenance, as one timeline of changes.
//!
//! It touches no node: it says what begins or ends, and the world applies it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::base::dist::Dist;
use crate::base::random::{Purpose, Stream, Streams, unit};
use crate::base::time::{Span, Time};
use crate::scenario::plan::{Course, Fault, Hit, Lifetime, Monitoring, Plan};

/// One entry of the timeline.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// What begins or ends.
    pub cause: Cause,
    /// Whether it begins or ends.
    pub begins: bool,
}

/// The origin of a change.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The scheduled fault with this index.
    Fault(u32),
    /// The lifetime with this index.
    Lifetime(u32),
}

/// Pending entries of the timeline. At one instant changes come first.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Change(Change),
    /// The failure of this lifetime has been noticed, and a repair of this length can begin.
    Noticed(u32, Span),
}

/// Repair crews, if they are limited. Failures are repaired in the order they were noticed.
#[derive(Debug)]
struct Crews {
    free: u32,
    waiting: VecDeque<(u32, Span)>,
}

/// All changes of a run, in order of time. Those of lifetimes are drawn one at a time, so that a run of years needs no
/// more memory than one of minutes.
#[derive(Debug)]
pub struct Timeline<'p> {
    plan: &'p Plan,
    streams: Vec<Stream>,
    pending: BinaryHeap<Reverse<(Time, Due)>>,
    crews: Option<Crews>,
}

impl<'p> Timeline<'p> {
    /// The timeline of one replication. `lifetimes` says whether lifetimes act.
    pub fn new(plan: &'p Plan, streams: &Streams, lifetimes: bool) -> Timeline<'p> {
        let stream = |l: &Lifetime| streams.stream(&l.name, Purpose::Lifetime);
        let mut timeline = Timeline {
            plan,
            streams: plan.lifetimes.iter().map(stream).collect(),
            pending: BinaryHeap::new(),
            crews: plan.repair_crews.map(|free| Crews {
                free,
                waiting: VecDeque::new(),
            }),
        };
        let end = Time::ZERO + plan.duration;
        // A fault at the last instant of the run never happens, as the scenario's warning says.
        for (i, fault) in plan.faults.iter().enumerate().filter(|(_, f)| f.at < end) {
            timeline.push(fault.at, Cause::Fault(i as u32), true);
        }
        for i in 0..if lifetimes { plan.lifetimes.len() } else { 0 } {
            let up = timeline.up_time(i);
            timeline.push(Time::ZERO + up, Cause::Lifetime(i as u32), true);
        }
        timeline
    }

    fn push(&mut self, at: Time, cause: Cause, begins: bool) {
        self.pending.push(Reverse((at, Due::Change(Change { cause, begins }))));
    }

    /// When the next change is due.
    pub fn next_at(&self) -> Option<Time> {
        self.pending.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes the next change and adds its consequences to the timeline.
    pub fn take(&mut self) -> Option<Change> {
        let Reverse((at, Due::Change(change))) = self.pending.pop()? else {
            unreachable!("what is noticed is seen to before anybody asks");
        };
        match (change.cause, change.begins) {
            (Cause::Fault(i), true) => {
                if let Some(span) = self.plan.faults[i as usize].lasts {
                    self.push(at + span, change.cause, false);
                }
            }
            (Cause::Fault(_), false) => {}
            (Cause::Lifetime(i), true) => self.fail(at, i),
            (Cause::Lifetime(i), false) => {
                if self.plan.lifetimes[i as usize].is_failure() {
                    self.free_crew(at);
                }
                let span = self.up_time(i as usize);
                self.push(at + span, change.cause, true);
            }
        }
        self.see_to_noticed();
        Some(change)
    }

    /// Schedules the end of a failure. The draws do not depend on whether a crew is free.
    fn fail(&mut self, at: Time, i: u32) {
        let (noticed, repair) = self.down_time(i as usize);
        if self.crews.is_some() && self.plan.lifetimes[i as usize].is_failure() {
            self.pending.push(Reverse((at + noticed, Due::Noticed(i, repair))));
        } else {
            self.push(at + noticed + repair, Cause::Lifetime(i), false);
        }
    }

    /// Begins the repairs due before the next change. Only changes free a crew, so none begins too early.
    fn see_to_noticed(&mut self) {
        while let Some(&Reverse((at, Due::Noticed(i, repair)))) = self.pending.peek() {
            self.pending.pop();
            let Some(crews) = &mut self.crews else { continue };
            match crews.free.checked_sub(1) {
                Some(free) => {
                    crews.free = free;
                    self.push(at + repair, Cause::Lifetime(i), false);
                }
                None => crews.waiting.push_back((i, repair)),
            }
        }
    }

    fn free_crew(&mut self, at: Time) {
        let Some(crews) = &mut self.crews else { return };
        match crews.waiting.pop_front() {
            Some((i, repair)) => self.push(at + repair, Cause::Lifetime(i), false),
            None => crews.free += 1,
        }
    }

    /// What a change does.
    pub fn hits(plan: &'p Plan, cause: Cause) -> &'p [Hit] {
        match cause {
            Cause::Fault(i) => &plan.faults[i as usize].hits,
            Cause::Lifetime(i) => &plan.lifetimes[i as usize].hits,
        }
    }

    /// A change as the event log shows it: what happens, and to which component.
    pub fn story(plan: &Plan, change: Change) -> (String, String) {
        match change.cause {
            Cause::Fault(i) => {
                let Fault { what, target, .. } = &plan.faults[i as usize];
                (
                    format!("{what} {}", if change.begins { "begins" } else { "ends" }),
                    target.clone(),
                )
            }
            Cause::Lifetime(i) => {
                let lifetime = &plan.lifetimes[i as usize];
                let what = match (&lifetime.course, change.begins) {
                    (Course::Failures { .. }, true) => "fails",
                    (Course::Failures { .. }, false) => "repaired",
                    (Course::Maintenance { .. }, true) => "maintenance begins",
                    (Course::Maintenance { .. }, false) => "maintenance ends",
                };
                (what.to_owned(), lifetime.name.clone())
            }
        }
    }

    /// Times this lifetime stays down if a crew is free: `count` samples with their own draws.
    pub fn down_times(plan: &'p Plan, streams: &Streams, i: usize, count: usize) -> Vec<Span> {
        let mut timeline = Timeline::new(plan, streams, false);
        let down = |_| {
            let (noticed, repair) = timeline.down_time(i);
            noticed + repair
        };
        (0..count).map(down).collect()
    }

    fn up_time(&mut self, i: usize) -> Span {
        match &self.plan.lifetimes[i].course {
            Course::Failures { mtbf, .. } => mtbf.sample(&mut self.streams[i]),
            Course::Maintenance { every, lasts } => *every - *lasts,
        }
    }

    /// Time until the failure is noticed, and time to repair with a crew available.
    fn down_time(&mut self, i: usize) -> (Span, Span) {
        match &self.plan.lifetimes[i].course {
            Course::Failures { mttr, .. } => {
                let noticed = notice(&self.plan.monitoring, &mut self.streams[i]);
                (noticed, mttr.sample(&mut self.streams[i]))
            }
            Course::Maintenance { lasts, .. } => (Span::ZERO, *lasts),
        }
    }
}

/// Time until a person attends to the failed component.
fn notice(monitoring: &Monitoring, rng: &mut Stream) -> Span {
    match monitoring {
        Monitoring::Unsaid => Span::ZERO,
        Monitoring::None { notice } => notice.sample(rng),
        Monitoring::Probes {
            interval,
            failures,
            notify,
            respond,
        } => {
            // The failure falls anywhere between two probes; then the remaining failed probes follow.
            let first = interval.scaled(unit(rng));
            let more = interval.scaled(f64::from(failures.saturating_sub(1)));
            let sample = |dist: &Dist, rng: &mut Stream| dist.sample(rng);
            first + more + sample(notify, rng) + sample(respond, rng)
        }
    }
}
