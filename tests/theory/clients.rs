//! Clients: patience, retries, cached names, and the cost of the way to the server.

use super::support::{record, run, study};
use super::{REPLICATIONS, agrees, exponential, poisson, ratio_agrees, station, world};

#[test]
fn theory_patience_ends_where_the_law_of_m_m_1_says() {
    // Abandoned work is still done, so every request's time is that of M/M/1: exponential with rate 20.
    let client = format!(r#""arrivals": {}, "entry": "s", "timeout": "50ms""#, poisson(80.0));
    let run = run(
        &world(500, &client, &station("s", 1, &exponential(0.01)), ""),
        REPLICATIONS,
        100,
    );
    let gone = (-20.0f64 * 0.05).exp();
    agrees("served in time", run.metrics.availability, 1.0 - gone);
    agrees("utilisation", run.nodes.get("s").unwrap().utilization_ratio, 0.8);
    // Exponential, given that it is below 50 ms.
    agrees(
        "mean of the served",
        run.metrics.latency_s.mean,
        0.05 - 0.05 * gone / (1.0 - gone),
    );
}

#[test]
fn theory_impatience_that_frees_the_worker_makes_its_own_queue() {
    // One worker, no queue, and abandoned work stops: a loss system whose service is min(S, patience).
    let client = format!(r#""arrivals": {}, "entry": "s", "timeout": "10ms""#, poisson(100.0));
    let nodes = station("s", 1, &exponential(0.01))
        .replace(r#""workers": 1"#, r#""workers": 1, "queue": 0, "abandoned": "stop""#);
    let run = run(&world(200, &client, &nodes, ""), REPLICATIONS, 101);
    let (gone, held) = ((-1.0f64).exp(), 0.01 * (1.0 - (-1.0f64).exp()));
    let let_in = 1.0 / (1.0 + 100.0 * held);
    agrees("let in and in time", run.metrics.availability, let_in * (1.0 - gone));
    agrees(
        "utilisation",
        run.nodes.get("s").unwrap().utilization_ratio,
        100.0 * let_in * held,
    );
}

#[test]
fn theory_retries_are_geometric() {
    let client = r#""arrivals": { "poisson": "200/s" }, "entry": "s", "retry": { "max": 2, "backoff": "10ms" }"#;
    let faults = r#", "faults": [{ "at": 0, "target": "s", "effect": "errors", "ratio": 0.4 }]"#;
    let (plan, study) = study(
        &world(200, client, r#""s": { "kind": "app" }"#, faults),
        REPLICATIONS,
        102,
    );
    let run = fallover::analysis::run::run(&plan, &study);
    agrees("success", run.metrics.availability, 1.0 - 0.4f64.powi(3));
    let attempts = 1.0 + 0.4 + 0.16;
    let counts = |s: &fallover::study::sample::Sample| {
        (s.nodes[0].tally.arrived as f64, (s.all.succeeded + s.all.failed) as f64)
    };
    ratio_agrees("attempts", &study, counts, attempts);
    // The pause is drawn uniformly from 0 to 10 ms, then to 20 ms; given success at the first, second, third attempt.
    let (p, q) = (0.4, 0.6);
    agrees(
        "mean",
        run.metrics.latency_s.mean,
        (p * q * 0.005 + p * p * q * 0.015) / (q * (1.0 + p + p * p)),
    );
}

/// The same for answers that never come, and for dropped calls.
#[test]
fn theory_other_faults_are_drawn_for_each_attempt_too() {
    let client = r#""arrivals": { "poisson": "100/s" }, "entry": "n""#;
    for effect in ["empty", "drop"] {
        let faults = format!(
            r#", "faults": [{{ "at": 0, "target": "a", "effect": "{effect}", "ratio": 0.3 }}, {{ "at": 0, "target": "b", "effect": "{effect}", "ratio": 0.6 }}]"#
        );
        let nodes = r#""n": { "kind": "load-balancer", "servers": ["v", "w"], "redispatch": true, "retries": 1,
                "retry_on": ["conn-failure", "empty-response", "502", "504"], "timeouts": { "connect": "1ms" } },
            "v": { "kind": "web", "upstreams": ["a"], "timeouts": { "connect": "1ms" } },
            "w": { "kind": "web", "upstreams": ["b"], "timeouts": { "connect": "1ms" } },
            "a": { "kind": "app" }, "b": { "kind": "app" }"#;
        let (plan, study) = study(&world(100, client, nodes, &faults), REPLICATIONS, 105);
        let run = fallover::analysis::run::run(&plan, &study);
        agrees(effect, run.metrics.availability, 1.0 - 0.3 * 0.6);
    }
}

/// Inside the stack too, each attempt fails independently, on this server or another, and whatever lies between: the
/// probability that two attempts both fail is the product of their probabilities.
#[test]
fn theory_attempts_inside_the_stack_fail_independently() {
    let all = r#""retry_on": ["conn-failure", "500"]"#;
    let balancer = |servers: &str, retries: u32| {
        format!(
            r#""n": {{ "kind": "load-balancer", "servers": {servers}, "redispatch": true, "retries": {retries}, {all}, "timeouts": {{ "connect": "1ms" }} }}"#
        )
    };
    let apps = r#""a": { "kind": "app" }, "b": { "kind": "app" }"#;
    let webs = r#""v": { "kind": "web", "upstreams": ["a"] }, "w": { "kind": "web", "upstreams": ["b"] }"#;
    let retry = r#""retry": { "max": 3, "backoff": "1ms" }"#;
    let cases = [
        (
            "two servers",
            format!("{}, {apps}", balancer(r#"["a", "b"]"#, 1)),
            0.3 * 0.6,
        ),
        (
            "one server",
            format!("{}, {apps}", balancer(r#"["a"]"#, 3)),
            0.3f64.powi(4),
        ),
        (
            "webs between",
            format!("{}, {webs}, {apps}", balancer(r#"["v", "w"]"#, 1)),
            0.3 * 0.6,
        ),
        (
            "Nginx",
            format!(
                r#""n": {{ "kind": "web", "upstreams": [{{ "node": "a", "max_fails": 0 }}, {{ "node": "b", "max_fails": 0 }}], "next_upstream": ["http_500"] }}, {apps}"#
            ),
            0.3 * 0.6,
        ),
        (
            "calls",
            format!(r#""n": {{ "kind": "app", "calls": ["a"], {retry} }}, {apps}"#),
            0.3f64.powi(4),
        ),
    ];
    let faults = r#", "faults": [{ "at": 0, "target": "a", "effect": "errors", "ratio": 0.3 }, { "at": 0, "target": "b", "effect": "errors", "ratio": 0.6 }]"#;
    let client = r#""arrivals": { "poisson": "100/s" }, "entry": "n""#;
    for (what, nodes, failed) in cases {
        let (plan, study) = study(&world(100, client, &nodes, faults), REPLICATIONS, 104);
        let run = fallover::analysis::run::run(&plan, &study);
        agrees(what, run.metrics.availability, 1.0 - failed);
    }
}

#[test]
fn theory_a_retry_budget_bounds_the_retries() {
    // Everything fails: a tenth of a retry for each request, beyond what was saved before the warm-up ended.
    let client = r#""arrivals": { "poisson": "200/s" }, "entry": "s", "retry": { "max": 5, "budget": 0.1 }"#;
    let faults = r#", "faults": [{ "at": 0, "target": "s", "effect": "errors", "ratio": 1 }]"#;
    let (_, study) = study(
        &world(200, client, r#""s": { "kind": "app" }"#, faults),
        REPLICATIONS,
        103,
    );
    for sample in &study.samples {
        let (attempts, wishes) = (sample.nodes[0].tally.arrived as f64, sample.all.failed as f64);
        assert!((attempts - 1.1 * wishes).abs() < 6.0, "{attempts} attempts of {wishes}");
    }
}

#[test]
fn theory_a_stale_name_is_used_as_long_as_renewal_theory_says() {
    // Each of 200 clients sends requests at rate r = 0.5/s and keeps a name for T = 4 s, so it looks one up every T +
    // 1/r on average. A request u after the change still goes to the old address if its client looked the name up in
    // the T - u before the change: r (T - u)/(1 + r T). Over the T after the change that is r T/(2 (1 + r T)) of the
    // requests, and later none.
    let client = r#""arrivals": { "poisson": "100/s" }, "population": 200, "entry": "dns""#;
    let nodes = r#""dns": { "kind": "dns", "answers": ["old"], "ttl": "4s" }, "old": { "kind": "app" }, "new": { "kind": "app" }"#;
    let faults = r#", "faults": [{ "at": "100s", "target": "dns", "effect": "set", "set": { "answers": ["new"] } }]"#;
    // Only arrivals after the change are counted.
    let until = |end: u32| {
        let scenario = world(end, client, nodes, faults)
            .replace(&format!(r#""warmup": {}"#, f64::from(end) / 20.0), r#""warmup": 100"#);
        study(&scenario, 60, 104).1
    };
    let counts = |s: &fallover::study::sample::Sample| {
        (
            s.nodes[1].tally.arrived as f64,
            (s.nodes[1].tally.arrived + s.nodes[2].tally.arrived) as f64,
        )
    };
    let (r, t) = (0.5, 4.0);
    ratio_agrees("over T", &until(104), counts, r * t / (2.0 * (1.0 + r * t)));
    // In the first half of T: the mean of (T - u) is 3 T/4.
    ratio_agrees("over half of T", &until(102), counts, r * 0.75 * t / (1.0 + r * t));
    // Nobody keeps it longer: twice the time, the same number, half the share.
    ratio_agrees("over 2 T", &until(108), counts, r * t / (4.0 * (1.0 + r * t)));
}

#[test]
fn theory_lookups_are_as_rare_as_the_ttl_makes_them() {
    let client = r#""arrivals": { "poisson": "100/s" }, "population": 200, "entry": "dns""#;
    let nodes = r#""dns": { "kind": "dns", "answers": ["s"], "ttl": "4s", "lookup": "3ms" }, "s": { "kind": "app" }"#;
    let run = run(&world(1000, client, nodes, ""), REPLICATIONS, 105);
    // One in 1 + r T; requests that meet a lookup in progress send another, which hardly ever happens within 3 ms.
    agrees("mean", run.metrics.latency_s.mean, 0.003 / (1.0 + 0.5 * 4.0));
}

#[test]
fn theory_loss_costs_its_retransmissions() {
    // 200 ms, doubling: each way costs 0.2 p/(1 - 2 p) on average.
    let network = r#", "network": { "latency": "1ms", "loss": 0.05 }"#;
    let client = r#""arrivals": { "poisson": "500/s" }, "entry": "s""#;
    let run = run(
        &world(500, client, r#""s": { "kind": "app" }"#, network),
        REPLICATIONS,
        106,
    );
    agrees(
        "mean",
        run.metrics.latency_s.mean,
        2.0 * (0.001 + 0.2 * 0.05 / (1.0 - 2.0 * 0.05)),
    );
}

#[test]
fn theory_latency_counts_each_hop_twice() {
    // Client, balancer, web and application are on four hosts; the last two share one.
    let nodes = r#""lb": { "kind": "load-balancer", "servers": ["web"] }, "web": { "kind": "web", "host": "h", "upstreams": ["app"] },
        "app": { "kind": "app", "host": "h", "work": { "*": { "io": "5ms" } } }"#;
    let extra = r#", "network": { "latency": "2ms" }, "hosts": { "h": {} }"#;
    let run = run(
        &world(20, r#""arrivals": { "poisson": "50/s" }, "entry": "lb""#, nodes, extra),
        2,
        107,
    );
    assert!(
        (run.metrics.latency_s.max.value.unwrap() - 0.013).abs() < 1e-9,
        "{:?}",
        run.metrics.latency_s.max
    );
    assert!((run.metrics.latency_s.mean.value.unwrap() - 0.013).abs() < 1e-9);
}

#[test]
fn theory_resumed_handshakes_are_cheaper() {
    let nodes = r#""web": { "kind": "web", "serves": ["default"], "work": { "*": { "cpu": "1ms" } },
        "tls": { "handshake": { "exponential": { "mean": "4ms" } }, "resumption": 0.75, "resumed": "500us" } }"#;
    let run = run(
        &world(100, r#""arrivals": { "poisson": "500/s" }, "entry": "web""#, nodes, ""),
        REPLICATIONS,
        108,
    );
    agrees("mean", run.metrics.latency_s.mean, 0.001 + 0.25 * 0.004 + 0.75 * 0.0005);
}

#[test]
fn theory_rendering_is_beside_latency() {
    let client =
        r#""arrivals": { "poisson": "200/s" }, "entry": "s", "render": { "gamma": { "mean": "80ms", "cv": 0.5 } }"#;
    let nodes = format!(
        r#""s": {{ "kind": "app", "work": {{ "*": {{ "io": {} }} }} }}"#,
        exponential(0.02)
    );
    let run = run(&world(200, client, &nodes, ""), REPLICATIONS, 109);
    agrees("latency", run.metrics.latency_s.mean, 0.02);
    agrees("render", run.metrics.render_s.unwrap().mean, 0.08);
    agrees("page", run.metrics.page_s.unwrap().mean, 0.10);
}

#[test]
fn theory_a_page_is_its_document_and_the_last_of_what_it_names() {
    // Five answers that come after independent exponential times: the last after 1 + 1/2 + … + 1/5 of their mean.
    let requests = r#", "requests": { "html": {}, "image": {}, "unused": {} }"#;
    let client = r#""arrivals": { "poisson": "100/s" }, "entry": "s", "page": { "html": 1, "image": 5 }"#;
    let nodes = format!(
        r#""s": {{ "kind": "app", "work": {{ "html": {{ "io": {} }}, "image": {{ "io": {} }} }} }}"#,
        exponential(0.02),
        exponential(0.01)
    );
    let run = run(&world(200, client, &nodes, requests), REPLICATIONS, 111);
    let last = 0.01 * (1.0 + 1.0 / 2.0 + 1.0 / 3.0 + 1.0 / 4.0 + 1.0 / 5.0);
    agrees("page", run.metrics.page_s.unwrap().mean, 0.02 + last);
    agrees("requests", run.metrics.throughput_per_s, 600.0);
    agrees("image", run.classes.get("image").unwrap().latency_s.mean, 0.01);
    assert_eq!(run.classes.get("unused").unwrap().requests.offered, 0);
    assert!(run.metrics.render_s.is_none());
}

#[test]
fn theory_bytes_take_their_time_at_each_hop() {
    // To the balancer over the network: 2 kB at 1 MB/s, and 50 kB back. To the server over a link ten times as wide.
    let world = r#"{ "duration": "10.5s", "hosts": { "edge": {}, "back": {} },
        "requests": { "x": { "bytes": { "request": 2000, "response": 50000 } } },
        "clients": { "c": { "arrivals": { "uniform": "1/s" }, "entry": "lb" } },
        "network": { "latency": "1ms", "bandwidth": 1e6, "links": [
            { "from": "edge", "to": "back", "bandwidth": 1e7 }, { "from": "back", "to": "edge", "bandwidth": 1e7 }] },
        "nodes": { "lb": { "kind": "load-balancer", "host": "edge", "servers": ["s"] },
            "s": { "kind": "app", "host": "back", "database": "db", "queries": { "x": { "read": 1 } } },
            "db": { "kind": "database", "members": { "m": {} } } } }"#;
    let hops = [0.002 + 0.050, 0.0002 + 0.005, 0.0];
    let expected: f64 = hops.iter().map(|transfer| 0.002 + transfer).sum();
    let rows = record(world).rows;
    assert_eq!(rows.len(), 10);
    for row in rows {
        let latency = row.finished.expect("it has ended").since(row.arrived).seconds();
        assert!((latency - expected).abs() < 1e-8, "{latency}, not {expected}");
    }
    // An error is short: its size adds nothing on its way back.
    let broken = world.replace(
        r#""duration""#,
        r#""faults": [{ "at": 0, "target": "s", "effect": "errors", "ratio": 1 }], "duration""#,
    );
    let row = record(&broken).rows.swap_remove(0);
    let latency = row.finished.expect("it has ended").since(row.arrived).seconds();
    assert!((latency - (expected - 0.055)).abs() < 1e-8, "{latency}");
}

#[test]
fn theory_keys_are_asked_for_alike_or_by_rank() {
    // Each of twelve keys has one home among the servers. With equal weights, the shares are whole twelfths; and a
    // single key sends everything to one server.
    let nodes = r#""a": { "kind": "app" }, "b": { "kind": "app" }, "c": { "kind": "app" },
        "lb": { "kind": "load-balancer", "servers": ["a", "b", "c"], "algorithm": "uri" }"#;
    let shares = |keys: &str| {
        let extra = format!(r#", "requests": {{ "x": {{ "keys": {keys} }} }}"#);
        let (_, study) = study(
            &world(
                200,
                r#""arrivals": { "poisson": "500/s" }, "entry": "lb""#,
                nodes,
                &extra,
            ),
            4,
            110,
        );
        let arrived = |i: usize| {
            study
                .samples
                .iter()
                .map(|s| s.nodes[i].tally.arrived as f64)
                .sum::<f64>()
        };
        let all = arrived(3);
        [arrived(0) / all, arrived(1) / all, arrived(2) / all]
    };
    let sd = (0.25f64 / (4.0 * 190.0 * 500.0)).sqrt();
    for share in shares(r#"{ "count": 12 }"#) {
        let twelfths = share * 12.0;
        assert!((twelfths - twelfths.round()).abs() < 12.0 * 4.0 * sd, "{share}");
    }
    assert_eq!(shares(r#"{ "count": 1 }"#).map(|s| s as u32).iter().sum::<u32>(), 1);
}
