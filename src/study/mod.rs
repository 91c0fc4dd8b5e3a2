//! A study: many runs of one or several plans, as replications on threads, merged in the order of their numbers.
//! `analysis` and `cli` call [`run`].
//!
//! This is the only module that uses threads. Any number of threads gives the same bytes, because results that finish
//! early wait for their turn. Memory stays small, because each record is then reduced to a [`Sample`].

mod gate;
pub mod paired;
pub mod sample;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;

use crate::base::limits;
use crate::base::random::mix;
use crate::base::time::Span;
use crate::model::flows::Flows;
use crate::model::recorder::{ClassRecord, Note, RunRecord, Wanted};
use crate::model::world::{self, Imbalance, Order};
use crate::scenario::plan::{Plan, Warmup};
use crate::stats::sketch::Sketch;
use crate::stats::warmup::mser5;
use gate::Gate;
use sample::Sample;

/// How to run a study.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Keys all random draws.
    pub seed: u64,
    /// Replications of each plan.
    pub replications: Count,
    /// Whether lifetimes act.
    pub lifetimes: bool,
    /// Whether to record a row per request.
    pub rows: bool,
    /// Whether to keep the event log of every replication, not only of the first.
    pub logs: bool,
    /// Number of batches to cut one run into, instead of replications.
    pub batches: Option<u32>,
    /// Whether to look for a warm-up and keep the data, even if the scenario sets one.
    pub show_warmup: bool,
    /// Threads to use; 0 means one per processor.
    pub threads: usize,
}

impl Settings {
    /// This many replications with this seed; everything else off.
    pub fn plain(seed: u64, replications: u32) -> Settings {
        Settings {
            seed,
            replications: Count::Fixed(replications),
            lifetimes: false,
            rows: false,
            logs: false,
            batches: None,
            show_warmup: false,
            threads: 0,
        }
    }
}

/// How many replications.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Count {
    /// This many.
    Fixed(u32),
    /// As many as needed until every headline interval's half-width is at most this share of its value.
    Precision(f64),
}

/// The result of one plan.
#[derive(Clone, Debug)]
pub struct Study {
    /// One per replication, in order; or one per batch.
    pub samples: Vec<Sample>,
    /// Replications finished.
    pub done: u32,
    /// Number of batches asked for, for a run in batches.
    pub batches: Option<u32>,
    /// Data of the search for a warm-up, if there was one.
    pub settling: Option<Settling>,
    /// Pooled counts and sketches, by class.
    pub pooled: Vec<ClassRecord>,
    /// Pooled waiting times, by node.
    pub waits: Vec<Sketch>,
    /// Pooled replica lag at each write, by database.
    pub lags: Vec<Sketch>,
    /// Who answered whom, over all replications.
    pub flows: Flows,
    /// The event log of replication 0.
    pub events: Vec<Note>,
    /// The warm-up that was left out.
    pub warmup: Span,
    /// Whether a warm-up was looked for and the run never settled.
    pub unsettled: bool,
    /// Whether lifetimes acted.
    pub lifetimes: bool,
    /// Whether every replication was finished.
    pub complete: bool,
    /// With [`Count::Precision`]: whether it was reached.
    pub precise: bool,
    /// Events simulated.
    pub events_taken: u64,
    /// A digest of all runs: equal for equal studies.
    pub digest: u64,
}

/// How a run settles: the series MSER-5 looks at, and its result.
#[derive(Clone, Debug)]
pub struct Settling {
    /// Length of a slice.
    pub slice: Span,
    /// Mean latency by slice, averaged over a few pilots.
    pub mean_s: Vec<f64>,
    /// The warm-up; `None` if the run never settles.
    pub cut: Option<Span>,
}

/// How the caller follows a study.
pub struct Watch<'a> {
    /// Set by the caller to stop early; what is finished is kept.
    pub stop: &'a AtomicBool,
    /// Gets the numbers of finished and of expected replications.
    pub progress: &'a (dyn Fn(u64, u64) + Sync),
    /// Gets each run in order: plan, replication, record.
    pub visit: &'a mut dyn FnMut(usize, u32, &RunRecord) -> std::io::Result<()>,
}

