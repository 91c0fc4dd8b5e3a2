//! A single way to read a result document, whether it holds one run or several.
//!
//! It copies nothing and judges nothing.

use crate::analysis::result::{Answer, Caveat, Document, NamedRun, Run};

/// As many lines as there are distinguishable colours.
pub const MOST_LINES: usize = 7;

/// One run with its name.
#[derive(Copy, Clone, Debug)]
pub struct RunView<'a> {
    /// The scenario's name.
    pub name: &'a str,
    /// The number of finished replications.
    pub replications: u32,
    /// Simulated time of one replication.
    pub duration_s: f64,
    /// How much of it the estimates leave out.
    pub warmup_s: f64,
    /// What happened.
    pub run: &'a Run,
    /// Caveats of this run alone.
    pub caveats: &'a [Caveat],
}

impl<'a> RunView<'a> {
    /// The view of one of several runs.
    pub fn of(named: &'a NamedRun) -> RunView<'a> {
        RunView {
            name: &named.scenario.name,
            replications: named.replications,
            duration_s: named.duration_s,
            warmup_s: named.warmup_s,
            run: &named.run,
            caveats: &named.caveats,
        }
    }

    /// Did no request arrive during measurement? Then no promise was kept or broken.
    pub fn is_empty(&self) -> bool {
        self.run.metrics.requests.offered == 0
    }
}

/// Of many runs, those whose lines a picture can distinguish: the first, then those with the most losses, then the
/// longest waits.
pub fn telling<'a>(runs: &[RunView<'a>]) -> Vec<RunView<'a>> {
    let at = |run: &RunView<'_>| {
        let metrics = &run.run.metrics;
        (
            metrics.availability.value.unwrap_or(1.0),
            metrics.latency_s.p99.value.unwrap_or(0.0),
        )
    };
    let mut order: Vec<usize> = (1..runs.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (at(&runs[*a]), at(&runs[*b]));
        a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1))
    });
    order.truncate(MOST_LINES - 1);
    let is_told = |i: &usize| *i == 0 || order.contains(i);
    (0..runs.len()).filter(is_told).map(|i| runs[i]).collect()
}

/// The runs of a document, in its order.
pub fn runs(document: &Document) -> Vec<RunView<'_>> {
    let envelope = &document.envelope;
    match &document.answer {
        Answer::Run(run) => vec![RunView {
            name: &envelope.scenario.name,
            replications: envelope.replications,
            duration_s: envelope.duration_s,
            warmup_s: envelope.warmup_s.unwrap_or(0.0),
            run,
            caveats: &[],
        }],
        Answer::Compare(compare) => {
            let view = |(label, named)| RunView {
                name: label,
                ..RunView::of(named)
            };
            compare.variants.iter().map(view).collect()
        }
        Answer::Runs(several) => several.runs.iter().map(RunView::of).collect(),
        _ => Vec::new(),
    }
}
