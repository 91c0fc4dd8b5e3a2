//! The trials: components fail, everything reacts, the steady state is measured, they are repaired, and the recovery is
//! watched. The baseline is the same simulation with everything up. A course is what one class loses over the time of a
//! trial.

use crate::analysis::spof::Times;
use crate::base::ids::SourceId;
use crate::base::time::{Span, Time};
use crate::model::recorder::{Row, RunRecord};
use crate::model::request::Outcome;
use crate::scenario::plan::{Fault, Plan, Warmup};

/// Number of slices of the reaction to a failure.
pub const SLICES: usize = 64;
/// Number of slices of the measured steady state; even.
pub const LASTING_SLICES: usize = 32;
/// Number of slices of the time just before the repair.
pub const LAST_SLICES: usize = 32;

/// Requests offered and lost in some stretch of time.
pub type Count = (f64, f64);

/// The requests of one class in one run.
#[derive(Clone, Debug)]
pub struct Course {
    /// Before the failure.
    pub before: Count,
    /// During detection and fail-over, by slice.
    pub reacting: Vec<Count>,
    /// In the steady state, by slice.
    pub lasting: Vec<Count>,
    /// Just before the repair, by slice, last first: retries of these may reach the repair.
    pub ending: Vec<Count>,
    /// From the repair on.
    pub returning: Count,
    /// The last quarter of that.
    pub late: Count,
}

/// The simulations of a loss, or of the baseline.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The components that fail; none in the baseline.
    pub parts: Vec<usize>,
    /// The times.
    pub times: Times,
    /// Duration of a brief outage; `None` for a full one.
    brief: Option<Span>,
    /// By replication and class.
    courses: Vec<Vec<Course>>,
    /// By class, over all replications.
    sums: Vec<Course>,
    /// Requests from before the repair that are still in flight at the end because no time-out ends them.
    pub stuck: u64,
}

impl Trial {
    /// A trial of these components.
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

    /// The same with a brief outage of this duration.
    pub fn brief(self, down: Span) -> Trial {
        Trial {
            brief: Some(down),
            ..self
        }
    }

    /// The plan in which only this outage occurs.
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

    /// With several components only the steady state is needed, not the recovery.
    fn end(&self) -> Span {
        match self.parts.len() {
            0 | 1 => self.repaired() + self.times.watch,
            _ => self.measured(),
        }
    }

    fn measured(&self) -> Span {
        self.times.crash + self.times.settle + self.times.measure
    }

    /// The grace before the repair is not part of the steady state.
    fn down(&self) -> Span {
        self.times.settle + self.times.measure + self.times.grace
    }

    fn repaired(&self) -> Span {
        self.times.crash + self.down()
    }

    /// Length of a slice of the reaction.
    pub fn slice_s(&self) -> f64 {
        self.times.settle.seconds() / SLICES as f64
    }

    /// Length of a slice of the steady state.
    pub fn lasting_slice_s(&self) -> f64 {
        self.times.measure.seconds() / LASTING_SLICES as f64
    }

    /// Length of a slice of the time before the repair.
    pub fn last_slice_s(&self) -> f64 {
        self.times.grace.seconds() / LAST_SLICES as f64
    }

    /// Length of the part that is evaluated.
    pub fn seconds(&self) -> f64 {
        self.end().seconds()
    }

    /// Length of the part whose requests are counted.
    pub fn counted_s(&self) -> f64 {
        let watched = self.end() - self.repaired();
        (self.times.settle + self.times.measure + watched).seconds()
    }

    /// Number of replications.
    pub fn replications(&self) -> usize {
        self.courses.len()
    }

    /// Keeps only the first replications.
    pub fn keep(&mut self, count: usize) {
        for courses in self.courses.drain(count.min(self.courses.len())..) {
            for (sum, course) in self.sums.iter_mut().zip(&courses) {
                *sum = sum.with(course, -1.0);
            }
        }
    }

