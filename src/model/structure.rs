//! The structure function of a scenario: what can still be served when some components are down.
//!
//! It describes the state after all checks, fail-overs and promotions, and ignores load. A class is *cut* if none of
//! its requests can succeed. The function follows the nodes' behaviour and so is not always coherent: a virtual IP
//! stays with a living member even if the next one could serve better.

use std::cell::Cell;
use std::mem;

use crate::base::ids::{ClassId, HostId, NodeId};
use crate::scenario::plan::{
    Algorithm, App, Cache, Component, Entry, Hit, Kind, LoadBalancer, Observe, OnError, Plan, RetryOn, Server, Source,
    Target, Upstream, Web,
};

/// Which nodes, hosts and links are down.
#[derive(Clone, Debug)]
pub struct State {
    nodes: Vec<bool>,
    hosts: Vec<bool>,
    links: Vec<bool>,
}

impl State {
    /// Everything is up except these.
    pub fn without<'c>(plan: &Plan, down: impl IntoIterator<Item = &'c Component>) -> State {
        let mut state = State {
            nodes: vec![false; plan.nodes.len()],
            hosts: vec![false; plan.hosts.len()],
            links: vec![false; plan.network.links.len()],
        };
        for hit in down.into_iter().flat_map(|c| &c.hits) {
            match hit {
                Hit::CrashNode(node) => state.nodes[node.index()] = true,
                Hit::CrashHost(host) => state.hosts[host.index()] = true,
                Hit::CutLink(link) => state.links[link.index()] = true,
                other => unreachable!("a crash does not {other:?}"),
            }
        }
        state
    }
}

/// Whether no request of this class can succeed.
pub fn is_cut(plan: &Plan, state: &State, class: ClassId) -> bool {
    !Walk::of(plan, state, class).succeeds()
}

/// If a request of the class can succeed: by component, whether it was looked at to establish that. As long as these do
/// not change, it can succeed, whatever else goes down.
pub fn seen(plan: &Plan, state: &State, class: ClassId) -> Option<Vec<bool>> {
    let mut walk = Walk::of(plan, state, class);
    if !walk.succeeds() {
        return None;
    }
    let of = |component: &Component| {
        component.hits.iter().any(|hit| match hit {
            Hit::CrashNode(node) => walk.seen.nodes[node.index()].get(),
            Hit::CrashHost(host) => walk.seen.hosts[host.index()].get(),
            Hit::CutLink(link) => walk.seen.links[link.index()].get(),
            _ => false,
        })
    };
    Some(plan.components.iter().map(of).collect())
}

/// The evaluation of one state for one class.
struct Walk<'a> {
    plan: &'a Plan,
    state: &'a State,
    class: ClassId,
    /// By node: results so far.
    known: Vec<Option<bool>>,
    seen: Seen,
}

/// Which components were looked at.
struct Seen {
    nodes: Vec<Cell<bool>>,
    hosts: Vec<Cell<bool>>,
    links: Vec<Cell<bool>>,
}

/// Returns whether a component is down, and marks it as seen.
fn look(down: &[bool], seen: &[Cell<bool>], at: usize) -> bool {
    seen[at].set(true);
    down[at]
}

