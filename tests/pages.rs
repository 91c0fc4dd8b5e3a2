//! Handouts: PDF and HTML of results that are ordinary, huge, empty, hostile or incomplete; and `fallover report`.
//!
//! The pages stay in the build's directory for temporary files, where `reports/check` inspects them by other means.

mod program;
mod samples;

use std::path::{Path, PathBuf};

use fallover::analysis::result::{Answer, Caveat, Document, Happening};
use fallover::analysis::verify::Verification;
use fallover::report::chart::Theme;
use fallover::report::handout::Handout;
use fallover::report::html::html;
use fallover::report::pdf::{Paper, pdf};
use program::fallover;

fn samples() -> Vec<(&'static str, Document)> {
    let mut all = samples::all();
    let mut incomplete = samples::lb_failure();
    incomplete.envelope.complete = false;
    all.push(("incomplete", incomplete));
    all
}

/// The text of its page, with plain spaces.
fn page(document: &Document) -> String {
    let page = html(&Handout::of(std::slice::from_ref(document), None), Theme::Light).expect("renders");
    page.replace('\u{a0}', " ")
}

fn book(documents: &[Document], paper: Paper) -> Vec<u8> {
    pdf(&Handout::of(documents, None), paper, Theme::Light).expect("renders")
}

fn kept(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder).expect("makes a folder");
    folder.join(name)
}

#[test]
fn every_result_becomes_pages_and_the_same_ones_again() {
    for (name, document) in samples() {
        for (size, paper) in [("a4", Paper::A4), ("letter", Paper::Letter)] {
            let bytes = book(std::slice::from_ref(&document), paper);
            assert!(bytes.starts_with(b"%PDF-"), "{name}");
            assert!(
                bytes == book(std::slice::from_ref(&document), paper),
                "{name} differs from itself"
            );
            std::fs::write(kept(&format!("{name}-{size}.pdf")), bytes).expect("writes");
        }
        let text = page(&document);
        assert!(text == page(&document), "{name} differs from itself");
        std::fs::write(kept(&format!("{name}.html")), text).expect("writes");
    }
    let all: Vec<Document> = samples().into_iter().map(|(_, d)| d).collect();
    std::fs::write(kept("bound-a4.pdf"), book(&all, Paper::A4)).expect("writes");
}

#[test]
fn markup_in_names_cannot_run_and_nothing_is_fetched() {
    let text = page(&samples::hostile());
    let ours = page(&samples::lb_failure());
    let scripts = |text: &str| text.matches("<script").count();
    assert!(
        ours.contains("default-src 'none'"),
        "the page forbids itself the network"
    );
    assert_eq!(scripts(&text), scripts(&ours), "a name became an element");
    assert!(
        text.contains("&lt;script&gt;alert("),
        "the name is still there to be read"
    );
    for (name, document) in samples() {
        let text = page(&document);
        // Our own script, the last on the page, may contain NaN.
        let text = &text[..text.rfind("<script").expect("has a script")];
        let text = without_fonts(text);
        for bad in ["src=", "href=\"http", "url(", "@import", "NaN", "\u{202e}"] {
            assert!(!text.contains(bad), "{name} contains {bad}");
        }
    }
}

/// The page without its two embedded fonts, whose encoded text may contain anything.
fn without_fonts(text: &str) -> String {
    let mut pieces = text.split("url(data:font/otf;base64,");
    let before = pieces.next().unwrap_or_default().to_owned();
    let after: Vec<&str> = pieces.filter_map(|p| p.split_once(')')).map(|(_, rest)| rest).collect();
    assert_eq!(after.len(), 2, "both weights are there");
    before + &after.concat()
}

#[test]
fn a_page_can_be_read_without_eyes() {
    let text = page(&samples::several());
    for wanted in [
        "<html lang=\"en\"",
        "<th scope=\"col\"",
        "<th scope=\"row\"",
        "<main>",
        "<h1",
        "role=\"img\"",
        "<title>",
    ] {
        assert!(text.contains(wanted), "{wanted} is missing");
    }
}

