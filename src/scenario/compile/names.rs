//! The one namespace: which name is a host, a node or a database, and its number.
//!
//! Hosts, nodes, database members, zones and common causes share it, so that a fault can name any of them.

use std::collections::{BTreeMap, BTreeSet};

use super::Context;
use crate::base::ids::{DatabaseId, HostId, NodeId, VipId, ZoneId};
use crate::base::limits;
use crate::scenario::plan::{Network, Target};
use crate::scenario::problem::{did_you_mean, expected};
use crate::scenario::raw::node::Node;
use crate::scenario::read::tree::Path;

/// What a name stands for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Component {
    /// A host.
    Host(HostId),
    /// A node in the table of nodes, and its kind as typed.
    Node(NodeId, &'static str),
    /// A member of a database.
    Member(NodeId),
    /// A virtual IP.
    Vip(VipId),
    /// A database as a whole.
    Database(DatabaseId),
    /// A zone.
    Zone(ZoneId),
    /// A common cause: its index in the list.
    Cause(usize),
}

impl Component {
    /// Its description in words.
    pub fn what(self) -> String {
        match self {
            Component::Host(_) => "a host".into(),
            Component::Node(_, kind) => format!("{} {kind} node", if kind == "app" { "an" } else { "a" }),
            Component::Member(_) => "a member of a database".into(),
            Component::Vip(_) => "a virtual-ip node".into(),
            Component::Database(_) => "a database node".into(),
            Component::Zone(_) => "a zone".into(),
            Component::Cause(_) => "a common cause".into(),
        }
    }
}

/// All names.
pub struct Names {
    table: BTreeMap<String, Component>,
    /// All names that were typed, including those of parts that could not be decoded.
    declared: BTreeSet<String>,
    /// Names given twice. No problem may depend on guessing which one is meant.
    ambiguous: BTreeSet<String>,
}

impl Names {
    /// An empty table.
    pub fn new(declared: BTreeSet<String>) -> Names {
        Names {
            table: BTreeMap::new(),
            declared,
            ambiguous: BTreeSet::new(),
        }
    }

    /// What a name stands for.
    pub fn get(&self, name: &str) -> Option<Component> {
        self.table.get(name).copied().filter(|_| !self.ambiguous.contains(name))
    }

    /// The number of a node or of a database member.
    pub fn node(&self, name: &str) -> Option<NodeId> {
        match self.get(name) {
            Some(Component::Node(id, _) | Component::Member(id)) => Some(id),
            _ => None,
        }
    }
}

/// Numbers everything. Returns false if there are too many to continue.
pub fn collect(cx: &mut Context) -> bool {
    let raw = cx.raw;
    let members = raw.nodes.iter().map(|(_, node)| {
        if let Node::Database(d) = node {
            d.members.0.len()
        } else {
            1
        }
    });
    let counts = [
        (
            "nodes",
            members.sum::<usize>(),
            limits::NODES,
            "nodes, database members included",
        ),
        ("hosts", raw.hosts.0.len(), limits::HOSTS - limits::NODES, "hosts"),
        ("requests", raw.requests.0.len(), limits::CLASSES, "request classes"),
        ("clients", raw.clients.0.len(), limits::SOURCES, "sources of load"),
        (
            "common_causes",
            raw.common_causes.0.len(),
            limits::NODES,
            "common causes",
        ),
    ];
    let mut small = true;
    for (key, count, limit, what) in counts {
        if count > limit {
            cx.bad(
                &Path::to(key),
                format!("{count} {what} are more than {limit}, which is the limit"),
            );
            small = false;
        }
    }
    if small {
        classes_and_clients(cx);
        hosts_and_zones(cx);
        nodes(cx);
        for (i, (name, _)) in raw.common_causes.0.iter().enumerate() {
            add(cx, name, Component::Cause(i), &Path::to("common_causes").key(name));
        }
    }
    small
}

fn classes_and_clients(cx: &mut Context) {
    let raw = cx.raw;
    raw.requests
        .names()
        .for_each(|name| spelling(cx, name, &Path::to("requests").key(name)));
    raw.clients
        .names()
        .for_each(|name| spelling(cx, name, &Path::to("clients").key(name)));
}

fn hosts_and_zones(cx: &mut Context) {
    let raw = cx.raw;
    for (i, (name, _)) in raw.hosts.0.iter().enumerate() {
        add(cx, name, Component::Host(HostId::new(i)), &Path::to("hosts").key(name));
    }
    for (i, name) in zones(cx).iter().enumerate() {
        let declared = raw.zones.get(name).is_some();
        let used = raw.hosts.iter().find(|(_, host)| host.zone.as_ref() == Some(name));
        let path = match used {
            Some((host, _)) if !declared => Path::to("hosts").key(host).key("zone"),
            _ => Path::to("zones").key(name),
        };
        add(cx, name, Component::Zone(ZoneId::new(i)), &path);
    }
}

/// The zones: those with settings first, then those named by hosts.
pub fn zones(cx: &Context) -> Vec<String> {
    let mut zones: Vec<String> = cx.raw.zones.names().map(str::to_owned).collect();
    let mut seen: BTreeSet<String> = zones.iter().cloned().collect();
    for zone in cx.raw.hosts.iter().filter_map(|(_, host)| host.zone.as_ref()) {
        if seen.insert(zone.clone()) {
            zones.push(zone.clone());
        }
    }
    zones
}

