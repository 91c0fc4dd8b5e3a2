//! The same plan under another load, and the time it takes to react to a failure.

use super::{Arrivals, Check, Class, Hit, Kind, Load, Node, Plan, Promotion, Retry, Source, Target};
use crate::base::dist::Dist;
use crate::base::ids::{ClassId, NodeId};
use crate::base::random::mix;
use crate::base::time::{Span, Time};

/// With more points in profiles than this, only the moments with the highest load are considered.
const MOST_MOMENTS: usize = 64;
/// Longer reactions are not simulated to their end.
const LONGEST_REACTION: Span = Span::from_millis(7_200_000);

impl Plan {
    /// The same stack with the load multiplied by `factor`: rates are multiplied, recorded arrivals moved together or
    /// apart, and the number of users of closed loops scaled.
    pub fn under_load(&self, factor: f64) -> Plan {
        let mut plan = self.clone();
        plan.sources.iter_mut().for_each(|source| scale(source, factor));
        plan
    }

    /// The number of users, if all sources are closed loops. The load then changes in whole users only.
    pub fn users(&self) -> Option<u32> {
        let of = |s: &Source| match s.load {
            Load::Closed { users, .. } => Some(users),
            Load::Open { .. } => None,
        };
        self.sources.iter().map(of).sum()
    }

    /// Delays everything that happens at a set time: recorded arrivals, profiles, faults. A fault present from the
    /// start stays.
    pub fn delay(&mut self, by: Span) {
        for source in &mut self.sources {
            match &mut source.load {
                Load::Open {
                    arrivals: Arrivals::Trace { rows },
                    ..
                } => rows.iter_mut().for_each(|row| row.at += by),
                Load::Open {
                    arrivals: Arrivals::Profile { points },
                    ..
                } => {
                    let begins = points.first().copied().filter(|(at, _)| *at == Time::ZERO);
                    points.iter_mut().for_each(|(at, _)| *at += by);
                    // Until then the rate is that of the beginning.
                    points.splice(0..0, begins);
                }
                _ => {}
            }
        }
        let scheduled = self.faults.iter_mut().filter(|f| f.at > Time::ZERO);
        scheduled.for_each(|f| f.at += by);
    }

    /// Requests per second without failures, at the moment of the highest total load; for closed loops an upper bound.
    pub fn requests_per_s(&self) -> f64 {
        self.busiest_moment().iter().sum()
    }

    /// Requests per second by source, at the moment of the highest total load.
    pub fn busiest_moment(&self) -> Vec<f64> {
        let total = |rates: &Vec<f64>| rates.iter().sum::<f64>();
        let all = self.moments().into_iter();
        all.max_by(|a, b| total(a).total_cmp(&total(b))).unwrap_or_default()
    }

    /// Requests per second by source, at every moment at which the load on some resource may peak: on both sides of
    /// each point of a profile. With at most one profile, one moment is enough.
    pub fn moments(&self) -> Vec<Vec<f64>> {
        let end = self.duration.seconds();
        let profiles = || self.sources.iter().filter_map(|s| s.load.profile(end));
        let mut points: Vec<f64> = profiles().flatten().flatten().map(|(at, _)| at.min(end)).collect();
        points.push(end);
        points.sort_unstable_by(f64::total_cmp);
        points.dedup();
        let side = |at: f64, side: usize| -> Vec<f64> {
            let of = |s: &Source| s.load.around(at, end)[side] * s.requests_a_view() as f64;
            self.sources.iter().map(of).collect()
        };
        let before = points.iter().map(|at| side(*at, 0));
        let after = points.iter().filter(|at| **at < end).map(|at| side(*at, 1));
        let mut all: Vec<Vec<f64>> = before.chain(after).collect();
        let total = |rates: &Vec<f64>| rates.iter().sum::<f64>();
        all.sort_by(|a, b| total(b).total_cmp(&total(a)));
        all.truncate(if profiles().count() > 1 { MOST_MOMENTS } else { 1 });
        all
    }

