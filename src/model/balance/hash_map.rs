//! `source`, `uri` and `hdr` with `hash-type map-based`: the hash indexes the table of servers.
//!
//! It is even and fast, but removing a server changes the table, and three keys in four then move.

use super::map::Map;
use super::{Ask, Balance, Change, Pool};
use crate::base::random::Draw;

/// The table.
#[derive(Debug)]
pub struct HashMap {
    map: Map,
}

impl HashMap {
    /// A table of the servers usable now.
    pub fn new(_: &Pool) -> HashMap {
        HashMap { map: Map::new() }
    }
}

impl Balance for HashMap {
    fn pick(&mut self, pool: &Pool, ask: Ask, _: &mut Draw) -> Option<usize> {
        let slots = self.map.slots(pool);
        if slots.is_empty() {
            return None;
        }
        let index = (ask.hash % slots.len() as u64) as usize;
        let mut onward = slots[index..].iter().chain(&slots[..index]).copied();
        onward.find(|&server| ask.avoid != Some(server)).or(ask.avoid)
    }

    fn changed(&mut self, _: &Pool, _: usize, change: Change) {
        if !matches!(change, Change::Taken | Change::Released) {
            self.map.changed();
        }
    }

    fn is_hash(&self) -> bool {
        true
    }
}
