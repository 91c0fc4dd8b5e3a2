//! Page views under way: which requests belong to one, and when it is whole.

use std::collections::BTreeMap;

use super::request::FrameKey;
use crate::base::ids::ClassId;
use crate::base::time::Time;
use crate::engine::slab::{Key, Slab};

/// The views of one source.
#[derive(Debug, Default)]
pub struct Views {
    open: Slab<View>,
    of: BTreeMap<FrameKey, Key>,
}

/// A view: the document, and then what it names.
#[derive(Copy, Clone, Debug)]
pub struct View {
    /// When somebody wanted it.
    pub began: Time,
    /// The class of the document.
    pub class: ClassId,
    /// Keys what is drawn for it.
    pub seed: u64,
    /// Is the document there, and all else on its way?
    pub fetched: bool,
    /// Requests that have not ended.
    pub left: usize,
    /// Was every answer so far a good one?
    pub whole: bool,
}

impl Views {
    /// Somebody wants a page.
    pub fn open(&mut self, began: Time, class: ClassId, seed: u64) -> Key {
        self.open.insert(View {
            began,
            class,
            seed,
            fetched: false,
            left: 1,
            whole: true,
        })
    }

    /// The document is there: so many requests more.
    pub fn fetch(&mut self, view: Key, requests: usize) {
        if let Some(view) = self.open.get_mut(view) {
            (view.fetched, view.left) = (true, requests);
        }
    }

    /// This request belongs to the view.
    pub fn join(&mut self, view: Key, request: FrameKey) {
        self.of.insert(request, view);
    }

    /// A request has ended, well or not: the view it belongs to.
    pub fn ended(&mut self, request: FrameKey, well: bool) -> Option<(Key, View)> {
        let key = self.of.remove(&request)?;
        let view = self.open.get_mut(key)?;
        view.left -= 1;
        view.whole &= well;
        Some((key, *view))
    }

    /// Nothing is under way for it any more.
    pub fn close(&mut self, view: Key) {
        self.open.remove(view);
    }
}
