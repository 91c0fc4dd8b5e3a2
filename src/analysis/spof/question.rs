//! What is simulated to price the losses, and when things happen there.

use super::cut_sets;
use crate::base::time::{Span, Time};
use crate::model::recorder::RunRecord;
use crate::model::structure::used;
use crate::scenario::plan::{Fault, Plan, Warmup};
use crate::stats::interval;

/// A loss to be priced.
#[derive(Clone, Debug)]
pub struct Loss {
    /// Indices of the components that fail together.
    pub parts: Vec<usize>,
}

/// When things happen in the simulations of a loss.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Times {
    /// The component fails.
    pub crash: Span,
    /// From then on everything has reacted, after a failure or after a repair.
    pub settle: Span,
    /// How long the state after that is measured, and how long the way back is watched.
    pub measure: Span,
}

/// What is to be simulated, in this order: twice the baseline, then for each loss the state that lasts, the outage that ends,
/// and the state that lasts at a tenth of the load.
pub struct Question<'p> {
    pub(super) plan: &'p Plan,
    pub(super) times: Times,
    /// The losses, in the order of the plans.
    pub losses: Vec<Loss>,
    /// The plans.
    pub plans: Vec<Plan>,
}

/// Plans that belong to no loss, and to each.
pub(super) const BASELINES: usize = 3;
pub(super) const PER_LOSS: usize = 3;
/// What is left of the load where a loss is tried without one.
const LIGHT: f64 = 0.1;
/// Of so many requests a replication the state that lasts is made, if that does not take too long or too short.
const REQUESTS: f64 = 6_000.0;
const SHORTEST_S: f64 = 20.0;
const LONGEST_S: f64 = 300.0;

impl Times {
    /// As they suit the plan.
    pub fn of(plan: &Plan) -> Times {
        let warmup = match plan.warmup {
            Warmup::Fixed(span) => span.seconds(),
            Warmup::Auto => 30.0,
        };
        let settle = (1.2 * plan.reaction().seconds() + 2.0).clamp(5.0, LONGEST_S);
        let measure = (REQUESTS / plan.requests_per_s().max(1e-9))
            .clamp(SHORTEST_S, LONGEST_S)
            .max(settle);
        let whole = |seconds: f64| Span::from_seconds(libm::ceil(seconds));
        Times {
            crash: whole(warmup.clamp(10.0, LONGEST_S)),
            settle: whole(settle),
            measure: whole(measure),
        }
    }
}

impl Times {
    /// Requests that come at the very end have no time to be answered: they are left out.
    fn grace(self) -> Span {
        self.measure.scaled(0.1).max(Span::from_millis(2000))
    }
}

impl<'p> Question<'p> {
    /// All components that are used, each alone; with `pairs` also those of the cut sets of two, and all pairs of hosts.
    pub fn new(plan: &'p Plan, pairs: bool) -> Question<'p> {
        let times = Times::of(plan);
        let used = used(plan);
        let alone = (0..plan.components.len())
            .filter(|c| used[*c])
            .map(|c| Loss { parts: vec![c] });
        let mut losses: Vec<Loss> = alone.collect();
        if pairs {
            losses.extend(pairs_of(plan, &used));
        }
        let lasting = |plan: &Plan, parts: &[usize]| scenario_of(plan, times, parts, None);
        let passing = |plan: &Plan, parts: &[usize]| scenario_of(plan, times, parts, Some(times.settle));
        let light = plan.under_load(LIGHT);
        let mut plans = vec![lasting(plan, &[]), passing(plan, &[]), lasting(&light, &[])];
        for loss in &losses {
            plans.push(lasting(plan, &loss.parts));
            plans.push(passing(plan, &loss.parts));
            plans.push(lasting(&light, &loss.parts));
        }
        Question {
            plan,
            times,
            losses,
            plans,
        }
    }

    /// When the crash comes in every simulation.
    pub fn crash_at(&self) -> Time {
        Time::ZERO + self.times.crash
    }
}

/// The pairs that are worth a look: those that cut a class together, and those of machines.
fn pairs_of(plan: &Plan, used: &[bool]) -> Vec<Loss> {
    let mut pairs: Vec<Vec<usize>> = cut_sets(plan, 2, used)
        .into_iter()
        .flatten()
        .filter(|c| c.len() == 2)
        .collect();
    let hosts: Vec<usize> = (0..used.len())
        .filter(|c| used[*c] && plan.components[*c].is_machine())
        .collect();
    for (i, a) in hosts.iter().enumerate() {
        pairs.extend(hosts[i + 1..].iter().map(|b| vec![*a, *b]));
    }
    pairs.sort();
    pairs.dedup();
    pairs.into_iter().map(|parts| Loss { parts }).collect()
}

/// The plan in which these components fail, for so long or for good, and nothing else happens.
fn scenario_of(plan: &Plan, times: Times, parts: &[usize], lasts: Option<Span>) -> Plan {
    let mut plan = plan.clone();
    let fault = |part: &usize| Fault {
        at: Time::ZERO + times.crash,
        lasts,
        what: "crash".into(),
        target: plan.components[*part].name.clone(),
        hits: plan.components[*part].hits.clone(),
    };
    plan.faults = parts.iter().map(fault).collect();
    plan.lifetimes.clear();
    let (warmup, duration) = match lasts {
        None => (
            times.crash + times.settle,
            times.crash + times.settle + times.measure + times.grace(),
        ),
        Some(lasts) => (times.crash, times.crash + lasts + times.settle + times.measure),
    };
    plan.warmup = Warmup::Fixed(warmup);
    plan.duration = duration;
    plan
}
/// What the event logs said, by plan: when something first reacted to the crash, in each replication.
pub struct Reactions {
    crash: Time,
    first_s: Vec<Vec<f64>>,
}

impl Reactions {
    /// Of so many plans.
    pub fn new(question: &Question<'_>) -> Reactions {
        Reactions {
            crash: question.crash_at(),
            first_s: vec![Vec::new(); question.plans.len()],
        }
    }

    /// Shown each run.
    pub fn see(&mut self, plan: usize, record: &RunRecord) {
        let acts = |what: &str| what == "down" || what == "takes over" || what.starts_with("promoted");
        let first = record.events.iter().find(|e| e.at >= self.crash && acts(&e.what));
        self.first_s[plan].extend(first.map(|e| e.at.since(self.crash).seconds()));
    }

    /// The mean over those replications in which anything reacted.
    pub fn mean_s(&self, plan: usize) -> Option<f64> {
        interval::mean(&self.first_s[plan]).map(|i| i.value)
    }
}
