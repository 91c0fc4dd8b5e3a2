//! Single-queue designs for `compare`. The names key the draws: other names give other draws.

/// Poisson arrivals at 100 a second to a server with exponential service of this mean: M/M/1, or M/M/∞ if `workers` is
/// empty.
pub fn queue(name: &str, mean_us: u32, workers: &str) -> String {
    format!(
        r#"{{ "duration": "70s", "warmup": "10s",
              "clients": {{ "from-{name}": {{ "arrivals": {{ "poisson": "100/s" }}, "entry": "{name}" }} }},
              "nodes": {{ "{name}": {{ "kind": "app", {workers}
                          "work": {{ "*": {{ "io": {{ "exponential": {{ "mean": "{mean_us}us" }} }} }} }} }} }} }}"#
    )
}

/// A single worker.
pub const ONE: &str = "\"workers\": 1,";
