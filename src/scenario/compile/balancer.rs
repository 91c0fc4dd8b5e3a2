//! Proxies: load balancers and web servers.
//!
//! Translates directives that have already been decoded into the Plan's terms.

use super::Context;
use crate::base::ids::NodeId;
use crate::base::limits;
use crate::base::time::Span;
use crate::scenario::plan::{
    self, Algorithm, Check, HashOf, LimitReq, LoadBalancer, NextOn, Server, Tls, Upstream, Web, WebBalance,
};
use crate::scenario::raw::app::App;
use crate::scenario::raw::balancer as raw;
use crate::scenario::raw::node::Node;
use crate::scenario::raw::web;
use crate::scenario::read::tree::Path;

/// The largest `weight` HAProxy takes.
pub const MOST_WEIGHT: u32 = 256;

/// CPU time of a full TLS handshake divided by that of a resumed one, as measured with an RSA-2048 certificate.
const FULL_TO_RESUMED: f64 = 2.3;

/// HAProxy.
pub fn load_balancer(cx: &mut Context, name: &str, raw: &raw::LoadBalancer, path: &Path) -> LoadBalancer {
    if raw.servers.is_empty() {
        cx.bad(&path.key("servers"), "a load balancer needs at least one server");
    }
    contradictions(cx, name, raw);
    if raw.error_limit == 0 {
        cx.bad(&path.key("error_limit"), "error_limit must be at least 1");
    }
    if raw.retries > limits::RETRIES {
        cx.bad(
            &path.key("retries"),
            format!(
                "{} retries are more than {}, which is the limit",
                raw.retries,
                limits::RETRIES
            ),
        );
    }
    let servers = servers(cx, raw, &path.key("servers"));
    let timeouts = &raw.timeouts;
    if timeouts.connect.0.is_zero() {
        cx.bad(&path.key("timeouts").key("connect"), "connect must be above 0");
    }
    LoadBalancer {
        algorithm: algorithm(cx, raw, path),
        servers,
        check: raw
            .check
            .as_ref()
            .map(|check| self::check(cx, check, &path.key("check"))),
        retries: raw.retries,
        redispatch: raw.redispatch,
        retry_on: retry_on(&raw.retry_on),
        connect_timeout: timeouts.connect.0,
        queue_timeout: timeouts.queue.unwrap_or(timeouts.connect).0,
        server_timeout: timeouts.server.map(|t| t.0),
        maxconn: unlimited(raw.maxconn),
        backlog: raw.backlog.unwrap_or_default(),
        fullconn: fullconn(cx, name, raw, path),
        allbackups: raw.allbackups,
        observe: raw.observe.map(|observe| match observe {
            raw::Observe::Layer4 => plan::Observe::Layer4,
            raw::Observe::Layer7 => plan::Observe::Layer7,
        }),
        error_limit: raw.error_limit,
        on_error: match raw.on_error {
            raw::OnError::Fastinter => plan::OnError::FastInter,
            raw::OnError::FailCheck => plan::OnError::FailCheck,
            raw::OnError::SuddenDeath => plan::OnError::SuddenDeath,
            raw::OnError::MarkDown => plan::OnError::MarkDown,
        },
        shutdown_sessions: raw.on_marked_down == Some(raw::OnMarkedDown::ShutdownSessions),
        tls: raw.tls.as_ref().map(|tls| self::tls(cx, tls, &path.key("tls"))),
    }
}

/// HAProxy and Nginx write "no limit" as 0.
pub fn unlimited(limit: Option<u32>) -> Option<u32> {
    limit.filter(|n| *n > 0)
}

