//! The report of `compare`: one sentence to quote for each pair of designs, then each design, then each difference.

use super::capacity::per_s;
use super::document::{Block, Column, Point, Report, Span, Table, Tone};
use super::summary::{MOST_CAVEATS, caveats, plural, several_scenarios, subtitle, unshown};
use super::text::listed;
use super::units::{self, NOTHING};
use super::view::runs;
use crate::analysis::compare::{Compare, Difference, Verdict};
use crate::analysis::result::{Answer, Document, Estimate, NamedRun};

/// With more designs than this, each is compared only with the first, in one table.
const MOST_DESIGNS: usize = 3;
/// Loads that differ by no more than this differ by chance.
const MORE_THAN_CHANCE: f64 = 0.02;
/// More loads than these are not listed in a sentence.
const MOST_LOADS: usize = 3;
/// How many rows fit a screen.
const MOST_ROWS: usize = 24;

/// The report of a `compare` document.
pub fn report(document: &Document) -> Report {
    let views = runs(document);
    let mut blocks = Vec::new();
    if let Answer::Compare(compare) = &document.answer
        && document.envelope.replications > 0
    {
        let pairs = compare.pairs();
        let loads = loads(compare);
        blocks.extend(unlike(compare).map(|says| Block::Note(Span::new(Tone::Caution, says))));
        if views.len() <= MOST_DESIGNS {
            blocks.extend(pairs.iter().map(|p| Block::Point(sentence(p, &loads))));
            blocks.extend(several_scenarios(&views));
            for pair in &pairs {
                blocks.push(Block::Heading(format!("{} → {}", pair[0].a, pair[0].b)));
                blocks.push(Block::Table(differences(pair, &loads)));
            }
        } else {
            blocks.extend(several_scenarios(&views));
            blocks.extend(against_first(&pairs, &loads));
        }
        let looks = shown_of(compare).into_iter().chain(pays(compare));
        blocks.extend(looks.map(|says| Block::Note(Span::new(Tone::Quiet, says))));
    }
    blocks.extend(caveats(document, &views, MOST_CAVEATS));
    let labels: Vec<&str> = views.iter().map(|v| v.name).collect();
    Report {
        title: match labels.as_slice() {
            [a, b] => format!("{}: {a} or {b}?", document.envelope.scenario.name),
            _ => format!("{}: {} designs", document.envelope.scenario.name, labels.len()),
        },
        subtitle: format!("{}{}, common random numbers", subtitle(document), varied(document)),
        blocks,
    }
}

/// The settings that the designs vary, in the order of their values.
fn varied(document: &Document) -> String {
    let Answer::Compare(compare) = &document.answer else {
        return String::new();
    };
    match compare.paths().as_slice() {
        [first, others @ ..] if !first.is_empty() && others.iter().all(|paths| paths == first) => {
            format!(", by {}", first.join(", "))
        }
        _ => String::new(),
    }
}

/// The requests a second offered to each design, where they differ by more than chance: a design that is offered more
/// answers more.
pub(super) fn loads(compare: &Compare) -> Vec<(&str, f64)> {
    let load = |(label, of): (_, &NamedRun)| {
        let seconds = f64::from(of.replications) * (of.duration_s - of.warmup_s);
        (
            label,
            of.run.metrics.requests.offered as f64 / seconds.max(f64::MIN_POSITIVE),
        )
    };
    let loads: Vec<(&str, f64)> = compare.variants.iter().map(load).collect();
    // Clients that wait for answers send less to a slow design; that is an effect of the design.
    let changes_clients = |paths: &Vec<&str>| paths.is_empty() || paths.iter().any(|p| p.starts_with("clients."));
    let most = loads.iter().map(|l| l.1).fold(0.0, f64::max);
    let differs = loads.iter().any(|(_, load)| *load < (1.0 - MORE_THAN_CHANCE) * most);
    match differs && compare.paths().iter().any(changes_clients) {
        true => loads,
        false => Vec::new(),
    }
}

