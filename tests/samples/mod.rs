//! Realistic result documents for tests and visual inspection, made by formula rather than simulation.
//!
//! Only their shape matters: a load balancer that is down from 60 s to 90 s, a quiet run, a run of nulls, a crowd.

#![allow(dead_code)] // each test uses some of them

use fallover::analysis::result::*;
use fallover::analysis::topology::{Edge, Machine, Place, Topology};
use fallover::analysis::waterfall::{Breakdown, Hop, Waterfall};

/// A value with an interval of `relative` on either side.
pub fn estimate(value: f64, relative: f64) -> Estimate {
    Estimate {
        value: Some(value),
        lo: Some(value * (1.0 - relative)),
        hi: Some(value * (1.0 + relative)),
        confidence: 0.95,
    }
}

/// A share with an interval clamped to [0, 1].
pub fn share(value: f64, half: f64) -> Estimate {
    Estimate {
        value: Some(value),
        lo: Some((value - half).max(0.0)),
        hi: Some((value + half).min(1.0)),
        confidence: 0.95,
    }
}

/// Nothing was measured.
pub fn null() -> Estimate {
    Estimate {
        value: None,
        lo: None,
        hi: None,
        confidence: 0.95,
    }
}

/// A lognormal-looking latency with this median.
pub fn latency(median: f64, relative: f64) -> Latency {
    let at = |factor: f64, more: f64| estimate(median * factor, relative * more);
    Latency {
        mean: at(1.35, 1.0),
        p50: at(1.0, 0.8),
        p90: at(2.6, 1.2),
        p95: at(3.4, 1.5),
        p99: at(6.1, 2.5),
        p999: at(14.0, 6.0),
        max: at(41.0, 20.0),
    }
}

fn distribution(median: f64) -> Distribution {
    let knots = [
        (0.0, 0.2),
        (0.1, 0.45),
        (0.25, 0.68),
        (0.5, 1.0),
        (0.75, 1.6),
        (0.9, 2.6),
        (0.95, 3.4),
        (0.99, 6.1),
        (0.999, 14.0),
        (0.9999, 29.0),
        (1.0, 41.0),
    ];
    Distribution {
        ratio: knots.iter().map(|k| k.0).collect(),
        latency_s: knots.iter().map(|k| k.1 * median).collect(),
    }
}

fn outcomes(counts: &[(&str, u64)]) -> Ordered<u64> {
    Ordered(counts.iter().map(|(n, c)| (n.to_string(), *c)).collect())
}

pub fn metrics(median: f64, succeeded: u64, causes: &[(&str, u64)]) -> Metrics {
    let failed: u64 = causes.iter().map(|c| c.1).sum();
    let mut counts = vec![("ok", succeeded)];
    counts.extend_from_slice(causes);
    counts.push(("unfinished", 37));
    let available = succeeded as f64 / (succeeded + failed) as f64;
    Metrics {
        requests: Requests {
            offered: succeeded + failed + 37,
            succeeded,
            failed,
            unfinished: 37,
        },
        attempts: succeeded + failed + 37,
        availability: share(available, (1.0 - available) * 0.02),
        throughput_per_s: estimate(succeeded as f64 / 20.0 / 300.0, 0.002),
        latency_s: latency(median, 0.01),
        render_s: None,
        page_s: None,
        outcomes: outcomes(&counts),
        distribution: distribution(median),
    }
}

fn node(served: u64, refused: u64, busy: Estimate, queue: f64, wait: f64, up: f64) -> NodeResult {
    NodeResult {
        arrived: served + refused,
        served,
        orphaned: 0,
        refused,
        utilization_ratio: busy,
        queue_length: estimate(queue, 0.05),
        wait_s: Wait {
            mean: estimate(wait, 0.05),
            p99: estimate(wait * 9.0, 0.1),
        },
        up_ratio: share(up, 0.0),
    }
}

fn host(cpu: f64, up: f64) -> HostResult {
    HostResult {
        cpu_ratio: share(cpu, 0.005),
        up_ratio: share(up, 0.0),
    }
}

/// A reproducible fluctuation between -1 and 1.
fn wobble(i: usize, salt: usize) -> f64 {
    let mut x = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (salt as u64).wrapping_mul(0xD1B5_4A32_D192_ED03);
    x ^= x >> 29;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^= x >> 32;
    (x % 2001) as f64 / 1000.0 - 1.0
}

