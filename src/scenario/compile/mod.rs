//! From what was typed to the [`Plan`], with all checks.
//!
//! Every check reports and goes on, so that all problems are reported at once. A wrong part is replaced by a harmless
//! one, and the Plan is discarded at the end. Nothing is checked after this.

mod balancer;
mod bare;
mod cycles;
mod dist;
mod failure;
mod faults;
mod hosts;
mod idle;
mod names;
mod nodes;
mod siblings;
mod slo;
mod trace;
mod traffic;

use std::collections::BTreeSet;
use std::path::{Path as FilePath, PathBuf};

use self::names::Names;
use super::plan::{Plan, Warmup};
use super::problem::{MOST, Place, Problem};
use super::raw;
use super::raw::Scenario;
use super::read::tree::{Origin, Path, Tree};
use crate::base::time::Span;

/// The compiler's input, and the problems found so far.
pub(super) struct Context<'a> {
    /// What was typed, with the defaults filled in.
    pub raw: &'a Scenario,
    /// Where it was typed.
    pub tree: &'a Tree,
    /// The `--set` options, as typed.
    pub sets: &'a [String],
    /// Paths that could not be decoded and have been reported already.
    pub pruned: &'a BTreeSet<Path>,
    /// The folder in which traces are looked for.
    pub folder: &'a FilePath,
    /// The one namespace of components.
    names: Names,
    /// Columns of traces that some DIST asks for, by number.
    columns: Vec<String>,
    /// Problems.
    pub problems: Vec<Problem>,
    /// Legal settings that are probably not intended.
    warnings: Vec<String>,
    /// What was read from other files, for the digest.
    pub read: Vec<u8>,
    /// The names of those files.
    pub traces: Vec<PathBuf>,
}

impl<'a> Context<'a> {
    /// A compiler for this scenario. `declared` holds all names in it, including those of parts that could not be
    /// decoded.
    pub fn new(
        raw: &'a Scenario,
        (tree, sets): (&'a Tree, &'a [String]),
        pruned: &'a BTreeSet<Path>,
        declared: BTreeSet<String>,
        folder: &'a FilePath,
    ) -> Context<'a> {
        let names = Names::new(declared);
        let (columns, problems, warnings, read, traces) = Default::default();
        Context {
            raw,
            tree,
            sets,
            pruned,
            folder,
            names,
            columns,
            problems,
            warnings,
            read,
            traces,
        }
    }

    /// The Plan, to be discarded if there are problems afterwards.
    pub fn plan(&mut self) -> Option<Plan> {
        if !names::collect(self) {
            return None;
        }
        self.title();
        let (name, summary) = (self.raw.name.clone().unwrap_or_default(), self.raw.summary.clone());
        let warmup = self.times();
        let mut classes = traffic::classes(self);
        let (hosts, zones) = hosts::hosts(self);
        let network = hosts::network(self, &hosts);
        let mut nodes = nodes::nodes(self, &hosts);
        let databases = nodes::databases(self);
        let vips = nodes::vips(self);
        cycles::check(self);
        idle::warn(self);
        bare::warn(self);
        siblings::unite(&mut nodes, &databases, &vips);
        let sources = traffic::sources(self);
        traffic::mix(&mut classes, &sources, self.raw.duration.0.seconds());
        let faults = faults::faults(self, &nodes, &network);
        let (components, lifetimes) = failure::components(self, &zones, &network);
        let monitoring = failure::monitoring(self);
        let repair_crews = failure::repair_crews(self);
        let slo = slo::objectives(self);
        let warnings = std::mem::take(&mut self.warnings);
        let (digest, duration) = (String::new(), self.raw.duration.0);
        #[rustfmt::skip]
        let plan = Plan {
            name, summary, digest, duration, midlife: false, begins_within: Span::ZERO, hushed: Span::ZERO, warmup, cooldown: Span::ZERO, classes, sources, hosts, zones, nodes, databases, vips, network,
            faults, components, lifetimes, monitoring, repair_crews, slo, warnings,
        };
        Some(plan)
    }

    fn times(&mut self) -> Warmup {
        let duration = self.raw.duration.0;
        if duration.is_zero() {
            self.bad(&Path::to("duration"), "duration must be above zero");
        }
        match self.raw.warmup.0 {
            raw::Warmup::Auto => Warmup::Auto,
            raw::Warmup::Fixed(warmup) => {
                if warmup.0 >= duration && !duration.is_zero() {
                    let message = format!(
                        "warmup {} is not shorter than the duration, {duration}: nothing is left to measure",
                        warmup.0
                    );
                    self.hint(&Path::to("warmup"), message, "make duration longer or warmup shorter");
                }
                Warmup::Fixed(warmup.0)
            }
        }
    }

    /// Reports a problem with the value at this path.
    fn bad(&mut self, path: &Path, message: impl Into<String>) {
        self.report(path, false, Problem::new(Place::File, message));
    }

    /// Reports a problem with advice.
    fn hint(&mut self, path: &Path, message: impl Into<String>, hint: impl Into<String>) {
        self.report(path, false, Problem::new(Place::File, message).hint(hint));
    }

    /// Reports a problem with the key itself.
    fn bad_key(&mut self, path: &Path, message: impl Into<String>, hint: Option<String>) {
        self.report(
            path,
            true,
            Problem {
                hint,
                ..Problem::new(Place::File, message)
            },
        );
    }

    /// Adds a problem at its place, unless it follows from one already reported.
    fn report(&mut self, path: &Path, key: bool, problem: Problem) {
        let inside = (0..=path.0.len()).any(|n| self.pruned.contains(&Path(path.0[..n].to_vec())));
        // An object that has lost a part is not judged as a whole.
        let around = self.pruned.iter().any(|p| p.0.starts_with(&path.0));
        if inside || around || self.problems.len() >= MOST {
            return;
        }
        let origin = if key {
            self.tree.origin_of_key(path)
        } else {
            self.tree.origin_of(path)
        };
        self.problems.push(Problem {
            place: place(origin, self.sets),
            ..problem
        });
    }

    fn warn(&mut self, message: impl Into<String>) {
        self.warnings.push(message.into());
    }
}

/// An origin as a place to print.
pub(super) fn place(origin: Origin, sets: &[String]) -> Place {
    match origin {
        Origin::File(spot) => Place::Spot(spot),
        Origin::Set(number) => sets.get(number).map_or(Place::File, |set| Place::Set(set.clone())),
    }
}
