//! Minimal cut sets: the smallest sets of components whose loss cuts a class. Used by `spof`.

use std::collections::BTreeSet;

/// The minimal cut sets of up to `order` components, smallest first, each in ascending order. If the empty set is a
/// cut, it is the only minimal one.
///
/// `look` gets the components that are down. It returns `None` for a cut; otherwise the components it looked at to see
/// that there is none. As long as these are unchanged nothing else matters, so a larger cut must contain one of them,
/// and only they are tried: out of a thousand servers, the one that a request finds. This holds for every structure
/// function, even if a loss can help.
pub fn minimal_cuts(order: usize, mut look: impl FnMut(&[usize]) -> Option<Vec<usize>>) -> Vec<Vec<usize>> {
    let Some(first) = look(&[]) else {
        return vec![Vec::new()];
    };
    let mut cuts: Vec<Vec<usize>> = Vec::new();
    // Sets of the current size that are not cuts and contain none, with the components looked at.
    let mut level: Vec<(Vec<usize>, Vec<usize>)> = vec![(Vec::new(), first)];
    for _ in 0..order {
        let larger = level
            .iter()
            .flat_map(|(set, seen)| seen.iter().filter_map(|c| with(set, *c)));
        let larger: BTreeSet<Vec<usize>> = larger.collect();
        let smaller = cuts.len();
        level.clear();
        for set in larger {
            if cuts[..smaller].iter().any(|cut| holds(&set, cut)) {
                continue;
            }
            match look(&set) {
                None => cuts.push(set),
                Some(seen) => level.push((set, seen)),
            }
        }
    }
    cuts
}

/// The set with one more component, in order; `None` if it is already there.
fn with(set: &[usize], more: usize) -> Option<Vec<usize>> {
    let at = set.binary_search(&more).err()?;
    let mut larger = set.to_vec();
    larger.insert(at, more);
    Some(larger)
}

fn holds(set: &[usize], cut: &[usize]) -> bool {
    cut.iter().all(|c| set.binary_search(c).is_ok())
}
