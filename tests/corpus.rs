//! The inputs that the fuzzer kept, and everything that ever crashed: all are run again each time.

mod worlds;

use std::path::Path;

fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(target);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("lists")
        .map(|entry| entry.expect("reads").path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let bytes = std::fs::read(&file).expect("reads");
        // The file's name goes before the panic message.
        let outcome = std::panic::catch_unwind(|| run(&bytes));
        assert!(outcome.is_ok(), "{}", file.display());
    }
}

#[test]
fn scenarios() {
    replay("scenario", worlds::bytes::scenario);
}

#[test]
fn worlds_of_the_corpus() {
    replay("world", worlds::bytes::world);
}

#[test]
fn results() {
    replay("result", worlds::bytes::result);
}
