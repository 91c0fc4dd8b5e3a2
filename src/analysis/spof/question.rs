//! What is simulated to price the losses, and the times within each simulation.

use super::cut_sets;
use super::judge::still_grows;
use super::lab::Runs;
use super::lasts::OftenBrief;
use crate::base::ids::NodeId;
use crate::base::time::{Span, Time};
use crate::model::bin::bin_of;
use crate::model::structure::used;
use crate::scenario::plan::{Component, Fault, Hit, Plan, Warmup};

/// A loss to be priced.
#[derive(Clone, Debug)]
pub struct Loss {
    /// Indices of the components that fail together.
    pub parts: Vec<usize>,
    /// How they fail.
    pub effect: Effect,
}

impl Loss {
    /// Durations of the brief outages that are simulated one by one.
    fn brief(&self, plan: &Plan, often_brief: &OftenBrief, times: Times) -> Vec<Span> {
        match self.parts[..] {
            [part] if self.effect == Effect::Crash => often_brief.lengths(plan, part, times.brief_to()),
            _ => Vec::new(),
        }
    }

    fn hits(&self, plan: &Plan) -> Vec<Hit> {
        let of = |part: &usize| self.effect.hits(plan, &plan.components[*part]);
        self.parts.iter().flat_map(of).collect()
    }
}

/// How a component fails: it crashes, or in a way that checks may not see.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// It crashes.
    Crash,
    /// Everything there takes [`SLOWER`] times as long.
    Slow,
    /// Every second answer is an error.
    Errors,
    /// It accepts and never answers, until it is restarted.
    Hang,
    /// Every second call to it is lost, and its caller waits for the connect time-out.
    Drop,
}

impl Effect {
    /// All of them, with their names.
    pub const NAMES: [(Effect, &'static str); 5] = [
        (Effect::Crash, "crash"),
        (Effect::Slow, "slow"),
        (Effect::Errors, "errors"),
        (Effect::Hang, "hang"),
        (Effect::Drop, "drop"),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Effect::NAMES[self as usize].1
    }

    /// The hits on a component; empty if a link cannot fail this way (a link only drops calls, or all traffic).
    fn hits(self, plan: &Plan, component: &Component) -> Vec<Hit> {
        let gray = |node: NodeId| match self {
            Effect::Slow => Hit::Slow(node, SLOWER),
            Effect::Errors => Hit::Errors(node, HALF),
            Effect::Drop => Hit::Drop(node, HALF),
            Effect::Hang | Effect::Crash => Hit::Hang(node),
        };
        let of = |hit: &Hit| match (self, hit) {
            (Effect::Crash, hit) => vec![hit.clone()],
            (_, Hit::CrashNode(node)) => vec![gray(*node)],
            (_, Hit::CrashHost(host)) => plan.nodes_on(*host).map(gray).collect(),
            (Effect::Drop, Hit::CutLink(link)) => vec![Hit::DropLink(*link, HALF)],
            _ => Vec::new(),
        };
        component.hits.iter().flat_map(of).collect()
    }
}

/// Slowdown factor of `slow`.
pub const SLOWER: f64 = 10.0;
/// Share of answers that are errors, and of calls that are dropped.
const HALF: f64 = 0.5;

/// The times of a trial: the crash, the reaction, the measured steady state, the repair, and the watched recovery.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Times {
    /// The component fails.
    pub crash: Span,
    /// Time for everything to react, after the failure and after the repair.
    pub settle: Span,
    /// Length of the measured steady state.
    pub measure: Span,
    /// Requests that arrive within this time before the repair are not measured, since retries could reach the repair.
    pub grace: Span,
    /// How long the recovery is watched.
    pub watch: Span,
}

/// Requests per replication that the steady state is measured with, between `SHORTEST_S` and `LONGEST_S` seconds.
const REQUESTS: f64 = 6_000.0;
const SHORTEST_S: f64 = 20.0;
const LONGEST_S: f64 = 300.0;
/// Reaction times are rounded up to this, so that losses share a baseline.
const ALIKE_S: f64 = 5.0;
/// Factor by which the recovery is watched longer if the stack is not back when the watch ends.
const LONGER: f64 = 5.0;

