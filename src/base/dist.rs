//! Distributions of a time: what a `DIST` of a scenario becomes.
//!
//! Constructors take familiar parameters (mean and coefficient of variation) and convert them once into those the
//! sampler needs. Transcendental functions come from `libm`, so that platforms agree to the last bit.

use rand::Rng;
use rand_distr::{Distribution, Exp1, Gamma, StandardNormal};

use super::random::{Draw, below, unit};
use super::time::Span;

/// A distribution of times. Variants are a few words; long data is behind a pointer.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
pub enum Dist {
    /// Always the same.
    Constant(Span),
    /// Exponential with this mean in nanoseconds.
    Exponential { mean: f64 },
    /// exp(mu + sigma × standard normal), in nanoseconds.
    LogNormal { mu: f64, sigma: f64 },
    /// Gamma, scale in nanoseconds. With a whole shape it is Erlang.
    Gamma { shape: f64, scale: f64 },
    /// Two exponentials with balanced means: the first with probability `p`.
    HyperExponential { p: f64, first: f64, second: f64 },
    /// Weibull, scale in nanoseconds.
    Weibull { scale: f64, shape: f64 },
    /// Pareto from `min` nanoseconds on with tail index `alpha`.
    Pareto { min: f64, alpha: f64 },
    /// Uniform between two times.
    Uniform { min: f64, width: f64 },
    /// One of these, all equally likely.
    Empirical(Box<[Span]>),
    /// The request's own value, from this column of its arrival trace.
    Trace(u16),
}

/// Number of means after which a renewal process counts as stationary.
const LONG_AGO: f64 = 16.0;
const MOST_FOLLOWED: usize = 10_000;

impl Dist {
    /// Always zero.
    pub const ZERO: Dist = Dist::Constant(Span::ZERO);

    /// Exponential with this mean.
    pub fn exponential(mean: Span) -> Dist {
        Dist::Exponential {
            mean: mean.nanos() as f64,
        }
    }

    /// Log-normal with this mean and coefficient of variation.
    pub fn log_normal(mean: Span, cv: f64) -> Dist {
        let variance = libm::log1p(cv * cv);
        Dist::LogNormal {
            mu: libm::log(mean.nanos() as f64) - variance / 2.0,
            sigma: libm::sqrt(variance),
        }
    }

    /// Gamma with this mean and coefficient of variation.
    pub fn gamma(mean: Span, cv: f64) -> Dist {
        let shape = 1.0 / (cv * cv);
        Dist::Gamma {
            shape,
            scale: mean.nanos() as f64 / shape,
        }
    }

    /// The sum of `k` exponentials, with this total mean.
    pub fn erlang(mean: Span, k: u32) -> Dist {
        Dist::Gamma {
            shape: f64::from(k),
            scale: mean.nanos() as f64 / f64::from(k),
        }
    }

    /// Two exponentials with balanced means (each contributes half the mean): the usual two-moment fit for a
    /// coefficient of variation of at least 1 (Tijms, *A First Course in Stochastic Models*, appendix B).
    pub fn hyper_exponential(mean: Span, cv: f64) -> Dist {
        let squared = cv * cv;
        let p = 0.5 * (1.0 + libm::sqrt((squared - 1.0) / (squared + 1.0)));
        let mean = mean.nanos() as f64;
        Dist::HyperExponential {
            p,
            first: mean / (2.0 * p),
            second: mean / (2.0 * (1.0 - p)),
        }
    }

    /// Multiplied by a factor; a request's own value from a trace is unchanged.
    pub fn scaled(&self, factor: f64) -> Dist {
        match self {
            Dist::Constant(span) => Dist::Constant(span.scaled(factor)),
            Dist::Exponential { mean } => Dist::Exponential { mean: mean * factor },
            Dist::LogNormal { mu, sigma } => Dist::LogNormal {
                mu: mu + libm::log(factor),
                sigma: *sigma,
            },
            Dist::Gamma { shape, scale } => Dist::Gamma {
                shape: *shape,
                scale: scale * factor,
            },
            Dist::HyperExponential { p, first, second } => Dist::HyperExponential {
                p: *p,
                first: first * factor,
                second: second * factor,
            },
            Dist::Weibull { scale, shape } => Dist::Weibull {
                scale: scale * factor,
                shape: *shape,
            },
            Dist::Pareto { min, alpha } => Dist::Pareto {
                min: min * factor,
                alpha: *alpha,
            },
            Dist::Uniform { min, width } => Dist::Uniform {
                min: min * factor,
                width: width * factor,
            },
            Dist::Empirical(values) => Dist::Empirical(values.iter().map(|v| v.scaled(factor)).collect()),
            Dist::Trace(column) => Dist::Trace(*column),
        }
    }

    /// The mean in seconds; `None` if it is not finite (a Pareto with `alpha` up to 1) or not known (a trace).
    pub fn mean_s(&self) -> Option<f64> {
        let ns = match self {
            Dist::Constant(span) => span.nanos() as f64,
            Dist::Exponential { mean } => *mean,
            Dist::LogNormal { mu, sigma } => libm::exp(mu + sigma * sigma / 2.0),
            Dist::Gamma { shape, scale } => shape * scale,
            Dist::HyperExponential { p, first, second } => p * first + (1.0 - p) * second,
            Dist::Weibull { scale, shape } => scale * libm::tgamma(1.0 + 1.0 / shape),
            Dist::Pareto { min, alpha } if *alpha > 1.0 => alpha * min / (alpha - 1.0),
            Dist::Pareto { .. } | Dist::Trace(_) => return None,
            Dist::Uniform { min, width } => min + width / 2.0,
            Dist::Empirical(values) => values.iter().map(|v| v.nanos() as f64).sum::<f64>() / values.len() as f64,
        };
        // A Weibull with a tiny shape has a mean beyond any float.
        Some(ns * 1e-9).filter(|mean| mean.is_finite())
    }

