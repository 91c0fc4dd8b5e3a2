//! Studies without a progress observer, for tests and examples alike.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::sync::atomic::AtomicBool;

use fallover::analysis::capacity::{self, Capacity, Question};
use fallover::analysis::compare::{Compare, compare};
use fallover::scenario::plan::{Measure, Objective, Plan};
use fallover::study::{self, Settings, Study, Watch};

/// A study of one plan.
pub fn alone(plan: &Plan, settings: &Settings) -> Study {
    let studies = quietly(|watch| study::run(std::slice::from_ref(plan), settings, watch));
    studies.into_iter().next().expect("one plan, one study")
}

/// A comparison of several designs.
pub fn compared(plans: &[Plan], settings: &Settings) -> Compare {
    let studies = quietly(|watch| study::run_side_by_side(plans, settings, watch));
    let labels: Vec<(String, Vec<String>)> = (0..plans.len()).map(|i| (format!("design {i}"), Vec::new())).collect();
    compare(&labels, plans, &studies)
}

/// The knee of a plan with this as its only promise: 20 replications at each load.
pub fn knee(plan: &Plan, measure: Measure, target: f64, seed: u64) -> Capacity {
    let mut plan = plan.clone();
    plan.slo = vec![Objective {
        name: "promised".into(),
        class: None,
        measure,
        target,
    }];
    let question = Question {
        plan,
        replications: 20,
        precision: None,
        whole: false,
        one_run: false,
        all: false,
        sized: String::new(),
        stacks: Vec::new(),
    };
    let mut ask = |_: &str, plan: &Plan, replications: u32| Ok(alone(plan, &Settings::plain(seed, replications)));
    let Ok(found) = capacity::answer(&question, &mut ask) else {
        unreachable!("nobody stops it")
    };
    found.capacity
}

fn quietly(run: impl FnOnce(Watch<'_>) -> Result<Vec<Study>, study::Failure>) -> Vec<Study> {
    let watch = Watch {
        stop: &AtomicBool::new(false),
        progress: &|_, _| {},
        visit: &mut |_, _, _| Ok(()),
    };
    run(watch).expect("the books balance")
}
