//! A progress bar with the remaining time, on standard error and only on a terminal.
//!
//! In a pipe or a log it is silent: indicatif draws nothing where standard error is no terminal.

use std::fmt::Write;

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// A bar over `total` units of `what`; 0 means that the total is unknown. Count with `inc(1)`, end with
/// `finish_and_clear()`.
pub fn bar(total: u64, what: &str, quiet: bool) -> ProgressBar {
    // Ten updates a second are as many as an eye can use, and cost the simulation nothing.
    let target = if quiet {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr_with_hz(10)
    };
    // With a total of zero the bar would be full at once; an empty bar stands for an unknown total.
    let bar = ProgressBar::with_draw_target(Some(total.max(1)), target);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}{left}").expect("a valid template");
    let left = |state: &ProgressState, text: &mut dyn Write| {
        if state.pos() > 0 {
            let _ = write!(text, ", {:#} left", HumanDuration(state.eta()));
        }
    };
    bar.set_style(style.with_key("left", left).progress_chars("█▌ "));
    bar.set_message(what.to_string());
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_is_hidden() {
        assert!(bar(10, "replications", true).is_hidden());
    }
}
