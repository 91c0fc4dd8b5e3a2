//! Load-balancing algorithms: given the servers and their load, which one is next?
//!
//! An algorithm answers this from a read-only view. It never sees the world, never schedules and never logs. Each is
//! one file (description, parameters, algorithm, tests) and one line in the list below.

use crate::base::random::Draw;
use crate::scenario::plan::{Algorithm, HashOf};

/// The list. Each line has a file and its type, the Plan's word for it with an example, and its constructor.
macro_rules! algorithms {
    ($($file:ident::$name:ident is $pattern:pat, such as $example:expr, made by $new:expr;)+) => {
        $(mod $file;)+

        /// A balancer of any kind: an enum, so that a pick needs no allocation and no virtual call.
        #[derive(Debug)]
        #[expect(clippy::large_enum_variant, reason = "one a backend, made once and never moved")]
        pub enum Balancer {
            $(
                #[doc = concat!("See `", stringify!($file), ".rs`.")]
                $name($file::$name),
            )+
        }

        /// One of each, for the conformance tests.
        pub const EXAMPLES: &[Algorithm] = &[$($example),+];

        /// A balancer in its initial state.
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

/// Which servers may get requests: active ones that are up; without any, the first backup that is up, or with
/// `allbackups` every backup that is up.
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

/// The algorithm's view of a backend.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    /// The servers, in order of declaration.
    pub servers: Vec<Member>,
}

/// The algorithm's view of one server.
#[derive(Clone, Debug)]
pub struct Member {
    /// `weight` as configured or changed at run time; with 0 it gets no new requests.
    pub weight: u32,
    /// The effective weight in sixteenths (`weight` × 16, less during `slowstart`).
    pub eweight: u32,
    /// `id`, for `first`.
    pub id: u32,
    /// Whether it is a `backup`.
    pub backup: bool,
    /// Whether it may get requests: up, not in maintenance, not draining, and in use if it is a backup.
    pub usable: bool,
    /// Whether it is up and in service, even if it is a backup not in use.
    pub up: bool,
    /// Requests in service on it, including connections being made.
    pub served: u32,
    /// Requests waiting in its own queue (hash algorithms, and `leastconn` with a `maxqueue`).
    pub queued: u32,
    /// The most it may currently serve at once (`u32::MAX` = no limit).
    pub limit: u32,
    /// `maxqueue`: how many more requests `leastconn` gives it, to wait in its own queue.
    pub line: u32,
}

impl Member {
    /// Whether it has room for another request.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.served < self.limit
    }

    /// Whether it has a place in the algorithm. A backup keeps its place while not in use.
    #[inline]
    pub fn stands(&self) -> bool {
        self.up && self.eweight > 0
    }

    /// Whether it may get requests at all, now or when it has room.
    #[inline]
    pub fn takes_new(&self) -> bool {
        self.usable && self.eweight > 0
    }

    /// Whether it can take a request now, possibly into its own queue up to `maxqueue`.
    #[inline]
    pub fn can_keep(&self) -> bool {
        let (has, may) = (
            u64::from(self.served) + u64::from(self.queued),
            u64::from(self.limit) + u64::from(self.line),
        );
        self.takes_new() && has < may
    }

    /// Whether it can serve a request now.
    #[inline]
    pub fn can_serve(&self) -> bool {
        self.takes_new() && self.has_room()
    }
}

impl Pool {
    /// Recomputes which servers may get requests, given those able to serve, and tells the algorithm what changed.
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

    /// The backup that serves while other backups that are up wait, if no active server is left.
    fn first_of_backups(&self) -> Option<usize> {
        let waits = |member: &Member| member.backup && member.stands() && !member.usable;
        let first = self.servers.iter().position(Member::takes_new)?;
        (self.servers[first].backup && self.servers.iter().any(waits)).then_some(first)
    }

    /// The backup that replaces all active servers alone, unless all backups do.
    pub fn lone_backup(&self, allbackups: bool) -> Option<usize> {
        let first = self.servers.iter().position(Member::takes_new)?;
        (self.servers[first].backup && !allbackups).then_some(first)
    }

    /// The first server in this order that can serve; the one to avoid only if no other can.
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

/// What the choice may depend on in a request.
#[derive(Copy, Clone, Debug, Default)]
pub struct Ask {
    /// A server not to use unless no other can serve: the one a redispatched request failed on.
    pub avoid: Option<usize>,
    /// Hash of the client or of the key, for the hash algorithms.
    pub hash: u64,
}

/// A change of one server. The pool already shows the new state.
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
    /// Picks a server for this request, among usable ones with room. A hash algorithm names its server even without
    /// room, and `leastconn` one with a `maxqueue`; the request then waits in that server's own queue. `None` if there
    /// is none, or if `random` drew a full one.
    fn pick(&mut self, pool: &Pool, ask: Ask, draw: &mut Draw) -> Option<usize>;

    /// Reports a change of `server`. Called once per change, in order, and never from inside `pick`: the caller reports
    /// [`Change::Taken`] after it has acted on a pick.
    fn changed(&mut self, pool: &Pool, server: usize, change: Change);

    /// Whether it binds a request to one server by a hash.
    fn is_hash(&self) -> bool {
        false
    }

    /// Whether a new request gets a free slot while others wait in the backend's queue.
    fn lets_overtake(&self) -> bool {
        false
    }

    /// Whether a backup that serves alone takes all requests, into its own queue when it is full.
    fn crowds_a_lone_backup(&self) -> bool {
        false
    }
}
