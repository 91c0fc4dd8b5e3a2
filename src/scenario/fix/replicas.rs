//! More or fewer of the same: a host with everything on it, copied and added wherever the originals are listed.

use serde_json::{Map, Value as Json};

use super::draft::{Draft, named};
use crate::scenario::load::{Loaded, load_text};
use crate::scenario::problem::did_you_mean;

/// The hosts or nodes to be multiplied.
#[derive(Clone, Debug)]
pub struct Originals {
    typed: Json,
    file: String,
    /// Hosts, or nodes with an implied host, in the order of the file.
    pub names: Vec<String>,
}

/// A design of a certain size.
#[derive(Debug)]
pub struct Sized {
    /// The design, loaded.
    pub loaded: Loaded,
    /// The originals and copies that it contains.
    pub names: Vec<String>,
    /// The sum of its hosts' costs, if any has a cost.
    pub cost: Option<f64>,
}

/// Lists of which one element is asked, not all.
const ALTERNATIVES: [&str; 4] = ["servers", "upstreams", "answers", "members"];
/// Keys whose nodes are asked every time.
const FIXED: [&str; 4] = ["to", "database", "calls", "host"];

impl Originals {
    /// The hosts whose name matches the pattern, where `*` stands for any text; if there are none, the nodes without a
    /// host.
    ///
    /// # Errors
    /// If nothing matches.
    pub fn of(loaded: &Loaded, pattern: &str) -> Result<Originals, String> {
        let typed = loaded.typed();
        let names = |section: &str| keys(&typed[section]);
        let alone: Vec<String> = names("nodes")
            .into_iter()
            .filter(|n| typed["nodes"][n.as_str()]["host"].is_null())
            .collect();
        let fitting = |of: &[String]| -> Vec<String> { of.iter().filter(|n| fits(pattern, n)).cloned().collect() };
        let found = [names("hosts"), alone.clone()].map(|of| fitting(&of));
        let Some(names) = found.into_iter().find(|f| !f.is_empty()) else {
            let known: Vec<String> = names("hosts").into_iter().chain(alone).collect();
            let near = did_you_mean(pattern.trim_matches('*'), known.iter().map(String::as_str));
            let hint = near.unwrap_or_else(|| format!("there are {}", known.join(", ")));
            return Err(format!(
                "no host, and no node without a host, is called {pattern:?}; {hint}"
            ));
        };
        Ok(Originals {
            typed,
            file: loaded.file.clone(),
            names,
        })
    }

    /// The scenario with `n` of them: with copies of each in turn, or without the last ones.
    ///
    /// # Errors
    /// If the result is no valid scenario, or nobody would ask the copies.
    pub fn sized(&self, n: usize) -> Result<Sized, String> {
        let mut draft = Draft::of(self.typed.clone());
        let mut names: Vec<String> = self.names.iter().take(n).cloned().collect();
        for gone in self.names.iter().skip(n) {
            remove(&mut draft, gone);
        }
        for i in names.len()..n {
            let original = &self.names[i % self.names.len()];
            names.push(copy(&mut draft, original)?);
        }
        let json = draft.finish();
        let costs = json["hosts"].as_object().into_iter().flat_map(Map::values);
        let cost = costs.filter_map(|h| h["cost"].as_f64()).reduce(|a, b| a + b);
        let file = std::path::Path::new(&self.file).with_extension("json");
        let loaded = load_text(&file.to_string_lossy(), &json.to_string(), &[])
            .map_err(|problems| format!("with {n} of {}: {}", self.names.join(", "), problems.messages()))?;
        Ok(Sized { loaded, names, cost })
    }
}

fn keys(of: &Json) -> Vec<String> {
    of.as_object().into_iter().flat_map(Map::keys).cloned().collect()
}

/// Whether a name matches a pattern in which `*` stands for any text.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, rest)) => name.strip_prefix(head).is_some_and(|tail| {
            let starts = tail.char_indices().map(|(i, _)| i).chain([tail.len()]);
            starts.map(|i| &tail[i..]).any(|tail| fits(rest, tail))
        }),
    }
}

/// The nodes and database members on a host, by name; or the node with this implied host.
fn on(json: &Json, host: &str) -> Vec<String> {
    let nodes = json["nodes"].as_object();
    let here = |value: &Json| value["host"] == host;
    let own = nodes
        .into_iter()
        .flatten()
        .filter(|(name, node)| here(node) || *name == host);
    own.map(|(name, _)| name.clone()).collect()
}

// --- one more -------------------------------------------------------------------------------------------------------

