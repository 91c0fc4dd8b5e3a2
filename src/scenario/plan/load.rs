//! The same plan under another load, and how long it takes to react to a failure.

use super::{Arrivals, Check, Class, Hit, Kind, Load, Node, Plan, Promotion, Retry, Source, Target};
use crate::base::dist::Dist;
use crate::base::ids::{ClassId, NodeId};
use crate::base::random::mix;
use crate::base::time::{Span, Time};

/// Of profiles with more points than this only the moments with the highest load are looked at.
const MOST_MOMENTS: usize = 64;
/// A reaction that takes longer is not watched to its end.
const LONGEST_REACTION: Span = Span::from_millis(7_200_000);

impl Plan {
    /// The same stack under so many times the load: rates are multiplied, recorded arrivals moved together or apart, and
    /// closed loops get more or fewer users.
    pub fn under_load(&self, factor: f64) -> Plan {
        let mut plan = self.clone();
        plan.sources.iter_mut().for_each(|source| scale(source, factor));
        plan
    }

    /// Its users, where all of the load are users that wait for their answers: there are no fractions of them.
    pub fn users(&self) -> Option<u32> {
        let of = |s: &Source| match s.load {
            Load::Closed { users, .. } => Some(users),
            Load::Open { .. } => None,
        };
        self.sources.iter().map(of).sum()
    }

    /// What is to happen at a set time happens so much later: recorded arrivals, profiles, faults. A fault that is
    /// there from the start stays.
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
                    // Until then it is as at its beginning.
                    points.splice(0..0, begins);
                }
                _ => {}
            }
        }
        let scheduled = self.faults.iter_mut().filter(|f| f.at > Time::ZERO);
        scheduled.for_each(|f| f.at += by);
    }

    /// Requests a second while nothing fails, at the moment when all sources together ask for most; of closed loops an
    /// upper bound.
    pub fn requests_per_s(&self) -> f64 {
        self.busiest_moment().iter().sum()
    }

    /// Requests a second by source, at the moment when all of them together ask for most.
    pub fn busiest_moment(&self) -> Vec<f64> {
        let total = |rates: &Vec<f64>| rates.iter().sum::<f64>();
        let all = self.moments().into_iter();
        all.max_by(|a, b| total(a).total_cmp(&total(b))).unwrap_or_default()
    }

    /// Requests a second by source, at every moment at which some resource may be asked for most: where a profile has
    /// a point, on both sides of it. One moment is enough where all sources follow one profile or none.
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

    /// Requests a second while nothing fails, averaged over the run; of closed loops an upper bound.
    pub fn mean_requests_per_s(&self) -> f64 {
        let end = self.duration.seconds();
        self.sources.iter().map(|s| s.mean_requests_per_s(end)).sum()
    }

    /// How requests arrive, of the sources whose users do not wait for their answers.
    pub fn arrivals(&self) -> impl Iterator<Item = &Arrivals> {
        self.sources.iter().filter_map(|s| match &s.load {
            Load::Open { arrivals, .. } => Some(arrivals),
            Load::Closed { .. } => None,
        })
    }

    /// Is the load another at other times, by design?
    pub fn load_varies(&self) -> bool {
        self.is_timed() || self.arrivals().any(|a| matches!(a, Arrivals::Mmpp { .. }))
    }

    /// Is it another at set times?
    pub fn is_timed(&self) -> bool {
        self.arrivals()
            .any(|a| matches!(a, Arrivals::Profile { .. } | Arrivals::Trace { .. }))
    }

    /// What happens is met at any moment of a long life, by simulations that last so long.
    pub fn at_any_time(&mut self, simulation: Span) {
        self.midlife = true;
        if self.is_timed() && self.duration > simulation {
            self.begins_within = self.duration - simulation;
        }
    }

    /// From then on such a failure has been reacted to, with some room; nobody waits for that longer than two hours.
    pub fn settled(&self, failure: &[Hit]) -> Span {
        Span::from_seconds(1.2 * self.reaction(failure).seconds() + 2.0).min(LONGEST_REACTION)
    }

    /// For how long a request goes on trying that meets such a failure: whoever comes so shortly before the repair may meet that instead.
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

    /// For how long a circuit breaker stays open that has opened, at most.
    pub fn longest_open(&self) -> Span {
        let open = |node: &Node| match &node.kind {
            Kind::App(app) => app.breaker.as_ref().map(|b| b.open),
            _ => None,
        };
        self.nodes.iter().filter_map(open).max().unwrap_or(Span::ZERO)
    }

    /// How long until everything that notices such a failure by itself has acted on it, about.
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
                    // A dead resolver is felt when the last answer of its own has gone stale.
                    true => moves + (dns.ttl.max(overstayed) + dns.timeout).seconds(),
                    false => 0.0,
                }
            }
            // What is in a cache goes stale.
            Kind::Web(web) => struck.silence(web.connect_timeout) + web.cache.map_or(0.0, |c| c.ttl.seconds()),
            // A circuit that has opened stays so, whatever stands behind it.
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
    /// All of its pauses, at their longest; of many the first few, which is more than anybody waits to see.
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
    /// A client's address, for those who go by it: sources that are added before this one do not change it.
    pub fn address(&self, client: u32) -> u64 {
        mix(self.label, u64::from(client))
    }

    /// Requests a second until `end`, of a profile at its peak; of a closed loop an upper bound.
    pub fn requests_per_s(&self, end: f64) -> f64 {
        self.load.per_s(end) * self.requests_a_view() as f64
    }

    /// The same averaged until `end`, a profile too.
    pub fn mean_requests_per_s(&self, end: f64) -> f64 {
        self.load.mean_per_s(end) * self.requests_a_view() as f64
    }

    /// How many requests an arrival brings.
    pub fn requests_a_view(&self) -> usize {
        self.page.len().max(1)
    }

    /// The share of each class in what the source asks for.
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

    /// Does anything but the shares of the classes say what it asks for?
    pub fn names_classes(&self) -> bool {
        !self.page.is_empty() || self.recorded().any(|class| class.is_some())
    }

    /// The classes of recorded arrivals, as far as the recording has them; a source with pages has none.
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