/// Why a study ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A defect of this program.
    #[error(transparent)]
    Imbalance(#[from] Imbalance),
    /// The threads could not be started.
    #[error("cannot start {0} threads: {1}")]
    Threads(usize, String),
    /// The visitor failed to write.
    #[error(transparent)]
    Visitor(#[from] std::io::Error),
}

/// Default number of replications.
pub const REPLICATIONS: u32 = 20;
/// Replications of the first round if a precision is asked for. With fewer, a variance that happens to look small ends
/// the study too often.
const FIRST_ROUND: u32 = 30;
/// Most replications spent on a precision.
const LAST_ROUND: u32 = 10_000;
/// Replications and slices of the pilot that looks for a warm-up.
const PILOTS: u32 = 5;
const SLICES: usize = 2_000;

/// Runs all replications of all plans in one pool.
///
/// # Errors
/// See [`Failure`].
pub fn run(plans: &[Plan], settings: &Settings, watch: Watch<'_>) -> Result<Vec<Study>, Failure> {
    conduct(plans, settings, watch, false)
}

/// The same for designs to be compared. They share one warm-up, the longest that any needs, and the number of
/// replications; a precision applies to their differences (see [`paired::worst_precision`]).
///
/// # Errors
/// See [`Failure`].
pub fn run_side_by_side(plans: &[Plan], settings: &Settings, watch: Watch<'_>) -> Result<Vec<Study>, Failure> {
    conduct(plans, settings, watch, true)
}

/// How a plan settles with everything up, from a few pilots.
///
/// # Errors
/// See [`Failure`].
pub fn settling(plan: &Plan, settings: &Settings, stop: &AtomicBool) -> Result<Settling, Failure> {
    let settings = Settings {
        lifetimes: false,
        ..settings.clone()
    };
    let plan = Plan {
        faults: Vec::new(),
        ..plan.clone()
    };
    pilot(&plan, &settings, stop)
}

fn conduct(plans: &[Plan], settings: &Settings, mut watch: Watch<'_>, paired: bool) -> Result<Vec<Study>, Failure> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(settings.threads)
        .build()
        .map_err(|e| Failure::Threads(settings.threads, e.to_string()))?;
    let crew = Crew {
        pool,
        plans,
        settings,
        gate: Gate::default(),
        paired,
    };
    let mut studies = crew.warm_up(&watch)?;
    if paired {
        let longest = studies.iter().map(|s| s.warmup).max().unwrap_or(Span::ZERO);
        studies.iter_mut().for_each(|s| s.warmup = longest);
    }
    let mut wanted: Vec<u32> = vec![crew.first_round(); plans.len()];
    loop {
        let jobs = jobs(&studies, &wanted);
        if jobs.is_empty() {
            break;
        }
        crew.round(&mut studies, &jobs, &mut watch)?;
        if watch.stop.load(Ordering::Relaxed) {
            break;
        }
        match settings.replications {
            Count::Fixed(_) => {}
            Count::Precision(target) if paired => {
                let worst = paired::worst_precision(&paired::designs(plans, &studies));
                let next = next_round(studies.first().map_or(0, Study::done), worst, target);
                studies.iter_mut().for_each(|s| s.precise = worst <= target);
                wanted.fill(next);
            }
            Count::Precision(target) => {
                for (study, wanted) in studies.iter_mut().zip(&mut wanted) {
                    let worst = sample::worst_precision(study);
                    study.precise = worst <= target;
                    *wanted = next_round(study.done(), worst, target);
                }
            }
        }
    }
    for (study, wanted) in studies.iter_mut().zip(wanted) {
        study.complete = study.done >= wanted && !watch.stop.load(Ordering::Relaxed);
    }
    Ok(studies)
}

/// The replications still to run, alternating between plans so that all finish together.
fn jobs(studies: &[Study], wanted: &[u32]) -> Vec<(usize, u32)> {
    let mut jobs: Vec<(u32, usize)> = Vec::new();
    for (plan, (study, wanted)) in studies.iter().zip(wanted).enumerate() {
        jobs.extend((study.done..*wanted).map(|r| (r, plan)));
    }
    jobs.sort_unstable();
    jobs.into_iter().map(|(r, plan)| (plan, r)).collect()
}

/// Estimate of the total replications needed.
fn next_round(done: u32, worst: f64, target: f64) -> u32 {
    if worst <= target || done >= LAST_ROUND {
        return done;
    }
    // Half-widths shrink with the square root of the replications. A tenth more often saves a round. Growth is limited,
    // because the first few replications say little about the variance.
    let ratio = worst / target;
    let needed = f64::from(done) * ratio * ratio * 1.1;
    (needed as u32).clamp(done + 2, done.saturating_mul(4)).min(LAST_ROUND)
}

struct Crew<'a> {
    pool: rayon::ThreadPool,
    plans: &'a [Plan],
    settings: &'a Settings,
    gate: Gate,
    /// Whether the designs are compared replication by replication.
    paired: bool,
}

