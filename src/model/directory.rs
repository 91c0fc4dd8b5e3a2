//! The directory: who answers to a name just now. DNS answers, the holder of a virtual IP, a database's primary.
//!
//! Roles, not machines: nothing here serves a request or can die; it only says where a call goes.

use std::collections::VecDeque;

use crate::base::ids::{DatabaseId, NodeId, VipId};
use crate::base::time::{Span, Time};
use crate::scenario::plan::{self, Kind, Plan, Target};

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
#[derive(Debug, Default)]
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
    /// Commits under this primary.
    commits: u64,
    /// The last of them, which replicas that follow have still to receive or to work off: when they will have done either.
    behind: VecDeque<Behind>,
    /// By member: how many of the commits one has that follows its primary no more.
    stopped: Vec<Option<u64>>,
    /// Commits that died with a primary.
    pub lost_writes: u64,
    /// Does the primary wait for a replica just now? Only `semi-sync` asks.
    semi_sync: bool,
}

/// A commit on its way to the replicas.
#[derive(Copy, Clone, Debug)]
struct Behind {
    /// It is in their relay logs, and does not die with the primary.
    received: Time,
    /// They have worked it off.
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

    /// A write is committed on the primary. Replicas that follow receive it after `lag` and work on it for `apply`, one write
    /// after the other. How far behind they are with it.
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

    /// The same of a write that a replica has acknowledged: with it, it has all that were before.
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

    /// A replica follows its primary, or does not: then it keeps what it has received. One that follows again catches up.
    pub fn follow(&mut self, member: usize, follows: bool, now: Time) {
        self.stopped[member] = match follows {
            true => None,
            false => Some(self.has(member, now)),
        };
    }

    /// How many of the commits a member has received.
    pub fn has(&self, member: usize, now: Time) -> u64 {
        let on_the_way = || self.behind.iter().rev().take_while(|b| b.received > now).count() as u64;
        self.stopped[member].unwrap_or_else(|| self.commits - on_the_way())
    }

    /// When a member has worked off all that it has received.
    pub fn applied(&self, member: usize, now: Time) -> Time {
        let gone = self.commits - self.behind.len() as u64;
        let last = self.has(member, now).checked_sub(gone + 1);
        let last = last.and_then(|last| self.behind.get(last as usize));
        last.map_or(now, |b| b.applied.max(now))
    }

    /// Another member becomes primary; what it had not received is lost. Says how much.
    pub fn promote(&mut self, member: usize, now: Time) -> u64 {
        let lost = self.commits - self.has(member, now);
        self.behind.clear();
        self.commits = 0;
        self.stopped.fill(None);
        // Whether it still waits is known by each server for itself.
        self.semi_sync = true;
        self.lost_writes += lost;
        self.primary = member;
        self.failing_over = false;
        lost
    }
}
