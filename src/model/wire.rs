//! The network between hosts: latency, loss, and the faults that cut it.
//!
//! It says how long a message takes, or that it never arrives; the caller decides what to do about silence. Draws
//! belong to the message: the caller supplies the key, which is computed only if something is drawn.

use rand::Rng;

use crate::base::ids::{ClassId, HostId, LinkId, NodeId};
use crate::base::random::{Draw, unit};
use crate::base::time::Span;
use crate::scenario::plan::{Network, Plan};

/// Pause before a lost packet is first sent again; each further pause doubles. The minimum of Linux's retransmission
/// timer.
const RETRANSMIT: Span = Span::from_millis(200);
/// Retransmissions before Linux gives up on a connection (`tcp_retries2`).
pub const RETRANSMISSIONS: u32 = 15;
/// Longest pause between two retransmissions in Linux (`TCP_RTO_MAX`).
const LONGEST_PAUSE: Span = Span::from_millis(120_000);

/// The network with its active faults.
#[derive(Debug)]
pub struct Wire<'p> {
    network: &'p Network,
    /// Active partitions: no message passes between the two sides.
    partitions: Vec<(&'p [HostId], &'p [HostId])>,
    /// Active faults by link: the number of cuts, and the shares of calls they drop.
    links: Vec<LinkFaults>,
    /// Whether anything but a constant latency may act.
    eventful: bool,
}

#[derive(Clone, Debug, Default)]
struct LinkFaults {
    cuts: u32,
    drops: Vec<f64>,
}

/// What the network must know about a message.
#[derive(Copy, Clone, Debug)]
pub struct Message {
    /// Keys the draws for it.
    pub key: u64,
    /// Its size.
    pub bytes: u64,
}

impl Message {
    /// One whose size does not matter.
    pub fn light(key: u64) -> Message {
        Message { key, bytes: 0 }
    }
}

/// What happens to a message.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It arrives after this time.
    After(Span),
    /// It never arrives.
    Lost,
}

