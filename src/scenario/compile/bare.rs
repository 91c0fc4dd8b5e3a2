//! Numbers without a unit where seconds are hardly meant: HAProxy's own files count in milliseconds, and so do many people.

use super::Context;
use crate::scenario::read::tree::{Path, Tree, Value};

/// From so many seconds on a check, a time-out or a piece of work is asked about.
const LONG_S: f64 = 500.0;

/// Warns of all of them.
pub fn warn(cx: &mut Context) {
    let tree = cx.tree;
    let mut found = Vec::new();
    for (section, keys) in [
        ("nodes", &["check", "timeouts", "work"][..]),
        ("clients", &["timeout", "think"]),
    ] {
        let components = tree.get(section);
        for name in components.iter().flat_map(|c| c.keys()) {
            for key in keys {
                let path = Path::to(section).key(name).key(key);
                if let Some(part) = tree.find(&path) {
                    gather(part, &path, &mut found);
                }
            }
        }
    }
    for (path, seconds) in found {
        cx.warn(format!(
            "{path}: {seconds} without a unit is {seconds} seconds; in milliseconds write \"{seconds}ms\""
        ));
    }
}

/// Long numbers below this, but for those that count something.
fn gather(part: &Tree, path: &Path, found: &mut Vec<(Path, f64)>) {
    const COUNTS: [&str; 4] = ["fall", "rise", "k", "cv"];
    match &part.value {
        Value::Number(number) => {
            let seconds = number.as_f64().filter(|s| *s >= LONG_S);
            found.extend(seconds.map(|s| (path.clone(), s)));
        }
        Value::Object(entries) => {
            let lengths = entries.iter().filter(|e| !COUNTS.contains(&e.key.as_str()));
            lengths.for_each(|e| gather(&e.value, &path.key(&e.key), found));
        }
        Value::List(elements) => {
            let all = elements.iter().enumerate();
            all.for_each(|(i, element)| gather(element, &path.index(i), found));
        }
        _ => {}
    }
}
