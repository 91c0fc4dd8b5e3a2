//! From a plan to the answer: states, then trials, then the account.

use std::sync::atomic::{AtomicBool, Ordering};

use super::caveats::{self, caveat};
use super::prices::{Prices, Trials, cuts};
use super::sample::Sample;
use super::trials::Trial;
use super::*;

use crate::analysis::reliability;
use crate::analysis::spof::{OftenBrief, Times, TimesWanted};
use crate::analysis::topology::Topology;
use crate::base::random::{Streams, mix};
use crate::model::structure::used;
use crate::scenario::plan::{Hit, Objective};
use crate::study::{self, Count, Settings, Watch};

/// What is asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The horizon.
    pub horizon: Span,
    /// Seed, replications and threads; the rest is set here.
    pub settings: Settings,
    /// Requested times of a trial.
    pub wish: TimesWanted,
}

/// The result.
#[derive(Clone, Debug)]
pub struct Found {
    /// The answer.
    pub availability: Availability,
    /// Its caveats.
    pub caveats: Vec<Caveat>,
    /// Replications of every trial.
    pub replications: u32,
    /// Whether everything was finished.
    pub complete: bool,
    /// Events simulated.
    pub events: u64,
    /// Simulated time of the longest trial.
    pub trial_s: f64,
    /// Start of it that is left out: the time before the failure.
    pub warmup_s: f64,
}

/// Replications per round if a precision is asked for.
const ROUND: u32 = 5;
/// Most replications spent on a precision.
const LAST: usize = 1_000;
/// Number of periods simulated: `PERIODS`, or fewer (at least `LEAST_PERIODS`) to keep to about this many changes.
const PERIODS: usize = 1_000;
const CHANGES: f64 = 2e6;
const LEAST_PERIODS: usize = 20;
/// Standard normal quantile of a two-sided 95 % interval, as all intervals have.
const TWO_SIDED: f64 = 1.96;

/// Whether no component in use has a lifetime or a maintenance plan.
pub fn is_immortal(plan: &Plan) -> bool {
    mortal(plan).1.is_empty()
}

/// Most failures and repairs within the horizon; longer horizons are refused.
pub const MOST_CHANGES: f64 = 1e6;

/// Expected number of failures and repairs within the horizon.
pub fn changes(plan: &Plan, horizon: Span) -> f64 {
    changes_of(&mortal(plan).1, horizon)
}

fn changes_of(mortals: &[Mortal], horizon: Span) -> f64 {
    // If a mean does not exist, assume one hour.
    let cycle_s = |m: &Mortal| m.means.map_or(3600.0, |l| l.up_s + l.down_s).max(1e-9);
    mortals.iter().map(|m| 2.0 * horizon.seconds() / cycle_s(m)).sum()
}

