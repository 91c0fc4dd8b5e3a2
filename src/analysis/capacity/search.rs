//! The search for the knee: short runs bracket it, longer runs follow the three lines of [`crate::stats::knee`]. A
//! trial is the simulation of one load; positions (`at`) are logarithms of the load over the present load.

use super::excess::excess;
use super::sizes::Stack;
use crate::analysis::result::Run;
use crate::analysis::run as findings;
use crate::base::time::Span;
use crate::scenario::plan::{Arrivals, Load, Measure, Plan, Warmup};
use crate::stats::knee::{self, Line, Reading};
use crate::study::{self, Study};

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The scenario.
    pub plan: Plan,
    /// Replications of each load in the fine search.
    pub replications: u32,
    /// Target for the knee's relative half-width; replications are added until it is reached.
    pub precision: Option<f64>,
    /// Keeps runs as long as the scenario says, instead of as long as needed.
    pub whole: bool,
    /// One run in batches at each load, as long as all replications together.
    pub one_run: bool,
    /// Also draws the curve and loses each component.
    pub all: bool,
    /// With `--replicas`: the pattern, and a design for each number.
    pub sized: String,
    /// See `sized`.
    pub stacks: Vec<Stack>,
}

/// Runs this many replications of a plan; the text says what for.
pub type Ask<'a> = dyn FnMut(&str, &Plan, u32) -> Result<Study, study::Failure> + 'a;

/// Why there is no answer.
#[derive(Debug)]
pub enum End {
    /// It was interrupted.
    Stopped,
    /// The study failed.
    Failed(study::Failure),
}

/// Range of loads tried, as multiples of the present load. The upper end moves up if the bottleneck could carry more.
const MOST: f64 = 128.0;
const LEAST: f64 = 1.0 / 128.0;
/// Least length of the measured part, in seconds, and as a multiple of the longest latency objective.
const SHORTEST_S: f64 = 10.0;
const LATENCIES: f64 = 50.0;
/// Least number of measured requests, unless that takes longer than `LONGEST`.
const LEAST_REQUESTS: f64 = 2_000.0;
const LONGEST: Span = Span::from_millis(86_400_000);
/// Most loads tried for one knee: a line that jumps back and forth never converges.
const TRIALS: usize = 40;

/// Excess (as a logarithm) beyond which an objective may be missed at every load.
const HOPELESS: f64 = 2.0;

/// How precisely a knee is searched.
#[derive(Copy, Clone, Debug)]
pub(super) struct Effort {
    pub(super) replications: u32,
    /// Measured requests of a replication.
    pub(super) requests: f64,
    /// Distance of two loads (as a logarithm) below which the lines between them are taken as straight.
    pub(super) within: f64,
}

impl Effort {
    /// The same with at most this many replications.
    pub(super) fn at_most(self, replications: u32) -> Effort {
        Effort {
            replications: self.replications.min(replications),
            ..self
        }
    }
}

pub(super) const ROUGH: Effort = Effort {
    replications: 4,
    requests: 6_000.0,
    within: 0.1,
};
pub(super) const LOST: Effort = Effort {
    replications: 8,
    requests: 12_000.0,
    within: 0.04,
};
pub(super) const FINE: Effort = Effort {
    replications: 20,
    requests: 40_000.0,
    within: 0.02,
};

/// A load and its result.
pub(super) struct Trial {
    pub(super) reading: Reading,
    /// Index of the objective furthest beyond its target.
    pub(super) worst: usize,
    pub(super) run: Run,
    pub(super) rate_per_s: f64,
    pub(super) duration_s: f64,
    pub(super) warmup_s: f64,
    pub(super) replications: u32,
}

impl Trial {
    pub(super) fn factor(&self) -> f64 {
        libm::exp(self.reading.at)
    }
}

/// A search for the knee of one stack, complete or with a component lost.
pub(super) struct Search<'a, 'b> {
    pub(super) plan: Plan,
    /// Whether the length of runs is fixed.
    pub(super) whole: bool,
    pub(super) settle: Span,
    one_run: bool,
    what: String,
    pub(super) ask: &'a mut Ask<'b>,
    pub(super) events: u64,
    /// The lowest and the highest load so far.
    pub(super) tried_per_s: [f64; 2],
    most: f64,
}