    /// Requests per second without failures, averaged over the run; for closed loops an upper bound.
    pub fn mean_requests_per_s(&self) -> f64 {
        let end = self.duration.seconds();
        self.sources.iter().map(|s| s.mean_requests_per_s(end)).sum()
    }

    /// The arrival processes of open sources.
    pub fn arrivals(&self) -> impl Iterator<Item = &Arrivals> {
        self.sources.iter().filter_map(|s| match &s.load {
            Load::Open { arrivals, .. } => Some(arrivals),
            Load::Closed { .. } => None,
        })
    }

    /// Whether the load varies over time by design.
    pub fn load_varies(&self) -> bool {
        self.is_timed() || self.arrivals().any(|a| matches!(a, Arrivals::Mmpp { .. }))
    }

    /// Whether the load varies at set times.
    pub fn is_timed(&self) -> bool {
        self.arrivals()
            .any(|a| matches!(a, Arrivals::Profile { .. } | Arrivals::Trace { .. }))
    }

    /// Makes replications of length `simulation` begin at a random moment of a long life.
    pub fn at_any_time(&mut self, simulation: Span) {
        self.midlife = true;
        if self.is_timed() && self.duration > simulation {
            self.begins_within = self.duration - simulation;
        }
    }

    /// The time by which such a failure has been reacted to, with some margin; at most two hours.
    pub fn settled(&self, failure: &[Hit]) -> Span {
        Span::from_seconds(1.2 * self.reaction(failure).seconds() + 2.0).min(LONGEST_REACTION)
    }

    /// How long a request that meets such a failure goes on trying. One that arrives less than this before the repair
    /// may reach the repair.
    pub fn tries(&self, failure: &[Hit]) -> Span {
        let silent = Struck::by(self, failure).silent;
        let waits = |connect: Span, retries: u32| match silent {
            true => connect.scaled(f64::from(retries) + 1.0),
            false => Span::ZERO,
        };
        let policy = |retry: &Option<Retry>, connect: Span| match retry {
            Some(retry) => retry.pauses() + waits(connect, retry.max),
            None => waits(connect, 0),
        };
        let of_balancer = |node: &Node| match &node.kind {
            Kind::LoadBalancer(lb) if silent => Some(waits(lb.connect_timeout, lb.retries)),
            Kind::LoadBalancer(lb) => Some(lb.connect_timeout.min(Span::SECOND).scaled(f64::from(lb.retries))),
            _ => None,
        };
        let of_app = |node: &Node| match &node.kind {
            Kind::App(app) => Some(policy(&app.retry, app.connect_timeout)),
            _ => None,
        };
        let clients = self.sources.iter().map(|s| policy(&s.retry, s.connect_timeout)).max();
        let tiers = [
            self.nodes.iter().filter_map(of_balancer).max(),
            self.nodes.iter().filter_map(of_app).max(),
            clients,
        ];
        tiers.into_iter().flatten().fold(Span::ZERO, |sum, tier| sum + tier)
    }

    /// The longest time for which a circuit breaker stays open.
    pub fn longest_open(&self) -> Span {
        let open = |node: &Node| match &node.kind {
            Kind::App(app) => app.breaker.as_ref().map(|b| b.open),
            _ => None,
        };
        self.nodes.iter().filter_map(open).max().unwrap_or(Span::ZERO)
    }

