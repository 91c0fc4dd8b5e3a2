//! A whole number that changes in steps, and its time average.

use crate::base::time::{Span, Time};

/// A level (busy workers, queue length, up or down) with its time integral, in exact integers.
///
/// A step contributes its height times the rest of the window. So the gauge sums height times time over all steps, and
/// the integral is the last level times the end of the window, minus that sum: one addition per step.
#[derive(Copy, Clone, Debug, Default)]
pub struct Gauge {
    level: u64,
    /// Sum of height times time over all steps since the last restart, which counts as a step from zero. It wraps,
    /// since steps down are negative; the integral itself always fits.
    steps: u128,
}

impl Gauge {
    /// A gauge at `level` from the start of time.
    pub fn new(level: u64) -> Gauge {
        Gauge { level, steps: 0 }
    }

    /// The current level.
    #[inline]
    pub fn level(&self) -> u64 {
        self.level
    }

    /// Sets the level.
    #[inline]
    pub fn set(&mut self, now: Time, level: u64) {
        let step = u128::from(level).wrapping_sub(u128::from(self.level));
        self.steps = self.steps.wrapping_add(step.wrapping_mul(u128::from(now.nanos())));
        self.level = level;
    }

    /// One step up.
    #[inline]
    pub fn up(&mut self, now: Time) {
        self.level += 1;
        self.steps = self.steps.wrapping_add(u128::from(now.nanos()));
    }

    /// One step down.
    #[inline]
    pub fn down(&mut self, now: Time) {
        self.level -= 1;
        self.steps = self.steps.wrapping_sub(u128::from(now.nanos()));
    }

    /// Restarts the average.
    pub fn restart(&mut self, now: Time) {
        self.steps = u128::from(self.level) * u128::from(now.nanos());
    }

    /// The average over the `window` that ends now and began at the last restart.
    pub fn average(&self, now: Time, window: Span) -> f64 {
        if window.is_zero() {
            return 0.0;
        }
        let area = (u128::from(self.level) * u128::from(now.nanos())).wrapping_sub(self.steps);
        area as f64 / window.nanos() as f64
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
