//! How Nginx chooses an upstream server, avoiding those that recently failed.
//!
//! This does not use HAProxy's trait: Nginx finds failures only by its requests and has no queue, so the caller passes
//! what was already tried and reports the result. Time is in whole seconds, as in Nginx. Each algorithm is one file and
//! one line in the list below.

use crate::base::time::{Span, Time};
use crate::scenario::plan::{Upstream, WebBalance};

/// The list. Each line has a file with a function `choose`, and the Plan's word for it.
macro_rules! algorithms {
    ($($file:ident is $word:path;)+) => {
        $(mod $file;)+

        /// All of them, for the conformance tests.
        pub const EXAMPLES: &[WebBalance] = &[$($word),+];

        /// The server for this client among those that are able, if any.
        fn choose(
            balance: WebBalance,
            peers: &mut [Peer],
            client: u64,
            able: impl Fn(usize, &Peer) -> bool + Copy,
        ) -> Option<usize> {
            match balance {
                $($word => $file::choose(peers, client, able),)+
            }
        }
    };
}

algorithms! {
    round_robin is WebBalance::RoundRobin;
    least_conn is WebBalance::LeastConn;
    ip_hash is WebBalance::IpHash;
}

#[cfg(test)]
mod conformance;

/// The servers of an `upstream` block and their state.
#[derive(Clone, Debug)]
pub struct Upstreams {
    balance: WebBalance,
    peers: Vec<Peer>,
}

#[derive(Clone, Debug)]
struct Peer {
    weight: i64,
    backup: bool,
    max_conns: u32,
    max_fails: u32,
    /// In whole seconds, like all times here.
    fail_timeout: u64,
    /// The weight minus what failures took off; recovers by one each time the peer is considered.
    effective: i64,
    /// The smooth round robin's credit of the peer.
    current: i64,
    conns: u32,
    fails: u32,
    /// When it last failed.
    accessed: u64,
    /// When it last failed, or was first picked again after `fail_timeout`.
    checked: u64,
}

impl Upstreams {
    /// The initial state.
    pub fn new(balance: WebBalance, servers: &[Upstream]) -> Upstreams {
        Upstreams {
            balance,
            peers: servers.iter().map(Peer::new).collect(),
        }
    }

    /// Picks a server for a request of this `client` that has been to those `tried`, and opens a connection; `None` if
    /// no upstream is live. Backups are used if no other is left, and a request that has been to a backup stays with
    /// them.
    pub fn pick(&mut self, now: Time, client: u64, tried: &[usize]) -> Option<usize> {
        let now = whole_seconds(now);
        let server = match &self.peers[..] {
            // A single server is asked however often it failed.
            [only] => (tried.is_empty() && only.has_room()).then_some(0),
            _ if tried.iter().any(|&server| self.peers[server].backup) => self.choose(true, now, client, tried),
            _ => {
                let active = self.choose(false, now, client, tried);
                active.or_else(|| self.choose(true, now, client, tried))
            }
        }?;
        let peer = &mut self.peers[server];
        if now.saturating_sub(peer.checked) > peer.fail_timeout {
            peer.checked = now;
        }
        peer.conns += 1;
        Some(server)
    }

    /// An attempt on this server failed in a way that counts: connection, time-out, or an answer covered by
    /// `proxy_next_upstream`. A single server's failures are not counted.
    pub fn failed(&mut self, server: usize, now: Time) {
        if self.peers.len() == 1 {
            return;
        }
        let peer = &mut self.peers[server];
        peer.fails += 1;
        peer.accessed = whole_seconds(now);
        peer.checked = peer.accessed;
        if peer.max_fails > 0 {
            peer.effective = (peer.effective - peer.weight / i64::from(peer.max_fails)).max(0);
        }
    }

    /// This server answered. That clears its failures only if it had served out its `fail_timeout`.
    pub fn succeeded(&mut self, server: usize) {
        let peer = &mut self.peers[server];
        if peer.accessed < peer.checked {
            peer.fails = 0;
        }
    }

