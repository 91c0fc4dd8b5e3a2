//! The whole answer of `capacity`: the knee in detail, the curve, the knee after each loss, and the caveats.

use super::bound::{blame, bound, utilization};
use super::curve::Seen;
use super::search::{Ask, Effort, End, FINE, LOST, Question, ROUGH, Search, Trial, in_users, is_closed, is_timed};
use super::sizes::{Sizing, sizes};
use super::{Bound, Capacity, Found, Knee, Limit, Verdict, curve};
use crate::analysis::result::{Caveat, Estimate, USUAL_AVAILABILITY};
use crate::analysis::topology::Topology;
use crate::base::ids::ClassId;
use crate::base::time::Time;
use crate::model::structure::{State, is_cut, used};
use crate::scenario::plan::{Arrivals, Component, Fault, Measure, Objective, Plan, Warmup};
use crate::stats::interval::CONFIDENCE;
use crate::stats::knee::{self, Crossing, Line, Reading};

/// Objective named when a growing backlog is what breaks.
const STABILITY: &str = "stability";

/// Finds the knee, draws the curve, and repeats the search with each component lost.
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
    // The load acts on a stack that has long been at work.
    plan.midlife = true;
    let bounded = bound(&plan, &[]);
    let most = bounded.as_ref().map(|b| b.0);
    settle_warmup(&mut plan, ask)?;
    let mut search = Search::new(question, plan.clone(), most, "the knee", ask);
    let present_per_s = search.present_per_s()?;
    let start = libm::log(most.map_or(1.0, |f| 0.85 * f));
    let mut rough = Vec::new();
    search.follow(&mut rough, start, ROUGH.at_most(question.replications), &[Line::Value])?;
    let guess = knee_of(&plan, &rough);
    let (knee, trials) = match guess.verdict {
        Verdict::Found => finely(&mut search, question, libm::log(guess.knee_ratio.value.unwrap_or(1.0)))?,
        _ => (guess, rough),
    };
    let firm = firm(&plan, bounded.as_ref());
    let is_burst = firm.is_some() && knee.verdict == Verdict::EveryLoad;
    let knee = knee.within(firm, &plan);
    let mut knee = knee.near_to(bounded.as_ref().map(|b| &b.1));
    let mut found = Found {
        capacity: Capacity {
            present_per_s,
            closed: is_closed(&plan),
            users: plan.users().filter(|_| is_closed(&plan)),
            utilization: nearest(&trials, &knee).map(|t| utilization(&t.run)).unwrap_or_default(),
            utilization_per_s: nearest(&trials, &knee).map_or(0.0, |t| t.rate_per_s),
            bound: bounded.map(|b| b.1),
            topology: Topology::of(&plan, None),
            ..Capacity::default()
        },
        caveats: is_burst.then(burst).into_iter().collect(),
        effort: nearest(&trials, &knee).map_or((0, 0.0, 0.0), |t| (t.replications, t.duration_s, t.warmup_s)),
        events: 0,
        complete: true,
    };
    let rest = match question.all {
        true => the_rest(question, &mut search, (&mut knee, firm), &mut found),
        false => Ok(()),
    };
    let events = search.events;
    found.capacity.tried_per_s = search.tried_per_s;
    let rest = rest.and_then(|()| {
        if question.stacks.is_empty() {
            return Ok(());
        }
        let (all, taken, end) = sizes(question, &plan.slo, plan.warmup, ask);
        found.events += taken;
        found.capacity.sizing = Some(Sizing::of(&question.sized, all));
        end
    });
    found.events += events;
    found.capacity.knee = knee;
    found.caveats.splice(0..0, caveats(&plan, &found.capacity, question));
    match rest {
        Err(End::Failed(failure)) => Err(End::Failed(failure)),
        // Keep what is finished.
        Err(End::Stopped) => Ok(Found {
            complete: false,
            ..found
        }),
        Ok(()) => Ok(found),
    }
}

