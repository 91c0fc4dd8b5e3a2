//! Variants of a scenario, for `--vary` and `--with`, as changes that `--set` would make.
//!
//! Only splits what was typed; whether a path exists is checked when the scenario is read.

use std::collections::BTreeMap;

use super::raw::units::{Duration, Rate};

/// A list or a range of values, as in `--vary`: a path and the values it takes in turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The path in the scenario.
    pub path: String,
    /// Its values, at least one.
    parts: Vec<Part>,
}

/// One or several values of an axis; a series is expanded only on demand.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    /// As typed: JSON, or else text.
    One(String),
    /// `from..to`, both ends included.
    Whole { from: i64, count: u64 },
    /// `lin(a,b,n)` or `log(a,b,n)`.
    Series {
        from: f64,
        to: f64,
        count: u64,
        is_log: bool,
        unit: String,
    },
}

/// A design: its label, and the changes that make it.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Its label.
    pub label: String,
    /// `PATH=VALUE` each, as `--set` takes them.
    pub sets: Vec<String>,
}

/// A path and the range of its values, for `--sensitivity`.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// The path in the scenario.
    pub path: String,
    /// The smallest value.
    pub lo: f64,
    /// The largest value.
    pub hi: f64,
    /// The distribution of values between them.
    pub scale: Scale,
    /// The unit after each number: `ms`, `/s`, or nothing.
    pub unit: String,
}

/// The distribution of values between two ends.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Linear.
    Linear,
    /// Linear in the logarithm.
    Log,
    /// Whole numbers, all equally likely.
    Whole,
}

/// Maximum number of values of one axis. More is taken for a typing error, even with `--yes`.
const MOST_VALUES: u64 = 100_000_000;

/// Maximum number of values of an axis that are compared with each other; more would take too long.
const MOST_COMPARED: u64 = 10_000;

impl Axis {
    /// `PATH=V1,V2`, `PATH=1..8`, `PATH=lin(a,b,n)`, `PATH=log(a,b,n)`; these may be mixed.
    ///
    /// # Errors
    /// What is wrong, and what to write instead.
    pub fn parse(text: &str) -> Result<Axis, String> {
        let (path, list) = assignment(text)?;
        let items = split_outside(list, ',')?.into_iter();
        let parts: Vec<Part> = items.map(|i| expand(i.trim())).collect::<Result<_, _>>()?;
        let axis = Axis { path, parts };
        match (axis.count(), axis.typed_twice()) {
            (n, _) if n > MOST_VALUES => Err(format!("{n} values are more than {MOST_VALUES}")),
            (_, Some((one, other))) if one == other => Err(format!("{one} is there twice")),
            (_, Some((one, other))) => Err(format!("{other} is the same as {one}")),
            _ => Ok(axis),
        }
    }

    /// Two values with the same meaning, such as `300ms` and `0.3s`: their points would all be run twice.
    fn typed_twice(&self) -> Option<(String, String)> {
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        let typed = |part: &Part| match part {
            Part::One(text) => Some(text.clone()),
            Part::Whole { .. } | Part::Series { .. } => None,
        };
        // A range or a series contains no duplicates. Above the maximum, only values typed one by one are compared.
        let all: Vec<String> = match self.count() {
            n if n <= MOST_COMPARED && self.parts.len() > 1 => (0..n).map(|n| self.value(n)).collect(),
            _ => self.parts.iter().filter_map(typed).collect(),
        };
        all.into_iter()
            .find_map(|text| Some((seen.insert(meaning(&text), text.clone())?, text)))
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.parts.iter().map(Part::count).fold(0, u64::saturating_add)
    }

    /// The value with this number, from 0, as `--set` takes it.
    ///
    /// # Panics
    /// If there are fewer values.
    pub fn value(&self, number: u64) -> String {
        let mut rest = number;
        for part in &self.parts {
            match rest.checked_sub(part.count()) {
                Some(beyond) => rest = beyond,
                None => return part.value(rest),
            }
        }
        panic!("{} has no value {number}", self.path)
    }

