//! Faults: what a target's name expands to, and what an effect does to it.
//!
//! A zone expands to its hosts, a role to its members, a host to its nodes.

use super::Context;
use super::balancer::MOST_WEIGHT;
use super::balancer::unlimited;
use super::names::Component;
use super::nodes;
use crate::base::ids::{HostId, LinkId, NodeId};
use crate::base::time::Time;
use crate::scenario::plan::{Fault, Hit, Kind, LoadBalancer, Network, Node, Setting};
use crate::scenario::raw::failure::{self as raw, Effect, Names};
use crate::scenario::raw::node::Node as RawNode;
use crate::scenario::raw::units::{Brief, Duration};
use crate::scenario::read::tree::Path;

/// What a target's name expands to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Places {
    /// Hosts with everything on them, and single nodes.
    Of(Vec<HostId>, Vec<NodeId>),
    /// A link.
    Link(LinkId),
}

/// The scheduled faults.
pub fn faults(cx: &mut Context, nodes: &[Node], network: &Network) -> Vec<Fault> {
    let raw = cx.raw;
    let mut faults = Vec::new();
    for (i, fault) in raw.faults.iter().enumerate() {
        let path = Path::to("faults").index(i);
        if fault.at.0 >= raw.duration.0 && !raw.duration.0.is_zero() {
            let message = format!(
                "the fault at {} never happens: the run ends at {}",
                fault.at.0, raw.duration.0
            );
            cx.warn(message);
        }
        if fault.lasts.is_some_and(|lasts| lasts.0.is_zero()) {
            cx.hint(
                &path.key("for"),
                "a fault that lasts 0 does nothing",
                "leave \"for\" out for a fault for good",
            );
        }
        stray(cx, fault, &path);
        let (target, hits) = hits(cx, fault, nodes, network, &path);
        idle(cx, i, fault, &hits, nodes);
        let (at, lasts) = (Time::from_nanos(fault.at.0.nanos()), fault.lasts.map(|l| l.0));
        faults.push(Fault {
            at,
            lasts,
            what: what(fault),
            target,
            hits,
        });
    }
    faults
}

/// The effect in one or two words, for the event log and the charts.
fn what(fault: &raw::Fault) -> String {
    let word = word(fault.effect);
    match (fault.effect, fault.factor, fault.ratio, &fault.set) {
        (Effect::Slow, Some(factor), ..) => format!("{word} x{factor}"),
        (Effect::Errors | Effect::Empty | Effect::Drop, _, Some(ratio), _) => format!("{word} {}%", percent(ratio.0)),
        (Effect::Set, .., Some(set)) => format!("{word} {}", set.names().collect::<Vec<_>>().join(", ")),
        _ => word.into(),
    }
}

/// A share in per cent: 0.07 is 7, not 7.000000000000001.
fn percent(ratio: f64) -> f64 {
    libm::round(ratio * 1e8) / 1e6
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Crash => "crash",
        Effect::Hang => "hang",
        Effect::Slow => "slow",
        Effect::Errors => "errors",
        Effect::Empty => "empty",
        Effect::Drop => "drop",
        Effect::Partition => "partition",
        Effect::Maint => "maint",
        Effect::Drain => "drain",
        Effect::Set => "set",
    }
}

/// Reports keys that belong to another effect.
fn stray(cx: &mut Context, fault: &raw::Fault, path: &Path) {
    let keys = [
        ("factor", fault.factor.is_some(), fault.effect == Effect::Slow, "slow"),
        (
            "ratio",
            fault.ratio.is_some(),
            matches!(fault.effect, Effect::Errors | Effect::Empty | Effect::Drop),
            "errors, empty or drop",
        ),
        (
            "from",
            fault.from.is_some(),
            fault.effect == Effect::Partition,
            "partition",
        ),
        ("to", fault.to.is_some(), fault.effect == Effect::Partition, "partition"),
        ("set", fault.set.is_some(), fault.effect == Effect::Set, "set"),
    ];
    for (key, given, wanted, effect) in keys {
        if given && !wanted {
            cx.bad_key(
                &path.key(key),
                format!(
                    "\"{key}\" belongs to the effect {effect}, not to {}",
                    word(fault.effect)
                ),
                None,
            );
        }
        let optional = match fault.effect {
            Effect::Partition => fault.target.is_some(),
            effect => effect == Effect::Empty,
        };
        if wanted && !given && !optional && !cx.pruned.contains(&path.key(key)) {
            cx.bad(path, format!("the effect {} needs \"{key}\"", word(fault.effect)));
        }
    }
}

