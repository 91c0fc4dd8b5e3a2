//! Numbers without a unit that are unlikely to be seconds: HAProxy's own files, and many people, count in milliseconds.

use super::Context;
use crate::scenario::read::tree::{Path, Tree, Value};

/// From this many seconds, a check, a time-out or a piece of work is warned of.
const LONG_S: f64 = 500.0;

/// Warns of all such numbers.
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

/// The large numbers in a part of the tree, except those that are counts.
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
