//! The directory: which node a name stands for at present. It holds DNS answers, the holder of each virtual IP, and the
//! primary of each database.
//!
//! It knows roles, not machines: it serves no requests and cannot fail.

use std::collections::VecDeque;

use crate::base::ids::{DatabaseId, NodeId, VipId};
use crate::base::time::{Span, Time};
use crate::scenario::plan::{self, Kind, Plan, Target};

/// Which node each name stands for at present.
#[derive(Debug)]
pub struct Directory {
    /// Every list of answers ever published; a client's cache refers to one by index.
    lists: Vec<Vec<Target>>,
    /// One per resolver.
    zones: Vec<Zone>,
    /// One per virtual IP.
    pub vips: Vec<Holder>,
    /// One per database.
    pub databases: Vec<Roles>,
}

#[derive(Debug)]
struct Zone {
    resolver: NodeId,
    list: u32,
    turn: u32,
    ttl: Span,
    negative_ttl: Option<Span>,
}

/// The result of a lookup.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Index of the list.
    pub list: u32,
    /// Position in the list to start from.
    pub turn: u32,
    /// How long to keep it.
    pub ttl: Span,
}

/// The holder of a virtual IP.
#[derive(Debug, Default)]
pub struct Holder {
    /// Index into the plan's members.
    pub active: usize,
    /// Number of the latest take-over; a cancelled one carries an older number.
    pub epoch: u16,
    /// Whether a take-over is under way.
    pub moving: bool,
}

/// The roles in a database.
#[derive(Debug)]
pub struct Roles {
    /// Index into the plan's members.
    pub primary: usize,
    /// As for a virtual IP.
    pub epoch: u16,
    /// Whether a fail-over is under way.
    pub failing_over: bool,
    /// Commits under the current primary.
    commits: u64,
    /// The latest commits that replicas have not yet applied, oldest first.
    behind: VecDeque<Behind>,
    /// By member: for one that no longer follows the primary, the number of commits it has.
    stopped: Vec<Option<u64>>,
    /// Commits lost with a primary.
    pub lost_writes: u64,
    /// Whether the primary waits for a replica's acknowledgement. Used only with `semi-sync`.
    semi_sync: bool,
}

/// A commit on its way to the replicas, with two times.
#[derive(Copy, Clone, Debug)]
struct Behind {
    /// From then on it is in their relay logs and survives the primary.
    received: Time,
    /// From then on they have applied it.
    applied: Time,
}

impl Directory {
    /// The directory at the start of a run.
    pub fn new(plan: &Plan) -> Directory {
        let mut directory = Directory {
            lists: Vec::new(),
            zones: Vec::new(),
            vips: plan.vips.iter().map(|_| Holder::default()).collect(),
            databases: plan.databases.iter().map(Roles::new).collect(),
        };
        for (i, node) in plan.nodes.iter().enumerate() {
            if let Kind::Dns(dns) = &node.kind {
                let list = directory.publish(dns.answers.clone());
                directory.zones.push(Zone {
                    resolver: NodeId::new(i),
                    list,
                    turn: 0,
                    ttl: dns.ttl,
                    negative_ttl: dns.negative_ttl,
                });
            }
        }
        directory
    }

    fn publish(&mut self, answers: Vec<Target>) -> u32 {
        let known = self.lists.iter().position(|l| *l == answers);
        let index = known.unwrap_or_else(|| {
            self.lists.push(answers);
            self.lists.len() - 1
        });
        index as u32
    }

    fn zone(&mut self, resolver: NodeId) -> &mut Zone {
        self.zones
            .iter_mut()
            .find(|z| z.resolver == resolver)
            .expect("every resolver has a zone")
    }

    /// The current answer of this resolver. Each lookup starts one further in the list.
    pub fn look_up(&mut self, resolver: NodeId) -> Answer {
        let list = self.zone(resolver).list;
        let nothing = self.lists[list as usize].is_empty();
        let zone = self.zone(resolver);
        let answer = Answer {
            list,
            turn: zone.turn,
            ttl: zone.negative_ttl.filter(|_| nothing).unwrap_or(zone.ttl),
        };
        zone.turn = zone.turn.wrapping_add(1);
        answer
    }

    /// The `n`-th address of an answer; `None` after the last.
    pub fn address(&self, list: u32, turn: u32, n: u32) -> Option<Target> {
        let list = &self.lists[list as usize];
        let index = (turn as usize % list.len().max(1) + n as usize) % list.len().max(1);
        (n < list.len() as u32).then(|| list[index])
    }

