//! The result document: what every command writes and every report reads, field by field as documented.
//!
//! It is plain data that can only read and write itself. Maps keep the scenario's order, so that the bytes depend on
//! nothing but the result.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::availability::Availability;
use super::capacity::Capacity;
use super::compare::Compare;
use super::inspection::{Explanation, Validation};
use super::review::Review;
use super::spof::Spof;
use super::sweep::Sweep;
use super::topology::Topology;
use super::verify::Verification;
use super::waterfall::Waterfall;
use crate::scenario::plan::{Plan, Warmup};
use crate::stats::interval::CONFIDENCE;

/// The version of this format. Fields may be added without raising it; none may be renamed or removed.
pub const SCHEMA_VERSION: u32 = 1;

/// The availability assumed if the scenario promises none.
pub const USUAL_AVAILABILITY: f64 = 0.999;

/// A number with its interval.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate; `None` (null) if there was nothing to measure.
    pub value: Option<f64>,
    /// Lower bound; `None` for a single replication.
    pub lo: Option<f64>,
    /// Upper bound.
    pub hi: Option<f64>,
    /// Confidence level of the interval.
    pub confidence: f64,
}

impl Default for Estimate {
    /// No measurement.
    fn default() -> Estimate {
        Estimate {
            value: None,
            lo: None,
            hi: None,
            confidence: CONFIDENCE,
        }
    }
}

/// A map that keeps its order.
#[derive(Clone, Debug, PartialEq)]
pub struct Ordered<T>(pub Vec<(String, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Ordered(Vec::new())
    }
}

impl<T> Ordered<T> {
    /// The entry with this name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, t)| t)
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and entries in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(n, t)| (n.as_str(), t))
    }
}

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(n, t)| (n, t)))
    }
}

impl<'de, T: serde::de::DeserializeOwned> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = Map::<String, Value>::deserialize(deserializer)?;
        let entry = |(name, value)| Ok((name, T::deserialize(value)?));
        map.into_iter()
            .map(entry)
            .collect::<Result<_, _>>()
            .map(Ordered)
            .map_err(|e: serde_json::Error| serde::de::Error::custom(e))
    }
}

/// The document: the envelope that every command writes, and the command's answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Document {
    /// What was run, on what, and how.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// The answer; its fields appear beside those of the envelope.
    #[serde(flatten)]
    pub answer: Answer,
    /// Caveats to the numbers.
    pub caveats: Vec<Caveat>,
    /// The program that wrote it.
    pub engine: Engine,
}

/// What was run, on what, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// The version of this format: [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The command.
    pub command: String,
    /// The arguments that affect the result, without files, seed and replications.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// False after an interruption; what was finished is included.
    pub complete: bool,
    /// The scenario; the first of several.
    pub scenario: ScenarioId,
    /// The seed, which with the scenario reproduces the document. Null if nothing was drawn.
    pub seed: Option<u64>,
    /// Replications finished.
    pub replications: u32,
    /// Simulated time per replication, warm-up included.
    pub duration_s: f64,
    /// The warm-up left out of the estimates, as given or found. Null if it would have to be found first.
    pub warmup_s: Option<f64>,
}

impl Envelope {
    /// For a command that simulates nothing. For a scenario that does not load, only the file's name is known.
    pub fn unsimulated(command: &str, plan: Option<&Plan>, file: &str) -> Envelope {
        let unknown = || ScenarioId {
            name: file.to_owned(),
            digest: String::new(),
        };
        Envelope {
            schema_version: SCHEMA_VERSION,
            command: command.to_owned(),
            options: Vec::new(),
            complete: true,
            scenario: plan.map_or_else(unknown, ScenarioId::of),
            seed: None,
            replications: 0,
            duration_s: plan.map_or(0.0, |p| p.duration.seconds()),
            warmup_s: plan.and_then(|p| match p.warmup {
                Warmup::Fixed(span) => Some(span.seconds()),
                Warmup::Auto => None,
            }),
        }
    }
}

