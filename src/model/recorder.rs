//! What a run records: counts, sketches and time averages. Every number in a report comes from here.
//!
//! Statistics are updated once per request, when it ends. Memory does not grow with simulated time, except for the rows
//! recorded with `--requests`.

use std::collections::BTreeMap;

use super::bin::{Bin, bin_of};
use super::flows::Flows;
use super::request::{Frame, FrameKey, Outcome};
use crate::base::ids::{ClassId, DatabaseId, NodeId, SourceId};
use crate::base::time::{Span, Time};
use crate::scenario::plan::Plan;
use crate::stats::sketch::Sketch;

/// Optional parts of the record.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// A row for every request.
    pub rows: bool,
    /// The log of faults, check transitions and fail-overs.
    pub events: bool,
    /// Number of slices of the run to record mean latency for, to find the warm-up.
    pub slices: usize,
    /// Number of equal batches of the measured part, each recorded like a run; 0 means none.
    pub batches: u32,
}

/// The record of one run.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// By class.
    pub classes: Vec<ClassRecord>,
    /// By node; with batches, for the last batch only.
    pub nodes: Vec<NodeRecord>,
    /// By host; with batches, for the last batch only.
    pub hosts: Vec<HostRecord>,
    /// The complete batches, with requests by time of arrival.
    pub batches: Vec<Batch>,
    /// Who answered whom.
    pub flows: Flows,
    /// Good answers received in the measured part, including those to earlier requests.
    pub answered: u64,
    /// By bin of the time of arrival.
    pub bins: Vec<Bin>,
    /// Writes lost at promotions, by database.
    pub lost_writes: Vec<u64>,
    /// Time from each commit until the replicas have applied it, by database with replicas.
    pub lags: Vec<Sketch>,
    /// The event log, if wanted.
    pub events: Vec<Note>,
    /// One row per request, if wanted.
    pub rows: Vec<Row>,
    /// With rows: start time and source of page views whose document failed.
    pub unasked: Vec<(Time, SourceId)>,
    /// Mean latency by slice of the run, if wanted.
    pub slices: Vec<(f64, u64)>,
    /// Events dispatched.
    pub events_taken: u64,
    /// Stale events, which found nothing to act on.
    pub stale: u64,
    /// Frames in flight at the end, orphans included.
    pub in_flight: usize,
    /// If the run ended early: when, and which limit it reached.
    pub overflowed: Option<(Time, Budget)>,
    /// Equal for equal runs.
    pub digest: u64,
}

/// One batch of the measured part.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// By class.
    pub classes: Vec<ClassRecord>,
    /// By node.
    pub nodes: Vec<NodeRecord>,
    /// By host.
    pub hosts: Vec<HostRecord>,
}

/// Outcomes of the requests of one class.
#[derive(Clone, Debug, Default)]
pub struct ClassRecord {
    /// By [`Outcome`].
    pub outcomes: [u64; Outcome::NAMES.len()],
    /// Attempts of all clients.
    pub attempts: u64,
    /// Latency of successes.
    pub latency: Sketch,
    /// Rendering time in the browser.
    pub render: Sketch,
    /// Time from the wish to the rendered page.
    pub page: Sketch,
}

/// Counters and averages of one node.
#[derive(Copy, Clone, Debug, Default)]
pub struct NodeTally {
    /// Calls that arrived.
    pub arrived: u64,
    /// Good answers.
    pub served: u64,
    /// Good answers whose caller had already given up.
    pub orphaned: u64,
    /// Calls refused.
    pub refused: u64,
    /// CPU time asked for by calls that found the node up, from the mean cost of each operation.
    pub cpu_asked_s: Option<f64>,
    /// Mean busy workers over workers; `None` without a limit.
    pub utilization: Option<f64>,
    /// Mean number of waiting requests.
    pub queue_length: f64,
    /// Number of waiting requests at the end.
    pub queue_at_end: u64,
    /// Share of the time it was up.
    pub up: f64,
}

/// The record of one node.
#[derive(Clone, Debug, Default)]
pub struct NodeRecord {
    /// Its counters and averages.
    pub tally: NodeTally,
    /// Waiting times, zeros included.
    pub wait: Sketch,
}

/// The record of one host.
#[derive(Clone, Debug, Default)]
pub struct HostRecord {
    /// Mean busy cores over cores; `None` without a limit.
    pub cpu: Option<f64>,
    /// Share of the time it was up.
    pub up: f64,
}

/// A line of the event log.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// The time.
    pub at: Time,
    /// What happened.
    pub what: String,
    /// The component concerned.
    pub target: String,
}

