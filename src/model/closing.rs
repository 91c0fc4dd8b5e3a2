//! The end of a run: averages are taken, open requests are recorded and released, and the books are audited.
//!
//! The audit also runs in release builds: a run whose books do not balance has no result.

use super::context::Traffic;
use super::node::client::Client;
use super::recorder::{Budget, HostRecord, NodeRecord, NodeTally, RunRecord};
use super::request::FrameKey;
use super::world::{Order, World};
use crate::base::ids::NodeId;
use crate::base::time::{Span, Time};

impl World<'_> {
    /// The warm-up or a batch is over.
    pub(super) fn measure(&mut self) {
        let now = self.cx.now();
        self.close_batch(now);
        for station in &mut self.cx.stations {
            station.busy.restart(now);
            station.staff.restart(now);
            station.waiting.restart(now);
            station.apart.restart(now);
        }
        for traffic in &mut self.cx.traffic {
            *traffic = Traffic::of(traffic.asked.len());
        }
        self.cx.up.iter_mut().for_each(|g| g.restart(now));
        for machine in &mut self.cx.machines {
            machine.up.restart(now);
            if let Some(host) = &mut machine.host {
                host.busy.restart(now);
            }
        }
    }

    /// Records the averages of the batch that ends now, if one does.
    fn close_batch(&mut self, now: Time) {
        let whole = self.cx.record.whole_batches(now);
        let Some(batch) = whole.checked_sub(1).filter(|b| *b < self.cx.record.run.batches.len()) else {
            return;
        };
        let window = self.cx.record.batch;
        for i in 0..self.plan.nodes.len() {
            let tally = self.node_tally(i, now, window);
            self.cx.record.run.batches[batch].nodes[i].tally = tally;
        }
        let hosts = (0..self.plan.hosts.len()).map(|i| self.host_record(i, now, window));
        let hosts: Vec<HostRecord> = hosts.collect();
        self.cx.record.run.batches[batch].hosts = hosts;
    }

    /// Ends the run: takes averages, records and releases what is still in flight, and audits the books.
    pub(super) fn close(mut self, order: &Order, overflowed: Option<(Time, Budget)>) -> Result<RunRecord, String> {
        let end = overflowed.map_or(self.horizon, |(at, _)| at);
        if overflowed.is_none() {
            self.close_batch(end);
        }
        let whole = self.cx.record.whole_batches(end);
        let window = end.since(Time::ZERO + order.warmup);
        let nodes = (0..self.plan.nodes.len())
            .map(|i| self.node_tally(i, end, window))
            .collect::<Vec<NodeTally>>();
        let hosts = (0..self.plan.hosts.len())
            .map(|i| self.host_record(i, end, window))
            .collect();
        let in_flight = self.cx.frames.len();
        // Requests that still wait have waited until now.
        self.cx.calendar.wind_to(end);
        self.let_go();
        self.audit()?;
        self.cx.record.close_bins();
        let mut run = self.cx.record.run;
        run.batches.truncate(whole);
        (run.hosts, run.in_flight) = (hosts, in_flight);
        let with_wait = |(tally, wait)| NodeRecord { tally, wait };
        run.nodes = nodes.into_iter().zip(self.cx.record.waits).map(with_wait).collect();
        run.lost_writes = self.cx.directory.databases.iter().map(|d| d.lost_writes).collect();
        run.events_taken = self.cx.calendar.taken();
        run.digest = self.cx.calendar.digest();
        (run.stale, run.overflowed) = (self.stale, overflowed);
        Ok(run)
    }

    fn node_tally(&self, i: usize, end: Time, window: Span) -> NodeTally {
        let cpu_asked_s = self.cpu_asked(i);
        let station = &self.cx.stations[i];
        let queue_at_end = station.waiting.level() + station.apart.level();
        let queue_length = station.waiting.average(end, window) + station.apart.average(end, window);
        let utilization = station.utilization(end, window);
        let traffic = &self.cx.traffic[i];
        NodeTally {
            arrived: traffic.arrived,
            served: traffic.served,
            orphaned: traffic.orphaned,
            refused: traffic.refused,
            cpu_asked_s,
            utilization,
            queue_length,
            queue_at_end,
            up: self.cx.up[i].average(end, window),
        }
    }

    /// The CPU time that calls asked of a node, from the mean cost of each operation; `None` if a mean is unknown.
    fn cpu_asked(&self, i: usize) -> Option<f64> {
        let asked = self.cx.traffic[i].asked.iter().zip(&self.plan.nodes[i].work);
        asked
            .filter(|(n, _)| **n > 0)
            .map(|(n, work)| Some(*n as f64 * work.cpu.mean_s()?))
            .sum()
    }

    fn host_record(&self, i: usize, end: Time, window: Span) -> HostRecord {
        let machine = &self.cx.machines[i];
        let cores = self.plan.hosts[i].cores.map(f64::from);
        let busy = machine.host.as_ref().map(|h| h.busy.average(end, window));
        HostRecord {
            cpu: busy.zip(cores).map(|(b, c)| b / c),
            up: machine.up.average(end, window),
        }
    }

    /// Records what is still in flight as unfinished, and gives everything back.
    fn let_go(&mut self) {
        self.cx.closing = true;
        // A run that ends early may end in the middle of an instant; pending signals are dropped.
        self.cx.signals.clear();
        for condition in &mut self.cx.conditions {
            condition.hung = 0;
            condition.backlog.clear();
        }
        for source in 0..self.plan.sources.len() {
            for wish in self.cx.inside(NodeId::new(self.plan.nodes.len() + source)) {
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

    /// Checks that every wish is accounted for and every resource is back.
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
            if station.connections > 0 {
                return Err(format!("{} still holds {} connections", node.name, station.connections));
            }
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
