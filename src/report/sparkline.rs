//! A timeline in a few lines of characters: one row for each curve, and one row for each kind of failure.
//!
//! Where several bins share a character, it shows the worst: the lowest availability and the highest latency.

use super::document::{Fact, Span, Tone};
use super::periods::Period;
use super::text::{shorten_name, visible, width};
use super::timeline::{Line, Measure, Timeline, Track};
use super::units;

/// The least width of the labels.
pub const LABEL_WIDTH: usize = 10;
const RANGE_WIDTH: usize = 18;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const MOST_FAULTS: usize = 4;

/// The rows of the picture for a page of this width.
pub fn facts(timeline: &Timeline, page: usize) -> Vec<Fact> {
    let labels: Vec<(String, &Track, &Line)> = timeline.tracks.iter().flat_map(rows).collect();
    if labels.is_empty() && timeline.periods.is_empty() {
        return Vec::new();
    }
    let longest = labels.iter().map(|(l, _, _)| width(&visible(l))).max().unwrap_or(0);
    let indent = longest.clamp(LABEL_WIDTH, page / 3) + 2;
    let columns = page.saturating_sub(indent + RANGE_WIDTH + 2).clamp(8, 60);
    let mut facts = vec![Fact::new(
        "Over time",
        vec![Span::new(
            Tone::Quiet,
            format!("{}  lowest–highest", axis(timeline, columns)),
        )],
    )];
    for (label, track, line) in labels {
        let (bars, range) = bars(track.measure, line, timeline.end_s, columns);
        facts.push(Fact::plain(label, format!("{bars}  {range}")));
    }
    let faults = by_target(&timeline.periods);
    for ((whose, name), periods) in faults.iter().take(MOST_FAULTS) {
        let text = format!(
            "{}  {}",
            mark(periods, timeline.end_s, columns),
            shorten_name(name, RANGE_WIDTH)
        );
        facts.push(Fact::new(whose.as_str(), vec![Span::new(Tone::Bad, text)]));
    }
    if faults.len() > MOST_FAULTS {
        let more = format!("… and {} more kinds of fault", faults.len() - MOST_FAULTS);
        facts.push(Fact::new("", vec![Span::new(Tone::Quiet, more)]));
    }
    facts
}

/// Which curves fit in a few lines: for one run the availability and the tail latency; for several, the availability of
/// each.
fn rows(track: &Track) -> Vec<(String, &Track, &Line)> {
    let scenarios = track.lines.iter().all(|l| !l.label.is_empty()) && track.measure == Measure::Availability;
    match track.measure {
        Measure::Availability if scenarios => track.lines.iter().map(|l| (l.label.clone(), track, l)).collect(),
        Measure::Availability => track.lines.iter().map(|l| ("available".into(), track, l)).collect(),
        Measure::Latency => track
            .lines
            .iter()
            .filter(|l| l.label == "p99" || l.label == "settling")
            .map(|l| (l.label.clone(), track, l))
            .collect(),
        Measure::Rate => Vec::new(),
    }
}

fn axis(timeline: &Timeline, columns: usize) -> String {
    let (start, end) = ("0 s".to_string(), units::span(timeline.end_s));
    let gap = columns.saturating_sub(width(&start) + width(&end));
    format!("{start}{}{end}", " ".repeat(gap))
}

/// One row for each effect on a component of a scenario: label and effect, and the periods.
fn by_target(periods: &[Period]) -> Vec<((String, String), Vec<&Period>)> {
    let mut rows: Vec<((String, String), Vec<&Period>)> = Vec::new();
    for period in periods {
        let what = visible(&format!("{} {}", period.target, period.effect));
        let name = (period.whose.clone(), what);
        match rows.iter_mut().find(|(n, _)| *n == name) {
            Some((_, row)) => row.push(period),
            None => rows.push((name, vec![period])),
        }
    }
    rows
}

fn mark(periods: &[&Period], end_s: f64, columns: usize) -> String {
    let column = |at_s: f64| at_s / end_s * columns as f64;
    let mut row = vec![' '; columns];
    for period in periods {
        let from = (column(period.from_s).round().max(0.0) as usize).min(columns - 1);
        let to = (column(period.to_s).ceil() as usize).clamp(from + 1, columns);
        row[from..to].fill('━');
    }
    row.into_iter().collect()
}