/// The answer of each command.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// `run` of one scenario.
    Run(Box<Run>),
    /// `run` of several.
    Runs(Runs),
    /// `compare`.
    Compare(Compare),
    /// `sweep` and `merge`.
    Sweep(Sweep),
    /// `spof`.
    Spof(Box<Spof>),
    /// `review`.
    Review(Review),
    /// `availability`.
    Availability(Box<Availability>),
    /// `verify`.
    Verify(Verification),
    /// `capacity`.
    Capacity(Box<Capacity>),
    /// `validate`.
    Validate(Validation),
    /// `explain`.
    Explain(Explanation),
}

/// `run` of several scenarios: one entry each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Runs {
    /// In the order of the files.
    pub runs: Vec<NamedRun>,
}

/// Why a file is not a result.
#[derive(Debug, thiserror::Error)]
pub enum NoResult {
    /// Not JSON, or truncated.
    #[error("it is not a whole JSON document ({0}); was it written by `fallover … -o FILE.json` or `--json`?")]
    Json(serde_json::Error),
    /// Written by a newer version.
    #[error(
        "its schema_version is {0}, and this program reads {SCHEMA_VERSION}: use the fallover that wrote it, or a newer one"
    )]
    Newer(u64),
    /// An unknown command.
    #[error("it was made by `fallover {0}`, which this program does not know")]
    Command(String),
    /// A missing field, or one of the wrong type.
    #[error("it is not a result of `fallover`: {0}")]
    Shape(serde_json::Error),
}

impl Document {
    /// Reads a document of any command.
    ///
    /// # Errors
    /// See [`NoResult`].
    pub fn read(text: &str) -> Result<Document, NoResult> {
        #[derive(Deserialize)]
        struct Rest {
            caveats: Vec<Caveat>,
            engine: Engine,
        }
        let value: Value = serde_json::from_str(text).map_err(NoResult::Json)?;
        if let Some(version) = value["schema_version"].as_u64()
            && version > u64::from(SCHEMA_VERSION)
        {
            return Err(NoResult::Newer(version));
        }
        if !value.is_object() {
            return Err(NoResult::Shape(serde::de::Error::custom("it holds no object")));
        }
        let envelope: Envelope = of(&value)?;
        let answer = Answer::read(&envelope.command, &value)?;
        let Rest { caveats, engine } = of(&value)?;
        Ok(Document {
            envelope,
            answer,
            caveats,
            engine,
        })
    }
}

impl Answer {
    fn read(command: &str, value: &Value) -> Result<Answer, NoResult> {
        match command {
            "run" if value.get("runs").is_some() => of(value).map(Answer::Runs),
            "run" => of(value).map(Box::new).map(Answer::Run),
            "compare" => of(value).map(Answer::Compare),
            "sweep" => of(value).map(Answer::Sweep),
            "spof" => of(value).map(Answer::Spof),
            "review" => of(value).map(Answer::Review),
            "availability" => of(value).map(Box::new).map(Answer::Availability),
            "verify" => of(value).map(Answer::Verify),
            "capacity" => of(value).map(Box::new).map(Answer::Capacity),
            "validate" => of(value).map(Answer::Validate),
            "explain" => of(value).map(Answer::Explain),
            _ => Err(NoResult::Command(command.to_owned())),
        }
    }
}

fn of<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, NoResult> {
    T::deserialize(value).map_err(NoResult::Shape)
}

/// The scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioId {
    /// The scenario's own name, or its file's.
    pub name: String,
    /// Digest of the scenario as loaded; equal if the resolved scenarios are.
    pub digest: String,
}

impl ScenarioId {
    /// For a plan.
    pub fn of(plan: &Plan) -> ScenarioId {
        ScenarioId {
            name: plan.name.clone(),
            digest: plan.digest.clone(),
        }
    }
}

