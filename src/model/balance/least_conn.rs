//! HAProxy's `leastconn`: the server with the fewest requests for its weight; ties go to the one that has waited
//! longest.
//!
//! An idle server has load zero whatever its weight. So an idle farm is visited in turn, and an idle light server is
//! preferred to a busy heavy one. A server with a `maxqueue` is full only if its own queue is too.

use super::{Ask, Balance, Change, Member, Pool};
use crate::base::random::Draw;

/// The servers by load, active and backup separately; a backup keeps its place while it is not in use.
#[derive(Debug)]
pub struct LeastConn {
    ranks: [Tournament; 2],
    /// Insertions so far. A server goes behind its equals whenever its load or weight changes, even if it is idle.
    insertions: u64,
}

/// Load, insertion number and server in one word, so that the smallest word is the next server.
type Place = u128;

/// Place of a server that gets no requests.
const OUT: Place = Place::MAX;

/// Most servers that fit into a [`Place`]; a scenario has far fewer nodes.
const MOST_SERVERS: usize = 1 << 20;

fn server_of(place: Place) -> usize {
    place as usize % MOST_SERVERS
}

impl LeastConn {
    /// All idle, in order of declaration.
    pub fn new(pool: &Pool) -> LeastConn {
        let size = pool.servers.len();
        assert!(size <= MOST_SERVERS, "{size} servers");
        let mut balancer = LeastConn {
            ranks: [Tournament::new(size), Tournament::new(size)],
            insertions: 0,
        };
        for server in 0..size {
            balancer.settle(pool, server);
        }
        balancer
    }

    /// A server became usable or unusable.
    fn settle(&mut self, pool: &Pool, server: usize) {
        let member = &pool.servers[server];
        let rank = &mut self.ranks[usize::from(member.backup)];
        let before = rank.place(server);
        if !member.stands() {
            if before != OUT {
                rank.set(server, OUT);
            }
        } else if before == OUT {
            self.requeue(member, server);
        }
    }

    /// Puts the server behind all those with its load.
    #[inline]
    fn requeue(&mut self, member: &Member, server: usize) {
        self.insertions += 1;
        let place = Place::from(load(member)) << 64 | Place::from(self.insertions) << 20 | server as Place;
        self.ranks[usize::from(member.backup)].set(server, place);
    }
}

/// HAProxy's key: requests over weight, counting one more request. It changes with every request.
fn load(member: &Member) -> u64 {
    match u64::from(member.served) + u64::from(member.queued) {
        0 => 0,
        busy => (busy + 1) * 4096 / u64::from(member.eweight.max(1)),
    }
}

impl Balance for LeastConn {
    fn pick(&mut self, pool: &Pool, ask: Ask, _: &mut Draw) -> Option<usize> {
        self.ranks.iter().find_map(|rank| {
            let least = rank.least();
            if least == OUT {
                return None;
            }
            if ask.avoid != Some(server_of(least)) && pool.servers[server_of(least)].can_keep() {
                return Some(server_of(least));
            }
            // The least loaded is full, but heavier servers may have room. Rare, so all servers are searched.
            let able = rank
                .places()
                .filter(|&place| place != OUT && pool.servers[server_of(place)].can_keep());
            able.min_by_key(|&place| (ask.avoid == Some(server_of(place)), place))
                .map(server_of)
        })
    }

    #[inline]
    fn changed(&mut self, pool: &Pool, server: usize, change: Change) {
        let member = &pool.servers[server];
        let ranked = self.ranks[usize::from(member.backup)].place(server) != OUT;
        match change {
            Change::Taken | Change::Released if !ranked => {}
            Change::Taken | Change::Released => self.requeue(member, server),
            Change::Weight if ranked && member.eweight > 0 => self.requeue(member, server),
            Change::Weight | Change::Up | Change::Down => self.settle(pool, server),
        }
    }

    fn lets_overtake(&self) -> bool {
        true
    }

    fn crowds_a_lone_backup(&self) -> bool {
        true
    }
}