fn series(bins: usize, spread: f64, value: impl Fn(usize) -> Option<f64>) -> Series {
    let band = |factor: f64| move |v: Option<f64>| v.map(|v| v * factor);
    let median: Vec<Option<f64>> = (0..bins).map(&value).collect();
    Series {
        lo: median.iter().copied().map(band(1.0 - spread)).collect(),
        hi: median.iter().copied().map(band(1.0 + spread)).collect(),
        median,
    }
}

/// A run of 300 s in bins of 5 s with an outage between `from` and `to`, and a backlog of ten seconds afterwards.
fn timeline(from: f64, to: f64, p50: f64) -> Timeline {
    let (bins, bin_s) = (60, 5.0);
    let start = move |i: usize| i as f64 * bin_s;
    let lost = move |i: usize| if start(i) >= from && start(i) < to { 1.0 } else { 0.0 };
    let rush = move |i: usize| {
        if start(i) >= to && start(i) < to + 10.0 {
            1.0
        } else {
            0.0
        }
    };
    let latency_at = move |i: usize, base: f64, salt| {
        (lost(i) < 1.0).then(|| base * (1.0 + 0.06 * wobble(i, salt)) * (1.0 + 6.0 * rush(i)))
    };
    let mut availability = series(bins, 0.0, |i| Some(1.0 - lost(i)));
    for i in 0..bins {
        availability.lo[i] = Some((1.0 - lost(i) - 0.02 * rush(i)).max(0.0));
    }
    let rate = |i: usize| 500.0 * (1.0 + 0.02 * wobble(i, 3));
    let entries = [
        ("availability", availability),
        (
            "throughput_per_s",
            series(bins, 0.05, |i| Some(rate(i) * (1.0 - lost(i)))),
        ),
        ("failed_per_s", series(bins, 0.05, |i| Some(rate(i) * lost(i)))),
        ("latency_p50_s", series(bins, 0.04, |i| latency_at(i, p50, 1))),
        ("latency_p99_s", series(bins, 0.15, |i| latency_at(i, p50 * 6.1, 2))),
    ];
    Timeline {
        bin_s,
        series: Ordered(entries.into_iter().map(|(n, s)| (n.to_string(), s)).collect()),
    }
}

fn happening(at_s: f64, what: &str, target: &str) -> Happening {
    Happening {
        at_s,
        what: what.into(),
        target: target.into(),
    }
}

fn named<T>(entries: Vec<(&str, T)>) -> Ordered<T> {
    Ordered(entries.into_iter().map(|(n, t)| (n.to_string(), t)).collect())
}

fn document(name: &str, answer: Answer) -> Document {
    Document {
        envelope: Envelope {
            schema_version: SCHEMA_VERSION,
            command: "run".into(),
            options: Vec::new(),
            complete: true,
            scenario: ScenarioId {
                name: name.into(),
                digest: "5f0c2a9e41d7b386".into(),
            },
            seed: Some(1),
            replications: 20,
            duration_s: 300.0,
            warmup_s: Some(30.0),
        },
        answer,
        caveats: Vec::new(),
        engine: Engine {
            version: "0.1.0".into(),
            threads: 2,
            events: 81_234_567,
            wall_s: 12.5,
            events_per_s: 6.5e6,
        },
    }
}

/// The answer of a document with this run.
fn one(run: Run) -> Answer {
    Answer::Run(Box::new(run))
}

/// The one run of a document.
pub fn run_of(document: &mut Document) -> &mut Run {
    match &mut document.answer {
        Answer::Run(run) => run,
        _ => panic!("has one run"),
    }
}

