//! `fallover schema`: the JSON Schema of the scenario format.
//!
//! Editors use it for completion and validation; `scenarios/` contains a copy.

use super::exit::{Failure, print};
use crate::scenario::schema;

/// Prints the schema.
pub fn run() -> Result<(), Failure> {
    // Converted to a value first: that puts `$schema`, titles and descriptions first.
    let schema = serde_json::to_value(schema()).map_err(|e| Failure::Unreadable(e.to_string()))?;
    print(&format!("{schema:#}\n"))
}