/// What a failure touches.
struct Struck {
    nodes: Vec<bool>,
    /// Do callers hear nothing at all?
    silent: bool,
    /// A network that is cut is seen from anywhere.
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

    /// How long a caller waits for what does not answer.
    fn silence(&self, timeout: Span) -> f64 {
        if self.silent { timeout.seconds() } else { 0.0 }
    }
}

/// From a failure to the verdict, at the latest.
fn check(check: &Check) -> f64 {
    check.inter.seconds() + f64::from(check.fall) * (check.fastinter.max(check.inter) + check.timeout).seconds()
}

impl Load {
    /// How many arrive a second until `end`: a profile at its peak, bursts on average, users as if answers took no time. Where a gap has no
    /// mean, as if it were a second: enough to plan by, and nothing to say of.
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

    /// The same, a profile averaged over that time.
    fn mean_per_s(&self, end: f64) -> f64 {
        let Some(stretches) = self.profile(end) else {
            return self.per_s(end);
        };
        // The area under a stretch, as far as it lies before the end.
        let area = |[(t0, r0), (t1, r1)]: &[(f64, f64); 2]| {
            let span = (t1.min(end) - t0).max(0.0);
            let reached = r0 + (r1 - r0) * span / (t1 - t0).max(f64::MIN_POSITIVE);
            span * (r0 + reached) / 2.0
        };
        stretches.iter().map(area).sum::<f64>() / end
    }

    /// The rate just before a moment and just after it, of a run that lasts until `end`.
    fn around(&self, at: f64, end: f64) -> [f64; 2] {
        let Some(stretches) = self.profile(end) else {
            return [self.per_s(end); 2];
        };
        let there = |[(t0, r0), (t1, r1)]: &[(f64, f64); 2]| r0 + (r1 - r0) * (at - t0) / (t1 - t0);
        let before = stretches.iter().find(|[from, to]| from.0 < at && at <= to.0);
        let after = stretches.iter().find(|[from, to]| from.0 <= at && at < to.0);
        [before, after].map(|stretch| stretch.map_or(0.0, there))
    }

    /// The stretches of a profile as (seconds, rate) at both ends. Nothing comes before the first; after the last point its rate stays.
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

    /// By day 10/s for 23 of 24 min, at night 100/s for one: never 110/s at once, and 13,800 of 19,800 requests by day. Beside it a triangle that
    /// begins late, whose last rate stays.
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
