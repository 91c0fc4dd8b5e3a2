//! `fallover capacity` from outside: what it rejects, what it reports, and the capacity left after a loss.

mod program;

use fallover::analysis::capacity::{Capacity, Knee, Verdict};
use fallover::analysis::result::{Answer, Document};
use program::fallover;

/// Two servers behind a balancer that checks them, each with a capacity of 100 a second, and a database that everything
/// needs.
const PAIR: &str = r#"{
  "duration": "60s", "warmup": "2s",
  "clients": { "c": { "arrivals": { "poisson": 50 }, "entry": "lb", "timeout": "5s" } },
  "hosts": { "h1": { "cores": 1 }, "h2": { "cores": 1 } },
  "nodes": {
    "lb": { "kind": "load-balancer", "servers": ["s1", "s2"], "check": { "inter": "500ms", "fall": 2 }, "redispatch": true,
            "timeouts": { "connect": "100ms" } },
    "s1": { "kind": "app", "host": "h1", "work": { "*": { "cpu": { "exponential": { "mean": "10ms" } } } } },
    "s2": { "kind": "app", "host": "h2", "work": { "*": { "cpu": { "exponential": { "mean": "10ms" } } } } }
  },
  "slo": { "p95": "100ms" }
}"#;

fn written(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("makes a directory");
    let path = folder.path().join("pair.json");
    std::fs::write(&path, text).expect("writes");
    let path = path.to_string_lossy().into_owned();
    (folder, path)
}

#[test]
fn half_is_left_of_two_and_nothing_of_one() {
    let capacity = found(PAIR, &[]);
    let knee = |e: fallover::analysis::result::Estimate| e.value.expect("a value");
    let whole = knee(capacity.knee.knee_per_s);
    // With M/M/1-PS at the same load, 95 % would be within 100 ms up to 70 a second for each server; the result should
    // not be far below.
    assert!((100.0..150.0).contains(&whole), "{whole}");
    for lost in ["h1", "s2"] {
        let left = knee(capacity.n_minus_1.get(lost).expect("is used").knee_per_s);
        assert!(
            (0.42..0.58).contains(&(left / whole)),
            "{left} of {whole} without {lost}"
        );
    }
    assert_eq!(knee(capacity.n_minus_1.get("lb").expect("is used").knee_per_s), 0.0);
    assert!(capacity.bound.as_ref().expect("cores").rate_per_s > whole);
    assert!((capacity.bound.as_ref().expect("cores").rate_per_s - 200.0).abs() < 1e-6);
    let loads: Vec<f64> = capacity.curve.iter().map(|p| p.rate_per_s).collect();
    assert!(loads.is_sorted() && loads[loads.len() - 1] > 1.99 * whole);
    assert!(capacity.curve[0].holds && !capacity.curve[loads.len() - 1].holds);
}

/// The result of `capacity` for this scenario.
fn found(text: &str, more: &[&str]) -> Capacity {
    let (_folder, path) = written(text);
    let (status, out, err) = fallover(&[&["capacity", &path, "--json", "--replications", "4"], more].concat());
    assert_eq!(status, 0, "{err}");
    match Document::read(&out).expect("is a document").answer {
        Answer::Capacity(capacity) => *capacity,
        _ => panic!("a capacity"),
    }
}

