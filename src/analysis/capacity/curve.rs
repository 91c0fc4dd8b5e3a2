//! Latency and goodput against the load, up to twice the knee.

use super::search::{Effort, End, Search, Trial};
use super::{Beyond, Knee, Point, Shape, Verdict};
use crate::analysis::result::{Distribution, Metrics};

/// Loads of the curve as multiples of the knee, denser around it.
const LOADS: [f64; 12] = [0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0, 1.1, 1.25, 1.5, 2.0];

/// Runs the loads of the curve; without a knee, around the present load.
pub(super) fn trials(search: &mut Search<'_, '_>, knee: &Knee, effort: Effort) -> Result<Vec<Trial>, End> {
    let knee = knee.knee_ratio.value.filter(|v| *v > 0.0).unwrap_or(1.0);
    search.what("the curve");
    let mut loads: Vec<f64> = LOADS.iter().map(|load| search.whole(libm::log(load * knee))).collect();
    loads.dedup();
    loads.into_iter().map(|at| search.trial(at, effort)).collect()
}

/// Trials as points.
pub(super) fn points(trials: &[Trial]) -> Vec<Point> {
    let point = |trial: &Trial| Point {
        rate_per_s: trial.rate_per_s,
        load_ratio: trial.factor(),
        holds: trial.reading.height[1] <= 0.0,
        replications: trial.replications,
        duration_s: trial.duration_s,
        metrics: Metrics {
            distribution: Distribution::default(),
            ..trial.run.metrics.clone()
        },
    };
    trials.iter().map(point).collect()
}

/// What a point of the curve says about the knee.
#[derive(Copy, Clone, Debug)]
pub(super) struct Seen {
    load_ratio: f64,
    rate_per_s: f64,
    holds: bool,
}

impl Seen {
    pub(super) fn at(point: &Point) -> Seen {
        Seen {
            load_ratio: point.load_ratio,
            rate_per_s: point.rate_per_s,
            holds: point.holds,
        }
    }
}

/// The curve uses other replications than the knee. A point that fails below the knee's interval, or holds above it
/// within the bound, shows that the knee is less certain: the interval is widened to that point. Returns the loads of
/// such points.
pub(super) fn widen(knee: &mut Knee, curve: &[Seen], most: Option<f64>) -> Vec<f64> {
    let (Verdict::Found, Some(lo), Some(hi)) = (knee.verdict, knee.knee_ratio.lo, knee.knee_ratio.hi) else {
        return Vec::new();
    };
    // Loads are powers of e: equal ones may differ in the last digit.
    let beyond = |a: f64, b: f64| a > b * (1.0 + 1e-9);
    let can_be = |p: &Seen| most.is_none_or(|most| !beyond(p.load_ratio, most));
    let below = curve.iter().find(|p| !p.holds && beyond(lo, p.load_ratio));
    let mut falling = curve.iter().rev();
    let above = falling.find(|p| p.holds && beyond(p.load_ratio, hi) && can_be(p));
    if let Some(point) = below {
        knee.knee_ratio.lo = Some(point.load_ratio);
        knee.knee_per_s.lo = knee.knee_per_s.lo.map(|lo| lo.min(point.rate_per_s));
    }
    if let Some(point) = above {
        knee.knee_ratio.hi = Some(point.load_ratio);
        knee.knee_per_s.hi = knee.knee_per_s.hi.map(|hi| hi.max(point.rate_per_s));
    }
    below.into_iter().chain(above).map(|p| p.rate_per_s).collect()
}

/// How goodput develops beyond the knee: the last point against the best.
pub(super) fn beyond(knee: &Knee, curve: &[Point]) -> Option<Beyond> {
    let knee_per_s = knee.knee_per_s.value.filter(|v| *v > 0.0)?;
    let last = curve.last()?;
    let goodput = |p: &Point| p.metrics.throughput_per_s.value.unwrap_or(0.0);
    let peak_per_s = curve.iter().map(goodput).fold(0.0, f64::max);
    let last_per_s = goodput(last);
    let shape = if last_per_s > 0.95 * last.rate_per_s && last.rate_per_s > 1.5 * knee_per_s {
        Shape::Rises
    } else if last_per_s > 0.95 * peak_per_s {
        Shape::Plateau
    } else if last_per_s > 0.5 * peak_per_s {
        Shape::Sags
    } else {
        Shape::Collapses
    };
    Some(Beyond {
        shape,
        peak_per_s,
        last_per_s,
        last_offered_per_s: last.rate_per_s,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::result::Estimate;

    fn seen((load_ratio, holds): &(f64, bool)) -> Seen {
        Seen {
            load_ratio: *load_ratio,
            rate_per_s: 100.0 * load_ratio,
            holds: *holds,
        }
    }

    fn knee() -> Knee {
        let estimate = |by: f64| Estimate {
            value: Some(2.0 * by),
            lo: Some(1.9 * by),
            hi: Some(2.1 * by),
            ..Estimate::default()
        };
        Knee {
            knee_ratio: estimate(1.0),
            knee_per_s: estimate(100.0),
            ..Knee::default()
        }
    }

    /// The bounds of both intervals, and the loads that moved them.
    fn widened(curve: &[(f64, bool)], most: Option<f64>) -> ([Option<f64>; 4], Vec<f64>) {
        let curve: Vec<Seen> = curve.iter().map(seen).collect();
        let mut knee = knee();
        let loads = widen(&mut knee, &curve, most);
        let (ratio, rate) = (knee.knee_ratio, knee.knee_per_s);
        ([ratio.lo, ratio.hi, rate.lo, rate.hi], loads)
    }

    #[test]
    fn the_interval_of_a_knee_covers_what_the_curve_shows() {
        let as_it_was = ([Some(1.9), Some(2.1), Some(190.0), Some(210.0)], vec![]);
        // A point within the interval is no contradiction.
        assert_eq!(
            widened(&[(1.9, false), (2.0, true), (2.1, true), (2.2, false)], None),
            as_it_was
        );
        let (ends, loads) = widened(
            &[(1.6, true), (1.8, false), (2.0, true), (2.4, true), (3.0, false)],
            None,
        );
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        let expected = [1.8, 2.4, 180.0, 240.0];
        assert!(ends.iter().zip(expected).all(|(a, b)| near(a.unwrap(), b)), "{ends:?}");
        assert!(near(loads[0], 180.0) && near(loads[1], 240.0), "{loads:?}");
        // A load above the bound is no evidence.
        assert_eq!(widened(&[(2.0, true), (2.4, true)], Some(2.1)), as_it_was);
        let mut none = Knee {
            verdict: Verdict::NoLoad,
            ..knee()
        };
        assert_eq!(
            widen(&mut none, &[seen(&(2.4, true))], None),
            Vec::<f64>::new(),
            "there is no knee"
        );
    }
}
