//! How much room was left: who was busiest, on average and when most was asked for.

use crate::analysis::result::{HostResult, NodeResult, PeakUse};
use crate::report::busy::BUSY;
use crate::report::document::{Span, Tone};
use crate::report::summary::alone;
use crate::report::units::{self, measured};
use crate::report::view::RunView;

/// The load varies if its peak is this many times the average.
const UNEVEN: f64 = 1.3;

/// The busiest resource: utilization at the peak of the load, on average, and its name.
pub(super) fn least_room(view: &RunView<'_>) -> Option<(f64, f64, String)> {
    let run = view.run;
    let node = |(name, n): (&str, &NodeResult)| {
        measured(n.utilization_ratio.value).map(|v| (v, format!("the workers of {name}")))
    };
    let host =
        |(name, h): (&str, &HostResult)| measured(h.cpu_ratio.value).map(|v| (v, format!("the cores of {name}")));
    let all = run
        .nodes
        .iter()
        .filter_map(node)
        .chain(run.hosts.iter().filter_map(host));
    let (busy, who) = all.max_by(|a, b| a.0.total_cmp(&b.0))?;
    // Sources that peak at different times ask for different things then: how often they ask says nothing of it.
    let at_peak = match &run.peak {
        Some(peak) => peak.ratio,
        None => busy * height(view),
    };
    Some((at_peak.min(1.0).max(busy), busy, who))
}

/// The highest rate over a tenth of the measured time, as a multiple of the average.
fn height(view: &RunView<'_>) -> f64 {
    let timeline = &view.run.timeline;
    let series = |name| timeline.series.get(name).map_or(&[][..], |s| &s.median);
    let (well, badly) = (series("throughput_per_s"), series("failed_per_s"));
    let from = (view.warmup_s / timeline.bin_s.max(1e-9)).ceil() as usize;
    let ended: Vec<f64> = well
        .iter()
        .zip(badly)
        .skip(from)
        .filter_map(|(w, b)| Some((*w)? + (*b)?))
        .collect();
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len().max(1) as f64;
    let highest = ended.windows((ended.len() / 10).max(1)).map(mean).fold(0.0, f64::max);
    if mean(&ended) > 0.0 {
        highest / mean(&ended)
    } else {
        1.0
    }
}

/// A sentence about the room left, on average and, if the load varies, at its peak.
pub(super) fn busiest(view: &RunView<'_>) -> Option<Span> {
    // Where nothing was answered, idle workers are no room.
    let (at_height, busy, who) = least_room(view).filter(|_| view.run.metrics.requests.succeeded > 0)?;
    let share = |ratio| units::percent_brief(&alone(ratio));
    let says = |verdict: &str| {
        format!(
            "{verdict}: {who} were busy {} of the time, more than any other",
            share(busy)
        )
    };
    Some(match (busy >= BUSY, at_height > UNEVEN * busy) {
        (true, _) => Span::new(Tone::Caution, says("There was hardly any room left") + "."),
        (false, true) => {
            let (tone, verdict) = match at_height >= BUSY {
                true => (
                    Tone::Caution,
                    "There was hardly any room left at the height of the load",
                ),
                false => (Tone::Plain, "There was room on the average"),
            };
            let height = share(at_height);
            let at_peak = match &view.run.peak {
                Some(PeakUse { component, what, .. }) => {
                    format!(
                        "; when most is asked of {component}, that takes {height} of its {what} by the utilisation law."
                    )
                }
                None => format!(", and some {height} when most came."),
            };
            Span::new(tone, says(verdict) + &at_peak)
        }
        (false, false) => Span::plain(says("There was room on the average") + "."),
    })
}
