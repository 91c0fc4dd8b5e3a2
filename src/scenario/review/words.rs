//! Numbers and lists in words.

use crate::base::words::few;

/// `250 ms`, `10 s`, `5 min`, `2 h`.
pub fn time(seconds: f64) -> String {
    const UNITS: [(f64, &str); 6] = [
        (86_400.0, "d"),
        (3_600.0, "h"),
        (60.0, "min"),
        (1.0, "s"),
        (1e-3, "ms"),
        (1e-6, "µs"),
    ];
    // Ninety seconds are given in seconds, three minutes in minutes.
    let suits = |(size, _): &&(f64, &str)| seconds >= if *size == 60.0 { 120.0 } else { *size } * (1.0 - 1e-9);
    let (size, unit) = UNITS.iter().find(suits).unwrap_or(&UNITS[5]);
    format!("{} {unit}", number(seconds / size))
}

/// `400 requests/s`.
pub fn rate(per_s: f64, what: &str) -> String {
    format!("{} {what}/s", number(per_s))
}

/// `14 %`.
pub fn percent(share: f64) -> String {
    format!("{} %", number(share * 100.0))
}

/// Three significant digits, or all digits of a whole number.
pub fn number(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// `a`, `a and b`, `a, b and c`; for many, the first few and the number of others.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 4;
    let names: Vec<&str> = names.into_iter().collect();
    few(&names, if names.len() > MOST { MOST - 1 } else { MOST }, "and")
}

/// `1 server`, `2 servers`.
pub fn plural(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_people_say_them() {
        let said = [0.25, 10.0, 90.0, 300.0, 7200.0, 0.0015].map(time);
        assert_eq!(said, ["250 ms", "10 s", "90 s", "5 min", "2 h", "1.5 ms"]);
        assert_eq!([5.6, 134.4, 12_000.0].map(number), ["5.6", "134", "12000"]);
        assert_eq!(list(["a", "b", "c"]), "a, b and c");
        assert_eq!(list(["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }
}