/// A server carries some 65 a second: two are needed for 100, and three if one may be lost.
#[test]
fn sizing_finds_the_fewest_and_one_more() {
    let costly = PAIR.replace("\"cores\": 1", "\"cores\": 1, \"cost\": 12.5");
    let sized = found(
        &costly,
        &["--replicas", "h*=1..3", "--set", "clients.c.arrivals.poisson=100"],
    );
    let sizing = sized.sizing.expect("was asked for");
    assert_eq!((sizing.fewest, sizing.fewest_with_one_lost), (Some(2), Some(3)));
    let size = |i: usize| &sizing.sizes[i];
    let knee = |knee: &Knee| knee.knee_per_s.value.expect("a value");
    for i in 0..3 {
        let n = i as f64 + 1.0;
        assert_eq!((size(i).replicas, size(i).cost), (i as u32 + 1, Some(12.5 * n)));
        // M/M/1-PS each, a little better together: 50 to 75 a second for each server.
        assert!((50.0 * n..75.0 * n).contains(&knee(&size(i).knee)), "{:?}", size(i));
        let left = knee(&size(i).with_one_lost);
        assert!(
            (50.0 * (n - 1.0)..75.0 * (n - 1.0) + 1e-9).contains(&left) || left == 0.0,
            "{:?}",
            size(i)
        );
    }
    assert_eq!(knee(&size(0).with_one_lost), 0.0);
    // The scenario as it stands is the one with two.
    let (stands, two) = (knee(&sized.knee), knee(&size(1).knee));
    assert!((stands / two - 1.0).abs() < 0.1, "{stands} {two}");
}

