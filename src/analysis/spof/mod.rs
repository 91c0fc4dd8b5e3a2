//! `spof`: what does the loss of each component do under the scenario's load, what does that cost a year, and which
//! sets of components cut a class?
//!
//! The structure says which classes are cut; simulations price the loss. A trial fails a component, waits until
//! everything has reacted, measures the steady state, repairs it, and watches the recovery. The baseline is the same
//! simulation with everything up: equal arrivals and demands, so the difference is due to the outage. The course of a
//! trial is its loss over time; a doubt is a question that needs further runs (lighter load, longer watch); the price
//! is in minutes of downtime per year. Called by the command `spof`; `availability` shares its times and its prices of
//! outages.

mod course;
mod judge;
mod lab;
mod lasts;
mod question;
mod remedy;

use super::cuts::minimal_cuts;
use super::reliability::{self, Importance, Life};
use super::result::{Caveat, Estimate, Ordered};
use super::run as findings;
use super::topology::Topology;
use crate::base::ids::ClassId;
use crate::base::words::few;
use crate::model::structure::{State, seen, used};
use crate::scenario::plan::{Component, Course, Lifetime, Monitoring, Plan};
use crate::scenario::review::SinglePoint;
use crate::stats::interval::CONFIDENCE;
use crate::study::{Count, Failure};
pub use course::{grows, lost_of_usual};
pub use judge::titled;
use judge::{Judge, PAIR, Settled, worse};
pub use lab::{Lab, Runs};
pub use lasts::{Lasts, OftenBrief, Outages, Seen, Slice, Slices};
pub use question::{Doubts, Effect, Loss, Question, SLOWER, Times, TimesWanted};
pub use remedy::{NoFix, apply, remedies};
use serde::{Deserialize, Serialize};

/// What `spof` finds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spof {
    /// By class: the minimal cut sets, smallest first.
    pub cut_sets: Ordered<Vec<Vec<String>>>,
    /// One per used component, worst first.
    pub components: Vec<Priced>,
    /// With `--pairs`: pairs of components, worst first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<Priced>,
    /// Components that nothing uses.
    pub unused: Vec<String>,
    /// Losses after which requests stay in flight because no time-out ends them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaves_stuck: Vec<String>,
    /// Losses whose share of lost requests kept growing until the end of the measurement.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub still_grows: Vec<String>,
    /// Losses not simulated completely because of an interruption.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unfinished: Vec<String>,
    /// Changes that were tried and help, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixes: Vec<Fix>,
    /// Share of requests lost by structure alone, whatever the load; null without lifetimes.
    pub structural_unavailability: Option<f64>,
    /// Share of time with more components down than were examined together, if noticeable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structural_unexplored: Option<f64>,
    /// The components and who calls whom.
    #[serde(default)]
    pub topology: Topology,
}

/// The effect and price of a loss; null where unknown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Priced {
    /// The component, or both of a pair.
    pub name: String,
    /// `host`, `node`, `member`, `zone`, `link`, `common_cause`, or `pair`.
    pub kind: String,
    /// How it fails: `crash`, `slow`, `errors`, `hang` or `drop`.
    pub effect: String,
    /// Whether its loss cuts a class.
    pub single_point: bool,
    /// The classes it cuts.
    pub cuts: Vec<String>,
    /// `outage`, `overload`, `degraded` or `none`.
    pub verdict: Verdict,
    /// Steady-state loss: share of requests lost while it is down, once everything has reacted.
    pub lost_ratio: Estimate,
    /// 99th percentile of latency during that time.
    pub p99_s: Estimate,
    /// Time from the crash to the first reaction: a check, a virtual IP, a promotion.
    pub detected_s: Option<f64>,
    /// Time from the repair until the stack is back at the baseline.
    pub recovered_s: Option<f64>,
    /// Whether the stack recovers by itself after the repair.
    pub recovers: bool,
    /// Requests in flight at the crash and lost to it, per crash.
    pub lost_at_crash: f64,
    /// Transient loss during detection, fail-over and recovery, beyond the steady-state share; in seconds of all
    /// requests, per crash.
    #[serde(default)]
    pub lost_in_passing_s: f64,
    /// Commits lost with a primary, per crash.
    pub lost_writes: f64,
    /// Requests lost because of it, as minutes of all requests per year.
    pub downtime_min_per_year: Option<f64>,
    /// Half-width of that, by the jackknife over replications.
    #[serde(default)]
    pub downtime_within_min_per_year: Option<f64>,
    /// How much the structural unavailability depends on it.
    pub importance: Option<Importance>,
    /// The tried change that helps it most.
    #[serde(default)]
    pub fix: Option<Fix>,
}