/// Shortest measurement and grace if a duration is given.
const LEAST_S: f64 = 5.0;
const LEAST_GRACE_S: f64 = 2.0;
/// Upper limit of the grace: requests that are retried for longer before the repair count as lost.
const LONGEST_TRIES_S: f64 = 60.0;

/// Requested times; the others follow from [`Times::of`].
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct TimesWanted {
    /// Length of a simulation, without a longer watch.
    pub duration: Option<Span>,
    /// Time before the failure.
    pub warmup: Option<Span>,
}

impl TimesWanted {
    /// The shortest duration in which the loss of any component can be watched to its end.
    pub fn least(self, plan: &Plan) -> Span {
        let of = |component: &Component| {
            let times = Times::of(plan, &component.hits, TimesWanted { duration: None, ..self });
            let rest = Span::from_seconds(2.0 * LEAST_S + LEAST_GRACE_S);
            times.crash + times.settle + times.settle + rest
        };
        plan.components.iter().map(of).max().unwrap_or(Span::ZERO)
    }
}

impl Times {
    /// The times that suit the plan and the failure.
    pub fn of(plan: &Plan, failure: &[Hit], wish: TimesWanted) -> Times {
        let warmup = match plan.warmup {
            Warmup::Fixed(span) => span.seconds(),
            Warmup::Auto => 30.0,
        };
        let settle = ALIKE_S * libm::ceil(plan.settled(failure).seconds() / ALIKE_S);
        let whole = |seconds: f64| Span::from_seconds(libm::ceil(seconds));
        // At the start of a bin, so that requests before and after the crash are in different bins.
        let whole_bins = |seconds: f64| whole(10.0 * libm::ceil(seconds / 10.0));
        let crash = match wish.warmup {
            Some(asked) => whole_bins(asked.seconds().max(1.0)),
            None => whole_bins(warmup.max(10.0)),
        };
        let (measure, grace) = match wish.duration {
            None => {
                let measure = (REQUESTS / plan.requests_per_s().max(1e-9)).clamp(SHORTEST_S, LONGEST_S);
                let tries = plan.tries(failure).seconds().min(LONGEST_TRIES_S);
                (whole(measure), whole((measure * 0.1).max(LEAST_GRACE_S).max(tries)))
            }
            Some(duration) => {
                // The remaining time: the measurement, the grace, and an equally long watch.
                let rest = (duration.seconds() - crash.seconds() - 2.0 * settle).max(2.0 * LEAST_S + LEAST_GRACE_S);
                let grace = libm::floor(rest / 21.0).max(LEAST_GRACE_S);
                (Span::from_seconds((rest - grace) / 2.0), whole(grace))
            }
        };
        let times = Times {
            crash,
            settle: whole(settle),
            measure,
            grace,
            watch: whole(settle) + measure,
        };
        match wish.duration {
            None => times.in_bins(),
            Some(_) => times,
        }
    }

    /// Rounds all times up to whole bins.
    fn in_bins(self) -> Times {
        let bin = bin_of(self.whole()).max(Span::SECOND);
        let up = |span: Span| Span::from_nanos(span.nanos().next_multiple_of(bin.nanos()));
        let times = Times {
            crash: up(self.crash),
            settle: up(self.settle),
            measure: up(self.measure),
            grace: up(self.grace),
            watch: up(self.watch),
        };
        // The longer simulation may have wider bins.
        match bin_of(times.whole()).max(Span::SECOND) == bin {
            true => times,
            false => times.in_bins(),
        }
    }

    fn longer(self) -> Times {
        Times {
            watch: self.watch.scaled(LONGER),
            ..self
        }
        .in_bins()
    }

    /// The first half of the measurement was not yet steady: counts it as part of the reaction.
    pub(super) fn later(self) -> Times {
        let bins = libm::round(0.5 * self.measure.seconds() / self.bin_s());
        let half = Span::from_seconds(bins * self.bin_s()).min(self.measure);
        Times {
            settle: self.settle + half,
            measure: self.measure - half,
            ..self
        }
    }

    /// Longer outages outlast the reaction and all retries.
    pub fn brief_to(self) -> Span {
        self.settle + self.grace
    }

    /// Duration of the outage.
    pub(super) fn down(self) -> Span {
        self.settle + self.measure + self.grace
    }