    /// Approximate time until everything that detects such a failure by itself has acted on it.
    pub fn reaction(&self, failure: &[Hit]) -> Span {
        let struck = Struck::by(self, failure);
        let overstayed = self.sources.iter().map(|s| s.min_ttl).max().unwrap_or(Span::ZERO);
        let nodes = self.nodes.iter().enumerate().map(|(i, node)| match &node.kind {
            Kind::LoadBalancer(lb) => {
                let sees = |c: &&Check| c.deep || lb.servers.iter().any(|s| struck.node(s.node));
                lb.check.as_ref().filter(sees).map_or(0.0, check) + struck.silence(lb.connect_timeout)
            }
            Kind::Dns(dns) => {
                let sees = |c: &&Check| c.deep || dns.answers.iter().any(|a| struck.target(self, *a));
                let moves = dns.failover.as_ref().filter(sees).map_or(0.0, check);
                match struck.node(NodeId::new(i)) || moves > 0.0 {
                    // A dead resolver is noticed when its last cached answer goes stale.
                    true => moves + (dns.ttl.max(overstayed) + dns.timeout).seconds(),
                    false => 0.0,
                }
            }
            // The content of a cache goes stale.
            Kind::Web(web) => struck.silence(web.connect_timeout) + web.cache.map_or(0.0, |c| c.ttl.seconds()),
            // An open circuit breaker stays open, whatever the state behind it.
            Kind::App(app) => {
                struck.silence(app.connect_timeout) + app.breaker.as_ref().map_or(0.0, |b| b.open.seconds())
            }
            Kind::Firewall(_) | Kind::Member(_) => 0.0,
        });
        let mean = |dist: &Dist| dist.mean_s().unwrap_or(0.0);
        let roles = self.databases.iter().map(|d| match &d.failover {
            Promotion::Automatic { detect, promote } if d.members.iter().any(|m| struck.node(*m)) => {
                2.0 * (mean(detect) + mean(promote))
            }
            _ => 0.0,
        });
        let addresses = self
            .vips
            .iter()
            .map(|vip| match vip.members.iter().any(|m| struck.node(*m)) {
                true => 2.0 * mean(&vip.failover),
                false => 0.0,
            });
        Span::from_seconds(nodes.chain(roles).chain(addresses).fold(0.0, f64::max))
    }
}

impl Retry {
    /// The sum of the pauses at their longest; of the first 32 if there are more.
    fn pauses(&self) -> Span {
        let mut all = Span::ZERO;
        let mut pause = self.backoff;
        for _ in 0..self.max.min(32) {
            let capped = self.cap.map_or(pause, |cap| pause.min(cap));
            all = all + capped;
            pause = capped.scaled(self.factor);
        }
        all
    }
}

impl Source {
    /// A client's address, for hashing. Adding other sources does not change it.
    pub fn address(&self, client: u32) -> u64 {
        mix(self.label, u64::from(client))
    }

    /// Requests per second until `end`: for a profile its peak, for a closed loop an upper bound.
    pub fn requests_per_s(&self, end: f64) -> f64 {
        self.load.per_s(end) * self.requests_a_view() as f64
    }

    /// The same, with profiles averaged until `end`.
    pub fn mean_requests_per_s(&self, end: f64) -> f64 {
        self.load.mean_per_s(end) * self.requests_a_view() as f64
    }

    /// Requests per arrival.
    pub fn requests_a_view(&self) -> usize {
        self.page.len().max(1)
    }

    /// The share of each class in the source's requests.
    pub fn mix(&self, classes: &[Class]) -> Vec<f64> {
        let of_page = self.page.iter().map(|class| Some(*class));
        let asked: Vec<Option<ClassId>> = of_page.chain(self.recorded()).collect();
        if asked.iter().all(Option::is_none) {
            return classes.iter().map(|c| c.share).collect();
        }
        let each = 1.0 / asked.len() as f64;
        let mut mix = vec![0.0; classes.len()];
        for class in asked {
            match class {
                Some(class) => mix[class.index()] += each,
                None => mix.iter_mut().zip(classes).for_each(|(m, c)| *m += each * c.share),
            }
        }
        mix
    }

    /// Whether anything but the classes' shares determines its classes.
    pub fn names_classes(&self) -> bool {
        !self.page.is_empty() || self.recorded().any(|class| class.is_some())
    }

    /// The recorded class of each recorded arrival, if any; none for a source with pages.
    fn recorded(&self) -> impl Iterator<Item = Option<ClassId>> {
        let rows = match &self.load {
            Load::Open {
                arrivals: Arrivals::Trace { rows },
                ..
            } if self.page.is_empty() => rows.as_slice(),
            _ => &[],
        };
        rows.iter().map(|row| row.class)
    }
}

