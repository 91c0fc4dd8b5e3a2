//! Which changes of the scenario help, and how much: each candidate is simulated and priced against the scenario as it
//! stands.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::judge::Judge;
use super::lab::{Lab, Runs};
use super::question::{Effect, Loss, Question, TimesWanted};
use super::{Before, Fix, Priced, Relief, Spof, Verdict, single_points};
use crate::analysis::reliability::{self, Life};
use crate::base::dist::Dist;
use crate::base::time::Span;
use crate::model::structure::used;
use crate::scenario::Loaded;
use crate::scenario::fix::{Candidate, candidates};
use crate::scenario::plan::{Component, Monitoring, Plan};
use crate::study::{Count, Failure};

/// Most replications of a change. It meets the same arrivals and demands as the scenario, so few are enough.
const REPLICATIONS: u32 = 3;
/// Smallest saving worth a change: in minutes per year, or as a share of requests if there is no price.
const NOTICEABLE_MIN: f64 = 0.1;
const NOTICEABLE_SHARE: f64 = 0.01;
/// The same for transient loss, in seconds of all requests, if there is no price.
const NOTICEABLE_S: f64 = 0.5;
/// Price in minutes per year above which a component is looked at even if its loss cuts nothing.
const COSTLY_MIN: f64 = 1.0;
/// Without monitoring, time until users report an outage.
const UNNOTICED: Span = Span::from_millis(30 * 60 * 1000);

/// A candidate, its plan, and the losses to compare.
struct Attempt<'c> {
    candidate: &'c Candidate,
    plan: Plan,
    /// Losses of the original scenario it may change, by index in that question.
    before: Vec<usize>,
    /// The components whose loss is priced after the change.
    after: Vec<usize>,
}

/// Tries every candidate for the ailing components and adds those that help to the answer. False if interrupted.
///
/// # Errors
/// See [`Failure`].
pub fn remedies(loaded: &Loaded, before: &Before<'_>, spof: &mut Spof, lab: &mut Lab<'_>) -> Result<bool, Failure> {
    if lab.stopped() {
        return Ok(false);
    }
    let ails = |p: &&Priced| {
        p.verdict != Verdict::None || !p.recovers || p.downtime_min_per_year.is_some_and(|m| m >= COSTLY_MIN)
    };
    let names: BTreeSet<&str> = spof.components.iter().filter(ails).map(|p| p.name.as_str()).collect();
    let components = &loaded.plan.components;
    let ailing: Vec<&Component> = components.iter().filter(|c| names.contains(c.name.as_str())).collect();
    let all = candidates(loaded, &ailing);
    let replications = before.replications().min(REPLICATIONS);
    let attempts: Vec<Attempt<'_>> = all.iter().filter_map(|c| attempt(loaded, before, c)).collect();
    let mut questions: Vec<Question<'_>> = attempts.iter().map(|a| question(a, lab.wish)).collect();
    let plans: Vec<Plan> = questions.iter().flat_map(|q| q.plans.clone()).collect();
    let mut runs = lab.run("fixes", &plans, Count::Fixed(replications))?;
    if lab.stopped() {
        return Ok(false);
    }
    let first = before.runs.first(replications);
    let (mut fixes, mut eased) = (Vec::new(), Vec::new());
    for (attempt, question) in attempts.iter().zip(&mut questions) {
        let own = runs.take(question.plans.len());
        question.wait_for_growth(&own);
        if let Some((fix, of)) = judged(attempt, question, &own, before, &first) {
            fixes.push(fix);
            eased.extend(of);
        }
    }
    fixes.extend(
        all.iter()
            .find(|c| c.is_monitoring())
            .and_then(|c| told(c, loaded, before)),
    );
    let in_passing = |f: &Fix| f.relief.as_ref().map_or(0.0, |r| r.lost_s);
    fixes.sort_by(|a, b| {
        // Fixes compared with something other than the scenario come last.
        let by_worth = a
            .against
            .is_some()
            .cmp(&b.against.is_some())
            .then(worth(b).total_cmp(&worth(a)));
        let by_passing = in_passing(b).total_cmp(&in_passing(a));
        by_worth.then(by_passing).then(a.id.cmp(&b.id))
    });
    for priced in &mut spof.components {
        let own = eased.iter().filter(|e| e.component == priced.name);
        let best = own.max_by(|a, b| a.saved.partial_cmp(&b.saved).unwrap_or(Ordering::Equal));
        priced.fix = best.and_then(|e| fixes.iter().find(|f| f.id == e.fix)).cloned();
    }
    spof.fixes = fixes;
    Ok(true)
}

/// Minutes saved; without minutes, a value from the share saved that stays below any noticeable minutes.
fn worth(fix: &Fix) -> f64 {
    let share = fix.lost_saved_ratio.max(0.0) * NOTICEABLE_MIN / (1.0 + fix.lost_saved_ratio.max(0.0));
    fix.downtime_saved_min_per_year.unwrap_or(0.0) + share
}