/// A tournament tree: places in the upper half, the smaller of each pair one level below, the smallest of all at 1.
///
/// It replaces the crate `priority-queue`, which took longer. Nanoseconds for a request's operations
/// (`benches/balance.rs`: one released, one picked and taken; medians, two shared cores), `priority-queue` against
/// this: 42 and 36 at 2 servers, 58 and 50 at 16, 103 and 84 at 200, 124 and 82 at 1,000; over several runs it took 2
/// to 16, 4 to 32, 20 to 42 and 43 to 51 % longer. Here no item is hashed and no order restored. A search of every
/// server takes 17, 52, 318 and 1,855.
#[derive(Debug)]
struct Tournament {
    nodes: Vec<Place>,
}

impl Tournament {
    fn new(size: usize) -> Tournament {
        Tournament {
            nodes: vec![OUT; 2 * size.next_power_of_two().max(2)],
        }
    }

    #[inline]
    fn least(&self) -> Place {
        self.nodes[1]
    }

    fn place(&self, server: usize) -> Place {
        self.nodes[self.nodes.len() / 2 + server]
    }

    fn places(&self) -> impl Iterator<Item = Place> + '_ {
        self.nodes[self.nodes.len() / 2..].iter().copied()
    }

    #[inline]
    fn set(&mut self, server: usize, place: Place) {
        let (mut at, mut least) = (self.nodes.len() / 2 + server, place);
        self.nodes[at] = place;
        while at > 1 {
            least = least.min(self.nodes[at ^ 1]);
            at /= 2;
            self.nodes[at] = least;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::conformance::healthy;
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

    /// A new weight counts at once for a busy server, and moves an idle one behind the other idle ones.
    #[test]
    fn a_server_with_a_new_weight_goes_behind_its_equals() {
        let member = |served| Member { served, ..healthy(1) };
        let mut pool = Pool {
            servers: vec![member(0), member(0), member(3)],
        };
        let mut balancer = LeastConn::new(&pool);
        assert_eq!(
            reweigh(&mut balancer, &mut pool, 0, 5),
            Some(1),
            "0 is now the last of the idle"
        );
        for server in [0, 1] {
            pool.servers[server].served = 1;
            balancer.changed(&pool, server, Change::Taken);
        }
        assert_eq!(
            reweigh(&mut balancer, &mut pool, 1, 2),
            Some(0),
            "1 over 5 is less than 1 over 2"
        );
        assert_eq!(
            reweigh(&mut balancer, &mut pool, 2, 50),
            Some(2),
            "3 over 50 is less still"
        );
    }

    fn reweigh(balancer: &mut LeastConn, pool: &mut Pool, server: usize, weight: u32) -> Option<usize> {
        pool.servers[server].weight = weight;
        pool.servers[server].eweight = 16 * weight;
        balancer.changed(pool, server, Change::Weight);
        balancer.pick(pool, Ask::default(), &mut Draw::keyed(0))
    }

    proptest! {
        #[test]
        fn picks_are_those_of_a_searched_list(
            servers in prop::collection::vec((1u32..5, 1u32..6), 1..9),
            departures in prop::collection::vec(0usize..12, 1..200),
        ) {
            let member = |&(weight, limit): &(u32, u32)| Member { limit, ..healthy(weight) };
            let mut pool = Pool { servers: servers.iter().map(member).collect() };
            let (mut fast, mut slow) = (LeastConn::new(&pool), Listed::default());
            for server in 0..pool.servers.len() {
                slow.settle(&pool, server);
            }
            for departure in departures {
                let pick = fast.pick(&pool, Ask::default(), &mut Draw::keyed(0));
                prop_assert_eq!(pick, slow.pick(&pool));
                let busy = pool.servers.get(departure).is_some_and(|member| member.served > 0);
                let leaves = busy.then_some((departure, Change::Released));
                let changes = [leaves, pick.map(|server| (server, Change::Taken))];
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
