//! `sweep`: a grid of runs, one row per point, and which input affects an output most. Called by the commands `sweep`
//! and `merge`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::result::{Caveat, Estimate, Metrics, NamedRun, Ordered, Requests, SloResult};
use crate::base::random::{label, mix};
use crate::scenario::vary::{self, Axis, Stretch};
use crate::stats::interval::CONFIDENCE;
use crate::stats::sobol;

/// The result of `sweep`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// The inputs that are varied.
    pub inputs: Vec<Input>,
    /// Number of points in the whole grid.
    pub size: u64,
    /// Which part of the grid this is; absent if it is the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// The result of `--sensitivity`, once every point is finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<Sensitivity>,
    /// The finished points, by number.
    pub points: Vec<Point>,
}

/// One of N parts of a grid: the points whose number modulo N is `index` − 1.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Counted from 1.
    pub index: u64,
    /// Number of parts.
    pub of: u64,
}

/// A path that is varied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Its path in the scenario.
    pub path: String,
    /// The name of its column: the path with its unit.
    pub column: String,
    /// Its values as typed; for a grid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Its range as typed; for `--sensitivity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[String; 2]>,
}

/// A point of the grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Its number, counted from 0.
    pub point: u64,
    /// The value of each input, by column.
    pub inputs: Ordered<Value>,
    /// Replications.
    pub replications: u32,
    /// Counts over all replications.
    pub requests: Requests,
    /// The headline metrics by their dotted names, then those of each class where there are several.
    pub estimates: Ordered<Estimate>,
    /// Whether every objective is met. Null without objectives.
    pub slo_met: Option<bool>,
    /// Whether that may be due to chance, because an observed value is close to its target.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub slo_open: bool,
    /// Codes of the caveats.
    pub caveats: Vec<String>,
}

/// Which input affects which output, and how much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    /// Rows of the design; each needs two points plus one per input.
    pub samples: u32,
    /// The metrics asked for.
    pub metrics: Vec<String>,
    /// One per metric; empty while points are missing.
    pub outputs: Vec<Output>,
}

/// Width of an interval above which a share counts as unknown.
const WIDE: f64 = 0.5;

impl Sensitivity {
    /// Warns if there are too few samples to rank the inputs.
    fn doubt(&self) -> Option<Caveat> {
        let is_wide = |e: &Effect| e.total.lo.zip(e.total.hi).is_some_and(|(lo, hi)| hi - lo > WIDE);
        let unsure: Vec<&str> = (self.outputs.iter())
            .filter(|o| o.effects.iter().any(is_wide))
            .map(|o| o.metric.as_str())
            .collect();
        (!unsure.is_empty()).then(|| Caveat {
            code: "sensitivity.few".into(),
            message: format!(
                "with {} samples it is hardly known what moves {}; more --samples narrow the intervals",
                self.samples,
                unsure.join(" and ")
            ),
        })
    }
}

/// An output and the effects on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// The metric.
    pub metric: String,
    /// Its mean over the ranges of all inputs.
    pub mean: Option<f64>,
    /// Its standard deviation there.
    pub deviation: Option<f64>,
    /// The inputs, largest effect first; empty if the output does not vary.
    pub effects: Vec<Effect>,
}

/// The effect of an input on an output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// The input.
    pub path: String,
    /// Share of the variance due to this input alone.
    pub first: Estimate,
    /// Share of the variance in which this input takes part.
    pub total: Estimate,
    /// Mean of the output in the lowest quarter of the input's range.
    pub low: Option<f64>,
    /// The same in the highest quarter.
    pub high: Option<f64>,
}

// --- points ---------------------------------------------------------------------------------------------------------

/// What is to be run.
#[derive(Clone, Debug)]
pub enum Grid {
    /// Every combination of values.
    Axes(Vec<Axis>),
    /// Rows of a Sobol design over ranges.
    Stretches {
        /// The inputs.
        stretches: Vec<Stretch>,
        /// Rows.
        samples: u32,
        /// The scrambling seed.
        seed: u64,
    },
}

impl Grid {
    /// Number of points; `None` if it overflows.
    pub fn size(&self) -> Option<u64> {
        match self {
            Grid::Axes(axes) => vary::count(axes),
            Grid::Stretches { stretches, samples, .. } => {
                Some(u64::from(*samples) * sobol::evaluations(stretches.len()) as u64)
            }
        }
    }

    /// Paths of the inputs in the scenario.
    pub fn paths(&self) -> Vec<&str> {
        match self {
            Grid::Axes(axes) => axes.iter().map(|a| a.path.as_str()).collect(),
            Grid::Stretches { stretches, .. } => stretches.iter().map(|s| s.path.as_str()).collect(),
        }
    }

    /// The inputs that are varied.
    pub fn inputs(&self) -> Vec<Input> {
        match self {
            Grid::Axes(axes) => axes.iter().map(Input::of_axis).collect(),
            Grid::Stretches { stretches, .. } => stretches.iter().map(Input::of_stretch).collect(),
        }
    }

