//! What a health check finds. It asks the target itself, costs nothing, and learns only what the wire would tell.

use super::context::Context;
use super::wire::Passage;
use crate::base::ids::NodeId;
use crate::base::random::{Draw, mix, unit};

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

/// A check of `target` by `from`, now; `key` is this check's own.
pub fn probe(cx: &Context<'_>, from: NodeId, target: NodeId, key: u64) -> Finding {
    let (here, there) = (cx.host_of(from), cx.plan.node(target).host);
    let passes = matches!(cx.wire.call(here, there, || mix(key, 1)), Passage::After(_));
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

/// The chance that at least one of several independent ones comes true.
fn chance(ratios: &[f64]) -> f64 {
    1.0 - ratios.iter().map(|r| 1.0 - r).product::<f64>()
}
