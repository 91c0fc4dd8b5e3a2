//! `fallover review`: each rule has a small scenario that triggers it and a similar one that does not. Also the program
//! from outside.

mod program;

use std::collections::BTreeSet;

use fallover::analysis::spof::single_points;
use fallover::scenario::load_text;
use fallover::scenario::review::{Finding, bottleneck, review};
use program::{document, fallover};
use serde_json::Value;

/// A rule at work: the scenario has the finding, and the cured scenario does not.
struct Case {
    id: &'static str,
    component: &'static str,
    /// The number, or the reason, that the message must give.
    says: &'static str,
    /// The key that the fix must name.
    fix: &'static str,
    scenario: String,
    cure: &'static [&'static str],
}

/// Ten requests a second to `entry`; more keys of the client; more keys of the scenario; the nodes.
fn scenario(client: &str, more: &str, nodes: &str) -> String {
    format!(
        r#"{{ "clients": {{ "c": {{ "arrivals": {{ "poisson": "10/s" }}, {client} }} }}, {more} "nodes": {{ {nodes} }} }}"#
    )
}

const APP: &str = r#""a": { "kind": "app" }"#;
const TWO: &str =
    r#""b": { "kind": "load-balancer", "servers": ["x", "y"] }, "x": { "kind": "app" }, "y": { "kind": "app" }"#;
const TO_A: &str = r#""entry": "a""#;
const TO_B: &str = r#""entry": "b""#;

/// An application and a database with two members; `more` keys of the database.
fn data(more: &str) -> String {
    let app =
        r#""a": { "kind": "app", "workers": 100, "database": "m", "queries": { "*": { "read": 1, "write": 2 } } }"#;
    format!(r#"{app}, "m": {{ "kind": "database", "members": {{ "m1": {{}}, "m2": {{}} }}, "primary": "m1" {more} }}"#)
}

fn placed(b: &str, x: &str, y: &str) -> String {
    format!(
        r#""b": {{ "kind": "load-balancer", "host": "{b}", "servers": ["x", "y"] }},
           "x": {{ "kind": "app", "host": "{x}" }}, "y": {{ "kind": "app", "host": "{y}" }}"#
    )
}

fn case(
    (id, component): (&'static str, &'static str),
    (says, fix): (&'static str, &'static str),
    scenario: String,
    cure: &'static [&'static str],
) -> Case {
    Case {
        id,
        component,
        says,
        fix,
        scenario,
        cure,
    }
}

