//! Nginx's `proxy_cache`, modelled by shares: the fraction of requests whose answer is fresh in the cache.
//!
//! All keys are assumed equally popular. In steady state a share `hit` of the requests finds its answer, and each
//! answer stays for `ttl`. It follows that a missing key is requested at the rate `hit / ((1 - hit) · ttl)`, which sets
//! how fast an empty cache fills; a full one fetches as much as goes stale. An upstream's answer covers the time since
//! it was requested: if it is good, keys requested meanwhile were fetched; if it is a failure, they were not.

use crate::base::time::Time;
use crate::scenario::plan;

/// Number of slices a `ttl` is divided into. What was fetched within one slice goes stale evenly over another.
const PARTS: usize = 16;
/// Number of TTLs after which the initial state no longer matters.
const FORGOTTEN: u64 = 8;

/// The cache of one web server.
#[derive(Clone, Debug)]
pub struct Cache {
    plan: plan::Cache,
    /// The state as confirmed by upstreams' answers.
    known: State,
    /// The state now, if upstreams go on as in their last answer.
    taken: State,
    /// Whether the last answer was a good one.
    answers: bool,
}

/// The content at one time.
#[derive(Clone, Debug)]
struct State {
    at: Time,
    /// The share that is fresh.
    fresh: f64,
    /// Share fetched within each slice of the last `ttl`; a ring indexed by time.
    fetched: [f64; PARTS],
    /// Share fetched within the current slice.
    fetching: f64,
}

impl Cache {
    /// An empty cache, from now on.
    pub fn empty(plan: plan::Cache, now: Time) -> Cache {
        let nothing = State {
            at: now,
            fresh: 0.0,
            fetched: [0.0; PARTS],
            fetching: 0.0,
        };
        Cache {
            plan,
            known: nothing.clone(),
            taken: nothing,
            answers: false,
        }
    }

    /// A cache in its steady state.
    pub fn full(plan: plan::Cache) -> Cache {
        let mut cache = Cache::empty(plan, Time::ZERO);
        cache.known.settle(&plan, true);
        cache.taken = cache.known.clone();
        cache.answers = true;
        cache
    }

    /// The share of requests answered from the cache.
    pub fn hit(&mut self, now: Time) -> f64 {
        if self.plan.ttl.is_zero() {
            // Without a `ttl` it is always warm.
            return self.plan.hit;
        }
        self.taken.pass(&self.plan, now, self.answers);
        self.taken.fresh
    }

    /// A request sent at `asked` has now been answered by an upstream, or by none.
    #[inline]
    pub fn heard(&mut self, asked: Time, now: Time, answers: bool) {
        if self.plan.ttl.is_zero() {
            return;
        }
        if answers == self.answers {
            // The assumption holds.
            self.taken.pass(&self.plan, now, answers);
            self.known = self.taken.clone();
            return;
        }
        self.known.pass(&self.plan, asked, self.answers);
        self.known.pass(&self.plan, now, answers);
        self.taken = self.known.clone();
        self.answers = answers;
    }
}

impl State {
    /// Advances to `until`, with upstreams that answer or do not.
    fn pass(&mut self, plan: &plan::Cache, until: Time, answers: bool) {
        let ttl = plan.ttl.nanos();
        let part = (ttl / PARTS as u64).max(1);
        if until.since(self.at).nanos() / FORGOTTEN > ttl {
            self.at = until;
            self.settle(plan, answers);
        }
        while self.at < until {
            let (now, place) = (self.at.nanos(), self.at.nanos() / part);
            let ends = (place + 1).saturating_mul(part);
            let next = ends.min(until.nanos());
            let place = (place % PARTS as u64) as usize;
            let stale = self.fetched[place] * (next - now) as f64 / part as f64;
            let fresh = if answers {
                self.fresh_after(plan, next - now, stale)
            } else {
                (self.fresh - stale).max(0.0)
            };
            self.fetching += fresh - (self.fresh - stale);
            self.fresh = fresh;
            if next == ends {
                self.fetched[place] = std::mem::take(&mut self.fetching);
            }
            self.at = Time::from_nanos(next);
        }
    }

