//! A scenario being edited: fresh names, copies of hosts and nodes, and redirected callers.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

/// A scenario as typed, with changes.
pub struct Draft {
    json: Json,
    names: BTreeSet<String>,
}

impl Draft {
    pub fn of(json: Json) -> Draft {
        let mut names = BTreeSet::new();
        for key in ["hosts", "zones", "nodes", "common_causes", "clients"] {
            names.extend(json[key].as_object().into_iter().flat_map(Map::keys).cloned());
        }
        for value in json["hosts"].as_object().into_iter().flat_map(Map::values) {
            names.extend(value["zone"].as_str().map(str::to_owned));
        }
        for value in json["nodes"].as_object().into_iter().flat_map(Map::values) {
            names.extend(value["members"].as_object().into_iter().flat_map(Map::keys).cloned());
        }
        Draft { json, names }
    }

    /// The scenario, under its own name or its file's.
    pub fn finish(self) -> Json {
        self.json
    }

    /// `NAME-2`, or the next number that is free.
    pub fn second(&mut self, name: &str) -> String {
        let mut number = 2;
        while self.names.contains(&format!("{name}-{number}")) {
            number += 1;
        }
        let name = format!("{name}-{number}");
        self.names.insert(name.clone());
        name
    }

    /// This name, or the next one like it that is free.
    pub fn fresh(&mut self, name: &str) -> String {
        match self.names.insert(name.to_owned()) {
            true => name.to_owned(),
            false => self.second(name),
        }
    }

    /// The value at a path; null if there is none.
    pub fn get(&self, path: &[&str]) -> &Json {
        path.iter().fold(&self.json, |here, key| &here[*key])
    }

    /// Sets a key of the scenario itself.
    pub fn root(&mut self, key: &str, value: Json) {
        self.set(&[key], value);
    }

    /// Sets the value at a path, creating missing objects on the way.
    pub fn set(&mut self, path: &[&str], value: Json) {
        let mut here = &mut self.json;
        for key in path {
            if !here.is_object() {
                *here = json!({});
            }
            here = &mut here[*key];
        }
        *here = value;
    }

    /// A copy of a host, in another zone if there is one; `None` where the host is implied.
    pub fn copy_host(&mut self, host: &str) -> Option<String> {
        self.get(&["hosts", host]).as_object()?;
        let name = self.twin_host(host);
        let here = self.get(&["hosts", &name, "zone"]).as_str().map(str::to_owned);
        if let Some(other) = here.and_then(|zone| self.other_zone(&zone)) {
            self.set(&["hosts", &name, "zone"], other.into());
        }
        Some(name)
    }

    /// A copy of a host, in the same zone.
    pub fn twin_host(&mut self, host: &str) -> String {
        let mut copy = self.get(&["hosts", host]).clone();
        // Two machines cannot share an address.
        copy.as_object_mut().map(|keys| keys.remove("address"));
        let name = self.second(host);
        self.set(&["hosts", &name], copy);
        self.shares_causes(host, &name);
        name
    }

    /// Adds a member on the copy to each database with a member on this host. Returns whether there was one.
    pub fn copy_members(&mut self, host: &str, copy: &str) -> bool {
        let before = self.names.len();
        for (database, member) in self.members_on(host) {
            let mut twin = self.get(&["nodes", &database, "members", &member]).clone();
            twin["host"] = copy.into();
            let name = self.second(&member);
            self.set(&["nodes", &database, "members", &name], twin);
            self.shares_causes(&member, &name);
        }
        self.names.len() > before
    }

    /// Removes the members on this host from all databases, and returns their names.
    pub fn remove_members(&mut self, host: &str) -> Vec<String> {
        let members = self.members_on(host);
        for (database, member) in &members {
            self.retain(&["nodes", database, "members"], |name, _| name != member);
        }
        members.into_iter().map(|(_, member)| member).collect()
    }

    fn members_on(&self, host: &str) -> Vec<(String, String)> {
        let nodes = self.json["nodes"].as_object().into_iter().flatten();
        let members = nodes.flat_map(|(database, node)| {
            let members = node["members"].as_object().into_iter().flatten();
            members.map(move |(member, value)| (database.clone(), member.clone(), value))
        });
        let here = members.filter(|(_, _, value)| value["host"] == host);
        here.map(|(database, member, _)| (database, member)).collect()
    }

    /// Copies links from or to a host for its copy.
    pub fn copy_links(&mut self, host: &str, copy: &str) {
        let Json::Array(mut links) = self.get(&["network", "links"]).clone() else {
            return;
        };
        for key in ["from", "to"] {
            let mut more: Vec<Json> = links.iter().filter(|l| l[key] == host).cloned().collect();
            more.iter_mut().for_each(|link| link[key] = copy.into());
            links.extend(more);
        }
        self.set(&["network", "links"], Json::Array(links));
    }

    /// Retains some entries of the object at a path.
    pub fn retain(&mut self, path: &[&str], stays: impl Fn(&str, &Json) -> bool) {
        if let Some(Json::Object(keys)) = self.at(path) {
            keys.retain(|key, value| stays(key, value));
        }
    }

