//! Nginx's `proxy_cache`, by shares: how much of what could be in it is fresh.
//!
//! While upstreams answer, it fills; while they do not, what is in it goes stale. Either takes one `ttl` from end to end.

use crate::base::time::{Span, Time};
use crate::scenario::plan;

/// The cache of one web server.
#[derive(Copy, Clone, Debug)]
pub struct Cache {
    plan: plan::Cache,
    /// From here on it has filled, or gone stale.
    since: Time,
    /// The fresh share at that moment.
    fresh: f64,
    fills: bool,
}

impl Cache {
    /// Empty from now on.
    pub fn empty(plan: plan::Cache, now: Time) -> Cache {
        Cache {
            plan,
            since: now,
            fresh: 0.0,
            fills: true,
        }
    }

    /// As full as it gets, since long ago.
    pub fn full(plan: plan::Cache) -> Cache {
        Cache {
            fresh: 1.0,
            ..Cache::empty(plan, Time::ZERO)
        }
    }

    /// The share of the requests that it answers.
    pub fn hit(&self, now: Time) -> f64 {
        self.plan.hit * self.fresh(now)
    }

    fn fresh(&self, now: Time) -> f64 {
        let age = now.since(self.since);
        let moved = match self.plan.ttl {
            // Always warm.
            Span::ZERO => return 1.0,
            ttl if age >= ttl => 1.0,
            ttl => age.seconds() / ttl.seconds(),
        };
        match self.fills {
            true => (self.fresh + moved).min(1.0),
            false => (self.fresh - moved).max(0.0),
        }
    }

    /// An upstream has answered.
    #[inline]
    pub fn answered(&mut self, now: Time) {
        if !self.fills {
            self.turn(now);
        }
    }

    /// None has answered a request that was sent then.
    pub fn failed(&mut self, sent: Time) {
        if self.fills {
            self.turn(sent.max(self.since));
        }
    }

    fn turn(&mut self, at: Time) {
        self.fresh = self.fresh(at);
        self.since = at;
        self.fills = !self.fills;
    }
}