    /// Duration of the simulation.
    pub fn whole(self) -> Span {
        self.crash + self.down() + self.watch
    }

    /// Crash, start and end of the measurement, and repair, in bins of the timeline.
    pub(super) fn bins(self) -> [usize; 4] {
        let settled = self.crash + self.settle;
        let all = [self.crash, settled, settled + self.measure, self.crash + self.down()];
        all.map(|at| libm::round(at.seconds() / self.bin_s()) as usize)
    }

    /// Width of the timeline's bins.
    pub(super) fn bin_s(self) -> f64 {
        bin_of(self.whole()).seconds()
    }
}

/// A loss and the indices of its plans.
#[derive(Copy, Clone, Debug)]
pub(super) struct Trial {
    /// The baseline with the same times.
    pub base: usize,
    /// The plan with the loss.
    pub loss: usize,
    /// Number of plans after that with brief outages.
    pub brief: usize,
    /// Longest brief outage.
    pub brief_to: Span,
    pub times: Times,
    /// Whether the second half of the measurement lost more than the first.
    pub grew: bool,
}

impl Trial {
    /// The plans of the brief outages.
    pub fn brief_plans(self) -> std::ops::Range<usize> {
        self.loss + 1..self.loss + 1 + self.brief
    }
}

/// What is to be simulated.
pub struct Question<'p> {
    pub(super) plan: &'p Plan,
    /// The losses.
    pub losses: Vec<Loss>,
    /// By loss.
    pub(super) trials: Vec<Trial>,
    /// First the baselines, then each loss followed by its brief outages.
    pub plans: Vec<Plan>,
    /// Number of baselines.
    pub baselines: usize,
}

/// Open questions after the first runs, by loss: trials at a tenth of the load, and trials watched for longer.
pub struct Doubts {
    pub(super) light: Vec<Option<Trial>>,
    pub(super) longer: Vec<Option<Trial>>,
    /// The plans.
    pub plans: Vec<Plan>,
}

/// Load of the light trials, as a share of the full load.
const LIGHT: f64 = 0.1;