fn servers(cx: &mut Context, raw: &raw::LoadBalancer, path: &Path) -> Vec<Server> {
    let mut servers = Vec::new();
    for (i, server) in raw.servers.iter().map(|s| &s.0).enumerate() {
        let path = path.index(i);
        weight(cx, server.weight, MOST_WEIGHT, &path.key("weight"));
        if raw.servers[..i].iter().any(|s| s.0.id == server.id) {
            cx.bad(
                &path.key("id"),
                format!("the id {} is taken by another server", server.id.unwrap_or_default()),
            );
        }
        servers.push(Server {
            node: node(
                cx,
                &server.node,
                &path,
                raw.servers[..i].iter().any(|s| s.0.node == server.node),
            ),
            id: server.id.unwrap_or_default(),
            weight: server.weight,
            // HAProxy uses a minconn that is not below maxconn as the maxconn.
            maxconn: unlimited(server.maxconn).max(unlimited(server.minconn)),
            minconn: unlimited(server.minconn),
            maxqueue: unlimited(server.maxqueue),
            backup: server.backup,
            slowstart: server.slowstart.map(|s| s.0),
        });
    }
    servers
}

/// The node of a server. `twice` means that it is already in the list, which is reported.
fn node(cx: &mut Context, name: &str, path: &Path, twice: bool) -> NodeId {
    if twice {
        cx.hint(path, format!("\"{name}\" stands here twice"), "give it a larger weight");
    }
    // A plain name has no key of its own; the tree then shows the name.
    cx.server(name, &path.key("node")).unwrap_or(NodeId::new(0))
}

fn weight(cx: &mut Context, weight: u32, most: u32, path: &Path) {
    if weight > most {
        cx.bad(path, format!("weight {weight} is above {most}, which is the limit"));
    }
}

fn algorithm(cx: &mut Context, raw: &raw::LoadBalancer, path: &Path) -> Algorithm {
    let consistent = raw.hash_type == raw::HashType::Consistent;
    let hash = |of| Algorithm::Hash { of, consistent };
    let algorithm = match raw.algorithm {
        raw::Algorithm::Roundrobin => Algorithm::RoundRobin,
        raw::Algorithm::StaticRr => Algorithm::StaticRr,
        raw::Algorithm::Leastconn => Algorithm::LeastConn,
        raw::Algorithm::First => Algorithm::First,
        raw::Algorithm::Random => Algorithm::Random { draws: raw.draws },
        raw::Algorithm::Source => hash(HashOf::Client),
        raw::Algorithm::Uri | raw::Algorithm::Hdr => hash(HashOf::Key),
    };
    if raw.draws == 0 {
        cx.bad(&path.key("draws"), "draws must be at least 1");
    }
    if raw.draws > limits::DRAWS {
        let says = format!(
            "{} draws are more than {}, which is the limit",
            raw.draws,
            limits::DRAWS
        );
        cx.hint(&path.key("draws"), says, "2 is what HAProxy draws by default");
    }
    if consistent && !matches!(algorithm, Algorithm::Hash { .. }) {
        cx.bad(
            &path.key("hash_type"),
            "hash_type belongs to the algorithms source, uri and hdr",
        );
    }
    if matches!(algorithm, Algorithm::Hash { of: HashOf::Key, .. })
        && cx.raw.requests.iter().any(|(_, c)| c.keys.is_none())
    {
        let message =
            "a balancer hashes the request's key, and not every class has \"keys\": requests without are all alike";
        cx.warn(message);
    }
    algorithm
}

/// A health check.
pub fn check(cx: &mut Context, raw: &raw::Check, path: &Path) -> Check {
    let (inter, or_inter) = (raw.inter.0, |t: Option<crate::scenario::raw::units::Duration>| {
        t.unwrap_or(raw.inter).0
    });
    let (fastinter, downinter, timeout) = (or_inter(raw.fastinter), or_inter(raw.downinter), or_inter(raw.timeout));
    for (key, span) in [
        ("inter", inter),
        ("fastinter", fastinter),
        ("downinter", downinter),
        ("timeout", timeout),
    ] {
        if span.nanos() < 1_000_000 {
            let path = if cx.tree.find(&path.key(key)).is_some() {
                path.key(key)
            } else {
                path.key("inter")
            };
            cx.bad(&path, format!("{key} {span} is below 1ms, which is the limit"));
        }
    }
    for (key, count) in [("fall", raw.fall), ("rise", raw.rise)] {
        if count == 0 {
            cx.bad(&path.key(key), format!("{key} must be at least 1"));
        }
    }
    Check {
        inter,
        fastinter,
        downinter,
        fall: raw.fall,
        rise: raw.rise,
        timeout,
        deep: raw.deep,
    }
}

