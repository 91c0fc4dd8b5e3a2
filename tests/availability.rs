//! `availability` against closed forms and against other methods: enumeration, cut sets, the walk through the years,
//! and brute force.

mod program;
mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use fallover::analysis::availability::{Asked, Availability, EVERYTHING_UP, Found, answer};
use fallover::analysis::reliability::lives;
use fallover::analysis::result::{Answer, Document, Estimate};
use fallover::analysis::spof::{
    Effect, Lab, Options, Spof, TimesWanted, Verdict, answer as spof_answer, cut_sets, single_points,
};
use fallover::base::ids::ClassId;
use fallover::base::time::Span;
use fallover::model::structure::{State, is_cut, used};
use fallover::scenario::plan::Plan;
use fallover::scenario::review::{Severity, review};
use fallover::study::{Count, Settings};
use support::{plan, study_of};

const DAY_S: f64 = 86_400.0;
const YEAR_MIN: f64 = 525_600.0;

fn settings(replications: u32, threads: usize) -> Settings {
    Settings {
        threads,
        ..Settings::plain(1, replications)
    }
}

fn found(plan: &Plan, horizon_s: f64, replications: u32) -> Found {
    let asked = Asked {
        horizon: Span::from_seconds(horizon_s),
        settings: settings(replications, 0),
        wish: TimesWanted::default(),
    };
    let found = answer(plan, &asked, &AtomicBool::new(false), &|_, _| {});
    found.expect("the books balance").expect("nobody stops it")
}

fn availability(plan: &Plan, horizon_s: f64, replications: u32) -> Availability {
    found(plan, horizon_s, replications).availability
}

/// The result of `spof` for the crash of each component.
fn crashes(plan: &Plan) -> Spof {
    let mut lab = Lab {
        settings: settings(2, 0),
        wish: TimesWanted::default(),
        stop: &AtomicBool::new(false),
        progress: &|_, _, _| {},
        events: 0,
        overflowed: false,
    };
    let options = Options {
        effects: vec![Effect::Crash],
        pairs: false,
        order: 1,
    };
    spof_answer(plan, &options, &mut lab).expect("the books balance").0
}

/// The share lost and its half-width.
fn lost(e: &Estimate) -> (f64, f64) {
    let value = e.value.expect("a value");
    (1.0 - value, e.hi.expect("an interval") - value)
}

#[track_caller]
fn near(what: &str, value: f64, expected: f64, tolerance: f64) {
    assert!(
        (value - expected).abs() <= tolerance,
        "{what}: {value} ± {tolerance}, not {expected}"
    );
}

fn scenario(nodes: &str, more: &str, per_s: u32) -> Plan {
    plan(&format!(
        r#"{{ "duration": "40000s", "warmup": "200s", {more}
        "clients": {{ "c": {{ "arrivals": {{ "poisson": {per_s} }}, "entry": "front" }} }}, "nodes": {{ {nodes} }} }}"#
    ))
}

