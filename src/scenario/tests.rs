//! The compiler as a whole, through the door that everybody uses.

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
    plan.nodes.iter().find(|n| n.name == name).unwrap_or_else(|| panic!("no node {name}"))
}

#[test]
fn foobar_is_what_it_says() {
    let plan = foobar(&[]).plan;
    assert_eq!((plan.name.as_str(), plan.duration, plan.warmup), ("foobar", Span::from_millis(600_000), Warmup::Fixed(Span::from_millis(30_000))));
    let names: Vec<&str> = plan.nodes.iter().map(|n| n.name.as_str()).collect();
    assert_eq!(names, ["dns", "haproxy", "nginx1", "nginx2", "app1", "app2", "mysql-primary", "mysql-replica"]);
    let hosts: Vec<(&str, bool)> = plan.hosts.iter().map(|h| (h.name.as_str(), h.named)).collect();
    assert_eq!(hosts, [("edge", true), ("server1", true), ("server2", true), ("db1", true), ("db2", true), ("dns", false)]);
    assert!(matches!(plan.sources[0].entry, Entry::Resolvers(ref r) if plan.node(r[0]).name == "dns"));
    assert!(matches!(plan.sources[0].load, Load::Open { population: 1000, .. }));
    let Kind::LoadBalancer(haproxy) = &node(&plan, "haproxy").kind else { panic!() };
    assert_eq!((haproxy.algorithm, haproxy.retries, haproxy.redispatch), (Algorithm::RoundRobin, 3, false));
    assert_eq!(haproxy.queue_timeout, Span::from_millis(5000), "the connect time-out, unless given");
    assert_eq!(haproxy.check.as_ref().unwrap().timeout, Span::from_millis(2000), "inter, unless given");
    let Kind::Web(nginx) = &node(&plan, "nginx1").kind else { panic!() };
    assert_eq!((nginx.serves.as_slice(), nginx.connections, nginx.tries), ([true, false, false].as_slice(), 1024, 1));
    let Kind::App(app) = &node(&plan, "app1").kind else { panic!() };
    assert_eq!(app.queries.iter().map(|q| (q.read, q.write)).collect::<Vec<_>>(), [(0, 0), (2, 0), (1, 1)]);
    assert_eq!(app.pool, Some(32), "as many as there are workers");
    assert_eq!(plan.databases[0].read_from, ReadFrom::Any);
    assert!(matches!(plan.databases[0].failover, Promotion::Manual));
    assert_eq!(plan.lifetimes.len(), 9, "five hosts, dns, haproxy and two applications");
    assert!(matches!(&plan.lifetimes[0].course, Course::Failures { mtbf: Dist::Exponential { .. }, .. }));
    assert_eq!(plan.slo.len(), 2);
    assert_eq!(plan.warnings, Vec::<String>::new());
}

#[test]
fn siblings_share_their_draws_and_others_do_not() {
    let plan = foobar(&[]).plan;
    let draws = |name: &str| node(&plan, name).draws;
    assert_eq!(draws("nginx1"), draws("nginx2"), "servers of one balancer");
    assert_eq!(draws("app1"), draws("app2"), "upstreams of siblings");
    assert_eq!(draws("mysql-primary"), draws("mysql-replica"), "members of one database");
    let mut different: Vec<u64> = ["dns", "haproxy", "nginx1", "app1", "mysql-primary"].map(draws).to_vec();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), 5);
}

#[test]
fn adding_a_node_leaves_the_draws_of_others() {
    let (before, after) = (foobar(&[]).plan, foobar(&[r#"nodes.app3={"kind":"app"}"#, r#"nodes.nginx2.upstreams=["app2","app3"]"#]).plan);
    for old in &before.nodes {
        assert_eq!(old.draws, node(&after, &old.name).draws, "{}", old.name);
    }
    assert_eq!(node(&after, "app3").draws, node(&after, "app1").draws);
    assert!(matches!(node(&after, "app3").kind, Kind::App(_)));
    assert!(!after.nodes.is_empty() && Target::Node(crate::base::ids::NodeId::new(0)) != Target::Vip(crate::base::ids::VipId::new(0)));
}