/// A caveat where the designs were offered different loads.
pub(super) fn unlike(compare: &Compare) -> Option<String> {
    let mut loads = loads(compare);
    loads.sort_by(|a, b| a.1.total_cmp(&b.1));
    let each = |(name, load): &(&str, f64)| format!("{name} for {}", per_s(*load));
    let says = match loads.as_slice() {
        [(_, least), .., (_, most)] if loads.len() > MOST_LOADS => format!("{} to {}", per_s(*least), per_s(*most)),
        few => listed(&few.iter().map(each).collect::<Vec<_>>()),
    };
    (!loads.is_empty()).then(|| {
        format!("They are asked for different loads, {says}: that one answers more a second does not make it better.")
    })
}

/// Whether a difference only reflects the offered load, which makes no design better.
pub(super) fn is_of_load(loads: &[(&str, f64)], d: &Difference) -> bool {
    let of = |label: &str| loads.iter().find(|l| l.0 == label).map_or(0.0, |l| l.1);
    let (a, b) = (of(&d.a), of(&d.b));
    d.metric.ends_with("throughput_per_s") && (a - b).abs() > MORE_THAN_CHANCE * a.max(b)
}

fn of<'d>(pair: &'d [Difference], metric: &str) -> Option<&'d Difference> {
    pair.iter().find(|d| d.metric == metric)
}

/// `leastconn cuts p99 by 38 ± 4 ms (312 ms → 274 ms); availability: no difference shown.`
pub(super) fn sentence(pair: &[Difference], loads: &[(&str, f64)]) -> Point {
    let always = ["latency_s.p99", "availability"]
        .into_iter()
        .filter_map(|m| of(pair, m));
    // These are mentioned only where they differ.
    let others = ["throughput_per_s"].into_iter().filter_map(|m| of(pair, m));
    // Where p99 scatters too much to decide, another latency metric may decide.
    let p99_tells = of(pair, "latency_s.p99").is_some_and(Difference::matters);
    let instead = ["latency_s.mean", "latency_s.p95", "latency_s.p50"].into_iter();
    let instead = instead.filter_map(|m| of(pair, m)).find(|d| !p99_tells && d.matters());
    let is_much = |d: &&Difference| {
        d.a_value
            .zip(d.difference.value)
            .is_some_and(|(a, v)| v.abs() > 0.01 * a)
    };
    let others = others.filter(|d| d.matters() && !is_of_load(loads, d)).filter(is_much);
    let told: Vec<&Difference> = instead.into_iter().chain(always).chain(others).collect();
    let (other, same): (Vec<&Difference>, Vec<&Difference>) = told.iter().partition(|d| d.matters());
    let clauses = |of: &[&Difference], between: &str| of.iter().map(|d| clause(d)).collect::<Vec<_>>().join(between);
    let subject = match other.is_empty() {
        true => String::new(),
        false => format!("{} {}", pair[0].b, clauses(&other, " and ")),
    };
    let between = if subject.is_empty() || same.is_empty() {
        ""
    } else {
        "; "
    };
    let body = format!("{subject}{between}{}.", clauses(&same, "; "));
    let good = |wanted| other.iter().any(|d| d.verdict == wanted);
    let tone = match (good(Verdict::BBetter), good(Verdict::ABetter)) {
        (true, false) => Tone::Good,
        (false, true) => Tone::Bad,
        (true, true) => Tone::Caution,
        (false, false) => Tone::Strong,
    };
    let against = if !other.is_empty() { " against " } else { " or " };
    Point {
        head: vec![
            Span::new(tone, pair[0].b.clone()),
            Span::plain(format!("{against}{}", pair[0].a)),
        ],
        body,
        remedy: String::new(),
    }
}

fn clause(d: &Difference) -> String {
    let (name, Some(value)) = (short(&d.metric), d.difference.value) else {
        return format!("{}: not measured", short(&d.metric));
    };
    if d.verdict == Verdict::NoDifferenceShown {
        return format!("{name}: no difference shown");
    }
    if !d.matters() {
        return format!("{name}: {}, too little to matter", delta(d));
    }
    let verb = if value < 0.0 { "cuts" } else { "raises" };
    format!(
        "{verb} {name} by {} ({} → {})",
        size(d),
        number(d, d.a_value),
        number(d, d.b_value)
    )
}

