//! What a balancer, or a resolver with fail-over, believes about a server, from its checks and from an operator's
//! commands.
//!
//! `Health` is a small state machine that counts and decides. `Checks` runs the checks, one after the other, and
//! schedules the next.

use super::{Admin, Tending};
use crate::base::ids::NodeId;
use crate::base::random::{Draw, mix, unit};
use crate::base::time::{Span, Time};
use crate::model::context::Context;
use crate::model::probe::{Finding, probe};
use crate::scenario::plan::Check;

/// The checks of one server by one node.
#[derive(Copy, Clone, Debug)]
pub struct Checks<'p> {
    /// The checking node.
    pub by: NodeId,
    /// The server's index in the node's list.
    pub server: usize,
    /// The configured check.
    pub check: &'p Check,
    /// Keys their draws.
    pub key: u64,
}

impl Checks<'_> {
    /// Starts the checks, at a random moment within one interval.
    pub fn begin(self, cx: &mut Context<'_>, health: &mut Health) {
        let turn = health.next_turn();
        let word = unit(&mut Draw::keyed(mix(self.key, u64::from(turn))));
        self.begin_after(cx, health, self.check.inter.scaled(word));
    }

    /// A check has ended; schedules the next.
    pub fn go_on(self, cx: &mut Context<'_>, health: &mut Health) {
        let span = health.interval(self.check);
        self.begin_after(cx, health, span);
    }

    /// Moves the next check forward to `fastinter` from now, if it is later.
    pub fn hurry(self, cx: &mut Context<'_>, health: &mut Health) {
        if health.forgets_check_after(cx.now() + self.check.fastinter) {
            self.begin_after(cx, health, self.check.fastinter);
        }
    }

    fn begin_after(self, cx: &mut Context<'_>, health: &mut Health, span: Span) {
        health.is_due(cx.now() + span);
        cx.tend_after(self.by, self.server, health.turn(), span, Tending::Check);
    }

    /// Starts a check, or ends one that got no response in time. Returns whether it passed; `None` while that is open.
    pub fn tend(self, cx: &mut Context<'_>, health: &mut Health, target: NodeId, what: Tending) -> Option<bool> {
        if what == Tending::GiveUp {
            return Some(false);
        }
        // Turns and checks are both counted from one. Inverting keeps a check's key apart from that of the first
        // check's moment.
        let key = mix(self.key, !health.begin_check());
        match probe(cx, self.by, target, key, self.check.deep) {
            Finding::Pass => Some(true),
            Finding::Fail => Some(false),
            Finding::Silent => {
                cx.tend_after(self.by, self.server, health.turn(), self.check.timeout, Tending::GiveUp);
                None
            }
        }
    }
}

/// A value of `doubts` from which one more failure reaches any `fall`.
const ONE_LEFT: u32 = u32::MAX - 1;

/// What a balancer believes about a server.
#[derive(Clone, Debug)]
pub struct Health {
    up: bool,
    /// Consecutive checks that disagree with `up`.
    doubts: u32,
    /// Checks begun so far.
    checks: u64,
    /// Number of the pending check. A check that was rescheduled or cancelled carries another number.
    turn: u16,
    /// When the next check starts; `None` while one runs.
    due: Option<Time>,
    /// Consecutive errors seen in live traffic.
    errors: u32,
    maint: u32,
    drain: u32,
}

impl Default for Health {
    /// Believed up, as every server is at the start.
    fn default() -> Health {
        Health {
            up: true,
            doubts: 0,
            checks: 0,
            turn: 0,
            due: None,
            errors: 0,
            maint: 0,
            drain: 0,
        }
    }
}

impl Health {
    /// Whether checks and operators allow it new requests.
    pub fn is_able(&self) -> bool {
        self.up && self.maint == 0 && self.drain == 0
    }

    /// The number of the pending check.
    pub fn turn(&self) -> u16 {
        self.turn
    }

    /// Replaces the pending check by a new one.
    fn next_turn(&mut self) -> u16 {
        self.turn = self.turn.wrapping_add(1);
        self.turn
    }

    /// Sets when the next check starts.
    fn is_due(&mut self, at: Time) {
        self.due = Some(at);
    }

    /// Cancels the next check if it is to start after `at`; says whether it did.
    pub fn forgets_check_after(&mut self, at: Time) -> bool {
        let later = self.due.is_some_and(|due| due > at);
        if later {
            self.next_turn();
        }
        later
    }

    /// A check starts now; returns its number.
    fn begin_check(&mut self) -> u64 {
        self.due = None;
        self.checks += 1;
        self.checks
    }

    /// Counts a failure or success seen in live traffic. Returns whether `limit` consecutive failures are reached; the
    /// count then restarts. While the server is down, late results are ignored.
    pub fn observe_traffic(&mut self, failed: bool, limit: u32) -> bool {
        self.errors = if failed && self.up { self.errors + 1 } else { 0 };
        let enough = self.errors >= limit;
        if enough {
            self.errors = 0;
        }
        enough
    }