    /// The residual time at a random moment of a renewal process with these intervals, found by following it from long
    /// before. `None` in the improbable case that this takes too long.
    ///
    /// # Panics
    /// As [`sample`](Dist::sample).
    pub fn residual(&self, draw: &mut Draw) -> Option<Span> {
        let mean = self.mean_s().filter(|mean| *mean > 0.0)?;
        let mut until_now = Span::from_seconds(mean * (LONG_AGO + unit(draw)));
        for _ in 0..MOST_FOLLOWED {
            let one = self.sample(draw);
            if one > until_now {
                return Some(one - until_now);
            }
            until_now = until_now - one;
        }
        None
    }

    /// Whether it is always zero.
    pub fn is_zero(&self) -> bool {
        matches!(self, Dist::Constant(span) if span.is_zero())
    }

    /// One value.
    ///
    /// # Panics
    /// On [`Dist::Trace`], whose values only the request knows.
    #[inline]
    pub fn sample(&self, rng: &mut impl Rng) -> Span {
        match self {
            Dist::Constant(span) => *span,
            Dist::Exponential { mean } => whole(mean * exp1(rng)),
            _ => self.sample_rare(rng),
        }
    }

    fn sample_rare(&self, rng: &mut impl Rng) -> Span {
        match self {
            Dist::Constant(span) => *span,
            Dist::Exponential { mean } => whole(mean * exp1(rng)),
            Dist::LogNormal { mu, sigma } => {
                let z: f64 = StandardNormal.sample(rng);
                whole(libm::exp(mu + sigma * z))
            }
            Dist::Gamma { shape, scale } => match Gamma::new(*shape, *scale) {
                Ok(gamma) => whole(gamma.sample(rng)),
                Err(_) => unreachable!("the shape and scale of a plan are positive"),
            },
            Dist::HyperExponential { p, first, second } => {
                let mean = if unit(rng) < *p { first } else { second };
                whole(mean * exp1(rng))
            }
            Dist::Weibull { scale, shape } => whole(scale * libm::pow(exp1(rng), 1.0 / shape)),
            Dist::Pareto { min, alpha } => whole(min * libm::exp(exp1(rng) / alpha)),
            Dist::Uniform { min, width } => whole(min + width * unit(rng)),
            Dist::Empirical(values) => values[below(rng, values.len() as u64) as usize],
            Dist::Trace(_) => unreachable!("the world looks a trace's value up in the request"),
        }
    }
}

/// A standard exponential.
#[inline]
pub fn exp1(rng: &mut impl Rng) -> f64 {
    Exp1.sample(rng)
}

/// Rounds to whole nanoseconds. Draws are never negative, and `as` saturates.
#[inline]
fn whole(ns: f64) -> Span {
    Span::from_nanos((ns + 0.5) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::{Purpose, Streams};

    const MEAN: Span = Span::from_millis(10);

    /// Every distribution has the mean and coefficient of variation asked for. The tolerance is four standard errors;
    /// that of the variance uses the sample's own fourth moment.
    #[test]
    fn theory_moments() {
        let cases: Vec<(Dist, f64)> = vec![
            (Dist::Constant(MEAN), 0.0),
            (Dist::exponential(MEAN), 1.0),
            (Dist::log_normal(MEAN, 0.5), 0.5),
            (Dist::gamma(MEAN, 0.7), 0.7),
            (Dist::gamma(MEAN, 1.5), 1.5),
            (Dist::erlang(MEAN, 4), 0.5),
            (Dist::hyper_exponential(MEAN, 1.5), 1.5),
            (
                Dist::Weibull {
                    scale: 1e7 / libm::tgamma(1.5),
                    shape: 2.0,
                },
                0.522_723_2,
            ),
            (
                Dist::Pareto {
                    min: 1e7 * 4.0 / 5.0,
                    alpha: 5.0,
                },
                1.0 / libm::sqrt(15.0),
            ),
            (Dist::Uniform { min: 0.0, width: 2e7 }, 1.0 / libm::sqrt(3.0)),
            (Dist::Empirical([5, 15].map(Span::from_millis).into()), 0.5),
        ];
        for (dist, cv) in cases {
            let mut rng = Streams::new(7, 0).stream("moments", Purpose::Arrivals);
            let n = 200_000;
            let x: Vec<f64> = (0..n).map(|_| dist.sample(&mut rng).nanos() as f64 / 1e7).collect();
            let mean = x.iter().sum::<f64>() / n as f64;
            let moment = |k: i32| x.iter().map(|v| (v - mean).powi(k)).sum::<f64>() / n as f64;
            let (variance, fourth) = (moment(2), moment(4));
            assert!(
                (mean - 1.0).abs() <= 4.0 * (variance / n as f64).sqrt() + 1e-9,
                "{dist:?}: mean {mean}"
            );
            let error = ((fourth - variance * variance).max(0.0) / n as f64).sqrt();
            assert!(
                (variance - cv * cv).abs() <= 4.0 * error + 1e-6,
                "{dist:?}: variance {variance}, not {}",
                cv * cv
            );
            assert!(
                (dist.mean_s().unwrap() - 0.01).abs() < 1e-9,
                "{dist:?}: {:?}",
                dist.mean_s()
            );
        }
    }
}
