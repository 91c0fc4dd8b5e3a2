//! The meaning of a study: estimates with intervals, SLOs, caveats. One file or folder per command; the commands in
//! `cli` call them.

pub mod availability;
pub mod capacity;
pub mod compare;
pub mod cuts;
pub mod inspection;
pub mod reliability;
pub mod result;
pub mod review;
pub mod run;
pub mod spof;
pub mod statistics;
pub mod sweep;
pub mod theory;
pub mod topology;
pub mod verify;
pub mod waterfall;
