//! Numbers as people write them: milliseconds, percent, nines, with no more digits than the interval supports.
//!
//! Every function is pure, and none ever prints `NaN`: a missing measurement is a dash.

use crate::analysis::result::Estimate;

/// Stands for a missing measurement.
pub const NOTHING: &str = "–";

/// A count with its thousands separated: `1,234,567`.
pub fn count(n: u64) -> String {
    group_thousands(&n.to_string())
}

/// A latency in the unit that suits it: `850 µs`, `214 ms`, `1.25 s`.
pub fn latency(seconds: f64) -> String {
    let unit = TimeUnit::of(seconds);
    with_unit(plus_minus(seconds * unit.per_second, None), unit.name)
}

/// A rate to one decimal, and a small one to two significant digits: `405.3`, `0.05`.
pub fn rate(per_s: f64) -> String {
    match per_s.abs() {
        small if small < 1.0 => trimmed(per_s, decimals_for(small, 2)),
        _ => trimmed(per_s, 1),
    }
}

/// A latency with its interval: `214 ± 3 ms`.
pub fn latency_estimate(e: &Estimate) -> String {
    estimate(
        e,
        |seconds| TimeUnit::of(seconds).per_second,
        |seconds| TimeUnit::of(seconds).name,
    )
}

/// A rate with its interval: `450.2 ± 0.9 /s`.
pub fn rate_estimate(e: &Estimate) -> String {
    estimate(e, |_| 1.0, |_| "/s")
}

/// A share with its interval, in percent: `99.95 ± 0.02 %`. One that never failed is `100 %`, without a half-width;
/// [`at_least`] gives its bound.
pub fn percent_estimate(e: &Estimate) -> String {
    let Some(value) = measured(e.value) else {
        return NOTHING.into();
    };
    let half = half_width(e).filter(|half| *half > 0.0 && value < 1.0);
    let Some(half) = half else { return percent(value) };
    let lost = (1.0 - value) * 100.0;
    // A wide interval must not round a loss up to 100 %.
    let decimals = decimals_of_interval(half * 100.0).max(decimals_for(lost, 1).min(2));
    // Precision follows the smaller side: 99.983 % means 0.017 % lost.
    let decimals = decimals.min(most_decimals(lost.min(value * 100.0), half * 100.0));
    let is_beyond = |(lo, hi): (f64, f64)| (value + half > 1.0 + 1e-9 || value < half - 1e-9).then_some((lo, hi));
    let text = match lopsided(e).or_else(|| is_beyond(e.lo.zip(e.hi)?)) {
        // However far away the lower end is, the value's own loss stays visible.
        Some((lo, hi)) => value_and_ends([value, lo, hi].map(|v| v * 100.0), decimals.max(decimals_for(lost, 1))),
        None => value_and_half(value * 100.0, half * 100.0, decimals),
    };
    with_unit(text, "%")
}

/// A difference of two shares with its interval, in percentage points: `0.42 ± 0.05 points`.
pub fn points_estimate(e: &Estimate) -> String {
    estimate(e, |_| 100.0, |_| "points")
}

/// The bound on a share that never failed: `≥ 99.9997 %`. `None` where there is no bound, or where it did fail.
pub fn at_least(e: &Estimate) -> Option<String> {
    let lo = measured(e.lo).filter(|lo| *lo < 1.0 && e.value == Some(1.0))?;
    let lost = (1.0 - lo) * 100.0;
    let decimals = decimals_for(lost, 1);
    let unit = libm::pow(10.0, decimals as f64);
    // A bound is rounded outwards.
    let lost = libm::ceil(lost * unit - 1e-9) / unit;
    Some(with_unit(format!("≥ {}", trimmed(100.0 - lost, decimals)), "%"))
}

/// A share in percent, with enough digits never to round a loss away: `99.9984 %`, `100 %`.
pub fn percent(ratio: f64) -> String {
    if !ratio.is_finite() {
        return NOTHING.into();
    }
    let lost = (1.0 - ratio).abs();
    let near_one = if lost > 0.0 && lost < 0.1 {
        decimals_for(lost * 100.0, 3)
    } else {
        1
    };
    with_unit(
        trimmed(ratio * 100.0, near_one.max(decimals_for(ratio * 100.0, 3).min(2))),
        "%",
    )
}

