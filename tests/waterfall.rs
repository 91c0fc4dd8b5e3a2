//! How a request's time is spent: the parts add up to the mean latency, and each matches a calculation by hand or
//! theory.

mod support;

use fallover::analysis::result::Run;
use fallover::analysis::waterfall::{Breakdown, Hop};
use support::run;

fn hop<'a>(breakdown: &'a Breakdown, node: &str) -> &'a Hop {
    let found = breakdown.hops.iter().find(|h| h.node == node);
    found.unwrap_or_else(|| panic!("{node} is in {breakdown:?}"))
}

fn sum(breakdown: &Breakdown) -> f64 {
    let parts = breakdown.hops.iter().map(|h| h.network_s + h.wait_s + h.own_s);
    parts.sum::<f64>() + breakdown.elsewhere_s
}

fn near(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance, "{a} is not {b}");
}

/// A web server before an application with a database; one request at a time, so nobody waits.
const CHAIN: &str = r#"{ "duration": "100s", "warmup": 0,
  "requests": { "read": { "share": 1 } },
  "clients": { "c": { "arrivals": { "uniform": "10/s" }, "entry": "web" } },
  "network": { "latency": "1ms", "links": [{ "from": "h2", "to": "h3", "latency": "4ms" }] },
  "hosts": { "h1": { "cores": 4 }, "h2": { "cores": 4 }, "h3": { "cores": 4 } },
  "nodes": {
    "web": { "kind": "web", "host": "h1", "upstreams": ["app"], "work": { "*": { "cpu": "2ms" } } },
    "app": { "kind": "app", "host": "h2", "workers": 4, "database": "db", "queries": { "read": { "read": 2 } },
             "work": { "*": { "cpu": "6ms", "io": "1ms" } } },
    "db": { "kind": "database", "members": { "m": { "host": "h3" } }, "primary": "m", "work": { "read": { "cpu": "3ms", "io": "2ms" } } }
  } }"#;

#[test]
fn every_hop_takes_what_was_computed_by_hand() {
    let found = run(CHAIN, 1, 1).waterfall;
    let all = &found.all;
    // Both ways at 1 ms each; to the database 4 ms there and 1 ms back, twice.
    let expected = [("web", 0.002, 0.002), ("app", 0.002, 0.007), ("m", 0.010, 0.010)];
    for (node, network_s, own_s) in expected {
        let hop = hop(all, node);
        near(hop.network_s, network_s, 1e-9);
        near(hop.own_s, own_s, 1e-9);
        near(hop.wait_s, 0.0, 0.0);
    }
    near(hop(all, "m").answers, 2.0, 1e-12);
    near(all.mean_s.expect("answered"), 0.033, 1e-9);
    near(all.elsewhere_s, 0.0, 1e-9);
    assert_eq!(found.classes.get("read"), Some(all));
    let order: Vec<&str> = all.hops.iter().map(|h| h.node.as_str()).collect();
    assert_eq!(order, ["web", "app", "m"], "callers before those they ask");
}

#[test]
fn arrows_carry_what_went_that_way() {
    let topology = run(CHAIN, 1, 1).topology;
    let ways = || topology.entries.iter().chain(&topology.edges);
    let way = |from: &str, to: &str| ways().find(|e| e.from == from && e.to == to).expect("is a way");
    // 1000 requests in 100 s, the last of which has no time to be answered.
    for (from, to, each) in [("c", "web", 1.0), ("web", "app", 1.0), ("app", "m", 2.0)] {
        let rate = way(from, to).answered_per_s.expect("measured");
        near(rate, 10.0 * each, 0.01 * each + 1e-9);
        assert_eq!(way(from, to).share, Some(1.0));
    }
    let tiers: Vec<Option<u32>> = topology.nodes.iter().map(|n| n.tier).collect();
    assert_eq!(tiers, [Some(1), Some(2), Some(3)]);
}