/// What a failure affects.
struct Struck {
    nodes: Vec<bool>,
    /// Whether callers get no reply at all.
    silent: bool,
    /// Whether the network is affected, which every node notices.
    network: bool,
}

impl Struck {
    fn by(plan: &Plan, failure: &[Hit]) -> Struck {
        let mut struck = Struck {
            nodes: vec![false; plan.nodes.len()],
            silent: false,
            network: false,
        };
        for hit in failure {
            match hit {
                Hit::CrashHost(host) => {
                    plan.nodes_on(*host).for_each(|n| struck.nodes[n.index()] = true);
                    struck.silent = true;
                }
                Hit::CrashNode(node) | Hit::Slow(node, _) | Hit::Errors(node, _) | Hit::Empty(node, _) => {
                    struck.nodes[node.index()] = true;
                }
                Hit::Hang(node) | Hit::Drop(node, _) => (struck.nodes[node.index()], struck.silent) = (true, true),
                _ => (struck.silent, struck.network) = (true, true),
            }
        }
        struck
    }

    fn node(&self, node: NodeId) -> bool {
        self.network || self.nodes[node.index()]
    }

    fn target(&self, plan: &Plan, target: Target) -> bool {
        match target {
            Target::Node(node) => self.node(node),
            Target::Vip(vip) => plan.vips[vip.index()].members.iter().any(|m| self.node(*m)),
        }
    }

    /// How long a caller waits for a reply that does not come.
    fn silence(&self, timeout: Span) -> f64 {
        if self.silent { timeout.seconds() } else { 0.0 }
    }
}

/// The longest time from a failure until a check takes the server down.
fn check(check: &Check) -> f64 {
    check.inter.seconds() + f64::from(check.fall) * (check.fastinter.max(check.inter) + check.timeout).seconds()
}

impl Load {
    /// Arrivals per second until `end`: a profile at its peak, bursts on average, users as if answers took no time. A
    /// gap without a mean counts as one second, which is enough for planning but not to be reported.
    pub fn per_s(&self, end: f64) -> f64 {
        let per = |gap: Option<f64>| 1.0 / gap.unwrap_or(1.0);
        let rate = match self {
            Load::Closed { users, think } => f64::from(*users) * per(think.mean_s().map(|s| s.max(1e-3))),
            Load::Open { arrivals, .. } => match arrivals {
                Arrivals::Poisson { rate } => *rate,
                Arrivals::Uniform { spacing } => per(Some(spacing.seconds())),
                Arrivals::Renewal { gap } => per(gap.mean_s()),
                Arrivals::Profile { points } => points.iter().map(|p| p.1).fold(0.0, f64::max),
                Arrivals::Mmpp { states } => {
                    let total: f64 = states.iter().map(|s| s.1.seconds()).sum();
                    states.iter().map(|s| s.0 * s.1.seconds()).sum::<f64>() / total
                }
                // The last rows may lie beyond the end.
                Arrivals::Trace { rows } => rows.iter().filter(|row| row.at.seconds() < end).count() as f64 / end,
            },
        };
        if rate.is_finite() { rate } else { 0.0 }
    }

    /// The same, with profiles averaged.
    fn mean_per_s(&self, end: f64) -> f64 {
        let Some(stretches) = self.profile(end) else {
            return self.per_s(end);
        };
        // The area under a stretch, up to the end.
        let area = |[(t0, r0), (t1, r1)]: &[(f64, f64); 2]| {
            let span = (t1.min(end) - t0).max(0.0);
            let reached = r0 + (r1 - r0) * span / (t1 - t0).max(f64::MIN_POSITIVE);
            span * (r0 + reached) / 2.0
        };
        stretches.iter().map(area).sum::<f64>() / end
    }

    /// The rate just before and just after a moment, in a run that lasts until `end`.
    fn around(&self, at: f64, end: f64) -> [f64; 2] {
        let Some(stretches) = self.profile(end) else {
            return [self.per_s(end); 2];
        };
        let there = |[(t0, r0), (t1, r1)]: &[(f64, f64); 2]| r0 + (r1 - r0) * (at - t0) / (t1 - t0);
        let before = stretches.iter().find(|[from, to]| from.0 < at && at <= to.0);
        let after = stretches.iter().find(|[from, to]| from.0 <= at && at < to.0);
        [before, after].map(|stretch| stretch.map_or(0.0, there))
    }

