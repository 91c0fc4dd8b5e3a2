//! How the fuzzer interprets its bytes. `tests/corpus.rs` does the same with the inputs that it kept.

use super::{Broken, try_tape};
use fallover::analysis::result::Document;
use fallover::report::chart::{self, Look, Name};
use fallover::report::terminal::Terminal;
use fallover::report::words;
use fallover::scenario::load_text;

/// Bytes as a scenario: it loads or is rejected with a reason.
pub fn scenario(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let name = if text.trim_start().starts_with('{') {
        "x.json"
    } else {
        "x.yaml"
    };
    match load_text(name, &text, &[]) {
        Ok(loaded) => drop(loaded.explain()),
        Err(problems) => drop(problems.to_string()),
    }
}

/// Bytes as the tape of a world: its invariants hold.
pub fn world(bytes: &[u8]) {
    let tape: Vec<u16> = bytes
        .chunks(2)
        .map(|two| u16::from(two[0]) << 8 | u16::from(*two.last().unwrap_or(&0)))
        .collect();
    if let Err(Broken { what, scenario }) = try_tape(&tape, 1) {
        panic!("{what}\n{scenario}");
    }
}

/// Bytes as a result: it is read and displayed, or rejected with a reason.
pub fn result(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Document::read(&text) {
        Ok(document) => {
            let terminal = Terminal {
                width: 80,
                colour: false,
            };
            drop(terminal.render(&words(&document)));
            drop(chart::svg(&document, Name::Dashboard, &Look::default()));
        }
        Err(why) => drop(why.to_string()),
    }
}
