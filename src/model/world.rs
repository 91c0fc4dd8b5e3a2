//! The world: one run, from the first arrival to the books that balance.
//!
//! `dispatch` is where everything that can happen does; `end` is the only door out for a request. Time advances in
//! [`Calendar::next`](crate::engine::calendar::Calendar::next) and nowhere else.

use super::context::{Context, Signal};
use super::event::{Class, Event};
use super::node::client::Client;
use super::node::{Admin, Node};
use super::recorder::{HostRecord, NodeRecord, Recorder, RunRecord, Wanted};
use super::request::{Doing, Frame, FrameKey, How, Outcome, Reply};
use crate::base::ids::{DatabaseId, HostId, NodeId, SourceId, VipId};
use crate::base::limits;
use crate::base::random::{Draw, Purpose, Streams, mix};
use crate::base::time::{Span, Time};
use crate::engine::calendar::Due;
use crate::failure::{Cause, Change, Timeline};
use crate::scenario::plan::{Abandoned, Hit, Plan, Promotion, Setting};

/// What one run is asked to do.
#[derive(Clone, Debug)]
pub struct Order {
    /// The study's seed.
    pub seed: u64,
    /// Which replication.
    pub replication: u32,
    /// Requests that arrive before this are left out of the estimates.
    pub warmup: Span,
    /// Do lifetimes act, besides the scheduled faults?
    pub lifetimes: bool,
    /// What to record beyond the usual.
    pub wanted: Wanted,
}

/// The books of a run do not balance: a defect of this program, never of a scenario. The run's numbers are worthless.
#[derive(Debug, thiserror::Error)]
#[error("the books of replication {replication} (seed {seed}) do not balance: {what}")]
pub struct Imbalance {
    seed: u64,
    replication: u32,
    what: String,
}

/// Everything that is simulated.
struct World<'p> {
    plan: &'p Plan,
    cx: Context<'p>,
    /// The plan's nodes, then the clients of each source.
    nodes: Vec<Node<'p>>,
    timeline: Timeline<'p>,
    /// What settings were before a `set` fault changed them, by fault and hit.
    before: Vec<(Cause, usize, Setting)>,
    horizon: Time,
    stale: u64,
}

/// Simulates one replication of a plan. `stop` is asked now and then whether to give up; then there is no record.
///
/// # Errors
/// If the books do not balance at the end.
pub fn run(plan: &Plan, order: &Order, stop: &(dyn Fn() -> bool + Sync)) -> Result<Option<RunRecord>, Imbalance> {
    let mut world = World::new(plan, order);
    let overflowed = match world.advance(stop) {
        Progress::Stopped => return Ok(None),
        Progress::Done => None,
        Progress::Overflowed => Some(world.cx.now()),
    };
    let imbalance = |what| Imbalance {
        seed: order.seed,
        replication: order.replication,
        what,
    };
    let record = world.close(order, overflowed).map_err(imbalance)?;
    Ok(Some(record))
}

enum Progress {
    Done,
    Stopped,
    Overflowed,
}

/// How many events pass between two looks at what must not get out of hand.
const CHECKED_EVERY: u64 = 1 << 14;

