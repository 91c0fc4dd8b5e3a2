//! Designs of one queue, for `compare`. The names key the draws: other names are other draws.

/// Poisson arrivals at 100 a second at a server of exponential service with this mean: M/M/1, or with `workers` empty M/M/∞.
pub fn queue(name: &str, mean_us: u32, workers: &str) -> String {
    format!(
        r#"{{ "duration": "70s", "warmup": "10s",
              "clients": {{ "from-{name}": {{ "arrivals": {{ "poisson": "100/s" }}, "entry": "{name}" }} }},
              "nodes": {{ "{name}": {{ "kind": "app", {workers}
                          "work": {{ "*": {{ "io": {{ "exponential": {{ "mean": "{mean_us}us" }} }} }} }} }} }} }}"#
    )
}

/// One at a time.
pub const ONE: &str = "\"workers\": 1,";
