//! What is open to the public.

use super::{Desk, Finding, Severity, graph};
use crate::base::ids::NodeId;
use crate::scenario::plan::{Kind, Plan};

fn doors(plan: &Plan) -> Vec<NodeId> {
    graph::unique(plan.sources.iter().flat_map(|s| graph::doors(plan, s)))
}

/// The first node that a packet reaches should be a firewall.
pub fn no_firewall(desk: &Desk<'_>) -> Vec<Finding> {
    let plan = desk.plan;
    let open = doors(plan)
        .into_iter()
        .filter(|n| !matches!(plan.node(*n).kind, Kind::Firewall(_)));
    let finding = |node: NodeId| {
        let name = &plan.node(node).name;
        let message = "It stands open to the public: no firewall filters what reaches it, and none limits the rate.";
        let fix = format!(
            "nodes.firewall={{\"kind\": \"firewall\", \"to\": \"{name}\"}} and let clients or DNS lead there; for a \
             pair, one firewall on each host with a virtual-ip over both"
        );
        Finding::new("security.no-firewall", Severity::Critical, name, message, fix)
    };
    open.map(finding).collect()
}

/// The node that terminates the clients' connections should speak TLS, or everything behind it should.
pub fn no_tls(desk: &Desk<'_>) -> Vec<Finding> {
    let plan = desk.plan;
    let ends = graph::unique(doors(plan).into_iter().flat_map(|door| behind_firewalls(plan, door)));
    let finding = |node: NodeId| {
        let name = &plan.node(node).name;
        let can_tls = matches!(plan.node(node).kind, Kind::LoadBalancer(_) | Kind::Web(_));
        let message = "It answers the public without TLS (no HTTPS): passwords and sessions travel in the clear.";
        let tls = "{\"handshake\": \"1ms\", \"resumption\": 0.8, \"resumed\": \"200us\"}";
        let fix = match can_tls {
            true => format!("nodes.{name}.tls={tls}"),
            false => format!("a web or load-balancer with tls={tls} before it"),
        };
        Finding::new("security.no-tls", Severity::Critical, name, message, fix)
    };
    ends.into_iter()
        .filter(|n| !is_encrypted(plan, *n))
        .map(finding)
        .collect()
}

fn behind_firewalls(plan: &Plan, door: NodeId) -> Vec<NodeId> {
    match &plan.node(door).kind {
        Kind::Firewall(firewall) => {
            let next = plan.members(firewall.to).into_iter();
            next.flat_map(|n| behind_firewalls(plan, n)).collect()
        }
        _ => vec![door],
    }
}

/// A balancer may pass TLS through to servers that all terminate it themselves.
fn is_encrypted(plan: &Plan, node: NodeId) -> bool {
    match &plan.node(node).kind {
        Kind::LoadBalancer(balancer) => {
            balancer.tls.is_some() || balancer.servers.iter().all(|s| is_encrypted(plan, s.node))
        }
        Kind::Web(web) => web.tls.is_some(),
        _ => false,
    }
}
