//! The directory: who answers to a name just now. DNS answers, the holder of a virtual IP, a database's primary.
//!
//! Roles, not machines: nothing here serves a request or can die; it only says where a call goes.

use std::collections::VecDeque;

use crate::base::ids::{DatabaseId, NodeId, VipId};
use crate::base::time::{Span, Time};
use crate::scenario::plan::{Kind, Plan, Target};

/// Who answers to a name just now.
#[derive(Debug)]
pub struct Directory {
    /// Every list of answers that was ever published; a client's cache names the one it got.
    lists: Vec<Vec<Target>>,
    /// One for each resolver.
    zones: Vec<Zone>,
    /// One for each virtual IP.
    pub vips: Vec<Holder>,
    /// One for each database.
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

/// What a client learns from a lookup.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which list, and where in it to begin.
    pub list: u32,
    /// Where in it to begin.
    pub turn: u32,
    /// How long to keep it.
    pub ttl: Span,
}

/// Who holds a virtual IP.
#[derive(Debug)]
pub struct Holder {
    /// Index into the plan's members.
    pub active: usize,
    /// Counts changes of mind: a take-over that was called off finds another number.
    pub epoch: u16,
    /// Is a take-over under way?
    pub moving: bool,
}

/// Who plays which role in a database.
#[derive(Debug)]
pub struct Roles {
    /// Index into the plan's members.
    pub primary: usize,
    /// Counts changes of mind, as for a virtual IP.
    pub epoch: u16,
    /// Is a fail-over under way?
    pub failing_over: bool,
    /// When the primary was last seen to die.
    pub died: Time,
    /// When each commit that the replicas have not seen yet will reach them.
    behind: VecDeque<Time>,
    /// Commits that died with a primary.
    pub lost_writes: u64,
    /// Does the primary wait for a replica just now? Only `semi-sync` asks.
    semi_sync: bool,
}

impl Directory {
    /// The directory at the start of a run.
    pub fn new(plan: &Plan) -> Directory {
        let mut directory = Directory {
            lists: Vec::new(),
            zones: Vec::new(),
            vips: plan
                .vips
                .iter()
                .map(|_| Holder {
                    active: 0,
                    epoch: 0,
                    moving: false,
                })
                .collect(),
            databases: plan.databases.iter().map(|d| Roles::new(d.primary)).collect(),
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

    /// What this resolver says now. Each answer begins one further in the list.
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

    /// The `n`-th address of an answer; `None` once all were named.
    pub fn address(&self, list: u32, turn: u32, n: u32) -> Option<Target> {
        let list = &self.lists[list as usize];
        let index = (turn as usize % list.len().max(1) + n as usize) % list.len().max(1);
        (n < list.len() as u32).then(|| list[index])
    }

    /// Changes what a resolver says; what it said before comes back.
    pub fn set_answers(&mut self, resolver: NodeId, answers: Vec<Target>) -> Vec<Target> {
        let new = self.publish(answers);
        let old = std::mem::replace(&mut self.zone(resolver).list, new);
        self.lists[old as usize].clone()
    }

    /// Changes how long a resolver's answers are kept; the old time comes back.
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

    /// Does the primary of a database wait for a replica just now?
    pub fn semi_sync(&self, database: DatabaseId) -> bool {
        self.databases[database.index()].semi_sync
    }

    /// The primary waits for a replica from now on, or no longer.
    pub fn set_semi_sync(&mut self, database: DatabaseId, on: bool) {
        self.databases[database.index()].semi_sync = on;
    }

    /// A write is committed on the primary. It reaches the replicas after `lag`; they work on it for `apply`, one write
    /// after the other. How far behind they are with it.
    pub fn commit(&mut self, database: DatabaseId, now: Time, lag: Span, apply: Span) -> Span {
        let roles = &mut self.databases[database.index()];
        while roles.behind.front().is_some_and(|at| *at <= now) {
            roles.behind.pop_front();
        }
        let begins = roles.behind.back().map_or(now + lag, |last| (*last).max(now + lag));
        let at = begins + apply;
        if at > now {
            roles.behind.push_back(at);
        }
        at.since(now)
    }
}

impl Roles {
    fn new(primary: usize) -> Roles {
        Roles {
            primary,
            epoch: 0,
            failing_over: false,
            died: Time::ZERO,
            behind: VecDeque::new(),
            lost_writes: 0,
            semi_sync: true,
        }
    }

    /// Another member becomes primary; what the old one, dead since `died`, had not passed on is lost. Says how much.
    pub fn promote(&mut self, member: usize, died: Time) -> u64 {
        let lost = self.behind.iter().filter(|at| **at > died).count() as u64;
        self.behind.clear();
        self.lost_writes += lost;
        self.primary = member;
        self.failing_over = false;
        lost
    }
}
