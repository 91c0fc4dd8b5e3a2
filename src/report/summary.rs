//! The report of `run`: from a result document to what a reader wants to know, the verdict first.
//!
//! It selects, orders and words. It computes nothing that is not in the document and never looks at a node's kind.

use super::busy::{MOST_HOSTS, MOST_NODES, hosts, nodes};
use super::document::{Block, Column, Fact, Report, Span, Table, Tone};
use super::text::few;
use super::timeline::timeline;
use super::units::{self, NOTHING};
use super::view::{RunView, runs};
use crate::analysis::result::{
    Answer, Caveat, Document, Estimate, Happening, Latency, Metrics, Ordered, Run, SloResult,
};

/// How many classes fit a screen.
const MOST_CLASSES: usize = 6;
const MOST_EVENTS: usize = 8;
pub(super) const MOST_CAVEATS: usize = 6;
const MOST_SCENARIOS: usize = 20;
/// More scenarios than these are not distinguished in a sentence.
const MOST_TOLD: usize = 3;

/// The summary of a `run`, of one scenario or of several.
pub fn summary(document: &Document) -> Report {
    let runs = runs(document);
    let mut blocks = Vec::new();
    match runs.as_slice() {
        [one] if one.replications == 0 => {}
        [one] => blocks.extend(one_scenario(one)),
        several => blocks.extend(several_scenarios(several)),
    }
    blocks.extend(caveats(document, &runs, MOST_CAVEATS));
    let title = match runs.as_slice() {
        [] | [_] => document.envelope.scenario.name.clone(),
        several => format!("{} scenarios", several.len()),
    };
    Report {
        title,
        subtitle: subtitle(document),
        blocks,
    }
}

/// Why the result is incomplete, and what it covers.
pub fn incomplete(document: &Document) -> String {
    if let Answer::Sweep(sweep) = &document.answer {
        let (here, all) = (units::count(sweep.points.len() as u64), units::count(sweep.size));
        return format!("INCOMPLETE: {here} of the {all} points asked for are here.");
    }
    let runs = runs(document);
    let overflowed = |caveats: &[Caveat]| caveats.iter().any(|c| c.code == "overflow");
    if overflowed(&document.caveats) || runs.iter().any(|r| overflowed(r.caveats)) {
        return "INCOMPLETE: the simulation outgrew its limits, and was ended early; \
                the numbers below cover only the time before."
            .into();
    }
    let of_all = asked_for(document).map_or(String::new(), |n| format!(" of {n}"));
    let finished = match runs.as_slice() {
        [] if matches!(document.answer, Answer::Availability(_)) => {
            format!(
                "{}{of_all} of each state",
                plural(document.envelope.replications, "replication")
            )
        }
        [] => return "INCOMPLETE: not all of the work was finished; the numbers below cover only what was.".into(),
        runs if runs.iter().all(|r| r.replications == 0) => {
            return "INCOMPLETE: interrupted before a replication was finished: nothing to show.".into();
        }
        [one] => format!("{}{of_all}", plural(one.replications, "replication")),
        [first, ..] if runs.iter().all(|r| r.replications == first.replications) => {
            format!("{}{of_all} of each", plural(first.replications, "replication"))
        }
        runs => {
            let of_each: Vec<String> = runs
                .iter()
                .map(|r| format!("{} of {}", r.replications, r.name))
                .collect();
            format!("so many replications{of_all}: {}", few(&of_each, MOST_TOLD, "and"))
        }
    };
    format!("INCOMPLETE: interrupted after {finished}; the numbers below cover only what was finished.")
}

/// How many replications were requested, if that was typed as a number.
fn asked_for(document: &Document) -> Option<&str> {
    let options = &document.envelope.options;
    let number = options.iter().skip_while(|o| *o != "--replications").nth(1)?;
    number.parse::<u32>().is_ok().then_some(number)
}

