//! The result document as JSON: for scripts, and readable for a person who opens it or compares two.
//!
//! Numbers are written in the shortest form that reads back as the same number. Everything that fits a line stands on
//! one, and so does every list of numbers, so that two results differ in few lines.

use serde::Serialize;
use serde_json::Value;
use std::io::{self, Write};

/// Maximum length of a line before its object or list is split into several lines.
const LINE: usize = 110;
const INDENT: &str = "  ";

/// Writes the document, ending in a newline.
pub fn write(document: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut text = String::new();
    spread(&serde_json::to_value(document)?, 0, &mut text);
    text.push('\n');
    out.write_all(text.as_bytes())
}

/// Appends `value`. Its first line continues the current one; its other lines are indented `depth` times.
fn spread(value: &Value, depth: usize, out: &mut String) {
    let on_one_line = inline(value);
    if on_one_line.len() + depth * INDENT.len() <= LINE || is_flat_list(value) {
        out.push_str(&on_one_line);
        return;
    }
    let (open, close, items): (char, char, Vec<(Option<&String>, &Value)>) = match value {
        Value::Object(map) => ('{', '}', map.iter().map(|(k, v)| (Some(k), v)).collect()),
        Value::Array(list) => ('[', ']', list.iter().map(|v| (None, v)).collect()),
        _ => return out.push_str(&on_one_line),
    };
    out.push(open);
    for (i, (key, item)) in items.into_iter().enumerate() {
        out.push_str(if i == 0 { "\n" } else { ",\n" });
        out.push_str(&INDENT.repeat(depth + 1));
        if let Some(key) = key {
            out.push_str(&Value::from(key.as_str()).to_string());
            out.push_str(": ");
        }
        spread(item, depth + 1, out);
    }
    out.push('\n');
    out.push_str(&INDENT.repeat(depth));
    out.push(close);
}

fn is_flat_list(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|list| list.iter().all(|v| !v.is_array() && !v.is_object()))
}

fn inline(value: &Value) -> String {
    match value {
        Value::Array(list) => format!("[{}]", list.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entry = |(k, v): (&String, &Value)| format!("{}: {}", Value::from(k.as_str()), inline(v));
            format!("{{{}}}", map.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(value: &Value) -> String {
        let mut out = Vec::new();
        write(value, &mut out).expect("writes to memory");
        String::from_utf8(out).expect("is text")
    }

    #[test]
    fn what_fits_a_line_stands_on_one() {
        assert_eq!(
            text(&json!({"value": 0.1, "lo": null})),
            "{\"value\": 0.1, \"lo\": null}\n"
        );
    }

    #[test]
    fn what_does_not_is_spread_but_for_lists_of_numbers() {
        let long: Vec<f64> = (0..100).map(|i| f64::from(i) / 3.0).collect();
        let written = text(&json!({"a\"b": long, "n": {"x": 1}}));
        assert_eq!(written.lines().count(), 4, "{written}");
        assert_eq!(
            serde_json::from_str::<Value>(&written).expect("reads back"),
            json!({"a\"b": long, "n": {"x": 1}})
        );
    }
}
