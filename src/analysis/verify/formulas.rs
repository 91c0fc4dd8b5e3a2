//! Stacks with known closed forms.

use super::super::result::{Estimate, Run};
use super::super::{run as findings, theory};
use super::{Bench, Check, Failure, REPLICATIONS, standard_errors};
use crate::analysis::result::NodeResult;

/// A scenario and its theoretical results.
pub(super) struct Formula {
    name: &'static str,
    scenario: String,
    knows: Vec<Known>,
}

/// A metric with a known value.
struct Known {
    what: &'static str,
    read: fn(&Run) -> Estimate,
    theory: f64,
}

/// All of them.
pub(super) const ALL: [fn() -> Formula; 11] = [
    m_m_1,
    m_m_c,
    m_g_1,
    m_m_c_k,
    erlang_b,
    processor_sharing,
    round_robin,
    shorter_queue,
    closed_loop,
    renewal,
    fail_over,
];

impl Formula {
    pub(super) fn compare(self, bench: &mut Bench<'_>) -> Result<Vec<Check>, Failure> {
        let (plan, study) = bench.study(&self.scenario, REPLICATIONS, bench.threads)?;
        let run = findings::run(&plan, &study);
        let check = |known: &Known| {
            let simulated = (known.read)(&run);
            Check {
                group: "theory".into(),
                what: format!("{}: {}", self.name, known.what),
                theory: Some(known.theory),
                simulated: Some(simulated),
                z: standard_errors(simulated, known.theory),
                detail: String::new(),
                passed: false,
            }
        };
        Ok(self.knows.iter().map(check).collect())
    }
}

fn known(what: &'static str, read: fn(&Run) -> Estimate, theory: f64) -> Known {
    Known { what, read, theory }
}

fn mean(run: &Run) -> Estimate {
    run.metrics.latency_s.mean
}

fn p99(run: &Run) -> Estimate {
    run.metrics.latency_s.p99
}

fn availability(run: &Run) -> Estimate {
    run.metrics.availability
}

fn throughput(run: &Run) -> Estimate {
    run.metrics.throughput_per_s
}

/// The station of a single-station scenario.
fn station(run: &Run) -> &NodeResult {
    run.nodes
        .get("s")
        .expect("every scenario here with one station calls it s")
}

