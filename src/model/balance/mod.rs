//! Load-balancing algorithms: given the servers and who they are busy with, which one is next?
//!
//! An algorithm answers one question from one read-only view. It never sees the world, never schedules, never logs. Each
//! is one file (what it is, its parameters, the algorithm, its tests) and one line in the list below.

use crate::base::random::Draw;
use crate::scenario::plan::{Algorithm, HashOf};

/// The list. A line is a file and its type, the Plan's word for it with an example, and how it is made from the servers.
macro_rules! algorithms {
    ($($file:ident::$name:ident is $pattern:pat, such as $example:expr, made by $new:expr;)+) => {
        $(mod $file;)+

        /// A balancer of any kind: an enum, so that a pick costs a jump and no allocation.
        #[derive(Debug)]
        #[expect(clippy::large_enum_variant, reason = "one a backend, made once and never moved")]
        pub enum Balancer {
            $(
                #[doc = concat!("See `", stringify!($file), ".rs`.")]
                $name($file::$name),
            )+
        }

        /// One of each: what the conformance tests run.
        pub const EXAMPLES: &[Algorithm] = &[$($example),+];

        /// A balancer that has not served anybody yet.
        pub fn new(algorithm: Algorithm, pool: &Pool) -> Balancer {
            match algorithm {
                $($pattern => Balancer::$name($new(pool)),)+
            }
        }

        impl Balance for Balancer {
            #[inline]
            fn pick(&mut self, pool: &Pool, ask: Ask, draw: &mut Draw) -> Option<usize> {
                match self {
                    $(Balancer::$name(it) => it.pick(pool, ask, draw),)+
                }
            }

            #[inline]
            fn changed(&mut self, pool: &Pool, server: usize, change: Change) {
                match self {
                    $(Balancer::$name(it) => it.changed(pool, server, change),)+
                }
            }

            fn is_hash(&self) -> bool {
                match self {
                    $(Balancer::$name(it) => it.is_hash(),)+
                }
            }

            fn lets_overtake(&self) -> bool {
                match self {
                    $(Balancer::$name(it) => it.lets_overtake(),)+
                }
            }

            fn crowds_a_lone_backup(&self) -> bool {
                match self {
                    $(Balancer::$name(it) => it.crowds_a_lone_backup(),)+
                }
            }
        }
    };
}

algorithms! {
    round_robin::RoundRobin is Algorithm::RoundRobin, such as Algorithm::RoundRobin,
        made by round_robin::RoundRobin::new;
    static_rr::StaticRr is Algorithm::StaticRr, such as Algorithm::StaticRr,
        made by static_rr::StaticRr::new;
    least_conn::LeastConn is Algorithm::LeastConn, such as Algorithm::LeastConn,
        made by least_conn::LeastConn::new;
    first::First is Algorithm::First, such as Algorithm::First,
        made by first::First::new;
    random::Random is Algorithm::Random { draws }, such as Algorithm::Random { draws: 2 },
        made by |pool| random::Random::new(pool, draws);
    hash_map::HashMap is Algorithm::Hash { consistent: false, .. },
        such as Algorithm::Hash { of: HashOf::Key, consistent: false },
        made by hash_map::HashMap::new;
    hash_ring::HashRing is Algorithm::Hash { consistent: true, .. },
        such as Algorithm::Hash { of: HashOf::Key, consistent: true },
        made by hash_ring::HashRing::new;
}

mod map;
pub mod nginx;
pub mod slowstart;

#[cfg(test)]
mod conformance;

/// Which servers may be given requests: the active ones that are up; where there are none, the first backup that is up,
/// or with `allbackups` every one.
pub fn usable(up: &[bool], backup: &[bool], allbackups: bool) -> Vec<bool> {
    let any_active = up.iter().zip(backup).any(|(&up, &backup)| up && !backup);
    let mut places = match (any_active, allbackups) {
        (true, _) => 0,
        (false, false) => 1,
        (false, true) => usize::MAX,
    };
    let mut admit = |up: bool, backup: bool| {
        let may = up && (!backup || places > 0);
        places -= usize::from(may && backup);
        may
    };
    up.iter().zip(backup).map(|(&up, &backup)| admit(up, backup)).collect()
}

/// What an algorithm may see of a backend.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    /// The servers, in order of declaration.
    pub servers: Vec<Member>,
}

/// What an algorithm may see of one server.
#[derive(Clone, Debug)]
pub struct Member {
    /// `weight` as configured or changed at run time; 0 = gets nothing new.
    pub weight: u32,
    /// The weight in force, in sixteenths (`weight` × 16, less during `slowstart`).
    pub eweight: u32,
    /// `id`, for `first`.
    pub id: u32,
    /// Is it a `backup`?
    pub backup: bool,
    /// May it be given requests: up, not in maintenance, not draining, and its turn as a backup has come?
    pub usable: bool,
    /// Is it up and not taken out, whether or not its turn as a backup has come?
    pub up: bool,
    /// Requests in service on it, connections being made included.
    pub served: u32,
    /// Requests waiting in its own queue (hash algorithms, and `leastconn` with a `maxqueue`).
    pub queued: u32,
    /// The most it may serve at once just now (`u32::MAX` = no limit).
    pub limit: u32,
    /// `maxqueue`: how many more `leastconn` gives it, to wait in its own queue.
    pub line: u32,
}

