//! One way to read a result document, whether it holds one run or several.
//!
//! It copies nothing and judges nothing.

use crate::analysis::result::{Caveat, Document, Run};

/// One run with what is needed to name it.
#[derive(Copy, Clone, Debug)]
pub struct RunView<'a> {
    /// The scenario's name.
    pub name: &'a str,
    /// Replications that were finished.
    pub replications: u32,
    /// Simulated time of one replication.
    pub duration_s: f64,
    /// How much of it is left out of the estimates.
    pub warmup_s: f64,
    /// What happened.
    pub run: &'a Run,
    /// What to bear in mind about this run alone.
    pub caveats: &'a [Caveat],
}

impl RunView<'_> {
    /// Did no request come within the measured part? Then no promise was kept or broken.
    pub fn is_empty(&self) -> bool {
        self.run.metrics.requests.offered == 0
    }
}

/// The runs of a document, in its order.
pub fn runs(document: &Document) -> Vec<RunView<'_>> {
    let single = document.run.as_ref().map(|run| RunView {
        name: &document.scenario.name,
        replications: document.replications,
        duration_s: document.duration_s,
        warmup_s: document.warmup_s,
        run,
        caveats: &[],
    });
    let several = document.runs.iter().flatten().map(|named| RunView {
        name: &named.scenario.name,
        replications: named.replications,
        duration_s: named.duration_s,
        warmup_s: named.warmup_s,
        run: &named.run,
        caveats: &named.caveats,
    });
    single.into_iter().chain(several).collect()
}