impl Crew<'_> {
    fn first_round(&self) -> u32 {
        match self.settings.replications {
            _ if self.settings.batches.is_some() => 1,
            Count::Fixed(n) => n.min(limits::REPLICATIONS),
            Count::Precision(_) => FIRST_ROUND,
        }
    }

    /// Finds the warm-up of every plan that asks for it.
    fn warm_up(&self, watch: &Watch<'_>) -> Result<Vec<Study>, Failure> {
        self.plans.iter().map(|plan| self.warm_up_of(plan, watch)).collect()
    }

    fn warm_up_of(&self, plan: &Plan, watch: &Watch<'_>) -> Result<Study, Failure> {
        let settling = match plan.warmup {
            Warmup::Fixed(_) if !self.settings.show_warmup => None,
            _ => Some(pilot(plan, self.settings, watch.stop)?),
        };
        let found = settling.as_ref().and_then(|s| s.cut);
        let (warmup, unsettled) = match plan.warmup {
            Warmup::Fixed(span) => (span, false),
            Warmup::Auto => (found.unwrap_or(Span::ZERO), found.is_none()),
        };
        Ok(Study {
            samples: Vec::new(),
            done: 0,
            batches: self.settings.batches,
            settling: settling.filter(|_| self.settings.show_warmup),
            pooled: vec![ClassRecord::default(); plan.classes.len()],
            waits: vec![Sketch::default(); plan.nodes.len()],
            lags: vec![Sketch::default(); plan.databases.len()],
            flows: Flows::new(plan),
            events: Vec::new(),
            warmup,
            unsettled,
            lifetimes: self.settings.lifetimes,
            complete: false,
            precise: true,
            events_taken: 0,
            digest: 0,
        })
    }

    /// Runs jobs on the pool and uses their records in the order of the jobs.
    fn round(&self, studies: &mut [Study], jobs: &[(usize, u32)], watch: &mut Watch<'_>) -> Result<(), Failure> {
        let (sender, receiver) = mpsc::channel();
        let warmups: Vec<Span> = studies.iter().map(|s| s.warmup).collect();
        let done = AtomicU64::new(studies.iter().map(|s| u64::from(s.done)).sum());
        let total = done.load(Ordering::Relaxed) + jobs.len() as u64;
        (watch.progress)(done.load(Ordering::Relaxed), total);
        let (stop, progress) = (watch.stop, watch.progress);
        self.pool.in_place_scope_fifo(|scope| {
            for (turn, &(plan, replication)) in jobs.iter().enumerate() {
                let (sender, done, warmup) = (sender.clone(), &done, warmups[plan]);
                scope.spawn_fifo(move |_| {
                    let wanted = Wanted {
                        rows: self.settings.rows,
                        events: self.settings.logs || replication == 0,
                        slices: 0,
                        batches: self.settings.batches.unwrap_or(0),
                    };
                    let order = order(self.settings, replication, warmup, wanted);
                    let stopped = || stop.load(Ordering::Relaxed);
                    let _alarm = StopOnPanic(stop);
                    let result = if stopped() {
                        Ok(None)
                    } else {
                        let pass = self.gate.pass();
                        world::run(&self.plans[plan], &order, &|inside| !pass.goes_on(inside, stopped))
                    };
                    progress(done.fetch_add(1, Ordering::Relaxed) + 1, total);
                    // The receiver is gone only if the study has already failed.
                    let _ = sender.send((turn, result));
                });
            }
            drop(sender);
            let duration = |plan: usize| self.plans[plan].duration - self.plans[plan].cooldown;
            collect(receiver, jobs, (studies, &duration, self.paired), watch)
        })
    }
}

/// A few runs, averaged slice by slice; MSER-5 finds where they settle.
fn pilot(plan: &Plan, settings: &Settings, stop: &AtomicBool) -> Result<Settling, Failure> {
    let mut slices = vec![(0.0, 0u64); SLICES];
    for pilot in 0..PILOTS {
        // Replication numbers from the far end, so that pilots share no randomness with the study.
        let order = order(
            settings,
            u32::MAX - pilot,
            Span::ZERO,
            Wanted {
                slices: SLICES,
                ..Wanted::default()
            },
        );
        let Some(record) = world::run(plan, &order, &|_| stop.load(Ordering::Relaxed))? else {
            break;
        };
        for (sum, slice) in slices.iter_mut().zip(&record.slices) {
            *sum = (sum.0 + slice.0, sum.1 + slice.1);
        }
    }
    let mut last = 0.0;
    let mean = |(sum, n): &(f64, u64)| {
        // A slice without successes repeats the previous value.
        last = if *n > 0 { sum / *n as f64 } else { last };
        last
    };
    let mean_s: Vec<f64> = slices.iter().map(mean).collect();
    let slice = plan.duration.nanos() / SLICES as u64;
    Ok(Settling {
        slice: Span::from_nanos(slice),
        cut: mser5(&mean_s).map(|cut| Span::from_nanos(cut as u64 * slice)),
        mean_s,
    })
}

