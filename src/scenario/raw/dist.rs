//! DIST: a distribution of durations, as it may be typed.
//!
//! Parameters are checked when they become a [`crate::base::dist::Dist`], not here.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::units::{Brief, Duration, Short};

/// A distribution of durations; a plain duration is a constant.
pub type Dist = Brief<Shape>;

/// A distribution of lifetimes; a plain duration is the mean of an exponential.
pub type Life = Brief<Aging>;

/// The shape of a distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", rename = "Distribution")]
pub enum Shape {
    /// A constant.
    Constant(Duration),
    /// Exponential: memoryless.
    Exponential(Mean),
    /// Log-normal.
    Lognormal(MeanCv),
    /// Gamma.
    Gamma(MeanCv),
    /// The sum of `k` exponentials.
    Erlang(Erlang),
    /// A mixture of two exponentials; `cv` is at least 1.
    Hyperexponential(MeanCv),
    /// Weibull: ageing with a shape above 1, infant mortality below.
    Weibull(Weibull),
    /// Pareto: a heavy tail; no mean with an `alpha` of 1 or less.
    Pareto(Pareto),
    /// Uniform between two ends.
    Uniform(Uniform),
    /// One of these values, all equally likely.
    Empirical(Vec<Duration>),
    /// The request's own value, from this column of its arrival trace.
    Trace(String),
}

/// A mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mean {
    /// Mean.
    pub mean: Duration,
}

/// A mean and a coefficient of variation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeanCv {
    /// Mean.
    pub mean: Duration,
    /// Coefficient of variation: standard deviation / mean.
    pub cv: f64,
}

/// A sum of exponentials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Erlang {
    /// Mean of the sum.
    pub mean: Duration,
    /// The number of exponentials.
    pub k: u32,
}

/// Weibull.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Weibull {
    /// Scale: 63 % of the values are shorter.
    pub scale: Duration,
    /// Shape.
    pub shape: f64,
}

/// Pareto.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pareto {
    /// The shortest value.
    pub min: Duration,
    /// Tail index.
    pub alpha: f64,
}

/// Uniform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Uniform {
    /// The shortest value.
    pub min: Duration,
    /// The longest value.
    pub max: Duration,
}

/// A distribution of lifetimes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Aging(pub Shape);

impl Short for Shape {
    type Long = Shape;
    const NAME: &'static str = "Dist";
    const EXPECTED: &'static str =
        "a duration such as \"10ms\", or a distribution such as { \"exponential\": { \"mean\": \"10ms\" } }";

    fn long(long: Shape) -> Shape {
        long
    }

    fn text(text: &str) -> Result<Shape, String> {
        Duration::parse(text).map(Shape::Constant)
    }

    fn number(number: f64) -> Result<Shape, String> {
        Duration::from_seconds(number).map(Shape::Constant)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Duration>()
    }
}

impl Short for Aging {
    type Long = Shape;
    const NAME: &'static str = "Life";
    const EXPECTED: &'static str = "a duration (the mean of an exponential), or a distribution";

    fn long(long: Shape) -> Aging {
        Aging(long)
    }

    fn text(text: &str) -> Result<Aging, String> {
        Duration::parse(text).map(|mean| Aging(Shape::Exponential(Mean { mean })))
    }

    fn number(number: f64) -> Result<Aging, String> {
        Duration::from_seconds(number).map(|mean| Aging(Shape::Exponential(Mean { mean })))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Duration>()
    }
}

impl Brief<Shape> {
    /// A constant, for defaults.
    pub fn constant(duration: Duration) -> Dist {
        Brief(Shape::Constant(duration))
    }

    /// No time: the usual default.
    pub fn zero() -> Dist {
        Dist::constant(super::units::seconds::<0>())
    }
}

/// The default of a distribution: a constant number of seconds.
pub fn always<const N: u64>() -> Dist {
    Dist::constant(super::units::seconds::<N>())
}
