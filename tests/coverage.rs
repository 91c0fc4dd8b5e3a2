//! 95 % intervals contain the truth about 95 times in 100. A few seeds here; a thousand with `cargo run --release
//! --example coverage`.

#[path = "support/alone.rs"]
mod alone;
#[path = "support/coverage.rs"]
mod cases;

use cases::{cases, covered};
use fallover::study::Count;
use statrs::distribution::{Binomial, DiscreteCDF};

const SEEDS: u64 = 80;
const REPLICATIONS: Count = Count::Fixed(10);
/// Bound on the probability, over choices of seeds, that a correct program fails a given one of the dozen truths.
const RIGHT_FAILS: f64 = 1e-5;

#[test]
fn theory_intervals_hold_the_truth_as_often_as_they_say() {
    let law = Binomial::new(0.95, SEEDS).expect("a law");
    let least = (0..=SEEDS).find(|k| law.cdf(*k) > RIGHT_FAILS).expect("there is one");
    // A program whose intervals contain the truth seven times in ten is nearly always caught.
    let wrong = Binomial::new(0.7, SEEDS).expect("a law");
    assert!(
        wrong.sf(least - 1) < 0.01,
        "too few seeds to tell anything: {least} of {SEEDS}"
    );
    for case in cases(60) {
        for ((what, _, _), count) in case.truths.iter().zip(covered(&case, SEEDS, REPLICATIONS)) {
            assert!(
                count >= least,
                "{}, {what}: {count} of {SEEDS} intervals hold the truth, and at least {least} should",
                case.name
            );
        }
    }
}
