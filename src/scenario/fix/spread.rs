//! Spreads stand-ins over zones and out of reach of a common cause.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{Candidate, Desk};
use crate::base::ids::{HostId, NodeId};
use crate::scenario::plan::{Component, ComponentKind};

/// Moves every second host of a kind in the zone to another zone.
pub fn zone(desk: &Desk<'_>, component: &Component) -> Vec<Candidate> {
    if component.kind != ComponentKind::Zone {
        return Vec::new();
    }
    let mut draft = desk.draft();
    let zone = component.name.as_str();
    let other = draft.other_zone(zone).unwrap_or_else(|| {
        let new = draft.second(zone);
        let declared = draft.get(&["zones", zone]).clone();
        if !declared.is_null() {
            draft.set(&["zones", &new], declared);
        }
        new
    });
    // Hosts that carry the same kinds of nodes stand in for each other.
    let mut seen: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    let mut moved: Vec<&str> = Vec::new();
    for (i, host) in desk.plan.hosts.iter().enumerate() {
        if host.zone.is_none_or(|z| desk.plan.zones[z.index()].name != zone) {
            continue;
        }
        let kinds = desk.plan.nodes_on(HostId::new(i)).map(|n| kind_of(desk, n)).collect();
        let count = seen.entry(kinds).or_default();
        *count += 1;
        if (*count).is_multiple_of(2) {
            moved.push(&host.name);
        }
    }
    if moved.is_empty() {
        return Vec::new();
    }
    for host in &moved {
        draft.set(&["hosts", host, "zone"], other.as_str().into());
    }
    let change = format!("{} in zone {other}", moved.join(", "));
    let touches = component.nodes(desk.plan);
    vec![desk.candidate(format!("spread:{zone}"), change, component, touches, draft)]
}

/// A database member is of the same kind only as the other members of its database.
fn kind_of(desk: &Desk<'_>, node: NodeId) -> String {
    let database = desk.plan.databases.iter().find(|d| d.members.contains(&node));
    let kind = |name: &str| {
        desk.typed["nodes"][name]["kind"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    database.map_or_else(|| kind(desk.name(node)), |d| d.name.clone())
}

/// Moves every second target to a cause of its own.
pub fn cause(desk: &Desk<'_>, component: &Component) -> Vec<Candidate> {
    let mut draft = desk.draft();
    let name = component.name.as_str();
    let targets = draft.get(&["common_causes", name, "targets"]).as_array().cloned();
    let Some(targets) = targets.filter(|t| component.kind == ComponentKind::CommonCause && t.len() > 1) else {
        return Vec::new();
    };
    let every_second = |rest: usize| -> Vec<Json> { targets.iter().skip(rest).step_by(2).cloned().collect() };
    let second = draft.second(name);
    let mut copy = draft.get(&["common_causes", name]).clone();
    copy["targets"] = json!(every_second(1));
    draft.set(&["common_causes", &second], copy);
    draft.set(&["common_causes", name, "targets"], json!(every_second(0)));
    let named: Vec<&str> = targets.iter().skip(1).step_by(2).filter_map(Json::as_str).collect();
    let change = format!("{} out of its reach, under {second}", named.join(", "));
    vec![desk.candidate(
        format!("split:{name}"),
        change,
        component,
        component.nodes(desk.plan),
        draft,
    )]
}
