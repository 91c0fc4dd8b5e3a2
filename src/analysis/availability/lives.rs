//! The lifetimes and maintenance plans of the components that are used.

use crate::analysis::reliability;
use crate::base::dist::Dist;
use crate::model::structure::used;
use crate::scenario::plan::{Course, Plan};

/// A lifetime or a maintenance plan.
#[derive(Clone, Debug)]
pub struct Mortal {
    /// Index of the component.
    pub part: usize,
    /// The name of this cause in results.
    pub cause: String,
    /// Whether it is maintenance, which is not random.
    pub planned: bool,
    /// Mean seconds up and down; `None` if a mean does not exist.
    pub means: Option<reliability::Life>,
    /// Whether its failure rate is independent of its age.
    pub ageless: bool,
}

/// A plan with only the lifetimes of used components, and one entry per lifetime in the same order.
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