/// The stack of foobar: name, kind, host and tier; who calls whom, and how often.
pub fn topology() -> Topology {
    let place = |(name, kind, host, tier): (&str, &str, &str, u32)| Place {
        name: name.into(),
        kind: kind.into(),
        host: (!host.is_empty()).then(|| host.into()),
        database: (kind == "database").then(|| "mysql".into()),
        tier: Some(tier),
    };
    let edge = |(from, to, rate, share): (&str, &str, f64, f64)| Edge {
        from: from.into(),
        to: to.into(),
        names: rate == 0.0,
        answered_per_s: (rate > 0.0).then_some(rate),
        share: (rate > 0.0).then_some(share),
    };
    let hosts = [
        ("lb", None),
        ("web1", None),
        ("web2", None),
        ("db1", Some("east")),
        ("db2", Some("west")),
    ];
    let nodes = [
        ("dns", "dns", "", 1),
        ("haproxy", "load-balancer", "lb", 2),
        ("nginx1", "web", "web1", 3),
        ("nginx2", "web", "web2", 3),
        ("app1", "app", "web1", 4),
        ("app2", "app", "web2", 4),
        ("mysql-primary", "database", "db1", 5),
        ("mysql-replica", "database", "db2", 5),
    ];
    let edges = [
        ("dns", "haproxy", 0.0, 0.0),
        ("haproxy", "nginx1", 202.6, 0.5),
        ("haproxy", "nginx2", 202.5, 0.5),
        ("nginx1", "app1", 67.5, 1.0),
        ("nginx2", "app2", 67.5, 1.0),
        ("app1", "mysql-primary", 40.5, 0.3),
        ("app1", "mysql-replica", 94.5, 0.7),
        ("app2", "mysql-primary", 40.5, 0.3),
        ("app2", "mysql-replica", 94.5, 0.7),
    ];
    Topology {
        sources: vec!["browsers".into()],
        nodes: nodes.into_iter().map(place).collect(),
        hosts: hosts
            .into_iter()
            .map(|(name, zone)| Machine {
                name: name.into(),
                zone: zone.map(str::to_owned),
            })
            .collect(),
        entries: [("browsers", "dns", 3.3, 1.0), ("browsers", "haproxy", 405.0, 1.0)]
            .map(edge)
            .into(),
        edges: edges.into_iter().map(edge).collect(),
    }
}

fn waterfall() -> Waterfall {
    let hop = |(node, network, wait, own): (&str, f64, f64, f64)| Hop {
        node: node.into(),
        answers: 0.5,
        network_s: network,
        wait_s: wait,
        own_s: own,
    };
    let hops = [
        ("dns", 0.0, 0.0, 0.0004),
        ("haproxy", 0.0004, 0.0, 0.00005),
        ("nginx1", 0.0002, 0.0, 0.0001),
        ("nginx2", 0.0002, 0.0, 0.0001),
        ("app1", 0.0, 0.0091, 0.0062),
        ("app2", 0.0, 0.0089, 0.0063),
        ("mysql-primary", 0.0003, 0.0009, 0.0041),
        ("mysql-replica", 0.0003, 0.0021, 0.0066),
    ];
    let all = Breakdown {
        mean_s: Some(0.0474),
        hops: hops.into_iter().map(hop).collect(),
        elsewhere_s: 0.001_55,
    };
    Waterfall {
        classes: named(vec![("static", all.clone()), ("dynamic", all.clone())]),
        all,
    }
}

fn foobar_run(metrics_of: Metrics, timeline: Timeline, haproxy_up: f64) -> Run {
    let busy = |v| share(v, 0.004);
    Run {
        classes: named(vec![
            (
                "static",
                metrics(0.0042, 1_620_012, &[("unreachable", 80_001), ("refused", 99_900)]),
            ),
            (
                "dynamic",
                metrics(
                    0.046,
                    810_040,
                    &[("unreachable", 40_020), ("refused", 49_980), ("queue_full", 412)],
                ),
            ),
        ]),
        metrics: metrics_of,
        nodes: named(vec![
            ("dns", node(20_000, 0, null(), 0.0, 0.0, 1.0)),
            ("haproxy", node(2_430_500, 149_880, null(), 0.0, 0.0, haproxy_up)),
            ("nginx1", node(1_215_300, 0, busy(0.212), 0.003, 0.000_012, 1.0)),
            ("nginx2", node(1_215_200, 0, busy(0.213), 0.003, 0.000_013, 1.0)),
            ("app1", node(405_100, 212, busy(0.874), 3.41, 0.0182, 1.0)),
            ("app2", node(404_900, 200, busy(0.871), 3.38, 0.0179, 1.0)),
            ("mysql-primary", node(486_000, 0, busy(0.44), 0.12, 0.0009, 1.0)),
            ("mysql-replica", node(1_134_000, 0, busy(0.61), 0.48, 0.0021, 1.0)),
        ]),
        hosts: named(vec![
            ("lb", host(0.118, haproxy_up)),
            ("web1", host(0.224, 1.0)),
            ("web2", host(0.223, 1.0)),
            ("db1", host(0.402, 1.0)),
            ("db2", host(0.577, 1.0)),
        ]),
        timeline,
        events: Vec::new(),
        lag_s: Ordered::default(),
        topology: topology(),
        waterfall: waterfall(),
        slo: vec![
            SloResult {
                objective: "availability".into(),
                target: 0.999,
                observed: metrics(0.02, 2_430_052, &[("refused", 270_313)]).availability,
                met: false,
            },
            SloResult {
                objective: "p99".into(),
                target: 0.5,
                observed: estimate(0.2143, 0.015),
                met: true,
            },
            SloResult {
                objective: "classes.dynamic.p95".into(),
                target: 0.25,
                observed: estimate(0.1564, 0.015),
                met: true,
            },
        ],
        peak: None,
    }
}

