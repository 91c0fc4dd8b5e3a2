//! Hosts, zones and the network between them.
//!
//! A link between zones becomes a route for each pair of their hosts; the most specific link wins.

use std::collections::{BTreeMap, BTreeSet};

use super::Context;
use super::names::{self, Component};
use crate::base::ids::{HostId, LinkId, ZoneId};
use crate::base::limits;
use crate::scenario::plan::{Host, Link, Network, Zone};
use crate::scenario::raw::node::Node;
use crate::scenario::raw::units::Rate;
use crate::scenario::read::tree::Path;

/// The hosts: those named, then one for each node without a host; and the zones.
pub fn hosts(cx: &mut Context) -> (Vec<Host>, Vec<Zone>) {
    let raw = cx.raw;
    let zones: Vec<Zone> = names::zones(cx).into_iter().map(|name| Zone { name }).collect();
    let mut hosts = Vec::new();
    for (name, host) in raw.hosts.iter() {
        let path = Path::to("hosts").key(name);
        if host.cores == Some(0) {
            cx.hint(
                &path.key("cores"),
                "a host has at least one core",
                "leave it out for unlimited cores",
            );
        }
        let speed = cx.factor(host.speed, &path.key("speed"));
        if host.cost.is_some_and(|cost| cost < 0.0) {
            cx.bad(&path.key("cost"), "a cost must not be negative");
        }
        let zone = host.zone.as_ref().and_then(|zone| match cx.names.get(zone) {
            Some(Component::Zone(id)) => Some(id),
            _ => None,
        });
        hosts.push(Host {
            name: name.to_owned(),
            named: true,
            cores: host.cores,
            speed,
            zone,
            address: host.address.clone(),
        });
    }
    for zone in raw
        .zones
        .names()
        .filter(|zone| !raw.hosts.iter().any(|(_, h)| h.zone.as_deref() == Some(*zone)))
    {
        cx.warnings.push(format!("no host stands in zone \"{zone}\""));
    }
    for (name, node) in raw.nodes.iter() {
        match node {
            Node::Database(d) => d
                .members
                .iter()
                .filter(|(_, m)| m.host.is_none())
                .for_each(|(n, _)| hosts.push(implied(n))),
            other if other.serving().is_some_and(|s| s.host.is_none()) => hosts.push(implied(name)),
            _ => {}
        }
    }
    (hosts, zones)
}

/// The host that a node without `host` has to itself.
fn implied(name: &str) -> Host {
    Host {
        name: name.to_owned(),
        named: false,
        cores: None,
        speed: 1.0,
        zone: None,
        address: None,
    }
}

/// The network.
pub fn network(cx: &mut Context, hosts: &[Host]) -> Network {
    let raw = &cx.raw.network;
    let mut network = Network {
        latency: raw.latency.0,
        loss: raw.loss.0,
        bandwidth: None,
        links: Vec::new(),
        routes: BTreeMap::new(),
    };
    // By route: how many of the link's ends are hosts rather than zones, and the link.
    let mut routes: BTreeMap<(HostId, HostId), (usize, LinkId)> = BTreeMap::new();
    let path = Path::to("network").key("links");
    if raw.links.len() > limits::LINKS {
        cx.bad(
            &path,
            format!(
                "{} links are more than {}, which is the limit",
                raw.links.len(),
                limits::LINKS
            ),
        );
        return network;
    }
    loss(cx, raw.loss.0, &Path::to("network").key("loss"));
    network.bandwidth = bandwidth(cx, raw.bandwidth, &Path::to("network").key("bandwidth"));
    for (i, link) in raw.links.iter().enumerate() {
        let path = path.index(i);
        let name = format!("{}->{}", link.from, link.to);
        if link.from == link.to {
            cx.bad(&path, format!("the link {name} leads nowhere"));
        }
        if raw.links[..i].iter().any(|l| l.from == link.from && l.to == link.to) {
            cx.bad(&path, format!("the link {name} is given twice"));
        }
        let share = link.loss.map_or(raw.loss.0, |l| l.0);
        loss(cx, share, &path.key("loss"));
        let id = LinkId::new(network.links.len());
        let latency = link.latency.unwrap_or(raw.latency).0;
        network.links.push(Link {
            name,
            latency,
            loss: share,
            bandwidth: match link.bandwidth {
                None => network.bandwidth,
                own => bandwidth(cx, own, &path.key("bandwidth")),
            },
        });
        let (Some(from), Some(to)) = (
            end(cx, &link.from, &path.key("from")),
            end(cx, &link.to, &path.key("to")),
        ) else {
            continue;
        };
        let narrow = [from, to].iter().filter(|end| matches!(end, End::Host(_))).count();
        for a in from.hosts(hosts) {
            for b in to.hosts(hosts).into_iter().filter(|b| *b != a) {
                let best = routes.entry((a, b)).or_insert((narrow, id));
                if narrow > best.0 {
                    *best = (narrow, id);
                }
            }
            if routes.len() > limits::ROUTES {
                let message = format!(
                    "links join more than {} pairs of hosts, which is the limit",
                    limits::ROUTES
                );
                cx.bad(&Path::to("network").key("links"), message);
                return network;
            }
        }
    }
    network.routes = routes.into_iter().map(|(pair, (_, link))| (pair, link)).collect();
    one_way(cx, &network);
    network
}

/// Bytes per second.
fn bandwidth(cx: &mut Context, rate: Option<Rate>, path: &Path) -> Option<f64> {
    let bandwidth = rate?.0;
    if bandwidth < 1.0 {
        cx.hint(
            path,
            format!("a bandwidth of {bandwidth} bytes a second is below 1, which is the limit"),
            "leave it out for none",
        );
    }
    Some(bandwidth)
}

/// Warns of a link without a link for the opposite direction.
fn one_way(cx: &mut Context, network: &Network) {
    let routes = &network.routes;
    let lonely: BTreeSet<LinkId> = routes
        .iter()
        .filter(|((a, b), _)| !routes.contains_key(&(*b, *a)))
        .map(|(_, link)| *link)
        .collect();
    for link in lonely {
        let name = &network.links[link.index()].name;
        cx.warn(format!(
            "the link {name} has no counterpart: what goes back takes the default network"
        ));
    }
}

/// A share of 1 is refused: the message would be retransmitted for ever.
fn loss(cx: &mut Context, share: f64, path: &Path) {
    if share >= 1.0 {
        cx.hint(
            path,
            "a loss of 1 lets nothing through",
            "cut it with a fault: { \"effect\": \"partition\" }",
        );
    }
}

#[derive(Copy, Clone)]
enum End {
    Host(HostId),
    Zone(ZoneId),
}

impl End {
    fn hosts(self, hosts: &[Host]) -> Vec<HostId> {
        match self {
            End::Host(id) => vec![id],
            End::Zone(id) => (0..hosts.len())
                .filter(|i| hosts[*i].zone == Some(id))
                .map(HostId::new)
                .collect(),
        }
    }
}

fn end(cx: &mut Context, name: &str, path: &Path) -> Option<End> {
    match cx.component(name, "host or zone", path)? {
        Component::Host(id) => Some(End::Host(id)),
        Component::Zone(id) => Some(End::Zone(id)),
        other => {
            cx.hint(
                path,
                format!("\"{name}\" is {}; links join hosts or zones", other.what()),
                "name the host it is on",
            );
            None
        }
    }
}
