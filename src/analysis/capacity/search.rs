//! The search: a rough bracket by short runs, then the three lines of [`crate::stats::knee`] by longer ones.

use super::bound::{blame, bound, lost_nodes, utilization};
use super::curve;
use super::{Capacity, Found, Knee, Limit, Verdict};
use crate::analysis::result::{Caveat, Estimate, Run, SloResult};
use crate::analysis::run as findings;
use crate::base::ids::{ClassId, NodeId};
use crate::base::time::{Span, Time};
use crate::model::structure::{State, is_cut, used};
use crate::scenario::plan::{Arrivals, Component, Fault, Load, Measure, Objective, Plan, Warmup};
use crate::stats::interval::CONFIDENCE;
use crate::stats::knee::{self, Crossing, Line, Reading};
use crate::study::{self, Study};

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Question {
    /// The scenario.
    pub plan: Plan,
    /// Replications of each load that is looked at closely.
    pub replications: u32,
    /// More of them, until the knee's relative half-width is at most this.
    pub precision: Option<f64>,
    /// Runs as long as the scenario has them, instead of as long as it takes.
    pub whole: bool,
    /// Also draw the curve, and lose every component?
    pub all: bool,
}

/// Runs so many replications of a plan, for the purpose that is named.
pub type Ask<'a> = dyn FnMut(&str, &Plan, u32) -> Result<Study, study::Failure> + 'a;

/// Why there is no answer.
#[derive(Debug)]
pub enum End {
    /// It was interrupted.
    Stopped,
    /// The study failed.
    Failed(study::Failure),
}

/// An availability that nobody has promised is this.
const USUAL_AVAILABILITY: f64 = 0.999;
/// A backlog that grows, as a share of what comes.
const GROWS: f64 = 0.01;
/// The objective that says so.
const STABILITY: &str = "stability";
/// Excess over a target, as a logarithm, is looked at no further.
const FAR: f64 = 10.0;
/// No more, and no less, than so many times the present load is tried; more, where the bottleneck could carry it.
const MOST: f64 = 128.0;
const LEAST: f64 = 1.0 / 128.0;
/// A measured part is no shorter than this, nor than so many times the longest latency promised.
const SHORTEST_S: f64 = 10.0;
const LATENCIES: f64 = 50.0;
/// Loads looked at for one knee, at most: a curve that jumps to and fro has no place to settle.
const TRIALS: usize = 40;

/// Beyond its target by so much (as a logarithm), after so long a step towards less load.
const HOPELESS: f64 = 2.0;
const SHORT_STEP: f64 = 0.15;

/// How closely a knee is looked at.
#[derive(Copy, Clone, Debug)]
pub(super) struct Effort {
    pub(super) replications: u32,
    /// Measured requests of a replication.
    pub(super) requests: f64,
    /// Between two loads so near to each other (as a logarithm) the lines are taken for straight.
    pub(super) within: f64,
}

const ROUGH: Effort = Effort {
    replications: 4,
    requests: 6_000.0,
    within: 0.1,
};
const LOST: Effort = Effort {
    replications: 8,
    requests: 12_000.0,
    within: 0.04,
};
const FINE: Effort = Effort {
    replications: 20,
    requests: 40_000.0,
    within: 0.02,
};

/// A load and what came of it.
pub(super) struct Trial {
    pub(super) reading: Reading,
    /// The objective that is furthest beyond its target.
    worst: usize,
    pub(super) run: Run,
    pub(super) rate_per_s: f64,
    duration_s: f64,
    warmup_s: f64,
    replications: u32,
}

impl Trial {
    pub(super) fn factor(&self) -> f64 {
        libm::exp(self.reading.at)
    }
}

/// The stack whose knee is looked for: the whole one, or what is left of it.
pub(super) struct Search<'a, 'b> {
    pub(super) plan: Plan,
    /// Changes of the run's length are not allowed.
    whole: bool,
    settle: Span,
    what: String,
    ask: &'a mut Ask<'b>,
    pub(super) events: u64,
    pub(super) tried: [f64; 2],
    most: f64,
}