    /// The fresh share after this time, while the share `stale` expires at an even rate and missing keys are fetched:
    /// the solution of `x' = μ(1 - x) - r`.
    fn fresh_after(&self, plan: &plan::Cache, nanos: u64, stale: f64) -> f64 {
        // Expected requests for a missing key in this time: μ times the time.
        let asked = plan.hit / (1.0 - plan.hit) * nanos as f64 / plan.ttl.nanos() as f64;
        if asked == 0.0 || asked.is_infinite() {
            return if asked == 0.0 { self.fresh - stale } else { 1.0 }.max(0.0);
        }
        let rest = 1.0 - stale / asked;
        if libm::fabs(rest - self.fresh) < 1e-12 {
            // The usual case, balance: what goes stale is fetched.
            return self.fresh;
        }
        (self.fresh - (rest - self.fresh) * libm::expm1(-asked)).max(0.0)
    }

    /// The steady state under these conditions.
    fn settle(&mut self, plan: &plan::Cache, answers: bool) {
        self.fresh = if answers { plan.hit } else { 0.0 };
        self.fetched = [self.fresh / PARTS as f64; PARTS];
        self.fetching = 0.0;
        if answers {
            // The elapsed part of the current slice.
            let part = (plan.ttl.nanos() / PARTS as u64).max(1);
            self.fetching = self.fetched[0] * (self.at.nanos() % part) as f64 / part as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Span;

    const HIT: f64 = 0.8;

    fn at(s: f64) -> Time {
        Time::ZERO + Span::from_seconds(s)
    }

    fn plan() -> plan::Cache {
        plan::Cache {
            hit: HIT,
            ttl: Span::from_seconds(20.0),
        }
    }

    /// Upstreams answer every 10 ms, to requests sent just before.
    fn hears(cache: &mut Cache, from: f64, to: f64, answers: impl Fn(u32) -> bool) {
        for i in 1..=((to - from) * 100.0).round() as u32 {
            let now = from + f64::from(i) / 100.0;
            cache.heard(at(now - 0.01), at(now), answers(i));
        }
    }

    /// From empty, 1 - exp(-μt) with μ = 0.8/(0.2 · 20 s); a full cache stays full.
    #[test]
    fn it_fills_as_fast_as_its_keys_are_asked_for() {
        let mut cache = Cache::empty(plan(), at(0.0));
        assert_eq!(cache.hit(at(3.0)), 0.0, "nothing has been fetched");
        hears(&mut cache, 0.0, 5.0, |_| true);
        assert!((cache.hit(at(5.0)) - (1.0 - (-1.0f64).exp())).abs() < 1e-9);
        hears(&mut cache, 5.0, 300.0, |_| true);
        assert!((cache.hit(at(300.0)) - HIT).abs() < 1e-3);
        let mut full = Cache::full(plan());
        hears(&mut full, 0.0, 50.0, |_| true);
        assert!((full.hit(at(51.5)) - HIT).abs() < 1e-9);
    }

    /// Linearly, whether the failure is learnt at once or at the end.
    #[test]
    fn it_goes_stale_within_a_ttl() {
        let (mut told, mut late) = (Cache::full(plan()), Cache::full(plan()));
        hears(&mut told, 0.0, 15.0, |_| false);
        late.heard(at(0.0), at(15.0), false);
        for mut cache in [told, late] {
            assert!((cache.hit(at(15.0)) - HIT / 4.0).abs() < 1e-9);
            assert!(cache.hit(at(20.0)) < 1e-9);
        }
    }

    /// A missing key is fetched at the second attempt on average, so it is present for 20 s out of 20 + 2 · 5.
    #[test]
    fn with_half_of_the_answers_it_keeps_two_thirds() {
        for mut cache in [Cache::full(plan()), Cache::empty(plan(), at(0.0))] {
            hears(&mut cache, 0.0, 400.0, |i| i % 2 == 0);
            assert!((cache.hit(at(400.0)) - 2.0 / 3.0).abs() < 0.01);
        }
    }

    /// One request in two minutes: between requests the last answer determines the state.
    #[test]
    fn whoever_is_asked_seldom_is_warm() {
        let mut cache = Cache::full(plan());
        cache.heard(at(120.0), at(120.1), true);
        assert!((cache.hit(at(500.0)) - HIT).abs() < 1e-9);
        for hit in [0.0, 1.0] {
            let mut cache = Cache::empty(plan::Cache { hit, ..plan() }, at(0.0));
            cache.heard(at(0.0), at(1.0), true);
            assert_eq!(cache.hit(at(90.0)), hit);
        }
    }
}