/// The foobar stack whose only balancer crashes at 60 s for 30 s.
pub fn lb_failure() -> Document {
    let causes = [("refused", 149_880), ("unreachable", 120_021), ("queue_full", 412)];
    let mut run = foobar_run(metrics(0.0351, 2_430_052, &causes), timeline(60.0, 90.0, 0.035), 0.9);
    run.events = vec![
        happening(60.0, "crash begins", "haproxy"),
        happening(90.0, "crash ends", "haproxy"),
        happening(92.304, "down", "haproxy/nginx1"),
        happening(98.871, "up", "haproxy/nginx1"),
    ];
    let mut document = document("lb-failure", one(run));
    document.caveats = vec![
        Caveat {
            code: "hot.app".into(),
            message: "app1 and app2 are busy 87 % of the time: one more lost server or 15 % more load and their queues never settle.".into(),
        },
        Caveat { code: "spof.haproxy".into(), message: "Nothing stands in for haproxy while it is down.".into() },
    ];
    document
}

/// The same stack without failures.
pub fn steady() -> Document {
    let mut run = foobar_run(
        metrics(0.0349, 2_700_052, &[("queue_full", 41)]),
        timeline(0.0, 0.0, 0.035),
        1.0,
    );
    run.slo[0].met = true;
    run.slo[0].observed = share(0.999_985, 0.000_004);
    run.classes = named(vec![("default", run.metrics.clone())]);
    document("foobar", one(run))
}

/// One replication without any successful request: null wherever a value may be null.
pub fn nulls() -> Document {
    let mut run = foobar_run(metrics(0.03, 0, &[("unresolved", 1500)]), Timeline::default(), 0.0);
    let nothing = Latency {
        mean: null(),
        p50: null(),
        p90: null(),
        p95: null(),
        p99: null(),
        p999: null(),
        max: null(),
    };
    for m in std::iter::once(&mut run.metrics).chain(run.classes.0.iter_mut().map(|(_, m)| m)) {
        m.latency_s = nothing;
        m.availability = null();
        m.throughput_per_s = Estimate {
            value: Some(0.0),
            ..null()
        };
        m.distribution = Distribution::default();
    }
    for (_, n) in &mut run.nodes.0 {
        n.utilization_ratio = null();
        n.wait_s = Wait {
            mean: null(),
            p99: null(),
        };
    }
    for slo in &mut run.slo {
        (slo.observed, slo.met) = (null(), false);
    }
    let empty = Series {
        median: vec![None; 12],
        lo: vec![None; 12],
        hi: vec![None; 12],
    };
    run.timeline = Timeline {
        bin_s: 5.0,
        series: named(vec![("latency_p99_s", empty)]),
    };
    let mut document = document("nothing works", one(run));
    (
        document.envelope.replications,
        document.envelope.complete,
        document.envelope.warmup_s,
    ) = (1, false, Some(0.0));
    document
}

/// 200 nodes on 120 hosts, with long names.
pub fn crowd() -> Document {
    let mut document = lb_failure();
    let run = run_of(&mut document);
    let name = |i: usize| format!("application-server-in-the-second-data-centre-{i:03}");
    let busy = |i: usize| (i * 37 % 200) as f64 / 210.0;
    run.nodes = Ordered(
        (0..200)
            .map(|i| {
                (
                    name(i),
                    node(10_000, 0, share(busy(i), 0.01), busy(i) * 4.0, 0.001, 1.0),
                )
            })
            .collect(),
    );
    run.hosts = Ordered((0..120).map(|i| (format!("host{i:03}"), host(busy(i), 1.0))).collect());
    run.topology = crowded(name);
    run.events = (0..60)
        .flat_map(|i| {
            let (from, target) = (5.0 * i as f64, name(i % 7));
            [
                happening(from, "fails", &target),
                happening(from + 2.5, "repaired", &target),
            ]
        })
        .collect();
    document.envelope.scenario.name =
        "the-whole-second-data-centre-with-every-application-server-and-then-some-more".into();
    document
}

