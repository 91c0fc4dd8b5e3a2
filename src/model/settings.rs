//! Settings changed by faults at run time. The latest active change applies; when none is left, the scenario's value
//! applies again. So overlapping changes do not undo each other.

use crate::base::ids::NodeId;
use crate::failure::Cause;
use crate::scenario::plan::Setting;

/// One changed setting of one node.
#[derive(Debug)]
struct Changed<'p> {
    node: NodeId,
    /// The value before any change.
    base: Setting,
    /// Active changes, latest last: the hit of a cause, and its value.
    stack: Vec<((Cause, usize), &'p Setting)>,
}

/// All settings that currently differ from the scenario.
#[derive(Debug, Default)]
pub(super) struct Settings<'p> {
    changed: Vec<Changed<'p>>,
}

impl<'p> Settings<'p> {
    /// A change begins. `apply` puts it into force and returns the old value.
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

    /// A change ends: the latest remaining one applies, or else the original value.
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