impl<'a, 'b> Search<'a, 'b> {
    pub(super) fn new(question: &Question, plan: Plan, bound: Option<f64>, what: &str, ask: &'a mut Ask<'b>) -> Self {
        Search {
            whole: question.whole || is_timed(&plan),
            plan,
            settle: Span::ZERO,
            one_run: question.one_run,
            what: what.into(),
            ask,
            events: 0,
            tried_per_s: [f64::INFINITY, 0.0],
            most: MOST.max(2.0 * bound.unwrap_or(0.0)),
        }
    }

    /// What the progress display says.
    pub(super) fn what(&mut self, what: &str) {
        what.clone_into(&mut self.what);
    }

    /// The plan at a multiple of its load, with the run's length fitted to it.
    fn under(&self, factor: f64, effort: Effort) -> Plan {
        let mut plan = self.plan.under_load(factor);
        let Warmup::Fixed(mut warmup) = plan.warmup else {
            return plan;
        };
        if plan.arrivals().any(|a| matches!(a, Arrivals::Trace { .. })) {
            // The same trace rows in less or more time.
            warmup = warmup.scaled(1.0 / factor);
            plan.duration = plan.duration.scaled(1.0 / factor).max(warmup + Span::from_millis(1));
        } else if !self.whole {
            let longest = plan.slo.iter().filter(|o| matches!(o.measure, Measure::Latency(_)));
            let longest = longest.map(|o| o.target).fold(0.0, f64::max);
            let of = |requests: f64| Span::from_seconds(requests / plan.requests_per_s().max(1e-9));
            let measured = of(effort.requests).max(Span::from_seconds(SHORTEST_S.max(LATENCIES * longest)));
            // A quantile of a few dozen requests is noise, so runs under a light load may be longer than the
            // scenario's.
            let least = of(LEAST_REQUESTS).min(LONGEST);
            plan.duration = plan.duration.max(warmup + least).min(warmup + measured);
        }
        if self.one_run {
            plan.duration = warmup + (plan.duration - warmup).scaled(f64::from(effort.replications));
        }
        // Everything starts once the fault has settled.
        plan.delay(self.settle);
        plan.hushed = self.settle;
        plan.warmup = Warmup::Fixed(warmup + self.settle);
        plan.duration = plan.duration + self.settle;
        plan
    }

    /// The present load. A closed source's rate depends on the answers, so it is measured.
    pub(super) fn present_per_s(&mut self) -> Result<f64, End> {
        match is_closed(&self.plan) {
            true => self.trial(0.0, ROUGH).map(|t| t.rate_per_s),
            false => Ok(self.plan.requests_per_s()),
        }
    }

    pub(super) fn trial(&mut self, at: f64, effort: Effort) -> Result<Trial, End> {
        let plan = self.under(libm::exp(at), effort);
        let at = in_users(&self.plan, plan.users()).unwrap_or(at);
        let factor = libm::exp(at);
        let study = (self.ask)(&self.what, &plan, effort.replications).map_err(End::Failed)?;
        self.events += study.events_taken;
        if !study.complete {
            return Err(End::Stopped);
        }
        let mut run = findings::run(&plan, &study);
        run.metrics.throughput_per_s = findings::answered_per_s(&plan, &study);
        let measured_s = plan.duration.seconds() - study.warmup.seconds();
        let (height, worst) = excess(&plan, &run, measured_s);
        // A closed source's rate depends on the answers: its load is what was asked.
        let rate_per_s = match is_closed(&plan) {
            true => run.metrics.requests.offered as f64 / f64::from(study.done()) / measured_s.max(1e-9),
            false => self.plan.requests_per_s() * factor,
        };
        self.tried_per_s = [self.tried_per_s[0].min(rate_per_s), self.tried_per_s[1].max(rate_per_s)];
        Ok(Trial {
            reading: Reading { at, height },
            worst,
            run,
            rate_per_s,
            duration_s: plan.duration.seconds(),
            warmup_s: study.warmup.seconds(),
            replications: effort.replications,
        })
    }