/// A component whose requests take next to no time, so that a crash loses none in flight.
fn app(name: &str, up: &str, down: &str) -> String {
    format!(r#""{name}": {{ "kind": "app", "lifetime": {{ "mtbf": "{up}", "mttr": "{down}" }} }}"#)
}

/// A balancer that moves to the other server as soon as a connection is refused.
fn pair(name: &str, servers: [&str; 2], life: &str) -> String {
    let [a, b] = servers;
    format!(r#""{name}": {{ "kind": "load-balancer", "servers": ["{a}", "{b}"], "redispatch": true {life} }}"#)
}

// --- four ways to one number ----------------------------------------------------------------------------------------

/// Two servers behind a balancer, and a common cause that takes both down.
fn small() -> Plan {
    let nodes = [
        pair(
            "front",
            ["a", "b"],
            r#", "lifetime": { "mtbf": "400s", "mttr": "10s" }"#,
        ),
        app("a", "100s", "10s"),
        app("b", "100s", "10s"),
    ];
    let cause =
        r#""common_causes": { "rack": { "targets": ["a", "b"], "lifetime": { "mtbf": "990s", "mttr": "10s" } } },"#;
    scenario(&nodes.join(", "), cause, 1)
}

fn unavailabilities(plan: &Plan) -> Vec<(usize, f64)> {
    let lives = lives(plan);
    let q = |c: usize| lives[c].map(|l| (c, l.unavailability()));
    (0..plan.components.len()).filter_map(q).collect()
}

fn is_down(plan: &Plan, parts: &[usize]) -> bool {
    let state = State::without(plan, parts.iter().map(|c| &plan.components[*c]));
    is_cut(plan, &state, ClassId::new(0))
}

/// Enumerates every state.
fn by_enumeration(plan: &Plan) -> f64 {
    let q = unavailabilities(plan);
    let of = |bits: usize| {
        let down = |i: &usize| bits >> i & 1 == 1;
        let parts: Vec<usize> = (0..q.len()).filter(down).map(|i| q[i].0).collect();
        let chance = |i: usize| if down(&i) { q[i].1 } else { 1.0 - q[i].1 };
        let all: f64 = (0..q.len()).map(chance).product();
        if is_down(plan, &parts) { all } else { 0.0 }
    };
    (0..1usize << q.len()).map(of).sum()
}

/// Inclusion and exclusion over the minimal cut sets.
fn from_the_cut_sets(plan: &Plan) -> f64 {
    let q = unavailabilities(plan);
    let mortal: Vec<bool> = (0..plan.components.len())
        .map(|c| q.iter().any(|(p, _)| *p == c))
        .collect();
    let sets = cut_sets(plan, q.len(), &mortal).swap_remove(0);
    let of = |bits: usize| {
        let chosen = (0..sets.len()).filter(|i| bits >> i & 1 == 1);
        let mut union: Vec<usize> = chosen.flat_map(|i| sets[i].clone()).collect();
        union.sort_unstable();
        union.dedup();
        let chance = |c: &usize| q.iter().find(|(p, _)| p == c).expect("it is mortal").1;
        let sign = if bits.count_ones() % 2 == 1 { 1.0 } else { -1.0 };
        sign * union.iter().map(chance).product::<f64>()
    };
    (1..1usize << sets.len()).map(of).sum()
}

/// The loss in the simulator itself, with lifetimes, and four standard errors of 20 replications.
fn by_brute_force(plan: &Plan) -> (f64, f64) {
    let study = study_of(plan, 20, 7, 0, true);
    let pairs: Vec<(f64, f64)> = study
        .samples
        .iter()
        .map(|s| (s.all.failed as f64, (s.all.failed + s.all.succeeded) as f64))
        .collect();
    let found = fallover::stats::interval::ratio(&pairs).expect("requests came");
    (found.value, found.half.expect("an interval") * 4.0 / 2.093)
}

/// All four methods against the closed form. `passing` is the most that transient losses may add, as a share of all
/// requests: the structure does not include them. Returns the relative precision of brute force: its tolerance as a
/// share of the expected value.
fn four_ways(what: &str, plan: &Plan, expected: f64, passing: f64) -> f64 {
    near(&format!("{what}: enumeration"), by_enumeration(plan), expected, 1e-12);
    near(&format!("{what}: cut sets"), from_the_cut_sets(plan), expected, 1e-12);
    let found = availability(plan, 20_000.0, 5);
    let structural = 1.0 - found.structural.expect("it exists");
    near(&format!("{what}: structural"), structural, expected, 1e-12);
    let (value, half) = lost(&found.availability);
    near(
        &format!("{what}: availability"),
        value,
        expected,
        3.0 * half + passing + 1e-9,
    );
    let walked = &found.periods.mean_min_per_year;
    let half = (walked.hi.unwrap() - walked.value.unwrap()) / YEAR_MIN;
    // Four standard errors of 1,000 periods, and the effect of starting with everything up: for two in parallel, whose
    // initial state decays like 1 - (1 - exp(-t / 10 s))², three halves of a repair time in each period.
    near(
        &format!("{what}: years"),
        walked.value.unwrap() / YEAR_MIN,
        expected,
        2.04 * half + expected * 15.0 / 20_000.0 + passing,
    );
    assert!(half < 0.02 * expected, "{what}: {half}");
    let (value, tolerance) = by_brute_force(plan);
    near(&format!("{what}: brute force"), value, expected, tolerance + passing);
    (tolerance + passing) / expected
}

#[test]
fn theory_enumeration_cut_sets_years_and_brute_force_agree() {
    let (lb, server, rack) = (10.0 / 410.0, 10.0 / 110.0, 10.0 / 1000.0);
    let pair_in_series = 1.0 - (1.0 - lb) * (1.0 - rack) * (1.0 - server * server);
    assert!(four_ways("a pair, its balancer and its rack", &small(), pair_in_series, 0.0) < 0.1);
    let calls = r#""front": { "kind": "app", "calls": ["a", "b"] }"#;
    let nodes = [calls.into(), app("a", "100s", "10s"), app("b", "200s", "10s")];
    let series = 1.0 - (1.0 - server) * (1.0 - 10.0 / 210.0);
    assert!(four_ways("in series", &scenario(&nodes.join(", "), "", 1), series, 0.0) < 0.1);
    // Two zones, each with a host and a server.
    let nodes = r#""front": { "kind": "load-balancer", "servers": ["a", "b"], "redispatch": true, "timeouts": { "connect": "50ms" } },
            "a": { "kind": "app", "host": "h1", "lifetime": { "mtbf": "100s", "mttr": "10s" } },
            "b": { "kind": "app", "host": "h2", "lifetime": { "mtbf": "100s", "mttr": "10s" } }"#;
    let places = r#""zones": { "east": { "lifetime": { "mtbf": "400s", "mttr": "10s" } }, "west": {} },
            "hosts": { "h1": { "zone": "east", "lifetime": { "mtbf": "190s", "mttr": "10s" } }, "h2": { "zone": "west" } },"#;
    let east = 1.0 - (1.0 - lb) * (1.0 - 10.0 / 200.0) * (1.0 - server);
    assert!(four_ways("two zones", &scenario(nodes, places, 1), east * server, 0.0) < 0.2);
}

/// Where a standby takes over, each failure of the active member also costs the fail-over time.
#[test]
fn theory_the_four_ways_agree_where_something_takes_over() {
    let server = 10.0 / 110.0;
    let takes_over = 0.02 / 110.0;
    let nodes = [
        r#""front": { "kind": "virtual-ip", "members": ["a", "b"], "failover": "20ms" }"#.into(),
        app("a", "100s", "10s"),
        app("b", "100s", "10s"),
    ];
    let plan = scenario(&nodes.join(", "), "", 1);
    assert!(four_ways("a virtual IP", &plan, server * server, 2.0 * takes_over) < 0.2);
    let nodes = r#""front": { "kind": "app", "database": "db", "queries": { "*": { "write": 1 } } },
            "db": { "kind": "database", "primary": "p",
                "members": { "p": { "lifetime": { "mtbf": "100s", "mttr": "10s" } },
                             "r": { "lifetime": { "mtbf": "100s", "mttr": "10s" } } },
                "failover": { "detect": "10ms", "promote": "10ms" } }"#;
    let plan = scenario(nodes, "", 1);
    assert!(four_ways("a promotion", &plan, server * server, 2.0 * takes_over) < 0.2);
}

/// The transient loss of a fail-over, priced by short runs, equals that of a long run with the same lifetimes.
#[test]
fn what_passes_is_priced_as_brute_force_finds_it() {
    // Hosts that die silently: callers wait for a connect time-out until three checks have failed.
    let nodes = r#""front": { "kind": "load-balancer", "servers": ["a", "b"], "retries": 0, "timeouts": { "connect": "500ms" },
            "check": { "inter": "2s", "fall": 3, "rise": 2 } },
        "a": { "kind": "app", "host": "h1", "work": { "*": { "io": "20ms" } } },
        "b": { "kind": "app", "host": "h2", "work": { "*": { "io": "20ms" } } }"#;
    let hosts = r#""hosts": { "h1": { "lifetime": { "mtbf": "400s", "mttr": "40s" } },
                              "h2": { "lifetime": { "mtbf": "400s", "mttr": "40s" } } },"#;
    let plan = scenario(nodes, hosts, 2);
    let found = availability(&plan, 20_000.0, 20);
    let (value, half) = lost(&found.availability);
    let (brute, tolerance) = by_brute_force(&plan);
    // A repair while the other is down is priced as if the other were up; this is true of a share q of all repairs.
    let q: f64 = 40.0 / 440.0;
    let passing = value - q * q;
    near("lost", value, brute, 2.0 * half + tolerance + q * passing);
    assert!(tolerance < 0.2 * passing, "{passing} of {value} ± {tolerance}");
}

// --- textbook cases -------------------------------------------------------------------------------------------------

/// Every component here is 30 days up and an hour down.
const Q: f64 = 1.0 / 721.0;

