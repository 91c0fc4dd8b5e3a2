//! What comes and goes: the lifetimes and the maintenance of components that are used.

use crate::analysis::reliability;
use crate::base::dist::Dist;
use crate::model::structure::used;
use crate::scenario::plan::{Course, Plan};

/// One lifetime or one plan of maintenance.
#[derive(Clone, Debug)]
pub struct Mortal {
    /// Index of the component that goes down.
    pub part: usize,
    /// What results call it.
    pub cause: String,
    /// Is it planned? Then nothing about it is random.
    pub planned: bool,
    /// Mean seconds up and down; `None` where a mean does not exist.
    pub means: Option<reliability::Life>,
    /// Does its age not matter while it is up?
    pub ageless: bool,
}

/// A plan in which nothing happens but the lifetimes of what is used, and what they are: one a lifetime, in order.
pub fn mortal(plan: &Plan) -> (Plan, Vec<Mortal>) {
    let used = used(plan);
    let part_of = |name: &str| plan.components.iter().position(|c| c.name == name);
    let mut bare = plan.clone();
    bare.faults.clear();
    bare.lifetimes
        .retain(|life| part_of(&life.name).is_some_and(|part| used[part]));
    let of = |life: &crate::scenario::plan::Lifetime| {
        let part = part_of(&life.name).expect("only those were kept");
        match &life.course {
            Course::Failures { mtbf, mttr } => Mortal {
                part,
                cause: life.name.clone(),
                planned: false,
                means: reliability::Life::of(plan, mtbf, mttr),
                ageless: matches!(mtbf, Dist::Exponential { .. }),
            },
            Course::Maintenance { every, lasts } => Mortal {
                part,
                cause: format!("{} maintenance", life.name),
                planned: true,
                means: Some(reliability::Life {
                    up_s: (*every - *lasts).seconds(),
                    down_s: lasts.seconds(),
                }),
                ageless: false,
            },
        }
    };
    let all = bare.lifetimes.iter().map(of).collect();
    (bare, all)
}
