//! What may be concluded from runs, and the document that carries it.

pub mod result;
