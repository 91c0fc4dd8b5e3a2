//! The cost of a pick, and whether `priority-queue` earns its place in `leastconn`.
//!
//! One iteration is all the work of the balancer for one request: one pick, one slot taken, and another request's slot
//! released, at about two requests a server. `leastconn` stands next to two structures of our own: `scan` looks at
//! every server, `heap` is a binary heap that knows the position of each server.

use std::cmp::Reverse;
use std::hash::{BuildHasherDefault, Hasher};
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use fallover::base::random::{Draw, below, mix};
use fallover::model::balance::{self, Ask, Balance, Balancer, Change, EXAMPLES, Member, Pool};
use fallover::scenario::plan::Algorithm;
use priority_queue::PriorityQueue;

const SIZES: [usize; 4] = [2, 16, 200, 1000];

fn every_algorithm(c: &mut Criterion) {
    for &algorithm in EXAMPLES {
        let mut group = c.benchmark_group(format!("{algorithm:?}"));
        for size in SIZES {
            let mut farm = Farm::new(size, |pool| balance::new(algorithm, pool));
            group.bench_function(BenchmarkId::from_parameter(size), |b| b.iter(|| farm.request()));
        }
    }
}

fn leastconn_structures(c: &mut Criterion) {
    let mut group = c.benchmark_group("leastconn by structure");
    for size in SIZES {
        // Called without the enum around it, like the other structures.
        let mut farm = Farm::new(size, |pool| match balance::new(Algorithm::LeastConn, pool) {
            Balancer::LeastConn(balancer) => balancer,
            _ => unreachable!("leastconn was asked for"),
        });
        group.bench_function(BenchmarkId::new("tournament", size), |b| b.iter(|| farm.request()));
        let mut farm = Farm::new(size, Queue::new);
        group.bench_function(BenchmarkId::new("priority-queue", size), |b| b.iter(|| farm.request()));
        let mut farm = Farm::new(size, Heap::new);
        group.bench_function(BenchmarkId::new("heap", size), |b| b.iter(|| farm.request()));
        let mut farm = Farm::new(size, Scan::new);
        group.bench_function(BenchmarkId::new("scan", size), |b| b.iter(|| farm.request()));
    }
}

criterion_group!(benches, every_algorithm, leastconn_structures);
criterion_main!(benches);

/// A pool at a steady load of two requests a server; the request that leaves is drawn.
struct Farm<B> {
    pool: Pool,
    balancer: B,
    open: Vec<usize>,
    draw: Draw,
}

impl<B: Balance> Farm<B> {
    fn new(size: usize, make: impl Fn(&Pool) -> B) -> Farm<B> {
        let weight = |server| 1 + server as u32 % 3;
        let member = |server| Member {
            weight: weight(server),
            eweight: 16 * weight(server),
            id: server as u32,
            backup: false,
            usable: true,
            up: true,
            served: 0,
            queued: 0,
            limit: 8,
            line: 0,
        };
        let pool = Pool {
            servers: (0..size).map(member).collect(),
        };
        let balancer = make(&pool);
        let mut farm = Farm {
            pool,
            balancer,
            open: Vec::new(),
            draw: Draw::keyed(1),
        };
        for _ in 0..2 * size {
            farm.take();
        }
        farm
    }

    fn request(&mut self) {
        let leaves = below(&mut self.draw, self.open.len() as u64) as usize;
        let server = self.open.swap_remove(leaves);
        self.pool.servers[server].served -= 1;
        self.balancer.changed(&self.pool, server, Change::Released);
        self.take();
    }

    fn take(&mut self) {
        let hash = mix(9, below(&mut self.draw, u64::MAX));
        let server = self
            .balancer
            .pick(&self.pool, Ask { hash, avoid: None }, &mut self.draw)
            .expect("there is room");
        let server = black_box(server);
        self.pool.servers[server].served += 1;
        self.balancer.changed(&self.pool, server, Change::Taken);
        self.open.push(server);
    }
}

fn load(member: &Member) -> u64 {
    if member.served == 0 {
        0
    } else {
        (u64::from(member.served) + 1) * 4096 / u64::from(member.eweight)
    }
}

