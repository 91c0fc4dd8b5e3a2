//! The display is sound for every result: nothing overlaps, nothing is clipped, nothing says NaN.
//!
//! Pictures are checked by parsing the SVG with another library, not by comparison with stored ones.

#[path = "support/pictures.rs"]
mod pictures;
mod samples;

use fallover::analysis::capacity::Sizing;
use fallover::analysis::result::{Answer, Document};
use fallover::report::chart::{self, Look, Name, Theme};
use fallover::report::sink::{AtomicFile, Output, Printing};
use fallover::report::terminal::Terminal;
use fallover::report::{json, text, words};
use pictures::{clash, overlap, parse, texts};
use std::io::Write;

fn charts() -> impl Iterator<Item = Name> {
    Name::ALL.into_iter().map(|(name, ..)| name)
}

fn plain(width: usize, document: &Document) -> String {
    Terminal { width, colour: false }.render(&words(document))
}

fn look(width: u32) -> Look {
    Look {
        width,
        pixel_ratio: 1.0,
        ..Look::default()
    }
}

fn printing(width: u32) -> Printing {
    Printing {
        look: look(width),
        ..Printing::default()
    }
}

/// Every picture of the samples, with a name to identify it.
fn all_pictures(widths: &[u32]) -> Vec<(String, String)> {
    let mut pictures = Vec::new();
    for (sample, document) in samples::all() {
        for name in charts() {
            for width in widths {
                if let Ok(svg) = chart::svg(&document, name, &look(*width)) {
                    pictures.push((format!("{sample} {name:?} {width}"), svg));
                }
            }
        }
    }
    pictures
}

#[test]
fn no_text_of_a_picture_covers_another_or_leaves_the_page() {
    for (name, svg) in all_pictures(&[320, 480, 640, 999, 1200, 2000]) {
        let tree = parse(&svg);
        let mut found = Vec::new();
        texts(tree.root(), &mut found);
        assert!(found.len() > 3, "{name} has words");
        if let Some(clash) = clash(&tree, &found) {
            panic!("{name}: {clash}");
        }
    }
}

#[test]
fn the_overlap_test_can_fail() {
    let svg = r#"<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100">
        <text x="10" y="50" font-family="Inter" font-size="12">first</text>
        <text x="12" y="52" font-family="Inter" font-size="12">second</text></svg>"#;
    let mut found = Vec::new();
    texts(parse(svg).root(), &mut found);
    assert!(overlap(&found[0].1, &found[1].1));
}

#[test]
fn no_picture_says_nan_or_lets_markup_through() {
    for (name, svg) in all_pictures(&[800]) {
        for bad in ["NaN", "inf", "<script", "\u{1b}", "\u{202e}"] {
            assert!(!svg.contains(bad), "{name} contains {bad:?}");
        }
    }
}

#[test]
fn the_same_result_gives_the_same_bytes() {
    let (once, again) = (all_pictures(&[1000]), all_pictures(&[1000]));
    assert!(once == again);
    let png = |svg: &str| chart::png(svg, 1.0).expect("renders");
    assert_eq!(png(&once[0].1), png(&again[0].1));
    let dark = Look {
        theme: Theme::Dark,
        ..look(1000)
    };
    assert_ne!(
        once[0].1,
        chart::svg(&samples::lb_failure(), Name::Dashboard, &dark).expect("draws")
    );
}

#[test]
fn a_png_has_the_pixels_that_were_asked_for() {
    let svg = chart::svg(&samples::lb_failure(), Name::Latency, &look(700)).expect("draws");
    let size = parse(&svg).size();
    let png = chart::png(&svg, 1.5).expect("renders");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
    assert_eq!((number(16), number(20)), (1050, (size.height() * 1.5).round() as u32));
    for ratio in [0.0, -1.0, f64::NAN, 1e9] {
        assert!(chart::png(&svg, ratio).is_err(), "{ratio}");
    }
    assert!(chart::svg(&samples::lb_failure(), Name::Latency, &look(5)).is_err());
}

#[test]
fn an_outage_is_seen_in_the_picture() {
    let shaded = |d: &Document| {
        let svg = chart::svg(d, Name::Timeline, &look(1000)).expect("draws");
        (svg.contains("haproxy crash"), svg.matches("#B03A00").count())
    };
    let ((named, marks), (unnamed, none)) = (shaded(&samples::lb_failure()), shaded(&samples::steady()));
    assert!(named && marks >= 4, "name, pole and three shades: {marks}");
    assert!(!unnamed && none == 0);
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for (name, document) in samples::all() {
        for width in [40, 61, 80, 120, 200] {
            for line in plain(width, &document).lines() {
                assert!(text::width(line) <= width, "{name} at {width}: {line:?}");
                assert!(!line.contains("NaN") && !line.contains("inf"), "{name}: {line:?}");
                assert!(!line.contains(|c: char| c.is_control()), "{name}: {line:?}");
            }
        }
    }
}

