//! Nodes: what all have in common, and the kinds other than proxies.
//!
//! Balancers and web servers have a file of their own.

use super::Context;
use super::balancer;
use super::names::Component;
use super::traffic;
use crate::base::dist::Dist;
use crate::base::ids::{HostId, NodeId};
use crate::base::limits;
use crate::scenario::plan::{self, Abandoned, Host, Kind, Node, Promotion, ReadFrom, Target, Vip, Work};
use crate::scenario::raw::app::{self, Failover, Mode};
use crate::scenario::raw::node::{self as raw, Node as Raw};
use crate::scenario::raw::units::Named;
use crate::scenario::read::tree::Path;

/// The table of nodes, in the order in which `names` numbered them.
pub fn nodes(cx: &mut Context, hosts: &[Host]) -> Vec<Node> {
    let raw = cx.raw;
    let mut nodes = Vec::new();
    // Implied hosts come after the named ones, in the order of their nodes.
    let mut implied = raw.hosts.0.len();
    for (name, node) in raw.nodes.iter() {
        let path = Path::to("nodes").key(name);
        match node {
            Raw::Database(database) => members(cx, name, database, &path, &mut implied, &mut nodes),
            other => {
                let Some(serving) = other.serving() else { continue };
                let host = host(cx, serving.host, &path, &mut implied);
                let kind = kind(cx, name, other, &path);
                workers(cx, serving.workers, &path);
                let work = work_by_class(cx, serving.work, &path.key("work"));
                let abandoned = serving.abandoned.unwrap_or(raw::Abandoned::Stop);
                let (workers, queue) = (serving.workers, serving.queue);
                let name = name.to_owned();
                nodes.push(Node {
                    name,
                    kind,
                    host,
                    workers,
                    queue,
                    work,
                    abandoned: settle(abandoned),
                    draws: 0,
                });
            }
        }
    }
    debug_assert!(implied == hosts.len() || !cx.problems.is_empty());
    nodes
}

fn host(cx: &mut Context, name: Option<&str>, path: &Path, implied: &mut usize) -> HostId {
    let Some(name) = name else {
        *implied += 1;
        return HostId::new(*implied - 1);
    };
    let path = path.key("host");
    match cx.component(name, "host", &path) {
        Some(Component::Host(id)) => return id,
        Some(other) => cx.bad(&path, format!("\"{name}\" is {}, not a host", other.what())),
        None => {}
    }
    HostId::new(0)
}

fn settle(abandoned: raw::Abandoned) -> Abandoned {
    match abandoned {
        raw::Abandoned::Finish => Abandoned::Finish,
        raw::Abandoned::Stop => Abandoned::Stop,
    }
}

fn workers(cx: &mut Context, workers: Option<u32>, path: &Path) {
    if workers == Some(0) {
        cx.hint(
            &path.key("workers"),
            "workers must be at least 1",
            "leave it out for unlimited workers",
        );
    }
}

fn kind(cx: &mut Context, name: &str, node: &Raw, path: &Path) -> Kind {
    match node {
        Raw::Dns(dns) => Kind::Dns(self::dns(cx, dns, path)),
        Raw::Firewall(firewall) => Kind::Firewall(self::firewall(cx, firewall, path)),
        Raw::LoadBalancer(balancer) => Kind::LoadBalancer(balancer::load_balancer(cx, name, balancer, path)),
        Raw::Web(web) => Kind::Web(balancer::web(cx, name, web, path)),
        Raw::App(app) => Kind::App(self::app(cx, app, path)),
        Raw::VirtualIp(_) | Raw::Database(_) => unreachable!("roles are not in the table of nodes"),
    }
}

fn dns(cx: &mut Context, dns: &raw::Dns, path: &Path) -> plan::Dns {
    if dns.answers.is_empty() {
        cx.bad(&path.key("answers"), "a resolver needs at least one answer");
    }
    let answers = targets(cx, &dns.answers, &path.key("answers"));
    if dns.timeout.0.is_zero() {
        cx.bad(&path.key("timeout"), "timeout must be above 0");
    }
    let lookup = cx.dist(&dns.lookup.0, &path.key("lookup"));
    plan::Dns {
        answers,
        ttl: dns.ttl.0,
        negative_ttl: dns.negative_ttl.map(|t| t.0),
        lookup,
        timeout: dns.timeout.0,
        failover: dns
            .failover
            .as_ref()
            .map(|f| balancer::check(cx, &f.check, &path.key("failover").key("check"))),
    }
}

