//! Minimal cut sets: the smallest sets of components whose loss cuts a class.

/// The minimal sets of up to `order` of `candidates` that are cuts, smallest first, each in the order of the candidates. A cut of
/// nothing at all is the only minimal one there is.
pub fn minimal_cuts(candidates: &[usize], order: usize, mut is_cut: impl FnMut(&[usize]) -> bool) -> Vec<Vec<usize>> {
    if is_cut(&[]) {
        return vec![Vec::new()];
    }
    let mut cuts: Vec<Vec<usize>> = Vec::new();
    // What cuts alone is in no larger minimal set.
    let mut left = candidates.to_vec();
    for size in 1..=order.min(candidates.len()) {
        let known = cuts.len();
        each_set(&left, size, &mut |set| {
            let is_minimal = !cuts[..known].iter().any(|cut| cut.iter().all(|c| set.contains(c)));
            if is_minimal && is_cut(set) {
                cuts.push(set.to_vec());
            }
        });
        if size == 1 {
            left.retain(|c| !cuts.iter().any(|cut| cut[0] == *c));
        }
    }
    cuts
}

/// Shows every set of `size` of the candidates.
fn each_set(candidates: &[usize], size: usize, show: &mut dyn FnMut(&[usize])) {
    fn grow(rest: &[usize], size: usize, set: &mut Vec<usize>, show: &mut dyn FnMut(&[usize])) {
        if set.len() == size {
            return show(set);
        }
        for (i, candidate) in rest.iter().enumerate() {
            set.push(*candidate);
            grow(&rest[i + 1..], size, set, show);
            set.pop();
        }
    }
    grow(candidates, size, &mut Vec::with_capacity(size), show);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Full enumeration: every subset that is a cut and has no smaller one inside.
    fn by_enumeration(n: usize, is_cut: impl Fn(&[usize]) -> bool) -> Vec<Vec<usize>> {
        let set = |bits: usize| (0..n).filter(|i| bits >> i & 1 == 1).collect::<Vec<_>>();
        let all: Vec<Vec<usize>> = (0..1usize << n).map(set).filter(|s| is_cut(s)).collect();
        let inside = |a: &Vec<usize>, b: &Vec<usize>| a.len() < b.len() && a.iter().all(|x| b.contains(x));
        let minimal = |s: &&Vec<usize>| !all.iter().any(|other| inside(other, s));
        let mut found: Vec<Vec<usize>> = all.iter().filter(minimal).cloned().collect();
        found.sort_by_key(|s| (s.len(), s.clone()));
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        /// A structure is the sets that cut it; they may overlap and contain one another.
        #[test]
        fn they_are_those_of_full_enumeration(n in 1usize..12, seeds in prop::collection::vec(0usize..4096, 0..8)) {
            let mask = (1usize << n) - 1;
            let blocks: Vec<usize> = seeds.iter().map(|s| s & mask).collect();
            let is_cut = |set: &[usize]| {
                let down = set.iter().fold(0, |bits, i| bits | 1 << i);
                blocks.iter().any(|b| b & down == *b)
            };
            let candidates: Vec<usize> = (0..n).collect();
            prop_assert_eq!(minimal_cuts(&candidates, n, is_cut), by_enumeration(n, is_cut));
        }
    }
}
