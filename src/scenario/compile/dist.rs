//! DIST: checked, and converted for the sampler.
//!
//! The caller decides where a DIST may mean "no time".

use super::Context;
use crate::base::dist::Dist;
use crate::base::time::Span;
use crate::scenario::raw::dist::Shape;
use crate::scenario::raw::units::{Duration, typed};
use crate::scenario::read::tree::Path;

/// A larger cv is taken for a typing error.
const MOST_CV: f64 = 1000.0;
/// The square of a smaller cv is practically zero.
const LEAST_CV: f64 = 1e-6;

impl Context<'_> {
    /// A distribution that belongs to no request, and therefore cannot come from a trace.
    pub(super) fn dist(&mut self, shape: &Shape, path: &Path) -> Dist {
        if let Shape::Trace(_) = shape {
            let hint = "a trace has values for work, render and apply only";
            self.hint(
                path,
                "a column of an arrival trace belongs to a request, and this does not",
                hint,
            );
            return Dist::ZERO;
        }
        self.dist_of_request(shape, path)
    }

    /// A distribution that must take time, because something repeats at these intervals.
    pub(super) fn positive_dist(&mut self, shape: &Shape, path: &Path, why: &str) -> Dist {
        let dist = self.dist(shape, path);
        if dist.mean_s() == Some(0.0) && !matches!(shape, Shape::Trace(_)) {
            self.bad(path, format!("this must be above zero: {why}"));
        }
        dist
    }

    /// A distribution whose values a request may carry in its trace.
    pub(super) fn dist_of_request(&mut self, shape: &Shape, path: &Path) -> Dist {
        match shape {
            Shape::Constant(value) => Dist::Constant(value.0),
            Shape::Exponential(p) => Dist::exponential(self.above_zero(p.mean, &path.key("exponential").key("mean"))),
            Shape::Lognormal(p) => {
                let (mean, cv) = self.mean_cv(p.mean, p.cv, &path.key("lognormal"), 0.0);
                Dist::log_normal(mean, cv)
            }
            Shape::Gamma(p) => {
                let (mean, cv) = self.mean_cv(p.mean, p.cv, &path.key("gamma"), 0.0);
                Dist::gamma(mean, cv)
            }
            Shape::Hyperexponential(p) => {
                let (mean, cv) = self.mean_cv(p.mean, p.cv, &path.key("hyperexponential"), 1.0);
                Dist::hyper_exponential(mean, cv)
            }
            Shape::Erlang(p) => {
                let path = path.key("erlang");
                if p.k == 0 {
                    self.bad(&path.key("k"), "k must be at least 1");
                }
                Dist::erlang(self.above_zero(p.mean, &path.key("mean")), p.k.max(1))
            }
            Shape::Weibull(p) => {
                let path = path.key("weibull");
                let scale = self.above_zero(p.scale, &path.key("scale")).nanos() as f64;
                Dist::Weibull {
                    scale,
                    shape: self.factor(p.shape, &path.key("shape")),
                }
            }
            Shape::Pareto(p) => {
                let path = path.key("pareto");
                let min = self.above_zero(p.min, &path.key("min")).nanos() as f64;
                Dist::Pareto {
                    min,
                    alpha: self.factor(p.alpha, &path.key("alpha")),
                }
            }
            Shape::Uniform(p) => {
                if p.max < p.min {
                    let message = format!("max {} is below min {}", p.max.0, p.min.0);
                    self.bad(&path.key("uniform").key("max"), message);
                }
                let width = p.max.0 - p.min.0;
                Dist::Uniform {
                    min: p.min.0.nanos() as f64,
                    width: width.nanos() as f64,
                }
            }
            Shape::Empirical(values) => {
                if values.is_empty() {
                    self.bad(
                        &path.key("empirical"),
                        "an empirical distribution needs at least one value",
                    );
                    return Dist::ZERO;
                }
                Dist::Empirical(values.iter().map(|v| v.0).collect())
            }
            Shape::Trace(column) => Dist::Trace(self.column(column)),
        }
    }

    /// The number of a column of traces; the same for all traces of a plan.
    fn column(&mut self, name: &str) -> u16 {
        let known = self.columns.iter().position(|c| c == name);
        let number = known.unwrap_or_else(|| {
            self.columns.push(name.to_owned());
            self.columns.len() - 1
        });
        // A scenario of 1 MiB can name more columns than this, but a trace with as many has no room for its header.
        u16::try_from(number).unwrap_or(u16::MAX)
    }

    fn mean_cv(&mut self, mean: Duration, cv: f64, path: &Path, least: f64) -> (Span, f64) {
        let mean = self.above_zero(mean, &path.key("mean"));
        let least = least.max(LEAST_CV);
        let right = (least..=MOST_CV).contains(&cv);
        if !right {
            let message = format!(
                "cv must be at least {least} and at most {MOST_CV}, and not {}",
                typed(cv)
            );
            let hint = if cv == 0.0 {
                "what never varies is a constant"
            } else {
                "cv = standard deviation / mean"
            };
            self.hint(&path.key("cv"), message, hint);
        }
        (mean, if right { cv } else { 1.0 })
    }

    fn above_zero(&mut self, duration: Duration, path: &Path) -> Span {
        if duration.0.is_zero() {
            self.hint(
                path,
                "this must be above zero",
                "a time such as \"1ms\"; where nothing is to take time, leave it out",
            );
            return Span::SECOND;
        }
        duration.0
    }

    /// A number above zero and below a limit, beyond which work would last longer than the clock can count.
    pub(super) fn factor(&mut self, value: f64, path: &Path) -> f64 {
        if (1e-6..=1e6).contains(&value) {
            return value;
        }
        let key = path.name();
        self.bad(
            path,
            format!(
                "{key} must lie between 0.000001 and 1000000, and not be {}",
                typed(value)
            ),
        );
        1.0
    }
}
