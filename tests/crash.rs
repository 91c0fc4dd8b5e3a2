//! Whatever happens while a file is written, its place holds the old file or the new one, never half of one.
#![cfg(unix)]

mod program;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fallover::analysis::result::Document;
use fallover::base::random::{Draw, unit};
use program::program;

/// A run of a few hundredths of a second with files large enough to be cut in two.
const RUN: [&str; 8] = [
    "run",
    "scenarios/lb-failure.json",
    "--replications",
    "2",
    "--duration",
    "3s",
    "--warmup",
    "0s",
];
const OLD: &str = "what was here before\n";

/// The program, ready to write all kinds of files into a directory.
fn writing(folder: &Path) -> Command {
    let mut command = Command::new(program().get_program());
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(RUN);
    for name in ["x.json", "x.svg"] {
        command.arg("-o").arg(folder.join(name));
    }
    command.arg("--requests").arg(folder.join("x.csv"));
    command.arg("--quiet").stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn old_files(folder: &Path) {
    for name in ["x.json", "x.svg", "x.csv"] {
        std::fs::write(folder.join(name), OLD).expect("writes");
    }
}

/// Returns whether the file is new; panics if it is incomplete.
fn is_new(folder: &Path, name: &str, whole: &str) -> bool {
    let text = std::fs::read_to_string(folder.join(name)).expect("is there");
    if text == OLD {
        return false;
    }
    // The JSON contains its elapsed time and differs in that.
    let is_whole = match name {
        "x.json" => Document::read(&text).is_ok(),
        _ => text == whole,
    };
    assert!(is_whole, "{name} is half a file of {} bytes", text.len());
    true
}

/// The files of an undisturbed run, and how long it takes.
fn undisturbed() -> ([(&'static str, String); 3], Duration) {
    let folder = tempfile::tempdir().expect("makes a directory");
    let began = Instant::now();
    assert!(writing(folder.path()).status().expect("starts").success());
    let took = began.elapsed();
    let read = |name| {
        (
            name,
            std::fs::read_to_string(folder.path().join(name)).expect("is there"),
        )
    };
    (["x.json", "x.svg", "x.csv"].map(read), took)
}

#[test]
fn killed_at_any_point_it_leaves_whole_files() {
    let (files, took) = undisturbed();
    let (mut draw, mut seen) = (Draw::keyed(8), [0, 0]);
    for _ in 0..200 {
        let folder = tempfile::tempdir().expect("makes a directory");
        old_files(folder.path());
        let mut child = writing(folder.path()).spawn().expect("starts");
        std::thread::sleep(took.mul_f64(1.2 * unit(&mut draw)));
        child.kill().expect("is killed");
        child.wait().expect("is gone");
        for (name, whole) in &files {
            seen[usize::from(is_new(folder.path(), name, whole))] += 1;
        }
    }
    assert!(seen[0] > 0, "no kill came early enough to matter: {seen:?}");
}

/// The same command with files limited to `blocks` blocks: what exceeds them fails, as on a full disk.
fn with_files_up_to(blocks: usize, program: &Command) -> Command {
    let mut command = Command::new("sh");
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    // Blocks of 512 bytes in POSIX; a shell that uses 1024 only moves the limit.
    command
        .arg("-c")
        .arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\""))
        .arg("sh");
    command.arg(program.get_program()).args(program.get_args());
    command
}

/// Makes the first write fail, then the second, and so on up to the last.
#[test]
fn whichever_write_fails_the_old_file_stays_and_the_others_are_written() {
    let (files, _) = undisturbed();
    let largest = files.iter().map(|(_, text)| text.len()).max().expect("three");
    let mut failed = 0;
    for blocks in (0..=largest / 512 + 1).step_by(1 + largest / 512 / 60) {
        let folder = tempfile::tempdir().expect("makes a directory");
        old_files(folder.path());
        let output = with_files_up_to(blocks, &writing(folder.path()))
            .output()
            .expect("starts");
        let new = files
            .iter()
            .filter(|(name, whole)| is_new(folder.path(), name, whole))
            .count();
        let left = std::fs::read_dir(folder.path()).expect("lists").count();
        assert_eq!(left, 3, "a write that failed leaves nothing behind");
        match output.status.code() {
            Some(0) => assert_eq!(new, 3),
            Some(3) => {
                failed += 1;
                assert!(new < 3 && !output.stderr.is_empty());
            }
            other => panic!("{blocks} blocks: {other:?} {}", String::from_utf8_lossy(&output.stderr)),
        }
    }
    assert!(failed > 20, "{failed}");
}

/// The program, sweeping a grid of twelve points into a table and a document.
fn sweeping(folder: &Path) -> Command {
    let mut command = Command::new(program().get_program());
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .arg("sweep")
        .args(&RUN[1..]);
    command.args([
        "--vary",
        "nodes.haproxy.retries=1..4",
        "--vary",
        "nodes.haproxy.servers.nginx1.weight=1..3",
    ]);
    for name in ["x.csv", "x.json"] {
        command.arg("-o").arg(folder.join(name));
    }
    command.arg("--quiet").stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The table, and the document without its elapsed time.
fn swept(folder: &Path) -> (String, serde_json::Value) {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("is there");
    let mut document: serde_json::Value = serde_json::from_str(&read("x.json")).expect("is JSON");
    document.as_object_mut().expect("is a map").remove("engine");
    (read("x.csv"), document)
}

/// Killed repeatedly, or out of space, and restarted: the last run's files equal those of an undisturbed one.
#[test]
fn a_sweep_goes_on_after_any_kill_and_any_write_that_failed() {
    let whole = tempfile::tempdir().expect("makes a directory");
    assert!(sweeping(whole.path()).status().expect("starts").success());
    let whole = swept(whole.path());
    let finish = |folder: &Path| {
        assert!(sweeping(folder).status().expect("starts").success());
        assert!(swept(folder) == whole, "a sweep that went on has other files");
        // A kill may leave a temporary file next to its target, and nothing else.
        assert!(
            !folder.join("x.csv.partial").exists(),
            "the journal goes when the work is done"
        );
    };
    let (mut draw, mut resumed, mut failed) = (Draw::keyed(9), 0, 0);
    for _ in 0..8 {
        let folder = tempfile::tempdir().expect("makes a directory");
        let journal = folder.path().join("x.csv.partial");
        let lines = || std::fs::read_to_string(&journal).map_or(0, |text| text.lines().count());
        for _ in 0..3 {
            // At once, or a few points later: by progress rather than by the clock, which is useless on a busy machine.
            let until = lines() + (5.0 * unit(&mut draw)) as usize;
            let mut child = sweeping(folder.path()).spawn().expect("starts");
            while lines() < until && child.try_wait().expect("is asked").is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
            child.kill().expect("is killed");
            child.wait().expect("is gone");
            resumed += u32::from(journal.exists());
        }
        finish(folder.path());
    }
    for blocks in (0..20).step_by(2) {
        let folder = tempfile::tempdir().expect("makes a directory");
        let status = with_files_up_to(blocks, &sweeping(folder.path())).status();
        failed += u32::from(!status.expect("starts").success());
        finish(folder.path());
    }
    assert!(
        resumed > 10 && failed > 5,
        "{resumed} left a journal, {failed} ran out of space"
    );
}