impl<'p> Question<'p> {
    /// All used components, one at a time; with `pairs` also cut sets of two and all pairs of hosts.
    pub fn new(plan: &'p Plan, effects: &[Effect], pairs: bool, wish: TimesWanted) -> Question<'p> {
        let used = used(plan);
        let mut losses: Vec<Loss> = Vec::new();
        for effect in effects {
            let alone = (0..plan.components.len()).filter(|c| used[*c]);
            losses.extend(alone.map(|c| Loss {
                parts: vec![c],
                effect: *effect,
            }));
        }
        if pairs {
            losses.extend(pairs_of(plan, &used));
        }
        Question::of(plan, losses, wish)
    }

    /// These losses, if they can happen.
    pub fn of(plan: &'p Plan, mut losses: Vec<Loss>, wish: TimesWanted) -> Question<'p> {
        losses.retain(|l| !l.hits(plan).is_empty());
        let mut trials = Trials::default();
        let often_brief = OftenBrief::of(plan);
        let found = losses.iter().map(|l| {
            let times = Times::of(plan, &l.hits(plan), wish);
            trials.add(plan, l, times, &l.brief(plan, &often_brief, times))
        });
        let found: Vec<Trial> = found.collect();
        let (baselines, trials, plans) = trials.plans(found);
        Question {
            plan,
            losses,
            trials,
            plans,
            baselines,
        }
    }

    /// If the second half of the measurement lost more than the first, only the second half counts as steady.
    pub(super) fn wait_for_growth(&mut self, runs: &Runs) {
        for trial in &mut self.trials {
            if runs.has(*trial) && still_grows(trial, runs) {
                (trial.times, trial.grew) = (trial.times.later(), true);
            }
        }
    }

    /// The trials that tell whether a loss depends on the load (`of_load`) and whether the stack recovers
    /// (`of_return`).
    pub fn doubts(&self, of_load: &[bool], of_return: &[bool]) -> Doubts {
        let light = self.plan.under_load(LIGHT);
        let mut trials = Trials::default();
        let mut found = Vec::new();
        for (i, loss) in self.losses.iter().enumerate() {
            if of_load[i] {
                found.push(trials.add(&light, loss, self.trials[i].times, &[]));
            }
        }
        let (_, of_light, mut plans) = trials.plans(found);
        let mut trials = Trials::default();
        let mut found = Vec::new();
        let often_brief = OftenBrief::of(self.plan);
        for (i, loss) in self.losses.iter().enumerate() {
            if of_return[i] {
                let times = self.trials[i].times.longer();
                let brief = loss.brief(self.plan, &often_brief, times);
                found.push(Trial {
                    grew: self.trials[i].grew,
                    ..trials.add(self.plan, loss, times, &brief)
                });
            }
        }
        let (_, mut of_longer, more) = trials.plans(found);
        let shift = plans.len();
        plans.extend(more);
        for trial in &mut of_longer {
            (trial.base, trial.loss) = (trial.base + shift, trial.loss + shift);
        }
        let spread = |wanted: &[bool], trials: Vec<Trial>| {
            let mut trials = trials.into_iter();
            wanted.iter().map(|w| w.then(|| trials.next()).flatten()).collect()
        };
        Doubts {
            light: spread(of_load, of_light),
            longer: spread(of_return, of_longer),
            plans,
        }
    }
}

/// Collects plans; losses with equal times share a baseline.
#[derive(Default)]
struct Trials {
    times: Vec<Times>,
    baselines: Vec<Plan>,
    losses: Vec<Plan>,
}

impl Trials {
    /// Adds a trial with brief outages of these durations. Its `loss` counts from the first loss.
    fn add(&mut self, plan: &Plan, loss: &Loss, times: Times, brief: &[Span]) -> Trial {
        let base = self.times.iter().position(|t| *t == times).unwrap_or_else(|| {
            self.times.push(times);
            self.baselines.push(scenario_of(plan, times, None));
            self.times.len() - 1
        });
        let first = self.losses.len();
        for down in [times.down()].iter().chain(brief) {
            self.losses.push(scenario_of(plan, times, Some((loss, *down))));
        }
        Trial {
            base,
            loss: first,
            brief: brief.len(),
            brief_to: times.brief_to(),
            times,
            grew: false,
        }
    }

    /// The number of baselines, the trials with final indices, and all plans.
    fn plans(self, mut trials: Vec<Trial>) -> (usize, Vec<Trial>, Vec<Plan>) {
        let baselines = self.baselines.len();
        trials.iter_mut().for_each(|t| t.loss += baselines);
        let plans = self.baselines.into_iter().chain(self.losses).collect();
        (baselines, trials, plans)
    }
}

/// The pairs worth simulating: cut sets of two, and pairs of machines.
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

/// The plan in which only this loss occurs and is repaired after the given time.
fn scenario_of(plan: &Plan, times: Times, loss: Option<(&Loss, Span)>) -> Plan {
    let of = |(loss, down): (&Loss, Span)| {
        let fault = |part: &usize| Fault {
            at: Time::ZERO + times.crash,
            lasts: Some(down),
            what: loss.effect.name().into(),
            target: plan.components[*part].name.clone(),
            hits: loss.effect.hits(plan, &plan.components[*part]),
        };
        let mut faults: Vec<Fault> = loss.parts.iter().map(fault).collect();
        if loss.effect == Effect::Hang {
            let again: Vec<Fault> = faults.iter().map(started_again).collect();
            faults.extend(again);
        }
        faults
    };
    let faults = loss.map_or(Vec::new(), of);
    let mut plan = plan.clone();
    plan.faults = faults;
    plan.lifetimes.clear();
    plan.at_any_time(times.whole());
    plan.warmup = Warmup::Fixed(times.crash + times.settle);
    plan.duration = times.whole();
    plan.cooldown = times.grace + times.watch;
    plan
}

/// A hung process does not recover by itself: it is killed and restarted, and answers none of the waiting requests.
fn started_again(hang: &Fault) -> Fault {
    let ended = |hit: &Hit| match hit {
        Hit::Hang(node) => Hit::CrashNode(*node),
        other => other.clone(),
    };
    let lasts = Span::from_nanos(1);
    Fault {
        at: hang.at + hang.lasts.unwrap_or_default() - lasts,
        lasts: Some(lasts),
        hits: hang.hits.iter().map(ended).collect(),
        ..hang.clone()
    }
}