/// `retry-on`: a list replaces HAProxy's default, `conn-failure`.
fn retry_on(words: &[raw::RetryOn]) -> Vec<plan::RetryOn> {
    use plan::RetryOn::{ConnFailure, EmptyResponse, Error, ResponseTimeout};
    if words.is_empty() {
        return vec![ConnFailure];
    }
    let meant = |word: &raw::RetryOn| match word {
        raw::RetryOn::ConnFailure => vec![ConnFailure],
        raw::RetryOn::EmptyResponse => vec![EmptyResponse],
        raw::RetryOn::ResponseTimeout => vec![ResponseTimeout],
        raw::RetryOn::AllRetryableErrors => vec![ConnFailure, EmptyResponse, ResponseTimeout, Error],
        raw::RetryOn::Http500 | raw::RetryOn::Http502 | raw::RetryOn::Http503 | raw::RetryOn::Http504 => vec![Error],
    };
    words.iter().flat_map(meant).collect()
}

/// `fullconn`, needed where a server has a `minconn`. HAProxy's default is a tenth of the front end's `maxconn`.
fn fullconn(cx: &mut Context, name: &str, raw: &raw::LoadBalancer, path: &Path) -> Option<u32> {
    let has_minconn = raw.servers.iter().any(|s| unlimited(s.0.minconn).is_some());
    match (unlimited(raw.fullconn), unlimited(raw.maxconn)) {
        (Some(_), _) if !has_minconn => {
            cx.warn(format!(
                "load balancer \"{name}\": fullconn does nothing where no server has a minconn"
            ));
            None
        }
        (Some(load), _) => Some(load),
        (None, _) if !has_minconn => None,
        (None, Some(most)) => Some((most / 10).max(1)),
        (None, None) => {
            cx.hint(
                &path.key("fullconn"),
                "a server has a minconn, and nothing says at which load its maxconn is reached",
                "add \"fullconn\", or \"maxconn\" of the balancer: fullconn is a tenth of it",
            );
            None
        }
    }
}

/// The default of HAProxy's `random`.
const DRAWS: u32 = 2;

/// Contradicting settings are resolved as HAProxy does, with a warning.
fn contradictions(cx: &mut Context, name: &str, raw: &raw::LoadBalancer) {
    let mut says = |message: &str| cx.warn(format!("load balancer \"{name}\": {message}"));
    let servers = || raw.servers.iter().map(|s| &s.0);
    if raw.redispatch && raw.servers.len() == 1 {
        says("redispatch is on, and there is only one server");
    }
    if !raw.servers.is_empty() && servers().all(|s| s.weight == 0) {
        says("every server has weight 0, so none gets a request");
    }
    if !raw.servers.is_empty() && servers().all(|s| s.backup) {
        says("every server is a backup, so the first that is up serves alone");
    }
    if raw.check.is_none() && servers().any(|s| s.slowstart.is_some()) {
        says("without checks no server is ever seen to come up, so slowstart acts only after maintenance");
    }
    if raw.check.is_none() && raw.observe.is_some() {
        says("observe needs checks, which would bring a server back; without them it does nothing");
    }
    if raw.observe.is_none() && raw.on_error != raw::OnError::default() {
        says("on_error says what observe is to do; without observe it does nothing");
    }
    if raw.retries == 0 && raw.redispatch {
        says("redispatch sends retries elsewhere, and retries are 0");
    }
    if servers().any(|s| s.maxqueue.is_some_and(|n| n > 0) && unlimited(s.maxconn).is_none()) {
        says("a server with maxqueue and without maxconn never has a queue");
    }
    if raw.draws != DRAWS && raw.algorithm != raw::Algorithm::Random {
        says("draws belongs to the algorithm random; under another it does nothing");
    }
    if servers().any(|s| unlimited(s.minconn) > unlimited(s.maxconn)) {
        says("a minconn above maxconn, or without one, is taken for the server's maxconn, as HAProxy does");
    }
}

