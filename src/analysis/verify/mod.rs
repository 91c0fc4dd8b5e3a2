//! `verify`: does this program give right results on this machine? It simulates cases with known results and compares:
//! closed forms, a failure worked out by hand, picks of HAProxy and Nginx, equal bytes on other threads, balanced
//! books.
//!
//! Everything it needs is built in. Each check reports what it found and what it should have found. A correct program
//! fails for one seed in ten thousand. Called by the command `verify`.

mod exact;
mod formulas;

use serde::{Deserialize, Serialize};

use super::result::{Answer, Document, Engine, Envelope, Estimate, SCHEMA_VERSION, ScenarioId};
use crate::scenario::load_text;
use crate::scenario::plan::Plan;
use crate::stats::interval;
use crate::study::{self, Settings, Study, Watch};
use statrs::distribution::{ContinuousCDF, StudentsT};
use std::sync::atomic::{AtomicBool, Ordering};

/// Probability that a correct program fails, over all checks together.
const FALSE_ALARMS: f64 = 1e-4;
/// Replications of every simulation compared with a closed form.
const REPLICATIONS: u32 = 20;

/// The result of `verify`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// Whether everything passed.
    pub passed: bool,
    /// In the order of reporting.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// `theory`, `determinism`, `conservation`, `failures` or `recordings`.
    pub group: String,
    /// What is checked.
    pub what: String,
    /// The theoretical value; null for other kinds of checks.
    pub theory: Option<f64>,
    /// The simulated value.
    pub simulated: Option<Estimate>,
    /// Their distance in standard errors.
    pub z: Option<f64>,
    /// What was compared, or how it differs.
    pub detail: String,
    /// Whether it passed.
    pub passed: bool,
}

impl Check {
    /// A check that holds, or reports how it does not.
    fn holds(group: &str, what: &str, compared: &str, outcome: Result<(), String>) -> Check {
        Check {
            group: group.into(),
            what: what.into(),
            theory: None,
            simulated: None,
            z: None,
            passed: outcome.is_ok(),
            detail: outcome.err().unwrap_or_else(|| compared.into()),
        }
    }
}

/// The settings of the checks.
pub(super) struct Bench<'a> {
    seed: u64,
    threads: usize,
    stop: &'a AtomicBool,
    events: u64,
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A study could not be run.
    #[error(transparent)]
    Study(#[from] study::Failure),
    /// The user interrupted it.
    #[error("interrupted")]
    Stopped,
}

/// Number of steps reported by [`verify`].
pub const STEPS: usize = formulas::ALL.len() + exact::ALL.len();

/// Runs every check; `told` is called after each step. The document lacks the time it took.
///
/// # Errors
/// If a study cannot be run, or `stop` was set.
pub fn verify(seed: u64, threads: usize, stop: &AtomicBool, told: &dyn Fn()) -> Result<Document, Failure> {
    let mut bench = Bench {
        seed,
        threads,
        stop,
        events: 0,
    };
    let mut checks = Vec::new();
    for formula in formulas::ALL {
        checks.extend(formula().compare(&mut bench)?);
        told();
    }
    let compared = checks.len() as f64;
    for check in &mut checks {
        check.passed = check.z.is_some_and(|t| is_chance(t, FALSE_ALARMS / compared));
    }
    for exact in exact::ALL {
        checks.extend(exact(&mut bench)?);
        told();
    }
    let passed = checks.iter().all(|c| c.passed);
    Ok(Document {
        envelope: Envelope {
            schema_version: SCHEMA_VERSION,
            command: "verify".into(),
            options: Vec::new(),
            complete: true,
            scenario: ScenarioId {
                name: "verify".into(),
                digest: String::new(),
            },
            seed: Some(seed),
            replications: REPLICATIONS,
            duration_s: 0.0,
            warmup_s: None,
        },
        answer: Answer::Verify(Verification { passed, checks }),
        caveats: Vec::new(),
        engine: Engine::this(threads, bench.events, 0.0),
    })
}

/// Whether a distance of this many standard errors or more has at least this probability.
fn is_chance(t: f64, often: f64) -> bool {
    StudentsT::new(0.0, 1.0, f64::from(REPLICATIONS - 1)).is_ok_and(|law| 2.0 * law.sf(t.abs()) >= often)
}

impl Bench<'_> {
    /// A study of a built-in scenario.
    fn study(&mut self, scenario: &str, replications: u32, threads: usize) -> Result<(Plan, Study), Failure> {
        let plan = plan(scenario);
        let study = self.study_of(&plan, replications, threads)?;
        Ok((plan, study))
    }

    fn study_of(&mut self, plan: &Plan, replications: u32, threads: usize) -> Result<Study, Failure> {
        let settings = Settings {
            lifetimes: true,
            threads,
            ..Settings::plain(self.seed, replications)
        };
        let watch = Watch {
            stop: self.stop,
            progress: &|_, _| {},
            visit: &mut |_, _, _| Ok(()),
        };
        let mut studies = study::run(std::slice::from_ref(plan), &settings, watch)?;
        if self.stop.load(Ordering::Relaxed) {
            return Err(Failure::Stopped);
        }
        let study = studies.remove(0);
        self.events += study.events_taken;
        Ok(study)
    }
}

fn plan(scenario: &str) -> Plan {
    match load_text("verify.json", scenario, &[]) {
        Ok(loaded) => loaded.plan,
        Err(problems) => panic!("a scenario of this program's own is wrong: {problems}"),
    }
}

/// The distance of an estimate from theory in standard errors, derived from its 95 % interval.
fn standard_errors(estimate: Estimate, theory: f64) -> Option<f64> {
    let (value, hi) = (estimate.value?, estimate.hi?);
    // A share's bounds are clamped to 0 and 1; the wider side is the full half-width.
    let half = (hi - value).max(value - estimate.lo?);
    let error = half / interval::student_t(REPLICATIONS as usize)?;
    (error > 0.0).then(|| (value - theory) / error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_a_distance_that_chance_explains_passes_and_another_does_not() {
        // Student's t with 19 degrees of freedom: 2.093 for 5 %, 3.883 for 0.1 %.
        assert!(is_chance(2.0, 0.05) && !is_chance(2.2, 0.05));
        assert!(is_chance(-3.8, 0.001) && !is_chance(-3.9, 0.001));
        let estimate = Estimate {
            value: Some(1.0),
            lo: Some(1.0 - 2.093),
            hi: Some(1.0 + 2.093),
            confidence: 0.95,
        };
        let z = standard_errors(estimate, 4.0).expect("has a width");
        assert!((z + 3.0).abs() < 1e-3, "{z}");
        let nothing = Estimate {
            value: None,
            ..estimate
        };
        assert_eq!(standard_errors(nothing, 4.0), None);
    }

    #[test]
    fn a_wrong_number_is_missed() {
        let stop = AtomicBool::new(false);
        let mut bench = Bench {
            seed: 1,
            threads: 2,
            stop: &stop,
            events: 0,
        };
        // An M/M/1 queue at half load: its mean is a tenth above the claim.
        let checks = formulas::wrong().compare(&mut bench).expect("runs");
        assert!(!is_chance(checks[0].z.expect("has a width"), FALSE_ALARMS));
        stop.store(true, Ordering::Relaxed);
        assert!(matches!(formulas::wrong().compare(&mut bench), Err(Failure::Stopped)));
    }
}
