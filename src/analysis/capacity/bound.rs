//! What is known before any simulation (the operational law), and which component a measured knee is blamed on.

use super::Bound;
use crate::analysis::result::{Estimate, Ordered, Run};
use crate::base::ids::NodeId;
use crate::scenario::plan::Plan;
use crate::scenario::review::{Bottleneck, bottleneck};

/// The bottleneck: the multiple of the present load it can carry, the resource, and whether that limit is firm.
pub fn bound(plan: &Plan, lost: &[NodeId]) -> Option<(f64, Bound, bool)> {
    let Bottleneck { used, is_firm } = bottleneck(plan, &|node| lost.contains(&node))?;
    let times = 1.0 / used.ratio();
    let bound = Bound {
        rate_per_s: times * plan.requests_per_s(),
        resource: used.what.all().into(),
        component: used.component,
    };
    Some((times, bound, is_firm))
}

/// Utilization of everything that has a limit.
pub fn utilization(run: &Run) -> Ordered<Estimate> {
    let hosts = run.hosts.iter().map(|(name, host)| (name, host.cpu_ratio));
    let nodes = run.nodes.iter().map(|(name, node)| (name, node.utilization_ratio));
    let limited = hosts.chain(nodes).filter(|(_, busy)| busy.value.is_some());
    Ordered(limited.map(|(name, busy)| (name.to_owned(), busy)).collect())
}

/// Utilization from which a resource can be blamed.
const BUSY: f64 = 0.6;
/// A host whose utilization is within this of its busy workers' is the cause: workers that wait for its cores look
/// busy.
const NEAR: f64 = 0.2;
/// Share of refused calls from which a node is blamed first.
const TURNS_AWAY: f64 = 0.001;

/// The component with least headroom: one that refuses calls, if `refusals` matter; otherwise the busiest resource,
/// where a host goes before what runs on it.
pub fn blame(plan: &Plan, run: &Run, refusals: bool) -> Option<String> {
    let cpu = |host: usize| {
        let named = run.hosts.get(&plan.hosts[host].name);
        named.and_then(|h| h.cpu_ratio.value).unwrap_or(0.0)
    };
    let nodes = plan.nodes.iter().zip(run.nodes.iter());
    let resource = |(node, (name, result)): (
        &crate::scenario::plan::Node,
        (&str, &crate::analysis::result::NodeResult),
    )| {
        let host = node.host.index();
        let refused = result.refused as f64 / result.arrived.max(1) as f64;
        let workers = result.utilization_ratio.value.unwrap_or(0.0);
        // What is down refuses everything, and limits nothing.
        let is_up = result.up_ratio.value.is_none_or(|up| up > 0.0);
        let pressure = workers
            + if refusals && is_up && refused > TURNS_AWAY {
                1.0
            } else {
                0.0
            };
        // A host nearly as busy as the node on it is the cause.
        match cpu(host) > BUSY && cpu(host) + NEAR >= workers {
            true => (pressure.max(cpu(host)), plan.hosts[host].name.clone()),
            false => (pressure, name.to_owned()),
        }
    };
    let hosts = (0..plan.hosts.len()).map(|h| (cpu(h), plan.hosts[h].name.clone()));
    let all = nodes.map(resource).chain(hosts);
    let worst = all.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (worst.0 > BUSY).then_some(worst.1)
}