impl<'a, 'b> Search<'a, 'b> {
    fn new(question: &Question, plan: Plan, bound: Option<f64>, what: &str, ask: &'a mut Ask<'b>) -> Self {
        Search {
            whole: question.whole || is_timed(&plan),
            plan,
            settle: Span::ZERO,
            what: what.into(),
            ask,
            events: 0,
            tried: [f64::INFINITY, 0.0],
            most: MOST.max(2.0 * bound.unwrap_or(0.0)),
        }
    }

    /// What it is done for, for whoever watches.
    pub(super) fn what(&mut self, what: &str) {
        what.clone_into(&mut self.what);
    }

    /// The stack under so many times its load, for as long as it takes.
    fn under(&self, factor: f64, effort: Effort) -> Plan {
        let mut plan = self.plan.under_load(factor);
        let Warmup::Fixed(warmup) = plan.warmup else {
            return plan;
        };
        if plan.sources.iter().any(|s| {
            matches!(
                &s.load,
                Load::Open {
                    arrivals: Arrivals::Trace { .. },
                    ..
                }
            )
        }) {
            // The same rows in less or more time.
            plan.duration = plan.duration.scaled(1.0 / factor).max(warmup + Span::from_millis(1));
        } else if !self.whole {
            let longest = plan.slo.iter().filter(|o| matches!(o.measure, Measure::Latency(_)));
            let longest = longest.map(|o| o.target).fold(0.0, f64::max);
            let measured = effort.requests / plan.requests_per_s().max(1e-9);
            let measured = Span::from_seconds(measured.max(SHORTEST_S).max(LATENCIES * longest));
            plan.duration = plan.duration.min(warmup + measured);
        }
        plan.warmup = Warmup::Fixed(warmup + self.settle);
        plan.duration = plan.duration + self.settle;
        plan
    }

    pub(super) fn trial(&mut self, at: f64, effort: Effort) -> Result<Trial, End> {
        let factor = libm::exp(at);
        let plan = self.under(factor, effort);
        let study = (self.ask)(&self.what, &plan, effort.replications).map_err(End::Failed)?;
        self.events += study.events_taken;
        if !study.complete {
            return Err(End::Stopped);
        }
        self.tried = [self.tried[0].min(factor), self.tried[1].max(factor)];
        let run = findings::run(&plan, &study);
        let measured_s = plan.duration.seconds() - study.warmup.seconds();
        let (height, worst) = excess(&plan, &run, measured_s);
        let closed = plan.sources.iter().any(|s| matches!(s.load, Load::Closed { .. }));
        // How often users ask depends on the answers; only what they did ask is their load.
        let rate_per_s = match closed {
            true => run.metrics.requests.offered as f64 / f64::from(effort.replications) / measured_s.max(1e-9),
            false => self.plan.requests_per_s() * factor,
        };
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

    /// Follows lines to their crossings, from a first guess on.
    fn follow(&mut self, trials: &mut Vec<Trial>, start: f64, effort: Effort, lines: &[Line]) -> Result<(), End> {
        let (least, most) = (libm::log(LEAST), libm::log(self.most));
        if trials.is_empty() {
            trials.push(self.trial(start.clamp(least, most), effort)?);
        }
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
                // What is missed by far may be missed at any load: the lightest tells, before one creeps there.
                let hopeless = at < ends.0 && step > SHORT_STEP && readings[0].height[*line as usize] > HOPELESS;
                let at = if hopeless { least } else { at };
                // Further each time, while one has to look outside.
                step = if at < ends.0 || at > ends.1 {
                    (2.0 * step).min(0.7)
                } else {
                    step
                };
                let trial = self.trial(at.clamp(least, most), effort)?;
                let place = trials.partition_point(|t| t.reading.at < trial.reading.at);
                trials.insert(place, trial);
            }
        }
        Ok(())
    }

    /// The knee near a first guess, with its interval.
    fn pin_down(&mut self, start: f64, effort: Effort) -> Result<Vec<Trial>, End> {
        let mut trials = Vec::new();
        self.follow(&mut trials, start, effort, &[Line::Value, Line::Upper, Line::Lower])?;
        Ok(trials)
    }
}