#[test]
fn the_first_page_says_what_was_found_and_what_to_do() {
    let text = page(&samples::lb_failure());
    let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words} is missing"));
    let order = [
        "What was asked",
        "with the crash of haproxy from 60 s to 90 s?",
        "What was found",
        "Promise missed",
        "What to do",
        "How things went over time",
        "How to make this again",
    ];
    let places: Vec<usize> = order.iter().map(|words| place(words)).collect();
    assert!(places.is_sorted(), "{places:?}");
    let (_, incomplete) = samples().pop().expect("is the last");
    let text = page(&incomplete);
    assert!(text.find("INCOMPLETE").expect("is said") < text.find("What was found").expect("is there"));
}

#[test]
fn lost_data_and_the_lag_that_lost_it_are_told() {
    let mut document = samples::lb_failure();
    samples::run_of(&mut document)
        .lag_s
        .0
        .push(("orders".into(), samples::latency(0.228, 0.01)));
    samples::run_of(&mut document).events.push(Happening {
        at_s: 95.0,
        target: "mysql-replica".into(),
        what: "promoted (14 writes lost)".into(),
    });
    document.caveats.insert(
        0,
        Caveat {
            code: "writes.lost".into(),
            message: "on average a run lost 11.6 acknowledged writes".into(),
        },
    );
    let text = page(&document);
    let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words} is missing: {text}"));
    assert!(place("Data was lost: on average a run lost 11.6") < place("What to do"));
    assert!(place("Against lost writes") < place("How things went over time"));
    assert!(place("something did take over") < place("How things went over time"));
    let lag = place("Replica lag");
    assert!(
        text[lag..lag + 200].contains("orders p50 228"),
        "{}",
        &text[lag..lag + 200]
    );
    assert!(text.contains("(“failover”)") && !text.contains("`failover`"));
}

#[test]
fn what_is_not_known_is_not_judged() {
    // Nothing was answered, so no latency was late.
    let text = page(&samples::nulls());
    assert!(text.contains("was promised for p99, and nothing was answered."));
    assert!(!text.contains("Answers were late"));
    // Stopped before every change was tried.
    let mut spof = samples::of_command("spof");
    spof.envelope.complete = false;
    if let Answer::Spof(found) = &mut spof.answer {
        found.fixes.clear();
    }
    let text = page(&spof);
    assert!(text.contains("Let it come to its end"), "{text}");
}

#[test]
fn a_crowd_is_shown_whole() {
    let text = page(&samples::crowd());
    for i in [0, 99, 199] {
        assert!(text.contains(&format!("application-server-in-the-second-data-centre-{i:03}")));
    }
}

/// A directory with a result made by the program.
fn with_result() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("makes a folder");
    let result = folder.path().join("r.json").to_str().expect("is text").to_owned();
    let run = ["run", "scenarios/lb-failure.json", "--duration", "20s", "--warmup", "0"];
    let (status, _, err) = fallover(&[&run[..], &["--replications", "2", "-q", "-o", &result]].concat());
    assert_eq!(status, 0, "{err}");
    (folder, result)
}

#[test]
fn results_are_bound_into_one_report() {
    let (folder, result) = with_result();
    let at = |name: &str| folder.path().join(name).to_str().expect("is text").to_owned();
    let outputs = [at("x.pdf"), at("x.html"), at("y.pdf")];
    for output in &outputs {
        let (status, out, err) = fallover(&["report", &result, &result, "-o", output, "--date", "1 May 2030"]);
        assert_eq!((status, out.as_str(), err.as_str()), (0, "", ""));
    }
    let read = |path: &str| std::fs::read(path).expect("is there");
    assert_eq!(
        read(&outputs[0]),
        read(&outputs[2]),
        "the same results give the same bytes"
    );
    let text = String::from_utf8(read(&outputs[1])).expect("is text");
    assert!(text.contains("font-src data:") && text.matches("@font-face").count() == 2);
    assert!(text.contains("Contents") && text.contains("1 May 2030") && text.contains("href=\"#part-2\""));
    let (status, shown, err) = fallover(&["report", &result, &result]);
    assert_eq!(status, 0, "{err}");
    assert_eq!(
        shown.matches("Available").count(),
        2,
        "both are on the terminal: {shown}"
    );
    let (status, _, err) = fallover(&["report", &result, &result, "-o", &at("x.png")]);
    assert_eq!(status, 2);
    assert!(
        err.contains("holds one result, and these are 2; use .pdf or .html"),
        "{err}"
    );
}

