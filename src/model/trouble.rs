//! Applies failures: what a change of the failure timeline does to nodes, hosts and the wire.
//!
//! A failure is a state of a component. Being down is a count of active faults, so faults may overlap and the end of
//! one does not undo another. Fail-over is in `roles`.

use super::context::Context;
use super::event::{Class, Event};
use super::node::{Admin, Node};
use super::request::{Doing, FrameKey, How, Reply};
use super::signal::Signal;
use super::world::World;
use crate::base::ids::{HostId, NodeId};
use crate::base::time::Span;
use crate::failure::{Cause, Change, Timeline};
use crate::scenario::plan::{Hit, Setting};

impl<'p> World<'p> {
    pub(super) fn schedule_change(&mut self) {
        if let Some(at) = self.timeline.next_at() {
            self.cx.calendar.at(at, Class::Change as u8, Event::Change.pack());
        }
    }

    /// The next change of the failure timeline is due.
    pub(super) fn change(&mut self) {
        let Some(change) = self.timeline.take() else { return };
        let now = self.cx.now();
        let (what, target) = Timeline::story(self.plan, change);
        self.cx.record.note(now, &what, || target);
        // Raised before the first hit is applied and lowered after the last is undone.
        self.cx.troubles += u32::from(change.begins);
        for (i, hit) in Timeline::hits(self.plan, change.cause).iter().enumerate() {
            self.apply(change, i, hit);
        }
        self.cx.troubles -= u32::from(!change.begins);
        self.follow_primaries();
        self.schedule_change();
    }

    fn apply(&mut self, Change { cause, begins }: Change, index: usize, hit: &'p Hit) {
        match hit {
            Hit::CrashNode(node) => self.crash_node(*node, begins),
            Hit::CrashHost(host) => self.crash_host(*host, begins),
            Hit::Hang(node) => self.hang(*node, begins),
            Hit::Slow(node, factor) => self.slow(*node, *factor, begins),
            Hit::Errors(node, ratio) => {
                super::wire::toggle(&mut self.cx.conditions[node.index()].errors, *ratio, begins);
            }
            Hit::Empty(node, ratio) => {
                super::wire::toggle(&mut self.cx.conditions[node.index()].empties, *ratio, begins);
            }
            Hit::Drop(node, ratio) => super::wire::toggle(&mut self.cx.conditions[node.index()].drops, *ratio, begins),
            Hit::DropLink(link, ratio) => self.cx.wire.drop_calls(*link, *ratio, begins),
            Hit::Partition { from, to } => {
                self.cx.wire.partition((from, to), begins);
                self.relieve_all(begins);
            }
            Hit::CutLink(link) => {
                self.cx.wire.cut(*link, begins);
                self.relieve_all(begins);
            }
            Hit::Maint(node) => self.administer(*node, Admin::Maint, begins),
            Hit::Drain(node) => self.administer(*node, Admin::Drain, begins),
            Hit::Set(node, setting) => self.set((cause, index), *node, setting, begins),
        }
    }

    fn administer(&mut self, target: NodeId, action: Admin, begins: bool) {
        for node in &mut self.nodes {
            node.behaviour().administer(&mut self.cx, target, action, begins);
        }
    }

    fn set(&mut self, hit: (Cause, usize), node: NodeId, setting: &'p Setting, begins: bool) {
        let (cx, nodes) = (&mut self.cx, &mut self.nodes);
        let apply = |setting: &Setting| change_setting(cx, &mut nodes[node.index()], node, setting);
        if begins {
            self.settings.begin(hit, node, setting, apply);
        } else {
            self.settings.end(hit, node, setting, apply);
        }
    }

    fn crash_node(&mut self, node: NodeId, begins: bool) {
        let was = self.cx.is_up(node);
        let crashed = &mut self.cx.conditions[node.index()].crashed;
        *crashed = if begins { *crashed + 1 } else { *crashed - 1 };
        self.rise_or_fall(node, was, How::Broken);
    }

    fn crash_host(&mut self, host: HostId, begins: bool) {
        let nodes: Vec<(NodeId, bool)> = self.plan.nodes_on(host).map(|n| (n, self.cx.is_up(n))).collect();
        let now = self.cx.now();
        let machine = &mut self.cx.machines[host.index()];
        machine.down = if begins { machine.down + 1 } else { machine.down - 1 };
        machine.up.set(now, u64::from(machine.down == 0));
        for (node, was) in nodes {
            self.rise_or_fall(node, was, How::Silent);
        }
        if begins {
            self.cx.forget_stuck(host);
        }
    }