    /// The connection opened by `pick` is closed.
    pub fn released(&mut self, server: usize) {
        self.peers[server].conns -= 1;
    }

    /// The best of the backups, or of the others.
    fn choose(&mut self, backup: bool, now: u64, client: u64, tried: &[usize]) -> Option<usize> {
        let able = |server: usize, peer: &Peer| {
            peer.backup == backup && !tried.contains(&server) && peer.is_live(now) && peer.has_room()
        };
        choose(self.balance, &mut self.peers, client, able)
    }
}

impl Peer {
    fn new(server: &Upstream) -> Peer {
        Peer {
            weight: i64::from(server.weight),
            backup: server.backup,
            max_conns: server.max_conns.unwrap_or(u32::MAX),
            max_fails: server.max_fails,
            fail_timeout: server.fail_timeout.nanos() / Span::SECOND.nanos(),
            effective: i64::from(server.weight),
            current: 0,
            conns: 0,
            fails: 0,
            accessed: 0,
            checked: 0,
        }
    }

    fn has_room(&self) -> bool {
        self.conns < self.max_conns
    }

    fn is_live(&self, now: u64) -> bool {
        self.max_fails == 0 || self.fails < self.max_fails || now.saturating_sub(self.checked) > self.fail_timeout
    }
}

fn whole_seconds(time: Time) -> u64 {
    time.nanos() / Span::SECOND.nanos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_servers() -> Upstreams {
        Upstreams::new(WebBalance::RoundRobin, &[1, 1].map(conformance::healthy))
    }

    fn at(ms: u64) -> Time {
        Time::ZERO + Span::from_millis(ms)
    }

    /// In whole seconds: a server that failed at 1.9 s is out for seconds 2 and 3, and is tried again at 4.0 s.
    #[test]
    fn a_server_that_failed_is_tried_again_at_the_third_second() {
        let mut upstreams = two_servers();
        assert_eq!(upstreams.pick(at(1900), 0, &[]), Some(0));
        upstreams.failed(0, at(1900));
        assert!((20..40).all(|i| upstreams.pick(at(100 * i), 0, &[]) == Some(1)));
        // Its effective weight has to recover first.
        assert_eq!(
            [4000; 3].map(|ms| upstreams.pick(at(ms), 0, &[])),
            [Some(1), Some(1), Some(0)]
        );
    }

    /// A success counts only for a request sent after `fail_timeout`, not for one already under way at the failure.
    #[test]
    fn a_late_answer_does_not_clear_a_failure() {
        let mut upstreams = two_servers();
        upstreams.pick(at(0), 0, &[]);
        upstreams.failed(0, at(0));
        upstreams.succeeded(0);
        assert!((0..5).all(|_| upstreams.pick(at(0), 0, &[]) == Some(1)));
    }

    /// All are out: no live upstream, and none is let back in early.
    #[test]
    fn none_is_left_when_all_have_failed() {
        let mut upstreams = two_servers();
        for server in [0, 1] {
            upstreams.failed(server, at(0));
        }
        assert_eq!(upstreams.pick(at(0), 0, &[]), None);
        assert_eq!(upstreams.pick(at(2999), 0, &[]), None);
        assert!(upstreams.pick(at(3000), 0, &[]).is_some());
    }

    /// After its time-out a server gets one request, and the next only after that one's result or another time-out.
    #[test]
    fn one_request_tries_whether_a_server_is_back() {
        let mut upstreams = two_servers();
        upstreams.failed(0, at(0));
        let picked: Vec<_> = (0..8).map(|_| upstreams.pick(at(5000), 0, &[])).collect();
        assert_eq!(picked.iter().filter(|p| **p == Some(0)).count(), 1, "{picked:?}");
        upstreams.succeeded(0);
        let picked: Vec<_> = (0..8).map(|_| upstreams.pick(at(5000), 0, &[])).collect();
        assert!(picked.iter().filter(|p| **p == Some(0)).count() > 1, "{picked:?}");
    }
}
