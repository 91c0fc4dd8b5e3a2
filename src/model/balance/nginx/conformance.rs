//! What every algorithm of the list must do. A new one is tested as soon as it is listed.

use proptest::prelude::*;

use super::{EXAMPLES, Peer, Upstreams};
use crate::base::ids::NodeId;
use crate::base::time::{Span, Time};
use crate::scenario::plan::{Upstream, WebBalance};

/// An operation on an upstream block. Server and connection numbers are taken modulo their count.
#[derive(Clone, Debug)]
enum Step {
    Request { client: u64, tried: Vec<usize> },
    Answered { connection: usize, well: bool },
    Later(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let tried = prop::collection::vec(0usize..6, 0..3);
    prop_oneof![
        4 => (any::<u64>(), tried).prop_map(|(client, tried)| Step::Request { client, tried }),
        3 => (0usize..99, prop::bool::weighted(0.7)).prop_map(|(connection, well)| Step::Answered { connection, well }),
        1 => (0u64..4).prop_map(Step::Later),
    ]
}

fn server() -> impl Strategy<Value = Upstream> {
    let max_conns = prop_oneof![2 => Just(None), 1 => (1u32..4).prop_map(Some)];
    (1u32..6, prop::bool::weighted(0.25), max_conns, 0u32..3).prop_map(|(weight, backup, max_conns, max_fails)| {
        Upstream {
            backup,
            max_conns,
            max_fails,
            ..healthy(weight)
        }
    })
}

/// A server without a limit that one failure takes out.
pub(super) fn healthy(weight: u32) -> Upstream {
    Upstream {
        node: NodeId::new(0),
        weight,
        backup: false,
        max_conns: None,
        max_fails: 1,
        fail_timeout: Span::from_millis(2000),
    }
}

proptest! {
    /// A pick is able and untried; backups come last; and there is no pick only if no server is able.
    #[test]
    fn a_pick_is_right_or_rightly_none(
        servers in prop::collection::vec(server(), 2..7),
        steps in prop::collection::vec(step(), 1..200),
    ) {
        for &balance in EXAMPLES {
            let mut upstreams = Upstreams::new(balance, &servers);
            let (mut open, mut second) = (Vec::new(), 0);
            for step in &steps {
                let now = Time::ZERO + Span::from_millis(1000 * second);
                match step {
                    Step::Later(seconds) => second += seconds,
                    Step::Answered { connection, well } if !open.is_empty() => {
                        let server = open.swap_remove(connection % open.len());
                        upstreams.released(server);
                        if *well { upstreams.succeeded(server) } else { upstreams.failed(server, now) }
                    }
                    Step::Answered { .. } => {}
                    Step::Request { client, tried } => {
                        let tried: Vec<usize> = tried.iter().map(|server| server % servers.len()).collect();
                        let before = upstreams.peers.clone();
                        let pick = upstreams.pick(now, *client, &tried);
                        check(balance, &before, second, &tried, pick);
                        open.extend(pick);
                    }
                }
            }
        }
    }
}

fn check(balance: WebBalance, peers: &[Peer], now: u64, tried: &[usize], pick: Option<usize>) {
    let able = |backup: bool| {
        let able = move |&server: &usize| {
            let peer = &peers[server];
            peer.backup == backup && !tried.contains(&server) && peer.is_live(now) && peer.has_room()
        };
        (0..peers.len()).filter(able).collect::<Vec<_>>()
    };
    let among = match able(false) {
        primaries if primaries.is_empty() || tried.iter().any(|&server| peers[server].backup) => able(true),
        primaries => primaries,
    };
    match pick {
        Some(server) => assert!(among.contains(&server), "{balance:?} picked {server} among {among:?}"),
        None => assert!(among.is_empty(), "{balance:?} found nobody among {among:?}"),
    }
}

/// Long-lived requests share the servers by weight.
#[test]
fn theory_weights_are_respected() {
    const REQUESTS: u64 = 6000;
    let servers = [3, 2, 1].map(healthy);
    for &balance in EXAMPLES {
        let mut upstreams = Upstreams::new(balance, &servers);
        for client in 0..REQUESTS {
            upstreams.pick(Time::ZERO, crate::base::random::mix(7, client), &[]);
        }
        for peer in &upstreams.peers {
            let share = peer.weight as f64 / 6.0;
            // With hashing a binomial count; the others take exact turns.
            let off = (f64::from(peer.conns) / REQUESTS as f64 - share).abs();
            let chance = match balance {
                WebBalance::IpHash => 4.0 * libm::sqrt(share * (1.0 - share) / REQUESTS as f64),
                _ => 1.0 / REQUESTS as f64,
            };
            assert!(
                off <= chance,
                "{balance:?}: {} of {REQUESTS} for {}",
                peer.conns,
                peer.weight
            );
        }
    }
}