#[track_caller]
fn costs(nodes: &[String], more: &str, expected: f64) -> Availability {
    let plan = scenario(&nodes.join(", "), more, 20);
    let found = availability(&plan, 3650.0 * DAY_S, 3);
    near("structure", 1.0 - found.structural.expect("it exists"), expected, 1e-12);
    let (value, half) = lost(&found.availability);
    // No request is in flight for long enough to be lost at a crash, so only rounding remains.
    near("lost", value, expected, 3.0 * half + 1e-9 * expected);
    let minutes: f64 = found.by_cause.iter().filter_map(|(_, e)| e.value).sum();
    near(
        "the causes",
        minutes,
        found.downtime_min_per_year.value.unwrap(),
        1e-6 * minutes,
    );
    found
}

fn monthly(name: &str) -> String {
    app(name, "30d", "1h")
}

#[test]
fn theory_series_parallel_and_two_of_three() {
    let series = [
        r#""front": { "kind": "app", "calls": ["a", "b", "c"] }"#.to_owned(),
        monthly("a"),
        monthly("b"),
        monthly("c"),
    ];
    let found = costs(&series, "", 1.0 - (1.0 - Q) * (1.0 - Q) * (1.0 - Q));
    // Three a month, of an hour each, except those that overlap.
    let (up, down) = (found.mtbf_s.unwrap(), found.mttr_s.unwrap());
    near("mtbf", up, 10.0 * DAY_S, 1.0);
    near("mttr", down, 3600.0, 3.0 * Q * 3600.0);
    let parallel = [pair("front", ["a", "b"], ""), monthly("a"), monthly("b")];
    let found = costs(&parallel, "", Q * Q);
    // Either fails while the other is down, and the first repair ends the outage.
    let per_s = 2.0 * Q / (30.0 * DAY_S) * (1.0 - Q);
    near(
        "outages",
        1.0 / (found.mtbf_s.unwrap() + found.mttr_s.unwrap()),
        per_s,
        1e-9 * per_s,
    );
    near("mttr", found.mttr_s.unwrap(), 1800.0, 1e-6);
    assert_eq!(found.by_cause.iter().next().map(|c| c.0), Some("a + b"));
    // Two of three: every pair must have a working one.
    let two_of_three = [
        r#""front": { "kind": "app", "calls": ["ab", "bc", "ca"] }"#.to_owned(),
        pair("ab", ["a", "b"], ""),
        pair("bc", ["b", "c"], ""),
        pair("ca", ["c", "a"], ""),
        monthly("a"),
        monthly("b"),
        monthly("c"),
    ];
    costs(&two_of_three, "", 3.0 * Q * Q * (1.0 - Q) + Q * Q * Q);
}

/// A page is its document and nine images, and the web server has the images itself. Without the application there is
/// no document, so nobody requests the images.
#[test]
fn theory_a_page_is_lost_with_its_document() {
    let plan = plan(&format!(
        r#"{{ "duration": "40000s", "warmup": "200s", "requests": {{ "html": {{}}, "image": {{}} }},
        "clients": {{ "c": {{ "arrivals": {{ "poisson": 2 }}, "entry": "front", "page": {{ "html": 1, "image": 9 }} }} }},
        "nodes": {{ "front": {{ "kind": "web", "upstreams": ["a"], "serves": ["image"] }}, {} }} }}"#,
        monthly("a")
    ));
    let found = availability(&plan, 3650.0 * DAY_S, 3);
    near("structure", 1.0 - found.structural.expect("it exists"), Q, 1e-12);
    near("lost", lost(&found.availability).0, Q, 1e-9);
    let (spof, points) = (crashes(&plan), single_points(&plan));
    let app = spof.components.iter().find(|p| p.name == "a").expect("it is used");
    assert_eq!(app.cuts, ["html", "image"]);
    assert_eq!(
        points.iter().filter(|p| p.classes.len() == 2).count(),
        2,
        "it, and the web server"
    );
    let minutes = app.downtime_min_per_year.expect("it has a lifetime");
    // For five seconds of an hour's outage, requests are counted: some twenty views, with a tolerance of three standard
    // deviations.
    near(
        "spof",
        minutes,
        Q * YEAR_MIN,
        3.0 / libm::sqrt(20.0) * 5.0 / 3600.0 * minutes,
    );
}

/// Servers that reject requests without a free slot: with `up` servers left, Erlang's formula gives the share rejected.
/// Most of the loss occurs in states that are too many to simulate individually.
#[test]
fn theory_many_servers_are_overloaded_together() {
    let names: Vec<String> = (0..12).map(|i| format!("s{i}")).collect();
    let server = |name: &String| {
        format!(
            r#""{name}": {{ "kind": "app", "workers": 1, "queue": 0, "work": {{ "*": {{ "io": "100ms" }} }},
            "lifetime": {{ "mtbf": "80h", "mttr": "20h" }} }}"#
        )
    };
    let nodes: Vec<String> = names.iter().map(server).collect();
    let balancer = format!(
        r#""front": {{ "kind": "load-balancer", "algorithm": "leastconn", "retries": 0, "servers": {names:?}, "check": {{ "inter": "1s" }} }}"#
    );
    let plan = scenario(&format!("{balancer}, {}", nodes.join(", ")), "", 60);
    let found = availability(&plan, 10.0 * YEAR_MIN * 60.0, 8);
    let erlang = |servers: u32| (1..=servers).fold(1.0, |b, n| 6.0 * b / (f64::from(n) + 6.0 * b));
    let (mut expected, mut ways) = (0.0, 1.0);
    for down in 0..=12 {
        expected += ways * 0.2f64.powi(down) * 0.8f64.powi(12 - down) * erlang(12 - down as u32);
        ways *= f64::from(12 - down) / f64::from(down + 1);
    }
    let (lost, half) = lost(&found.availability);
    // Three seconds of checks lose a tenth or so, twelve times in a hundred hours: less than a thousandth of the total
    // loss.
    near("lost", lost, expected, half + 0.01 * expected);
    assert!(half < 0.15 * expected, "{half}");
    assert!(
        found.states.simulated < 90 && found.states.known > 1_000,
        "{:?}",
        found.states
    );
}

