//! How often components are down, and what that costs by structure alone: exact, from mean times. Used by `spof` and
//! `availability`.
//!
//! Components fail and are repaired independently, so only their mean times matter (Barlow and Proschan, *Statistical
//! Theory of Reliability*, 1975). The cost is the share of requests whose class is cut. A life is a component's mean up
//! and down time.

use serde::{Deserialize, Serialize};

use crate::base::dist::Dist;
use crate::base::ids::ClassId;
use crate::model::structure::{State, is_cut};
use crate::scenario::plan::{Component, Course, Plan};

/// A component's mean times.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Life {
    /// Seconds from repair to failure.
    pub up_s: f64,
    /// Seconds from failure to repair, including the time until a person notices.
    pub down_s: f64,
}

impl Life {
    /// For these distributions and the plan's monitoring; `None` if a mean does not exist.
    pub fn of(plan: &Plan, mtbf: &Dist, mttr: &Dist) -> Option<Life> {
        Some(Life {
            up_s: mtbf.mean_s()?,
            down_s: plan.monitoring.mean_s()? + mttr.mean_s()?,
        })
    }

    /// Share of time it is down.
    pub fn unavailability(self) -> f64 {
        self.down_s / (self.up_s + self.down_s)
    }
}

/// The lives of a plan's components; `None` if the scenario gives none, or a mean does not exist.
pub fn lives(plan: &Plan) -> Vec<Option<Life>> {
    let life = |component: &Component| {
        let mut own = plan.lifetimes.iter().filter(|l| l.name == component.name);
        own.find_map(|lifetime| match &lifetime.course {
            Course::Failures { mtbf, mttr } => Life::of(plan, mtbf, mttr),
            Course::Maintenance { .. } => None,
        })
    };
    plan.components.iter().map(life).collect()
}

/// Importance measures of one component. Unavailability is the expected share of requests that are cut.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// Birnbaum: the unavailability with the component down minus that with it up.
    pub birnbaum: f64,
    /// Fussell–Vesely: the share of the unavailability that vanishes if the component never fails.
    pub fussell_vesely: f64,
    /// Risk achievement worth: the factor on the unavailability with the component down.
    pub raw: f64,
    /// Risk reduction worth: the factor by which it falls if the component never fails; null if nothing remains.
    pub rrw: Option<f64>,
}

/// What the structure alone costs.
#[derive(Clone, Debug)]
pub struct Exact {
    /// The expected share of requests whose class is cut.
    pub unavailability: f64,
    /// Probability of the states left out: the most by which `unavailability` may be too low.
    pub unexplored: f64,
    /// By component; `None` without a lifetime, or if nothing is ever cut.
    pub importance: Vec<Option<Importance>>,
}

/// Most states; beyond that, states with many components down are left out.
const STATES: f64 = 100_000.0;

/// Evaluates the states of used components with a life.
pub fn exact(plan: &Plan, lives: &[Option<Life>], used: &[bool]) -> Exact {
    let live: Vec<(usize, f64)> = (0..plan.components.len())
        .filter(|c| used[*c])
        .filter_map(|c| Some((c, lives[c]?.unavailability())))
        .collect();
    let cost = |down: &[usize]| -> f64 {
        let state = State::without(plan, down.iter().map(|c| &plan.components[*c]));
        let classes = plan.classes.iter().enumerate();
        let cut = classes.filter(|(i, _)| is_cut(plan, &state, ClassId::new(*i)));
        cut.map(|(_, class)| class.mix).sum()
    };
    let mut sums = Sums {
        seen: 0.0,
        all: 0.0,
        down: vec![0.0; plan.components.len()],
    };
    each_state(&live, STATES, &mut |down, probability| {
        let cost = probability * cost(down);
        sums.seen += probability;
        sums.all += cost;
        down.iter().for_each(|c| sums.down[*c] += cost);
    });
    let mut importance = vec![None; plan.components.len()];
    for (component, q) in &live {
        importance[*component] = sums.importance(*component, *q);
    }
    Exact {
        unavailability: sums.all,
        unexplored: (1.0 - sums.seen).max(0.0),
        importance,
    }
}

/// Visits every set of down components with its probability. Sets have at most as many components as keeps their number
/// within `limit`, at least one. `live` has each component with the share of time it is down. Returns the largest size.
pub fn each_state(live: &[(usize, f64)], limit: f64, see: &mut dyn FnMut(&[usize], f64)) -> usize {
    let most = most_down(live.len(), limit);
    visit(live, most, 1.0, &mut Vec::new(), see);
    most
}

fn most_down(n: usize, limit: f64) -> usize {
    let (mut states, mut sets) = (1.0, 1.0);
    for down in 1..=n {
        sets *= (n - down + 1) as f64 / down as f64;
        states += sets;
        if states > limit {
            return (down - 1).max(1);
        }
    }
    n
}

fn visit(
    left: &[(usize, f64)],
    most: usize,
    probability: f64,
    down: &mut Vec<usize>,
    see: &mut dyn FnMut(&[usize], f64),
) {
    let Some(((component, q), rest)) = left.split_first() else {
        return see(down, probability);
    };
    visit(rest, most, probability * (1.0 - q), down, see);
    if most > 0 {
        down.push(*component);
        visit(rest, most - 1, probability * q, down, see);
        down.pop();
    }
}

/// The cost of the states visited.
struct Sums {
    seen: f64,
    all: f64,
    /// By component: the cost of the states in which it is down.
    down: Vec<f64>,
}

impl Sums {
    fn importance(&self, component: usize, q: f64) -> Option<Importance> {
        // A component that is never or always down has no alternative to compare with.
        if self.all <= 0.0 || q <= 0.0 || q >= 1.0 {
            return None;
        }
        let while_down = self.down[component] / q;
        let while_up = (self.all - self.down[component]) / (1.0 - q);
        Some(Importance {
            birnbaum: while_down - while_up,
            fussell_vesely: 1.0 - while_up / self.all,
            raw: while_down / self.all,
            rrw: (while_up > 0.0).then(|| self.all / while_up),
        })
    }
}
