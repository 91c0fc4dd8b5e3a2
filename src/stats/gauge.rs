//! A whole number that changes in steps, and its average over time.

use crate::base::time::{Span, Time};

/// A level (busy workers, queue length, up or down) with its time integral, in exact integers.
#[derive(Copy, Clone, Debug, Default)]
pub struct Gauge {
    level: u64,
    since: Time,
    /// Level × nanoseconds up to `since`, from the last restart on.
    area: u128,
}

impl Gauge {
    /// A gauge that stands at `level` from the start of time.
    pub fn new(level: u64) -> Gauge {
        Gauge {
            level,
            ..Gauge::default()
        }
    }

    /// Where it stands.
    #[inline]
    pub fn level(&self) -> u64 {
        self.level
    }

    /// It stands at `level` from now on.
    #[inline]
    pub fn set(&mut self, now: Time, level: u64) {
        self.area += u128::from(self.level) * u128::from(now.since(self.since).nanos());
        self.since = now;
        self.level = level;
    }

    /// One more.
    #[inline]
    pub fn up(&mut self, now: Time) {
        self.set(now, self.level + 1);
    }

    /// One less.
    #[inline]
    pub fn down(&mut self, now: Time) {
        self.set(now, self.level - 1);
    }

    /// Forgets the past: the average counts from now on.
    pub fn restart(&mut self, now: Time) {
        self.area = 0;
        self.since = now;
    }

    /// The average over the `window` that ends now and began at the last restart.
    pub fn average(&mut self, now: Time, window: Span) -> f64 {
        self.set(now, self.level);
        if window.is_zero() {
            0.0
        } else {
            self.area as f64 / window.nanos() as f64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_weighs_levels_by_their_time() {
        let at = Time::from_nanos;
        let mut gauge = Gauge::new(1);
        gauge.up(at(10));
        gauge.restart(at(20));
        gauge.down(at(25));
        gauge.down(at(35));
        // 2 for 5, 1 for 10, 0 for 5.
        assert_eq!(gauge.average(at(40), Span::from_nanos(20)), 1.0);
    }
}
