//! Where a request's time goes, hop by hop: the mean latency split into parts. Part of the result of `run`.
//!
//! For every good answer three times are known: the call's time inside its node, its waiting there, and the time of the
//! node's own calls including the network. The rest is the node's own time. Network times come from the Plan. What
//! remains of the mean latency is reported too: retries of clients, and work for requests that failed in the end.

use super::result::Ordered;
use crate::base::ids::{ClassId, HostId, NodeId};
use crate::model::recorder::ClassRecord;
use crate::model::wire::typical;
use crate::scenario::plan::Plan;
use crate::study::Study;
use serde::{Deserialize, Serialize};

/// The mean latency of all requests and of each class, in parts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Waterfall {
    /// For all requests.
    pub all: Breakdown,
    /// By class.
    pub classes: Ordered<Breakdown>,
}

/// A mean latency in parts: all hops and `elsewhere_s` sum to `mean_s`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Breakdown {
    /// Mean latency of answered requests; null if there were none.
    pub mean_s: Option<f64>,
    /// One per node that answered, callers before the nodes they call.
    pub hops: Vec<Hop>,
    /// What no hop accounts for: pauses and failed attempts of clients, minus the time spent on requests that failed.
    pub elsewhere_s: f64,
}

/// What a node adds to the mean latency, all its calls together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hop {
    /// The node.
    pub node: String,
    /// Answers per request.
    pub answers: f64,
    /// Network time in both directions.
    pub network_s: f64,
    /// Waiting time in its queues.
    pub wait_s: f64,
    /// Its own work, and time lost on failed calls.
    pub own_s: f64,
}

/// The waterfall of a study.
pub fn waterfall(plan: &Plan, study: &Study) -> Waterfall {
    let order = order(plan);
    let classes: Vec<ClassId> = (0..plan.classes.len()).map(ClassId::new).collect();
    let part = |classes: &[ClassId], record: &ClassRecord| {
        let taken = Taken { plan, study, classes };
        taken.apart(&order, record)
    };
    let class = |c: &ClassId| {
        (
            plan.classes[c.index()].name.clone(),
            part(&[*c], &study.pooled[c.index()]),
        )
    };
    Waterfall {
        all: part(&classes, &study.all()),
        classes: Ordered(classes.iter().map(class).collect()),
    }
}

/// Nodes ordered with callers before the nodes they call.
fn order(plan: &Plan) -> Vec<NodeId> {
    let tiers = super::topology::Topology::of(plan, None).nodes;
    let mut order: Vec<NodeId> = (0..plan.nodes.len()).map(NodeId::new).collect();
    order.sort_by_key(|n| tiers[n.index()].tier);
    order
}

struct Taken<'a> {
    plan: &'a Plan,
    study: &'a Study,
    classes: &'a [ClassId],
}

impl Taken<'_> {
    fn host(&self, caller: usize) -> Option<HostId> {
        self.plan.nodes.get(caller).map(|n| n.host)
    }

    fn apart(&self, order: &[NodeId], record: &ClassRecord) -> Breakdown {
        let answered = record.latency.count() as f64;
        if answered == 0.0 {
            return Breakdown::default();
        }
        let callers = self.plan.nodes.len() + self.plan.sources.len();
        let mut sums = vec![Sums::default(); self.plan.nodes.len()];
        for caller in 0..callers {
            for node in self.study.flows.asked_by(caller) {
                for &class in self.classes {
                    let flow = self.study.flows.of(caller, node, class);
                    let (there, back) = typical(self.plan, self.host(caller), node, class);
                    let n = flow.answers as f64;
                    let sum = &mut sums[node.index()];
                    sum.answers += n;
                    sum.network_s += n * (there + back);
                    sum.wait_s += flow.waited.seconds();
                    sum.own_s += (flow.inside - flow.waited - flow.below).seconds() - n * there;
                }
            }
        }
        let hop = |node: &NodeId| {
            let sum = &sums[node.index()];
            (sum.answers > 0.0).then(|| Hop {
                node: self.plan.node(*node).name.clone(),
                answers: sum.answers / answered,
                network_s: sum.network_s / answered,
                wait_s: sum.wait_s / answered,
                own_s: sum.own_s / answered,
            })
        };
        let hops: Vec<Hop> = order.iter().filter_map(hop).collect();
        let mean_s = record.latency.sum_s() / answered;
        let parts: f64 = hops.iter().map(|h| h.network_s + h.wait_s + h.own_s).sum();
        Breakdown {
            mean_s: Some(mean_s),
            hops,
            elsewhere_s: mean_s - parts,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Sums {
    answers: f64,
    network_s: f64,
    wait_s: f64,
    own_s: f64,
}
