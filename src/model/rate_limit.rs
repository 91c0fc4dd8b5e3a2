//! Two rate limits: Nginx's `limit_req`, a leaking bucket in Nginx's integers, and a plain token bucket.
//!
//! Neither waits nor schedules: each decides about a request at this instant and updates its state.

use crate::base::time::{Span, Time};
use crate::scenario::plan;

/// The decision of `limit_req`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Served at once.
    Serve,
    /// Served after this delay.
    Delay(Span),
    /// Turned away.
    Reject,
}

/// `limit_req`, for one key. Counts in thousandths of a request and whole milliseconds, as Nginx does.
#[derive(Clone, Debug)]
pub struct LimitReq {
    /// Thousandths of a request a second.
    rate: u64,
    /// Excess tolerated, and excess served without delay, in thousandths.
    burst: u64,
    undelayed: u64,
    /// Excess after the last request let in, and its arrival in milliseconds; `None` before the first.
    last: Option<(u64, u64)>,
}

impl LimitReq {
    /// The initial state.
    pub fn new(settings: &plan::LimitReq) -> LimitReq {
        let plan::LimitReq { rate, burst, delay } = *settings;
        LimitReq {
            rate,
            burst: burst.saturating_mul(1000),
            undelayed: delay.saturating_mul(1000),
            last: None,
        }
    }

    /// Decides about a request that arrives now. A rejected one changes nothing.
    pub fn ask(&mut self, now: Time) -> Verdict {
        let now = now.nanos() / Span::from_millis(1).nanos();
        let excess = match self.last {
            None => 0,
            Some((excess, last)) => {
                let leaked = u128::from(self.rate) * u128::from(now.saturating_sub(last)) / 1000;
                (u128::from(excess) + 1000).saturating_sub(leaked) as u64
            }
        };
        if excess > self.burst {
            return Verdict::Reject;
        }
        self.last = Some((excess, now));
        match excess.saturating_sub(self.undelayed) * 1000 / self.rate.max(1) {
            0 => Verdict::Serve,
            millis => Verdict::Delay(Span::from_millis(millis)),
        }
    }
}

/// A token bucket: full at the start, refilled at an even rate, one token per request.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    rate: f64,
    size: f64,
    tokens: f64,
    at: Time,
}

impl TokenBucket {
    /// A full bucket. It holds at least one token, since it would otherwise admit nothing.
    pub fn new(limit: &plan::RateLimit) -> TokenBucket {
        let size = f64::from(limit.burst.max(1));
        TokenBucket {
            rate: limit.rate,
            size,
            tokens: size,
            at: Time::ZERO,
        }
    }

    /// Takes a token for a request that arrives now, if there is one.
    pub fn admits(&mut self, now: Time) -> bool {
        self.tokens = (self.tokens + now.since(self.at).seconds() * self.rate).min(self.size);
        self.at = now;
        // Evenly spaced requests at exactly the rate must all pass, though a tenth has no exact binary form.
        let admitted = self.tokens >= 1.0 - 1e-9;
        if admitted {
            self.tokens -= 1.0;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::from_nanos(ms * 1_000_000)
    }

    #[test]
    fn a_burst_is_spaced_out_and_its_end_turned_away() {
        let mut limit = LimitReq::new(&plan::LimitReq {
            rate: 10_000,
            burst: 2,
            delay: 0,
        });
        assert_eq!(limit.ask(at(0)), Verdict::Serve);
        assert_eq!(limit.ask(at(0)), Verdict::Delay(Span::from_millis(100)));
        assert_eq!(limit.ask(at(10)), Verdict::Delay(Span::from_millis(190)));
        assert_eq!(limit.ask(at(10)), Verdict::Reject);
        assert_eq!(limit.ask(at(10)), Verdict::Reject, "a rejection changes nothing");
        assert_eq!(limit.ask(at(300)), Verdict::Serve, "all has leaked away");
    }

    #[test]
    fn delay_says_how_much_of_the_burst_goes_unhindered() {
        let mut limit = LimitReq::new(&plan::LimitReq {
            rate: 10_000,
            burst: 3,
            delay: 2,
        });
        let verdicts = [0; 5].map(|ms| limit.ask(at(ms)));
        let late = Verdict::Delay(Span::from_millis(100));
        assert_eq!(
            verdicts,
            [Verdict::Serve, Verdict::Serve, Verdict::Serve, late, Verdict::Reject]
        );
    }

    #[test]
    fn a_token_bucket_lets_in_its_burst_and_then_its_rate() {
        let mut bucket = TokenBucket::new(&plan::RateLimit { rate: 10.0, burst: 5 });
        assert_eq!((0..8).filter(|_| bucket.admits(at(0))).count(), 5);
        assert_eq!((1..=100).filter(|i| bucket.admits(at(10 * i))).count(), 10);
        assert!(
            (0..1000).all(|i| bucket.admits(at(2000 + 100 * i))),
            "exactly the rate always passes"
        );
    }
}
