//! Chart axes: where they begin and end, whether they are logarithmic, and which round numbers label them.
//!
//! Pure numbers and words; an axis knows nothing of pixels.

use crate::report::units;

/// An axis: maps values to positions from 0 to 1, and has labels along it.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    scale: Scale,
    /// The labels.
    pub ticks: Vec<Tick>,
}

/// A position on an axis and its label.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    pub at: f64,
    pub label: String,
}

#[derive(Copy, Clone, Debug, PartialEq)]
enum Scale {
    Linear {
        lo: f64,
        hi: f64,
    },
    Log {
        lo: f64,
        hi: f64,
    },
    /// Shares scaled by what is missing: 90 % to 99 % is as far as 99 % to 99.9 %.
    Nines {
        lo: f64,
        hi: f64,
    },
}

/// From this ratio on, a linear axis would hide the small values.
const LOG_FROM: f64 = 12.0;

impl Axis {
    /// The position of a value, from 0 at the beginning to 1 at the end; values outside lie on the edge.
    pub fn place(&self, value: f64) -> f64 {
        let place = match self.scale {
            Scale::Linear { lo, hi } => (value - lo) / (hi - lo),
            Scale::Log { lo, hi } => libm::log(value.max(lo) / lo) / libm::log(hi / lo),
            Scale::Nines { lo, hi } => (missing(value) - missing(lo)) / (missing(hi) - missing(lo)),
        };
        place.clamp(0.0, 1.0)
    }

    /// A share whose ideal is 1: the whole range from 0 to 1, or its top if all values lie there.
    pub fn availability(lowest: f64) -> Axis {
        let lost = (1.0 - lowest).clamp(0.01, 1.0);
        let (lo, step) = match lost {
            l if l > 0.5 => (0.0, 0.25),
            l => {
                let step = nice_step(l, 4);
                (1.0 - (l / step - 1e-9).ceil() * step, step)
            }
        };
        Axis::linear(lo, 1.0, step, |at| units::percent(round_to(at, 1e-9)))
    }

    /// Latencies between these two, both positive: from zero, or logarithmic where zero would hide the small ones.
    pub fn latency(lowest: f64, highest: f64) -> Axis {
        let (lowest, highest) = if highest > 0.0 {
            (lowest.max(highest * 1e-9), highest)
        } else {
            (1e-3, 1e-3)
        };
        if highest / lowest < LOG_FROM {
            let step = nice_step(highest, 4);
            return Axis::linear(0.0, (highest / step).ceil() * step, step, units::latency);
        }
        let (lo, hi) = (one_two_five(lowest, false), one_two_five(highest, true));
        let decades = libm::log10(hi / lo);
        let steps: &[f64] = if decades <= 2.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let first = libm::floor(libm::log10(lo) + 1e-9) as i32;
        let all = (first..=first + decades as i32 + 1).flat_map(|e| steps.iter().map(move |s| s * power_of_ten(e)));
        let inside = all.filter(|at| *at >= lo * 0.999 && *at <= hi * 1.001);
        Axis {
            scale: Scale::Log { lo, hi },
            ticks: ticks(inside, units::latency),
        }
    }

    /// A rate, from zero.
    pub fn rate(highest: f64) -> Axis {
        let highest = if highest > 0.0 { highest } else { 1.0 };
        let step = nice_step(highest, 3);
        Axis::linear(0.0, (highest / step).ceil() * step, step, |at| units::trimmed(at, 3))
    }

