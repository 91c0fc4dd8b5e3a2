//! Keys of the format whose behaviour is not built yet: an error that says so, never silence.
//!
//! One row a key. Whoever builds one removes its row.

use super::Context;
use crate::scenario::read::tree::{Path, Tree, Value};

/// Where it stands (`*` = anything, `<kind>` = a node of this kind, `=value` = only with this value), and what is missing.
#[rustfmt::skip]
const UNBUILT: &[(&str, &str)] = &[
    ("clients.*.page",                     "page views of several requests"),
    ("requests.*.bytes",                   "sizes of requests and answers"),
    ("network.bandwidth",                  "bandwidth"),
    ("network.links.*.bandwidth",          "bandwidth"),
];

/// Reports every key of the table that the scenario has.
pub fn check(cx: &mut Context) {
    let mut found = Vec::new();
    for (pattern, what) in UNBUILT {
        let (pattern, value) = pattern.split_once('=').map_or((*pattern, None), |(p, v)| (p, Some(v)));
        let steps: Vec<&str> = pattern.split('.').collect();
        let mut paths = Vec::new();
        matches(cx.tree, &steps, &Path::default(), value, &mut paths);
        found.extend(
            paths
                .into_iter()
                .map(|path| (path, *steps.last().unwrap_or(&""), value, *what)),
        );
    }
    for (path, key, value, what) in found {
        let value = value.map_or(String::new(), |value| format!(": {value}"));
        cx.bad_key(
            &path,
            format!("\"{key}\"{value} is not built yet: {what}"),
            Some("leave it out".into()),
        );
    }
}

fn matches(tree: &Tree, steps: &[&str], path: &Path, value: Option<&str>, found: &mut Vec<Path>) {
    let Some((step, rest)) = steps.split_first() else {
        if value.is_none_or(|value| is(tree, value)) {
            found.push(path.clone());
        }
        return;
    };
    let kind = step.strip_prefix('<').and_then(|s| s.strip_suffix('>'));
    match &tree.value {
        Value::Object(entries) => {
            for entry in entries {
                let fits = match kind {
                    Some(kind) => entry.value.get("kind").and_then(Tree::text) == Some(kind),
                    None => *step == "*" || *step == entry.key,
                };
                if fits {
                    matches(&entry.value, rest, &path.key(&entry.key), value, found);
                }
            }
        }
        Value::List(elements) if *step == "*" => {
            for (i, element) in elements
                .iter()
                .filter(|e| !matches!(e.value, Value::Pruned))
                .enumerate()
            {
                matches(element, rest, &path.index(i), value, found);
            }
        }
        _ => {}
    }
}

fn is(tree: &Tree, value: &str) -> bool {
    match &tree.value {
        Value::Bool(b) => b.to_string() == value,
        Value::Text(text) => text == value,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row for a key that the format does not have would never speak.
    #[test]
    fn every_row_names_a_key_of_the_format() {
        let schema = serde_json::to_string(&crate::scenario::raw::schema()).unwrap();
        for (pattern, _) in UNBUILT {
            let path = pattern.split('=').next().unwrap();
            for key in path.split('.').filter(|key| *key != "*" && !key.starts_with('<')) {
                assert!(schema.contains(&format!("\"{key}\":")), "{pattern}: {key}");
            }
        }
    }
}
