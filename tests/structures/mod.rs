//! Random structures, and their minimal cut sets by full enumeration of states.

use fallover::analysis::cuts::minimal_cuts;

/// When a system works: a formula over the components that are up. With `Not`, a loss may help.
pub enum Formula {
    /// This component is up.
    Up(usize),
    /// All of these hold.
    All(Vec<Formula>),
    /// At least one of these holds.
    Any(Vec<Formula>),
    /// This does not hold.
    Not(Box<Formula>),
}

impl Formula {
    /// Does it hold with these down? `seen` collects the components inspected on the way.
    pub fn holds(&self, down: u32, seen: &mut u32) -> bool {
        match self {
            Formula::Up(c) => {
                *seen |= 1 << c;
                down >> c & 1 == 0
            }
            Formula::All(parts) => parts.iter().all(|p| p.holds(down, seen)),
            Formula::Any(parts) => parts.iter().any(|p| p.holds(down, seen)),
            Formula::Not(part) => !part.holds(down, seen),
        }
    }
}

/// SplitMix64.
pub struct Dice(pub u64);

impl Dice {
    /// A whole number from 0 to `n` - 1.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % n as u64) as usize
    }

    /// A formula over `n` components, no deeper than this.
    pub fn formula(&mut self, n: usize, depth: usize) -> Formula {
        let roll = if depth == 0 { 0 } else { self.below(12) };
        let parts = |dice: &mut Dice| (0..2 + dice.below(3)).map(|_| dice.formula(n, depth - 1)).collect();
        match roll {
            0..3 => Formula::Up(self.below(n)),
            3..7 => Formula::All(parts(self)),
            7..11 => Formula::Any(parts(self)),
            _ => Formula::Not(Box::new(self.formula(n, depth - 1))),
        }
    }

    /// A structure of up to `most` components: its minimal cuts as the product finds them, and by full enumeration.
    pub fn compare(&mut self, most: usize) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
        let n = 1 + self.below(most);
        let formula = self.formula(n, 4);
        let of = |bits: u32| (0..n).filter(|c| bits >> c & 1 == 1).collect::<Vec<_>>();
        let found = minimal_cuts(n, |set| {
            let (down, mut seen) = (set.iter().fold(0, |bits, c| bits | 1 << c), 0);
            formula.holds(down, &mut seen).then(|| of(seen))
        });
        // Is a state a cut, or does it contain one?
        let mut within = vec![false; 1 << n];
        let mut all = Vec::new();
        for state in 0..1u32 << n {
            let smaller = (0..n).any(|c| state >> c & 1 == 1 && within[(state ^ 1 << c) as usize]);
            let is_cut = !smaller && !formula.holds(state, &mut 0);
            if is_cut {
                all.push(of(state));
            }
            within[state as usize] = smaller || is_cut;
        }
        all.sort_by_key(|set| (set.len(), set.clone()));
        (found, all)
    }
}
