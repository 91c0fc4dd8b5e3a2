//! Checks whose results must match to the last digit.

use super::super::run as findings;
use super::{Bench, Check, Failure, plan};
use crate::base::time::Span;
use crate::model::recorder::{RunRecord, Wanted};
use crate::model::request::Outcome;
use crate::model::world::{self, Order};
use crate::scenario::plan::Plan;
use crate::study;

/// A step with one or more checks.
type Step = fn(&mut Bench<'_>) -> Result<Vec<Check>, Failure>;

/// All of them.
pub(super) const ALL: [Step; 4] = [determinism, conservation, timeline, recordings];

/// A stack that uses every kind of random draw.
const BUSY: &str = include_str!("busy.json");
const BUSY_REPLICATIONS: u32 = 6;

// --- determinism ----------------------------------------------------------------------------------------------------

fn determinism(bench: &mut Bench<'_>) -> Result<Vec<Check>, Failure> {
    let plan = plan(BUSY);
    let mut bytes = |threads: usize, seed: u64| -> Result<(String, u64), Failure> {
        let study = Bench { seed, ..*bench }.study_of(&plan, BUSY_REPLICATIONS, threads)?;
        bench.events += study.events_taken;
        let run = serde_json::to_string(&findings::run(&plan, &study)).expect("a result is text");
        Ok((run, study.digest))
    };
    let one = bytes(1, bench.seed)?;
    let mut checks = Vec::new();
    for (what, threads) in [("one thread, again", 1), ("two threads", 2), ("five threads", 5)] {
        let same = bytes(threads, bench.seed)? == one;
        let outcome = same.then_some(()).ok_or("the results differ".to_owned());
        checks.push(Check::holds("determinism", what, "the same bytes", outcome));
    }
    let other = bytes(1, bench.seed.wrapping_add(1))? != one;
    let outcome = other.then_some(()).ok_or("the seed changes nothing".to_owned());
    checks.push(Check::holds("determinism", "another seed", "other bytes", outcome));
    Ok(checks)
}

// --- conservation ---------------------------------------------------------------------------------------------------

fn conservation(bench: &mut Bench<'_>) -> Result<Vec<Check>, Failure> {
    let plan = plan(BUSY);
    let seconds = plan.duration.seconds();
    let records = (0..BUSY_REPLICATIONS)
        .map(|replication| record(&plan, bench, replication))
        .collect::<Result<Vec<_>, _>>()?;
    let requests: usize = records.iter().map(|r| r.rows.len()).sum();
    let each = |rule: fn(&RunRecord, f64) -> Result<(), String>| records.iter().try_for_each(|r| rule(r, seconds));
    let counted = format!("{requests} requests, nothing kept");
    Ok(vec![
        Check::holds("conservation", "the books balance", &counted, each(books)),
        Check::holds(
            "conservation",
            "Little's law on every queue",
            "to the nanosecond",
            each(little),
        ),
        Check::holds(
            "conservation",
            "shares lie within 0 and 1",
            "workers, cores, time up",
            each(shares),
        ),
    ])
}

/// Every request that arrived has ended in one way or another.
fn books(record: &RunRecord, _: f64) -> Result<(), String> {
    let (ended, came) = (record.outcomes().iter().sum::<u64>(), record.rows.len() as u64);
    (ended == came)
        .then_some(())
        .ok_or_else(|| format!("{came} came and {ended} ended"))
}

/// The integral of a queue's length equals the sum of the waiting times, if no request still waits at the end.
fn little(record: &RunRecord, seconds: f64) -> Result<(), String> {
    for node in record.nodes.iter().filter(|n| n.tally.queue_at_end == 0) {
        let (area, waits) = (node.tally.queue_length * seconds, node.wait.sum_s());
        if (area - waits).abs() > 1e-6 * (1.0 + waits) {
            return Err(format!("a queue of {area} request-seconds, waits of {waits} s"));
        }
    }
    Ok(())
}

fn shares(record: &RunRecord, _: f64) -> Result<(), String> {
    let nodes = record
        .nodes
        .iter()
        .flat_map(|n| [n.tally.utilization, Some(n.tally.up)]);
    let hosts = record.hosts.iter().flat_map(|h| [h.cpu, Some(h.up)]);
    match nodes.chain(hosts).flatten().find(|x| !(0.0..=1.0 + 1e-12).contains(x)) {
        Some(share) => Err(format!("a share of {share}")),
        None => Ok(()),
    }
}

fn record(plan: &Plan, bench: &Bench<'_>, replication: u32) -> Result<RunRecord, Failure> {
    let order = Order {
        seed: bench.seed,
        replication,
        warmup: Span::ZERO,
        lifetimes: true,
        wanted: Wanted {
            rows: true,
            ..Wanted::default()
        },
    };
    let stop = |_| bench.stop.load(std::sync::atomic::Ordering::Relaxed);
    world::run(plan, &order, &stop)
        .map_err(study::Failure::from)?
        .ok_or(Failure::Stopped)
}

// --- a failure worked out by hand -----------------------------------------------------------------------------------

/// Three users who think for a second call a server that works for a second, one request at a time. It is down from 6.5
/// to 9.5 s.
const CRASH: &str = r#"{ "duration": "12s",
    "clients": { "c": { "users": 3, "think": "1s", "entry": "s" } },
    "nodes": { "s": { "kind": "app", "workers": 1, "work": { "*": { "io": "1s" } } } },
    "faults": [{ "at": "6.5s", "for": "3s", "target": "s", "effect": "crash" }] }"#;