/// One of several runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NamedRun {
    /// Its scenario.
    pub scenario: ScenarioId,
    /// Replications finished.
    pub replications: u32,
    /// Simulated time per replication, warm-up included.
    pub duration_s: f64,
    /// The warm-up left out of the estimates, as given or found.
    pub warmup_s: f64,
    /// Its result.
    #[serde(flatten)]
    pub run: Run,
    /// Its caveats.
    pub caveats: Vec<Caveat>,
}

/// The result of one simulated design.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// For all requests.
    pub metrics: Metrics,
    /// By class; present even with one class.
    pub classes: Ordered<Metrics>,
    /// By node; the members of a database by their own names.
    pub nodes: Ordered<NodeResult>,
    /// By host, if the scenario names hosts.
    pub hosts: Ordered<HostResult>,
    /// Replica lag at each write, by database, if there is any.
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub lag_s: Ordered<Latency>,
    /// Metrics over time, warm-up included.
    pub timeline: Timeline,
    /// The event log of replication 0: faults, check results, fail-overs.
    pub events: Vec<Happening>,
    /// The objectives and whether they are met.
    pub slo: Vec<SloResult>,
    /// The components and who called whom.
    #[serde(default)]
    pub topology: Topology,
    /// Where the time of a request went, hop by hop.
    #[serde(default)]
    pub waterfall: Waterfall,
    /// If several sources follow profiles: the resource that is busiest at any moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak: Option<PeakUse>,
}

/// How busy a resource is when most is asked of it, by the utilisation law.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeakUse {
    /// A host or a node.
    pub component: String,
    /// `cores`, `workers` and the like.
    pub what: String,
    /// Busy ones / all of them; above 1 if the load does not fit.
    pub ratio: f64,
}

/// What clients see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Counts.
    pub requests: Requests,
    /// Number of attempts; equals `offered` without retries.
    #[serde(default)]
    pub attempts: u64,
    /// Succeeded / (succeeded + failed), at least as wide as the binomial law requires.
    pub availability: Estimate,
    /// Succeeded per second of the measured time.
    pub throughput_per_s: Estimate,
    /// From the wish to the last byte, as seen by the client; successes only.
    pub latency_s: Latency,
    /// Rendering time in the browser, for sources that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub render_s: Option<Latency>,
    /// From the wish to the rendered page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_s: Option<Latency>,
    /// Count by cause, `ok` and `unfinished` included; sums to `offered`.
    pub outcomes: Ordered<u64>,
    /// The pooled distribution of latency, for the charts.
    pub distribution: Distribution,
}

/// Integer counts summed over replications, warm-up excluded.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Requests {
    /// Arrived.
    pub offered: u64,
    /// Answered.
    pub succeeded: u64,
    /// Ended in any other way.
    pub failed: u64,
    /// In flight at the end; not part of availability or latency.
    pub unfinished: u64,
}

impl Requests {
    /// Requests with a known outcome, the denominator of availability.
    pub fn ended(&self) -> u64 {
        self.succeeded + self.failed
    }
}

/// Latency of successes.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Mean: a ratio of sums over replications.
    pub mean: Estimate,
    /// Median. Like all quantiles, over all replications pooled.
    pub p50: Estimate,
    /// 90 % are at or below.
    pub p90: Estimate,
    /// 95 % are at or below.
    pub p95: Estimate,
    /// 99 % are at or below.
    pub p99: Estimate,
    /// 99.9 % are at or below.
    pub p999: Estimate,
    /// The mean over replications of each one's maximum; it grows with `duration`.
    pub max: Estimate,
}

/// A cumulative distribution: the share `ratio[i]` of requests has a latency of at most `latency_s[i]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Shares, ascending, denser towards 1.
    pub ratio: Vec<f64>,
    /// The latency at each share.
    pub latency_s: Vec<f64>,
}

