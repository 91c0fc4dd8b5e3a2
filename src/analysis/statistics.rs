//! What a colleague who knows statistics would say of a study: how its intervals came about, and what they are not worth.

use super::result::{Caveat, Run, Series};
use crate::base::time::Span;
use crate::model::bin::bin_of;
use crate::scenario::plan::{Arrivals, Plan, Warmup};
use crate::stats::batches::are_correlated;
use crate::stats::sketch::Sketch;
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

/// A span in seconds, in three digits or so.
fn seconds(span: Span) -> String {
    let text = format!("{:.3}", span.seconds());
    format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Where MSER-5 cuts, or would cut where so much is left out because somebody says so.
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

/// Recorded arrivals are the same in every replication, so the intervals know nothing of another recording.
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

/// Does the interval of the p99.9 end where nothing larger was seen?
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