    /// Leaves at most two failed checks until it counts as down.
    pub fn two_failures_left(&mut self, check: &Check) {
        self.doubts = self.doubts.max(check.fall.saturating_sub(2));
    }

    /// Marks it down, regardless of checks.
    pub fn mark_down(&mut self) {
        (self.up, self.doubts) = (false, 0);
    }

    /// Records the result of a check. Returns whether the belief changed.
    pub fn observe(&mut self, check: &Check, passed: bool) -> bool {
        if passed {
            self.errors = 0;
        }
        self.doubts = if passed == self.up { 0 } else { self.doubts + 1 };
        let changes = self.doubts >= if self.up { check.fall } else { check.rise };
        if changes {
            (self.up, self.doubts) = (passed, 0);
        }
        changes
    }

    /// The pause between the end of a check and the next.
    pub fn interval(&self, check: &Check) -> Span {
        match (self.doubts > 0, self.up) {
            (true, _) => check.fastinter,
            (false, true) => check.inter,
            (false, false) => check.downinter,
        }
    }

    /// The checking node restarts and knows of no failure.
    pub fn forget(&mut self) {
        (self.up, self.doubts, self.errors) = (true, 0, 0);
    }

    /// After a restart of the balancer or maintenance of the server: up, but until a check passes, the first failed one
    /// takes the server down, whatever `fall` is.
    pub fn believe_up(&mut self) {
        (self.up, self.doubts, self.errors) = (true, ONE_LEFT, 0);
    }

    /// An operator takes it out of service or puts it back; the commands are counted.
    pub fn administer(&mut self, action: Admin, begins: bool) {
        let count = match action {
            Admin::Maint => &mut self.maint,
            Admin::Drain => &mut self.drain,
        };
        *count = if begins { *count + 1 } else { *count - 1 };
        if action == Admin::Maint && self.maint == 0 {
            self.believe_up();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check() -> Check {
        let ms = Span::from_millis;
        Check {
            inter: ms(1000),
            fastinter: ms(200),
            downinter: ms(400),
            fall: 3,
            rise: 2,
            timeout: ms(1000),
            deep: false,
        }
    }

    #[test]
    fn fall_and_rise_count_checks_in_a_row() {
        let (check, mut health) = (check(), Health::default());
        let seen = [false, false, true, false, false, false, true, false, true, true].map(|p| {
            health.observe(&check, p);
            health.is_able()
        });
        assert_eq!(seen, [true, true, true, true, true, false, false, false, false, true]);
    }

    #[test]
    fn the_interval_follows_the_state() {
        let (check, mut health) = (check(), Health::default());
        let intervals = [true, false, false, false, true, true].map(|p| {
            health.observe(&check, p);
            health.interval(&check)
        });
        // Steady, two doubts, down, one doubt, up.
        assert_eq!(intervals, [1000, 200, 200, 400, 200, 1000].map(Span::from_millis));
    }

    #[test]
    fn with_two_failures_left_the_second_failed_check_is_the_last() {
        let down_after = |fall: u32| {
            let (check, mut health) = (Check { fall, ..check() }, Health::default());
            health.two_failures_left(&check);
            (1..).find(|_| health.observe(&check, false))
        };
        assert_eq!([1, 2, 3, 10].map(down_after), [1, 2, 2, 2].map(Some));
    }

    /// Two errors, a passed check and another error are not three in a row.
    #[test]
    fn a_check_that_passes_forgives_errors() {
        let (check, mut health) = (check(), Health::default());
        assert!(!health.observe_traffic(true, 3) && !health.observe_traffic(true, 3));
        health.observe(&check, true);
        assert!(
            !health.observe_traffic(true, 3) && !health.observe_traffic(true, 3) && health.observe_traffic(true, 3)
        );
    }

    #[test]
    fn whoever_was_down_is_believed_to_be_up_after_maintenance() {
        let mut health = Health::default();
        health.mark_down();
        health.administer(Admin::Maint, true);
        health.administer(Admin::Maint, false);
        assert!(health.is_able());
    }

    /// Seen live: after maintenance one failed check takes a server down, whatever `fall` is, until one has passed.
    #[test]
    fn whoever_is_believed_up_has_one_failure_left() {
        let after = |checks: &[bool]| {
            let mut health = Health::default();
            health.administer(Admin::Maint, true);
            health.administer(Admin::Maint, false);
            for passed in checks {
                health.observe(&check(), *passed);
            }
            health.is_able()
        };
        assert!(!after(&[false]) && after(&[true, false, false]) && !after(&[true, false, false, false]));
    }

    #[test]
    fn maintenance_by_two_ends_when_both_have_ended_it() {
        let mut health = Health::default();
        health.administer(Admin::Maint, true);
        health.administer(Admin::Maint, true);
        health.administer(Admin::Maint, false);
        assert!(!health.is_able());
        health.administer(Admin::Maint, false);
        assert!(health.is_able());
    }
}
