//! Batch means and the warm-up, on a queue with a known answer.

mod program;
mod support;

use fallover::analysis::run as findings;
use fallover::study::{Settings, Study};
use program::{document, fallover};
use support::alone::alone;
use support::plan;

/// M/M/1 at this rate, with a capacity of 100 a second.
fn queue(rate: u32, duration: &str) -> String {
    format!(
        r#"{{ "duration": "{duration}", "warmup": "10s",
              "clients": {{ "c": {{ "arrivals": {{ "poisson": {rate} }}, "entry": "s" }} }},
              "nodes": {{ "s": {{ "kind": "app", "workers": 1, "work": {{ "*": {{ "io": {{ "exponential": {{ "mean": "10ms" }} }} }} }} }} }} }}"#
    )
}

fn in_batches(json: &str, batches: u32) -> Study {
    let settings = Settings {
        batches: Some(batches),
        ..Settings::plain(1, batches)
    };
    alone(&plan(json), &settings)
}

fn codes(json: &str, study: &Study) -> Vec<String> {
    let plan = plan(json);
    let caveats = findings::caveats(&plan, study, &findings::run(&plan, study));
    caveats.into_iter().map(|c| c.code).collect()
}

#[test]
fn batches_are_the_run_in_pieces() {
    let json = queue(50, "1010s");
    let (study, whole) = (in_batches(&json, 20), alone(&plan(&json), &Settings::plain(1, 1)));
    assert_eq!((study.samples.len(), study.done()), (20, 1));
    // Every request is in one batch, and the batches add up to the run.
    let sum = |study: &Study| {
        study
            .samples
            .iter()
            .map(|s| s.all.succeeded + s.all.failed)
            .sum::<u64>()
    };
    assert_eq!(sum(&study), sum(&whole));
    assert_eq!(study.pooled[0].latency.sum_s(), whole.pooled[0].latency.sum_s());
    let busy = |study: &Study| {
        let each = study.samples.iter().filter_map(|s| s.nodes[0].tally.utilization);
        each.sum::<f64>() / study.samples.len() as f64
    };
    assert!((busy(&study) - busy(&whole)).abs() < 1e-9);
    let served = |study: &Study| study.samples.iter().map(|s| s.nodes[0].tally.served).sum::<u64>();
    assert_eq!(served(&study), served(&whole));
    assert!(study.samples.iter().all(|s| s.batch_s == Some(50.0)));
}

/// Quantities of the whole run are not repeated for each batch: lost writes, lags, the curves over time.
#[test]
fn what_is_of_a_whole_run_is_not_of_each_batch() {
    let json = r#"{ "duration": "100s", "clients": { "c": { "arrivals": { "uniform": 100 }, "entry": "a" } },
        "nodes": { "a": { "kind": "app", "database": "db", "queries": { "*": { "write": 1 } } },
          "db": { "kind": "database", "members": { "p": { "host": "h" }, "r": { "host": "i" } }, "primary": "p",
            "replication": { "lag": "500ms" }, "failover": { "detect": "1s", "promote": "1s" } } },
        "hosts": { "h": {}, "i": {} }, "faults": [{ "at": "50s", "target": "p", "effect": "crash" }] }"#;
    let (plan, batches) = (plan(json), in_batches(json, 10));
    let (of_batches, of_run) = (
        findings::run(&plan, &batches),
        findings::run(&plan, &alone(&plan, &Settings::plain(1, 1))),
    );
    let lag = of_batches.lag_s.get("db").expect("it lags").mean;
    assert_eq!((lag.lo, lag.hi), (None, None));
    assert_eq!(of_batches.timeline, of_run.timeline);
    let caveats = findings::caveats(&plan, &batches, &of_batches);
    let lost = caveats.iter().find(|c| c.code == "writes.lost").expect("some are lost");
    // The writes of the last half second, at 49.51, 49.52, … 49.99 s.
    assert!(lost.message.contains("a run lost 49.0 "), "{}", lost.message);
}

#[test]
fn theory_batch_means_hold_the_truth_and_short_ones_are_told() {
    let json = queue(50, "1010s");
    let study = in_batches(&json, 20);
    let found = findings::run(&plan(&json), &study).metrics.latency_s.mean;
    let (lo, hi) = (found.lo.expect("a bound"), found.hi.expect("a bound"));
    // Inside 19 times in 20; at twice the width, all but once in 2,000 (t with 19 degrees of freedom beyond 4.19).
    let half = hi - lo;
    assert!((lo - half / 2.0..hi + half / 2.0).contains(&0.020), "{lo} {hi}");
    assert_eq!(codes(&json, &study).iter().filter(|c| *c == "batches").count(), 1);
    // At 0.95 the queue remembers for a minute, so batches of two seconds are strongly correlated.
    let busy = queue(95, "130s");
    assert!(codes(&busy, &in_batches(&busy, 60)).contains(&"batches.correlated".to_owned()));
}