#[test]
fn a_chart_that_nothing_would_show_is_refused() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let result = folder.path().join("r.json");
    let text = serde_json::to_string(&samples::lb_failure()).expect("serializes");
    std::fs::write(&result, text).expect("writes");
    let result = result.to_str().expect("is text");
    let file = |name: &str| folder.path().join(name).to_str().expect("is text").to_owned();
    let (pdf, svg) = (file("x.pdf"), file("x.svg"));
    for outputs in [vec![], vec!["-o", &pdf]] {
        let (status, out, err) = fallover(&[&["report", result, "--chart", "latency"], outputs.as_slice()].concat());
        assert_eq!((status, out.as_str()), (2, ""));
        assert!(err.contains("--chart latency is one picture"), "{err}");
    }
    let both = ["report", result, "--chart", "latency", "-o", &pdf, "-o", &svg];
    assert_eq!(fallover(&both).0, 0);
}

#[test]
fn a_page_says_what_was_asked_and_how_to_ask_again() {
    let compared = page(&samples::of_command("compare"));
    for wanted in ["What was asked", "Which serves the same requests best: ", "--seed "] {
        assert!(compared.contains(wanted), "{wanted} is missing");
    }
    let swept = page(&samples::of_command("sweep"));
    for wanted in ["at each value of ", "What to do"] {
        assert!(swept.contains(wanted), "{wanted} is missing");
    }
    let mut drawn = samples::lb_failure();
    assert!(!page(&drawn).contains("drawn from lifetimes"));
    drawn.envelope.options.push("--failures".into());
    assert!(page(&drawn).contains("drawn from lifetimes, anew in each replication (in the first the "));
    let several = page(&samples::several());
    let first = several.find("(digest ").expect("the first has one");
    assert!(
        several[first + 1..].contains("(digest "),
        "each scenario has its digest"
    );
}

#[test]
fn a_sweep_writes_its_picture_and_its_pages_at_once() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let at = |name: &str| folder.path().join(name).to_str().expect("is text").to_owned();
    let (png, pdf) = (at("x.png"), at("x.pdf"));
    let sweep = [
        "sweep",
        "scenarios/foobar.json",
        "--vary",
        "hosts.server1.speed=0.5,1",
        "-q",
    ];
    let short = ["--duration", "5s", "--warmup", "1s", "--replications", "2"];
    let (status, _, err) = fallover(&[&sweep[..], &short, &["-o", &png, "-o", &pdf]].concat());
    assert_eq!(status, 0, "{err}");
    assert!(std::fs::read(png).expect("is there").starts_with(b"\x89PNG"));
    assert!(std::fs::read(pdf).expect("is there").starts_with(b"%PDF"));
}

#[test]
fn a_chart_has_the_width_and_the_theme_that_were_asked_for() {
    let (folder, result) = with_result();
    let at = |name: &str| folder.path().join(name).to_str().expect("is text").to_owned();
    let svg = at("x.svg");
    let (status, _, err) = fallover(&[
        "report", &result, "-o", &svg, "--chart", "timeline", "--width", "700", "--theme", "dark",
    ]);
    assert_eq!(status, 0, "{err}");
    let text = std::fs::read_to_string(svg).expect("is there");
    assert!(
        text.contains("width=\"700\"") && text.contains("#14181D"),
        "{}",
        &text[..400]
    );
}

