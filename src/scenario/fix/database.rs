//! Databases: automatic promotion, and the wait for a silent member.

use serde_json::{Value as Json, json};

use super::{Candidate, Desk};
use crate::base::ids::NodeId;
use crate::base::time::Span;
use crate::scenario::plan::{App, Component, Database, Kind, Promotion};

/// A key of a node and its new value.
type Edit = (&'static [&'static str], Json);

/// The databases that lose a member with the component.
fn hit<'d>(desk: &'d Desk<'_>, component: &Component) -> Vec<(usize, &'d Database)> {
    let struck = component.nodes(desk.plan);
    let is_hit = |d: &(usize, &Database)| d.1.members.iter().any(|m| struck.contains(m));
    desk.plan.databases.iter().enumerate().filter(is_hit).collect()
}

/// Adds automatic promotion, and a replica where there is none.
pub fn promotion(desk: &Desk<'_>, component: &Component) -> Vec<Candidate> {
    let mut found = Vec::new();
    for (_, database) in hit(desk, component) {
        if !matches!(database.failover, Promotion::Manual) {
            continue;
        }
        let mut draft = desk.draft();
        let name = database.name.as_str();
        let watcher = json!({ "detect": { "uniform": { "min": "3s", "max": "7s" } },
                              "promote": { "lognormal": { "mean": "3s", "cv": 0.3 } } });
        draft.set(&["nodes", name, "failover"], watcher);
        let promoted = "that takes over in about 8 s when the primary dies";
        if let &[only] = database.members.as_slice() {
            let member = desk.name(only);
            let mut copy = draft.get(&["nodes", name, "members", member]).clone();
            let host = copy["host"].as_str().and_then(|h| draft.copy_host(h));
            if let (Some(host), Some(keys)) = (&host, copy.as_object_mut()) {
                keys.insert("host".into(), host.as_str().into());
            }
            let second = draft.second(member);
            draft.set(&["nodes", name, "members", &second], copy);
            draft.shares_causes(member, &second);
            let change = format!("a replica, {second}, {promoted}");
            found.push(desk.candidate(format!("replica:{name}"), change, component, vec![only], draft));
        } else {
            let change = format!("{name}: automatic promotion of a replica {promoted}");
            let touches = database.members.clone();
            found.push(desk.candidate(format!("promotion:{name}"), change, component, touches, draft));
        }
    }
    found
}

/// Applications that ask a silent member again and again, wait long for it, or have too few connections meanwhile.
pub fn patience(desk: &Desk<'_>, component: &Component) -> Vec<Candidate> {
    let mut found = Vec::new();
    for (index, database) in hit(desk, component) {
        let of = |(i, node): (usize, &'_ crate::scenario::plan::Node)| match &node.kind {
            Kind::App(app) if app.database.is_some_and(|d| d.index() == index) => {
                // As many connections as workers are not a bottleneck.
                let pool = app.pool.filter(|pool| node.workers.is_none_or(|w| *pool < w));
                Some((NodeId::new(i), App { pool, ..app.clone() }))
            }
            _ => None,
        };
        let apps: Vec<(NodeId, App)> = desk.plan.nodes.iter().enumerate().filter_map(of).collect();
        let mut try_out = |kind: &str, what: String, change: &dyn Fn(&App) -> Option<Edit>| {
            let mut draft = desk.draft();
            let mut changed: Vec<&str> = Vec::new();
            for (node, app) in &apps {
                let Some((key, value)) = change(app) else { continue };
                let path: Vec<&str> = ["nodes", desk.name(*node)].iter().chain(key).copied().collect();
                draft.set(&path, value);
                changed.push(desk.name(*node));
            }
            if !changed.is_empty() {
                let change = format!("{}: {what}", changed.join(", "));
                let touches = database.members.clone();
                found.push(desk.candidate(format!("{kind}:{}", database.name), change, component, touches, draft));
            }
        };
        if database.members.len() > 1 {
            let says = "`avoid` of 10 s, so that a member that failed to connect is left alone for that long";
            try_out("avoid", says.into(), &|app| {
                app.avoid.is_zero().then(|| (&["avoid"][..], json!("10s")))
            });
        }
        let says = "`timeouts.connect` of 1 s, so that a silent member costs no more than that";
        let short = Span::from_millis(1000);
        try_out("connect", says.into(), &|app| {
            (app.connect_timeout > short).then(|| (&["timeouts", "connect"][..], json!("1s")))
        });
        let says = "a `pool` twice as large".to_owned();
        try_out("pool", says, &|app| Some((&["pool"][..], json!(app.pool? * 2))));
    }
    found
}