impl<'p> World<'p> {
    fn new(plan: &'p Plan, order: &Order) -> World<'p> {
        let streams = Streams::new(order.seed, order.replication);
        let record = Recorder::new(plan, Time::ZERO + order.warmup, order.wanted.clone());
        let mut cx = Context::new(plan, streams, record);
        let mut nodes: Vec<Node<'p>> = (0..plan.nodes.len())
            .map(|i| Node::new(plan, NodeId::new(i), &mut cx))
            .collect();
        for i in 0..plan.sources.len() {
            let me = NodeId::new(plan.nodes.len() + i);
            nodes.push(Node::Client(Client::new(plan, SourceId::new(i), me, &mut cx)));
        }
        let timeline = Timeline::new(plan, &streams, order.lifetimes);
        let horizon = Time::ZERO + plan.duration;
        let mut world = World {
            plan,
            cx,
            nodes,
            timeline,
            before: Vec::new(),
            horizon,
            stale: 0,
        };
        world.begin(order);
        world
    }

    fn begin(&mut self, order: &Order) {
        for node in &mut self.nodes {
            node.behaviour().started(&mut self.cx);
            if let Node::Client(client) = node {
                client.begin(&mut self.cx);
            }
        }
        if !order.warmup.is_zero() {
            self.cx.after(order.warmup, Class::Change, Event::Measure);
        }
        self.schedule_change();
    }

    fn advance(&mut self, stop: &(dyn Fn() -> bool + Sync)) -> Progress {
        loop {
            for _ in 0..CHECKED_EVERY {
                let frames = &self.cx.frames;
                let live = |event: &Event| match *event {
                    Event::Timer { frame, serial } => frames.get(frame).is_some_and(|f| f.timer == serial),
                    Event::GiveUp(frame) => frames.contains(frame),
                    _ => true,
                };
                match self.cx.calendar.next(self.horizon, live) {
                    None => return Progress::Done,
                    Some(due) => self.dispatch(due),
                }
                self.settle();
            }
            if stop() {
                return Progress::Stopped;
            }
            if self.cx.frames.len() > limits::IN_FLIGHT {
                return Progress::Overflowed;
            }
        }
    }

    /// Everything that can happen, and where it goes.
    fn dispatch(&mut self, due: Due<Event>) {
        let event = match due {
            Due::Alarm(host) => return self.cx.completed(HostId::new(host as usize)),
            Due::Event(event) => event,
        };
        if self.is_stale(event) {
            self.stale += 1;
            return;
        }
        match event {
            Event::Change => self.change(),
            Event::Call(frame) => self.cx.signals.push_back(Signal::Arrived(frame)),
            Event::Reply { to, call, reply } => self.cx.signals.push_back(Signal::Answered(to, call, reply)),
            Event::Resend(answer) => self.cx.resend(answer),
            Event::Done { frame, .. } => self.done(frame),
            Event::Timer { frame, serial } => self.cx.signals.push_back(Signal::Timer(frame, serial)),
            Event::GiveUp(frame) => self.client_of(frame, Client::give_up),
            Event::Arrive(source) => self.client(source, |client, cx| client.arrive(cx)),
            Event::Wish { source, user } => self.client(source, |client, cx| client.ask(cx, user)),
            Event::Probe {
                balancer,
                server,
                epoch,
                ended,
            } => {
                self.cx.signals.push_back(Signal::Probe(balancer, server, epoch, ended));
            }
            Event::TakeOver { vip, epoch } => self.take_over(vip, epoch),
            Event::Promote {
                database,
                epoch,
                noticed,
            } => self.promote(database, epoch, noticed),
            Event::Measure => self.measure(),
        }
    }

    /// Is the event about something that is gone? The one place where such events are dropped.
    fn is_stale(&self, event: Event) -> bool {
        let frames = &self.cx.frames;
        match event {
            Event::Call(frame) | Event::GiveUp(frame) => !frames.contains(frame),
            Event::Reply { to, call, .. } => frames.get(to).is_none_or(|f| f.calls != call),
            Event::Timer { frame, serial } | Event::Done { frame, serial } => {
                frames.get(frame).is_none_or(|f| f.timer != serial)
            }
            _ => false,
        }
    }

    fn done(&mut self, frame: FrameKey) {
        self.cx.frames[frame].doing = Doing::Nothing;
        self.cx.signals.push_back(Signal::Worked(frame));
    }

    fn client(&mut self, source: SourceId, act: impl FnOnce(&mut Client<'p>, &mut Context<'p>)) {
        let Node::Client(client) = &mut self.nodes[self.plan.nodes.len() + source.index()] else {
            unreachable!("behind the plan's nodes stand the clients")
        };
        act(client, &mut self.cx);
    }

    fn client_of(&mut self, wish: FrameKey, act: impl FnOnce(&mut Client<'p>, &mut Context<'p>, FrameKey)) {
        let source = self.cx.frames[wish].source;
        self.client(source, |client, cx| act(client, cx, wish));
    }

    /// Carries signals to their nodes until this instant has nothing more to say.
    fn settle(&mut self) {
        while let Some(signal) = self.cx.signals.pop_front() {
            self.carry(signal);
        }
    }

    fn carry(&mut self, signal: Signal) {
        let Some(node) = self.addressee(signal) else { return };
        if self.hold_back(signal, node) {
            return;
        }
        let behaviour = self.nodes[node.index()].behaviour();
        let cx = &mut self.cx;
        match signal {
            Signal::Arrived(frame) => {
                if cx.knock(frame) {
                    behaviour.arrived(cx, frame);
                }
            }
            Signal::Granted(frame) => behaviour.granted(cx, frame),
            Signal::Worked(frame) => behaviour.worked(cx, frame),
            Signal::Answered(frame, _, reply) => {
                cx.frames[frame].child = FrameKey::NONE;
                cx.frames[frame].silent = false;
                behaviour.answered(cx, frame, reply);
            }
            Signal::Timer(frame, _) => behaviour.timer(cx, frame),
            Signal::Probe(_, server, epoch, ended) => behaviour.probe(cx, usize::from(server), epoch, ended),
            Signal::Finish(frame, reply) => self.end(frame, Some(reply)),
            Signal::Abandon(frame) => self.abandon(frame),
        }
    }

    /// The node a signal is for; `None` where what it is about is gone.
    #[inline]
    fn addressee(&self, signal: Signal) -> Option<NodeId> {
        let frames = &self.cx.frames;
        match signal {
            Signal::Arrived(frame) | Signal::Granted(frame) | Signal::Worked(frame) => {
                frames.get(frame).map(|f| f.node)
            }
            Signal::Finish(frame, _) | Signal::Abandon(frame) => frames.get(frame).map(|f| f.node),
            Signal::Answered(frame, call, _) => frames.get(frame).filter(|f| f.calls == call).map(|f| f.node),
            Signal::Timer(frame, serial) => frames.get(frame).filter(|f| f.timer == serial).map(|f| f.node),
            Signal::Probe(node, ..) => self.cx.is_up(node).then_some(node),
        }
    }

    /// A process that hangs takes calls in, and hears of everything else when it goes on.
    #[inline]
    fn hold_back(&mut self, signal: Signal, node: NodeId) -> bool {
        let is_heard = matches!(
            signal,
            Signal::Arrived(_) | Signal::Granted(_) | Signal::Worked(_) | Signal::Finish(..)
        );
        if is_heard || !self.cx.hangs(node) {
            return false;
        }
        if let Signal::Abandon(frame) = signal {
            self.cx.orphan(frame);
        }
        self.cx.conditions[node.index()].backlog.push_back(signal);
        true
    }

    // --- the door out -----------------------------------------------------------------------------------------------

    /// A frame is over: everything it holds is given back, what it called is abandoned, its caller gets the reply.
    /// Without a reply it is gone without a word.
    fn end(&mut self, key: FrameKey, reply: Option<Reply>) {
        let Some(&Frame { child, .. }) = self.cx.frames.get(key) else {
            return;
        };
        if self.cx.frames.contains(child) {
            self.abandon(child);
        }
        let Some(frame) = self.release(key) else { return };
        let (Some(reply), Some(caller)) = (reply, self.cx.frames.get(frame.parent)) else {
            return;
        };
        let call = caller.calls;
        let reply = self.spoil(&frame, reply);
        if reply.is_ok() {
            self.cx.traffic[frame.node.index()].served += 1;
        }
        self.cx.deliver(frame.node, frame.parent, call, reply, 0);
    }

    /// Does an `errors` fault turn this good answer into a bad one?
    fn spoil(&mut self, frame: &Frame, reply: Reply) -> Reply {
        if self.cx.troubles == 0 || !reply.is_ok() {
            return reply;
        }
        let errors = &self.cx.conditions[frame.node.index()].errors;
        let mut draw = self.cx.draw(frame, super::context::SPOIL);
        if super::wire::happens(errors, &mut draw) {
            Reply::failed(Outcome::Error)
        } else {
            reply
        }
    }

    /// Takes a frame out of the world and gives back what it holds.
    fn release(&mut self, key: FrameKey) -> Option<Frame> {
        let mut frame = self.cx.frames.remove(key)?;
        let node = frame.node;
        self.nodes[node.index()].behaviour().release(&mut self.cx, &mut frame);
        if node.index() >= self.plan.nodes.len() {
            // A client holds nothing that others wait for.
            return Some(frame);
        }
        match frame.doing {
            Doing::OnTheWire => return Some(frame),
            Doing::Cpu { .. } => self.leave_host(node),
            Doing::Queued(since) => {
                let now = self.cx.now();
                frame.waited = frame.waited + now.since(since);
                let frames = &self.cx.frames;
                self.cx.stations[node.index()].give_up_place(now, |k| frames.contains(k));
            }
            Doing::Nothing | Doing::TurnedAway | Doing::Busy { .. } | Doing::Frozen { .. } => {}
        }
        if frame.worker {
            self.cx.free_worker(node);
        }
        // Whoever was turned away at the door did not wait, unless it first waited outside.
        if frame.doing != Doing::TurnedAway || !frame.waited.is_zero() {
            self.cx.record.waited(&frame);
        }
        self.cx.orphans -= u64::from(frame.parent == FrameKey::NONE);
        Some(frame)
    }

    /// A job of this node is taken off its host before it is done.
    fn leave_host(&mut self, node: NodeId) {
        let host = self.plan.node(node).host;
        let now = self.cx.now();
        if let Some(shared) = &mut self.cx.machines[host.index()].host {
            shared.remove(now);
        }
        self.cx.reset_completion(host);
    }

    /// The caller is gone. Nodes that stop give everything back and pass it on to what they called; the first that
    /// finishes its work keeps all that is below it.
    fn abandon(&mut self, key: FrameKey) {
        let mut next = key;
        while let Some(frame) = self.cx.frames.get(next).copied() {
            let arrived = frame.doing != Doing::OnTheWire;
            if arrived && self.cx.hangs(frame.node) {
                self.cx.orphan(next);
                self.cx.conditions[frame.node.index()]
                    .backlog
                    .push_back(Signal::Abandon(next));
                return;
            }
            if arrived && self.cx.abandoned(frame.node) == Abandoned::Finish && !self.cx.closing {
                return self.cx.orphan(next);
            }
            self.release(next);
            next = frame.child;
        }
    }

    // --- failures ---------------------------------------------------------------------------------------------------

    fn schedule_change(&mut self) {
        if let Some(at) = self.timeline.next_at() {
            self.cx.calendar.at(at, Class::Change as u8, Event::Change);
        }
    }

    /// The next change of the failure timeline is due.
    fn change(&mut self) {
        let Some(change) = self.timeline.take() else { return };
        let now = self.cx.now();
        let (what, target) = Timeline::story(self.plan, change);
        self.cx.record.note(now, &what, || target);
        // Looked for from before the first hit until after the last is undone.
        self.cx.troubles += u32::from(change.begins);
        for (i, hit) in Timeline::hits(self.plan, change.cause).iter().enumerate() {
            self.apply(change, i, hit);
        }
        self.cx.troubles -= u32::from(!change.begins);
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
            Hit::Drop(node, ratio) => super::wire::toggle(&mut self.cx.conditions[node.index()].drops, *ratio, begins),
            Hit::DropLink(link, ratio) => self.cx.wire.drop_calls(*link, *ratio, begins),
            Hit::Partition { from, to } => self.cx.wire.partition((from, to), begins),
            Hit::CutLink(link) => self.cx.wire.cut(*link, begins),
            Hit::Maint(node) => self.administer(*node, Admin::Maint, begins),
            Hit::Drain(node) => self.administer(*node, Admin::Drain, begins),
            Hit::Set(node, setting) => self.set(cause, index, *node, setting, begins),
        }
    }