/// The result of one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeResult {
    /// Calls that arrived, without health checks.
    pub arrived: u64,
    /// Good answers given.
    pub served: u64,
    /// Good answers to callers that had already given up: wasted work.
    #[serde(default)]
    pub orphaned: u64,
    /// Calls refused: no place, no connection, or the process down.
    pub refused: u64,
    /// Mean busy workers / workers; null without `workers`.
    pub utilization_ratio: Estimate,
    /// Mean number of requests that wait for a worker, a server's slot or a pooled connection.
    pub queue_length: Estimate,
    /// Time spent waiting for these.
    pub wait_s: Wait,
    /// Share of the measured time it was up.
    pub up_ratio: Estimate,
}

/// Waiting time (for a worker, in a balancer's queue, for a pooled connection), zeros included.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    /// Mean.
    pub mean: Estimate,
    /// 99 % wait at most this long.
    pub p99: Estimate,
}

/// The result of one host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostResult {
    /// Busy cores / cores; null if unlimited.
    pub cpu_ratio: Estimate,
    /// Share of the measured time it was up.
    pub up_ratio: Estimate,
}

/// Metrics over time, by time of arrival.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// Width of a bin.
    pub bin_s: f64,
    /// `availability`, `throughput_per_s`, `failed_per_s`, `latency_p50_s`, `latency_p99_s`.
    pub series: Ordered<Series>,
}

/// One curve over replications; null for a bin without a value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Half of the replications lie below.
    pub median: Vec<Option<f64>>,
    /// 5 % of the replications lie below.
    pub lo: Vec<Option<f64>>,
    /// 5 % of the replications lie above.
    pub hi: Vec<Option<f64>>,
}

/// A fault, a check result or a fail-over in replication 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Happening {
    /// The time.
    pub at_s: f64,
    /// What happened: `crash begins`, `down`, `takes over`, …
    pub what: String,
    /// The component; for a balancer's check result `balancer/server`.
    pub target: String,
}

/// An objective and its result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SloResult {
    /// As in the scenario: `availability`, `classes.read.p99`, …
    pub objective: String,
    /// A lower bound for availability, an upper bound for the rest.
    pub target: f64,
    /// The observed value.
    pub observed: Estimate,
    /// Compares the value; a caveat warns if the interval contains the target.
    pub met: bool,
}

impl SloResult {
    /// Whether the overall verdict may be due to chance: not if one objective is certainly missed.
    pub fn are_open(all: &[SloResult]) -> bool {
        all.iter().any(SloResult::may_be_chance) && all.iter().all(|s| s.met || s.may_be_chance())
    }

    /// Whether the interval reaches across the target.
    pub fn may_be_chance(&self) -> bool {
        let Estimate { lo, hi, .. } = self.observed;
        let below = lo.is_some_and(|lo| lo < self.target);
        let above = hi.is_some_and(|hi| hi > self.target);
        // Only for availability is more better.
        if self.met == self.objective.ends_with("availability") {
            below
        } else {
            above
        }
    }
}

/// A warning about how far to trust the numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Caveat {
    /// For scripts: `unstable.app1`, `slo.straddles`, …
    pub code: String,
    /// For people.
    pub message: String,
}

/// The program that wrote it: the only part that may differ between two runs of the same study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Engine {
    /// The version of this program.
    pub version: String,
    /// Threads it used.
    pub threads: usize,
    /// Events simulated, over all replications.
    pub events: u64,
    /// Wall-clock time.
    pub wall_s: f64,
    /// Events over wall-clock time.
    pub events_per_s: f64,
}

impl Engine {
    /// This program, with its events, threads and wall-clock time.
    pub fn this(threads: usize, events: u64, wall_s: f64) -> Engine {
        let mut engine = Engine {
            version: env!("CARGO_PKG_VERSION").into(),
            threads,
            events,
            wall_s: 0.0,
            events_per_s: 0.0,
        };
        engine.took(wall_s);
        engine
    }

    /// Sets the total wall-clock time.
    pub fn took(&mut self, wall_s: f64) {
        self.wall_s = wall_s;
        self.events_per_s = self.events as f64 / wall_s.max(1e-9);
    }
}
