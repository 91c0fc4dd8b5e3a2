//! What must hold in every world, however hostile.

use fallover::base::ids::NodeId;
use fallover::base::random::Streams;
use fallover::base::time::{Span, Time};
use fallover::failure::Timeline;
use fallover::model::recorder::RunRecord;
use fallover::model::request::Outcome;
use fallover::scenario::plan::{Hit, Load, Plan};

/// Checks all invariants. The run itself audits that every slot has been released.
pub fn hold(plan: &Plan, record: &RunRecord, seed: u64) -> Result<(), String> {
    counts_agree(plan, record)?;
    shares_are_shares(plan, record)?;
    littles_law_is_exact(plan, record)?;
    rows_make_sense(plan, record)?;
    the_sketch_agrees_with_a_sort(plan, record)?;
    let down = Outages::of(plan, seed);
    down.time_adds_up(plan, record)?;
    down.the_dead_serve_nobody(plan, record)
}

/// No request is left inside.
pub fn is_empty(plan: &Plan, record: &RunRecord) -> Result<(), String> {
    demand(record.in_flight == 0, || {
        format!("{} frames still inside", record.in_flight)
    })?;
    let unfinished = record.outcomes()[Outcome::Unfinished as usize];
    demand(unfinished == 0, || {
        format!("{unfinished} requests still wait for an answer")
    })?;
    for (node, record) in plan.nodes.iter().zip(&record.nodes) {
        demand(record.tally.queue_at_end == 0, || {
            format!("{} still has a queue", node.name)
        })?;
    }
    Ok(())
}

