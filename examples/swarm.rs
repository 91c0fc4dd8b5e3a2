//! Runs hostile worlds by the million, or a single one again.
//!
//! `cargo run --release --example swarm -- --seed 17` runs the worlds of one seed, shrinks them if an invariant fails,
//! and prints the scenario. `… -- 0..1000000` runs a range of seeds and prints what was seen and a digest of all; a
//! range may be run in parts.

#[path = "../tests/worlds/mod.rs"]
mod worlds;

use std::process::ExitCode;

use rayon::prelude::*;
use worlds::marks::Marks;

/// Seeds between two progress lines.
const STRIDE: u64 = 10_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--seed", seed] => seed.parse().map_or_else(|_| usage(), one),
        [range] => match range.split_once("..").map(|(a, b)| (a.parse(), b.parse())) {
            Some((Ok(from), Ok(to))) if from < to => many(from, to),
            _ => usage(),
        },
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: swarm --seed N | swarm FROM..TO");
    ExitCode::from(2)
}

fn one(seed: u64) -> ExitCode {
    match worlds::try_seed(seed) {
        Ok(seen) => {
            println!("seed {seed}: everything holds, digest {:016x}", seen.digest);
            seen.marks
                .iter()
                .filter(|(_, n)| *n > 0)
                .for_each(|(mark, _)| println!("  {mark}"));
            ExitCode::SUCCESS
        }
        Err(_) => {
            let broken = worlds::shrink(seed);
            println!("{}\nseed {seed}: {}", broken.scenario, broken.what);
            ExitCode::FAILURE
        }
    }
}

fn many(from: u64, to: u64) -> ExitCode {
    let (mut marks, mut digest, mut broken) = (Marks::default(), 0u64, Vec::new());
    let mut at = from;
    while at < to {
        let next = (at + STRIDE).min(to);
        let found: Vec<_> = (at..next)
            .into_par_iter()
            .map(|seed| (seed, worlds::try_seed(seed)))
            .collect();
        for (seed, seen) in found {
            match seen {
                Ok(seen) => {
                    marks.add(&seen.marks);
                    digest = digest.rotate_left(5) ^ seen.digest;
                }
                Err(why) => broken.push((seed, why.what)),
            }
        }
        eprintln!("{next}: {} broken", broken.len());
        at = next;
    }
    println!("seeds {from}..{to}: {} broken, digest {digest:016x}", broken.len());
    marks.iter().for_each(|(mark, count)| println!("{count:>10}  {mark}"));
    for (seed, what) in broken.iter().take(20) {
        println!("cargo run --release --example swarm -- --seed {seed}   # {what}");
    }
    if broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
