//! A host: cores shared equally by everything that runs on it (processor sharing; a job uses at most one core).
//!
//! At speed 1 and with at most one job per core, jobs run alone and the end of each is known when it starts. Otherwise
//! they share until the host is idle: all run at the same rate, so one number, the virtual time, says how much CPU each
//! has received. A job is done when the virtual time has grown by its demand, and only the host's next completion is
//! pending. `tests` compare both cases with a twin that advances every job step by step.

use super::request::FrameKey;
use crate::base::time::{Span, Time};
use crate::engine::heap::Heap;
use crate::stats::gauge::Gauge;

/// Cores and the jobs on them.
#[derive(Clone, Debug)]
pub struct Host {
    cores: u32,
    speed: f64,
    /// Whether its speed is 1, the speed that demands are given for.
    at_par: bool,
    /// Jobs with a core of their own and their ends, in order of arrival. Holds all jobs present, or none.
    alone: Vec<(Time, Job)>,
    /// Jobs that share, ordered by virtual finish; once shared, they share until the host is idle. Removed jobs stay in
    /// it as dead entries.
    jobs: Heap<Job>,
    /// The virtual time: CPU nanoseconds received by a job present since the host was last idle.
    received: f64,
    updated: Time,
    entered: u64,
    /// Jobs present.
    running: u32,
    /// Busy cores.
    pub busy: Gauge,
}

/// A job: its frame, and the frame's timer number when it began.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Job {
    /// The frame it works for.
    pub frame: FrameKey,
    /// Out of date once the frame's timer number differs.
    pub serial: u16,
}

impl Host {
    /// A host with this many cores of this speed.
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
            // Starting again from zero while idle keeps `received` precise to the nanosecond.
            self.received = 0.0;
            self.jobs.clear();
        }
    }

    /// Starts a job with this demand. Returns its end if it has a core of its own; otherwise it must be `add`ed to
    /// those that share.
    #[inline]
    pub fn start(&mut self, now: Time, job: Job, demand: Span) -> Option<Time> {
        // At another speed its end may fall between two nanoseconds, which `share` could not take over exactly.
        if !self.jobs.is_empty() || self.running >= self.cores || !self.at_par {
            return None;
        }
        let until = now + demand;
        self.alone.push((until, job));
        self.running += 1;
        self.busy.up(now);
        Some(until)
    }

    /// Takes off a job that has a core of its own, done or not. False if the jobs share.
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

    /// From now on jobs share. Their known ends no longer hold, so `renew` gives each job a new serial.
    #[cold]
    pub fn share(&mut self, now: Time, mut renew: impl FnMut(Job) -> Job) {
        if self.alone.is_empty() {
            return;
        }
        // Each has received the time since the host was last idle.
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

    /// Adds a job with this demand to those that share.
    pub fn add(&mut self, now: Time, job: Job, demand: Span) {
        self.advance(now);
        self.push(self.received + demand.nanos() as f64, job);
        self.set_running(now, self.running + 1);
    }

    /// Takes off a shared job before it is done; its heap entry is dead from now on.
    pub fn remove(&mut self, now: Time, live: impl Fn(Job) -> bool) {
        self.advance(now);
        self.set_running(now, self.running - 1);
        // Dead entries of long abandoned jobs would pile up. Once they are the majority, the heap is swept.
        if self.jobs.len() > 2 * self.running as usize + 64 {
            self.keep(|_, job| live(job));
        }
    }

    /// Keeps only these jobs.
    fn keep(&mut self, mut stays: impl FnMut(u128, Job) -> bool) {
        let mut kept = Heap::default();
        while let Some((key, job)) = self.jobs.pop() {
            if stays(key, job) {
                kept.push(key, job);
            }
        }
        self.jobs = kept;
    }

    /// The shared job whose completion is due now.
    pub fn complete(&mut self, now: Time, live: impl Fn(Job) -> bool) -> Option<Job> {
        self.advance(now);
        while let Some((key, job)) = self.jobs.pop() {
            if live(job) {
                // Rounding to whole nanoseconds may leave it just short of its demand.
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

    /// Takes off the shared jobs that `mine` selects, each with the CPU time it still needs.
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

/// Rounds up a number that is not negative.
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

    /// An hour of work whose clients give up after a second: dead entries do not pile up.
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

    /// The slow twin: each step between two changes advances every job's remaining demand.
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
        // The ends of the jobs that run alone.
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
                // Each completion may be rounded up by a nanosecond, which shifts all later ones.
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