/// Is there something at set times, so that a shorter run would be another scenario?
fn is_timed(plan: &Plan) -> bool {
    let varies = |load: &Load| {
        matches!(
            load,
            Load::Open {
                arrivals: Arrivals::Profile { .. } | Arrivals::Trace { .. },
                ..
            }
        )
    };
    !plan.faults.is_empty() || plan.sources.iter().any(|s| varies(&s.load))
}

// --- the curve that is to cross zero --------------------------------------------------------------------------------

/// How far beyond its target the worst objective is, with its interval, as the logarithm of a ratio; and which it is.
fn excess(plan: &Plan, run: &Run, measured_s: f64) -> ([f64; 3], usize) {
    let mut heights: Vec<[f64; 3]> = plan
        .slo
        .iter()
        .zip(&run.slo)
        .map(|(o, r)| of_objective(o, r, run, plan))
        .collect();
    // What is inside at the end beyond what Little's law has inside of a stack in balance.
    let requests = &run.metrics.requests;
    let inside = requests.unfinished as f64 / requests.offered.max(1) as f64;
    let usual = run.metrics.latency_s.mean.value.unwrap_or(0.0) / measured_s.max(1e-9);
    heights.push([far((inside - usual).max(0.0) / GROWS); 3]);
    let worst = (0..heights.len()).max_by(|a, b| heights[*a][1].total_cmp(&heights[*b][1]));
    let most = |line: usize| heights.iter().map(|h| h[line]).fold(-FAR, f64::max);
    ([most(0), most(1), most(2)], worst.unwrap_or(0))
}

fn far(ratio: f64) -> f64 {
    libm::log(ratio.max(1e-300)).clamp(-FAR, FAR)
}

fn of_objective(objective: &Objective, result: &SloResult, run: &Run, plan: &Plan) -> [f64; 3] {
    let metrics = match objective.class {
        Some(class) => &run.classes.0[class.index()].1,
        None => &run.metrics,
    };
    debug_assert_eq!(run.classes.0.len(), plan.classes.len());
    let Estimate { value, lo, hi, .. } = result.observed;
    let Some(value) = value else {
        // Nothing came: no promise is broken. Nothing succeeded: every promise about it is.
        let nothing = metrics.requests.offered == metrics.requests.unfinished;
        return [if nothing { -FAR } else { FAR }; 3];
    };
    let (lo, hi) = (lo.unwrap_or(value), hi.unwrap_or(value));
    let target = objective.target.max(1e-12);
    match objective.measure {
        Measure::Availability => {
            let allowed = (1.0 - objective.target).max(1e-12);
            [hi, value, lo].map(|v| far((1.0 - v) / allowed))
        }
        Measure::ErrorRatio | Measure::Latency(_) => [lo, value, hi].map(|v| far(v / target)),
    }
}

// --- what is said of it ---------------------------------------------------------------------------------------------

fn estimate(value: Option<f64>, lo: Option<f64>, hi: Option<f64>) -> Estimate {
    Estimate {
        value,
        lo,
        hi,
        confidence: CONFIDENCE,
    }
}