/// Simulates and answers; `None` if interrupted before there is a result.
///
/// # Errors
/// See [`study::Failure`].
pub fn answer(
    plan: &Plan,
    asked: &Asked,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Option<Found>, study::Failure> {
    let (mut bare, mortals) = mortal(plan);
    let longest = mortals.iter().map(|m| trial_of(&bare, &[m.part], asked).whole()).max();
    bare.at_any_time(longest.unwrap_or(Span::ZERO));
    let mut space = StateSpace::of(&bare, &mortals, asked);
    let mut runner = TrialRunner {
        plan: &bare,
        asked,
        stop,
        progress,
        trials: Trials::default(),
        events: 0,
        overflowed: false,
    };
    let mut parts: Vec<usize> = mortals.iter().map(|m| m.part).collect();
    parts.sort_unstable();
    parts.dedup();
    runner.add(&[]);
    let often_brief = OftenBrief::of(&bare);
    for part in parts {
        runner.add(&[part]);
        runner.add_brief(part, &often_brief);
    }
    let first = match asked.settings.replications {
        Count::Fixed(n) => n,
        Count::Precision(_) => ROUND,
    };
    runner.round(0, first, 0)?;
    let mut complete = !stop.load(Ordering::Relaxed);
    runner.trials.keep_what_all_have();
    if runner.trials.replications() == 0 {
        return Ok(None);
    }
    let alone = runner.trials.losses.len();
    space.sample = space.worth_a_look(&bare, &mortals, &runner.trials, asked);
    for state in &space.sample.simulated {
        runner.add(&space.states.all[*state]);
    }
    runner.round(0, first, alone)?;
    let mut round = 0;
    loop {
        complete &= !stop.load(Ordering::Relaxed);
        runner.trials.keep_what_all_have();
        let Count::Precision(target) = asked.settings.replications else {
            break;
        };
        let prices = Prices::new(&bare, &mortals, &runner.trials);
        let account = Account::new(&bare, &mortals, space.map(), &prices);
        if space.is_settled(&account, target) || runner.trials.replications() >= LAST || !complete {
            break;
        }
        round += 1;
        runner.round(round, ROUND, 0)?;
    }
    let prices = Prices::new(&bare, &mortals, &runner.trials);
    let account = Account::new(&bare, &mortals, space.map(), &prices);
    let availability = space.availability(&account, asked.horizon);
    let target = match asked.settings.replications {
        Count::Precision(target) => Some(target),
        Count::Fixed(_) => None,
    };
    let mut caveats = caveats::of(&account, &availability, (space.ages, space.is_short));
    caveats.extend(runner.caveats(target, &availability, prices.unseen(None)));
    Ok(Some(Found {
        caveats,
        availability,
        replications: runner.trials.replications() as u32,
        complete: complete && !runner.overflowed,
        events: runner.events,
        warmup_s: runner
            .trials
            .bases
            .iter()
            .map(|b| b.times.crash.seconds())
            .fold(0.0, f64::max),
        trial_s: runner.trials.bases.iter().map(Trial::seconds).fold(0.0, f64::max),
    }))
}

/// The times of the trial of these components.
fn trial_of(plan: &Plan, down: &[usize], asked: &Asked) -> Times {
    let hits: Vec<Hit> = down.iter().flat_map(|c| plan.components[*c].hits.clone()).collect();
    Times::of(plan, &hits, asked.wish)
}

/// Runs the trials.
struct TrialRunner<'a> {
    plan: &'a Plan,
    asked: &'a Asked,
    stop: &'a AtomicBool,
    progress: &'a (dyn Fn(u64, u64) + Sync),
    trials: Trials,
    events: u64,
    overflowed: bool,
}

impl TrialRunner<'_> {
    /// Adds a trial of these components. A single component also gets a baseline, shared by trials with the same times.
    fn add(&mut self, down: &[usize]) {
        let times = trial_of(self.plan, down, self.asked);
        let bases = &mut self.trials.bases;
        let known = bases.iter().position(|b| b.times == times || down.len() > 1);
        let base = known.unwrap_or_else(|| {
            bases.push(Trial::new(times, &[]));
            bases.len() - 1
        });
        if !down.is_empty() {
            self.trials.losses.push((Trial::new(times, down), base));
        }
    }

    /// Adds trials of a component's outages that end before everything has reacted.
    fn add_brief(&mut self, part: usize, often_brief: &OftenBrief) {
        let times = trial_of(self.plan, &[part], self.asked);
        let lengths = often_brief.lengths(self.plan, part, times.brief_to());
        let brief = |down: Span| Trial::new(times, &[part]).brief(down);
        self.trials.brief.extend(lengths.into_iter().map(brief));
    }

    /// Runs more replications of all trials; with `from`, the first replications of the losses from that index.
    fn round(&mut self, round: u64, count: u32, from: usize) -> Result<(), study::Failure> {
        let Trials { bases, losses, brief } = &mut self.trials;
        let losses = losses[from..].iter_mut().map(|(trial, _)| trial);
        let mut trials: Vec<&mut Trial> = match from {
            0 => bases.iter_mut().chain(losses).chain(brief).collect(),
            _ => losses.collect(),
        };
        if trials.is_empty() || self.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let plans: Vec<Plan> = trials.iter().map(|t| t.plan(self.plan)).collect();
        let settings = Settings {
            seed: if round == 0 {
                self.asked.settings.seed
            } else {
                mix(self.asked.settings.seed, round)
            },
            replications: Count::Fixed(count),
            lifetimes: false,
            rows: true,
            logs: false,
            ..self.asked.settings.clone()
        };
        let plan = self.plan;
        let watch = Watch {
            stop: self.stop,
            progress: self.progress,
            visit: &mut |trial, _, record| {
                trials[trial].see(plan, record);
                Ok(())
            },
        };
        let studies = study::run(&plans, &settings, watch)?;
        self.events += studies.iter().map(|s| s.events_taken).sum::<u64>();
        self.overflowed |= studies.iter().any(study::Study::overflowed);
        Ok(())
    }

    fn caveats(&self, target: Option<f64>, found: &Availability, unseen_share: f64) -> Vec<Caveat> {
        let mut all = Vec::new();
        if self.overflowed {
            all.push(caveat("overflow", "some simulations outgrew their limits (requests inside at once, steps), and ended early; what is said of those states covers only the time before"));
        }
        let lost = &found.downtime_min_per_year;
        // The unobservable part raises only the upper end.
        let wide = lost.value.zip(lost.lo).map(|(value, lo)| (value - lo) / value);
        if let (Some(target), Some(wide)) = (target, wide)
            && wide > target
            && !self.stop.load(Ordering::Relaxed)
        {
            all.push(caveat(
                "imprecise",
                format!(
                    "the interval is ± {:.0} % of what is lost, wider than asked for",
                    wide * 100.0
                ),
            ));
        }
        let unseen = lost.value.zip(lost.hi).map(|(value, hi)| (hi - value) / value);
        if let (Some(target), Some(wide)) = (target, unseen)
            && wide > target
            && unseen_share > 0.0
            && all.is_empty()
            && !self.stop.load(Ordering::Relaxed)
        {
            all.push(caveat(
                "precision.unseen",
                "the upper end is farther out than asked for: it reaches to what nobody can have seen with everything up, which the precision \
                 does not wait for; `--replications` brings it nearer",
            ));
        }
        all
    }
}

