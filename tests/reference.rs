//! Checks `docs/scenario.md`: its reference is generated from the schema, which is generated from the declarations
//! themselves.
//!
//! `UPDATE_DOCS=1 cargo test --test reference` writes the text between the two markers of the page; the text above them
//! is written by hand.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use fallover::scenario::schema;
use serde_json::{Map, Value};

const BEGIN: &str = "<!-- made by tests/reference.rs from the schema: do not edit below -->\n";

type Object = Map<String, Value>;

struct Reference {
    definitions: Object,
    page: String,
}

/// Small values that the page explains in words, and that need no section.
const VALUES: [(&str, &str); 5] = [
    ("Duration", "duration"),
    ("Rate", "rate"),
    ("Ratio", "share"),
    ("Dist", "DIST"),
    ("Life", "DIST of a lifetime"),
];

/// Titles where the declaration's name says too little.
const TITLES: [(&str, &str); 15] = [
    ("Class", "Class of requests"),
    ("Client", "Source of load"),
    ("Distribution", "DIST"),
    ("Timeouts", "Time-outs of a balancer"),
    ("Timeouts2", "Time-outs of a web server"),
    ("Timeouts3", "Time-outs of an application"),
    ("Server", "Server of a balancer"),
    ("Upstream", "Upstream of a web server"),
    ("Check", "Health check"),
    ("Tls", "TLS"),
    ("LimitReq", "limit_req"),
    ("Member", "Member of a database"),
    ("MeanCv", "Mean and cv"),
    ("Slo", "SLO"),
    ("ClassSlo", "SLO of a class"),
];

fn title(name: &str) -> String {
    if let Some((_, title)) = TITLES.iter().find(|t| t.0 == name) {
        return (*title).to_owned();
    }
    // `CommonCause` is `Common cause`.
    let mut title = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !title.is_empty() {
            title.push(' ');
            title.extend(c.to_lowercase());
        } else {
            title.push(c);
        }
    }
    title
}