    /// Follows lines to their crossings, starting from a first guess.
    pub(super) fn follow(
        &mut self,
        trials: &mut Vec<Trial>,
        start: f64,
        effort: Effort,
        lines: &[Line],
    ) -> Result<(), End> {
        let (least, most) = (self.whole(libm::log(LEAST)), self.whole(libm::log(self.most)));
        if trials.is_empty() {
            trials.push(self.trial(start.clamp(least, most), effort)?);
        }
        let mut is_borne_light = false;
        for line in lines {
            let mut step = effort.within;
            while trials.len() < TRIALS {
                let readings: Vec<Reading> = trials.iter().map(|t| t.reading).collect();
                let Some(at) = knee::next(&readings, *line, effort.within, step) else {
                    break;
                };
                let ends = (readings[0].at, readings[readings.len() - 1].at);
                if (at < least && ends.0 <= least) || (at > most && ends.1 >= most) {
                    break;
                }
                let Some(at) = self.untried(at, &readings) else { break };
                // An objective missed by far may be missed at any load. The lightest load is cheap and shows that at
                // once.
                if at < ends.0 && readings[0].height[*line as usize] > HOPELESS && !is_borne_light {
                    let lightest = self.trial(least, effort)?;
                    is_borne_light = lightest.reading.height[*line as usize] <= 0.0;
                    if !is_borne_light {
                        trials.insert(0, lightest);
                        continue;
                    }
                }
                // Steps grow while the crossing is outside the tried range.
                step = if at < ends.0 || at > ends.1 {
                    (2.0 * step).min(0.7)
                } else {
                    step
                };
                let trial = self.trial(at.clamp(least, most), effort)?;
                // With several closed sources not every number of users can be reached.
                if trials.iter().any(|t| t.reading.at == trial.reading.at) {
                    break;
                }
                let place = trials.partition_point(|t| t.reading.at < trial.reading.at);
                trials.insert(place, trial);
            }
        }
        Ok(())
    }

    /// The position of the nearest load with whole users.
    pub(super) fn whole(&self, at: f64) -> f64 {
        in_users(&self.plan, self.plan.under_load(libm::exp(at)).users()).unwrap_or(at)
    }

    /// The nearest untried load between the same two trials; `None` if there is none.
    fn untried(&self, at: f64, tried: &[Reading]) -> Option<f64> {
        let Some(now) = self.plan.users() else { return Some(at) };
        let users = |at: f64| libm::exp(at) * f64::from(now);
        let above = tried.partition_point(|r| r.at < at);
        let least = above
            .checked_sub(1)
            .map_or(1.0, |below| users(tried[below].at).round() + 1.0);
        let most = tried.get(above).map_or(f64::INFINITY, |r| users(r.at).round() - 1.0);
        if least > most {
            return None;
        }
        // Each source rounds for itself, so the total may be off by one per source.
        let wanted = users(at).round().clamp(least, most);
        let near = (0..=self.plan.sources.len()).flat_map(|d| [wanted - d as f64, wanted + d as f64]);
        let had = near
            .filter(|n| *n >= 1.0)
            .map(|n| self.whole(libm::log(n / f64::from(now))));
        had.into_iter().find(|at| (least..=most).contains(&users(*at).round()))
    }

    /// The trials around the knee, from a first guess, enough for its interval.
    pub(super) fn pin_down(&mut self, start: f64, effort: Effort) -> Result<Vec<Trial>, End> {
        let mut trials = Vec::new();
        self.follow(&mut trials, start, effort, &[Line::Value, Line::Upper, Line::Lower])?;
        Ok(trials)
    }
}

/// The position of a load of this many users, if users are whole.
pub(super) fn in_users(plan: &Plan, users: Option<u32>) -> Option<f64> {
    let (now, then) = plan.users().zip(users)?;
    Some(libm::log(f64::from(then) / f64::from(now.max(1))))
}

/// Whether any source is a closed loop.
pub(super) fn is_closed(plan: &Plan) -> bool {
    plan.sources.iter().any(|s| matches!(s.load, Load::Closed { .. }))
}

/// Whether anything happens at fixed times, so that a shorter run would be a different scenario.
pub(super) fn is_timed(plan: &Plan) -> bool {
    !plan.faults.is_empty() || plan.is_timed()
}
