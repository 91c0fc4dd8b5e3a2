//! Nginx's `proxy_cache`, by shares: how much of what is asked for is fresh in it.
//!
//! All keys are taken to be asked for equally often. A share `hit` of the requests finds its answer where each answer stays for `ttl`, so a
//! key that is not there is asked for at the rate `hit / ((1 - hit) · ttl)`: so fast an empty cache fills, and a full one has as
//! much fetched as goes stale. What an upstream's answer says holds since it was asked for it: that the keys asked for meanwhile
//! were fetched; and one that fails, that they were not.

use crate::base::time::Time;
use crate::scenario::plan;

/// Into so many parts a `ttl` is cut. What was fetched within one goes stale evenly over another.
const PARTS: usize = 16;
/// After so many `ttl` nothing is left of how it began.
const FORGOTTEN: u64 = 8;

/// The cache of one web server.
#[derive(Copy, Clone, Debug)]
pub struct Cache {
    plan: plan::Cache,
    /// Up to here it is known what upstreams answered.
    since: Time,
    /// The share that is fresh.
    fresh: f64,
    /// What was fetched within each part of the last `ttl`, in a ring by time,
    fetched: [f64; PARTS],
    /// and within the part of now.
    fetching: f64,
    /// Has the last one answered?
    answers: bool,
}

impl Cache {
    /// Empty from now on.
    pub fn empty(plan: plan::Cache, now: Time) -> Cache {
        Cache {
            plan,
            since: now,
            fresh: 0.0,
            fetched: [0.0; PARTS],
            fetching: 0.0,
            answers: false,
        }
    }

    /// As full as it gets, since long ago.
    pub fn full(plan: plan::Cache) -> Cache {
        let mut cache = Cache::empty(plan, Time::ZERO);
        cache.fill();
        cache.answers = true;
        cache
    }

    /// The share of the requests that it answers.
    pub fn hit(&self, now: Time) -> f64 {
        if self.plan.ttl.is_zero() {
            // Always warm.
            return self.plan.hit;
        }
        let mut cache = *self;
        cache.pass(now, self.answers);
        cache.fresh
    }

    /// An upstream has answered what was asked then, or none has.
    #[inline]
    pub fn heard(&mut self, asked: Time, now: Time, answers: bool) {
        if !self.plan.ttl.is_zero() {
            self.pass(asked, self.answers);
            self.pass(now, answers);
            self.answers = answers;
        }
    }

    /// Time goes on to `until`, while upstreams answer or do not.
    fn pass(&mut self, until: Time, answers: bool) {
        let ttl = self.plan.ttl.nanos();
        let part = (ttl / PARTS as u64).max(1);
        if until.since(self.since).nanos() / FORGOTTEN > ttl {
            self.since = until;
            (self.fresh, self.fetched, self.fetching) = (0.0, [0.0; PARTS], 0.0);
            if answers {
                self.fill();
            }
        }
        while self.since < until {
            let (now, place) = (self.since.nanos(), self.since.nanos() / part);
            let ends = (place + 1).saturating_mul(part);
            let next = ends.min(until.nanos());
            let place = (place % PARTS as u64) as usize;
            let stale = self.fetched[place] * (next - now) as f64 / part as f64;
            let fresh = if answers {
                self.fresh_after(next - now, stale)
            } else {
                (self.fresh - stale).max(0.0)
            };
            self.fetching += fresh - (self.fresh - stale);
            self.fresh = fresh;
            if next == ends {
                self.fetched[place] = std::mem::take(&mut self.fetching);
            }
            self.since = Time::from_nanos(next);
        }
    }

    /// The fresh share after this time, in which so much goes stale at an even rate and what is asked for is fetched: of `x' = μ(1 - x) - r`
    /// the solution.
    fn fresh_after(&self, nanos: u64, stale: f64) -> f64 {
        let hit = self.plan.hit;
        // How much of a key that is not there is fetched meanwhile: μ times the time.
        let asked = hit / (1.0 - hit) * nanos as f64 / self.plan.ttl.nanos() as f64;
        if asked == 0.0 || asked.is_infinite() {
            return if asked == 0.0 { self.fresh - stale } else { 1.0 }.max(0.0);
        }
        let rest = 1.0 - stale / asked;
        (rest + (self.fresh - rest) * libm::exp(-asked)).max(0.0)
    }

    fn fill(&mut self) {
        self.fresh = self.plan.hit;
        self.fetched = [self.plan.hit / PARTS as f64; PARTS];
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

    /// Upstreams are heard of every 10 ms, of what was asked just before.
    fn hears(cache: &mut Cache, from: f64, to: f64, answers: impl Fn(u32) -> bool) {
        for i in 1..=((to - from) * 100.0).round() as u32 {
            let now = from + f64::from(i) / 100.0;
            cache.heard(at(now - 0.01), at(now), answers(i));
        }
    }

    /// From empty 1 - exp(-μt), with μ = 0.8/(0.2 · 20 s); full, it stays so.
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

    /// In a straight line, whether one hears at once that nobody answers, or at the end.
    #[test]
    fn it_goes_stale_within_a_ttl() {
        let (mut told, mut late) = (Cache::full(plan()), Cache::full(plan()));
        hears(&mut told, 0.0, 15.0, |_| false);
        late.heard(at(0.0), at(15.0), false);
        for cache in [told, late] {
            assert!((cache.hit(at(15.0)) - HIT / 4.0).abs() < 1e-9);
            assert!(cache.hit(at(20.0)) < 1e-9);
        }
    }

    /// A key that is not there is fetched at the second attempt in the middle: it is there for 20 s of 20 + 2 · 5.
    #[test]
    fn with_half_of_the_answers_it_keeps_two_thirds() {
        for mut cache in [Cache::full(plan()), Cache::empty(plan(), at(0.0))] {
            hears(&mut cache, 0.0, 400.0, |i| i % 2 == 0);
            assert!((cache.hit(at(400.0)) - 2.0 / 3.0).abs() < 0.01);
        }
    }

    /// One request in two minutes: what is known between them is what the last one met.
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