fn single_point_cases() -> Vec<Case> {
    let named = r#""entry": "d""#;
    let with_dns = format!(r#""d": {{ "kind": "dns", "answers": ["a"] }}, {APP}"#);
    let behind_firewall = format!(r#""f": {{ "kind": "firewall", "to": "b" }}, {TWO}"#);
    let web = r#""b": { "kind": "load-balancer", "servers": ["w"] }, "w": { "kind": "web", "serves": ["default"] }"#;
    vec![
        case(
            ("spof.resolver", "d"),
            ("(10/s)", "entry"),
            scenario(named, "", &with_dns),
            &[
                r#"nodes.e={"kind": "dns", "answers": ["a"]}"#,
                r#"clients.c.entry=["d", "e"]"#,
            ],
        ),
        case(
            ("spof.balancer", "b"),
            ("(10/s)", "virtual-ip"),
            scenario(TO_B, "", TWO),
            &[
                r#"nodes.b2={"kind": "load-balancer", "servers": ["x", "y"]}"#,
                r#"nodes.v={"kind": "virtual-ip", "members": ["b", "b2"]}"#,
                "clients.c.entry=v",
            ],
        ),
        case(
            ("spof.firewall", "f"),
            ("(10/s)", "virtual-ip"),
            scenario(r#""entry": "f""#, "", &behind_firewall),
            &[
                r#"nodes.f2={"kind": "firewall", "to": "b"}"#,
                r#"nodes.v={"kind": "virtual-ip", "members": ["f", "f2"]}"#,
                "clients.c.entry=v",
            ],
        ),
        case(
            ("spof.web", "w"),
            ("(10/s)", "nodes.b.servers"),
            scenario(TO_B, "", web),
            &[
                r#"nodes.w2={"kind": "web", "serves": ["default"]}"#,
                r#"nodes.b.servers=["w", "w2"]"#,
            ],
        ),
        case(
            ("spof.app", "a"),
            ("(10/s)", "load-balancer"),
            scenario(TO_A, "", APP),
            &[
                r#"nodes.a2={"kind": "app"}"#,
                r#"nodes.b={"kind": "load-balancer", "servers": ["a", "a2"]}"#,
                "clients.c.entry=b",
            ],
        ),
        case(
            ("spof.database", "m1"),
            ("(10/s)", "failover"),
            scenario(TO_A, "", &data("")),
            &[r#"nodes.m.failover={"detect": "5s", "promote": "3s"}"#],
        ),
    ]
}

fn place_cases() -> Vec<Case> {
    let linked =
        r#""hosts": { "g": {}, "h": {} }, "network": { "links": [{ "from": "g", "to": "h", "latency": "1ms" }] },"#;
    let cause =
        r#""common_causes": { "power": { "targets": ["x", "y"], "lifetime": { "mtbf": "1y", "mttr": "1h" } } },"#;
    let zones = r#""hosts": { "g": { "zone": "q" }, "h": { "zone": "z" }, "i": { "zone": "z" } },"#;
    let hosts = r#""hosts": { "g": {}, "h": {} },"#;
    vec![
        case(
            ("spof.host", "h"),
            ("It carries x and y", "host"),
            scenario(TO_B, hosts, &placed("g", "h", "h")),
            &["nodes.y.host=g"],
        ),
        case(
            ("spof.zone", "z"),
            ("(10/s)", "zone"),
            scenario(TO_B, zones, &placed("g", "h", "i")),
            &["hosts.i.zone=q"],
        ),
        case(
            ("spof.link", "g->h"),
            ("no way around", "host"),
            scenario(TO_B, linked, &placed("g", "h", "h")),
            &["nodes.y.host=g"],
        ),
        case(
            ("spof.common-cause", "power"),
            ("(10/s)", "targets"),
            scenario(TO_B, cause, TWO),
            &[r#"common_causes.power.targets=["x"]"#],
        ),
        case(
            ("spof.one-host", "h"),
            ("3 nodes", "host"),
            scenario(TO_B, hosts, &placed("h", "h", "h")),
            &["nodes.y.host=g"],
        ),
        case(
            ("spof.one-zone", "z"),
            ("3 hosts", "zone"),
            scenario(TO_B, &zones.replace('q', "z"), &placed("g", "h", "i")),
            &["hosts.i.zone=q"],
        ),
        // A resolver stands elsewhere.
        case(
            ("spof.one-zone", "z"),
            ("2 hosts", "zone"),
            scenario(
                r#""entry": "d""#,
                &zones.replace('q', "z"),
                &format!(
                    r#"{}, "d": {{ "kind": "dns", "host": "i", "answers": ["b"] }}"#,
                    placed("g", "g", "h")
                ),
            ),
            &["hosts.h.zone=q"],
        ),
    ]
}

fn design_cases() -> Vec<Case> {
    let webs = r#""b": { "kind": "load-balancer", "servers": ["v", "w"], "check": {} },
        "v": { "kind": "web", "upstreams": ["x"] }, "w": { "kind": "web", "upstreams": ["y"] },
        "x": { "kind": "app" }, "y": { "kind": "app" }"#;
    let late = r#""monitoring": { "interval": "15s", "failures": 2, "notify": "10s", "respond": "1h" }, "slo": { "availability": 0.9995 },"#;
    let unwatched = r#""monitoring": { "none": { "notice": "30m" } },"#;
    let lag = data(r#", "replication": { "lag": "100ms" }"#);
    vec![
        case(
            ("spof.no-promotion", "m"),
            ("20 writes/s", "failover"),
            scenario(TO_A, "", &data("")),
            &[r#"nodes.m.failover={"detect": "5s", "promote": "3s"}"#],
        ),
        case(
            ("spof.async-replication", "m"),
            ("about 2 ", "semi-sync"),
            scenario(TO_A, "", &lag),
            &["nodes.m.replication.mode=semi-sync"],
        ),
        case(
            ("spof.no-check", "b"),
            ("50 % of the requests (5/s)", "check"),
            scenario(TO_B, "", TWO),
            &["nodes.b.check={}"],
        ),
        case(
            ("spof.no-redispatch", "b"),
            ("5 requests/s", "redispatch"),
            scenario(TO_B, "", TWO),
            &["nodes.b.redispatch=true"],
        ),
        case(
            ("spof.shallow-check", "b"),
            ("5 requests/s", "check.deep"),
            scenario(TO_B, "", webs),
            &["nodes.b.check.deep=true"],
        ),
        case(
            ("spof.shallow-check", "b"),
            ("with x dead", "nodes.v.upstreams"),
            scenario(TO_B, "", webs),
            &[r#"nodes.v.upstreams=["x", "y"]"#, r#"nodes.w.upstreams=["x", "y"]"#],
        ),
        case(
            ("security.no-firewall", "b"),
            ("open to the public", "firewall"),
            scenario(TO_B, "", TWO),
            &[r#"nodes.f={"kind": "firewall", "to": "b"}"#, "clients.c.entry=f"],
        ),
        case(
            ("security.no-tls", "b"),
            ("HTTPS", "nodes.b.tls"),
            scenario(TO_B, "", TWO),
            &[r#"nodes.b.tls={"handshake": "1ms"}"#],
        ),
        case(
            ("monitoring.none", "monitoring"),
            ("complain", "monitoring="),
            scenario(TO_A, "", APP),
            &[r#"monitoring={"interval": "15s", "failures": 2, "notify": "10s", "respond": "5m"}"#],
        ),
        case(
            ("monitoring.none", "monitoring"),
            ("30 min", "monitoring="),
            scenario(TO_A, unwatched, APP),
            &[r#"monitoring={"interval": "15s", "failures": 2, "notify": "10s", "respond": "5m"}"#],
        ),
        case(
            ("monitoring.slow", "monitoring"),
            ("99.95 % availability allows 21.6 min", "respond"),
            scenario(TO_A, late, APP),
            &["monitoring.respond=5m"],
        ),
    ]
}

/// A balancer that sees which servers are free does not send the slow one more than it can do: 60 a second fit on one
/// of 10 and one of 100.
#[test]
fn a_balancer_that_adapts_is_not_taken_to_share_by_weight() {
    let pair = |algorithm: &str| {
        format!(
            r#""b": {{ "kind": "load-balancer", "algorithm": "{algorithm}", "servers": ["x", "y"] }},
               "x": {{ "kind": "app", "workers": 1, "work": {{ "*": {{ "io": "100ms" }} }} }},
               "y": {{ "kind": "app", "workers": 1, "work": {{ "*": {{ "io": "10ms" }} }} }}"#
        )
    };
    let overloads = |algorithm: &str| {
        let text = scenario(TO_B, "", &pair(algorithm)).replace("10/s", "60/s");
        let plan = load_text("case.json", &text, &[]).expect("a scenario").plan;
        let found = review(&plan, &single_points(&plan));
        found.iter().filter(|f| f.id == "capacity.overload").count()
    };
    assert_eq!(
        ["roundrobin", "leastconn", "random", "first", "source"].map(overloads),
        [1, 0, 0, 0, 1]
    );
}

/// Half of the handshakes are full ones.
fn tls_case(hosts: &str) -> Case {
    let tls =
        r#""a": { "kind": "web", "host": "h", "tls": { "handshake": "230ms", "resumption": 0.5, "resumed": "10ms" } }"#;
    case(
        ("capacity.overload", "h"),
        ("120 %", "hosts.h.cores"),
        scenario(TO_A, hosts, tls),
        &["hosts.h.cores=2"],
    )
}

fn capacity_cases() -> Vec<Case> {
    let busy = |demand: &str| format!(r#""a": {{ "kind": "app", "host": "h", {demand} }}"#);
    let pair = |each: &str| {
        format!(
            r#""b": {{ "kind": "load-balancer", "servers": ["x", "y"] }},
               "x": {{ "kind": "app", "host": "h", {each} }}, "y": {{ "kind": "app", "host": "g", {each} }}"#
        )
    };
    let one_core = r#""hosts": { "h": { "cores": 1 }, "g": { "cores": 1 } },"#;
    let cpu = r#""work": { "*": { "cpu": "120ms" } }"#;
    let io = r#""workers": 1, "work": { "*": { "io": "120ms" } }"#;
    let member = r#", "workers": 9, "work": { "read": { "io": "40ms" }, "write": { "io": "40ms" } }"#;
    let pooled = data(member).replace(r#""workers": 100"#, r#""workers": 100, "pool": 1"#);
    let far = r#""network": { "latency": "50ms" },"#;
    let calling = r#""a": { "kind": "app", "workers": 1, "calls": ["x"] }, "x": { "kind": "app", "work": { "*": { "io": "20ms" } } }"#;
    let slots = r#""b": { "kind": "load-balancer", "servers": [{ "node": "x", "maxconn": 1 }] }, "x": { "kind": "app", "work": { "*": { "io": "120ms" } } }"#;
    let limited =
        r#""f": { "kind": "firewall", "to": "a", "limit": { "rate": "8/s", "burst": 1 } }, "a": { "kind": "app" }"#;
    let naive = r#""entry": "b", "retry": { "max": 3, "backoff": "100ms" }"#;
    vec![
        case(
            ("capacity.overload", "h"),
            ("120 %", "hosts.h.cores"),
            scenario(TO_A, one_core, &busy(cpu)),
            &["hosts.h.cores=2"],
        ),
        tls_case(one_core),
        case(
            ("capacity.overload", "a"),
            ("120 %", "nodes.a.workers"),
            scenario(TO_A, one_core, &busy(io)),
            &["nodes.a.workers=2"],
        ),
        case(
            ("capacity.overload", "a"),
            ("1.2 of work on 1 pooled connection", "nodes.a.pool"),
            scenario(TO_A, "", &pooled),
            &["nodes.a.pool=2"],
        ),
        // A worker is held during a call to another node: 20 ms of work there, and 50 ms of network each way.
        case(
            ("capacity.overload", "a"),
            ("1.2 of work on 1 worker", "nodes.a.workers"),
            scenario(TO_A, far, calling),
            &["nodes.a.workers=2"],
        ),
        case(
            ("capacity.overload", "x"),
            ("1.2 of work on 1 maxconn slot", "maxconn of 2 for x"),
            scenario(TO_B, "", slots),
            &["nodes.b.servers.x.maxconn=2"],
        ),
        case(
            ("capacity.overload", "f"),
            ("10 requests/s through a limit of 8/s", "limit of 14/s"),
            scenario(r#""entry": "f""#, "", limited),
            &["nodes.f.limit.rate=14"],
        ),
        case(
            ("capacity.one-lost", "h"),
            ("without it g has 1.2", "hosts.g.cores"),
            scenario(TO_B, one_core, &pair(cpu)),
            &["hosts.g.cores=2", "hosts.h.cores=2"],
        ),
        case(
            ("capacity.one-lost", "h"),
            ("without it y has 1.2", "nodes.y.workers"),
            scenario(TO_B, one_core, &pair(io)),
            &["nodes.x.workers=2", "nodes.y.workers=2"],
        ),
        case(
            ("capacity.silent-member", "a"),
            ("5 reads/s would want 25 workers of its 100", "nodes.a.avoid"),
            scenario(TO_A, "", &data(r#", "read_from": "any""#)),
            &["nodes.a.avoid=10s"],
        ),
        case(
            ("capacity.pool", "m"),
            ("100 connections", "nodes.a.pool"),
            scenario(TO_A, "", &data(r#", "max_connections": 80"#)),
            &["nodes.a.pool=80"],
        ),
        case(
            ("capacity.retries-multiply", "c"),
            ("up to 4 ", "clients.c.retry.budget"),
            scenario(naive, "", TWO),
            &["clients.c.retry.budget=0.1"],
        ),
        case(
            ("capacity.retries-multiply", "b"),
            ("b ×4", "nodes.b"),
            scenario(
                TO_B,
                "",
                &TWO.replace(r#""load-balancer","#, r#""load-balancer", "retry_on": ["503"],"#),
            ),
            &[r#"nodes.b.retry_on=["conn-failure"]"#],
        ),
    ]
}

fn timeout_cases() -> Vec<Case> {
    let patient = r#""entry": "b", "timeout": "5s""#;
    let hasty = |more: &str| TWO.replace(r#""load-balancer","#, &format!(r#""load-balancer", {more},"#));
    let named = |ttl: &str, a: &str| {
        format!(r#""d": {{ "kind": "dns", "answers": ["a"], "ttl": {ttl} }}, "a": {{ "kind": "app" {a} }}"#)
    };
    let to_d = r#""entry": "d""#;
    let mends = r#", "lifetime": { "mtbf": "90d", "mttr": "5m" }"#;
    let slo = r#""slo": { "availability": 0.9999 },"#;
    vec![
        case(
            ("timeouts.nesting", "b"),
            ("up to 30 s", "timeouts.server=\"4s\""),
            scenario(patient, "", &hasty(r#""timeouts": { "server": "30s" }"#)),
            &["nodes.b.timeouts.server=4s"],
        ),
        case(
            ("timeouts.nesting", "b"),
            ("without limit", "timeouts.server"),
            scenario(patient, "", TWO),
            &["nodes.b.timeouts.server=5s"],
        ),
        case(
            ("timeouts.silent-server", "b"),
            ("20 s (4 × 5 s)", "timeouts.connect"),
            scenario(patient, "", TWO),
            &["nodes.b.redispatch=true", "nodes.b.timeouts.connect=1s"],
        ),
        case(
            ("timeouts.slow-check", "b"),
            ("up to 6 s", "check.inter"),
            scenario(patient, "", &hasty(r#""check": { "inter": "2s", "fall": 3 }"#)),
            &["nodes.b.check.inter=1s"],
        ),
        case(
            ("timeouts.ttl", "d"),
            ("a is repaired in 5 min", "nodes.d.ttl"),
            scenario(to_d, "", &named("\"1h\"", mends)),
            &["nodes.d.ttl=60s"],
        ),
        case(
            ("timeouts.ttl", "d"),
            ("99.99 % availability allows 4.32 min", "nodes.d.ttl"),
            scenario(to_d, slo, &named("\"1h\"", "")),
            &["nodes.d.ttl=60s"],
        ),
        case(
            ("timeouts.ttl", "d"),
            ("drop a dead one after 6 s", "nodes.d.ttl"),
            scenario(
                to_d,
                "",
                &named(
                    "\"60s\", \"failover\": { \"check\": { \"inter\": \"2s\", \"fall\": 3 } }",
                    "",
                ),
            ),
            &["nodes.d.ttl=5s"],
        ),
    ]
}

fn cases() -> Vec<Case> {
    [
        single_point_cases(),
        place_cases(),
        design_cases(),
        capacity_cases(),
        timeout_cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn findings(text: &str, sets: &[&str]) -> Vec<Finding> {
    let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
    let loaded = load_text("case.json", text, &sets).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
    review(&loaded.plan, &single_points(&loaded.plan))
}

#[test]
fn each_rule_finds_its_case_and_lets_its_twin_pass() {
    for case in cases() {
        let of = |found: &[Finding]| {
            found
                .iter()
                .find(|f| f.id == case.id && f.component == case.component)
                .cloned()
        };
        let found = findings(&case.scenario, &[]);
        let Some(finding) = of(&found) else {
            panic!(
                "{} of {} is not found in {}: {found:#?}",
                case.id, case.component, case.scenario
            );
        };
        assert!(finding.message.contains(case.says), "{}: {}", case.id, finding.message);
        assert!(finding.fix.contains(case.fix), "{}: {}", case.id, finding.fix);
        let left = of(&findings(&case.scenario, case.cure));
        assert_eq!(left, None, "after {:?}", case.cure);
    }
}

/// The page has a row for each rule, and each rule has a case above.
#[test]
fn every_rule_is_on_the_page_and_has_a_case() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/review.md")).unwrap();
    let rows = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let rows: BTreeSet<&str> = rows.collect();
    let tested: BTreeSet<&str> = cases().iter().map(|c| c.id).collect();
    assert_eq!(rows, tested);
}

#[test]
fn what_stands_in_is_no_single_point() {
    let twice = r#""entry": "v""#;
    let apart = r#""v": { "kind": "virtual-ip", "members": ["f", "g"] },
        "f": { "kind": "firewall", "to": "x" }, "g": { "kind": "firewall", "to": "y" },
        "x": { "kind": "app" }, "y": { "kind": "app" }"#;
    let cuts = |text: &str| -> Vec<String> {
        let plan = load_text("case.json", text, &[]).unwrap().plan;
        single_points(&plan).into_iter().map(|c| c.component).collect()
    };
    // The virtual IP stays with the live firewall, though the node behind it is dead.
    assert_eq!(cuts(&scenario(twice, "", apart)), ["x"]);
    let both = apart
        .replace(r#""to": "x""#, r#""to": "w""#)
        .replace(r#""to": "y""#, r#""to": "w""#);
    let both = format!(r#"{both}, "w": {{ "kind": "virtual-ip", "members": ["x", "y"] }}"#);
    assert_eq!(cuts(&scenario(twice, "", &both)), Vec::<String>::new());
}

// --- the program from outside ---------------------------------------------------------------------------------------

fn list(document: &Value) -> Vec<(String, String, String)> {
    let text = |f: &Value, key: &str| f[key].as_str().expect("is text").to_owned();
    let all = document["findings"].as_array().expect("is a list").iter();
    all.map(|f| (text(f, "id"), text(f, "severity"), text(f, "component")))
        .collect()
}

/// The findings that the authors of the original design listed: the balancer and the primary are single points of
/// failure, there is no firewall and no HTTPS, and nothing is monitored.
#[test]
fn foobar_has_what_its_authors_said_of_it() {
    let found = list(&document(&["review", "scenarios/foobar.json"]));
    for (id, component) in [
        ("spof.balancer", "haproxy"),
        ("spof.database", "mysql-primary"),
        ("security.no-firewall", "haproxy"),
        ("security.no-tls", "haproxy"),
        ("monitoring.none", "monitoring"),
    ] {
        let wanted = (id.to_owned(), "critical".to_owned(), component.to_owned());
        assert!(found.contains(&wanted), "{wanted:?} in {found:?}");
    }
}

#[test]
fn foobar_repaired_has_none_of_it() {
    let found = list(&document(&["review", "scenarios/foobar-fixed.json"]));
    assert_eq!(found, []);
    let (status, out, _) = fallover(&["review", "scenarios/foobar-fixed.json", "--check"]);
    assert_eq!(status, 0);
    assert!(out.contains("Nothing to say against this design"), "{out}");
}

#[test]
fn the_document_has_the_envelope_and_the_findings() {
    let d = document(&["review", "scenarios/foobar.json"]);
    let keys: Vec<&String> = d.as_object().expect("is an object").keys().collect();
    let wanted = [
        "schema_version",
        "command",
        "complete",
        "scenario",
        "seed",
        "replications",
        "duration_s",
        "warmup_s",
        "findings",
        "caveats",
        "engine",
    ];
    assert_eq!(keys, wanted);
    assert_eq!(
        (&d["command"], &d["complete"], &d["replications"]),
        (&"review".into(), &true.into(), &0.into())
    );
    assert_eq!(d["scenario"]["name"], "foobar");
    for finding in d["findings"].as_array().expect("is a list") {
        let keys: Vec<&String> = finding.as_object().expect("is an object").keys().collect();
        assert_eq!(keys, ["id", "severity", "component", "message", "fix"]);
    }
    let rank = |s: &str| ["critical", "warning", "advice"].iter().position(|x| *x == s);
    let severities: Vec<_> = list(&d).iter().map(|f| rank(&f.1).expect("is one of three")).collect();
    assert!(severities.is_sorted(), "the worst comes first");
}

#[test]
fn check_is_about_critical_findings_alone() {
    let (status, out, _) = fallover(&["review", "scenarios/foobar.json", "--check", "--quiet"]);
    assert_eq!((status, out.as_str()), (99, ""));
    assert_eq!(fallover(&["review", "scenarios/foobar.json"]).0, 0);
    // A warning is not a critical finding.
    let set = "nodes.mysql.replication={\"lag\": \"100ms\"}";
    let (status, out, _) = fallover(&["review", "scenarios/foobar-fixed.json", "--set", set, "--check"]);
    assert_eq!(status, 0);
    assert!(
        out.contains("spof.async-replication") && out.contains("1 warning"),
        "{out}"
    );
}

#[test]
fn a_result_goes_to_a_file_as_well() {
    let folder = tempfile::tempdir().expect("makes a directory");
    let path = folder.path().join("review.json");
    let path = path.to_str().expect("is text");
    assert_eq!(fallover(&["review", "scenarios/foobar.json", "-q", "-o", path]).0, 0);
    let written: Value = serde_json::from_slice(&std::fs::read(path).expect("is there")).expect("is JSON");
    assert_eq!(list(&written), list(&document(&["review", "scenarios/foobar.json"])));
}

#[test]
fn bad_input_has_its_status_and_says_what_is_wrong() {
    let says = |arguments: &[&str]| {
        let (status, out, err) = fallover(arguments);
        assert_eq!(out, "");
        (status, err)
    };
    let (status, _, err) = fallover(&["review", "scenarios/foobar.json", "-o", "x.csv"]);
    assert_eq!(status, 2);
    assert!(err.ends_with("use .json, .pdf, .html, .png or .svg\n"), "{err}");
    let (status, err) = says(&[
        "review",
        "scenarios/foobar.json",
        "--set",
        "nodes.haproxy.algoritm=first",
    ]);
    assert_eq!(status, 2);
    assert!(err.contains("did you mean \"algorithm\"?"), "{err}");
    assert_eq!(says(&["review", "nowhere.json"]).0, 3);
    assert_eq!(says(&["review", "scenarios/foobar.json", "-o", "nowhere/x.json"]).0, 3);
    assert_eq!(says(&["review"]).0, 2);
    let (status, err) = says(&["review", "scenarios/foobar.json", "-o", "scenarios/foobar.json"]);
    assert_eq!(status, 2);
    assert!(err.contains("write to another file"), "{err}");
}

#[test]
fn the_report_keeps_to_eighty_columns() {
    let (_, out, _) = fallover(&["review", "scenarios/foobar.json"]);
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
    assert!(
        out.contains("nginx1, nginx2  timeouts.nesting"),
        "what is said alike is said once: {out}"
    );
}

/// The load that this stack, which receives ten requests a second, can carry by the utilisation law.
fn carried(text: &str) -> f64 {
    let loaded = load_text("x.json", text, &[]).unwrap_or_else(|problems| panic!("{text}: {problems}"));
    let found = bottleneck(&loaded.plan, &|_| false).expect("something is busy");
    10.0 / found.used.ratio()
}

fn balancer(algorithm: &str, servers: &str) -> String {
    format!(r#""b": {{ "kind": "load-balancer", "algorithm": {algorithm}, "servers": [{servers}] }}"#)
}

/// Servers on one host share its cores: each uses 10 ms of them.
#[test]
fn theory_the_cores_of_a_host_are_there_once() {
    let hosts = |cores: [u32; 2]| {
        format!(
            r#""hosts": {{ "h1": {{ "cores": {} }}, "h2": {{ "cores": {} }} }},"#,
            cores[0], cores[1]
        )
    };
    let on = |(name, host): &(&str, &str)| {
        format!(r#""{name}": {{ "kind": "app", "host": "{host}", "work": {{ "*": {{ "cpu": "10ms" }} }} }}"#)
    };
    let stack = |cores: [u32; 2], placed: &[(&str, &str)], algorithm: &str, maxconn: &str| {
        let server = |(name, _): &(&str, &str)| format!(r#"{{ "node": "{name}"{maxconn} }}"#);
        let servers: Vec<String> = placed.iter().map(server).collect();
        let mut nodes = vec![balancer(algorithm, &servers.join(","))];
        nodes.extend(placed.iter().map(on));
        carried(&scenario(TO_B, &hosts(cores), &nodes.join(",")))
    };
    // The same with a web server in front of each: it is on another host and uses none of the cores.
    let chain = || {
        let crowd = [("x", "h1"), ("y", "h1"), ("z", "h1"), ("w", "h2")];
        let web = |(name, _): &(&str, &str)| format!(r#""web-{name}": {{ "kind": "web", "upstreams": ["{name}"] }}"#);
        let servers: Vec<String> = crowd.iter().map(|(name, _)| format!(r#""web-{name}""#)).collect();
        let mut nodes = vec![balancer(r#""leastconn""#, &servers.join(","))];
        nodes.extend(crowd.iter().flat_map(|node| [web(node), on(node)]));
        carried(&scenario(TO_B, &hosts([2, 2]), &nodes.join(",")))
    };
    let (crowd, pair) = (
        [("x", "h1"), ("y", "h1"), ("z", "h1"), ("w", "h2")],
        [("x", "h1"), ("w", "h2")],
    );
    for (found, expected) in [
        (stack([2, 2], &crowd, r#""leastconn""#, ""), 400.0),
        (stack([2, 2], &crowd, r#""roundrobin""#, r#", "maxconn": 9"#), 400.0),
        (chain(), 400.0),
        // Three quarters go to the first host.
        (stack([2, 2], &crowd, r#""roundrobin""#, ""), 200.0 / 0.75),
        // A single draw ignores the load; two draws prefer the free server.
        (stack([4, 1], &pair, r#""random", "draws": 1"#, ""), 200.0),
        (stack([4, 1], &pair, r#""random", "draws": 2"#, ""), 500.0),
    ] {
        assert!((found / expected - 1.0).abs() < 1e-6, "{found} instead of {expected}");
    }
}

/// With weights, a worker is held for the weighted mean time, and during a commit until the acknowledgement.
#[test]
fn theory_what_is_held_is_held_until_the_answer_is_there() {
    let io = |name: &str, ms: u32| format!(r#""{name}": {{ "kind": "app", "work": {{ "*": {{ "io": "{ms}ms" }} }} }}"#);
    // Four workers: 5 ms of their own, a call, and 2 ms on the wire each way to the server.
    let calls = |servers: &str, algorithm: &str| {
        let app = r#""a": { "kind": "app", "workers": 4, "calls": ["b"], "work": { "*": { "io": "5ms" } } }"#;
        let nodes = [app.to_owned(), balancer(algorithm, servers), io("x", 10), io("y", 30)];
        carried(&scenario(TO_A, r#""network": { "latency": "2ms" },"#, &nodes.join(",")))
    };
    let slow = |timeouts: &str| {
        let app = r#""a": { "kind": "app", "workers": 8, "calls": ["w"] }"#.to_owned();
        let web = format!(r#""w": {{ "kind": "web", {timeouts} "upstreams": ["x", "y"] }}"#);
        carried(&scenario(TO_A, "", &[app, web, io("x", 10), io("y", 30_000)].join(",")))
    };
    let commits = |mode: &str, pool: &str, workers: &str| {
        let writes = r#""database": "m", "queries": { "*": { "write": 1 } }"#;
        let app = format!(r#""a": {{ "kind": "app", "workers": 900, {pool}, {writes} }}"#);
        let members = r#""members": { "m1": {}, "m2": {} }, "work": { "*": { "io": "10ms" } }"#;
        let replication = format!(r#""replication": {{ "mode": "{mode}" }}"#);
        let data = format!(r#""m": {{ "kind": "database", {workers} {members}, {replication} }}"#);
        let nodes = [app, data].join(",");
        carried(&scenario(TO_A, r#""network": { "latency": "5ms" },"#, &nodes))
    };
    let uneven = r#""x", { "node": "y", "weight": 9 }"#;
    for (found, expected) in [
        // 5 + 4 + 4 ms, and 20 on average for 10 and 30 in turn; 28 by weight; at least 10 where the free server is
        // asked.
        (calls(r#""x", "y""#, r#""roundrobin""#), 4.0 / 0.033),
        (calls(uneven, r#""roundrobin""#), 4.0 / 0.041),
        (calls(r#""x", "y""#, r#""leastconn""#), 4.0 / 0.023),
        (commits("async", r#""pool": 2"#, ""), 100.0),
        (commits("semi-sync", r#""pool": 2"#, ""), 2.0 / 0.03),
        // The primary's workers are held for the same time without the way there: 10 ms of their own, and 10 for the
        // acknowledgement.
        (commits("semi-sync", r#""pool": 900"#, r#""workers": 2,"#), 100.0),
        // No call waits longer than a second, so slower answers do not count: 8 workers, 10 ms from the other server.
        (slow(r#""timeouts": { "read": "1s" },"#), 8.0 / 0.01),
        (slow(""), 8.0 / 15.005),
    ] {
        assert!((found / expected - 1.0).abs() < 1e-6, "{found} instead of {expected}");
    }
}

/// A dead server keeps receiving its share by weight, not by number of servers.
#[test]
fn a_dead_server_gets_what_its_weight_says() {
    let said = |servers: &str| -> String {
        let text = scenario(
            TO_B,
            "",
            &format!(
                r#""b": {{ "kind": "load-balancer", "servers": [{servers}] }}, "x": {{ "kind": "app" }}, "y": {{ "kind": "app" }}"#
            ),
        );
        let loaded = load_text("x.json", &text, &[]).expect("is right");
        let found = review(&loaded.plan, &single_points(&loaded.plan));
        found
            .into_iter()
            .filter(|f| f.id.starts_with("spof.no-"))
            .map(|f| f.message)
            .collect()
    };
    let even = said(r#""x", "y""#);
    assert!(
        even.contains("getting 50 % of the requests (5/s)") && even.contains(" 5 requests/s fail"),
        "{even}"
    );
    let uneven = said(r#""x", { "node": "y", "weight": 9 }"#);
    assert!(
        uneven.contains("10 % to 90 % of the requests (1 to 9/s)") && uneven.contains(" 1 to 9 requests/s fail"),
        "{uneven}"
    );
}

/// Two sources that ask for 100 a second each, one in each half of the run: three workers of 20 ms carry 150 a second, and are never asked for
/// 200.
#[test]
fn theory_loads_that_never_meet_are_not_added() {
    let two = |second: &str| {
        format!(
            r#"{{ "duration": "10m", "clients": {{
                "c": {{ "arrivals": {{ "profile": [["0s", 100], ["5m", 100], ["5m", 0], ["10m", 0]] }}, "entry": "a" }},
                "d": {{ "arrivals": {{ "profile": {second} }}, "entry": "a" }} }},
              "nodes": {{ "a": {{ "kind": "app", "workers": 3, "work": {{ "*": {{ "io": "20ms" }} }} }} }} }}"#
        )
    };
    let overloaded = |text: &str| findings(text, &[]).iter().any(|f| f.id == "capacity.overload");
    let apart = two(r#"[["0s", 0], ["5m", 0], ["5m", 100], ["10m", 100]]"#);
    assert!(!overloaded(&apart) && overloaded(&two(r#"[["0s", 100], ["10m", 100]]"#)));
    // A hundred come, ten times what `carried` takes for granted.
    let most = 10.0 * carried(&apart);
    assert!((most - 150.0).abs() < 1e-9, "{most}");
    // The dearer load is not at the moment when most is asked for.
    let dear = r#"{ "duration": "10m", "requests": { "view": {}, "job": {} }, "clients": {
        "c": { "arrivals": { "profile": [["0s", 100], ["5m", 100], ["5m", 0], ["10m", 0]] }, "entry": "a", "page": { "view": 1 } },
        "d": { "arrivals": { "profile": [["0s", 0], ["5m", 0], ["5m", 10], ["10m", 10]] }, "entry": "a", "page": { "job": 1 } } },
        "nodes": { "a": { "kind": "app", "workers": 3, "work": { "view": { "io": "1ms" }, "job": { "io": "400ms" } } } } }"#;
    assert!(overloaded(dear));
}

/// Deep checks of servers that all ask one thing fail together when it does; not where another answers in its place.
#[test]
fn a_deep_check_is_not_advised_without_its_risk() {
    let warned = |calls: &str, database: &str| {
        let server = |n: &str| {
            format!(r#""w{n}": {{ "kind": "web", "upstreams": ["a{n}"] }}, "a{n}": {{ "kind": "app" {calls} }},"#)
        };
        let nodes = format!(
            r#""b": {{ "kind": "load-balancer", "servers": ["w1", "w2"], "redispatch": true, "check": {{}} }}, {} {} {database}
               "pay": {{ "kind": "app" }}"#,
            server("1"),
            server("2")
        );
        let all = findings(&scenario(TO_B, "", &nodes), &[]);
        let check = all
            .into_iter()
            .find(|f| f.id == "spof.shallow-check")
            .expect("it is found");
        check.fix.contains("deep checks then take all servers down")
    };
    let asks = r#", "database": "m", "queries": { "*": { "read": 1 } }"#;
    let database = |members: &str| format!(r#""m": {{ "kind": "database", "members": {{ {members} }} }},"#);
    assert!(warned(r#", "calls": ["pay"]"#, "") && !warned("", ""));
    assert!(warned(asks, &database(r#""m1": {}"#)) && !warned(asks, &database(r#""m1": {}, "m2": {}"#)));
}
