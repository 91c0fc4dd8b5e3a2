//! A waiting line with priorities: the smallest class first, first come first served within it.
//!
//! Those who leave before their turn are still in it; their keys find nothing.

use std::collections::VecDeque;

use crate::model::request::FrameKey;

/// Where somebody stands in a line: by rank, then by when he counts as having come, in milliseconds.
pub type Due = (usize, i64);

/// A line in as many ranks as the scenario has priorities; nearly always one.
#[derive(Clone, Debug)]
pub struct Line {
    ranks: Vec<VecDeque<(i64, FrameKey)>>,
}

impl Line {
    /// An empty line.
    pub fn new(ranks: usize) -> Line {
        Line {
            ranks: vec![VecDeque::new(); ranks.max(1)],
        }
    }

    /// Somebody joins behind all who came no later: nearly always at the end of his rank.
    pub fn join(&mut self, (rank, at): Due, key: FrameKey) {
        let line = &mut self.ranks[rank];
        if line.back().is_none_or(|last| last.0 <= at) {
            line.push_back((at, key));
        } else {
            line.insert(line.partition_point(|other| other.0 <= at), (at, key));
        }
    }

    /// Who is next; those who have left included.
    pub fn front(&self) -> Option<(Due, FrameKey)> {
        let mut ranks = self.ranks.iter().enumerate();
        ranks.find_map(|(rank, line)| line.front().map(|(at, key)| ((rank, *at), *key)))
    }

    /// Takes who is next.
    pub fn pop(&mut self) -> Option<FrameKey> {
        self.ranks.iter_mut().find_map(VecDeque::pop_front).map(|next| next.1)
    }

    /// Nobody waits any more. Everybody who did, in order.
    pub fn take(&mut self) -> Vec<FrameKey> {
        let all = self.ranks.iter_mut().flat_map(|line| line.drain(..));
        all.map(|next| next.1).collect()
    }
}
