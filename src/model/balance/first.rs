//! HAProxy's `first`: the server with the lowest `id` that has room, so that the last ones can be switched off.
//!
//! The order is that of `id`, not of declaration; between equal ids, declaration decides.

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
}
