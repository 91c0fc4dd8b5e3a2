//! `fallover sweep` and `fallover merge`: a grid of runs, point by point, and the merging of its shards.
//!
//! A finished point is on disk before the next begins, so the same command resumes where it was stopped.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use super::deliver::keep_apart;
use super::exit::{self, Failure, INTERRUPTED, MISSED};
use super::options::{Reading, Simulating, Writing};
use super::simulate::{NOTHING_CHECKED, failed, in_words, now, roughly, stop_on_interrupt};
use crate::analysis::result::{Answer, Document, Engine, Envelope, SCHEMA_VERSION, ScenarioId};
use crate::analysis::run::named;
use crate::analysis::spof;
use crate::analysis::sweep::{self as findings, Grid, Input, Point, Sensitivity, Shard};
use crate::base::limits;
use crate::report::progress;
use crate::report::sink::Journal;
use crate::report::units;
use crate::scenario::plan::{Plan, Warmup};
use crate::scenario::vary::{Axis, Stretch, count, replaced};
use crate::stats::sobol;
use crate::study::paired::Measure;
use crate::study::{self, Watch};

/// A grid of runs: every combination of values, to a table; or which input moves the result most
#[derive(Debug, Args)]
pub struct Sweep {
    /// The scenario, JSON or YAML
    scenario: PathBuf,
    /// What to vary: PATH=V1,V2,… with ranges 1..8, lin(a,b,n) and log(a,b,n); with --sensitivity a stretch PATH=LO..HI or
    /// PATH=log(LO,HI) (repeatable)
    #[arg(long, value_name = "PATH=VALUES", required = true)]
    vary: Vec<String>,
    /// Only part I of N, for `fallover merge` to put together
    #[arg(long, value_name = "I/N", value_parser = shard)]
    shard: Option<Shard>,
    /// Begin even if it is many points or takes hours
    #[arg(long)]
    yes: bool,
    /// Which input moves an output most: Sobol indices over the stretches
    #[arg(long)]
    sensitivity: bool,
    /// Rows of the design of --sensitivity, rounded up to a power of two
    #[arg(long, value_name = "N", default_value_t = 64, requires = "sensitivity")]
    #[arg(value_parser = clap::value_parser!(u32).range(4..=65_536))]
    samples: u32,
    /// The output of --sensitivity, by its dotted name (repeatable) [default: latency_s.p99 and availability]
    #[arg(long, value_name = "METRIC", requires = "sensitivity")]
    output_metric: Vec<String>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    pub(super) writing: Writing,
    #[command(flatten)]
    simulating: Simulating,
}

/// From this many points, or events that take hours, a sweep needs confirmation.
const POINTS_WORTH_A_WORD: u64 = 10_000;
/// Up to this many combinations are loaded before the first run; for larger grids, each value is loaded by itself.
const LOADED_AHEAD: u64 = 1_000;

impl Sweep {
    /// Loads the scenario, runs the points that are not finished, and delivers the table.
    pub fn run(mut self) -> Result<(), Failure> {
        let outputs = self.writing.outputs_of_sweep()?;
        self.reading.set.extend(self.simulating.sets());
        let grid = self.grid()?;
        let base = self.reading.plan(&self.scenario, &self.writing)?;
        let size = grid
            .size()
            .ok_or_else(|| Failure::BadInput("the grid has more points than can be counted".into()))?;
        self.check(&grid)?;
        self.agree(size, &base)?;
        let mut answer = self.question(&grid, size, &base)?;
        let stop = stop_on_interrupt();
        let began = now();
        let (journal, finished) = self.journal(&answer, &base)?;
        answer.points = finished;
        let mut work = Work {
            sweep: &self,
            grid: &grid,
            journal,
            events: 0,
            stop,
        };
        work.go_on(&mut answer)?;
        let (events, journal) = (work.events, work.journal);
        let interrupted = answer.points.len() as u64 != part(answer.size, answer.shard);
        answer.settle(self.simulating.seed);
        let envelope = self.envelope(&answer, &base);
        let engine = Engine::this(self.simulating.threads(), events, began.elapsed().as_secs_f64());
        let document = whole(envelope, answer, engine);
        self.writing.deliver(&document, &outputs)?;
        if interrupted {
            let again = if journal.is_some() {
                "; the same command goes on from there"
            } else {
                ""
            };
            exit::note(&format!(
                "interrupted: what was finished is in the result, which is marked incomplete{again}"
            ));
            return Err(Failure::Status(INTERRUPTED));
        }
        journal.map_or(Ok(()), Journal::remove)?;
        self.verdict(&document)
    }