fn anchor(title: &str) -> String {
    title.to_lowercase().replace(' ', "-")
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Text for a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

impl Reference {
    fn of(schema: &Value) -> String {
        let definitions = schema["$defs"].as_object().unwrap().clone();
        let mut reference = Reference {
            definitions,
            page: String::new(),
        };
        reference.heading(2, "Scenario");
        let keys = schema["properties"].as_object().unwrap();
        reference.keys(keys, &required(schema), &BTreeSet::new());
        let names: Vec<String> = reference.definitions.keys().cloned().collect();
        for name in names.iter().filter(|n| VALUES.iter().all(|v| v.0 != **n)) {
            reference.section(name);
        }
        reference.page
    }

    fn heading(&mut self, level: usize, title: &str) {
        write!(self.page, "\n{} {title}\n\n", "#".repeat(level)).unwrap();
    }

    fn section(&mut self, name: &str) {
        let definition = self.definitions[name].clone();
        if name == "Node" {
            self.nodes(&definition);
        } else if let Some(keys) = definition.get("properties").and_then(Value::as_object) {
            self.heading(2, &title(name));
            writeln!(self.page, "{}\n", text(&definition, "description")).unwrap();
            self.keys(keys, &required(&definition), &BTreeSet::new());
        } else if let Some(choices) = definition.get("oneOf").and_then(Value::as_array) {
            self.heading(2, &title(name));
            writeln!(self.page, "{}\n", text(&definition, "description")).unwrap();
            self.choices(choices);
        }
        // Any other declaration is a short form of another, and `kind` spells it out.
    }

    /// The keys common to all kinds that serve requests, once; then each kind's own.
    fn nodes(&mut self, definition: &Value) {
        let kinds = definition["oneOf"].as_array().unwrap();
        let roles = ["virtual-ip", "database"];
        let serving = |kind: &&Value| !roles.contains(&text(&kind["properties"]["kind"], "const"));
        let first = kinds.iter().find(serving).unwrap()["properties"].as_object().unwrap();
        let everywhere = |key: &&String| {
            kinds
                .iter()
                .filter(serving)
                .all(|k| k["properties"].get(*key).is_some())
        };
        let common: BTreeSet<String> = first.keys().filter(everywhere).cloned().collect();
        self.heading(2, "Node");
        writeln!(
            self.page,
            "{} `kind` says which of these it is.",
            text(definition, "description")
        )
        .unwrap();
        self.heading(3, "Nodes that serve");
        writeln!(
            self.page,
            "All kinds but `virtual-ip` and `database` have these keys too.\n"
        )
        .unwrap();
        let shared: Object = first
            .iter()
            .filter(|(k, _)| common.contains(*k) && *k != "kind")
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        self.keys(&shared, &BTreeSet::new(), &BTreeSet::new());
        for kind in kinds {
            let keys = kind["properties"].as_object().unwrap();
            self.heading(3, text(&keys["kind"], "const"));
            writeln!(self.page, "{}\n", text(kind, "description")).unwrap();
            let mut skip: BTreeSet<String> = ["kind".to_owned()].into();
            if serving(&kind) {
                skip.extend(common.iter().cloned());
            }
            self.keys(keys, &required(kind), &skip);
        }
    }

    fn keys(&mut self, keys: &Object, required: &BTreeSet<String>, skip: &BTreeSet<String>) {
        self.page += "| key | value | default | meaning |\n|---|---|---|---|\n";
        for (key, value) in keys.iter().filter(|(k, _)| !skip.contains(*k)) {
            let default = match value.get("default") {
                _ if required.contains(key) => "required".to_owned(),
                // An empty object, or one whose keys all have defaults, is not worth showing.
                None | Some(Value::Null | Value::Object(_)) => String::new(),
                Some(Value::String(text)) if text.is_empty() => String::new(),
                Some(Value::String(text)) => format!("`{text}`"),
                Some(other) => format!("`{other}`"),
            };
            let (kind, meaning) = (self.kind(value), cell(text(value, "description")));
            writeln!(self.page, "| `{key}` | {} | {default} | {meaning} |", cell(&kind)).unwrap();
        }
    }

    /// Words, or objects with a single key.
    fn choices(&mut self, choices: &[Value]) {
        self.page += "| value | meaning |\n|---|---|\n";
        for choice in choices {
            let words: Vec<String> = match (choice.get("const"), choice.get("enum")) {
                (Some(word), _) => vec![word.as_str().unwrap().to_owned()],
                (_, Some(words)) => words
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|w| w.as_str().unwrap().into())
                    .collect(),
                _ => Vec::new(),
            };
            let meaning = cell(text(choice, "description"));
            for word in words {
                writeln!(self.page, "| `{word}` | {meaning} |").unwrap();
            }
            for (key, value) in choice
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                let value = cell(&self.kind(value));
                writeln!(self.page, "| `{{ \"{key}\": … }}` with {value} | {meaning} |").unwrap();
            }
        }
    }

    /// The possible values, in words.
    fn kind(&self, value: &Value) -> String {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            return self.named(reference.rsplit('/').next().unwrap());
        }
        if let Some(any) = value.get("anyOf").and_then(Value::as_array) {
            let some: Vec<String> = any
                .iter()
                .filter(|v| text(v, "type") != "null")
                .map(|v| self.kind(v))
                .collect();
            return some.join(" or ");
        }
        if let Some(word) = value.get("const") {
            return format!("`{word}`");
        }
        let types = match &value["type"] {
            Value::String(one) => one.clone(),
            Value::Array(several) => several[0].as_str().unwrap().to_owned(),
            _ => return "any value".into(),
        };
        match types.as_str() {
            "array" => match value.get("prefixItems").and_then(Value::as_array) {
                Some(items) => format!(
                    "[{}]",
                    items.iter().map(|i| self.kind(i)).collect::<Vec<_>>().join(", ")
                ),
                None => format!("list of {}", self.kind(&value["items"])),
            },
            "object" => match value
                .get("additionalProperties")
                .filter(|v| v.is_object() || **v == Value::Bool(true))
            {
                Some(inner) => format!("name → {}", self.kind(inner)),
                None => "object".into(),
            },
            "integer" => "whole number".into(),
            "boolean" => "true or false".into(),
            "string" => "text".into(),
            other => other.into(),
        }
    }

    /// A link to the section of a declaration; for a short form, to the section of the full form.
    fn named(&self, name: &str) -> String {
        if let Some((_, word)) = VALUES.iter().find(|v| v.0 == name) {
            return (*word).to_owned();
        }
        let definition = &self.definitions[name];
        if definition.get("anyOf").is_some() {
            return self.kind(definition);
        }
        format!("[{}](#{})", title(name), anchor(&title(name)))
    }
}

fn required(value: &Value) -> BTreeSet<String> {
    let list = value.get("required").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .map(|k| k.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_reference_is_that_of_the_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scenario.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (ours, found) = page.split_once(BEGIN).expect("the page has its marker");
    let made = Reference::of(&serde_json::to_value(schema()).unwrap());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{ours}{BEGIN}{made}")).unwrap();
    } else {
        assert!(found == made, "UPDATE_DOCS=1 cargo test --test reference");
    }
}

/// However the reference is generated, every key of the format must be on the page.
#[test]
fn every_key_of_the_schema_is_on_the_page() {
    fn keys(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => {
                let properties = object.get("properties").and_then(Value::as_object);
                found.extend(properties.into_iter().flatten().map(|(k, _)| k.clone()));
                object.values().for_each(|v| keys(v, found));
            }
            Value::Array(list) => list.iter().for_each(|v| keys(v, found)),
            _ => {}
        }
    }
    let (mut found, page) = (BTreeSet::new(), include_str!("../docs/scenario.md"));
    keys(&serde_json::to_value(schema()).unwrap(), &mut found);
    assert!(found.len() > 100);
    for key in found {
        assert!(
            page.contains(&format!("`{key}`")) || page.contains(&format!("\"{key}\":")),
            "{key}"
        );
    }
}
