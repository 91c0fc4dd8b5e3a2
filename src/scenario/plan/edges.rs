//! Call relations and names of nodes: the shape of a Plan, without the details of kinds.

use std::collections::BTreeSet;

use super::{Bytes, Entry, Kind, Node, Plan, Source, Target};
use crate::base::ids::{ClassId, NodeId};

impl Kind {
    /// The kind as written in scenarios; for a member, that of its database.
    pub fn word(&self) -> &'static str {
        match self {
            Kind::Dns(_) => "dns",
            Kind::Firewall(_) => "firewall",
            Kind::LoadBalancer(_) => "load-balancer",
            Kind::Web(_) => "web",
            Kind::App(_) => "app",
            Kind::Member(_) => "database",
        }
    }
}

impl Plan {
    /// The nodes that may answer calls to a target.
    pub fn members(&self, target: Target) -> Vec<NodeId> {
        match target {
            Target::Node(node) => vec![node],
            Target::Vip(vip) => self.vips[vip.index()].members.clone(),
        }
    }

    /// The targets a node may call. A resolver calls nobody, but the targets it names count.
    pub fn addresses(&self, node: NodeId) -> Vec<Target> {
        match &self.node(node).kind {
            Kind::Dns(dns) => dns.answers.clone(),
            Kind::Firewall(firewall) => vec![firewall.to],
            Kind::LoadBalancer(balancer) => balancer.servers.iter().map(|s| Target::Node(s.node)).collect(),
            Kind::Web(web) => web.upstreams.iter().map(|u| Target::Node(u.node)).collect(),
            Kind::App(app) => {
                let members = app.database.iter().flat_map(|d| &self.databases[d.index()].members);
                let members = members.map(|m| Target::Node(*m));
                app.calls.iter().copied().chain(members).collect()
            }
            Kind::Member(_) => Vec::new(),
        }
    }

    /// The nodes that a node may call.
    pub fn asks(&self, node: NodeId) -> Vec<NodeId> {
        let addresses = self.addresses(node).into_iter();
        addresses.flat_map(|t| self.members(t)).collect()
    }

    /// These nodes, and all nodes that may be called on their behalf.
    pub fn behind(&self, mut next: Vec<NodeId>) -> BTreeSet<NodeId> {
        let mut found = BTreeSet::new();
        while let Some(node) = next.pop() {
            if found.insert(node) {
                next.extend(self.asks(node));
            }
        }
        found
    }

    /// The targets of a source's clients: resolvers first, then what they name.
    pub fn entries(&self, source: &Source) -> Vec<Target> {
        match &source.entry {
            Entry::Node(target) => vec![*target],
            Entry::Resolvers(resolvers) => {
                let asked = resolvers.iter().map(|r| Target::Node(*r));
                asked.chain(resolvers.iter().flat_map(|r| self.addresses(*r))).collect()
            }
        }
    }

    /// Whether this node only gives its callers addresses, which they then call themselves.
    pub fn only_names(&self, node: NodeId) -> bool {
        matches!(self.node(node).kind, Kind::Dns(_))
    }

    /// The size of a request of a class on its way to a node, and of its answer. Lookups and queries are messages of
    /// their own, without size.
    pub fn bytes(&self, class: ClassId, node: NodeId) -> Bytes {
        match self.node(node).kind {
            Kind::Dns(_) | Kind::Member(_) => Bytes::default(),
            _ => self.classes[class.index()].bytes,
        }
    }

    /// The database of which a node is a member.
    pub fn database_of(&self, node: &Node) -> Option<&str> {
        match &node.kind {
            Kind::Member(member) => Some(&self.databases[member.database.index()].name),
            _ => None,
        }
    }
}
