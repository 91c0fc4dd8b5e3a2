//! Where a request's time goes, hop by hop: the mean latency taken apart.
//!
//! Of every good answer it is known how long the call was inside of its node, how much of that it waited, and how much the nodes it
//! asked took, with their ways: the rest is what the node took itself. The ways are the Plan's
//! network, and what is left of the mean latency is said too: clients that try again, and work done for requests that
//! failed in the end.

use super::result::Ordered;
use crate::base::ids::{ClassId, HostId, NodeId};
use crate::model::recorder::ClassRecord;
use crate::model::wire::typical;
use crate::scenario::plan::Plan;
use crate::study::Study;
use serde::{Deserialize, Serialize};

/// The mean latency of all requests and of each class, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Waterfall {
    /// Of all requests.
    pub all: Breakdown,
    /// By class.
    pub classes: Ordered<Breakdown>,
}

/// A mean latency taken apart: the parts of all hops and `elsewhere_s` sum to `mean_s`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Breakdown {
    /// Mean latency of the answered requests; null where there were none.
    pub mean_s: Option<f64>,
    /// One a node that answered, callers before those they ask.
    pub hops: Vec<Hop>,
    /// What no hop accounts for: pauses and failed tries of clients, less what was done for requests that failed.
    pub elsewhere_s: f64,
}

/// What a node adds to the latency of the mean request, all its calls together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hop {
    /// The node.
    pub node: String,
    /// How often it answered, a request.
    pub answers: f64,
    /// On the way there and back.
    pub network_s: f64,
    /// In its queues.
    pub wait_s: f64,
    /// Its own work, and what it lost on calls that failed.
    pub own_s: f64,
}

/// What a study says about where the time goes.
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

/// Callers before those they ask.
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