    /// The value of each input at a point, in the form of `--set`.
    pub fn values(&self, point: u64) -> Vec<String> {
        match self {
            Grid::Axes(axes) => vary::choice(axes, point),
            Grid::Stretches { stretches, seed, .. } => {
                let each = sobol::evaluations(stretches.len()) as u64;
                let (row, which) = ((point / each) as u32, (point % each) as usize);
                let units = sobol::point(row, which, stretches.len(), mix(*seed, label("sensitivity")));
                stretches.iter().zip(units).map(|(s, u)| s.text(s.at(u))).collect()
            }
        }
    }
}

impl Input {
    fn of_axis(axis: &Axis) -> Input {
        let mut units = axis.values().map(|v| vary::in_seconds(&v).map(|u| u.1));
        let first = units.next().flatten();
        let unit = first.filter(|_| units.all(|u| u == first));
        Input {
            path: axis.path.clone(),
            column: format!("{}{}", axis.path, unit.unwrap_or("")),
            values: axis.values().collect(),
            range: None,
        }
    }

    fn of_stretch(stretch: &Stretch) -> Input {
        let ends = [stretch.text(stretch.lo), stretch.text(stretch.hi)];
        let unit = vary::in_seconds(&ends[0]).map_or("", |u| u.1);
        Input {
            path: stretch.path.clone(),
            column: format!("{}{unit}", stretch.path),
            values: Vec::new(),
            range: Some(ends),
        }
    }

    /// The value as shown in its column.
    fn shown(&self, value: &str) -> Value {
        if self.column != self.path {
            return vary::in_seconds(value).map_or(Value::Null, |(n, _)| Value::from(n));
        }
        serde_json::from_str(value).unwrap_or_else(|_| Value::from(value))
    }
}

/// The result of a point.
pub fn point(number: u64, inputs: &[Input], values: &[String], run: &NamedRun) -> Point {
    let named = inputs.iter().zip(values).map(|(i, v)| (i.column.clone(), i.shown(v)));
    let mut estimates = headline("", &run.run.metrics);
    // With a single class its metrics repeat those of all requests.
    if run.run.classes.0.len() > 1 {
        let of_class = |(name, m): (&str, &Metrics)| headline(&format!("classes.{name}."), m);
        estimates.extend(run.run.classes.iter().flat_map(of_class));
    }
    Point {
        point: number,
        inputs: Ordered(named.collect()),
        replications: run.replications,
        requests: run.run.metrics.requests,
        estimates: Ordered(estimates),
        slo_met: (!run.run.slo.is_empty()).then(|| run.run.slo.iter().all(|s| s.met)),
        slo_open: SloResult::are_open(&run.run.slo),
        caveats: run.caveats.iter().map(|c| c.code.clone()).collect(),
    }
}

fn headline(prefix: &str, m: &Metrics) -> Vec<(String, Estimate)> {
    let l = &m.latency_s;
    let all = [
        ("availability", m.availability),
        ("throughput_per_s", m.throughput_per_s),
        ("latency_s.mean", l.mean),
        ("latency_s.p50", l.p50),
        ("latency_s.p95", l.p95),
        ("latency_s.p99", l.p99),
        ("latency_s.p999", l.p999),
    ];
    all.map(|(name, e)| (format!("{prefix}{name}"), e)).into()
}

// --- sensitivity ----------------------------------------------------------------------------------------------------

impl Sweep {
    /// Computes the result of `--sensitivity` if every point is finished.
    pub fn settle(&mut self, seed: u64) {
        let Some(sensitivity) = &self.sensitivity else { return };
        if self.points.len() as u64 != self.size {
            return;
        }
        let outputs = sensitivity.metrics.iter().map(|m| self.output(m, seed)).collect();
        if let Some(sensitivity) = &mut self.sensitivity {
            sensitivity.outputs = outputs;
        }
    }

    fn output(&self, metric: &str, seed: u64) -> Output {
        let inputs = self.inputs.len();
        let value = |p: &Point| p.estimates.get(metric).and_then(|e| e.value);
        let rows = self.points.chunks(sobol::evaluations(inputs));
        // A row with a point without a value is left out.
        let rows: Vec<(&[Point], Vec<f64>)> = rows
            .filter_map(|row| Some((row, row.iter().map(value).collect::<Option<_>>()?)))
            .collect();
        let values: Vec<Vec<f64>> = rows.iter().map(|r| r.1.clone()).collect();
        // The first two points of a row are independent; the others repeat most of their coordinates.
        let drawn: Vec<(&Point, f64)> = rows
            .iter()
            .flat_map(|(row, v)| row.iter().zip(v.iter().copied()).take(2))
            .collect();
        let mean = |of: &[f64]| (!of.is_empty()).then(|| of.iter().sum::<f64>() / of.len() as f64);
        let all: Vec<f64> = drawn.iter().map(|d| d.1).collect();
        let centre = mean(&all);
        let squares: Vec<f64> = all
            .iter()
            .map(|v| (v - centre.unwrap_or(0.0)) * (v - centre.unwrap_or(0.0)))
            .collect();
        let found = sobol::indices(&values, inputs, seed).unwrap_or_default();
        let effect = |(i, index): (usize, sobol::Index)| {
            let input = &self.inputs[i];
            let mut sorted: Vec<(f64, f64)> = drawn
                .iter()
                .filter_map(|(p, v)| Some((p.inputs.get(&input.column)?.as_f64()?, *v)))
                .collect();
            sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
            let quarter = sorted.len().div_ceil(4);
            let of = |part: &[(f64, f64)]| mean(&part.iter().map(|p| p.1).collect::<Vec<_>>());
            Effect {
                path: input.path.clone(),
                first: share(index.first),
                total: share(index.total),
                low: of(&sorted[..quarter]),
                high: of(&sorted[sorted.len() - quarter..]),
            }
        };
        let mut effects: Vec<Effect> = found.into_iter().enumerate().map(effect).collect();
        effects.sort_by(|a, b| b.total.value.unwrap_or(0.0).total_cmp(&a.total.value.unwrap_or(0.0)));
        Output {
            metric: metric.to_owned(),
            mean: centre,
            deviation: mean(&squares).map(libm::sqrt),
            effects,
        }
    }

