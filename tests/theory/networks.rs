//! Several stations: chains, balancers, pools, closed loops.

use super::support::{run, study};
use super::{REPLICATIONS, agrees, exponential, open, poisson, ratio_agrees, station, world};
use fallover::analysis::theory::{gi_m_1_time, join_the_shorter_of_two_time, m_g_1_wait, m_m_c_wait, mva};

#[test]
fn theory_a_tandem_is_a_jackson_network() {
    // Each of the first three releases its worker before the next begins, so every station is M/M/c by itself.
    let nodes = r#"
        "fw":  { "kind": "firewall", "to": "lb", "workers": 1, "work": { "*": { "io": { "exponential": { "mean": "7ms" } } } } },
        "lb":  { "kind": "load-balancer", "servers": ["web"], "workers": 2,
                 "work": { "*": { "io": { "exponential": { "mean": "15ms" } } } } },
        "web": { "kind": "web", "upstreams": ["app"], "workers": 1, "connections": 100000,
                 "work": { "*": { "io": { "exponential": { "mean": "6ms" } } } } },
        "app": { "kind": "app", "workers": 3, "work": { "*": { "io": { "exponential": { "mean": "20ms" } } } } }"#;
    let run = run(&open(300, &poisson(100.0), "fw", nodes), REPLICATIONS, 60);
    let stations = [("fw", 1, 0.007), ("lb", 2, 0.015), ("web", 1, 0.006), ("app", 3, 0.020)];
    let mut total = 0.0;
    for (name, workers, mean) in stations {
        let wait = m_m_c_wait(workers, 100.0, 1.0 / mean);
        agrees(name, run.nodes.get(name).unwrap().wait_s.mean, wait);
        total += wait + mean;
    }
    agrees("end to end", run.metrics.latency_s.mean, total);
}

#[test]
fn theory_static_requests_end_at_the_web_server() {
    // 30 % never reach the application: M/M/1 with 100/s, then M/M/1 with the remaining 70 %.
    let nodes = format!(
        r#""web": {{ "kind": "web", "serves": ["static"], "upstreams": ["app"], "workers": 1, "connections": 100000,
                     "work": {{ "*": {{ "io": {} }} }} }}, {}"#,
        exponential(0.007),
        station("app", 1, &exponential(0.010))
    );
    let extra = r#", "requests": { "static": { "share": 3 }, "dynamic": { "share": 7 } }"#;
    let scenario = world(
        400,
        &format!(r#""arrivals": {}, "entry": "web""#, poisson(100.0)),
        &nodes,
        extra,
    );
    let run = run(&scenario, REPLICATIONS, 61);
    let (web, app) = (1.0 / (1.0 / 0.007 - 100.0), 1.0 / (100.0 - 70.0));
    agrees("static", run.classes.get("static").unwrap().latency_s.mean, web);
    agrees("dynamic", run.classes.get("dynamic").unwrap().latency_s.mean, web + app);
}

#[test]
fn theory_closed_loops_follow_exact_mean_value_analysis() {
    let nodes = format!(
        r#""web": {{ "kind": "web", "upstreams": ["app"], "workers": 1, "connections": 100000,
                     "work": {{ "*": {{ "io": {} }} }} }}, {}"#,
        exponential(0.005),
        station("app", 1, &exponential(0.008))
    );
    // Light load, the knee, and a saturated station.
    for (i, users) in [3, 14, 30].into_iter().enumerate() {
        let client = format!(r#""users": {users}, "think": {}, "entry": "web""#, exponential(0.1));
        let run = run(&world(200, &client, &nodes, ""), REPLICATIONS, 62 + i as u64);
        let (throughput, time) = mva(users, 0.1, &[0.005, 0.008]);
        agrees("throughput", run.metrics.throughput_per_s, throughput);
        agrees("time", run.metrics.latency_s.mean, time);
        agrees(
            "web",
            run.nodes.get("web").unwrap().utilization_ratio,
            throughput * 0.005,
        );
        agrees(
            "app",
            run.nodes.get("app").unwrap().utilization_ratio,
            throughput * 0.008,
        );
    }
}

#[test]
fn theory_the_shape_of_thinking_does_not_matter() {
    let client = r#""users": 12, "think": { "lognormal": { "mean": "100ms", "cv": 1.5 } }, "entry": "app""#;
    let run = run(
        &world(200, client, &station("app", 1, &exponential(0.008)), ""),
        REPLICATIONS,
        66,
    );
    let (throughput, time) = mva(12, 0.1, &[0.008]);
    agrees("throughput", run.metrics.throughput_per_s, throughput);
    agrees("time", run.metrics.latency_s.mean, time);
}

/// A balancer over `s1` and `s2`, both with one worker and exponential work of 10 ms.
fn balanced(seconds: u32, settings: &str) -> String {
    let service = exponential(0.010);
    let nodes = format!(
        r#""lb": {{ "kind": "load-balancer", {settings} }}, {}, {}"#,
        station("s1", 1, &service),
        station("s2", 1, &service)
    );
    open(seconds, &poisson(160.0), "lb", &nodes)
}

