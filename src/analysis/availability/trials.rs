//! What each state loses, from requests: a component fails, everything reacts, what is left is measured, it is repaired, and the
//! way back is watched. Beside it the same requests with everything up.

use crate::analysis::spof::Times;
use crate::base::ids::{ClassId, SourceId};
use crate::base::time::{Span, Time};
use crate::model::recorder::{Row, RunRecord};
use crate::model::request::Outcome;
use crate::scenario::plan::{Fault, Plan, Warmup};

/// The reaction to a failure is looked at in so many slices.
pub const SLICES: usize = 64;
/// What is taken for lasting in so many, an even number.
pub const LASTING_SLICES: usize = 32;
/// And what comes just before the repair in so many.
pub const LAST_SLICES: usize = 32;

/// Offered and lost requests of some stretch of time.
pub type Count = (f64, f64);

/// What one class met in one run.
#[derive(Clone, Debug)]
pub struct Course {
    /// Before the failure.
    pub before: Count,
    /// While everything reacts, by slice.
    pub reacting: Vec<Count>,
    /// While the state lasts, by slice.
    pub lasting: Vec<Count>,
    /// Just before the repair, by slice, the last first: what these meet may be the repair.
    pub ending: Vec<Count>,
    /// From the repair on.
    pub returning: Count,
    /// Of that, the last quarter.
    pub late: Count,
}

/// The simulations of a loss, or of no loss at all.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The components that fail; none in the baseline.
    pub parts: Vec<usize>,
    /// When things happen.
    pub times: Times,
    /// For how long they are down, where not for all that there is time for.
    brief: Option<Span>,
    /// By replication and class.
    courses: Vec<Vec<Course>>,
    /// By class, over all replications.
    sums: Vec<Course>,
    /// Requests that came before the repair and are still inside when all is over, though nobody gives them up.
    pub stuck: u64,
}

impl Trial {
    /// Of these components.
    pub fn new(times: Times, parts: &[usize]) -> Trial {
        Trial {
            parts: parts.to_vec(),
            times,
            brief: None,
            courses: Vec::new(),
            sums: Vec::new(),
            stuck: 0,
        }
    }

    /// The same, but its components are down for so long only.
    pub fn brief(self, down: Span) -> Trial {
        Trial {
            brief: Some(down),
            ..self
        }
    }

    /// The plan in which they fail and are repaired, and nothing else happens.
    pub fn plan(&self, plan: &Plan) -> Plan {
        let fault = |part: &usize| Fault {
            at: Time::ZERO + self.times.crash,
            lasts: Some(self.brief.unwrap_or(self.down())),
            what: "crash".into(),
            target: plan.components[*part].name.clone(),
            hits: plan.components[*part].hits.clone(),
        };
        let mut trial = plan.clone();
        trial.faults = self.parts.iter().map(fault).collect();
        trial.lifetimes.clear();
        trial.warmup = Warmup::Fixed(Span::ZERO);
        trial.duration = self.end() + self.times.grace;
        trial
    }

    /// What several lose together is only wanted while it lasts.
    fn end(&self) -> Span {
        match self.parts.len() {
            0 | 1 => self.repaired() + self.times.watch,
            _ => self.measured(),
        }
    }

    fn measured(&self) -> Span {
        self.times.crash + self.times.settle + self.times.measure
    }

    /// Requests that come just before the repair say nothing of what lasts.
    fn down(&self) -> Span {
        self.times.settle + self.times.measure + self.times.grace
    }

    fn repaired(&self) -> Span {
        self.times.crash + self.down()
    }

    /// How long a slice of the reaction lasts.
    pub fn slice_s(&self) -> f64 {
        self.times.settle.seconds() / SLICES as f64
    }

    /// How long a slice of what is taken for lasting lasts.
    pub fn lasting_slice_s(&self) -> f64 {
        self.times.measure.seconds() / LASTING_SLICES as f64
    }

    /// How long a slice of what comes just before the repair lasts.
    pub fn last_slice_s(&self) -> f64 {
        self.times.grace.seconds() / LAST_SLICES as f64
    }

    /// How long all of it lasts that is looked at.
    pub fn seconds(&self) -> f64 {
        self.end().seconds()
    }

    /// For how much of that requests are counted.
    pub fn counted_s(&self) -> f64 {
        let watched = self.end() - self.repaired();
        (self.times.settle + self.times.measure + watched).seconds()
    }

    /// How many replications it has seen.
    pub fn replications(&self) -> usize {
        self.courses.len()
    }

    /// Forgets all but the first few.
    pub fn keep(&mut self, count: usize) {
        for courses in self.courses.drain(count.min(self.courses.len())..) {
            for (sum, course) in self.sums.iter_mut().zip(&courses) {
                *sum = sum.with(course, -1.0);
            }
        }
    }

    /// What a class met, in all replications or in all but one.
    pub fn course(&self, class: usize, without: Option<usize>) -> Course {
        match (self.sums.get(class), without) {
            (None, _) => Course::nothing(),
            (Some(sum), None) => sum.clone(),
            (Some(sum), Some(r)) => sum.with(&self.courses[r][class], -1.0),
        }
    }

