//! Two thousand hostile worlds, the same every time. `cargo run --release --example swarm` searches among others.

mod worlds;

use std::sync::Mutex;

use rayon::prelude::*;
use worlds::marks::Marks;

const SEEDS: u64 = 2_000;

#[test]
fn hostile_worlds_keep_every_invariant_and_come_to_rest() {
    let seen = Mutex::new(Marks::default());
    (0..SEEDS)
        .into_par_iter()
        .for_each(|seed| match worlds::try_seed(seed) {
            Ok(world) => seen.lock().expect("nobody panics with it").add(&world.marks),
            Err(broken) => panic!(
                "{}\n{}\n\nagain: cargo run --release --example swarm -- --seed {seed}",
                broken.what, broken.scenario
            ),
        });
    // A swarm that never sees a mark proves nothing about it.
    for (mark, count) in seen.into_inner().expect("nobody panicked").iter() {
        assert!(count > 0, "no world of {SEEDS} shows: {mark}");
    }
}
