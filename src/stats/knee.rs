//! Where a noisy rising curve crosses zero, with an interval: stochastic root finding by inverting a test.
//!
//! At each place tried there is an interval for the curve, made from independent replications. A place belongs to the
//! confidence set of the crossing exactly if zero lies inside the interval there: whatever the slope or the shape, that set
//! misses the true crossing only where the interval at the true crossing misses zero, which is 5 % of the time. So three lines
//! are followed, the lower bounds, the values and the upper bounds, each to its own crossing; with common random numbers at
//! all places the lines are smooth, and between two places near to each other they are straight.

/// The curve at one place.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Reading {
    /// Where.
    pub at: f64,
    /// Lower bound, value and upper bound of the curve there.
    pub height: [f64; 3],
}

/// One of the three lines, by its index in [`Reading::height`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The lower bounds: they cross last.
    Lower = 0,
    /// The values.
    Value = 1,
    /// The upper bounds: they cross first.
    Upper = 2,
}

/// Where a line was seen to cross.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Crossing {
    /// Above zero wherever one looked.
    Before(f64),
    /// Between these two; in a straight line, at the third.
    Between(f64, f64, f64),
    /// At or below zero wherever one looked.
    Beyond(f64),
}

/// Where the line first comes above zero; `None` where nothing was read. The readings are in the order of their places.
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

/// Where to look next for the crossing of a line, to have it between two places no further apart than `within`; `None` when
/// it is. Where it lies beyond all places, `step` further on.
pub fn next(readings: &[Reading], line: Line, within: f64, step: f64) -> Option<f64> {
    match crossing(readings, line)? {
        Crossing::Before(first) => Some(first - step),
        Crossing::Beyond(last) => Some(last + step),
        Crossing::Between(a, b, _) if b - a <= within => None,
        Crossing::Between(a, b, straight) => {
            // The straight line is a guess: look just before it, then just behind it, and the gap is closed. Where the
            // curve is far from straight the guesses creep up on it from one side; a tenth of the gap is the least step.
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

    /// Follows all three lines of a curve known without noise but with a width.
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
        // The latency of M/M/1 over the logarithm of the load, against a bound of four times the service time.
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
        // It is looked for a step further on, in the direction in which it must lie.
        let search = |height: f64| next(&flat(height), Line::Value, 0.01, 0.25);
        assert_eq!((search(-1.0), search(1.0)), (Some(2.25), Some(0.75)));
    }
}
