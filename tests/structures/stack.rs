//! Scenarios whose structure is a known formula.

use crate::structures::{Dice, Formula};

/// A scenario, and the condition under which it works, stated independently.
pub struct Stack {
    /// The scenario; components are named by their numbers, and the cause "cause".
    pub json: String,
    formula: Formula,
    n: usize,
    /// By number, the cause last: the share of time it is down.
    pub q: Vec<f64>,
}

impl Stack {
    /// A stack of balancers over applications that call others, with at most `most` leaves that can fail, and sometimes
    /// a cause that takes down two of them at once.
    pub fn new(dice: &mut Dice, most: usize) -> Stack {
        let n = 2 + dice.below(most - 1);
        let formula = without_not(dice.formula(n, 3));
        let mut nodes = Vec::new();
        let entry = Stack::add(&formula, &mut nodes);
        let mut q = Vec::new();
        for leaf in 0..n {
            q.push(share(dice));
            nodes.push(format!(r#""{leaf}": {{ "kind": "app", {} }}"#, life(q[leaf])));
        }
        let cause = (dice.below(2) == 0).then(|| {
            q.push(share(dice));
            let life = life(q[n]);
            let targets = r#"{ "targets": ["0", "1"],"#;
            format!(r#""common_causes": {{ "cause": {targets} {life} }} }},"#)
        });
        let json = format!(
            r#"{{ {} "clients": {{ "c": {{ "arrivals": {{ "poisson": 1 }}, "entry": "{entry}" }} }}, "nodes": {{ {} }} }}"#,
            cause.unwrap_or_default(),
            nodes.join(", ")
        );
        Stack { json, formula, n, q }
    }

    /// Does it work with these down?
    pub fn works(&self, down: u32) -> bool {
        let taken = if down >> self.n & 1 == 1 { 0b11 } else { 0 };
        self.formula.holds(down | taken, &mut 0)
    }

    /// The unavailability if each component is down with the probability that `down_for` gives.
    pub fn unavailability(&self, down_for: impl Fn(usize) -> f64) -> f64 {
        let of = |state: u32| {
            let chance = |i: usize| match state >> i & 1 {
                1 => down_for(i),
                _ => 1.0 - down_for(i),
            };
            if self.works(state) {
                0.0
            } else {
                (0..self.q.len()).map(chance).product()
            }
        };
        (0..1u32 << self.q.len()).map(of).sum()
    }

    /// Appends the nodes of a formula and returns the name of the first.
    fn add(formula: &Formula, nodes: &mut Vec<String>) -> String {
        let (parts, before, after) = match formula {
            Formula::Up(leaf) => return leaf.to_string(),
            Formula::Not(_) => unreachable!("there is none left"),
            Formula::All(parts) => (parts, r#""kind": "app", "calls""#, ""),
            Formula::Any(parts) => (
                parts,
                r#""kind": "load-balancer", "servers""#,
                r#", "redispatch": true"#,
            ),
        };
        let mut names: Vec<String> = parts.iter().map(|part| Stack::add(part, nodes)).collect();
        names.sort();
        names.dedup();
        let name = format!("n{}", nodes.len());
        nodes.push(format!(r#""{name}": {{ {before}: {names:?}{after} }}"#));
        name
    }
}

fn life(q: f64) -> String {
    let (up, down) = ((1.0 - q) * 64.0, q * 64.0);
    format!(r#""lifetime": {{ "mtbf": "{up}h", "mttr": "{down}h" }}"#)
}

/// A share of the time between 1/64 and 1/2.
fn share(dice: &mut Dice) -> f64 {
    (1 + dice.below(32)) as f64 / 64.0
}

/// Removes `Not`: no stack of these nodes gains by a loss.
fn without_not(formula: Formula) -> Formula {
    let all = |parts: Vec<Formula>| parts.into_iter().map(without_not).collect();
    match formula {
        Formula::Up(leaf) => Formula::Up(leaf),
        Formula::All(parts) => Formula::All(all(parts)),
        Formula::Any(parts) => Formula::Any(all(parts)),
        Formula::Not(part) => without_not(*part),
    }
}