    /// Caveats to the points.
    pub fn caveats(&self) -> Vec<Caveat> {
        let mut counts: Vec<(&str, usize, &Point)> = Vec::new();
        for (point, code) in self.points.iter().flat_map(|p| p.caveats.iter().map(move |c| (p, c))) {
            match counts.iter_mut().find(|c| c.0 == code) {
                Some(count) => count.1 += 1,
                None => counts.push((code, 1, point)),
            }
        }
        let at = |point: &Point| {
            let bare = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let value = |i: &Input| Some(format!("{}={}", i.path, bare(point.inputs.get(&i.column)?)));
            self.inputs.iter().filter_map(value).collect::<Vec<_>>().join(" ")
        };
        let caveat = |(code, n, first): (&str, usize, &Point)| Caveat {
            code: code.to_owned(),
            message: match meaning(code) {
                Some(says) => format!("at {n} of {} points, first at {}: {says}", self.points.len(), at(first)),
                None => format!(
                    "the caveat `{code}` holds at {n} of {} points, first at {}; `fallover run` of that, with `--set`, says what it means",
                    self.points.len(),
                    at(first)
                ),
            },
        };
        let mut caveats: Vec<Caveat> = counts.into_iter().map(caveat).collect();
        caveats.extend(self.sensitivity.as_ref().and_then(Sensitivity::doubt));
        caveats
    }
}

/// What a run's caveat means for several points; `None` for caveats about one point's numbers.
fn meaning(code: &str) -> Option<String> {
    let of = |prefix: &str| code.strip_prefix(prefix);
    if let Some(objective) = of("slo.straddles.") {
        return Some(format!(
            "the interval of {objective} reaches across its target, so met or missed may be chance; more replications would tell"
        ));
    }
    if let Some(name) = of("unstable.") {
        return Some(format!(
            "{name} is asked for more than it can do, so its queue or what it turns away grows, and latencies depend on how long the run is"
        ));
    }
    let says = match code {
        "tail.open" => {
            "too few replications for the p99.9: its interval ends at the longest latency that was seen, and it may be longer"
        }
        "page.unasked" => "pages whose document failed never asked for the rest, which no number here counts",
        "queue.remembers" => {
            "where queues are busy and runs are short, intervals hold the truth less often than they say; a longer duration would mend it"
        }
        "tail.thin" => "few requests lie beyond the p99.9, which is a guess; a longer duration would firm it up",
        "warmup.unsettled" => {
            "no warm-up was left out, since the latency did not settle within the first half of the run"
        }
        "precision.missed" => "the precision asked for was not reached",
        "overflow" => "the simulation outgrew its limits and ended early; the numbers cover only the time before",
        "nothing.offered" => "no request came within the measured part of the run",
        "unfinished" => {
            "more than one request in a hundred was still inside at the end, and no availability or latency counts those"
        }
        "writes.lost" => "acknowledged writes were lost, because a primary died before it had passed them to a replica",
        "monitoring.unsaid" => {
            "the scenario does not say how a failure comes to anybody's notice, so repair begins at once, which flatters availability"
        }
        "failures.few" => "too few failures to tell from them how available it is; `fallover availability` is for that",
        "events.cut" => "the log of events ends before the run does",
        "replications.one" => "one replication has no interval",
        "replications.few" => "so few replications make wide intervals that are easily wrong",
        "latency.of_fewer" => "some replications have no latency, as nothing succeeded there",
        _ => return None,
    };
    Some(says.to_owned())
}

/// Clamps a share, whose estimate may fall outside 0 to 1 by chance.
fn share((value, lo, hi): (f64, f64, f64)) -> Estimate {
    Estimate {
        value: Some(value.clamp(0.0, 1.0)),
        lo: Some(lo.clamp(0.0, 1.0)),
        hi: Some(hi.clamp(0.0, 1.0)),
        confidence: CONFIDENCE,
    }
}
