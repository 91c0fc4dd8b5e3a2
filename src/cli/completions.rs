//! `fallover completions SHELL`: what a shell needs to complete our command line.
//!
//! All of it comes from clap.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::exit::{Failure, print};

/// Options of `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    /// Prints them.
    pub fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::Cli::command(), "fallover", &mut script);
        print(&String::from_utf8_lossy(&script))
    }
}