/// How the numbers were obtained: `20 replications × 5 min, the first 30 s left out as warm-up, seed 1`.
pub fn subtitle(document: &Document) -> String {
    let runs = runs(document);
    let how = |r: &RunView<'_>| (r.replications, r.duration_s, r.warmup_s);
    if runs.windows(2).any(|pair| how(&pair[0]) != how(&pair[1])) {
        let (fewest, most) = least_and_most(runs.iter().map(|r| f64::from(r.replications)));
        let (shortest, longest) = least_and_most(runs.iter().map(|r| r.duration_s));
        let replications = match fewest == most {
            true => plural(fewest as u32, "replication"),
            false => format!("{fewest} to {}", plural(most as u32, "replication")),
        };
        let duration = match shortest == longest {
            true => units::span(shortest),
            false => format!("{} to {}", units::span(shortest), units::span(longest)),
        };
        return format!("{replications} × {duration} each, {}", seed(document));
    }
    let replications = plural(document.envelope.replications, "replication");
    let warmup = match document.envelope.warmup_s.unwrap_or(0.0) {
        w if w > 0.0 => format!(", the first {} left out as warm-up", units::span(w)),
        _ => String::new(),
    };
    format!(
        "{replications} × {}{warmup}, {}",
        units::span(document.envelope.duration_s),
        seed(document)
    )
}

/// The seed, or that nothing was drawn.
pub fn seed(document: &Document) -> String {
    match document.envelope.seed {
        Some(seed) => format!("seed {seed}"),
        None => "nothing drawn".into(),
    }
}

fn one_scenario(view: &RunView<'_>) -> Vec<Block> {
    let run = view.run;
    let mut blocks = Vec::new();
    if !run.slo.is_empty() {
        blocks.push(Block::Table(objectives(view, MOST_CLASSES)));
    }
    let mut facts = headline(&run.metrics);
    facts.extend(lags(run, MOST_CLASSES));
    blocks.push(Block::Facts(facts));
    if run.metrics.requests.succeeded > 0 {
        blocks.push(Block::Table(latencies(&run.metrics, &run.classes, MOST_CLASSES)));
    }
    // A table of names alone is useless, and where nothing was measured there is nothing else.
    let tells = |table: &Table| !view.is_empty() && !table.rows.is_empty() && table.columns.len() > 1;
    blocks.extend(Some(nodes(&run.nodes, MOST_NODES)).filter(tells).map(Block::Table));
    blocks.extend(Some(hosts(&run.hosts, MOST_HOSTS)).filter(tells).map(Block::Table));
    blocks.extend(timeline(&[*view]).map(Block::Timeline));
    blocks.extend(happenings(view).map(|fact| Block::Facts(vec![fact])));
    blocks
}