/// A share in percent for a large table, with three digits: `72.1 %`.
pub fn percent_brief(e: &Estimate) -> String {
    match measured(e.value) {
        Some(v) if v < 1.0 && v > 0.9995 => "> 99.9 %".into(),
        Some(v) if v > 0.0 && v < 0.0005 => "< 0.1 %".into(),
        Some(v) if v == 0.0 || v == 1.0 => with_unit(fixed(v * 100.0, 0), "%"),
        Some(v) => with_unit(fixed(v * 100.0, 1), "%"),
        None => NOTHING.into(),
    }
}

/// A number for a large table: three significant digits.
pub fn brief(e: &Estimate) -> String {
    match measured(e.value) {
        Some(v) if v > 0.0 && v < 0.005 => "< 0.01".into(),
        Some(0.0) => "0".into(),
        Some(v) => fixed(v, decimals_for(v, 3).min(2)),
        None => NOTHING.into(),
    }
}

/// A latency for a large table.
pub fn latency_brief(e: &Estimate) -> String {
    match measured(e.value) {
        Some(v) if v > 0.0 && v < 0.5e-6 => "< 1 µs".into(),
        Some(v) => latency(v),
        None => NOTHING.into(),
    }
}

/// A latency that may be negative by more than rounding.
pub fn signed_latency(seconds: f64) -> String {
    match seconds {
        s if s.abs() < 1e-9 => latency(0.0),
        s if s < 0.0 => format!("−{}", latency(-s)),
        s => latency(s),
    }
}

/// A duration as people say it: `90 s`, `5 min`, `1.5 h`, `10 y`.
pub fn span(seconds: f64) -> String {
    const UNITS: [(f64, &str); 4] = [(31_536_000.0, "y"), (86_400.0, "d"), (3_600.0, "h"), (60.0, "min")];
    for (size, name) in UNITS {
        let tenths = seconds / size * 10.0;
        if tenths >= 10.0 && (tenths - tenths.round()).abs() < 1e-9 && (name != "min" || tenths % 10.0 == 0.0) {
            return with_unit(trimmed(tenths / 10.0, 1), name);
        }
    }
    let unit = TimeUnit::of(seconds);
    with_unit(trimmed(seconds * unit.per_second, 3), unit.name)
}

/// Fewer minutes a year than this are negligible.
pub const LEAST_MINUTES: f64 = 0.05;

/// Minutes a year in the unit that suits them: `< 0.1 min`, `4.2 min`, `31 h`.
pub fn minutes(minutes: f64) -> String {
    match minutes {
        m if m < LEAST_MINUTES => "< 0.1 min".into(),
        m if m < 10.0 => with_unit(fixed(m, 1), "min"),
        m if m < 600.0 => with_unit(fixed(m, 0), "min"),
        m => with_unit(fixed(m / 60.0, 0), "h"),
    }
}

/// The same with its interval: `4.2 ± 0.3 min`.
pub fn minutes_estimate(e: &Estimate) -> String {
    let in_hours = e.value.is_some_and(|m| m >= 600.0);
    let (factor, unit) = if in_hours { (1.0 / 60.0, "h") } else { (1.0, "min") };
    estimate(e, |_| factor, |_| unit)
}

/// A moment on the time axis, to the millisecond: `61.204 s`, `90 s`; in hours from one hour on.
pub fn clock(seconds: f64) -> String {
    match seconds {
        s if s < 3600.0 => with_unit(trimmed(s, 3), "s"),
        s if s < 172_800.0 => with_unit(trimmed(s / 3600.0, 3), "h"),
        s => with_unit(trimmed(s / 86_400.0, 2), "d"),
    }
}

/// Availability in nines, where that says more than percent: `3.7 nines`. `None` below one nine and at 100 %.
pub fn nines(ratio: f64) -> Option<String> {
    let lost = 1.0 - ratio;
    // Truncated, not rounded: 99.89 % is not three nines. The small offset keeps 99.9 % at exactly three in binary.
    let tenths = libm::floor(-10.0 * libm::log10(lost) + 1e-6);
    (lost > 0.0 && lost <= 0.1).then(|| format!("{:.1} nines", tenths / 10.0))
}

