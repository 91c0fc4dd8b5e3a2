//! Page views: which requests belong to one, when the next of them are due, and when it is whole.

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

    /// How many are open though nothing is under way for them: none, ever.
    pub fn forgotten(&self) -> usize {
        self.open.iter().filter(|(_, view)| view.left == 0).count()
    }

    /// Nothing is under way for it any more.
    pub fn close(&mut self, view: Key) {
        self.open.remove(view);
    }
}

impl Client<'_> {
    /// Somebody wants a page, or one request of this class where the source knows no pages.
    #[inline(always)]
    pub(super) fn view(&mut self, cx: &mut Context<'_>, class: ClassId, client: u32, seed: u64, row: u32) {
        let Some(&document) = self.source.page.first() else {
            return self.wish(cx, class, client, seed, row, None);
        };
        let view = self.views.open(cx.now(), document, seed);
        self.wish(cx, document, client, seed, row, Some(view));
    }

    /// A request has ended, and with it its view, if that is no more than this.
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

    /// What the document names is fetched at once, and with the last of it the page is over: is it?
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

    /// A page is whole, and the browser draws it.
    #[inline(never)]
    fn rendered(&mut self, cx: &mut Context<'_>, last: FrameKey, began: Time, class: ClassId, seed: u64) {
        let render = self.source.render.as_ref();
        let render = render.map(|d| cx.sample_keyed(d, &cx.frames[last], mix(seed, RENDER)));
        let now = cx.now();
        cx.record.viewed(began, class, now.since(began), render);
    }
}