/// Warns of a fault that changes nothing. It is legal, since a sweep may pass through it, but hardly intended.
fn idle(cx: &mut Context, i: usize, fault: &raw::Fault, hits: &[Hit], nodes: &[Node]) {
    let is_server = |node: &NodeId| {
        nodes.iter().any(|n| match &n.kind {
            Kind::LoadBalancer(lb) => lb.servers.iter().any(|s| s.node == *node),
            _ => false,
        })
    };
    let acts = |hit: &Hit| match hit {
        Hit::Slow(_, factor) => *factor != 1.0,
        Hit::Errors(_, ratio) | Hit::Empty(_, ratio) | Hit::Drop(_, ratio) | Hit::DropLink(_, ratio) => *ratio != 0.0,
        Hit::Maint(node) | Hit::Drain(node) => is_server(node),
        _ => true,
    };
    if hits.is_empty() || hits.iter().any(acts) {
        return;
    }
    let why = match fault.effect {
        Effect::Slow => "a factor of 1 slows nothing",
        Effect::Errors | Effect::Empty | Effect::Drop => "its ratio is 0",
        _ => "only load balancers take servers out, and its target is a server of none",
    };
    cx.warn(format!(
        "faults[{i}], {} at {}, does nothing: {why}",
        what(fault),
        fault.at.0
    ));
}

/// The target as text, and all hits.
fn hits(cx: &mut Context, fault: &raw::Fault, nodes: &[Node], network: &Network, path: &Path) -> (String, Vec<Hit>) {
    if fault.effect == Effect::Partition && fault.target.is_none() {
        let from = side(cx, fault.from.as_ref(), nodes, network, &path.key("from"));
        let to = side(cx, fault.to.as_ref(), nodes, network, &path.key("to"));
        let text = |names: Option<&Brief<Names>>| names.map_or(String::new(), |n| n.0.0.join(", "));
        let target = format!("{} | {}", text(fault.from.as_ref()), text(fault.to.as_ref()));
        if let Some(host) = from.iter().find(|host| to.contains(host)) {
            let name = cx.raw.hosts.names().nth(host.index()).unwrap_or("a node's own host");
            cx.bad(path, format!("{name} is on both sides of the partition"));
        }
        return (target, vec![Hit::Partition { from, to }]);
    }
    let Some(target) = &fault.target else {
        if !cx.pruned.contains(&path.key("target")) {
            cx.bad(path, format!("the effect {} needs a \"target\"", word(fault.effect)));
        }
        return (String::new(), Vec::new());
    };
    let at = path.key("target");
    let Some(places) = places(cx, target, network, &at) else {
        return (target.clone(), Vec::new());
    };
    let hits = match fault.effect {
        Effect::Crash => crash(&places),
        Effect::Set => settings(cx, fault, target, &places, nodes, path),
        Effect::Partition => match &places {
            Places::Link(link) => vec![Hit::CutLink(*link)],
            Places::Of(..) => {
                cx.hint(
                    &at,
                    "a partition lies between two sides",
                    "use \"from\" and \"to\", or a link \"a->b\" as the target",
                );
                Vec::new()
            }
        },
        effect => each(cx, fault, effect, &places, nodes, path),
    };
    (target.clone(), hits)
}

