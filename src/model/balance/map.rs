//! The table behind `static-rr` and map-based hashes: each server as often as its weight says, well mixed.
//!
//! It is rebuilt at its first use after a change, so simultaneous changes cost one rebuild. The order is HAProxy's, as
//! recorded: 3:1 is `1 1 1 2`, and 1:2:3:4 is `1 2 4 3 4 2 3 4 3 4`.

use super::{Member, Pool};

/// A table of servers. Its length is the sum of the weights over their greatest common divisor.
#[derive(Debug, Default)]
pub(super) struct Map {
    slots: Vec<usize>,
    stale: bool,
}

impl Map {
    /// A map that is built at its first use.
    pub fn new() -> Map {
        Map {
            slots: Vec::new(),
            stale: true,
        }
    }

    /// A server became usable or unusable, or changed its weight.
    pub fn changed(&mut self) {
        self.stale = true;
    }

    /// The table; empty if no server is usable.
    #[inline]
    pub fn slots(&mut self, pool: &Pool) -> &[usize] {
        if self.stale {
            self.build(pool);
        }
        &self.slots
    }

    /// Every server saves its weight for each slot, and a slot costs its owner the total. HAProxy compares savings in
    /// whole slots only, so the server declared first wins until another has saved a whole slot.
    ///
    /// If the first of several backups is to serve alone, HAProxy makes the table as long as its weight but still lets
    /// the other backups save for its slots: with weights 3 and 5 the table is `1 2 2`. Only a table of one slot is
    /// entirely its own.
    fn build(&mut self, pool: &Pool) {
        let alone = pool.first_of_backups();
        let saves = |member: &Member| match alone {
            Some(_) => member.backup && member.stands(),
            None => member.usable && member.weight > 0,
        };
        let servers = pool.servers.iter().enumerate().filter(|(_, member)| saves(member));
        // Of all servers: HAProxy does not shorten the table when servers go, so an index stays valid.
        let weights = pool.servers.iter().map(|member| i64::from(member.weight));
        let divisor = weights.fold(0, gcd);
        let mut savers: Vec<(usize, i64, i64)> = servers
            .map(|(server, member)| (server, i64::from(member.weight) / divisor, 0))
            .collect();
        let total: i64 = match alone {
            Some(first) => i64::from(pool.servers[first].weight) / divisor,
            None => savers.iter().map(|(_, weight, _)| weight).sum(),
        };
        if total == 1 {
            savers.truncate(1);
        }
        self.slots.clear();
        for _ in 0..total {
            let (mut owner, mut most) = (0, i64::MIN);
            for (i, (_, weight, saved)) in savers.iter_mut().enumerate() {
                *saved += *weight;
                let whole = (*saved + total) / total;
                if whole > most {
                    (owner, most) = (i, whole);
                }
            }
            savers[owner].2 -= total;
            self.slots.push(savers[owner].0);
        }
        self.stale = false;
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