    fn administer(&mut self, target: NodeId, action: Admin, begins: bool) {
        for node in &mut self.nodes {
            node.behaviour().administer(&mut self.cx, target, action, begins);
        }
    }

    fn set(&mut self, cause: Cause, index: usize, node: NodeId, setting: &Setting, begins: bool) {
        if begins {
            if let Some(old) = self.change_setting(node, setting) {
                self.before.push((cause, index, old));
            }
        } else if let Some(at) = self.before.iter().position(|b| (b.0, b.1) == (cause, index)) {
            let (.., old) = self.before.remove(at);
            self.change_setting(node, &old);
        }
    }

    fn change_setting(&mut self, node: NodeId, setting: &Setting) -> Option<Setting> {
        match setting {
            Setting::Answers(answers) => Some(Setting::Answers(self.cx.directory.set_answers(node, answers.clone()))),
            Setting::Ttl(ttl) => Some(Setting::Ttl(self.cx.directory.set_ttl(node, *ttl))),
            Setting::Workers(workers) => {
                let now = self.cx.now();
                let old = self.cx.stations[node.index()].set_workers(now, *workers);
                self.cx.call_next(node);
                Some(Setting::Workers(old))
            }
            _ => self.nodes[node.index()].behaviour().set(&mut self.cx, setting),
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
    }

    /// A node went down or came up, or neither, because something else holds it down as well.
    fn rise_or_fall(&mut self, node: NodeId, was: bool, how: How) {
        let is = self.cx.is_up(node);
        if was == is {
            return;
        }
        let now = self.cx.now();
        self.cx.up[node.index()].set(now, u64::from(is));
        if is {
            self.nodes[node.index()].behaviour().started(&mut self.cx);
        } else {
            self.kill(node, how);
        }
        self.roles_of(node, is);
    }

    /// Everything inside a node ends at this instant: with `reset` where a process died, without a word where its
    /// machine did.
    fn kill(&mut self, node: NodeId, how: How) {
        self.cx.conditions[node.index()].backlog.clear();
        let reply = (how == How::Broken).then_some(Reply {
            how,
            cause: Outcome::Reset,
        });
        for key in self.inside(node) {
            // The frames on their way there find out at the door.
            if self.cx.frames.get(key).is_some_and(|f| f.doing != Doing::OnTheWire) {
                self.end(key, reply);
            }
        }
    }

    /// The frames at a node, in the order they were made.
    fn inside(&self, node: NodeId) -> Vec<FrameKey> {
        let mut keys: Vec<(u64, FrameKey)> = self
            .cx
            .frames
            .iter()
            .filter(|(_, f)| f.node == node)
            .map(|(k, f)| (f.number, k))
            .collect();
        keys.sort_unstable();
        keys.into_iter().map(|(_, k)| k).collect()
    }

    /// A hang begins: work stops where it stands. It ends: work goes on, and what was held back is heard.
    fn hang(&mut self, node: NodeId, begins: bool) {
        let hung = &mut self.cx.conditions[node.index()].hung;
        *hung = if begins { *hung + 1 } else { *hung - 1 };
        if begins && *hung == 1 {
            for (key, cpu, io) in self.stop_work(node) {
                self.cx.frames[key].doing = Doing::Frozen { cpu, io };
            }
        } else if !begins && *hung == 0 {
            for key in self.inside(node) {
                if let Doing::Frozen { cpu, io } = self.cx.frames[key].doing {
                    self.resume(key, cpu, io);
                }
            }
            let backlog = std::mem::take(&mut self.cx.conditions[node.index()].backlog);
            self.cx.signals.extend(backlog);
        }
    }

    /// A slow-down begins or ends: what is under way is stretched or squeezed with everything else.
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
            self.cx.signals.push_back(Signal::Worked(key));
        }
    }

    /// Takes all work of a node off its host and its timers, and says what is left of each.
    fn stop_work(&mut self, node: NodeId) -> Vec<(FrameKey, Span, Span)> {
        let now = self.cx.now();
        let host = self.plan.node(node).host;
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
        for key in self.inside(node) {
            match self.cx.frames[key].doing {
                // With cores to spare for all, CPU time is part of this.
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

    // --- roles ------------------------------------------------------------------------------------------------------

    /// A node that may play a role went down or came up.
    fn roles_of(&mut self, node: NodeId, is_up: bool) {
        for (i, vip) in self
            .plan
            .vips
            .iter()
            .enumerate()
            .filter(|(_, v)| v.members.contains(&node))
        {
            self.virtual_ip(VipId::new(i), vip.members.iter().position(|m| *m == node), is_up);
        }
        for (i, database) in self
            .plan
            .databases
            .iter()
            .enumerate()
            .filter(|(_, d)| d.members.contains(&node))
        {
            self.database(
                DatabaseId::new(i),
                database.members.iter().position(|m| *m == node),
                is_up,
            );
        }
    }

    fn virtual_ip(&mut self, id: VipId, member: Option<usize>, is_up: bool) {
        let (plan, Some(member)) = (self.plan, member) else {
            return;
        };
        let vip = &plan.vips[id.index()];
        let holder_is_up = self.cx.is_up(self.cx.directory.holder(plan, id));
        let holder = &mut self.cx.directory.vips[id.index()];
        if is_up && member == holder.active {
            // Back before anybody took over: a take-over under way is called off.
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

    /// How long the `n`-th change of a role takes.
    fn role_draw(&self, name: &str, dist: &crate::base::dist::Dist, n: u16) -> Span {
        let key = self.cx.streams.key_of(name, Purpose::Failover);
        dist.sample(&mut Draw::keyed(mix(key, u64::from(n))))
    }

    /// The time of a take-over has come: the first member that is up takes the address.
    fn take_over(&mut self, id: VipId, epoch: u16) {
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

    fn database(&mut self, id: DatabaseId, member: Option<usize>, is_up: bool) {
        let (plan, Some(member)) = (self.plan, member) else {
            return;
        };
        let Promotion::Automatic { detect, .. } = &plan.databases[id.index()].failover else {
            return;
        };
        let primary_is_up = self.cx.is_up(self.cx.directory.primary(plan, id));
        let roles = &mut self.cx.directory.databases[id.index()];
        if is_up && member == roles.primary {
            // Back before anybody was promoted: the fail-over is called off.
            roles.failing_over = false;
            roles.epoch = roles.epoch.wrapping_add(1);
        } else if !roles.failing_over && !primary_is_up {
            roles.failing_over = true;
            roles.epoch = roles.epoch.wrapping_add(1);
            if member == roles.primary {
                roles.died = self.cx.calendar.now();
            }
            let epoch = roles.epoch;
            let span = self.role_draw(&plan.databases[id.index()].name, detect, epoch);
            self.cx.after(
                span,
                Class::Change,
                Event::Promote {
                    database: id,
                    epoch,
                    noticed: true,
                },
            );
        }
    }

    /// A dead primary has been noticed; or the promotion of its successor is done.
    fn promote(&mut self, id: DatabaseId, epoch: u16, noticed: bool) {
        let plan = self.plan;
        let database = &plan.databases[id.index()];
        let Promotion::Automatic { promote, .. } = &database.failover else {
            return;
        };
        if self.cx.directory.databases[id.index()].epoch != epoch {
            self.stale += 1;
            return;
        }
        if noticed {
            let span = self.role_draw(&database.name, promote, !epoch);
            self.cx.after(
                span,
                Class::Change,
                Event::Promote {
                    database: id,
                    epoch,
                    noticed: false,
                },
            );
            return;
        }
        let successor = database.members.iter().position(|m| self.cx.is_up(*m));
        let roles = &mut self.cx.directory.databases[id.index()];
        roles.failing_over = false;
        let Some(member) = successor else { return };
        let lost = roles.promote(member, roles.died);
        roles.epoch = roles.epoch.wrapping_add(1);
        let what = if lost == 0 {
            "promoted".to_owned()
        } else {
            format!("promoted ({lost} writes lost)")
        };
        self.cx.note(&what, |p| p.node(database.members[member]).name.clone());
    }

    // --- measuring and closing --------------------------------------------------------------------------------------

    /// The warm-up is over.
    fn measure(&mut self) {
        let now = self.cx.now();
        for station in &mut self.cx.stations {
            station.busy.restart(now);
            station.staff.restart(now);
            station.waiting.restart(now);
            station.apart.restart(now);
        }
        self.cx.traffic.fill(Default::default());
        self.cx.up.iter_mut().for_each(|g| g.restart(now));
        for machine in &mut self.cx.machines {
            machine.up.restart(now);
            if let Some(host) = &mut machine.host {
                host.busy.restart(now);
            }
        }
    }

    /// The run is over: averages are taken, what is still inside is written down and let go, the books are checked.
    fn close(mut self, order: &Order, overflowed: Option<Time>) -> Result<RunRecord, String> {
        let end = overflowed.unwrap_or(self.horizon);
        let window = end.since(Time::ZERO + order.warmup);
        let nodes = (0..self.plan.nodes.len())
            .map(|i| self.node_record(i, end, window))
            .collect();
        let hosts = (0..self.plan.hosts.len())
            .map(|i| self.host_record(i, end, window))
            .collect();
        let in_flight = self.cx.frames.len();
        self.let_go();
        self.audit()?;
        self.cx.record.close_bins();
        let mut run = self.cx.record.run;
        (run.nodes, run.hosts, run.in_flight) = (nodes, hosts, in_flight);
        for (node, wait) in run.nodes.iter_mut().zip(self.cx.record.waits) {
            node.wait = wait;
        }
        run.lost_writes = self.cx.directory.databases.iter().map(|d| d.lost_writes).collect();
        run.events_taken = self.cx.calendar.taken();
        run.digest = self.cx.calendar.digest();
        (run.stale, run.overflowed) = (self.stale, overflowed);
        Ok(run)
    }

    fn node_record(&mut self, i: usize, end: Time, window: Span) -> NodeRecord {
        let station = &mut self.cx.stations[i];
        let queue_at_end = station.waiting.level() + station.apart.level();
        let queue_length = station.waiting.average(end, window) + station.apart.average(end, window);
        let utilization = station.utilization(end, window);
        let traffic = &self.cx.traffic[i];
        NodeRecord {
            arrived: traffic.arrived,
            served: traffic.served,
            refused: traffic.refused,
            utilization,
            queue_length,
            queue_at_end,
            wait: Default::default(),
            up: self.cx.up[i].average(end, window),
        }
    }

    fn host_record(&mut self, i: usize, end: Time, window: Span) -> HostRecord {
        let machine = &mut self.cx.machines[i];
        let cores = self.plan.hosts[i].cores.map(f64::from);
        let busy = machine.host.as_mut().map(|h| h.busy.average(end, window));
        HostRecord {
            cpu: busy.zip(cores).map(|(b, c)| b / c),
            up: machine.up.average(end, window),
        }
    }

    /// What is still inside at the end is written down as unfinished, and everything is given back.
    fn let_go(&mut self) {
        self.cx.closing = true;
        for condition in &mut self.cx.conditions {
            condition.hung = 0;
            condition.backlog.clear();
        }
        for source in 0..self.plan.sources.len() {
            for wish in self.inside(NodeId::new(self.plan.nodes.len() + source)) {
                self.client_of(wish, Client::unfinished);
            }
        }
        self.settle();
        let mut orphans: Vec<(u64, FrameKey)> = self.cx.frames.iter().map(|(k, f)| (f.number, k)).collect();
        orphans.sort_unstable();
        for (_, key) in orphans {
            self.end(key, None);
        }
        self.cx.signals.clear();
    }

    /// Every wish is accounted for, and every slot is back.
    fn audit(&mut self) -> Result<(), String> {
        if !self.cx.frames.is_empty() {
            return Err(format!("{} frames have no way out", self.cx.frames.len()));
        }
        for (i, node) in self.nodes.iter_mut().enumerate() {
            let held = node.behaviour().held();
            let name = self.plan.nodes.get(i).map_or("a client", |n| &n.name);
            if held > 0 {
                return Err(format!("{name} still holds {held} connections or slots"));
            }
        }
        for (node, station) in self.plan.nodes.iter().zip(&self.cx.stations) {
            let (busy, waiting) = (station.busy.level(), station.waiting.level() + station.apart.level());
            if busy > 0 || waiting > 0 {
                return Err(format!(
                    "{} still has {busy} busy workers and {waiting} waiting",
                    node.name
                ));
            }
        }
        for (host, machine) in self.plan.hosts.iter().zip(&self.cx.machines) {
            if machine.host.as_ref().is_some_and(|h| h.busy.level() > 0) {
                return Err(format!("{} still has busy cores", host.name));
            }
        }
        self.cx.record.audit()
    }
}
