//! HAProxy recordings as scenarios: its configuration in our format, its arrivals and service times as a trace.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::fmt::Write;

use fallover::model::recorder::{Row, RunRecord};
use fallover::model::request::Outcome;
use fallover::scenario::plan::Plan;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::{plan, record};

/// A request of a recording: arrival, service time, the time at which its client gives up (seconds); and its
/// `set-priority-offset` in milliseconds.
#[derive(Copy, Clone, Debug, Default)]
pub struct Asked {
    pub at: f64,
    pub service: f64,
    pub patience: Option<f64>,
    pub offset: i32,
}

/// A recorded stack: one balancer in front of servers, and the faults injected.
pub struct Stack {
    /// The lines of the `backend` section.
    pub backend: Vec<String>,
    /// Workers of each server; 0 = as many as there are requests.
    pub workers: Vec<u32>,
    pub asked: Vec<Asked>,
    /// At, for, server, effect: `(3.0, 4.0, "s1", "crash")`.
    pub faults: Vec<(f64, f64, String, String)>,
    /// Keys of the balancer that are not in the configuration.
    pub more: Value,
    pub duration: f64,
}

impl Stack {
    /// Runs the stack with all events delayed by `later` seconds.
    pub fn run(&self, later: f64) -> (Plan, RunRecord) {
        let (scenario, _folder) = self.scenario(later);
        (plan(&scenario), record(&scenario))
    }

    /// Runs the stack, delayed so that the balancer marks the first fault's server down as long after the fault as the
    /// real one did: the phase of the checks is chance, and the rest follows from it. Also returns the delay.
    pub fn run_in_phase(&self, down_after: f64, period: f64) -> (Plan, RunRecord, f64) {
        let seen = |(_, record): &(Plan, RunRecord), later: f64| {
            let down = record.events.iter().find(|e| e.what == "down").expect("it is seen");
            down.at.seconds() - later - self.faults[0].0
        };
        let first = self.run(0.0);
        let later = (seen(&first, 0.0) - down_after).rem_euclid(period);
        let second = self.run(later);
        let off = (seen(&second, later) - down_after).abs();
        assert!(off < 1e-3, "the checks are {off} s out of phase");
        (second.0, second.1, later)
    }

    fn scenario(&self, later: f64) -> (String, TempDir) {
        let folder = tempfile::tempdir().expect("makes a directory");
        let mut clients = Map::new();
        let mut patiences: Vec<Option<f64>> = self.asked.iter().map(|a| a.patience).collect();
        patiences.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
        patiences.dedup();
        for (i, patience) in patiences.iter().enumerate() {
            let mut text = String::from("at_s,service_s,class\n");
            for asked in self.asked.iter().filter(|a| a.patience == *patience) {
                let Asked {
                    at, service, offset, ..
                } = asked;
                writeln!(text, "{:.6},{service:.6},by{offset}", at + later).expect("writes");
            }
            let file = folder.path().join(format!("{i}.csv"));
            std::fs::write(&file, text).expect("writes");
            let mut client = json!({ "arrivals": { "trace": file.to_str().expect("is text") }, "entry": "lb" });
            if let Some(patience) = patience {
                client["timeout"] = json!(patience);
            }
            clients.insert(format!("c{i}"), client);
        }
        let (balancer, servers) = self.nodes();
        let mut nodes = Map::new();
        nodes.insert("lb".into(), balancer);
        nodes.extend(servers);
        let fault = |(at, lasts, server, effect): &(f64, f64, String, String)| {
            let mut fault = json!({ "at": at + later, "for": lasts, "target": server, "effect": effect });
            if effect == "errors" {
                fault["ratio"] = json!(1);
            }
            fault
        };
        let class = |asked: &Asked| {
            let class = json!({ "keys": { "count": 1 }, "priority_offset": asked.offset });
            (format!("by{}", asked.offset), class)
        };
        let classes: Map<String, Value> = self.asked.iter().map(class).collect();
        let scenario = json!({
            "duration": self.duration + later,
            "requests": classes,
            "clients": clients,
            "nodes": nodes,
            "faults": self.faults.iter().map(fault).collect::<Vec<_>>(),
        });
        (scenario.to_string(), folder)
    }

