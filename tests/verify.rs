//! `fallover verify` from outside.

mod program;

use program::{document, fallover};

#[test]
fn every_check_holds_and_says_what_it_compared() {
    let found = document(&["verify"]);
    assert_eq!((&found["command"], &found["passed"]), (&"verify".into(), &true.into()));
    let checks = found["checks"].as_array().expect("is a list");
    for group in ["theory", "determinism", "conservation", "failures", "recordings"] {
        assert!(checks.iter().any(|c| c["group"] == group), "{group}");
    }
    for check in checks {
        let numbers = check["theory"].is_number() && check["simulated"]["lo"].is_number() && check["z"].is_number();
        let words = check["detail"].as_str().is_some_and(|d| !d.is_empty());
        assert!(numbers != words && check["passed"] == true, "{check}");
    }
}

#[test]
fn another_seed_gives_other_numbers_and_the_table_fits_a_terminal() {
    let (status, out, err) = fallover(&["verify", "--seed", "2", "--threads", "1"]);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    assert!(
        out.contains("seed 2, 1 thread") && out.contains("all 31 checks hold"),
        "{out}"
    );
    assert!(
        !out.contains('…') && out.lines().all(|l| l.chars().count() <= 80),
        "{out}"
    );
    assert_ne!(out, fallover(&["verify"]).1);
}
