//! One station: FIFO with workers, and cores that are shared.

use super::support::run;
use super::{REPLICATIONS, agrees, exponential, open, poisson, station, world};
use fallover::analysis::theory::{erlang_b, m_g_1_wait, m_m_c_k, m_m_c_wait};

const SERVICE: f64 = 0.01;

#[test]
fn theory_m_m_1() {
    // rho = 0.8, mu = 100: W = 1/(mu - lambda); quantile p of W: -ln(1-p)/(mu - lambda).
    let run = run(
        &open(1500, &poisson(80.0), "s", &station("s", 1, &exponential(SERVICE))),
        REPLICATIONS,
        1,
    );
    let latency = &run.metrics.latency_s;
    agrees("mean", latency.mean, 0.05);
    agrees("p50", latency.p50, 0.05 * 2f64.ln());
    agrees("p99", latency.p99, 0.05 * 100f64.ln());
    let node = run.nodes.get("s").unwrap();
    agrees("utilisation", node.utilization_ratio, 0.8);
    agrees("queue length", node.queue_length, 0.8 * 0.8 / 0.2);
    agrees("wait", node.wait_s.mean, 0.04);
    agrees("throughput", run.metrics.throughput_per_s, 80.0);
}

#[test]
fn theory_m_m_c() {
    let run = run(
        &open(300, &poisson(320.0), "s", &station("s", 4, &exponential(SERVICE))),
        REPLICATIONS,
        2,
    );
    let (wait, node) = (m_m_c_wait(4, 320.0, 100.0), run.nodes.get("s").unwrap());
    agrees("wait", node.wait_s.mean, wait);
    agrees("mean", run.metrics.latency_s.mean, wait + SERVICE);
    agrees("queue length", node.queue_length, 320.0 * wait);
    agrees("utilisation", node.utilization_ratio, 0.8);
    // The wait is zero, or exponential with the rate 4 mu - lambda.
    let must_wait = wait * 80.0;
    agrees("p99 of the wait", node.wait_s.p99, (must_wait / 0.01).ln() / 80.0);
}

