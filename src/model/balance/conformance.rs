//! What every algorithm must do, tested on each one in the list. A new algorithm is tested as soon as it is listed.

use proptest::prelude::*;

use super::{Ask, Balance, Balancer, Change, EXAMPLES, Member, Pool, new, usable};
use crate::base::random::{Draw, mix};
use crate::scenario::plan::Algorithm;

/// An operation on a farm. Server numbers are taken modulo the number of servers.
#[derive(Clone, Debug)]
enum Step {
    Request { hash: u64, avoid: Option<usize> },
    Done(usize),
    UpOrDown(usize),
    Weight(usize, u32),
}

fn member() -> impl Strategy<Value = Member> {
    let limit = prop_oneof![1 => Just(u32::MAX), 2 => 1u32..4];
    (
        prop_oneof![4 => 1u32..5, 1 => 0u32..=256],
        1u32..9,
        prop::bool::weighted(0.25),
        limit,
    )
        .prop_map(|(weight, id, backup, limit)| Member {
            id,
            backup,
            limit,
            ..healthy(weight)
        })
}

/// A server that is up and idle, and has no limit.
pub(super) fn healthy(weight: u32) -> Member {
    Member {
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
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (any::<u64>(), prop::option::weighted(0.2, 0usize..9)).prop_map(|(hash, avoid)| Step::Request { hash, avoid }),
        4 => (0usize..99).prop_map(Step::Done),
        1 => (0usize..9).prop_map(Step::UpOrDown),
        1 => (0usize..9, 0u32..40).prop_map(|(server, weight)| Step::Weight(server, weight)),
    ]
}

proptest! {
    /// A pick can serve, the server to avoid comes last, and there is no pick only if no server can serve.
    #[test]
    fn a_pick_is_right_or_rightly_none(
        servers in prop::collection::vec(member(), 1..9),
        allbackups: bool,
        steps in prop::collection::vec(step(), 1..300),
    ) {
        for &algorithm in EXAMPLES {
            let mut farm = Farm::new(algorithm, servers.clone(), allbackups);
            for step in &steps {
                farm.perform(step);
            }
        }
    }
}

/// A pool, its balancer, and the requests in service.
struct Farm {
    algorithm: Algorithm,
    pool: Pool,
    balancer: Balancer,
    up: Vec<bool>,
    allbackups: bool,
    open: Vec<usize>,
    draw: Draw,
}

impl Farm {
    fn new(algorithm: Algorithm, servers: Vec<Member>, allbackups: bool) -> Farm {
        let up = vec![true; servers.len()];
        let numbered = |(i, member): (usize, Member)| Member {
            id: i as u32 + 1,
            ..member
        };
        let pool = Pool {
            servers: servers.into_iter().enumerate().map(numbered).collect(),
        };
        let balancer = new(algorithm, &pool);
        let mut farm = Farm {
            algorithm,
            pool,
            balancer,
            up,
            allbackups,
            open: Vec::new(),
            draw: Draw::keyed(7),
        };
        farm.settle();
        farm.balancer = new(algorithm, &farm.pool);
        farm
    }

    fn perform(&mut self, step: &Step) {
        let n = self.up.len();
        match *step {
            Step::Request { hash, avoid } => self.request(Ask {
                hash,
                avoid: avoid.map(|server| server % n),
            }),
            Step::Done(i) if !self.open.is_empty() => {
                let server = self.open.swap_remove(i % self.open.len());
                self.pool.servers[server].served -= 1;
                self.balancer.changed(&self.pool, server, Change::Released);
            }
            Step::Done(_) => {}
            Step::UpOrDown(server) => {
                self.up[server % n] ^= true;
                self.settle();
            }
            Step::Weight(server, weight) => {
                self.pool.servers[server % n].weight = weight;
                self.pool.servers[server % n].eweight = 16 * weight;
                self.balancer.changed(&self.pool, server % n, Change::Weight);
                self.settle();
            }
        }
    }

    /// Tells the balancer which servers became usable or unusable.
    fn settle(&mut self) {
        self.pool.settle(&mut self.balancer, &self.up, self.allbackups);
    }

    fn request(&mut self, ask: Ask) {
        // A hash names its server with or without room.
        let hash = self.balancer.is_hash();
        // In HAProxy's tables a backup that serves alone gives slots to the other backups.
        let lends = self.algorithm.is_static() && self.pool.first_of_backups().is_some();
        let may = |member: &Member| {
            if lends {
                member.backup && member.stands()
            } else {
                member.takes_new()
            }
        };
        let fits = |member: &Member| may(member) && (hash || member.has_room());
        let fitting = self.pool.servers.iter().filter(|member| fits(member)).count();
        // Such a table need not contain all of them.
        let fitting = if lends { fitting.min(1) } else { fitting };
        let pick = self.balancer.pick(&self.pool, ask, &mut self.draw);
        let Some(server) = pick else {
            // A random draw may hit a full server.
            let draws = matches!(self.algorithm, Algorithm::Random { .. });
            let full = self.pool.servers.iter().any(|member| may(member) && !member.has_room());
            return assert!(
                fitting == 0 || lends || draws && full,
                "{:?} found nobody",
                self.algorithm
            );
        };
        assert!(
            fits(&self.pool.servers[server]),
            "{:?} picked one that cannot serve",
            self.algorithm
        );
        assert!(
            fitting == 1 || ask.avoid != Some(server),
            "{:?} picked the one to avoid",
            self.algorithm
        );
        self.open.push(server);
        self.pool.servers[server].served += 1;
        self.balancer.changed(&self.pool, server, Change::Taken);
    }
}

/// Long-lived requests share the servers by weight, within chance.
#[test]
fn theory_weights_are_respected() {
    const REQUESTS: u32 = 6000;
    for &algorithm in EXAMPLES.iter().filter(|&&algorithm| algorithm != Algorithm::First) {
        let mut farm = Farm::new(algorithm, [30, 20, 10].map(healthy).into(), false);
        for i in 0..REQUESTS {
            farm.request(Ask {
                hash: mix(5, u64::from(i)),
                avoid: None,
            });
        }
        for member in &farm.pool.servers {
            let share = f64::from(member.weight) / 60.0;
            // A binomial count for random draws; on the ring, a server with k points has a share known to about 1/√k.
            let chance = libm::sqrt(share * (1.0 - share) / f64::from(REQUESTS));
            let ring = share / libm::sqrt(f64::from(member.eweight));
            let tolerance = match algorithm {
                Algorithm::Random { .. } | Algorithm::Hash { consistent: false, .. } => 4.0 * chance,
                Algorithm::Hash { consistent: true, .. } => 4.0 * (chance + ring),
                _ => 3.0 / f64::from(REQUESTS),
            };
            let off = f64::from(member.served) / f64::from(REQUESTS) - share;
            assert!(
                off.abs() <= tolerance,
                "{algorithm:?}: {} of {REQUESTS} for {}",
                member.served,
                member.weight
            );
        }
    }
}

/// Backups serve only if no active server is up: the first one, or all with `allbackups`.
#[test]
fn backups_wait_for_their_turn() {
    let backup = [false, true, true, false];
    assert_eq!(
        usable(&[true, true, true, false], &backup, false),
        [true, false, false, false]
    );
    assert_eq!(
        usable(&[false, true, true, false], &backup, false),
        [false, true, false, false]
    );
    assert_eq!(
        usable(&[false, false, true, false], &backup, false),
        [false, false, true, false]
    );
    assert_eq!(
        usable(&[false, true, true, false], &backup, true),
        [false, true, true, false]
    );
    assert_eq!(usable(&[false; 4], &backup, true), [false; 4]);
}