#[test]
fn an_ordinary_run_fits_a_screen() {
    for document in [samples::lb_failure(), samples::steady(), samples::several()] {
        let lines = plain(80, &document).lines().count();
        assert!(lines <= 45, "{lines} lines for {}", document.envelope.scenario.name);
    }
}

#[test]
fn the_summary_says_what_a_reader_asks() {
    let text = plain(80, &samples::lb_failure());
    for said in [
        "✗ missed  availability",
        "✓ met     p99",
        "90.0 ± 0.2 %",
        "405.0 ± 0.8 /s",
        "214 ± 5 ms",
        "refused 149,880 (55.4 %)",
        "87.4 %",
        "haproxy crash",
        "! app1 and app2 are busy",
    ] {
        assert!(text.contains(said), "{said:?} is missing from\n{text}");
    }
}

#[test]
fn of_many_nodes_the_busiest_are_shown_and_the_rest_counted() {
    let text = plain(120, &samples::crowd());
    assert!(text.contains("… and 190 more nodes, none busier"), "{text}");
    assert!(text.contains("… and 114 more hosts, none busier"), "{text}");
    let first = text.lines().position(|l| l.starts_with("node")).expect("has nodes") + 1;
    assert!(
        text.lines().nth(first).expect("has rows").contains("-027"),
        "the busiest comes first:\n{text}"
    );
}

#[test]
fn several_scenarios_have_a_row_each() {
    let text = plain(80, &samples::several());
    for name in ["lb-failure", "lb-pair", "slow disks"] {
        let rows = text.lines().filter(|l| l.starts_with(name)).count();
        assert!(rows >= 2, "{name} has a row and a line over time:\n{text}");
    }
}

#[test]
fn an_incomplete_run_says_so_first() {
    let mut document = samples::steady();
    assert!(!plain(80, &document).contains("INCOMPLETE"));
    document.envelope.complete = false;
    let text = plain(80, &document);
    let line = text.lines().position(|l| l.contains("INCOMPLETE")).expect("says so");
    assert!(line <= 3, "{text}");
    for name in Name::given_by(&document) {
        let svg = chart::svg(&document, name, &look(800)).expect("draws");
        assert!(svg.contains("INCOMPLETE"), "{name:?}");
    }
}

#[test]
fn every_command_says_first_that_it_did_not_finish() {
    for (name, mut document) in samples::of_commands() {
        document.envelope.complete = false;
        let text = plain(80, &document);
        let line = text.lines().position(|l| l.contains("INCOMPLETE")).expect(name);
        assert!(line <= 4, "{name}: {text}");
        assert_eq!(text.matches("INCOMPLETE").count(), 1, "{name}: {text}");
    }
}

#[test]
fn a_search_that_was_stopped_judges_no_number_that_it_did_not_try() {
    let mut document = samples::of_command("capacity");
    document.envelope.complete = false;
    let Answer::Capacity(capacity) = &mut document.answer else {
        panic!("is of capacity")
    };
    capacity.sizing = Some(Sizing {
        of: "server*".into(),
        fewest: None,
        fewest_with_one_lost: None,
        sizes: Vec::new(),
    });
    let words = |document: &Document| plain(200, document);
    assert!(words(&document).contains("not known: no number of server* was finished"));
    document.envelope.complete = true;
    assert!(words(&document).contains("none of these numbers of server* holds the SLO"));
}

#[test]
fn where_nothing_was_finished_no_promise_is_called_missed() {
    let mut document = samples::lb_failure();
    (document.envelope.complete, document.envelope.replications) = (false, 0);
    document.caveats.clear();
    let text = plain(80, &document);
    assert!(text.contains("nothing to show"), "{text}");
    assert!(!text.contains("missed") && !text.contains("Available"), "{text}");
}

#[test]
fn a_column_in_which_nothing_happened_is_a_line_of_words() {
    let mut document = samples::steady();
    let run = samples::run_of(&mut document);
    for (_, node) in &mut run.nodes.0 {
        for estimate in [&mut node.queue_length, &mut node.wait_s.mean, &mut node.wait_s.p99] {
            estimate.value = Some(0.0);
        }
        (node.refused, node.up_ratio.value) = (0, Some(1.0));
    }
    let text = plain(100, &document);
    assert!(text.contains("no queue, nothing refused, all up throughout"), "{text}");
    assert!(!text.contains("wait p99") && !text.contains("refused  "), "{text}");
    let run = samples::run_of(&mut document);
    run.nodes.0[0].1.refused = 1;
    let text = plain(100, &document);
    assert!(
        text.contains("no queue, all up throughout") && text.contains("refused"),
        "{text}"
    );
}

