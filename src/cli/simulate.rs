//! What simulating commands share: threads, interruption, and the exit of a failed study.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::exit::{self, Failure, INTERNAL, INTERRUPTED, MISSED};
use super::options::{Simulating, span};
use crate::analysis::result::{Caveat, Document};
use crate::analysis::spof::{Times, TimesWanted};
use crate::analysis::statistics;
use crate::base::limits;
use crate::base::time::Span;
use crate::report::units;
use crate::report::view::runs;
use crate::scenario::plan::Plan;
use crate::study;

/// As many threads as the machine has processors.
pub fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The start time.
#[expect(
    clippy::disallowed_methods,
    reason = "for `engine.wall_s`, which may differ from run to run"
)]
pub fn now() -> Instant {
    Instant::now()
}

/// The exit of a command whose study failed.
pub fn failed(failure: study::Failure) -> Failure {
    match failure {
        study::Failure::Imbalance(defect) => {
            exit::note(&format!(
                "{defect}; this is a mistake in fallover, please report it with the scenario and the seed"
            ));
            Failure::Status(INTERNAL)
        }
        study::Failure::Threads(..) => Failure::BadInput(failure.to_string()),
        study::Failure::Visitor(error) => Failure::Unreadable(format!("--requests: {error}")),
    }
}

/// Ctrl-C asks the study to stop; a second one ends the program, unless it comes together with the first: `timeout` and
/// some terminals send the signal twice.
pub fn stop_on_interrupt() -> &'static AtomicBool {
    static STOP: AtomicBool = AtomicBool::new(false);
    let mut first: Option<Instant> = None;
    #[expect(clippy::disallowed_methods, reason = "a person's patience is measured on the wall")]
    let handler = move || {
        STOP.store(true, Ordering::Relaxed);
        if first.get_or_insert_with(Instant::now).elapsed() > Duration::from_millis(500) {
            std::process::exit(i32::from(INTERRUPTED));
        }
    };
    // If no handler can be installed, Ctrl-C ends the program at once, as it does by default.
    let _ = ctrlc::set_handler(handler);
    &STOP
}

/// Rough number of events one core processes in a minute: a guess for the estimated duration, not a promise.
const EVENTS_PER_MINUTE: f64 = 60.0 * 1e7;

/// A simulation of one failure need not be longer than this.
const MOST_OF_ONE_FAILURE: Span = Span::from_millis(24 * 3600 * 1000);

impl Simulating {
    /// The number of runs of each design, as far as it is known beforehand.
    pub fn runs(&self) -> u32 {
        match self.batch_means {
            true => 1,
            false => self.replications.unwrap_or(study::REPLICATIONS),
        }
    }

    /// Announces long work before it starts.
    pub fn say_how_long(&self, plans: &[Plan]) {
        let replications = f64::from(self.runs());
        let events = replications * plans.iter().map(study::expected_events).sum::<f64>();
        if events > limits::EVENTS_WORTH_A_WORD {
            let threads = (self.threads() as f64).min(replications * plans.len() as f64);
            exit::note(&format!(
                "about {} events, perhaps {} with {} thread{}; Ctrl-C ends it and keeps what is finished \
                 (a shorter --duration or fewer --replications make it quicker)",
                in_words(events),
                roughly(events, threads),
                threads,
                if threads == 1.0 { "" } else { "s" },
            ));
        }
    }

    /// The requested times for simulations of one failure each, and the warm-up cut that MSER-5 suggests.
    pub fn timing(&self, plan: &Plan, stop: &AtomicBool) -> Result<(TimesWanted, Option<Caveat>), Failure> {
        if self.batch_means {
            let why = "the failure comes once in each simulation, so its parts are not alike and are no batches; --replications says how often it is simulated";
            return Err(Failure::BadInput(format!("--batch-means: {why}")));
        }
        let is_auto = self.warmup.as_deref() == Some("auto");
        let settling = match self.show_warmup || is_auto {
            true => Some(study::settling(plan, &self.settings(), stop).map_err(failed)?),
            false => None,
        };
        let cut = settling.and_then(|s| s.cut);
        let typed = self.warmup.as_deref().and_then(|text| span(text).ok());
        let wish = TimesWanted {
            duration: self.duration.map(|d| d.0),
            warmup: if is_auto { cut } else { typed.map(|d| d.0) },
        };
        let bad = |says: String| Err(Failure::BadInput(format!("--duration {says}")));
        match self.duration {
            Some(d) if d.0 > MOST_OF_ONE_FAILURE => {
                return bad(format!(
                    "{}: each simulation holds one failure, and {MOST_OF_ONE_FAILURE} is enough for that; how long a time `availability` is about is --horizon",
                    d.0
                ));
            }
            Some(d) if d.0 < wish.least(plan) => {
                let says = "is too short for every failure to be noticed, measured, repaired and got over";
                return bad(format!("{} {says}; it takes {}", d.0, wish.least(plan)));
            }
            _ => {}
        }
        let left_out = Times::of(plan, &[], wish).crash;
        let shown = self.show_warmup.then(|| Caveat {
            code: "warmup.shown".into(),
            message: statistics::settles(cut, left_out, is_auto),
        });
        Ok((wish, shown))
    }

    /// The exit status for a finished document.
    pub fn verdict(&self, document: &Document, interrupted: bool) -> Result<(), Failure> {
        if interrupted {
            exit::note("interrupted: what was finished is in the result, which is marked incomplete");
            return Err(Failure::Status(INTERRUPTED));
        }
        if self.check && runs(document).iter().all(|r| r.run.slo.is_empty()) {
            exit::note(NOTHING_CHECKED);
        }
        // A run that could not finish because too much was in flight keeps no promise.
        let kept = document.envelope.complete && runs(document).iter().all(|r| r.run.slo.iter().all(|s| s.met));
        if self.check && !kept {
            return Err(Failure::Status(MISSED));
        }
        Ok(())
    }
}

/// The warning of `--check` where the scenario has no SLO.
pub const NOTHING_CHECKED: &str = "warning: --check had nothing to check: the scenario promises nothing; give it an `slo`, such as --set slo.p99=300ms";

/// `1,680 billion`, `12 million`.
pub fn in_words(events: f64) -> String {
    match events {
        n if n < 1e9 => format!("{} million", units::count((n / 1e6).ceil() as u64)),
        n => format!("{} billion", units::count((n / 1e9).round() as u64)),
    }
}

/// The time for this many events: `20 minutes`, `8 hours`, `12 days`; more precision is useless for planning.
pub fn roughly(events: f64, threads: f64) -> String {
    let (n, unit) = match events / EVENTS_PER_MINUTE / threads {
        m if m < 90.0 => (m.max(1.0), "minute"),
        m if m < 48.0 * 60.0 => (m / 60.0, "hour"),
        m if m < 730.0 * 1440.0 => (m / 1440.0, "day"),
        m => (m / 525_600.0, "year"),
    };
    format!("{n:.0} {unit}{}", if n < 1.5 { "" } else { "s" })
}
