//! Runs every `$ fallover …` of the README and of the tour, and compares its output with the page.
//!
//! In a block marked `console`, a line that begins with `$ ` is a command and what follows is its output, where a line
//! `…` stands for any number of lines. A block marked `yaml` whose first line is `# NAME.yaml` is a file that the
//! page's commands may read. After a change that moves numbers: `UPDATE_README=1 cargo test --test readme`, then read
//! the difference.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A command of a page and the output shown for it.
struct Example {
    command: String,
    output: Vec<String>,
    /// The line of the page after the command.
    line: usize,
}

fn examples(page: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let (mut inside, mut open) = (false, false);
    for (number, line) in page.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```console";
            open = false;
        } else if let Some(rest) = line.strip_prefix("$ ").filter(|_| inside) {
            let (command, output) = (rest.to_owned(), Vec::new());
            examples.push(Example {
                command,
                output,
                line: number + 2,
            });
            open = true;
        } else if open && let Some(last) = examples.last_mut() {
            last.output.push(line.to_owned());
        }
    }
    examples
}

/// Words of a command line, separated by spaces; single quotes keep words together.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in command.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            _ => word.push(c),
        }
    }
    words.push(word);
    words.retain(|w| !w.is_empty());
    words
}

/// The output of a command: `fallover`, or `head -N FILE`. Errors come before results, as on a terminal.
fn printed(command: &str, folder: &Path) -> Vec<String> {
    let words = words(command);
    let text = match words[0].as_str() {
        "fallover" => {
            let run = Command::new(env!("CARGO_BIN_EXE_fallover"))
                .args(&words[1..])
                .current_dir(folder)
                .output()
                .unwrap();
            [run.stderr, run.stdout]
                .map(|bytes| String::from_utf8(bytes).unwrap())
                .concat()
        }
        "head" => {
            let count = words[1].trim_start_matches('-').parse().unwrap();
            let text = std::fs::read_to_string(folder.join(&words[2])).unwrap();
            text.lines().take(count).map(|line| format!("{line}\n")).collect()
        }
        other => panic!("this test cannot run {other}: {command}"),
    };
    text.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// Do the lines appear in this order, with nothing between them except where the page has `…`?
fn fits(said: &[String], printed: &[String]) -> bool {
    match said.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first == "…" => (0..=printed.len()).any(|skipped| fits(rest, &printed[skipped..])),
        Some((first, rest)) => printed
            .split_first()
            .is_some_and(|(line, more)| line == first && fits(rest, more)),
    }
}

/// The new output, shortened like the old one: to as many lines, and `…`.
fn shortened(said: &[String], mut printed: Vec<String>) -> Vec<String> {
    if said.last().is_some_and(|line| line == "…") && said.len() <= printed.len() {
        printed.truncate(said.len() - 1);
        printed.push("…".to_owned());
    }
    printed
}

/// Files that the page tells the reader to write: name and text.
fn files(page: &str) -> impl Iterator<Item = (&str, &str)> {
    let blocks = page.split("\n```yaml\n").skip(1);
    let texts = blocks.filter_map(|rest| rest.split("\n```\n").next());
    texts.filter_map(|text| Some((text.lines().next()?.strip_prefix("# ")?, text)))
}

/// A directory with the scenarios and the page's own files, in which commands may leave files.
fn folder(page: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("scenarios")).unwrap();
    for file in std::fs::read_dir(root().join("scenarios")).unwrap() {
        let file: PathBuf = file.unwrap().path();
        std::fs::copy(&file, folder.path().join("scenarios").join(file.file_name().unwrap())).unwrap();
    }
    for (name, text) in files(page) {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn holds(page: &str, at_least: usize) {
    let path = root().join(page);
    let text = std::fs::read_to_string(&path).unwrap();
    let (folder, update) = (folder(&text), std::env::var_os("UPDATE_README").is_some());
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let (examples, mut wrong) = (examples(&text), Vec::new());
    assert!(examples.len() >= at_least, "{page} has lost its examples");
    // Replaced from the end, so that earlier line numbers stay valid; run from the start, because later commands read
    // files.
    let printed: Vec<Vec<String>> = examples.iter().map(|e| printed(&e.command, folder.path())).collect();
    for (example, printed) in examples.iter().zip(printed).rev() {
        if fits(&example.output, &printed) {
            continue;
        }
        wrong.push(format!("$ {}\n{}", example.command, printed.join("\n")));
        let old = example.line - 1..example.line - 1 + example.output.len();
        lines.splice(old, shortened(&example.output, printed));
    }
    if update {
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    } else {
        assert!(
            wrong.is_empty(),
            "{page}: UPDATE_README=1 cargo test --test readme\n\n{}",
            wrong.join("\n\n")
        );
    }
}

#[test]
fn what_the_readme_shows_is_what_the_program_says() {
    holds("README.md", 3);
}

#[test]
fn what_the_tour_shows_is_what_the_program_says() {
    holds("docs/tour.md", 15);
}

/// The two commands that newcomers type and scripts look for.
#[test]
fn the_readme_has_its_two_commands() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for command in [
        "cargo run --release -- run scenarios/lb-failure.json -o lb-failure.png",
        "cargo test",
    ] {
        assert!(readme.lines().any(|line| line == command), "{command}");
    }
}

/// Every picture and page that the documents link to exists.
#[test]
fn no_link_leads_nowhere() {
    let mut pages: Vec<PathBuf> = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"]
        .map(|p| root().join(p))
        .into();
    for folder in ["docs", "reports", "notebooks"] {
        let files = std::fs::read_dir(root().join(folder))
            .unwrap()
            .map(|f| f.unwrap().path());
        pages.extend(files.filter(|f| f.extension().is_some_and(|e| e == "md")));
    }
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split([')', '#']).next())
        {
            let there = link.is_empty() || link.starts_with("http") || page.parent().unwrap().join(link).exists();
            assert!(there, "{}: {link}", page.display());
        }
    }
}
