//! Studies that nobody watches: for tests and examples alike.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::sync::atomic::AtomicBool;

use fallover::analysis::compare::{Compare, compare};
use fallover::scenario::plan::Plan;
use fallover::study::{self, Settings, Study, Watch};

/// One plan.
pub fn alone(plan: &Plan, settings: &Settings) -> Study {
    let studies = quietly(|watch| study::run(std::slice::from_ref(plan), settings, watch));
    studies.into_iter().next().expect("one plan, one study")
}

/// Designs side by side, and how they differ.
pub fn compared(plans: &[Plan], settings: &Settings) -> Compare {
    let studies = quietly(|watch| study::run_side_by_side(plans, settings, watch));
    let labels: Vec<(String, Vec<String>)> = (0..plans.len()).map(|i| (format!("design {i}"), Vec::new())).collect();
    compare(&labels, plans, &studies)
}

fn quietly(run: impl FnOnce(Watch<'_>) -> Result<Vec<Study>, study::Failure>) -> Vec<Study> {
    let watch = Watch {
        stop: &AtomicBool::new(false),
        progress: &|_, _| {},
        visit: &mut |_, _, _| Ok(()),
    };
    run(watch).expect("the books balance")
}
