//! How a command ends: its exit status and its error messages.
//!
//! The numbers are public. Writing to a closed pipe is not a failure.

use std::io::{self, Write};

use crate::scenario::problem::Problems;

/// Bad input.
pub const BAD_INPUT: u8 = 2;
/// Something could not be read or written.
pub const UNREADABLE: u8 = 3;
/// A bug in this program.
pub const INTERNAL: u8 = 70;
/// Ran, and an SLO was missed.
pub const MISSED: u8 = 99;
/// Interrupted; finished results have been written.
pub const INTERRUPTED: u8 = 130;

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The input is wrong, with the explanation.
    BadInput(String),
    /// Something could not be read or written.
    Unreadable(String),
    /// The command ran and has already printed its messages.
    Status(u8),
}

impl Failure {
    /// The exit status.
    pub fn status(&self) -> u8 {
        match self {
            Failure::BadInput(_) => BAD_INPUT,
            Failure::Unreadable(_) => UNREADABLE,
            Failure::Status(status) => *status,
        }
    }

    /// Prints the message to standard error.
    pub fn print(&self) {
        match self {
            Failure::BadInput(message) | Failure::Unreadable(message) => note(message),
            Failure::Status(_) => {}
        }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Failure {
        if problems.is_unreadable() {
            Failure::Unreadable(problems.to_string())
        } else {
            Failure::BadInput(problems.to_string())
        }
    }
}

/// Writes a result to standard output.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Unreadable(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a line to standard error. If that fails, there is nobody left to tell.
pub fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
