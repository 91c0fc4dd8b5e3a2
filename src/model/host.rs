//! A host: cores shared fairly by everything that runs on it (processor sharing, no job on more than one core).
//!
//! While there is a core for each of them, jobs run alone, and when each will be done is known as it comes. Once there are
//! more, all run at the same rate, so what each has received is one number, the virtual time; a job is done when that
//! number has grown by its demand, and only the first completion of the host is pending. `tests` hold both against a twin that
//! advances every job step by step.

use super::request::FrameKey;
use crate::base::time::{Span, Time};
use crate::engine::heap::Heap;
use crate::stats::gauge::Gauge;

/// Cores and the jobs on them.
#[derive(Clone, Debug)]
pub struct Host {
    cores: u32,
    speed: f64,
    /// Does it run at the speed that demands are given for?
    at_par: bool,
    /// Jobs with a core of their own and when each will be done, in the order they came: all there are, or none.
    alone: Vec<(Time, Job)>,
    /// Those that share, as they will until the host is idle, by virtual finish. Jobs that were taken off are still in it, out of date.
    jobs: Heap<Job>,
    /// CPU nanoseconds that every job present since the last idle moment has received.
    received: f64,
    updated: Time,
    entered: u64,
    /// Jobs present.
    running: u32,
    /// Busy cores.
    pub busy: Gauge,
}

/// A job: whose it is, and the frame's timer number when it began.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Job {
    /// The frame it works for.
    pub frame: FrameKey,
    /// Out of date once the frame's timer number differs.
    pub serial: u16,
}

impl Host {
    /// A host with so many cores of this speed.
    pub fn new(cores: u32, speed: f64) -> Host {
        Host {
            cores,
            speed,
            at_par: speed == 1.0,
            alone: Vec::new(),
            jobs: Heap::default(),
            received: 0.0,
            updated: Time::ZERO,
            entered: 0,
            running: 0,
            busy: Gauge::new(0),
        }
    }

    /// CPU nanoseconds a job receives in a nanosecond.
    fn rate(&self) -> f64 {
        if self.running <= self.cores {
            self.speed
        } else {
            self.speed * f64::from(self.cores) / f64::from(self.running)
        }
    }

    fn advance(&mut self, now: Time) {
        self.received += now.since(self.updated).nanos() as f64 * self.rate();
        self.updated = now;
    }

    fn set_running(&mut self, now: Time, running: u32) {
        self.running = running;
        self.busy.set(now, u64::from(running.min(self.cores)));
        if running == 0 {
            // An idle host begins anew, so that `received` never grows until its nanoseconds are lost.
            self.received = 0.0;
            self.jobs.clear();
        }
    }

    /// A job with this much demand comes. When it will be done, if it has a core of its own; else it must be `add`ed to those that
    /// share.
    #[inline]
    pub fn start(&mut self, now: Time, job: Job, demand: Span) -> Option<Time> {
        // At any other speed it would be done between two nanoseconds, and those that share have to know when.
        if !self.jobs.is_empty() || self.running >= self.cores || !self.at_par {
            return None;
        }
        let until = now + demand;
        self.alone.push((until, job));
        self.running += 1;
        self.busy.up(now);
        Some(until)
    }

    /// Takes off a job that has a core of its own, done or not. False where they share.
    #[inline]
    pub fn leave(&mut self, now: Time, frame: FrameKey) -> bool {
        let at = self.alone.iter().position(|(_, job)| job.frame == frame);
        if let Some(at) = at {
            self.alone.remove(at);
            self.running -= 1;
            self.busy.down(now);
            if self.running == 0 {
                self.updated = now;
            }
        }
        at.is_some()
    }

    /// Jobs share from now on: what was known of when each is done holds no longer, so each is `renew`ed.
    #[cold]
    pub fn share(&mut self, now: Time, mut renew: impl FnMut(Job) -> Job) {
        if self.alone.is_empty() {
            return;
        }
        // Each has had what passed since the host was last idle.
        let idle = self.updated;
        self.advance(now);
        for i in 0..self.alone.len() {
            let (until, job) = self.alone[i];
            self.push(until.since(idle).nanos() as f64, renew(job));
        }
        self.alone.clear();
    }

