//! HAProxy's `random(n)`: draws n servers by weight and takes the least loaded of them.
//!
//! HAProxy draws from its consistent-hashing ring, which is uneven for small weights; here a draw is exactly
//! proportional to the weight. Whether a server is full is checked only after the choice: the request then waits in the
//! backend's queue, even if another server has room.

use super::{Ask, Balance, Change, Pool};
use crate::base::random::{Draw, below};

/// The cumulative weights, and the number of draws.
#[derive(Debug)]
pub struct Random {
    draws: u32,
    /// The usable servers, each with the cumulative weight up to and including its own.
    sums: Vec<(u64, usize)>,
}

impl Random {
    /// Takes the best of this many draws, at least one.
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

    /// One server by weight, excluding the one to avoid unless it is the only one.
    fn draw_one(&self, avoid: Option<usize>, draw: &mut Draw) -> Option<usize> {
        let (total, _) = *self.sums.last()?;
        let avoided = self.sums.iter().position(|&(_, server)| avoid == Some(server));
        // The avoided server's part of the line is cut out.
        let (from, to) = avoided.map_or((total, total), |at| {
            let before = at.checked_sub(1).map_or(0, |before| self.sums[before].0);
            (before, self.sums[at].0)
        });
        let left = total - (to - from);
        if left == 0 {
            return avoid;
        }
        let point = below(draw, left);
        let point = if point < from { point } else { point + (to - from) };
        Some(self.sums[self.sums.partition_point(|&(sum, _)| sum <= point)].1)
    }
}

impl Balance for Random {
    fn pick(&mut self, pool: &Pool, ask: Ask, draw: &mut Draw) -> Option<usize> {
        let mut best = self.draw_one(ask.avoid, draw)?;
        for _ in 1..self.draws {
            let other = self.draw_one(ask.avoid, draw)?;
            let (a, b) = (&pool.servers[best], &pool.servers[other]);
            // Load over weight, in whole numbers. On a tie the later draw wins.
            if u64::from(b.served) * u64::from(a.eweight) <= u64::from(a.served) * u64::from(b.eweight) {
                best = other;
            }
        }
        Some(best).filter(|&server| pool.servers[server].can_serve())
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

#[cfg(test)]
mod tests {
    use super::super::Member;
    use super::super::conformance::healthy;
    use super::*;

    /// Two servers of equal weight, the first one full: with one draw half the requests wait, with two a quarter.
    #[test]
    fn theory_who_draws_a_full_server_waits_though_another_has_room() {
        let member = |served| Member {
            served,
            limit: 1,
            ..healthy(1)
        };
        let pool = Pool {
            servers: vec![member(1), member(0)],
        };
        for (draws, waits) in [(1, 0.5), (2, 0.25)] {
            let mut balancer = Random::new(&pool, draws);
            let mut draw = Draw::keyed(3);
            let picks: Vec<_> = (0..4000)
                .map(|_| balancer.pick(&pool, Ask::default(), &mut draw))
                .collect();
            assert!(picks.iter().flatten().all(|server| *server == 1));
            let waiting = picks.iter().filter(|pick| pick.is_none()).count() as f64 / 4000.0;
            // Four standard deviations of a binomial share.
            assert!((waiting - waits).abs() < 4.0 * libm::sqrt(waits * (1.0 - waits) / 4000.0), "{draws}: {waiting}");
        }
    }
}
