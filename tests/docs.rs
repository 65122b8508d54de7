//! The documents are true: commands that are shown exist, what they print is what is printed, links lead somewhere.
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

mod commands;
mod errors;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What the program prints on standard output.
fn gemledger(arguments: &[&str]) -> String {
    let ran = Command::new(env!("CARGO_BIN_EXE_gemledger"))
        .args(arguments)
        .env_remove("GEMLEDGER_DATA")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "gemledger {arguments:?}: {said}");
    String::from_utf8(ran.stdout).unwrap()
}

/// The fenced blocks of a document in this language.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let starts = document.split(&fence).skip(1);
    starts
        .map(|rest| rest.split("\n```").next().unwrap_or_default().to_owned())
        .collect()
}

/// Every document that somebody wrote.
fn documents() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = ["", "docs", "docs/decisions", "docs/formats"]
        .iter()
        .flat_map(|folder| fs::read_dir(root().join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    found.sort();
    found
}

/// What differs from one run to the next, made the same.
fn masked(line: &str) -> String {
    let word = |word: &str| {
        if word.starts_with("20") && word.ends_with('Z') {
            return "TIME".to_owned();
        }
        if word.contains("gemledger-demo-") {
            return "FOLDER".to_owned();
        }
        match word.split_once("127.0.0.1:") {
            Some((before, after)) => {
                let path = after.trim_start_matches(|c: char| c.is_ascii_digit());
                format!("{before}ADDRESS{path}")
            }
            None => word.to_owned(),
        }
    };
    line.split_whitespace()
        .map(word)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn the_demo_prints_what_the_readme_shows() {
    let readme = read("README.md");
    let block = blocks(&readme, "console").into_iter().next().unwrap();
    let promised = block
        .lines()
        .filter(|line| line.contains(". ") && !line.starts_with("open"));
    let promised: Vec<String> = promised.map(masked).collect();
    let told: Vec<String> = gemledger(&["demo", "--once"]).lines().map(masked).collect();
    assert_eq!(promised, told);
}

#[test]
fn the_workflow_in_the_readme_is_the_one_that_publisher_add_prints() {
    let values = [
        ("%ENVIRONMENT%\n", "    environment: release\n"),
        ("%GEM%", "hello-ledger"),
        ("%URL%", "https://gems.example.com"),
        ("%AUDIENCE%", "gems.example.com"),
        ("%WORKFLOW%", "release.yml"),
    ];
    let template = read("docs/workflows/github.yml");
    let filled = values
        .iter()
        .fold(template, |text, (name, value)| text.replace(name, value));
    let shown = blocks(&read("README.md"), "yaml")
        .into_iter()
        .next()
        .unwrap();
    assert_eq!(shown.trim_end(), filled.trim_end());
}

/// Where a document's links lead, without those to other hosts and within the page.
fn links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1);
    targets
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://") && !target.starts_with('#'))
        .map(|target| target.split('#').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn every_link_leads_to_a_file() {
    for document in documents() {
        let folder = document.parent().unwrap_or(Path::new("")).to_owned();
        for target in links(&fs::read_to_string(&document).unwrap()) {
            let there = folder.join(&target);
            assert!(
                there.exists(),
                "{}: {target} is nowhere",
                document.display()
            );
        }
    }
}

/// Files and folders of this repository that a document names in backticks.
fn named(text: &str) -> Vec<String> {
    let folders = [
        "src/",
        "events/",
        "deciders/",
        "projections/",
        "tlog/",
        "tests/",
        "docs/",
        "migrations/",
        "web/",
        "benches/",
    ];
    let spans = text.split('`').skip(1).step_by(2);
    spans
        .filter(|span| folders.iter().any(|folder| span.starts_with(folder)))
        .filter(|span| !span.contains(|c: char| c.is_whitespace() || "<>*%{".contains(c)))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_file_that_is_named_is_there() {
    for document in documents() {
        for name in named(&fs::read_to_string(&document).unwrap()) {
            let there = root().join(&name);
            assert!(there.exists(), "{}: {name} is nowhere", document.display());
        }
    }
}
