//! What commands that simulate share: threads, interruption, and how a failed study ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::exit::{self, Failure, INTERNAL, INTERRUPTED};
use crate::study;

/// As many as the machine has processors.
pub fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// When the work began.
#[expect(
    clippy::disallowed_methods,
    reason = "for `engine.wall_s`, which may differ from run to run"
)]
pub fn now() -> Instant {
    Instant::now()
}

/// How a command ends whose study failed.
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

/// Ctrl-C asks the study to end; a second one ends the program. Not one that comes with the first: `timeout` and some
/// terminals send the signal twice.
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
    // Where no handler can be set, Ctrl-C ends the program at once, as it would without one.
    let _ = ctrlc::set_handler(handler);
    &STOP
}