/// The knee among loads that were looked at.
fn knee_of(plan: &Plan, trials: &[Trial]) -> Knee {
    let readings: Vec<Reading> = trials.iter().map(|t| t.reading).collect();
    let at = |line: Line| knee::crossing(&readings, line);
    let place = |crossing: Option<Crossing>| match crossing {
        Some(Crossing::Between(_, _, at)) => Some(at),
        _ => None,
    };
    let rate = |at: f64| rate_at(trials, at);
    let (verdict, ratio) = match at(Line::Value) {
        Some(Crossing::Between(_, _, value)) => (
            Verdict::Found,
            estimate(Some(value), place(at(Line::Upper)), place(at(Line::Lower))),
        ),
        Some(Crossing::Beyond(most)) => (Verdict::EveryLoad, estimate(None, Some(most), None)),
        Some(Crossing::Before(least)) => (Verdict::NoLoad, estimate(None, None, Some(least))),
        None => (Verdict::NoLoad, Estimate::default()),
    };
    let each = |e: Estimate, f: &dyn Fn(f64) -> f64| estimate(e.value.map(f), e.lo.map(f), e.hi.map(f));
    let mut knee = Knee {
        verdict,
        knee_per_s: each(ratio, &rate),
        knee_ratio: each(ratio, &|at| libm::exp(at)),
        limited_by: trials
            .iter()
            .find(|t| t.reading.height[1] > 0.0)
            .map(|t| limit(plan, t)),
    };
    if verdict == Verdict::NoLoad {
        for e in [&mut knee.knee_per_s, &mut knee.knee_ratio] {
            (e.value, e.lo) = (Some(0.0), Some(0.0));
        }
    }
    if trials.iter().any(|t| t.replications < 2) {
        for e in [&mut knee.knee_per_s, &mut knee.knee_ratio] {
            (e.lo, e.hi) = (None, None);
        }
    }
    knee
}

/// The load at a place between two that were tried.
fn rate_at(trials: &[Trial], at: f64) -> f64 {
    let above = trials
        .partition_point(|t| t.reading.at < at)
        .clamp(1, trials.len().max(2) - 1);
    let (Some(a), Some(b)) = (trials.get(above - 1), trials.get(above)) else {
        return trials.first().map_or(0.0, |t| t.rate_per_s);
    };
    let part = (libm::exp(at) - a.factor()) / (b.factor() - a.factor());
    a.rate_per_s + part * (b.rate_per_s - a.rate_per_s)
}

fn limit(plan: &Plan, trial: &Trial) -> Limit {
    let objective = trial
        .run
        .slo
        .get(trial.worst)
        .map_or(STABILITY.into(), |o| o.objective.clone());
    Limit {
        objective,
        component: blame(plan, &trial.run),
    }
}

/// The trial nearest to the knee.
fn nearest<'t>(trials: &'t [Trial], knee: &Knee) -> Option<&'t Trial> {
    let at = libm::log(knee.knee_ratio.value.filter(|v| *v > 0.0).unwrap_or(1.0));
    let distance = |t: &&Trial| libm::fabs(t.reading.at - at);
    trials.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

// --- the whole answer -----------------------------------------------------------------------------------------------

