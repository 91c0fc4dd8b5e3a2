//! Latency and goodput against the load, to twice the knee.

use super::search::{Effort, End, Search, Trial};
use super::{Beyond, Knee, Point, Shape};
use crate::analysis::result::{Distribution, Metrics};

/// Loads of the curve, over the knee: denser where it bends.
const LOADS: [f64; 12] = [0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0, 1.1, 1.25, 1.5, 2.0];

/// Twice the latency or twice the errors that are allowed, as a logarithm.
const TWICE: f64 = std::f64::consts::LN_2;

/// The loads of the curve, tried. Without a knee, around the present load.
pub(super) fn trials(search: &mut Search<'_, '_>, knee: &Knee, effort: Effort) -> Result<Vec<Trial>, End> {
    let knee = knee.knee_ratio.value.filter(|v| *v > 0.0).unwrap_or(1.0);
    search.what("the curve");
    let mut loads: Vec<f64> = LOADS.iter().map(|load| search.whole(libm::log(load * knee))).collect();
    loads.dedup();
    loads.into_iter().map(|at| search.trial(at, effort)).collect()
}

/// As points.
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

/// The curve looks at other replications than the knee. Where it misses a promise below the knee, surely or by far, or keeps all above
/// it, the knee is not known so well: its interval reaches to there. The load that says so, if one does.
pub(super) fn widen(knee: &mut Knee, trials: &[Trial]) -> Option<f64> {
    let (value, lo, hi) = (knee.knee_ratio.value?, knee.knee_ratio.lo?, knee.knee_ratio.hi?);
    // Loads are powers of e: what is the same may differ in the last digit.
    let at = |t: &&Trial, load: f64| libm::fabs(t.factor() / load - 1.0) < 1e-9;
    let misses = |t: &&Trial| {
        let [surely, likely, _] = t.reading.height;
        let clearly = surely > 0.0 || likely > TWICE;
        (t.factor() < lo && likely > 0.0) || ((t.factor() <= value || at(t, value)) && clearly)
    };
    let below = trials.iter().find(misses);
    let above = trials
        .iter()
        .rev()
        .find(|t| t.factor() > hi && t.reading.height[1] <= 0.0);
    for (ratio, found) in [(true, below), (false, above)] {
        let Some(trial) = found else { continue };
        let (factor, rate) = (trial.factor(), trial.rate_per_s);
        for (estimate, load) in [(&mut knee.knee_ratio, factor), (&mut knee.knee_per_s, rate)] {
            if ratio {
                estimate.lo = estimate.lo.map(|lo| lo.min(load));
            } else {
                estimate.hi = estimate.hi.map(|hi| hi.max(load));
            }
        }
    }
    below.or(above).map(|t| t.rate_per_s)
}

/// What goodput does beyond the knee: the last point against the best.
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