    /// Time from zero, in one unit throughout, with at most `most` labels.
    pub fn time(end_s: f64, most: usize) -> Axis {
        const UNITS: [(f64, f64, &str); 5] = [
            (180.0, 1.0, "s"),
            (10_800.0, 60.0, "min"),
            (259_200.0, 3_600.0, "h"),
            (94_608_000.0, 86_400.0, "d"),
            (f64::INFINITY, 31_536_000.0, "y"),
        ];
        let (_, unit_s, name) = *UNITS.iter().find(|u| end_s <= u.0).unwrap_or(&UNITS[4]);
        let end = end_s / unit_s;
        let clock_steps = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0];
        let fits = |step: &&f64| end / **step <= most.max(1) as f64;
        let step = match clock_steps.iter().find(fits) {
            Some(step) if end >= 2.0 => *step,
            _ => nice_step(end, most.max(1)),
        };
        let label = |at: f64| {
            if at == 0.0 {
                "0".into()
            } else {
                format!("{} {name}", units::trimmed(at, 3))
            }
        };
        let ticks = multiples(0.0, end, step)
            .map(|at| Tick {
                at: at * unit_s,
                label: label(at),
            })
            .collect();
        Axis {
            scale: Scale::Linear { lo: 0.0, hi: end_s },
            ticks,
        }
    }

    /// Percentiles up to this share.
    pub fn percentiles(highest: f64) -> Axis {
        let hi = highest.clamp(0.99, 0.999_99);
        let shares = [0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.999_99]
            .into_iter()
            .filter(|s| *s <= hi);
        Axis {
            scale: Scale::Nines { lo: 0.0, hi },
            ticks: ticks(shares, |at| format!("{} %", units::trimmed(at * 100.0, 3))),
        }
    }

    /// Availabilities between these; every nine takes the same space.
    pub fn nines(values: impl Iterator<Item = f64>) -> Axis {
        const MOST: i32 = 9;
        let nines = |v: f64| missing(v.clamp(0.0, 1.0)).min(f64::from(MOST));
        let (lowest, highest) = values.fold((f64::INFINITY, 0.0_f64), |(lo, hi), v| {
            // An availability of 1 has infinitely many nines, so it does not set the range.
            let hi = if v < 1.0 { hi.max(nines(v)) } else { hi };
            (lo.min(nines(v)), hi)
        });
        let from = (libm::floor(lowest + 1e-9) as i32).clamp(0, MOST - 2);
        let to = (libm::ceil(highest - 1e-9) as i32).clamp(from + 2, MOST);
        let share = |n: i32| 1.0 - 1.0 / power_of_ten(n);
        let label = |n: i32| format!("{} %", units::trimmed(round_to(share(n) * 100.0, 1e-9), 9));
        let ticks = (from..=to).map(|n| Tick {
            at: share(n),
            label: label(n),
        });
        Axis {
            scale: Scale::Nines {
                lo: share(from),
                hi: share(to),
            },
            ticks: ticks.collect(),
        }
    }

    /// Numbers between these, with at most `most` steps, each worded by `say`.
    pub fn between(lowest: f64, highest: f64, most: usize, say: impl Fn(f64) -> String) -> Axis {
        Axis::in_units(1.0, lowest, highest, most, say)
    }

    /// The same for numbers that are shown in a larger unit; `unit` is the size of that unit.
    pub fn in_units(unit: f64, lowest: f64, highest: f64, most: usize, say: impl Fn(f64) -> String) -> Axis {
        let span = if highest > lowest {
            highest - lowest
        } else {
            lowest.abs().max(1e-9)
        };
        let step = nice_step(span / unit, most.max(1)) * unit;
        let lo = libm::floor(lowest / step + 1e-9) * step;
        let hi = (libm::ceil(highest / step - 1e-9) * step).max(lo + step);
        let label = |at: f64| say(if at.abs() < step * 1e-6 { 0.0 } else { at / unit });
        Axis::linear(lo, hi, step, label)
    }

    fn linear(lo: f64, hi: f64, step: f64, label: impl Fn(f64) -> String) -> Axis {
        Axis {
            scale: Scale::Linear { lo, hi },
            ticks: ticks(multiples(lo, hi, step), label),
        }
    }
}

fn ticks(places: impl Iterator<Item = f64>, label: impl Fn(f64) -> String) -> Vec<Tick> {
    places.map(|at| Tick { at, label: label(at) }).collect()
}

/// The number of nines of a share.
fn missing(share: f64) -> f64 {
    -libm::log10((1.0 - share).max(1e-12))
}

/// The roundest step that divides `span` into about `parts` parts.
fn nice_step(span: f64, parts: usize) -> f64 {
    one_two_five(span / parts as f64, true)
}

