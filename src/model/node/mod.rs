//! What each kind of node does with a request, one kind per file.
//!
//! A node is a state machine: the [world](super::world) tells it what happened, and it acts through the [`Context`]. It
//! never sees the world or the other nodes' state machines. The context does give access to the public fields of all
//! nodes; by convention a node touches only its own. For what a new kind costs, see "What changing things costs" in
//! ARCHITECTURE.md.

pub mod app;
pub mod cache;
pub mod client;
pub mod dns;
pub mod firewall;
pub mod health;
pub mod load_balancer;
pub mod member;
pub mod web;

use super::context::Context;
use super::request::{Frame, FrameKey, Outcome, Reply};
use super::station::Entry;
use crate::base::ids::NodeId;
use crate::scenario::plan::{Kind, Plan, Setting};

/// How a node behaves. The defaults suit a node that only works and answers.
pub trait Behaviour {
    /// A call has arrived. By default it asks for a worker.
    fn arrived(&mut self, cx: &mut Context<'_>, frame: FrameKey) {
        self.queue_for_worker(cx, frame);
    }

    /// The frame has got a worker. By default the node's own work begins.
    fn granted(&mut self, cx: &mut Context<'_>, frame: FrameKey) {
        if !self.begin_work(cx, frame) {
            self.worked(cx, frame);
        }
    }

    /// Begins the node's own work for this request. False if there is nothing to do.
    fn begin_work(&mut self, cx: &mut Context<'_>, frame: FrameKey) -> bool {
        cx.own_work(frame)
    }

    /// The work begun last is done.
    fn worked(&mut self, cx: &mut Context<'_>, frame: FrameKey);

    /// The latest call has come back. Only nodes that call need this.
    fn answered(&mut self, cx: &mut Context<'_>, frame: FrameKey, reply: Reply) {
        cx.finish(frame, reply);
    }

    /// A good answer has come back. If it only has to be passed on, the node releases the frame, as `answered` and
    /// `release` would, and returns true.
    fn passes_back(&mut self, _cx: &mut Context<'_>, _frame: FrameKey) -> bool {
        false
    }

    /// The frame's timer has run out. Only nodes that set timers need this.
    fn timer(&mut self, _cx: &mut Context<'_>, _frame: FrameKey) {}

    /// A frame has ended for any reason and is no longer in flight: gives back what only this kind of node tracks.
    fn release(&mut self, _cx: &mut Context<'_>, _frame: &mut Frame) {}

    /// The process starts, at the beginning of the run or after a crash.
    fn started(&mut self, _cx: &mut Context<'_>) {}

    /// Maintenance of one of a balancer's servers is due.
    fn tend(&mut self, _cx: &mut Context<'_>, _server: usize, _turn: u16, _what: Tending) {}

    /// A replica of the database this node belongs to is back.
    fn peer_returned(&mut self, _cx: &mut Context<'_>) {}

    /// An operator takes a node out of service (maintenance or drain) or puts it back.
    fn administer(&mut self, _cx: &mut Context<'_>, _node: NodeId, _action: Admin, _begins: bool) {}

    /// A setting of this kind changes at run time; returns the old value.
    fn set(&mut self, _cx: &mut Context<'_>, setting: &Setting) -> Setting {
        unreachable!("this kind of node has no setting {setting:?}")
    }

    /// What it still holds. The audit at the end of a run requires zero once every frame is gone.
    fn held(&self) -> u64 {
        0
    }

    /// Asks the station for a worker and acts on the result.
    #[inline(always)]
    fn queue_for_worker(&mut self, cx: &mut Context<'_>, frame: FrameKey) {
        match cx.enter(frame) {
            Entry::Granted => self.granted(cx, frame),
            Entry::Queued => {}
            Entry::Full => cx.turn_away(frame, Reply::failed(Outcome::QueueFull)),
        }
    }
}

/// A balancer's periodic maintenance of one of its servers.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Tending {
    /// A health check begins.
    Check,
    /// A health check has got no response and gives up.
    GiveUp,
    /// The next step of a slow start.
    Warm,
    /// Shuts down the sessions on a server that was marked down.
    ShutDown,
}

/// What an operator does to a server.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Admin {
    /// `set server … state maint`.
    Maint,
    /// `set server … state drain`.
    Drain,
}

macro_rules! kinds {
    ($($kind:ident($state:ty)),* $(,)?) => {
        /// A node with its state; one variant per kind.
        ///
        /// `repr(u8)` gives the kind a byte of its own: a niche inside a field takes longer to read.
        #[repr(u8)]
        #[expect(clippy::large_enum_variant, reason = "one a node, made once and never moved")]
        pub enum Node<'p> { $(#[doc = concat!("See [`", stringify!($state), "`].")] $kind($state)),* }

        impl<'p> Node<'p> {
            /// Its behaviour.
            #[inline]
            pub fn behaviour(&mut self) -> &mut (dyn Behaviour + 'p) {
                match self { $(Node::$kind(node) => node),* }
            }

            // The frequent calls are matched directly, not through the trait object, so that the compiler can inline
            // them.

            /// See [`Behaviour::arrived`].
            #[inline]
            pub fn arrived(&mut self, cx: &mut Context<'_>, frame: FrameKey) {
                match self { $(Node::$kind(node) => node.arrived(cx, frame)),* }
            }

            /// See [`Behaviour::granted`].
            #[inline]
            pub fn granted(&mut self, cx: &mut Context<'_>, frame: FrameKey) {
                match self { $(Node::$kind(node) => node.granted(cx, frame)),* }
            }

            /// See [`Behaviour::worked`].
            #[inline]
            pub fn worked(&mut self, cx: &mut Context<'_>, frame: FrameKey) {
                match self { $(Node::$kind(node) => node.worked(cx, frame)),* }
            }

            /// See [`Behaviour::answered`].
            #[inline]
            pub fn answered(&mut self, cx: &mut Context<'_>, frame: FrameKey, reply: Reply) {
                match self { $(Node::$kind(node) => node.answered(cx, frame, reply)),* }
            }

            /// See [`Behaviour::passes_back`].
            #[inline]
            pub fn passes_back(&mut self, cx: &mut Context<'_>, frame: FrameKey) -> bool {
                match self { $(Node::$kind(node) => node.passes_back(cx, frame)),* }
            }

            /// See [`Behaviour::release`].
            #[inline]
            pub fn release(&mut self, cx: &mut Context<'_>, frame: &mut Frame) {
                match self { $(Node::$kind(node) => node.release(cx, frame)),* }
            }
        }
    };
}

kinds! {
    Client(client::Client<'p>),
    Dns(dns::Dns<'p>),
    Firewall(firewall::Firewall<'p>),
    LoadBalancer(load_balancer::LoadBalancer<'p>),
    Web(web::Web<'p>),
    App(app::App<'p>),
    Member(member::Member<'p>),
}

impl<'p> Node<'p> {
    /// The node with this id, at the start of a run.
    pub fn new(plan: &'p Plan, id: NodeId, cx: &mut Context<'p>) -> Node<'p> {
        match &plan.node(id).kind {
            Kind::Dns(dns) => Node::Dns(dns::Dns::new(id, dns, cx)),
            Kind::Firewall(firewall) => Node::Firewall(firewall::Firewall::new(firewall)),
            Kind::LoadBalancer(lb) => Node::LoadBalancer(load_balancer::LoadBalancer::new(id, lb, cx)),
            Kind::Web(web) => Node::Web(web::Web::new(web, cx)),
            Kind::App(app) => Node::App(app::App::new(app, cx)),
            Kind::Member(member) => Node::Member(member::Member::new(plan, id, member)),
        }
    }
}
