//! The components whose loss alone cuts a class off: what must live for a request of each class to succeed.
//!
//! "Cut" is meant once every check, fail-over and promotion is done; load is not looked at.

use crate::base::ids::{ClassId, DatabaseId, HostId, LinkId, NodeId};
use crate::scenario::plan::{App, Entry, Hit, Kind, Plan, Promotion, ReadFrom, Source, Target};

/// A component whose loss is an outage.
#[derive(Clone, Debug, PartialEq)]
pub struct SinglePoint {
    /// Its name: a host, node, database member, zone, link or common cause.
    pub component: String,
    /// The classes of which no request succeeds without it.
    pub classes: Vec<ClassId>,
}

/// All of them, in the order nodes, hosts, zones, links, common causes.
pub fn single_points(plan: &Plan) -> Vec<SinglePoint> {
    let all = (0..plan.classes.len()).map(ClassId::new);
    let working: Vec<ClassId> = all.filter(|c| Walk::new(plan, &[], *c).works()).collect();
    let point = |(component, hits): (String, Vec<Hit>)| {
        let is_cut = |class: &ClassId| !Walk::new(plan, &hits, *class).works();
        let classes: Vec<ClassId> = working.iter().copied().filter(is_cut).collect();
        (!classes.is_empty()).then_some(SinglePoint { component, classes })
    };
    components(plan).into_iter().filter_map(point).collect()
}

/// Every component and what its loss takes down.
fn components(plan: &Plan) -> Vec<(String, Vec<Hit>)> {
    let nodes = plan.nodes.iter().enumerate();
    let mut all: Vec<(String, Vec<Hit>)> = nodes
        .map(|(i, n)| (n.name.clone(), vec![Hit::CrashNode(NodeId::new(i))]))
        .collect();
    let hosts = || plan.hosts.iter().enumerate().filter(|(_, h)| h.named);
    all.extend(hosts().map(|(i, h)| (h.name.clone(), vec![Hit::CrashHost(HostId::new(i))])));
    all.extend(plan.zones.iter().enumerate().map(|(z, zone)| {
        let inside = hosts().filter(|(_, h)| h.zone.is_some_and(|id| id.index() == z));
        (
            zone.name.clone(),
            inside.map(|(i, _)| Hit::CrashHost(HostId::new(i))).collect(),
        )
    }));
    let links = plan.network.links.iter().enumerate();
    all.extend(links.map(|(i, l)| (l.name.clone(), vec![Hit::CutLink(LinkId::new(i))])));
    for lifetime in &plan.lifetimes {
        if !all.iter().any(|(name, _)| *name == lifetime.name) {
            all.push((lifetime.name.clone(), lifetime.hits.clone()));
        }
    }
    all
}

/// One class on its way through what is left.
struct Walk<'p> {
    plan: &'p Plan,
    hits: &'p [Hit],
    class: ClassId,
    /// What is known of each node already, so that a wide design is walked once.
    known: Vec<Option<bool>>,
}

impl<'p> Walk<'p> {
    fn new(plan: &'p Plan, hits: &'p [Hit], class: ClassId) -> Walk<'p> {
        Walk {
            plan,
            hits,
            class,
            known: vec![None; plan.nodes.len()],
        }
    }

    fn works(&mut self) -> bool {
        let plan = self.plan;
        plan.sources.iter().any(|source| self.gets_through(source))
    }

    fn gets_through(&mut self, source: &Source) -> bool {
        match &source.entry {
            Entry::Node(target) => self.reaches(None, *target),
            Entry::Resolvers(list) => {
                let first = list.iter().find(|r| self.is_up(**r));
                let plan = self.plan;
                let answers = first.map_or(&[][..], |r| super::graph::answers(plan, *r));
                answers.iter().any(|answer| self.reaches(None, *answer))
            }
        }
    }

    fn is_up(&self, node: NodeId) -> bool {
        let host = self.plan.node(node).host;
        !self.hits.contains(&Hit::CrashNode(node)) && !self.hits.contains(&Hit::CrashHost(host))
    }

    /// Do call and answer pass?
    fn passes(&self, from: HostId, to: HostId) -> bool {
        let is_whole = |way: (HostId, HostId)| match self.plan.network.routes.get(&way) {
            Some(link) => !self.hits.contains(&Hit::CutLink(*link)),
            None => true,
        };
        from == to || (is_whole((from, to)) && is_whole((to, from)))
    }

    /// A virtual IP is where its first living member is, whether that one can serve or not.
    fn reaches(&mut self, from: Option<HostId>, target: Target) -> bool {
        let mut members = super::graph::members(self.plan, target).into_iter();
        let holder = members.find(|m| self.is_up(*m));
        holder.is_some_and(|node| self.can_use(from, node))
    }

    fn can_use(&mut self, from: Option<HostId>, node: NodeId) -> bool {
        let passes = from.is_none_or(|from| self.passes(from, self.plan.node(node).host));
        self.is_up(node) && passes && self.serves(node)
    }

    fn serves(&mut self, node: NodeId) -> bool {
        if let Some(known) = self.known[node.index()] {
            return known;
        }
        let plan = self.plan;
        let here = Some(plan.node(node).host);
        let serves = match &plan.node(node).kind {
            Kind::Firewall(firewall) => self.reaches(here, firewall.to),
            Kind::LoadBalancer(balancer) => {
                let mut servers = balancer.servers.iter().filter(|s| s.weight > 0);
                servers.any(|s| self.can_use(here, s.node))
            }
            Kind::Web(web) => {
                let alone = web.serves[self.class.index()] || web.cache.is_some_and(|c| c.hit > 0.0);
                let mut upstreams = web.upstreams.iter();
                alone || upstreams.any(|u| self.can_use(here, u.node))
            }
            Kind::App(app) => {
                self.finds_data(plan.node(node).host, app) && app.calls.iter().all(|c| self.reaches(here, *c))
            }
            Kind::Member(_) => true,
            Kind::Dns(_) => false,
        };
        self.known[node.index()] = Some(serves);
        serves
    }

    fn finds_data(&self, from: HostId, app: &App) -> bool {
        let Some(id) = app.database else { return true };
        let queries = app.queries(self.class);
        let near = |m: &NodeId| self.is_up(*m) && self.passes(from, self.plan.node(*m).host);
        let primary = self.primary(id);
        let database = &self.plan.databases[id.index()];
        let reads = match database.read_from {
            ReadFrom::Any => database.members.iter().any(near),
            ReadFrom::Primary => near(&primary),
            ReadFrom::Replicas => database.members.iter().any(|m| *m != primary && near(m)),
        };
        (queries.read == 0 || reads) && (queries.write == 0 || near(&primary))
    }

    /// Who is primary once every promotion is done.
    fn primary(&self, id: DatabaseId) -> NodeId {
        let database = &self.plan.databases[id.index()];
        let first = database.members[database.primary];
        let promoted = match database.failover {
            Promotion::Automatic { .. } if !self.is_up(first) => {
                database.members.iter().copied().find(|m| self.is_up(*m))
            }
            _ => None,
        };
        promoted.unwrap_or(first)
    }
}
