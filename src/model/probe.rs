//! What a health check finds. A probe looks at the target's state directly, costs nothing, and learns only what the
//! wire would reveal.

use super::context::Context;
use super::wire::{Message, Passage};
use crate::base::ids::NodeId;
use crate::base::random::{Draw, mix, unit};
use crate::scenario::plan::{Kind, Target};

/// What a health check finds.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A good answer.
    Pass,
    /// A refused connection or an error answer, at once.
    Fail,
    /// No response: the check lasts until its time-out.
    Silent,
}

/// Checks `target` from `from`, now; `key` is unique to this check. A `deep` check also covers what is behind the
/// target, like a page that uses the whole chain.
pub fn probe(cx: &Context<'_>, from: NodeId, target: NodeId, key: u64, deep: bool) -> Finding {
    let found = ask(cx, from, target, key);
    if deep && found == Finding::Pass {
        behind(cx, target, mix(key, 2))
    } else {
        found
    }
}

/// The result of a page that uses everything `node` needs: one of its servers, upstreams or readable members, and every
/// node it calls.
fn behind(cx: &Context<'_>, node: NodeId, key: u64) -> Finding {
    // Keyed by position in the lists, so that other nodes of the scenario change nothing.
    let ask = |place: u64, asked: NodeId| probe(cx, node, asked, mix(key, place), true);
    let one_of = |nodes: &mut dyn Iterator<Item = NodeId>| {
        let found: Vec<Finding> = nodes.enumerate().map(|(i, n)| ask(i as u64, n)).collect();
        let worst = if found.contains(&Finding::Silent) {
            Finding::Silent
        } else {
            Finding::Fail
        };
        match found.contains(&Finding::Pass) || found.is_empty() {
            true => Finding::Pass,
            false => worst,
        }
    };
    // Keys for calls are disjoint from those for members.
    let called =
        |(place, target): (usize, &Target)| ask(1 << 32 | place as u64, cx.directory.resolve(cx.plan, *target));
    match &cx.plan.node(node).kind {
        Kind::LoadBalancer(lb) => one_of(&mut lb.servers.iter().map(|s| s.node)),
        Kind::Web(web) => one_of(&mut web.upstreams.iter().map(|u| u.node)),
        Kind::Firewall(firewall) => called((0, &firewall.to)),
        Kind::App(app) => {
            let members = app.database.iter().flat_map(|d| &cx.plan.databases[d.index()].members);
            let database = one_of(&mut members.copied());
            let all = app.calls.iter().enumerate().map(called).chain([database]);
            all.into_iter().find(|f| *f != Finding::Pass).unwrap_or(Finding::Pass)
        }
        Kind::Dns(_) | Kind::Member(_) => Finding::Pass,
    }
}

/// Checks one node alone.
fn ask(cx: &Context<'_>, from: NodeId, target: NodeId, key: u64) -> Finding {
    let (here, there) = (cx.host_of(from), cx.plan.node(target).host);
    // Both ways: a connection needs an answer too.
    let arrives = matches!(
        cx.wire.call(here, there, || Message::light(mix(key, 1))),
        Passage::After(_)
    );
    let passes = arrives && !cx.wire.is_cut(Some(there), here);
    if !passes || !cx.machine_is_up(target) {
        return Finding::Silent;
    }
    if !cx.is_up(target) {
        return Finding::Fail;
    }
    if cx.hangs(target) {
        return Finding::Silent;
    }
    let condition = &cx.conditions[target.index()];
    let (drops, errors) = (chance(&condition.drops), chance(&condition.errors));
    let mut draw = Draw::keyed(key);
    match (unit(&mut draw) < drops, unit(&mut draw) < errors) {
        (true, _) => Finding::Silent,
        (false, true) => Finding::Fail,
        (false, false) => Finding::Pass,
    }
}

/// The probability that at least one of several independent events occurs.
fn chance(ratios: &[f64]) -> f64 {
    1.0 - ratios.iter().map(|r| 1.0 - r).product::<f64>()
}