impl Trials {
    /// After an interruption, reduces all trials to equally many replications. Trials of several components may have
    /// none; they are then priced by rule.
    fn keep_what_all_have(&mut self) {
        let least = |trials: &mut dyn Iterator<Item = &Trial>| trials.map(Trial::replications).min();
        let alone = |t: &&Trial| t.parts.len() < 2;
        let all = self.bases.iter().chain(self.losses.iter().map(|(t, _)| t));
        let needed = all.chain(&self.brief).filter(alone);
        let count = least(&mut needed.into_iter()).unwrap_or(0);
        self.losses.retain(|(t, _)| t.replications() >= count);
        let all = self.losses.iter_mut().map(|(t, _)| t).chain(&mut self.bases);
        let all = all.chain(&mut self.brief);
        all.for_each(|t| t.keep(count));
    }
}

/// The slow time scale: states and their occupancy.
struct StateSpace {
    states: States,
    cuts: Vec<Vec<bool>>,
    sample: Sample,
    /// The time in each state and the rate of each failure.
    occupancy: Occupancy,
    /// The long run, if the means exist; used for the structure.
    long_run: Option<Occupancy>,
    is_exact: bool,
    periods: Vec<Occupancy>,
    ages: bool,
    /// Whether the horizon is so short that starting with everything new matters.
    is_short: bool,
}

impl StateSpace {
    fn of(plan: &Plan, mortals: &[Mortal], asked: &Asked) -> StateSpace {
        let mut states = States::default();
        states.number(&[]);
        mortals.iter().for_each(|m| {
            states.number(&[m.part]);
        });
        let changes = changes_of(mortals, asked.horizon);
        let count = ((CHANGES / changes.max(1.0)) as usize).clamp(LEAST_PERIODS, PERIODS);
        let walk = |period: usize, states: &mut States| {
            // A seed of their own, so that no trial shares their draws.
            let streams = Streams::new(mix(asked.settings.seed, u64::MAX), period as u32);
            occupancy::walk(plan, mortals, asked.horizon, streams, states)
        };
        let periods: Vec<Occupancy> = (0..count).map(|p| walk(p, &mut states)).collect();
        // If repairs wait for each other, components are not independent.
        let means = mortals.iter().all(|m| m.means.is_some()) && !plan.repairs_wait();
        let long_run = means.then(|| occupancy::exact(plan, mortals, asked.horizon, &mut states));
        let ages = mortals.iter().any(|m| !m.planned && !m.ageless);
        let is_short = mortals.iter().any(|m| starts_matter(m, asked.horizon));
        let is_exact = long_run.is_some() && !ages && !is_short;
        let occupancy = match &long_run {
            Some(long_run) if is_exact => long_run.clone(),
            _ => together(&periods),
        };
        StateSpace {
            cuts: cuts(plan, &states),
            sample: Sample::default(),
            states,
            occupancy,
            long_run,
            is_exact,
            periods,
            ages,
            is_short,
        }
    }

    /// Whether the loss is known precisely enough, or as precisely as more replications can make it: the variation
    /// between periods remains.
    fn is_settled(&self, account: &Account<'_>, target: f64) -> bool {
        let sums = Sums::of(account, &self.occupancy);
        let simulated = sums.over(&|s| s.all);
        let half = |found: Interval| found.half.unwrap_or(f64::INFINITY);
        let whole = half(self.widened(simulated, account));
        whole <= target * simulated.value || half(simulated) <= 0.3 * whole
    }

