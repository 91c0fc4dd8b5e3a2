//! A member of a database: accepts a query if a connection is left, and serves it as its station and host allow.
//!
//! It does not know its role: the [directory](crate::model::directory) says which member the application asks.

use super::Behaviour;
use crate::base::ids::NodeId;
use crate::base::random::mix;
use crate::base::time::Span;
use crate::model::context::{APPLY, Context, LAG};
use crate::model::request::{Frame, FrameKey, Outcome, Reply, Step};
use crate::model::wire::{Message, Passage};
use crate::scenario::plan::{self, Plan, WRITE};

/// Salt of the network draws for a replica's acknowledgement.
const ACKNOWLEDGED: u64 = 1;

/// A member of a database.
pub struct Member<'p> {
    plan: &'p plan::Member,
    database: &'p plan::Database,
    me: NodeId,
    /// Commits that wait for a replica while there is none; ended ones stay listed.
    waiting: Vec<FrameKey>,
}

impl<'p> Member<'p> {
    /// A member at the start of a run.
    pub fn new(plan: &'p Plan, me: NodeId, member: &'p plan::Member) -> Member<'p> {
        Member {
            plan: member,
            database: &plan.databases[member.database.index()],
            me,
            waiting: Vec::new(),
        }
    }

    fn is_primary(&self, cx: &Context<'_>) -> bool {
        cx.directory.primary(cx.plan, self.plan.database) == self.me
    }

    // --- commits ----------------------------------------------------------------------------------------------------

    /// A write is done here; it is acknowledged as replication allows.
    fn commit(&mut self, cx: &mut Context<'_>, frame: FrameKey) {
        let Some(timeout) = self.database.semi_sync else {
            return self.commit_alone(cx, frame);
        };
        let is_on = cx.directory.semi_sync(self.plan.database);
        match self.nearest_replica(cx, cx.frames[frame].seed) {
            // A replica that answers has caught up, and has the write before the client is told.
            Some(round_trip) => {
                if !is_on {
                    cx.directory.set_semi_sync(self.plan.database, true);
                    cx.note("semi-sync on", |p| p.node(self.me).name.clone());
                }
                if round_trip.is_zero() {
                    self.acknowledged(cx, frame);
                } else {
                    cx.set_timer(frame, round_trip);
                }
            }
            None if is_on => {
                self.waiting.push(frame);
                cx.set_timer(frame, timeout);
            }
            None => self.commit_alone(cx, frame),
        }
    }

    /// A replica has this commit and all earlier ones.
    fn acknowledged(&mut self, cx: &mut Context<'_>, frame: FrameKey) {
        let apply = cx.sample(&self.database.apply, &cx.frames[frame], APPLY);
        let now = cx.now();
        let behind = cx.directory.acknowledged(self.plan.database, now, apply);
        cx.record.committed(now, self.plan.database, behind);
        cx.finish(frame, Reply::OK);
        if !self.waiting.is_empty() {
            self.release_waiting(cx, true);
        }
    }

    /// Commits a write that no replica has yet: it is lost if this server dies before one has received it.
    fn commit_alone(&mut self, cx: &mut Context<'_>, frame: FrameKey) {
        let lag = cx.sample(&self.database.lag, &cx.frames[frame], LAG);
        let apply = cx.sample(&self.database.apply, &cx.frames[frame], APPLY);
        let (database, now) = (self.plan.database, cx.now());
        let behind = cx.directory.commit(database, now, lag, apply);
        if self.database.members.len() > 1 {
            cx.record.committed(now, database, behind);
        }
        cx.finish(frame, Reply::OK);
    }

    /// The round trip to the nearest replica that answers.
    fn nearest_replica(&self, cx: &Context<'_>, key: u64) -> Option<Span> {
        let here = cx.host_of(self.me);
        // Keyed by its place in the list, so that other nodes of the scenario change nothing.
        let round_trip = |(place, replica): (usize, &NodeId)| {
            let there = cx.plan.node(*replica).host;
            let key = mix(key, place as u64);
            let passage = cx.wire.call(here, there, || Message::light(key));
            match passage {
                Passage::After(way) if cx.follows(*replica, self.me) => Some(
                    way + cx
                        .wire
                        .answer(Some(there), here, || Message::light(mix(key, ACKNOWLEDGED))),
                ),
                _ => None,
            }
        };
        let members = self.database.members.iter().enumerate();
        let replicas = members.filter(|(_, m)| **m != self.me);
        replicas.filter_map(round_trip).min()
    }

    /// Ends all waiting commits.
    fn release_waiting(&mut self, cx: &mut Context<'_>, seen: bool) {
        for frame in std::mem::take(&mut self.waiting) {
            if !cx.frames.contains(frame) {
                continue;
            }
            cx.clear_timer(frame);
            if seen {
                self.acknowledged(cx, frame);
            } else {
                self.commit_alone(cx, frame);
            }
        }
    }
}

impl Behaviour for Member<'_> {
    fn arrived(&mut self, cx: &mut Context<'_>, frame: FrameKey) {
        let open = &mut cx.stations[self.me.index()].connections;
        if *open >= self.plan.max_connections {
            return cx.turn_away(frame, Reply::refused(Outcome::Refused));
        }
        *open += 1;
        cx.frames[frame].step = Step::Counted;
        self.queue_for_worker(cx, frame);
    }

    fn worked(&mut self, cx: &mut Context<'_>, frame: FrameKey) {
        if usize::from(cx.frames[frame].op) == WRITE && self.is_primary(cx) {
            self.commit(cx, frame);
        } else {
            cx.finish(frame, Reply::OK);
        }
    }

    /// A replica has acknowledged, or the wait for one timed out. After a time-out the primary stops waiting for any
    /// commit.
    fn timer(&mut self, cx: &mut Context<'_>, frame: FrameKey) {
        if self.waiting.contains(&frame) {
            cx.directory.set_semi_sync(self.plan.database, false);
            cx.note("semi-sync off", |p| p.node(self.me).name.clone());
            self.release_waiting(cx, false);
        } else {
            self.acknowledged(cx, frame);
        }
    }

    fn peer_returned(&mut self, cx: &mut Context<'_>) {
        if !self.waiting.is_empty() && self.nearest_replica(cx, self.waiting.len() as u64).is_some() {
            self.release_waiting(cx, true);
        }
    }

    fn release(&mut self, cx: &mut Context<'_>, frame: &mut Frame) {
        if frame.step == Step::Counted {
            cx.stations[self.me.index()].connections -= 1;
        }
    }

    fn started(&mut self, _cx: &mut Context<'_>) {
        self.waiting.clear();
    }
}