/// Parameters that scale with the load and those that do not all keep their meaning at another load.
#[test]
fn profiles_users_and_traces_have_a_knee_too() {
    let with = |arrivals: &str| PAIR.replace("\"arrivals\": { \"poisson\": 50 }", arrivals);
    let ratio = |text: &str, more: &[&str]| {
        let found = found(text, &[&["--knee-only", "--duration", "20s"], more].concat());
        found.knee.knee_ratio.value.expect("a knee")
    };
    // The peak of the profile sets the knee: slightly above that of a steady load of the same height, never below.
    let profile = with(r#""arrivals": { "profile": [["0s", 25], ["10s", 50], ["20s", 25]] }"#);
    assert!((2.0..4.5).contains(&ratio(&profile, &[])), "{}", ratio(&profile, &[]));
    // A user asks every second: 50 users are 50 a second at most.
    let users = with(r#""users": 50, "think": { "exponential": { "mean": "1s" } }"#);
    assert!((2.0..4.0).contains(&ratio(&users, &[])), "{}", ratio(&users, &[]));
    // One long run cut into batches gives the same load, within the effect of different draws. It must not count the
    // one run as four and give a quarter of the load.
    let loads = |more: &[&str]| {
        let found = found(&users, &[&["--knee-only", "--duration", "20s"], more].concat());
        (found.present_per_s, found.knee.knee_per_s.value.expect("a value"))
    };
    let (apart, together) = (loads(&[]), loads(&["--batch-means"]));
    assert!((0.9..1.1).contains(&(together.0 / apart.0)), "{apart:?} {together:?}");
    assert!((0.8..1.25).contains(&(together.1 / apart.1)), "{apart:?} {together:?}");
    let failing = PAIR.replace(
        "\"h1\": { \"cores\": 1",
        "\"h1\": { \"lifetime\": { \"mtbf\": \"1y\", \"mttr\": \"1s\" }, \"cores\": 1",
    );
    assert!((2.0..3.0).contains(&ratio(&failing, &["--failures"])));
    assert!((2.0..3.0).contains(&ratio(PAIR, &["--batch-means"])));
    // Recorded arrivals: all rows in less time.
    let (folder, path) = written(&with(r#""arrivals": { "trace": "t.csv" }"#));
    let rows: String = (0..1000).map(|i| format!("{}\n", f64::from(i) * 0.02)).collect();
    std::fs::write(folder.path().join("t.csv"), format!("at_s\n{rows}")).expect("writes");
    let brief = ["--knee-only", "--duration", "20s", "--json", "--replications", "4"];
    let (status, out, err) = fallover(&[&["capacity", path.as_str()], &brief[..]].concat());
    assert_eq!(status, 0, "{err}");
    let document = Document::read(&out).expect("is a document");
    let Answer::Capacity(capacity) = &document.answer else {
        panic!("a capacity")
    };
    let ratio = capacity.knee.knee_ratio.value.expect("a knee");
    // Evenly spaced arrivals go further than Poisson; the limit is 200 a second.
    assert!((2.2..4.2).contains(&ratio), "{ratio}");
    // The warm-up is compressed with the trace. With a component lost, arrivals begin once everything has settled.
    let (status, out, err) = fallover(&[
        "capacity",
        &path,
        "--warmup",
        "8s",
        "--json",
        "--replications",
        "4",
        "--duration",
        "20s",
    ]);
    assert_eq!(status, 0, "{err}");
    let Answer::Capacity(capacity) = Document::read(&out).expect("is a document").answer else {
        panic!("a capacity")
    };
    assert!(capacity.knee.knee_ratio.value.is_some_and(|r| (2.2..4.2).contains(&r)));
    let left = capacity.n_minus_1.get("h1").expect("is used").knee_ratio.value;
    assert!(left.is_some_and(|r| (1.1..2.1).contains(&r)), "{left:?}");
}

/// Users with long think times are spread over them: the load is there from the beginning, 200 users in 6.1 s each.
#[test]
fn users_are_met_in_the_midst_of_their_thoughts() {
    let found = found(
        r#"{ "clients": { "u": { "users": 200, "think": { "uniform": { "min": "3s", "max": "9s" } }, "entry": "app" } },
            "nodes": { "app": { "kind": "app", "workers": 40, "work": { "*": { "io": "100ms" } } } }, "slo": { "p99": "200ms" } }"#,
        &["--knee-only"],
    );
    // Renewals of 6 s with a standard deviation of 1.7 s: a thousandth of the count over the whole measurement.
    assert!(
        (found.present_per_s - 200.0 / 6.1).abs() < 0.005 * 200.0 / 6.1,
        "{}",
        found.present_per_s
    );
}

/// The second of two identical machines carries what the first does. The five seconds of pauses, in which requests pile
/// up, do not belong to the steady state.
#[test]
fn what_piles_up_until_a_loss_is_noticed_does_not_count() {
    let found = found(
        r#"{ "duration": "60s", "clients": { "c": { "arrivals": { "poisson": 160 }, "entry": "lb" } },
            "hosts": { "h1": { "cores": 1 }, "h2": { "cores": 1 } },
            "nodes": {
              "lb": { "kind": "load-balancer", "servers": ["a", { "node": "b", "backup": true }], "redispatch": true, "check": { "inter": "1s" } },
              "a": { "kind": "app", "host": "h1", "work": { "*": { "cpu": "5ms" } } },
              "b": { "kind": "app", "host": "h2", "work": { "*": { "cpu": "5ms" } } } },
            "slo": { "p99": "1s" } }"#,
        &[],
    );
    let whole = found.knee.knee_per_s.value.expect("a knee");
    for lost in ["h1", "a", "h2"] {
        let left = found
            .n_minus_1
            .get(lost)
            .and_then(|k| k.knee_per_s.value)
            .expect("a knee");
        assert!(
            (0.97..1.03).contains(&(left / whole)),
            "{left} of {whole} without {lost}"
        );
    }
}

/// There are no fractions of a user: the knee is the last whole number, and no load is tried twice.
#[test]
fn users_are_whole() {
    let few = r#"{ "duration": "3m", "warmup": "20s",
        "clients": { "u": { "users": 5, "think": { "exponential": { "mean": "100ms" } }, "entry": "app" } },
        "hosts": { "h": { "cores": 1 } },
        "nodes": { "app": { "kind": "app", "host": "h", "workers": 10, "work": { "*": { "cpu": { "exponential": { "mean": "10ms" } } } } } },
        "slo": { "availability": 0.99, "p95": "60ms" } }"#;
    let found = found(few, &[]);
    let users = |ratio: f64| {
        let users = ratio * 5.0;
        assert!((users - users.round()).abs() < 1e-9, "{users} users");
        users.round() as u32
    };
    let tried: Vec<(u32, bool)> = found.curve.iter().map(|p| (users(p.load_ratio), p.holds)).collect();
    assert!(tried.windows(2).all(|w| w[0].0 < w[1].0), "{tried:?}");
    // p95 of 6 users is 53.5 ms, of 7 users 61.9 (20 replications of each).
    assert_eq!(users(found.knee.knee_ratio.value.expect("a knee")), 6);
    assert!(tried.iter().all(|(users, holds)| (*users <= 6) == *holds), "{tried:?}");
}

/// A permanent loss happens before the run, which becomes longer by that time; a fault scheduled after the end must not
/// move into it.
#[test]
fn a_fault_after_the_end_stays_there_when_something_is_lost() {
    let fault = r#""faults": [{ "at": "21s", "target": "lb", "effect": "crash" }], "slo""#;
    let late = PAIR.replace(r#""slo""#, fault);
    let left = |text: &str| {
        let found = found(text, &["--duration", "20s"]);
        found.n_minus_1.get("s1").expect("is used").knee_ratio.value
    };
    assert_eq!(left(&late), left(PAIR));
}

/// Ten workers of 100 ms answer 100 a second however large the load, and a backlog from the warm-up does not reduce it.
#[test]
fn what_gets_through_an_overload_is_what_is_answered() {
    let found = found(
        r#"{ "warmup": "20s", "clients": { "c": { "arrivals": { "poisson": 80 }, "entry": "a" } }, "slo": { "p99": "1s" },
            "nodes": { "a": { "kind": "app", "workers": 10, "work": { "*": { "io": { "exponential": { "mean": "100ms" } } } } } } }"#,
        &[],
    );
    let beyond = found.beyond.expect("loads beyond the knee");
    assert!((96.0..104.0).contains(&beyond.last_per_s), "{beyond:?}");
    assert!(beyond.last_offered_per_s > 150.0);
}

#[test]
fn threads_do_not_show() {
    let (_folder, path) = written(PAIR);
    let printed = |threads: &str| {
        let few = [
            "--duration",
            "20s",
            "--replications",
            "3",
            "--threads",
            threads,
            "--knee-only",
            "--json",
        ];
        let (_, out, _) = fallover(&[&["capacity", &path][..], &few].concat());
        out.split("\"engine\"").next().map(str::to_owned)
    };
    assert_eq!(printed("1"), printed("3"));
}

#[test]
fn a_check_fails_where_the_present_load_is_too_much() {
    let (_folder, path) = written(PAIR);
    let knee = |rate: &str| {
        let set = format!("clients.c.arrivals={{\"poisson\":{rate}}}");
        fallover(&[
            "capacity",
            &path,
            "--knee-only",
            "--check",
            "--replications",
            "4",
            "--set",
            &set,
        ])
    };
    assert_eq!(knee("60").0, 0);
    let (status, out, _) = knee("180");
    assert_eq!(status, 99, "{out}");
    assert!(out.contains("180/s now, knee at ") && out.contains("p95"), "{out}");
}

#[test]
fn what_is_wrong_is_said_before_the_work() {
    let (_folder, path) = written(PAIR);
    let said = |arguments: &[&str], what: &str| {
        let (status, _, err) = fallover(&[&["capacity", &path], arguments].concat());
        assert_eq!(status, 2, "{err}");
        assert!(err.contains(what), "{err}");
    };
    said(&["--set", "slo=null"], "--set slo.p99=300ms");
    said(&["-o", "x.xls"], ".json");
    said(
        &["--replicas", "g*=1..2"],
        "no host, and no node without a host, is called \"g*\"",
    );
    said(&["--replicas", "h*=0..2"], "from 1 to 1000");
    said(&["--replicas", "h*=1..100"], "100 numbers are more than 64");
    said(&["--replicas", "lb=1..2"], "nobody would ask a copy of lb");
    said(&["--batch-means", "--precision", "0.1"], "cannot be used with");
    let silent = r#"clients.c.arrivals={"poisson":0}"#;
    let (status, _, err) = fallover(&["capacity", &path, "--set", silent]);
    assert_eq!(status, 2, "{err}");
}

/// A scheduled fault acts at every load: what it costs is not a lack of capacity, and the page does not say that it is.
#[test]
fn a_fault_that_breaks_the_promise_at_any_load_is_no_matter_of_room() {
    let fault = r#""faults": [{ "at": "10s", "for": "20s", "target": "lb", "effect": "crash" }], "slo""#;
    let (folder, path) = written(&PAIR.replace(r#""slo""#, fault));
    let result = folder.path().join("x.json");
    let result = result.to_str().expect("is text");
    let asked = [
        "capacity",
        &path,
        "--knee-only",
        "--replications",
        "2",
        "-q",
        "-o",
        result,
    ];
    assert_eq!(fallover(&asked).0, 0);
    let text = std::fs::read_to_string(result).expect("is there");
    assert!(text.contains("load.faults"), "the caveat is missing");
    let page = folder.path().join("x.html");
    assert_eq!(
        fallover(&["report", result, "-o", page.to_str().expect("is text")]).0,
        0
    );
    let page = std::fs::read_to_string(page).expect("is there");
    assert!(page.contains("This is no matter of room") && !page.contains("To carry more"));
}

/// Two sources of ten users scale together, so no load lies between eighteen and twenty users. The search terminates
/// all the same, and where no load keeps the promise it does not try the lightest for ever.
#[test]
fn several_sources_of_users_and_a_promise_nobody_can_keep() {
    let two = |p95: &str| {
        let source = r#"{ "users": 10, "think": { "exponential": { "mean": "100ms" } }, "entry": "app" }"#;
        format!(
            r#"{{ "duration": "60s", "warmup": "5s", "clients": {{ "u": {source}, "v": {source} }},
            "hosts": {{ "h": {{ "cores": 2 }} }},
            "nodes": {{ "app": {{ "kind": "app", "host": "h", "work": {{ "*": {{ "cpu": {{ "exponential": {{ "mean": "10ms" }} }} }} }} }} }},
            "slo": {{ "availability": 0.99, "p95": "{p95}" }} }}"#
        )
    };
    let kept = found(&two("60ms"), &["--knee-only"]);
    let users = 20.0 * kept.knee.knee_ratio.value.expect("a knee");
    assert!((users - users.round()).abs() < 1e-9 && users >= 2.0, "{users}");
    assert!(kept.knee.knee_per_s.lo.is_some() && kept.knee.knee_per_s.hi.is_some());
    let never = found(&two("1ms"), &["--knee-only"]);
    assert_eq!(never.knee.knee_per_s.value, Some(0.0));
    assert!(never.knee.knee_per_s.hi.is_none_or(f64::is_finite));
}

/// Twice as many users at their limit ask equally often: which end of the interval has the higher rate is chance, but
/// it must still be an interval.
#[test]
fn rates_of_users_at_their_limit_are_in_order() {
    let found = found(
        r#"{ "duration": "3m", "warmup": "10s",
            "clients": { "people": { "users": 200, "think": "5s", "entry": "lb", "timeout": "10s" } },
            "hosts": { "server1": { "cores": 4 }, "server2": { "cores": 4 } },
            "nodes": { "lb": { "kind": "load-balancer", "servers": ["app1", "app2"], "check": {} },
                       "app1": { "kind": "app", "host": "server1", "workers": 8, "database": "db", "queries": { "*": { "read": 2 } }, "work": { "*": { "cpu": "20ms" } } },
                       "app2": { "kind": "app", "host": "server2", "workers": 8, "database": "db", "queries": { "*": { "read": 2 } }, "work": { "*": { "cpu": "20ms" } } },
                       "db": { "kind": "database", "members": { "db1": {}, "db2": {} }, "work": { "read": { "io": "2ms" } } } },
            "slo": { "availability": 0.999, "p99": "300ms" } }"#,
        &[],
    );
    let knees = found.n_minus_1.0.iter().map(|(_, knee)| knee).chain([&found.knee]);
    for e in knees.map(|k| k.knee_per_s) {
        assert!(e.lo <= e.value && e.value <= e.hi, "{e:?}");
    }
}