/// The hits of an effect that acts on single nodes.
fn each(
    cx: &mut Context,
    fault: &raw::Fault,
    effect: Effect,
    places: &Places,
    nodes: &[Node],
    path: &Path,
) -> Vec<Hit> {
    let missing = if effect == Effect::Empty { 1.0 } else { 0.0 };
    let ratio = fault.ratio.map_or(missing, |r| r.0);
    let all = match places {
        Places::Link(link) if effect == Effect::Drop => return vec![Hit::DropLink(*link, ratio)],
        Places::Link(_) => {
            let message = format!(
                "a link cannot {}",
                match effect {
                    Effect::Errors => "answer errors",
                    Effect::Empty => "answer nothing",
                    _ => word(effect),
                }
            );
            cx.hint(&path.key("target"), message, "links can crash, drop and be partitioned");
            return Vec::new();
        }
        Places::Of(hosts, single) => on_hosts(hosts, single, nodes),
    };
    let factor = if effect == Effect::Slow {
        cx.factor(fault.factor.unwrap_or(1.0), &path.key("factor"))
    } else {
        1.0
    };
    let hit = |node: NodeId| match effect {
        Effect::Hang => Hit::Hang(node),
        Effect::Slow => Hit::Slow(node, factor),
        Effect::Errors => Hit::Errors(node, ratio),
        Effect::Empty => Hit::Empty(node, ratio),
        Effect::Drop => Hit::Drop(node, ratio),
        Effect::Maint => Hit::Maint(node),
        _ => Hit::Drain(node),
    };
    all.into_iter().map(hit).collect()
}

/// The nodes named, and those on the hosts named, each once.
fn on_hosts(hosts: &[HostId], single: &[NodeId], nodes: &[Node]) -> Vec<NodeId> {
    let on = (0..nodes.len())
        .filter(|i| hosts.contains(&nodes[*i].host))
        .map(NodeId::new);
    let mut all: Vec<NodeId> = single.iter().copied().chain(on).collect();
    all.sort();
    all.dedup();
    all
}

/// The hits of a crash of these places.
pub fn crash(places: &Places) -> Vec<Hit> {
    match places {
        Places::Link(link) => vec![Hit::CutLink(*link)],
        Places::Of(hosts, nodes) => hosts
            .iter()
            .map(|h| Hit::CrashHost(*h))
            .chain(nodes.iter().map(|n| Hit::CrashNode(*n)))
            .collect(),
    }
}

/// What a name expands to; an unknown name is reported.
pub fn places(cx: &mut Context, name: &str, network: &Network, path: &Path) -> Option<Places> {
    if name.contains("->") {
        let found = network.links.iter().position(|l| l.name == name);
        if found.is_none() {
            let hint = crate::scenario::problem::did_you_mean(name, network.links.iter().map(|l| l.name.as_str()));
            let links = "; a link goes by \"from->to\", two hosts or zones of an entry of network.links";
            cx.unknown(
                path,
                format!(
                    "there is no link \"{name}\" in network.links{}",
                    if hint.is_none() { links } else { "" }
                ),
                hint,
            );
        }
        return found.map(|i| Places::Link(LinkId::new(i)));
    }
    let raw = cx.raw;
    let component = cx.mortal(name, network, path)?;
    let members = |names: &mut dyn Iterator<Item = &str>| names.filter_map(|n| cx.names.node(n)).collect::<Vec<_>>();
    match component {
        Component::Host(id) => Some(Places::Of(vec![id], Vec::new())),
        Component::Node(id, _) | Component::Member(id) => Some(Places::Of(Vec::new(), vec![id])),
        Component::Zone(_) => {
            let hosts = raw
                .hosts
                .iter()
                .enumerate()
                .filter(|(_, (_, h))| h.zone.as_deref() == Some(name));
            Some(Places::Of(hosts.map(|(i, _)| HostId::new(i)).collect(), Vec::new()))
        }
        Component::Vip(_) | Component::Database(_) => match raw.nodes.get(name) {
            Some(RawNode::VirtualIp(vip)) => Some(Places::Of(
                Vec::new(),
                members(&mut vip.members.iter().map(String::as_str)),
            )),
            Some(RawNode::Database(database)) => Some(Places::Of(Vec::new(), members(&mut database.members.names()))),
            _ => None,
        },
        Component::Cause(_) => {
            let (mut hosts, mut single) = (Vec::new(), Vec::new());
            for target in &raw.common_causes.get(name)?.targets {
                // The cause's own targets are checked, and nested causes refused, where the cause is declared.
                if let Some(Component::Cause(_)) | None = cx.names.get(target) {
                    continue;
                }
                if let Some(Places::Of(h, n)) = places(cx, target, network, path) {
                    hosts.extend(h);
                    single.extend(n);
                }
            }
            Some(Places::Of(hosts, single))
        }
    }
}