/// The curve, and the knee after each loss.
fn the_rest(
    question: &Question,
    search: &mut Search<'_, '_>,
    (knee, most): (&mut Knee, Option<f64>),
    found: &mut Found,
) -> Result<(), End> {
    let trials = curve::trials(search, knee, LOST.at_most(question.replications))?;
    found.capacity.curve = curve::points(&trials);
    // Without a knee, utilization is reported at today's load, which only the curve has simulated.
    if let Some(today) = nearest(&trials, knee).filter(|_| knee.verdict != Verdict::Found) {
        found.capacity.utilization = utilization(&today.run);
        found.capacity.utilization_per_s = today.rate_per_s;
    }
    let seen: Vec<Seen> = found.capacity.curve.iter().map(Seen::at).collect();
    let loads = curve::widen(knee, &seen, most);
    if !loads.is_empty() {
        let load = |per_s: &f64| format!("{per_s:.*}/s", if *per_s < 100.0 { 2 } else { 0 });
        let loads: Vec<String> = loads.iter().map(load).collect();
        found.caveats.push(Caveat {
            code: "knee.chance".into(),
            message: format!(
                "the {} replications of the curve say otherwise than those of the knee at {}, and the interval of the knee reaches to there: what breaks the promise happens in some runs and not in others; more `--replications` say how often",
                LOST.at_most(question.replications).replications,
                loads.join(" and ")
            ),
        });
    }
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

/// The multiple of the present load that can be sustained, if the bound proves it beyond what runs of minutes show.
pub(super) fn firm(plan: &Plan, bounded: Option<&(f64, Bound, bool)>) -> Option<f64> {
    let (most, _, is_firm) = bounded?;
    (*is_firm && !is_closed(plan) && !is_timed(plan)).then(|| most / promised(plan))
}

fn burst() -> Caveat {
    Caveat {
        code: "knee.burst".into(),
        message: "runs of minutes keep the promises at every load that was tried, for they live on a `burst` or in a queue that lasts for longer; the knee is what can be answered for long, and the curve above it is what the runs have seen".into(),
    }
}

/// The share of requests that must be answered.
fn promised(plan: &Plan) -> f64 {
    promise(plan).map_or(USUAL_AVAILABILITY, |o| o.target).max(1e-9)
}

/// The strictest overall availability objective.
fn promise(plan: &Plan) -> Option<&Objective> {
    let overall = |o: &&Objective| o.measure == Measure::Availability && o.class.is_none();
    let promises = plan.slo.iter().filter(overall);
    promises.max_by(|a, b| a.target.total_cmp(&b.target))
}

/// An automatic warm-up is determined once, at the present load.
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

/// Searches with the fine effort; with a precision, repeats with more replications until it is reached.
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

/// Most replications spent on a precision.
const MOST_REPLICATIONS: u32 = 2_000;

/// The knee of the stack without one component.
pub(super) fn without(
    question: &Question,
    plan: &Plan,
    component: &Component,
    whole: &Knee,
    ask: &mut Ask<'_>,
) -> Result<(u64, Knee), End> {
    let state = State::without(plan, [component]);
    let cut = (0..plan.classes.len()).filter(|c| is_cut(plan, &state, ClassId::new(*c)));
    let lost: f64 = cut.map(|c| plan.classes[c].mix).sum();
    let promised = plan
        .slo
        .iter()
        .filter(|o| o.measure == Measure::Availability && o.class.is_none());
    if promised.map(|o| 1.0 - o.target).any(|allowed| lost > allowed) {
        // The loss cuts off more than the availability objective allows, whatever the load.
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
    let mut left = plan.clone();
    left.faults.push(Fault {
        at: Time::ZERO,
        lasts: None,
        what: "crash".into(),
        target: component.name.clone(),
        hits: component.hits.clone(),
    });
    let bounded = bound(plan, &component.nodes(plan));
    let (before, after) = (bound(plan, &[]).map(|b| b.0), bounded.as_ref().map(|b| b.0));
    let shrinks = before.zip(after).map_or(1.0, |(b, a)| (a / b).min(1.0));
    let what = format!("without {}", component.name);
    let mut search = Search::new(question, left, after, &what, ask);
    // Our own fault starts with the run, so it does not make the run's length matter.
    search.whole = question.whole || is_timed(plan);
    search.settle = plan.settled(&component.hits);
    let start = libm::log(whole.knee_ratio.value.filter(|v| *v > 0.0).unwrap_or(1.0) * shrinks);
    let trials = search.pin_down(start, LOST.at_most(question.replications))?;
    let knee = knee_of(plan, &trials).within(firm(plan, bounded.as_ref()), plan);
    Ok((search.events, knee))
}

fn caveats(plan: &Plan, capacity: &Capacity, question: &Question) -> Vec<Caveat> {
    let mut all = Vec::new();
    let mut say = |code: &str, message: String| {
        all.push(Caveat {
            code: code.into(),
            message,
        });
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
    if capacity.knee.verdict == Verdict::NoLoad && !plan.faults.is_empty() {
        say(
            "load.faults",
            "the scenario's scheduled faults act at every load, and may be what breaks the promise; `--set 'faults=[]'` asks what the stack carries while none does".into(),
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
    if plan.arrivals().any(|a| matches!(a, Arrivals::Profile { .. })) {
        say(
            "load.peak",
            "arrivals follow a profile: the load is its highest rate, while goodput is the mean over the whole run"
                .into(),
        );
    }
    if is_closed(plan) {
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

// --- the knee and its limit -----------------------------------------------------------------------------------------

fn estimate(value: Option<f64>, lo: Option<f64>, hi: Option<f64>) -> Estimate {
    Estimate {
        value,
        lo,
        hi,
        confidence: CONFIDENCE,
    }
}

/// Share of its bound above which a resource counts as what breaks first.
const NEAR: f64 = 0.85;

impl Knee {
    /// If no measured resource is near its limit, names the bound's resource, provided the knee is near the bound.
    fn near_to(mut self, bound: Option<&Bound>) -> Knee {
        let near = bound.filter(|b| self.knee_per_s.value.is_some_and(|knee| knee >= NEAR * b.rate_per_s));
        if let (Some(limit), Some(bound)) = (&mut self.limited_by, near) {
            limit.component.get_or_insert_with(|| bound.component.clone());
        }
        self
    }

    /// Caps the knee at the sustainable multiple of the present load, even if runs of minutes carry more.
    pub(super) fn within(self, most: Option<f64>, plan: &Plan) -> Knee {
        let Some(most) = most else { return self };
        let most_per_s = most * plan.requests_per_s();
        let capped = |e: Estimate, most: f64| Estimate {
            value: e.value.map(|v| v.min(most)),
            lo: e.lo.map(|v| v.min(most)),
            hi: e.hi.map(|v| v.min(most)),
            ..e
        };
        match self.verdict {
            Verdict::Found => Knee {
                knee_ratio: capped(self.knee_ratio, most),
                knee_per_s: capped(self.knee_per_s, most_per_s),
                ..self
            },
            // A `burst` that lasts longer than the runs.
            Verdict::EveryLoad => {
                let exactly = |value: f64| estimate(Some(value), Some(value), Some(value));
                Knee {
                    verdict: Verdict::Found,
                    knee_ratio: exactly(most),
                    knee_per_s: exactly(most_per_s),
                    limited_by: Some(Limit {
                        objective: promise(plan).map_or(STABILITY.into(), |o| o.name.clone()),
                        component: None,
                    }),
                }
            }
            Verdict::NoLoad => self,
        }
    }
}

/// The knee among the loads tried.
pub(super) fn knee_of(plan: &Plan, trials: &[Trial]) -> Knee {
    let readings: Vec<Reading> = trials.iter().map(|t| t.reading).collect();
    let at = |line: Line| knee::crossing(&readings, line);
    // Closed sources have whole users: take the last whole number.
    let whole = |at: f64| {
        let users = plan.users().map(|now| (libm::exp(at) * f64::from(now) + 1e-9) as u32);
        in_users(plan, users.map(|users| users.max(1))).unwrap_or(at)
    };
    let place = |crossing: Option<Crossing>| match crossing {
        Some(Crossing::Between(_, _, at)) => Some(whole(at)),
        _ => None,
    };
    let rate = |at: f64| rate_at(trials, at);
    let (verdict, ratio) = match at(Line::Value) {
        Some(Crossing::Between(_, _, value)) => (
            Verdict::Found,
            estimate(Some(whole(value)), place(at(Line::Upper)), place(at(Line::Lower))),
        ),
        Some(Crossing::Beyond(most)) => (Verdict::EveryLoad, estimate(None, Some(most), None)),
        Some(Crossing::Before(least)) => (Verdict::NoLoad, estimate(None, None, Some(least))),
        None => (Verdict::NoLoad, Estimate::default()),
    };
    // At their limit, more users do not ask more often; noise may even order the rates the other way.
    let each = |e: Estimate, f: &dyn Fn(f64) -> f64| {
        let (value, lo, hi) = (e.value.map(f), e.lo.map(f), e.hi.map(f));
        let both = |bound: Option<f64>, least: fn(f64, f64) -> f64| bound.map(|b| value.map_or(b, |v| least(b, v)));
        estimate(value, both(lo, f64::min), both(hi, f64::max))
    };
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

/// The load at a position between two trials.
fn rate_at(trials: &[Trial], at: f64) -> f64 {
    let above = trials
        .partition_point(|t| t.reading.at < at)
        .clamp(1, trials.len().max(2) - 1);
    let (Some(a), Some(b)) = (trials.get(above - 1), trials.get(above)) else {
        return trials.first().map_or(0.0, |t| t.rate_per_s);
    };
    let between = b.factor() - a.factor();
    let part = if between > 0.0 {
        (libm::exp(at) - a.factor()) / between
    } else {
        0.0
    };
    a.rate_per_s + part * (b.rate_per_s - a.rate_per_s)
}

fn limit(plan: &Plan, trial: &Trial) -> Limit {
    let objective = plan.slo.get(trial.worst);
    let is_latency = objective.is_some_and(|o| matches!(o.measure, Measure::Latency(_)));
    Limit {
        objective: objective.map_or(STABILITY.into(), |o| o.name.clone()),
        component: blame(plan, &trial.run, !is_latency),
    }
}

/// The trial nearest to the knee.
fn nearest<'t>(trials: &'t [Trial], knee: &Knee) -> Option<&'t Trial> {
    let at = libm::log(knee.knee_ratio.value.filter(|v| *v > 0.0).unwrap_or(1.0));
    let distance = |t: &&Trial| libm::fabs(t.reading.at - at);
    trials.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))
}
