//! What goes wrong: scheduled faults, lifetimes, and how anybody comes to know.

use super::{Plan, Target};
use crate::base::dist::Dist;
use crate::base::ids::{HostId, LinkId, NodeId};
use crate::base::time::{Span, Time};

/// A scheduled fault.
#[derive(Clone, Debug)]
pub struct Fault {
    /// When it begins.
    pub at: Time,
    /// How long it lasts; `None` = for good.
    pub lasts: Option<Span>,
    /// What it is, for the event log and the charts.
    pub what: String,
    /// The component that the scenario named.
    pub target: String,
    /// What it does, and to whom.
    pub hits: Vec<Hit>,
}

/// One effect on one place. Down is a count of these, so overlapping faults cannot resurrect anything.
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
#[derive(Clone, Debug, PartialEq)]
pub enum Hit {
    /// The process dies.
    CrashNode(NodeId),
    /// The machine dies, with everything on it.
    CrashHost(HostId),
    /// The process stands still.
    Hang(NodeId),
    /// Everything there takes so many times as long.
    Slow(NodeId, f64),
    /// This share of the answers is an error.
    Errors(NodeId, f64),
    /// This share of the answers never comes: the connection is closed instead.
    Empty(NodeId, f64),
    /// This share of the calls to it is dropped without a word.
    Drop(NodeId, f64),
    /// This share of the calls over the link is dropped without a word.
    DropLink(LinkId, f64),
    /// Nothing passes between these hosts, either way.
    Partition { from: Vec<HostId>, to: Vec<HostId> },
    /// Nothing passes this link.
    CutLink(LinkId),
    /// Taken out of its balancers by hand.
    Maint(NodeId),
    /// Gets no new requests from its balancers.
    Drain(NodeId),
    /// Settings changed at run time.
    Set(NodeId, Setting),
}

/// A setting that can change at run time, with its new value. After the fault the old one is back.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// A resolver's `answers`.
    Answers(Vec<Target>),
    /// A resolver's `ttl`.
    Ttl(Span),
    /// The weight of the server that is this node, in the balancer [`Hit::Set`] names.
    Weight {
        /// Index into the balancer's servers.
        server: usize,
        /// The new weight.
        weight: u32,
    },
    /// The `maxconn` of a server of the balancer.
    Maxconn {
        /// Index into the balancer's servers.
        server: usize,
        /// The new limit; `None` = unlimited.
        maxconn: Option<u32>,
    },
    /// `workers` of a node.
    Workers(Option<u32>),
}

impl Setting {
    /// Do both turn the same knob of a node? Only then does one undo the other.
    pub fn is_same_knob(&self, other: &Setting) -> bool {
        match (self, other) {
            (Setting::Weight { server: a, .. }, Setting::Weight { server: b, .. })
            | (Setting::Maxconn { server: a, .. }, Setting::Maxconn { server: b, .. }) => a == b,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

/// Something that can break as one: the unit of cut sets.
#[derive(Clone, Debug)]
pub struct Component {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ComponentKind,
    /// What its crash does.
    pub hits: Vec<Hit>,
}

impl Component {
    /// Does it take the node with it when it dies?
    pub fn takes(&self, plan: &Plan, node: NodeId) -> bool {
        self.hits.iter().any(|hit| match hit {
            Hit::CrashNode(n) => *n == node,
            Hit::CrashHost(host) => plan.node(node).host == *host,
            _ => false,
        })
    }

    /// The nodes that it takes with it.
    pub fn nodes(&self, plan: &Plan) -> Vec<NodeId> {
        let all = (0..plan.nodes.len()).map(NodeId::new);
        all.filter(|node| self.takes(plan, *node)).collect()
    }

    /// Is it a machine?
    pub fn is_machine(&self) -> bool {
        self.kind == ComponentKind::Host
    }
}

/// What a component is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ComponentKind {
    /// A machine.
    Host,
    /// Hosts that fail together.
    Zone,
    /// A link, in one direction.
    Link,
    /// A node.
    Node,
    /// A member of a database.
    Member,
    /// One event that takes several components.
    CommonCause,
}

impl ComponentKind {
    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            ComponentKind::Host => "host",
            ComponentKind::Zone => "zone",
            ComponentKind::Link => "link",
            ComponentKind::Node => "node",
            ComponentKind::Member => "member",
            ComponentKind::CommonCause => "common_cause",
        }
    }
}

/// A component that breaks and is repaired, again and again.
#[derive(Clone, Debug)]
pub struct Lifetime {
    /// The component, or the common cause, that breaks.
    pub name: String,
    /// What a failure does.
    pub hits: Vec<Hit>,
    /// How it comes and goes.
    pub course: Course,
}

/// How a component's failures come and go.
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
#[derive(Clone, Debug)]
pub enum Course {
    /// Up for a drawn time, then noticed, then repaired for a drawn time. Only with `--failures`.
    Failures { mtbf: Dist, mttr: Dist },
    /// Down for `lasts` every `every`: planned, so nobody has to notice. Only with `--failures`.
    Maintenance { every: Span, lasts: Span },
}

impl Lifetime {
    /// Is it a failure that somebody has to repair? Maintenance is planned.
    pub fn is_failure(&self) -> bool {
        matches!(self.course, Course::Failures { .. })
    }
}

/// How a failure comes to a person's notice before repair can begin.
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
#[derive(Clone, Debug, PartialEq)]
pub enum Monitoring {
    /// Not said: noticed at once, with a caveat.
    Unsaid,
    /// A probe every `interval`, an alarm after so many failures, then a person.
    Probes {
        interval: Span,
        failures: u32,
        notify: Dist,
        respond: Dist,
    },
    /// Users call.
    None { notice: Dist },
}

impl Monitoring {
    /// How long until a person stands before the broken component, on the average; a failure comes somewhere between two probes. `None` where
    /// that has no mean.
    pub fn mean_s(&self) -> Option<f64> {
        match self {
            Monitoring::Unsaid => Some(0.0),
            Monitoring::None { notice } => notice.mean_s(),
            Monitoring::Probes {
                interval,
                failures,
                notify,
                respond,
            } => {
                let probes = interval.seconds() * (f64::from(*failures) - 0.5);
                Some(probes + notify.mean_s()? + respond.mean_s()?)
            }
        }
    }
}
