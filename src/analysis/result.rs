//! The result document: what every command writes and every report reads, field for field as documented.
//!
//! It is plain data with no behaviour beyond reading and writing itself. Maps keep the scenario's order, so that the
//! bytes of a result do not depend on anything but the result.

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

/// The version of this format. A field may be added without raising it; none may be renamed or dropped.
pub const SCHEMA_VERSION: u32 = 1;

/// An availability that nobody has promised is this.
pub const USUAL_AVAILABILITY: f64 = 0.999;

/// A number with its interval.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate; `None` (null) where there was nothing to measure.
    pub value: Option<f64>,
    /// Lower bound; `None` where one replication gives none.
    pub lo: Option<f64>,
    /// Upper bound.
    pub hi: Option<f64>,
    /// How often such an interval holds the truth.
    pub confidence: f64,
}

impl Default for Estimate {
    /// Nothing was measured.
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
    /// The entry of this name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, t)| t)
    }

    /// Is there none?
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

/// The document: the envelope that every command writes, around what the command found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Document {
    /// What made it, from what, and how.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// What was found; its fields stand beside those of the envelope.
    #[serde(flatten)]
    pub answer: Answer,
    /// What one should know before believing the numbers.
    pub caveats: Vec<Caveat>,
    /// About the program that made it.
    pub engine: Engine,
}

/// What made a document, from what, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// The version of this format: [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Which command made it.
    pub command: String,
    /// What was typed after it that decides about the result, a word each, without the files, the seed and the replications.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// False where the work was interrupted: what was finished is here.
    pub complete: bool,
    /// Which scenario; of several, the first.
    pub scenario: ScenarioId,
    /// What keyed all randomness: with the scenario, enough to make the document again. Null where nothing was drawn.
    pub seed: Option<u64>,
    /// Replications that were finished.
    pub replications: u32,
    /// Simulated time of one replication, the warm-up included.
    pub duration_s: f64,
    /// How much of its start the estimates leave out: as asked, or as found. Null where it would still have to be found.
    pub warmup_s: Option<f64>,
}

impl Envelope {
    /// Of a command that simulates nothing. Of a scenario that does not load only the name of its file is known.
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

/// What a command found: one word each.
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

/// Why a file is no result.
#[derive(Debug, thiserror::Error)]
pub enum NoResult {
    /// Not JSON, or only the beginning of it.
    #[error("it is not a whole JSON document ({0}); was it written by `fallover … -o FILE.json` or `--json`?")]
    Json(serde_json::Error),
    /// Written by a newer program.
    #[error(
        "its schema_version is {0}, and this program reads {SCHEMA_VERSION}: use the fallover that wrote it, or a newer one"
    )]
    Newer(u64),
    /// A command that this program does not know.
    #[error("it was made by `fallover {0}`, which this program does not know")]
    Command(String),
    /// A field is missing or of another kind.
    #[error("it is not a result of `fallover`: {0}")]
    Shape(serde_json::Error),
}

impl Document {
    /// Reads a document, whichever command wrote it.
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

/// Which scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioId {
    /// The scenario's own name, or its file's.
    pub name: String,
    /// Equal exactly when the resolved scenarios are.
    pub digest: String,
}

impl ScenarioId {
    /// Of a plan.
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
    /// Which scenario.
    pub scenario: ScenarioId,
    /// Replications that were finished.
    pub replications: u32,
    /// Simulated time of one replication, the warm-up included.
    pub duration_s: f64,
    /// How much of its start the estimates leave out: as asked, or as found.
    pub warmup_s: f64,
    /// What it did.
    #[serde(flatten)]
    pub run: Run,
    /// What one should know before believing the numbers.
    pub caveats: Vec<Caveat>,
}

/// What one simulated design did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Of all requests.
    pub metrics: Metrics,
    /// By class; present even with one.
    pub classes: Ordered<Metrics>,
    /// By node; the members of a database by their own names.
    pub nodes: Ordered<NodeResult>,
    /// By host, where the scenario names hosts.
    pub hosts: Ordered<HostResult>,
    /// How long after its commit a write was on the replicas, by database, where that takes time.
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub lag_s: Ordered<Latency>,
    /// How things went over time, warm-up included.
    pub timeline: Timeline,
    /// The log of replication 0: faults, verdicts of checks, fail-overs.
    pub events: Vec<Happening>,
    /// What was promised, and what became of it.
    pub slo: Vec<SloResult>,
    /// What stands where, and who asked whom.
    #[serde(default)]
    pub topology: Topology,
    /// Where the time of a request went, hop by hop.
    #[serde(default)]
    pub waterfall: Waterfall,
}

/// What the clients saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Counts.
    pub requests: Requests,
    /// How often the clients tried, all together: as many as `offered` where nobody retries.
    #[serde(default)]
    pub attempts: u64,
    /// Succeeded / (succeeded + failed), known no better than the binomial law allows.
    pub availability: Estimate,
    /// Succeeded per second of the measured time.
    pub throughput_per_s: Estimate,
    /// From the wish to the last byte, as the client sees it, of those that succeeded.
    pub latency_s: Latency,
    /// The browser's rendering, where a source has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub render_s: Option<Latency>,
    /// From the wish to the rendered page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_s: Option<Latency>,
    /// Count by cause, `ok` and `unfinished` included; sums to `offered`.
    pub outcomes: Ordered<u64>,
    /// The distribution of the latency, pooled over replications, for the charts.
    pub distribution: Distribution,
}

