//! How evenly HAProxy's hashes and `random` spread requests (`recordings/1b…`, `1c…`), against the balancing
//! algorithms.
//!
//! Statistics, not picks: exact picks would need HAProxy's own hash functions and generator. The tolerance is four
//! standard deviations of chance, because the ring is HAProxy's own.

use fallover::base::random::{Draw, mix};
use fallover::model::balance::{self, Ask, Balance, Balancer, Change, Member, Pool};
use fallover::scenario::plan::{Algorithm, HashOf};
use serde_json::Value;

/// Enough keys to treat their shares as exact.
const KEYS: u64 = 100_000;

fn observations(text: &str) -> Vec<Value> {
    let mut recording: Value = serde_json::from_str(text).unwrap();
    serde_json::from_value(recording["observations"].take()).unwrap()
}

fn pool(observation: &Value) -> Pool {
    let member = |(i, weight): (usize, &Value)| {
        let weight = weight.as_u64().unwrap() as u32;
        Member {
            weight,
            eweight: 16 * weight,
            id: i as u32 + 1,
            backup: false,
            usable: true,
            up: true,
            served: 0,
            queued: 0,
            limit: u32::MAX,
            line: 0,
        }
    };
    Pool {
        servers: (observation["weights"].as_array().unwrap().iter().enumerate())
            .map(member)
            .collect(),
    }
}

/// Is a count of `n` within chance of the expected share? `extra` is an additional standard deviation of the share.
fn within_chance(count: &Value, n: f64, share: f64, extra: f64) -> bool {
    let count = count.as_f64().unwrap_or(0.0);
    let variance = n * share * (1.0 - share) + (n * extra).powi(2);
    (count - n * share).abs() <= 4.0 * variance.sqrt()
}

/// The server of every key, while the script removes servers and restores them.
struct Hashed {
    pool: Pool,
    balancer: Balancer,
}

impl Hashed {
    fn new(observation: &Value) -> Hashed {
        let consistent = observation["hash_type"].as_str().unwrap().contains("consistent");
        let pool = pool(observation);
        Hashed {
            balancer: balance::new(
                Algorithm::Hash {
                    of: HashOf::Key,
                    consistent,
                },
                &pool,
            ),
            pool,
        }
    }

    fn servers(&mut self) -> Vec<usize> {
        let mut draw = Draw::keyed(0);
        let mut pick = |key| {
            self.balancer
                .pick(
                    &self.pool,
                    Ask {
                        hash: mix(77, key),
                        avoid: None,
                    },
                    &mut draw,
                )
                .unwrap()
        };
        (0..KEYS).map(&mut pick).collect()
    }

    fn set_usable(&mut self, server: usize, usable: bool) {
        let member = &mut self.pool.servers[server];
        (member.usable, member.up) = (usable, usable);
        self.balancer
            .changed(&self.pool, server, if usable { Change::Up } else { Change::Down });
    }
}

#[test]
fn hashes_spread_and_move_keys_as_recorded() {
    for observation in observations(include_str!("recordings/1b_hash_balance.json")) {
        let mut hashed = Hashed::new(&observation);
        let all = hashed.servers();
        check(&observation, "all_up", &all, &all);
        for (phase, server) in [("s2_down", 1), ("s4_down", 3)] {
            hashed.set_usable(server, false);
            check(&observation, phase, &all, &hashed.servers());
            hashed.set_usable(server, true);
            assert_eq!(hashed.servers(), all, "{}: as before", observation["name"]);
        }
    }
}