#[test]
fn theory_round_robin_over_two_is_gi_m_1_with_erlang_arrivals() {
    let run = run(
        &balanced(500, r#""servers": ["s1", "s2"], "algorithm": "roundrobin""#),
        REPLICATIONS,
        70,
    );
    let erlang_2 = |s: f64| (160.0 / (160.0 + s)).powi(2);
    agrees("mean", run.metrics.latency_s.mean, gi_m_1_time(100.0, erlang_2));
}

#[test]
fn theory_one_random_draw_thins_a_poisson_process() {
    let run = run(
        &balanced(1000, r#""servers": ["s1", "s2"], "algorithm": "random", "draws": 1"#),
        REPLICATIONS,
        71,
    );
    agrees("mean", run.metrics.latency_s.mean, 1.0 / (100.0 - 80.0));
    agrees("half each", run.nodes.get("s1").unwrap().utilization_ratio, 0.8);
}

#[test]
fn theory_least_connections_joins_the_shorter_queue() {
    let run = run(
        &balanced(500, r#""servers": ["s1", "s2"], "algorithm": "leastconn""#),
        REPLICATIONS,
        72,
    );
    agrees(
        "mean",
        run.metrics.latency_s.mean,
        join_the_shorter_of_two_time(160.0, 100.0),
    );
}

#[test]
fn theory_one_slot_a_server_makes_one_queue_of_the_balancer() {
    // A free server takes the oldest request: M/M/2, whatever the algorithm.
    for (i, algorithm) in ["roundrobin", "leastconn", "first", "random"].into_iter().enumerate() {
        let settings = format!(
            r#""algorithm": "{algorithm}", "timeouts": {{ "queue": "1h" }},
               "servers": [{{ "node": "s1", "maxconn": 1 }}, {{ "node": "s2", "maxconn": 1 }}]"#
        );
        let run = run(&balanced(250, &settings), REPLICATIONS, 73 + i as u64);
        agrees("mean", run.metrics.latency_s.mean, m_m_c_wait(2, 160.0, 100.0) + 0.010);
        agrees(
            "wait at the balancer",
            run.nodes.get("lb").unwrap().wait_s.mean,
            m_m_c_wait(2, 160.0, 100.0),
        );
    }
}

#[test]
fn theory_weights_are_shares() {
    for algorithm in ["roundrobin", "static-rr"] {
        let nodes = r#""a": { "kind": "app" }, "b": { "kind": "app" }, "c": { "kind": "app" },
            "lb": { "kind": "load-balancer", "algorithm": "ALGORITHM",
                    "servers": [{ "node": "a", "weight": 3 }, { "node": "b", "weight": 1 }, { "node": "c", "weight": 2 }] }"#;
        let scenario = open(100, &poisson(100.0), "lb", &nodes.replace("ALGORITHM", algorithm));
        let (_, study) = study(&scenario, 3, 77);
        for sample in &study.samples {
            let arrived: Vec<f64> = sample.nodes[..3].iter().map(|n| n.tally.arrived as f64).collect();
            let total: f64 = arrived.iter().sum();
            // Exact over every whole cycle of six, up to the cycles cut by the window.
            for (arrived, weight) in arrived.iter().zip([3.0, 1.0, 2.0]) {
                assert!(
                    (arrived - total * weight / 6.0).abs() < 4.0,
                    "{algorithm}: {arrived} of {total}"
                );
            }
        }
    }
}

#[test]
fn theory_an_application_that_waits_for_its_queries_is_m_g_1() {
    // Its one worker is held for 2 ms of its own and two queries of 2 ms, all exponential: Erlang-3 with mean 6 ms.
    let nodes = format!(
        r#""s": {{ "kind": "app", "workers": 1, "database": "db", "queries": {{ "*": {{ "read": 2 }} }},
                   "work": {{ "*": {{ "io": {0} }} }} }},
           "db": {{ "kind": "database", "members": {{ "m1": {{}}, "m2": {{}} }}, "read_from": "any",
                    "work": {{ "read": {{ "io": {0} }} }} }}"#,
        exponential(0.002)
    );
    let (plan, study) = study(&open(300, &poisson(100.0), "s", &nodes), REPLICATIONS, 80);
    let run = fallover::analysis::run::run(&plan, &study);
    let wait = m_g_1_wait(100.0, 0.006, 1.0 / 3f64.sqrt());
    agrees("wait", run.nodes.get("s").unwrap().wait_s.mean, wait);
    agrees("mean", run.metrics.latency_s.mean, wait + 0.006);
    ratio_agrees(
        "m1 gets every other read",
        &study,
        |s| (s.nodes[1].tally.arrived as f64, s.nodes[0].tally.arrived as f64),
        1.0,
    );
}

#[test]
fn theory_a_pool_of_connections_is_a_queue() {
    // Workers without limit, two connections, a query of 10 ms: M/M/2 at the pool.
    let nodes = format!(
        r#""s": {{ "kind": "app", "database": "db", "pool": 2, "queries": {{ "*": {{ "write": 1 }} }} }},
           "db": {{ "kind": "database", "members": {{ "m": {{}} }}, "work": {{ "write": {{ "io": {} }} }} }}"#,
        exponential(0.010)
    );
    let run = run(&open(300, &poisson(150.0), "s", &nodes), REPLICATIONS, 81);
    let wait = m_m_c_wait(2, 150.0, 100.0);
    agrees("wait", run.nodes.get("s").unwrap().wait_s.mean, wait);
    agrees("mean", run.metrics.latency_s.mean, wait + 0.010);
}

#[test]
fn theory_calls_in_a_row_add_up() {
    // An application that holds one worker while it calls two services of 3 and 2 ms: service with mean 5 ms, variance
    // 13.
    let nodes = format!(
        r#""s": {{ "kind": "app", "workers": 1, "calls": ["x", "y"] }},
           "x": {{ "kind": "app", "work": {{ "*": {{ "io": {} }} }} }},
           "y": {{ "kind": "app", "work": {{ "*": {{ "io": {} }} }} }}"#,
        exponential(0.003),
        exponential(0.002)
    );
    let run = run(&open(300, &poisson(120.0), "s", &nodes), REPLICATIONS, 82);
    agrees(
        "wait",
        run.nodes.get("s").unwrap().wait_s.mean,
        m_g_1_wait(120.0, 0.005, 13f64.sqrt() / 5.0),
    );
}