/// Finds the knee, draws the curve, and loses every component in turn.
///
/// # Errors
/// If it is stopped before there is a knee, or a study fails.
pub fn answer(question: &Question, ask: &mut Ask<'_>) -> Result<Found, End> {
    let mut plan = question.plan.clone();
    if !plan
        .slo
        .iter()
        .any(|o| o.measure == Measure::Availability && o.class.is_none())
    {
        let target = USUAL_AVAILABILITY;
        plan.slo.insert(
            0,
            Objective {
                name: "availability".into(),
                class: None,
                measure: Measure::Availability,
                target,
            },
        );
    }
    let bounded = bound(&plan, &[]);
    let most = bounded.as_ref().map(|b| b.0);
    settle_warmup(&mut plan, ask)?;
    let mut search = Search::new(question, plan.clone(), most, "the knee", ask);
    let start = libm::log(most.map_or(1.0, |f| 0.85 * f));
    let mut rough = Vec::new();
    search.follow(&mut rough, start, ROUGH, &[Line::Value])?;
    let guess = knee_of(&plan, &rough);
    let (knee, trials) = match guess.verdict {
        Verdict::Found => finely(&mut search, question, libm::log(guess.knee_ratio.value.unwrap_or(1.0)))?,
        _ => (guess, rough),
    };
    let (present_per_s, tried) = (plan.requests_per_s(), search.tried);
    let mut found = Found {
        capacity: Capacity {
            present_per_s,
            tried_per_s: tried.map(|f| f * present_per_s),
            utilization: nearest(&trials, &knee).map(|t| utilization(&t.run)).unwrap_or_default(),
            bound: bounded.map(|b| b.1),
            ..Capacity::default()
        },
        caveats: Vec::new(),
        effort: nearest(&trials, &knee).map_or((0, 0.0, 0.0), |t| (t.replications, t.duration_s, t.warmup_s)),
        events: 0,
        complete: true,
    };
    let rest = match question.all {
        true => the_rest(question, &mut search, &knee, &mut found),
        false => Ok(()),
    };
    found.events += search.events;
    found.capacity.knee = knee;
    found.caveats = caveats(&plan, &found.capacity, question);
    match rest {
        Err(End::Failed(failure)) => Err(End::Failed(failure)),
        // What was finished is worth having.
        Err(End::Stopped) => Ok(Found {
            complete: false,
            ..found
        }),
        Ok(()) => Ok(found),
    }
}

/// The curve, and every loss.
fn the_rest(question: &Question, search: &mut Search<'_, '_>, knee: &Knee, found: &mut Found) -> Result<(), End> {
    let trials = curve::trials(search, knee, LOST)?;
    found.capacity.curve = curve::points(&trials);
    found.capacity.beyond = curve::beyond(knee, &found.capacity.curve);
    let plan = search.plan.clone();
    let is_used = used(&plan);
    for (component, _) in plan.components.iter().zip(&is_used).filter(|(_, used)| **used) {
        let (events, left) = without(question, &plan, component, knee, search.ask)?;
        search.events += events;
        found.capacity.n_minus_1.0.push((component.name.clone(), left));
    }
    Ok(())
}

/// A warm-up that is to be found is found once, under the present load.
fn settle_warmup(plan: &mut Plan, ask: &mut Ask<'_>) -> Result<(), End> {
    if plan.warmup == Warmup::Auto {
        let study = ask("the warm-up", plan, 1).map_err(End::Failed)?;
        if !study.complete {
            return Err(End::Stopped);
        }
        plan.warmup = Warmup::Fixed(study.warmup);
    }
    Ok(())
}

/// Closely, and with a precision more and more so.
fn finely(search: &mut Search<'_, '_>, question: &Question, start: f64) -> Result<(Knee, Vec<Trial>), End> {
    let mut effort = Effort {
        replications: question.replications,
        ..FINE
    };
    let mut start = start;
    loop {
        let trials = search.pin_down(start, effort)?;
        let knee = knee_of(&search.plan, &trials);
        let half = match knee.knee_ratio {
            Estimate {
                value: Some(value),
                lo: Some(lo),
                hi: Some(hi),
                ..
            } if value > 0.0 => (hi - lo) / 2.0 / value,
            _ => return Ok((knee, trials)),
        };
        let Some(wanted) = question
            .precision
            .filter(|p| half > *p && effort.replications < MOST_REPLICATIONS)
        else {
            return Ok((knee, trials));
        };
        let growth = (1.1 * (half / wanted) * (half / wanted)).clamp(1.2, 4.0);
        effort.replications = ((f64::from(effort.replications) * growth) as u32 + 1).min(MOST_REPLICATIONS);
        effort.within = effort.within.min(2.0 * wanted);
        start = libm::log(knee.knee_ratio.value.unwrap_or(1.0));
    }
}

/// A precision that would take more is given up.
const MOST_REPLICATIONS: u32 = 2_000;

