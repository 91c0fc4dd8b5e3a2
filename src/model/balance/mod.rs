//! Load-balancing algorithms: given the servers and who they are busy with, which one is next?
//!
//! An algorithm answers one question from one read-only view. It never sees the world, never schedules, never logs. Each
//! is one file (what it is, its parameters, the algorithm, its tests) and one line in the list below.

use crate::base::random::Draw;

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
    /// Requests in service on it, connections being made included.
    pub served: u32,
    /// Requests waiting in its own queue (hash algorithms only).
    pub queued: u32,
    /// The most it may serve at once just now (`u32::MAX` = no limit).
    pub limit: u32,
}

impl Member {
    /// Is there room for one more?
    pub fn has_room(&self) -> bool {
        self.served < self.limit
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
    /// when that one has no room (the request then waits in that server's own queue). `None` = there is none.
    fn pick(&mut self, pool: &Pool, ask: Ask, draw: &mut Draw) -> Option<usize>;

    /// Something happened to `server`. Called once for every change, in order, and never from inside `pick`: the
    /// caller reports [`Change::Taken`] after it has acted on a pick.
    fn changed(&mut self, pool: &Pool, server: usize, change: Change);

    /// Does it bind a request to one server by a hash?
    fn is_hash(&self) -> bool {
        false
    }
}