#[test]
fn theory_m_d_1() {
    let run = run(
        &open(1000, &poisson(80.0), "s", &station("s", 1, r#""10ms""#)),
        REPLICATIONS,
        3,
    );
    agrees(
        "wait",
        run.nodes.get("s").unwrap().wait_s.mean,
        m_g_1_wait(80.0, SERVICE, 0.0),
    );
    agrees(
        "mean",
        run.metrics.latency_s.mean,
        m_g_1_wait(80.0, SERVICE, 0.0) + SERVICE,
    );
}

#[test]
fn theory_m_g_1_with_a_heavy_tail() {
    let service = r#"{ "lognormal": { "mean": "10ms", "cv": 2 } }"#;
    let run = run(
        &open(1000, &poisson(60.0), "s", &station("s", 1, service)),
        REPLICATIONS,
        4,
    );
    agrees(
        "wait",
        run.nodes.get("s").unwrap().wait_s.mean,
        m_g_1_wait(60.0, SERVICE, 2.0),
    );
    agrees(
        "mean",
        run.metrics.latency_s.mean,
        m_g_1_wait(60.0, SERVICE, 2.0) + SERVICE,
    );
}

#[test]
fn theory_m_m_c_k() {
    // Two workers, three places in the queue, and a load close to capacity.
    let nodes = station("s", 2, &exponential(SERVICE)).replace(r#""workers": 2"#, r#""workers": 2, "queue": 3"#);
    let run = run(&open(150, &poisson(180.0), "s", &nodes), REPLICATIONS, 5);
    let p = m_m_c_k(2, 3, 180.0, 100.0);
    let node = run.nodes.get("s").unwrap();
    agrees("let in", run.metrics.availability, 1.0 - p[5]);
    let waiting = p[3] + 2.0 * p[4] + 3.0 * p[5];
    agrees("queue length", node.queue_length, waiting);
    agrees("wait", node.wait_s.mean, waiting / (180.0 * (1.0 - p[5])));
    agrees(
        "mean",
        run.metrics.latency_s.mean,
        waiting / (180.0 * (1.0 - p[5])) + SERVICE,
    );
    agrees("utilisation", node.utilization_ratio, 0.9 * (1.0 - p[5]));
}

#[test]
fn theory_erlang_b_whatever_the_service() {
    let services = [
        exponential(SERVICE),
        r#"{ "lognormal": { "mean": "10ms", "cv": 2 } }"#.into(),
        r#""10ms""#.into(),
    ];
    for (i, service) in services.iter().enumerate() {
        let nodes = station("s", 4, service).replace(r#""workers": 4"#, r#""workers": 4, "queue": 0"#);
        let run = run(&open(60, &poisson(300.0), "s", &nodes), REPLICATIONS, 10 + i as u64);
        let lost = erlang_b(4, 3.0);
        agrees("carried", run.metrics.availability, 1.0 - lost);
        agrees(
            "utilisation",
            run.nodes.get("s").unwrap().utilization_ratio,
            3.0 * (1.0 - lost) / 4.0,
        );
    }
}

/// An application whose work runs on the shared cores of a host.
fn on_cores(seconds: u32, rate: f64, cores: u32, cpu: &str) -> String {
    let nodes = format!(r#""s": {{ "kind": "app", "host": "h", "work": {{ "*": {{ "cpu": {cpu} }} }} }}"#);
    let hosts = format!(r#", "hosts": {{ "h": {{ "cores": {cores} }} }}"#);
    world(
        seconds,
        &format!(r#""arrivals": {}, "entry": "s""#, poisson(rate)),
        &nodes,
        &hosts,
    )
}

const SHAPES: [&str; 4] = [
    r#"{ "exponential": { "mean": "10ms" } }"#,
    r#""10ms""#,
    r#"{ "lognormal": { "mean": "10ms", "cv": 2 } }"#,
    r#"{ "hyperexponential": { "mean": "10ms", "cv": 3 } }"#,
];

#[test]
fn theory_one_shared_core_is_insensitive_to_the_shape_of_the_work() {
    for (i, cpu) in SHAPES.iter().enumerate() {
        let run = run(&on_cores(500, 70.0, 1, cpu), REPLICATIONS, 20 + i as u64);
        agrees("mean", run.metrics.latency_s.mean, SERVICE / 0.3);
        agrees("cores", run.hosts.get("h").unwrap().cpu_ratio, 0.7);
    }
}

#[test]
fn theory_several_shared_cores_are_insensitive_too() {
    // With exponential work, sharing is indistinguishable from M/M/c: the number in the system has the same law.
    for (i, cpu) in SHAPES.iter().enumerate() {
        let run = run(&on_cores(150, 225.0, 3, cpu), REPLICATIONS, 30 + i as u64);
        agrees(
            "mean",
            run.metrics.latency_s.mean,
            m_m_c_wait(3, 225.0, 100.0) + SERVICE,
        );
        agrees("cores", run.hosts.get("h").unwrap().cpu_ratio, 0.75);
    }
}

#[test]
fn theory_a_shared_core_slows_small_and_large_alike() {
    // 50/s of 2 ms and 25/s of 20 ms: rho = 0.6, and everything takes 1/(1 - rho) times as long.
    let nodes =
        r#""s": { "kind": "app", "host": "h", "work": { "small": { "cpu": "2ms" }, "large": { "cpu": "20ms" } } }"#;
    let extra =
        r#", "hosts": { "h": { "cores": 1 } }, "requests": { "small": { "share": 2 }, "large": { "share": 1 } }"#;
    let run = run(
        &world(500, r#""arrivals": { "poisson": "75/s" }, "entry": "s""#, nodes, extra),
        REPLICATIONS,
        40,
    );
    agrees("small", run.classes.get("small").unwrap().latency_s.mean, 0.002 / 0.4);
    agrees("large", run.classes.get("large").unwrap().latency_s.mean, 0.020 / 0.4);
}

#[test]
fn theory_two_nodes_on_one_host_compete() {
    // 0.3 and 0.4 of the single core, which is twice as fast as the reference; each alone would take 4 and 8 ms.
    let scenario = r#"{ "duration": "500s", "warmup": "50s", "hosts": { "h": { "cores": 1, "speed": 2 } },
        "clients": { "a": { "arrivals": { "poisson": "75/s" }, "entry": "a-app" },
                     "b": { "arrivals": { "poisson": "50/s" }, "entry": "b-web" } },
        "requests": { "x": {} },
        "nodes": { "a-app": { "kind": "app", "host": "h", "work": { "*": { "cpu": { "exponential": { "mean": "8ms" } } } } },
                   "b-web": { "kind": "web", "host": "h", "serves": ["x"], "work": { "*": { "cpu": "16ms" } } } } }"#;
    let run = run(scenario, REPLICATIONS, 41);
    let mean = (75.0 * 0.004 + 50.0 * 0.008) / 125.0;
    agrees("cores", run.hosts.get("h").unwrap().cpu_ratio, 0.7);
    agrees("mean", run.metrics.latency_s.mean, mean / 0.3);
}

#[test]
fn theory_io_holds_the_worker_and_no_core() {
    // Nobody waits for a worker: the mean is the shared 5 ms on the half-idle core and the 30 ms that need no core.
    let nodes = r#""s": { "kind": "app", "host": "h", "work": { "*": { "cpu": "5ms", "io": { "exponential": { "mean": "30ms" } } } } }"#;
    let extra = r#", "hosts": { "h": { "cores": 1 } }"#;
    let run = run(
        &world(200, r#""arrivals": { "poisson": "100/s" }, "entry": "s""#, nodes, extra),
        REPLICATIONS,
        42,
    );
    agrees("mean", run.metrics.latency_s.mean, 0.005 / 0.5 + 0.030);
    agrees("cores", run.hosts.get("h").unwrap().cpu_ratio, 0.5);
}

#[test]
fn theory_quantiles_of_known_distributions() {
    // Nobody waits, so latency is the service time. Normal quantiles: 0, 1.2816, 1.6449, 2.3263, 3.0902.
    let z = [0.0, 1.281_551_565_5, 1.644_853_627_0, 2.326_347_874_0, 3.090_232_306_2];
    let p = [0.5f64, 0.9, 0.95, 0.99, 0.999];
    let (sigma, mean) = (2f64.ln().sqrt(), 0.01f64);
    let mu = mean.ln() - sigma * sigma / 2.0;
    let cases: [(&str, [f64; 5]); 4] = [
        (
            r#"{ "lognormal": { "mean": "10ms", "cv": 1 } }"#,
            z.map(|z| (mu + sigma * z).exp()),
        ),
        (
            r#"{ "pareto": { "min": "5ms", "alpha": 3 } }"#,
            p.map(|p| 0.005 * (1.0 - p).powf(-1.0 / 3.0)),
        ),
        (
            r#"{ "weibull": { "scale": "10ms", "shape": 0.7 } }"#,
            p.map(|p| 0.01 * (-(1.0 - p).ln()).powf(1.0 / 0.7)),
        ),
        (
            r#"{ "uniform": { "min": "2ms", "max": "12ms" } }"#,
            p.map(|p| 0.002 + 0.010 * p),
        ),
    ];
    for (i, (service, theory)) in cases.iter().enumerate() {
        let nodes = format!(r#""s": {{ "kind": "app", "work": {{ "*": {{ "io": {service} }} }} }}"#);
        let run = run(&open(100, &poisson(1000.0), "s", &nodes), REPLICATIONS, 50 + i as u64);
        let l = &run.metrics.latency_s;
        for (estimate, (p, theory)) in [l.p50, l.p90, l.p95, l.p99, l.p999]
            .into_iter()
            .zip(p.iter().zip(theory))
        {
            agrees(&format!("{service} at {p}"), estimate, *theory);
        }
    }
}
