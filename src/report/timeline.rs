//! The course of a run over time, ready to be drawn: one track for each measure, one line for each quantity or
//! scenario.
//!
//! It decides what belongs in the picture and knows nothing of pixels or characters.

use super::periods::{Period, periods};
use super::view::RunView;
use crate::analysis::result::{Happening, Series};
use crate::analysis::statistics::SETTLING;

/// Everything that shares one time axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// Where the time axis ends.
    pub end_s: f64,
    /// From when on nothing is known because too much was still in flight; only for a single run.
    pub open_s: Option<f64>,
    /// Where the estimates begin; 0 without a warm-up.
    pub warmup_s: f64,
    /// The number of replications behind medians and bands: the fewest of any run.
    pub replications: u32,
    /// Periods in which something was broken, on purpose or by chance.
    pub periods: Vec<Period>,
    /// Other events: checks, fail-overs. Empty where several runs are drawn, because their events differ.
    pub marks: Vec<Happening>,
    /// From top to bottom.
    pub tracks: Vec<Track>,
}

/// Lines with a common vertical axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Its heading.
    pub title: String,
    /// The measure of its axis.
    pub measure: Measure,
    /// At least one line.
    pub lines: Vec<Line>,
}

/// What a vertical axis measures.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    /// A share from 0 to 1; the ideal is 1.
    Availability,
    /// Seconds.
    Latency,
    /// Per second.
    Rate,
}

/// One curve with its band.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its label; empty where the track's title is enough.
    pub label: String,
    /// Its colour in the palette.
    pub colour: usize,
    /// Width of one bin.
    pub bin_s: f64,
    /// The values, with gaps.
    pub series: Series,
}

/// The timeline of these runs; `None` where no run has one.
pub fn timeline(runs: &[RunView<'_>]) -> Option<Timeline> {
    let tracks = match runs {
        [one] => tracks_of_one(one),
        several => tracks_of_several(several),
    };
    let end_s = runs.iter().map(end_of).fold(0.0, f64::max);
    if tracks.is_empty() || end_s <= 0.0 {
        return None;
    }
    let marks = if let [one] = runs {
        periods(&one.run.events, end_s).1
    } else {
        Vec::new()
    };
    Some(Timeline {
        end_s,
        open_s: if let [one] = runs { open_from(one) } else { None },
        warmup_s: runs.iter().map(|r| r.warmup_s).fold(0.0, f64::max),
        replications: runs.iter().map(|r| r.replications).min().unwrap_or(0),
        periods: periods_of(runs),
        marks,
        tracks,
    })
}

/// The first of the last bins that have no rate because too many of their requests were still in flight at the end.
fn open_from(run: &RunView<'_>) -> Option<f64> {
    let timeline = &run.run.timeline;
    let rates = &timeline.series.get("throughput_per_s")?.median;
    let known = rates.iter().rposition(Option::is_some)? + 1;
    let is_open = run.run.metrics.requests.unfinished > 0 && known < rates.len();
    is_open.then_some(known as f64 * timeline.bin_s)
}

/// What was broken in any run. A period that all runs share appears once; others name the runs that they affect.
fn periods_of(runs: &[RunView<'_>]) -> Vec<Period> {
    // A failure without an end lasts as long as its own run, however long others are.
    let each: Vec<Vec<Period>> = runs.iter().map(|r| periods(&r.run.events, end_of(r)).0).collect();
    let mut all: Vec<Period> = Vec::new();
    for period in each.iter().flatten() {
        if !all.contains(period) {
            all.push(period.clone());
        }
    }
    for period in &mut all {
        let suffer: Vec<&str> = runs
            .iter()
            .zip(&each)
            .filter(|(_, periods)| periods.contains(period))
            .map(|(run, _)| run.name)
            .collect();
        match suffer.as_slice() {
            all if all.len() == runs.len() => {}
            [one] => period.whose = (*one).to_owned(),
            some => period.whose = format!("{} of {}", some.len(), runs.len()),
        }
    }
    all.sort_by(|a, b| a.from_s.total_cmp(&b.from_s));
    all
}

/// The end of the bins, where they extend beyond the stated length of the run; a partial last bin does not make the run
/// longer.
fn end_of(run: &RunView<'_>) -> f64 {
    let timeline = &run.run.timeline;
    let bins = timeline.series.iter().map(|(_, s)| s.median.len()).max().unwrap_or(0);
    match bins as f64 * timeline.bin_s {
        end if end < run.duration_s + timeline.bin_s => run.duration_s,
        beyond => beyond,
    }
}

fn tracks_of_one(run: &RunView<'_>) -> Vec<Track> {
    let rates = match run.run.metrics.requests.failed {
        // A line at zero says less than no line.
        0 => vec![("throughput_per_s", "succeeded", 2)],
        _ => vec![("throughput_per_s", "succeeded", 2), ("failed_per_s", "failed", 1)],
    };
    let plans = [
        ("Availability", Measure::Availability, vec![("availability", "", 0)]),
        (
            "Latency",
            Measure::Latency,
            vec![("latency_p50_s", "p50", 5), ("latency_p99_s", "p99", 0)],
        ),
        ("Requests per second, by arrival", Measure::Rate, rates),
        (
            "Mean latency of the pilots",
            Measure::Latency,
            vec![(SETTLING, "settling", 0)],
        ),
    ];
    let track = |(title, measure, wanted): (&str, Measure, Vec<(&str, &str, usize)>)| {
        let lines = wanted.iter().filter_map(|(name, label, c)| line(run, name, label, *c));
        track_of(title, measure, lines.collect())
    };
    plans.into_iter().filter_map(track).collect()
}

fn tracks_of_several(runs: &[RunView<'_>]) -> Vec<Track> {
    let plans = [
        ("Availability", Measure::Availability, "availability"),
        ("Latency, p99", Measure::Latency, "latency_p99_s"),
        ("Failed per second, by arrival", Measure::Rate, "failed_per_s"),
    ];
    let track = |(title, measure, name): (&str, Measure, &str)| {
        let lines = runs.iter().enumerate();
        let lines = lines.filter_map(|(i, run)| line(run, name, run.name, i));
        track_of(title, measure, lines.collect())
    };
    plans.into_iter().filter_map(track).collect()
}

fn track_of(title: &str, measure: Measure, lines: Vec<Line>) -> Option<Track> {
    (!lines.is_empty()).then(|| Track {
        title: title.into(),
        measure,
        lines,
    })
}

fn line(run: &RunView<'_>, name: &str, label: &str, colour: usize) -> Option<Line> {
    let timeline = &run.run.timeline;
    let series = timeline.series.get(name)?;
    let drawable = timeline.bin_s > 0.0 && series.median.iter().flatten().any(|v| v.is_finite());
    drawable.then(|| Line {
        label: label.into(),
        colour,
        bin_s: timeline.bin_s,
        series: series.clone(),
    })
}