fn tls(cx: &mut Context, raw: &web::Tls, path: &Path) -> Tls {
    let handshake = cx.dist(&raw.handshake.0, &path.key("handshake"));
    let resumed = match &raw.resumed {
        Some(resumed) => cx.dist(&resumed.0, &path.key("resumed")),
        None => handshake.scaled(1.0 / FULL_TO_RESUMED),
    };
    Tls {
        handshake,
        resumption: raw.resumption.0,
        resumed,
    }
}

/// Nginx.
pub fn web(cx: &mut Context, name: &str, raw: &web::Web, path: &Path) -> Web {
    let mut serves = vec![false; cx.raw.requests.0.len()];
    for (i, class) in raw.serves.iter().enumerate() {
        if let Some(class) = cx.class(class, &path.key("serves").index(i)) {
            serves[class] = true;
        }
    }
    if raw.connections < 3 {
        cx.bad(
            &path.key("connections"),
            "connections must be at least 3: Nginx uses two of them itself",
        );
    }
    let upstreams = upstreams(cx, raw, &path.key("upstreams"));
    let unserved: Vec<&str> = cx
        .raw
        .requests
        .names()
        .zip(&serves)
        .filter(|(_, serves)| !**serves)
        .map(|(name, _)| name)
        .collect();
    if raw.upstreams.is_empty() && !unserved.is_empty() {
        let classes = unserved.join(", ");
        cx.warn(format!(
            "web server \"{name}\" has no upstreams, so it answers {classes} itself; say so with \"serves\""
        ));
    }
    if raw.timeouts.connect.0.is_zero() {
        cx.bad(&path.key("timeouts").key("connect"), "connect must be above 0");
    }
    without_effect(cx, name, raw);
    let off = raw.next_upstream.contains(&web::NextUpstream::Off);
    let tries = if off {
        1
    } else {
        unlimited(Some(raw.next_upstream_tries)).unwrap_or(raw.upstreams.len() as u32)
    };
    Web {
        serves,
        upstreams,
        balance: match raw.balance {
            web::Balance::RoundRobin => WebBalance::RoundRobin,
            web::Balance::LeastConn => WebBalance::LeastConn,
            web::Balance::IpHash => WebBalance::IpHash,
        },
        connections: raw.connections,
        tls: raw.tls.as_ref().map(|tls| self::tls(cx, tls, &path.key("tls"))),
        tries: tries.max(1),
        next_on: next_on(&raw.next_upstream),
        cache: raw.cache.as_ref().map(|c| plan::Cache {
            hit: c.hit.0,
            ttl: c.ttl.map_or(Span::ZERO, |t| t.0),
        }),
        limit_conn: limit_conn(cx, raw, path),
        limit_req: raw
            .limit_req
            .as_ref()
            .map(|limit| limit_req(cx, limit, &path.key("limit_req"))),
        connect_timeout: raw.timeouts.connect.0,
        read_timeout: Some(raw.timeouts.read.0).filter(|t| !t.is_zero()),
    }
}

fn limit_conn(cx: &mut Context, raw: &web::Web, path: &Path) -> Option<u32> {
    if raw.limit_conn == Some(0) {
        cx.hint(
            &path.key("limit_conn"),
            "limit_conn must be at least 1",
            "leave it out for no limit",
        );
    }
    raw.limit_conn
}

/// Warns of directives that have nothing to act on here.
fn without_effect(cx: &mut Context, name: &str, raw: &web::Web) {
    if let Some(class) = raw
        .cache
        .as_ref()
        .filter(|c| c.hit.0 > 0.0)
        .and_then(|_| cached_write(cx, raw))
    {
        cx.warn(format!(
            "web server \"{name}\": the cache answers its share of \"{class}\" too, which writes to a database, where Nginx keeps GET and \
             HEAD only; `hit` is the share of all requests that are not served here"
        ));
    }
    if raw.keepalive.is_some() {
        cx.warn(format!(
            "web server \"{name}\": keepalive changes nothing, since a connection to an upstream costs nothing here"
        ));
    }
    if raw.timeouts.send.is_some() {
        cx.warn(format!(
            "web server \"{name}\": timeouts.send changes nothing, since a sender never stalls here"
        ));
    }
}

