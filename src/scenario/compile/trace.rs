//! Arrival traces: CSV files beside the scenario.
//!
//! A column that some DIST asks for must be in every source's trace, since any request may use that DIST.

use std::io::Read;

use super::Context;
use super::place;
use crate::base::ids::ClassId;
use crate::base::limits;
use crate::base::time::{Span, Time};
use crate::scenario::plan::TraceRow;
use crate::scenario::problem::{Problem, did_you_mean};
use crate::scenario::raw::traffic::Arrivals;
use crate::scenario::read::tree::Path;

/// The rows of a trace. A problem with it is reported once, with its line.
pub fn read(cx: &mut Context, file: &str, path: &Path) -> Vec<TraceRow> {
    let file_path = cx.folder.join(file);
    let bytes = match bytes(&file_path) {
        Ok(bytes) => {
            cx.traces.push(file_path);
            bytes
        }
        Err(Unread::Io(error)) => {
            let place = place(cx.tree.origin_of(path), cx.sets);
            cx.problems.push(Problem::unreadable(
                place,
                format!("cannot read the trace {file:?}: {error}"),
            ));
            return Vec::new();
        }
        Err(Unread::Large) => {
            let mib = limits::TRACE_BYTES >> 20;
            cx.bad(
                path,
                format!("the trace {file:?} is larger than {mib} MiB, which is the limit"),
            );
            return Vec::new();
        }
    };
    let rows = match rows(cx, &bytes) {
        Ok(rows) => rows,
        Err(Wrong { line, message, hint }) => {
            let place = line.map_or(String::new(), |line| format!(":{line}"));
            cx.unknown(path, format!("the trace {file}{place}: {message}"), hint);
            Vec::new()
        }
    };
    cx.read.extend_from_slice(&bytes);
    rows
}

enum Unread {
    Io(std::io::Error),
    Large,
}

fn bytes(file: &std::path::Path) -> Result<Vec<u8>, Unread> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(file).map_err(Unread::Io)?;
    file.take(limits::TRACE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(Unread::Io)?;
    if bytes.len() as u64 > limits::TRACE_BYTES {
        Err(Unread::Large)
    } else {
        Ok(bytes)
    }
}

struct Wrong {
    line: Option<u64>,
    message: String,
    hint: Option<String>,
}

impl Wrong {
    fn new(line: Option<u64>, message: impl Into<String>) -> Wrong {
        Wrong {
            line,
            message: message.into(),
            hint: None,
        }
    }
}

fn rows(cx: &Context, bytes: &[u8]) -> Result<Vec<TraceRow>, Wrong> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_reader(bytes);
    let header = reader
        .headers()
        .map_err(|e| Wrong::new(Some(1), e.to_string()))?
        .clone();
    let mut names: Vec<&str> = header.iter().collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|n| n[0] == n[1]) {
        return Err(Wrong::new(Some(1), format!("the column {} is there twice", twice[0])));
    }
    let column = |name: &str| header.iter().position(|h| h == name);
    let at = column("at_s").ok_or_else(|| Wrong::new(Some(1), "there is no column at_s"))?;
    let class = column("class");
    let mut wanted = Vec::new();
    for name in &cx.columns {
        let found = column(name).ok_or_else(|| Wrong {
            hint: did_you_mean(name, header.iter()),
            ..Wrong::new(
                Some(1),
                format!("there is no column {name}, which the scenario asks for"),
            )
        })?;
        wanted.push(found);
    }
    let mut rows: Vec<TraceRow> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| Wrong::new(e.position().map(csv::Position::line), "not readable as CSV"))?;
        let line = record.position().map(csv::Position::line);
        let seconds = |column: usize| seconds(record.get(column).unwrap_or_default(), line);
        let at = Time::ZERO + seconds(at)?;
        if rows.last().is_some_and(|last| last.at > at) {
            return Err(Wrong {
                hint: Some("sort it by at_s".into()),
                ..Wrong::new(line, "this row is earlier than the one before")
            });
        }
        let class = match class.and_then(|c| record.get(c)) {
            None | Some("") => None,
            Some(name) => Some(class_id(cx, name, line)?),
        };
        let values = wanted.iter().map(|c| seconds(*c)).collect::<Result<_, _>>()?;
        rows.push(TraceRow { at, class, values });
    }
    if rows.is_empty() {
        Err(Wrong::new(None, "it has no rows"))
    } else {
        Ok(rows)
    }
}

fn class_id(cx: &Context, name: &str, line: Option<u64>) -> Result<ClassId, Wrong> {
    let found = cx.raw.requests.names().position(|n| n == name);
    found.map(ClassId::new).ok_or_else(|| Wrong {
        hint: did_you_mean(name, cx.raw.requests.names()),
        ..Wrong::new(line, format!("there is no request class {name:?}"))
    })
}

fn seconds(text: &str, line: Option<u64>) -> Result<Span, Wrong> {
    match text.parse::<f64>() {
        Ok(value) if value >= 0.0 && value <= limits::DURATION.seconds() => Ok(Span::from_seconds(value)),
        Ok(value) => Err(Wrong::new(
            line,
            format!("{value} s is not between 0 and {}", limits::DURATION),
        )),
        Err(_) => Err(Wrong::new(line, format!("{text:?} is no number of seconds"))),
    }
}

/// A request without a trace has no value for a DIST that asks for a column.
pub fn columns_in_every_source(cx: &mut Context) {
    let raw = cx.raw;
    let Some(column) = cx.columns.first().cloned() else {
        return;
    };
    for (name, client) in raw.clients.iter() {
        if !matches!(client.arrivals, Some(Arrivals::Trace(_))) {
            let message =
                format!("the requests of \"{name}\" have no column \"{column}\", which a {{ \"trace\": … }} asks for");
            cx.hint(&Path::to("clients").key(name), message, "give it a trace too");
        }
    }
}