/// Start, end and outcome of each request. At 6.5 one is in service and one is queued; at 9.5 the server is up before
/// the next request arrives.
const DEPARTURES: [(f64, f64, Outcome); 18] = {
    use Outcome::{Ok, Refused, Reset, Unfinished};
    [
        (1.0, 2.0, Ok),
        (1.0, 3.0, Ok),
        (1.0, 4.0, Ok),
        (3.0, 5.0, Ok),
        (4.0, 6.0, Ok),
        (5.0, 6.5, Reset),
        (6.0, 6.5, Reset),
        (7.0, 7.0, Refused),
        (7.5, 7.5, Refused),
        (7.5, 7.5, Refused),
        (8.0, 8.0, Refused),
        (8.5, 8.5, Refused),
        (8.5, 8.5, Refused),
        (9.0, 9.0, Refused),
        (9.5, 10.5, Ok),
        (9.5, 11.5, Ok),
        (10.0, 12.0, Unfinished),
        (11.5, 12.0, Unfinished),
    ]
};

fn timeline(bench: &mut Bench<'_>) -> Result<Vec<Check>, Failure> {
    let plan = plan(CRASH);
    let record = record(&plan, bench, 0)?;
    let found: Vec<(f64, f64, Outcome)> = record
        .rows
        .iter()
        .map(|r| (r.arrived.seconds(), r.finished.map_or(12.0, |t| t.seconds()), r.outcome))
        .collect();
    let difference = found.iter().zip(&DEPARTURES).find(|(a, b)| a != b);
    let outcome = match difference {
        Some((found, expected)) => Err(format!("{found:?}, by hand {expected:?}")),
        None if found.len() != DEPARTURES.len() => {
            Err(format!("{} requests, by hand {}", found.len(), DEPARTURES.len()))
        }
        None => Ok(()),
    };
    let what = "a crash, by hand";
    Ok(vec![Check::holds("failures", what, "18 departures", outcome)])
}

// --- recordings -----------------------------------------------------------------------------------------------------

/// The successive picks of a real program: its name, algorithm, weights, and the picks, counted from 1.
struct Recording {
    program: &'static str,
    algorithm: &'static str,
    weights: &'static [u32],
    picks: &'static str,
}

/// HAProxy 2.6.12 and Nginx 1.22.1; `tests/recordings` has these and many more.
const RECORDINGS: [Recording; 6] = [
    Recording {
        program: "HAProxy",
        algorithm: "roundrobin",
        weights: &[3, 1],
        picks: "1112111211121112",
    },
    Recording {
        program: "HAProxy",
        algorithm: "roundrobin",
        weights: &[5, 1, 1],
        picks: "1112113111211311121131112113",
    },
    Recording {
        program: "HAProxy",
        algorithm: "static-rr",
        weights: &[1, 2, 3, 4],
        picks: "124342343412434234341243423434",
    },
    Recording {
        program: "HAProxy",
        algorithm: "leastconn",
        weights: &[3, 1],
        picks: "121212121212",
    },
    Recording {
        program: "Nginx",
        algorithm: "roundrobin",
        weights: &[5, 1, 1],
        picks: "112131111213111121311",
    },
    Recording {
        program: "Nginx",
        algorithm: "least_conn",
        weights: &[3, 1],
        picks: "112111211121",
    },
];

impl Recording {
    /// A user who makes one request per second, and the balancer in front of servers that answer at once.
    fn scenario(&self) -> String {
        let entry = |(i, weight): (usize, &u32)| format!(r#"{{ "node": "s{}", "weight": {weight} }}"#, i + 1);
        let servers: Vec<String> = self.weights.iter().enumerate().map(entry).collect();
        let (kind, choice, list) = match self.program {
            "HAProxy" => ("load-balancer", "algorithm", "servers"),
            _ => ("web", "balance", "upstreams"),
        };
        let nodes: Vec<String> = (1..=servers.len())
            .map(|i| format!(r#""s{i}": {{ "kind": "app" }}"#))
            .collect();
        format!(
            r#"{{ "duration": {}.5, "clients": {{ "c": {{ "users": 1, "think": "1s", "entry": "front" }} }},
                 "nodes": {{ "front": {{ "kind": "{kind}", "{choice}": "{}", "{list}": [{}] }}, {} }} }}"#,
            self.picks.len(),
            self.algorithm,
            servers.join(", "),
            nodes.join(", ")
        )
    }
}

fn recordings(bench: &mut Bench<'_>) -> Result<Vec<Check>, Failure> {
    let replay = |recording: &Recording| {
        let plan = plan(&recording.scenario());
        let record = record(&plan, bench, 0)?;
        // The balancer is node 0, so a server's number is the index of its node.
        let picked = |row: &crate::model::recorder::Row| row.waits.keys().map(|n| n.index()).max().unwrap_or(0);
        let found: String = record.rows.iter().map(|row| picked(row).to_string()).collect();
        let weights: Vec<String> = recording.weights.iter().map(u32::to_string).collect();
        let what = format!("{} {} {}", recording.program, recording.algorithm, weights.join(":"));
        let same = format!("its {} picks", recording.picks.len());
        let outcome = (found == recording.picks)
            .then_some(())
            .ok_or_else(|| format!("picks {found}, recorded {}", recording.picks));
        Ok(Check::holds("recordings", &what, &same, outcome))
    };
    RECORDINGS.iter().map(replay).collect()
}
