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
#[derive(Clone, Debug)]
pub struct Cache {
    plan: plan::Cache,
    /// As upstreams' answers have left it,
    known: State,
    /// and as it is by now if they go on like the last.
    taken: State,
    /// Has the last one answered?
    answers: bool,
}

/// What is in it at a time.
#[derive(Clone, Debug)]
struct State {
    at: Time,
    /// The share that is fresh.
    fresh: f64,
    /// What was fetched within each part of the last `ttl`, in a ring by time,
    fetched: [f64; PARTS],
    /// and within the part of now.
    fetching: f64,
}

impl Cache {
    /// Empty from now on.
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

    /// As full as it gets, since long ago.
    pub fn full(plan: plan::Cache) -> Cache {
        let mut cache = Cache::empty(plan, Time::ZERO);
        cache.known.settle(&plan, true);
        cache.taken = cache.known.clone();
        cache.answers = true;
        cache
    }

    /// The share of the requests that it answers.
    pub fn hit(&mut self, now: Time) -> f64 {
        if self.plan.ttl.is_zero() {
            // Always warm.
            return self.plan.hit;
        }
        self.taken.pass(&self.plan, now, self.answers);
        self.taken.fresh
    }

    /// An upstream has answered what was asked then, or none has.
    #[inline]
    pub fn heard(&mut self, asked: Time, now: Time, answers: bool) {
        if self.plan.ttl.is_zero() {
            return;
        }
        if answers == self.answers {
            // As was taken for granted.
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
    /// Time goes on to `until`, while upstreams answer or do not.
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

    /// The fresh share after this time, in which so much goes stale at an even rate and what is asked for is fetched: of `x' = μ(1 - x) - r`
    /// the solution.
    fn fresh_after(&self, plan: &plan::Cache, nanos: u64, stale: f64) -> f64 {
        // How much of a key that is not there is fetched meanwhile: μ times the time.
        let asked = plan.hit / (1.0 - plan.hit) * nanos as f64 / plan.ttl.nanos() as f64;
        if asked == 0.0 || asked.is_infinite() {
            return if asked == 0.0 { self.fresh - stale } else { 1.0 }.max(0.0);
        }
        let rest = 1.0 - stale / asked;
        if libm::fabs(rest - self.fresh) < 1e-12 {
            // In balance, as it nearly always is: what goes stale is fetched.
            return self.fresh;
        }
        (self.fresh - (rest - self.fresh) * libm::expm1(-asked)).max(0.0)
    }

    /// As it is after a long time like this.
    fn settle(&mut self, plan: &plan::Cache, answers: bool) {
        self.fresh = if answers { plan.hit } else { 0.0 };
        self.fetched = [self.fresh / PARTS as f64; PARTS];
        self.fetching = 0.0;
        if answers {
            // So much of the part of now is over.
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
        for mut cache in [told, late] {
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