/// An address that needs `failover` seconds to move loses that many seconds of requests whenever its holder fails while
/// the other is up.
#[test]
fn theory_a_failover_is_lost_in_passing() {
    for (failover, per_s) in [(10.0, 20.0), (600.0, 2.0)] {
        let vip = format!(
            r#""front": {{ "kind": "virtual-ip", "members": ["a", "b"], "failover": "{failover}s", "preempt": false }}"#
        );
        let hour = |name: &str| monthly(name).replace(r#""mttr": "1h""#, r#""mttr": { "constant": "1h" }"#);
        let nodes = [vip, hour("a"), hour("b")].join(", ");
        let plan = plan(&format!(
            r#"{{ "duration": "60s", "warmup": "0s", "clients": {{ "c": {{ "arrivals": {{ "uniform": {per_s} }}, "entry": "front" }} }}, "nodes": {{ {nodes} }} }}"#
        ));
        let (value, _) = lost(&availability(&plan, 3650.0 * DAY_S, 3).availability);
        let passing = (1.0 - Q) * failover / (30.0 * DAY_S + 3600.0);
        // One request more or less.
        near("lost", value, Q * Q + passing, passing / (failover * per_s));
    }
}

// --- what one failure loses -----------------------------------------------------------------------------------------

/// A firewall lets 50 a second through. The load is 10 and 100 a second for equally long: 60 of 110 requests pass,
/// regardless of the share of time without losses.
#[test]
fn theory_a_load_that_changes_counts_by_its_requests() {
    let wall = r#""front": { "kind": "firewall", "to": "a", "limit": { "rate": "50/s", "burst": 50 } }"#;
    let nodes = format!("{wall}, {}", monthly("a"));
    let profile = r#"{ "profile": [["0s", 10], ["20m", 10], ["20m", 100], ["40m", 100]] }"#;
    let by_chance = r#"{ "mmpp": { "states": [{ "rate": 10, "mean": "20m" }, { "rate": 100, "mean": "20m" }] } }"#;
    for (arrivals, most) in [(profile, 0.06), (by_chance, 0.12)] {
        let plan = plan(&format!(
            r#"{{ "duration": "40m", "clients": {{ "c": {{ "arrivals": {arrivals}, "entry": "front" }} }}, "nodes": {{ {nodes} }} }}"#
        ));
        let found = availability(&plan, 3650.0 * DAY_S, 20);
        let (value, half) = lost(&found.availability);
        // The half-width comes from the draws. The fifty tokens of the bucket are a thousandth of the requests that
        // arrive while the state lasts.
        near("lost", value, 1.0 - 60.0 / 110.0, half + 0.001);
        assert!(half < most, "{half}");
        let by_luck = found.periods.mean_min_per_year.value.expect("a mean") / YEAR_MIN;
        near("by luck", by_luck, value, 0.01);
    }
}

/// Asserts the loss of one failure of the first component, which fails every `every_s` seconds, as `availability` and
/// `spof` price it.
fn a_failure_loses(stack: &Plan, every_s: f64, lost_s: f64, tolerance_s: f64) {
    let found = availability(stack, 3650.0 * DAY_S, 2);
    near(
        "availability",
        every_s * lost(&found.availability).0,
        lost_s,
        tolerance_s,
    );
    let price = crashes(stack).components[0].downtime_min_per_year.expect("a price");
    near("spof", every_s * price / YEAR_MIN, lost_s, tolerance_s);
}

/// Requests still being retried at the repair are not lost. Of thirty seconds, those before the last seven are lost: a
/// client that retries after 1, 2 and 4 s finds the service back. Of five seconds, none is lost.
#[test]
fn theory_retries_that_outlast_a_repair_lose_nothing() {
    for (repair_s, lost_s) in [(30.0, 23.0), (5.0, 0.0)] {
        let lone = plan(&format!(
            r#"{{ "duration": "10m", "clients": {{ "c": {{ "arrivals": {{ "uniform": 50 }}, "entry": "a", "retry": {{ "max": 3, "backoff": "1s", "factor": 2, "cap": "4s", "jitter": 0 }} }} }},
            "nodes": {{ "a": {{ "kind": "app", "lifetime": {{ "mtbf": {{ "constant": "30m" }}, "mttr": {{ "constant": "{repair_s}s" }} }} }} }} }}"#
        ));
        // One request more or less at each end.
        a_failure_loses(&lone, 1800.0 + repair_s, lost_s, 2.0 / 50.0 + 1e-3 * lost_s);
    }
}

/// Some repairs are shorter than a client's patience and some are longer: the loss is the mean excess, not the excess
/// of the mean. The client above tries for 7 s: exponential repairs of 5 s leave 5 e^(-7/5).
#[test]
fn theory_retries_outlast_some_repairs_and_not_others() {
    let lone = plan(
        r#"{ "duration": "10m", "clients": { "c": { "arrivals": { "uniform": 50 }, "entry": "a", "retry": { "max": 3, "backoff": "1s", "factor": 2, "cap": "4s", "jitter": 0 } } },
        "nodes": { "a": { "kind": "app", "lifetime": { "mtbf": "30m", "mttr": "5s" } } } }"#,
    );
    let left_s = 5.0 * (-7.0f64 / 5.0).exp();
    // Five standard deviations over ten thousand drawn repairs, and one request more or less at each end.
    let deviation = (2.0 * 25.0 * (-7.0f64 / 5.0).exp() - left_s * left_s).sqrt() / 100.0;
    a_failure_loses(&lone, 1805.0, left_s, 5.0 * deviation + 2.0 / 50.0);
}

/// Two servers of 300 ms for four requests a second, and clients who wait for `patience`. Without one server, two
/// thirds of a request a second pile up.
fn piling_up(mttr: &str, patience: &str) -> Plan {
    let server = r#""kind": "app", "workers": 1, "work": { "*": { "io": "300ms" } }, "abandoned": "stop""#;
    plan(&format!(
        r#"{{ "duration": "10m", "clients": {{ "c": {{ "arrivals": {{ "uniform": 4 }}, "entry": "lb", "timeout": "{patience}" }} }},
        "nodes": {{ "lb": {{ "kind": "load-balancer", "algorithm": "leastconn", "servers": ["a", "b"], "redispatch": true, "check": {{ "inter": "2s" }} }},
          "a": {{ {server}, "lifetime": {{ "mtbf": "4h", "mttr": {{ "constant": "{mttr}" }} }} }}, "b": {{ {server} }} }} }}"#
    ))
}

/// Nothing is lost until a fifth of the outage exceeds the clients' patience. From then on the server works on requests
/// that are abandoned before they are done.
#[test]
fn theory_a_backlog_that_builds_up_costs_what_is_lost_by_then() {
    let begins_s = 5.0 * (20.0 - 0.3);
    for (mttr_s, lost_s) in [(60.0, 0.0), (140.0, 140.0 - begins_s), (3600.0, 3600.0 - begins_s)] {
        let stack = piling_up(&format!("{mttr_s}s"), "20s");
        // Half of the measurement slice in which the loss begins. For the second, short outage, also the three seconds
        // or so that a full queue takes to move to the other server after the repair, which the price does not include.
        let tolerance = 0.5 * 300.0 / 32.0 + if mttr_s == 140.0 { 4.0 } else { 0.0 };
        a_failure_loses(&stack, 4.0 * 3600.0 + mttr_s, lost_s, tolerance);
    }
}

