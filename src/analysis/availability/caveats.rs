//! Caveats to an answer.

use super::*;
use crate::analysis::spof::{LOAD_VARIES, listed, still_growing, unwatched, waits_for_ever};
use crate::base::ids::NodeId;
use crate::model::structure::used;
use crate::scenario::plan::{Hit, Promotion};

/// All caveats. `ages`: whether any component ages; `is_short`: whether the horizon is too short for the long run.
pub fn of(account: &Account<'_>, found: &Availability, (ages, is_short): (bool, bool)) -> Vec<Caveat> {
    let mut all = Vec::new();
    let plan = account.plan;
    let lost_min = found.downtime_min_per_year.value.unwrap_or(0.0);
    let without: Vec<String> = immortal(plan, account.mortals);
    if !without.is_empty() {
        all.push(caveat(
            "lifetime.some",
            format!("taken as never failing, for want of a `lifetime`: {}", listed(&without)),
        ));
    }
    if plan.monitoring == Monitoring::Unsaid {
        all.push(caveat(
            "monitoring.unsaid",
            "`monitoring` is not given: every failure is taken as noticed at once, so repair is all that downtime has",
        ));
    }
    if plan.is_timed() {
        all.push(caveat("load.varies", LOAD_VARIES));
    }
    all.extend(unwatched(plan));
    if !found.unused.is_empty() {
        all.push(caveat(
            "unused",
            format!("nothing uses {}, so its failures cost nothing", listed(&found.unused)),
        ));
    }
    let unseen_min = account.prices.unseen(None) * YEAR_MIN;
    if unseen_min > 0.1 * lost_min {
        let offered = account.prices.everything_up(None).0;
        all.push(caveat("load.unseen", format!(
            "with everything up none of {offered:.0} simulated requests was lost, which cannot tell {unseen_min:.1} min a year from nothing: the value takes it for nothing, the interval reaches to that; more replications narrow it"
        )));
    }
    let rests_min = found.states.by_rule_min_per_year + found.states.unexplored_min_per_year;
    if rests_min > 0.1 * lost_min {
        all.push(caveat(
            "states.by_rule",
            format!(
                "states with several components down that were not simulated may add up to {rests_min:.1} min a year"
            ),
        ));
    }
    let moving = moving_roles(plan, account.mortals);
    if !moving.is_empty() {
        all.push(caveat("role.moves", format!(
            "{}: after a fail-over the role stays where it went, and here every failure is priced as if it had gone back; since the members fail differently often, or age, that is too much or too little"
            , listed(&moving)
        )));
    }
    if ages {
        all.push(caveat("lifetime.ages", "some lifetimes are not exponential: periods start with everything new and were drawn one by one; `structural` is about the long run"));
    }
    if is_short && !ages {
        all.push(caveat("horizon.short", "the horizon is short beside the times to failure and repair: periods start with everything new and were drawn one by one; `structural` is about the long run"));
    }
    if plan.repairs_wait() {
        all.push(caveat("repair.waits", "`repair_crews` are fewer than what can fail: periods were drawn one by one, with repairs that wait for each other"));
    }
    let named = |is_so: &dyn Fn(usize) -> bool| {
        let lives = (0..account.mortals.len()).filter(|life| is_so(*life));
        let mut names: Vec<String> = lives
            .map(|life| plan.components[account.mortals[life].part].name.clone())
            .collect();
        names.dedup();
        names
    };
    let left = named(&|life| account.prices.leaves_stuck(life));
    if !left.is_empty() {
        all.push(caveat("waits.forever", waits_for_ever(&left)));
    }
    let growing = named(&|life| account.prices.still_grows(life));
    if !growing.is_empty() {
        all.push(caveat("state.grows", still_growing(&growing)));
    }
    let stuck = named(&|life| account.prices.stays_down(life));
    if !stuck.is_empty() {
        all.push(caveat("recovers.not", format!(
            "after the repair of {} requests are still lost when the simulation ends: what is lost then is not in the numbers", listed(&stuck)
        )));
    }
    all
}

/// One caveat.
pub fn caveat(code: &str, message: impl Into<String>) -> Caveat {
    Caveat {
        code: code.into(),
        message: message.into(),
    }
}

/// Virtual IPs and databases that stay where a fail-over moved them, while their members fail at different rates, or age.
/// If members age, the one that takes over may soon fail too.
fn moving_roles(plan: &Plan, mortals: &[Mortal]) -> Vec<String> {
    let stays = plan.vips.iter().filter(|v| !v.preempt).map(|v| (&v.name, &v.members));
    let promoted = plan
        .databases
        .iter()
        .filter(|d| matches!(d.failover, Promotion::Automatic { .. }));
    let roles = stays.chain(promoted.map(|d| (&d.name, &d.members)));
    let takes = |m: &Mortal, node: NodeId| plan.components[m.part].takes(plan, node);
    let per_s = |node: NodeId| {
        let its = mortals.iter().filter(|m| takes(m, node));
        its.filter_map(|m| Some(1.0 / m.means?.up_s)).sum::<f64>()
    };
    // What takes all members at once leaves nobody to move to.
    let ages = |members: &[NodeId]| {
        let some = |m: &Mortal| members.iter().any(|n| takes(m, *n)) && !members.iter().all(|n| takes(m, *n));
        mortals.iter().any(|m| !m.planned && !m.ageless && some(m))
    };
    let differ = |members: &[NodeId]| {
        let rates = members.iter().map(|m| per_s(*m));
        let (least, most) = rates.fold((f64::INFINITY, 0.0), |(a, b): (f64, f64), r| (a.min(r), b.max(r)));
        members.len() > 1 && (most > 1.5 * least || ages(members))
    };
    roles
        .filter(|(_, members)| differ(members))
        .map(|(name, _)| name.clone())
        .collect()
}

/// Used components that can fail but have no lifetime, nor a host with one; links are not considered.
fn immortal(plan: &Plan, mortals: &[Mortal]) -> Vec<String> {
    let used = used(plan);
    let takes = |hit: &Hit| mortals.iter().any(|m| plan.components[m.part].hits.contains(hit));
    let dies = |hit: &Hit| match hit {
        Hit::CrashNode(node) => takes(hit) || takes(&Hit::CrashHost(plan.node(*node).host)),
        Hit::CutLink(_) => true,
        _ => takes(hit),
    };
    let stays = plan.components.iter().zip(used);
    let stays = stays.filter(|(component, used)| *used && !component.hits.iter().all(dies));
    stays.map(|(component, _)| component.name.clone()).collect()
}
