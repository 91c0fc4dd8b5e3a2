//! Simulated time: an instant ([`Time`]) and a length ([`Span`]), both in whole nanoseconds.
//!
//! Integers, because a float clock loses nanoseconds after a few simulated months, and because two events are either at
//! the same instant or not.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// An instant: nanoseconds since the start of the run.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(u64);

/// A length of time in nanoseconds.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

impl Time {
    /// The start of every run.
    pub const ZERO: Time = Time(0);

    /// The instant this many nanoseconds after the start.
    #[inline]
    pub const fn from_nanos(ns: u64) -> Time {
        Time(ns)
    }

    /// Nanoseconds since the start.
    #[inline]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the start.
    #[inline]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The time since `earlier`; zero if that is in the future.
    #[inline]
    pub const fn since(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// No time.
    pub const ZERO: Span = Span(0);
    /// One second.
    pub const SECOND: Span = Span(1_000_000_000);

    /// This many nanoseconds.
    #[inline]
    pub const fn from_nanos(ns: u64) -> Span {
        Span(ns)
    }

    /// This many milliseconds.
    pub const fn from_millis(ms: u64) -> Span {
        Span(ms * 1_000_000)
    }

    /// This many seconds, rounded to the nearest nanosecond; negative values and NaN become zero.
    #[inline]
    pub fn from_seconds(s: f64) -> Span {
        // `as` saturates at both ends: a heavy-tailed draw beyond 584 years becomes 584 years.
        Span((s * 1e9 + 0.5) as u64)
    }

    /// The length in nanoseconds.
    #[inline]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// The length in seconds.
    #[inline]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Whether it is zero.
    #[inline]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The length times a factor, rounded to the nearest nanosecond.
    #[inline]
    pub fn scaled(self, factor: f64) -> Span {
        if factor == 1.0 {
            self
        } else {
            Span((self.0 as f64 * factor + 0.5) as u64)
        }
    }
}

impl Add<Span> for Time {
    type Output = Time;
    #[inline]
    fn add(self, span: Span) -> Time {
        Time(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Span> for Time {
    #[inline]
    fn add_assign(&mut self, span: Span) {
        *self = *self + span;
    }
}

impl Sub<Span> for Time {
    type Output = Time;
    #[inline]
    fn sub(self, span: Span) -> Time {
        Time(self.0.saturating_sub(span.0))
    }
}

impl Add for Span {
    type Output = Span;
    #[inline]
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Span;
    #[inline]
    fn sub(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Span(self.0))
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// In the largest unit that leaves a short number (`1.5s`, `250us`, `30d`).
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 8] = [
            (365 * 86_400_000_000_000, "y"),
            (86_400_000_000_000, "d"),
            (3_600_000_000_000, "h"),
            (60_000_000_000, "m"),
            (1_000_000_000, "s"),
            (1_000_000, "ms"),
            (1_000, "us"),
            (1, "ns"),
        ];
        if self.0 == 0 {
            return write!(f, "0s");
        }
        // A unit is suitable if the number needs at most three decimals.
        let unit = UNITS
            .iter()
            .find(|(size, _)| self.0 >= *size && (u128::from(self.0) * 1000).is_multiple_of(u128::from(*size)));
        let (size, name) = unit.unwrap_or(&UNITS[7]);
        let (whole, rest) = (self.0 / size, self.0 % size);
        if rest == 0 {
            return write!(f, "{whole}{name}");
        }
        let decimals = format!("{:03}", rest * 1000 / size);
        write!(f, "{whole}.{}{name}", decimals.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_print_as_people_type_them() {
        let cases = [
            (0, "0s"),
            (250_000, "250us"),
            (1_500_000_000, "1.5s"),
            (300_000_000_000, "5m"),
            (1_000_000_001, "1000000.001us"),
            (365 * 86_400_000_000_000, "1y"),
            (90_000_000_000, "1.5m"),
        ];
        for (ns, text) in cases {
            assert_eq!(Span::from_nanos(ns).to_string(), text);
        }
    }

    #[test]
    fn time_saturates_and_never_wraps() {
        let end = Time::from_nanos(u64::MAX);
        assert_eq!(end + Span::SECOND, end);
        assert_eq!(Time::ZERO.since(end), Span::ZERO);
        assert_eq!(Span::from_seconds(-1.0), Span::ZERO);
        assert_eq!(Span::from_seconds(f64::NAN), Span::ZERO);
        assert_eq!(Span::from_seconds(1e300).nanos(), u64::MAX);
    }
}
