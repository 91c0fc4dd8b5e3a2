//! Marks that a swarm must have seen to be worth anything.

use std::collections::BTreeMap;

use fallover::model::recorder::RunRecord;
use fallover::model::request::Outcome;
use fallover::scenario::plan::Plan;

/// The number of worlds that showed each of [`Marks::NAMES`].
#[derive(Clone, Debug, PartialEq)]
pub struct Marks([u64; Marks::NAMES.len()]);

impl Default for Marks {
    fn default() -> Self {
        Marks([0; Marks::NAMES.len()])
    }
}

impl Marks {
    /// In the order of the counts.
    pub const NAMES: [&str; 22] = [
        "refused",
        "queue full",
        "queue time-out",
        "server time-out",
        "client time-out",
        "reset",
        "all back ends down",
        "unresolved",
        "unreachable",
        "rejected",
        "error",
        "fault on fault",
        "fault at the same instant",
        "virtual IP moves",
        "promotion",
        "promotion that loses writes",
        "old primary returns after a promotion",
        "queue during a fail-over",
        "retry storm",
        "work for nobody",
        "balancer marks a server down",
        "semi-sync gives up",
    ];

    /// The marks of one run.
    pub fn of(plan: &Plan, record: &RunRecord) -> Marks {
        let outcomes = record.outcomes();
        let count = |outcome: Outcome| outcomes[outcome as usize] > 0;
        let told = |what: &str| record.events.iter().any(|e| e.what.starts_with(what));
        let attempts: u64 = record.rows.iter().map(|r| u64::from(r.attempts)).sum();
        let moved = told("takes over") || told("promoted");
        let waits = record.nodes.iter().any(|n| n.wait.sum_s() > 0.0);
        let seen = [
            count(Outcome::Refused),
            count(Outcome::QueueFull),
            count(Outcome::QueueTimeout),
            count(Outcome::ServerTimeout),
            count(Outcome::ClientTimeout),
            count(Outcome::Reset),
            count(Outcome::NoServer),
            count(Outcome::Unresolved),
            count(Outcome::Unreachable),
            count(Outcome::Rejected),
            count(Outcome::Error),
            most_at_once(record) > 1,
            record
                .events
                .windows(2)
                .any(|e| begins(&e[0].what) && begins(&e[1].what) && e[0].at == e[1].at),
            told("takes over"),
            told("promoted"),
            told("promoted ("),
            returns_after_promotion(plan, record),
            moved && waits,
            attempts > 2 * record.rows.len() as u64,
            record.nodes.iter().any(|n| n.tally.orphaned > 0),
            record.events.iter().any(|e| e.what == "down"),
            told("semi-sync off"),
        ];
        Marks(seen.map(u64::from))
    }

    /// Adds the counts of other worlds.
    pub fn add(&mut self, other: &Marks) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, n)| *sum += n);
    }

    /// Names and counts.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Marks::NAMES.into_iter().zip(self.0)
    }
}

fn begins(what: &str) -> bool {
    what.ends_with("begins") || what == "fails"
}

/// The most faults that one component had simultaneously.
fn most_at_once(record: &RunRecord) -> i64 {
    let (mut active, mut most) = (BTreeMap::<&str, i64>::new(), 0);
    for event in &record.events {
        let now = active.entry(&event.target).or_default();
        *now += i64::from(begins(&event.what));
        *now -= i64::from(event.what.ends_with("ends") || event.what == "repaired");
        most = most.max(*now);
    }
    most
}

/// A promotion, and later the end of a failure of the member that was primary at the start, or of its host.
fn returns_after_promotion(plan: &Plan, record: &RunRecord) -> bool {
    let promoted = record.events.iter().position(|e| e.what.starts_with("promoted"));
    let Some(promoted) = promoted else { return false };
    let names = plan.databases.iter().flat_map(|db| {
        let primary = plan.node(db.members[db.primary]);
        [primary.name.clone(), plan.hosts[primary.host.index()].name.clone()]
    });
    let names: Vec<String> = names.collect();
    let back = |what: &str| what == "repaired" || what.ends_with("ends");
    record.events[promoted..]
        .iter()
        .any(|e| back(&e.what) && names.contains(&e.target))
}
