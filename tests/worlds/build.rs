//! How a hostile world is made from a tape of numbers, in which 0 always means the plain choice: a tape of zeros is a
//! small quiet world, and every number that is not 0 may add a feature.

use serde_json::{Map, Value, json};

/// The features that a world may have.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Rules {
    /// Everything that the format allows.
    Anything,
    /// A world that comes to rest: sources that cease, a time-out on every wait, faults that end.
    LeftAlone,
}

/// Length of a run. A world with [`Rules::LeftAlone`] is left alone for nearly all of it.
pub const SECONDS: f64 = 4.0;
const LEFT_ALONE_SECONDS: f64 = 2000.0;

/// The scenario that a tape describes.
pub fn scenario(tape: &[u16], rules: Rules) -> String {
    Builder::new(tape.to_vec(), rules).world()
}

struct Builder {
    tape: Vec<u16>,
    at: usize,
    rules: Rules,
    hosts: Vec<String>,
    zones: Vec<String>,
    links: Vec<String>,
    nodes: Map<String, Value>,
    members: Vec<String>,
}

impl Builder {
    fn new(tape: Vec<u16>, rules: Rules) -> Builder {
        let (hosts, zones, links) = Default::default();
        Builder {
            tape,
            at: 0,
            rules,
            hosts,
            zones,
            links,
            nodes: Map::new(),
            members: Vec::new(),
        }
    }

    /// A number below `n`; 0 once the tape is used up.
    fn below(&mut self, n: usize) -> usize {
        let word = self.tape.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(word) % n
    }

