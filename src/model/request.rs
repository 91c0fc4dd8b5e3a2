//! A request in flight: a stack of frames, one for each node it is inside of. The first is the *wish*, at the client.
//!
//! A call pushes a frame, a reply pops it. A frame says what it holds (a worker, a place in a queue, a core, a slot of
//! its kind). `World::end` gives all of it back. A frame that holds at most a worker and a connection may also leave by
//! its short form, `World::walk_out`.

use super::node::{app, client, load_balancer, web};
use crate::base::ids::{ClassId, NodeId, SourceId};
use crate::base::time::{Span, Time};
use crate::engine::slab::Key;

/// Names a frame; finds nothing once the frame is gone.
pub type FrameKey = Key;

macro_rules! outcomes {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// How a request ended.
        #[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Outcome {$(
            $(#[$doc])*
            $name,
        )*}

        impl Outcome {
            /// All of them by number, with the names that results use.
            pub const NAMES: [&'static str; [$($word),*].len()] = [$($word),*];

            /// All of them by number. The last is repeated up to a power of two, so that an index needs no check.
            const ALL: [Outcome; 16] = {
                let known = [$(Outcome::$name),*];
                let mut all = [known[known.len() - 1]; 16];
                all.split_at_mut(known.len()).0.copy_from_slice(&known);
                all
            };
        }
    };
}

outcomes! {
    /// Answered.
    Ok = "ok",
    /// A connection, or one beyond `max_connections`, was refused.
    Refused = "refused",
    /// The queue was full.
    QueueFull = "queue_full",
    /// It waited in a queue for too long.
    QueueTimeout = "queue_timeout",
    /// A server took too long to answer.
    ServerTimeout = "server_timeout",
    /// The client lost patience.
    ClientTimeout = "client_timeout",
    /// The component died with the request in it.
    Reset = "reset",
    /// No usable server behind a balancer.
    NoServer = "no_server",
    /// DNS gave no address: no resolver answered, or the name has none.
    Unresolved = "unresolved",
    /// Nobody answered: host, link or partition.
    Unreachable = "unreachable",
    /// Turned away by a firewall or a rate limit.
    Rejected = "rejected",
    /// An error answer.
    Error = "error",
    /// Still in flight at the end of the run.
    Unfinished = "unfinished",
}

impl Outcome {
    /// Its name in results.
    pub fn name(self) -> &'static str {
        Outcome::NAMES[self as usize]
    }
}

/// How a call ended for its caller.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// There was an answer, good or bad.
    Answered,
    /// The connection was refused.
    Refused,
    /// Nobody answered the connection in time.
    Silent,
    /// The connection broke before an answer came.
    Broken,
}

impl How {
    /// All of them, in the order of their numbers.
    const ALL: [How; 4] = [How::Answered, How::Refused, How::Silent, How::Broken];
}

/// What comes back from a call.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What the caller saw.
    pub how: How,
    /// The root cause, however far below.
    pub cause: Outcome,
}

impl Reply {
    /// A good answer.
    pub const OK: Reply = Reply {
        how: How::Answered,
        cause: Outcome::Ok,
    };

    /// The connection was closed where an answer should have come.
    pub const EMPTY: Reply = Reply {
        how: How::Broken,
        cause: Outcome::Reset,
    };

    /// An error answer with this root cause.
    pub const fn failed(cause: Outcome) -> Reply {
        Reply {
            how: How::Answered,
            cause,
        }
    }

    /// A connection that was turned away.
    pub const fn refused(cause: Outcome) -> Reply {
        Reply {
            how: How::Refused,
            cause,
        }
    }

    /// Packs it into two bytes.
    #[inline]
    pub fn bits(self) -> u16 {
        (self.how as u16) << 8 | self.cause as u16
    }

    /// Unpacks it from two bytes.
    #[inline]
    pub fn from_bits(bits: u16) -> Reply {
        Reply {
            how: How::ALL[usize::from(bits >> 8) % How::ALL.len()],
            cause: Outcome::ALL[usize::from(bits as u8) % Outcome::ALL.len()],
        }
    }

    /// Is it a good answer?
    #[inline]
    pub fn is_ok(self) -> bool {
        self.cause == Outcome::Ok
    }
}

/// What a frame is doing at its node.
#[derive(Copy, Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
pub enum Doing {
    /// Its call has not arrived yet.
    OnTheWire,
    /// Turned away on arrival, and about to leave.
    TurnedAway,
    /// No work of its own: it waits for a call, or is about to go on.
    Nothing,
    /// Waiting for a worker since then.
    Queued(Time),
    /// On the host's shared cores; then this much `io`.
    Cpu { io: Span },
    /// Busy until this time without a shared core.
    Busy { until: Time },
    /// Stopped by a hang with this much left to do.
    Frozen { cpu: Span, io: Span },
}

/// Where a frame stands in its node's own procedure.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Step {
    /// Nothing beyond what `Doing` says.
    Plain,
    /// It counts among the node's connections.
    Counted,
    /// At the client: the wish itself.
    Client(client::Step),
    /// At a balancer.
    LoadBalancer(load_balancer::Step),
    /// At a web server.
    Web(web::Step),
    /// At an application server.
    App(app::Step),
}

/// What all frames of one wish have in common.
#[derive(Copy, Clone, Debug)]
pub struct Wish {
    /// The frame of the wish itself, which may be gone.
    pub root: FrameKey,
    /// Hash of the request's key, for `uri` and `hdr`.
    pub hash: u64,
    /// The client within the source.
    pub client: u32,
    /// The row of the arrival trace, if there is one.
    pub row: u32,
    /// The source it comes from.
    pub source: SourceId,
    /// The class of the request.
    pub class: ClassId,
}

/// One node's part in serving a request.
#[derive(Copy, Clone, Debug)]
pub struct Frame {
    /// The node it is at.
    pub node: NodeId,
    /// The frame that waits for its answer; `NONE` for a wish and for an orphan.
    pub parent: FrameKey,
    /// The call it waits for, if that still exists.
    pub child: FrameKey,
    /// The wish it serves.
    pub wish: Wish,
    /// Its number in order of creation; frames of a node are processed in this order.
    pub number: u64,
    /// Keys every draw for this part of the request.
    pub seed: u64,
    /// When the call was sent.
    pub entered: Time,
    /// How long the caller waits for a connection.
    pub patience: Span,
    /// Time spent in queues so far.
    pub waited: Span,
    /// When it made its latest call.
    pub called: Time,
    /// Total time spent waiting for calls that got a good answer.
    pub below: Span,
    /// Index into the node's `work`: the class, or at a database the operation.
    pub op: u16,
    /// Calls made so far. Tells the answer to the current call from a late one.
    pub calls: u16,
    /// The number of its current timer; a timer with another number is out of date.
    pub timer: u16,
    /// Hash of the attempt numbers of all callers above, so that a retry draws anew.
    pub path: u32,
    /// Does it hold a worker?
    pub worker: bool,
    /// Whether its call was lost, so that no answer will come.
    pub silent: bool,
    /// What it is doing.
    pub doing: Doing,
    /// Where it stands in its node's procedure.
    pub step: Step,
}

impl Frame {
    /// The path for the call being made.
    #[inline]
    pub fn next_path(&self) -> u32 {
        // Odd and without a regular bit pattern, so that short paths do not collide.
        const ODD: u32 = 0x9e37_79b1;
        (self.path ^ u32::from(self.calls)).wrapping_mul(ODD)
    }
}