impl Priced {
    /// The minutes per year with their interval, not below zero.
    pub fn downtime(&self) -> Estimate {
        let value = self.downtime_min_per_year;
        let half = self.downtime_within_min_per_year;
        let bound = |sign: f64| value.zip(half).map(|(v, h)| (v + sign * h).max(0.0));
        Estimate {
            value,
            lo: bound(-1.0),
            hi: bound(1.0),
            confidence: CONFIDENCE,
        }
    }
}

/// A change of the scenario that was tried and helps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fix {
    /// The name that `--apply` takes.
    pub id: String,
    /// What it changes.
    pub change: String,
    /// The components it is meant for.
    #[serde(default)]
    pub components: Vec<String>,
    /// Minutes of all requests saved per year, over all components including added ones; null without lifetimes.
    pub downtime_saved_min_per_year: Option<f64>,
    /// Sum of the steady-state loss saved for its components that have no lifetime, and so no price.
    #[serde(default)]
    pub lost_saved_ratio: f64,
    /// The component whose loss it relieves most; null if nothing was simulated for it.
    #[serde(default)]
    pub relief: Option<Relief>,
    /// What it was compared with, if not the scenario as it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
}

/// How much less the loss of a component costs after a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Relief {
    /// The component.
    pub component: String,
    /// Steady-state loss saved, as a share of requests.
    pub lost_ratio: f64,
    /// Transient loss saved, in seconds of all requests.
    pub lost_s: f64,
}

/// What a loss does.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A class is cut.
    Outage,
    /// Connected, but the remaining components cannot carry the load.
    Overload,
    /// Requests that arrive after it are lost, or the SLO is missed, at any load; or most requests wait for the repair.
    Degraded,
    /// No effect, except for requests in flight.
    None,
}

/// By class: the minimal cut sets up to this order, as indices of components.
pub fn cut_sets(plan: &Plan, order: usize, used: &[bool]) -> Vec<Vec<Vec<usize>>> {
    let of = |class: usize| {
        minimal_cuts(order, |set| {
            let state = State::without(plan, set.iter().map(|c| &plan.components[*c]));
            let seen = seen(plan, &state, ClassId::new(class))?;
            Some((0..seen.len()).filter(|c| seen[*c] && used[*c]).collect())
        })
    };
    (0..plan.classes.len()).map(of).collect()
}

/// The components whose loss alone cuts a class, in the order of the scenario.
pub fn single_points(plan: &Plan) -> Vec<SinglePoint> {
    let cuts = cut_sets(plan, 1, &used(plan));
    let point = |(c, component): (usize, &Component)| {
        let is_cut = |class: &usize| cuts[*class].iter().any(|set| set[..] == [c]);
        let classes: Vec<ClassId> = (0..cuts.len()).filter(is_cut).map(ClassId::new).collect();
        let component = component.name.clone();
        (!classes.is_empty()).then_some(SinglePoint { component, classes })
    };
    plan.components.iter().enumerate().filter_map(point).collect()
}

/// What is asked of `spof`.
#[derive(Clone, Debug)]
pub struct Options {
    /// How components fail.
    pub effects: Vec<Effect>,
    /// Whether to price pairs too.
    pub pairs: bool,
    /// Largest cut sets to look for.
    pub order: usize,
}

/// A question with its simulations: the scenario as it stands, which `fix` compares changes with.
pub struct Before<'p> {
    question: Question<'p>,
    runs: Runs,
    lives: Vec<Option<Life>>,
}

impl Before<'_> {
    /// Replications of each plan.
    pub fn replications(&self) -> u32 {
        self.runs.studies.first().map_or(0, |s| s.samples.len() as u32)
    }

    /// Length of the longest simulation.
    pub fn duration_s(&self) -> f64 {
        let all = self.question.plans.iter().map(|p| p.duration.seconds());
        all.fold(0.0, f64::max)
    }

    /// Whether every objective holds, in the baseline and in the steady state of each loss. `None` without objectives.
    pub fn keeps_promises(&self) -> Option<bool> {
        if self.question.plan.slo.is_empty() {
            return None;
        }
        let question = &self.question;
        let alone = question
            .losses
            .iter()
            .zip(&question.trials)
            .filter(|(loss, _)| loss.parts.len() == 1);
        let mut plans = (0..question.baselines).chain(alone.map(|(_, trial)| trial.loss));
        let keeps = |plan: usize| {
            let run = findings::run(&question.plans[plan], &self.runs.studies[plan]);
            run.slo.iter().all(|s| s.met)
        };
        Some(plans.all(keeps))
    }

    /// Longest warm-up.
    pub fn warmup_s(&self) -> f64 {
        let all = self.runs.studies.iter().map(|s| s.warmup.seconds());
        all.fold(0.0, f64::max)
    }
}