/// A class that is proxied to an application that writes for it.
fn cached_write<'a>(cx: &Context<'a>, web: &web::Web) -> Option<&'a str> {
    let raw = cx.raw;
    let apps = || {
        raw.nodes.iter().filter_map(|(name, node)| match node {
            Node::App(app) if web.upstreams.iter().any(|u| u.0.node == name) => Some(app),
            _ => None,
        })
    };
    let writes = |class: &str| {
        let named = |app: &App, wanted: &str| {
            app.queries
                .iter()
                .find(|(name, _)| *name == wanted)
                .map(|(_, q)| q.write > 0)
        };
        apps().any(|app| named(app, class).or_else(|| named(app, "*")).unwrap_or(false))
    };
    let is_served = |class: &str| web.serves.iter().any(|served| served == class);
    raw.requests.names().find(|class| !is_served(class) && writes(class))
}

fn upstreams(cx: &mut Context, raw: &web::Web, path: &Path) -> Vec<Upstream> {
    let mut upstreams = Vec::new();
    for (i, upstream) in raw.upstreams.iter().map(|u| &u.0).enumerate() {
        let path = path.index(i);
        if upstream.weight == 0 {
            cx.hint(
                &path.key("weight"),
                "weight must be at least 1",
                "Nginx has no weight of 0; leave the upstream out",
            );
        }
        weight(cx, upstream.weight, 65_535, &path.key("weight"));
        if upstream.backup && raw.balance == web::Balance::IpHash {
            cx.hint(
                &path.key("backup"),
                "ip_hash knows no backup, and Nginx refuses one",
                "leave it out, or choose another balance",
            );
        }
        let second = 1_000_000_000;
        if upstream.fail_timeout.0.nanos() % second != 0 {
            cx.bad(
                &path.key("fail_timeout"),
                "fail_timeout counts in whole seconds, as Nginx's clock does here",
            );
        }
        upstreams.push(Upstream {
            node: node(
                cx,
                &upstream.node,
                &path,
                raw.upstreams[..i].iter().any(|u| u.0.node == upstream.node),
            ),
            weight: upstream.weight,
            backup: upstream.backup,
            max_conns: unlimited(Some(upstream.max_conns)),
            max_fails: upstream.max_fails,
            fail_timeout: upstream.fail_timeout.0,
        });
    }
    upstreams
}

fn next_on(words: &[web::NextUpstream]) -> NextOn {
    use web::NextUpstream::{Error, Http500, Http502, Http503, Http504, Off, Timeout};
    if words.contains(&Off) {
        return NextOn {
            error: false,
            timeout: false,
            answer: false,
        };
    }
    let answer = words.iter().any(|w| matches!(w, Http500 | Http502 | Http503 | Http504));
    NextOn {
        error: words.contains(&Error),
        timeout: words.contains(&Timeout),
        answer,
    }
}

fn limit_req(cx: &mut Context, raw: &web::LimitReq, path: &Path) -> LimitReq {
    // Nginx counts whole thousandths of a request per second and truncates a rate per minute; but 116.999… is 117.
    let rate = libm::floor(raw.rate.0 * 1000.0 + 1e-6) as u64;
    if rate == 0 {
        cx.bad(&path.key("rate"), "the rate must be at least one request in 1000 s");
    }
    if raw.delay > raw.burst {
        cx.bad(
            &path.key("delay"),
            format!("delay {} is above burst {}", raw.delay, raw.burst),
        );
    }
    let delay = if raw.nodelay { raw.burst } else { raw.delay };
    LimitReq {
        rate,
        burst: raw.burst.into(),
        delay: delay.into(),
    }
}
