//! `fallover completions SHELL`: command-line completions for a shell.
//!
//! clap generates them.

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
    /// Prints the completions.
    pub fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::Cli::command(), "fallover", &mut script);
        print(&String::from_utf8_lossy(&script))
    }
}
