//! HAProxy's picks in scripted runs (`recordings/1a…`, `1d…`), replayed with the balancing algorithms: exact.
//!
//! The driver is a minimal balancer: a pool, one queue, and health set by the script. It uses only the algorithms of
//! the simulator.

use std::collections::VecDeque;

use fallover::base::random::Draw;
use fallover::base::time::Span;
use fallover::model::balance::{self, Ask, Balance, Balancer, Change, Member, Pool, slowstart};
use fallover::scenario::plan::Algorithm;
use serde_json::Value;

#[test]
fn scripted_picks_are_exact() {
    let recording: Value = serde_json::from_str(include_str!("recordings/1a_pick_sequences.json")).unwrap();
    let observations = recording["observations"].as_array().unwrap();
    assert!(observations.len() > 30, "the recording is there");
    for script in observations {
        let mut stack = Stack::new(script);
        let seen: Vec<Value> = list(script, "ops").iter().flat_map(|op| stack.perform(op)).collect();
        assert_eq!(Value::from(seen), script["observed"], "{}", script["name"]);
    }
}

/// One backend, driven by a script.
struct Stack {
    pool: Pool,
    balancer: Balancer,
    health: Vec<Health>,
    allbackups: bool,
    /// Requests in service, and those that wait, oldest first: for any server, and for the one they are bound to.
    open: Vec<Open>,
    waiting: VecDeque<String>,
    bound: VecDeque<(String, usize)>,
    draw: Draw,
}

/// A request in service.
struct Open {
    id: String,
    server: usize,
    /// False for a request that a server fetched when it came up: it holds no slot.
    slot: bool,
}

/// Reasons why a server may not be usable.
#[derive(Clone, Default)]
struct Health {
    dead: bool,
    maint: bool,
    drain: bool,
}

impl Stack {
    fn new(script: &Value) -> Stack {
        let servers = list(script, "servers").iter().zip(1..).map(|(server, position)| {
            let options = Options(server["options"].as_str().unwrap());
            let weight = options.number("weight").unwrap_or(1);
            Member {
                weight,
                eweight: 16 * weight,
                id: options.number("id").unwrap_or(position),
                backup: options.has("backup"),
                usable: true,
                up: true,
                served: 0,
                queued: 0,
                limit: options.number("maxconn").unwrap_or(u32::MAX),
                line: options.number("maxqueue").unwrap_or(0),
            }
        });
        let mut pool = Pool {
            servers: servers.collect(),
        };
        let allbackups = script["backend_extra"].to_string().contains("allbackups");
        let health = vec![Health::default(); pool.servers.len()];
        let at_first = usable(&pool, &health, allbackups);
        for (member, usable) in pool.servers.iter_mut().zip(at_first) {
            member.usable = usable;
        }
        let balancer = balance::new(algorithm(script["balance"].as_str().unwrap()), &pool);
        Stack {
            pool,
            balancer,
            health,
            allbackups,
            open: Vec::new(),
            waiting: VecDeque::new(),
            bound: VecDeque::new(),
            draw: Draw::keyed(1),
        }
    }

    fn perform(&mut self, op: &Value) -> Vec<Value> {
        let text = |i: usize| op[i].as_str().unwrap_or_default();
        match text(0) {
            "req" => (0..op[1].as_u64().unwrap()).map(|_| self.request()).collect(),
            "open" => vec![self.open(text(1))],
            "close" => self.close(text(1)),
            "kill" => self.kill(number_of(text(1))),
            "restore" => self.set_health(number_of(text(1)), |health| health.dead = false),
            "cli" => self.command(text(1)),
            other => panic!("unknown step {other}"),
        }
    }

    /// A request arrives.
    fn request(&mut self) -> Value {
        let answer = self.open("passing");
        self.close("passing");
        answer
    }

    fn open(&mut self, id: &str) -> Value {
        if !self.pool.servers.iter().any(Member::takes_new) {
            return Value::from("503");
        }
        // While requests wait, most algorithms are not consulted: a new request joins the queue.
        if self.waiting.is_empty() || self.balancer.lets_overtake() {
            if let Some(server) = self.balancer.pick(&self.pool, Ask::default(), &mut self.draw) {
                self.give(server, id.to_owned());
                return name(server);
            }
            if let Some(server) = self.pool.lone_backup(self.allbackups)
                && self.balancer.crowds_a_lone_backup()
            {
                self.bound.push_back((id.to_owned(), server));
                self.pool.servers[server].queued += 1;
                self.balancer.changed(&self.pool, server, Change::Taken);
                return Value::from("queued");
            }
        }
        self.waiting.push_back(id.to_owned());
        Value::from("queued")
    }

