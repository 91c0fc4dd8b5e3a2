//! DIST: how long something takes, as it may be typed.
//!
//! Parameters are checked when they become a [`crate::base::dist::Dist`], not here.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::units::{Brief, Duration, Short};

/// A distribution of a length of time; a plain duration is a constant.
pub type Dist = Brief<Shape>;

/// A distribution of a lifetime; a plain duration is the mean of an exponential.
pub type Life = Brief<Aging>;

/// The shape of a distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", rename = "Distribution")]
pub enum Shape {
    /// Always the same.
    Constant(Duration),
    /// Memoryless.
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
    /// Heavy tail; no mean with an `alpha` of 1 or less.
    Pareto(Pareto),
    /// Evenly spread.
    Uniform(Uniform),
    /// One of these, each as likely as the next.
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
    /// Standard deviation / mean.
    pub cv: f64,
}

/// The sum of exponentials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Erlang {
    /// Mean of the sum.
    pub mean: Duration,
    /// How many.
    pub k: u32,
}

/// Weibull.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Weibull {
    /// 63 % are shorter.
    pub scale: Duration,
    /// Shape.
    pub shape: f64,
}

/// Pareto.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pareto {
    /// None is shorter.
    pub min: Duration,
    /// Tail index.
    pub alpha: f64,
}

/// Uniform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Uniform {
    /// None is shorter.
    pub min: Duration,
    /// None is longer.
    pub max: Duration,
}

/// A distribution of a lifetime.
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
    /// Always this long: for defaults.
    pub fn constant(duration: Duration) -> Dist {
        Brief(Shape::Constant(duration))
    }

    /// No time at all: the default of most.
    pub fn zero() -> Dist {
        Dist::constant(super::units::seconds::<0>())
    }
}

/// The default of a distribution: always so many seconds.
pub fn always<const N: u64>() -> Dist {
    Dist::constant(super::units::seconds::<N>())
}
