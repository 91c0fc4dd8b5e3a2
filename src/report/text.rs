//! Makes arbitrary text fit to display: without control characters, and measured by its displayed width.
//!
//! Used by everything that shows a name, on a terminal or in a picture.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub use crate::base::words::{few, listed};

/// The text on one line, without characters that could control a terminal or reorder the text.
pub fn visible(text: &str) -> String {
    let steers = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    let show = |c: char| {
        if c.is_whitespace() {
            Some(if c == NO_BREAK { c } else { ' ' })
        } else {
            (!c.is_control() && !steers(c)).then_some(c)
        }
    };
    text.chars().filter_map(show).collect()
}

/// Code words of the scenario language in ordinary quotation marks: a page is read by people who do not write code.
pub fn quoted(text: &str) -> String {
    // A single backtick belongs to a name.
    if text.matches('`').count() % 2 == 1 {
        return text.to_owned();
    }
    let mut pieces = text.split('`');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces
        .zip(["“", "”"].into_iter().cycle())
        .fold(first, |said, (piece, quote)| said + quote + piece)
}

/// A space where no line is broken.
const NO_BREAK: char = '\u{a0}';
const UNITS: [&str; 9] = ["%", "µs", "ms", "s", "/s", "min", "h", "d", "y"];

/// Keeps a number on one line with its unit, its half-width and the sign before it.
pub fn kept_together(text: &str) -> String {
    let is_unit = |word: &str| UNITS.contains(&word.trim_end_matches(['.', ',', ';', ':', ')', '?']));
    let belongs = |before: &str, after: &str| {
        let is_number = before.ends_with(|c: char| c.is_ascii_digit());
        (is_number && (is_unit(after) || after == "±")) || ["±", "≥", "≤", ">", "<"].contains(&before)
    };
    let mut said = String::with_capacity(text.len() + 8);
    let mut before = "";
    for (i, word) in text.split(' ').enumerate() {
        if i > 0 {
            said.push(if belongs(before, word) { NO_BREAK } else { ' ' });
        }
        said.push_str(word);
        before = word;
    }
    said
}

/// How many columns the text takes on a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// An upper bound on the columns that fit in this width at this size: no character is narrower than a seventh of its
/// height. The rest of a long text need not be measured.
pub fn most_columns(room: f64, size: f64) -> usize {
    (room.max(0.0) / size * 7.0) as usize + 8
}

/// A name in at most `limit` columns, with … in the middle where it was cut: similar names differ at the end.
pub fn shorten_name(name: &str, limit: usize) -> String {
    if width(name) <= limit || limit < 8 {
        return shorten(name, limit);
    }
    let tail_room = (limit - 1) / 2;
    let mut tail_start = name.len();
    for (at, _) in name.char_indices().rev() {
        if width(&name[at..]) > tail_room {
            break;
        }
        tail_start = at;
    }
    shorten(name, limit - width(&name[tail_start..])) + &name[tail_start..]
}

/// The same numbers in less space: without their intervals, then without the last of the parts separated by dots.
/// `None` if nothing shorter says anything. Numbers are never cut, because half a number is another number.
pub fn leaner(text: &str) -> Option<String> {
    let bare = without_intervals(text);
    match bare != text {
        true => Some(bare),
        false => text.rsplit_once(" · ").map(|(first, _)| first.to_owned()),
    }
}

/// The longest form that fits, or else the shortest.
pub fn leanest(text: &str, fits: impl Fn(&str) -> bool) -> String {
    let mut text = text.to_owned();
    while !fits(&text) {
        match leaner(&text) {
            Some(lean) => text = lean,
            None => break,
        }
    }
    text
}

/// `0.81 (0.57 to 4.58) min` is `0.81 min`, and `214 ± 3 ms` is `214 ms`.
fn without_intervals(text: &str) -> String {
    let opens = |word: &str| word.starts_with('(') && word.contains(|c: char| c.is_ascii_digit());
    let words: Vec<&str> = text.split(' ').collect();
    let (mut kept, mut rest) = (Vec::with_capacity(words.len()), words.as_slice());
    while let [word, after @ ..] = rest {
        rest = match after {
            [_, after @ ..] if *word == "±" => after,
            ["to", end, after @ ..] if opens(word) && end.ends_with(')') => after,
            _ if opens(word) && word.contains('–') && word.ends_with(')') => after,
            _ => {
                kept.push(*word);
                after
            }
        };
    }
    kept.join(" ")
}

/// Is it a number with its unit rather than a name?
pub fn is_number(text: &str) -> bool {
    let begins = text.trim_start_matches(['≥', '≤', '<', '>', '−', '-', '+', ' ']);
    begins.starts_with(|c: char| c.is_ascii_digit()) && (text.contains(' ') || !text.contains(char::is_alphabetic))
}

/// The text in at most `limit` columns, ending in … where it was cut.
pub fn shorten(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_string();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w + 1 > limit {
            break;
        }
        kept.push(c);
        used += w;
    }
    if limit > 0 { kept + "…" } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_count_double() {
        assert_eq!(shorten("負荷分散装置", 5), "負荷…");
        assert_eq!(width(&shorten("負荷分散装置", 5)), 5);
        assert_eq!(shorten("short", 5), "short");
        assert_eq!(shorten("x", 0), "");
    }

    #[test]
    fn names_keep_their_ends() {
        assert_eq!(shorten_name("application-server-027", 12), "applic…r-027");
        assert_eq!(shorten_name("負荷分散装置027", 12), "負荷分…置027");
        assert_eq!(shorten_name("app", 12), "app");
    }

    #[test]
    fn numbers_stay_with_what_belongs_to_them() {
        let kept = |text: &str| kept_together(text).replace('\u{a0}', "_");
        assert_eq!(
            kept("was 82.30 ± 0.07 %, and ≥ 99.9 % was promised"),
            "was 82.30_±_0.07_%, and ≥_99.9_% was promised"
        );
        assert_eq!(kept("4 of 12 s are lost"), "4 of 12_s are lost");
        assert_eq!(visible("9\u{a0}ms\tof 3"), "9\u{a0}ms of 3");
    }

    #[test]
    fn code_is_quoted_as_prose_is() {
        assert_eq!(
            quoted("`fallover spof` says, and `--set`."),
            "“fallover spof” says, and “--set”."
        );
        assert_eq!(quoted("a`b"), "a`b");
    }

    #[test]
    fn numbers_lose_their_intervals_before_anything_else() {
        let forms = |text: &str| std::iter::successors(leaner(text), |lean| leaner(lean)).collect::<Vec<String>>();
        assert_eq!(forms("0.81 (0.57 to 4.58) min"), ["0.81 min"]);
        assert_eq!(forms("99.9 ± 0.1 % · 3.0 nines"), ["99.9 % · 3.0 nines", "99.9 %"]);
        assert_eq!(forms("0.72 (0.61–0.85)"), ["0.72"]);
        assert!(forms("db (reads)").is_empty() && forms("12 ms").is_empty());
        assert_eq!(
            leanest("1 ± 2 ms · x", |text| width(text) < 8),
            "1 ms · x"[..4].to_owned()
        );
        assert!(["≥ 99 %", "−3 ms", "1,234"].map(is_number).iter().all(|is| *is));
        assert!(!["app1", "3-db", "none"].map(is_number).iter().any(|is| *is));
    }

    #[test]
    fn what_steers_a_terminal_is_dropped() {
        assert_eq!(visible("a\x1b[31mb\nc\u{202e}d\u{9b}e"), "a[31mb cde");
    }
}
