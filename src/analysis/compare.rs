//! `compare`: which design is better, by how much, and is the difference real? Called by the command `compare`.
//!
//! It covers every pair of designs and every headline metric, for all requests and for each class that both have. A
//! difference has its own 95 % interval; the verdict is corrected for multiple comparisons.

use serde::{Deserialize, Serialize};

use super::result::{Caveat, Estimate, NamedRun, Ordered};
use super::run::{estimate, named};
use crate::scenario::plan::Plan;
use crate::stats::interval;
use crate::study::Study;
use crate::study::paired::{self, Design, Measure, designs, scopes};

/// The result of `compare`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compare {
    /// Each design by its label, as in the result of `run`.
    pub variants: Ordered<NamedRun>,
    /// How each design differs from the scenario, in the form of `--set`; empty if it is a file of its own.
    pub changes: Ordered<Vec<String>>,
    /// Each pair of designs in order; for each pair all headline metrics, then those of each class.
    pub differences: Vec<Difference>,
}

impl Compare {
    /// The differences of each pair of designs.
    pub fn pairs(&self) -> Vec<&[Difference]> {
        let pairs = self.differences.chunk_by(|x, y| (&x.a, &x.b) == (&y.a, &y.b));
        pairs.collect()
    }

    /// The paths changed by each design.
    pub fn paths(&self) -> Vec<Vec<&str>> {
        self.changes
            .0
            .iter()
            .map(|(_, sets)| sets.iter().filter_map(|set| Some(set.split_once('=')?.0)).collect())
            .collect()
    }
}

/// The difference of one metric between two designs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Dotted, as in the variants: `latency_s.p99`, `classes.read.availability`.
    pub metric: String,
    /// The label of the first design.
    pub a: String,
    /// The label of the second.
    pub b: String,
    /// b − a, with its own interval.
    pub difference: Estimate,
    /// Corrected for multiple comparisons.
    pub verdict: Verdict,
    /// The metric of a, over the replications that both have, or its own if b has none; null if there is none.
    pub a_value: Option<f64>,
    /// The metric of b.
    pub b_value: Option<f64>,
    /// The p-value before the correction.
    pub p_value: Option<f64>,
    /// Variance of the difference with independent runs over that with common random numbers; null if it does not vary.
    pub variance_ratio: Option<f64>,
}

/// Relative difference below which a difference is negligible.
const SLIGHT: f64 = 1e-3;

impl Difference {
    /// Whether the difference is significant and not negligible. With common random numbers nanoseconds can be
    /// significant.
    pub fn matters(&self) -> bool {
        // For availability the share lost is what matters.
        let size = |value: f64| match self.metric.ends_with("availability") {
            true => 1.0 - value,
            false => value.abs(),
        };
        let sizes = self.a_value.into_iter().chain(self.b_value).map(size);
        let larger = sizes.fold(0.0, f64::max);
        self.verdict != Verdict::NoDifferenceShown && self.difference.value.is_some_and(|d| d.abs() >= SLIGHT * larger)
    }
}

/// Which design is better.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The first.
    ABetter,
    /// The second.
    BBetter,
    /// No significant difference.
    NoDifferenceShown,
}

/// Compares the studies of some designs, given with their labels and changes.
pub fn compare(labels: &[(String, Vec<String>)], plans: &[Plan], studies: &[Study]) -> Compare {
    let variants = labels.iter().zip(plans.iter().zip(studies));
    let variants = variants.map(|((label, _), (plan, study))| (label.clone(), named(plan, study)));
    let variants = Ordered(variants.collect());
    let designs = designs(plans, studies);
    let mut rows: Vec<Row> = Vec::new();
    for (i, a) in designs.iter().enumerate() {
        for (j, b) in designs.iter().enumerate().skip(i + 1) {
            rows.extend(pair(*a, *b, (&labels[i].0, &labels[j].0)));
        }
    }
    // A row that repeats another is not an additional test and must not weaken the others.
    let looks: Vec<Option<f64>> = rows
        .iter()
        .map(|r| r.found.and_then(|f| f.p).filter(|_| !r.repeats))
        .collect();
    let shown = interval::shown(&looks);
    let mut differences: Vec<Difference> = Vec::new();
    for (row, mut shown) in rows.into_iter().zip(shown) {
        if row.repeats {
            let first = differences
                .iter()
                .rev()
                .find(|d| row.metric.ends_with(&format!(".{}", d.metric)));
            shown = first.is_some_and(|d| d.verdict != Verdict::NoDifferenceShown);
        }
        differences.push(row.told(shown));
    }
    Compare {
        variants,
        changes: Ordered(labels.to_vec()),
        differences,
    }
}

