//! A request in flight: a stack of frames, one for each node it is inside of.
//!
//! A call pushes a frame, a reply pops it. A frame says what it holds (a worker, a place in a queue, a core, a slot of its
//! kind), and `World::end` is the only door out, where all of it is given back (a frame that holds no more than a worker and a connection may
//! leave by its short form, `World::walk_out`).

use super::node::{app, client, load_balancer, web};
use crate::base::ids::{ClassId, NodeId, SourceId};
use crate::base::time::{Span, Time};
use crate::engine::slab::Key;

/// Names a frame for as long as it lives.
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
            /// All of them, in the order of their numbers, with the names that results use.
            pub const NAMES: [&'static str; [$($word),*].len()] = [$($word),*];

            /// All of them, in the order of their numbers; the last is repeated to make it a power of two.
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
    /// A connection, or one more of `max_connections`, was refused.
    Refused = "refused",
    /// There was no place left to wait.
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
    /// DNS gave nothing.
    Unresolved = "unresolved",
    /// Host, link or partition: nobody answered.
    Unreachable = "unreachable",
    /// Turned away by a firewall or a rate limit.
    Rejected = "rejected",
    /// An error answer.
    Error = "error",
    /// Still inside at the end.
    Unfinished = "unfinished",
}

impl Outcome {
    /// Its name in results.
    pub fn name(self) -> &'static str {
        Outcome::NAMES[self as usize]
    }
}

/// How a call ended for the one who made it.
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
    /// The root cause, wherever below it lay.
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

    /// In two bytes.
    #[inline]
    pub fn bits(self) -> u16 {
        (self.how as u16) << 8 | self.cause as u16
    }

    /// Back from two bytes.
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

/// What a frame is doing at its node. Exactly one of these: there is no flag to forget.
#[derive(Copy, Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
pub enum Doing {
    /// On its way there.
    OnTheWire,
    /// Not let in; it is about to leave.
    TurnedAway,
    /// Nothing that takes the node's own time: waiting for a call, or about to go on.
    Nothing,
    /// Waiting for a worker since then.
    Queued(Time),
    /// On the host's shared cores; afterwards this much `io`.
    Cpu { io: Span },
    /// Busy until then without a shared core.
    Busy { until: Time },
    /// Stopped by a hang with this much left to do.
    Frozen { cpu: Span, io: Span },
}

/// Where a frame stands in its node's own procedure.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Step {
    /// The node has no more to remember than `Doing` says.
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

/// What all frames of a wish have in common.
#[derive(Copy, Clone, Debug)]
pub struct Wish {
    /// Its own frame, which may be gone.
    pub root: FrameKey,
    /// Hash of the request's key, for `uri` and `hdr`.
    pub hash: u64,
    /// Which of the source's clients it comes from.
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
    /// Where it is.
    pub node: NodeId,
    /// Who waits for its answer; `NONE` = nobody: the wish itself, or an orphan.
    pub parent: FrameKey,
    /// The call it waits for, if that still lives.
    pub child: FrameKey,
    /// The wish it serves.
    pub wish: Wish,
    /// Frames are numbered as they are made; what must go through all of a node's frames goes by this.
    pub number: u64,
    /// Keys every draw that belongs to this part of the request.
    pub seed: u64,
    /// When it was sent.
    pub entered: Time,
    /// How long the caller waits for a connection.
    pub patience: Span,
    /// Time spent in queues so far.
    pub waited: Span,
    /// When it made its last call,
    pub called: Time,
    /// and for how long it has waited for those calls that got a good answer.
    pub below: Span,
    /// Index into the node's `work`: the class, or at a database the operation.
    pub op: u16,
    /// Calls made so far: tells the answer to this call from the answer to the last.
    pub calls: u16,
    /// The number of its current timer: an older one finds itself out of date.
    pub timer: u16,
    /// Which attempts have led here, those of every caller above: two that are alike in all else meet another fate.
    pub path: u32,
    /// Does it hold a worker?
    pub worker: bool,
    /// Is the call it waits for lost, and nobody will say so?
    pub silent: bool,
    /// What it is doing.
    pub doing: Doing,
    /// Where it stands in its node's procedure.
    pub step: Step,
}

impl Frame {
    /// The path of the call that it makes now.
    #[inline]
    pub fn next_path(&self) -> u32 {
        // An odd number without pattern, so that no two short paths come to the same.
        const ODD: u32 = 0x9e37_79b1;
        (self.path ^ u32::from(self.calls)).wrapping_mul(ODD)
    }
}