    fn grid(&self) -> Result<Grid, Failure> {
        let bad = |text: &String, e: String| Failure::BadInput(format!("--vary {text}: {e}"));
        if self.sensitivity {
            let stretches = self.vary.iter().map(|v| Stretch::parse(v).map_err(|e| bad(v, e)));
            let stretches: Vec<Stretch> = stretches.collect::<Result<_, _>>()?;
            if stretches.len() > sobol::INPUTS {
                let says = format!(
                    "--sensitivity takes at most {} inputs, and here are {}",
                    sobol::INPUTS,
                    stretches.len()
                );
                return Err(Failure::BadInput(says));
            }
            twice(stretches.iter().map(|s| s.path.as_str()))?;
            let samples = self.samples.next_power_of_two();
            return Ok(Grid::Stretches {
                stretches,
                samples,
                seed: self.simulating.seed,
            });
        }
        let axes: Vec<Axis> = self
            .vary
            .iter()
            .map(|v| Axis::parse(v).map_err(|e| bad(v, e)))
            .collect::<Result<_, _>>()?;
        twice(axes.iter().map(|a| a.path.as_str()))?;
        Ok(Grid::Axes(axes))
    }

    fn question(&self, grid: &Grid, size: u64, base: &Plan) -> Result<findings::Sweep, Failure> {
        let sensitivity = match grid {
            Grid::Axes(_) => None,
            Grid::Stretches { samples, .. } => Some(Sensitivity {
                samples: *samples,
                metrics: self.metrics(base)?,
                outputs: Vec::new(),
            }),
        };
        Ok(findings::Sweep {
            inputs: grid.inputs(),
            size,
            shard: self.shard,
            sensitivity,
            points: Vec::new(),
        })
    }

    fn metrics(&self, base: &Plan) -> Result<Vec<String>, Failure> {
        if self.output_metric.is_empty() {
            return Ok(vec!["latency_s.p99".into(), "availability".into()]);
        }
        let names: Vec<&str> = Measure::ALL.iter().map(|m| m.1).chain(["latency_s.p999"]).collect();
        let classes = base.classes.iter().filter(|_| base.classes.len() > 1);
        let of_class = classes.flat_map(|c| names.iter().map(move |n| format!("classes.{}.{n}", c.name)));
        let known: Vec<String> = names.iter().map(|n| (*n).to_owned()).chain(of_class).collect();
        for metric in &self.output_metric {
            if !known.contains(metric) {
                let hint = crate::scenario::problem::did_you_mean(metric, known.iter().map(String::as_str));
                let hint = hint.unwrap_or_else(|| format!("it is one of {}", known.join(", ")));
                return Err(Failure::BadInput(format!(
                    "--output-metric {metric}: there is no such metric; {hint}"
                )));
            }
        }
        Ok(self.output_metric.clone())
    }

    fn settings_of(&self, grid: &Grid, values: &[String]) -> Reading {
        let mut reading = self.reading.clone();
        let changes = grid.paths().into_iter().zip(values).map(|(p, v)| format!("{p}={v}"));
        reading.set.extend(changes);
        reading
    }

    /// Does every value load? A mistake in the last one must not show after hours.
    fn check(&self, grid: &Grid) -> Result<(), Failure> {
        let typed: Vec<String> = self
            .reading
            .set
            .iter()
            .filter(|s| !self.simulating.sets().contains(s))
            .cloned()
            .collect();
        let replaced = replaced(&typed, &grid.paths());
        for set in replaced.iter().filter(|_| !self.writing.quiet) {
            exit::note(&format!(
                "warning: --set {set} changes nothing: --vary has values of its own for that"
            ));
        }
        let load = |values: &[String]| {
            let loaded = self.settings_of(grid, values).load(&self.scenario);
            loaded
                .map(drop)
                .inspect_err(|_| exit::note("of --vary, which is tried as if it were a --set:"))
        };
        match grid {
            Grid::Axes(axes) if count(axes).is_none_or(|n| n > LOADED_AHEAD) => {
                let first: Vec<String> = grid.values(0);
                for (i, axis) in axes.iter().enumerate() {
                    // A long axis is a range or a series, so its ends stand for the values between.
                    let all = axis.count();
                    let some = match all <= LOADED_AHEAD {
                        true => (0..all).collect(),
                        false => vec![0, all - 1],
                    };
                    for number in some {
                        let mut values = first.clone();
                        values[i] = axis.value(number);
                        load(&values)?;
                    }
                }
                Ok(())
            }
            _ => (0..grid.size().unwrap_or(0).min(LOADED_AHEAD)).try_for_each(|p| load(&grid.values(p))),
        }
    }

