//! Retries: how long to pause before the next attempt, whether the budget allows it, and circuit breakers.
//!
//! Pure policies, shared by clients and applications: they count and decide.

use std::collections::VecDeque;

use crate::base::time::{Span, Time};
use crate::scenario::plan::{Breaker, Retry};

/// Which of several targets have been tried: the first 63 individually, all others as one.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Tried(u64);

impl Tried {
    /// Number of distinct entries.
    pub const APART: usize = 64;

    fn bit(which: usize) -> u64 {
        1 << which.min(Tried::APART - 1)
    }

    /// Marks this one as tried.
    pub fn add(&mut self, which: usize) {
        self.0 |= Tried::bit(which);
    }

    /// Whether this one was tried.
    pub fn has(self, which: usize) -> bool {
        self.0 & Tried::bit(which) != 0
    }

    /// How many were tried.
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether none was tried.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Largest number of saved retries: enough for a handful of unlucky requests, far too few for a retry storm.
const BUDGET_CAP: f64 = 10.0;

/// A retry policy with its budget: a token bucket to which each request adds a fraction.
#[derive(Debug)]
pub struct Retries<'p> {
    policy: Option<&'p Retry>,
    tokens: f64,
}

impl<'p> Retries<'p> {
    /// A policy at the start of a run, with a full budget.
    pub fn new(policy: Option<&'p Retry>) -> Retries<'p> {
        let tokens = BUDGET_CAP;
        Retries { policy, tokens }
    }

    /// A request adds to the budget.
    pub fn earn(&mut self) {
        if let Some(budget) = self.policy.and_then(|p| p.budget) {
            self.tokens = (self.tokens + budget).min(BUDGET_CAP);
        }
    }

    /// The pause before the next attempt after this many failures; `None` if there is none. `word` draws the jitter.
    #[cold]
    pub fn again(&mut self, attempts: u32, word: impl FnOnce() -> f64) -> Option<Span> {
        let has_budget = |p: &&Retry| p.budget.is_none() || self.tokens >= 1.0;
        let policy = self.policy.filter(|p| attempts <= p.max).filter(has_budget)?;
        if policy.budget.is_some() {
            self.tokens -= 1.0;
        }
        let grown = policy
            .backoff
            .scaled(libm::pow(policy.factor, f64::from(attempts) - 1.0));
        let pause = policy.cap.map_or(grown, |cap| grown.min(cap));
        Some(pause.scaled(1.0 - policy.jitter * word()))
    }
}

/// A circuit breaker for one target. Closed, it counts failures. Open, it rejects everything. After its open time it is
/// half-open: one trial request decides.
#[derive(Debug)]
pub struct Circuit<'p> {
    plan: &'p Breaker,
    /// Times of the last failures, as many as it takes to open.
    failures: VecDeque<Time>,
    state: State,
}

#[derive(Copy, Clone, Debug, PartialEq)]
enum State {
    Closed,
    Open {
        until: Time,
    },
    /// The trial request, by number.
    HalfOpen(u64),
}

impl<'p> Circuit<'p> {
    /// A closed breaker.
    pub fn new(plan: &'p Breaker) -> Circuit<'p> {
        Circuit {
            plan,
            failures: VecDeque::new(),
            state: State::Closed,
        }
    }

    /// Whether this request may pass. The first one after the open time is the trial.
    pub fn admits(&mut self, request: u64, now: Time) -> bool {
        match self.state {
            State::Closed => true,
            State::Open { until } if until <= now => {
                self.state = State::HalfOpen(request);
                true
            }
            State::Open { .. } | State::HalfOpen(_) => false,
        }
    }

    /// A request succeeded. Results of requests from before it opened are ignored, good or bad.
    pub fn succeeded(&mut self, request: u64) {
        if self.state == State::HalfOpen(request) {
            self.state = State::Closed;
            self.failures.clear();
        }
    }

    /// A request failed.
    pub fn failed(&mut self, request: u64, now: Time) {
        if let State::HalfOpen(trial) = self.state {
            if trial == request {
                self.open(now);
            }
            return;
        }
        self.failures.push_back(now);
        if self.failures.len() > self.plan.failures as usize {
            self.failures.pop_front();
        }
        let first = self.failures.front().copied().unwrap_or(now);
        let enough = self.failures.len() == self.plan.failures as usize;
        if self.state == State::Closed && enough && now.since(first) <= self.plan.window {
            self.open(now);
        }
    }

    /// A request ended without a result. If it was the trial, the next request becomes the trial.
    pub fn forgotten(&mut self, request: u64, now: Time) {
        if self.state == State::HalfOpen(request) {
            self.state = State::Open { until: now };
        }
    }

    #[cold]
    fn open(&mut self, now: Time) {
        self.failures.clear();
        self.state = State::Open {
            until: now + self.plan.open,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::ZERO + Span::from_millis(ms)
    }

    #[test]
    fn pauses_grow_up_to_the_cap_as_long_as_there_are_tries() {
        let policy = Retry {
            max: 3,
            backoff: Span::from_millis(100),
            factor: 2.0,
            cap: Some(Span::from_millis(300)),
            jitter: 0.5,
            budget: None,
        };
        let mut retries = Retries::new(Some(&policy));
        let pauses = [1, 2, 3, 4].map(|n| retries.again(n, || 0.0).map(|s| s.nanos() / 1_000_000));
        assert_eq!(pauses, [Some(100), Some(200), Some(300), None]);
        assert_eq!(retries.again(1, || 1.0), Some(Span::from_millis(50)));
        assert_eq!(Retries::new(None).again(1, || 0.0), None);
    }

    #[test]
    fn a_circuit_opens_tries_once_and_closes() {
        let plan = Breaker {
            failures: 3,
            window: Span::from_millis(1000),
            open: Span::from_millis(500),
        };
        let mut circuit = Circuit::new(&plan);
        // Three failures, not within a second; then a third within one.
        for ms in [0, 600, 1100] {
            assert!(circuit.admits(1, at(ms)));
            circuit.failed(1, at(ms));
        }
        assert!(circuit.admits(1, at(1200)), "0 to 1100 is more than the window");
        circuit.failed(1, at(1200));
        assert!(!circuit.admits(1, at(1699)));
        assert!(circuit.admits(1, at(1700)) && !circuit.admits(1, at(1700)), "one trial");
        circuit.failed(1, at(1800));
        assert!(!circuit.admits(1, at(2299)) && circuit.admits(1, at(2300)));
        circuit.forgotten(2, at(2400));
        assert!(!circuit.admits(2, at(2400)), "another one left");
        circuit.succeeded(2);
        assert!(!circuit.admits(2, at(2400)), "another one came back");
        circuit.forgotten(1, at(2400));
        assert!(circuit.admits(1, at(2400)), "the trial left without a result");
        circuit.succeeded(1);
        assert!(circuit.admits(1, at(2500)) && circuit.admits(1, at(2500)));
    }
}