fn demand(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

fn counts_agree(plan: &Plan, record: &RunRecord) -> Result<(), String> {
    let outcomes = record.outcomes();
    let offered: u64 = outcomes.iter().sum();
    demand(offered == record.rows.len() as u64, || {
        format!("{offered} ended, and there are {} rows", record.rows.len())
    })?;
    for (i, count) in outcomes.iter().enumerate() {
        let rows = record.rows.iter().filter(|r| r.outcome as usize == i).count() as u64;
        demand(*count == rows, || {
            format!("{}: {count} counted, {rows} rows", Outcome::NAMES[i])
        })?;
    }
    let bins: u64 = record.bins.iter().map(|b| u64::from(b.offered)).sum();
    demand(bins == offered, || format!("{bins} arrivals in bins, {offered} in all"))?;
    for (node, record) in plan.nodes.iter().zip(&record.nodes) {
        let tally = &record.tally;
        demand(tally.served + tally.refused <= tally.arrived, || {
            format!("{}: {tally:?}", node.name)
        })?;
    }
    Ok(())
}

fn shares_are_shares(plan: &Plan, record: &RunRecord) -> Result<(), String> {
    let is_share = |x: f64| (0.0..=1.0 + 1e-12).contains(&x);
    for (node, record) in plan.nodes.iter().zip(&record.nodes) {
        let (busy, up) = (record.tally.utilization, record.tally.up);
        demand(busy.is_none_or(is_share) && is_share(up), || {
            format!("{}: busy {busy:?}, up {up}", node.name)
        })?;
    }
    for (host, record) in plan.hosts.iter().zip(&record.hosts) {
        demand(record.cpu.is_none_or(is_share) && is_share(record.up), || {
            format!("{}: cores {:?}, up {}", host.name, record.cpu, record.up)
        })?;
    }
    Ok(())
}

/// The integral of a queue's length equals the sum of the waiting times. A wait at the very end is cut off at the last
/// event; otherwise the two agree to the nanosecond.
fn littles_law_is_exact(plan: &Plan, record: &RunRecord) -> Result<(), String> {
    let seconds = plan.duration.seconds();
    for (node, record) in plan.nodes.iter().zip(&record.nodes) {
        let (area, waits) = (record.tally.queue_length * seconds, record.wait.sum_s());
        let agree = (area - waits).abs() < 1e-6 * (1.0 + waits);
        demand(agree || record.tally.queue_at_end > 0, || {
            format!("{}: a queue of {area} request-seconds, waits of {waits} s", node.name)
        })?;
    }
    Ok(())
}

fn rows_make_sense(plan: &Plan, record: &RunRecord) -> Result<(), String> {
    for row in &record.rows {
        let source = plan.source(row.source);
        let most = source.retry.as_ref().map_or(0, |r| r.max) + 1;
        let clients = match source.load {
            Load::Open { population, .. } => population,
            Load::Closed { users, .. } => users,
        };
        let in_time = match (source.timeout, row.finished) {
            (Some(timeout), Some(finished)) => finished.since(row.arrived) <= timeout,
            _ => true,
        };
        let sensible = row.finished.is_none() == (row.outcome == Outcome::Unfinished)
            && row.finished.is_none_or(|t| t >= row.arrived)
            && (1..=most).contains(&row.attempts)
            && row.client < clients;
        demand(sensible && in_time, || format!("{row:?}"))?;
    }
    one_view_a_user(plan, record)
}

/// The slow counterpart of the quantile sketch: the latencies themselves, sorted.
fn the_sketch_agrees_with_a_sort(plan: &Plan, record: &RunRecord) -> Result<(), String> {
    for (i, class) in plan.classes.iter().enumerate() {
        let mine = record
            .rows
            .iter()
            .filter(|r| r.class.index() == i && r.outcome == Outcome::Ok);
        let mut exact: Vec<u64> = mine
            .filter_map(|r| Some(r.finished?.since(r.arrived).nanos()))
            .collect();
        exact.sort_unstable();
        let sketch = &record.classes[i].latency;
        demand(sketch.count() == exact.len() as u64, || {
            format!("{}: {} in the sketch, {} rows", class.name, sketch.count(), exact.len())
        })?;
        for share in [0.5, 0.9, 0.99, 1.0] {
            let rank = ((share * exact.len() as f64).ceil() as usize).max(1) - 1;
            let (Some(nanos), Some(found)) = (exact.get(rank), sketch.quantile_s(share)) else {
                continue;
            };
            let truth = *nanos as f64 * 1e-9;
            demand((found - truth).abs() <= truth * 1e-3 + 1e-9, || {
                format!("{}: quantile {share} is {truth}, the sketch says {found}", class.name)
            })?;
        }
    }
    Ok(())
}

/// A user of a closed loop waits for the end of one view before the next begins; all but the first request of a view
/// begin when that one has been answered.
fn one_view_a_user(plan: &Plan, record: &RunRecord) -> Result<(), String> {
    for (i, source) in plan.sources.iter().enumerate() {
        let Load::Closed { users, .. } = source.load else {
            continue;
        };
        // When the first request of the view ended, when all of its requests so far had, and how many are still to
        // come.
        let mut views = vec![(Some(Time::ZERO), Some(Time::ZERO), 0); users as usize];
        for row in record.rows.iter().filter(|r| r.source.index() == i) {
            let (first, all, left) = &mut views[row.client as usize];
            if *left > 0 && *first == Some(row.arrived) {
                *left -= 1;
                *all = all.zip(row.finished).map(|(a, b)| a.max(b));
                continue;
            }
            demand(all.is_some_and(|t| t <= row.arrived), || {
                format!("{row:?} before {all:?}")
            })?;
            let more = if row.outcome == Outcome::Ok {
                source.requests_a_view() - 1
            } else {
                0
            };
            (*first, *all, *left) = (row.finished, row.finished, more);
        }
    }
    Ok(())
}

/// When each node was down, computed from the failure timeline alone by a sweep over beginnings and ends.
struct Outages {
    end: Time,
    of_node: Vec<Vec<(Time, Time)>>,
}

impl Outages {
    fn of(plan: &Plan, seed: u64) -> Outages {
        let end = Time::ZERO + plan.duration;
        let mut timeline = Timeline::new(plan, &Streams::new(seed, 0), true);
        let mut held = vec![0u32; plan.nodes.len()];
        let mut since = vec![Time::ZERO; plan.nodes.len()];
        let mut of_node = vec![Vec::new(); plan.nodes.len()];
        while let Some(at) = timeline.next_at().filter(|at| *at <= end) {
            let Some(change) = timeline.take() else { break };
            let hits = Timeline::hits(plan, change.cause);
            for node in hits.iter().flat_map(|hit| taken_by(plan, hit)) {
                match change.begins {
                    true if held[node] == 0 => (since[node], held[node]) = (at, 1),
                    true => held[node] += 1,
                    false if held[node] == 1 => {
                        held[node] = 0;
                        of_node[node].push((since[node], at));
                    }
                    false => held[node] -= 1,
                }
            }
        }
        for node in (0..plan.nodes.len()).filter(|n| held[*n] > 0) {
            of_node[node].push((since[node], end));
        }
        Outages { end, of_node }
    }

    /// Time up and time down add up to the run: a node is down exactly as long as any fault holds it down.
    fn time_adds_up(&self, plan: &Plan, record: &RunRecord) -> Result<(), String> {
        if record.overflowed.is_some() {
            return Ok(());
        }
        let whole = self.end.since(Time::ZERO).seconds();
        for ((node, record), outages) in plan.nodes.iter().zip(&record.nodes).zip(&self.of_node) {
            let down: f64 = outages.iter().map(|(from, to)| to.since(*from).seconds()).sum();
            let up = record.tally.up * whole;
            demand((up + down - whole).abs() < 1e-6 * whole, || {
                format!("{}: up {up} s and down {down} s of {whole} s", node.name)
            })?;
        }
        Ok(())
    }

    /// A server that is down from the request's start to its answer does not answer. A row names the last balancer's
    /// last choice, and the client's next try may bypass every balancer (the DNS answer has changed), so only requests
    /// with one attempt show who answered.
    fn the_dead_serve_nobody(&self, plan: &Plan, record: &RunRecord) -> Result<(), String> {
        for row in record
            .rows
            .iter()
            .filter(|r| r.outcome == Outcome::Ok && r.attempts == 1)
        {
            let (Some(server), Some(finished)) = (row.server, row.finished) else {
                continue;
            };
            // The answer may be in transit when the server dies, for at most the longest latency. When a hang ends,
            // work resumes before the next change at that instant: what a page fetches then may precede the crash.
            let answered = Span::from_nanos(finished.since(row.arrived).nanos());
            let fetches = !plan.source(row.source).page.is_empty();
            let dead = |(from, to): &(Time, Time)| {
                (*from < row.arrived || *from == row.arrived && !fetches) && *to > row.arrived + answered
            };
            demand(!self.of_node[server.index()].iter().any(dead), || {
                format!(
                    "{} was dead all the while, and answered: {row:?}",
                    plan.node(server).name
                )
            })?;
        }
        Ok(())
    }
}

/// The nodes that a failure takes down.
fn taken_by<'a>(plan: &'a Plan, hit: &'a Hit) -> Box<dyn Iterator<Item = usize> + 'a> {
    match hit {
        Hit::CrashNode(node) => Box::new(std::iter::once(node.index())),
        Hit::CrashHost(host) => Box::new(plan.nodes_on(*host).map(NodeId::index)),
        _ => Box::new(std::iter::empty()),
    }
}