/// Compares one phase: shares, keys moved, and keys moved although their server stayed.
fn check(observation: &Value, phase: &str, before: &[usize], after: &[usize]) {
    let (recorded, name) = (&observation["stats"][phase], &observation["name"]);
    let consistent = observation["hash_type"].as_str().unwrap().contains("consistent");
    let n = recorded["of"].as_f64().unwrap();
    let share = |count: usize| count as f64 / KEYS as f64;
    for server in 0..4 {
        let expected = share(after.iter().filter(|&&other| other == server).count());
        let count = &recorded["share"][format!("s{}", server + 1)];
        assert!(
            within_chance(count, n, expected, 0.0),
            "{name} {phase} s{}: {expected}",
            server + 1
        );
    }
    let moved: Vec<usize> = before
        .iter()
        .zip(after)
        .filter(|(before, after)| before != after)
        .map(|(&server, _)| server)
        .collect();
    let dead = if phase == "s2_down" { 1 } else { 3 };
    let orphans = moved.iter().filter(|&&server| server != dead).count();
    assert!(
        within_chance(&recorded["moved"], n, share(moved.len()), 0.0),
        "{name} {phase}: {} moved",
        share(moved.len())
    );
    let survived = &recorded["moved_among_keys_whose_server_survived"];
    assert!(
        within_chance(survived, n, share(orphans), 0.0),
        "{name} {phase}: {} moved needlessly",
        share(orphans)
    );
    assert!(!consistent || orphans == 0, "{name} {phase}");
}

/// HAProxy draws on its ring, so its shares are uneven where weights are small; ours are exact by contract. The test
/// compares the weights that are large enough for an even ring, and how level the load is where requests stay.
#[test]
fn random_spreads_as_recorded() {
    for observation in observations(include_str!("recordings/1c_random_balance.json")) {
        let draws = observation["balance"]
            .as_str()
            .unwrap()
            .trim_matches(|c: char| !c.is_ascii_digit())
            .parse()
            .unwrap();
        let weights: Vec<f64> = observation["weights"]
            .as_array()
            .unwrap()
            .iter()
            .map(|weight| weight.as_f64().unwrap())
            .collect();
        if let Some(shares) = observation["share"]
            .as_object()
            .filter(|_| weights.iter().all(|&weight| weight >= 10.0))
        {
            let total: f64 = weights.iter().sum();
            for (count, weight) in shares.values().zip(&weights) {
                let (share, points) = (weight / total, 16.0 * weight);
                assert!(
                    within_chance(count, 1500.0, share, share / points.sqrt()),
                    "{}",
                    observation["name"]
                );
            }
        }
        // On its ring with small weights, HAProxy's single draw is less even than chance.
        if let Some(runs) = observation["final_open"].as_array().filter(|_| draws > 1) {
            let unevenness_of = |draws| {
                (0..1000)
                    .map(|key| unevenness(&held_open(Algorithm::Random { draws }, &observation, key), &weights))
                    .collect()
            };
            let (level, chance): (Vec<f64>, Vec<f64>) = (unevenness_of(draws), unevenness_of(1));
            let most = level.iter().copied().fold(0.0, f64::max);
            for run in runs {
                let counts: Vec<f64> = run
                    .as_object()
                    .unwrap()
                    .values()
                    .map(|count| count.as_f64().unwrap())
                    .collect();
                assert!(
                    unevenness(&counts, &weights) <= most,
                    "{}: HAProxy is less level",
                    observation["name"]
                );
            }
            let ((level, error), (chance, chance_error)) = (estimate(&level), estimate(&chance));
            assert!(
                level + 4.0 * (error + chance_error) < chance,
                "{}: {level}, by chance {chance}",
                observation["name"]
            );
        }
    }
}

/// Mean and standard error.
fn estimate(sample: &[f64]) -> (f64, f64) {
    let n = sample.len() as f64;
    let mean = sample.iter().sum::<f64>() / n;
    let variance = sample.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// Requests on each server after 200 arrived and stayed.
fn held_open(algorithm: Algorithm, observation: &Value, key: u64) -> Vec<f64> {
    let mut pool = pool(observation);
    let mut balancer = balance::new(algorithm, &pool);
    let mut draw = Draw::keyed(mix(3, key));
    for _ in 0..200 {
        let server = balancer.pick(&pool, Ask::default(), &mut draw).unwrap();
        pool.servers[server].served += 1;
        balancer.changed(&pool, server, Change::Taken);
    }
    pool.servers.iter().map(|member| f64::from(member.served)).collect()
}

/// The largest deviation of a server from its share, in requests.
fn unevenness(counts: &[f64], weights: &[f64]) -> f64 {
    let (requests, weight): (f64, f64) = (counts.iter().sum(), weights.iter().sum());
    counts
        .iter()
        .zip(weights)
        .map(|(count, share)| (count - requests * share / weight).abs())
        .fold(0.0, f64::max)
}
