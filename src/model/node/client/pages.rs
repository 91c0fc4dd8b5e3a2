//! Page views: which requests belong to one, when its next requests are sent, and when it is complete.

use std::collections::BTreeMap;

use super::{Client, PAGE, RENDER};
use crate::base::ids::ClassId;
use crate::base::random::mix;
use crate::base::time::Time;
use crate::engine::slab::{Key, Slab};
use crate::model::context::Context;
use crate::model::request::{Frame, FrameKey, Wish};

/// The views of one source.
#[derive(Debug, Default)]
pub struct Views {
    open: Slab<View>,
    of: BTreeMap<FrameKey, Key>,
}

/// A page view: the document, then the resources it refers to.
#[derive(Copy, Clone, Debug)]
pub struct View {
    /// When the page was requested.
    pub began: Time,
    /// The class of the document.
    pub class: ClassId,
    /// Keys what is drawn for it.
    pub seed: u64,
    /// Whether the document has arrived and the resources are being fetched.
    pub fetched: bool,
    /// Requests that have not ended.
    pub left: usize,
    /// Whether every answer so far was good.
    pub whole: bool,
}

impl Views {
    /// Opens a page view.
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

    /// The document has arrived; this many requests follow.
    pub fn fetch(&mut self, view: Key, requests: usize) {
        if let Some(view) = self.open.get_mut(view) {
            (view.fetched, view.left) = (true, requests);
        }
    }

    /// Assigns a request to the view.
    pub fn join(&mut self, view: Key, request: FrameKey) {
        self.of.insert(request, view);
    }

    /// A request has ended: returns the view it belongs to.
    pub fn ended(&mut self, request: FrameKey, well: bool) -> Option<(Key, View)> {
        let key = self.of.remove(&request)?;
        let view = self.open.get_mut(key)?;
        view.left -= 1;
        view.whole &= well;
        Some((key, *view))
    }

    /// Views that are open with no request under way. Always zero.
    pub fn forgotten(&self) -> usize {
        self.open.iter().filter(|(_, view)| view.left == 0).count()
    }

    /// Closes a view that has no request left.
    pub fn close(&mut self, view: Key) {
        self.open.remove(view);
    }
}

impl Client<'_> {
    /// Starts a page view, or a single request of this class if the source has no pages.
    #[inline(always)]
    pub(super) fn view(&mut self, cx: &mut Context<'_>, class: ClassId, client: u32, seed: u64, row: u32) {
        let Some(&document) = self.source.page.first() else {
            return self.wish(cx, class, client, seed, row, None);
        };
        let view = self.views.open(cx.now(), document, seed);
        self.wish(cx, document, client, seed, row, Some(view));
    }

    /// A request has ended. A view of one request ends with it.
    #[inline]
    pub(super) fn view_goes_on(&mut self, cx: &mut Context<'_>, key: FrameKey, well: bool) {
        if !self.source.page.is_empty() {
            if !self.page_goes_on(cx, key, well) {
                return;
            }
        } else if well && self.source.render.is_some() {
            let Frame {
                entered, wish, seed, ..
            } = cx.frames[key];
            self.rendered(cx, key, entered, wish.class, seed);
        }
        if self.is_closed {
            self.think(cx, cx.frames[key].wish.client);
        }
    }

    /// After the document all its resources are fetched at once. True if this was the last request of the page.
    #[inline(never)]
    fn page_goes_on(&mut self, cx: &mut Context<'_>, key: FrameKey, well: bool) -> bool {
        let Wish { client, row, .. } = cx.frames[key].wish;
        let Some((page, view)) = self.views.ended(key, well) else {
            return false;
        };
        let rest = &self.source.page[1..];
        if view.whole && !view.fetched && !rest.is_empty() {
            self.views.fetch(page, rest.len());
            for (i, &class) in rest.iter().enumerate() {
                let seed = mix(view.seed, PAGE + ((i as u64) << 8));
                self.wish(cx, class, client, seed, row, Some(page));
            }
            return false;
        }
        if view.left > 0 {
            return false;
        }
        if !view.fetched && !rest.is_empty() {
            cx.record.unasked(view.began, cx.frames[key].wish.source, rest.len());
        }
        self.views.close(page);
        if view.whole {
            self.rendered(cx, key, view.began, view.class, view.seed);
        }
        true
    }

    /// A page is complete, and the browser renders it.
    #[inline(never)]
    fn rendered(&mut self, cx: &mut Context<'_>, last: FrameKey, began: Time, class: ClassId, seed: u64) {
        let render = self.source.render.as_ref();
        let render = render.map(|d| cx.sample_keyed(d, &cx.frames[last], mix(seed, RENDER)));
        let now = cx.now();
        cx.record.viewed(began, class, now.since(began), render);
    }
}
