//! Who asks whom, and what a node is called: the shape of a Plan, for those who need not know the kinds.

use std::collections::BTreeSet;

use super::{Bytes, Entry, Kind, Node, Plan, Source, Target};
use crate::base::ids::{ClassId, NodeId};

impl Kind {
    /// The kind as scenarios write it; of a member, its database's.
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
    /// The nodes that may answer to a target.
    pub fn members(&self, target: Target) -> Vec<NodeId> {
        match target {
            Target::Node(node) => vec![node],
            Target::Vip(vip) => self.vips[vip.index()].members.clone(),
        }
    }

    /// What a node may ask, as it is addressed; a resolver asks nobody, but what it names comes next.
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

    /// The nodes that a node may ask.
    pub fn asks(&self, node: NodeId) -> Vec<NodeId> {
        let addresses = self.addresses(node).into_iter();
        addresses.flat_map(|t| self.members(t)).collect()
    }

    /// These nodes, and all that may be asked to serve what they are asked for.
    pub fn behind(&self, mut next: Vec<NodeId>) -> BTreeSet<NodeId> {
        let mut found = BTreeSet::new();
        while let Some(node) = next.pop() {
            if found.insert(node) {
                next.extend(self.asks(node));
            }
        }
        found
    }

    /// What a source's clients ask, as they address it: resolvers first, then what those name.
    pub fn entries(&self, source: &Source) -> Vec<Target> {
        match &source.entry {
            Entry::Node(target) => vec![*target],
            Entry::Resolvers(resolvers) => {
                let asked = resolvers.iter().map(|r| Target::Node(*r));
                asked.chain(resolvers.iter().flat_map(|r| self.addresses(*r))).collect()
            }
        }
    }

    /// Does this node only tell its callers where to go, so that they ask what it names themselves?
    pub fn only_names(&self, node: NodeId) -> bool {
        matches!(self.node(node).kind, Kind::Dns(_))
    }

    /// What a request of a class weighs on its way to a node, and the answer on its way back: lookups and queries are
    /// messages of their own, and weigh nothing.
    pub fn bytes(&self, class: ClassId, node: NodeId) -> Bytes {
        match self.node(node).kind {
            Kind::Dns(_) | Kind::Member(_) => Bytes::default(),
            _ => self.classes[class.index()].bytes,
        }
    }

    /// The database that a node is a member of.
    pub fn database_of(&self, node: &Node) -> Option<&str> {
        match &node.kind {
            Kind::Member(member) => Some(&self.databases[member.database.index()].name),
            _ => None,
        }
    }
}