/// A request, for `--requests`.
#[derive(Clone, Debug)]
pub struct Row {
    /// The number of the wish within the run.
    pub id: u64,
    /// Its class.
    pub class: ClassId,
    /// Its source.
    pub source: SourceId,
    /// Its client.
    pub client: u32,
    /// When the wish was made.
    pub arrived: Time,
    /// When it ended; `None` if it has not.
    pub finished: Option<Time>,
    /// How it ended.
    pub outcome: Outcome,
    /// Number of attempts.
    pub attempts: u32,
    /// The server a balancer chose last.
    pub server: Option<NodeId>,
    /// Time spent waiting, by node.
    pub waits: BTreeMap<NodeId, Span>,
}

/// Limits of a run; reaching one ends it early.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Budget {
    /// Requests in flight.
    Inside,
    /// Steps.
    Steps,
    /// Recorded rows.
    Rows,
}

/// The recorder of one run.
pub struct Recorder {
    wanted: Wanted,
    /// Whether anything is recorded that costs time per request beyond the usual.
    in_detail: bool,
    /// Requests that arrive before this are left out of the counts.
    from: Time,
    until: Time,
    bin: Span,
    /// The bin used last, with its start and end.
    current: (usize, Time, Time),
    slice: Span,
    /// Length of a batch.
    pub batch: Span,
    /// Sketches of bins that still have requests in flight.
    open: Vec<Option<Sketch>>,
    spare: Vec<Sketch>,
    /// Wishes made, wishes made after the warm-up, and wishes ended.
    offered: u64,
    measured: u64,
    ended: u64,
    row_of: BTreeMap<FrameKey, usize>,
    /// Waiting times by node.
    pub waits: Vec<Sketch>,
    /// The record so far.
    pub run: RunRecord,
}

impl Recorder {
    /// A recorder that ignores requests that arrive before `from` or in the plan's cool-down.
    pub fn new(plan: &Plan, from: Time, wanted: Wanted) -> Recorder {
        let bin = bin_of(plan.duration);
        let bins = plan.duration.nanos().div_ceil(bin.nanos()) as usize;
        let (slices, batches) = (wanted.slices, wanted.batches);
        let measured = (plan.duration - plan.cooldown).nanos().saturating_sub(from.nanos());
        let batch = Batch {
            classes: vec![ClassRecord::default(); plan.classes.len()],
            nodes: vec![NodeRecord::default(); plan.nodes.len()],
            hosts: Vec::new(),
        };
        Recorder {
            batch: Span::from_nanos((measured / u64::from(batches.max(1))).max(1)),
            from,
            until: Time::ZERO + (plan.duration - plan.cooldown),
            bin,
            current: (0, Time::ZERO, Time::ZERO + bin),
            slice: Span::from_nanos(plan.duration.nanos() / (slices.max(1) as u64) + 1),
            in_detail: wanted.rows || slices > 0 || batches > 0,
            wanted,
            open: vec![None; bins],
            spare: Vec::new(),
            offered: 0,
            measured: 0,
            ended: 0,
            row_of: BTreeMap::new(),
            waits: vec![Sketch::default(); plan.nodes.len()],
            run: RunRecord {
                classes: vec![ClassRecord::default(); plan.classes.len()],
                nodes: Vec::new(),
                hosts: Vec::new(),
                batches: vec![batch; batches as usize],
                flows: Flows::new(plan),
                bins: vec![Bin::default(); bins],
                answered: 0,
                lost_writes: Vec::new(),
                lags: plan.databases.iter().map(|_| Sketch::default()).collect(),
                events: Vec::new(),
                rows: Vec::new(),
                unasked: Vec::new(),
                slices: vec![(0.0, 0); slices],
                events_taken: 0,
                stale: 0,
                in_flight: 0,
                overflowed: None,
                digest: 0,
            },
        }
    }

    /// Whether a request that arrived then counts.
    #[inline]
    pub fn counts(&self, arrived: Time) -> bool {
        arrived >= self.from && arrived <= self.until
    }

    /// The bin of a time of arrival; usually the one used last.
    #[inline]
    fn bin_at(&mut self, arrived: Time) -> usize {
        let (bin, begins, ends) = self.current;
        if begins <= arrived && arrived < ends {
            bin
        } else {
            self.another_bin_at(arrived)
        }
    }

    #[cold]
    fn another_bin_at(&mut self, arrived: Time) -> usize {
        let bin = ((arrived.nanos() / self.bin.nanos()) as usize).min(self.run.bins.len().saturating_sub(1));
        let begins = Time::from_nanos(bin as u64 * self.bin.nanos());
        self.current = (bin, begins, begins + self.bin);
        bin
    }

