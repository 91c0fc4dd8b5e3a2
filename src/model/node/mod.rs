//! What each kind of node does with a request, one kind a file.
//!
//! A node is a state machine that is told what happened and answers through a narrow [`Context`]: it never sees the
//! world. A new kind is one file, one word in [`Node`], and one scenario.

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

/// How a node behaves. The defaults are those of a node that has nothing to add.
pub trait Behaviour {
    /// A call has arrived. By default it wants a worker.
    fn arrived(&mut self, cx: &mut Context<'_>, frame: FrameKey) {
        self.queue_for_worker(cx, frame);
    }

    /// It has a worker. By default the node's own work begins.
    fn granted(&mut self, cx: &mut Context<'_>, frame: FrameKey) {
        if !self.begin_work(cx, frame) {
            self.worked(cx, frame);
        }
    }

    /// Begins the node's own work for this request. False where there is nothing to do.
    fn begin_work(&mut self, cx: &mut Context<'_>, frame: FrameKey) -> bool {
        cx.own_work(frame)
    }

    /// The work begun last is done.
    fn worked(&mut self, cx: &mut Context<'_>, frame: FrameKey);

    /// The call made last has come back. Only nodes that call need to listen.
    fn answered(&mut self, cx: &mut Context<'_>, frame: FrameKey, reply: Reply) {
        cx.finish(frame, reply);
    }

    /// A good answer has come back: where all that is left to do is to pass it on, the node lets go of the frame, as in
    /// `answered` and `release`.
    fn passes_back(&mut self, _cx: &mut Context<'_>, _frame: FrameKey) -> bool {
        false
    }

    /// The frame's timer has run out. Only nodes that set one need to listen.
    fn timer(&mut self, _cx: &mut Context<'_>, _frame: FrameKey) {}

    /// A frame has ended, whatever ended it, and is no longer in flight: give back what only this kind of node knows of.
    fn release(&mut self, _cx: &mut Context<'_>, _frame: &mut Frame) {}

    /// The process begins, at the start of the run or after a crash.
    fn started(&mut self, _cx: &mut Context<'_>) {}

    /// It is time to look after one of its servers.
    fn tend(&mut self, _cx: &mut Context<'_>, _server: usize, _turn: u16, _what: Tending) {}

    /// A replica of the database that this node belongs to answers again.
    fn peer_returned(&mut self, _cx: &mut Context<'_>) {}

    /// A node is taken out by hand (or put back): into maintenance, or only drained.
    fn administer(&mut self, _cx: &mut Context<'_>, _node: NodeId, _action: Admin, _begins: bool) {}

    /// A setting of its own kind changes at run time; what it was comes back.
    fn set(&mut self, _cx: &mut Context<'_>, setting: &Setting) -> Setting {
        unreachable!("this kind of node has no setting {setting:?}")
    }

    /// What it still holds: zero once every frame is gone. The audit at the end of a run asks.
    fn held(&self) -> u64 {
        0
    }

    /// Asks the station for a worker, and goes on as it answers.
    #[inline(always)]
    fn queue_for_worker(&mut self, cx: &mut Context<'_>, frame: FrameKey) {
        match cx.enter(frame) {
            Entry::Granted => self.granted(cx, frame),
            Entry::Queued => {}
            Entry::Full => cx.turn_away(frame, Reply::failed(Outcome::QueueFull)),
        }
    }
}

/// What a balancer does for one of its servers from time to time.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Tending {
    /// A health check begins.
    Check,
    /// A health check has heard nothing and gives up.
    GiveUp,
    /// A slow start goes on.
    Warm,
    /// The sessions on a server that was marked down are shut down.
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
        /// A node with its state, closed: every kind there is.
        ///
        /// Its kind is a byte of its own: hidden among a field's impossible values it takes longer to read.
        #[repr(u8)]
        #[expect(clippy::large_enum_variant, reason = "one a node, made once and never moved")]
        pub enum Node<'p> { $(#[doc = concat!("See [`", stringify!($state), "`].")] $kind($state)),* }

        impl<'p> Node<'p> {
            /// Its behaviour.
            #[inline]
            pub fn behaviour(&mut self) -> &mut (dyn Behaviour + 'p) {
                match self { $(Node::$kind(node) => node),* }
            }

            // What every request meets goes straight to the kind that is told; the compiler then sees through the call.

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
