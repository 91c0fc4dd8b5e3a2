//! `fallover schema`: the JSON Schema of the scenario format.
//!
//! Editors complete and check with it; `scenarios/` carries a copy.

use super::exit::{Failure, print};
use crate::scenario::schema;

/// Prints the schema.
pub fn run() -> Result<(), Failure> {
    print(&format!("{:#}\n", schema().as_value()))
}