    fn close(&mut self, id: &str) -> Vec<Value> {
        let Some(at) = self.open.iter().position(|open| open.id == id) else {
            return Vec::new();
        };
        let server = self.release(at);
        let sessions = self.open.iter().filter(|open| open.server == server).count() as u32;
        let limit = self.pool.servers[server].limit;
        if limit != u32::MAX && sessions < limit {
            self.serve_waiting(server)
        } else {
            Vec::new()
        }
    }

    fn kill(&mut self, server: usize) -> Vec<Value> {
        while let Some(at) = self.open.iter().position(|open| open.server == server) {
            self.release(at);
        }
        self.set_health(server, |health| health.dead = true)
    }

    /// `set server be/s1 state maint|ready|drain`, `set server be/s1 weight 5`, `set weight be/s1 5`.
    fn command(&mut self, text: &str) -> Vec<Value> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let server = number_of(
            words
                .iter()
                .find_map(|word| word.strip_prefix("be/"))
                .expect("a server of the backend"),
        );
        match words[..] {
            ["set", "server", _, "state", state] => self.set_health(server, |health| {
                (health.maint, health.drain) = (state == "maint", state == "drain");
            }),
            ["set", "server", _, "weight", weight] | ["set", "weight", _, weight] => {
                let member = &mut self.pool.servers[server];
                let before = member.weight;
                member.weight = weight.parse().unwrap();
                member.eweight = 16 * member.weight;
                if member.weight != before {
                    self.balancer.changed(&self.pool, server, Change::Weight);
                }
                self.set_health(server, |_| {})
            }
            _ => panic!("unknown command {text}"),
        }
    }

    fn set_health(&mut self, server: usize, set: impl FnOnce(&mut Health)) -> Vec<Value> {
        let was_up = self.health[server].is_up();
        set(&mut self.health[server]);
        let comes_up = !was_up && self.health[server].is_up();
        let before: Vec<(bool, bool)> = self.pool.servers.iter().map(|m| (m.usable, m.up)).collect();
        let usable = usable(&self.pool, &self.health, self.allbackups);
        for ((member, health), usable) in self.pool.servers.iter_mut().zip(&self.health).zip(usable) {
            member.up = health.is_up() && !health.drain && member.weight > 0;
            member.usable = usable;
        }
        for (server, was) in before.into_iter().enumerate() {
            let Member { usable, up, .. } = self.pool.servers[server];
            if was != (usable, up) {
                let change = if up { Change::Up } else { Change::Down };
                self.balancer.changed(&self.pool, server, change);
            }
        }
        if comes_up {
            self.fetch_waiting(server)
        } else {
            Vec::new()
        }
    }

    /// A server with a free slot takes the oldest waiting request.
    fn serve_waiting(&mut self, server: usize) -> Vec<Value> {
        let mut served = Vec::new();
        while self.pool.servers[server].has_room() {
            let id = if let Some(at) = self.bound.iter().position(|&(_, to)| to == server) {
                self.pool.servers[server].queued -= 1;
                self.balancer.changed(&self.pool, server, Change::Released);
                self.bound.remove(at).map(|(id, _)| id)
            } else if self.pool.servers[server].takes_new() {
                self.waiting.pop_front()
            } else {
                None
            };
            let Some(id) = id else { break };
            served.push(Value::from(vec![Value::from(id.as_str()), name(server)]));
            self.give(server, id);
        }
        served
    }

    /// A server that comes up fetches as many waiting requests as it has slots for.
    fn fetch_waiting(&mut self, server: usize) -> Vec<Value> {
        let member = &self.pool.servers[server];
        let room = if member.can_serve() {
            member.limit - member.served
        } else {
            0
        };
        let fetched: Vec<String> = (0..room).map_while(|_| self.waiting.pop_front()).collect();
        let mut served = Vec::new();
        for id in fetched {
            served.push(Value::from(vec![Value::from(id.as_str()), name(server)]));
            self.open.push(Open {
                id,
                server,
                slot: false,
            });
        }
        served
    }

    fn give(&mut self, server: usize, id: String) {
        self.open.push(Open { id, server, slot: true });
        self.pool.servers[server].served += 1;
        self.balancer.changed(&self.pool, server, Change::Taken);
    }

    /// Ends a request in service and returns its server.
    fn release(&mut self, at: usize) -> usize {
        let Open { server, slot, .. } = self.open.remove(at);
        if slot {
            self.pool.servers[server].served -= 1;
            self.balancer.changed(&self.pool, server, Change::Released);
        }
        server
    }
}