impl<'a> Walk<'a> {
    fn of(plan: &'a Plan, state: &'a State, class: ClassId) -> Walk<'a> {
        let nothing = |n: usize| vec![Cell::new(false); n];
        Walk {
            plan,
            state,
            class,
            known: vec![None; plan.nodes.len()],
            seen: Seen {
                nodes: nothing(state.nodes.len()),
                hosts: nothing(state.hosts.len()),
                links: nothing(state.links.len()),
            },
        }
    }

    fn succeeds(&mut self) -> bool {
        let plan = self.plan;
        let class = self.class.index();
        let mut asking = plan.sources.iter().filter(|s| s.mix(&plan.classes)[class] > 0.0);
        asking.any(|source| self.is_asked(source) && self.enters(&source.entry))
    }

    /// Whether a page view of the source requests this class: resources are fetched only after their document.
    fn is_asked(&mut self, source: &Source) -> bool {
        let Some(&document) = source.page.first().filter(|d| **d != self.class) else {
            return true;
        };
        let class = mem::replace(&mut self.class, document);
        let unknown = vec![None; self.known.len()];
        let known = mem::replace(&mut self.known, unknown);
        let found = self.enters(&source.entry);
        (self.class, self.known) = (class, known);
        found
    }

    fn is_up(&self, node: NodeId) -> bool {
        !look(&self.state.nodes, &self.seen.nodes, node.index())
            && !look(&self.state.hosts, &self.seen.hosts, self.plan.node(node).host.index())
    }

    /// Whether calls and answers pass between these hosts. Links do not affect clients.
    fn joins(&self, from: Option<HostId>, to: HostId) -> bool {
        let routes = &self.plan.network.routes;
        let passes = |a, b| {
            routes
                .get(&(a, b))
                .is_none_or(|link| !look(&self.state.links, &self.seen.links, link.index()))
        };
        from.is_none_or(|from| passes(from, to) && passes(to, from))
    }

    fn enters(&mut self, entry: &Entry) -> bool {
        match entry {
            Entry::Node(target) => self.reaches(None, *target),
            Entry::Resolvers(resolvers) => {
                // The first resolver that answers decides.
                let Some(resolver) = resolvers.iter().find(|r| self.is_up(**r)) else {
                    return false;
                };
                let Kind::Dns(dns) = &self.plan.node(*resolver).kind else {
                    unreachable!("a resolver is a dns node")
                };
                dns.answers.iter().any(|answer| self.reaches(None, *answer))
            }
        }
    }

    /// The node an address stands for; for a virtual IP the first living member.
    fn stands_for(&self, target: Target) -> Option<NodeId> {
        match target {
            Target::Node(node) => Some(node),
            Target::Vip(vip) => {
                let mut members = self.plan.vips[vip.index()].members.iter();
                members.find(|m| self.is_up(**m)).copied()
            }
        }
    }

    /// Whether a call from there to this target succeeds.
    fn reaches(&mut self, from: Option<HostId>, target: Target) -> bool {
        let Some(node) = self.stands_for(target) else {
            return false;
        };
        self.joins(from, self.plan.node(node).host) && self.works(node)
    }

    /// Whether the node can answer a request of the class.
    fn works(&mut self, node: NodeId) -> bool {
        if let Some(known) = self.known[node.index()] {
            return known;
        }
        let found = self.is_up(node) && self.is_served(node);
        self.known[node.index()] = Some(found);
        found
    }

    /// Whether a node that is up can reach what it needs.
    fn is_served(&mut self, node: NodeId) -> bool {
        let plan = self.plan;
        let here = plan.node(node).host;
        match &plan.node(node).kind {
            Kind::Dns(_) | Kind::Member(_) => true,
            Kind::Firewall(firewall) => self.reaches(Some(here), firewall.to),
            Kind::LoadBalancer(balancer) => self.balances(here, balancer),
            Kind::Web(web) => self.proxies(here, web),
            Kind::App(app) => {
                self.asks_database(here, app) && app.calls.iter().all(|target| self.reaches(Some(here), *target))
            }
        }
    }

    /// Backups are used only if no active server is believed up. A server without checks is always believed up.
    fn balances(&mut self, here: HostId, balancer: &LoadBalancer) -> bool {
        let (believed, found) = self.one_serves(here, balancer, false);
        found || (!believed && self.one_serves(here, balancer, true).1)
    }

    /// For the active servers or the backups: whether one is believed up, and whether one that is asked serves.
    fn one_serves(&mut self, here: HostId, balancer: &LoadBalancer, backup: bool) -> (bool, bool) {
        // Without `allbackups` only the first backup that is believed up is asked.
        let alone = backup && !balancer.allbackups;
        // `first` sends everything to the first server with room, and one that fails immediately always has room.
        let first = balancer.algorithm == Algorithm::First;
        let mut servers: Vec<&Server> = balancer
            .servers
            .iter()
            .filter(|s| s.backup == backup && s.weight > 0)
            .collect();
        if first && !alone {
            servers.sort_by_key(|s| s.id);
        }
        let mut asked = 0;
        for server in servers {
            let check = balancer.check.as_ref();
            if check.is_some_and(|check| !self.passes(here, server.node, check.deep)) {
                continue;
            }
            asked += 1;
            // One is enough.
            if self.reaches(Some(here), Target::Node(server.node)) {
                return (true, true);
            }
            if alone || first && (asked > 1 || !self.goes_elsewhere(here, balancer, server)) {
                break;
            }
        }
        (asked > 0, false)
    }

    /// Whether a request that fails on this server moves to another one.
    fn goes_elsewhere(&self, here: HostId, balancer: &LoadBalancer, server: &Server) -> bool {
        let why = match self.answers(here, server.node) {
            false => RetryOn::ConnFailure,
            true => RetryOn::Error,
        };
        let is_seen = match balancer.observe {
            None => false,
            Some(Observe::Layer4) => why == RetryOn::ConnFailure,
            Some(Observe::Layer7) => true,
        };
        let is_taken_out = balancer.check.is_some() && is_seen && balancer.on_error != OnError::FastInter;
        let is_retried = balancer.redispatch && balancer.retries > 0 && balancer.retry_on.contains(&why);
        is_taken_out || is_retried
    }

    /// Whether a node accepts the call.
    fn answers(&self, here: HostId, node: NodeId) -> bool {
        self.is_up(node) && self.joins(Some(here), self.plan.node(node).host)
    }

    /// Whether a health check passes. A deep one requests a page that needs one of everything, whatever the class, like
    /// [`probe`](super::probe).
    fn passes(&self, from: HostId, node: NodeId, deep: bool) -> bool {
        let here = self.plan.node(node).host;
        if !self.is_up(node) || !self.joins(Some(from), here) {
            return false;
        }
        let passes = |node: NodeId| self.passes(here, node, true);
        let one_of = |nodes: Vec<NodeId>| nodes.is_empty() || nodes.into_iter().any(passes);
        let called = |target: &Target| self.stands_for(*target).is_some_and(passes);
        match &self.plan.node(node).kind {
            _ if !deep => true,
            Kind::Dns(_) | Kind::Member(_) => true,
            Kind::Firewall(firewall) => called(&firewall.to),
            Kind::LoadBalancer(balancer) => one_of(balancer.servers.iter().map(|s| s.node).collect()),
            Kind::Web(web) => one_of(web.upstreams.iter().map(|u| u.node).collect()),
            Kind::App(app) => {
                let members = app
                    .database
                    .iter()
                    .flat_map(|d| &self.plan.databases[d.index()].members);
                one_of(members.copied().collect()) && app.calls.iter().all(called)
            }
        }
    }

    /// Backups are asked if every other upstream is skipped after its failures or fails in a way that moves the request
    /// on.
    fn proxies(&mut self, here: HostId, web: &Web) -> bool {
        if web.serves[self.class.index()] || web.upstreams.is_empty() || web.cache.is_some_and(Cache::outlasts) {
            return true;
        }
        let (backups, others): (Vec<&Upstream>, Vec<&Upstream>) = web.upstreams.iter().partition(|u| u.backup);
        let reaches = |walk: &mut Self, u: &Upstream| walk.reaches(Some(here), Target::Node(u.node));
        if others.iter().any(|u| reaches(self, u)) {
            return true;
        }
        // An upstream that is never skipped uses up one try of every request.
        let tries = web.tries.min(web.upstreams.len() as u32) as usize;
        let never_skipped = others.iter().filter(|u| u.max_fails == 0).count();
        let passes_on = |u: &&Upstream| {
            let counts = u.max_fails > 0 && !self.answers(here, u.node);
            counts || tries > 1 && self.is_next(here, web, u.node)
        };
        let comes_there = never_skipped < tries && others.iter().all(passes_on);
        comes_there && backups.iter().any(|u| reaches(self, u))
    }

    /// Whether `proxy_next_upstream` covers the way this upstream fails.
    fn is_next(&self, here: HostId, web: &Web, upstream: NodeId) -> bool {
        let host = self.plan.node(upstream).host;
        if self.answers(here, upstream) {
            web.next_on.answer
        } else if look(&self.state.hosts, &self.seen.hosts, host.index()) || !self.joins(Some(here), host) {
            web.next_on.timeout
        } else {
            web.next_on.error
        }
    }

    fn asks_database(&mut self, here: HostId, app: &App) -> bool {
        let queries = app.queries(self.class);
        let Some(database) = app.database else { return true };
        let role = &self.plan.databases[database.index()];
        let primary = role.writer(|m| self.is_up(m)).unwrap_or(role.first());
        let answers = |member: NodeId| self.answers(here, member);
        let mut readers = role.members.iter().copied().filter(|m| role.reads_from(*m, primary));
        (queries.write == 0 || answers(primary)) && (queries.read == 0 || readers.any(answers))
    }
}

/// Which components are needed, or in reserve, for anything that clients request.
pub fn used(plan: &Plan) -> Vec<bool> {
    let entries = plan.sources.iter().flat_map(|s| plan.entries(s));
    let nodes = plan.behind(entries.flat_map(|t| plan.members(t)).collect());
    let lives_on = |host: HostId| plan.nodes_on(host).any(|node| nodes.contains(&node));
    let routes = &plan.network.routes;
    let is_used = |hit: &Hit| match hit {
        Hit::CrashNode(node) => nodes.contains(node),
        Hit::CrashHost(host) => lives_on(*host),
        Hit::CutLink(link) => routes
            .iter()
            .any(|((a, b), l)| l == link && lives_on(*a) && lives_on(*b)),
        _ => false,
    };
    plan.components.iter().map(|c| c.hits.iter().any(is_used)).collect()
}
