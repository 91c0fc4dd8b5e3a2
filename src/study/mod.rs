//! Many runs of one or several plans: replications on threads, put together in the order of their numbers.
//!
//! The only module that knows threads. One thread or sixty-four give the same bytes, because what is finished early
//! waits until its turn comes; and memory stays small, because what has had its turn is reduced to a [`Sample`].

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
    /// Keys all randomness.
    pub seed: u64,
    /// How many replications of each plan.
    pub replications: Count,
    /// Do lifetimes act?
    pub lifetimes: bool,
    /// Record a row for every request?
    pub rows: bool,
    /// Keep the log of every replication, not only of the first?
    pub logs: bool,
    /// Cut one run into so many batches, instead of replications?
    pub batches: Option<u32>,
    /// Look for a warm-up, and keep what was seen, also where the scenario says how long it is?
    pub show_warmup: bool,
    /// Threads to use; 0 = as many as there are processors.
    pub threads: usize,
}

impl Settings {
    /// So many replications from this seed, and nothing else.
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
    /// So many.
    Fixed(u32),
    /// As many as it takes until every headline interval's half-width is at most this share of its value.
    Precision(f64),
}

/// What came of one plan.
#[derive(Clone, Debug)]
pub struct Study {
    /// One a replication, in order; or one a batch.
    pub samples: Vec<Sample>,
    /// Replications that are finished.
    pub done: u32,
    /// Of one run in batches: how many were wanted.
    pub batches: Option<u32>,
    /// What was seen by whoever looked for a warm-up.
    pub settling: Option<Settling>,
    /// Counts and sketches of all replications together, by class.
    pub pooled: Vec<ClassRecord>,
    /// Waiting in all replications together, by node.
    pub waits: Vec<Sketch>,
    /// How far replicas were behind with each write, by database.
    pub lags: Vec<Sketch>,
    /// Who answered whom, over all replications.
    pub flows: Flows,
    /// The event log of replication 0.
    pub events: Vec<Note>,
    /// How much of the start was left out.
    pub warmup: Span,
    /// Was a warm-up looked for and none found, because the run never settled?
    pub unsettled: bool,
    /// Did lifetimes act?
    pub lifetimes: bool,
    /// Was every replication finished?
    pub complete: bool,
    /// With [`Count::Precision`]: was it reached?
    pub precise: bool,
    /// Events simulated.
    pub events_taken: u64,
    /// A digest of all runs: equal for equal studies.
    pub digest: u64,
}

/// How a run settles: what MSER-5 looks at, and what it finds.
#[derive(Clone, Debug)]
pub struct Settling {
    /// How long a slice is.
    pub slice: Span,
    /// Mean latency by slice of the run, over a few pilots.
    pub mean_s: Vec<f64>,
    /// Where it is cut; `None` where it never settles.
    pub cut: Option<Span>,
}

/// What the caller of a study hears and says while it runs.
pub struct Watch<'a> {
    /// Set to end early: what is finished is kept.
    pub stop: &'a AtomicBool,
    /// Told the number of finished and of expected replications.
    pub progress: &'a (dyn Fn(u64, u64) + Sync),
    /// Shown each run in order: plan, replication, record.
    pub visit: &'a mut dyn FnMut(usize, u32, &RunRecord) -> std::io::Result<()>,
}