    /// The stretches of a profile as (seconds, rate) at both ends. Before the first the rate is 0; after the last point
    /// it stays.
    fn profile(&self, end: f64) -> Option<Vec<[(f64, f64); 2]>> {
        let Load::Open {
            arrivals: Arrivals::Profile { points },
            ..
        } = self
        else {
            return None;
        };
        let points = points.iter().map(|(at, rate)| (at.seconds(), *rate));
        let last = points.clone().next_back().map(|(at, rate)| (end.max(at), rate));
        let all: Vec<(f64, f64)> = points.chain(last).collect();
        Some(all.windows(2).map(|pair| [pair[0], pair[1]]).collect())
    }
}

fn scale(source: &mut Source, factor: f64) {
    match &mut source.load {
        Load::Closed { users, .. } => *users = ((f64::from(*users) * factor).round() as u32).max(1),
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

#[cfg(test)]
mod tests {
    use crate::scenario::load_text;

    /// Day: 10/s for 23 of 24 min; night: 100/s for one. Never 110/s at once; 13,800 of 19,800 requests come by day.
    /// Another source is a triangle that begins late and keeps its last rate.
    #[test]
    fn sources_that_peak_at_different_times_are_not_added_at_their_peaks() {
        let plan = |clients: &str| {
            let text = format!(
                r#"{{ "duration": "24m", "requests": {{ "day": {{}}, "night": {{}} }}, "clients": {{ {clients} }}, "nodes": {{ "a": {{ "kind": "app" }} }} }}"#
            );
            load_text("x.json", &text, &[]).expect("it is right").plan
        };
        let apart = plan(
            r#""d": { "arrivals": { "profile": [["0s", 0], ["1m", 0], ["1m", 10], ["24m", 10]] }, "entry": "a", "page": { "day": 1 } },
               "n": { "arrivals": { "profile": [["0s", 100], ["1m", 100], ["1m", 0], ["24m", 0]] }, "entry": "a", "page": { "night": 1 } }"#,
        );
        assert!(
            (apart.requests_per_s() - 100.0).abs() < 1e-9,
            "{}",
            apart.requests_per_s()
        );
        assert!((apart.mean_requests_per_s() - 19_800.0 / 1_440.0).abs() < 1e-9);
        assert!(
            (apart.classes[0].mix - 13_800.0 / 19_800.0).abs() < 1e-9,
            "{}",
            apart.classes[0].mix
        );
        let late = plan(
            r#""c": { "arrivals": { "profile": [["4m", 0], ["8m", 8], ["12m", 4]] }, "entry": "a", "page": { "day": 2 } }"#,
        );
        assert!((late.requests_per_s() - 16.0).abs() < 1e-9);
        // 4 min at 4/s, 4 min at 6/s and 12 min at 4/s of two requests each.
        assert!((late.mean_requests_per_s() - 2.0 * (16.0 + 24.0 + 48.0) / 24.0).abs() < 1e-9);
        // A run that ends on the way up, and one that ends at the top.
        let up = plan(r#""c": { "arrivals": { "profile": [["0s", 0], ["24m", 100]] }, "entry": "a" }"#);
        assert!((up.requests_per_s() - 100.0).abs() < 1e-9 && (up.mean_requests_per_s() - 50.0).abs() < 1e-9);
        let text = r#"{ "duration": "6m", "clients": { "c": { "arrivals": { "profile": [["4m", 0], ["8m", 8]] }, "entry": "a" } }, "nodes": { "a": { "kind": "app" } } }"#;
        let cut = load_text("x.json", text, &[]).expect("it is right").plan;
        assert!((cut.mean_requests_per_s() - 2.0 * 2.0 / 6.0).abs() < 1e-9);
        assert!((cut.requests_per_s() - 4.0).abs() < 1e-9, "{}", cut.requests_per_s());
    }
}
