//! The numbers behind a picture, for the page's script, which shows them under the pointer and zooms.

use serde::Serialize;

use crate::analysis::result::{Answer, Document, Estimate, Metrics};
use crate::report::chart::Name;
use crate::report::text::visible;
use crate::report::timeline::{Line, Measure, Track, timeline};
use crate::report::view::{RunView, runs};

/// Curves on one axis.
#[derive(Serialize)]
struct Curves {
    /// The horizontal axis: `time` in seconds, `ratio`, the share of the requests, or `rate`, the load.
    across: &'static str,
    curves: Vec<Curve>,
}

/// One curve and its band.
#[derive(Serialize)]
struct Curve {
    name: String,
    unit: &'static str,
    x: Vec<f64>,
    y: Vec<Option<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lo: Option<Vec<Option<f64>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hi: Option<Vec<Option<f64>>>,
}

/// The numbers behind this picture as JSON that may be embedded in a page, where the picture has any.
pub fn behind(document: &Document, name: Name) -> Option<String> {
    let runs = runs(document);
    let (across, curves) = match name {
        Name::Timeline => ("time", over_time(&runs)),
        Name::Latency => ("ratio", waits(&runs)),
        Name::Knee => ("rate", against_load(document)),
        _ => return None,
    };
    if curves.is_empty() {
        return None;
    }
    let json = serde_json::to_string(&Curves { across, curves }).ok()?;
    // Whatever a name contains, it must not end the enclosing element.
    Some(json.replace('<', "\\u003c"))
}

fn over_time(runs: &[RunView<'_>]) -> Vec<Curve> {
    let tracks = timeline(runs).map(|t| t.tracks).unwrap_or_default();
    tracks
        .iter()
        .flat_map(|t| t.lines.iter().map(|line| curve(t, line)))
        .collect()
}

fn curve(track: &Track, line: &Line) -> Curve {
    let name = match line.label.as_str() {
        "" => track.title.clone(),
        label => format!("{}, {}", track.title, visible(label)),
    };
    Curve {
        name,
        unit: match track.measure {
            Measure::Availability => "ratio",
            Measure::Latency => "latency",
            Measure::Rate => "rate",
        },
        x: (0..line.series.median.len()).map(|i| i as f64 * line.bin_s).collect(),
        y: line.series.median.clone(),
        lo: Some(line.series.lo.clone()),
        hi: Some(line.series.hi.clone()),
    }
}

fn against_load(document: &Document) -> Vec<Curve> {
    let Answer::Capacity(found) = &document.answer else {
        return Vec::new();
    };
    let curve = |name: &str, unit, of: &dyn Fn(&Metrics) -> Estimate| Curve {
        name: name.into(),
        unit,
        x: found.curve.iter().map(|p| p.rate_per_s).collect(),
        y: found.curve.iter().map(|p| of(&p.metrics).value).collect(),
        lo: Some(found.curve.iter().map(|p| of(&p.metrics).lo).collect()),
        hi: Some(found.curve.iter().map(|p| of(&p.metrics).hi).collect()),
    };
    let all = [
        curve("Latency, p99", "latency", &|m| m.latency_s.p99),
        curve("Latency, median", "latency", &|m| m.latency_s.p50),
        curve("Goodput", "rate", &|m| m.throughput_per_s),
        curve("Availability", "ratio", &|m| m.availability),
    ];
    all.into_iter().filter(|c| c.x.len() > 1).collect()
}

fn waits(runs: &[RunView<'_>]) -> Vec<Curve> {
    let all = runs
        .iter()
        .map(|run| (run.name.to_owned(), &run.run.metrics.distribution));
    let classes = runs
        .iter()
        .filter(|_| runs.len() == 1)
        .flat_map(|run| run.run.classes.iter());
    let classes = classes.map(|(name, metrics)| (name.to_owned(), &metrics.distribution));
    let known = all
        .chain(classes)
        .filter(|(_, d)| d.ratio.len() > 1 && d.ratio.len() == d.latency_s.len());
    let curve = |(name, d): (String, &crate::analysis::result::Distribution)| Curve {
        name: format!("Latency, {}", visible(&name)),
        unit: "latency",
        x: d.ratio.clone(),
        y: d.latency_s.iter().copied().map(Some).collect(),
        lo: None,
        hi: None,
    };
    known.map(curve).collect()
}