fn order(settings: &Settings, replication: u32, warmup: Span, wanted: Wanted) -> Order {
    Order {
        seed: settings.seed,
        replication,
        warmup,
        lifetimes: settings.lifetimes,
        wanted,
    }
}

/// Stops the other replications when one panics, so that a defect is not met in each.
struct StopOnPanic<'a>(&'a AtomicBool);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// Receives records in any order and uses them in the order of their jobs.
fn collect(
    receiver: mpsc::Receiver<(usize, Result<Option<RunRecord>, Imbalance>)>,
    jobs: &[(usize, u32)],
    (studies, duration, paired): (&mut [Study], &dyn Fn(usize) -> Span, bool),
    watch: &mut Watch<'_>,
) -> Result<(), Failure> {
    let mut early = BTreeMap::new();
    // Records waiting for the other designs of their replication, so that all designs end with equally many.
    let (mut row, mut gap): (Vec<(usize, RunRecord)>, Option<u32>) = (Vec::new(), None);
    let mut turn = 0;
    for (number, result) in receiver {
        early.insert(number, result);
        while let Some(result) = early.remove(&turn) {
            let (plan, replication) = jobs[turn];
            turn += 1;
            // A stopped replication leaves a gap; later ones are not used.
            let Some(record) = result.inspect_err(|_| watch.stop.store(true, Ordering::Relaxed))? else {
                gap = Some(replication);
                row.clear();
                continue;
            };
            row.push((plan, record));
            // The jobs of a replication are adjacent.
            if paired && jobs.get(turn).is_some_and(|next| next.1 == replication) {
                continue;
            }
            let is_whole = !paired || gap != Some(replication);
            for (plan, record) in row.drain(..).filter(|_| is_whole) {
                if replication != studies[plan].done {
                    continue;
                }
                (watch.visit)(plan, replication, &record).inspect_err(|_| watch.stop.store(true, Ordering::Relaxed))?;
                studies[plan].take(record, duration(plan));
            }
        }
    }
    Ok(())
}

impl Study {
    /// Replications finished.
    pub fn done(&self) -> u32 {
        self.done
    }

    /// Whether any replication ended early because it exceeded a limit.
    pub fn overflowed(&self) -> bool {
        self.samples.iter().any(|s| s.overflowed.is_some())
    }

    /// Counts and sketches of all classes merged.
    pub fn all(&self) -> ClassRecord {
        let mut all = ClassRecord::default();
        self.pooled.iter().for_each(|c| all.merge(c));
        all
    }

    fn take(&mut self, record: RunRecord, duration: Span) {
        let batch_s = (duration.seconds() - self.warmup.seconds()) / f64::from(self.batches.unwrap_or(1));
        match record.batches.is_empty() {
            true => self.samples.push(Sample::of(&record)),
            false => self.samples.extend(Sample::batches(&record, batch_s)),
        }
        self.done += 1;
        for (all, class) in self.pooled.iter_mut().zip(&record.classes) {
            all.merge(class);
        }
        for (all, node) in self.waits.iter_mut().zip(&record.nodes) {
            all.merge(&node.wait);
        }
        for (all, lags) in self.lags.iter_mut().zip(&record.lags) {
            all.merge(lags);
        }
        self.flows.merge(&record.flows);
        self.events_taken += record.events_taken;
        self.digest = mix(self.digest, record.digest);
        if self.done == 1 {
            self.events = record.events;
        }
    }
}

/// Rough number of events per replication, for an estimate of the running time.
pub fn expected_events(plan: &Plan) -> f64 {
    // A request of the example stack takes about a dozen events.
    const A_REQUEST: f64 = 14.0;
    const A_PROBE: f64 = 2.0;
    let seconds = plan.duration.seconds();
    let requests = plan.mean_requests_per_s() * seconds;
    // Over years, most events are health checks.
    requests * A_REQUEST + plan.probes_per_s() * seconds * A_PROBE
}