    /// Removes some elements of the list at a path.
    pub fn prune(&mut self, path: &[&str], goes: &dyn Fn(&Json) -> bool) {
        if let Some(Json::Array(list)) = self.at(path) {
            list.retain(|element| !goes(element));
        }
    }

    fn at(&mut self, path: &[&str]) -> Option<&mut Json> {
        path.iter().try_fold(&mut self.json, |here, key| here.get_mut(*key))
    }

    /// The whole scenario.
    pub fn json(&self) -> &Json {
        &self.json
    }

    /// Another zone that some host is in.
    pub fn other_zone(&self, zone: &str) -> Option<String> {
        let hosts = self.json["hosts"].as_object().into_iter().flat_map(Map::values);
        let mut zones = hosts.filter_map(|h| h["zone"].as_str());
        zones.find(|z| *z != zone).map(str::to_owned)
    }

    /// A copy of a node on this host, or on an implied host.
    pub fn copy_node(&mut self, node: &str, host: Option<&str>) -> String {
        let mut copy = self.get(&["nodes", node]).clone();
        if let (Some(host), Some(keys)) = (host, copy.as_object_mut()) {
            keys.insert("host".into(), host.into());
        }
        let name = self.second(node);
        self.set(&["nodes", &name], copy);
        self.shares_causes(node, &name);
        name
    }

    /// Adds a copy to the common causes of the original: it runs the same release and uses the same switch.
    pub fn shares_causes(&mut self, of: &str, copy: &str) {
        let causes = self
            .json
            .get_mut("common_causes")
            .and_then(Json::as_object_mut)
            .into_iter();
        for cause in causes.flat_map(Map::values_mut) {
            if let Some(Json::Array(targets)) = cause.get_mut("targets")
                && targets.iter().any(|t| t == of)
            {
                targets.push(copy.into());
            }
        }
    }

    /// Redirects all callers of one node to another, except in lists of servers and upstreams.
    pub fn redirect(&mut self, from: &str, to: &str) {
        let change = |value: &mut Json| match value {
            Json::String(name) if name == from => to.clone_into(name),
            Json::Array(names) => {
                for name in names.iter_mut().filter(|n| n.as_str() == Some(from)) {
                    *name = to.into();
                }
            }
            _ => {}
        };
        for (section, keys) in [("clients", &["entry"][..]), ("nodes", &["answers", "to", "calls"][..])] {
            let entries = self.json[section].as_object_mut().into_iter().flat_map(Map::values_mut);
            for entry in entries.filter_map(Json::as_object_mut) {
                for key in keys {
                    entry.get_mut(*key).into_iter().for_each(change);
                }
            }
        }
    }

    /// Adds a resolver after another one, for every client that uses it.
    pub fn second_resolver(&mut self, first: &str, second: &str) {
        let clients = self.json["clients"]
            .as_object_mut()
            .into_iter()
            .flat_map(Map::values_mut);
        for entry in clients.filter_map(|c| c.get_mut("entry")) {
            match entry {
                Json::String(name) if name == first => *entry = json!([first, second]),
                Json::Array(names) if names.iter().any(|n| n == first) => names.push(second.into()),
                _ => {}
            }
        }
    }

    /// Adds a server to every list of servers or upstreams that has the other, with the same settings.
    pub fn second_server(&mut self, first: &str, second: &str) {
        for keys in self.nodes() {
            for list in ["servers", "upstreams"] {
                let Some(Json::Array(list)) = keys.get_mut(list) else {
                    continue;
                };
                let Some(mut copy) = list.iter().find(|s| named(s) == Some(first)).cloned() else {
                    continue;
                };
                match &mut copy {
                    Json::Object(keys) => {
                        keys.insert("node".into(), second.into());
                        keys.remove("id");
                    }
                    other => *other = second.into(),
                }
                list.push(copy);
            }
        }
    }

    /// Replaces one upstream of a node by another.
    pub fn swap_upstream(&mut self, node: &str, from: &str, to: &str) {
        let upstreams = format!("/nodes/{}/upstreams", node.replace('~', "~0").replace('/', "~1"));
        let Some(Json::Array(list)) = self.json.pointer_mut(&upstreams) else {
            return;
        };
        for upstream in list.iter_mut().filter(|u| named(u) == Some(from)) {
            match upstream {
                Json::Object(keys) => {
                    keys.insert("node".into(), to.into());
                }
                other => *other = to.into(),
            }
        }
    }

    /// Whether it is a server or an upstream of some node.
    pub fn is_server(&mut self, node: &str) -> bool {
        let lists = |keys: &mut Map<String, Json>| {
            let lists = ["servers", "upstreams"].map(|list| keys.get(list).and_then(Json::as_array).cloned());
            lists.into_iter().flatten().flatten().any(|s| named(&s) == Some(node))
        };
        self.nodes().any(lists)
    }

    fn nodes(&mut self) -> impl Iterator<Item = &mut Map<String, Json>> {
        let nodes = self.json["nodes"].as_object_mut().into_iter().flat_map(Map::values_mut);
        nodes.filter_map(Json::as_object_mut)
    }
}

/// The name of an element of a list of servers.
pub fn named(server: &Json) -> Option<&str> {
    server.as_str().or_else(|| server["node"].as_str())
}