impl<'p> Wire<'p> {
    /// The network at the start of a run.
    pub fn new(plan: &'p Plan) -> Wire<'p> {
        let network = &plan.network;
        Wire {
            network,
            partitions: Vec::new(),
            links: vec![LinkFaults::default(); network.links.len()],
            eventful: network.loss > 0.0 || !network.links.is_empty() || network.bandwidth.is_some(),
        }
    }

    /// The passage of a call from one host to another; a client's host is `None`.
    #[inline]
    pub fn call(&self, from: Option<HostId>, to: HostId, message: impl FnOnce() -> Message) -> Passage {
        if from == Some(to) {
            return Passage::After(Span::ZERO);
        }
        if !self.eventful {
            return Passage::After(self.network.latency);
        }
        let Message { key, bytes } = message();
        let mut draw = Draw::keyed(key);
        if self.is_cut(from, Some(to)) || self.drops(from, to, &mut draw) {
            return Passage::Lost;
        }
        Passage::After(self.journey(from, Some(to), bytes, &mut draw))
    }

    /// Travel time of an answer. Its connection is established, so what a cut swallows is sent again.
    #[inline]
    pub fn answer(&self, from: Option<HostId>, to: Option<HostId>, message: impl FnOnce() -> Message) -> Span {
        if from == to && from.is_some() {
            return Span::ZERO;
        }
        if !self.eventful {
            return self.network.latency;
        }
        let Message { key, bytes } = message();
        self.journey(from, to, bytes, &mut Draw::keyed(key))
    }

    /// Whether every message takes no time.
    #[inline]
    pub fn is_instant(&self) -> bool {
        !self.eventful && self.network.latency.is_zero()
    }

    /// The travel time of every message between two hosts, if nothing else can happen to it.
    #[inline]
    pub fn constant(&self) -> Option<Span> {
        (!self.eventful).then_some(self.network.latency)
    }

    /// Whether nothing passes between these hosts at present.
    #[inline]
    pub fn is_cut(&self, from: Option<HostId>, to: Option<HostId>) -> bool {
        self.eventful && self.cuts_between(from, to)
    }

    fn cuts_between(&self, from: Option<HostId>, to: Option<HostId>) -> bool {
        let (Some(a), Some(b)) = (from, to) else { return false };
        if a == b {
            return false;
        }
        let between =
            |(x, y): &(&[HostId], &[HostId])| (x.contains(&a) && y.contains(&b)) || (x.contains(&b) && y.contains(&a));
        self.partitions.iter().any(between) || self.link(from, to).is_some_and(|l| self.links[l.index()].cuts > 0)
    }

    /// The pause before retransmission `n` of a message that met a cut, counted from zero.
    pub fn pause_before(n: u32) -> Span {
        Span::from_nanos(RETRANSMIT.nanos() << n.min(RETRANSMISSIONS)).min(LONGEST_PAUSE)
    }

    fn link(&self, from: Option<HostId>, to: Option<HostId>) -> Option<LinkId> {
        self.network.routes.get(&(from?, to?)).copied()
    }

    /// Latency, transfer time, and the retransmission pauses on a lossy link.
    fn journey(&self, from: Option<HostId>, to: Option<HostId>, bytes: u64, draw: &mut Draw) -> Span {
        let way = Way::of(self.network, self.link(from, to));
        let mut span = way.latency + way.transfer(bytes);
        if way.loss > 0.0 {
            for n in 0..RETRANSMISSIONS {
                if unit(draw) >= way.loss {
                    break;
                }
                span = span + Wire::pause_before(n);
            }
        }
        span
    }

    fn drops(&self, from: Option<HostId>, to: HostId, draw: &mut Draw) -> bool {
        let Some(link) = self.link(from, Some(to)) else {
            return false;
        };
        happens(&self.links[link.index()].drops, draw)
    }

    /// A partition begins or ends.
    pub fn partition(&mut self, sides: (&'p [HostId], &'p [HostId]), begins: bool) {
        if begins {
            self.partitions.push(sides);
            self.eventful = true;
        } else if let Some(at) = self.partitions.iter().position(|p| *p == sides) {
            self.partitions.remove(at);
        }
    }

    /// A fault that cuts a link begins or ends.
    pub fn cut(&mut self, link: LinkId, begins: bool) {
        let cuts = &mut self.links[link.index()].cuts;
        *cuts = if begins { *cuts + 1 } else { *cuts - 1 };
    }

    /// A fault that drops calls on a link begins or ends.
    pub fn drop_calls(&mut self, link: LinkId, ratio: f64, begins: bool) {
        toggle(&mut self.links[link.index()].drops, ratio, begins);
    }
}

/// A node as seen from the wire.
#[derive(Copy, Clone, Debug)]
pub struct End {
    /// The host it runs on; `None` for clients.
    pub host: Option<HostId>,
    /// Whether it only resolves names.
    pub names: bool,
}

/// The ends of the plan's nodes, then of the clients of each source.
pub fn ends(plan: &Plan) -> Vec<End> {
    let of_node = |n: usize| End {
        host: Some(plan.nodes[n].host),
        names: plan.only_names(NodeId::new(n)),
    };
    let client = End {
        host: None,
        names: false,
    };
    let clients = std::iter::repeat_n(client, plan.sources.len());
    (0..plan.nodes.len()).map(of_node).chain(clients).collect()
}

/// What a message meets between two hosts while no fault acts.
struct Way {
    latency: Span,
    loss: f64,
    bandwidth: Option<f64>,
}

impl Way {
    fn of(network: &Network, link: Option<LinkId>) -> Way {
        let of_network = Way {
            latency: network.latency,
            loss: network.loss,
            bandwidth: network.bandwidth,
        };
        link.map(|l| &network.links[l.index()]).map_or(of_network, |link| Way {
            latency: link.latency,
            loss: link.loss,
            bandwidth: link.bandwidth,
        })
    }

    fn transfer(&self, bytes: u64) -> Span {
        self.bandwidth
            .map_or(Span::ZERO, |per_s| Span::from_seconds(bytes as f64 / per_s))
    }

