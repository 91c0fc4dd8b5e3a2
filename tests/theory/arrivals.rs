//! Sources of load: the right number of arrivals at the right times.

use super::support::{plan, run, study, study_of};
use super::{REPLICATIONS, agrees, exponential, open, station};
use fallover::analysis::theory::gi_m_1_time;

#[test]
fn theory_evenly_spaced_arrivals_make_d_m_1() {
    let run = run(
        &open(
            500,
            r#"{ "uniform": "80/s" }"#,
            "s",
            &station("s", 1, &exponential(0.01)),
        ),
        REPLICATIONS,
        90,
    );
    agrees(
        "mean",
        run.metrics.latency_s.mean,
        gi_m_1_time(100.0, |s| (-s / 80.0).exp()),
    );
    // The first and the last instant of the window both belong to it, and each has an arrival.
    assert_eq!(
        run.metrics.requests.offered,
        20 * (475 * 80 + 1),
        "not one more or less"
    );
}

#[test]
fn theory_independent_gaps_make_gi_m_1() {
    let server = station("s", 1, &exponential(0.01));
    let erlang = r#"{ "renewal": { "erlang": { "mean": "12.5ms", "k": 3 } } }"#;
    let found = run(&open(500, erlang, "s", &server), REPLICATIONS, 91);
    agrees(
        "erlang",
        found.metrics.latency_s.mean,
        gi_m_1_time(100.0, |s| (240.0 / (240.0 + s)).powi(3)),
    );
    // Balanced means: p = (1 + sqrt((cv² - 1)/(cv² + 1)))/2, and each branch contributes half of the mean.
    let bursty = r#"{ "renewal": { "hyperexponential": { "mean": "12.5ms", "cv": 2 } } }"#;
    let found = run(&open(1500, bursty, "s", &server), REPLICATIONS, 92);
    let p = 0.5 * (1.0 + (3f64 / 5.0).sqrt());
    let branch = |p: f64, s: f64| p * (2.0 * p * 80.0) / (2.0 * p * 80.0 + s);
    agrees(
        "hyperexponential",
        found.metrics.latency_s.mean,
        gi_m_1_time(100.0, |s| branch(p, s) + branch(1.0 - p, s)),
    );
}

/// A profile that begins later has no earlier arrivals, whether it has one point or several: 100/s from 60 s on.
#[test]
fn theory_nothing_comes_before_the_first_point_of_a_profile() {
    for points in [r#"["60s", "100/s"]"#, r#"["60s", "100/s"], ["61s", "100/s"]"#] {
        let profile = format!(r#"{{ "profile": [{points}] }}"#);
        let scenario = open(160, &profile, "s", r#""s": { "kind": "app" }"#).replace(r#""warmup": 1,"#, "");
        let rows = crate::support::record(&scenario).rows;
        let first = rows.iter().map(|r| r.arrived.seconds()).fold(f64::INFINITY, f64::min);
        // Of 10,000 expected, five standard deviations; the first arrives within a tenth of a second except once in
        // 20,000.
        let count = rows.len() as f64;
        assert!(
            (60.0..60.1).contains(&first) && (count - 10_000.0).abs() < 500.0,
            "{points}: {count} from {first}"
        );
    }
}

#[test]
fn theory_a_profile_is_a_poisson_process_with_that_rate() {
    let profile = r#"{ "profile": [["0s", "100/s"], ["5s", "100/s"], ["10s", "500/s"], ["10s", "40/s"], ["15s", "0/s"], ["18s", "60/s"]] }"#;
    let scenario = open(20, profile, "s", r#""s": { "kind": "app" }"#).replace(r#""warmup": 1,"#, "");
    let replications = 400;
    let plan = plan(&scenario);
    let study = study_of(&plan, replications, 93, 0, false);
    let rate = |t: f64| match t {
        _ if t < 5.0 => 100.0,
        _ if t < 10.0 => 100.0 + 80.0 * (t - 5.0),
        _ if t < 15.0 => 40.0 - 8.0 * (t - 10.0),
        _ if t < 18.0 => 20.0 * (t - 15.0),
        _ => 60.0,
    };
    // Two sums of squares over the twenty seconds: of the mean counts about theory (does the rate fit?) and of all
    // counts about theory (is their variance that of a Poisson process?). Each is nearly chi-squared.
    let (mut fit, mut dispersion) = (0.0, 0.0);
    for second in 0..20 {
        // Straight lines within each second: the middle is the mean.
        let expected = rate(f64::from(second) + 0.5);
        let bins = |s: &fallover::study::sample::Sample| -> f64 {
            s.bins[second as usize * 10..][..10]
                .iter()
                .map(|b| f64::from(b.offered))
                .sum()
        };
        let counts: Vec<f64> = study.samples.iter().map(bins).collect();
        let mean = counts.iter().sum::<f64>() / f64::from(replications);
        fit += (mean - expected).powi(2) / expected * f64::from(replications);
        dispersion += counts.iter().map(|c| (c - expected).powi(2) / expected).sum::<f64>();
    }
    let is_chi_squared = |x: f64, freedom: f64| (x - freedom).abs() < 4.0 * (2.0 * freedom).sqrt();
    assert!(
        is_chi_squared(fit, 20.0),
        "the mean counts lie too far (or too near): {fit}"
    );
    assert!(
        is_chi_squared(dispersion, 20.0 * f64::from(replications)),
        "dispersion {dispersion}"
    );
}

#[test]
fn theory_a_modulated_process_has_its_mean_rate() {
    // A quarter of the time 200/s, else 20/s.
    let states = r#"{ "mmpp": { "states": [{ "rate": "200/s", "mean": "1s" }, { "rate": "20/s", "mean": "3s" }] } }"#;
    let run = run(&open(2000, states, "s", r#""s": { "kind": "app" }"#), REPLICATIONS, 94);
    agrees("rate", run.metrics.throughput_per_s, 200.0 / 4.0 + 20.0 * 3.0 / 4.0);
}

#[test]
fn theory_classes_come_by_their_shares_and_clients_alike() {
    let scenario = open(200, r#"{ "poisson": "500/s" }"#, "s", r#""s": { "kind": "app" }"#);
    let classes = r#"{ "requests": { "a": { "share": 5 }, "b": { "share": 3 }, "c": { "share": 2 } },"#;
    let (_, study) = study(&scenario.replacen('{', classes, 1), REPLICATIONS, 95);
    for (class, share) in [0.5, 0.3, 0.2].into_iter().enumerate() {
        let counts = |s: &fallover::study::sample::Sample| (s.classes[class].succeeded as f64, s.all.succeeded as f64);
        super::ratio_agrees("share", &study, counts, share);
    }
}