/// Why a study ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A defect of this program.
    #[error(transparent)]
    Imbalance(#[from] Imbalance),
    /// The threads could not be had.
    #[error("cannot start {0} threads: {1}")]
    Threads(usize, String),
    /// What the visitor wanted to write could not be written.
    #[error(transparent)]
    Visitor(#[from] std::io::Error),
}

/// Replications where nobody says how many.
pub const REPLICATIONS: u32 = 20;
/// Replications of the first round when a precision is asked for: with fewer, a variance that happens to look small ends the
/// study too often.
const FIRST_ROUND: u32 = 30;
/// Replications after which a precision that was not reached is given up.
const LAST_ROUND: u32 = 10_000;
/// Replications and slices of the pilot that looks for a warm-up.
const PILOTS: u32 = 5;
const SLICES: usize = 2_000;

/// Runs every plan, all their replications in one pool.
///
/// # Errors
/// See [`Failure`].
pub fn run(plans: &[Plan], settings: &Settings, watch: Watch<'_>) -> Result<Vec<Study>, Failure> {
    conduct(plans, settings, watch, false)
}

/// The same for designs that are to be compared: they leave out one warm-up, the longest that any of them needs, do as
/// many replications each, and a precision is that of their differences (see [`paired::worst_precision`]).
///
/// # Errors
/// See [`Failure`].
pub fn run_side_by_side(plans: &[Plan], settings: &Settings, watch: Watch<'_>) -> Result<Vec<Study>, Failure> {
    conduct(plans, settings, watch, true)
}

/// How a plan settles with everything up: a few pilots of their own.
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

/// The replications still to run, of all plans in turn, so that they finish side by side.
fn jobs(studies: &[Study], wanted: &[u32]) -> Vec<(usize, u32)> {
    let mut jobs: Vec<(u32, usize)> = Vec::new();
    for (plan, (study, wanted)) in studies.iter().zip(wanted).enumerate() {
        jobs.extend((study.done..*wanted).map(|r| (r, plan)));
    }
    jobs.sort_unstable();
    jobs.into_iter().map(|(r, plan)| (plan, r)).collect()
}

/// How many replications it takes in all, as far as one can tell by now.
fn next_round(done: u32, worst: f64, target: f64) -> u32 {
    if worst <= target || done >= LAST_ROUND {
        return done;
    }
    // Half-widths shrink with the square root; a tenth on top saves a further round more often than not. Growth is
    // bounded, because the first few replications say little about the variance.
    let ratio = worst / target;
    let needed = f64::from(done) * ratio * ratio * 1.1;
    (needed as u32).clamp(done + 2, done.saturating_mul(4)).min(LAST_ROUND)
}

struct Crew<'a> {
    pool: rayon::ThreadPool,
    plans: &'a [Plan],
    settings: &'a Settings,
    gate: Gate,
    /// Are the designs to be compared, replication by replication?
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

    /// Finds the warm-up of every plan, where it is to be found.
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

    /// Runs jobs on the pool and takes their records in the order of the jobs.
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
                    // The receiver is gone only when the study has failed already.
                    let _ = sender.send((turn, result));
                });
            }
            drop(sender);
            let duration = |plan: usize| self.plans[plan].duration - self.plans[plan].cooldown;
            collect(receiver, jobs, (studies, &duration, self.paired), watch)
        })
    }
}

/// A few runs of their own, averaged slice by slice: MSER-5 says where they settle.
fn pilot(plan: &Plan, settings: &Settings, stop: &AtomicBool) -> Result<Settling, Failure> {
    let mut slices = vec![(0.0, 0u64); SLICES];
    for pilot in 0..PILOTS {
        // Numbers from the far end, so that the pilot shares no randomness with the study.
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
        // A slice in which nothing succeeded says nothing new.
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

/// A defect in one replication ends the others too, instead of being met again in each.
struct StopOnPanic<'a>(&'a AtomicBool);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// Takes records as they come, and uses them in the order of their jobs.
fn collect(
    receiver: mpsc::Receiver<(usize, Result<Option<RunRecord>, Imbalance>)>,
    jobs: &[(usize, u32)],
    (studies, duration, paired): (&mut [Study], &dyn Fn(usize) -> Span, bool),
    watch: &mut Watch<'_>,
) -> Result<(), Failure> {
    let mut early = BTreeMap::new();
    // What waits for the other designs of its replication, so that all end with as many, whenever somebody stops them.
    let (mut row, mut gap): (Vec<(usize, RunRecord)>, Option<u32>) = (Vec::new(), None);
    let mut turn = 0;
    for (number, result) in receiver {
        early.insert(number, result);
        while let Some(result) = early.remove(&turn) {
            let (plan, replication) = jobs[turn];
            turn += 1;
            // A replication that was stopped leaves a gap: what comes after it is not used.
            let Some(record) = result.inspect_err(|_| watch.stop.store(true, Ordering::Relaxed))? else {
                gap = Some(replication);
                row.clear();
                continue;
            };
            row.push((plan, record));
            // The jobs of a replication stand together.
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
    /// Replications that are finished.
    pub fn done(&self) -> u32 {
        self.done
    }

    /// Did any replication end early, because it had used up what a run may?
    pub fn overflowed(&self) -> bool {
        self.samples.iter().any(|s| s.overflowed.is_some())
    }

    /// Counts and sketches of all classes together.
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

/// About how many events one replication will take: enough to say whether to wait or to go for lunch.
pub fn expected_events(plan: &Plan) -> f64 {
    // A request of the example stack takes about a dozen events a hop and back.
    const A_REQUEST: f64 = 14.0;
    const A_PROBE: f64 = 2.0;
    let seconds = plan.duration.seconds();
    let requests = plan.mean_requests_per_s() * seconds;
    // Over years, most of what happens is that balancers look after their servers.
    requests * A_REQUEST + plan.probes_per_s() * seconds * A_PROBE
}
