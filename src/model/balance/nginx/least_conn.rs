//! `least_conn`: the server with the fewest connections for its weight; ties take turns.
//!
//! So an idle farm is visited by weight, unlike HAProxy's.

use super::{Peer, round_robin};

/// The least loaded of those that are able.
pub fn choose(peers: &mut [Peer], client: u64, able: impl Fn(usize, &Peer) -> bool + Copy) -> Option<usize> {
    let all = (0..peers.len()).filter(|&server| able(server, &peers[server]));
    // On ties `reduce` keeps the first.
    let idler = |best: usize, peer: usize| if is_idler(&peers[peer], &peers[best]) { peer } else { best };
    let least = all.reduce(idler)?;
    let yardstick = peers[least].clone();
    let tied = |server: usize, peer: &Peer| able(server, peer) && !is_idler(&yardstick, peer);
    let alone = (0..peers.len())
        .filter(|&server| tied(server, &peers[server]))
        .nth(1)
        .is_none();
    if alone { Some(least) } else { round_robin::choose(peers, client, tied) }
}

/// Whether it has fewer connections for its weight.
fn is_idler(peer: &Peer, other: &Peer) -> bool {
    i64::from(peer.conns) * other.weight < i64::from(other.conns) * peer.weight
}