/// A loss that still grows at the end of the measurement is reported.
#[test]
fn a_loss_that_grows_to_the_end_is_said() {
    let says = |patience: &str| {
        let stack = piling_up("1m", patience);
        let codes: Vec<String> = found(&stack, 365.0 * DAY_S, 2)
            .caveats
            .into_iter()
            .map(|c| c.code)
            .collect();
        let grows = !crashes(&stack).still_grows.is_empty();
        assert_eq!(codes.iter().any(|c| c == "state.grows"), grows, "{codes:?}");
        grows
    };
    assert!(says("52s") && !says("20s"));
}

/// Repairs take five seconds, but checks take twenty to thirty to detect a dead server. Until then every second request
/// meets it and retries three times, a second apart: those that arrive more than three seconds before the repair are
/// lost.
#[test]
fn theory_retries_meet_repairs_before_anything_has_reacted() {
    let repairs = |mttr: &str, mean_s: f64, (least_s, most_s): (f64, f64)| {
        let stack = plan(&format!(
            r#"{{ "duration": "10m", "clients": {{ "c": {{ "arrivals": {{ "uniform": 50 }}, "entry": "lb" }} }},
            "nodes": {{ "lb": {{ "kind": "load-balancer", "servers": ["a", "b"], "check": {{ "inter": "10s" }} }},
              "a": {{ "kind": "app", "lifetime": {{ "mtbf": "1h", "mttr": {mttr} }} }}, "b": {{ "kind": "app" }} }} }}"#
        ));
        // One request more or less at each end.
        let tolerance = 2.0 / 50.0 + (most_s - least_s) / 2.0;
        a_failure_loses(&stack, 3600.0 + mean_s, f64::midpoint(least_s, most_s), tolerance);
    };
    repairs(r#"{ "constant": "5s" }"#, 5.0, (1.0, 1.0));
    // Nine in ten repairs are like that, and the tenth takes an hour: it loses every second request of twenty to thirty
    // seconds. Five standard deviations for how often the hour was drawn.
    let drawn = 5.0 * (0.1 * 0.9 / 10_000.0f64).sqrt() * 15.0;
    let mixed = format!(r#"{{ "empirical": [{} "1h"] }}"#, r#""5s","#.repeat(9));
    repairs(&mixed, 364.5, (0.9 + 0.1 * 10.0 - drawn, 0.9 + 0.1 * 15.0 + drawn));
    // Exponential repairs with mean five seconds: the time beyond three seconds, up to detection at twenty or thirty.
    // One length stands for the fifth of all repairs that contains the three seconds, from 2.55 to 4.58 s. The largest
    // error is that between half of them at each end and all of them in the middle.
    let left_s = |from_s: f64, to_s: f64| 2.5 * ((-from_s / 5.0).exp() - (-to_s / 5.0).exp());
    let middle_s = 0.5 * 0.2 * (4.58 - 2.55) / 4.0;
    // Ten thousand drawn repairs: five standard deviations.
    let drawn_s = 5.0 * 2.5 / 100.0;
    repairs(
        r#""5s""#,
        5.0,
        (left_s(3.0, 20.0) - middle_s - drawn_s, left_s(3.0, 30.0) + drawn_s),
    );
}

/// Users who get errors ask twenty times as often. The loss is a share of requests: ten minutes of two hundred, however
/// long anything else takes to react.
#[test]
fn theory_asking_in_vain_more_often_loses_no_more() {
    for (entry, work_s) in [(r#""a""#, 2.0), (r#""vip""#, 2.0), (r#""a""#, 9.0)] {
        let plan = plan(&format!(
            r#"{{ "duration": "1h", "clients": {{ "c": {{ "users": 50, "think": {{ "exponential": {{ "mean": "100ms" }} }}, "entry": {entry} }} }},
            "nodes": {{ "vip": {{ "kind": "virtual-ip", "members": ["a"], "failover": "2m" }},
                        "a": {{ "kind": "app", "work": {{ "*": {{ "io": "{work_s}s" }} }},
                               "lifetime": {{ "mtbf": {{ "constant": "190m" }}, "mttr": {{ "constant": "10m" }} }} }} }} }}"#
        ));
        // Requests in flight at the crash add up to their length to the loss. A request still in flight at the end of a
        // simulation is not lost.
        let (expected, tolerance) = (600.0 / 12_000.0, (work_s + 0.5) / 12_000.0);
        near(
            "availability",
            lost(&availability(&plan, 3650.0 * DAY_S, 3).availability).0,
            expected,
            tolerance,
        );
        let price = crashes(&plan).components[0].downtime_min_per_year.expect("a price");
        near("spof", price / YEAR_MIN, expected, tolerance);
    }
}

/// Two users who ask every three seconds, and a balancer that goes to another server at once: many slices of the
/// reaction have no requests, and an empty slice loses nothing.
#[test]
fn where_nobody_asks_nothing_is_lost() {
    let plan = plan(
        r#"{ "duration": "60s", "clients": { "c": { "users": 2, "think": { "exponential": { "mean": "3s" } }, "entry": "lb", "timeout": "10s" } },
        "hosts": { "h": { "lifetime": { "mtbf": "1d", "mttr": "1h" } } },
        "nodes": { "lb": { "kind": "load-balancer", "servers": ["a", "b", "d"], "check": { "inter": "5s" }, "redispatch": true, "timeouts": { "connect": "500ms" } },
                   "a": { "kind": "app", "host": "h" }, "b": { "kind": "app" }, "d": { "kind": "app" } } }"#,
    );
    assert_eq!(lost(&availability(&plan, 3650.0 * DAY_S, 10).availability).0, 0.0);
    let host = crashes(&plan).components.into_iter().find(|p| p.name == "h");
    assert_eq!(host.and_then(|p| p.downtime_min_per_year), Some(0.0));
}