/// One station with the given workers, Poisson arrivals at this rate, for this many seconds.
fn one_station(seconds: u32, rate: f64, settings: &str, io: &str) -> String {
    scenario(
        seconds,
        &format!(r#""arrivals": {{ "poisson": {rate} }}, "entry": "s""#),
        &format!(r#""s": {{ "kind": "app", {settings}, "work": {{ "*": {{ "io": {io} }} }} }}"#),
        "",
    )
}

/// The first twentieth is warm-up.
fn scenario(seconds: u32, client: &str, nodes: &str, more: &str) -> String {
    let warmup = f64::from(seconds) / 20.0;
    format!(
        r#"{{ "duration": {seconds}, "warmup": {warmup}, "clients": {{ "c": {{ {client} }} }}, "nodes": {{ {nodes} }} {more} }}"#
    )
}

const TEN_MS: &str = r#"{ "exponential": { "mean": "10ms" } }"#;

fn m_m_1() -> Formula {
    Formula {
        name: "M/M/1 at 0.8",
        scenario: one_station(600, 80.0, r#""workers": 1"#, TEN_MS),
        knows: vec![
            known("mean time", mean, 0.05),
            known("p99 of the time", p99, 0.05 * libm::log(100.0)),
            known("queue length", |r| station(r).queue_length, 3.2),
            known("utilisation", |r| station(r).utilization_ratio, 0.8),
        ],
    }
}

fn m_m_c() -> Formula {
    Formula {
        name: "M/M/4 at 0.8",
        scenario: one_station(200, 320.0, r#""workers": 4"#, TEN_MS),
        knows: vec![known(
            "mean wait",
            |r| station(r).wait_s.mean,
            theory::m_m_c_wait(4, 320.0, 100.0),
        )],
    }
}

fn m_g_1() -> Formula {
    let work = r#"{ "lognormal": { "mean": "10ms", "cv": 2 } }"#;
    Formula {
        name: "M/G/1 at 0.6, cv 2",
        scenario: one_station(500, 60.0, r#""workers": 1"#, work),
        knows: vec![known(
            "mean wait",
            |r| station(r).wait_s.mean,
            theory::m_g_1_wait(60.0, 0.01, 2.0),
        )],
    }
}

fn m_m_c_k() -> Formula {
    let p = theory::m_m_c_k(2, 3, 180.0, 100.0);
    Formula {
        name: "M/M/2/5 at 0.9",
        scenario: one_station(100, 180.0, r#""workers": 2, "queue": 3"#, TEN_MS),
        knows: vec![
            known("let in", availability, 1.0 - p[5]),
            known(
                "queue length",
                |r| station(r).queue_length,
                p[3] + 2.0 * p[4] + 3.0 * p[5],
            ),
        ],
    }
}

fn erlang_b() -> Formula {
    let work = r#"{ "lognormal": { "mean": "10ms", "cv": 2 } }"#;
    Formula {
        name: "M/G/4/4 at 3 erlangs",
        scenario: one_station(60, 300.0, r#""workers": 4, "queue": 0"#, work),
        knows: vec![known("carried", availability, 1.0 - theory::erlang_b(4, 3.0))],
    }
}

fn processor_sharing() -> Formula {
    let node = r#""s": { "kind": "app", "host": "h", "work": { "*": { "cpu": { "lognormal": { "mean": "10ms", "cv": 2 } } } } }"#;
    Formula {
        name: "M/G/1 shared at 0.7, cv 2",
        scenario: scenario(
            300,
            r#""arrivals": { "poisson": "70/s" }, "entry": "s""#,
            node,
            r#", "hosts": { "h": { "cores": 1 } }"#,
        ),
        knows: vec![
            known("mean time", mean, 0.01 / 0.3),
            known("cores", |r| r.hosts.get("h").expect("is there").cpu_ratio, 0.7),
        ],
    }
}

/// Two stations of one worker behind a balancer.
fn balanced(algorithm: &str) -> String {
    let server =
        |name: &str| format!(r#""{name}": {{ "kind": "app", "workers": 1, "work": {{ "*": {{ "io": {TEN_MS} }} }} }}"#);
    let balancer = format!(r#""lb": {{ "kind": "load-balancer", "servers": ["a", "b"], "algorithm": "{algorithm}" }}"#);
    scenario(
        250,
        r#""arrivals": { "poisson": "160/s" }, "entry": "lb""#,
        &format!("{balancer}, {}, {}", server("a"), server("b")),
        "",
    )
}

fn round_robin() -> Formula {
    let erlang_2 = |s: f64| (160.0 / (160.0 + s)) * (160.0 / (160.0 + s));
    Formula {
        name: "roundrobin over 2",
        scenario: balanced("roundrobin"),
        knows: vec![known("mean (GI/M/1)", mean, theory::gi_m_1_time(100.0, erlang_2))],
    }
}

fn shorter_queue() -> Formula {
    Formula {
        name: "leastconn over 2",
        scenario: balanced("leastconn"),
        knows: vec![known(
            "mean (JSQ chain)",
            mean,
            theory::join_the_shorter_of_two_time(160.0, 100.0),
        )],
    }
}

fn closed_loop() -> Formula {
    let nodes = r#""web": { "kind": "web", "upstreams": ["s"], "workers": 1, "connections": 100000,
                            "work": { "*": { "io": { "exponential": { "mean": "5ms" } } } } },
                   "s": { "kind": "app", "workers": 1, "work": { "*": { "io": { "exponential": { "mean": "8ms" } } } } }"#;
    let client = r#""users": 14, "think": { "exponential": { "mean": "100ms" } }, "entry": "web""#;
    let (rate, time) = theory::mva(14, 0.1, &[0.005, 0.008]);
    Formula {
        name: "14 users, 2 stations",
        scenario: scenario(100, client, nodes, ""),
        knows: vec![known("rate (MVA)", throughput, rate), known("mean (MVA)", mean, time)],
    }
}

fn renewal() -> Formula {
    let nodes = r#""lb": { "kind": "load-balancer", "servers": ["a", "b"], "redispatch": true },
        "a": { "kind": "app", "lifetime": { "mtbf": "20s", "mttr": "5s" } },
        "b": { "kind": "app", "lifetime": { "mtbf": "20s", "mttr": "5s" } }"#;
    Formula {
        name: "a pair, each up 4/5",
        scenario: scenario(5000, r#""arrivals": { "poisson": "5/s" }, "entry": "lb""#, nodes, ""),
        knows: vec![known("availability", availability, 1.0 - 0.2 * 0.2)],
    }
}

fn fail_over() -> Formula {
    let nodes = r#""vip": { "kind": "virtual-ip", "members": ["a", "b"], "failover": "4s" },
        "a": { "kind": "app", "lifetime": { "mtbf": "100s", "mttr": { "constant": "50s" } } }, "b": { "kind": "app" }"#;
    Formula {
        name: "a virtual IP, 4 s to move",
        scenario: scenario(10_000, r#""arrivals": { "poisson": "5/s" }, "entry": "vip""#, nodes, ""),
        knows: vec![known("availability", availability, 146.0 / 150.0)],
    }
}

/// A wrong formula, to test that it is detected.
#[cfg(test)]
pub(super) fn wrong() -> Formula {
    Formula {
        name: "M/M/1 at 0.5, wrongly",
        scenario: one_station(600, 50.0, r#""workers": 1"#, TEN_MS),
        knows: vec![known("mean time", mean, 0.018)],
    }
}