/// A balancer, a database, and all other nodes between them.
fn crowded(name: impl Fn(usize) -> String) -> Topology {
    let place = |i: usize| {
        let (kind, tier) = match i {
            0 => ("load-balancer", 1),
            199 => ("database", 3),
            _ => ("app", 2),
        };
        Place {
            name: name(i),
            kind: kind.into(),
            host: Some(format!("host{:03}", i % 120)),
            database: (i == 199).then(|| "mysql".into()),
            tier: Some(tier),
        }
    };
    let edge = |from: String, to: String| Edge {
        from,
        to,
        names: false,
        answered_per_s: Some(2.0),
        share: Some(1.0 / 198.0),
    };
    let both = |i: usize| [edge(name(0), name(i)), edge(name(i), name(199))];
    Topology {
        sources: vec!["browsers".into()],
        nodes: (0..200).map(place).collect(),
        hosts: (0..120)
            .map(|i| Machine {
                name: format!("host{i:03}"),
                zone: None,
            })
            .collect(),
        entries: vec![edge("browsers".into(), name(0))],
        edges: (1..199).flat_map(both).collect(),
    }
}

/// One balancer against a pair, and a third that is merely slow.
pub fn several() -> Document {
    let mut alone = lb_failure();
    let single = run_of(&mut alone).clone();
    let mut pair = foobar_run(
        metrics(0.0349, 2_676_000, &[("unreachable", 24_000)]),
        timeline(60.0, 65.0, 0.035),
        0.9,
    );
    pair.events = vec![
        happening(60.0, "crash begins", "haproxy"),
        happening(63.0, "takes over", "haproxy2"),
        happening(90.0, "crash ends", "haproxy"),
    ];
    let mut slow = foobar_run(
        metrics(0.21, 2_700_000, &[("queue_full", 210)]),
        timeline(0.0, 0.0, 0.21),
        1.0,
    );
    slow.slo.iter_mut().for_each(|s| s.met = true);
    let entry = |name: &str, run: Run| NamedRun {
        scenario: ScenarioId {
            name: name.into(),
            digest: "ab12".into(),
        },
        replications: 20,
        duration_s: 300.0,
        warmup_s: 30.0,
        run,
        caveats: Vec::new(),
    };
    let runs = vec![
        entry("lb-failure", single),
        entry("lb-pair", pair),
        entry("slow disks", slow),
    ];
    document("lb-failure, lb-pair, slow disks", Answer::Runs(Runs { runs }))
}

/// Names that try to break the page: control characters, markup, wide and extremely long text.
pub fn hostile() -> Document {
    let mut document = lb_failure();
    let names = [
        "\x1b[31mred\x1b[0m",
        "<script>alert('x')&\"",
        "負荷分散装置の名前はとても長い長い長い長い",
        "a\nb\tc\u{202e}d",
        "",
    ];
    let endless = "x".repeat(500);
    let run = run_of(&mut document);
    for (i, (name, _)) in run.nodes.0.iter_mut().enumerate() {
        *name = names.get(i).map_or(format!("{endless}{i}"), |n| n.to_string());
    }
    for (i, (name, _)) in run.classes.0.iter_mut().enumerate() {
        *name = names[i + 1].into();
    }
    for (event, name) in run.events.iter_mut().zip(names) {
        event.target = name.into();
    }
    for s in &mut run.slo {
        s.objective = format!("classes.{endless}.p99");
    }
    document.caveats[0].message = endless;
    document.envelope.scenario.name = names.concat();
    document
}

/// A result of each of the other commands, as the program wrote it.
pub fn of_commands() -> Vec<(&'static str, Document)> {
    let texts = [
        ("capacity", include_str!("../data/results/capacity.json")),
        ("spof", include_str!("../data/results/spof.json")),
        ("availability", include_str!("../data/results/availability.json")),
        ("sweep", include_str!("../data/results/sweep.json")),
        ("sensitivity", include_str!("../data/results/sensitivity.json")),
        ("compare", include_str!("../data/results/compare.json")),
        ("review", include_str!("../data/results/review.json")),
    ];
    let read = |(name, text): (&'static str, &str)| (name, Document::read(text).expect("is a result"));
    texts.map(read).into()
}

/// The result of this command.
pub fn of_command(name: &str) -> Document {
    let found = of_commands().into_iter().find(|(command, _)| *command == name);
    found.expect("is in the list").1
}

/// All samples, with their names.
pub fn all() -> Vec<(&'static str, Document)> {
    let mut all = vec![
        ("lb-failure", lb_failure()),
        ("steady", steady()),
        ("nulls", nulls()),
        ("crowd", crowd()),
        ("several", several()),
        ("hostile", hostile()),
    ];
    all.extend(of_commands());
    all
}