impl Member {
    /// Is there room for one more?
    #[inline]
    pub fn has_room(&self) -> bool {
        self.served < self.limit
    }

    /// Has it a place in the algorithm? A backup keeps its place while others serve.
    #[inline]
    pub fn stands(&self) -> bool {
        self.up && self.eweight > 0
    }

    /// May it be given requests at all, now or when there is room?
    #[inline]
    pub fn takes_new(&self) -> bool {
        self.usable && self.eweight > 0
    }

    /// Can it take a request right now, be it to wait in its own queue as far as `maxqueue` goes?
    #[inline]
    pub fn can_keep(&self) -> bool {
        let (has, may) = (
            u64::from(self.served) + u64::from(self.queued),
            u64::from(self.limit) + u64::from(self.line),
        );
        self.takes_new() && has < may
    }

    /// Can it take a request right now?
    #[inline]
    pub fn can_serve(&self) -> bool {
        self.takes_new() && self.has_room()
    }
}

impl Pool {
    /// Works out anew who may be given requests where these servers are able to serve, and tells the algorithm what changed.
    pub fn settle(&mut self, algorithm: &mut Balancer, able: &[bool], allbackups: bool) {
        let members = || self.servers.iter();
        let up: Vec<bool> = members().zip(able).map(|(m, &able)| able && m.weight > 0).collect();
        let backup: Vec<bool> = members().map(|m| m.backup).collect();
        let before: Vec<(bool, bool)> = members().map(|m| (m.usable, m.up)).collect();
        let now = usable(&up, &backup, allbackups).into_iter().zip(up);
        for (member, (usable, up)) in self.servers.iter_mut().zip(now) {
            (member.usable, member.up) = (usable, up);
        }
        for (server, was) in before.into_iter().enumerate() {
            let Member { usable, up, .. } = self.servers[server];
            if was != (usable, up) {
                let change = if up { Change::Up } else { Change::Down };
                algorithm.changed(self, server, change);
            }
        }
    }

    /// The backup that serves while others that are up have to wait, where no active server is left.
    fn first_of_backups(&self) -> Option<usize> {
        let waits = |member: &Member| member.backup && member.stands() && !member.usable;
        let first = self.servers.iter().position(Member::takes_new)?;
        (self.servers[first].backup && self.servers.iter().any(waits)).then_some(first)
    }

    /// The backup that stands in alone for all the active servers, unless all backups do.
    pub fn lone_backup(&self, allbackups: bool) -> Option<usize> {
        let first = self.servers.iter().position(Member::takes_new)?;
        (self.servers[first].backup && !allbackups).then_some(first)
    }

    /// The first server in this order that can serve; the one to avoid only if it is alone.
    fn first_able(&self, order: impl Iterator<Item = usize>, avoid: Option<usize>) -> Option<usize> {
        let mut able = order.filter(|&server| self.servers[server].can_serve());
        let first = able.next();
        if first.is_some() && first == avoid {
            able.next().or(avoid)
        } else {
            first
        }
    }
}

/// What the request brings to the choice.
#[derive(Copy, Clone, Debug, Default)]
pub struct Ask {
    /// A server not to use unless no other can serve: the one a redispatched request failed on.
    pub avoid: Option<usize>,
    /// Hash of the client or of the key, for the hash algorithms.
    pub hash: u64,
}

/// What happened to one server since the algorithm last looked. The pool already shows the new state.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It became usable.
    Up,
    /// It stopped being usable.
    Down,
    /// Its weight changed.
    Weight,
    /// A request was given to it: `served` or `queued` went up.
    Taken,
    /// A request left it: `served` or `queued` went down.
    Released,
}

/// A load-balancing algorithm with its state.
pub trait Balance: Send {
    /// The server for this request, among those that are usable and have room; a hash algorithm names its server even
    /// when that one has no room, and `leastconn` one with a `maxqueue` (the request then waits in that server's own queue).
    /// `None` = there is none, or `random` has drawn a full one.
    fn pick(&mut self, pool: &Pool, ask: Ask, draw: &mut Draw) -> Option<usize>;

    /// Something happened to `server`. Called once for every change, in order, and never from inside `pick`: the
    /// caller reports [`Change::Taken`] after it has acted on a pick.
    fn changed(&mut self, pool: &Pool, server: usize, change: Change);

    /// Does it bind a request to one server by a hash?
    fn is_hash(&self) -> bool {
        false
    }

    /// Is a newcomer given a free slot though others wait in the backend's queue?
    fn lets_overtake(&self) -> bool {
        false
    }

    /// Where one backup stands in for all, is everybody bound to it, to wait in its own queue when it is full?
    fn crowds_a_lone_backup(&self) -> bool {
        false
    }
}
