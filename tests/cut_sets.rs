//! Cut sets, unavailability and importance against full enumeration. Larger structures on demand: `cargo run --release
//! --example cut_sets -- 16`.

#[path = "structures/stack.rs"]
mod stack;
mod structures;
mod support;

use fallover::analysis::reliability::{exact, lives};
use fallover::analysis::spof::cut_sets;
use fallover::model::structure::used;
use stack::Stack;
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

/// Scenarios whose structure is a known formula: the product's results match the definitions, state by state.
#[test]
fn unavailability_and_importance_are_what_their_definitions_say() {
    let (mut dice, mut weighed, mut from_cuts) = (Dice(3), 0, 0);
    for case in 0..400 {
        let stack = Stack::new(&mut dice, 8);
        let plan = support::plan(&stack.json);
        let used = used(&plan);
        let found = exact(&plan, &lives(&plan), &used);
        let all = stack.unavailability(|i| stack.q[i]);
        let near = |what: &str, found: f64, defined: f64| {
            let close = (found - defined).abs() <= 1e-12 * defined.abs().max(1.0);
            assert!(
                close,
                "{what} of structure {case}: {found}, not {defined}\n{}",
                stack.json
            );
        };
        near("unavailability", found.unavailability, all);
        near("unexplored", found.unexplored, 0.0);
        let number = |name: &str| {
            if name == "cause" {
                stack.q.len() - 1
            } else {
                name.parse().expect("a number")
            }
        };
        for (part, importance) in found.importance.iter().enumerate() {
            let Some(importance) = importance else { continue };
            let own = number(&plan.components[part].name);
            let with = |q: f64| stack.unavailability(|i| if i == own { q } else { stack.q[i] });
            let (down, up) = (with(1.0), with(0.0));
            near("Birnbaum", importance.birnbaum, down - up);
            near("Fussell-Vesely", importance.fussell_vesely, (all - up) / all);
            near("risk achievement", importance.raw, down / all);
            match importance.rrw {
                Some(rrw) => near("risk reduction", rrw, all / up),
                None => near("what is left", up, 0.0),
            }
            weighed += 1;
        }
        from_cuts += u32::from(union(&stack, &plan, &used).is_some_and(|union| {
            near("the cut sets", union, all);
            true
        }));
    }
    assert!(weighed > 1_000 && from_cuts > 300, "{weighed}, {from_cuts}");
}

/// The probability that all members of some minimal cut set are down: inclusion and exclusion, where there are not too
/// many sets.
fn union(stack: &Stack, plan: &fallover::scenario::plan::Plan, used: &[bool]) -> Option<f64> {
    let lives = lives(plan);
    let mortal: Vec<bool> = used
        .iter()
        .zip(&lives)
        .map(|(used, life)| *used && life.is_some())
        .collect();
    let sets = cut_sets(plan, stack.q.len(), &mortal).swap_remove(0);
    let of = |chosen: u32| {
        let mut all: Vec<usize> = (0..sets.len())
            .filter(|i| chosen >> i & 1 == 1)
            .flat_map(|i| sets[i].clone())
            .collect();
        all.sort_unstable();
        all.dedup();
        let sign = if chosen.count_ones() % 2 == 1 { 1.0 } else { -1.0 };
        let chance = |part: &usize| lives[*part].expect("it is mortal").unavailability();
        sign * all.iter().map(chance).product::<f64>()
    };
    (sets.len() <= 12).then(|| (1..1u32 << sets.len()).map(of).sum())
}
