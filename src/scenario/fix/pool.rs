//! Balancers: one more server, and better detection of dead ones.

use serde_json::json;

use super::{Candidate, Desk};
use crate::base::ids::NodeId;
use crate::scenario::plan::{Component, Kind, LoadBalancer};

/// With more servers than this, one more changes little.
const MANY: usize = 8;

/// The balancers that have some of the component's nodes behind them.
fn above<'d>(desk: &'d Desk<'_>, component: &Component) -> Vec<(NodeId, &'d LoadBalancer)> {
    let struck = component.nodes(desk.plan);
    let of = |(i, node): (usize, &'d crate::scenario::plan::Node)| match &node.kind {
        Kind::LoadBalancer(balancer) => Some((NodeId::new(i), balancer)),
        _ => None,
    };
    let is_above = |(node, _): &(NodeId, &LoadBalancer)| {
        let behind = desk.plan.behind(vec![*node]);
        struck
            .iter()
            .any(|s| s != node && behind.contains(s) && !matches!(desk.plan.node(*s).kind, Kind::Member(_)))
    };
    desk.plan
        .nodes
        .iter()
        .enumerate()
        .filter_map(of)
        .filter(is_above)
        .collect()
}

/// One more server, a copy of the first one, with what that uses on its own host.
pub fn another(desk: &Desk<'_>, component: &Component) -> Vec<Candidate> {
    let more = |(node, balancer): (NodeId, &LoadBalancer)| {
        let server = balancer
            .servers
            .iter()
            .find(|s| !s.backup)
            .filter(|_| balancer.servers.len() <= MANY)?
            .node;
        let name = desk.name(server);
        let mut draft = desk.draft();
        let host = draft.get(&["nodes", name, "host"]).as_str().map(str::to_owned);
        let copied = host.as_deref().and_then(|h| draft.copy_host(h));
        let copy = draft.copy_node(name, copied.as_deref());
        let is_web = matches!(desk.plan.node(server).kind, Kind::Web(_));
        for upstream in desk.plan.asks(server).into_iter().filter(|_| is_web) {
            let here = desk.plan.node(upstream).host == desk.plan.node(server).host;
            if here && let Kind::App(_) = desk.plan.node(upstream).kind {
                let beside = draft.copy_node(desk.name(upstream), copied.as_deref());
                draft.swap_upstream(&copy, desk.name(upstream), &beside);
            }
        }
        draft.second_server(name, &copy);
        let place = copied.map_or_else(String::new, |h| format!(" on {h}"));
        let id = format!("server:{}", desk.name(node));
        let change = format!("another server, {copy}{place}, as {name} is");
        let touches = desk.plan.behind(vec![node]).into_iter().collect();
        Some(desk.candidate(id, change, component, touches, draft))
    };
    above(desk, component).into_iter().filter_map(more).take(1).collect()
}

/// Health checks, deep checks, and `redispatch` for a request whose server is dead.
pub fn checks(desk: &Desk<'_>, component: &Component) -> Vec<Candidate> {
    let balancers = above(desk, component);
    let mut found = Vec::new();
    let mut each =
        |kind: &str, what: &str, edits: &[(&[&str], serde_json::Value)], wants: &dyn Fn(&LoadBalancer) -> bool| {
            let mut draft = desk.draft();
            let wanting: Vec<NodeId> = balancers.iter().filter(|(_, b)| wants(b)).map(|(n, _)| *n).collect();
            for node in &wanting {
                for (key, value) in edits {
                    let mut path = vec!["nodes", desk.name(*node)];
                    path.extend(*key);
                    draft.set(&path, value.clone());
                }
            }
            if wanting.is_empty() {
                return;
            }
            let names: Vec<&str> = wanting.iter().map(|n| desk.name(*n)).collect();
            let behind = desk.plan.behind(wanting.clone()).into_iter();
            let touches = behind.filter(|n| !wanting.contains(n)).collect();
            let change = format!("{}: {what}", names.join(", "));
            found.push(desk.candidate(format!("{kind}:{}", names.join("+")), change, component, touches, draft));
        };
    let check = json!({ "inter": "2s", "fall": 3, "rise": 2 });
    let deep = json!({ "inter": "2s", "fall": 3, "rise": 2, "deep": true });
    each("check", "health checks every 2 s", &[(&["check"], check)], &|b| {
        b.check.is_none()
    });
    let says = "health checks that ask for a page of the application";
    each("deep-check", says, &[(&["check"], deep)], &|b| b.check.is_none());
    let says = "health checks that see what stands behind a server (`deep`)";
    each("deep-check", says, &[(&["check", "deep"], true.into())], &|b| {
        b.check.as_ref().is_some_and(|c| !c.deep)
    });
    let says = "`redispatch`, so that a retry goes to another server";
    let edits: [(&[&str], _); 1] = [(&["redispatch"], true.into())];
    each("redispatch", says, &edits, &|b| {
        !b.redispatch && b.retries > 0 && b.servers.len() > 1
    });
    let says = "`retries` 3 and `redispatch`, so that a retry goes to another server";
    let edits: [(&[&str], _); 2] = [(&["redispatch"], true.into()), (&["retries"], 3.into())];
    each("redispatch", says, &edits, &|b| b.retries == 0 && b.servers.len() > 1);
    found
}
