//! HAProxy's `leastconn`: the server with the fewest requests for its weight; among equals, the one that has waited longest.
//!
//! An idle server has load nothing whatever its weight, so an idle farm is visited in turn, and an idle light server is
//! preferred to a busy heavy one.

use std::cmp::Reverse;
use std::hash::{BuildHasherDefault, Hasher};

use priority_queue::PriorityQueue;

use super::{Ask, Balance, Change, Member, Pool};
use crate::base::random::Draw;

/// The servers by load, actives and backups apart: a backup keeps its place among the backups between its turns.
#[derive(Debug)]
pub struct LeastConn {
    queues: [Queue; 2],
    /// Insertions so far: a server goes behind its equals whenever its load changes.
    insertions: u64,
}

/// Servers by load and by when they were put there, the least first.
type Queue = PriorityQueue<usize, Reverse<(u64, u64)>, BuildHasherDefault<ServerHasher>>;

impl LeastConn {
    /// All idle, in order of declaration.
    pub fn new(pool: &Pool) -> LeastConn {
        let mut balancer = LeastConn {
            queues: Default::default(),
            insertions: 0,
        };
        for server in 0..pool.servers.len() {
            balancer.settle(pool, server);
        }
        balancer
    }

    /// Puts the server where its load belongs; it stays where it is if that has not changed.
    fn settle(&mut self, pool: &Pool, server: usize) {
        let member = &pool.servers[server];
        let queue = &mut self.queues[usize::from(member.backup)];
        if !member.takes_new() {
            if !pool.is_benched(server) {
                queue.remove(&server);
            }
            return;
        }
        let load = load(member);
        if queue
            .get_priority(&server)
            .is_none_or(|Reverse((before, _))| *before != load)
        {
            self.insertions += 1;
            queue.push(server, Reverse((load, self.insertions)));
        }
    }
}

/// HAProxy's key: requests per weight, this one included.
fn load(member: &Member) -> u64 {
    match u64::from(member.served) + u64::from(member.queued) {
        0 => 0,
        busy => (busy + 1) * 4096 / u64::from(member.eweight),
    }
}

impl Balance for LeastConn {
    fn pick(&mut self, pool: &Pool, ask: Ask, _: &mut Draw) -> Option<usize> {
        self.queues.iter().find_map(|queue| {
            let (&least, _) = queue.peek()?;
            if ask.avoid != Some(least) && pool.servers[least].can_serve() {
                return Some(least);
            }
            // The least loaded is full: heavier servers may not be. Rare enough to look at all of them.
            let able = queue.iter().filter(|&(&server, _)| pool.servers[server].can_serve());
            able.max_by_key(|&(&server, priority)| (ask.avoid != Some(server), priority))
                .map(|(&server, _)| server)
        })
    }

    fn changed(&mut self, pool: &Pool, server: usize, _: Change) {
        self.settle(pool, server);
    }
}

/// Servers are numbers already: their hash is themselves, spread a little.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The slow twin: a list in order of insertion, searched from the front.
    #[derive(Default)]
    struct Listed(Vec<(usize, u64)>);

    impl Listed {
        fn settle(&mut self, pool: &Pool, server: usize) {
            let load = load(&pool.servers[server]);
            if !self.0.contains(&(server, load)) {
                self.0.retain(|&(other, _)| other != server);
                self.0.push((server, load));
            }
        }

        fn pick(&self, pool: &Pool) -> Option<usize> {
            let able = self.0.iter().filter(|&&(server, _)| pool.servers[server].can_serve());
            able.min_by_key(|&&(_, load)| load).map(|&(server, _)| server)
        }
    }

    proptest! {
        #[test]
        fn picks_are_those_of_a_searched_list(
            servers in prop::collection::vec((1u32..5, 1u32..6), 1..9),
            departures in prop::collection::vec(0usize..12, 1..200),
        ) {
            let member = |&(weight, limit): &(u32, u32)| Member {
                weight, eweight: 16 * weight, id: 1, backup: false, usable: true, served: 0, queued: 0, limit,
            };
            let mut pool = Pool { servers: servers.iter().map(member).collect() };
            let (mut fast, mut slow) = (LeastConn::new(&pool), Listed::default());
            for server in 0..pool.servers.len() {
                slow.settle(&pool, server);
            }
            for departure in departures {
                let pick = fast.pick(&pool, Ask::default(), &mut Draw::keyed(0));
                prop_assert_eq!(pick, slow.pick(&pool));
                let changes = [pick.map(|server| (server, Change::Taken)), Some((departure, Change::Released))];
                for (server, change) in changes.into_iter().flatten() {
                    let Some(member) = pool.servers.get_mut(server) else { continue };
                    member.served = if change == Change::Taken { member.served + 1 } else { member.served.saturating_sub(1) };
                    fast.changed(&pool, server, change);
                    slow.settle(&pool, server);
                }
            }
        }
    }
}
