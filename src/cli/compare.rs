//! `fallover compare`: which design is better, by how much, and is the difference real?

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::Args;

use super::exit::{self, Failure};
use super::options::{Reading, Simulating, Writing};
use super::simulate::{failed, now, stop_on_interrupt};
use crate::analysis::compare::{self as findings};
use crate::analysis::result::{Answer, Caveat, Document, Engine, Envelope, SCHEMA_VERSION, ScenarioId};
use crate::base::time::{Span, Time};
use crate::report::progress;
use crate::report::text::listed;
use crate::scenario::plan::{Plan, Warmup};
use crate::scenario::vary::{Axis, Variant, combinations, count};
use crate::study::{self, Study, Watch};

/// Which design is better, by how much, and is the difference real?
#[derive(Debug, Args)]
pub struct Compare {
    /// One scenario with --vary or --with, or several that are to be compared
    #[arg(required = true, value_name = "SCENARIO")]
    scenarios: Vec<PathBuf>,
    /// A design for each value: PATH=V1,V2,… (repeatable: every combination)
    #[arg(long, value_name = "PATH=V1,V2", value_parser = Axis::parse)]
    vary: Vec<Axis>,
    /// A design: "LABEL: PATH=VALUE; PATH=VALUE" (repeatable; one alone is compared with the scenario as it stands)
    #[arg(long, value_name = "LABEL: PATH=VALUE", value_parser = Variant::parse)]
    with: Vec<Variant>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    pub(super) writing: Writing,
    #[command(flatten)]
    simulating: Simulating,
}

/// All designs use the longest warm-up among them. A caveat names the designs with a shorter one; every design must
/// have measured time left.
fn one_warmup(designs: &[Design<'_>], plans: &[Plan]) -> Result<Option<Caveat>, Failure> {
    let own = |plan: &Plan| match plan.warmup {
        Warmup::Fixed(span) => span,
        Warmup::Auto => Span::ZERO,
    };
    let longest = plans.iter().map(own).max().unwrap_or(Span::ZERO);
    let named = || designs.iter().map(|d| d.variant.label.as_str()).zip(plans);
    if let Some((label, plan)) = named().find(|(_, p)| p.duration - p.cooldown <= longest) {
        let says = "and all designs leave out the longest warm-up among them";
        let mend = "give it a longer \"duration\", or all of them a shorter --warmup";
        return Err(Failure::BadInput(format!(
            "design {label:?} lasts {}, {says}, {longest}; {mend}",
            plan.duration
        )));
    }
    let shorter = |plan: &Plan| matches!(plan.warmup, Warmup::Fixed(span) if span < longest);
    let less: Vec<&str> = named().filter(|(_, p)| shorter(p)).map(|(label, _)| label).collect();
    let is_hidden = |plan: &Plan| {
        let mut begins = plan.faults.iter().map(|f| f.at.since(Time::ZERO));
        begins.any(|at| own(plan) <= at && at < longest)
    };
    let hidden = match plans.iter().any(|p| shorter(p) && is_hidden(p)) {
        true => "; faults before that are not measured",
        false => "",
    };
    Ok((!less.is_empty()).then(|| Caveat {
        code: "warmup.longest".into(),
        message: format!(
            "all designs leave out the longest warm-up among them, {longest}, {} too, by itself shorter{hidden}",
            listed(&less)
        ),
    }))
}

/// Every pair of designs is compared: nobody reads a larger table.
const MOST_DESIGNS: usize = 20;

/// A design before it is loaded.
struct Design<'a> {
    file: &'a Path,
    variant: Variant,
}

impl Compare {
    /// Loads the designs, simulates them with common random numbers, and reports how they differ.
    pub fn run(mut self) -> Result<(), Failure> {
        let outputs = self.writing.outputs()?;
        self.reading.set.extend(self.simulating.sets());
        let designs = self.designs()?;
        let plans = self.plans(&designs)?;
        let warmup = one_warmup(&designs, &plans)?;
        let stop = stop_on_interrupt();
        if !self.writing.quiet {
            self.simulating.say_how_long(&plans);
        }
        let began = now();
        let studies = self.simulate(&plans, stop)?;
        let labels: Vec<_> = designs.into_iter().map(|d| (d.variant.label, d.variant.sets)).collect();
        let compare = findings::compare(&labels, &plans, &studies);
        let events: u64 = studies.iter().map(|s| s.events_taken).sum();
        let wall_s = began.elapsed().as_secs_f64();
        let document = Document {
            envelope: Envelope {
                schema_version: SCHEMA_VERSION,
                command: "compare".into(),
                options: self.writing.typed.clone(),
                complete: studies.iter().all(|s| s.complete && !s.overflowed()),
                scenario: ScenarioId::of(&plans[0]),
                seed: Some(self.simulating.seed),
                replications: studies.iter().map(Study::done).min().unwrap_or(0),
                duration_s: plans[0].duration.seconds(),
                warmup_s: Some(studies[0].warmup.seconds()),
            },
            caveats: findings::caveats(&compare).into_iter().chain(warmup).collect(),
            answer: Answer::Compare(compare),
            engine: Engine::this(self.simulating.threads(), events, wall_s),
        };
        self.writing.deliver(&document, &outputs)?;
        self.simulating.verdict(&document, studies.iter().any(|s| !s.complete))
    }