    /// All values in turn.
    pub fn values(&self) -> impl Iterator<Item = String> {
        self.parts
            .iter()
            .flat_map(|part| (0..part.count()).map(|n| part.value(n)))
    }
}

impl Part {
    fn count(&self) -> u64 {
        match self {
            Part::One(_) => 1,
            Part::Whole { count, .. } | Part::Series { count, .. } => *count,
        }
    }

    fn value(&self, number: u64) -> String {
        match self {
            Part::One(text) => text.clone(),
            Part::Whole { from, .. } => from.saturating_add_unsigned(number).to_string(),
            Part::Series {
                from,
                to,
                count,
                is_log,
                unit,
            } => {
                let at = |number: u64| match number as f64 / (count - 1) as f64 {
                    u if *is_log => from * libm::exp(u * libm::log(to / from)),
                    u => from + u * (to - from),
                };
                let value = match number {
                    0 => *from,
                    n if n == count - 1 => *to,
                    n => rounded(at(n), at(n) - at(n - 1)),
                };
                with_unit(tidy(value), unit)
            }
        }
    }
}

impl Variant {
    /// `LABEL: PATH=VALUE; PATH=VALUE`. Without changes it is the scenario itself under that label.
    ///
    /// # Errors
    /// What is wrong, and what to write instead.
    pub fn parse(text: &str) -> Result<Variant, String> {
        let hint = "write \"LABEL: PATH=VALUE; PATH=VALUE\"";
        let (label, changes) = text
            .split_once(':')
            .filter(|(label, _)| !label.contains('='))
            .ok_or_else(|| format!("it has no label; {hint}"))?;
        let label = label.trim();
        if label.is_empty() {
            return Err(format!("its label is empty; {hint}"));
        }
        let changes = split_outside(changes, ';')?;
        let changes = changes.iter().map(|c| c.trim()).filter(|c| !c.is_empty());
        let set = |change: &str| assignment(change).map(|(path, value)| format!("{path}={value}"));
        Ok(Variant {
            label: label.to_owned(),
            sets: changes.map(set).collect::<Result<_, _>>()?,
        })
    }
}

/// Every combination of the axes' values, the last axis varying fastest. A design's label consists of its values.
pub fn combinations(axes: &[Axis]) -> impl Iterator<Item = Variant> {
    (0..count(axes).unwrap_or(u64::MAX)).map(|n| combination(axes, n))
}

/// The number of combinations; `None` if it exceeds the range of integers.
pub fn count(axes: &[Axis]) -> Option<u64> {
    axes.iter().try_fold(1u64, |n, axis| n.checked_mul(axis.count()))
}

/// The value of each axis in the combination with this number.
pub fn choice(axes: &[Axis], number: u64) -> Vec<String> {
    let mut rest = number;
    let mut chosen: Vec<String> = Vec::new();
    for axis in axes.iter().rev() {
        let n = axis.count();
        chosen.push(axis.value(rest % n));
        rest /= n;
    }
    chosen.reverse();
    chosen
}

/// The last steps of paths, as in `haproxy.algorithm`: at least `least`, or as many as make them distinct.
pub fn ends<'p>(paths: &[&'p str], least: usize) -> Vec<&'p str> {
    let cut = |parts: usize| -> Vec<&'p str> {
        let end = |path: &&'p str| {
            path.rmatch_indices('.')
                .nth(parts - 1)
                .map_or(*path, |(at, _)| &path[at + 1..])
        };
        paths.iter().map(end).collect()
    };
    let differ = |heads: &Vec<&str>| (1..heads.len()).all(|i| !heads[..i].contains(&heads[i]));
    let longest = paths.iter().map(|p| p.split('.').count()).max().unwrap_or(0);
    (least..=longest)
        .map(cut)
        .find(differ)
        .unwrap_or_else(|| paths.to_vec())
}

