//! `docs/balancing.md` shows what the program finds: `UPDATE_DOCS=1 cargo test --test balancing` rewrites it.

#[path = "support/alone.rs"]
mod alone;

use std::fmt::Write;
use std::path::Path;

use fallover::analysis::compare::{Compare, Difference, Verdict};
use fallover::analysis::result::Estimate;
use fallover::scenario::load;
use fallover::study::Settings;

const SCENARIO: &str = "scenarios/roundrobin-vs-leastconn.json";
const ALGORITHMS: [&str; 3] = ["roundrobin", "leastconn", "random"];
const REPLICATIONS: u32 = 10;
/// A smaller gain in p99 is no reason to choose an algorithm, however significant it is.
const WORTH: f64 = 0.05;

/// A situation: its name and the settings that turn the scenario into it.
const SITUATIONS: [(&str, &[&str]); 5] = [
    (
        "equal servers, light load",
        &["hosts.slow.speed=1", "clients.browsers.arrivals.poisson=30/s"],
    ),
    (
        "equal servers, 80 % busy",
        &["hosts.slow.speed=1", "clients.browsers.arrivals.poisson=400/s"],
    ),
    ("one server half as fast", &[]),
    (
        "heavy-tailed work",
        &[
            "hosts.slow.speed=1",
            "clients.browsers.arrivals.poisson=250/s",
            "nodes.app1.work.*.cpu={\"lognormal\":{\"mean\":\"6ms\",\"cv\":4}}",
            "nodes.app2.work.*.cpu={\"lognormal\":{\"mean\":\"6ms\",\"cv\":4}}",
            "nodes.app3.work.*.cpu={\"lognormal\":{\"mean\":\"6ms\",\"cv\":4}}",
        ],
    ),
    (
        "long connections",
        &[
            "hosts.slow.speed=1",
            "clients.browsers.arrivals.poisson=120/s",
            "nodes.app1={\"kind\":\"app\",\"workers\":10,\"work\":{\"*\":{\"io\":{\"lognormal\":{\"mean\":\"200ms\",\"cv\":2}}}}}",
            "nodes.app2={\"kind\":\"app\",\"workers\":10,\"work\":{\"*\":{\"io\":{\"lognormal\":{\"mean\":\"200ms\",\"cv\":2}}}}}",
            "nodes.app3={\"kind\":\"app\",\"workers\":10,\"work\":{\"*\":{\"io\":{\"lognormal\":{\"mean\":\"200ms\",\"cv\":2}}}}}",
        ],
    ),
];

/// Compares the algorithms, with the same arrivals and demands.
fn found(sets: &[&str]) -> Compare {
    let plan = |algorithm: &&str| {
        let brief = ["duration=40s", "warmup=10s"];
        let mut all: Vec<String> = brief.iter().chain(sets).map(|s| (*s).to_owned()).collect();
        all.push(format!("nodes.haproxy.algorithm={algorithm}"));
        load(&root().join(SCENARIO), &all)
            .unwrap_or_else(|problems| panic!("{problems}"))
            .plan
    };
    let plans: Vec<_> = ALGORITHMS.iter().map(plan).collect();
    alone::compared(&plans, &Settings::plain(1, REPLICATIONS))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn between<'c>(compare: &'c Compare, b: usize, metric: &str) -> &'c Difference {
    let is = |d: &&Difference| d.a == "design 0" && d.b == format!("design {b}") && d.metric == metric;
    compare.differences.iter().find(is).expect("is compared")
}

fn ms(seconds: Option<f64>) -> String {
    let ms = 1000.0 * seconds.expect("something succeeded");
    format!("{ms:.*} ms", if ms < 100.0 { 1 } else { 0 })
}

/// How round robin's p99 changes with another algorithm.
fn gain(difference: &Difference) -> String {
    let share = difference.difference.value.expect("a value") / difference.a_value.expect("a value");
    match difference.verdict {
        Verdict::NoDifferenceShown => "no difference shown".into(),
        _ if share.abs() < WORTH => format!("{:+.1} %: not worth a choice", 100.0 * share),
        _ => format!("**{:+.0} %**", 100.0 * share),
    }
}

fn times(ratio: Option<f64>) -> String {
    match ratio {
        None => "exact".into(),
        Some(ratio) if ratio < 1000.0 => format!("{ratio:.1}"),
        Some(_) => "> 1000".into(),
    }
}