    fn push(&mut self, finish: f64, job: Job) {
        // The bits of a float that is not negative are ordered as the float is.
        let key = u128::from(finish.to_bits()) << 64 | u128::from(self.entered);
        self.jobs.push(key, job);
        self.entered += 1;
    }

    /// A job with this much demand comes to those that share.
    pub fn add(&mut self, now: Time, job: Job, demand: Span) {
        self.advance(now);
        self.push(self.received + demand.nanos() as f64, job);
        self.set_running(now, self.running + 1);
    }

    /// A job that shares is taken off before it is done; its entry in the heap is out of date from now on.
    pub fn remove(&mut self, now: Time, live: impl Fn(Job) -> bool) {
        self.advance(now);
        self.set_running(now, self.running - 1);
        // Where nobody waits for long work to end, they would pile up: once they are the most of the heap they are swept out.
        if self.jobs.len() > 2 * self.running as usize + 64 {
            self.keep(|_, job| live(job));
        }
    }

    /// Only these jobs stay.
    fn keep(&mut self, mut stays: impl FnMut(u128, Job) -> bool) {
        let mut kept = Heap::default();
        while let Some((key, job)) = self.jobs.pop() {
            if stays(key, job) {
                kept.push(key, job);
            }
        }
        self.jobs = kept;
    }

    /// The job of those that share whose completion is due now.
    pub fn complete(&mut self, now: Time, live: impl Fn(Job) -> bool) -> Option<Job> {
        self.advance(now);
        while let Some((key, job)) = self.jobs.pop() {
            if live(job) {
                // Rounding to whole nanoseconds may leave it a breath short of its demand.
                self.received = self.received.max(f64::from_bits((key >> 64) as u64));
                self.set_running(now, self.running - 1);
                return Some(job);
            }
        }
        None
    }

    /// When the next completion is due, if nothing changes before.
    pub fn next(&mut self, live: impl Fn(Job) -> bool) -> Option<Time> {
        while let Some((key, job)) = self.jobs.first() {
            if live(job) {
                let left = (f64::from_bits((key >> 64) as u64) - self.received).max(0.0);
                return Some(self.updated + Span::from_nanos(up_to_whole(left / self.rate())));
            }
            self.jobs.pop();
        }
        None
    }

    /// Takes the jobs off, of those that share, that `mine` names and says how much CPU each still wants.
    pub fn take_off(&mut self, now: Time, live: impl Fn(Job) -> bool, mine: impl Fn(Job) -> bool) -> Vec<(Job, Span)> {
        self.advance(now);
        let (mut taken, received) = (Vec::new(), self.received);
        self.keep(|key, job| {
            let goes = live(job) && mine(job);
            if goes {
                let left = (f64::from_bits((key >> 64) as u64) - received).max(0.0);
                taken.push((job, Span::from_nanos(libm::round(left) as u64)));
            }
            live(job) && !goes
        });
        self.set_running(now, self.running - taken.len() as u32);
        taken
    }
}