/// `value` to `decimals` places, thousands separated, without a trailing `.0`.
pub fn trimmed(value: f64, decimals: usize) -> String {
    let text = fixed(value, decimals);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    }
}

fn estimate(e: &Estimate, scale: impl Fn(f64) -> f64, unit: impl Fn(f64) -> &'static str) -> String {
    let Some(value) = measured(e.value) else {
        return NOTHING.into();
    };
    let half = half_width(e);
    // The unit suits the larger of value and half-width: zero is known to 8 ms, not to 7,600 µs.
    let size = value.abs().max(half.unwrap_or(0.0));
    let factor = scale(size);
    let text = match lopsided(e).zip(half) {
        Some(((lo, hi), half)) => {
            // However far away the other end is, the value is not rounded away.
            let decimals = decimals_of_interval(half * factor).max(decimals_for(value * factor, 2));
            let decimals = decimals.min(most_decimals(value * factor, half * factor));
            value_and_ends([value, lo, hi].map(|v| v * factor), decimals)
        }
        None => plus_minus(value * factor, half.map(|h| h * factor)),
    };
    with_unit(text, unit(size))
}

/// Both ends of an interval for which `±` would be misleading: one side is more than twice the other, or `±` would
/// reach below zero although the interval does not.
fn lopsided(e: &Estimate) -> Option<(f64, f64)> {
    let (value, lo, hi) = (measured(e.value)?, measured(e.lo)?, measured(e.hi)?);
    let (below, above) = (value - lo, hi - value);
    let (less, more) = (below.min(above), below.max(above));
    (less >= 0.0 && (more > 2.0 * less || (lo >= 0.0 && more > value))).then_some((lo, hi))
}

/// `753 (480 to 778)`; a single number where both ends round to it.
fn value_and_ends([value, lo, hi]: [f64; 3], decimals: usize) -> String {
    let [value, lo, hi] = [value, lo, hi].map(|v| fixed(v, decimals));
    if lo == value && hi == value {
        value
    } else {
        format!("{value} ({lo} to {hi})")
    }
}

/// The larger of the two sides, so that an asymmetric interval never looks narrower than it is.
fn half_width(e: &Estimate) -> Option<f64> {
    let (value, lo, hi) = (measured(e.value)?, measured(e.lo)?, measured(e.hi)?);
    Some((hi - value).max(value - lo).max(0.0))
}

/// More significant digits than this are useless, however narrow the interval.
const MOST_DIGITS: i32 = 4;

/// The decimals that show the fourth digit of a value; for zero, the fourth digit of its interval.
fn most_decimals(value: f64, half: f64) -> usize {
    decimals_for(if value == 0.0 { half } else { value }, MOST_DIGITS)
}

/// `214 ± 3`: the interval to one significant digit (two if it begins with 1), the value to the same place, and neither
/// beyond the fourth digit of the value. An interval that is zero at that place is left out.
fn plus_minus(value: f64, half: Option<f64>) -> String {
    if !value.is_finite() {
        return NOTHING.into();
    }
    match half.filter(|h| h.is_finite() && *h > 0.0) {
        Some(half) => {
            let decimals = decimals_of_interval(half).min(most_decimals(value, half));
            value_and_half(value, half, decimals)
        }
        None => trimmed(value, decimals_for(value, 3)),
    }
}

fn value_and_half(value: f64, half: f64, decimals: usize) -> String {
    let half = fixed(half, decimals);
    if half.chars().all(|c| matches!(c, '0' | '.')) {
        fixed(value, decimals)
    } else {
        format!("{} ± {half}", fixed(value, decimals))
    }
}

fn decimals_of_interval(half: f64) -> usize {
    // 0.0199 is shown as 0.02, not as 0.020.
    let begins_with_one = format!("{half:.1e}").starts_with('1');
    decimals_for(half, if begins_with_one { 2 } else { 1 })
}

/// The decimals that show `digits` significant digits of `value`, between none and nine.
fn decimals_for(value: f64, digits: i32) -> usize {
    let magnitude = value.abs();
    if magnitude <= 0.0 || !magnitude.is_finite() {
        return 0;
    }
    (digits - 1 - libm::floor(libm::log10(magnitude)) as i32).clamp(0, 9) as usize
}

