//! The function whose root is the knee: how far the worst objective is beyond its target.

use crate::analysis::result::{Estimate, Run, SloResult};
use crate::scenario::plan::{Measure, Objective, Plan};

/// Growth of the backlog, as a share of arrivals, that counts as unstable.
const GROWS: f64 = 0.01;
/// Limit of the excess, as a logarithm; larger values are clamped.
const FAR: f64 = 10.0;

/// How far the worst objective is beyond its target, with its interval, as the logarithm of a ratio; and its index.
pub(super) fn excess(plan: &Plan, run: &Run, measured_s: f64) -> ([f64; 3], usize) {
    let mut heights: Vec<[f64; 3]> = plan
        .slo
        .iter()
        .zip(&run.slo)
        .map(|(o, r)| of_objective(o, r, run, plan))
        .collect();
    // Requests in flight at the end, beyond those that Little's law gives for a stable stack.
    let requests = &run.metrics.requests;
    let inside = requests.unfinished as f64 / requests.offered.max(1) as f64;
    let usual = run.metrics.latency_s.mean.value.unwrap_or(0.0) / measured_s.max(1e-9);
    heights.push([far((inside - usual).max(0.0) / GROWS); 3]);
    let worst = (0..heights.len()).max_by(|a, b| heights[*a][1].total_cmp(&heights[*b][1]));
    let most = |line: usize| heights.iter().map(|h| h[line]).fold(-FAR, f64::max);
    ([most(0), most(1), most(2)], worst.unwrap_or(0))
}

fn far(ratio: f64) -> f64 {
    libm::log(ratio.max(1e-300)).clamp(-FAR, FAR)
}

fn of_objective(objective: &Objective, result: &SloResult, run: &Run, plan: &Plan) -> [f64; 3] {
    let metrics = match objective.class {
        Some(class) => &run.classes.0[class.index()].1,
        None => &run.metrics,
    };
    debug_assert_eq!(run.classes.0.len(), plan.classes.len());
    let Estimate { value, lo, hi, .. } = result.observed;
    let Some(value) = value else {
        // Without a value: if no request has finished, the objective holds; if none of them succeeded, it is missed.
        let nothing = metrics.requests.offered == metrics.requests.unfinished;
        return [if nothing { -FAR } else { FAR }; 3];
    };
    let (lo, hi) = (lo.unwrap_or(value), hi.unwrap_or(value));
    let target = objective.target.max(1e-12);
    match objective.measure {
        Measure::Availability => {
            let allowed = (1.0 - objective.target).max(1e-12);
            [hi, value, lo].map(|v| far((1.0 - v) / allowed))
        }
        Measure::ErrorRatio | Measure::Latency(_) => [lo, value, hi].map(|v| far(v / target)),
    }
}