fn short(metric: &str) -> &str {
    match metric {
        "throughput_per_s" => "throughput",
        m => m.rsplit("latency_s.").next().unwrap_or(m),
    }
}

/// The difference without its sign.
fn size(d: &Difference) -> String {
    let e = &d.difference;
    let positive = match e.value {
        Some(v) if v < 0.0 => Estimate {
            value: e.value.map(|v| -v),
            lo: e.hi.map(|v| -v),
            hi: e.lo.map(|v| -v),
            ..*e
        },
        _ => *e,
    };
    in_units(&d.metric, &positive)
}

/// The difference with its sign.
pub(super) fn delta(d: &Difference) -> String {
    let size = size(d);
    let is_zero = size.split(' ').next().and_then(|n| n.parse().ok()) == Some(0.0);
    let sign = match d.difference.value {
        Some(v) if v > 0.0 && !is_zero => "+",
        Some(v) if v < 0.0 && !is_zero => "−",
        _ => "",
    };
    format!("{sign}{size}")
}

/// A metric's display name: `read.p99`.
pub(super) fn name(metric: &str) -> String {
    let of_class = metric.strip_prefix("classes.").unwrap_or(metric);
    of_class.replace("latency_s.", "").replace("_per_s", "")
}

/// The differences that deserve a row. With one class, its own would only repeat the totals.
pub(super) fn told(pair: &[Difference]) -> Vec<&Difference> {
    let classes = pair.iter().filter(|d| d.metric.ends_with(".availability")).count();
    let is_new = |d: &&Difference| classes > 1 || !d.metric.starts_with("classes.");
    pair.iter().filter(is_new).collect()
}

fn in_units(metric: &str, e: &Estimate) -> String {
    match metric {
        m if m.ends_with("availability") => units::points_estimate(e),
        m if m.ends_with("throughput_per_s") => units::rate_estimate(e),
        _ => units::latency_estimate(e),
    }
}

fn number(d: &Difference, value: Option<f64>) -> String {
    let Some(value) = value else { return NOTHING.into() };
    match d.metric.as_str() {
        m if m.ends_with("availability") => units::percent(value),
        m if m.ends_with("throughput_per_s") => format!("{} /s", units::rate(value)),
        _ => units::latency(value),
    }
}

/// How each design differs from the first.
fn against_first(pairs: &[&[Difference]], loads: &[(&str, f64)]) -> Vec<Block> {
    let Some(first) = pairs.first().map(|pair| &pair[0].a) else {
        return Vec::new();
    };
    // Metrics with their column ranks: where space is short, the ends of the latency and the availability stay longest.
    let metrics = [
        ("availability", 5),
        ("throughput_per_s", 1),
        ("latency_s.mean", 3),
        ("latency_s.p50", 4),
        ("latency_s.p95", 2),
        ("latency_s.p99", 6),
    ];
    let mut columns = vec![Column::left("design")];
    columns.extend(metrics.map(|(metric, rank)| Column::right(&name(metric)).rank(rank)));
    let row = |pair: &[Difference]| {
        let cell = |(metric, _): &(&str, u8)| match of(pair, metric) {
            Some(d) if is_of_load(loads, d) => Span::new(Tone::Quiet, delta(d)),
            found => found.map_or(Span::plain(NOTHING), differs),
        };
        let label = Span::new(Tone::Strong, pair[0].b.as_str());
        [label].into_iter().chain(metrics.iter().map(cell)).collect()
    };
    let own: Vec<&[Difference]> = pairs.iter().filter(|pair| pair[0].a == *first).copied().collect();
    let others = pairs.len() - own.len();
    let hidden = format!(
        "{} of other designs, and all by class, are in the JSON",
        plural(others as u32, "pair")
    );
    vec![
        Block::Heading(format!("Against {first}")),
        Block::Table(Table {
            columns,
            rows: own.iter().take(MOST_ROWS).map(|pair| row(pair)).collect(),
            footnote: unshown(own.len(), MOST_ROWS, "design"),
        }),
        Block::Note(Span::new(Tone::Quiet, hidden)),
    ]
}