#[test]
fn labels_on_a_flat_curve_do_not_touch() {
    let mut document = samples::steady();
    let run = samples::run_of(&mut document);
    let flat = run.metrics.latency_s.p50;
    (run.metrics.latency_s.p95, run.metrics.latency_s.p99) = (flat, flat);
    for width in [320, 480, 640, 999, 1200] {
        let svg = chart::svg(&document, Name::Dashboard, &look(width)).expect("draws");
        let mut found = Vec::new();
        texts(parse(&svg).root(), &mut found);
        found.retain(|(words, _)| ["p50 ", "p95 ", "p99 "].iter().any(|p| words.starts_with(p)));
        assert!(!found.is_empty());
        for (i, (words, a)) in found.iter().enumerate() {
            for (others, b) in &found[i + 1..] {
                assert!(!overlap(a, b), "{width}: {words} covers {others}");
            }
        }
    }
}

#[test]
fn scenarios_of_different_lengths_are_not_said_to_be_alike() {
    let mut document = samples::several();
    let Answer::Runs(several) = &mut document.answer else {
        panic!("has several runs")
    };
    several.runs[0].duration_s = 36_000.0;
    let text = plain(80, &document);
    let how = text.lines().nth(1).expect("has a second line");
    assert!(how.contains(" to 10 h each"), "{how}");
}

#[test]
fn json_reads_back_as_it_was() {
    for (name, document) in samples::all() {
        let mut bytes = Vec::new();
        json::write(&document, &mut bytes).expect("writes");
        let read = Document::read(&String::from_utf8(bytes).expect("is text")).expect("reads");
        assert!(read == document, "{name}");
    }
}

#[test]
fn what_is_no_result_says_why() {
    let mut bytes = Vec::new();
    json::write(&samples::lb_failure(), &mut bytes).expect("writes");
    let text = String::from_utf8(bytes).expect("is text");
    let refused = |text: &str| Document::read(text).expect_err("is no result").to_string();
    assert!(refused(&text[..text.len() / 2]).starts_with("it is not a whole JSON document"));
    let newer = text.replace("\"schema_version\": 1", "\"schema_version\": 2");
    assert!(refused(&newer).starts_with("its schema_version is 2, and this program reads 1"));
    let unknown = text.replace("\"command\": \"run\"", "\"command\": \"fly\"");
    assert!(refused(&unknown).starts_with("it was made by `fallover fly`"));
    let lacking = text.replace("\"availability\"", "\"availabilitie\"");
    assert!(
        refused(&lacking).contains("missing field `availability`"),
        "{}",
        refused(&lacking)
    );
    assert!(refused("[1, 2]").contains("not a result"));
}

#[test]
fn files_are_what_their_names_say() {
    let directory = tempfile::tempdir().expect("makes a directory");
    let document = samples::lb_failure();
    for (file, magic) in [
        ("x.json", "{".as_bytes()),
        ("x.svg", b"<svg"),
        ("x.png", b"\x89PNG"),
        ("x.pdf", b"%PDF"),
        ("x.html", b"<!DOCTYPE html>"),
    ] {
        let path = directory.path().join(file);
        Output::parse(&path)
            .expect("is fine")
            .write(std::slice::from_ref(&document), &printing(640))
            .expect("writes");
        assert!(std::fs::read(&path).expect("reads").starts_with(magic), "{file}");
    }
    assert_eq!(
        std::fs::read_dir(directory.path()).expect("lists").count(),
        5,
        "nothing else is left"
    );
}

#[test]
fn a_failing_write_leaves_the_old_file() {
    let directory = tempfile::tempdir().expect("makes a directory");
    let path = directory.path().join("x.png");
    std::fs::write(&path, "old").expect("writes");
    let mut too_large = printing(640);
    too_large.look.pixel_ratio = 1e6;
    let error = Output::parse(&path)
        .expect("is fine")
        .write(&[samples::lb_failure()], &too_large);
    assert!(error.expect_err("is too large").to_string().contains("--pixel-ratio"));
    let mut half = AtomicFile::at(&path).expect("opens");
    half.write_all(&[0; 100_000]).expect("writes");
    drop(half);
    assert_eq!(std::fs::read_to_string(&path).expect("reads"), "old");
    assert_eq!(std::fs::read_dir(directory.path()).expect("lists").count(), 1);
}
