//! Caveats about statistics: how the intervals of a study are computed, and where they are unreliable.

use super::result::{Caveat, Run, Series};
use crate::base::time::Span;
use crate::model::bin::{Bin, bin_of};
use crate::scenario::plan::{Arrivals, Plan, Warmup};
use crate::stats::batches::are_correlated;
use crate::stats::sketch::Sketch;
use crate::study::sample::Sample;
use crate::study::{Settling, Study};

/// The curve that `--show-warmup` adds to a timeline.
pub const SETTLING: &str = "settling_latency_mean_s";

/// The caveats.
pub fn caveats(plan: &Plan, study: &Study, run: &Run) -> Vec<Caveat> {
    let is_auto = plan.warmup == Warmup::Auto;
    let shown = study.settling.as_ref().map(|s| settles(s.cut, study.warmup, is_auto));
    let found = [
        ("warmup.shown", shown),
        ("trace.same", one_trace(plan, study)),
        ("batches", study.batches.map(|_| batches(plan, study))),
        ("batches.correlated", correlated(study)),
        ("queue.remembers", long_memory(plan, study, run)),
        ("page.unasked", unasked(plan, study)),
        match few_in_tail(study) {
            None => ("tail.open", open_tail(study, run)),
            few => ("tail.thin", few),
        },
    ];
    let said = |(code, message): (&str, Option<String>)| {
        Some(Caveat {
            code: code.into(),
            message: message?,
        })
    };
    found.into_iter().filter_map(said).collect()
}