/// The next whole number, of one that is not negative.
#[inline]
fn up_to_whole(x: f64) -> u64 {
    let below = x as u64;
    below + u64::from((below as f64) < x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::slab::Slab;
    use proptest::prelude::*;

    /// An hour of work for which nobody waits longer than a second: what was given up does not pile up.
    #[test]
    fn jobs_that_were_taken_off_are_swept_out() {
        let mut host = Host::new(1, 1.0);
        let mut frames = Slab::default();
        let mut inside = std::collections::VecDeque::new();
        for tenth in 0..10_000 {
            let now = Time::ZERO + Span::from_millis(100 * tenth);
            if inside.len() == 10 {
                let key = inside.pop_front().expect("ten");
                frames.remove(key);
                host.remove(now, |job| frames.contains(job.frame));
            }
            let frame = frames.insert(());
            inside.push_back(frame);
            host.add(now, Job { frame, serial: 0 }, Span::SECOND.scaled(3600.0));
        }
        assert!(host.jobs.len() <= 2 * 10 + 65, "{}", host.jobs.len());
    }

    /// The slow twin: every job's remaining demand, advanced in each step between changes.
    fn step_by_step(cores: u32, speed: f64, arrivals: &[(u64, u64)]) -> Vec<f64> {
        let mut left: Vec<Option<f64>> = vec![None; arrivals.len()];
        let mut done = vec![0.0; arrivals.len()];
        let (mut now, mut next) = (0.0, 0);
        loop {
            let running = left.iter().flatten().count() as f64;
            let rate = speed * (f64::from(cores) / running).min(1.0);
            let first = left.iter().flatten().fold(f64::INFINITY, |a, b| a.min(*b)) / rate;
            let arrival = arrivals.get(next).map_or(f64::INFINITY, |a| a.0 as f64 - now);
            let step = first.min(arrival);
            if step.is_infinite() {
                return done;
            }
            now += step;
            for (i, l) in left.iter_mut().enumerate() {
                *l = l.map(|l| l - step * rate);
                if l.is_some_and(|l| l <= 1e-6) {
                    (*l, done[i]) = (None, now);
                }
            }
            if arrival <= first {
                left[next] = Some(arrivals[next].1 as f64);
                next += 1;
            }
        }
    }

    fn fast(cores: u32, speed: f64, arrivals: &[(u64, u64)]) -> Vec<f64> {
        let mut host = Host::new(cores, speed);
        let mut keys = Slab::default();
        let mut done = vec![0.0; arrivals.len()];
        // When those that run alone are done.
        let mut alone: Vec<(Time, FrameKey)> = Vec::new();
        let mut next = 0;
        loop {
            let arrival = arrivals.get(next).map(|a| Time::from_nanos(a.0));
            alone.sort_unstable();
            let first = alone.first().map(|a| a.0).or_else(|| host.next(|_| true));
            match (first, arrival) {
                (Some(at), arrival) if arrival.is_none_or(|a| at <= a) => {
                    let frame = if alone.is_empty() {
                        host.complete(at, |_| true).expect("one is due").frame
                    } else {
                        let (_, frame) = alone.remove(0);
                        assert!(host.leave(at, frame));
                        frame
                    };
                    done[keys.remove(frame).expect("it was running")] = at.nanos() as f64;
                }
                (_, Some(at)) => {
                    let frame = keys.insert(next);
                    let (job, demand) = (Job { frame, serial: 0 }, Span::from_nanos(arrivals[next].1));
                    match host.start(at, job, demand) {
                        Some(end) => alone.push((end, frame)),
                        None => {
                            alone.clear();
                            host.share(at, |job| job);
                            host.add(at, job, demand);
                        }
                    }
                    next += 1;
                }
                _ => return done,
            }
        }
    }

    proptest! {
        #[test]
        fn sharing_is_that_of_the_step_by_step_twin(
            cores in 1u32..5, speed in 1u32..3, gaps in prop::collection::vec((0u64..2_000_000, 1u64..5_000_000), 1..40)
        ) {
            let mut at = 0;
            let arrivals: Vec<(u64, u64)> = gaps.iter().map(|(gap, demand)| { at += gap; (at, *demand) }).collect();
            let (slow, fast) = (step_by_step(cores, speed.into(), &arrivals), fast(cores, speed.into(), &arrivals));
            for (s, f) in slow.iter().zip(&fast) {
                // Each completion may be rounded up by a nanosecond, and shifts those after it by as much.
                prop_assert!((s - f).abs() <= 2.0 * arrivals.len() as f64, "{slow:?} {fast:?}");
            }
        }
    }

    #[test]
    fn theory_two_jobs_share_one_core() {
        // 10 alone for 5, then both at half speed: the first has 5 left and needs 10; the second then runs alone.
        assert_eq!(fast(1, 1.0, &[(0, 10), (5, 20)]), [15.0, 30.0]);
    }
}
