//! Trying again after a failure: how long to pause, and whether the budget allows it; and when not to try at all.
//!
//! Pure policies, for clients and applications alike: they count and decide, and are told when and what.

use std::collections::VecDeque;

use crate::base::time::{Span, Time};
use crate::scenario::plan::{Breaker, Retry};

/// Which of those that may be asked have been: the first 63 one by one, all beyond as one.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Tried(u64);

impl Tried {
    /// So many are told apart.
    pub const APART: usize = 64;

    fn bit(which: usize) -> u64 {
        1 << which.min(Tried::APART - 1)
    }

    /// This one has been asked.
    pub fn add(&mut self, which: usize) {
        self.0 |= Tried::bit(which);
    }

    /// Has this one?
    pub fn has(self, which: usize) -> bool {
        self.0 & Tried::bit(which) != 0
    }

    /// How many have.
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// Has none?
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A caller may save up this many retries: enough for a handful of unlucky requests, far too few to feed a storm.
const BUDGET_CAP: f64 = 10.0;

/// A retry policy with its budget: a token bucket that each request fills a little.
#[derive(Debug)]
pub struct Retries<'p> {
    policy: Option<&'p Retry>,
    tokens: f64,
}

impl<'p> Retries<'p> {
    /// A policy at the start of a run, its budget full.
    pub fn new(policy: Option<&'p Retry>) -> Retries<'p> {
        let tokens = BUDGET_CAP;
        Retries { policy, tokens }
    }

    /// A request has come, and adds to the budget.
    pub fn earn(&mut self) {
        if let Some(budget) = self.policy.and_then(|p| p.budget) {
            self.tokens = (self.tokens + budget).min(BUDGET_CAP);
        }
    }

    /// The pause before the next attempt, after so many that failed; `None` = no more. `word` draws the jitter.
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

/// A circuit breaker before one target. Closed, it counts failures; open, it lets nobody through; when that time is over,
/// one request may try, and decides.
#[derive(Debug)]
pub struct Circuit<'p> {
    plan: &'p Breaker,
    /// The last failures, as many as it takes to open.
    failures: VecDeque<Time>,
    state: State,
}

#[derive(Copy, Clone, Debug, PartialEq)]
enum State {
    Closed,
    Open {
        until: Time,
    },
    /// A trial is under way: which.
    HalfOpen(u64),
}

impl<'p> Circuit<'p> {
    /// Closed.
    pub fn new(plan: &'p Breaker) -> Circuit<'p> {
        Circuit {
            plan,
            failures: VecDeque::new(),
            state: State::Closed,
        }
    }

    /// May the request of this number go through? The first after the time of being open is the trial.
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

    /// A request that went through has come back well. Of those from before it opened nothing is concluded, nor when they fail.
    pub fn succeeded(&mut self, request: u64) {
        if self.state == State::HalfOpen(request) {
            self.state = State::Closed;
            self.failures.clear();
        }
    }

    /// A request that went through has failed.
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

    /// A request that went through has gone without a result: if it was the trial, the next one is.
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
        // Three failures, but not within a second; then the third within one.
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
