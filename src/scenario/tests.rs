//! Tests of the compiler as a whole, through its public functions.

use super::plan::{Algorithm, Course, Entry, Kind, Load, Plan, Promotion, ReadFrom, Target, Warmup};
use super::{Loaded, load_text};
use crate::base::dist::Dist;
use crate::base::time::Span;

const FOOBAR: &str = include_str!("../../scenarios/foobar.json");

fn foobar(sets: &[&str]) -> Loaded {
    let sets: Vec<String> = sets.iter().map(|s| s.to_string()).collect();
    load_text("foobar.json", FOOBAR, &sets).unwrap_or_else(|problems| panic!("{problems}"))
}

fn node<'a>(plan: &'a Plan, name: &str) -> &'a super::plan::Node {
    plan.nodes
        .iter()
        .find(|n| n.name == name)
        .unwrap_or_else(|| panic!("no node {name}"))
}

/// The limit of bytes per second is above that of requests.
#[test]
fn a_network_may_be_as_wide_as_networks_are() {
    for text in ["1.25e9", "1250000000/s", "75000000000/min"] {
        let plan = foobar(&[&format!("network.bandwidth={text}")]).plan;
        assert_eq!(plan.network.bandwidth, Some(1.25e9), "{text}");
    }
    let sets = ["network.bandwidth=2e12".to_owned()];
    let problems = load_text("foobar.json", FOOBAR, &sets)
        .expect_err("it is above the limit")
        .to_string();
    assert!(
        problems.contains("1000000000000 per second, which is the limit"),
        "{problems}"
    );
}

#[test]
fn foobar_is_what_it_says() {
    let plan = foobar(&[]).plan;
    assert_eq!(
        (plan.name.as_str(), plan.duration, plan.warmup),
        (
            "foobar",
            Span::from_millis(600_000),
            Warmup::Fixed(Span::from_millis(30_000))
        )
    );
    let names: Vec<&str> = plan.nodes.iter().map(|n| n.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "dns",
            "haproxy",
            "nginx1",
            "nginx2",
            "app1",
            "app2",
            "mysql-primary",
            "mysql-replica"
        ]
    );
    let hosts: Vec<(&str, bool)> = plan.hosts.iter().map(|h| (h.name.as_str(), h.named)).collect();
    assert_eq!(
        hosts,
        [
            ("edge", true),
            ("server1", true),
            ("server2", true),
            ("db1", true),
            ("db2", true),
            ("dns", false)
        ]
    );
    assert!(matches!(plan.sources[0].entry, Entry::Resolvers(ref r) if plan.node(r[0]).name == "dns"));
    assert!(matches!(plan.sources[0].load, Load::Open { population: 1000, .. }));
    let Kind::LoadBalancer(haproxy) = &node(&plan, "haproxy").kind else {
        panic!()
    };
    assert_eq!(
        (haproxy.algorithm, haproxy.retries, haproxy.redispatch),
        (Algorithm::RoundRobin, 3, false)
    );
    assert_eq!(
        haproxy.queue_timeout,
        Span::from_millis(5000),
        "the connect time-out, unless given"
    );
    assert_eq!(
        haproxy.check.as_ref().unwrap().timeout,
        Span::from_millis(2000),
        "inter, unless given"
    );
    let Kind::Web(nginx) = &node(&plan, "nginx1").kind else {
        panic!()
    };
    assert_eq!(
        (nginx.serves.as_slice(), nginx.connections, nginx.tries),
        ([true, false, false].as_slice(), 1024, 1)
    );
    let Kind::App(app) = &node(&plan, "app1").kind else {
        panic!()
    };
    assert_eq!(
        app.queries.iter().map(|q| (q.read, q.write)).collect::<Vec<_>>(),
        [(0, 0), (2, 0), (1, 1)]
    );
    assert_eq!(app.pool, Some(32), "as many as there are workers");
    assert_eq!(plan.databases[0].read_from, ReadFrom::Any);
    assert!(matches!(plan.databases[0].failover, Promotion::Manual));
    assert_eq!(plan.lifetimes.len(), 9, "five hosts, dns, haproxy and two applications");
    assert!(matches!(
        &plan.lifetimes[0].course,
        Course::Failures {
            mtbf: Dist::Exponential { .. },
            ..
        }
    ));
    assert_eq!(plan.slo.len(), 2);
    assert_eq!(plan.warnings, Vec::<String>::new());
}

