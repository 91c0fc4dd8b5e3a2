//! A waiting line with priorities: the smallest class first, first come first served within it.
//!
//! Those who leave before their turn are still in it; their keys find nothing.

use std::collections::VecDeque;

use crate::model::request::FrameKey;

/// A line in as many ranks as the scenario has priorities; nearly always one.
#[derive(Clone, Debug)]
pub struct Line {
    ranks: Vec<VecDeque<FrameKey>>,
}

impl Line {
    /// An empty line.
    pub fn new(ranks: usize) -> Line {
        Line {
            ranks: vec![VecDeque::new(); ranks.max(1)],
        }
    }

    /// Somebody joins at the end of his rank.
    pub fn join(&mut self, rank: usize, key: FrameKey) {
        self.ranks[rank].push_back(key);
    }

    /// Who is next; those who have left included.
    pub fn front(&self) -> Option<(usize, FrameKey)> {
        let mut ranks = self.ranks.iter().enumerate();
        ranks.find_map(|(rank, line)| Some((rank, *line.front()?)))
    }

    /// Takes who is next.
    pub fn pop(&mut self) -> Option<FrameKey> {
        self.ranks.iter_mut().find_map(VecDeque::pop_front)
    }

    /// Nobody waits any more. Everybody who did, in order.
    pub fn take(&mut self) -> Vec<FrameKey> {
        self.ranks.iter_mut().flat_map(|line| line.drain(..)).collect()
    }
}