/// The next of 1, 2, 5 times a power of ten, above or below.
fn one_two_five(value: f64, above: bool) -> f64 {
    let unit = power_of_ten(libm::floor(libm::log10(value) + 1e-9) as i32);
    let candidates = [1.0, 2.0, 5.0, 10.0].map(|c| c * unit);
    // The slack lets 0.2 count as 2 × 0.1 although binary fractions differ in the last digit.
    let found = match above {
        true => candidates.iter().find(|c| **c >= value * (1.0 - 1e-9)),
        false => candidates.iter().rev().find(|c| **c <= value * (1.0 + 1e-9)),
    };
    found.copied().unwrap_or(unit)
}

/// Exact where a float can be exact: dividing by 10^n rounds once.
fn power_of_ten(exponent: i32) -> f64 {
    let magnitude = (0..exponent.unsigned_abs()).fold(1.0, |p, _| p * 10.0);
    if exponent < 0 { 1.0 / magnitude } else { magnitude }
}

fn multiples(lo: f64, hi: f64, step: f64) -> impl Iterator<Item = f64> {
    let count = ((hi - lo) / step + 1e-6) as usize;
    (0..=count).map(move |i| lo + i as f64 * step)
}

fn round_to(value: f64, grain: f64) -> f64 {
    (value / grain).round() * grain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|t| t.label.as_str()).collect()
    }

    #[test]
    fn availability_shows_the_whole_or_its_top() {
        assert_eq!(
            labels(&Axis::availability(0.0)),
            ["0 %", "25 %", "50 %", "75 %", "100 %"]
        );
        assert_eq!(
            labels(&Axis::availability(0.93)),
            ["92 %", "94 %", "96 %", "98 %", "100 %"]
        );
        assert_eq!(
            labels(&Axis::availability(0.98)),
            ["98 %", "98.5 %", "99 %", "99.5 %", "100 %"]
        );
        assert_eq!(labels(&Axis::availability(1.0)), ["99 %", "99.5 %", "100 %"]);
    }

    #[test]
    fn latency_is_logarithmic_where_that_helps() {
        assert_eq!(
            labels(&Axis::latency(0.020, 0.190)),
            ["0 ms", "50 ms", "100 ms", "150 ms", "200 ms"]
        );
        assert_eq!(
            labels(&Axis::latency(0.012, 0.34)),
            ["10 ms", "20 ms", "50 ms", "100 ms", "200 ms", "500 ms"]
        );
        assert_eq!(
            labels(&Axis::latency(0.0008, 29.0)),
            ["1 ms", "10 ms", "100 ms", "1 s", "10 s"]
        );
    }

    #[test]
    fn the_smallest_latency_has_its_place_beside_the_largest() {
        let axis = Axis::latency(27e-6, 110.0);
        assert!(
            axis.place(27e-6) > 0.0 && axis.place(54e-6) > axis.place(27e-6),
            "{axis:?}"
        );
    }

    #[test]
    fn time_has_one_unit() {
        assert_eq!(
            labels(&Axis::time(300.0, 6)),
            ["0", "1 min", "2 min", "3 min", "4 min", "5 min"]
        );
        assert_eq!(labels(&Axis::time(120.0, 5)), ["0", "30 s", "60 s", "90 s", "120 s"]);
        assert_eq!(
            labels(&Axis::time(0.5, 5)),
            ["0", "0.1 s", "0.2 s", "0.3 s", "0.4 s", "0.5 s"]
        );
    }

    #[test]
    fn nines_are_evenly_spaced() {
        let axis = Axis::percentiles(0.999);
        let gap = |a: f64, b: f64| axis.place(b) - axis.place(a);
        assert!((gap(0.9, 0.99) - gap(0.99, 0.999)).abs() < 1e-9);
        assert_eq!(labels(&axis).last(), Some(&"99.9 %"));
    }

    #[test]
    fn no_axis_is_without_words_whatever_it_is_given() {
        for x in [0.0, 1e-12, 1e-6, 0.3, 1.0, 7e9] {
            for axis in [
                Axis::latency(x, x),
                Axis::latency(0.0, x),
                Axis::rate(x),
                Axis::availability(x),
            ] {
                assert!(axis.ticks.len() >= 2 && axis.ticks.len() <= 12, "{x}: {axis:?}");
                assert!(
                    axis.ticks
                        .iter()
                        .all(|t| !t.label.contains("NaN") && axis.place(t.at).is_finite())
                );
            }
        }
    }
}