#[test]
fn siblings_share_their_draws_and_others_do_not() {
    let plan = foobar(&[]).plan;
    let draws = |name: &str| node(&plan, name).draws;
    assert_eq!(draws("nginx1"), draws("nginx2"), "servers of one balancer");
    assert_eq!(draws("app1"), draws("app2"), "upstreams of siblings");
    assert_eq!(
        draws("mysql-primary"),
        draws("mysql-replica"),
        "members of one database"
    );
    let mut different: Vec<u64> = ["dns", "haproxy", "nginx1", "app1", "mysql-primary"]
        .map(draws)
        .to_vec();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), 5);
}

#[test]
fn adding_a_node_leaves_the_draws_of_others() {
    let (before, after) = (
        foobar(&[]).plan,
        foobar(&[
            r#"nodes.app3={"kind":"app"}"#,
            r#"nodes.nginx2.upstreams=["app2","app3"]"#,
        ])
        .plan,
    );
    for old in &before.nodes {
        assert_eq!(old.draws, node(&after, &old.name).draws, "{}", old.name);
    }
    assert_eq!(node(&after, "app3").draws, node(&after, "app1").draws);
    assert!(matches!(node(&after, "app3").kind, Kind::App(_)));
    assert!(
        !after.nodes.is_empty()
            && Target::Node(crate::base::ids::NodeId::new(0)) != Target::Vip(crate::base::ids::VipId::new(0))
    );
}

