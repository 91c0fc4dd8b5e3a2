//! HAProxy's `first`: the server with the lowest `id` that has room, so that the last servers can be switched off.
//!
//! Servers are ordered by `id`; equal ids by declaration.

use super::{Ask, Balance, Change, Pool};
use crate::base::random::Draw;

/// The servers by `id`.
#[derive(Debug)]
pub struct First {
    order: Vec<usize>,
}

impl First {
    /// Sorts the servers; an `id` never changes.
    pub fn new(pool: &Pool) -> First {
        let mut order: Vec<usize> = (0..pool.servers.len()).collect();
        order.sort_by_key(|&server| pool.servers[server].id);
        First { order }
    }
}

impl Balance for First {
    fn pick(&mut self, pool: &Pool, ask: Ask, _: &mut Draw) -> Option<usize> {
        pool.first_able(self.order.iter().copied(), ask.avoid)
    }

    fn changed(&mut self, _: &Pool, _: usize, _: Change) {}

    fn crowds_a_lone_backup(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::Member;
    use super::super::conformance::healthy;
    use super::*;

    #[test]
    fn the_lowest_id_with_room_is_first() {
        let member = |id, served| Member {
            id,
            served,
            limit: 2,
            ..healthy(1)
        };
        let pool = Pool {
            servers: vec![member(3, 0), member(1, 2), member(2, 1)],
        };
        let mut first = First::new(&pool);
        let mut pick = |avoid| first.pick(&pool, Ask { avoid, hash: 0 }, &mut Draw::keyed(0));
        assert_eq!(pick(None), Some(2), "1 is full");
        assert_eq!(pick(Some(2)), Some(0));
    }
}
