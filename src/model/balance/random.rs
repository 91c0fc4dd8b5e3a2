//! HAProxy's `random(n)`: draws n servers by weight and takes the least loaded of them.
//!
//! HAProxy draws from its consistent-hashing ring, which is uneven where weights are small; here a draw is exactly
//! proportional to the weight. Servers that are full are drawn again, so a request waits only when nobody has room.

use super::{Ask, Balance, Change, Pool};
use crate::base::random::{Draw, below};

/// How often a draw is repeated because the server is full or to be avoided, before all servers are looked at.
const REDRAWS: u32 = 4;

/// The weights summed up, and the number of draws.
#[derive(Debug)]
pub struct Random {
    draws: u32,
    /// The usable servers, each with the sum of the weights up to and with its own.
    sums: Vec<(u64, usize)>,
}

impl Random {
    /// Takes the best of this many draws; none at all still means one.
    pub fn new(pool: &Pool, draws: u32) -> Random {
        let mut balancer = Random {
            draws: draws.max(1),
            sums: Vec::with_capacity(pool.servers.len()),
        };
        balancer.sum_up(pool);
        balancer
    }

    fn sum_up(&mut self, pool: &Pool) {
        let mut sum = 0;
        self.sums.clear();
        for (server, member) in pool.servers.iter().enumerate().filter(|(_, member)| member.takes_new()) {
            sum += u64::from(member.eweight);
            self.sums.push((sum, server));
        }
    }

    /// One server by weight, among those that can serve and are not to be avoided.
    fn draw_one(&self, pool: &Pool, avoid: Option<usize>, draw: &mut Draw) -> Option<usize> {
        let fits = |server: usize| avoid != Some(server) && pool.servers[server].can_serve();
        let (total, _) = *self.sums.last()?;
        for _ in 0..REDRAWS {
            let point = below(draw, total);
            let server = self.sums[self.sums.partition_point(|&(sum, _)| sum <= point)].1;
            if fits(server) {
                return Some(server);
            }
        }
        let able = || {
            self.sums
                .iter()
                .map(|&(_, server)| server)
                .filter(|&server| fits(server))
        };
        let weight = |server: usize| u64::from(pool.servers[server].eweight);
        let total: u64 = able().map(weight).sum();
        let mut point = if total > 0 { below(draw, total) } else { return None };
        able().find(|&server| {
            let hit = point < weight(server);
            point = point.wrapping_sub(weight(server));
            hit
        })
    }
}

impl Balance for Random {
    fn pick(&mut self, pool: &Pool, ask: Ask, draw: &mut Draw) -> Option<usize> {
        let Some(mut best) = self.draw_one(pool, ask.avoid, draw) else {
            return ask
                .avoid
                .filter(|&server| pool.servers.get(server).is_some_and(|member| member.can_serve()));
        };
        for _ in 1..self.draws {
            let other = self.draw_one(pool, ask.avoid, draw)?;
            let (a, b) = (&pool.servers[best], &pool.servers[other]);
            // Load per weight, in whole numbers. On a tie the later draw wins.
            if u64::from(b.served) * u64::from(a.eweight) <= u64::from(a.served) * u64::from(b.eweight) {
                best = other;
            }
        }
        Some(best)
    }

    fn changed(&mut self, pool: &Pool, _: usize, change: Change) {
        if !matches!(change, Change::Taken | Change::Released) {
            self.sum_up(pool);
        }
    }

    fn lets_overtake(&self) -> bool {
        true
    }
}
