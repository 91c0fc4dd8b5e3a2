//! Roles that move: a virtual IP to its next member, a database's primary role to a promoted replica.
//!
//! If the old holder is back in time, the fail-over is cancelled: its event then carries an old epoch.

use super::event::{Class, Event};
use super::world::World;
use crate::base::dist::Dist;
use crate::base::ids::{DatabaseId, NodeId, VipId};
use crate::base::random::{Draw, Purpose, mix};
use crate::base::time::Span;
use crate::scenario::plan::Promotion;

impl World<'_> {
    /// A member of a role went down or came up.
    pub(super) fn roles_of(&mut self, node: NodeId, is_up: bool) {
        let place = |members: &[NodeId]| members.iter().position(|m| *m == node);
        for (i, vip) in self.plan.vips.iter().enumerate() {
            if let Some(member) = place(&vip.members) {
                self.virtual_ip(VipId::new(i), member, is_up);
            }
        }
        for (i, database) in self.plan.databases.iter().enumerate() {
            if let Some(member) = place(&database.members) {
                self.database(DatabaseId::new(i), member, is_up);
            }
        }
    }

    /// A node answers again: primaries that wait for it may go on.
    pub(super) fn relieve(&mut self, node: NodeId) {
        for (i, database) in self.plan.databases.iter().enumerate() {
            let primary = self.cx.directory.primary(self.plan, DatabaseId::new(i));
            if database.members.contains(&node) && primary != node {
                self.nodes[primary.index()].behaviour().peer_returned(&mut self.cx);
            }
        }
    }

    /// A cut between hosts begins or ends; when it ends, every waiting primary is checked.
    pub(super) fn relieve_all(&mut self, begins: bool) {
        if begins {
            return;
        }
        for i in 0..self.plan.databases.len() {
            let primary = self.cx.directory.primary(self.plan, DatabaseId::new(i));
            self.nodes[primary.index()].behaviour().peer_returned(&mut self.cx);
        }
    }

    /// Updates which replicas follow their primary: one that is down, hangs or is cut off receives nothing.
    pub(super) fn follow_primaries(&mut self) {
        let (plan, now) = (self.plan, self.cx.now());
        for (i, database) in plan.databases.iter().enumerate() {
            let primary = self.cx.directory.primary(plan, DatabaseId::new(i));
            for (m, member) in database.members.iter().enumerate().filter(|(_, m)| **m != primary) {
                let follows = self.cx.follows(*member, primary);
                self.cx.directory.databases[i].follow(m, follows, now);
            }
        }
    }

    fn virtual_ip(&mut self, id: VipId, member: usize, is_up: bool) {
        let plan = self.plan;
        let vip = &plan.vips[id.index()];
        let holder_is_up = self.cx.is_up(self.cx.directory.holder(plan, id));
        let holder = &mut self.cx.directory.vips[id.index()];
        if is_up && member == holder.active {
            // Back before the take-over, which is cancelled.
            holder.moving = false;
            holder.epoch = holder.epoch.wrapping_add(1);
        } else if is_up && vip.preempt && member < holder.active {
            self.hand_over(id, member);
        } else if !holder.moving && !holder_is_up {
            holder.moving = true;
            holder.epoch = holder.epoch.wrapping_add(1);
            let epoch = holder.epoch;
            let span = self.role_draw(&vip.name, &vip.failover, epoch);
            self.cx.after(span, Class::Change, Event::TakeOver { vip: id, epoch });
        }
    }

    /// Duration of the `n`-th change of a role.
    fn role_draw(&self, name: &str, dist: &Dist, n: u16) -> Span {
        let key = self.cx.streams.key_of(name, Purpose::Failover);
        dist.sample(&mut Draw::keyed(mix(key, u64::from(n))))
    }

    /// A take-over is due: the first member that is up takes the address.
    pub(super) fn take_over(&mut self, id: VipId, epoch: u16) {
        if self.cx.directory.vips[id.index()].epoch != epoch {
            self.stale += 1;
            return;
        }
        self.cx.directory.vips[id.index()].moving = false;
        let members = &self.plan.vips[id.index()].members;
        if let Some(member) = members.iter().position(|m| self.cx.is_up(*m)) {
            self.hand_over(id, member);
        }
    }

    fn hand_over(&mut self, id: VipId, member: usize) {
        let holder = &mut self.cx.directory.vips[id.index()];
        holder.active = member;
        holder.moving = false;
        holder.epoch = holder.epoch.wrapping_add(1);
        self.cx.note("takes over", |p| {
            let vip = &p.vips[id.index()];
            format!("{}/{}", vip.name, p.node(vip.members[member]).name)
        });
    }

    fn database(&mut self, id: DatabaseId, member: usize, is_up: bool) {
        let plan = self.plan;
        let Promotion::Automatic { detect, .. } = &plan.databases[id.index()].failover else {
            return;
        };
        let primary_is_up = self.cx.is_up(self.cx.directory.primary(plan, id));
        let roles = &mut self.cx.directory.databases[id.index()];
        if is_up && member == roles.primary {
            // Back before a promotion: the fail-over is cancelled.
            roles.failing_over = false;
            roles.epoch = roles.epoch.wrapping_add(1);
        } else if !roles.failing_over && !primary_is_up {
            roles.failing_over = true;
            roles.epoch = roles.epoch.wrapping_add(1);
            let epoch = roles.epoch;
            let span = self.role_draw(&plan.databases[id.index()].name, detect, epoch);
            let dead = Event::Promote {
                database: id,
                epoch,
                noticed: true,
            };
            self.cx.after(span, Class::Change, dead);
        }
    }

    /// The failure of a primary has been detected, or the promotion of its successor is complete.
    pub(super) fn promote(&mut self, id: DatabaseId, epoch: u16, noticed: bool) {
        let plan = self.plan;
        let database = &plan.databases[id.index()];
        let Promotion::Automatic { promote, .. } = &database.failover else {
            return;
        };
        if self.cx.directory.databases[id.index()].epoch != epoch {
            self.stale += 1;
            return;
        }
        let done = Event::Promote {
            database: id,
            epoch,
            noticed: false,
        };
        if noticed {
            let span = self.role_draw(&database.name, promote, !epoch);
            return self.cx.after(span, Class::Change, done);
        }
        let now = self.cx.now();
        let roles = &self.cx.directory.databases[id.index()];
        let up = (0..database.members.len()).filter(|m| self.cx.is_up(database.members[*m]));
        // The first of those with the most commits.
        let successor = up.rev().max_by_key(|m| roles.has(*m, now));
        if let Some(applied) = successor.map(|m| roles.applied(m, now)).filter(|at| *at > now) {
            // It first applies what it has received.
            return self.cx.after(applied.since(now), Class::Change, done);
        }
        let roles = &mut self.cx.directory.databases[id.index()];
        roles.failing_over = false;
        let Some(member) = successor else { return };
        let lost = roles.promote(member, now);
        roles.epoch = roles.epoch.wrapping_add(1);
        self.follow_primaries();
        let what = if lost == 0 {
            "promoted".to_owned()
        } else {
            format!("promoted ({lost} writes lost)")
        };
        self.cx.note(&what, |p| p.node(database.members[member]).name.clone());
    }
}