/// M/M/1 at 0.9 forgets in 1 / (√100 - √90)² = 3.8 s, and thirty times that is 114 s; at 0.5 in a tenth of a second;
/// and a queue limited to five in 60 ms, however busy.
#[test]
fn a_queue_that_remembers_for_longer_than_a_replication_is_told() {
    let told = |json: &str, settings: &Settings| {
        let study = alone(&plan(json), settings);
        codes(json, &study).contains(&"queue.remembers".to_owned())
    };
    let few = Settings::plain(1, 3);
    assert!(told(&queue(90, "60s"), &few) && !told(&queue(90, "300s"), &few));
    assert!(!told(&queue(50, "60s"), &few));
    let bounded = queue(90, "60s").replace(r#""workers": 1"#, r#""workers": 1, "queue": 5"#);
    assert!(!told(&bounded, &few));
    let in_ten = Settings {
        batches: Some(10),
        ..Settings::plain(1, 10)
    };
    assert!(told(&queue(90, "300s"), &in_ten) && !told(&queue(50, "300s"), &in_ten));
    // Without an interval, none can be too narrow.
    assert!(!told(&queue(90, "60s"), &Settings::plain(1, 1)));
}

/// Ten pages a second of a document and five pictures; for ten seconds no document comes, so 500 pictures are never asked for.
#[test]
fn what_a_page_never_asked_for_is_told() {
    let world = |fault: &str| {
        format!(
            r#"{{ "duration": "110s", "warmup": "10s", "requests": {{ "doc": {{}}, "pic": {{}} }},
              "clients": {{ "c": {{ "arrivals": {{ "uniform": 10 }}, "entry": "a", "page": {{ "doc": 1, "pic": 5 }} }} }},
              "nodes": {{ "a": {{ "kind": "app" }} }},
              "faults": [{{ "at": "{fault}", "for": "10s", "target": "a", "effect": "crash" }}] }}"#
        )
    };
    let told = |json: &str, settings: &Settings| {
        let plan = plan(json);
        let study = alone(&plan, settings);
        let caveats = findings::caveats(&plan, &study, &findings::run(&plan, &study));
        caveats
            .into_iter()
            .find(|c| c.code == "page.unasked")
            .map(|c| c.message)
    };
    let during = world("50.05s");
    let three = told(&during, &Settings::plain(1, 3)).expect("it is told");
    // Of 6,006 wanted from 10 s to 110 s, both ends included, 600 were not answered.
    assert!(
        three.contains(": 1500 requests") && three.contains("90.01 %"),
        "{three}"
    );
    let in_batches = Settings {
        batches: Some(10),
        ..Settings::plain(1, 10)
    };
    assert!(
        told(&during, &in_batches)
            .expect("it is told")
            .contains(": 500 requests")
    );
    assert_eq!(told(&world("0s"), &Settings::plain(1, 3)), None);
}

#[test]
fn the_warm_up_is_shown_and_judged() {
    let folder = tempfile::tempdir().expect("makes a directory");
    let path = folder.path().join("queue.json");
    std::fs::write(&path, queue(80, "60s")).expect("writes");
    let path = path.to_str().expect("is text");
    let found = document(&["run", path, "--show-warmup", "--replications", "3"]);
    let curve = found["timeline"]["series"]["settling_latency_mean_s"]["median"].as_array();
    assert!(curve.is_some_and(|c| c.len() > 100 && c.iter().any(|v| v.as_f64() > Some(0.02))));
    let (_, out, _) = fallover(&["run", path, "--show-warmup", "--replications", "3"]);
    assert!(out.contains("settling") && out.contains("MSER-5 would cut"), "{out}");
    let (_, out, _) = fallover(&["run", path, "--replications", "3"]);
    assert!(!out.contains("settling"), "{out}");
}

/// By day a hundred cheap requests a second, by night nine dear ones: 9/s of 400 ms keep 3.6 of 4 cores busy, of which the mean over the run
/// shows little.
#[test]
fn the_peak_of_loads_that_do_not_meet_is_told_by_the_utilisation_law() {
    let world = |night: &str| {
        format!(
            r#"{{ "duration": "24m", "requests": {{ "view": {{}}, "job": {{}} }}, "hosts": {{ "s": {{ "cores": 4 }} }},
              "clients": {{
                "people": {{ "arrivals": {{ "profile": [["0s", 10], ["12m", 100], ["24m", 10]] }}, "entry": "a", "page": {{ "view": 1 }} }},
                "nightly": {{ "arrivals": {night}, "entry": "a", "page": {{ "job": 1 }} }} }},
              "nodes": {{ "a": {{ "kind": "app", "host": "s", "work": {{ "view": {{ "cpu": "1ms" }}, "job": {{ "cpu": "400ms" }} }} }} }} }}"#
        )
    };
    let peak = |json: &str| {
        let plan = plan(json);
        findings::run(&plan, &alone(&plan, &Settings::plain(1, 2))).peak
    };
    let found = peak(&world(r#"{ "profile": [["1m", 0], ["1m", 9], ["4m", 9], ["4m", 0]] }"#)).expect("two profiles");
    // At one minute 17.5 views a second come beside, at four minutes forty: 0.04 more.
    assert!((found.ratio - (3.6 + 0.04) / 4.0).abs() < 1e-9, "{found:?}");
    assert_eq!((found.component.as_str(), found.what.as_str()), ("s", "cores"));
    // One profile peaks when all of it does, which the curve over time shows.
    assert_eq!(peak(&world(r#"{ "poisson": 1 }"#)), None);
}