pub(super) fn targets(cx: &mut Context, names: &[String], path: &Path) -> Vec<Target> {
    if names.len() > limits::NODES {
        cx.bad(path, format!("more than {} names, which is the limit", limits::NODES));
        return Vec::new();
    }
    names
        .iter()
        .enumerate()
        .filter_map(|(i, name)| cx.target(name, &path.index(i)))
        .collect()
}

/// A placeholder for an unknown node; the Plan that contains it is discarded.
const NOBODY: fn() -> Target = || Target::Node(NodeId::new(0));

fn firewall(cx: &mut Context, firewall: &raw::Firewall, path: &Path) -> plan::Firewall {
    let to = cx.target(&firewall.to, &path.key("to")).unwrap_or_else(NOBODY);
    if firewall.connections == Some(0) {
        cx.hint(
            &path.key("connections"),
            "connections must be at least 1",
            "leave it out for an unlimited table",
        );
    }
    let limit = firewall.limit.as_ref().map(|limit| {
        let burst = limit.burst.unwrap_or(1);
        if limit.rate.0 <= 0.0 || burst == 0 {
            cx.bad(&path.key("limit"), "rate and burst must be above 0, or nothing passes");
        }
        plan::RateLimit {
            rate: limit.rate.0,
            burst,
        }
    });
    plan::Firewall {
        to,
        connections: firewall.connections,
        limit,
    }
}

fn app(cx: &mut Context, app: &app::App, path: &Path) -> plan::App {
    let at = path.key("database");
    let database = app
        .database
        .as_ref()
        .and_then(|name| match cx.component(name, "database", &at)? {
            Component::Database(id) => Some(id),
            other => {
                let has_it = |node: &Raw| matches!(node, Raw::Database(d) if d.members.get(name).is_some());
                let of = cx.raw.nodes.iter().find(|(_, node)| has_it(node));
                let of = of.map(|(of, _)| format!("it belongs to \"{of}\""));
                cx.unknown(&at, format!("\"{name}\" is {}, not a database", other.what()), of);
                None
            }
        });
    if !app.queries.0.is_empty() && app.database.is_none() {
        cx.bad_key(
            &path.key("queries"),
            "there are queries, and no \"database\" to ask",
            None,
        );
    }
    if app.pool.is_some() && app.database.is_none() {
        cx.warn(format!(
            "{path}: a pool of database connections, and no \"database\": it does nothing"
        ));
    }
    if app.queries.0.is_empty() && app.database.is_some() {
        let message = format!(
            "{path}: it has a \"database\" and no \"queries\", so the database is never asked; such as \"queries\": {{ \"*\": {{ \"read\": 1 }} }}"
        );
        cx.warn(message);
    }
    for (class, queries) in app.queries.iter() {
        if queries.read > limits::QUERIES || queries.write > limits::QUERIES {
            let message = format!("more than {} queries a request, which is the limit", limits::QUERIES);
            cx.bad(&path.key("queries").key(class), message);
        }
    }
    if app.pool == Some(0) {
        cx.hint(
            &path.key("pool"),
            "pool must be at least 1",
            "leave it out for as many as there are workers",
        );
    }
    let queries = by_class(cx, &app.queries, &path.key("queries"));
    let queries = queries.into_iter().map(|q| {
        q.map_or(plan::Queries::default(), |q| plan::Queries {
            read: q.read,
            write: q.write,
        })
    });
    plan::App {
        database,
        queries: queries.collect(),
        calls: targets(cx, &app.calls, &path.key("calls")),
        pool: app.pool,
        connect_timeout: app.timeouts.connect.0,
        query_timeout: app.timeouts.query.map(|t| t.0),
        avoid: app.avoid.0,
        retry: app.retry.as_ref().map(|r| traffic::retry(cx, r, &path.key("retry"))),
        breaker: app.breaker.as_ref().map(|b| breaker(cx, b, &path.key("breaker"))),
    }
}