/// The curve as bars and, for comparison, the lowest and highest value in it.
fn bars(measure: Measure, line: &Line, end_s: f64, columns: usize) -> (String, String) {
    let values: Vec<Option<f64>> = (0..columns).map(|c| worst(measure, line, end_s, c, columns)).collect();
    let all = || line.series.median.iter().flatten().copied().filter(|v| v.is_finite());
    let (lo, hi) = (
        all().fold(f64::INFINITY, f64::min),
        all().fold(f64::NEG_INFINITY, f64::max),
    );
    // Shares are scaled to their top end; everything else begins at zero.
    let (bottom, top) = if measure == Measure::Availability {
        (lo, 1.0)
    } else {
        (0.0, hi)
    };
    let bar = |v: &Option<f64>| match v {
        None => ' ',
        Some(_) if top <= bottom => BARS[if measure == Measure::Availability { 7 } else { 0 }],
        Some(v) => BARS[((v - bottom) / (top - bottom) * 7.0).round().clamp(0.0, 7.0) as usize],
    };
    let say = |v: f64| {
        if measure == Measure::Availability {
            units::percent(v)
        } else {
            units::latency(v)
        }
    };
    let range = if say(lo) == say(hi) {
        say(lo)
    } else {
        join_range(&say(lo), &say(hi))
    };
    (values.iter().map(bar).collect(), range)
}

/// `12.1–340 ms`, the unit once where both have the same.
fn join_range(lo: &str, hi: &str) -> String {
    match (lo.split_once(' '), hi.split_once(' ')) {
        (Some((number, unit)), Some((_, other))) if unit == other => format!("{number}–{hi}"),
        _ => format!("{lo}–{hi}"),
    }
}

fn worst(measure: Measure, line: &Line, end_s: f64, column: usize, columns: usize) -> Option<f64> {
    let bin_of = |c: usize| (c as f64 / columns as f64 * end_s / line.bin_s) as usize;
    let (from, to) = (bin_of(column), bin_of(column + 1).max(bin_of(column) + 1));
    let bins = line.series.median.get(from..to.min(line.series.median.len()))?;
    let values = bins.iter().flatten().copied().filter(|v| v.is_finite());
    match measure {
        Measure::Availability => values.reduce(f64::min),
        _ => values.reduce(f64::max),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::result::Series;

    fn line(values: &[Option<f64>]) -> Line {
        let series = Series {
            median: values.to_vec(),
            ..Series::default()
        };
        Line {
            label: String::new(),
            colour: 0,
            bin_s: 1.0,
            series,
        }
    }

    #[test]
    fn a_dip_shorter_than_a_character_still_shows() {
        let mut values = vec![Some(1.0); 100];
        values[37] = Some(0.0);
        let (drawn, range) = bars(Measure::Availability, &line(&values), 100.0, 10);
        assert_eq!(drawn, "███▁██████");
        assert_eq!(range, "0–100 %");
    }

    #[test]
    fn gaps_stay_gaps() {
        let (drawn, range) = bars(Measure::Latency, &line(&[Some(0.1), None, Some(0.2), None]), 4.0, 4);
        assert_eq!(drawn, "▅ █ ");
        assert_eq!(range, "100–200 ms");
    }

    #[test]
    fn faults_of_one_component_share_a_row_that_marks_where_they_were() {
        let period = |from_s: f64, to_s: f64, target: &str| Period {
            from_s,
            to_s,
            effect: "crash".into(),
            target: target.into(),
            whose: String::new(),
        };
        let periods = [period(2.0, 5.0, "a"), period(3.0, 4.0, "b"), period(9.0, 10.0, "a")];
        let rows = by_target(&periods);
        let drawn: Vec<_> = rows.iter().map(|((_, n), p)| (n.as_str(), mark(p, 10.0, 10))).collect();
        assert_eq!(
            drawn,
            [
                ("a crash", "  ━━━    ━".to_owned()),
                ("b crash", "   ━      ".to_owned())
            ]
        );
    }
}