    /// Says how large the sweep is, and asks for confirmation if it is large.
    fn agree(&self, size: u64, base: &Plan) -> Result<(), Failure> {
        let points = part(size, self.shard);
        let replications = f64::from(self.simulating.runs());
        let events = points as f64 * replications * study::expected_events(base);
        if points <= POINTS_WORTH_A_WORD && events <= 10.0 * limits::EVENTS_WORTH_A_WORD {
            return Ok(());
        }
        let says = format!(
            "{} points × {replications} replications: about {} events, perhaps {} with {} threads",
            units::count(points),
            in_words(events),
            roughly(events, self.simulating.threads() as f64),
            self.simulating.threads()
        );
        if !self.yes {
            let hint = "fewer values, --replications or a shorter --duration make it quicker, --shard I/N spreads it, --yes begins it";
            return Err(Failure::BadInput(format!("{says}; {hint}")));
        }
        if !self.writing.quiet {
            exit::note(&says);
        }
        Ok(())
    }

    /// The journal next to the first output, and the points in it.
    fn journal(&self, sweep: &findings::Sweep, base: &Plan) -> Result<(Option<Journal>, Vec<Point>), Failure> {
        let Some(output) = self.writing.output.first().filter(|o| !o.exists() || o.is_file()) else {
            return Ok((None, Vec::new()));
        };
        let mut path = output.clone().into_os_string();
        path.push(".partial");
        let path = PathBuf::from(path);
        let asked = (
            &sweep.inputs,
            sweep.shard,
            &sweep.sensitivity,
            &base.digest,
            self.simulating.seed,
        );
        let how = (
            self.simulating.replications,
            self.simulating.precision,
            self.simulating.failures,
            self.simulating.batch_means,
            self.simulating.show_warmup,
        );
        let version = env!("CARGO_PKG_VERSION");
        let head = serde_json::to_string(&("fallover sweep", version, asked, how)).map_err(unreadable)?;
        let Some((journal, lines)) = Journal::open(&path, &head)? else {
            let says =
                "holds the finished points of another sweep; remove it to give them up, or write to another file";
            return Err(Failure::BadInput(format!("{}: {says}", path.display())));
        };
        let points: Vec<Point> = lines
            .iter()
            .map(|l| serde_json::from_str(l))
            .collect::<Result<_, _>>()
            .map_err(|e| {
                let says = "is damaged; remove it to begin anew";
                Failure::BadInput(format!("{}: {says} ({e})", path.display()))
            })?;
        // Points must be in running order: only their number tells which point is next.
        if !points
            .iter()
            .map(|p| p.point)
            .eq(numbers(sweep.size, sweep.shard).take(points.len()))
        {
            return Err(Failure::BadInput(format!(
                "{} is damaged: points of its grid are missing or there twice; begin anew without it",
                path.display()
            )));
        }
        if !points.is_empty() && !self.writing.quiet {
            let all = part(sweep.size, sweep.shard);
            exit::note(&format!(
                "{} of {all} points are finished already, in {}",
                points.len(),
                path.display()
            ));
        }
        Ok((Some(journal), points))
    }

    fn envelope(&self, sweep: &findings::Sweep, base: &Plan) -> Envelope {
        Envelope {
            schema_version: SCHEMA_VERSION,
            command: "sweep".into(),
            options: self.writing.typed.clone(),
            complete: sweep.points.len() as u64 == part(sweep.size, sweep.shard),
            scenario: ScenarioId::of(base),
            seed: Some(self.simulating.seed),
            replications: 0,
            duration_s: base.duration.seconds(),
            warmup_s: match base.warmup {
                Warmup::Fixed(span) => Some(span.seconds()),
                Warmup::Auto => None,
            },
        }
    }

    fn verdict(&self, document: &Document) -> Result<(), Failure> {
        let Answer::Sweep(sweep) = &document.answer else {
            return Ok(());
        };
        if self.simulating.check && sweep.points.iter().all(|p| p.slo_met.is_none()) {
            exit::note(NOTHING_CHECKED);
        }
        match self.simulating.check && sweep.points.iter().any(|p| p.slo_met == Some(false)) {
            true => Err(Failure::Status(MISSED)),
            false => Ok(()),
        }
    }
}

/// The points still to be run.
struct Work<'a> {
    sweep: &'a Sweep,
    grid: &'a Grid,
    journal: Option<Journal>,
    events: u64,
    stop: &'static AtomicBool,
}

