//! Scheduled faults, lifetimes and monitoring.

use super::{Plan, Target};
use crate::base::dist::Dist;
use crate::base::ids::{HostId, LinkId, NodeId};
use crate::base::time::{Span, Time};

/// A scheduled fault.
#[derive(Clone, Debug)]
pub struct Fault {
    /// When it begins.
    pub at: Time,
    /// How long it lasts; `None` = permanently.
    pub lasts: Option<Span>,
    /// Its description, for the event log and the charts.
    pub what: String,
    /// The component named in the scenario.
    pub target: String,
    /// What it does, and where.
    pub hits: Vec<Hit>,
}

/// One effect on one place. A node's downtime is a count of these, so the end of one fault does not end another.
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
#[derive(Clone, Debug, PartialEq)]
pub enum Hit {
    /// The process dies.
    CrashNode(NodeId),
    /// The machine dies, and everything on it.
    CrashHost(HostId),
    /// The process hangs.
    Hang(NodeId),
    /// All times there are multiplied by this factor.
    Slow(NodeId, f64),
    /// This share of the answers is an error.
    Errors(NodeId, f64),
    /// This share of the answers never comes: the connection is closed instead.
    Empty(NodeId, f64),
    /// This share of the calls to it is lost.
    Drop(NodeId, f64),
    /// This share of the calls over the link is lost.
    DropLink(LinkId, f64),
    /// Nothing passes between these hosts, in either direction.
    Partition { from: Vec<HostId>, to: Vec<HostId> },
    /// Nothing passes this link.
    CutLink(LinkId),
    /// Taken out of its balancers by hand.
    Maint(NodeId),
    /// Gets no new requests from its balancers.
    Drain(NodeId),
    /// A setting changes at run time.
    Set(NodeId, Setting),
}

/// A setting that can change at run time, with its new value. After the fault the old one is restored.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// A resolver's `answers`.
    Answers(Vec<Target>),
    /// A resolver's `ttl`.
    Ttl(Span),
    /// The weight of a server of the balancer that [`Hit::Set`] names.
    Weight {
        /// Index into the balancer's servers.
        server: usize,
        /// The new weight.
        weight: u32,
    },
    /// The `maxconn` of a server of the balancer that [`Hit::Set`] names.
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
    /// Whether both change the same setting of a node. Only then does one undo the other.
    pub fn is_same_knob(&self, other: &Setting) -> bool {
        match (self, other) {
            (Setting::Weight { server: a, .. }, Setting::Weight { server: b, .. })
            | (Setting::Maxconn { server: a, .. }, Setting::Maxconn { server: b, .. }) => a == b,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

/// Something that fails as a unit: an element of cut sets.
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
    /// Whether its crash takes down the node.
    pub fn takes(&self, plan: &Plan, node: NodeId) -> bool {
        self.hits.iter().any(|hit| match hit {
            Hit::CrashNode(n) => *n == node,
            Hit::CrashHost(host) => plan.node(node).host == *host,
            _ => false,
        })
    }

    /// The nodes that its crash takes down.
    pub fn nodes(&self, plan: &Plan) -> Vec<NodeId> {
        let all = (0..plan.nodes.len()).map(NodeId::new);
        all.filter(|node| self.takes(plan, *node)).collect()
    }

    /// Whether it is a machine.
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
    /// An event that takes down several components.
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

/// A component that fails and is repaired, again and again.
#[derive(Clone, Debug)]
pub struct Lifetime {
    /// The component, or the common cause, that fails.
    pub name: String,
    /// What a failure does.
    pub hits: Vec<Hit>,
    /// How it comes and goes.
    pub course: Course,
}

/// How a component alternates between up and down.
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
#[derive(Clone, Debug)]
pub enum Course {
    /// Up for a drawn time, then noticed, then repaired for a drawn time. Only with `--failures`.
    Failures { mtbf: Dist, mttr: Dist },
    /// Down for `lasts` every `every`. Planned, so it needs no notice. Only with `--failures`.
    Maintenance { every: Span, lasts: Span },
}

impl Lifetime {
    /// Whether it is a failure that needs a repair; maintenance does not.
    pub fn is_failure(&self) -> bool {
        matches!(self.course, Course::Failures { .. })
    }
}

/// How a person learns of a failure before repair can begin.
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
#[derive(Clone, Debug, PartialEq)]
pub enum Monitoring {
    /// Not given: at once, with a caveat.
    Unsaid,
    /// A probe every `interval`, an alarm after this many failures, then a person.
    Probes {
        interval: Span,
        failures: u32,
        notify: Dist,
        respond: Dist,
    },
    /// Users report failures.
    None { notice: Dist },
}

impl Monitoring {
    /// Mean time until a person begins the repair; a failure falls at a random time between two probes. `None` if there
    /// is no mean.
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