fn breaker(cx: &mut Context, breaker: &app::Breaker, path: &Path) -> plan::Breaker {
    if !(1..=limits::BREAKER_FAILURES).contains(&breaker.failures) {
        let message = format!("failures must be from 1 to {}", limits::BREAKER_FAILURES);
        cx.bad(&path.key("failures"), message);
    }
    for (key, span) in [("window", breaker.window.0), ("open", breaker.open.0)] {
        if span.is_zero() {
            cx.bad(&path.key(key), format!("{key} must be above 0"));
        }
    }
    plan::Breaker {
        failures: breaker.failures,
        window: breaker.window.0,
        open: breaker.open.0,
    }
}

/// For every class, the entry under its name or else the one under `*`.
fn by_class<'a, T>(cx: &mut Context, named: &'a Named<T>, path: &Path) -> Vec<Option<&'a T>> {
    for name in named.names().filter(|name| *name != "*") {
        cx.class(name, &path.key(name));
    }
    cx.raw
        .requests
        .names()
        .map(|class| named.get(class).or_else(|| named.get("*")))
        .collect()
}

fn work_by_class(cx: &mut Context, work: &Named<raw::Work>, path: &Path) -> Vec<Work> {
    // Every entry is checked once, whether or not a class uses it.
    let settled: Vec<(String, Work)> = work
        .iter()
        .map(|(n, w)| (n.to_owned(), self::work(cx, w, &path.key(n))))
        .collect();
    by_class(cx, &Named(settled), path)
        .into_iter()
        .map(|w| w.cloned().unwrap_or(Work::NONE))
        .collect()
}

fn work(cx: &mut Context, work: &raw::Work, path: &Path) -> Work {
    let cpu = cx.dist_of_request(&work.cpu.0, &path.key("cpu"));
    Work {
        cpu,
        io: cx.dist_of_request(&work.io.0, &path.key("io")),
    }
}

fn members(
    cx: &mut Context,
    name: &str,
    database: &app::Database,
    path: &Path,
    implied: &mut usize,
    nodes: &mut Vec<Node>,
) {
    workers(cx, database.workers, path);
    if database.max_connections == 0 {
        cx.bad(&path.key("max_connections"), "max_connections must be at least 1");
    }
    let work = work_by_operation(cx, &database.work, &path.key("work"));
    let Some(Component::Database(id)) = cx.names.get(name) else {
        return;
    };
    for (member, settings) in database.members.iter() {
        let host = host(cx, settings.host.as_deref(), &path.key("members").key(member), implied);
        nodes.push(Node {
            name: member.to_owned(),
            kind: Kind::Member(plan::Member {
                database: id,
                max_connections: database.max_connections,
            }),
            host,
            workers: database.workers,
            queue: database.queue,
            work: work.clone(),
            abandoned: settle(database.abandoned),
            draws: 0,
        });
    }
}

/// The cost of a read and of a write.
fn work_by_operation(cx: &mut Context, named: &Named<raw::Work>, path: &Path) -> Vec<Work> {
    let mut both = [Work::NONE, Work::NONE];
    for (operation, work) in named.iter() {
        let path = path.key(operation);
        let work = self::work(cx, work, &path);
        match operation {
            "read" => both[plan::READ] = work,
            "write" => both[plan::WRITE] = work,
            "*" => {
                for (i, name) in [(plan::READ, "read"), (plan::WRITE, "write")] {
                    if named.get(name).is_none() {
                        both[i] = work.clone();
                    }
                }
            }
            other => {
                let hint =
                    "a database works at \"read\" and \"write\"; which class asks what stands in the app's \"queries\"";
                cx.bad_key(&path, format!("unknown operation \"{other}\""), Some(hint.into()));
            }
        }
    }
    both.into()
}