fn nodes(cx: &mut Context) {
    let raw = cx.raw;
    let (mut node, mut vip, mut database) = (0, 0, 0);
    for (name, settings) in raw.nodes.iter() {
        let path = Path::to("nodes").key(name);
        match settings {
            Node::VirtualIp(_) => {
                add(cx, name, Component::Vip(VipId::new(vip)), &path);
                vip += 1;
            }
            Node::Database(d) => {
                add(cx, name, Component::Database(DatabaseId::new(database)), &path);
                database += 1;
                for member in d.members.names() {
                    add(
                        cx,
                        member,
                        Component::Member(NodeId::new(node)),
                        &path.key("members").key(member),
                    );
                    node += 1;
                }
            }
            other => {
                add(cx, name, Component::Node(NodeId::new(node), other.kind()), &path);
                node += 1;
            }
        }
    }
}

fn add(cx: &mut Context, name: &str, component: Component, path: &Path) {
    spelling(cx, name, path);
    match cx.names.table.get(name).copied() {
        Some(other) => {
            let message = format!("the name \"{name}\" is taken: it is {} already", other.what());
            let hint = "hosts, nodes, database members, zones and common causes share one namespace";
            cx.bad_key(path, message, Some(hint.into()));
            cx.names.ambiguous.insert(name.to_owned());
        }
        None => {
            cx.names.table.insert(name.to_owned(), component);
        }
    }
}

/// A name must be printable and short, and must not look like a link.
fn spelling(cx: &mut Context, name: &str, path: &Path) {
    let count = name.chars().count();
    if name.trim().is_empty() {
        cx.bad_key(path, "a name must not be empty", None);
    } else if count > limits::NAME_CHARS {
        let message = format!(
            "a name of {count} characters is longer than {}, which is the limit",
            limits::NAME_CHARS
        );
        cx.bad_key(path, message, None);
    } else if name.chars().any(char::is_control) || name.contains("->") || name.contains('=') {
        cx.bad_key(
            path,
            format!("the name {name:?} has control characters, \"=\" or \"->\" in it"),
            None,
        );
    }
}

impl Context<'_> {
    /// The scenario's name is a heading, so its length is limited.
    pub(super) fn title(&mut self) {
        let count = self.raw.name.as_ref().map_or(0, |name| name.chars().count());
        if count > limits::TITLE_CHARS {
            let says = format!(
                "a name of {count} characters is longer than {}, which is the limit",
                limits::TITLE_CHARS
            );
            self.hint(
                &Path::to("name"),
                says,
                "what more there is to say belongs into \"summary\"",
            );
        }
    }

    /// What this name stands for; an unknown name is reported.
    pub(super) fn component(&mut self, name: &str, wanted: &str, path: &Path) -> Option<Component> {
        let found = self.names.get(name);
        if found.is_none() && !self.names.declared.contains(name) {
            let hint = did_you_mean(name, self.names.table.keys().map(String::as_str));
            self.unknown(path, format!("there is no {wanted} \"{name}\""), hint);
        }
        found
    }

    /// The same for targets of faults and common causes, which include links. Without a near match it lists all that
    /// exist.
    pub(super) fn mortal(&mut self, name: &str, network: &Network, path: &Path) -> Option<Component> {
        let found = self.names.get(name);
        if found.is_none() && !self.names.declared.contains(name) {
            let links = network.links.iter().map(|l| l.name.as_str());
            let known = self.names.table.keys().map(String::as_str).chain(links);
            let hint = did_you_mean(name, known.clone()).or_else(|| expected(known));
            let wanted = "host, node, database member, zone, link or common cause";
            self.unknown(path, format!("there is no {wanted} \"{name}\""), hint);
        }
        found
    }

    pub(super) fn unknown(&mut self, path: &Path, message: String, hint: Option<String>) {
        match hint {
            Some(hint) => self.hint(path, message, hint),
            None => self.bad(path, message),
        }
    }

    /// A node or a virtual IP that requests can be sent to.
    pub(super) fn target(&mut self, name: &str, path: &Path) -> Option<Target> {
        match self.component(name, "node", path)? {
            Component::Node(_, "dns") => {
                self.bad(
                    path,
                    format!("\"{name}\" is a dns node: it resolves names and takes no requests"),
                );
                None
            }
            Component::Node(id, _) => Some(Target::Node(id)),
            Component::Vip(id) => Some(Target::Vip(id)),
            other => {
                self.bad(
                    path,
                    format!("\"{name}\" is {}: requests cannot be sent there", other.what()),
                );
                None
            }
        }
    }

    /// A node that can stand behind a balancer, a web server or a virtual IP.
    pub(super) fn server(&mut self, name: &str, path: &Path) -> Option<NodeId> {
        match self.target(name, path)? {
            Target::Node(id) => Some(id),
            Target::Vip(_) => {
                self.hint(
                    path,
                    format!("\"{name}\" is a virtual-ip node: it cannot stand here"),
                    "name the nodes behind it",
                );
                None
            }
        }
    }

    /// The number of a request class.
    pub(super) fn class(&mut self, name: &str, path: &Path) -> Option<usize> {
        let found = self.raw.requests.names().position(|n| n == name);
        if found.is_none() && !self.pruned.contains(&Path::to("requests").key(name)) {
            let hint = did_you_mean(name, self.raw.requests.names());
            let message = format!("there is no request class \"{name}\"");
            self.report_key_or_value(path, name, message, hint);
        }
        found
    }

    /// Reports at the key if the path ends with the name itself, else at the value.
    fn report_key_or_value(&mut self, path: &Path, name: &str, message: String, hint: Option<String>) {
        use crate::scenario::read::tree::Step;
        if path.0.last() == Some(&Step::Key(name.to_owned())) {
            self.bad_key(path, message, hint);
        } else {
            self.unknown(path, message, hint);
        }
    }
}
