//! The models that every Rust engine runs: two state machines that know no event list. An engine only says when what
//! happens. Times are in seconds.

use std::collections::VecDeque;

use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, Exp1, LogNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

/// An event.
#[derive(Copy, Clone, Debug, Serialize, Deserialize)]
pub enum Happening {
    /// A request arrives.
    Arrive,
    /// Its name lookup is done.
    LookedUp(u32),
    /// A worker of this station has finished its part of the request.
    Done(u8, u32),
}

#[derive(Copy, Clone, Serialize, Deserialize)]
enum Kind {
    Static,
    Read,
    Write,
}

#[derive(Copy, Clone, Serialize, Deserialize)]
struct Request {
    arrived: f64,
    kind: Kind,
    app: u8,
}

#[derive(Clone, Serialize, Deserialize)]
struct Station {
    free: u32,
    line: VecDeque<u32>,
}

/// A model: M/M/1 at utilisation 0.9 (`mm1`), or the small web stack of `docs/performance.md` (`stack`).
#[derive(Clone, Serialize, Deserialize)]
pub struct Work {
    is_stack: bool,
    rng: Xoshiro256PlusPlus,
    app_time: (f64, f64),
    requests: Vec<Request>,
    unused: Vec<u32>,
    stations: Vec<Station>,
    web_turn: u8,
    read_turn: u8,
    /// Requests answered, and the sum of their latencies.
    pub answered: u64,
    pub latency: f64,
}

// Stations: two Nginx, two applications, the primary and its replica. M/M/1 uses the first.
const WEB: u8 = 0;
const APP: u8 = 2;
const DATABASE: u8 = 4;

impl Work {
    /// The model of this name in its initial state.
    pub fn new(name: &str, seed: u64) -> Work {
        let is_stack = name == "stack";
        let workers: &[u32] = if is_stack { &[4, 4, 16, 16, 32, 32] } else { &[1] };
        let station = |free: &u32| Station { free: *free, line: VecDeque::new() };
        let variance = (1.0 + 0.533f64 * 0.533).ln();
        Work {
            is_stack,
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
            app_time: (0.012f64.ln() - variance / 2.0, variance.sqrt()),
            requests: Vec::new(),
            unused: Vec::new(),
            stations: workers.iter().map(station).collect(),
            web_turn: 0,
            read_turn: 0,
            answered: 0,
            latency: 0.0,
        }
    }

    /// Requests a second.
    pub fn rate(&self) -> f64 {
        if self.is_stack { 500.0 } else { 90.0 }
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        let x: f64 = Exp1.sample(&mut self.rng);
        mean * x
    }

    /// Handles an event at `now`; `after` schedules what follows.
    pub fn happen(&mut self, now: f64, what: Happening, after: &mut impl FnMut(f64, Happening)) {
        match what {
            Happening::Arrive => self.arrive(now, after),
            Happening::LookedUp(id) => self.to_web(id, after),
            Happening::Done(station, id) => self.done(now, station, id, after),
        }
    }

    fn arrive(&mut self, now: f64, after: &mut impl FnMut(f64, Happening)) {
        let gap = self.exponential(1.0 / self.rate());
        after(gap, Happening::Arrive);
        let kind = match self.rng.random::<f64>() {
            u if u < 0.3 => Kind::Static,
            u if u < 0.86 => Kind::Read,
            _ => Kind::Write,
        };
        let request = Request { arrived: now, kind, app: 0 };
        let id = match self.unused.pop() {
            Some(id) => {
                self.requests[id as usize] = request;
                id
            }
            None => {
                self.requests.push(request);
                (self.requests.len() - 1) as u32
            }
        };
        if !self.is_stack {
            self.enter(0, id, after);
        } else if self.rng.random::<f64>() < 0.1 {
            after(0.001, Happening::LookedUp(id));
        } else {
            self.to_web(id, after);
        }
    }

    fn to_web(&mut self, id: u32, after: &mut impl FnMut(f64, Happening)) {
        self.web_turn ^= 1;
        let web = self.web_turn;
        self.requests[id as usize].app = APP + web;
        self.enter(WEB + web, id, after);
    }

    fn enter(&mut self, station: u8, id: u32, after: &mut impl FnMut(f64, Happening)) {
        let at = &mut self.stations[station as usize];
        if at.free == 0 {
            at.line.push_back(id);
        } else {
            at.free -= 1;
            let span = self.service(station, id);
            after(span, Happening::Done(station, id));
        }
    }

    fn service(&mut self, station: u8, id: u32) -> f64 {
        match station {
            _ if !self.is_stack => self.exponential(0.01),
            WEB..APP => self.exponential(0.0004),
            APP..DATABASE => {
                let (mu, sigma) = self.app_time;
                LogNormal::new(mu, sigma).expect("finite").sample(&mut self.rng)
            }
            _ if matches!(self.requests[id as usize].kind, Kind::Write) => self.exponential(0.004),
            _ => self.exponential(0.002),
        }
    }

    fn leave(&mut self, station: u8, after: &mut impl FnMut(f64, Happening)) {
        let at = &mut self.stations[station as usize];
        match at.line.pop_front() {
            Some(next) => {
                let span = self.service(station, next);
                after(span, Happening::Done(station, next));
            }
            None => at.free += 1,
        }
    }

    fn done(&mut self, now: f64, station: u8, id: u32, after: &mut impl FnMut(f64, Happening)) {
        let Request { kind, app, .. } = self.requests[id as usize];
        match station {
            WEB..APP => {
                self.leave(station, after);
                if self.is_stack && !matches!(kind, Kind::Static) {
                    self.enter(app, id, after);
                } else {
                    self.answer(now, id);
                }
            }
            // The application's worker is held until the database has answered.
            APP..DATABASE => {
                let member = if matches!(kind, Kind::Write) {
                    0
                } else {
                    self.read_turn ^= 1;
                    self.read_turn
                };
                self.enter(DATABASE + member, id, after);
            }
            _ => {
                self.leave(station, after);
                self.leave(app, after);
                self.answer(now, id);
            }
        }
    }

    fn answer(&mut self, now: f64, id: u32) {
        self.answered += 1;
        self.latency += now - self.requests[id as usize].arrived;
        self.unused.push(id);
    }

    /// The line that `benches/peers/run` reads.
    pub fn report(&self) {
        let mean = self.latency / self.answered as f64;
        println!("{{\"requests\": {}, \"mean_s\": {mean}}}", self.answered);
    }
}

/// The command line: a model's name, how many requests, a seed.
pub fn asked() -> (Work, f64) {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let work = Work::new(&words[0], words[2].parse().expect("a seed"));
    let horizon = words[1].parse::<f64>().expect("a number of requests") / work.rate();
    (work, horizon)
}