/// Integer counts summed over replications, warm-up excluded.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Requests {
    /// That came.
    pub offered: u64,
    /// That were answered.
    pub succeeded: u64,
    /// That ended in any other way.
    pub failed: u64,
    /// That were still inside at the end; no availability and no latency counts them.
    pub unfinished: u64,
}

impl Requests {
    /// Those whose end is known, of which availability is a share.
    pub fn ended(&self) -> u64 {
        self.succeeded + self.failed
    }
}

/// Latency of those that succeeded.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Mean: a ratio of sums over replications.
    pub mean: Estimate,
    /// Median. This and the other quantiles: of all replications together.
    pub p50: Estimate,
    /// 90 % are at or below.
    pub p90: Estimate,
    /// 95 % are at or below.
    pub p95: Estimate,
    /// 99 % are at or below.
    pub p99: Estimate,
    /// 99.9 % are at or below.
    pub p999: Estimate,
    /// The mean over replications of each one's largest: it grows with `duration`.
    pub max: Estimate,
}

/// A cumulative distribution: at `ratio[i]` of the requests the latency is at most `latency_s[i]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Shares, ascending, denser towards 1.
    pub ratio: Vec<f64>,
    /// The latency at each share.
    pub latency_s: Vec<f64>,
}

/// What happened at one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeResult {
    /// Calls that came, health checks not counted.
    pub arrived: u64,
    /// Good answers given.
    pub served: u64,
    /// Good answers to callers that had given up by then: work for nobody.
    #[serde(default)]
    pub orphaned: u64,
    /// Calls it turned away: no place, no connection, or nobody home.
    pub refused: u64,
    /// Mean busy workers / workers; null without `workers`.
    pub utilization_ratio: Estimate,
    /// Mean number that wait for a worker, a slot of a server or a pooled connection.
    pub queue_length: Estimate,
    /// Time spent so.
    pub wait_s: Wait,
    /// Share of the measured time it was up.
    pub up_ratio: Estimate,
}

/// Time spent waiting (for a worker, in a balancer's queue, for a pooled connection), zeros included.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    /// Mean.
    pub mean: Estimate,
    /// 99 % wait at most this long.
    pub p99: Estimate,
}

/// What happened at one host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostResult {
    /// Busy cores / cores; null where they are unlimited.
    pub cpu_ratio: Estimate,
    /// Share of the measured time it was up.
    pub up_ratio: Estimate,
}

/// How things went over time, by time of arrival.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// Width of a bin.
    pub bin_s: f64,
    /// `availability`, `throughput_per_s`, `failed_per_s`, `latency_p50_s`, `latency_p99_s`.
    pub series: Ordered<Series>,
}

/// One curve across replications; null where a bin has nothing to show.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Half of the replications lie below.
    pub median: Vec<Option<f64>>,
    /// 5 % of the replications lie below.
    pub lo: Vec<Option<f64>>,
    /// 5 % of the replications lie above.
    pub hi: Vec<Option<f64>>,
}

/// A fault, a check's verdict, a fail-over: of replication 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Happening {
    /// When.
    pub at_s: f64,
    /// What: `crash begins`, `down`, `takes over`, …
    pub what: String,
    /// To whom; a verdict of a balancer is `balancer/server`.
    pub target: String,
}

/// A promise and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SloResult {
    /// As the scenario has it: `availability`, `classes.read.p99`, …
    pub objective: String,
    /// At least this for availability, at most this for the rest.
    pub target: f64,
    /// What it was.
    pub observed: Estimate,
    /// Compares the value; a caveat says so where the interval reaches across the target.
    pub met: bool,
}

impl SloResult {
    /// Of all that is promised: may what became of it be chance? Not where one promise is missed for sure.
    pub fn are_open(all: &[SloResult]) -> bool {
        all.iter().any(SloResult::may_be_chance) && all.iter().all(|s| s.met || s.may_be_chance())
    }

    /// Does the interval reach to the other side of the target, so that met or missed may be chance?
    pub fn may_be_chance(&self) -> bool {
        let Estimate { lo, hi, .. } = self.observed;
        let below = lo.is_some_and(|lo| lo < self.target);
        let above = hi.is_some_and(|hi| hi > self.target);
        // More is better of availability alone.
        if self.met == self.objective.ends_with("availability") {
            below
        } else {
            above
        }
    }
}

/// A warning as a colleague would give it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Caveat {
    /// For scripts: `unstable.app1`, `slo.straddles`, …
    pub code: String,
    /// For people.
    pub message: String,
}

/// About the program that made it: the only part that may differ between two runs of the same study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Engine {
    /// The version of this program.
    pub version: String,
    /// Threads it used.
    pub threads: usize,
    /// Events simulated, over all replications.
    pub events: u64,
    /// Time that took by the clock on the wall.
    pub wall_s: f64,
    /// The one by the other.
    pub events_per_s: f64,
}

impl Engine {
    /// This program, which simulated so many events on so many threads in so long.
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

    /// It took so long in all.
    pub fn took(&mut self, wall_s: f64) {
        self.wall_s = wall_s;
        self.events_per_s = self.events as f64 / wall_s.max(1e-9);
    }
}