/// Copies a host and everything on it, and returns the copy's name.
fn copy(draft: &mut Draft, original: &str) -> Result<String, String> {
    let is_host = !draft.get(&["hosts", original]).is_null();
    let nodes = on(draft.json(), original);
    let host = is_host.then(|| draft.twin_host(original));
    let pairs: Vec<(String, String)> = nodes
        .iter()
        .map(|node| (node.clone(), draft.copy_node(node, host.as_deref())))
        .collect();
    let mut wanted = false;
    if let Some(host) = &host {
        wanted |= draft.copy_members(original, host);
        draft.copy_links(original, host);
    }
    let copies: Vec<&str> = pairs.iter().map(|(_, copy)| copy.as_str()).collect();
    for name in keys(draft.get(&["nodes"])) {
        let inside = copies.contains(&name.as_str());
        let at_home = inside || nodes.contains(&name);
        for key in ALTERNATIVES {
            let Json::Array(mut list) = draft.get(&["nodes", &name, key]).clone() else {
                continue;
            };
            // A list that names only nodes of its own host is private: the copy names the copies instead.
            let private = at_home
                && list
                    .iter()
                    .all(|s| named(s).is_some_and(|s| nodes.iter().any(|n| n == s)));
            wanted |= match (private, inside) {
                (true, true) => exchange(&mut list, &pairs),
                (true, false) => false,
                (false, _) => extend(&mut list, &pairs),
            } && !private;
            draft.set(&["nodes", &name, key], Json::Array(list));
        }
        for key in FIXED.into_iter().filter(|_| inside) {
            match draft.get(&["nodes", &name, key]).clone() {
                Json::Array(mut list) => {
                    exchange(&mut list, &pairs);
                    draft.set(&["nodes", &name, key], Json::Array(list));
                }
                Json::String(to) => {
                    if let Some((_, copy)) = pairs.iter().find(|(node, _)| *node == to) {
                        draft.set(&["nodes", &name, key], copy.as_str().into());
                    }
                }
                _ => {}
            }
        }
    }
    for name in keys(draft.get(&["clients"])) {
        if let Json::Array(mut list) = draft.get(&["clients", &name, "entry"]).clone() {
            wanted |= extend(&mut list, &pairs);
            draft.set(&["clients", &name, "entry"], Json::Array(list));
        }
    }
    match wanted {
        true => Ok(host.unwrap_or_else(|| copies[0].to_owned())),
        false => Err(format!(
            "nobody would ask a copy of {original}: nothing on it is among several that one is chosen of (servers, upstreams, answers, members of a virtual IP or a database)"
        )),
    }
}

/// Appends the copy of each original in the list, with the same settings. Returns whether there was one.
fn extend(list: &mut Vec<Json>, pairs: &[(String, String)]) -> bool {
    let before = list.len();
    for (original, copy) in pairs {
        let found = list.iter().find(|s| named(s) == Some(original));
        if let Some(element) = found.map(|s| renamed(s, copy)) {
            list.push(element);
        }
    }
    list.len() > before
}

/// Replaces each original by its copy.
fn exchange(list: &mut [Json], pairs: &[(String, String)]) -> bool {
    for element in &mut *list {
        if let Some((_, copy)) = pairs.iter().find(|(n, _)| named(element) == Some(n)) {
            *element = renamed(element, copy);
        }
    }
    !list.is_empty()
}

fn renamed(element: &Json, name: &str) -> Json {
    let mut copy = element.clone();
    match copy.as_object_mut() {
        None => return name.into(),
        Some(keys) => {
            keys.insert("node".into(), name.into());
            // Two servers cannot share an id.
            keys.remove("id");
        }
    }
    copy
}

// --- one less -------------------------------------------------------------------------------------------------------

/// Removes a host, everything on it and all references to them.
fn remove(draft: &mut Draft, host: &str) {
    let mut gone = on(draft.json(), host);
    gone.extend(draft.remove_members(host));
    gone.push(host.to_owned());
    let is_gone = |value: &Json| named(value).is_some_and(|name| gone.iter().any(|g| g == name));
    for section in ["hosts", "nodes"] {
        draft.retain(&[section], |name, _| !gone.iter().any(|g| g == name));
    }
    for name in keys(draft.get(&["nodes"])) {
        for key in ALTERNATIVES.iter().chain(["calls"].iter()) {
            draft.prune(&["nodes", &name, key], &is_gone);
        }
    }
    for name in keys(draft.get(&["clients"])) {
        draft.prune(&["clients", &name, "entry"], &is_gone);
    }
    for name in keys(draft.get(&["common_causes"])) {
        draft.prune(&["common_causes", &name, "targets"], &is_gone);
    }
    draft.retain(&["common_causes"], |_, cause| {
        cause["targets"] != Json::Array(Vec::new())
    });
    let ends = |value: &Json| ["from", "to", "target"].iter().any(|key| is_gone(&value[*key]));
    draft.prune(&["faults"], &ends);
    draft.prune(&["network", "links"], &ends);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, is) in [
            ("server*", "server1", true),
            ("server*", "server", true),
            ("*1", "server1", true),
            ("s*r*1", "server1", true),
            ("server", "server1", false),
            ("*", "ä", true),
            ("*2", "server1", false),
        ] {
            assert_eq!(fits(pattern, name), is, "{pattern} {name}");
        }
    }
}