fn combination(axes: &[Axis], number: u64) -> Variant {
    let chosen = choice(axes, number);
    let labels: Vec<String> = chosen.iter().map(|value| bare(value)).collect();
    Variant {
        label: labels.join(", "),
        sets: axes
            .iter()
            .zip(chosen)
            .map(|(axis, v)| format!("{}={v}", axis.path))
            .collect(),
    }
}

impl Stretch {
    /// `PATH=lo..hi`, or `PATH=log(lo,hi)`. Ends that are whole numbers without a unit give whole numbers.
    ///
    /// # Errors
    /// What is wrong, and what to write instead.
    pub fn parse(text: &str) -> Result<Stretch, String> {
        let hint = "write PATH=LO..HI or PATH=log(LO,HI), such as workers=4..32 or timeout=100ms..800ms";
        let (path, range) = assignment(text)?;
        let inside = range.strip_prefix("log(").and_then(|r| r.strip_suffix(')'));
        let ends = match inside {
            Some(inside) => inside.split_once(','),
            None => range.split_once(".."),
        };
        let (lo, hi) = ends.ok_or_else(|| format!("{range:?} is no stretch; {hint}"))?;
        let (lo, hi) = (lo.trim(), hi.trim());
        let whole = inside.is_none() && [lo, hi].iter().all(|e| e.parse::<i64>().is_ok());
        let (a, b, unit) =
            ends_of(lo, hi).ok_or_else(|| format!("{range:?} has no two numbers of one unit; {hint}"))?;
        if a >= b {
            return Err(format!("{range:?} is empty: the first end must be the smaller"));
        }
        if inside.is_some() && a <= 0.0 {
            return Err(format!("{range:?} begins at or below zero, which has no logarithm"));
        }
        let scale = match (inside, whole) {
            (Some(_), _) => Scale::Log,
            (None, true) => Scale::Whole,
            (None, false) => Scale::Linear,
        };
        Ok(Stretch {
            path,
            lo: a,
            hi: b,
            scale,
            unit: unit.to_owned(),
        })
    }

    /// The value at the fraction `u` of the range, from 0 to 1.
    pub fn at(&self, u: f64) -> f64 {
        match self.scale {
            Scale::Linear => self.lo + u * (self.hi - self.lo),
            Scale::Log => self.lo * libm::exp(u * libm::log(self.hi / self.lo)),
            Scale::Whole => (self.lo + libm::floor(u * (self.hi - self.lo + 1.0))).min(self.hi),
        }
    }

    /// A value as `--set` takes it.
    pub fn text(&self, value: f64) -> String {
        with_unit(value, &self.unit)
    }
}

fn with_unit(value: f64, unit: &str) -> String {
    format!("{value}{unit}")
}

/// A value as a number, and the suffix for the name of its column: seconds, or a rate per second.
pub fn in_seconds(value: &str) -> Option<(f64, &'static str)> {
    let text = bare(value);
    let time = Duration::parse(&text).ok().map(|d| (d.0.seconds(), "_s"));
    time.or_else(|| Rate::parse(&text).ok().map(|r| (r.0, "_per_s")))
}

/// A normal form: values with the same meaning get the same text.
fn meaning(value: &str) -> String {
    let number = || value.parse::<f64>().ok().map(|n| n.to_string());
    let measured = || in_seconds(value).map(|(n, unit)| format!("{n}{unit}"));
    number().or_else(measured).unwrap_or_else(|| bare(value))
}

/// A value without the quotes of JSON text, for display.
pub fn bare(value: &str) -> String {
    serde_json::from_str::<String>(value).unwrap_or_else(|_| value.to_owned())
}

fn assignment(text: &str) -> Result<(String, &str), String> {
    let (path, value) = text
        .split_once('=')
        .ok_or_else(|| format!("there is no \"=\" in {0:?}; write {0}=VALUE", text.trim()))?;
    let path = path.trim();
    if path.is_empty() || path.split('.').any(str::is_empty) {
        return Err(format!("a part of the path {path:?} is empty"));
    }
    Ok((path.to_owned(), value.trim()))
}