    /// Adds the variation between periods, and that of states that stand for others.
    fn widened(&self, found: Interval, account: &Account<'_>) -> Interval {
        let drawn = match self.is_exact {
            true => Interval {
                value: account.sum(&self.occupancy, None).all,
                half: Some(0.0),
            },
            false => self.drawn(account),
        };
        let sampled = TWO_SIDED * self.sample.error(account);
        // The variation of a class or a cause is taken as proportional to that of the total.
        let share = if drawn.value > 0.0 {
            found.value / drawn.value
        } else {
            0.0
        };
        let all = |own: f64, drawn: f64| libm::sqrt(own * own + share * share * (drawn * drawn + sampled * sampled));
        Interval {
            half: found.half.zip(drawn.half).map(|(own, drawn)| all(own, drawn)),
            ..found
        }
    }

    fn drawn(&self, account: &Account<'_>) -> Interval {
        let lost: Vec<f64> = self.periods.iter().map(|p| account.period(p)).collect();
        interval::mean(&lost).unwrap_or(Interval { value: 0.0, half: None })
    }

    /// States with several components down that the rule may misjudge noticeably.
    fn worth_a_look(&self, plan: &Plan, mortals: &[Mortal], trials: &Trials, asked: &Asked) -> Sample {
        let prices = Prices::new(plan, mortals, trials);
        let account = Account::new(plan, mortals, self.map(), &prices);
        let lost = account.sum(&self.occupancy, None).all;
        Sample::of(&account.by_rule(&self.occupancy), &account, lost, asked.settings.seed)
    }

    fn map(&self) -> Map<'_> {
        Map {
            states: &self.states,
            cuts: &self.cuts,
            stand_ins: &self.sample.stand_ins,
        }
    }

    fn availability(&self, account: &Account<'_>, horizon: Span) -> Availability {
        let sums = Sums::of(account, &self.occupancy);
        let over = |of: &dyn Fn(&Sum) -> f64| self.widened(sums.over(of), account);
        let structural = self.long_run.as_ref().map(|long_run| account.structural(long_run));
        let all = over(&|s| s.all);
        let of_class = |class: usize| {
            let (lost, unseen) = (over(&|s| s.classes[class]), account.prices.unseen(Some(class)));
            let (mtbf_s, mttr_s) = times(account.outages(&self.occupancy, Some(class)));
            let found = ClassAvailability {
                availability: left(lost, unseen),
                structural: structural.as_ref().map(|s| 1.0 - s.classes[class]),
                downtime_min_per_year: minutes(lost, unseen),
                mtbf_s,
                mttr_s,
            };
            (account.plan.classes[class].name.clone(), found)
        };
        let (mtbf_s, mttr_s) = times(account.outages(&self.occupancy, None));
        let by_rule: f64 = account.by_rule(&self.occupancy).iter().map(|r| r.1).sum();
        let unseen = account.prices.unseen(None);
        let availability = left(all, unseen);
        Availability {
            horizon_s: horizon.seconds(),
            slo: slo(account.plan, &availability, &of_class),
            availability,
            structural: structural.as_ref().map(|s| 1.0 - s.all),
            downtime_min_per_year: minutes(all, unseen),
            mtbf_s,
            mttr_s,
            classes: Ordered((0..account.plan.classes.len()).map(of_class).collect()),
            by_cause: self.by_cause(&sums, account),
            periods: self.periods(account),
            states: StatesResult {
                method: if self.is_exact { "exact" } else { "simulated" }.into(),
                known: self.states.all.len(),
                simulated: account.prices.simulations(),
                by_rule_min_per_year: by_rule * YEAR_MIN,
                unexplored_min_per_year: self.occupancy.unexplored * YEAR_MIN,
            },
            unused: unused(account.plan),
            topology: Topology::of(account.plan, None),
        }
    }

    fn by_cause(&self, sums: &Sums, account: &Account<'_>) -> Ordered<Estimate> {
        let single = |cause: &str| cause == EVERYTHING_UP || account.mortals.iter().any(|m| m.cause == cause);
        let mut all: Vec<(String, Estimate)> = Vec::new();
        for cause in sums.all.causes.keys() {
            let minutes = |sum: &Sum| sum.causes.get(cause).copied().unwrap_or(0.0);
            let found = self.widened(sums.over(&minutes), account);
            if single(cause) || found.value > 0.0 {
                let unseen_min = if cause == EVERYTHING_UP {
                    account.prices.unseen(None) * YEAR_MIN
                } else {
                    0.0
                };
                all.push((cause.clone(), beyond(estimate(found), unseen_min)));
            }
        }
        let cost = |e: &Estimate| e.value.unwrap_or(0.0);
        all.sort_by(|a, b| cost(&b.1).total_cmp(&cost(&a.1)).then(a.0.cmp(&b.0)));
        Ordered(all)
    }

    fn periods(&self, account: &Account<'_>) -> Periods {
        let lost = self.periods.iter().map(|p| account.period(p) * YEAR_MIN);
        let mut lost: Vec<f64> = lost.collect();
        lost.sort_by(f64::total_cmp);
        // The smallest value with at least this share at or below it.
        let quantile = |p: f64| lost[((p * lost.len() as f64).ceil() as usize).clamp(1, lost.len()) - 1];
        Periods {
            count: lost.len() as u32,
            p5_min_per_year: quantile(0.05),
            p50_min_per_year: quantile(0.5),
            p95_min_per_year: quantile(0.95),
            mean_min_per_year: minutes(self.drawn(account), 0.0),
        }
    }
}