/// A span in seconds with about three digits.
fn seconds(span: Span) -> String {
    let text = format!("{:.3}", span.seconds());
    format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A time in two digits.
fn rounded(span_s: f64) -> String {
    let digit = libm::pow(10.0, libm::floor(libm::log10(span_s.max(1e-9))) - 1.0);
    let units = libm::round(span_s / digit);
    seconds(Span::from_seconds(if digit < 1.0 {
        units / libm::round(1.0 / digit)
    } else {
        units * digit
    }))
}

/// Says where MSER-5 cuts, or would cut if the warm-up is given.
pub fn settles(cut: Option<Span>, left_out: Span, is_auto: bool) -> String {
    let says = match cut {
        Some(Span::ZERO) if is_auto => return "MSER-5 cuts nothing".into(),
        Some(Span::ZERO) => "MSER-5 would cut nothing of".into(),
        Some(cut) if is_auto => return format!("MSER-5 cuts the first {}", seconds(cut)),
        Some(cut) if cut > left_out => format!("MSER-5 would cut the first {}, more than", seconds(cut)),
        Some(cut) => format!("MSER-5 would cut no more than {}, which is within", seconds(cut)),
        None => "MSER-5 finds no place within the first half from which on the latency is steady, after".into(),
    };
    format!("{says} the {} that are left out", seconds(left_out))
}

fn batches(plan: &Plan, study: &Study) -> String {
    let measured = study.samples.first().and_then(|s| s.batch_s).unwrap_or(0.0);
    let start = match plan.faults.is_empty() && !study.lifetimes {
        true => "",
        false => "; what happens once in the run is in one of them",
    };
    format!(
        "the intervals come from {} batches of {} in one run{start}",
        study.samples.len(),
        seconds(Span::from_seconds(measured))
    )
}

/// Recorded arrivals are the same in every replication, so the intervals do not cover the variation between recordings.
fn one_trace(plan: &Plan, study: &Study) -> Option<String> {
    let is_recorded = plan.arrivals().any(|a| matches!(a, Arrivals::Trace { .. }));
    (study.samples.len() > 1 && study.batches.is_none() && is_recorded).then(|| {
        "the recorded arrivals are the same in every replication: the intervals say what chance does to this recording, and nothing of another day".into()
    })
}

fn correlated(study: &Study) -> Option<String> {
    study.batches?;
    let latencies = || study.samples.iter().map(|s| &s.all.latency);
    let means: Vec<f64> = latencies().map(|l| l.sum_s / l.count.max(1) as f64).collect();
    let tail_s = study.all().latency.quantile_s(0.99).unwrap_or(0.0);
    let in_tail = latencies().map(|l| 1.0 - l.profile.up_to(tail_s) / l.count.max(1) as f64);
    let hang_together = are_correlated(&means) || are_correlated(&in_tail.collect::<Vec<_>>());
    hang_together.then(|| {
        "the latency of a batch hangs together with that of the next: the batches are too short, the intervals too narrow; a longer --duration or fewer --replications would mend it".into()
    })
}

/// Warns if pages lost their document: the rest of such a page is never requested, so that it does not count as failed.
fn unasked(plan: &Plan, study: &Study) -> Option<String> {
    let first = study.warmup.nanos().div_ceil(bin_of(plan.duration).nanos()) as usize;
    // Every batch carries the bins of the whole run.
    let runs = if study.batches.is_some() {
        1
    } else {
        study.samples.len()
    };
    let bins = || study.samples.iter().take(runs).flat_map(|s| s.bins.iter().skip(first));
    let sum = |of: fn(&Bin) -> u32| bins().map(|b| f64::from(of(b))).sum::<f64>();
    let (unasked, offered, succeeded) = (sum(|b| b.unasked), sum(|b| b.offered), sum(|b| b.succeeded));
    (unasked > 0.001 * offered).then(|| {
        format!(
            "pages whose document failed never asked for the rest: {:.0} requests in all replications that no number here counts; of all that \
             was wanted {:.2} % were answered, which is what `availability` and `spof` count",
            unasked,
            100.0 * succeeded / (offered + unasked)
        )
    })
}

/// Intervals have their nominal coverage if a replication is this many times as long as its slowest queue's memory. For
/// M/M/1 at 0.9 and 0.95, with 8 to 23 times, the measured coverage was 87 to 93 % (`docs/statistics.md`).
const MEMORIES: f64 = 30.0;
/// Utilization above which a queue may be overloaded, which another caveat covers.
const STEADY: f64 = 0.99;

/// Warns if a queue's memory is long compared with a replication.
fn long_memory(plan: &Plan, study: &Study, run: &Run) -> Option<String> {
    if study.samples.len() < 2 || plan.load_varies() || !plan.faults.is_empty() {
        return None;
    }
    let window = |s: &Sample| s.measured_s(plan.duration.seconds(), study.warmup.seconds());
    let all_s: f64 = study.samples.iter().map(window).sum();
    let each_s = all_s / study.samples.len() as f64;
    // No more can be inside than there are users who wait.
    let users = plan.users().map_or(f64::INFINITY, f64::from);
    let workers = plan.nodes.iter().zip(&run.nodes.0).filter_map(|(node, (name, found))| {
        let servers = f64::from(node.workers?);
        let places = node.queue.map_or(f64::INFINITY, |queue| f64::from(queue) + servers);
        let done = (found.served + found.orphaned) as f64;
        Some((name, found.utilization_ratio.value?, done / all_s, places))
    });
    let hosts = plan.hosts.iter().enumerate().filter_map(|(i, host)| {
        let here = plan.nodes.iter().zip(&run.nodes.0).filter(|(n, _)| n.host.index() == i);
        let came: u64 = here.map(|(_, (_, found))| found.arrived).sum();
        let busy = run.hosts.get(&host.name)?.cpu_ratio.value?;
        Some((&host.name, busy, came as f64 / all_s, f64::INFINITY))
    });
    let memories = workers.chain(hosts).filter_map(|(name, busy, per_s, places)| {
        // All servers together take busy / per_s per request. M/M/1 forgets within its relaxation time, 1 / (1 -
        // sqrt(busy))^2 of that (Cohen, The Single Server Queue, 1982), and no queue takes longer than it takes to
        // empty.
        let steps = libm::pow(1.0 - libm::sqrt(busy), -2.0).min(places.min(users));
        (busy < STEADY && per_s > 0.0).then(|| (name, busy, steps * busy / per_s))
    });
    let (name, busy, memory_s) = memories.max_by(|a, b| a.2.total_cmp(&b.2))?;
    (each_s < MEMORIES * memory_s).then(|| {
        let (part, times) = match study.batches {
            Some(_) => ("batch", study.samples.len() as f64),
            None => ("replication", 1.0),
        };
        let enough_s = study.warmup.seconds() + MEMORIES * memory_s * times;
        format!(
            "{name} is {:.0} % busy, and what has piled up there is forgotten in some {}: a {part} of {} says little for its length, and \
             intervals hold the truth less often than they say; a --duration of {} would be long enough",
            100.0 * busy,
            rounded(memory_s),
            rounded(each_s),
            rounded(enough_s)
        )
    })
}

fn few_in_tail(study: &Study) -> Option<String> {
    let n = study.samples.len().max(1) as f64;
    let each = study.samples.iter().map(|s| s.all.succeeded as f64).sum::<f64>() / n;
    let part = if study.batches.is_some() {
        "batch"
    } else {
        "replication"
    };
    (each > 0.0 && each < 10_000.0).then(|| {
        let few = each / 1000.0;
        format!(
            "about {few:.1} requests a {part} lie beyond the p99.9: it is a guess; a longer duration would firm it up"
        )
    })
}

/// Whether the interval of the p99.9 ends at the largest value seen.
fn open_tail(study: &Study, run: &Run) -> Option<String> {
    let all: Sketch = study.all().latency;
    let (hi, most) = (run.metrics.latency_s.p999.hi?, all.max_s()?);
    (hi >= most && run.metrics.latency_s.p999.value? < most).then(|| {
        "the interval of the p99.9 ends at the longest latency that was seen: there are too few replications for that p99.9, and it may be longer".into()
    })
}

/// How the pilots settled, in the bins of the timeline.
pub fn curve(plan: &Plan, settling: &Settling) -> Series {
    let bin = bin_of(plan.duration).nanos();
    let count = plan.duration.nanos().div_ceil(bin);
    let slices = |bin_at: u64| {
        let at = |ns: u64| ((ns / settling.slice.nanos().max(1)) as usize).min(settling.mean_s.len());
        let (from, to) = (at(bin_at * bin), at((bin_at + 1) * bin));
        let here = &settling.mean_s[from..to.max(from)];
        (!here.is_empty()).then(|| here.iter().sum::<f64>() / here.len() as f64)
    };
    let mean: Vec<Option<f64>> = (0..count).map(slices).collect();
    Series {
        median: mean.clone(),
        lo: mean.clone(),
        hi: mean,
    }
}