/// The parts between separators that are in no brackets and no quotes.
fn split_outside(text: &str, separator: char) -> Result<Vec<&str>, String> {
    let (mut pieces, mut start, mut open, mut quoted, mut escaped) = (Vec::new(), 0, Vec::new(), false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '[' => open.push(']'),
            '{' => open.push('}'),
            '(' => open.push(')'),
            ']' | '}' | ')' if open.pop() != Some(c) => return Err(format!("{text:?} has a {c:?} that nothing opens")),
            c if c == separator && open.is_empty() => {
                pieces.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    match open.last() {
        _ if quoted => Err(format!("{text:?} has a quote that is not closed")),
        Some(closing) => Err(format!("{text:?} lacks a {closing:?}")),
        None => {
            pieces.push(&text[start..]);
            Ok(pieces)
        }
    }
}

/// One item of a list: a range, a series, or a value.
fn expand(item: &str) -> Result<Part, String> {
    if item.is_empty() {
        return Err("one of the values is empty; an empty text is written \"\"".into());
    }
    for (name, is_log) in [("lin", false), ("log", true)] {
        let inside = item.strip_prefix(name).and_then(|r| r.strip_prefix('('));
        if let Some(inside) = inside.and_then(|r| r.strip_suffix(')')) {
            return series(item, inside, is_log);
        }
    }
    let whole = |text: &str| text.parse::<i64>().ok();
    match item.split_once("..").map(|(a, b)| (whole(a), whole(b))) {
        Some((Some(a), Some(b))) if a > b => Err(format!("{item} is empty: the first end must be the smaller")),
        Some((Some(a), Some(b))) => Ok(Part::Whole {
            from: a,
            count: b.abs_diff(a).saturating_add(1),
        }),
        Some(_) if item.starts_with(|c: char| c.is_ascii_digit()) => Err(format!(
            "{item}: a range counts in whole numbers, such as 1..8; between others write lin(a,b,n) or log(a,b,n)"
        )),
        _ => Ok(Part::One(item.to_owned())),
    }
}

fn series(item: &str, inside: &str, is_log: bool) -> Result<Part, String> {
    let parts: Vec<&str> = inside.split(',').map(str::trim).collect();
    let hint = "write lin(a,b,n) or log(a,b,n) with two numbers of one unit and how many, such as lin(100/s,500/s,5)";
    let &[a, b, n] = parts.as_slice() else {
        return Err(format!("{item} has not three parts; {hint}"));
    };
    let count: u64 = n.parse().map_err(|_| format!("{item}: {n:?} is no count; {hint}"))?;
    let (from, to, unit) = ends_of(a, b).ok_or_else(|| format!("{item} has no two numbers of one unit; {hint}"))?;
    if count < 2 {
        return Err(format!("{item}: the count must be 2 at least"));
    }
    if from == to {
        return Err(format!("{item}: both ends are the same"));
    }
    if is_log && (from <= 0.0 || to <= 0.0) {
        return Err(format!("{item} has an end at or below zero, which has no logarithm"));
    }
    Ok(Part::Series {
        from,
        to,
        count,
        is_log,
        unit: unit.to_owned(),
    })
}

/// The `--set` options whose values these paths replace, so that they have no effect.
pub fn replaced<'s>(sets: &'s [String], paths: &[&str]) -> Vec<&'s str> {
    let path = |set: &&String| assignment(set).is_ok_and(|(path, _)| paths.contains(&path.as_str()));
    sets.iter().filter(path).map(String::as_str).collect()
}

/// Rounded to about a thousandth of the distance between values, for readability.
fn rounded(value: f64, apart: f64) -> f64 {
    let step = libm::exp10(libm::floor(libm::log10(apart.abs())) - 3.0);
    let found = libm::round(value / step) * step;
    if found.is_finite() { found } else { value }
}

