//! Minimal cut sets: the smallest sets of components whose loss cuts a class.

use std::collections::BTreeSet;

/// The minimal sets of up to `order` components that are cuts, smallest first, each in ascending order. A cut of nothing at
/// all is the only minimal one there is.
///
/// `look` is told which components are down. It says `None` where that is a cut, else which components it looked at to see
/// that it is none: with these as they are, nothing else matters. So whatever cuts, and has this set within, has one of these
/// within too, and only they are tried: of a thousand servers, the one that a request happens to find. That holds for every
/// structure, also where a loss can do good.
pub fn minimal_cuts(order: usize, mut look: impl FnMut(&[usize]) -> Option<Vec<usize>>) -> Vec<Vec<usize>> {
    let Some(first) = look(&[]) else {
        return vec![Vec::new()];
    };
    let mut cuts: Vec<Vec<usize>> = Vec::new();
    // Sets of one size that are no cut and hold none, with what was looked at there.
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

/// The set with one more, in order; `None` if it is there already.
fn with(set: &[usize], more: usize) -> Option<Vec<usize>> {
    let at = set.binary_search(&more).err()?;
    let mut larger = set.to_vec();
    larger.insert(at, more);
    Some(larger)
}

fn holds(set: &[usize], cut: &[usize]) -> bool {
    cut.iter().all(|c| set.binary_search(c).is_ok())
}
