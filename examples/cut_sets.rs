//! Minimal cut sets of random structures against full enumeration of states: `cargo run --release --example cut_sets --
//! 16` takes 10,000 structures of up to 16 components.

#[path = "../tests/structures/mod.rs"]
mod structures;

use structures::Dice;

const STRUCTURES: usize = 10_000;

fn main() {
    let most = std::env::args().nth(1).map_or(Ok(16), |n| n.parse());
    let Ok(most @ 1..=24) = most else {
        eprintln!("cut_sets takes the largest number of components, from 1 to 24");
        std::process::exit(2);
    };
    let mut dice = Dice(2);
    for number in 0..STRUCTURES {
        let (found, all) = dice.compare(most);
        if found != all {
            println!("structure {number}: found {found:?}, and there are {all:?}");
            std::process::exit(1);
        }
    }
    println!(
        "{STRUCTURES} structures of up to {most} components: the same minimal cut sets as by looking at every state"
    );
}