/// The account from all replications, and with each one left out.
struct Sums {
    all: Sum,
    without: Vec<Sum>,
}

impl Sums {
    fn of(account: &Account<'_>, occupancy: &Occupancy) -> Sums {
        let replications = 0..account.prices.replications();
        Sums {
            all: account.sum(occupancy, None),
            without: replications.map(|r| account.sum(occupancy, Some(r))).collect(),
        }
    }

    /// With a varying load replications differ in size, so the jackknife uses totals.
    fn over(&self, of: &dyn Fn(&Sum) -> f64) -> Interval {
        let without: Vec<f64> = self.without.iter().map(of).collect();
        interval::jackknife(of(&self.all), &without)
    }
}

/// Largest tolerated deficit of downtime from starting with everything up, as a share of the long run.
const NEGLIGIBLE: f64 = 0.02;

/// Whether that deficit is larger. The initial state is forgotten at the sum of failure and repair rate.
fn starts_matter(mortal: &Mortal, horizon: Span) -> bool {
    let forgets_s = |l: &reliability::Life| l.up_s * l.down_s / (l.up_s + l.down_s).max(1e-9);
    let life = mortal.means.as_ref().filter(|_| !mortal.planned);
    life.is_some_and(|l| forgets_s(l) > NEGLIGIBLE * horizon.seconds())
}

fn unused(plan: &Plan) -> Vec<String> {
    let used = used(plan);
    let names = plan.components.iter().zip(used).filter(|(_, used)| !used);
    names.map(|(c, _)| c.name.clone()).collect()
}

/// Merges all periods.
fn together(periods: &[Occupancy]) -> Occupancy {
    let part = 1.0 / periods.len().max(1) as f64;
    let mut all = Occupancy::default();
    for period in periods {
        all.shares
            .extend(period.shares.iter().map(|(s, share)| (*s, share * part)));
        all.entries.extend(period.entries.iter().map(|e| occupancy::Entry {
            per_s: e.per_s * part,
            ..*e
        }));
    }
    all
}

/// Mean time between outages, and mean duration.
fn times(found: Outages) -> (Option<f64>, Option<f64>) {
    match found.per_s > 0.0 {
        true => (Some((1.0 - found.share) / found.per_s), Some(found.share / found.per_s)),
        false => (None, None),
    }
}

fn slo(plan: &Plan, all: &Estimate, of_class: &dyn Fn(usize) -> (String, ClassAvailability)) -> Vec<SloResult> {
    let result = |o: &Objective| {
        let answered = match o.class {
            None => *all,
            Some(class) => of_class(class.index()).1.availability,
        };
        let (observed, margin) = match o.measure {
            Measure::Availability => (answered, answered.value.map(|v| v - o.target)),
            Measure::ErrorRatio => (lost(answered), answered.value.map(|v| v - (1.0 - o.target))),
            Measure::Latency(_) => return None,
        };
        Some(SloResult {
            objective: o.name.clone(),
            target: o.target,
            observed,
            met: margin.is_some_and(|m| m >= 0.0),
        })
    };
    plan.slo.iter().filter_map(result).collect()
}

/// Turns the share answered into the share lost.
fn lost(answered: Estimate) -> Estimate {
    let of = |share: Option<f64>| share.map(|s| 1.0 - s);
    Estimate {
        value: of(answered.value),
        lo: of(answered.hi),
        hi: of(answered.lo),
        ..answered
    }
}