/// The largest variance ratio that any coupling of round robin and leastconn could reach for the mean: (a² + b²) / (a −
/// b)² of their standard deviations.
fn most(compare: &Compare) -> f64 {
    let width = |i: usize| {
        let Estimate { lo, hi, .. } = compare.variants.0[i].1.run.metrics.latency_s.mean;
        hi.zip(lo).map_or(0.0, |(hi, lo)| hi - lo)
    };
    let (a, b) = (width(0), width(1));
    (a * a + b * b) / ((a - b) * (a - b))
}

fn page() -> String {
    let mut table = String::new();
    for (name, sets) in SITUATIONS {
        let compare = found(sets);
        let p99 = |i: usize| ms(compare.variants.0[i].1.run.metrics.latency_s.p99.value);
        let (least, random) = (
            between(&compare, 1, "latency_s.p99"),
            between(&compare, 2, "latency_s.p99"),
        );
        let mean = between(&compare, 1, "latency_s.mean");
        writeln!(
            table,
            "| {name} | {} | {} | {} | {} | {} | {} ({}) | {} |",
            p99(0),
            p99(1),
            gain(least),
            p99(2),
            gain(random),
            times(mean.variance_ratio),
            times(Some(most(&compare))),
            times(least.variance_ratio),
        )
        .expect("memory is enough");
    }
    let mut made = String::new();
    for (name, sets) in SITUATIONS.iter().filter(|s| !s.1.is_empty()) {
        let sets: Vec<String> = sets.iter().map(|s| format!("--set '{s}'")).collect();
        writeln!(made, "- *{name}*: `{}`", sets.join(" ")).expect("memory is enough");
    }
    FRAME.replace("TABLE\n", &table).replace("SITUATIONS\n", &made)
}

const FRAME: &str = "# When does which balancing algorithm win?

Three servers behind HAProxy, `scenarios/roundrobin-vs-leastconn.json` and four variations of it, the same requests for each
algorithm. This page is made by the program: `UPDATE_DOCS=1 cargo test --test balancing` writes it, and the same test keeps it true.

| situation | p99 `roundrobin` | `leastconn` | | `random` | | variance saved: mean (at most) | p99 |
|---|---|---|---|---|---|---|---|
TABLE

Ten replications of 40 s, the first 10 s left out. A difference is shown after correction for everything compared; under 5 % it is
there, and not worth a choice.

## How to read it

- **Equal servers and little to do**: hardly a request meets another, so it does not matter who is asked.
- **Equal servers that are busy**: round robin spaces the arrivals of each server evenly (Erlang gaps, GI/M/1), which is better
  than chance; leastconn also sees who is still at work.
- **A server that is slower than its weight says**: round robin gives it its full share and lets it fill up. leastconn notices without
  being told; so do two random choices, nearly.
- **Heavy-tailed work**: whoever stands behind a long job waits for it, or shares with it, unless somebody looks.
- **Long connections**: leastconn looks at how many are open at each server, and so shortens the wait; where the p99 is that of
  the long requests themselves, as here, that does not show in it.

`random` looks at two servers and takes the less loaded: most of the gain, with less to keep track of.

## What the shared noise saves

The last two columns are the variance of the difference between `roundrobin` and `leastconn` with independent runs, over what
it is with common random numbers; `compare` prints both at its end. Arrivals and demands are the same request by request in
every design, so at light load nearly all of the noise is shared, and both are above five. Where one design alone makes the
noise (round robin, when it fills a slow server) there is little to share: with standard deviations *a* and *b* no coupling
whatever can save more than (a² + b²) / (a − b)², which stands in brackets. With one server half as fast that is next to nothing, and
only more replications narrow the difference; but it is so large there that few are needed.

## The situations

SITUATIONS

Each is one command, such as

```sh
fallover compare scenarios/roundrobin-vs-leastconn.json --vary nodes.haproxy.algorithm=roundrobin,leastconn,random --set hosts.slow.speed=1
```
";

#[test]
fn the_page_about_balancing_is_what_the_program_finds() {
    let (path, made) = (root().join("docs/balancing.md"), page());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &made).expect("writes");
    }
    let stands = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        stands, made,
        "docs/balancing.md is stale; UPDATE_DOCS=1 cargo test --test balancing writes it"
    );
}