/// However many users a server of 100/s has, they cannot send it more than 100 requests a second: no more than that was
/// tried.
#[test]
fn the_most_that_users_asked_is_what_was_tried() {
    let found = found(
        r#"{ "duration": "60s", "warmup": "10s", "clients": { "u": { "users": 100, "think": "1s", "entry": "app" } },
            "nodes": { "app": { "kind": "app", "workers": 1, "work": { "*": { "io": "10ms" } } } }, "slo": { "availability": 0.99 } }"#,
        &["--knee-only"],
    );
    let most = found.knee.knee_ratio.value.expect("a knee");
    assert!(most > 2.0, "many more than a hundred were tried: {most}");
    // One more than the capacity may end within the minute.
    assert!((99.0..100.1).contains(&found.tried_per_s[1]), "{:?}", found.tried_per_s);
}

/// A burst that outlasts the runs is no lasting capacity, neither of the whole stack nor with a component lost.
#[test]
fn a_burst_carries_nothing_for_long_with_one_lost_either() {
    let found = found(
        r#"{ "duration": "60s", "clients": { "c": { "arrivals": { "poisson": "30/s" }, "entry": "f" } },
            "nodes": { "f": { "kind": "firewall", "to": "lb", "limit": { "rate": 50, "burst": 100000 } },
              "lb": { "kind": "load-balancer", "servers": ["s", "t"], "redispatch": true, "check": {} }, "s": { "kind": "app" }, "t": { "kind": "app" } },
            "slo": { "availability": 0.99 } }"#,
        &[],
    );
    for knee in [&found.knee, found.n_minus_1.get("s").expect("is used")] {
        assert_eq!(knee.verdict, Verdict::Found);
        let per_s = knee.knee_per_s.value.expect("a knee");
        assert!((per_s / (50.0 / 0.99) - 1.0).abs() < 1e-9, "{per_s}");
    }
}

