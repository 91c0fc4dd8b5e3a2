//! One run of each scenario, and what it cost: `cargo run --release --example quick -- scenarios/*.json`.

use fallover::base::time::Span;
use fallover::model::recorder::Wanted;
use fallover::model::world::{self, Order};
fn main() {
    for file in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&file).unwrap();
        let plan = fallover::scenario::load_text(&file, &text, &[])
            .unwrap_or_else(|p| panic!("{p}"))
            .plan;
        let order = Order {
            seed: 1,
            replication: 0,
            warmup: Span::ZERO,
            lifetimes: false,
            wanted: Wanted::default(),
        };
        let t = std::time::Instant::now();
        let r = world::run(&plan, &order, &|| false).unwrap().unwrap();
        let ns = t.elapsed().as_nanos() as f64;
        let n: u64 = r.classes.iter().map(|c| c.offered()).sum();
        println!(
            "{file}: {n} requests, {:.1} ns/request, {} events ({:.2}/request, {:.1} ns/event), stale {}, outcomes {:?}",
            ns / n as f64,
            r.events_taken,
            r.events_taken as f64 / n as f64,
            ns / r.events_taken as f64,
            r.stale,
            r.outcomes()
        );
        for (c, k) in r.classes.iter().zip(&plan.classes) {
            println!(
                "  {} mean {:?} p99 {:?}",
                k.name,
                c.latency.mean_s(),
                c.latency.quantile_s(0.99)
            );
        }
        for (c, k) in r.nodes.iter().zip(&plan.nodes) {
            println!(
                "  {} arrived {} served {} refused {} util {:?} q {:.3}",
                k.name, c.arrived, c.served, c.refused, c.utilization, c.queue_length
            );
        }
    }
}
