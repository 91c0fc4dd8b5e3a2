//! `source`, `uri` and `hdr` with `hash-type consistent`: servers have points on a ring, and a key belongs to the nearest.
//!
//! A server has 16 points a unit of weight, so few points and uneven shares where weights are small. When one goes, only
//! its own keys move, and they move back when it returns, since its points depend on nothing but its number.

use super::{Ask, Balance, Change, Pool};
use crate::base::random::{Draw, label, mix};

/// The points of the usable servers, in order.
#[derive(Debug)]
pub struct HashRing {
    points: Vec<(u64, usize)>,
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
            let key = mix(label("ring"), server as u64);
            self.points
                .extend((0..u64::from(member.eweight)).map(|i| (mix(key, i), server)));
        }
    }
}

impl Balance for HashRing {
    fn pick(&mut self, _: &Pool, ask: Ask, _: &mut Draw) -> Option<usize> {
        let others = |&(_, server): &(u64, usize)| ask.avoid != Some(server);
        let here = self.points.partition_point(|&(point, _)| point < ask.hash);
        let (left, right) = self.points.split_at(here);
        let after = right.iter().chain(left).copied().find(others);
        let before = left.iter().rev().chain(right.iter().rev()).copied().find(others);
        match (before, after) {
            (Some((p, before)), Some((q, after))) => {
                // Round the ring, hence wrapping.
                Some(if ask.hash.wrapping_sub(p) <= q.wrapping_sub(ask.hash) {
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
        // Stable, because that sort makes use of the order already there.
        self.points.sort();
    }

    fn is_hash(&self) -> bool {
        true
    }
}
