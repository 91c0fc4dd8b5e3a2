//! Nginx's decisions in scripted runs (`recordings/5a…`, `5b…`), replayed with `limit_req` and the choice of upstreams.
//!
//! The drivers implement how a request goes from one upstream to the next, and use nothing of the simulator.

mod support;

use fallover::base::ids::NodeId;
use fallover::base::time::{Span, Time};
use fallover::model::balance::nginx::Upstreams;
use fallover::model::rate_limit::{LimitReq, Verdict};
use fallover::scenario::plan::{self, NextOn, Upstream, WebBalance};
use serde_json::{Value, json};

fn observations(text: &str) -> Vec<Value> {
    let mut recording: Value = serde_json::from_str(text).unwrap();
    serde_json::from_value(recording["observations"].take()).unwrap()
}

/// 99 % of the decisions of each run, because an arrival on the edge of a millisecond may fall either way; so may a
/// delay, and the response time of the real chain is up to a few milliseconds longer than the delay.
#[test]
fn limit_req_decides_as_recorded() {
    let (mut decisions, mut wrong) = (0, 0);
    for observation in observations(include_str!("recordings/5a_nginx_limit_req.json")) {
        for run in ["run1", "run2"] {
            let mut limit = LimitReq::new(&limit_req(&observation));
            for row in observation[run].as_array().unwrap() {
                let (at, code, response) = (row[0].as_f64().unwrap(), row[1].as_u64(), row[2].as_f64().unwrap());
                let delay = match limit.ask(Time::ZERO + Span::from_seconds(at / 1000.0)) {
                    Verdict::Serve => Some(0.0),
                    Verdict::Delay(span) => Some(1000.0 * span.seconds()),
                    Verdict::Reject => None,
                };
                decisions += 1;
                let right = match delay {
                    None => code == Some(503),
                    Some(delay) => code == Some(200) && (-2.0..10.0).contains(&(response - delay)),
                };
                wrong += usize::from(!right);
            }
        }
    }
    println!("{wrong} of {decisions}");
    assert!(decisions > 1000 && wrong * 100 <= decisions, "{wrong} of {decisions}");
}

fn limit_req(observation: &Value) -> plan::LimitReq {
    let rate = observation["rate"].as_str().unwrap();
    let (number, unit) = rate.split_once("r/").unwrap();
    let rate = 1000 * number.parse::<u64>().unwrap() / if unit == "m" { 60 } else { 1 };
    let options = observation["options"].as_str().unwrap();
    let burst = option(options, "burst").unwrap_or(0);
    let delay = if options.contains("nodelay") {
        burst
    } else {
        option(options, "delay").unwrap_or(0)
    };
    plan::LimitReq { rate, burst, delay }
}

#[test]
fn upstreams_are_chosen_as_recorded() {
    let observations = observations(include_str!("recordings/5b_nginx_upstream.json"));
    assert!(observations.len() > 20, "the recording is there");
    for script in &observations {
        let mut proxy = Proxy::new(script);
        let seen: Vec<Value> = script["ops"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|op| proxy.perform(op))
            .collect();
        // Response times are not compared: [ms, outcome, response ms].
        let strip = |row: &Value| {
            if row[0].is_number() {
                json!([row[0], row[1]])
            } else {
                row.clone()
            }
        };
        let recorded: Vec<Value> = script["observed"].as_array().unwrap().iter().map(strip).collect();
        assert_eq!(Value::from(seen), Value::from(recorded), "{}", script["name"]);
    }
}

/// One `upstream` block and its servers, driven by a script.
struct Proxy {
    upstreams: Upstreams,
    tries: usize,
    next_on: NextOn,
    modes: Vec<Mode>,
    open: Vec<(String, usize)>,
    now: Time,
}

/// The first three bytes of 127.0.0.1, from which all requests came.
const LOOPBACK: u64 = 127;

/// The behaviour of a server.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Mode {
    Answers,
    Refuses,
    AnswersEmpty,
    Answers503,
}