/// One row for each scenario, the causes of failure, and the curves in one picture.
pub(super) fn several_scenarios(views: &[RunView<'_>]) -> Vec<Block> {
    let mut blocks = vec![Block::Table(scenarios(views, MOST_SCENARIOS))];
    let causes = causes_of_each(views, MOST_SCENARIOS);
    if !causes.is_empty() {
        blocks.push(Block::Heading("Failed by cause".into()));
        blocks.push(Block::Facts(causes));
    }
    blocks.extend(timeline(&views[..views.len().min(MOST_SCENARIOS)]).map(Block::Timeline));
    blocks
}

/// One row for each scenario.
pub(super) fn scenarios(views: &[RunView<'_>], most: usize) -> Table {
    let columns = vec![
        Column::left("scenario"),
        Column::left("SLO").rank(6),
        Column::right("available"),
        Column::right("throughput").rank(2),
        Column::right("p50").rank(4),
        Column::right("p95").rank(1),
        Column::right("p99").rank(5),
        Column::right("failed").rank(3),
    ];
    let row = |view: &RunView<'_>| {
        let metrics = &view.run.metrics;
        vec![
            Span::new(Tone::Strong, view.name),
            verdict(view),
            Span::plain(units::percent_estimate(&metrics.availability)),
            Span::plain(units::rate_estimate(&metrics.throughput_per_s)),
            Span::plain(units::latency_estimate(&metrics.latency_s.p50)),
            Span::plain(units::latency_estimate(&metrics.latency_s.p95)),
            Span::plain(units::latency_estimate(&metrics.latency_s.p99)),
            Span::plain(units::count(metrics.requests.failed)),
        ]
    };
    let rows = views.iter().take(most).map(row).collect();
    Table {
        columns,
        rows,
        footnote: unshown(views.len(), most, "scenario"),
    }
}

/// The causes of failure in each scenario.
pub(super) fn causes_of_each(views: &[RunView<'_>], most: usize) -> Vec<Fact> {
    let failed = views.iter().take(most).filter(|v| v.run.metrics.requests.failed > 0);
    failed
        .map(|v| Fact::new(v.name, failure_causes(&v.run.metrics)))
        .collect()
}

fn headline(metrics: &Metrics) -> Vec<Fact> {
    let requests = &metrics.requests;
    let mut available = vec![Span::new(Tone::Strong, units::percent_estimate(&metrics.availability))];
    available.extend(metrics.availability.value.and_then(units::nines).map(Span::plain));
    available.push(Span::plain(format!(
        "{} of {} failed",
        units::count(requests.failed),
        units::count(requests.ended())
    )));
    let bound = units::at_least(&metrics.availability);
    available.extend(bound.map(|b| Span::plain(format!("{b} with 95 % confidence"))));
    if is_much(requests.unfinished, requests.offered) {
        let says = format!("{} unfinished are not counted", units::count(requests.unfinished));
        available.push(Span::new(Tone::Caution, says));
    }
    let mut throughput = vec![Span::new(Tone::Strong, units::rate_estimate(&metrics.throughput_per_s))];
    if requests.unfinished > 0 {
        throughput.push(Span::plain(format!(
            "{} still under way at the end",
            units::count(requests.unfinished)
        )));
    }
    let mut facts = vec![Fact::new("Available", available), Fact::new("Throughput", throughput)];
    facts.extend(details(metrics));
    facts
}

/// Details next to the headline where they occurred: causes of failure, retries by clients, whole pages.
pub(super) fn details(metrics: &Metrics) -> Vec<Fact> {
    let requests = &metrics.requests;
    let mut facts = Vec::new();
    if requests.failed > 0 {
        facts.push(Fact::new("Failed by", failure_causes(metrics)));
    }
    if metrics.attempts > requests.offered {
        let per_request = metrics.attempts as f64 / requests.offered.max(1) as f64;
        let says = format!(
            "{} by the clients, {per_request:.2} a request",
            units::count(metrics.attempts)
        );
        facts.push(Fact::plain("Attempts", says));
    }
    if let Some(page) = &metrics.page_s {
        let (p50, p99) = (units::latency_estimate(&page.p50), units::latency_estimate(&page.p99));
        facts.push(Fact::new(
            "Page view",
            vec![Span::plain(format!("p50 {p50}")), Span::plain(format!("p99 {p99}"))],
        ));
    }
    facts
}

/// The replication lag of writes, by database, where there is any.
pub(super) fn lags(run: &Run, most: usize) -> Option<Fact> {
    let say = |(database, lag): (&str, &Latency)| {
        let (p50, p99) = (units::latency_estimate(&lag.p50), units::latency_estimate(&lag.p99));
        [format!("{database} p50 {p50}"), format!("p99 {p99}")].map(Span::plain)
    };
    let says: Vec<Span> = run.lag_s.iter().take(most).flat_map(say).collect();
    (!says.is_empty()).then(|| Fact::new("Replica lag", says))
}

/// More than one in a hundred: the reader must know this before trusting the rest.
pub(super) fn is_much(part: u64, whole: u64) -> bool {
    part > whole / 100
}

/// The worst cause first, each with its share of the failures.
pub(super) fn failure_causes(metrics: &Metrics) -> Vec<Span> {
    let is_failure = |(name, n): &(&str, &u64)| !matches!(*name, "ok" | "unfinished") && **n > 0;
    let mut causes: Vec<(&str, &u64)> = metrics.outcomes.iter().filter(is_failure).collect();
    causes.sort_by(|a, b| b.1.cmp(a.1));
    let failed = metrics.requests.failed.max(1) as f64;
    let say = |(name, n): (&str, &u64)| {
        let share = units::percent_brief(&alone(*n as f64 / failed));
        Span::plain(format!("{} {} ({share})", name.replace('_', " "), units::count(*n)))
    };
    causes.into_iter().map(say).collect()
}

pub(super) fn objectives(view: &RunView<'_>, most: usize) -> Table {
    let slo = &view.run.slo;
    let columns = vec![
        Column::left("SLO"),
        Column::left("objective"),
        Column::right("target"),
        Column::right("observed"),
    ];
    let row = |s: &SloResult| {
        let mark = match view.is_empty() {
            true => Span::new(Tone::Quiet, "not measured"),
            false => judged(s.met, s.may_be_chance(), if s.met { "met" } else { "missed" }),
        };
        let (target, observed) = objective(s);
        let observed = Span::new(mark.tone, observed);
        vec![mark, Span::plain(s.objective.clone()), Span::plain(target), observed]
    };
    // Missed promises must not be hidden behind kept ones.
    let mut order: Vec<&SloResult> = slo.iter().collect();
    order.sort_by_key(|s| (s.met, !s.may_be_chance()));
    let most = most.max(slo.iter().filter(|s| !s.met).count());
    let rows = order.into_iter().take(most).map(row).collect();
    Table {
        columns,
        rows,
        footnote: unshown(slo.len(), most, "objective"),
    }
}

/// Target and observation in the unit of the objective, which is the last segment of its path.
pub(super) fn objective(slo: &SloResult) -> (String, String) {
    match slo.objective.rsplit('.').next().unwrap_or_default() {
        "availability" => (
            format!("≥ {}", units::percent(slo.target)),
            units::percent_estimate(&slo.observed),
        ),
        "error_ratio" => (
            format!("≤ {}", units::percent(slo.target)),
            units::percent_estimate(&slo.observed),
        ),
        _ => (
            format!("≤ {}", units::latency(slo.target)),
            units::latency_estimate(&slo.observed),
        ),
    }
}

/// Is the objective about lost requests rather than late ones?
pub(super) fn is_of_losses(objective: &str) -> bool {
    objective.ends_with("availability") || objective.ends_with("error_ratio")
}

/// The verdict on all promises: kept, missed, or too close to call.
pub(super) fn verdict(view: &RunView<'_>) -> Span {
    let slo = &view.run.slo;
    match slo.iter().filter(|s| !s.met).count() {
        _ if slo.is_empty() || view.is_empty() => Span::new(Tone::Quiet, NOTHING),
        0 => judged(true, SloResult::are_open(slo), "met"),
        missed => judged(
            false,
            SloResult::are_open(slo),
            &format!("{missed} of {} missed", slo.len()),
        ),
    }
}

/// The verdict on promises, with its sign.
pub(super) fn judged(met: bool, open: bool, says: &str) -> Span {
    let (sign, tone) = match (met, open) {
        (_, true) => ("?", Tone::Caution),
        (true, false) => ("✓", Tone::Good),
        (false, false) => ("✗", Tone::Bad),
    };
    Span::new(tone, format!("{sign} {says}"))
}

pub(super) fn latencies(all: &Metrics, classes: &Ordered<Metrics>, most: usize) -> Table {
    // Where nothing failed, the headline already says so.
    let failures = all.requests.failed > 0;
    let columns = vec![
        Column::left("latency"),
        // The first thing to know about a failure is which class it hit.
        Column::right("available").rank(6),
        Column::right("mean").rank(1),
        Column::right("p50").rank(5),
        Column::right("p95").rank(3),
        Column::right("p99"),
        Column::right("p99.9").rank(2),
    ];
    let row = |(name, m): (&str, &Metrics)| {
        let l = &m.latency_s;
        let mut row = vec![Span::plain(name), Span::plain(units::percent_estimate(&m.availability))];
        row.extend([l.mean, l.p50, l.p95, l.p99, l.p999].map(|e| Span::plain(units::latency_estimate(&e))));
        without_second(row, failures)
    };
    // A single class equals the total.
    let split = classes.iter().filter(|_| classes.0.len() > 1);
    let rows = std::iter::once(("all", all)).chain(split.take(most)).map(row).collect();
    Table {
        columns: without_second(columns, failures),
        rows,
        footnote: unshown(classes.0.len(), most, "class"),
    }
}

fn without_second<T>(mut cells: Vec<T>, keep: bool) -> Vec<T> {
    if !keep {
        cells.remove(1);
    }
    cells
}

fn happenings(view: &RunView<'_>) -> Option<Fact> {
    let events = &view.run.events;
    let say = |e: &Happening| Span::plain(format!("{} {} {}", units::clock(e.at_s), e.target, e.what));
    // Random failures differ between replications.
    let by_chance = events.iter().any(|e| e.what == "fails") && view.replications > 1;
    let whose = by_chance.then(|| Span::new(Tone::Quiet, "of the first replication"));
    let mut items: Vec<Span> = whose
        .into_iter()
        .chain(events.iter().take(MOST_EVENTS).map(say))
        .collect();
    if events.len() > MOST_EVENTS {
        items.push(Span::new(
            Tone::Quiet,
            format!("… and {} more", events.len() - MOST_EVENTS),
        ));
    }
    (!items.is_empty()).then(|| Fact::new("Events", items))
}

/// The caveats of all runs together and of each; at most `most`.
pub(super) fn caveats(document: &Document, runs: &[RunView<'_>], most: usize) -> Vec<Block> {
    let note = |text: String| Block::Note(Span::new(Tone::Caution, text));
    let shared = document.caveats.iter().map(|c| c.message.clone());
    let all: Vec<String> = shared.chain(of_several(runs)).collect();
    let more = all.len().saturating_sub(most);
    let mut notes: Vec<Block> = all.into_iter().take(most).map(note).collect();
    if more > 0 {
        notes.push(note(format!(
            "{more} more like these in the JSON result, under caveats."
        )));
    }
    notes
}

/// The caveats of several runs. Those that differ only in numbers are merged, with the number of runs they apply to.
fn of_several(runs: &[RunView<'_>]) -> Vec<String> {
    // Only free-standing numbers count; a number at the end of a name tells names apart.
    let is_number = |word: &&str| word.replace(',', "").trim_end_matches(':').parse::<f64>().is_ok();
    let kind = |c: &Caveat| {
        let words = c.message.split_whitespace().filter(|word| !is_number(word));
        (c.code.clone(), words.collect::<Vec<_>>().join(" "))
    };
    let mut kinds: Vec<((String, String), &str, &Caveat, usize)> = Vec::new();
    for (view, caveat) in runs.iter().flat_map(|view| view.caveats.iter().map(move |c| (view, c))) {
        match kinds.iter_mut().find(|(said, ..)| *said == kind(caveat)) {
            Some((.., others)) => *others += 1,
            None => kinds.push((kind(caveat), view.name, caveat, 0)),
        }
    }
    let say = |(_, name, caveat, others): (_, &str, &Caveat, usize)| match others {
        0 => format!("{name}: {}", caveat.message),
        others => format!("{name} (and likewise {others} more): {}", caveat.message),
    };
    kinds.into_iter().map(say).collect()
}

/// `… and 3 more nodes`, or nothing.
pub(super) fn unshown(all: usize, most: usize, what: &str) -> String {
    match all.saturating_sub(most) {
        0 => String::new(),
        more => format!("… and {}", plural(more as u32, &format!("more {what}"))),
    }
}

/// `1 replication`, `20 replications`.
pub fn plural(n: u32, what: &str) -> String {
    let ending = match what.ends_with("ss") {
        _ if n == 1 => "",
        true => "es",
        false => "s",
    };
    format!("{} {what}{ending}", units::count(n.into()))
}

fn least_and_most(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, 0.0), |(least, most), v| (least.min(v), most.max(v)))
}

/// A value without an interval.
pub(super) fn alone(value: f64) -> Estimate {
    Estimate {
        value: Some(value),
        lo: None,
        hi: None,
        confidence: 0.95,
    }
}
