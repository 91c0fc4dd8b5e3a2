//! The same plan under another load, and how long it takes to react to a failure.

use super::{Arrivals, Check, Kind, Load, Plan, Promotion, Source, Target};
use crate::base::dist::Dist;
use crate::base::ids::NodeId;
use crate::base::time::{Span, Time};

impl Plan {
    /// The same stack under so many times the load: rates are multiplied, recorded arrivals moved together or apart, and
    /// closed loops get more or fewer users.
    pub fn under_load(&self, factor: f64) -> Plan {
        let mut plan = self.clone();
        plan.sources.iter_mut().for_each(|source| scale(source, factor));
        plan
    }

    /// Requests that come in a second, on the average over the run, while all is well; of closed loops, at most so many.
    pub fn requests_per_s(&self) -> f64 {
        let end = self.duration.seconds();
        self.sources.iter().map(|s| per_s(&s.load, end)).sum()
    }

    /// How long until everything that notices a failure by itself has acted on it, about.
    pub fn reaction(&self) -> Span {
        let all: Vec<NodeId> = (0..self.nodes.len()).map(NodeId::new).collect();
        self.reaction_to(&all)
    }

    /// The same of a failure of these nodes.
    pub fn reaction_to(&self, lost: &[NodeId]) -> Span {
        let is_lost = |target: &Target| match target {
            Target::Node(node) => lost.contains(node),
            Target::Vip(vip) => self.vips[vip.index()].members.iter().any(|m| lost.contains(m)),
        };
        let nodes = self.nodes.iter().enumerate().map(|(i, node)| match &node.kind {
            Kind::LoadBalancer(lb) => lb.check.as_ref().map_or(0.0, check) + lb.connect_timeout.seconds(),
            // A dead resolver is felt when the last answer of its own has gone stale, a dead answer of its likewise.
            Kind::Dns(dns) if !lost.contains(&NodeId::new(i)) && !dns.answers.iter().any(is_lost) => 0.0,
            Kind::Dns(dns) => dns.failover.as_ref().map_or(0.0, check) + (dns.ttl + dns.timeout).seconds(),
            Kind::Web(web) => web.connect_timeout.seconds(),
            Kind::App(app) => app.connect_timeout.seconds(),
            Kind::Firewall(_) | Kind::Member(_) => 0.0,
        });
        let mean = |dist: &Dist| dist.mean_s().unwrap_or(0.0);
        let roles = self.databases.iter().map(|d| match &d.failover {
            Promotion::Manual => 0.0,
            Promotion::Automatic { detect, promote } => 2.0 * (mean(detect) + mean(promote)),
        });
        let addresses = self.vips.iter().map(|vip| 2.0 * mean(&vip.failover));
        Span::from_seconds(nodes.chain(roles).chain(addresses).fold(0.0, f64::max))
    }
}

/// From a failure to the verdict, at the latest.
fn check(check: &Check) -> f64 {
    check.inter.seconds() + f64::from(check.fall) * (check.fastinter.max(check.inter) + check.timeout).seconds()
}

fn per_s(load: &Load, end: f64) -> f64 {
    match load {
        Load::Closed { users, think } => f64::from(*users) / think.mean_s().unwrap_or(1.0).max(1e-3),
        Load::Open { arrivals, .. } => match arrivals {
            Arrivals::Poisson { rate } => *rate,
            Arrivals::Uniform { spacing } => 1.0 / spacing.seconds().max(1e-9),
            Arrivals::Renewal { gap } => 1.0 / gap.mean_s().unwrap_or(1.0).max(1e-9),
            Arrivals::Profile { points } => points.iter().map(|p| p.1).fold(0.0, f64::max),
            Arrivals::Mmpp { states } => {
                let total: f64 = states.iter().map(|s| s.1.seconds()).sum();
                states.iter().map(|s| s.0 * s.1.seconds()).sum::<f64>() / total.max(1e-9)
            }
            Arrivals::Trace { rows } => rows.len() as f64 / end,
        },
    }
}

fn scale(source: &mut Source, factor: f64) {
    match &mut source.load {
        Load::Closed { users, .. } => *users = ((f64::from(*users) * factor) as u32).max(1),
        Load::Open { arrivals, .. } => match arrivals {
            Arrivals::Poisson { rate } => *rate *= factor,
            Arrivals::Uniform { spacing } => *spacing = spacing.scaled(1.0 / factor),
            Arrivals::Renewal { gap } => *gap = gap.scaled(1.0 / factor),
            Arrivals::Profile { points } => points.iter_mut().for_each(|p| p.1 *= factor),
            Arrivals::Mmpp { states } => states.iter_mut().for_each(|s| s.0 *= factor),
            Arrivals::Trace { rows } => {
                for row in rows {
                    row.at = Time::ZERO + row.at.since(Time::ZERO).scaled(1.0 / factor);
                }
            }
        },
    }
}