impl Proxy {
    fn new(script: &Value) -> Proxy {
        let extra = script["extra"].to_string();
        let balance = match &extra {
            extra if extra.contains("least_conn") => WebBalance::LeastConn,
            extra if extra.contains("ip_hash") => WebBalance::IpHash,
            _ => WebBalance::RoundRobin,
        };
        let off = extra.contains("proxy_next_upstream off");
        let options: Vec<&str> = script["servers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|server| server["options"].as_str().unwrap())
            .collect();
        let servers: Vec<Upstream> = options.iter().map(|options| upstream(options)).collect();
        Proxy {
            upstreams: Upstreams::new(balance, &servers),
            tries: if off { 1 } else { usize::MAX },
            next_on: NextOn {
                error: true,
                timeout: true,
                answer: extra.contains("http_503"),
            },
            modes: vec![Mode::Answers; servers.len()],
            open: Vec::new(),
            now: aligned(0),
        }
    }

    fn perform(&mut self, op: &Value) -> Vec<Value> {
        let text = |i: usize| op[i].as_str().unwrap_or_default();
        match text(0) {
            "req" => (0..op[1].as_u64().unwrap()).map(|_| self.request()).collect(),
            "treq" => {
                self.now = aligned(op[1].as_u64().unwrap());
                vec![json!([op[1], self.request()])]
            }
            "open" => vec![self.open(text(1))],
            "close" => {
                self.close(text(1));
                Vec::new()
            }
            "kill" => self.set_mode(text(1), Mode::Refuses),
            "restore" => self.set_mode(text(1), Mode::Answers),
            "mode" => self.set_mode(text(1), mode(text(2))),
            other => panic!("unknown step {other}"),
        }
    }

    fn set_mode(&mut self, server: &str, mode: Mode) -> Vec<Value> {
        self.modes[server[1..].parse::<usize>().unwrap() - 1] = mode;
        Vec::new()
    }

    fn request(&mut self) -> Value {
        let answer = self.open("passing");
        self.close("passing");
        answer
    }

    /// Tries server after server until one answers.
    fn open(&mut self, id: &str) -> Value {
        let (mut tried, mut log) = (Vec::new(), Vec::new());
        loop {
            let Some(server) = self.upstreams.pick(self.now, LOOPBACK, &tried) else {
                return if log.is_empty() {
                    json!("502")
                } else {
                    json!([log, "u:502"])
                };
            };
            tried.push(server);
            let name = format!("s{}", server + 1);
            let last = tried.len() >= self.tries.min(self.modes.len());
            let (counts, code) = match self.modes[server] {
                Mode::Answers => {
                    self.open.push((id.to_owned(), server));
                    log.push(name.clone());
                    return if log.len() == 1 { json!(name) } else { json!(log) };
                }
                Mode::Refuses | Mode::AnswersEmpty => (true, 502),
                Mode::Answers503 => (self.next_on.answer && !last, 503),
            };
            if counts {
                self.upstreams.failed(server, self.now);
            } else {
                self.upstreams.succeeded(server);
            }
            self.upstreams.released(server);
            log.push(format!("{name}:{code}"));
            if last || !counts {
                log.push(format!("=>{code}"));
                return json!(log);
            }
        }
    }

    fn close(&mut self, id: &str) {
        let Some(at) = self.open.iter().position(|(open, _)| open == id) else {
            return;
        };
        let (_, server) = self.open.remove(at);
        self.upstreams.succeeded(server);
        self.upstreams.released(server);
    }
}

/// Nginx uses whole seconds of the wall clock: the scripts began 0.15 s past one.
fn aligned(ms: u64) -> Time {
    Time::ZERO + Span::from_millis(1_000_000_150 + ms)
}

fn mode(name: &str) -> Mode {
    match name {
        "ok" => Mode::Answers,
        "fail" => Mode::Answers503,
        "empty" => Mode::AnswersEmpty,
        other => panic!("unknown mode {other}"),
    }
}

fn upstream(options: &str) -> Upstream {
    let number = |key| option(options, key).map(|number| number as u32);
    Upstream {
        node: NodeId::new(0),
        weight: number("weight").unwrap_or(1),
        backup: options.contains("backup"),
        // A server marked `down` has no capacity.
        max_conns: if options.contains("down") {
            Some(0)
        } else {
            number("max_conns")
        },
        max_fails: number("max_fails").unwrap_or(1),
        fail_timeout: Span::from_millis(1000 * option(options, "fail_timeout").unwrap_or(10)),
    }
}

/// `key=17`, `key=2s`.
fn option(options: &str, key: &str) -> Option<u64> {
    let value = options
        .split_whitespace()
        .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))?;
    value.trim_end_matches('s').parse().ok()
}

// --- connections ----------------------------------------------------------------------------------------------------

/// `worker_connections 20`, of which Nginx uses two itself (`5c_nginx_connections`): of many simultaneous proxied
/// requests nine are served, and the others are closed without an answer.
#[test]
fn twenty_worker_connections_carry_nine_proxied_requests() {
    let scenario = r#"{ "duration": "10s", "requests": { "static": {}, "rest": {} },
        "clients": { "c": { "arrivals": { "trace": "tests/data/fifteen.csv" }, "entry": "w" } },
        "nodes": { "w": { "kind": "web", "connections": 20, "upstreams": ["a"] },
                   "a": { "kind": "app", "work": { "*": { "io": "1s" } } } } }"#;
    let record = support::record(scenario);
    let outcomes: Vec<_> = record.rows.iter().map(|r| r.outcome.name()).collect();
    assert_eq!(outcomes[..9], ["ok"; 9]);
    assert_eq!(outcomes[9..], ["refused"; 6]);
}
