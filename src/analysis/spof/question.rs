//! What is simulated to price the losses, and when things happen there.

use super::cut_sets;
use crate::base::ids::NodeId;
use crate::base::time::{Span, Time};
use crate::model::recorder::RunRecord;
use crate::model::structure::used;
use crate::scenario::plan::{Component, Fault, Hit, Plan, Warmup};
use crate::stats::interval;

/// A loss to be priced.
#[derive(Clone, Debug)]
pub struct Loss {
    /// Indices of the components that fail together.
    pub parts: Vec<usize>,
    /// How.
    pub effect: Effect,
}

/// How a component fails: dead, or in a way that checks may not see.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// It dies.
    Crash,
    /// Everything there takes [`SLOWER`] times as long.
    Slow,
    /// Every second answer is an error.
    Errors,
    /// It accepts and never answers.
    Hang,
}

impl Effect {
    /// All of them, with their names.
    pub const NAMES: [(Effect, &'static str); 4] = [
        (Effect::Crash, "crash"),
        (Effect::Slow, "slow"),
        (Effect::Errors, "errors"),
        (Effect::Hang, "hang"),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Effect::NAMES[self as usize].1
    }

    /// What it does to a component; nothing where a link cannot fail in this way.
    fn hits(self, plan: &Plan, component: &Component) -> Vec<Hit> {
        let gray = |node: NodeId| match self {
            Effect::Slow => Hit::Slow(node, SLOWER),
            Effect::Errors => Hit::Errors(node, HALF),
            Effect::Hang | Effect::Crash => Hit::Hang(node),
        };
        let of = |hit: &Hit| match (self, hit) {
            (Effect::Crash, hit) => vec![hit.clone()],
            (_, Hit::CrashNode(node)) => vec![gray(*node)],
            (_, Hit::CrashHost(host)) => plan.nodes_on(*host).map(gray).collect(),
            _ => Vec::new(),
        };
        component.hits.iter().flat_map(of).collect()
    }
}

/// How many times as long everything takes where something is slow.
pub const SLOWER: f64 = 10.0;
/// Share of the answers that are errors where something answers with errors.
const HALF: f64 = 0.5;

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

/// What is to be simulated, in this order: the baseline, then each loss; of each the state that lasts, the outage that ends,
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
    pub fn grace(self) -> Span {
        self.measure.scaled(0.1).max(Span::from_millis(2000))
    }
}

impl<'p> Question<'p> {
    /// All components that are used, each alone; with `pairs` also those of the cut sets of two, and all pairs of hosts.
    pub fn new(plan: &'p Plan, effects: &[Effect], pairs: bool) -> Question<'p> {
        let times = Times::of(plan);
        let used = used(plan);
        let mut losses: Vec<Loss> = Vec::new();
        for effect in effects {
            let can = |c: &usize| used[*c] && !effect.hits(plan, &plan.components[*c]).is_empty();
            let alone = (0..plan.components.len()).filter(can);
            losses.extend(alone.map(|c| Loss {
                parts: vec![c],
                effect: *effect,
            }));
        }
        if pairs {
            losses.extend(pairs_of(plan, &used));
        }
        let nothing = Loss {
            parts: Vec::new(),
            effect: Effect::Crash,
        };
        let light = plan.under_load(LIGHT);
        let three = |loss: &Loss| {
            let lasting = scenario_of(plan, times, loss, None);
            let passing = scenario_of(plan, times, loss, Some(times.settle));
            [lasting, passing, scenario_of(&light, times, loss, None)]
        };
        let plans = std::iter::once(&nothing).chain(&losses).flat_map(three).collect();
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
    pairs
        .into_iter()
        .map(|parts| Loss {
            parts,
            effect: Effect::Crash,
        })
        .collect()
}

/// The plan in which these components fail, for so long or for good, and nothing else happens.
fn scenario_of(plan: &Plan, times: Times, loss: &Loss, lasts: Option<Span>) -> Plan {
    let fault = |part: &usize| Fault {
        at: Time::ZERO + times.crash,
        lasts,
        what: loss.effect.name().into(),
        target: plan.components[*part].name.clone(),
        hits: loss.effect.hits(plan, &plan.components[*part]),
    };
    let faults = loss.parts.iter().map(fault).collect();
    let mut plan = plan.clone();
    plan.faults = faults;
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