/// The databases as a whole.
pub fn databases(cx: &mut Context) -> Vec<plan::Database> {
    let raw = cx.raw;
    let databases = raw.nodes.iter().filter_map(|(n, node)| {
        if let Raw::Database(d) = node {
            Some((n, d))
        } else {
            None
        }
    });
    databases
        .map(|(name, database)| self::database(cx, name, database))
        .collect()
}

fn database(cx: &mut Context, name: &str, database: &app::Database) -> plan::Database {
    let path = Path::to("nodes").key(name);
    if database.members.0.is_empty() {
        cx.bad(&path.key("members"), "a database needs at least one member");
    }
    let members = database
        .members
        .names()
        .filter_map(|member| cx.names.node(member))
        .collect();
    let wanted = database.primary.as_deref().unwrap_or_default();
    let primary = database.members.names().position(|m| m == wanted);
    if primary.is_none() && !wanted.is_empty() && !cx.pruned.contains(&path.key("members").key(wanted)) {
        let hint = crate::scenario::problem::did_you_mean(wanted, database.members.names());
        cx.unknown(
            &path.key("primary"),
            format!("\"{wanted}\" is no member of this database"),
            hint,
        );
    }
    let read_from = match database.read_from {
        app::ReadFrom::Any => ReadFrom::Any,
        app::ReadFrom::Primary => ReadFrom::Primary,
        app::ReadFrom::Replicas => ReadFrom::Replicas,
    };
    if read_from == ReadFrom::Replicas && database.members.0.len() == 1 {
        cx.bad(&path.key("read_from"), "reads go to the replicas, and there are none");
    }
    let replication = &database.replication;
    let lag = cx.dist(&replication.lag.0, &path.key("replication").key("lag"));
    let apply = cx.dist_of_request(&replication.apply.0, &path.key("replication").key("apply"));
    if replication.timeout.is_some() && replication.mode == Mode::Async {
        let path = path.key("replication").key("timeout");
        cx.bad(
            &path,
            "\"timeout\" belongs to \"mode\": \"semi-sync\"; an async primary waits for nobody",
        );
    }
    let semi_sync = replication
        .timeout
        .filter(|_| replication.mode == Mode::SemiSync)
        .map(|t| t.0);
    if semi_sync.is_some() && database.members.0.len() == 1 {
        cx.warn(format!(
            "database \"{name}\" is semi-sync and has no replica to wait for"
        ));
    }
    let failover = match &database.failover.0 {
        Failover::Manual => Promotion::Manual,
        Failover::Automatic(watcher) => {
            let path = path.key("failover");
            if database.members.0.len() == 1 {
                cx.warn(format!(
                    "database \"{name}\" has an automatic failover and no replica to promote"
                ));
            }
            let detect = cx.dist(&watcher.detect.0, &path.key("detect"));
            Promotion::Automatic {
                detect,
                promote: cx.dist(&watcher.promote.0, &path.key("promote")),
            }
        }
    };
    let primary = primary.unwrap_or(0);
    plan::Database {
        name: name.to_owned(),
        members,
        primary,
        read_from,
        lag,
        apply,
        semi_sync,
        failover,
    }
}

/// The virtual IPs.
pub fn vips(cx: &mut Context) -> Vec<Vip> {
    let raw = cx.raw;
    let mut vips = Vec::new();
    for (name, node) in raw.nodes.iter() {
        let Raw::VirtualIp(vip) = node else { continue };
        let path = Path::to("nodes").key(name);
        let at = path.key("members");
        if vip.members.is_empty() {
            cx.bad(&at, "a virtual IP needs at least one member");
        }
        if vip.members.len() == 1 {
            cx.warn(format!("virtual IP \"{name}\" has one member: nobody can take over"));
        }
        let members = vip.members.iter().enumerate().filter_map(|(i, member)| {
            if vip.members[..i].contains(member) {
                cx.bad(&at.index(i), format!("\"{member}\" stands here twice"));
            }
            cx.server(member, &at.index(i))
        });
        let members = members.collect();
        let failover: Dist = cx.dist(&vip.failover.0, &path.key("failover"));
        vips.push(Vip {
            name: name.to_owned(),
            members,
            failover,
            preempt: vip.preempt,
        });
    }
    vips
}
