//! Robustness: random text, damaged scenarios and wild `--set` options all yield a result, without a panic.
//!
//! The result itself is the subject of other tests.

use super::load_text;
use proptest::prelude::*;

const FOOBAR: &str = include_str!("../../scenarios/foobar.json");

proptest! {
    /// Any text yields a result.
    #[test]
    fn no_text_panics(text in "\\PC{0,200}", yaml in any::<bool>()) {
        let _ = load_text(if yaml { "x.yaml" } else { "x.json" }, &text, &[]);
    }

    #[test]
    fn no_soup_of_the_formats_own_words_panics(words in prop::collection::vec(prop::sample::select(WORDS), 0..60)) {
        let _ = load_text("x.json", &words.join(" "), &[]);
        let _ = load_text("x.yaml", &words.join(" "), &[]);
    }

    #[test]
    fn no_damage_to_a_good_scenario_panics(at in 0..FOOBAR.len(), length in 0..40_usize, insert in "[\\[\\]{}\",:0-9a-z.*-]{0,8}") {
        let end = (at + length).min(FOOBAR.len());
        if FOOBAR.is_char_boundary(at) && FOOBAR.is_char_boundary(end) {
            let _ = load_text("x.json", &format!("{}{insert}{}", &FOOBAR[..at], &FOOBAR[end..]), &[]);
        }
    }

    #[test]
    fn no_set_panics(path in "[a-z0-9.*-]{0,30}", value in "\\PC{0,20}", at in 0..12_usize) {
        let prefix = ["", "nodes.", "nodes.haproxy.", "nodes.haproxy.servers.", "nodes.mysql.members.", "clients.browsers.",
            "clients.browsers.arrivals.", "hosts.edge.lifetime.", "network.", "faults", "slo.", "nodes.app1.work."][at];
        let _ = load_text("x.json", FOOBAR, &[format!("{prefix}{path}={value}")]);
    }

    /// Every value of the good scenario is replaced by every kind of wrong one.
    #[test]
    fn no_wrong_value_anywhere_panics(pick in 0..400_usize, wrong in 0..9_usize) {
        let wrong = ["null", "true", "-1", "1e300", "\"\"", "\"x\"", "[]", "{}", "[{}, 3, [[]]]"][wrong];
        let loaded = load_text("x.json", FOOBAR, &[]).unwrap();
        let settings = loaded.explain();
        let path = &settings[pick % settings.len()].path;
        let _ = load_text("x.json", FOOBAR, &[format!("{path}={wrong}")]);
    }
}

const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"nodes\"",
    "\"clients\"",
    "\"kind\"",
    "\"app\"",
    "\"a\"",
    "\"entry\"",
    "\"users\"",
    "\"think\"",
    "\"work\"",
    "\"*\"",
    "\"cpu\"",
    "\"load-balancer\"",
    "\"servers\"",
    "1",
    "-1",
    "1e400",
    "0.5",
    "null",
    "true",
    "\"1s\"",
    "&a",
    "*a",
    "<<",
    "-",
    "---",
    "\n",
    "\t",
    "!!binary",
    "|",
    ">",
    "#",
    "'",
    "\"",
];