fn attempt<'c>(loaded: &Loaded, before: &Before<'_>, candidate: &'c Candidate) -> Option<Attempt<'c>> {
    if candidate.is_monitoring() {
        return None;
    }
    // A change the scenario cannot take is not offered.
    let plan = candidate.load(&loaded.file).ok()?.plan;
    let old = &loaded.plan;
    // Without a lifetime there is no price; such a component is included only if the change is meant for it.
    let lives = reliability::lives(&plan);
    let has_price = |name: &str| {
        plan.components
            .iter()
            .zip(&lives)
            .any(|(c, l)| c.name == name && l.is_some())
    };
    let concerned = |c: &Component| {
        let is_touched = || has_price(&c.name) && candidate.touches.iter().any(|n| c.takes(old, *n));
        candidate.components.contains(&c.name) || is_touched()
    };
    let losses = before.question.losses.iter().enumerate();
    let concerns = |loss: &Loss| match (loss.parts.as_slice(), loss.effect) {
        (&[part], Effect::Crash) => concerned(&old.components[part]),
        _ => false,
    };
    let priced: Vec<usize> = losses.filter(|(_, l)| concerns(l)).map(|(i, _)| i).collect();
    let used = used(&plan);
    let is_new = |name: &str| has_price(name) && !old.components.iter().any(|c| c.name == name);
    let still = |name: &str| old.components.iter().any(|c| c.name == name && concerned(c));
    let after = (0..plan.components.len()).filter(|c| used[*c]);
    let after = after.filter(|c| is_new(&plan.components[*c].name) || still(&plan.components[*c].name));
    let after = after.collect();
    Some(Attempt {
        candidate,
        plan,
        before: priced,
        after,
    })
}

fn question<'a>(attempt: &'a Attempt<'_>, wish: TimesWanted) -> Question<'a> {
    let loss = |c: &usize| Loss {
        parts: vec![*c],
        effect: Effect::Crash,
    };
    Question::of(&attempt.plan, attempt.after.iter().map(loss).collect(), wish)
}

/// What a change saves for one component, by priority: minutes per year, steady-state loss, transient loss in seconds.
/// Zero if not noticeable.
struct Eased {
    component: String,
    fix: String,
    saved: [f64; 3],
}

/// What the change saves; `None` if nothing.
fn judged(
    attempt: &Attempt<'_>,
    question: &Question<'_>,
    runs: &Runs,
    before: &Before<'_>,
    first: &Runs,
) -> Option<(Fix, Vec<Eased>)> {
    let lives = reliability::lives(&attempt.plan);
    let after = Judge {
        question,
        runs,
        lives: &lives,
    };
    let was = Judge {
        question: &before.question,
        runs: first,
        lives: &before.lives,
    };
    let sum = |judge: &Judge<'_>, losses: &[usize]| {
        let known: Vec<f64> = losses.iter().filter_map(|l| judge.cost(*l)).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>())
    };
    let all: Vec<usize> = (0..question.losses.len()).collect();
    let (old, new) = (sum(&was, &attempt.before), sum(&after, &all).unwrap_or(0.0));
    let less = |component: &String, what: fn(&Judge<'_>, usize) -> f64| {
        let lost = |judge: &Judge<'_>, losses: &[usize]| {
            let its = losses.iter().filter(|l| judge.name(**l) == component);
            its.map(|l| what(judge, *l)).sum::<f64>()
        };
        lost(&was, &attempt.before) - lost(&after, &all)
    };
    let relief = |component: &String| Relief {
        component: component.clone(),
        lost_ratio: less(component, |judge, loss| judge.excess(loss)),
        lost_s: less(component, |judge, loss| judge.in_passing_s(loss)),
    };
    let eased = |component: &String| {
        let Relief { lost_ratio, lost_s, .. } = relief(component);
        let minutes = less(component, |judge, loss| judge.cost(loss).unwrap_or(0.0));
        let shows = [
            (minutes, NOTICEABLE_MIN),
            (lost_ratio, NOTICEABLE_SHARE),
            (lost_s, NOTICEABLE_S),
        ];
        let saved = shows.map(|(saved, least)| if saved > least { saved } else { 0.0 });
        (minutes > -NOTICEABLE_MIN && saved != [0.0; 3]).then(|| Eased {
            component: component.clone(),
            fix: attempt.candidate.id.clone(),
            saved,
        })
    };
    // Priced components count by price: a third server lowers each loss but also adds failures.
    let is_unpriced = |component: &&String| {
        let mut its = attempt.before.iter().filter(|l| was.name(**l) == *component);
        its.any(|l| was.cost(*l).is_none())
    };
    let reliefs: Vec<Relief> = attempt
        .candidate
        .components
        .iter()
        .filter(is_unpriced)
        .map(relief)
        .collect();
    let lost_saved_ratio = reliefs.iter().map(|r| r.lost_ratio).sum::<f64>();
    let more = |a: &&Relief, b: &&Relief| {
        let by_share = a.lost_ratio.total_cmp(&b.lost_ratio);
        by_share.then(a.lost_s.total_cmp(&b.lost_s))
    };
    let most = reliefs.iter().max_by(more).cloned();
    // The few replications give the share saved; the price itself comes from all replications.
    let price = Judge {
        runs: &before.runs,
        ..was
    };
    let price_min = sum(&price, &attempt.before);
    let saved = old.zip(price_min).map(|(old, price)| match old > 0.0 {
        true => price * (1.0 - new / old),
        false => -new,
    });
    // Less than a hundredth of the price is noise of the few replications.
    let noticeable = NOTICEABLE_MIN.max(price_min.unwrap_or(0.0) * 0.01);
    let helps = match saved {
        Some(saved) if saved.abs() >= noticeable => saved > 0.0,
        _ if lost_saved_ratio.abs() > NOTICEABLE_SHARE => lost_saved_ratio > 0.0,
        _ => most.as_ref().is_some_and(|r| r.lost_s > NOTICEABLE_S),
    };
    let fix = || Fix {
        downtime_saved_min_per_year: saved,
        lost_saved_ratio,
        relief: most.clone(),
        ..of(attempt.candidate)
    };
    helps.then(|| (fix(), attempt.candidate.components.iter().filter_map(eased).collect()))
}

