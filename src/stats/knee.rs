//! Where a noisy rising curve crosses zero, with an interval: stochastic root finding by inverting a test. `capacity`
//! uses it to find the knee.
//!
//! Each place tried has an interval for the curve from independent replications. The confidence set of the crossing
//! consists of the places whose interval contains zero. Whatever the shape of the curve, this set misses the true
//! crossing only if the interval there misses zero: 5 % of the time. So three lines are followed to their crossings:
//! lower bounds, values and upper bounds. With common random numbers at all places the lines are smooth, and nearly
//! straight between close places.

/// The curve at one place.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Reading {
    /// The place.
    pub at: f64,
    /// Lower bound, value and upper bound there.
    pub height: [f64; 3],
}

/// One of the three lines, by its index in [`Reading::height`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The lower bounds, which cross last.
    Lower = 0,
    /// The values.
    Value = 1,
    /// The upper bounds, which cross first.
    Upper = 2,
}

/// Where a line crosses.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Crossing {
    /// It is above zero at every place, from this first one on.
    Before(f64),
    /// Between the first two places; by linear interpolation at the third.
    Between(f64, f64, f64),
    /// It is at or below zero at every place, up to this last one.
    Beyond(f64),
}

/// Where the line first rises above zero; `None` without readings. Readings are ordered by place.
pub fn crossing(readings: &[Reading], line: Line) -> Option<Crossing> {
    let height = |r: &Reading| r.height[line as usize];
    let (first, last) = (readings.first()?, readings.last()?);
    let Some(above) = readings.iter().position(|r| height(r) > 0.0) else {
        return Some(Crossing::Beyond(last.at));
    };
    let Some(below) = above.checked_sub(1) else {
        return Some(Crossing::Before(first.at));
    };
    let (a, b) = (&readings[below], &readings[above]);
    let straight = a.at + (b.at - a.at) * height(a) / (height(a) - height(b));
    Some(Crossing::Between(a.at, b.at, straight))
}

/// The next place to try, until the crossing lies between two places at most `within` apart; then `None`. If the
/// crossing is outside all places, the next one is `step` further out.
pub fn next(readings: &[Reading], line: Line, within: f64, step: f64) -> Option<f64> {
    match crossing(readings, line)? {
        Crossing::Before(first) => Some(first - step),
        Crossing::Beyond(last) => Some(last + step),
        Crossing::Between(a, b, _) if b - a <= within => None,
        Crossing::Between(a, b, straight) => {
            // The interpolation is a guess: trying just before and just behind it closes the gap. On a strongly bent
            // curve the guesses approach from one side, so a step is at least a tenth of the gap.
            let margin = (0.4 * within).max(0.1 * (b - a).min(1.0));
            let aim = if straight - a > 0.5 * within.max(0.2 * (b - a)) {
                straight - margin
            } else {
                straight + margin
            };
            Some(aim.clamp(a + 0.1 * (b - a), b - 0.1 * (b - a)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Follows all three lines of a curve that is known exactly, with an artificial width.
    fn find(curve: impl Fn(f64) -> f64, start: f64) -> (usize, [f64; 3]) {
        let mut readings: Vec<Reading> = Vec::new();
        let read = |readings: &mut Vec<Reading>, at: f64| {
            let value = curve(at);
            readings.push(Reading {
                at,
                height: [value - 0.1, value, value + 0.1],
            });
            readings.sort_by(|a, b| a.at.total_cmp(&b.at));
        };
        read(&mut readings, start);
        for line in [Line::Value, Line::Lower, Line::Upper] {
            while let Some(at) = next(&readings, line, 0.01, 0.1) {
                read(&mut readings, at);
                assert!(readings.len() < 60, "it does not end: {readings:?}");
            }
        }
        let at = |line| match crossing(&readings, line) {
            Some(Crossing::Between(_, _, at)) => at,
            other => panic!("{other:?}"),
        };
        (readings.len(), [Line::Upper, Line::Value, Line::Lower].map(at))
    }

    #[test]
    fn a_straight_line_a_bent_one_and_a_cliff() {
        let (_, straight) = find(|x| 2.0 * (x - 0.3), 0.0);
        for (found, truth) in straight.iter().zip([0.25, 0.3, 0.35]) {
            assert!((found - truth).abs() < 1e-9, "{found} for {truth}");
        }
        // The latency of M/M/1 over the logarithm of the load, with a limit of four times the service time.
        let (tries, bent) = find(
            |x: f64| -libm::log(1.0 - libm::exp(x).min(0.999)) - libm::log(4.0),
            -0.6,
        );
        assert!(
            (libm::exp(bent[1]) - 0.75).abs() < 1e-3 && tries < 20,
            "{bent:?} in {tries}"
        );
        let (tries, cliff) = find(|x| if x < 0.77 { -10.0 } else { 3.0 }, 0.0);
        assert!((cliff[1] - 0.77).abs() < 0.01 && tries < 30, "{cliff:?} in {tries}");
    }

    #[test]
    fn what_is_never_crossed_says_so() {
        let flat = |height| {
            [
                Reading {
                    at: 1.0,
                    height: [height; 3],
                },
                Reading {
                    at: 2.0,
                    height: [height; 3],
                },
            ]
        };
        assert_eq!(crossing(&flat(-1.0), Line::Value), Some(Crossing::Beyond(2.0)));
        assert_eq!(crossing(&flat(1.0), Line::Value), Some(Crossing::Before(1.0)));
        assert_eq!(crossing(&[], Line::Value), None);
        // The search moves one step outwards, towards the crossing.
        let search = |height: f64| next(&flat(height), Line::Value, 0.01, 0.25);
        assert_eq!((search(-1.0), search(1.0)), (Some(2.25), Some(0.75)));
    }
}
