//! A queue with priorities: smallest class first, first come first served within it.
//!
//! Keys of requests that left early stay in it and find nothing.

use std::collections::VecDeque;

use crate::model::request::FrameKey;

/// Position in a queue: the rank, then the arrival time plus the class's offset, in milliseconds.
pub type Due = (usize, i64);

/// A queue with one rank per priority in the scenario; usually one.
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

    /// Inserts behind everything due no later: usually at the end of its rank.
    pub fn join(&mut self, (rank, at): Due, key: FrameKey) {
        let line = &mut self.ranks[rank];
        if line.back().is_none_or(|last| last.0 <= at) {
            line.push_back((at, key));
        } else {
            line.insert(line.partition_point(|other| other.0 <= at), (at, key));
        }
    }

    /// The next entry, possibly one that has left.
    pub fn front(&self) -> Option<(Due, FrameKey)> {
        let mut ranks = self.ranks.iter().enumerate();
        ranks.find_map(|(rank, line)| line.front().map(|(at, key)| ((rank, *at), *key)))
    }

    /// Removes the next entry.
    pub fn pop(&mut self) -> Option<FrameKey> {
        self.ranks.iter_mut().find_map(VecDeque::pop_front).map(|next| next.1)
    }

    /// Empties the queue. Returns all entries in order.
    pub fn take(&mut self) -> Vec<FrameKey> {
        let all = self.ranks.iter_mut().flat_map(|line| line.drain(..));
        all.map(|next| next.1).collect()
    }
}
