//! `ip_hash`: a client's network keeps its server while that is able.
//!
//! The first three bytes of an address are hashed into the total weight. If that server is not able the hash is
//! repeated; after twenty vain hashes the round robin decides. The numbers are Nginx's.

use super::{Peer, round_robin};

const START: u64 = 89;
const FACTOR: u64 = 113;
const MODULUS: u64 = 6271;
const MOST_HASHES: u32 = 20;

/// The server that this client's network hashes to.
pub fn choose(peers: &mut [Peer], client: u64, able: impl Fn(usize, &Peer) -> bool + Copy) -> Option<usize> {
    let total: i64 = peers.iter().filter(|peer| !peer.backup).map(|peer| peer.weight).sum();
    let mut hash = START;
    for _ in 0..=MOST_HASHES {
        hash = client.to_le_bytes()[..3]
            .iter()
            .fold(hash, |hash, &byte| (hash * FACTOR + u64::from(byte)) % MODULUS);
        let server = server_at(peers, hash as i64 % total.max(1));
        if server.is_some_and(|server| able(server, &peers[server])) {
            return server;
        }
    }
    round_robin::choose(peers, client, able)
}

/// The server whose share of the total weight contains this point.
fn server_at(peers: &[Peer], mut point: i64) -> Option<usize> {
    let mut primaries = (0..peers.len()).filter(|&server| !peers[server].backup);
    primaries.find(|&server| {
        point -= peers[server].weight;
        point < 0
    })
}