/// `problems.txt`: every section produces exactly its message.
#[test]
fn bad_scenarios_are_told_what_is_wrong() {
    let mut wrong = String::new();
    let sections: Vec<&str> = include_str!("problems.txt").split("\n#### ").skip(1).collect();
    assert!(sections.len() > 30);
    for section in sections {
        let (head, expected) = section.split_once("\n====\n").unwrap();
        let (name, scenario) = head.split_once('\n').unwrap();
        let sets: Vec<String> = scenario
            .lines()
            .filter_map(|l| l.strip_prefix("--set "))
            .map(str::to_owned)
            .collect();
        let text: String = scenario
            .lines()
            .filter(|l| !l.starts_with("--set "))
            .map(|l| format!("{l}\n"))
            .collect();
        let file = if text.starts_with("---") { "x.yaml" } else { "x.json" };
        let said = match load_text(file, &text, &sets) {
            Ok(_) => "nothing".to_owned(),
            Err(problems) => problems.to_string(),
        };
        let said: Vec<&str> = said.lines().filter(|line| line.starts_with("x.")).collect();
        if said.join("\n") != expected.trim_end() {
            wrong += &format!(
                "\n#### {name}\nsaid:\n{}\nshould have said:\n{}\n",
                said.join("\n"),
                expected.trim_end()
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// A scenario with one client and one application, with `*` in place of the part under test.
fn small(arrivals: &str, cpu: &str) -> String {
    format!(
        r#"{{ "clients": {{ "b": {{ "arrivals": {arrivals}, "entry": "a" }} }},
             "nodes": {{ "a": {{ "kind": "app", "work": {{ "*": {{ "cpu": {cpu} }} }} }} }} }}"#
    )
}

fn plan_of(text: &str) -> Plan {
    load_text("x.json", text, &[])
        .unwrap_or_else(|problems| panic!("{problems}"))
        .plan
}

#[test]
fn every_form_of_a_distribution() {
    let ms = Span::from_millis;
    let cases = [
        (r#""10ms""#, Dist::Constant(ms(10))),
        ("0.01", Dist::Constant(ms(10))),
        (r#"{ "constant": "10ms" }"#, Dist::Constant(ms(10))),
        (r#"{ "exponential": { "mean": "10ms" } }"#, Dist::exponential(ms(10))),
        (
            r#"{ "lognormal": { "mean": "10ms", "cv": 0.5 } }"#,
            Dist::log_normal(ms(10), 0.5),
        ),
        (r#"{ "gamma": { "mean": "10ms", "cv": 2 } }"#, Dist::gamma(ms(10), 2.0)),
        (r#"{ "erlang": { "mean": "10ms", "k": 3 } }"#, Dist::erlang(ms(10), 3)),
        (
            r#"{ "hyperexponential": { "mean": "10ms", "cv": 2 } }"#,
            Dist::hyper_exponential(ms(10), 2.0),
        ),
        (
            r#"{ "weibull": { "scale": "10ms", "shape": 2 } }"#,
            Dist::Weibull { scale: 1e7, shape: 2.0 },
        ),
        (
            r#"{ "pareto": { "min": "10ms", "alpha": 2.5 } }"#,
            Dist::Pareto { min: 1e7, alpha: 2.5 },
        ),
        (
            r#"{ "uniform": { "min": "10ms", "max": "30ms" } }"#,
            Dist::Uniform { min: 1e7, width: 2e7 },
        ),
        (
            r#"{ "empirical": ["10ms", 0.03] }"#,
            Dist::Empirical([ms(10), ms(30)].into()),
        ),
    ];
    for (typed, dist) in cases {
        let plan = plan_of(&small(r#"{ "poisson": 1 }"#, typed));
        assert_eq!(plan.nodes[0].work[0].cpu, dist, "{typed}");
    }
}

#[test]
fn a_bare_lifetime_is_the_mean_of_an_exponential() {
    let lifetimes = foobar(&[r#"hosts.db1.lifetime.mttr={"constant":"4h"}"#]).plan.lifetimes;
    let db1 = lifetimes.iter().find(|l| l.name == "db1").unwrap();
    let Course::Failures { mtbf, mttr } = &db1.course else {
        panic!()
    };
    assert_eq!(mtbf, &Dist::exponential(Span::from_millis(180 * 86_400_000)));
    assert_eq!(mttr, &Dist::Constant(Span::from_millis(4 * 3_600_000)));
}

#[test]
fn every_form_of_arrivals() {
    use super::plan::Arrivals::{Mmpp, Poisson, Profile, Renewal, Uniform};
    let of = |typed: &str| match plan_of(&small(typed, "0")).sources.remove(0).load {
        Load::Open { arrivals, .. } => arrivals,
        Load::Closed { .. } => panic!("{typed} is open"),
    };
    assert!(matches!(of(r#"{ "poisson": "30/min" }"#), Poisson { rate: 0.5 }));
    assert!(matches!(of(r#"{ "uniform": "500/s" }"#), Uniform { spacing } if spacing == Span::from_millis(2)));
    assert!(
        matches!(of(r#"{ "renewal": "2ms" }"#), Renewal { gap: Dist::Constant(gap) } if gap == Span::from_millis(2))
    );
    let Profile { points } = of(r#"{ "profile": [["0s", 10], ["5m", "20/s"]] }"#) else {
        panic!()
    };
    assert_eq!((points.len(), points[1].0.seconds(), points[1].1), (2, 300.0, 20.0));
    let Mmpp { states } = of(r#"{ "mmpp": { "states": [{ "rate": 1, "mean": "1s" }, { "rate": 9, "mean": "2s" }] } }"#)
    else {
        panic!()
    };
    assert_eq!(states, [(1.0, Span::from_millis(1000)), (9.0, Span::from_millis(2000))]);
}

#[test]
fn a_trace_brings_times_classes_and_columns() {
    use super::plan::Arrivals;
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("x.json");
    let write = |csv: &str| std::fs::write(folder.path().join("t.csv"), csv).unwrap();
    std::fs::write(&scenario, small(r#"{ "trace": "t.csv" }"#, r#"{ "trace": "cost" }"#)).unwrap();
    let said = || super::load(&scenario, &[]).unwrap_err();

    assert!(said().is_unreadable(), "no such file");
    write("at_s,class,cost\n0.5,default,0.010\n1,,0.020\n");
    let plan = super::load(&scenario, &[]).unwrap().plan;
    let Load::Open {
        arrivals: Arrivals::Trace { rows },
        ..
    } = &plan.sources[0].load
    else {
        panic!()
    };
    assert_eq!(
        (
            rows.len(),
            rows[0].at.seconds(),
            rows[0].class.is_some(),
            rows[1].class.is_some()
        ),
        (2, 0.5, true, false)
    );
    let column = match plan.nodes[0].work[0].cpu {
        Dist::Trace(column) => usize::from(column),
        ref other => panic!("{other:?}"),
    };
    assert_eq!(rows[1].values[column], Span::from_millis(20));

    let digest = plan.digest;
    write("at_s,class,cost\n0.5,default,0.010\n1,,0.021\n");
    assert_ne!(
        super::load(&scenario, &[]).unwrap().plan.digest,
        digest,
        "the trace is part of the scenario"
    );

    for (csv, expected) in [
        ("at,cost\n1,1\n", "t.csv:1: there is no column at_s"),
        (
            "at_s,costs\n1,1\n",
            "no column cost, which the scenario asks for; did you mean \"costs\"?",
        ),
        ("at_s,cost\n2,1\n1,1\n", "t.csv:3: this row is earlier"),
        (
            "at_s,class,cost\n1,dfault,1\n",
            "t.csv:2: there is no request class \"dfault\"; did you mean \"default\"?",
        ),
        ("at_s,cost\n1,-1\n", "t.csv:2: -1 s is not between"),
        ("at_s,cost\n1,1,1\n", "t.csv:2: not readable as CSV"),
        ("at_s,cost\n", "it has no rows"),
    ] {
        write(csv);
        let said = said().to_string();
        assert!(said.contains(expected), "{csv:?}: {said}");
    }
}

#[test]
fn sets_reach_every_kind_of_place() {
    let plan = foobar(&[
        "duration=5m",
        "nodes.haproxy.servers.nginx2.weight=30",
        "nodes.haproxy.servers.0.maxconn=7",
        "nodes.haproxy.algorithm=leastconn",
        "nodes.haproxy.check=null",
        "nodes.app1.timeouts.query=3s",
        r#"nodes.nginx1.upstreams=["app1", "app2"]"#,
        r#"hosts.spare={"cores": 2}"#,
    ])
    .plan;
    let Kind::LoadBalancer(haproxy) = &node(&plan, "haproxy").kind else {
        panic!()
    };
    assert_eq!(
        haproxy
            .servers
            .iter()
            .map(|s| (s.weight, s.maxconn))
            .collect::<Vec<_>>(),
        [(1, Some(7)), (30, None)]
    );
    assert_eq!(
        (haproxy.algorithm, haproxy.check.is_none()),
        (Algorithm::LeastConn, true)
    );
    let Kind::App(app) = &node(&plan, "app1").kind else {
        panic!()
    };
    assert_eq!(app.query_timeout, Some(Span::from_millis(3000)));
    assert_eq!(
        (plan.duration, plan.hosts.iter().any(|h| h.name == "spare")),
        (Span::from_millis(300_000), true)
    );
}

#[test]
fn explain_knows_where_every_value_came_from() {
    let sets = [
        "nodes.haproxy.retries=1",
        "nodes.haproxy.servers.nginx2.weight=30",
        "nodes.haproxy.maxconn=100",
        r#"nodes.dns.failover={"check": {}}"#,
    ];
    let loaded = foobar(&sets);
    let settings = loaded.explain();
    let find = |path: &str| {
        let setting = settings
            .iter()
            .find(|s| s.path == path)
            .unwrap_or_else(|| panic!("{path} is not explained"));
        format!("{} from {}", setting.value, setting.source)
    };
    assert_eq!(find("nodes.haproxy.algorithm"), "\"roundrobin\" from foobar.json:43");
    assert_eq!(find("nodes.haproxy.retries"), "1 from --set nodes.haproxy.retries=1");
    assert_eq!(find("nodes.haproxy.redispatch"), "false from default");
    assert_eq!(find("nodes.haproxy.timeouts.queue"), "\"5s\" from default");
    assert_eq!(find("nodes.haproxy.backlog"), "100 from default");
    assert_eq!(find("nodes.dns.failover.check.timeout"), "\"2s\" from default");
    assert_eq!(
        find("nodes.haproxy.servers.nginx1.node"),
        "\"nginx1\" from foobar.json:44"
    );
    assert_eq!(find("nodes.haproxy.servers.nginx1.weight"), "1 from default");
    assert_eq!(
        find("nodes.haproxy.servers.nginx2.weight"),
        "30 from --set nodes.haproxy.servers.nginx2.weight=30"
    );
    assert_eq!(find("nodes.haproxy.work.*.cpu"), "\"40us\" from foobar.json:48");
}

#[test]
fn yaml_is_json_in_other_words() {
    let yaml = serde_json::from_str::<serde_json::Value>(FOOBAR)
        .map(|json| to_yaml(&json, 0))
        .unwrap();
    let (yaml, json) = (
        load_text("foobar.yaml", &yaml, &[]).unwrap_or_else(|p| panic!("{p}")),
        foobar(&[]),
    );
    assert_eq!(yaml.plan.digest, json.plan.digest);
    assert_eq!(format!("{:?}", yaml.plan), format!("{:?}", json.plan));
}

#[test]
fn where_the_name_does_not_say_the_text_tells_yaml_from_json() {
    let read = |file, text: &str| load_text(file, text, &[]).map(|l| l.plan.nodes.len());
    let json = r#"{ "clients": { "c": { "arrivals": { "poisson": 1 }, "entry": "n" } }, "nodes": { "n": { "kind": "app" } } }"#;
    let yaml = "clients: { c: { arrivals: { poisson: 1 }, entry: n } }\nnodes: { n: { kind: app } }\n";
    for (file, text) in [
        ("/dev/stdin", json),
        ("/dev/stdin", yaml),
        ("x.json", json),
        ("x.yml", yaml),
        ("x.YAML", json),
    ] {
        assert_eq!(read(file, text).ok(), Some(1), "{file} {text}");
    }
    // The extension of a file name takes precedence.
    assert!(read("x.json", yaml).is_err_and(|p| p.to_string().contains("double quotes")));
}

/// Block style, plain keys, and quotes only where needed: YAML as people write it.
fn to_yaml(json: &serde_json::Value, indent: usize) -> String {
    match json {
        serde_json::Value::Object(entries) => {
            let pad = " ".repeat(indent);
            let entry = |(key, value): (&String, &serde_json::Value)| {
                let key = if key == "*" { "\"*\"" } else { key };
                format!("\n{pad}{key}: {}", to_yaml(value, indent + 2))
            };
            entries.iter().map(entry).collect()
        }
        other => other.to_string(),
    }
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..9 {
        let last = i - 1;
        bomb += &format!("a{i}: &a{i} [{}]\n", vec![format!("*a{last}"); 9].join(", "));
    }
    let said = load_text("bomb.yaml", &bomb, &[]).unwrap_err().to_string();
    assert!(said.contains("alias") || said.contains("budget"), "{said}");
}

#[test]
fn limits_are_named() {
    let said = |text: &str| load_text("x.json", text, &[]).unwrap_err().to_string();
    assert!(said(&" ".repeat(1 << 20 | 1)).contains("larger than 1 MiB, which is the limit"));
    assert!(said(&"[".repeat(100)).contains("deeper than 64 levels, which is the limit"));
    let long = small(r#"{ "poisson": 1 }"#, "0").replace("\"a\"", &format!("\"{}\"", "a".repeat(65)));
    assert!(said(&long).contains("65 characters is longer than 64, which is the limit"));
    assert!(said(&small(r#"{ "poisson": 1e9 }"#, "0")).contains("above 10000000 per second, which is the limit"));
    assert!(said(&small(r#"{ "poisson": 1 }"#, "\"101y\"")).contains("above 100y, which is the limit"));
    let nodes: Vec<String> = (0..10_001).map(|i| format!(r#""n{i}": {{ "kind": "app" }}"#)).collect();
    assert!(
        said(&format!(r#"{{ "nodes": {{ {} }} }}"#, nodes.join(","))).contains("more than 10000, which is the limit")
    );
    let users = r#"{ "clients": { "b": { "users": 10000001, "think": 1, "entry": "a" } }, "nodes": { "a": { "kind": "app" } } }"#;
    assert!(said(users).contains("more than 10000000, which is the limit"));
}

#[test]
fn the_digest_is_of_what_is_in_force() {
    let digest = |text: &str| plan_of(text).digest;
    let (loose, tight) = (small("{ \"poisson\":   1 }", "0"), small("{\"poisson\":1}", "0"));
    assert_eq!(digest(&loose), digest(&tight));
    assert_eq!(
        digest(&loose),
        digest(&small(r#"{ "poisson": "60/min" }"#, r#"{ "constant": "0s" }"#))
    );
    assert_ne!(digest(&loose), digest(&small(r#"{ "poisson": 2 }"#, "0")));
}

#[test]
fn odd_is_warned_of() {
    let text = r#"{ "clients": { "b": { "arrivals": { "poisson": 1 }, "entry": "lb" } },
      "nodes": { "lb": { "kind": "load-balancer", "servers": ["w"], "redispatch": true }, "w": { "kind": "web" }, "lost": { "kind": "app" } } }"#;
    let warnings = plan_of(text).warnings.join("\n");
    for part in [
        "redispatch is on, and there is only one server",
        "has no upstreams, so it answers default itself",
        "can reach \"lost\"",
    ] {
        assert!(warnings.contains(part), "{warnings}");
    }
}

#[test]
fn a_fault_that_does_nothing_is_warned_of() {
    let text = r#"{ "duration": "60s", "clients": { "b": { "arrivals": { "poisson": 1 }, "entry": "a" } },
      "nodes": { "a": { "kind": "app" } }, "faults": [
        { "at": "60s", "target": "a", "effect": "crash" },
        { "at": "1s", "target": "a", "effect": "maint" },
        { "at": "2s", "target": "a", "effect": "slow", "factor": 1 },
        { "at": "3s", "target": "a", "effect": "errors", "ratio": 0 },
        { "at": "4s", "target": "a", "effect": "errors", "ratio": 0.1 } ] }"#;
    let expected = [
        "the fault at 1m never happens: the run ends at 1m",
        "faults[1], maint at 1s, does nothing: only load balancers take servers out, and its target is a server of none",
        "faults[2], slow x1 at 2s, does nothing: a factor of 1 slows nothing",
        "faults[3], errors 0% at 3s, does nothing: its ratio is 0",
    ];
    assert_eq!(plan_of(text).warnings, expected);
}

#[test]
fn faults_expand_to_what_they_mean() {
    use super::plan::{Hit, Setting};
    let hits = |fault: &str| {
        let sets = [
            format!("faults=[{fault}]"),
            "hosts.server1.zone=north".into(),
            "hosts.db1.zone=north".into(),
        ];
        let loaded = load_text("foobar.json", FOOBAR, &sets).unwrap_or_else(|problems| panic!("{problems}"));
        let names = |id: crate::base::ids::NodeId| loaded.plan.node(id).name.clone();
        let host = |id: &crate::base::ids::HostId| loaded.plan.hosts[id.index()].name.clone();
        let hit = |hit: &Hit| match hit {
            Hit::CrashHost(id) => format!("host {}", host(id)),
            Hit::CrashNode(id) => format!("crash {}", names(*id)),
            Hit::Slow(id, factor) => format!("slow {} {factor}", names(*id)),
            Hit::Maint(id) => format!("maint {}", names(*id)),
            Hit::Set(id, Setting::Weight { server, weight }) => {
                format!("{} server {server} weight {weight}", names(*id))
            }
            Hit::Partition { from, to } => {
                format!(
                    "{:?} | {:?}",
                    from.iter().map(host).collect::<Vec<_>>(),
                    to.iter().map(host).collect::<Vec<_>>()
                )
            }
            other => format!("{other:?}"),
        };
        loaded.plan.faults[0].hits.iter().map(hit).collect::<Vec<_>>()
    };
    assert_eq!(
        hits(r#"{"at": 1, "target": "north", "effect": "crash"}"#),
        ["host server1", "host db1"]
    );
    assert_eq!(
        hits(r#"{"at": 1, "target": "mysql", "effect": "crash"}"#),
        ["crash mysql-primary", "crash mysql-replica"]
    );
    assert_eq!(
        hits(r#"{"at": 1, "target": "server1", "effect": "slow", "factor": 3}"#),
        ["slow nginx1 3", "slow app1 3"]
    );
    assert_eq!(
        hits(r#"{"at": 1, "target": "nginx2", "effect": "maint"}"#),
        ["maint nginx2"]
    );
    assert_eq!(
        hits(r#"{"at": 1, "target": "nginx2", "effect": "set", "set": {"weight": 30}}"#),
        ["haproxy server 1 weight 30"]
    );
    let set = r#"{"at": 1, "target": "haproxy", "effect": "set", "set": {"servers.nginx1.weight": 0}}"#;
    assert_eq!(hits(set), ["haproxy server 0 weight 0"]);
    let unlimited = r#"{"at": 1, "target": "app1", "effect": "set", "set": {"workers": null}}"#;
    assert_eq!(hits(unlimited).len(), 1, "null is a value here");
    let cut = r#"{"at": 1, "effect": "partition", "from": "edge", "to": ["north", "app2"]}"#;
    assert_eq!(hits(cut), [r#"["edge"] | ["server1", "server2", "db1"]"#]);
}