fn of(candidate: &Candidate) -> Fix {
    Fix {
        id: candidate.id.clone(),
        change: candidate.change.clone(),
        components: candidate.components.clone(),
        downtime_saved_min_per_year: None,
        lost_saved_ratio: 0.0,
        relief: None,
        against: None,
    }
}

/// The saving of monitoring: the same losses, noticed earlier.
fn told(candidate: &Candidate, loaded: &Loaded, before: &Before<'_>) -> Option<Fix> {
    let with = |monitoring: Monitoring| {
        let plan = Plan {
            monitoring,
            ..loaded.plan.clone()
        };
        reliability::lives(&plan)
    };
    let (unwatched, against) = match &loaded.plan.monitoring {
        Monitoring::None { notice } => {
            let after = notice.mean_s().unwrap_or(0.0) / 60.0;
            let says = format!("being noticed after {after:.0} min, as the scenario says");
            (loaded.plan.monitoring.clone(), says)
        }
        _ => {
            let notice = Dist::Constant(UNNOTICED);
            (Monitoring::None { notice }, "being noticed after 30 min".to_owned())
        }
    };
    let watched = candidate.load(&loaded.file).ok()?.plan.monitoring;
    let total = |lives: &[Option<Life>]| {
        let judge = Judge {
            question: &before.question,
            runs: &before.runs,
            lives,
        };
        let single = |l: &usize| before.question.losses[*l].parts.len() == 1;
        let losses = (0..before.question.losses.len()).filter(single);
        let known: Vec<f64> = losses.filter_map(|l| judge.cost(l)).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>())
    };
    let saved = total(&with(unwatched))? - total(&with(watched))?;
    (saved >= NOTICEABLE_MIN).then(|| Fix {
        downtime_saved_min_per_year: Some(saved),
        against: Some(against),
        ..of(candidate)
    })
}

/// Why a change cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum NoFix {
    /// There is none of this name.
    #[error("there is no fix {id:?} for this scenario; there are: {known}")]
    Unknown {
        /// As asked for.
        id: String,
        /// The available ones.
        known: String,
    },
    /// The result is not a valid scenario.
    #[error("{0} does not suit this scenario: {1}")]
    Unfit(String, crate::scenario::problem::Problems),
}

/// The scenario after these changes, in order; each is looked up in the scenario as changed so far.
///
/// # Errors
/// If there is no such change.
pub fn apply(loaded: Loaded, ids: &[String]) -> Result<serde_json::Value, NoFix> {
    let mut loaded = loaded;
    for id in ids {
        // Single points of failure first: a change for several components is named after the first.
        let points = single_points(&loaded.plan);
        let used = used(&loaded.plan);
        let is_point = |c: &&Component| points.iter().any(|p| p.component == c.name);
        let (first, rest): (Vec<&Component>, Vec<&Component>) = {
            let components = loaded.plan.components.iter().zip(&used).filter(|(_, used)| **used);
            components.map(|(c, _)| c).partition(is_point)
        };
        let all: Vec<&Component> = first.into_iter().chain(rest).collect();
        let found = candidates(&loaded, &all);
        let Some(candidate) = found.iter().find(|c| c.id == *id) else {
            let known: Vec<&str> = found.iter().map(|c| c.id.as_str()).collect();
            return Err(NoFix::Unknown {
                id: id.clone(),
                known: known.join(", "),
            });
        };
        loaded = candidate.load(&loaded.file).map_err(|p| NoFix::Unfit(id.clone(), p))?;
    }
    Ok(loaded.typed())
}
