//! Cut sets of a stack of realistic size: `cargo bench --bench cut_sets`. A thousand components, order 2: under five
//! seconds.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use fallover::analysis::spof::cut_sets;
use fallover::model::structure::used;
use fallover::scenario::load_text;
use fallover::scenario::plan::Plan;
use serde_json::{Map, Value, json};

/// Two resolvers, two balancers under one address, `machines` machines with a web server and an application each, a
/// database.
fn stack(machines: usize) -> Plan {
    let mut hosts = Map::new();
    let mut nodes = Map::new();
    let mut web = Vec::new();
    for i in 0..machines {
        let host = format!("server{i}");
        hosts.insert(host.clone(), json!({ "zone": format!("zone{}", i % 3) }));
        nodes.insert(
            format!("app{i}"),
            json!({ "kind": "app", "host": host, "database": "db", "queries": { "*": { "read": 1, "write": 1 } } }),
        );
        let upstreams = [format!("app{i}"), format!("app{}", (i + 1) % machines)];
        nodes.insert(
            format!("web{i}"),
            json!({ "kind": "web", "host": host, "upstreams": upstreams }),
        );
        web.push(Value::from(format!("web{i}")));
    }
    for i in 1..=2 {
        nodes.insert(format!("dns{i}"), json!({ "kind": "dns", "answers": ["vip"] }));
        nodes.insert(
            format!("lb{i}"),
            json!({ "kind": "load-balancer", "servers": web, "check": {}, "redispatch": true }),
        );
    }
    nodes.insert("vip".into(), json!({ "kind": "virtual-ip", "members": ["lb1", "lb2"] }));
    let failover = json!({ "detect": "5s", "promote": "3s" });
    nodes.insert(
        "db".into(),
        json!({ "kind": "database", "members": { "db1": {}, "db2": {} }, "failover": failover }),
    );
    let scenario = json!({
        "requests": { "page": {}, "order": {} },
        "clients": { "c": { "arrivals": { "poisson": 100 }, "entry": ["dns1", "dns2"] } },
        "hosts": hosts, "nodes": nodes,
    });
    load_text("stack.json", &scenario.to_string(), &[])
        .expect("it is a scenario")
        .plan
}

fn order_two(criterion: &mut Criterion) {
    let plan = stack(332);
    let used = used(&plan);
    assert!(plan.components.len() >= 1_000);
    let mut group = criterion.benchmark_group("cut_sets");
    group.sample_size(10);
    group.bench_function("1000 components, order 2", |b| {
        b.iter(|| cut_sets(black_box(&plan), 2, &used));
    });
    group.finish();
}

criterion_group!(benches, order_two);
criterion_main!(benches);
