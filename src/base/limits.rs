//! Limits on the size of scenarios and runs. Messages quote them, so they are all here.

use super::time::Span;

/// Bytes of one scenario file.
pub const FILE_BYTES: usize = 1 << 20;
/// Bytes of one arrival trace.
pub const TRACE_BYTES: u64 = 256 << 20;
/// Nesting depth of lists and objects in a scenario.
pub const NESTING: usize = 64;
/// Characters of a name.
pub const NAME_CHARS: usize = 64;
/// Characters of a scenario's name.
pub const TITLE_CHARS: usize = 255;
/// Nodes of a scenario, database members included.
pub const NODES: usize = 10_000;
/// Hosts of a scenario.
pub const HOSTS: usize = 20_000;
/// Request classes.
pub const CLASSES: usize = 256;
/// Sources of load.
pub const SOURCES: usize = 256;
/// HAProxy's limit for `set-priority-offset`, either way.
pub const PRIORITY_OFFSET_MS: u32 = 524_287;
/// Requests of one page view.
pub const PAGE: u64 = 10_000;
/// Closed-loop users, or the population of an open source.
pub const CLIENTS: u64 = 10_000_000;
/// Requests a second of one source.
pub const RATE_PER_S: f64 = 10_000_000.0;
/// Bytes a second of a network.
pub const BYTES_PER_S: f64 = 1e12;
/// Expected state changes of a bursty source in a run.
pub const STATE_CHANGES: f64 = 1e8;
/// Longest duration in a scenario.
pub const DURATION: Span = Span::from_nanos(100 * 365 * 86_400_000_000_000);
/// Replications of one study.
pub const REPLICATIONS: u32 = 100_000;
/// Expected events above which a study announces its running time first.
pub const EVENTS_WORTH_A_WORD: f64 = 2e9;
/// Requests in flight in one run; beyond this the run ends early with a caveat instead of swapping.
pub const IN_FLIGHT: usize = 4_000_000;
/// Requests in flight above which a run counts as large, because of its memory.
pub const LARGE: usize = 500_000;
/// Large runs of one study that may go on at once, whatever the number of threads.
pub const LARGE_AT_ONCE: usize = 2;
/// Steps of one run: events, and signals that follow at the same instant. Beyond this, some hours, it ends early with a
/// caveat.
pub const STEPS: u64 = 100_000_000_000;
/// Rows of one run, if a row per request is kept. Unit tests use a smaller limit.
pub const ROWS: usize = if cfg!(test) { 10_000 } else { 10_000_000 };
/// Links of a network.
pub const LINKS: usize = 10_000;
/// Pairs of hosts that links of zones spread over.
pub const ROUTES: usize = 1_000_000;
/// Retries after a failed attempt, for clients and balancers.
pub const RETRIES: u32 = 1_000;
/// Servers that a balancer's `random` may draw.
pub const DRAWS: u32 = 1_000;
/// Queries that one request may make to a database.
pub const QUERIES: u32 = 10_000;
/// Largest `failures` of a circuit breaker.
pub const BREAKER_FAILURES: u32 = 100_000;