/// `priority-queue` with the cheapest hasher.
struct Queue {
    queue: PriorityQueue<usize, Reverse<u128>, BuildHasherDefault<ServerHasher>>,
    insertions: u64,
}

impl Queue {
    fn new(pool: &Pool) -> Queue {
        let queue = (0..pool.servers.len())
            .map(|server| (server, Reverse(server as u128)))
            .collect();
        Queue {
            queue,
            insertions: 1 << 32,
        }
    }
}

impl Balance for Queue {
    fn pick(&mut self, pool: &Pool, _: Ask, _: &mut Draw) -> Option<usize> {
        let (&least, _) = self.queue.peek()?;
        if pool.servers[least].can_serve() {
            return Some(least);
        }
        let able = self
            .queue
            .iter()
            .filter(|&(&server, _)| pool.servers[server].can_serve());
        able.max_by_key(|&(_, place)| place).map(|(&server, _)| server)
    }

    fn changed(&mut self, pool: &Pool, server: usize, _: Change) {
        self.insertions += 1;
        let place = u128::from(load(&pool.servers[server])) << 64 | u128::from(self.insertions);
        self.queue.change_priority(&server, Reverse(place));
    }
}

/// Servers are numbers already: their hash is the number itself, spread a little.
#[derive(Default)]
struct ServerHasher(u64);

impl Hasher for ServerHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only a server's number is hashed")
    }

    fn write_usize(&mut self, server: usize) {
        self.0 = (server as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// Load and insertion number of each server; every pick looks at all of them.
struct Scan {
    keys: Vec<(u64, u64)>,
    insertions: u64,
}

impl Scan {
    fn new(pool: &Pool) -> Scan {
        Scan {
            keys: (0..pool.servers.len() as u64).map(|server| (0, server)).collect(),
            insertions: 1 << 32,
        }
    }
}

impl Balance for Scan {
    fn pick(&mut self, pool: &Pool, _: Ask, _: &mut Draw) -> Option<usize> {
        let able = self
            .keys
            .iter()
            .enumerate()
            .filter(|&(server, _)| pool.servers[server].can_serve());
        able.min_by_key(|&(_, key)| *key).map(|(server, _)| server)
    }

    fn changed(&mut self, pool: &Pool, server: usize, _: Change) {
        self.insertions += 1;
        self.keys[server] = (load(&pool.servers[server]), self.insertions);
    }
}

/// A binary heap of (load, insertion number, server), and each server's position in it.
struct Heap {
    heap: Vec<(u64, u64, usize)>,
    places: Vec<usize>,
    insertions: u64,
}

impl Heap {
    fn new(pool: &Pool) -> Heap {
        let servers = 0..pool.servers.len();
        Heap {
            heap: servers.clone().map(|server| (0, 0, server)).collect(),
            places: servers.collect(),
            insertions: 0,
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.places[self.heap[a].2] = a;
        self.places[self.heap[b].2] = b;
    }

    fn sift(&mut self, mut at: usize) {
        while at > 0 && self.heap[at] < self.heap[(at - 1) / 2] {
            self.swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
        loop {
            let children = (2 * at + 1)..(2 * at + 3).min(self.heap.len());
            let Some(least) = children.min_by_key(|&child| self.heap[child]) else {
                return;
            };
            if self.heap[at] <= self.heap[least] {
                return;
            }
            self.swap(at, least);
            at = least;
        }
    }
}

impl Balance for Heap {
    fn pick(&mut self, pool: &Pool, _: Ask, _: &mut Draw) -> Option<usize> {
        let &(_, _, least) = self.heap.first()?;
        if pool.servers[least].can_serve() {
            return Some(least);
        }
        let able = self
            .heap
            .iter()
            .filter(|&&(_, _, server)| pool.servers[server].can_serve());
        able.min().map(|&(_, _, server)| server)
    }

    fn changed(&mut self, pool: &Pool, server: usize, _: Change) {
        self.insertions += 1;
        let at = self.places[server];
        self.heap[at] = (load(&pool.servers[server]), self.insertions, server);
        self.sift(at);
    }
}