    /// Counts a new wish; `frame` returns its frame if needed.
    #[inline]
    pub fn offered<'f>(&mut self, key: FrameKey, now: Time, frame: impl FnOnce(FrameKey) -> &'f Frame) {
        let bin = self.bin_at(now);
        if let Some(bin) = self.run.bins.get_mut(bin) {
            bin.offered += 1;
        }
        if self.wanted.rows {
            self.add_row(key, frame(key));
        }
        self.offered += 1;
        self.measured += u64::from(self.counts(now));
    }

    #[cold]
    fn add_row(&mut self, key: FrameKey, frame: &Frame) {
        self.row_of.insert(key, self.run.rows.len());
        self.run.rows.push(Row {
            id: self.offered,
            class: frame.wish.class,
            source: frame.wish.source,
            client: frame.wish.client,
            arrived: frame.entered,
            finished: None,
            outcome: Outcome::Unfinished,
            attempts: 1,
            server: None,
            waits: BTreeMap::new(),
        });
    }

    /// Records a committed write that reaches the replicas after `lag`.
    pub fn committed(&mut self, now: Time, database: DatabaseId, lag: Span) {
        if self.counts(now) {
            self.run.lags[database.index()].record(lag);
        }
    }

    /// Records a page view that started at `began` and is complete after `latency`; the browser renders it in `render`,
    /// if known.
    pub fn viewed(&mut self, began: Time, class: ClassId, latency: Span, render: Option<Span>) {
        if !self.counts(began) {
            return;
        }
        self.run.classes[class.index()].viewed(latency, render);
        if let Some(batch) = self.batch_at(began) {
            batch.classes[class.index()].viewed(latency, render);
        }
    }

    /// Records a page view that ends with its document, so that this many requests are never made.
    #[cold]
    pub fn unasked(&mut self, began: Time, source: SourceId, requests: usize) {
        let bin = self.bin_at(began);
        if let Some(bin) = self.run.bins.get_mut(bin) {
            bin.unasked += requests as u32;
        }
        if self.wanted.rows {
            self.run.unasked.push((began, source));
        }
    }

    /// Records the end of a wish.
    #[inline]
    pub fn ended(&mut self, now: Time, key: FrameKey, frame: &Frame, outcome: Outcome, attempts: u32) {
        self.ended += 1;
        let latency = now.since(frame.entered);
        self.bin_ended(now, frame.entered, outcome, latency);
        if self.counts(frame.entered) {
            self.run.classes[frame.wish.class.index()].ended(outcome, attempts, latency);
        }
        if self.in_detail {
            self.ended_in_detail(now, key, frame, outcome, attempts);
        }
    }

    #[cold]
    fn ended_in_detail(&mut self, now: Time, key: FrameKey, frame: &Frame, outcome: Outcome, attempts: u32) {
        let latency = now.since(frame.entered);
        if self.wanted.slices > 0 && outcome == Outcome::Ok {
            let slice = (frame.entered.nanos() / self.slice.nanos()) as usize;
            if let Some(slice) = self.run.slices.get_mut(slice) {
                slice.0 += latency.seconds();
                slice.1 += 1;
            }
        }
        let row = match outcome {
            // After a time-out or the end of the run, frames of the wish are still in flight and have waits to record.
            Outcome::ClientTimeout | Outcome::Unreachable | Outcome::Unfinished => self.row_of.get(&key).copied(),
            _ => self.row_of.remove(&key),
        };
        if self.wanted.rows
            && let Some(row) = row.and_then(|at| self.run.rows.get_mut(at))
        {
            row.finished = (outcome != Outcome::Unfinished).then_some(now);
            (row.outcome, row.attempts) = (outcome, attempts);
        }
        if self.counts(frame.entered)
            && let Some(batch) = self.batch_at(frame.entered)
        {
            batch.classes[frame.wish.class.index()].ended(outcome, attempts, latency);
        }
    }

    /// The batch of a request that arrived then, within the measured part.
    #[inline]
    fn batch_at(&mut self, entered: Time) -> Option<&mut Batch> {
        let last = self.run.batches.len().checked_sub(1)?;
        let at = self.whole_batches(entered).min(last);
        self.run.batches.get_mut(at)
    }

    /// Number of batches that are over then.
    pub fn whole_batches(&self, now: Time) -> usize {
        (now.since(self.from).nanos() / self.batch.nanos()) as usize
    }

    #[inline]
    fn bin_ended(&mut self, now: Time, arrived: Time, outcome: Outcome, latency: Span) {
        let at = self.bin_at(arrived);
        let Some(bin) = self.run.bins.get_mut(at) else { return };
        match outcome {
            Outcome::Ok => {
                self.run.answered += u64::from(now >= self.from);
                bin.succeeded += 1;
                let spare = &mut self.spare;
                self.open[at]
                    .get_or_insert_with(|| spare.pop().unwrap_or_default())
                    .record(latency);
            }
            Outcome::Unfinished => return,
            _ => bin.failed += 1,
        }
        let over = now.nanos() >= (at as u64 + 1) * self.bin.nanos();
        if over && bin.offered == bin.succeeded + bin.failed {
            self.close(at);
        }
    }

    /// No request of this bin is in flight: computes its quantiles and reuses its sketch.
    #[cold]
    fn close(&mut self, at: usize) {
        if let Some(mut sketch) = self.open[at].take() {
            let quantiles = sketch.quantiles_s(&[0.5, 0.99]);
            (self.run.bins[at].p50_s, self.run.bins[at].p99_s) = (quantiles[0], quantiles[1]);
            sketch.clear();
            self.spare.push(sketch);
        }
    }

    /// Records a balancer's choice of server.
    #[inline]
    pub fn chose(&mut self, root: FrameKey, server: NodeId) {
        if self.wanted.rows
            && let Some(row) = self.row_of.get(&root).and_then(|at| self.run.rows.get_mut(*at))
        {
            row.server = Some(server);
        }
    }

    /// Records a frame's wait at the node it leaves.
    #[inline]
    pub fn waited(&mut self, frame: &Frame) {
        if self.counts(frame.entered) {
            self.waits[frame.node.index()].record(frame.waited);
        }
        if self.in_detail {
            self.waited_in_detail(frame);
        }
    }

    #[cold]
    fn waited_in_detail(&mut self, frame: &Frame) {
        if self.counts(frame.entered)
            && let Some(batch) = self.batch_at(frame.entered)
        {
            batch.nodes[frame.node.index()].wait.record(frame.waited);
        }
        if self.wanted.rows
            && let Some(row) = self
                .row_of
                .get(&frame.wish.root)
                .and_then(|at| self.run.rows.get_mut(*at))
        {
            let wait = row.waits.entry(frame.node).or_default();
            *wait = *wait + frame.waited;
        }
    }

    /// Records a good answer to a frame's caller.
    #[inline]
    pub fn answered(&mut self, now: Time, caller: NodeId, frame: &Frame) {
        if self.counts(frame.entered) {
            self.run.flows.answered(caller, frame, now);
        }
    }

    /// Adds a line to the event log.
    pub fn note(&mut self, at: Time, what: &str, target: impl FnOnce() -> String) {
        if self.wanted.events && self.run.events.len() < EVENTS {
            self.run.events.push(Note {
                at,
                what: what.to_owned(),
                target: target(),
            });
        }
    }

    /// Closes the remaining bins at the end of the run.
    pub fn close_bins(&mut self) {
        (0..self.open.len()).for_each(|at| self.close(at));
    }

    /// Checks that offered = succeeded + failed by cause + unfinished, over the whole run and over its measured part.
    ///
    /// # Errors
    /// If not.
    pub fn audit(&self) -> Result<(), String> {
        let accounted: u64 = self.ended;
        if accounted != self.offered {
            return Err(format!("{} wishes arose, {accounted} ended", self.offered));
        }
        let counted: u64 = self.run.classes.iter().map(ClassRecord::offered).sum();
        if counted != self.measured {
            return Err(format!("{} wishes were to be counted, {counted} were", self.measured));
        }
        Ok(())
    }
}