    /// Changes a resolver's answers and returns the old ones.
    pub fn set_answers(&mut self, resolver: NodeId, answers: Vec<Target>) -> Vec<Target> {
        let new = self.publish(answers);
        let old = std::mem::replace(&mut self.zone(resolver).list, new);
        self.lists[old as usize].clone()
    }

    /// Changes a resolver's TTL and returns the old one.
    pub fn set_ttl(&mut self, resolver: NodeId, ttl: Span) -> Span {
        std::mem::replace(&mut self.zone(resolver).ttl, ttl)
    }

    /// The node that a call to this target reaches.
    pub fn resolve(&self, plan: &Plan, target: Target) -> NodeId {
        match target {
            Target::Node(node) => node,
            Target::Vip(vip) => self.holder(plan, vip),
        }
    }

    /// The node that holds a virtual IP.
    pub fn holder(&self, plan: &Plan, vip: VipId) -> NodeId {
        plan.vips[vip.index()].members[self.vips[vip.index()].active]
    }

    /// The member that is a database's primary.
    pub fn primary(&self, plan: &Plan, database: DatabaseId) -> NodeId {
        plan.databases[database.index()].members[self.databases[database.index()].primary]
    }

    /// Whether the primary currently waits for a replica.
    pub fn semi_sync(&self, database: DatabaseId) -> bool {
        self.databases[database.index()].semi_sync
    }

    /// Sets whether the primary waits for a replica.
    pub fn set_semi_sync(&mut self, database: DatabaseId, on: bool) {
        self.databases[database.index()].semi_sync = on;
    }

    /// Records a commit on the primary. Replicas receive it after `lag` and apply it in `apply`, one write after the
    /// other. Returns how far behind they are with it.
    pub fn commit(&mut self, database: DatabaseId, now: Time, lag: Span, apply: Span) -> Span {
        let roles = &mut self.databases[database.index()];
        while roles.behind.front().is_some_and(|b| b.applied <= now) {
            roles.behind.pop_front();
        }
        let last = roles.behind.back();
        let received = last.map_or(now + lag, |last| last.received.max(now + lag));
        let begins = last.map_or(received, |last| last.applied.max(received));
        let applied = begins + apply;
        roles.commits += 1;
        if applied > now {
            roles.behind.push_back(Behind { received, applied });
        }
        applied.since(now)
    }

    /// The same for a write that a replica has acknowledged; that replica then has all earlier ones too.
    pub fn acknowledged(&mut self, database: DatabaseId, now: Time, apply: Span) -> Span {
        let behind = self.databases[database.index()].behind.iter_mut().rev();
        behind.take_while(|b| b.received > now).for_each(|b| b.received = now);
        self.commit(database, now, Span::ZERO, apply)
    }
}

impl Roles {
    fn new(plan: &plan::Database) -> Roles {
        Roles {
            primary: plan.primary,
            epoch: 0,
            failing_over: false,
            commits: 0,
            behind: VecDeque::new(),
            stopped: vec![None; plan.members.len()],
            lost_writes: 0,
            semi_sync: true,
        }
    }

    /// Sets whether a replica follows its primary. If not, it keeps what it has received; once it follows again, it
    /// catches up.
    pub fn follow(&mut self, member: usize, follows: bool, now: Time) {
        self.stopped[member] = match follows {
            true => None,
            false => Some(self.has(member, now)),
        };
    }

    /// Number of commits a member has received.
    pub fn has(&self, member: usize, now: Time) -> u64 {
        let on_the_way = || self.behind.iter().rev().take_while(|b| b.received > now).count() as u64;
        self.stopped[member].unwrap_or_else(|| self.commits - on_the_way())
    }

    /// When a member has applied everything it has received.
    pub fn applied(&self, member: usize, now: Time) -> Time {
        let gone = self.commits - self.behind.len() as u64;
        let last = self.has(member, now).checked_sub(gone + 1);
        let last = last.and_then(|last| self.behind.get(last as usize));
        last.map_or(now, |b| b.applied.max(now))
    }

    /// Makes another member primary and returns the number of commits it had not received, which are lost.
    pub fn promote(&mut self, member: usize, now: Time) -> u64 {
        let lost = self.commits - self.has(member, now);
        self.behind.clear();
        self.commits = 0;
        self.stopped.fill(None);
        // Each server has its own setting for waiting; the new primary starts with waiting on.
        self.semi_sync = true;
        self.lost_writes += lost;
        self.primary = member;
        self.failing_over = false;
        lost
    }
}
