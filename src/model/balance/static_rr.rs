//! HAProxy's `static-rr`: cycles through a table built from the configured weights.
//!
//! It ignores `slowstart`. A change of servers rebuilds the table and keeps the index.

use super::map::Map;
use super::{Ask, Balance, Change, Pool};
use crate::base::random::Draw;

/// The table and the current index.
#[derive(Debug)]
pub struct StaticRr {
    map: Map,
    index: usize,
}

impl StaticRr {
    /// Starts at the first slot.
    pub fn new(_: &Pool) -> StaticRr {
        StaticRr {
            map: Map::new(),
            index: 0,
        }
    }
}

impl Balance for StaticRr {
    fn pick(&mut self, pool: &Pool, ask: Ask, _: &mut Draw) -> Option<usize> {
        let slots = self.map.slots(pool);
        if slots.is_empty() {
            return None;
        }
        // An index beyond the end restarts from zero, even if no server turns out to have room.
        if self.index >= slots.len() {
            self.index = 0;
        }
        let start = self.index;
        let mut avoided = None;
        for index in (start..slots.len()).chain(0..start) {
            let server = slots[index];
            // With several backups, the table may contain one not in use.
            if !pool.servers[server].has_room() {
                continue;
            }
            if ask.avoid != Some(server) {
                self.index = index + 1;
                return Some(server);
            }
            avoided = Some((server, index + 1));
        }
        let (server, next) = avoided?;
        self.index = next;
        Some(server)
    }

    fn changed(&mut self, _: &Pool, _: usize, change: Change) {
        if !matches!(change, Change::Taken | Change::Released) {
            self.map.changed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Member;
    use super::super::conformance::healthy;
    use super::*;

    /// Recorded for 1:2: after two requests all servers go, one request fails, and all come back.
    #[test]
    fn who_finds_nobody_takes_no_turn() {
        let mut pool = Pool {
            servers: vec![healthy(1), healthy(2)],
        };
        let mut balancer = StaticRr::new(&pool);
        let pick = |pool: &Pool, balancer: &mut StaticRr| balancer.pick(pool, Ask::default(), &mut Draw::keyed(0));
        let first = [pick(&pool, &mut balancer), pick(&pool, &mut balancer)];
        assert_eq!(first, [Some(0), Some(1)]);
        for usable in [false, true] {
            for server in 0..2 {
                pool.servers[server].usable = usable;
                balancer.changed(&pool, server, Change::Weight);
            }
            if !usable {
                assert_eq!(pick(&pool, &mut balancer), None);
            }
        }
        let then = [0; 7].map(|_| pick(&pool, &mut balancer).unwrap() + 1);
        assert_eq!(then, [2, 1, 2, 2, 1, 2, 2]);
    }

    #[test]
    fn the_server_to_avoid_uses_its_turn_when_it_is_alone() {
        let member = Member { limit: 1, ..healthy(1) };
        let mut pool = Pool {
            servers: vec![member.clone(), member],
        };
        let mut balancer = StaticRr::new(&pool);
        pool.servers[1].served = 1;
        let elsewhere = Ask {
            avoid: Some(0),
            hash: 0,
        };
        assert_eq!(balancer.pick(&pool, elsewhere, &mut Draw::keyed(0)), Some(0));
        pool.servers[1].served = 0;
        assert_eq!(balancer.pick(&pool, Ask::default(), &mut Draw::keyed(0)), Some(1));
    }
}