    /// Mean travel time of a message.
    fn mean_s(&self, bytes: u64) -> f64 {
        let mut lost = 1.0;
        let pauses = (0..RETRANSMISSIONS).map(|n| {
            lost *= self.loss;
            lost * Wire::pause_before(n).seconds()
        });
        (self.latency + self.transfer(bytes)).seconds() + pauses.sum::<f64>()
    }
}

/// Mean travel times of a call of this class to a node, and of its answer, while no fault acts.
pub fn typical(plan: &Plan, from: Option<HostId>, to: NodeId, class: ClassId) -> (f64, f64) {
    let there = plan.node(to).host;
    // A resolver costs only its own time.
    if from == Some(there) || plan.only_names(to) {
        return (0.0, 0.0);
    }
    let bytes = plan.bytes(class, to);
    let one_way = |route: Option<(HostId, HostId)>, bytes| {
        let link = route.and_then(|r| plan.network.routes.get(&r)).copied();
        Way::of(&plan.network, link).mean_s(bytes)
    };
    (
        one_way(from.map(|f| (f, there)), bytes.request),
        one_way(from.map(|f| (there, f)), bytes.response),
    )
}

/// Adds a fault with this number to the active ones, or removes it.
pub fn toggle(active: &mut Vec<f64>, ratio: f64, begins: bool) {
    if begins {
        active.push(ratio);
    } else if let Some(at) = active.iter().position(|r| *r == ratio) {
        active.remove(at);
    }
}

/// Whether at least one of several independent chances occurs.
pub fn happens(ratios: &[f64], rng: &mut impl Rng) -> bool {
    #![expect(
        clippy::unnecessary_fold,
        reason = "every chance is drawn: how many words are used must not depend on the outcome"
    )]
    ratios.iter().fold(false, |hit, ratio| unit(rng) < *ratio || hit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load_text;

    /// Counts of answers by delay in milliseconds.
    fn delays(network: &str, messages: u64) -> std::collections::BTreeMap<u64, u64> {
        let text = format!(
            r#"{{ "network": {network}, "clients": {{ "c": {{ "arrivals": {{ "uniform": 1 }}, "entry": "n" }} }},
                  "nodes": {{ "n": {{ "kind": "app" }} }} }}"#
        );
        let plan = load_text("x.json", &text, &[]).expect("it is right").plan;
        let wire = Wire::new(&plan);
        let mut found = std::collections::BTreeMap::new();
        for key in 0..messages {
            let span = wire.answer(None, Some(HostId::new(0)), || {
                Message::light(crate::base::random::mix(7, key))
            });
            assert_eq!(span.nanos() % 1_000_000, 0);
            *found.entry(span.nanos() / 1_000_000).or_default() += 1;
        }
        found
    }

    #[test]
    fn what_is_lost_is_sent_again_after_pauses_that_double() {
        let found = delays(r#"{ "latency": "3ms", "loss": 0.5 }"#, 40_000);
        // After n losses the delay is 200 (2^n - 1) ms, and half of the remaining messages stop there. Five standard
        // deviations.
        for n in 0..11_u32 {
            let share = 0.5_f64.powi(n as i32 + 1);
            let (mean, sd) = (40_000.0 * share, (40_000.0 * share * (1.0 - share)).sqrt());
            let at = 3 + 200 * ((1 << n) - 1);
            let count = found.get(&at).copied().unwrap_or(0) as f64;
            assert!(
                (count - mean).abs() <= 5.0 * sd.max(1.0),
                "after {at} ms: {count}, not {mean}"
            );
        }
        // From the eleventh retransmission on, pauses are two minutes.
        let (doubled, later): (Vec<u64>, Vec<u64>) = found.keys().partition(|at| **at < 3 + (200 << 10));
        assert!(
            doubled.iter().all(|at| ((at - 3) / 200 + 1).is_power_of_two()),
            "{found:?}"
        );
        assert!(later.iter().all(|at| (at - 3 - 200 * 1023) % 120_000 == 0), "{found:?}");
    }

    #[test]
    fn all_is_given_up_after_fifteen_retransmissions() {
        let found = delays(r#"{ "loss": 0.999 }"#, 4_000);
        // Ten pauses from 200 ms on, each twice the one before, and five of two minutes. After another two minutes
        // Linux gives up, at the 924.6 s of its manual.
        let last = 200 * ((1 << 10) - 1) + 5 * 120_000;
        assert_eq!(found.keys().max(), Some(&last));
        // 0.999 ^ 15 = 0.985.
        assert!(found[&last] > 3_880, "{found:?}");
    }
}
