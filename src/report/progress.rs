//! A progress bar with the time left, on standard error and only where somebody watches.
//!
//! In a pipe or a log it is silent: indicatif draws nothing where standard error is no terminal.

use std::fmt::Write;

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// A bar over `total` units of work, named by `what`; 0: how many is not known yet. Count with `inc(1)`, end with `finish_and_clear()`.
pub fn bar(total: u64, what: &str, quiet: bool) -> ProgressBar {
    // Ten times a second is as often as an eye can use, and costs the simulation nothing.
    let target = if quiet {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr_with_hz(10)
    };
    // Of nothing nothing is left, and all is done: an empty bar stands for what is not known.
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
