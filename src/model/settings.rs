//! Settings that faults have changed at run time: the latest of those in force counts, and when none is left the
//! setting is again what the scenario says. As with every failure, none resurrects what another holds.

use crate::base::ids::NodeId;
use crate::failure::Cause;
use crate::scenario::plan::Setting;

/// One setting of one node while faults change it.
#[derive(Debug)]
struct Changed<'p> {
    node: NodeId,
    /// What it was before anything changed it.
    base: Setting,
    /// The changes in force, latest last: which hit of which cause, and what it sets.
    stack: Vec<((Cause, usize), &'p Setting)>,
}

/// All settings that differ from the scenario's at present.
#[derive(Debug, Default)]
pub(super) struct Settings<'p> {
    changed: Vec<Changed<'p>>,
}

impl<'p> Settings<'p> {
    /// A change begins. `apply` makes it so, and says what was there before.
    pub fn begin(
        &mut self,
        hit: (Cause, usize),
        node: NodeId,
        setting: &'p Setting,
        apply: impl FnOnce(&Setting) -> Setting,
    ) {
        let before = apply(setting);
        match self.position(node, setting) {
            Some(i) => self.changed[i].stack.push((hit, setting)),
            None => self.changed.push(Changed {
                node,
                base: before,
                stack: vec![(hit, setting)],
            }),
        }
    }

    /// A change ends: the latest of the others counts, or else what was there before all of them.
    pub fn end(
        &mut self,
        hit: (Cause, usize),
        node: NodeId,
        setting: &Setting,
        apply: impl FnOnce(&Setting) -> Setting,
    ) {
        let Some(i) = self.position(node, setting) else { return };
        let Changed { base, stack, .. } = &mut self.changed[i];
        stack.retain(|(of, _)| *of != hit);
        apply(stack.last().map_or(&*base, |(_, setting)| setting));
        if stack.is_empty() {
            self.changed.swap_remove(i);
        }
    }

    fn position(&self, node: NodeId, setting: &Setting) -> Option<usize> {
        self.changed
            .iter()
            .position(|c| c.node == node && c.base.is_same_knob(setting))
    }
}