    // --- the designs ------------------------------------------------------------------------------------------------

    fn designs(&self) -> Result<Vec<Design<'_>>, Failure> {
        let bad = |message: &str| Err(Failure::BadInput(message.into()));
        let first = &self.scenarios[0];
        let designs: Vec<Design<'_>> = match (self.scenarios.len(), self.vary.len() + self.with.len()) {
            (1, 0) => {
                let hint = "give a second scenario, --vary PATH=V1,V2 or --with \"LABEL: PATH=VALUE\"";
                return bad(&format!("there is nothing to compare it with; {hint}"));
            }
            (1, _) => self
                .variants(first)?
                .into_iter()
                .map(|variant| Design { file: first, variant })
                .collect(),
            (_, 0) => self.files(),
            _ => return bad("--vary and --with change one scenario, and here are several; leave out the others"),
        };
        if designs.len() < 2 {
            return bad("one design alone cannot be compared; give --vary a second value");
        }
        if designs.len() > MOST_DESIGNS {
            return bad(&too_many(designs.len()));
        }
        for (i, design) in designs.iter().enumerate() {
            let label = &design.variant.label;
            if designs[..i].iter().any(|d| d.variant.label == *label) {
                return bad(&format!(
                    "two designs are called {label:?}; give them labels that differ, with --with \"LABEL: PATH=VALUE\""
                ));
            }
        }
        Ok(designs)
    }

    /// One design for each file; files with the same name are labelled by their paths.
    fn files(&self) -> Vec<Design<'_>> {
        let variants: Vec<Variant> = self.scenarios.iter().map(|f| as_it_stands(f)).collect();
        let is_shared = |label: &String| variants.iter().filter(|v| v.label == *label).count() > 1;
        let design = |(file, variant): (&'_ PathBuf, &Variant)| {
            let label = match is_shared(&variant.label) {
                true => file.display().to_string(),
                false => variant.label.clone(),
            };
            (label, Vec::new())
        };
        let labels = self.scenarios.iter().zip(&variants).map(design);
        let designs = self.scenarios.iter().zip(labels);
        designs
            .map(|(file, (label, sets))| Design {
                file,
                variant: Variant { label, sets },
            })
            .collect()
    }

    fn variants(&self, file: &Path) -> Result<Vec<Variant>, Failure> {
        let mut variants = Vec::new();
        if !self.vary.is_empty() {
            match count(&self.vary) {
                Some(n) if n <= MOST_DESIGNS as u64 => variants.extend(combinations(&self.vary)),
                n => return Err(Failure::BadInput(too_many(n.map_or(usize::MAX, |n| n as usize)))),
            }
        }
        if self.vary.is_empty() && self.with.len() == 1 {
            variants.push(as_it_stands(file));
        }
        variants.extend(self.with.iter().cloned());
        Ok(variants)
    }

    /// The plans of all designs. All errors are reported at once, each with its design.
    fn plans(&self, designs: &[Design<'_>]) -> Result<Vec<Plan>, Failure> {
        // The files themselves come first: an error there affects every design.
        let bases = self.reading.plans(&self.scenarios, &self.writing, None)?;
        let (mut plans, mut last) = (Vec::new(), None);
        for (i, Design { file, variant }) in designs.iter().enumerate() {
            if variant.sets.is_empty() {
                plans.push(bases[i.min(bases.len() - 1)].clone());
                continue;
            }
            let mut reading = self.reading.clone();
            reading.set.extend(variant.sets.iter().cloned());
            match reading.load(file) {
                Ok(loaded) => plans.push(loaded.plan),
                Err(failure) => {
                    exit::note(&format!("design {:?} does not load:", variant.label));
                    failure.print();
                    last = Some(failure.status());
                }
            }
        }
        last.map_or(Ok(plans), |status| Err(Failure::Status(status)))
    }

    // --- simulating -------------------------------------------------------------------------------------------------

    fn simulate(&self, plans: &[Plan], stop: &AtomicBool) -> Result<Vec<Study>, Failure> {
        let bar = progress::bar(0, "replications", self.writing.quiet);
        let watch = Watch {
            stop,
            progress: &|done, total| {
                bar.set_length(total);
                bar.set_position(done);
            },
            visit: &mut |_, _, _| Ok(()),
        };
        let studies = study::run_side_by_side(plans, &self.simulating.settings(), watch).map_err(failed)?;
        bar.finish_and_clear();
        Ok(studies)
    }
}

/// The unchanged scenario of a file, labelled by the file name.
fn as_it_stands(file: &Path) -> Variant {
    let stem = file.file_stem().unwrap_or(file.as_os_str());
    Variant {
        label: stem.to_string_lossy().into_owned(),
        sets: Vec::new(),
    }
}

fn too_many(n: usize) -> String {
    format!("{n} designs are more than {MOST_DESIGNS}, and every pair is compared; `fallover sweep` takes a grid")
}