/// Most lines of the event log. It bounds the memory of a component that flaps for years.
pub const EVENTS: usize = 10_000;

impl RunRecord {
    /// Requests by outcome, over all classes.
    pub fn outcomes(&self) -> [u64; Outcome::NAMES.len()] {
        let mut all = [0; Outcome::NAMES.len()];
        for class in &self.classes {
            all.iter_mut().zip(class.outcomes).for_each(|(a, n)| *a += n);
        }
        all
    }
}

impl ClassRecord {
    /// Counts a request that has ended.
    #[inline]
    fn ended(&mut self, outcome: Outcome, attempts: u32, latency: Span) {
        self.outcomes[outcome as usize] += 1;
        self.attempts += u64::from(attempts);
        if outcome == Outcome::Ok {
            self.latency.record(latency);
        }
    }

    /// Counts a complete page.
    fn viewed(&mut self, latency: Span, render: Option<Span>) {
        self.page.record(latency + render.unwrap_or(Span::ZERO));
        if let Some(render) = render {
            self.render.record(render);
        }
    }

    /// Requests offered.
    pub fn offered(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    /// Requests answered.
    pub fn succeeded(&self) -> u64 {
        self.outcomes[Outcome::Ok as usize]
    }

    /// Requests in flight at the end.
    pub fn unfinished(&self) -> u64 {
        self.outcomes[Outcome::Unfinished as usize]
    }

    /// Requests failed.
    pub fn failed(&self) -> u64 {
        self.offered() - self.succeeded() - self.unfinished()
    }

    /// Adds the record of another run.
    pub fn merge(&mut self, other: &ClassRecord) {
        self.outcomes.iter_mut().zip(other.outcomes).for_each(|(a, n)| *a += n);
        self.attempts += other.attempts;
        self.latency.merge(&other.latency);
        self.render.merge(&other.render);
        self.page.merge(&other.page);
    }
}
