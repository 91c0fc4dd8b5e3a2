//! `source`, `uri` and `hdr` with `hash-type consistent`: servers have points on a ring, and a key belongs to the
//! nearest.
//!
//! A server has 16 points per unit of weight, so shares are uneven for small weights; the points lie where HAProxy puts
//! them, so the shares are HAProxy's. When a server goes, only its own keys move, and they return with it, since its
//! points depend only on its `id`.

use super::{Ask, Balance, Change, Pool};
use crate::base::random::Draw;

/// Number of points reserved between one server's first point and the next server's.
const ROOM: u32 = 4096;

/// The points of the usable servers, in order.
#[derive(Debug)]
pub struct HashRing {
    points: Vec<(u32, usize)>,
}

impl HashRing {
    /// A ring of the servers usable now.
    pub fn new(pool: &Pool) -> HashRing {
        let mut ring = HashRing { points: Vec::new() };
        for server in 0..pool.servers.len() {
            ring.add(pool, server);
        }
        ring.points.sort_unstable();
        ring
    }

    fn add(&mut self, pool: &Pool, server: usize) {
        let member = &pool.servers[server];
        if member.takes_new() {
            let first = member.id.wrapping_mul(ROOM);
            let points = (0..member.eweight).map(|i| (spread(first.wrapping_add(i)), server));
            self.points.extend(points);
        }
    }
}

/// Bob Jenkins' integer hash with six shifts, and HAProxy's prime. It spreads small differences over the whole ring.
fn spread(number: u32) -> u32 {
    let a = number.wrapping_add(0x7ed5_5d16).wrapping_add(number << 12);
    let a = a ^ 0xc761_c23c ^ (a >> 19);
    let a = a.wrapping_add(0x1656_67b1).wrapping_add(a << 5);
    let a = a.wrapping_add(0xd3a2_646c) ^ (a << 9);
    let a = a.wrapping_add(0xfd70_46c5).wrapping_add(a << 3);
    let a = a ^ 0xb55a_4f09 ^ (a >> 16);
    a.wrapping_mul(3_221_225_473)
}

impl Balance for HashRing {
    fn pick(&mut self, _: &Pool, ask: Ask, _: &mut Draw) -> Option<usize> {
        let hash = (ask.hash >> 32) as u32;
        let others = |&(_, server): &(u32, usize)| ask.avoid != Some(server);
        let here = self.points.partition_point(|&(point, _)| point < hash);
        let (left, right) = self.points.split_at(here);
        let after = right.iter().chain(left).copied().find(others);
        let before = left.iter().rev().chain(right.iter().rev()).copied().find(others);
        match (before, after) {
            (Some((p, before)), Some((q, after))) => {
                // Wrapping, because the ring is closed.
                Some(if hash.wrapping_sub(p) <= q.wrapping_sub(hash) {
                    before
                } else {
                    after
                })
            }
            _ => ask.avoid.filter(|_| !self.points.is_empty()),
        }
    }

    fn changed(&mut self, pool: &Pool, server: usize, change: Change) {
        if matches!(change, Change::Taken | Change::Released) {
            return;
        }
        self.points.retain(|&(_, other)| other != server);
        self.add(pool, server);
        // Stable: this sort is fast on mostly ordered input.
        self.points.sort();
    }

    fn is_hash(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::Member;
    use super::super::conformance::healthy;
    use super::*;

    fn pool(weights: &[u32]) -> Pool {
        let member = |(i, weight): (usize, &u32)| Member {
            id: i as u32 + 1,
            ..healthy(*weight)
        };
        Pool {
            servers: weights.iter().enumerate().map(member).collect(),
        }
    }

    /// The points of HAProxy 2.6.12: rings laid out this way reproduce all of 600 recorded picks for each of four lists
    /// of weights, and these shares.
    #[test]
    fn shares_are_those_of_haproxys_ring() {
        for (weights, expected) in [
            (&[1, 1][..], &[0.431, 0.569][..]),
            (&[1, 1, 1, 1], &[0.289, 0.185, 0.243, 0.283]),
            (&[5, 2, 1], &[0.648, 0.249, 0.103]),
        ] {
            let pool = pool(weights);
            let mut ring = HashRing::new(&pool);
            let mut counts = vec![0; weights.len()];
            let places = 1 << 16;
            for place in 0..places {
                let ask = Ask {
                    avoid: None,
                    hash: place << 48,
                };
                counts[ring.pick(&pool, ask, &mut Draw::keyed(0)).expect("all are up")] += 1;
            }
            for (count, share) in counts.iter().zip(expected) {
                assert!((f64::from(*count) / places as f64 - share).abs() < 0.001, "{weights:?}: {counts:?}");
            }
        }
    }
}