    /// True about once in `n`.
    fn rarely(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    fn world(mut self) -> String {
        let classes = self.classes();
        let hosts = self.make_hosts();
        let network = self.network();
        let front = self.front();
        let clients = self.clients(&front);
        let faults: Vec<Value> = (0..self.below(6)).map(|_| self.fault()).collect();
        let mut causes = Map::new();
        if self.rarely(4) {
            let targets = [self.component(), self.component()];
            causes.insert(
                "cause".into(),
                json!({ "targets": targets, "lifetime": self.lifetime() }),
            );
        }
        let seconds = if self.rules == Rules::LeftAlone {
            LEFT_ALONE_SECONDS
        } else {
            SECONDS
        };
        let world = json!({
            "duration": seconds, "requests": classes, "clients": clients, "hosts": hosts, "nodes": self.nodes,
            "network": network, "faults": faults, "common_causes": causes,
        });
        serde_json::to_string_pretty(&world).expect("a value is text")
    }

    fn classes(&mut self) -> Value {
        let keys = json!({ "count": 20, "zipf": self.pick(&[0.0, 1.0, 1.3]) });
        let bytes = json!({ "request": 200, "response": self.pick(&[0, 1000, 40_000]) });
        match self.below(3) {
            0 => json!({ "a": { "bytes": bytes } }),
            1 => {
                json!({ "a": { "share": 3, "keys": keys, "bytes": bytes }, "b": { "priority_offset": self.pick(&[0, 30, -5]) } })
            }
            _ => {
                json!({ "a": { "priority": self.below(2) }, "b": { "share": 0.5, "keys": keys }, "c": { "share": 2, "priority": -1 } })
            }
        }
    }

    fn dist(&mut self) -> Value {
        let mean = self.pick(&["2ms", "0ms", "10ms", "50ms", "1us"]);
        if mean == "0ms" {
            return json!(mean);
        }
        match self.below(6) {
            0 => json!(mean),
            1 => json!({ "exponential": { "mean": mean } }),
            2 => json!({ "lognormal": { "mean": mean, "cv": 2 } }),
            3 => json!({ "hyperexponential": { "mean": mean, "cv": 2 } }),
            4 => json!({ "empirical": ["0ms", mean, "1ms"] }),
            _ => json!({ "gamma": { "mean": mean, "cv": 0.5 } }),
        }
    }

    /// A lifetime that causes several failures in a run; none in a world that must come to rest.
    fn lifetime(&mut self) -> Option<Value> {
        let wanted = self.rarely(4) && self.rules == Rules::Anything;
        wanted.then(|| json!({ "mtbf": "1.5s", "mttr": self.pick(&["300ms", "2s", "20ms"]) }))
    }

    fn make_hosts(&mut self) -> Value {
        let mut hosts = Map::new();
        for i in 0..1 + self.below(4) {
            let name = format!("h{i}");
            let mut host = json!({ "speed": self.pick(&[1.0, 0.5, 3.0]) });
            if self.below(3) > 0 {
                host["cores"] = json!(1 + self.below(3));
            }
            if self.rarely(2) {
                let zone = self.pick(&["z0", "z1"]);
                host["zone"] = json!(zone);
                if !self.zones.iter().any(|z| z == zone) {
                    self.zones.push(zone.to_owned());
                }
            }
            if let Some(lifetime) = self.lifetime() {
                host["lifetime"] = lifetime;
            }
            hosts.insert(name.clone(), host);
            self.hosts.push(name);
        }
        Value::Object(hosts)
    }

    fn network(&mut self) -> Value {
        let mut network =
            json!({ "latency": self.pick(&["0ms", "1ms", "30ms"]), "loss": self.pick(&[0.0, 0.0, 0.05]) });
        if self.rarely(3) {
            network["bandwidth"] = json!(1e6);
        }
        let mut links = Vec::new();
        if self.hosts.len() > 1 {
            for i in 0..self.below(3) {
                let (from, to) = (
                    self.hosts[i % self.hosts.len()].clone(),
                    self.hosts[(i + 1) % self.hosts.len()].clone(),
                );
                let name = format!("{from}->{to}");
                if self.links.contains(&name) {
                    continue;
                }
                let mut link = json!({ "from": from, "to": to, "loss": self.pick(&[0.0, 0.2]), "latency": "2ms" });
                if self.rarely(3) {
                    link["bandwidth"] = json!(1e7);
                }
                if let Some(lifetime) = self.lifetime() {
                    link["lifetime"] = lifetime;
                }
                links.push(link);
                self.links.push(name);
            }
        }
        network["links"] = json!(links);
        network
    }

    // --- nodes ------------------------------------------------------------------------------------------------------

    /// Must every wait end?
    fn must_end(&mut self) -> bool {
        self.rules == Rules::LeftAlone || self.rarely(2)
    }

    fn add(&mut self, name: &str, kind: &str, settings: Value) -> String {
        let mut node = json!({ "kind": kind });
        if self.below(3) > 0 {
            node["host"] = json!(self.pick(&self.hosts.clone()));
        }
        if self.rarely(2) {
            node["workers"] = json!(1 + self.below(4));
            if self.rarely(2) {
                node["queue"] = json!(self.pick(&[3, 0, 20]));
            }
        }
        if self.below(4) > 0 {
            node["work"] = json!({ "*": { "cpu": self.dist(), "io": self.dist() } });
        }
        if let Some(lifetime) = self.lifetime() {
            node["lifetime"] = lifetime;
        }
        if self.rarely(5) && self.rules == Rules::Anything {
            node["maintenance"] = json!({ "every": "2s", "for": "500ms" });
        }
        // A firewall has no time-out of its own: one that finishes abandoned work may wait for a dead host for ever.
        let has_time_outs = self.rules == Rules::Anything || kind != "firewall";
        if self.rarely(3) && has_time_outs {
            node["abandoned"] = json!(self.pick(&["finish", "stop"]));
        }
        for (key, value) in settings.as_object().into_iter().flatten() {
            node[key] = value.clone();
        }
        self.nodes.insert(name.into(), node);
        name.into()
    }

    fn database(&mut self) -> String {
        let mut members = Map::new();
        for i in 0..1 + self.below(3) {
            let name = format!("m{i}");
            let mut member = json!({});
            if self.rarely(2) {
                member["host"] = json!(self.pick(&self.hosts.clone()));
            }
            if let Some(lifetime) = self.lifetime() {
                member["lifetime"] = lifetime;
            }
            members.insert(name.clone(), member);
            self.members.push(name);
        }
        let count = members.len();
        let read_from = if count == 1 {
            "any"
        } else {
            self.pick(&["any", "primary", "replicas"])
        };
        let lag = if self.rarely(3) { json!("1s") } else { self.dist() };
        let mut database = json!({
            "kind": "database", "members": members, "read_from": read_from,
            "max_connections": self.pick(&[151, 1, 4]),
            "replication": { "lag": lag },
            "work": { "read": { "cpu": self.dist() }, "write": { "cpu": self.dist(), "io": self.dist() } },
        });
        if self.rarely(3) {
            database["replication"]["mode"] = json!("semi-sync");
            database["replication"]["timeout"] = json!(self.pick(&["50ms", "500ms"]));
        }
        if self.rarely(2) {
            database["failover"] =
                json!({ "detect": self.pick(&["300ms", "0ms"]), "promote": self.pick(&["100ms", "0ms"]) });
        }
        if self.rarely(2) {
            database["workers"] = json!(1 + self.below(3));
            database["queue"] = json!(self.below(3));
        }
        self.nodes.insert("db".into(), database);
        "db".into()
    }

    fn app(&mut self, name: &str, database: Option<&str>, calls: &[String]) -> String {
        let mut settings = json!({ "calls": calls, "timeouts": { "connect": self.pick(&["100ms", "1s"]) } });
        if let Some(database) = database {
            settings["database"] = json!(database);
            settings["queries"] = json!({ "*": { "read": self.below(3), "write": self.below(2) } });
            if self.rarely(3) {
                settings["pool"] = json!(1 + self.below(2));
            }
            if self.rarely(3) {
                settings["avoid"] = json!("200ms");
            }
        }
        if self.rarely(3) {
            settings["retry"] = json!({ "max": 1 + self.below(3), "backoff": self.pick(&["0ms", "20ms"]) });
        }
        if self.rarely(3) {
            settings["breaker"] =
                json!({ "failures": 1 + self.below(4), "window": "200ms", "open": self.pick(&["50ms", "1s"]) });
        }
        if self.must_end() {
            settings["timeouts"]["query"] = json!(self.pick(&["500ms", "20ms"]));
        }
        self.add(name, "app", settings)
    }

    fn web(&mut self, name: &str, upstreams: &[String]) -> String {
        let upstream = |b: &mut Builder, node: &String| {
            json!({
                "node": node, "weight": 1 + b.below(3), "max_fails": b.below(3), "fail_timeout": b.pick(&["1s", "10s"]),
                "max_conns": b.pick(&[0, 1, 5]),
            })
        };
        let upstreams: Vec<Value> = upstreams.iter().map(|node| upstream(self, node)).collect();
        let words: [&[&str]; 4] = [
            &["error", "timeout"],
            &["off"],
            &["error", "timeout", "http_500"],
            &["timeout"],
        ];
        let mut settings = json!({
            "upstreams": upstreams, "balance": self.pick(&["roundrobin", "least_conn", "ip_hash"]),
            "connections": self.pick(&[512, 6, 40]), "next_upstream": self.pick(&words),
            "timeouts": { "connect": self.pick(&["100ms", "1s"]), "read": self.pick(&["500ms", "30ms"]) },
        });
        if self.rarely(2) {
            settings["serves"] = json!(["a"]);
        }
        if self.rarely(4) {
            settings["cache"] = json!({ "hit": self.pick(&[0.5, 1.0]), "ttl": self.pick(&["0ms", "500ms"]) });
        }
        if self.rarely(4) {
            settings["limit_conn"] = json!(1 + self.below(2));
        }
        if self.rarely(4) {
            settings["limit_req"] = json!({ "rate": "100/s", "burst": 20, "nodelay": self.rarely(2) });
        }
        if self.rarely(4) {
            settings["tls"] = json!({ "handshake": "1ms", "resumption": 0.5 });
        }
        self.add(name, "web", settings)
    }

    fn balancer(&mut self, name: &str, servers: &[String]) -> String {
        let server = |b: &mut Builder, i: usize, node: &String| {
            let mut server = json!({ "node": node, "weight": b.pick(&[1, 3, 0, 10]) });
            if b.rarely(2) {
                server["maxconn"] = json!(1 + b.below(5));
                server["minconn"] = json!(b.below(3));
            }
            if b.rarely(4) {
                server["slowstart"] = json!("1s");
            }
            if b.rarely(3) {
                server["maxqueue"] = json!(1 + b.below(3));
            }
            if i > 0 && b.rarely(4) {
                server["backup"] = json!(true);
            }
            server
        };
        let servers: Vec<Value> = servers
            .iter()
            .enumerate()
            .map(|(i, node)| server(self, i, node))
            .collect();
        let all = [
            "roundrobin",
            "leastconn",
            "random",
            "first",
            "source",
            "uri",
            "hdr",
            "static-rr",
        ];
        let algorithm = self.pick(&all);
        let mut settings = json!({
            "servers": servers, "algorithm": algorithm, "retries": self.below(4), "redispatch": self.rarely(2),
            "allbackups": self.rarely(3),
            "timeouts": { "connect": self.pick(&["100ms", "2s"]), "queue": self.pick(&["50ms", "1s"]) },
        });
        if matches!(algorithm, "source" | "uri" | "hdr") && self.rarely(2) {
            settings["hash_type"] = json!("consistent");
        }
        if self.must_end() {
            settings["timeouts"]["server"] = json!(self.pick(&["1s", "20ms"]));
        }
        if self.rarely(2) {
            let slow = self.rules == Rules::LeftAlone;
            let inter = if slow {
                "2s"
            } else {
                self.pick(&["200ms", "20ms", "1s"])
            };
            settings["check"] = json!({ "inter": inter, "fall": 1 + self.below(3), "rise": 1 + self.below(2) });
            settings["check"]["fastinter"] = json!(self.pick(&["50ms", inter]));
            settings["check"]["deep"] = json!(self.rarely(3));
            if self.rarely(3) {
                settings["on_marked_down"] = json!("shutdown-sessions");
            }
            if self.rarely(2) {
                settings["observe"] = json!(self.pick(&["layer4", "layer7"]));
                settings["error_limit"] = json!(1 + self.below(4));
                settings["on_error"] = json!(self.pick(&["fastinter", "fail-check", "sudden-death", "mark-down"]));
            }
        }
        if self.rarely(3) {
            let words = [
                "conn-failure",
                "empty-response",
                "response-timeout",
                "503",
                "all-retryable-errors",
            ];
            settings["retry_on"] = json!([self.pick(&words), self.pick(&words)]);
        }
        if self.rarely(4) {
            settings["tls"] = json!({ "handshake": "1ms", "resumption": 0.5 });
        }
        settings["fullconn"] = json!(1 + self.below(9));
        if self.rarely(3) {
            settings["maxconn"] = json!(1 + self.below(6));
            if self.rarely(2) {
                settings["backlog"] = json!(self.below(4));
            }
        }
        self.add(name, "load-balancer", settings)
    }

    /// Builds everything behind the clients, from the last node to the first, and returns the name of the entry.
    fn front(&mut self) -> String {
        let database = (self.below(3) > 0).then(|| self.database());
        let service = if self.rarely(4) {
            vec![self.app("service", None, &[])]
        } else {
            Vec::new()
        };
        let mut tier: Vec<String> = (0..1 + self.below(3))
            .map(|i| self.app(&format!("app{i}"), database.as_deref(), &service))
            .collect();
        if self.below(2) > 0 {
            tier = (0..1 + self.below(3))
                .map(|i| self.web(&format!("web{i}"), &tier))
                .collect();
        }
        if self.below(3) > 0 {
            tier = (0..1 + self.below(2))
                .map(|i| self.balancer(&format!("lb{i}"), &tier))
                .collect();
        }
        if self.rarely(3) {
            tier = tier
                .into_iter()
                .enumerate()
                .map(|(i, to)| self.firewall(i, &to))
                .collect();
        }
        let mut front = tier[0].clone();
        if self.rarely(3) {
            let vip = json!({
                "kind": "virtual-ip", "members": tier, "failover": self.pick(&["300ms", "0ms"]), "preempt": self.rarely(2),
            });
            self.nodes.insert("vip".into(), vip);
            front = "vip".into();
        }
        if self.rarely(2) {
            let mut answers = vec![front];
            answers.extend(tier.get(1).cloned());
            let mut dns = json!({
                "answers": answers, "ttl": self.pick(&["1s", "0s", "100ms"]), "lookup": self.dist(),
                "timeout": self.pick(&["200ms", "1s"]),
            });
            if self.rarely(3) {
                dns["negative_ttl"] = json!(self.pick(&["0s", "300ms"]));
            }
            if self.rarely(3) {
                dns["failover"] = json!({ "check": { "inter": "50ms", "fall": 2, "rise": 1, "deep": self.rarely(2) } });
            }
            front = self.add("dns", "dns", dns);
        }
        front
    }

    fn firewall(&mut self, i: usize, to: &str) -> String {
        let mut settings = json!({ "to": to });
        if self.rarely(2) {
            settings["connections"] = json!(1 + self.below(10));
        }
        if self.rarely(3) {
            settings["limit"] = json!({ "rate": "80/s", "burst": 5 });
        }
        self.add(&format!("fw{i}"), "firewall", settings)
    }

    // --- load and faults --------------------------------------------------------------------------------------------

    fn clients(&mut self, entry: &str) -> Value {
        let mut clients = Map::new();
        for i in 0..1 + self.below(2) {
            let mut client = json!({ "entry": entry });
            if self.rules == Rules::LeftAlone {
                let rate = self.pick(&["20/s", "100/s"]);
                client["arrivals"] = json!({ "profile": [["0s", rate], ["2s", rate], ["2s", "0/s"]] });
            } else {
                self.load(&mut client);
            }
            if self.must_end() {
                client["timeout"] = json!(self.pick(&["1s", "30ms", "200ms"]));
            }
            if self.rarely(2) {
                let retry = json!({ "max": self.below(4), "backoff": self.pick(&["50ms", "0ms"]), "cap": "1s" });
                client["retry"] = retry;
                if self.rarely(2) {
                    client["retry"]["budget"] = json!(0.1);
                }
            }
            if self.rarely(4) {
                client["render"] = self.dist();
            }
            if self.rarely(4) {
                client["page"] = json!({ "a": self.pick(&[1, 2, 5]) });
            }
            if self.rarely(4) {
                client["min_ttl"] = json!("150ms");
            }
            clients.insert(format!("c{i}"), client);
        }
        Value::Object(clients)
    }

    fn load(&mut self, client: &mut Value) {
        match self.below(6) {
            0 => client["arrivals"] = json!({ "poisson": self.pick(&["100/s", "400/s"]) }),
            1 => client["arrivals"] = json!({ "uniform": "100/s" }),
            2 => client["arrivals"] = json!({ "renewal": { "hyperexponential": { "mean": "10ms", "cv": 3 } } }),
            3 => client["arrivals"] = json!({ "profile": [["0s", "0/s"], ["1s", "300/s"], ["3s", "10/s"]] }),
            4 => {
                let states = [
                    json!({ "rate": "500/s", "mean": "200ms" }),
                    json!({ "rate": "0/s", "mean": "500ms" }),
                ];
                client["arrivals"] = json!({ "mmpp": { "states": states } });
            }
            _ => {
                client["users"] = json!(self.pick(&[5, 1, 60]));
                client["think"] = json!({ "exponential": { "mean": self.pick(&["100ms", "5ms"]) } });
            }
        }
        if client.get("users").is_none() {
            client["population"] = json!(self.pick(&[1000, 1, 7]));
        }
    }

    fn component(&mut self) -> String {
        let mut names: Vec<String> = self.nodes.keys().cloned().collect();
        names.extend(self.hosts.iter().cloned());
        names.extend(self.zones.iter().cloned());
        names.extend(self.members.iter().cloned());
        // Crashes of a primary deserve more tests than its share of the names gives.
        if !self.members.is_empty() && self.rarely(4) {
            return self.members[0].clone();
        }
        self.pick(&names)
    }

    fn fault(&mut self) -> Value {
        let at = self.pick(&["500ms", "0s", "1s", "1500ms"]);
        let mut fault = json!({ "at": at });
        if self.rules == Rules::LeftAlone || self.below(4) > 0 {
            fault["for"] = json!(self.pick(&["500ms", "1s", "2s"]));
        }
        match self.below(11) {
            0 => self.effect(&mut fault, "crash"),
            1 => self.effect(&mut fault, "hang"),
            2 => {
                self.effect(&mut fault, "slow");
                fault["factor"] = json!(self.pick(&[2.0, 10.0, 0.5]));
            }
            3 => {
                self.effect(&mut fault, "errors");
                fault["ratio"] = json!(self.pick(&[0.5, 1.0]));
            }
            4 => {
                self.effect(&mut fault, "drop");
                fault["ratio"] = json!(self.pick(&[0.5, 1.0]));
            }
            5 if self.hosts.len() > 1 => {
                fault["effect"] = json!("partition");
                fault["from"] = json!(self.hosts[0]);
                fault["to"] = json!(self.hosts[1..]);
            }
            6 => self.effect(&mut fault, "maint"),
            7 => self.effect(&mut fault, "drain"),
            8 if !self.links.is_empty() => {
                fault["target"] = json!(self.pick(&self.links.clone()));
                fault["effect"] = json!(self.pick(&["crash", "partition"]));
            }
            9 => self.effect(&mut fault, "empty"),
            _ => self.set(&mut fault),
        }
        fault
    }

    fn effect(&mut self, fault: &mut Value, effect: &str) {
        fault["target"] = json!(self.component());
        fault["effect"] = json!(effect);
    }

    fn set(&mut self, fault: &mut Value) {
        fault["effect"] = json!("set");
        let servers: Vec<String> = self
            .nodes
            .values()
            .filter_map(|n| n.get("servers"))
            .flat_map(server_names)
            .collect();
        if !servers.is_empty() && self.rarely(2) {
            fault["target"] = json!(self.pick(&servers));
            fault["set"] = self.pick(&[json!({ "weight": 0 }), json!({ "maxconn": 1 }), json!({ "weight": 7 })]);
        } else if self.nodes.contains_key("dns") {
            fault["target"] = json!("dns");
            let checked = self.nodes["dns"].get("failover").is_some();
            let answers = [
                json!({ "answers": ["app0"] }),
                json!({ "ttl": "0s" }),
                json!({ "answers": [] }),
            ];
            let change = self.pick(&answers);
            fault["set"] = if checked { json!({ "ttl": "0s" }) } else { change };
        } else {
            fault["target"] = json!("app0");
            fault["set"] = self.pick(&[
                json!({ "workers": 1 }),
                json!({ "workers": 9 }),
                json!({ "workers": null }),
            ]);
        }
    }
}

fn server_names(servers: &Value) -> Vec<String> {
    servers
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|s| s["node"].as_str())
        .map(str::to_owned)
        .collect()
}