impl Work<'_> {
    /// Runs the missing points and saves each before the next begins.
    fn go_on(&mut self, answer: &mut findings::Sweep) -> Result<(), Failure> {
        let bar = progress::bar(part(answer.size, answer.shard), "points", self.sweep.writing.quiet);
        bar.set_position(answer.points.len() as u64);
        // Points are finished in order, so the missing ones are the last.
        for number in numbers(answer.size, answer.shard).skip(answer.points.len()) {
            let Some(point) = self.point(number, &answer.inputs)? else {
                break;
            };
            if let Some(journal) = &mut self.journal {
                journal.append(&serde_json::to_string(&point).map_err(unreadable)?)?;
            }
            answer.points.push(point);
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(())
    }

    fn point(&mut self, number: u64, inputs: &[Input]) -> Result<Option<Point>, Failure> {
        let values = self.grid.values(number);
        let loaded = self.sweep.settings_of(self.grid, &values).load(&self.sweep.scenario)?;
        let watch = Watch {
            stop: self.stop,
            progress: &|_, _| {},
            visit: &mut |_, _, _| Ok(()),
        };
        let plans = [loaded.plan];
        let studies = study::run(&plans, &self.sweep.simulating.settings(), watch).map_err(failed)?;
        self.events += studies[0].events_taken;
        let run = named(&plans[0], &studies[0]);
        let stopped = self.stop.load(Ordering::Relaxed) || !studies[0].complete;
        Ok((!stopped).then(|| findings::point(number, inputs, &values, &run)))
    }
}

fn whole(envelope: Envelope, sweep: findings::Sweep, engine: Engine) -> Document {
    Document {
        envelope: Envelope {
            replications: sweep.points.iter().map(|p| p.replications).min().unwrap_or(0),
            ..envelope
        },
        caveats: sweep.caveats(),
        answer: Answer::Sweep(sweep),
        engine,
    }
}

fn unreadable(error: serde_json::Error) -> Failure {
    Failure::Unreadable(error.to_string())
}

fn twice<'a>(paths: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
    let mut seen: Vec<&str> = Vec::new();
    for path in paths {
        if seen.contains(&path) {
            return Err(Failure::BadInput(format!(
                "--vary {path}: it is varied twice; give all its values at once"
            )));
        }
        seen.push(path);
    }
    Ok(())
}

fn shard(text: &str) -> Result<Shard, String> {
    let parts = text
        .split_once('/')
        .and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
    match parts {
        Some((index, of)) if 1 <= index && index <= of => Ok(Shard { index, of }),
        _ => Err("write I/N with 1 ≤ I ≤ N, such as 3/8".into()),
    }
}

/// The point numbers of a shard.
fn numbers(size: u64, shard: Option<Shard>) -> impl Iterator<Item = u64> {
    let (first, step) = shard.map_or((0, 1), |s| (s.index - 1, s.of));
    (first..size).step_by(usize::try_from(step).unwrap_or(usize::MAX))
}

/// The number of points of a shard.
fn part(size: u64, shard: Option<Shard>) -> u64 {
    shard.map_or(size, |s| size.saturating_sub(s.index - 1).div_ceil(s.of))
}

// --- merge ----------------------------------------------------------------------------------------------------------

/// Put the shards of a sweep together
#[derive(Debug, Args)]
pub struct Merge {
    /// The .json of every shard
    #[arg(required = true, value_name = "PART.json")]
    parts: Vec<PathBuf>,
    #[command(flatten)]
    writing: Writing,
}

impl Merge {
    /// Reads the shards and delivers the table that a single sweep would have produced.
    pub fn run(self) -> Result<(), Failure> {
        let outputs = self.writing.outputs_of_sweep()?;
        keep_apart(&self.parts, &self.writing)?;
        let mut parts = self
            .parts
            .iter()
            .map(|path| read(path))
            .collect::<Result<Vec<_>, _>>()?
            .into_iter();
        let Some((mut envelope, mut sweep, mut engine)) = parts.next() else {
            return Ok(());
        };
        let first = &self.parts[0];
        for ((other, more, its), path) in parts.zip(&self.parts[1..]) {
            same(&(&envelope, &sweep), &(&other, &more))
                .map_err(|e| Failure::BadInput(format!("{}: {e} than {}", path.display(), first.display())))?;
            sweep.points.extend(more.points);
            engine = Engine::this(
                engine.threads.max(its.threads),
                engine.events + its.events,
                engine.wall_s + its.wall_s,
            );
        }
        sweep.points.sort_by_key(|p| p.point);
        let before = sweep.points.len();
        sweep.points.dedup();
        if sweep.points.windows(2).any(|w| w[0].point == w[1].point) {
            return Err(Failure::BadInput(
                "two parts have the same point with different results".into(),
            ));
        }
        if before != sweep.points.len() {
            exit::note("some points are in several parts, with the same results; each is taken once");
        }
        let missing = sweep.size - sweep.points.len() as u64;
        if missing > 0 {
            return Err(Failure::BadInput(absent(&sweep, missing)));
        }
        sweep.shard = None;
        sweep.settle(envelope.seed.unwrap_or(0));
        envelope.complete = true;
        self.writing.deliver(&whole(envelope, sweep, engine), &outputs)
    }
}