impl Health {
    /// A drained server counts as up.
    fn is_up(&self) -> bool {
        !self.dead && !self.maint
    }
}

fn usable(pool: &Pool, health: &[Health], allbackups: bool) -> Vec<bool> {
    let up: Vec<bool> = pool
        .servers
        .iter()
        .zip(health)
        .map(|(member, health)| member.weight > 0 && health.is_up() && !health.drain)
        .collect();
    let backup: Vec<bool> = pool.servers.iter().map(|member| member.backup).collect();
    balance::usable(&up, &backup, allbackups)
}

fn algorithm(balance: &str) -> Algorithm {
    match balance {
        "roundrobin" => Algorithm::RoundRobin,
        "static-rr" => Algorithm::StaticRr,
        "leastconn" => Algorithm::LeastConn,
        "first" => Algorithm::First,
        other => panic!("no scripts are recorded for {other}"),
    }
}

/// A server's options as in its configuration line.
struct Options<'a>(&'a str);

impl Options<'_> {
    fn has(&self, word: &str) -> bool {
        self.0.split_whitespace().any(|other| other == word)
    }

    fn number(&self, key: &str) -> Option<u32> {
        let mut words = self.0.split_whitespace();
        words.find(|word| *word == key)?;
        words.next()?.parse().ok()
    }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap()
}

/// `s1` is server 0.
fn number_of(name: &str) -> usize {
    name[1..].parse::<usize>().unwrap() - 1
}

fn name(server: usize) -> Value {
    Value::from(format!("s{}", server + 1))
}

/// `slowstart 4s` over two servers at 200 requests a second: s1 has just come up. The recording counts by quarters of a
/// second and allows one request either way, because each second the real weight changed slightly before or after a
/// request.
#[test]
fn slowstart_shares_are_those_recorded() {
    let recording: Value = serde_json::from_str(include_str!("recordings/1d_slowstart.json")).unwrap();
    let (mut runs, mut exact) = (0, 0);
    for observation in recording["observations"].as_array().unwrap() {
        let weight = Options(observation["servers"][0].as_str().unwrap())
            .number("weight")
            .unwrap();
        let picks = slowstart_picks(weight);
        let sequence: String = picks.iter().map(|server| (server + 1).to_string()).collect();
        for run in list(observation, "runs") {
            for (bin, picks) in list(run, "bins_250ms_after_up").iter().zip(picks.chunks(50)) {
                let simulated = picks.iter().filter(|&&server| server == 0).count() as i64;
                let off = simulated - bin[1].as_i64().unwrap();
                assert!(off.abs() <= 1, "{} at {} ms: {simulated}", observation["name"], bin[0]);
            }
            runs += 1;
            exact += usize::from(run["server_sequence"].as_str() == Some(sequence.as_str()));
        }
    }
    assert!(
        2 * exact > runs,
        "where the weight moved between the same two requests, all 1200 picks agree: {exact} of {runs}"
    );
}

/// The picks in the first six seconds.
fn slowstart_picks(weight: u32) -> Vec<usize> {
    let server = Member {
        weight,
        eweight: 16 * weight,
        id: 1,
        backup: false,
        usable: true,
        up: true,
        served: 0,
        queued: 0,
        limit: u32::MAX,
        line: 0,
    };
    let mut pool = Pool {
        servers: vec![server.clone(), server],
    };
    let mut balancer = balance::new(Algorithm::RoundRobin, &pool);
    let mut draw = Draw::keyed(1);
    let ramp = |ms| slowstart::eweight(weight, Span::from_millis(4000), Span::from_millis(ms));
    let change = |pool: &mut Pool, balancer: &mut Balancer, usable, eweight, change| {
        (pool.servers[0].usable, pool.servers[0].up) = (usable, usable);
        pool.servers[0].eweight = eweight;
        balancer.changed(pool, 0, change);
    };
    change(&mut pool, &mut balancer, false, 16 * weight, Change::Down);
    change(&mut pool, &mut balancer, true, ramp(0), Change::Up);
    let mut picks = Vec::new();
    for ms in (0..6000).step_by(5) {
        if ms > 0 && ms % 1000 == 0 {
            change(&mut pool, &mut balancer, true, ramp(ms), Change::Weight);
        }
        picks.push(balancer.pick(&pool, Ask::default(), &mut draw).unwrap());
    }
    picks
}