/// The knee of what is left without a component.
fn without(
    question: &Question,
    plan: &Plan,
    component: &Component,
    whole: &Knee,
    ask: &mut Ask<'_>,
) -> Result<(u64, Knee), End> {
    let state = State::without(plan, [component]);
    let cut = (0..plan.classes.len()).filter(|c| is_cut(plan, &state, ClassId::new(*c)));
    let lost: f64 = cut.map(|c| plan.classes[c].share).sum();
    let promised = plan
        .slo
        .iter()
        .filter(|o| o.measure == Measure::Availability && o.class.is_none());
    if promised.map(|o| 1.0 - o.target).any(|allowed| lost > allowed) {
        // Whatever the load: so much is cut off that the availability is missed by structure.
        let nothing = estimate(Some(0.0), Some(0.0), Some(0.0));
        let limited_by = Some(Limit {
            objective: "availability".into(),
            component: Some(component.name.clone()),
        });
        return Ok((
            0,
            Knee {
                verdict: Verdict::NoLoad,
                knee_per_s: nothing,
                knee_ratio: nothing,
                limited_by,
            },
        ));
    }
    let nodes = lost_nodes(plan, component);
    let mut left = plan.clone();
    left.faults.push(Fault {
        at: Time::ZERO,
        lasts: None,
        what: "crash".into(),
        target: component.name.clone(),
        hits: component.hits.clone(),
    });
    let (before, after) = (bound(plan, &[]).map(|b| b.0), bound(plan, &nodes).map(|b| b.0));
    let shrinks = before.zip(after).map_or(1.0, |(b, a)| (a / b).min(1.0));
    let what = format!("without {}", component.name);
    let mut search = Search::new(question, left, after, &what, ask);
    // The fault is ours, and at the start: it does not tie the run to any time.
    search.whole = question.whole || is_timed(plan);
    search.settle = settle(plan, &nodes);
    let start = libm::log(whole.knee_ratio.value.filter(|v| *v > 0.0).unwrap_or(1.0) * shrinks);
    let effort = Effort {
        replications: LOST.replications.min(question.replications),
        ..LOST
    };
    let trials = search.pin_down(start, effort)?;
    Ok((search.events, knee_of(plan, &trials)))
}

/// From then on everything has reacted to the loss of these nodes.
fn settle(plan: &Plan, lost: &[NodeId]) -> Span {
    Span::from_seconds((1.2 * plan.reaction_to(lost).seconds() + 2.0).clamp(2.0, 300.0))
}

fn caveats(plan: &Plan, capacity: &Capacity, question: &Question) -> Vec<Caveat> {
    let mut all = Vec::new();
    let mut say = |code: &str, message: String| {
        all.push(Caveat {
            code: code.into(),
            message,
        })
    };
    if !question
        .plan
        .slo
        .iter()
        .any(|o| o.measure == Measure::Availability && o.class.is_none())
    {
        say(
            "availability.added",
            format!(
                "the scenario promises no availability; {USUAL_AVAILABILITY} is added, since a full queue flatters the latency of those who get through"
            ),
        );
    }
    if question.precision.is_some_and(|p| !is_precise(&capacity.knee, p)) {
        say(
            "precision.missed",
            format!("the precision asked for was not reached within {MOST_REPLICATIONS} replications"),
        );
    }
    if question.replications < 2 {
        say("replications.one", "one replication gives no interval".into());
    }
    let closed = plan.sources.iter().any(|s| matches!(s.load, Load::Closed { .. }));
    if closed {
        say("closed", "users wait for their answers before they ask again: the number of users is scaled, and the load is what they then ask for".into());
    }
    all
}

fn is_precise(knee: &Knee, precision: f64) -> bool {
    match knee.knee_ratio {
        Estimate {
            value: Some(value),
            lo: Some(lo),
            hi: Some(hi),
            ..
        } => hi - lo <= 2.0 * precision * value,
        _ => true,
    }
}
