//! Cut sets against full enumeration. Larger ones on demand: `cargo run --release --example cut_sets -- 16`.

mod structures;

use structures::Dice;

#[test]
fn cut_sets_are_those_of_full_enumeration() {
    let (mut dice, mut larger) = (Dice(1), 0);
    for case in 0..10_000 {
        let (found, all) = dice.compare(11);
        assert_eq!(found, all, "structure {case}");
        larger += usize::from(found.iter().any(|set| set.len() > 2));
    }
    assert!(larger > 1_000, "only {larger} structures have cuts of three and more");
}
