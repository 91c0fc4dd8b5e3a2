//! Smooth weighted round robin: every server earns its weight as credit; the one with the most is picked and pays the
//! total.
//!
//! 5:1:1 is `1 1 2 1 3 1 1`. A server that failed earns less, and recovers by one at each pick.

use super::Peer;

/// The one with the most credit among those that are able; ties go to the first.
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