#[test]
fn bad_input_is_told_and_nothing_is_written() {
    let (folder, result) = with_result();
    let at = |name: &str| folder.path().join(name).to_str().expect("is text").to_owned();
    let text = std::fs::read_to_string(&result).expect("is there");
    let write = |name: &str, text: &str| std::fs::write(at(name), text).expect("writes");
    write("half.json", &text[..text.len() / 2]);
    write(
        "newer.json",
        &text.replacen("\"schema_version\": 1", "\"schema_version\": 9", 1),
    );
    write("other.json", "{\"a\": 1}");
    write("list.json", "[]");
    write("empty.json", "");
    std::fs::create_dir(at("folder.pdf")).expect("makes");
    std::fs::write(at("bytes.json"), [0xff, 0xfe, 0x00]).expect("writes");
    let review = at("review.json");
    assert_eq!(fallover(&["review", "scenarios/foobar.json", "-q", "-o", &review]).0, 0);
    for (file, options, status, says) in [
        ("half.json", &["-o", "x.pdf"][..], 2, "not a whole JSON document"),
        ("newer.json", &["-o", "x.pdf"], 2, "schema_version is 9"),
        ("other.json", &["-o", "x.pdf"], 2, "not a result"),
        ("bytes.json", &["-o", "x.pdf"], 2, "no text"),
        ("none.json", &["-o", "x.pdf"], 3, "No such file"),
        ("r.json", &["-o", "x.docx"], 2, "use .json, .pdf, .html, .png or .svg"),
        ("r.json", &["-o", "r.json"], 2, "write to another file"),
        ("r.json", &["-o", "x.csv"], 2, "only a sweep is a table; use .json"),
        ("list.json", &["-o", "x.pdf"], 2, "it holds no object"),
        ("empty.json", &["-o", "x.pdf"], 2, "not a whole JSON document"),
        ("r.json", &["-o", "folder.pdf"], 3, "is a directory"),
        ("r.json", &["-o", "x.png", "--chart", "pie"], 2, "charts are dashboard"),
        ("r.json", &["-o", "x.png", "--width", "1"], 2, "320"),
        ("r.json", &["-o", "x.png", "--pixel-ratio", "0"], 2, "above 0"),
        (
            "review.json",
            &["-o", "x.png", "--chart", "timeline"],
            2,
            "`timeline`: nothing was measured over time; it gives dashboard",
        ),
    ] {
        let mut arguments = vec!["report".to_owned(), at(file)];
        let place = |word: &&str| {
            if word.contains('.') && !word.starts_with('-') {
                at(word)
            } else {
                (*word).to_owned()
            }
        };
        arguments.extend(options.iter().map(place));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (found, out, err) = fallover(&arguments);
        assert!(
            found == status && out.is_empty() && err.contains(says),
            "{file} {options:?}: {found} {err}"
        );
        assert!(
            !Path::new(&at("x.pdf")).exists() && !Path::new(&at("x.png")).exists(),
            "{file}"
        );
    }
}

