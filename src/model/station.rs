//! A station: the workers of a node and the queue for them, first come, first served.
//!
//! It grants and takes back. What the work is, and what happens to a request that is turned away, is decided elsewhere.

use std::collections::VecDeque;

use super::request::FrameKey;
use crate::base::time::{Span, Time};
use crate::stats::gauge::Gauge;

/// Workers and queue of one node.
#[derive(Clone, Debug)]
pub struct Station {
    workers: u64,
    places: u64,
    /// In order of arrival. Frames that left early are still listed; their keys find nothing.
    line: VecDeque<FrameKey>,
    /// Open connections, at a node that counts those of its queries.
    pub connections: u32,
    /// Busy workers.
    pub busy: Gauge,
    /// Workers that exist: the allowed number (none without a limit), or more while some above a reduced limit still
    /// finish.
    pub staff: Gauge,
    /// Requests that wait for a worker.
    pub waiting: Gauge,
    /// Requests that wait here for something else: a server's slot, a database connection.
    pub apart: Gauge,
}

/// What a request that asks for a worker gets.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A worker.
    Granted,
    /// A place in the queue.
    Queued,
    /// Nothing: the queue is full.
    Full,
}

impl Station {
    /// A new station; `None` means unlimited.
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

    /// Whether the number of workers is unlimited.
    #[inline]
    pub fn is_unlimited(&self) -> bool {
        self.workers == u64::MAX
    }

    /// A frame asks for a worker.
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

    /// A waiting frame has left the queue; `alive` is already false for its key.
    pub fn give_up_place(&mut self, now: Time, alive: impl Fn(FrameKey) -> bool) {
        self.waiting.down(now);
        // Dead keys pile up behind a frame that is never served (a node that hangs). Once they are the majority, the
        // line is swept.
        if self.line.len() as u64 > 2 * self.waiting.level() + 64 {
            self.line.retain(|k| alive(*k));
        }
    }

    /// A worker becomes idle.
    #[inline]
    pub fn leave(&mut self, now: Time) {
        self.busy.down(now);
        if self.busy.level() + 1 > self.workers || self.is_unlimited() {
            self.count_staff(now);
        }
    }

    /// Hands a freed worker to the first in line that is still `alive`. With none, or above the allowed number, the
    /// worker becomes idle instead.
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

    /// Busy workers over workers, averaged over the `window` that ends now; `None` if there never was a limit.
    pub fn utilization(&self, now: Time, window: Span) -> Option<f64> {
        let (busy, staff) = (self.busy.average(now, window), self.staff.average(now, window));
        if staff > 0.0 {
            Some(busy / staff)
        } else {
            (!self.is_unlimited()).then_some(0.0)
        }
    }

    /// Whether a frame waits for a worker.
    #[inline]
    pub fn anybody_waits(&self) -> bool {
        self.waiting.level() > 0
    }

    /// Gives an idle worker to the first in line that is still `alive`.
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

    /// Changes the number of workers at run time and returns the old one. Workers above the new number finish their
    /// work.
    pub fn set_workers(&mut self, now: Time, workers: Option<u32>) -> Option<u32> {
        let old = self.workers;
        self.workers = workers.map_or(u64::MAX, u64::from);
        self.count_staff(now);
        u32::try_from(old).ok()
    }
}
