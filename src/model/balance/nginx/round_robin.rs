//! Smooth weighted round robin: everybody saves up a weight, and the richest, who is picked, pays for all.
//!
//! 5:1:1 is `1 1 2 1 3 1 1`. A server that failed has less to save up, and recovers by one at each pick.

use super::Peer;

/// The richest of those that are able; the first of equals.
pub fn choose(peers: &mut [Peer], _client: u64, able: impl Fn(usize, &Peer) -> bool + Copy) -> Option<usize> {
    let (mut best, mut total) = (None, 0);
    for server in 0..peers.len() {
        if !able(server, &peers[server]) {
            continue;
        }
        let peer = &mut peers[server];
        peer.current += peer.effective;
        total += peer.effective;
        peer.effective = (peer.effective + 1).min(peer.weight);
        let current = peer.current;
        if best.is_none_or(|best: usize| current > peers[best].current) {
            best = Some(server);
        }
    }
    peers[best?].current -= total;
    best
}