#[test]
fn waiting_is_told_from_working() {
    // M/D/1 at half load: the mean wait is rho / (2 (1 - rho)) service times, half of one.
    let json = r#"{ "duration": "500s", "warmup": "10s",
      "clients": { "c": { "arrivals": { "poisson": "50/s" }, "entry": "app" } }, "network": { "latency": 0 },
      "nodes": { "app": { "kind": "app", "workers": 1, "work": { "*": { "io": "10ms" } } } } }"#;
    let run = run(json, 8, 7);
    let hop = hop(&run.waterfall.all, "app");
    near(hop.own_s, 0.010, 1e-9);
    let wait = run.nodes.get("app").expect("is there").wait_s.mean;
    near(hop.wait_s, wait.value.expect("measured"), 1e-6);
    let (lo, hi) = (wait.lo.expect("eight"), wait.hi.expect("eight"));
    // The 95 % interval of eight replications of 25,000 requests, twice as wide: about one seed in 10,000 misses.
    near(hop.wait_s, 0.005, hi - lo);
}

#[test]
fn shipped_scenarios_account_for_all_of_the_time() {
    for name in ["foobar", "lb-failure"] {
        let file = format!("{}/scenarios/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let json = std::fs::read_to_string(file).expect("is shipped");
        let run: Run = run(&json, 1, 3);
        let waterfall = run.waterfall;
        let parts = std::iter::once(&waterfall.all).chain(waterfall.classes.iter().map(|c| c.1));
        for breakdown in parts {
            let mean = breakdown.mean_s.expect("something was answered");
            near(sum(breakdown), mean, 1e-12);
            // Without failures, only requests across the ends of the measured time make a difference.
            if name == "foobar" {
                near(breakdown.elsewhere_s, 0.0, 1e-3 * mean);
            } else {
                assert!(
                    breakdown.elsewhere_s < 0.0,
                    "lookups of requests that failed: {breakdown:?}"
                );
            }
        }
        let measured = run.metrics.latency_s.mean.value.expect("measured");
        near(waterfall.all.mean_s.expect("measured"), measured, 1e-12);
    }
}

/// Nine of ten requests fail at their second call: the time of their first call is not time that the caller saved. Work
/// for failed requests stays with the node that did it, and is subtracted at the end.
#[test]
fn no_hop_takes_less_than_nothing_where_requests_fail() {
    let json = r#"{ "duration": "600s",
      "clients": { "u": { "entry": "l", "arrivals": { "poisson": 20 } } }, "network": { "latency": "2ms" },
      "nodes": { "l": { "kind": "app", "calls": ["a", "b"], "work": { "*": { "io": "1ms" } } },
                 "a": { "kind": "app", "work": { "*": { "io": "100ms" } } }, "b": { "kind": "app", "work": { "*": { "io": "50ms" } } } },
      "faults": [{ "at": 0, "target": "b", "effect": "errors", "ratio": 0.9 }] }"#;
    let all = run(json, 2, 1).waterfall.all;
    near(hop(&all, "l").own_s, 0.001, 1e-9);
    near(hop(&all, "b").own_s, 0.050, 1e-9);
    let a = hop(&all, "a");
    assert!(a.answers > 8.0, "{a:?}");
    near(a.own_s, 0.1 * a.answers, 1e-9);
    // For each failed request: 100 ms of work and 4 ms on the way.
    near(all.elsewhere_s, -0.104 * (a.answers - 1.0), 1e-9);
}

/// An answer that is 21 ms too late does not count: the balancer has given up after 60 ms, which are lost, and tried
/// the other server.
#[test]
fn an_answer_that_comes_too_late_is_not_taken_off() {
    let json = r#"{ "duration": "600s", "warmup": 0,
      "clients": { "u": { "entry": "l", "arrivals": { "poisson": "2/s" } } }, "hosts": { "h1": {}, "h2": {} }, "network": { "latency": "40ms" },
      "nodes": { "l": { "kind": "load-balancer", "host": "h1", "servers": ["a", "b"], "timeouts": { "server": "60ms" },
                        "retries": 1, "redispatch": true, "retry_on": ["response-timeout"] },
                 "a": { "kind": "app", "host": "h2", "work": { "*": { "io": "1ms" } } },
                 "b": { "kind": "app", "host": "h1", "work": { "*": { "io": "10ms" } } } } }"#;
    let all = run(json, 1, 1).waterfall.all;
    let share = all.mean_s.expect("answered") - 0.08 - 0.01;
    assert!(share > 0.02, "{share}");
    near(hop(&all, "l").own_s, share, 1e-6);
}