    /// A node went down or came up. No effect if another fault holds it down as well.
    fn rise_or_fall(&mut self, node: NodeId, was: bool, how: How) {
        let is = self.cx.is_up(node);
        if was == is {
            return;
        }
        let now = self.cx.now();
        self.cx.up[node.index()].set(now, u64::from(is));
        if is {
            self.nodes[node.index()].behaviour().started(&mut self.cx);
            self.relieve(node);
        } else {
            self.kill(node, how);
        }
        self.roles_of(node, is);
    }

    /// Ends everything inside a node at this instant: with `reset` if the process died, silently if its machine died.
    fn kill(&mut self, node: NodeId, how: How) {
        self.cx.conditions[node.index()].backlog.clear();
        let reply = (how == How::Broken).then_some(Reply::EMPTY);
        for key in self.cx.inside(node) {
            // Calls still on the wire find out on arrival.
            if self.cx.frames.get(key).is_some_and(|f| f.doing != Doing::OnTheWire) {
                self.end(key, reply);
            }
        }
    }

    /// A hang begins and work stops; or it ends, work continues, and the backlog is delivered.
    fn hang(&mut self, node: NodeId, begins: bool) {
        let hung = &mut self.cx.conditions[node.index()].hung;
        *hung = if begins { *hung + 1 } else { *hung - 1 };
        if begins && *hung == 1 {
            for (key, cpu, io) in self.stop_work(node) {
                self.cx.frames[key].doing = Doing::Frozen { cpu, io };
            }
        } else if !begins && *hung == 0 {
            for key in self.cx.inside(node) {
                if let Doing::Frozen { cpu, io } = self.cx.frames[key].doing {
                    self.resume(key, cpu, io);
                }
            }
            let backlog = std::mem::take(&mut self.cx.conditions[node.index()].backlog);
            backlog.into_iter().for_each(|signal| self.cx.signals.push(signal));
            self.relieve(node);
        }
    }

    /// A slow-down begins or ends; the rest of current work is rescaled with it.
    fn slow(&mut self, node: NodeId, factor: f64, begins: bool) {
        let before = self.cx.conditions[node.index()].slowdown();
        super::wire::toggle(&mut self.cx.conditions[node.index()].slow, factor, begins);
        let ratio = self.cx.conditions[node.index()].slowdown() / before;
        let frozen = self.cx.hangs(node);
        for (key, cpu, io) in self.stop_work(node) {
            let (cpu, io) = (cpu.scaled(ratio), io.scaled(ratio));
            if frozen {
                self.cx.frames[key].doing = Doing::Frozen { cpu, io };
            } else {
                self.resume(key, cpu, io);
            }
        }
    }

    fn resume(&mut self, key: FrameKey, cpu: Span, io: Span) {
        if !self.cx.begin(key, cpu, io) {
            self.cx.signals.push(Signal::Worked(key));
        }
    }

    /// Takes all work of a node off its host and its timers. Returns what is left of each.
    fn stop_work(&mut self, node: NodeId) -> Vec<(FrameKey, Span, Span)> {
        let now = self.cx.now();
        let host = self.plan.node(node).host;
        self.cx.share(host);
        let frames = &self.cx.frames;
        let mut left = Vec::new();
        if let Some(shared) = &mut self.cx.machines[host.index()].host {
            let live = |job| super::context::runs(frames, job);
            for (job, cpu) in shared.take_off(now, live, |job| frames[job.frame].node == node) {
                let Doing::Cpu { io } = frames[job.frame].doing else {
                    continue;
                };
                left.push((job.frame, cpu, io));
            }
        }
        for key in self.cx.inside(node) {
            match self.cx.frames[key].doing {
                // With unlimited cores this includes CPU time.
                Doing::Busy { until } => left.push((key, Span::ZERO, until.since(now))),
                Doing::Frozen { cpu, io } => left.push((key, cpu, io)),
                _ => {}
            }
        }
        left.sort_by_key(|(key, ..)| self.cx.frames[*key].number);
        for (key, ..) in &left {
            self.cx.clear_timer(*key);
        }
        self.cx.reset_completion(host);
        left
    }
}

/// Changes a setting and returns the old value.
fn change_setting<'p>(cx: &mut Context<'p>, at: &mut Node<'p>, node: NodeId, setting: &Setting) -> Setting {
    match setting {
        Setting::Answers(answers) => Setting::Answers(cx.directory.set_answers(node, answers.clone())),
        Setting::Ttl(ttl) => Setting::Ttl(cx.directory.set_ttl(node, *ttl)),
        Setting::Workers(workers) => {
            let now = cx.now();
            let old = cx.stations[node.index()].set_workers(now, *workers);
            cx.call_next(node);
            Setting::Workers(old)
        }
        Setting::Weight { .. } | Setting::Maxconn { .. } => at.behaviour().set(cx, setting),
    }
}
