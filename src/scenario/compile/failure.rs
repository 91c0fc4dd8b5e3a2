//! Lifetimes, maintenance and common causes; monitoring and repair crews.
//!
//! A failure is a crash, whatever the component.

use super::Context;
use super::faults::{self, Places};
use super::names;
use crate::scenario::plan::{Component, ComponentKind, Course, Hit, Lifetime, Monitoring, Network, Zone};
use crate::scenario::raw::hosts as raw;
use crate::scenario::raw::node::Node as RawNode;
use crate::scenario::read::tree::Path;

/// All components, and the lifetimes of those that have one: hosts, zones, links, nodes, members and common causes,
/// each in the order of the scenario.
pub fn components(cx: &mut Context, zones: &[Zone], network: &Network) -> (Vec<Component>, Vec<Lifetime>) {
    let raw = cx.raw;
    let mut all = All::default();
    for (name, host) in raw.hosts.iter() {
        let path = Path::to("hosts").key(name);
        let lives = (host.lifetime.as_ref(), host.maintenance.as_ref());
        all.add(cx, network, (name, ComponentKind::Host), path, lives);
    }
    // A zone that is only named by hosts counts too.
    for Zone { name } in zones {
        let path = Path::to("zones").key(name);
        let zone = raw.zones.get(name);
        let lives = zone.map_or((None, None), |z| (z.lifetime.as_ref(), z.maintenance.as_ref()));
        all.add(cx, network, (name, ComponentKind::Zone), path, lives);
    }
    for (i, link) in raw.network.links.iter().enumerate().take(network.links.len()) {
        let path = Path::to("network").key("links").index(i);
        let (name, lives) = (&network.links[i].name, (link.lifetime.as_ref(), None));
        all.add(cx, network, (name, ComponentKind::Link), path, lives);
    }
    for (name, node) in raw.nodes.iter() {
        let path = Path::to("nodes").key(name);
        if let RawNode::Database(database) = node {
            for (member, settings) in database.members.iter() {
                let path = path.key("members").key(member);
                let lives = (settings.lifetime.as_ref(), settings.maintenance.as_ref());
                all.add(cx, network, (member, ComponentKind::Member), path, lives);
            }
        } else if let Some(serving) = node.serving() {
            let lives = (serving.lifetime, serving.maintenance);
            all.add(cx, network, (name, ComponentKind::Node), path, lives);
        }
    }
    causes(cx, network, &mut all);
    (all.components, all.lifetimes)
}

/// The components and lifetimes found so far.
#[derive(Default)]
struct All {
    components: Vec<Component>,
    lifetimes: Vec<Lifetime>,
}

impl All {
    fn add(
        &mut self,
        cx: &mut Context,
        network: &Network,
        (name, kind): (&str, ComponentKind),
        path: Path,
        (lifetime, planned): (Option<&raw::Lifetime>, Option<&raw::Maintenance>),
    ) {
        let places = faults::places(cx, name, network, &path);
        let hits = places.map_or(Vec::new(), |places| faults::crash(&places));
        for course in courses(cx, lifetime, planned, &path) {
            let (name, hits) = (name.to_owned(), hits.clone());
            self.lifetimes.push(Lifetime { name, hits, course });
        }
        let name = name.to_owned();
        self.components.push(Component { name, kind, hits });
    }
}

fn courses(
    cx: &mut Context,
    lifetime: Option<&raw::Lifetime>,
    planned: Option<&raw::Maintenance>,
    path: &Path,
) -> Vec<Course> {
    let mut courses = Vec::new();
    if let Some(lifetime) = lifetime {
        courses.push(failures(cx, lifetime, &path.key("lifetime")));
    }
    if let Some(planned) = planned {
        let path = path.key("maintenance");
        if planned.lasts.0.is_zero() {
            cx.bad(&path.key("for"), "maintenance must last longer than 0");
        }
        if planned.lasts >= planned.every {
            let message = format!(
                "maintenance for {} every {} would never end",
                planned.lasts.0, planned.every.0
            );
            cx.bad(&path.key("every"), message);
        }
        courses.push(Course::Maintenance {
            every: planned.every.0,
            lasts: planned.lasts.0,
        });
    }
    courses
}

fn failures(cx: &mut Context, lifetime: &raw::Lifetime, path: &Path) -> Course {
    let why = "it would fail without end in one instant";
    let mtbf = cx.positive_dist(&lifetime.mtbf.0.0, &path.key("mtbf"), why);
    Course::Failures {
        mtbf,
        mttr: cx.dist(&lifetime.mttr.0.0, &path.key("mttr")),
    }
}

fn causes(cx: &mut Context, network: &Network, all: &mut All) {
    let raw = cx.raw;
    for (name, cause) in raw.common_causes.iter() {
        let path = Path::to("common_causes").key(name);
        if cause.targets.is_empty() {
            cx.bad(&path.key("targets"), "a common cause needs at least one target");
        }
        let mut hits: Vec<Hit> = Vec::new();
        for (i, target) in cause.targets.iter().enumerate() {
            let at = path.key("targets").index(i);
            if let Some(names::Component::Cause(_)) = cx.names.get(target) {
                cx.bad(
                    &at,
                    format!("\"{target}\" is a common cause itself; name what it takes"),
                );
                continue;
            }
            let places = faults::places(cx, target, network, &at).unwrap_or(Places::Of(Vec::new(), Vec::new()));
            hits.extend(
                faults::crash(&places)
                    .into_iter()
                    .filter(|hit| !hits.contains(hit))
                    .collect::<Vec<_>>(),
            );
        }
        if let Some(lifetime) = &cause.lifetime {
            let course = failures(cx, lifetime, &path.key("lifetime"));
            all.lifetimes.push(Lifetime {
                name: name.to_owned(),
                hits: hits.clone(),
                course,
            });
        }
        let (name, kind) = (name.to_owned(), ComponentKind::CommonCause);
        all.components.push(Component { name, kind, hits });
    }
}

/// How a failure is noticed.
pub fn monitoring(cx: &mut Context) -> Monitoring {
    let Some(raw) = &cx.raw.monitoring else {
        return Monitoring::Unsaid;
    };
    let path = Path::to("monitoring");
    if let Some(none) = &raw.none {
        for key in ["interval", "failures", "notify", "respond"] {
            if cx.tree.find(&path.key(key)).is_some() {
                cx.bad_key(
                    &path.key(key),
                    format!("\"{key}\" and \"none\" exclude each other"),
                    None,
                );
            }
        }
        return Monitoring::None {
            notice: cx.dist(&none.notice.0, &path.key("none").key("notice")),
        };
    }
    if raw.interval.0.is_zero() {
        cx.bad(&path.key("interval"), "interval must be above 0");
    }
    if raw.failures == 0 {
        cx.bad(&path.key("failures"), "failures must be at least 1");
    }
    let notify = cx.dist(&raw.notify.0, &path.key("notify"));
    let respond = cx.dist(&raw.respond.0, &path.key("respond"));
    Monitoring::Probes {
        interval: raw.interval.0,
        failures: raw.failures,
        notify,
        respond,
    }
}

/// The number of repair crews.
pub fn repair_crews(cx: &mut Context) -> Option<u32> {
    if cx.raw.repair_crews == Some(0) {
        let hint = "leave it out, and every repair begins as soon as somebody knows";
        cx.hint(&Path::to("repair_crews"), "repair_crews must be at least 1", hint);
    }
    cx.raw.repair_crews
}