/// Half of all requests need a host that is silent, and are tried for 15 to 20 s: those that arrive that shortly before
/// the repair are saved, but the steady-state loss is unchanged.
#[test]
fn theory_what_is_tried_for_long_is_lost_as_long_as_it_lasts() {
    let plan = plan(
        r#"{ "duration": "60s", "clients": { "c": { "arrivals": { "uniform": 60 }, "entry": "lb", "timeout": "120s" } },
        "hosts": { "h": { "lifetime": { "mtbf": "30d", "mttr": { "constant": "1h" } } } },
        "nodes": { "lb": { "kind": "load-balancer", "servers": ["a", "b"], "timeouts": { "connect": "1s" } },
                   "a": { "kind": "app", "calls": ["s"], "timeouts": { "connect": "5s" }, "retry": { "max": 3 } },
                   "b": { "kind": "app" }, "s": { "kind": "app", "host": "h" } } }"#,
    );
    let cycle_s = 30.0 * DAY_S + 3600.0;
    let (expected, tolerance) = (0.5 * (3600.0 - 17.5) / cycle_s, 0.5 * 2.6 / cycle_s);
    near(
        "availability",
        lost(&availability(&plan, 3650.0 * DAY_S, 2).availability).0,
        expected,
        tolerance,
    );
    let host = crashes(&plan).components.into_iter().find(|p| p.name == "h");
    let price = host.and_then(|p| p.downtime_min_per_year).expect("a price");
    near("spof", price / YEAR_MIN, expected, tolerance);
}

