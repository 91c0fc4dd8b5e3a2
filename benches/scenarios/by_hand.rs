//! M/M/1 at utilisation 0.9 written by hand, twice: the cost of a program that can do nothing else. `bare` keeps only
//! the time and the mean. `counted` collects everything that a result of this program holds, with this program's parts.
//! Neither supports time-outs, failures or partitions. The difference between them is the cost of statistics; the
//! difference between `counted` and the scenario is the cost of generality.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::hint::black_box;

use fallover::base::dist::{Dist, exp1};
use fallover::base::ids::SourceId;
use fallover::base::random::{Draw, Purpose, Streams, below, label, mix, unit};
use fallover::base::time::{Span, Time};
use fallover::engine::calendar::{Calendar, Due};
use fallover::engine::slab::{Key, Slab};
use fallover::model::event::{Class, Event};
use fallover::model::packed::Packed;
use fallover::model::station::{Entry, Station};
use fallover::stats::sketch::Sketch;
use rand::Rng;

const RATE: f64 = 90.0;
const SERVICE: Span = Span::from_millis(10);
const SECONDS: u64 = 4000;
const BINS: u64 = 300;
const CLIENTS: u64 = 1000;

/// An event list, a queue, and the sum of latencies. Returns the numbers of customers and of events.
pub fn bare() -> (u64, u64) {
    let mut draws = Streams::new(1, 0).stream("c", Purpose::Arrivals);
    let mut events = BinaryHeap::from([Reverse((0, 0, true))]);
    let (mut line, mut serving) = (VecDeque::new(), None);
    let (mut sum, mut served, mut taken) = (0, 0, 0);
    while let Some(Reverse((now, _, arrives))) = events.pop().filter(|Reverse((at, ..))| *at < SECONDS * 1_000_000_000)
    {
        taken += 1;
        let mut after =
            |mean: f64, arrives| events.push(Reverse((now + (mean * exp1(&mut draws)) as u64, taken, arrives)));
        if arrives {
            after(1e9 / RATE, true);
            line.push_back(now);
        } else if let Some(came) = serving.take() {
            sum += now - came;
            served += 1;
        }
        if serving.is_none() {
            serving = line.pop_front();
            if serving.is_some() {
                after(SERVICE.nanos() as f64, false);
            }
        }
    }
    black_box(sum);
    (served, taken)
}

/// A customer.
#[derive(Copy, Clone)]
struct Customer {
    came: Time,
    served: Time,
    seed: u64,
}

/// One bin of the timeline.
#[derive(Clone, Default)]
struct Bin {
    offered: u32,
    succeeded: u32,
    latency: Option<Sketch>,
    p99_s: Option<f64>,
}

/// The timeline, its latest bin in use, and the sketches of the finished bins.
struct Timeline {
    bins: Vec<Bin>,
    width: u64,
    current: (usize, u64, u64),
    spare: Vec<Sketch>,
}

impl Timeline {
    fn new(horizon: Time) -> Timeline {
        let width = horizon.nanos() / BINS + 1;
        Timeline {
            bins: vec![Bin::default(); BINS as usize],
            width,
            current: (0, 0, width),
            spare: Vec::new(),
        }
    }

    fn at(&mut self, time: Time) -> usize {
        let (_, begins, ends) = self.current;
        if !(begins..ends).contains(&time.nanos()) {
            let bin = time.nanos() / self.width;
            self.current = (bin as usize, bin * self.width, (bin + 1) * self.width);
        }
        self.current.0
    }

    fn served(&mut self, now: Time, came: Time) {
        let at = self.at(came);
        let over = now.nanos() >= self.current.2;
        let (bin, spare) = (&mut self.bins[at], &mut self.spare);
        bin.succeeded += 1;
        let latency = bin.latency.get_or_insert_with(|| spare.pop().unwrap_or_default());
        latency.record(now.since(came));
        if over && bin.offered == bin.succeeded {
            bin.p99_s = latency.quantile_s(0.99);
            latency.clear();
            spare.extend(bin.latency.take());
        }
    }
}

/// The same with draws keyed by request, quantiles of latency and wait, a timeline, utilisation and queue length.
pub fn counted() -> (u64, u64) {
    let streams = Streams::new(1, 0);
    let mut arrivals = streams.stream("c", Purpose::Arrivals);
    let (wishes, work) = (streams.key_of("c", Purpose::Requests), label("server").wrapping_add(2));
    let service = Dist::exponential(SERVICE);
    let horizon = Time::ZERO + Span::from_millis(SECONDS * 1000);
    let (mut calendar, mut customers) = (Calendar::<Packed>::new(0), Slab::default());
    let mut station = Station::new(Some(1), None);
    let (mut latency, mut wait) = (Sketch::default(), Sketch::default());
    let mut timeline = Timeline::new(horizon);
    let (mut came, mut served, mut inside, mut clients) = (0, 0, 0, 0);
    let arrive = Event::Arrive(SourceId::new(0)).pack();
    let begin = |calendar: &mut Calendar<Packed>, customers: &mut Slab<Customer>, frame: Key| {
        let (now, customer) = (calendar.now(), &mut customers[frame]);
        customer.served = now;
        let span = service.sample(&mut Draw::keyed(mix(customer.seed, work)));
        calendar.at(
            now + span,
            Class::Progress as u8,
            Event::Done { frame, serial: 1 }.pack(),
        );
    };
    calendar.at(Time::ZERO, Class::Arrival as u8, arrive);
    while let Some(Due::Event(event)) = calendar.next(horizon, |_| true) {
        let now = calendar.now();
        match Event::unpack(event) {
            Event::Done { frame, .. } => {
                let Some(customer) = customers.remove(frame) else {
                    continue;
                };
                if let Some(next) = station.pass_on(now, |key| customers.contains(key)) {
                    begin(&mut calendar, &mut customers, next);
                }
                let took = now.since(customer.came);
                wait.record(customer.served.since(customer.came));
                latency.record(took);
                timeline.served(now, customer.came);
                served += 1;
                inside += took.nanos();
            }
            _ => {
                let seed = mix(wishes, came);
                came += 1;
                // Its class and its client: one class, many clients.
                let mut draw = Draw::keyed(seed);
                clients += u64::from(unit(&mut draw) < 1.0) + below(&mut Draw::keyed(draw.next_u64()), CLIENTS);
                let bin = timeline.at(now);
                timeline.bins[bin].offered += 1;
                let frame = customers.insert(Customer {
                    came: now,
                    served: now,
                    seed,
                });
                if station.enter(now, frame) == Entry::Granted {
                    begin(&mut calendar, &mut customers, frame);
                }
                let gap = Span::from_seconds(exp1(&mut arrivals) / RATE);
                calendar.at(now + gap, Class::Arrival as u8, arrive);
            }
        }
    }
    let busy = station.utilization(horizon, horizon.since(Time::ZERO));
    black_box((
        timeline.bins,
        clients,
        inside,
        busy,
        latency.quantile_s(0.99),
        wait.quantile_s(0.99),
    ));
    (served, calendar.taken())
}