    /// The balancer and its servers.
    fn nodes(&self) -> (Value, Map<String, Value>) {
        let mut lb = json!({ "kind": "load-balancer", "servers": [], "timeouts": { "connect": "2s", "queue": "60s" } });
        let mut servers = Map::new();
        for line in &self.backend {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["balance", algorithm] => lb["algorithm"] = json!(algorithm.split('(').next()),
                ["timeout", "check", time] => lb["check"]["timeout"] = json!(time),
                ["timeout", which, time] => lb["timeouts"][which] = json!(time),
                ["retries", n] => lb["retries"] = json!(n.parse::<u32>().expect("a number")),
                ["option", "redispatch", ..] => lb["redispatch"] = json!(true),
                ["retry-on", words @ ..] => lb["retry_on"] = json!(words),
                ["server", name, _, options @ ..] => {
                    let worker = self.workers.get(servers.len()).copied().unwrap_or(0);
                    lb["servers"]
                        .as_array_mut()
                        .expect("a list")
                        .push(server(name, options));
                    shared(&mut lb, options);
                    let mut app = json!({ "kind": "app", "work": { "*": { "io": { "trace": "service_s" } } },
                                          "abandoned": "stop" });
                    if worker > 0 {
                        app["workers"] = json!(worker);
                    }
                    servers.insert((*name).into(), app);
                }
                _ => {}
            }
        }
        let more = self.more.as_object().cloned().unwrap_or_default();
        lb.as_object_mut().expect("an object").extend(more);
        (lb, servers)
    }
}

/// The options of a `server` line that belong to the server itself.
fn server(name: &str, options: &[&str]) -> Value {
    let mut server = json!({ "node": name });
    for pair in options.windows(2) {
        if let [key @ ("maxconn" | "minconn" | "maxqueue" | "weight" | "id"), number] = pair {
            server[key] = json!(number.parse::<u32>().expect("a number"));
        }
    }
    if options.contains(&"backup") {
        server["backup"] = json!(true);
    }
    server
}

/// The options of a `server` line that belong to the balancer in our format.
fn shared(lb: &mut Value, options: &[&str]) {
    for pair in options.windows(2) {
        match pair {
            [key @ ("inter" | "fastinter" | "downinter"), time] => lb["check"][key] = json!(time),
            [key @ ("fall" | "rise"), n] => lb["check"][key] = json!(n.parse::<u32>().expect("a number")),
            ["observe", layer] => lb["observe"] = json!(layer),
            ["error-limit", n] => lb["error_limit"] = json!(n.parse::<u32>().expect("a number")),
            ["on-error", what] => lb["on_error"] = json!(what),
            ["on-marked-down", what] => lb["on_marked_down"] = json!(what),
            _ => {}
        }
    }
}

/// The status that HAProxy's client sees.
pub fn code(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "200",
        Outcome::Reset => "502",
        Outcome::ServerTimeout => "504",
        Outcome::ClientTimeout => "timeout",
        _ => "503",
    }
}

/// The rows in order of arrival.
pub fn in_order(record: &RunRecord) -> Vec<&Row> {
    let mut rows: Vec<&Row> = record.rows.iter().collect();
    rows.sort_by_key(|r| r.arrived);
    rows
}

/// The name of the last server that was chosen.
pub fn server_of<'p>(plan: &'p Plan, row: &Row) -> &'p str {
    row.server.map_or("", |s| &plan.node(s).name)
}

/// Milliseconds from arrival to answer.
pub fn response_ms(row: &Row) -> f64 {
    row.finished.map_or(f64::NAN, |t| t.since(row.arrived).seconds() * 1e3)
}

pub fn strings(value: &Value) -> Vec<String> {
    let list = value.as_array().expect("a list").iter();
    list.map(|v| v.as_str().expect("text").to_owned()).collect()
}