/// Callers without a time-out wait for ever and hold their workers: each failure of the database's host takes some
/// more. A caveat says so.
#[test]
fn what_nobody_gives_up_is_said() {
    let said = |timeout: &str| {
        let plan = plan(&format!(
            r#"{{ "duration": "1h", "clients": {{ "c": {{ "arrivals": {{ "uniform": 50 }}, "entry": "a" {timeout} }} }}, "hosts": {{ "h": {{ "lifetime": {{ "mtbf": "30d", "mttr": "1h" }} }} }},
            "nodes": {{ "a": {{ "kind": "app", "workers": 16, "database": "db", "queries": {{ "*": {{ "read": 1 }} }} }},
                        "db": {{ "kind": "database", "members": {{ "m": {{ "host": "h" }} }}, "work": {{ "*": {{ "io": "60ms" }} }} }} }} }}"#
        ));
        let is_it = |c: &fallover::analysis::result::Caveat| c.code == "waits.forever";
        let spof = fallover::analysis::spof::caveats(&plan, &crashes(&plan));
        (
            found(&plan, 3650.0 * DAY_S, 2).caveats.iter().any(is_it),
            spof.iter().any(is_it),
        )
    };
    assert_eq!((said(""), said(r#", "timeout": "5s""#)), ((true, true), (false, false)));
}

/// With everything up nothing is lost: users are spread over their think times rather than starting to think together,
/// and a cache whose lifetime exceeds the measurement does not start empty.
#[test]
fn a_life_does_not_begin_when_something_fails() {
    let users = r#""c": { "users": 2000, "think": "10m", "entry": "a" }"#;
    let clerk = r#""a": { "kind": "app", "workers": 2, "queue": 40, "work": { "*": { "io": "200ms" } }, "lifetime": { "mtbf": "30d", "mttr": "1h" } }"#;
    let readers = r#""c": { "arrivals": { "uniform": 50 }, "entry": "front" }"#;
    let cached = r#""front": { "kind": "web", "upstreams": ["a"], "cache": { "hit": 0.8, "ttl": "10m" } },
        "a": { "kind": "app", "workers": 1, "queue": 20, "work": { "*": { "io": "30ms" } }, "lifetime": { "mtbf": "30d", "mttr": "1h" } }"#;
    for (clients, nodes) in [(users, clerk), (readers, cached)] {
        let plan = plan(&format!(
            r#"{{ "duration": "1h", "clients": {{ {clients} }}, "nodes": {{ {nodes} }} }}"#
        ));
        let found = availability(&plan, 3650.0 * DAY_S, 2);
        let up = found.by_cause.get(EVERYTHING_UP).and_then(|e| e.value);
        assert_eq!(up, Some(0.0), "{:?}", found.by_cause);
    }
}

/// A role that stays where it moved is priced as if it had moved back. The caveat appears only where the members fail
/// at different rates.
#[test]
fn a_role_that_moves_is_said_where_it_matters() {
    let said = |[a, b]: [&str; 2], preempt: bool| {
        let vip = format!(
            r#""front": {{ "kind": "virtual-ip", "members": ["a", "b"], "failover": "1s", "preempt": {preempt} }}"#
        );
        let nodes = [vip, app("a", a, "1h"), app("b", b, "1h")].join(", ");
        let nodes = nodes.replace(r#""aged""#, r#"{ "erlang": { "mean": "10d", "k": 20 } }"#);
        let caveats = found(&scenario(&nodes, "", 5), YEAR_MIN * 60.0, 2).caveats;
        caveats.iter().any(|c| c.code == "role.moves")
    };
    assert!(said(["10d", "90d"], false) && !said(["10d", "90d"], true));
    assert!(!said(["10d", "10d"], false));
    // Of two members that age and are equally old, the one that takes over fails next.
    assert!(said(["aged", "aged"], false) && !said(["aged", "aged"], true));
}

/// Three minutes hardly ever contain a failure that comes every ten hours. Then 20 replications without one show only
/// that fewer than 17 % of them have one, and a caveat says so.
#[test]
fn a_run_with_few_failures_says_how_little_it_knows() {
    let run = |up: &str, down: &str| {
        let nodes = app("front", up, down);
        let clients = r#""clients": { "c": { "arrivals": { "uniform": 5 }, "entry": "front" } }"#;
        let (_folder, path) = file(&format!(r#"{{ "duration": "3m", {clients}, "nodes": {{ {nodes} }} }}"#));
        let found = program::document(&["run", &path, "--failures", "--replications", "20"]);
        let least = found
            .pointer("/metrics/availability/lo")
            .and_then(serde_json::Value::as_f64);
        (least, found.to_string().contains("failures.few"))
    };
    assert!(!run("1m", "10s").1);
    let (least, said) = run("10000h", "1h");
    near("least", least.expect("an interval"), 0.025f64.powf(1.0 / 20.0), 1e-6);
    assert!(said);
}

/// Everything is up at the start of a horizon, so the first hours have less downtime than the long run.
#[test]
fn theory_a_short_horizon_begins_with_everything_new() {
    let plan = scenario(&app("front", "10h", "1h"), "", 5);
    let found = availability(&plan, 3_600.0, 2);
    // The mean over an hour of U (1 - exp(-(λ+μ)t)), with both rates an hour.
    let rates: f64 = 1.1;
    let expected = 1.0 / 11.0 * (1.0 - (1.0 - (-rates).exp()) / rates);
    let (lost, half) = lost(&found.availability);
    near("lost", lost, expected, half);
    assert!(half < 0.5 * expected, "{half}");
}

#[test]
fn theory_a_common_cause_spoils_a_pair_and_is_named() {
    let nodes = [pair("front", ["a", "b"], ""), monthly("a"), monthly("b")];
    let cause =
        r#""common_causes": { "power": { "targets": ["a", "b"], "lifetime": { "mtbf": "1y", "mttr": "1h" } } },"#;
    let power = 1.0 / (365.0 * 24.0 + 1.0);
    let found = costs(&nodes, cause, power + (1.0 - power) * Q * Q);
    assert_eq!(found.by_cause.iter().next().map(|c| c.0), Some("power"));
}

#[test]
fn theory_monitoring_comes_before_repair() {
    let nodes = [r#""front": { "kind": "app", "lifetime": { "mtbf": "30d", "mttr": "1h" } }"#.to_owned()];
    let late = r#""monitoring": { "none": { "notice": "1h" } },"#;
    costs(&nodes, late, 2.0 / 722.0);
}

/// Two servers in parallel with a single crew: the machine-repair model M/M/1//2.
#[test]
fn theory_one_crew_repairs_one_after_the_other() {
    let with = |crews: &str| {
        let nodes = [
            pair("front", ["a", "b"], ""),
            app("a", "100s", "10s"),
            app("b", "100s", "10s"),
        ];
        scenario(&nodes.join(", "), crews, 1)
    };
    // The states have weights 1, 2ρ, 2ρ²; in the last one both are down.
    let rho: f64 = 10.0 / 100.0;
    let expected = 2.0 * rho * rho / (1.0 + 2.0 * rho + 2.0 * rho * rho);
    let plan = with(r#""repair_crews": 1,"#);
    let found = found(&plan, 20_000.0, 2);
    let availability = &found.availability;
    let (value, half) = lost(&availability.availability);
    // Four standard errors of 1,000 periods, and one repair time for starting each period with everything up.
    near("one crew", value, expected, 2.04 * half + expected * 10.0 / 20_000.0);
    assert!(half < 0.03 * expected, "{half}");
    assert_eq!(
        (availability.states.method.as_str(), availability.structural),
        ("simulated", None)
    );
    assert!(found.caveats.iter().any(|c| c.code == "repair.waits"));
    let (value, tolerance) = by_brute_force(&plan);
    near("brute force", value, expected, tolerance);
    // One crew for each server is as good as any number.
    let each = self::found(&with(r#""repair_crews": 2,"#), 20_000.0, 2).availability;
    near(
        "two crews",
        1.0 - each.structural.expect("it exists"),
        1.0 / 121.0,
        1e-12,
    );
}

/// The preferred member of an address fails; the standby takes over after 4 s unless the other is back by then.
#[test]
fn theory_a_standby_costs_the_fail_over() {
    let standby = |life: &str| {
        let nodes = format!(
            r#""front": {{ "kind": "virtual-ip", "members": ["a", "b"], "failover": "4s" }}, {},
            "b": {{ "kind": "app" {life} }}"#,
            app("a", "180s", "20s")
        );
        availability(&scenario(&nodes, "", 50), 20_000.0, 20)
    };
    // Cold standby: it neither fails while it waits nor at all. Every 200 s, min(repair, 4 s) on average.
    let expected = 20.0 * (1.0 - libm::exp(-4.0 / 20.0)) / 200.0;
    let (value, half) = lost(&standby("").availability);
    near("cold", value, expected, 2.0 * half);
    assert!(half < 0.05 * expected, "{half}");
    // Warm standby: it fails as often as the other. Both are down a hundredth of the time, and a fail-over then loses
    // nothing more.
    let q = 0.1;
    let warm = standby(r#", "lifetime": { "mtbf": "180s", "mttr": "20s" }"#);
    let (value, half) = lost(&warm.availability);
    near("warm", value, q * q + (1.0 - q) * expected, 2.0 * half);
}

/// Maintenance of both at once follows the calendar, and chance cannot separate it.
#[test]
fn theory_planned_maintenance_falls_together() {
    let planned = r#""maintenance": { "every": "50d", "for": "1d" }"#;
    let node = |name: &str, life: &str| format!(r#""{name}": {{ "kind": "app", {planned} {life} }}"#);
    let nodes = [pair("front", ["a", "b"], ""), node("a", ""), node("b", "")];
    let found = costs(&nodes, "", 1.0 / 50.0);
    assert_eq!(found.states.method, "exact");
    // With random failures of one in addition, which matter while the other is out.
    let both = [pair("front", ["a", "b"], ""), node("a", ""), monthly("b")];
    costs(&both, "", 1.0 / 50.0 * Q);
}

/// Ageing components are walked through: when everything is new, a part that lives exactly two years does not fail
/// within one.
#[test]
fn theory_what_ages_is_drawn_period_by_period() {
    let front = |mtbf: &str| {
        scenario(
            &format!(
                r#""front": {{ "kind": "app", "lifetime": {{ "mtbf": {mtbf}, "mttr": {{ "constant": "1d" }} }} }}"#
            ),
            "",
            20,
        )
    };
    let new = found(&front(r#"{ "constant": "2y" }"#), 365.0 * DAY_S, 3);
    assert_eq!(new.availability.availability.value, Some(1.0));
    assert!(new.caveats.iter().any(|c| c.code == "lifetime.ages"));
    // In five years it fails at the end of the second and, a day late, of the fourth.
    let old = availability(&front(r#"{ "constant": "2y" }"#), 5.0 * 365.0 * DAY_S, 3);
    near("lost", lost(&old.availability).0, 2.0 / (5.0 * 365.0), 1e-9);
    assert_eq!(old.states.method, "simulated");
    // Long enough, only the means matter.
    let uniform = availability(
        &front(r#"{ "uniform": { "min": "10d", "max": "30d" } }"#),
        3650.0 * DAY_S,
        3,
    );
    let (value, half) = lost(&uniform.availability);
    near("lost", value, 1.0 / 21.0, 2.0 * half + 20.0 / 3650.0 / 21.0);
}

// --- beside spof ----------------------------------------------------------------------------------------------------

/// A component's minutes are those that `spof` reports, except while something else is down as well.
#[test]
fn availability_and_spof_agree_on_foobar() {
    let path = format!("{}/scenarios/foobar.json", env!("CARGO_MANIFEST_DIR"));
    let plan = plan(&std::fs::read_to_string(path).expect("reads")).under_load(0.1);
    let found = availability(&plan, 3650.0 * DAY_S, 2);
    let spof = crashes(&plan);
    let q: f64 = unavailabilities(&plan).iter().map(|(_, q)| q).sum();
    let structural = spof.structural_unavailability.expect("lifetimes are exponential");
    near(
        "structure",
        1.0 - found.structural.expect("it exists"),
        structural,
        1e-12,
    );
    // `review` calls critical whatever has the verdict of an outage.
    let points = single_points(&plan);
    let critical = review(&plan, &points).into_iter().filter(|f| f.id.starts_with("spof."));
    let critical: BTreeSet<String> = critical
        .filter(|f| f.severity == Severity::Critical)
        .map(|f| f.component)
        .collect();
    let outages = spof.components.iter().filter(|p| p.verdict == Verdict::Outage);
    assert_eq!(critical, outages.map(|p| p.name.clone()).collect());
    let (mut both, mut sum, mut tolerance) = (0, 0.0, 0.0);
    for priced in &spof.components {
        let (Some(minutes), Some(own)) = (priced.downtime_min_per_year, found.by_cause.get(&priced.name)) else {
            continue;
        };
        // Each measured a share of 2 × 6,000 requests, in windows of its own.
        let share = priced.lost_ratio;
        let width = (share.hi.unwrap() - share.lo.unwrap()) / share.value.unwrap().max(0.01);
        let own_half = own.hi.unwrap() - own.value.unwrap();
        let within = 2.0 * own_half + (q + width) * minutes + 0.05;
        near(&priced.name, own.value.unwrap(), minutes, within);
        both += u32::from(minutes > 1.0);
        sum += minutes;
        tolerance += within;
    }
    assert!(both >= 4, "{both}");
    // Together they make up the total, except for double failures and for chance with everything up.
    let whole = found.downtime_min_per_year.value.unwrap();
    let up = found.by_cause.get(EVERYTHING_UP).and_then(|e| e.value).unwrap_or(0.0);
    near("all", whole - up, sum, tolerance + q * sum);
    assert!(found.by_cause.get(EVERYTHING_UP).is_some());
    assert_eq!(used(&plan).iter().filter(|u| !**u).count(), found.unused.len());
}

// --- the command ----------------------------------------------------------------------------------------------------

/// A scenario in a file, and the directory that contains it.
fn file(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("makes a directory");
    let path = folder.path().join("scenario.json");
    std::fs::write(&path, text).expect("writes");
    let path = path.display().to_string();
    (folder, path)
}

const LONE: &str = r#"{ "slo": { "availability": 0.9999 },
    "clients": { "c": { "arrivals": { "poisson": 50 }, "entry": "front" } },
    "nodes": { "front": { "kind": "app", "lifetime": { "mtbf": "30d", "mttr": "1h" } }, "spare": { "kind": "app" } } }"#;

#[test]
fn the_document_is_the_same_on_any_number_of_threads_and_can_be_read_back() {
    let (_folder, path) = file(LONE);
    let of = |threads: &str| {
        let mut found = program::document(&["availability", &path, "--replications", "3", "--threads", threads]);
        found["engine"] = serde_json::Value::Null;
        found
    };
    let one = of("1");
    assert_eq!(one, of("3"));
    assert_eq!(one["unused"], serde_json::json!(["spare"]));
    assert_eq!(one["complete"], true);
    let text = program::fallover(&["availability", &path, "--replications", "3", "--json"]).1;
    let document = Document::read(&text).expect("it is a result");
    assert!(matches!(document.answer, Answer::Availability(_)));
    let again = serde_json::to_string(&document).expect("it is JSON");
    assert_eq!(Document::read(&again).expect("it is a result"), document);
}

/// The scatter of drawn periods remains however often their states are simulated: more rounds do not help, so they end.
#[test]
fn a_precision_that_cannot_be_had_is_given_up_and_said() {
    let ages = r#""lifetime": { "mtbf": { "uniform": { "min": "10d", "max": "30d" } }, "mttr": "1h" }"#;
    let nodes = format!(r#""front": {{ "kind": "app", {ages} }}"#);
    let mut asked = Asked {
        horizon: Span::from_seconds(365.0 * DAY_S),
        settings: settings(1, 0),
        wish: TimesWanted::default(),
    };
    asked.settings.replications = Count::Precision(1e-9);
    let found = answer(&scenario(&nodes, "", 20), &asked, &AtomicBool::new(false), &|_, _| {});
    let found = found.expect("the books balance").expect("nobody stops it");
    assert!(found.complete);
    assert_eq!(found.replications, 5, "one round");
    assert!(
        found.caveats.iter().any(|c| c.code == "imprecise"),
        "{:?}",
        found.caveats
    );
}

#[test]
fn what_is_finished_when_it_is_stopped_is_kept() {
    let asked = Asked {
        horizon: Span::from_seconds(3650.0 * DAY_S),
        settings: settings(8, 1),
        wish: TimesWanted::default(),
    };
    let run = |after: u64| {
        let stop = AtomicBool::new(false);
        let watch = |done, _| stop.store(done >= after, Ordering::Relaxed);
        answer(&plan(LONE), &asked, &stop, &watch).expect("the books balance")
    };
    // The baseline and the state without the server alternate: after one run there is only one of them.
    assert!(run(1).is_none());
    let found = run(6).expect("three of each");
    assert_eq!((found.complete, found.replications), (false, 3));
    near("lost", lost(&found.availability.availability).0, Q, 1e-6);
}

#[test]
fn a_missed_promise_a_missing_lifetime_and_times_of_its_own_have_their_statuses() {
    let (_folder, path) = file(LONE);
    let args = ["availability", &path, "--replications", "2", "--check"];
    let (status, out, _) = program::fallover(&args);
    assert_eq!(status, 99, "{out}");
    assert!(out.contains("MISSED") && out.contains("monitoring"), "{out}");
    // The promise is a share lost, which equals the share not answered.
    for (promise, expected) in [("0.0001", 99), ("0.1", 0)] {
        let promise = format!(r#"slo={{"error_ratio": {promise}}}"#);
        let (status, out, said) = program::fallover(&[
            "availability",
            &path,
            "--replications",
            "2",
            "--check",
            "--set",
            &promise,
        ]);
        assert!(
            status == expected && !said.contains("nothing to check"),
            "{status} {out} {said}"
        );
    }
    let (status, _, said) = program::fallover(&["availability", &path, "--duration", "1y"]);
    assert!(status == 2 && said.contains("--horizon"), "{said}");
    let (status, _, said) = program::fallover(&["availability", &path, "--horizon", "0s"]);
    assert!(status == 2 && said.contains("above zero"), "{said}");
    let (_other, without) = file(&LONE.replace(r#", "lifetime": { "mtbf": "30d", "mttr": "1h" }"#, ""));
    let (status, _, said) = program::fallover(&["availability", &without]);
    assert!(status == 2 && said.contains("`lifetime`"), "{said}");
}
