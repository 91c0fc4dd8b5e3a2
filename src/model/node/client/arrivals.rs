//! When the next request of an open source arrives.

use super::Client;
use crate::base::dist::{Dist, exp1};
use crate::base::time::{Span, Time};
use crate::scenario::plan::{Arrivals, Load};

/// Position in a modulated arrival process.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct Modulation {
    /// The state, or the segment of a profile.
    pub(super) state: usize,
    pub(super) until: Time,
    pub(super) started: bool,
    pub(super) row: u32,
}

impl Modulation {
    /// The position at this moment of the load. With `midlife` (0 to 1) the state is drawn from the long-run
    /// distribution.
    pub(super) fn at(load: &Load, moment: Span, midlife: Option<f64>) -> Modulation {
        let before = match load {
            Load::Open {
                arrivals: Arrivals::Trace { rows },
                ..
            } => rows.partition_point(|row| row.at < Time::ZERO + moment),
            _ => 0,
        };
        let state = match load {
            Load::Open {
                arrivals: Arrivals::Mmpp { states },
                ..
            } => midlife.map_or(0, |share| state_at(states, share)),
            _ => 0,
        };
        Modulation {
            row: before as u32,
            state,
            ..Modulation::default()
        }
    }
}

/// The state at this share of one full cycle through all states.
fn state_at(states: &[(f64, Span)], share: f64) -> usize {
    let whole: f64 = states.iter().map(|(_, stay)| stay.seconds()).sum();
    let ends = states.iter().scan(0.0, |end, (_, stay)| {
        *end += stay.seconds();
        Some(*end)
    });
    ends.take_while(|end| *end <= share * whole)
        .count()
        .min(states.len() - 1)
}

impl Client<'_> {
    /// The next arrival after `now`, if there is one.
    #[inline]
    pub(super) fn next_arrival(&mut self, now: Time) -> Option<Time> {
        let Load::Open { arrivals, .. } = &self.source.load else {
            return None;
        };
        match arrivals {
            Arrivals::Poisson { rate } => (*rate > 0.0).then(|| now + self.exponential(*rate)),
            other => self.next_of_another(now, other),
        }
    }

    /// Kept out of line, so that the Poisson case stays small.
    #[inline(never)]
    fn next_of_another(&mut self, now: Time, arrivals: &Arrivals) -> Option<Time> {
        match arrivals {
            Arrivals::Poisson { .. } => unreachable!("it has its own way"),
            Arrivals::Uniform { spacing } => Some(now + *spacing),
            Arrivals::Renewal { gap } => Some(now + gap.sample(&mut self.arrivals)),
            Arrivals::Profile { points } => {
                let begins = self.begins;
                self.next_of_profile(now + begins, points).map(|at| at - begins)
            }
            Arrivals::Mmpp { states } => self.next_modulated(now, states),
            Arrivals::Trace { rows } => rows.get(self.modulation.row as usize).map(|r| r.at - self.begins),
        }
    }

    #[inline]
    fn exponential(&mut self, rate: f64) -> Span {
        Span::from_seconds(exp1(&mut self.arrivals) / rate)
    }

    /// Inverts the integral of a piecewise-linear rate: exact, one draw per arrival.
    fn next_of_profile(&mut self, now: Time, points: &[(Time, f64)]) -> Option<Time> {
        let mut wanted = exp1(&mut self.arrivals);
        let mut at = now.seconds();
        for (stretch, pair) in points.windows(2).enumerate().skip(self.modulation.state) {
            let ((t0, r0), (t1, r1)) = ((pair[0].0.seconds(), pair[0].1), (pair[1].0.seconds(), pair[1].1));
            if t1 <= at || t1 <= t0 {
                continue;
            }
            let slope = (r1 - r0) / (t1 - t0);
            at = at.max(t0);
            let rate = r0 + slope * (at - t0);
            let area = (rate + r1) / 2.0 * (t1 - at);
            if wanted < area {
                self.modulation.state = stretch;
                // The root of rate·x + slope·x²/2 = wanted, in the form that does not cancel.
                let root = libm::sqrt((rate * rate + 2.0 * slope * wanted).max(0.0));
                return Some(Time::ZERO + Span::from_seconds(at + 2.0 * wanted / (rate + root)));
            }
            wanted -= area;
            at = t1;
        }
        // Nothing arrives before the first point, which may be the only one.
        let (end, last) = points.last()?;
        (*last > 0.0).then(|| Time::ZERO + Span::from_seconds(at.max(end.seconds()) + wanted / last))
    }

    fn next_modulated(&mut self, now: Time, states: &[(f64, Span)]) -> Option<Time> {
        let mut at = now;
        if !self.modulation.started {
            self.modulation.started = true;
            self.modulation.until = now + Dist::exponential(states[self.modulation.state].1).sample(&mut self.arrivals);
        }
        loop {
            let rate = states[self.modulation.state].0;
            if rate > 0.0 {
                let next = at + self.exponential(rate);
                if next <= self.modulation.until {
                    return Some(next);
                }
            }
            // No more arrivals in this state. The Poisson process has no memory, so drawing again is free.
            at = self.modulation.until;
            if at == Time::from_nanos(u64::MAX) || at > Time::ZERO + self.plan.duration {
                return None;
            }
            self.modulation.state = (self.modulation.state + 1) % states.len();
            let stay = Dist::exponential(states[self.modulation.state].1).sample(&mut self.arrivals);
            self.modulation.until = at + stay;
        }
    }
}
