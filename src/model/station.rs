//! A station: the workers of a node and the places to wait for one. First come, first served.
//!
//! It hands out and takes back; what the work is, and what happens to those it turns away, is not its business.

use std::collections::VecDeque;

use super::request::FrameKey;
use crate::base::time::{Span, Time};
use crate::stats::gauge::Gauge;

/// Workers and queue of one node.
#[derive(Clone, Debug)]
pub struct Station {
    workers: u64,
    places: u64,
    /// In order of arrival. Those who left before their turn are still in it; their keys find nothing.
    line: VecDeque<FrameKey>,
    /// Connections that are open, at a node that counts those of its queries.
    pub connections: u32,
    /// Busy workers.
    pub busy: Gauge,
    /// Workers there are: as many as allowed, and those above who still finish what they have; none without a limit.
    pub staff: Gauge,
    /// Requests that wait for a worker.
    pub waiting: Gauge,
    /// Requests that wait for something else there: a slot of a server, a database connection.
    pub apart: Gauge,
}

/// What became of a request at the door.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It has a worker.
    Granted,
    /// It waits.
    Queued,
    /// There is no place left.
    Full,
}

impl Station {
    /// A station; `None` means as many as it takes.
    pub fn new(workers: Option<u32>, places: Option<u32>) -> Station {
        let count = |n: Option<u32>| n.map_or(u64::MAX, u64::from);
        Station {
            workers: count(workers),
            places: count(places),
            line: VecDeque::new(),
            connections: 0,
            busy: Gauge::new(0),
            staff: Gauge::new(workers.map_or(0, u64::from)),
            waiting: Gauge::new(0),
            apart: Gauge::new(0),
        }
    }

    /// Are there so many workers that nobody waits?
    #[inline]
    pub fn is_unlimited(&self) -> bool {
        self.workers == u64::MAX
    }

    /// Somebody wants a worker.
    #[inline]
    pub fn enter(&mut self, now: Time, frame: FrameKey) -> Entry {
        if self.busy.level() < self.workers {
            self.busy.up(now);
            Entry::Granted
        } else if self.waiting.level() < self.places {
            self.waiting.up(now);
            self.line.push_back(frame);
            Entry::Queued
        } else {
            Entry::Full
        }
    }

    /// Somebody who waited is gone, and `alive` no more.
    pub fn give_up_place(&mut self, now: Time, alive: impl Fn(FrameKey) -> bool) {
        self.waiting.down(now);
        // Keys of those who left pile up behind one who is never served (a node that hangs): once they are the most
        // of the line they are swept out.
        if self.line.len() as u64 > 2 * self.waiting.level() + 64 {
            self.line.retain(|k| alive(*k));
        }
    }

    /// A worker is free.
    #[inline]
    pub fn leave(&mut self, now: Time) {
        self.busy.down(now);
        if self.busy.level() + 1 > self.workers || self.is_unlimited() {
            self.count_staff(now);
        }
    }

    /// A worker is free, and goes to the first in line that is still `alive`: as many are busy as before.
    #[inline]
    pub fn pass_on(&mut self, now: Time, alive: impl Fn(FrameKey) -> bool) -> Option<FrameKey> {
        let next = if self.busy.level() > self.workers {
            None
        } else {
            std::iter::from_fn(|| self.line.pop_front()).find(|frame| alive(*frame))
        };
        match next {
            Some(_) => self.waiting.down(now),
            None => self.leave(now),
        }
        next
    }

    fn count_staff(&mut self, now: Time) {
        let allowed = if self.is_unlimited() { 0 } else { self.workers };
        self.staff.set(now, allowed.max(self.busy.level()));
    }

    /// Busy workers over workers, on average over the `window` that ends now; `None` where there never was a limit.
    pub fn utilization(&self, now: Time, window: Span) -> Option<f64> {
        let (busy, staff) = (self.busy.average(now, window), self.staff.average(now, window));
        if staff > 0.0 {
            Some(busy / staff)
        } else {
            (!self.is_unlimited()).then_some(0.0)
        }
    }

    /// Does anybody wait for a worker?
    #[inline]
    pub fn anybody_waits(&self) -> bool {
        self.waiting.level() > 0
    }

    /// Gives a free worker to the first in line that is still `alive`.
    #[inline]
    pub fn next(&mut self, now: Time, alive: impl Fn(FrameKey) -> bool) -> Option<FrameKey> {
        if !self.anybody_waits() || self.busy.level() >= self.workers {
            return None;
        }
        while let Some(frame) = self.line.pop_front() {
            if alive(frame) {
                self.waiting.down(now);
                self.busy.up(now);
                if self.is_unlimited() {
                    self.count_staff(now);
                }
                return Some(frame);
            }
        }
        None
    }

    /// Changes the number of workers at run time; those above the new number finish what they have.
    pub fn set_workers(&mut self, now: Time, workers: Option<u32>) -> Option<u32> {
        let old = self.workers;
        self.workers = workers.map_or(u64::MAX, u64::from);
        self.count_staff(now);
        u32::try_from(old).ok()
    }
}