    /// The course of a class over all replications, or with one left out.
    pub fn course(&self, class: usize, without: Option<usize>) -> Course {
        match (self.sums.get(class), without) {
            (None, _) => Course::nothing(),
            (Some(sum), None) => sum.clone(),
            (Some(sum), Some(r)) => sum.with(&self.courses[r][class], -1.0),
        }
    }

    /// The course of a class in one replication.
    pub fn course_in(&self, class: usize, replication: usize) -> &Course {
        &self.courses[replication][class]
    }

    /// By class: from when on requests may still be in flight at the end although others that took as long were
    /// answered, and what share of them to take for lost: that of those just before.
    fn late_rows(&self, plan: &Plan, record: &RunRecord) -> Vec<Option<(Time, f64)>> {
        let end = Time::ZERO + self.end();
        let most = self.times.grace + self.times.measure.scaled(0.5);
        let of = |(class, longest): (usize, Span)| {
            let open = longest.min(most).nanos().saturating_sub(self.times.grace.nanos());
            if open == 0 {
                return None;
            }
            let from = Time::from_nanos(end.nanos() - open);
            // Neither the outage that was repaired, nor what came before a state that lasts to the end.
            let before =
                Time::from_nanos(from.nanos() - most.nanos()).max(Time::ZERO + (self.end() - self.times.measure));
            let known = record.rows.iter().filter(|row| row.class.index() == class);
            let known = known.filter(|row| before <= row.arrived && row.arrived < from);
            let add =
                |(all, lost): Count, row: &Row| (all + 1.0, lost + f64::from(u8::from(row.outcome != Outcome::Ok)));
            let (all, lost) = known.fold((0.0, 0.0), add);
            (all > 0.0).then(|| (from, lost / all))
        };
        longest_answers(plan, record).into_iter().enumerate().map(of).collect()
    }

    /// Counts one replication, given in order with a row for every request.
    pub fn see(&mut self, plan: &Plan, record: &RunRecord) {
        let mut courses = vec![Course::nothing(); plan.classes.len()];
        let (crash, settled) = (
            self.times.crash.seconds(),
            (self.times.crash + self.times.settle).seconds(),
        );
        let (measured, repaired, end) = (self.measured().seconds(), self.repaired().seconds(), self.seconds());
        let late = end - (end - repaired) / 4.0;
        let late_rows = self.late_rows(plan, record);
        let lost = |row: &Row| match late_rows[row.class.index()] {
            Some((from, share)) if row.arrived >= from => share,
            _ => f64::from(u8::from(row.outcome != Outcome::Ok)),
        };
        let asked = record.rows.iter().map(|row| (row.arrived, row.class, lost(row)));
        // A page whose document fails loses all its resources.
        let named = |(began, source): &(Time, SourceId)| {
            let (began, page) = (*began, &plan.sources[source.index()].page);
            page.iter().skip(1).map(move |class| (began, *class, 1.0))
        };
        for (at, class, lost) in asked.chain(record.unasked.iter().flat_map(named)) {
            let (at, course) = (at.seconds(), &mut courses[class.index()]);
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

/// By class: the longest time to a good answer.
fn longest_answers(plan: &Plan, record: &RunRecord) -> Vec<Span> {
    let mut longest = vec![Span::ZERO; plan.classes.len()];
    for row in record.rows.iter().filter(|row| row.outcome == Outcome::Ok) {
        let took = row.finished.map_or(Span::ZERO, |at| at.since(row.arrived));
        let most = &mut longest[row.class.index()];
        *most = took.max(*most);
    }
    longest
}

/// The sum of counts.
pub fn sum<'a>(counts: impl IntoIterator<Item = &'a Count>) -> Count {
    counts.into_iter().fold((0.0, 0.0), |sum, c| add(sum, *c))
}

/// The sum of two counts.
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

    /// Adds another course, multiplied by `times`.
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

    /// All of it, except the time before a failure, which is warm-up.
    pub fn whole(&self) -> Count {
        let all = self.reacting.iter().chain(&self.lasting);
        add(sum(all), self.returning)
    }
}
