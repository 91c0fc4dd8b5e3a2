//! How many replicas are enough: the knee for each number, with all up and with one lost.

use serde::{Deserialize, Serialize};

use super::answer::{firm, knee_of, without};
use super::bound::bound;
use super::search::{Ask, End, LOST, Question, Search};
use super::{Knee, Verdict};
use crate::scenario::plan::{Objective, Plan, Warmup};

/// A design with this many replicas.
#[derive(Clone, Debug)]
pub struct Stack {
    /// The number of replicas.
    pub replicas: u32,
    /// The design.
    pub plan: Plan,
    /// Components of which one may be lost; the other replicas are copies of them.
    pub losable: Vec<String>,
    /// Cost of all its hosts.
    pub cost: Option<f64>,
}

/// How many replicas are enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sizing {
    /// The pattern as typed.
    pub of: String,
    /// The smallest number that holds the SLO at the present load; null if none does.
    pub fewest: Option<u32>,
    /// The smallest number that still holds it with one lost (N+1).
    pub fewest_with_one_lost: Option<u32>,
    /// Each number, in the order asked for.
    pub sizes: Vec<Size>,
}

/// The result for one number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Size {
    /// The number of replicas.
    pub replicas: u32,
    /// The knee.
    #[serde(flatten)]
    pub knee: Knee,
    /// Whether the knee is at or above the present load.
    pub holds: bool,
    /// The component whose loss leaves the lowest knee.
    pub lost: String,
    /// The knee after that loss.
    pub with_one_lost: Knee,
    /// Whether that is at or above the present load.
    pub holds_with_one_lost: bool,
    /// Cost of all hosts of the design; null if none has a cost.
    pub cost: Option<f64>,
}

/// The sizes that were finished, the events simulated, and how it ended. `promised` and the warm-up are the original
/// scenario's.
pub(super) fn sizes(
    question: &Question,
    promised: &[Objective],
    warmup: Warmup,
    ask: &mut Ask<'_>,
) -> (Vec<Size>, u64, Result<(), End>) {
    let (mut all, mut events) = (Vec::new(), 0);
    for stack in &question.stacks {
        let mut plan = stack.plan.clone();
        promised.clone_into(&mut plan.slo);
        (plan.warmup, plan.midlife) = (warmup, true);
        match size(question, stack, plan, ask) {
            Ok((taken, size)) => {
                events += taken;
                all.push(size);
            }
            Err(end) => return (all, events, Err(end)),
        }
    }
    (all, events, Ok(()))
}

fn size(question: &Question, stack: &Stack, plan: Plan, ask: &mut Ask<'_>) -> Result<(u64, Size), End> {
    let bounded = bound(&plan, &[]);
    let most = bounded.as_ref().map(|b| b.0);
    let what = format!("{} of them", stack.replicas);
    let mut search = Search::new(question, plan.clone(), most, &what, ask);
    let trials = search.pin_down(
        libm::log(most.map_or(1.0, |f| 0.85 * f)),
        LOST.at_most(question.replications),
    )?;
    let knee = knee_of(&plan, &trials).within(firm(&plan, bounded.as_ref()), &plan);
    let mut events = search.events;
    let mut worst: Option<(String, Knee)> = None;
    let of = |name: &String| plan.components.iter().find(|c| c.name == *name);
    for component in stack.losable.iter().filter_map(of) {
        let (taken, left) = without(question, &plan, component, &knee, ask)?;
        events += taken;
        if worst.as_ref().is_none_or(|(_, least)| height(&left) < height(least)) {
            worst = Some((component.name.clone(), left));
        }
    }
    let (lost, with_one_lost) = worst.unwrap_or_default();
    let size = Size {
        replicas: stack.replicas,
        holds: knee.carries_the_present(),
        knee,
        lost,
        holds_with_one_lost: with_one_lost.carries_the_present(),
        with_one_lost,
        cost: stack.cost,
    };
    Ok((events, size))
}

/// Orders knees by what they carry.
fn height(knee: &Knee) -> f64 {
    match knee.verdict {
        Verdict::EveryLoad => f64::INFINITY,
        _ => knee.knee_ratio.value.unwrap_or(0.0),
    }
}

impl Sizing {
    /// Summarises the sizes.
    pub(super) fn of(pattern: &str, sizes: Vec<Size>) -> Sizing {
        let least = |good: &dyn Fn(&&Size) -> bool| sizes.iter().filter(good).map(|s| s.replicas).min();
        Sizing {
            of: pattern.to_owned(),
            fewest: least(&|s| s.holds),
            fewest_with_one_lost: least(&|s| s.holds && s.holds_with_one_lost),
            sizes,
        }
    }
}
