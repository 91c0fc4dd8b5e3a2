//! Which nodes stand in for one another, and therefore share the draws of their work.
//!
//! Members of one list are siblings if they are of one kind. What siblings call in the same role are siblings too.

use std::collections::BTreeMap;

use crate::base::ids::NodeId;
use crate::base::random::{label, mix};
use crate::scenario::plan::{Database, Kind, Node, Target, Vip};

/// Sets `draws` of all nodes.
pub fn unite(nodes: &mut [Node], databases: &[Database], vips: &[Vip]) {
    let mut groups = Groups {
        parent: (0..nodes.len()).collect(),
        kinds: nodes.iter().map(|n| n.kind.word()).collect(),
    };
    let mut lists: Vec<Vec<NodeId>> = nodes
        .iter()
        .flat_map(|n| lists(&n.kind, vips))
        .map(|(_, list)| list)
        .collect();
    lists.extend(databases.iter().map(|d| d.members.clone()));
    lists.extend(vips.iter().map(|v| v.members.clone()));
    lists.iter().for_each(|list| groups.unite(list));
    // Unites the children of siblings until nothing changes. Every pass but the last joins two groups, so this ends.
    loop {
        let mut children: BTreeMap<(usize, &str), Vec<NodeId>> = BTreeMap::new();
        for (i, node) in nodes.iter().enumerate() {
            let group = groups.first(i);
            for (role, list) in self::lists(&node.kind, vips) {
                children.entry((group, role)).or_default().extend(list);
            }
            if let Kind::App(app) = &node.kind
                && let Some(database) = app.database.and_then(|id| databases.get(id.index()))
            {
                children
                    .entry((group, "database"))
                    .or_default()
                    .extend(&database.members);
            }
        }
        let before = groups.parent.clone();
        children.values().for_each(|list| groups.unite(list));
        if groups.parent == before {
            break;
        }
    }
    for i in 0..nodes.len() {
        let first = groups.first(i);
        nodes[i].draws = mix(label(&nodes[first].name), label(nodes[first].kind.word()));
    }
}

/// The lists in which a node names others, by role.
fn lists(kind: &Kind, vips: &[Vip]) -> Vec<(&'static str, Vec<NodeId>)> {
    let resolve = |targets: &[Target]| {
        let nodes = targets.iter().flat_map(|target| match target {
            Target::Node(id) => vec![*id],
            Target::Vip(id) => vips.get(id.index()).map_or(Vec::new(), |vip| vip.members.clone()),
        });
        nodes.collect::<Vec<_>>()
    };
    match kind {
        Kind::Dns(dns) => vec![("answers", resolve(&dns.answers))],
        Kind::Firewall(firewall) => vec![("to", resolve(&[firewall.to]))],
        Kind::LoadBalancer(balancer) => vec![("servers", balancer.servers.iter().map(|s| s.node).collect())],
        Kind::Web(web) => vec![("upstreams", web.upstreams.iter().map(|u| u.node).collect())],
        // Calls are made in sequence: only those at the same position stand in for one another.
        Kind::App(app) => app
            .calls
            .iter()
            .zip(CALLS)
            .map(|(call, role)| (role, resolve(&[*call])))
            .collect(),
        Kind::Member(_) => Vec::new(),
    }
}

/// Names for positions in a list of calls. Nodes at later positions have draws of their own.
const CALLS: [&str; 8] = [
    "call 1", "call 2", "call 3", "call 4", "call 5", "call 6", "call 7", "call 8",
];

/// Union-find; the first node in order of declaration represents its group.
struct Groups {
    parent: Vec<usize>,
    kinds: Vec<&'static str>,
}

impl Groups {
    fn first(&self, mut i: usize) -> usize {
        while self.parent[i] != i {
            i = self.parent[i];
        }
        i
    }

    fn unite(&mut self, list: &[NodeId]) {
        let mut leaders: BTreeMap<&'static str, usize> = BTreeMap::new();
        let count = self.parent.len();
        for node in list.iter().map(|id| id.index()).filter(|i| *i < count) {
            let first = self.first(node);
            let leader = *leaders.entry(self.kinds[node]).or_insert(first);
            let leader = self.first(leader);
            let (low, high) = (leader.min(first), leader.max(first));
            self.parent[high] = low;
            self.parent[node] = low;
        }
    }
}