/// Where hardly any load keeps the promise, utilisation refers to the reported load: 5 ms of four cores for each
/// request, except in the sixth of the time that the crash lasts.
#[test]
fn what_is_busy_without_a_knee_is_so_at_the_load_that_is_told() {
    let text = r#"{ "duration": "2m", "clients": { "w": { "arrivals": { "poisson": 100 }, "entry": "a" } }, "hosts": { "h": { "cores": 4 } },
        "nodes": { "a": { "kind": "app", "host": "h", "work": { "*": { "cpu": "5ms" } } } },
        "faults": [{ "at": "60s", "for": "20s", "target": "a", "effect": "crash" }], "slo": { "availability": 0.999 } }"#;
    let (brief, whole) = (found(text, &["--knee-only"]), found(text, &[]));
    assert_eq!(whole.knee.verdict, Verdict::NoLoad);
    // The curve includes the present load.
    assert!(
        (whole.utilization_per_s - 100.0).abs() < 1e-6,
        "{}",
        whole.utilization_per_s
    );
    for found in [brief, whole] {
        let busy = found.utilization.get("h").and_then(|e| e.value).expect("it has cores");
        let expected = found.utilization_per_s * 0.005 / 4.0 * 5.0 / 6.0;
        // Five standard deviations of a Poisson count in four runs (the search's fewest) of two minutes.
        let within = 5.0 / (found.utilization_per_s * 4.0 * 120.0).sqrt();
        assert!(
            expected > 0.0 && (busy / expected - 1.0).abs() < within,
            "{busy} instead of {expected}, {within}"
        );
    }
}