fn fixed(value: f64, decimals: usize) -> String {
    // Halves round up, as people expect, even where the nearest binary number is below: 9.95 becomes 10.0, not 9.9.
    let text = format!("{:.decimals$}", value * (1.0 + 1e-13));
    let unsigned_zero = text
        .strip_prefix('-')
        .filter(|t| t.chars().all(|c| matches!(c, '0' | '.')));
    group_thousands(unsigned_zero.unwrap_or(&text))
}

fn group_thousands(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |d| ("-", d));
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut grouped = String::from(sign);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

fn with_unit(number: String, unit: &str) -> String {
    if number == NOTHING {
        number
    } else {
        format!("{number} {unit}")
    }
}

/// The number, if it is finite.
pub fn measured(value: Option<f64>) -> Option<f64> {
    value.filter(|v| v.is_finite())
}

struct TimeUnit {
    name: &'static str,
    per_second: f64,
}

impl TimeUnit {
    /// The unit suits the rounded number: 999.96 ms is one second.
    fn of(seconds: f64) -> TimeUnit {
        match seconds.abs() {
            s if s >= 0.9995 => TimeUnit {
                name: "s",
                per_second: 1.0,
            },
            s if s >= 0.9995e-3 || s == 0.0 => TimeUnit {
                name: "ms",
                per_second: 1e3,
            },
            _ => TimeUnit {
                name: "µs",
                per_second: 1e6,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_rate_keeps_two_digits() {
        assert_eq!(
            [0.0501, 0.5, 1.26, 405.31, 0.0].map(rate),
            ["0.05", "0.5", "1.3", "405.3", "0"]
        );
    }

    #[test]
    fn no_share_reaches_beyond_the_whole() {
        assert_eq!(percent_estimate(&between(0.95, 0.89, 1.0)), "95 (89 to 100) %");
        assert_eq!(percent_estimate(&between(0.9, 0.85, 0.95)), "90 ± 5 %");
    }

    fn between(value: f64, lo: f64, hi: f64) -> Estimate {
        Estimate {
            value: Some(value),
            lo: Some(lo),
            hi: Some(hi),
            confidence: 0.95,
        }
    }

    fn around(value: f64, half: f64) -> Estimate {
        between(value, value - half, value + half)
    }

    fn alone(value: Option<f64>) -> Estimate {
        Estimate {
            value,
            lo: None,
            hi: None,
            confidence: 0.95,
        }
    }

    #[test]
    fn an_estimate_shows_the_digits_its_interval_supports() {
        assert_eq!(latency_estimate(&around(0.21437, 0.0031)), "214 ± 3 ms");
        assert_eq!(latency_estimate(&around(0.012345, 0.000123)), "12.35 ± 0.12 ms");
        assert_eq!(latency_estimate(&around(1.2, 0.25)), "1.2 ± 0.3 s");
        assert_eq!(rate_estimate(&around(12345.6, 120.0)), "12,346 ± 120 /s");
        assert_eq!(percent_estimate(&around(0.99983, 0.00004)), "99.983 ± 0.004 %");
        assert_eq!(latency_estimate(&around(0.009768, 0.0000199)), "9.77 ± 0.02 ms");
    }

    #[test]
    fn nobody_needs_more_than_four_digits() {
        assert_eq!(latency_estimate(&around(960.2724e-6, 0.0002e-6)), "960.3 µs");
        assert_eq!(latency_estimate(&around(960.2724e-6, 0.07e-6)), "960.3 ± 0.1 µs");
        assert_eq!(percent_estimate(&around(0.823412, 0.000014)), "82.34 %");
        assert_eq!(percent_estimate(&around(0.99983123, 1e-8)), "99.98312 %");
    }

    #[test]
    fn what_never_failed_says_how_sure_that_is() {
        let perfect = between(1.0, 0.999_997_98, 1.0);
        assert_eq!(percent_estimate(&perfect), "100 %");
        assert_eq!(at_least(&perfect).as_deref(), Some("≥ 99.9997 %"));
        assert_eq!(at_least(&between(1.0, 0.99, 1.0)).as_deref(), Some("≥ 99 %"));
        assert_eq!(at_least(&around(0.999, 0.0001)), None);
        assert_eq!(at_least(&alone(Some(1.0))), None);
    }

    #[test]
    fn a_lopsided_interval_shows_both_ends() {
        assert_eq!(
            percent_estimate(&between(0.9995, 0.9965, 1.0)),
            "99.95 (99.65 to 100.00) %"
        );
        assert_eq!(
            percent_estimate(&between(0.999_998_1, 0.999_978, 0.999_998_3)),
            "99.9998 (99.9978 to 99.9998) %"
        );
        assert_eq!(minutes_estimate(&between(1.02, 0.95, 12.6)), "1.0 (1.0 to 12.6) min");
        assert_eq!(minutes_estimate(&between(0.0, 0.0, 0.4)), "0.0 (0.0 to 0.4) min");
        assert_eq!(minutes_estimate(&between(0.0, 0.0, 1.44)), "0.0 (0.0 to 1.4) min");
        assert_eq!(rate_estimate(&between(753.0, 480.0, 778.0)), "753 (480 to 778) /s");
        assert_eq!(latency_estimate(&between(0.214, 0.061, 1.009)), "214 (61 to 1,009) ms");
        assert_eq!(
            latency_estimate(&between(0.0072, 0.0072, 2.008)),
            "0.0072 (0.0072 to 2.0080) s"
        );
        // Too little asymmetry to justify two more numbers.
        assert_eq!(latency_estimate(&between(0.214, 0.211, 0.219)), "214 ± 5 ms");
        assert_eq!(percent_estimate(&between(0.823412, 0.823411, 0.823419)), "82.34 %");
    }

    #[test]
    fn what_was_not_measured_is_a_dash() {
        for e in [alone(None), alone(Some(f64::NAN)), alone(Some(f64::INFINITY))] {
            for text in [
                latency_estimate(&e),
                rate_estimate(&e),
                percent_estimate(&e),
                percent_brief(&e),
                brief(&e),
            ] {
                assert_eq!(text, NOTHING);
            }
        }
        assert_eq!(latency_estimate(&alone(Some(0.0123456))), "12.3 ms");
        assert_eq!(latency(f64::NAN), NOTHING);
    }

    #[test]
    fn a_loss_is_never_rounded_away() {
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.9999984), "99.99984 %");
        assert_eq!(percent(0.9002), "90.02 %");
        assert_eq!(percent_brief(&alone(Some(0.9999))), "> 99.9 %");
    }

    #[test]
    fn latencies_use_the_unit_that_suits_them() {
        assert_eq!(latency(0.00025), "250 µs");
        assert_eq!(latency(0.0005), "500 µs");
        assert_eq!(latency(0.99996), "1 s");
        assert_eq!(latency(0.0), "0 ms");
        assert_eq!(latency(5.0), "5 s");
    }

    #[test]
    fn spans_are_said_the_short_way() {
        let said: Vec<_> = [0.25, 30.0, 90.0, 300.0, 5400.0, 86_400.0, 315_360_000.0]
            .map(span)
            .to_vec();
        assert_eq!(said, ["250 ms", "30 s", "90 s", "5 min", "1.5 h", "1 d", "10 y"]);
    }

    #[test]
    fn nines_are_cut_not_rounded() {
        assert_eq!(nines(0.999).as_deref(), Some("3.0 nines"));
        assert_eq!(nines(0.9989).as_deref(), Some("2.9 nines"));
        assert_eq!(nines(1.0), None);
        assert_eq!(nines(0.5), None);
    }

    #[test]
    fn counts_group_their_thousands() {
        assert_eq!([0, 999, 1000, 1234567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(trimmed(-0.001, 1), "0");
    }

    #[test]
    fn halves_go_up_as_they_are_read() {
        assert_eq!(
            [9.95, 0.25, 2.5, -0.35].map(|v| fixed(v, 1)),
            ["10.0", "0.3", "2.5", "-0.4"]
        );
        assert_eq!(fixed(0.00995 * 1e3, 1), "10.0");
        assert_eq!(
            [fixed(9.949, 1), fixed(12_345_678.0, 0), minutes(0.25)],
            ["9.9", "12,345,678", "0.3 min"]
        );
    }
}
