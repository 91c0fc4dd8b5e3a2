//! Nodes with no stand-in at the entry: a second one beside them, or a host of their own.

use serde_json::{Value as Json, json};

use super::draft::Draft;
use super::{Candidate, Desk};
use crate::base::ids::NodeId;
use crate::scenario::plan::{Component, Kind, Vip};

/// From a host with more nodes than this, none is moved to a host of its own.
const CROWD: usize = 4;

/// A second one of every entry node that is lost with the component.
pub fn second(desk: &Desk<'_>, component: &Component) -> Vec<Candidate> {
    let mut draft = desk.draft();
    let mut doubled: Vec<NodeId> = Vec::new();
    let mut changes: Vec<String> = Vec::new();
    let mut host: Option<(String, Option<String>)> = None;
    for node in component.nodes(desk.plan) {
        let name = desk.name(node).to_owned();
        let typed = draft.get(&["nodes", &name, "host"]).as_str().map(str::to_owned);
        if !can_be_doubled(desk, node, &mut draft) {
            continue;
        }
        // What shares a host shares one again.
        let beside = match (&host, &typed) {
            (_, None) => None,
            (Some((old, new)), Some(typed)) if old == typed => new.clone(),
            (_, Some(typed)) => draft.copy_host(typed),
        };
        if let Some(typed) = typed {
            host = Some((typed, beside.clone()));
        }
        changes.push(double(desk, node, &name, beside.as_deref(), &mut draft));
        doubled.push(node);
    }
    let (&[first, ..], whole) = (doubled.as_slice(), doubled.len() > 1) else {
        return Vec::new();
    };
    let kind = match &desk.plan.node(first).kind {
        Kind::Dns(_) if !whole => "resolver",
        _ => "standby",
    };
    let at = if whole { &component.name } else { desk.name(first) };
    vec![desk.candidate(format!("{kind}:{at}"), changes.join("; "), component, doubled, draft)]
}

/// All its callers must accept a virtual IP, or a list of resolvers, in its place.
fn can_be_doubled(desk: &Desk<'_>, node: NodeId, draft: &mut Draft) -> bool {
    let standing = role(desk, node).is_some_and(|vip| vip.members.len() > 1);
    let entry = |e: &crate::scenario::plan::Entry| matches!(e, crate::scenario::plan::Entry::Resolvers(r) if r.len() > 1 && r.contains(&node));
    match &desk.plan.node(node).kind {
        Kind::Member(_) => false,
        Kind::Dns(_) => !desk.plan.sources.iter().any(|s| entry(&s.entry)),
        _ => !standing && !draft.is_server(desk.name(node)),
    }
}

/// The virtual IP of which a node is a member.
fn role<'d>(desk: &Desk<'d>, node: NodeId) -> Option<&'d Vip> {
    desk.plan.vips.iter().find(|vip| vip.members.contains(&node))
}

fn double(desk: &Desk<'_>, node: NodeId, name: &str, host: Option<&str>, draft: &mut Draft) -> String {
    let copy = draft.copy_node(name, host);
    let place = host.map_or_else(String::new, |h| format!(" on {h}"));
    if let Kind::Dns(_) = desk.plan.node(node).kind {
        draft.second_resolver(name, &copy);
        return format!("a second resolver, {copy}{place}, that clients ask when {name} is silent");
    }
    if let Some(vip) = role(desk, node) {
        if let Json::Array(members) = &mut draft.get(&["nodes", &vip.name, "members"]).clone() {
            members.push(copy.as_str().into());
            draft.set(&["nodes", &vip.name, "members"], Json::Array(members.clone()));
        }
        return format!("{copy}{place} as a second member of {}", vip.name);
    }
    let vip = draft.fresh(&format!("{name}-vip"));
    draft.redirect(name, &vip);
    draft.set(
        &["nodes", &vip],
        json!({ "kind": "virtual-ip", "members": [name, copy], "failover": "3s" }),
    );
    format!("{copy}{place} beside {name}, under the virtual IP {vip}")
}

/// Moves what shares a host to a host of its own.
pub fn moved(desk: &Desk<'_>, component: &Component) -> Vec<Candidate> {
    let nodes = component.nodes(desk.plan);
    if !component.is_machine() || !(2..=CROWD).contains(&nodes.len()) {
        return Vec::new();
    }
    let moved = |node: &NodeId| {
        let mut draft = desk.draft();
        let name = desk.name(*node);
        // A database member is elsewhere in the file.
        draft.get(&["nodes", name]).as_object()?;
        let mut host = draft.get(&["hosts", &component.name]).clone();
        host.as_object_mut()?.remove("address");
        let new = draft.fresh(&format!("{name}-host"));
        draft.set(&["hosts", &new], host);
        draft.set(&["nodes", name, "host"], new.as_str().into());
        let change = format!("{name} on a host of its own, {new}");
        Some(desk.candidate(format!("move:{name}"), change, component, nodes.clone(), draft))
    };
    nodes.iter().filter_map(moved).collect()
}
