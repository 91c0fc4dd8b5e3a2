//! The cost of the engine: the event list by number of pending events, and shared cores. Whole scenarios are in
//! `scenarios.rs`.
//!
//! `cargo bench --bench engine`. Compare ratios within one run: absolute times move with the machine.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use fallover::base::random::{Purpose, Stream, Streams};
use fallover::base::time::{Span, Time};
use fallover::engine::calendar::Calendar;
use fallover::engine::slab::Slab;
use fallover::model::host::{Host, Job};
use priority_queue::PriorityQueue;
use rand::Rng;

const FOREVER: Time = Time::from_nanos(u64::MAX);

fn stream() -> Stream {
    Streams::new(1, 0).stream("bench", Purpose::Arrivals)
}

/// A delay of up to a simulated millisecond.
fn delay(rng: &mut Stream) -> u64 {
    rng.next_u64() >> 44
}

/// The hold model: take the next event, schedule another; the number of pending events is constant.
fn event_list(c: &mut Criterion) {
    let mut group = c.benchmark_group("hold");
    for pending in [10u32, 1_000, 100_000, 1_000_000] {
        group.bench_with_input(BenchmarkId::new("calendar", pending), &pending, |b, &n| {
            let (mut rng, mut calendar) = (stream(), Calendar::<u32>::new(0));
            (0..n).for_each(|i| calendar.at(Time::from_nanos(delay(&mut rng)), 0, i));
            b.iter(|| {
                let due = calendar.next(FOREVER, |_| true);
                let at = calendar.now() + Span::from_nanos(delay(&mut rng));
                calendar.at(at, 0, 0);
                black_box(due)
            });
        });
        group.bench_with_input(BenchmarkId::new("binary-heap", pending), &pending, |b, &n| {
            let (mut rng, mut heap) = (stream(), BinaryHeap::new());
            (0..n).for_each(|i| heap.push(Reverse((delay(&mut rng), i, 0u64))));
            let mut number = n;
            b.iter(|| {
                let due = heap.pop();
                let now = due.map_or(0, |Reverse(e)| e.0);
                number += 1;
                heap.push(Reverse((now + delay(&mut rng), number, 0)));
                black_box(due)
            });
        });
        group.bench_with_input(BenchmarkId::new("priority-queue", pending), &pending, |b, &n| {
            let (mut rng, mut queue) = (stream(), PriorityQueue::new());
            (0..n).for_each(|i| _ = queue.push(i, Reverse((delay(&mut rng), i))));
            let mut number = n;
            b.iter(|| {
                let due = queue.pop();
                let now = due.map_or(0, |(_, Reverse(e))| e.0);
                number += 1;
                queue.push(number, Reverse((now + delay(&mut rng), number)));
                black_box(due)
            });
        });
    }
    group.finish();
}

/// Shared cores: whenever one job ends another starts, so the number of running jobs is constant.
fn shared_cores(c: &mut Criterion) {
    let mut group = c.benchmark_group("shared-cores");
    for running in [2u32, 16, 200] {
        group.bench_with_input(BenchmarkId::new("own heap", running), &running, |b, &n| {
            let (mut rng, mut host, mut keys) = (stream(), Host::new(4, 1.0), Slab::default());
            let mut add = |host: &mut Host, rng: &mut Stream, now| {
                let job = Job {
                    frame: keys.insert(0u8),
                    serial: 0,
                };
                host.add(now, job, Span::from_nanos(delay(rng) + 1));
            };
            (0..n).for_each(|_| add(&mut host, &mut rng, Time::ZERO));
            b.iter(|| {
                let now = host.next(|_| true).expect("somebody runs");
                black_box(host.complete(now, |_| true));
                add(&mut host, &mut rng, now);
            });
        });
        group.bench_with_input(BenchmarkId::new("priority-queue", running), &running, |b, &n| {
            // The same virtual time. The queue is keyed by job, so that a job can be removed without a trace.
            let (mut rng, mut keys) = (stream(), Slab::default());
            let (mut queue, mut received, mut number) = (PriorityQueue::new(), 0u64, 0u64);
            let mut add = |queue: &mut PriorityQueue<_, _>, rng: &mut Stream, received: u64| {
                number += 1;
                queue.push(keys.insert(0u8), Reverse((received + delay(rng) + 1, number)));
            };
            (0..n).for_each(|_| add(&mut queue, &mut rng, 0));
            b.iter(|| {
                let done = queue.pop();
                received = done.map_or(received, |(_, Reverse((finish, _)))| finish);
                add(&mut queue, &mut rng, received);
                black_box(done)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, event_list, shared_cores);
criterion_main!(benches);
