//! The report of `review`: findings by severity, the worst first. Identical findings about several components are
//! merged.

use super::document::{Block, Point, Report, Span, Tone};
use crate::analysis::result::{Answer, Document};
use crate::scenario::review::{Finding, Severity};

/// The heading, the noun and the tone of each severity.
pub(super) const SEVERITIES: [(Severity, &str, &str, Tone); 3] = [
    (Severity::Critical, "Critical", "critical", Tone::Bad),
    (Severity::Warning, "Warnings", "warning", Tone::Caution),
    (Severity::Advice, "Advice", "piece of advice", Tone::Quiet),
];

/// The report for a reader.
pub fn report(document: &Document) -> Report {
    let findings = match &document.answer {
        Answer::Review(review) => review.findings.as_slice(),
        _ => &[],
    };
    let mut blocks = Vec::new();
    for (severity, heading, _, tone) in SEVERITIES {
        let of_severity: Vec<&Finding> = findings.iter().filter(|f| f.severity == severity).collect();
        if of_severity.is_empty() {
            continue;
        }
        blocks.push(Block::Heading(heading.into()));
        blocks.extend(alike(&of_severity).iter().map(|group| Block::Point(point(group, tone))));
    }
    if findings.is_empty() {
        let clean = "Nothing to say against this design on reading it.";
        blocks.push(Block::Point(Point {
            head: vec![Span::new(Tone::Good, clean)],
            body: String::new(),
            remedy: String::new(),
        }));
    }
    Report {
        title: document.envelope.scenario.name.clone(),
        subtitle: subtitle(findings),
        blocks,
    }
}

fn subtitle(findings: &[Finding]) -> String {
    let counts = SEVERITIES.iter().filter_map(|(severity, _, word, _)| {
        let count = findings.iter().filter(|f| f.severity == *severity).count();
        let ending = if count == 1 || word.ends_with("l") { "" } else { "s" };
        match *severity {
            _ if count == 0 => None,
            Severity::Advice if count > 1 => Some(format!("{count} pieces of advice")),
            _ => Some(format!("{count} {word}{ending}")),
        }
    });
    let counts: Vec<String> = counts.collect();
    match counts.is_empty() {
        true => "reviewed without simulating: no findings".into(),
        false => format!("reviewed without simulating: {}", counts.join(", ")),
    }
}

/// Groups findings of one rule that say the same about several components.
fn alike<'f>(findings: &[&'f Finding]) -> Vec<Vec<&'f Finding>> {
    let mut groups: Vec<Vec<&'f Finding>> = Vec::new();
    for finding in findings {
        let same = |g: &&mut Vec<&Finding>| g[0].id == finding.id && g[0].message == finding.message;
        match groups.iter_mut().find(same) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

fn point(group: &[&Finding], tone: Tone) -> Point {
    let names: Vec<&str> = group.iter().map(|f| f.component.as_str()).collect();
    let is_same = group.iter().all(|f| f.fix == group[0].fix);
    let likewise = if is_same {
        String::new()
    } else {
        format!("; likewise {}", names[1..].join(", "))
    };
    Point {
        head: vec![Span::new(tone, names.join(", ")), Span::new(Tone::Quiet, &*group[0].id)],
        body: group[0].message.clone(),
        remedy: format!("{}{likewise}", group[0].fix),
    }
}