struct Row {
    metric: String,
    a: String,
    b: String,
    measure: Measure,
    found: Option<paired::Difference>,
    /// The value of each design alone, if the other has none.
    alone: [Option<f64>; 2],
    /// Whether it repeats the row of all requests, because there is only one class.
    repeats: bool,
}

fn pair(a: Design<'_>, b: Design<'_>, labels: (&str, &str)) -> Vec<Row> {
    let alone = a.plan.classes.len() == 1 && b.plan.classes.len() == 1;
    let row = |class: Option<&str>, (measure, name): (Measure, &str)| {
        let found = paired::difference(a, b, measure, class);
        let value = |design: Design<'_>| found.map_or_else(|| design.value(measure, class), |_| None);
        Row {
            metric: class.map_or(name.to_owned(), |c| format!("classes.{c}.{name}")),
            a: labels.0.to_owned(),
            b: labels.1.to_owned(),
            measure,
            found,
            alone: [a, b].map(value),
            repeats: class.is_some() && alone,
        }
    };
    let scopes = scopes(a, b).into_iter();
    scopes.flat_map(|class| Measure::ALL.map(|m| row(class, m))).collect()
}

impl Row {
    fn told(self, shown: bool) -> Difference {
        let difference = self.found.map_or(0.0, |f| f.interval.value);
        let verdict = match shown && difference != 0.0 {
            false => Verdict::NoDifferenceShown,
            true if (difference > 0.0) == self.measure.more_is_better() => Verdict::BBetter,
            true => Verdict::ABetter,
        };
        let bound = if self.measure == Measure::Availability {
            1.0
        } else {
            f64::INFINITY
        };
        Difference {
            difference: estimate(self.found.map(|f| f.interval), -bound, bound),
            verdict,
            a_value: self.found.map(|f| f.a).or(self.alone[0]),
            b_value: self.found.map(|f| f.b).or(self.alone[1]),
            p_value: self.found.and_then(|f| f.p),
            variance_ratio: self.found.and_then(|f| f.variance_ratio),
            metric: self.metric,
            a: self.a,
            b: self.b,
        }
    }
}

/// A design may look faster because it fails more: failures have no latency, and are often the requests that would be
/// slow.
fn of_fewer(compare: &Compare) -> Option<Caveat> {
    let found = compare.pairs().into_iter().find_map(|pair| {
        let of = |metric: &str| pair.iter().find(|d| d.metric == metric);
        let available = of("availability").filter(|d| d.difference.value.is_some_and(|v| v.abs() > FEWER))?;
        let (fails_more, than, better) = match available.verdict {
            Verdict::ABetter => (&available.b, &available.a, Verdict::BBetter),
            Verdict::BBetter => (&available.a, &available.b, Verdict::ABetter),
            Verdict::NoDifferenceShown => return None,
        };
        let faster = |metric: &&str| of(metric).is_some_and(|d| d.verdict == better);
        let latencies = ["latency_s.p99", "latency_s.p95", "latency_s.mean"];
        latencies.iter().any(faster).then_some((fails_more, than))
    })?;
    Some(Caveat {
        code: "latency.of_fewer".into(),
        message: format!(
            "{} answers a smaller share of its requests than {} and looks faster: latency is of those answered, and what fails is often what would have been slow; the classes tell more",
            found.0, found.1
        ),
    })
}

/// Difference in failures beyond which latencies cover different requests: half of the share above the p99.
const FEWER: f64 = 0.005;

/// Caveats to the differences.
pub fn caveats(compare: &Compare) -> Vec<Caveat> {
    let mut caveats = Vec::new();
    let few = compare.variants.iter().map(|(_, v)| v.replications).min().unwrap_or(0);
    // The batches of one run stand for replications.
    let tells_nothing = compare.differences.iter().all(|d| d.p_value.is_none());
    if few == 1 && tells_nothing {
        caveats.push(Caveat {
            code: "replications.one".into(),
            message:
                "one replication shows no difference, whatever it measured: there is nothing to tell it from chance by"
                    .into(),
        });
    } else if (2..5).contains(&few) {
        caveats.push(Caveat {
            code: "replications.few".into(),
            message: format!("{few} replications leave wide intervals: more of them may show what these do not"),
        });
    }
    caveats.extend(of_fewer(compare));
    let mut digests: Vec<&str> = compare
        .variants
        .iter()
        .map(|(_, v)| v.scenario.digest.as_str())
        .collect();
    digests.sort_unstable();
    if digests.windows(2).any(|w| w[0] == w[1]) {
        caveats.push(Caveat {
            code: "variants.same".into(),
            message: "some of the designs are one and the same: the changes change nothing".into(),
        });
    }
    caveats
}