/// Simulates the loss of each component. If interrupted, prices what is finished, with the number of replications that
/// all started plans have, and names the rest.
///
/// # Errors
/// See [`Failure`].
pub fn answer<'p>(plan: &'p Plan, options: &Options, lab: &mut Lab<'_>) -> Result<(Spof, Before<'p>), Failure> {
    let mut question = Question::new(plan, &options.effects, options.pairs, lab.wish);
    let replications = lab.replications(&question)?;
    let count = Count::Fixed(replications);
    let runs = lab.run("losses", &question.plans, count)?.even();
    question.wait_for_growth(&runs);
    let lives = reliability::lives(plan);
    let judge = Judge {
        question: &question,
        runs: &runs,
        lives: &lives,
    };
    let losses = || 0..question.losses.len();
    let tried: Vec<bool> = losses().map(|l| runs.has(question.trials[l])).collect();
    let of_load: Vec<bool> = losses().map(|l| tried[l] && judge.may_be_load(l)).collect();
    let of_return: Vec<bool> = losses().map(|l| tried[l] && judge.is_not_back(l)).collect();
    let doubts = question.doubts(&of_load, &of_return);
    let more = lab.run("doubts", &doubts.plans, count)?.even();
    let settled = Settled {
        doubts: &doubts,
        runs: &more,
    };
    let (known, unfinished): (Vec<usize>, Vec<usize>) = losses().partition(|l| tried[*l] && settled.is_settled(*l));
    let used = used(plan);
    let has_lives = lives.iter().any(Option::is_some);
    let exact = has_lives.then(|| reliability::exact(plan, &lives, &used));
    let price = |l: &usize| judge.price(*l, &settled, exact.as_ref());
    let mut priced: Vec<Priced> = known.iter().map(price).collect();
    priced.sort_by(worse);
    let (pairs, components) = priced.into_iter().partition(|p| p.kind == PAIR);
    let cuts = cut_sets(plan, options.order.max(1), &used);
    let name = |c: &usize| plan.components[*c].name.clone();
    let named = |sets: &Vec<Vec<usize>>| sets.iter().map(|set| set.iter().map(name).collect()).collect();
    let classes = plan.classes.iter().zip(&cuts);
    let titles = |is_so: &dyn Fn(usize) -> bool| {
        let such = known.iter().filter(|l| is_so(**l));
        such.map(|l| judge.title(*l)).collect()
    };
    let spof = Spof {
        cut_sets: Ordered(classes.map(|(class, sets)| (class.name.clone(), named(sets))).collect()),
        components,
        pairs,
        unused: (0..used.len()).filter(|c| !used[*c]).map(|c| name(&c)).collect(),
        leaves_stuck: titles(&|l| judge.leaves_stuck(l)),
        still_grows: titles(&|l| judge.still_grows(l)),
        unfinished: unfinished.iter().map(|l| judge.title(*l)).collect(),
        structural_unavailability: exact.as_ref().map(|e| e.unavailability),
        structural_unexplored: exact.map(|e| e.unexplored).filter(|u| *u > UNEXPLORED),
        fixes: Vec::new(),
        topology: Topology::of(plan, None),
    };
    let before = Before { question, runs, lives };
    Ok((spof, before))
}

/// Unexplored share of the time below which it is not mentioned.
const UNEXPLORED: f64 = 1e-4;

/// Trials are as long as the reaction to a loss needs, not as long as the scenario.
pub const LOAD_VARIES: &str = "the load changes over time: each replication begins at another moment of the run (at its start, where the run is no longer \
     than what is simulated of a loss); a short peak may be met too often or not at all, and more replications look more often";

/// The first few names, and the number of others.
pub fn listed<S: AsRef<str>>(names: &[S]) -> String {
    const MOST: usize = 8;
    match names.len() > MOST {
        true => few(names, MOST, "and"),
        false => names.iter().map(S::as_ref).collect::<Vec<_>>().join(", "),
    }
}

/// Says that requests without a time-out stay in flight.
pub fn waits_for_ever(names: &[String]) -> String {
    format!(
        "requests that were inside when {} failed are still inside when the simulation ends, long after the repair: nobody gives them up, and \
         workers, connections and users that wait with them are gone for good; each failure takes some more, which is not in the numbers; a `timeout` of the clients mends it",
        listed(names)
    )
}

/// Says that the steady state was not reached.
pub fn still_growing(names: &[String]) -> String {
    let who = if names.len() > 1 { "any of " } else { "" };
    format!(
        "with {who}{} down more and more was lost until what was measured ended: a backlog builds up, so a long outage costs more than is said; a longer `--duration` measures for longer",
        listed(names)
    )
}