fn read(path: &Path) -> Result<(Envelope, findings::Sweep, Engine), Failure> {
    let bad = |e: String| Failure::BadInput(format!("{}: {e}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|e| Failure::Unreadable(format!("{}: {e}", path.display())))?;
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")) {
        return Err(bad(
            "merge reads the .json of each shard: write it with -o as well".into()
        ));
    }
    let document = Document::read(&text).map_err(|e| bad(e.to_string()))?;
    match document.answer {
        Answer::Sweep(sweep) if !is_sound(&sweep) => Err(bad(
            "it is damaged: it has points or a shard that its grid has not".into(),
        )),
        Answer::Sweep(sweep) => Ok((document.envelope, sweep, document.engine)),
        _ => Err(bad(format!(
            "it was made by `fallover {}`, not by sweep",
            document.envelope.command
        ))),
    }
}

/// Do its shard and its points match its grid? The file may have been edited.
fn is_sound(sweep: &findings::Sweep) -> bool {
    let shard = sweep.shard.is_none_or(|s| (1..=s.of).contains(&s.index));
    let is_its_own = |p: &Point| sweep.shard.is_none_or(|s| p.point % s.of + 1 == s.index);
    let each = sobol::evaluations(sweep.inputs.len()) as u64;
    let rows = sweep
        .sensitivity
        .as_ref()
        .is_none_or(|s| u64::from(s.samples) * each == sweep.size);
    shard && rows && sweep.points.iter().all(|p| p.point < sweep.size && is_its_own(p))
}

type Part<'a> = (&'a Envelope, &'a findings::Sweep);

/// The typed options that affect the points. The number of replications is recorded elsewhere.
fn how(part: &Part<'_>) -> Vec<String> {
    let mut words = part.0.options.clone();
    if let Some(at) = words.iter().position(|word| word == "--replications") {
        words.drain(at..(at + 2).min(words.len()));
    }
    words
}

/// Are these shards of the same sweep?
fn same(a: &Part<'_>, b: &Part<'_>) -> Result<(), String> {
    let differs = |what: &str| Err(format!("it has another {what}"));
    let question = |s: &findings::Sweep| s.sensitivity.as_ref().map(|q| (q.samples, q.metrics.clone()));
    match () {
        () if a.0.scenario != b.0.scenario => differs("scenario"),
        () if a.0.seed != b.0.seed => differs("seed"),
        () if how(a) != how(b) => {
            let (these, those) = (how(a).join(" "), how(b).join(" "));
            Err(format!(
                "it was made with {these:?} and not {those:?}, with other options"
            ))
        }
        () if a.0.replications != b.0.replications => differs("number of replications"),
        () if a.1.inputs != b.1.inputs || a.1.size != b.1.size => differs("grid"),
        () if question(a.1) != question(b.1) => differs("question of --sensitivity"),
        () => Ok(()),
    }
}

/// The missing points, by shard where that is known.
fn absent(sweep: &findings::Sweep, missing: u64) -> String {
    let there: Vec<u64> = sweep.points.iter().map(|p| p.point).collect();
    let gaps = (0..sweep.size).filter(|n| there.binary_search(n).is_err());
    let some: Vec<String> = match sweep.shard {
        Some(shard) => {
            let mut shards: Vec<u64> = gaps.map(|n| n % shard.of + 1).take(100_000).collect();
            shards.sort_unstable();
            shards.dedup();
            shards.iter().map(|i| format!("shard {i}/{}", shard.of)).collect()
        }
        None => gaps.map(|n| format!("point {n}")).take(100_000).collect(),
    };
    format!(
        "{missing} of {} points are missing; not there, or not whole: {}",
        sweep.size,
        spof::listed(&some)
    )
}
