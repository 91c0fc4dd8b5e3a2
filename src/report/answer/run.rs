//! The conclusions of `run`: promises, losses and their causes, the worst stretch, and the least spare capacity.

use super::room::{busiest, least_room};
use super::{Conclusions, MOST};
use crate::analysis::result::{Caveat, Estimate, Happening, Latency, NodeResult, Run, SloResult};
use crate::report::busy::BUSY;
use crate::report::document::{Span, Tone};
use crate::report::periods::periods;
use crate::report::summary::{is_much, is_of_losses, objective, plural};
use crate::report::text;
use crate::report::units::{self, measured};
use crate::report::view::RunView;

/// Below this utilisation, requests are not late for lack of capacity.
const HALF_BUSY: f64 = 0.5;

/// A stretch of this many timeline bins is more than a moment.
const LASTING: usize = 3;
/// Of several causes, one with a smaller share of the failures than this gets no advice.
const SLIGHT: f64 = 0.01;

/// What the result of one run or of several says.
pub fn conclusions(views: &[RunView<'_>], caveats: &[Caveat]) -> Conclusions {
    let lost = caveats.iter().find(|c| c.code == "writes.lost");
    match views {
        [one] if one.replications == 0 => Conclusions::default(),
        [one] => Conclusions {
            found: found(one, lost),
            to_do: to_do(one, lost),
            ..Conclusions::default()
        },
        several => Conclusions {
            found: found_in_each(several),
            to_do: which(several)
                .into_iter()
                .chain([Span::plain(
                    "Whether the difference between them is more than chance, `fallover compare` says.",
                )])
                .collect(),
            ..Conclusions::default()
        },
    }
}

/// What was found in one run.
fn found(view: &RunView<'_>, lost: Option<&Caveat>) -> Vec<Span> {
    if view.is_empty() {
        return vec![Span::plain(
            "No request came within the measured time: nothing can be said.",
        )];
    }
    let mut says = promises(view);
    says.push(losses(view));
    // Requests can be sent again; data that was promised to be safe is lost for good.
    says.extend(lost.map(|c| Span::new(Tone::Bad, format!("Data was lost: {}.", c.message))));
    says.extend(worst_stretch(view).or_else(|| slowest_stretch(view)));
    says.extend(busiest(view));
    says
}

/// What the result suggests doing.
fn to_do(view: &RunView<'_>, lost: Option<&Caveat>) -> Vec<Span> {
    if view.is_empty() {
        return vec![Span::plain("Give the scenario more load, or a longer `duration`.")];
    }
    let is_late = |s: &SloResult| !s.met && s.observed.value.is_some() && !is_of_losses(&s.objective);
    let mut says: Vec<Span> = for_nobody(view.run).into_iter().collect();
    if view.run.slo.iter().any(is_late) {
        let was_full = worst_causes(view.run).iter().any(|c| c.0.starts_with("queue_"));
        let is_idle = !was_full && least_room(view).is_some_and(|(at_height, ..)| at_height < HALF_BUSY);
        let is_of_a_fault = slowest_stretch(view).is_some();
        says.push(Span::plain(match is_idle {
            _ if is_of_a_fault => {
                "Answers were late while something was broken: have it noticed sooner (`check`, `connect`), tried again elsewhere \
                 (`redispatch`), or left alone for a while (`avoid`, `fail_timeout`)."
            }
            false => {
                "Answers were late: give the busiest component more room, or send less of the load to it (`algorithm` and \
                 `weight` of the balancer)."
            }
            true => {
                "Answers were late though no worker and no core was busy: the time went into waiting for a connection (`maxconn`, \
                 `pool`) or for what did not answer, into the way there, or into work that takes that long. Where a request's \
                 time goes says where."
            }
        }));
    }
    if lost.is_some() {
        says.push(Span::plain(
            "Against lost writes: let a commit wait until a replica has it (`replication` with `mode` `semi-sync`); each \
             write then takes that much longer.",
        ));
    }
    let enough = SLIGHT * view.run.metrics.requests.failed as f64;
    let causes = worst_causes(view.run).into_iter().take(2);
    let causes = causes.filter(|(_, n)| *n as f64 >= enough);
    for (cause, _) in causes {
        let remedy = Span::plain(remedy(cause, view.run));
        if !says.contains(&remedy) {
            says.push(remedy);
        }
    }
    let close: Vec<&str> = close(&view.run.slo).map(|s| s.objective.as_str()).collect();
    if !close.is_empty() {
        says.push(Span::plain(format!(
            "More replications (`--replications`, or `--precision`) would tell whether {} {} kept.",
            text::listed(&close),
            if close.len() == 1 { "is" } else { "are" }
        )));
    }
    let requests = &view.run.metrics.requests;
    if is_much(requests.unfinished, requests.offered) {
        says.push(Span::plain(
            "Of what was still inside nobody knows how it ends. If it becomes more with a longer `duration`, more comes than \
             can be served: give the busiest component more room.",
        ));
    }
    let is_full = least_room(view).is_some_and(|(at_height, ..)| at_height >= BUSY);
    if says.is_empty() && is_full {
        says.push(Span::plain(
            "Nothing needs to be done for this load, but hardly more than it can come: `fallover capacity` says how much, and what \
             is short first.",
        ));
    } else if says.is_empty() {
        says.push(Span::plain(
            "Nothing needs to be done for what this run tried. It tried only the failures that the scenario names.",
        ));
    }
    says.push(Span::plain(
        "Before changing anything: `fallover spof` says what every other loss would do and cost, `fallover review` \
         names the settings to change, and `--set PATH=VALUE` tries a change without building it.",
    ));
    says
}

/// Promises kept or missed so narrowly that it may be chance.
fn close(slo: &[SloResult]) -> impl Iterator<Item = &SloResult> {
    slo.iter().filter(|s| s.may_be_chance())
}

/// Work for callers that have given up multiplies the load when it can least be borne.
fn for_nobody(run: &Run) -> Option<Span> {
    let is_storm = |n: &NodeResult| n.orphaned > 100 && n.orphaned * 5 > n.served;
    let storms = run.nodes.iter().filter(|(_, n)| is_storm(n));
    let (name, node) = storms.max_by_key(|(_, n)| n.orphaned)?;
    // Retries by a tier show as arrivals at the nodes behind it.
    let is_asked_again = run.metrics.attempts.max(node.arrived) > run.metrics.requests.offered;
    let against = match is_asked_again {
        true => {
            "Bound what is asked again (`max`, and above all a `budget`), spread it (`backoff`, `jitter`), and do not give up \
             sooner than an answer takes under load."
        }
        false => {
            "Do not give up sooner than an answer takes under load, or have it stop where nobody waits any more (`abandoned`)."
        }
    };
    Some(Span::plain(format!(
        "Against work for nobody: {name} worked {} times for callers that had given up. {against}",
        units::count(node.orphaned)
    )))
}

/// What was found in each of several runs.
pub(super) fn found_in_each(views: &[RunView<'_>]) -> Vec<Span> {
    let say = |view: &RunView<'_>| {
        let missed: Vec<&SloResult> = view.run.slo.iter().filter(|s| !s.met).collect();
        let metrics = &view.run.metrics;
        let numbers = || {
            let (available, p99) = (&metrics.availability, &metrics.latency_s.p99);
            format!(
                "available {}, p99 {}",
                units::percent_estimate(available),
                units::latency_estimate(p99)
            )
        };
        let (tone, says) = match (view.run.slo.len(), missed.as_slice()) {
            _ if view.is_empty() => (Tone::Quiet, "measured nothing".to_owned()),
            (0, _) => (Tone::Plain, format!("promises nothing: {}", numbers())),
            (_, []) if close(&view.run.slo).next().is_some() => {
                let says = format!("keeps every promise, though that may be chance: {}", numbers());
                (Tone::Caution, says)
            }
            (_, []) => (Tone::Good, format!("keeps every promise: {}", numbers())),
            (n, [first, ..]) => {
                let (target, observed) = objective(first);
                let (tone, doubt) = match standing(view) {
                    Standing::Open => (Tone::Caution, ", though that may be chance"),
                    _ => (Tone::Bad, ""),
                };
                let says = format!(
                    "misses {} of {}{doubt}: {} was {observed}, and {target} was promised",
                    missed.len(),
                    plural(n as u32, "promise"),
                    first.objective
                );
                (tone, says)
            }
        };
        Span::new(tone, format!("{} {says}.", view.name))
    };
    let mut says: Vec<Span> = views.iter().take(2 * MOST).map(say).collect();
    if let Some(more) = views.len().checked_sub(2 * MOST).filter(|more| *more > 0) {
        says.push(Span::plain(format!(
            "{} are in the table.",
            plural(more as u32, "more scenario")
        )));
    }
    says
}

/// How the promises of a run fared, as far as its intervals tell.
#[derive(Copy, Clone, Debug, PartialEq)]
enum Standing {
    Keeps,
    /// At least one may be kept or missed, and none is certainly missed.
    Open,
    Breaks,
    /// Nothing was promised, or nothing was measured.
    Unjudged,
}

fn standing(view: &RunView<'_>) -> Standing {
    // A single replication has no interval, so nothing is certain.
    let is_open = |s: &SloResult| s.may_be_chance() || s.observed.lo.or(s.observed.hi).is_none();
    let missed = || view.run.slo.iter().filter(|s| !s.met);
    match view.run.slo.is_empty() || view.is_empty() {
        true => Standing::Unjudged,
        false if missed().any(|s| s.observed.value.is_none() || !is_open(s)) => Standing::Breaks,
        false if view.run.slo.iter().any(is_open) => Standing::Open,
        false => Standing::Keeps,
    }
}

/// Which of several runs to take, judged by their promises; `None` if nothing was promised.
pub(super) fn which(views: &[RunView<'_>]) -> Option<Span> {
    let of = |wanted| -> Vec<String> {
        let found = views.iter().filter(|v| standing(v) == wanted);
        found.map(|v| apart(v.name)).collect()
    };
    let [sure, open, broken] = [Standing::Keeps, Standing::Open, Standing::Breaks].map(of);
    let tell = "more replications (`--replications`, or `--precision`) would tell";
    let says = match (sure.as_slice(), open.as_slice()) {
        ([], []) if broken.is_empty() => return None,
        ([], []) => format!("Take none of them as it is. {}", mend(views)),
        ([], open) => format!("{} may keep every promise: {tell}.", text::few(open, MOST, "and")),
        (sure, []) if sure.len() == views.len() => "Each keeps what it promises: choose by what it costs.".into(),
        (sure, []) if sure.len() + broken.len() == views.len() => {
            let others = match broken.len() {
                1 => "the other breaks",
                _ => "the others break",
            };
            format!("Take {}: {others} a promise.", text::few(sure, MOST, "or"))
        }
        (sure, []) => {
            let keep = if sure.len() == 1 { "keeps" } else { "keep" };
            format!("{} {keep} every promise.", text::few(sure, MOST, "and"))
        }
        (sure, open) => format!(
            "Take {}. {} may keep every promise too: {tell}.",
            text::few(sure, MOST, "or"),
            text::few(open, MOST, "and")
        ),
    };
    Some(Span::plain(says))
}

/// A name for use in a list, quoted if its own commas would split it.
pub(super) fn apart(name: &str) -> String {
    match name.contains(',') {
        true => format!("“{name}”"),
        false => name.to_owned(),
    }
}

/// Where to begin when every run breaks a promise: at the one that answers most, if there is one.
fn mend(views: &[RunView<'_>]) -> String {
    let available = |v: &RunView<'_>| measured(v.run.metrics.availability.value).unwrap_or(0.0);
    let mut best: Vec<&RunView<'_>> = views.iter().filter(|v| standing(v) == Standing::Breaks).collect();
    best.sort_by(|a, b| available(b).total_cmp(&available(a)));
    match best.as_slice() {
        [first, second, ..] if available(first) > available(second) => format!(
            "{} answers most; `fallover review` and `fallover spof` say what is left to mend there.",
            first.name
        ),
        _ => "`fallover review` and `fallover spof` say what is left to mend.".into(),
    }
}

/// Do the promises leave the choice between these runs open?
pub(super) fn all_keep(views: &[RunView<'_>]) -> bool {
    views.iter().all(|v| standing(v) == Standing::Keeps)
}

fn promises(view: &RunView<'_>) -> Vec<Span> {
    let slo = &view.run.slo;
    if slo.is_empty() {
        return vec![Span::plain("Nothing was promised: the scenario has no `slo`.")];
    }
    let missed: Vec<&SloResult> = slo.iter().filter(|s| !s.met).collect();
    if missed.is_empty() {
        let first = objective(&slo[0]);
        let close: Vec<&str> = close(slo).map(|s| s.objective.as_str()).collect();
        if !close.is_empty() {
            let says = format!(
                "No promise was missed, but {} came so close that it may be chance.",
                text::listed(&close)
            );
            return vec![Span::new(Tone::Caution, says)];
        }
        let says = match slo.len() {
            1 => format!(
                "The promise was kept: {} was {}, and {} was promised.",
                slo[0].objective, first.1, first.0
            ),
            n => format!("All {n} promises were kept."),
        };
        let slowest = slower_class(view).map(Span::plain);
        return [Some(Span::new(Tone::Good, says)), slowest]
            .into_iter()
            .flatten()
            .collect();
    }
    let say = |s: &&SloResult| {
        let (target, observed) = objective(s);
        let what = &s.objective;
        let says = match s.observed.value {
            Some(_) if s.may_be_chance() => {
                format!("Promise missed, though that may be chance: {what} was {observed}, and {target} was promised.")
            }
            Some(_) => format!("Promise missed: {what} was {observed}, and {target} was promised."),
            None => format!("Promise missed: {target} was promised for {what}, and nothing was answered."),
        };
        Span::new(Tone::Bad, says)
    };
    let mut says: Vec<Span> = missed.iter().take(MOST).map(say).collect();
    if missed.len() > MOST {
        let (more, all) = (missed.len() - MOST, slo.len());
        let verb = if more == 1 { "was" } else { "were" };
        let more = format!("Of {all} promises {more} more {verb} missed.");
        says.push(Span::new(Tone::Bad, more));
    }
    says
}

/// A promise about the latency of all requests together may hide a class that is beyond it: the slowest of those.
fn slower_class(view: &RunView<'_>) -> Option<String> {
    let of = |latency: &Latency, objective: &str| match objective {
        "p50" => latency.p50.value,
        "p90" => latency.p90.value,
        "p95" => latency.p95.value,
        "p99" => latency.p99.value,
        "p999" => latency.p999.value,
        _ => None,
    };
    let classes = || view.run.classes.iter().filter(|_| view.run.classes.0.len() > 1);
    let beyond = view.run.slo.iter().flat_map(|slo| {
        let slow = classes().filter_map(move |(name, m)| Some((name, of(&m.latency_s, &slo.objective)?)));
        slow.map(move |(name, value)| (slo, name, value))
    });
    let beyond = beyond.filter(|(slo, _, value)| *value > slo.target);
    let (slo, name, value) = beyond.max_by(|a, b| (a.2 / a.0.target).total_cmp(&(b.2 / b.0.target)))?;
    Some(format!(
        "That is of all requests together: {} of {name} alone was {}.",
        slo.objective,
        units::latency(value)
    ))
}

fn losses(view: &RunView<'_>) -> Span {
    let requests = &view.run.metrics.requests;
    let ended = units::count(requests.ended());
    let more = match is_much(requests.unfinished, requests.offered) {
        true => format!(
            " {} more were still inside at the end.",
            units::count(requests.unfinished)
        ),
        false => String::new(),
    };
    let causes = worst_causes(view.run);
    let Some((cause, n)) = causes.first() else {
        return Span::plain(format!("None of {ended} requests failed.{more}"));
    };
    let nearly_all = *n as f64 > 0.95 * requests.failed as f64;
    let share = match nearly_all {
        true if causes.len() == 1 => "all of them".to_owned(),
        true => "nearly all of them".to_owned(),
        false => units::count(*n),
    };
    Span::plain(format!(
        "{} of {ended} requests failed, {share} for one cause, {}: {}.{more}",
        units::count(requests.failed),
        cause.replace('_', " "),
        meaning(cause).0
    ))
}

/// The causes of failure, the worst first.
fn worst_causes(run: &Run) -> Vec<(&str, u64)> {
    let is_cause = |(name, n): &(&str, &u64)| !matches!(*name, "ok" | "unfinished") && **n > 0;
    let causes = run.metrics.outcomes.iter().filter(is_cause);
    let mut causes: Vec<(&str, u64)> = causes.map(|(name, n)| (name, *n)).collect();
    causes.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    causes
}

/// What a cause means, and what helps against it.
fn meaning(cause: &str) -> (&'static str, &'static str) {
    match cause {
        "refused" => (
            "the machine was there, but the process was not, or had no connection left",
            "Against refused requests: a second component that takes over what died, and in front of it something that \
             notices (`check`) and tries another (`retries` with `redispatch`).",
        ),
        "queue_full" | "queue_timeout" => (
            "more came than could be served, and the waiting was cut short",
            "Against full queues: more servers or workers, or less load. `fallover capacity` says how much there is room \
             for, and what is short first.",
        ),
        "server_timeout" | "client_timeout" => (
            "somebody waited longer than they were ready to",
            "Against time-outs: find what is slow (who was busy, below) and give it room; a longer time-out only moves \
             the wait.",
        ),
        "reset" => (
            "a process died with the request in it",
            "Against resets: let the balancer try another server where that is safe (`retry_on`).",
        ),
        "no_server" => (
            "a balancer had no server that it believed to be up",
            "Against having no server: one more server, a `backup`, or checks that are slower to condemn (`fall`).",
        ),
        "unresolved" => (
            "DNS gave no address",
            "Against unresolved names: a second resolver in `entry`, and a longer `ttl`.",
        ),
        "unreachable" => (
            "a machine or a link said nothing, and the caller found out by its own time-out",
            "Against silence: let something find out before the requests do (`check`), wait less long for a connection \
             (`connect`) and then leave what is dead alone for a while (`avoid`, `fail_timeout`). What has no second way, in \
             another zone where a zone was lost, needs one.",
        ),
        "rejected" => (
            "a firewall or a rate limit turned it away",
            "Against rejections: raise the limit if what stands behind it has room (who was busy, below).",
        ),
        _ => (
            "the answer was an error",
            "Against error answers: take the component that gives them out of service (`observe`, `check` with `deep`); a web \
             server that has no connection left for an upstream gives them too, and needs more `connections`.",
        ),
    }
}

/// The remedy for a cause. Where something took over, it does not suggest adding a standby that is already there.
fn remedy(cause: &str, run: &Run) -> &'static str {
    let took_over = |e: &Happening| e.what == "takes over" || e.what.starts_with("promoted");
    let always_up = |up: &Estimate| up.value == Some(1.0);
    let all_up =
        run.nodes.iter().all(|(_, n)| always_up(&n.up_ratio)) && run.hosts.iter().all(|(_, h)| always_up(&h.up_ratio));
    match cause {
        "refused" if all_up => {
            "Against refused requests: nothing was down, so there was no connection left. Raise `connections` or \
             `max_connections` where most was refused, or find why each is held so long."
        }
        "refused" if run.events.iter().any(took_over) => {
            "Against refused requests: something did take over, but until then they were refused. Let it notice sooner \
             and act faster (`failover`)."
        }
        _ => meaning(cause).1,
    }
}

/// The worst stretch: the bins below the promised availability in which most was lost.
fn worst_stretch(view: &RunView<'_>) -> Option<Span> {
    let timeline = &view.run.timeline;
    let availability = &timeline.series.get("availability")?.median;
    let promise = view.run.slo.iter().find(|s| s.objective == "availability");
    let floor = promise.map_or(0.99, |s| s.target);
    let (mut worst, mut from, mut lost) = ((0.0, 0, 0), 0, 0.0);
    for i in 0..=availability.len() {
        match availability.get(i).copied().flatten().filter(|a| *a < floor) {
            Some(a) => lost += 1.0 - a,
            None => {
                if lost > worst.0 {
                    worst = (lost, from, i);
                }
                (from, lost) = (i + 1, 0.0);
            }
        }
    }
    let (lost, from, to) = worst;
    if lost == 0.0 {
        return None;
    }
    let (from_s, to_s) = (from as f64 * timeline.bin_s, to as f64 * timeline.bin_s);
    let lowest = availability[from..to].iter().flatten().copied().fold(1.0, f64::min);
    let during = during(view, from_s, to_s);
    // Whether it recovered is unknown: later requests were still in flight, or none came.
    let to_the_end = to - from >= LASTING && availability[to..].iter().all(Option::is_none);
    let when = match to_the_end {
        true => format!(
            "from {} on{during}, and had not recovered at the end",
            units::clock(from_s)
        ),
        false => format!("between {} and {}{during}", units::clock(from_s), units::clock(to_s)),
    };
    Some(Span::plain(format!(
        "It was worst {when}: availability fell to {}.",
        units::percent(lowest)
    )))
}

/// What was broken in this stretch of time, as part of a sentence; empty if nothing was.
fn during(view: &RunView<'_>, from_s: f64, to_s: f64) -> String {
    let broken = periods(&view.run.events, view.duration_s).0;
    let bin_s = view.run.timeline.bin_s;
    let first = broken.iter().find(|p| p.from_s < to_s && p.to_s >= from_s - bin_s);
    // A request that arrives before the failure may be lost to it while in flight.
    first.map_or(String::new(), |p| match p.from_s > from_s + 1e-9 {
        true => format!(
            " (by time of arrival), with the {} of {} at {}",
            p.effect,
            p.target,
            units::clock(p.from_s)
        ),
        false => format!(", from the {} of {} on", p.effect, p.target),
    })
}

/// The stretch with the slowest answers above a missed latency promise, where something was broken.
fn slowest_stretch(view: &RunView<'_>) -> Option<Span> {
    let timeline = &view.run.timeline;
    let missed = |name: &str| view.run.slo.iter().find(|s| s.objective == name && !s.met);
    let series = |name| timeline.series.get(name).map(|s| &s.median);
    let late = [("p99", "latency_p99_s"), ("p50", "latency_p50_s")];
    let (name, slo, latency) = late
        .iter()
        .find_map(|(name, of)| Some((name, missed(name)?, series(of)?)))?;
    let slow = |l: &Option<f64>| l.is_some_and(|l| l > slo.target);
    let at = |bin: usize| bin as f64 * timeline.bin_s;
    let stretches = latency.chunk_by(|a, b| slow(a) == slow(b)).scan(0, |from, chunk| {
        let stretch = (*from, *from + chunk.len());
        *from = stretch.1;
        Some(stretch)
    });
    let slow_ones = stretches.filter(|(from, _)| slow(&latency[*from]));
    let (from, to) = slow_ones.max_by_key(|(from, to)| to - from)?;
    let during = during(view, at(from), at(to));
    let highest = latency[from..to].iter().flatten().copied().fold(0.0, f64::max);
    let says = format!(
        "Answers were slowest between {} and {}{during}: {name} rose to {}.",
        units::clock(at(from)),
        units::clock(at(to)),
        units::latency(highest)
    );
    (!during.is_empty()).then(|| Span::plain(says))
}