    /// What a class met in a replication.
    pub fn course_in(&self, class: usize, replication: usize) -> &Course {
        &self.courses[replication][class]
    }

    /// Shown each replication in order, with a row for every request.
    pub fn see(&mut self, plan: &Plan, record: &RunRecord) {
        let mut courses = vec![Course::nothing(); plan.classes.len()];
        let (crash, settled) = (
            self.times.crash.seconds(),
            (self.times.crash + self.times.settle).seconds(),
        );
        let (measured, repaired, end) = (self.measured().seconds(), self.repaired().seconds(), self.seconds());
        let late = end - (end - repaired) / 4.0;
        let longest = longest_answers(plan, record);
        let ends = Time::ZERO + self.end() + self.times.grace;
        // Of who came later, those still inside may yet be answered, as others were that took as long.
        let may_wait = |class: ClassId| longest[class.index()].min(self.times.grace + self.times.measure.scaled(0.5));
        let is_known = |row: &&Row| ends.since(row.arrived) >= may_wait(row.class);
        let asked = record.rows.iter().filter(is_known);
        let asked = asked.map(|row| (row.arrived, row.class, row.outcome == Outcome::Ok));
        // A page whose document fails loses all that it names.
        let named = |(began, source): &(Time, SourceId)| {
            let (began, page) = (*began, &plan.sources[source.index()].page);
            page.iter().skip(1).map(move |class| (began, *class, false))
        };
        for (at, class, well) in asked.chain(record.unasked.iter().flat_map(named)) {
            let (at, course) = (at.seconds(), &mut courses[class.index()]);
            let lost = if well { 0.0 } else { 1.0 };
            let add = |count: &mut Count| *count = (count.0 + 1.0, count.1 + lost);
            if at < crash {
                add(&mut course.before);
            } else if at < settled {
                let slice = ((at - crash) / self.slice_s()) as usize;
                add(&mut course.reacting[slice.min(SLICES - 1)]);
            } else if at < measured {
                let slice = ((at - settled) / self.lasting_slice_s()) as usize;
                add(&mut course.lasting[slice.min(LASTING_SLICES - 1)]);
            } else if at < repaired {
                let slice = ((repaired - at) / self.last_slice_s()) as usize;
                add(&mut course.ending[slice.min(LAST_SLICES - 1)]);
            } else if at < end {
                add(&mut course.returning);
                if at >= late {
                    add(&mut course.late);
                }
            }
        }
        let is_stuck = |row: &&Row| {
            let before = row.finished.is_none() && row.arrived.seconds() < repaired;
            before && plan.sources[row.source.index()].timeout.is_none()
        };
        self.stuck += record.rows.iter().filter(is_stuck).count() as u64;
        self.sums.resize_with(courses.len(), Course::nothing);
        for (sum, course) in self.sums.iter_mut().zip(&courses) {
            *sum = sum.with(course, 1.0);
        }
        self.courses.push(courses);
    }
}

/// By class: how long the good answer took that took longest.
fn longest_answers(plan: &Plan, record: &RunRecord) -> Vec<Span> {
    let mut longest = vec![Span::ZERO; plan.classes.len()];
    for row in record.rows.iter().filter(|row| row.outcome == Outcome::Ok) {
        let took = row.finished.map_or(Span::ZERO, |at| at.since(row.arrived));
        let most = &mut longest[row.class.index()];
        *most = took.max(*most);
    }
    longest
}

/// All of them together.
pub fn sum<'a>(counts: impl IntoIterator<Item = &'a Count>) -> Count {
    counts.into_iter().fold((0.0, 0.0), |sum, c| add(sum, *c))
}

/// Both together.
pub fn add(a: Count, b: Count) -> Count {
    (a.0 + b.0, a.1 + b.1)
}

impl Course {
    fn nothing() -> Course {
        Course {
            before: (0.0, 0.0),
            reacting: vec![(0.0, 0.0); SLICES],
            lasting: vec![(0.0, 0.0); LASTING_SLICES],
            ending: vec![(0.0, 0.0); LAST_SLICES],
            returning: (0.0, 0.0),
            late: (0.0, 0.0),
        }
    }

    /// With so many times another.
    fn with(&self, other: &Course, times: f64) -> Course {
        let plus = |a: Count, b: Count| add(a, (times * b.0, times * b.1));
        let slices = |a: &[Count], b: &[Count]| a.iter().zip(b).map(|(a, b)| plus(*a, *b)).collect();
        Course {
            before: plus(self.before, other.before),
            reacting: slices(&self.reacting, &other.reacting),
            lasting: slices(&self.lasting, &other.lasting),
            ending: slices(&self.ending, &other.ending),
            returning: plus(self.returning, other.returning),
            late: plus(self.late, other.late),
        }
    }

    /// All of it together, but for what comes before a failure would: that is the warm-up.
    pub fn whole(&self) -> Count {
        let all = self.reacting.iter().chain(&self.lasting);
        add(sum(all), self.returning)
    }
}
