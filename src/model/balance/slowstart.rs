//! `slowstart`: how much of a server's weight and `maxconn` applies after it came up.
//!
//! HAProxy changes both in whole seconds and never to zero. `static-rr` and map-based hashes ignore the weight.

use crate::base::time::Span;

/// Interval at which the caller updates.
pub const STEP: Span = Span::SECOND;

/// The effective weight in sixteenths, this long after the server came up: from one sixteenth at once to all of it.
pub fn eweight(weight: u32, slowstart: Span, since_up: Span) -> u32 {
    let (elapsed, whole) = seconds(slowstart, since_up);
    let sixteenths = ((16 * elapsed + whole) / whole).min(16);
    // At most 16 sixteenths, so it fits.
    weight * sixteenths as u32
}

/// The effective `maxconn` this long after the server came up: in whole percents, at least one.
pub fn limit(maxconn: u32, slowstart: Span, since_up: Span) -> u32 {
    let (elapsed, whole) = seconds(slowstart, since_up);
    let percent = (100 * elapsed / whole).min(100);
    (u64::from(maxconn) * percent / 100).max(1) as u32
}

/// Elapsed seconds, rounded down, and total seconds, rounded up to at least one.
fn seconds(slowstart: Span, since_up: Span) -> (u64, u64) {
    let second = Span::SECOND.nanos();
    let whole = slowstart.nanos().div_ceil(second).max(1);
    ((since_up.nanos() / second).min(whole), whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_seconds_go_by_quarters() {
        let at = |ms| eweight(1, Span::from_millis(4000), Span::from_millis(ms));
        assert_eq!([0, 999, 1000, 2000, 3000, 4000, 9000].map(at), [1, 1, 5, 9, 13, 16, 16]);
        assert_eq!(
            eweight(100, Span::from_millis(4000), Span::ZERO),
            100,
            "shown as 7 of 100"
        );
    }

    #[test]
    fn the_limit_starts_at_one() {
        let at = |ms| limit(20, Span::from_millis(4000), Span::from_millis(ms));
        assert_eq!(
            [0, 1000, 2000, 3500, 4000, u64::from(u32::MAX)].map(at),
            [1, 5, 10, 15, 20, 20]
        );
    }

    #[test]
    fn less_than_a_second_is_one() {
        assert_eq!(eweight(3, Span::from_millis(10), Span::ZERO), 3);
        assert_eq!(eweight(3, Span::from_millis(10), Span::SECOND), 48);
        assert_eq!(eweight(0, Span::ZERO, Span::ZERO), 0);
    }
}