fn side(cx: &mut Context, names: Option<&Brief<Names>>, nodes: &[Node], network: &Network, path: &Path) -> Vec<HostId> {
    let mut all = Vec::new();
    let list = cx.tree.find(path).is_some_and(|tree| !tree.is_scalar());
    if names.is_some_and(|n| n.0.0.is_empty()) {
        cx.hint(
            path,
            "this side of the partition is empty",
            "name at least one host, zone or node",
        );
    }
    for (i, name) in names.into_iter().flat_map(|n| &n.0.0).enumerate() {
        let path = if list { path.index(i) } else { path.clone() };
        match places(cx, name, network, &path) {
            Some(Places::Of(hosts, single)) => {
                all.extend(hosts);
                all.extend(single.iter().filter_map(|n| nodes.get(n.index())).map(|n| n.host));
            }
            Some(Places::Link(_)) => cx.bad(&path, "a side of a partition is made of hosts, zones or nodes"),
            None => {}
        }
    }
    all.sort();
    all.dedup();
    all
}

/// The effect `set`.
fn settings(
    cx: &mut Context,
    fault: &raw::Fault,
    target: &str,
    places: &Places,
    nodes: &[Node],
    path: &Path,
) -> Vec<Hit> {
    let Places::Of(hosts, single) = places else {
        cx.bad(
            &path.key("target"),
            "a link has no settings that can change at run time yet",
        );
        return Vec::new();
    };
    if !hosts.is_empty() {
        cx.hint(
            &path.key("target"),
            format!("\"{target}\" is more than a node"),
            "settings are changed node by node",
        );
        return Vec::new();
    }
    if fault.set.as_ref().is_some_and(|set| set.iter().next().is_none()) {
        cx.hint(&path.key("set"), "it sets nothing", CHANGEABLE);
    }
    let mut hits = Vec::new();
    for (key, value) in fault.set.iter().flat_map(|set| set.iter()) {
        let path = path.key("set").key(key);
        for id in single {
            hits.extend(setting(cx, nodes, *id, (key, value), &path));
        }
    }
    hits
}

