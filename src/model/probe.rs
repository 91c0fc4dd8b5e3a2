//! What a health check finds. It asks the target itself, costs nothing, and learns only what the wire would tell.

use super::context::Context;
use super::wire::Passage;
use crate::base::ids::NodeId;
use crate::base::random::unit;

/// What a health check finds.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A good answer.
    Pass,
    /// A refused connection or an error answer, at once.
    Fail,
    /// Nothing: the check lasts as long as its time-out.
    Silent,
}

/// A check of `target` by `from`, now.
pub fn probe(cx: &mut Context<'_>, from: NodeId, target: NodeId) -> Finding {
    let here = cx.host_of(from);
    let passes = matches!(cx.wire.call(here, cx.plan.node(target).host), Passage::After(_));
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
    match (
        drops > 0.0 && unit(cx.faults()) < drops,
        errors > 0.0 && unit(cx.faults()) < errors,
    ) {
        (true, _) => Finding::Silent,
        (false, true) => Finding::Fail,
        (false, false) => Finding::Pass,
    }
}

/// The chance that at least one of several independent ones comes true.
fn chance(ratios: &[f64]) -> f64 {
    1.0 - ratios.iter().map(|r| 1.0 - r).product::<f64>()
}