/// A difference that was shown, or the word for one that was not.
fn differs(d: &Difference) -> Span {
    let better = match d.verdict {
        Verdict::ABetter => Tone::Bad,
        Verdict::BBetter => Tone::Good,
        Verdict::NoDifferenceShown if d.difference.value.is_none() => return Span::new(Tone::Quiet, "not measured"),
        Verdict::NoDifferenceShown => return Span::new(Tone::Quiet, "none shown"),
    };
    match d.matters() {
        true => Span::new(better, delta(d)),
        false => Span::new(Tone::Quiet, "too little"),
    }
}

fn differences(pair: &[Difference], loads: &[(&str, f64)]) -> Table {
    let columns = vec![
        Column::left("metric"),
        Column::right(&pair[0].a).rank(3),
        Column::right(&pair[0].b).rank(3),
        Column::right("difference"),
        Column::left("better"),
        Column::right("CRN pay").rank(1),
    ];
    let told = told(pair);
    let row = |d: &&Difference| {
        let (better, tone) = match d.verdict {
            _ if is_of_load(loads, d) => ("asked for another load", Tone::Quiet),
            Verdict::ABetter | Verdict::BBetter if !d.matters() => ("too little to matter", Tone::Quiet),
            Verdict::ABetter => (d.a.as_str(), Tone::Strong),
            Verdict::BBetter => (d.b.as_str(), Tone::Strong),
            Verdict::NoDifferenceShown if d.difference.value.is_none() => ("not measured", Tone::Quiet),
            Verdict::NoDifferenceShown => ("none shown", Tone::Quiet),
        };
        vec![
            Span::plain(name(&d.metric)),
            Span::plain(number(d, d.a_value)),
            Span::plain(number(d, d.b_value)),
            Span::plain(delta(d)),
            Span::new(tone, better),
            Span::plain(d.variance_ratio.map_or(NOTHING.into(), times)),
        ]
    };
    let footnote = match told.len().saturating_sub(MOST_ROWS) {
        0 => String::new(),
        more => format!("{} more in the JSON", plural(more as u32, "row")),
    };
    Table {
        columns,
        rows: told.iter().take(MOST_ROWS).map(row).collect(),
        footnote,
    }
}

fn times(ratio: f64) -> String {
    format!("{} ×", tenths(ratio))
}

/// `1.0` times rather than `1` times.
fn tenths(ratio: f64) -> String {
    match ratio {
        r if r < 10.0 => format!("{r:.1}"),
        r => units::trimmed(r, 0),
    }
}

/// Why an interval that excludes zero may stand next to "none shown".
fn shown_of(compare: &Compare) -> Option<String> {
    let looks = compare.differences.iter().filter(|d| d.p_value.is_some()).count();
    (looks > 1).then(|| {
        format!(
            "each interval is of its difference alone; shown is what still holds when {} are looked at (Holm): so many looks find something by chance",
            plural(looks as u32, "difference")
        )
    })
}

/// How much common random numbers save, by the p99 and the mean latency of the first pair.
fn pays(compare: &Compare) -> Option<String> {
    let first = compare.pairs().into_iter().next()?;
    let ratio = |metric| of(first, metric).and_then(|d| d.variance_ratio);
    let (mean, p99) = (ratio("latency_s.mean")?, ratio("latency_s.p99")?);
    let verdict = match [mean, p99].map(|ratio| ratio > 1.5) {
        [true, true] => "pay",
        [true, false] => "pay for the mean and save little of p99",
        [false, true] => "pay for p99 and save little of the mean",
        [false, false] => "save little of the latency",
    };
    Some(format!(
        "common random numbers {verdict}: independent runs would have {} times the variance in the difference of the mean latency, and {} times in that of p99",
        tenths(mean),
        tenths(p99)
    ))
}