/// The page's last line is a command that reproduces the result. Tests every command, with options that change the
/// result.
#[test]
fn the_command_on_a_page_makes_the_same_result() {
    let tried = [
        "run tests/data/pair.json --set nodes.lb.algorithm=leastconn --duration 40 --warmup 3s --failures --show-warmup",
        "run tests/data/pair.json tests/data/pair.json --batch-means",
        "run tests/data/pair.json --precision 0.2",
        "compare tests/data/pair.json --vary nodes.lb.algorithm=roundrobin,leastconn --duration 20 --seed 3",
        "compare tests/data/pair.json --with 'fewer: nodes.lb.retries=0; duration=20'",
        "sweep tests/data/pair.json --vary nodes.lb.retries=0,1,2 --duration 20 --shard 2/3 --yes",
        "sweep tests/data/pair.json --vary nodes.lb.retries=0..3 --sensitivity --samples 4 --output-metric availability --duration 20",
        "capacity tests/data/pair.json --knee-only --duration 20 --replicas h*=1..2",
        "spof tests/data/pair.json --order 1 --pairs --effects crash,slow",
        "availability tests/data/pair.json --horizon 3y --seed 5",
        "review tests/data/pair.json --set nodes.lb.retries=0",
        "explain tests/data/pair.json --set nodes.lb.retries=0",
        "validate tests/data/pair.json tests/data/pair.json --set nodes.lb.retries=0",
    ];
    let folder = tempfile::tempdir().expect("makes a folder");
    let result = folder.path().join("x.json");
    let made = |line: &str| {
        let mut words = unquoted(line);
        let simulates = !["review", "explain", "validate"].iter().any(|c| line.starts_with(c));
        if simulates && !line.contains("--replications") && !line.contains("--precision") {
            words.extend(["--replications", "2"].map(String::from));
        }
        words.extend(["-q", "-o", result.to_str().expect("is text")].map(String::from));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (status, _, err) = fallover(&words);
        assert_eq!((status, err.as_str()), (0, ""), "{line}");
        Document::read(&std::fs::read_to_string(&result).expect("is there")).expect("is a result")
    };
    for line in tried {
        let first = made(line);
        let handout = Handout::of(std::slice::from_ref(&first), None);
        let command = handout.parts[0].origin.last().expect("ends with the command");
        let text: String = command.items.iter().map(|s| s.text.as_str()).collect();
        let again = text
            .strip_prefix("fallover ")
            .expect("begins so")
            .replace("SCENARIO", "tests/data/pair.json");
        let mut second = made(&again);
        second.engine = first.engine.clone();
        assert!(first == second, "{line}\n{again}");
    }
    let nothing = Verification {
        passed: true,
        checks: Vec::new(),
    };
    let verified = Document {
        answer: Answer::Verify(nothing),
        ..samples::lb_failure()
    };
    let handout = Handout::of(std::slice::from_ref(&verified), None);
    let command = &handout.parts[0].origin.last().expect("ends with the command").items[0].text;
    assert!(!command.contains("--replications"), "{command}");
}

/// The words of a command line as a shell splits them; quotes only around whole words.
fn unquoted(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (i, part) in line.split('\'').enumerate() {
        match i % 2 {
            0 => words.extend(part.split_whitespace().map(String::from)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

#[test]
fn of_thousands_of_nodes_a_page_says_how_many_more_there_are() {
    let mut document = samples::crowd();
    let nodes = &mut samples::run_of(&mut document).nodes.0;
    let one = nodes[0].1.clone();
    nodes.extend((0..5000).map(|i| (format!("one-more-{i:04}"), one.clone())));
    let text = page(&document);
    assert!(
        text.matches("one-more-").count() < 600,
        "{}",
        text.matches("one-more-").count()
    );
    assert!(
        text.contains("… and ") && text.contains(" more nodes"),
        "how many more is said"
    );
}

#[test]
fn curves_to_be_zoomed_have_axes() {
    let text = page(&samples::lb_failure());
    for part in ["\"across\"", "share of requests", ".explore .up"] {
        assert!(text.contains(part), "{part}");
    }
}

/// One request in two hundred takes 800 ms: the p99 of all is kept, and that of its class is named.
#[test]
fn a_promise_of_all_requests_names_the_class_beyond_it() {
    let says = |slo: &str| {
        let folder = tempfile::tempdir().expect("makes a directory");
        let (file, page) = (folder.path().join("x.json"), folder.path().join("x.html"));
        let scenario = format!(
            r#"{{ "duration": "100s", "requests": {{ "fast": {{ "share": 0.995 }}, "slow": {{ "share": 0.005 }} }},
              "clients": {{ "c": {{ "arrivals": {{ "poisson": 100 }}, "entry": "a" }} }},
              "nodes": {{ "a": {{ "kind": "app", "work": {{ "fast": {{ "io": "5ms" }}, "slow": {{ "io": "800ms" }} }} }} }}, "slo": {{ "p99": "{slo}" }} }}"#
        );
        std::fs::write(&file, scenario).expect("writes");
        let (file, page) = (file.to_str().expect("is text"), page.to_str().expect("is text"));
        assert_eq!(
            program::fallover(&["run", file, "--replications", "2", "-q", "-o", page]).0,
            0
        );
        std::fs::read_to_string(page)
            .expect("is there")
            .contains("p99 of slow alone was 800")
    };
    assert!(says("300ms") && !says("900ms"));
}