/// Caveats about losses that the simulations cannot follow to their end.
pub fn unwatched(plan: &Plan) -> Vec<Caveat> {
    let mut all = Vec::new();
    let used = used(plan);
    let components = plan.components.iter().zip(used).filter(|(_, used)| *used);
    let slow = components.filter(|(c, _)| plan.reaction(&c.hits) > plan.settled(&c.hits));
    let slow: Vec<&str> = slow.map(|(c, _)| c.name.as_str()).collect();
    if !slow.is_empty() {
        all.push(Caveat {
            code: "reaction.long".into(),
            message: format!(
                "two hours after the loss of {} not everything has reacted to it: what is lost then is taken for what is lost as long as it lasts, which is too much",
                listed(&slow)
            ),
        });
    }
    let open = plan.longest_open();
    let is_quick = |life: &Lifetime| match &life.course {
        Course::Failures { mttr, .. } => mttr.mean_s().is_some_and(|repair_s| repair_s < open.seconds()),
        Course::Maintenance { lasts, .. } => *lasts < open,
    };
    let quick: Vec<&str> = plan
        .lifetimes
        .iter()
        .filter(|l| is_quick(l))
        .map(|l| l.name.as_str())
        .collect();
    if !quick.is_empty() {
        all.push(Caveat {
            code: "breaker.outlasts".into(),
            message: format!(
                "repairs of {} are quicker than a circuit breaker's `open`: where one stands before them, it is open for longer after a repair than was simulated, and more is lost",
                listed(&quick)
            ),
        });
    }
    all
}

/// Caveats to the numbers.
pub fn caveats(plan: &Plan, spof: &Spof) -> Vec<Caveat> {
    let mut all = Vec::new();
    let mut add = |code: &str, message: String| {
        let code = code.to_owned();
        all.push(Caveat { code, message });
    };
    if !spof.unfinished.is_empty() {
        let says = format!(
            "stopped before these losses were simulated to the end: {}",
            spof.unfinished.join(", ")
        );
        add("unfinished", says);
    }
    if !spof.leaves_stuck.is_empty() {
        add("waits.forever", waits_for_ever(&spof.leaves_stuck));
    }
    if !spof.still_grows.is_empty() {
        add("state.grows", still_growing(&spof.still_grows));
    }
    if plan.is_timed() {
        add("load.varies", LOAD_VARIES.into());
    }
    if let Some(share) = spof.structural_unexplored {
        let says = format!(
            "with so many components down at once that nobody can look at each case, the stack is {:.2} % of the time: the unavailability by structure may be too low by as much, and importance leaves it out",
            100.0 * share
        );
        add("structure.unexplored", says);
    }
    let dead: Vec<&Priced> = spof
        .components
        .iter()
        .filter(|p| p.effect == Effect::Crash.name())
        .collect();
    let unpriced = dead.iter().filter(|p| p.downtime_min_per_year.is_none());
    let unpriced: Vec<&str> = unpriced.map(|p| p.name.as_str()).collect();
    match (unpriced.len(), dead.len()) {
        (0, _) => {}
        (n, all) if n == all => add(
            "lifetime.none",
            "minutes a year need a `lifetime` (mtbf and mttr) of the components; without one they are ranked by what is lost".into(),
        ),
        _ => add("lifetime.some", format!("no minutes a year without a `lifetime`: {}", unpriced.join(", "))),
    }
    if plan.monitoring == Monitoring::Unsaid && unpriced.len() < dead.len() {
        let says =
            "`monitoring` is not given: every failure is taken as noticed at once, so repair is all that downtime has";
        add("monitoring.unsaid", says.into());
    }
    if plan.lifetimes.iter().any(|life| !life.is_failure()) {
        let says = "maintenance is not priced here, nor what a fix saves of it; `availability` does that";
        add("maintenance.unpriced", says.into());
    }
    if plan.repairs_wait() {
        let says = "`repair_crews` are fewer than what can fail: minutes and importance take each repair as if a crew were free; `availability` does not";
        add("repair.waits", says.into());
    }
    if !spof.unused.is_empty() {
        add(
            "unused",
            format!("nothing uses {}, so nothing was tried there", spof.unused.join(", ")),
        );
    }
    if let Some((class, _)) = spof.cut_sets.iter().find(|(_, sets)| sets.iter().any(Vec::is_empty)) {
        add(
            "cut.always",
            format!("requests of {class} cannot succeed even with everything up"),
        );
    }
    all.extend(unwatched(plan));
    all
}