/// Twelve digits; further ones are rounding errors of the division.
fn tidy(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
}

/// Two numbers in the unit of the first: both durations, both rates, or both in that very unit.
fn ends_of<'a>(a: &'a str, b: &str) -> Option<(f64, f64, &'a str)> {
    let ((from, unit), (to, other)) = (number_of(a)?, number_of(b)?);
    if unit == other {
        return Some((from, to, unit));
    }
    let ((one, kind), (to, other)) = (in_seconds(&with_unit(1.0, unit))?, in_seconds(b)?);
    (kind == other).then_some((from, tidy(to / one), unit))
}

/// `100ms` is 100 and `ms`.
fn number_of(text: &str) -> Option<(f64, &str)> {
    let is_unit = |c: char| c.is_alphabetic() && !matches!(c, 'e' | 'E') || c == '/';
    let (number, unit) = text.split_at(text.find(is_unit).unwrap_or(text.len()));
    let number: f64 = number.trim().parse().ok()?;
    number.is_finite().then_some((number, unit.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<String> {
        Axis::parse(text).expect("is right").values().collect()
    }

    fn wrong(text: &str) -> String {
        Axis::parse(text).expect_err("is wrong")
    }

    #[test]
    fn ends_are_as_long_as_it_takes_to_tell_them_apart() {
        let (america, europe) = ("clients.america.arrivals.poisson", "clients.europe.arrivals.poisson");
        assert_eq!(ends(&[america], 2), ["arrivals.poisson"]);
        assert_eq!(
            ends(&[america, "nodes.a.workers"], 2),
            ["arrivals.poisson", "a.workers"]
        );
        assert_eq!(ends(&[america, "nodes.a.workers"], 1), ["poisson", "workers"]);
        assert_eq!(
            ends(&[america, europe], 2),
            ["america.arrivals.poisson", "europe.arrivals.poisson"]
        );
        assert_eq!(ends(&["duration", "a.b"], 2), ["duration", "a.b"]);
        assert_eq!(ends(&["x.a.b", "a.b"], 2), ["x.a.b", "a.b"]);
    }

    #[test]
    fn commas_part_values_only_outside_brackets_and_quotes() {
        assert_eq!(values("a.b=x,y"), ["x", "y"]);
        assert_eq!(
            values(r#"a={"p":1,"q":[2,3]},[4,5]"#),
            [r#"{"p":1,"q":[2,3]}"#, "[4,5]"]
        );
        assert_eq!(values(r#"a="x,y","\",""#), [r#""x,y""#, r#""\",""#]);
    }

    #[test]
    fn ranges_and_series_expand() {
        assert_eq!(values("w=1..4,9"), ["1", "2", "3", "4", "9"]);
        assert_eq!(values("w=lin(0,1,3)"), ["0", "0.5", "1"]);
        assert_eq!(values("w=lin(0.1,0.4,4)"), ["0.1", "0.2", "0.3", "0.4"]);
        assert_eq!(values("w=lin(10,95,4)"), ["10", "38.33", "66.67", "95"]);
        assert_eq!(values("w=log(1ms,100ms,3)"), ["1ms", "10ms", "100ms"]);
        assert_eq!(values("w=log(1s,2s,4)"), ["1s", "1.2599s", "1.5874s", "2s"]);
        assert_eq!(values("w=lin(1234567,1234568,3)"), ["1234567", "1234567.5", "1234568"]);
        assert_eq!(values("w=lin(100/s,300/s,2)"), ["100/s", "300/s"]);
        assert_eq!(values("w=lin(100ms,0.5s,3)"), ["100ms", "300ms", "500ms"]);
        assert_eq!(values("w=lin(1/s,120/min,2)"), ["1/s", "2/s"]);
        // Nothing is expanded before it is asked for.
        let long = Axis::parse("w=x,lin(0,1,10000001),7..9").expect("is right");
        assert_eq!(long.count(), 10_000_005);
        let some = [0, 1, 5_000_001, 10_000_001, 10_000_002, 10_000_004].map(|n| long.value(n));
        assert_eq!(some, ["x", "0", "0.5", "1", "7", "9"]);
    }

    #[test]
    fn what_is_wrong_with_a_list_is_said() {
        for (text, says) in [
            ("w", "no \"=\""),
            ("=1", "empty"),
            ("w=", "empty"),
            ("w=1,,2", "empty"),
            ("w=[1,2", "lacks"),
            ("w=1]", "nothing opens"),
            ("w=\"x", "not closed"),
            ("w=8..1", "smaller"),
            ("w=1.5..2", "lin(a,b,n)"),
            ("w=1..999999999", "more than"),
            ("w=lin(1,2)", "three parts"),
            ("w=lin(1s,2/s,3)", "one unit"),
            ("w=lin(1,2s,3)", "one unit"),
            ("w=log(0,2,3)", "logarithm"),
            ("w=lin(1,2,1)", "count"),
            ("w=1,2,1", "1 is there twice"),
            ("w=300ms,1s,0.3s", "0.3s is the same as 300ms"),
            ("w=60/min,1/s", "1/s is the same as 60/min"),
            ("w=1..4,2", "2 is there twice"),
            ("w=1..3,2..4", "2 is there twice"),
            ("w=1..10000,5,5", "5 is there twice"),
            ("w=lin(5,5,3)", "both ends are the same"),
            ("w=x,\"x\"", "\"x\" is the same as x"),
        ] {
            assert!(wrong(text).contains(says), "{text}: {}", wrong(text));
        }
    }

    #[test]
    fn a_variant_has_a_label_and_changes() {
        let variant = Variant::parse("more: a.b=[1;2] ; c = \"x;y\";").expect("is right");
        assert_eq!((variant.label.as_str(), variant.sets.len()), ("more", 2));
        assert_eq!(variant.sets, ["a.b=[1;2]", "c=\"x;y\""]);
        assert_eq!(Variant::parse("as it is:").expect("is right").sets, [""; 0]);
        assert!(Variant::parse("a.b=1").expect_err("is wrong").contains("label"));
        assert!(Variant::parse("a.b={\"x\":1}").expect_err("is wrong").contains("label"));
        assert!(Variant::parse(": a=1").expect_err("is wrong").contains("label"));
        assert!(Variant::parse("x: a").expect_err("is wrong").contains('='));
    }

    #[test]
    fn the_last_axis_turns_fastest() {
        let axes = [
            Axis::parse("a=1,2").expect("is right"),
            Axis::parse("b=\"x\",y").expect("is right"),
        ];
        let labels: Vec<String> = combinations(&axes).map(|v| v.label).collect();
        assert_eq!(labels, ["1, x", "1, y", "2, x", "2, y"]);
        assert_eq!(combination(&axes, 2).sets, ["a=2", "b=\"x\""]);
    }

    #[test]
    fn a_stretch_is_whole_even_or_logarithmic() {
        let whole = Stretch::parse("w=4..7").expect("is right");
        assert_eq!(
            [0.0, 0.2499, 0.25, 0.999, 1.0].map(|u| whole.at(u)),
            [4.0, 4.0, 5.0, 7.0, 7.0]
        );
        let even = Stretch::parse("t=100ms..300ms").expect("is right");
        assert_eq!(even.text(even.at(0.5)), "200ms");
        let mixed = Stretch::parse("t=100ms..5s").expect("is right");
        assert_eq!(mixed.text(mixed.at(0.5)), "2550ms");
        let log = Stretch::parse("r=log(1/s,100/s)").expect("is right");
        assert!((log.at(0.5) - 10.0).abs() < 1e-12);
        for text in ["w=4", "w=7..4", "w=1s..2ms", "w=1..2s", "w=log(0,4)"] {
            assert!(Stretch::parse(text).is_err(), "{text}");
        }
    }
}