/// One key of one node.
fn setting(
    cx: &mut Context,
    nodes: &[Node],
    id: NodeId,
    (key, value): (&str, &serde_json::Value),
    path: &Path,
) -> Vec<Hit> {
    let Some(node) = nodes.get(id.index()) else {
        return Vec::new();
    };
    let whole = value.as_u64().and_then(|n| u32::try_from(n).ok());
    match (key, &node.kind) {
        ("answers", Kind::Dns(dns)) if dns.failover.is_some() => {
            cx.bad(
                path,
                "with failover the checks decide what is answered; it cannot be set as well",
            );
            Vec::new()
        }
        ("answers", Kind::Dns(_)) => {
            let names = value
                .as_array()
                .filter(|names| names.iter().all(serde_json::Value::is_string));
            let Some(names) = names else {
                return wrong(cx, path, "a list of names of nodes");
            };
            let names = names.iter().filter_map(serde_json::Value::as_str).map(str::to_owned);
            let names: Vec<String> = names.collect();
            vec![Hit::Set(id, Setting::Answers(nodes::targets(cx, &names, path)))]
        }
        ("ttl", Kind::Dns(_)) => match serde_json::from_value::<Duration>(value.clone()) {
            Ok(ttl) => vec![Hit::Set(id, Setting::Ttl(ttl.0))],
            Err(_) => wrong(cx, path, "a duration such as \"60s\""),
        },
        ("workers", _) => match whole {
            Some(0) => wrong(cx, path, "at least 1, or null for unlimited"),
            None if !value.is_null() => wrong(cx, path, "a whole number, or null for unlimited"),
            workers => vec![Hit::Set(id, Setting::Workers(workers))],
        },
        ("weight" | "maxconn", _) => {
            let Some(number) = whole else {
                return wrong(cx, path, "a whole number");
            };
            let hits = in_balancers(cx, nodes, id, key, number, path);
            if hits.is_empty() {
                let message = format!("\"{}\" is a server of no load balancer, so it has no {key}", node.name);
                cx.bad_key(path, message, None);
            }
            hits
        }
        (key, Kind::LoadBalancer(balancer)) if key.starts_with("servers.") => {
            let rest = &key["servers.".len()..];
            let (Some((name, last)), Some(number)) = (rest.rsplit_once('.'), whole) else {
                return wrong(cx, path, "a key such as \"servers.NAME.weight\", with a whole number");
            };
            let server = balancer
                .servers
                .iter()
                .position(|s| nodes.get(s.node.index()).is_some_and(|n| n.name == name));
            match (server, change(cx, last, balancer, server.unwrap_or(0), number, path)) {
                (Some(_), Some(setting)) => vec![Hit::Set(id, setting)],
                (None, _) => {
                    cx.bad_key(path, format!("\"{name}\" is no server of \"{}\"", node.name), None);
                    Vec::new()
                }
                (Some(_), None) => unchangeable(cx, last, path),
            }
        }
        (key, _) => unchangeable(cx, key, path),
    }
}

/// The change of a server's setting, in every balancer that lists the server.
fn in_balancers(cx: &mut Context, nodes: &[Node], id: NodeId, key: &str, number: u32, path: &Path) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (i, node) in nodes.iter().enumerate() {
        let Kind::LoadBalancer(balancer) = &node.kind else {
            continue;
        };
        if let Some(server) = balancer.servers.iter().position(|s| s.node == id) {
            hits.extend(
                change(cx, key, balancer, server, number, path).map(|setting| Hit::Set(NodeId::new(i), setting)),
            );
        }
    }
    hits
}

fn change(
    cx: &mut Context,
    key: &str,
    balancer: &LoadBalancer,
    server: usize,
    number: u32,
    path: &Path,
) -> Option<Setting> {
    match key {
        "weight" => {
            if number > MOST_WEIGHT {
                cx.bad(
                    path,
                    format!("weight {number} is above {MOST_WEIGHT}, which is the limit"),
                );
            }
            let configured = balancer.servers.get(server).map_or(number, |s| s.weight);
            let refused = balancer.algorithm.is_static() && number != 0 && number != configured;
            if refused {
                cx.warn(format!(
                    "a weight cannot become {number} under this algorithm, whose table is laid out beforehand: as HAProxy refuses \
                     it, {path} changes nothing (0 and the configured weight are possible)"
                ));
            }
            let weight = if refused { configured } else { number };
            Some(Setting::Weight { server, weight })
        }
        "maxconn" => Some(Setting::Maxconn {
            server,
            maxconn: unlimited(Some(number)),
        }),
        _ => None,
    }
}

/// What a `set` may name.
const CHANGEABLE: &str = "what can change: answers and ttl of a dns node, weight and maxconn of a server, workers";

fn wrong(cx: &mut Context, path: &Path, expected: &str) -> Vec<Hit> {
    cx.bad(path, format!("\"{}\" must be {expected}", path.name()));
    Vec::new()
}

fn unchangeable(cx: &mut Context, key: &str, path: &Path) -> Vec<Hit> {
    cx.bad_key(
        path,
        format!("\"{key}\" cannot change at run time"),
        Some(CHANGEABLE.into()),
    );
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_share_is_said_without_the_noise_of_its_last_digit() {
        assert_eq!(
            [0.07, 0.29, 0.55, 1.0, 0.000_12].map(percent),
            [7.0, 29.0, 55.0, 100.0, 0.012]
        );
    }
}
