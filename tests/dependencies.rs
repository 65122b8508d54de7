//! What may be in the tree: deny.toml, held against `cargo metadata` for whoever has no cargo-deny.
use std::{collections::BTreeSet, process::Command};

use serde_json::Value;

const DENY: &str = include_str!("../deny.toml");

/// The strings of a list of deny.toml: those after `key = "` or alone on a line.
fn list(name: &str) -> BTreeSet<&'static str> {
    let (_, rest) = DENY
        .split_once(&format!("\n{name} = [\n"))
        .expect("deny.toml has the list");
    let (lines, _) = rest.split_once("\n]").expect("a list ends");
    let lines = lines
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    lines.filter_map(|line| line.split('"').nth(1)).collect()
}

/// Licences that one package alone may have, by the package.
fn exceptions() -> BTreeSet<(&'static str, &'static str)> {
    let (_, rest) = DENY
        .split_once("\nexceptions = [\n")
        .expect("deny.toml has exceptions");
    let (lines, _) = rest.split_once("\n]").expect("a list ends");
    let quoted = |line: &'static str| {
        let mut quotes = line.split('"').skip(1).step_by(2);
        let license = quotes.next()?;
        Some((quotes.next()?, license))
    };
    lines.lines().filter_map(quoted).collect()
}

fn metadata() -> Value {
    let cargo = env!("CARGO");
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let arguments = ["metadata", "--format-version", "1", "--locked", "--offline"];
    let ran = Command::new(cargo)
        .args(arguments)
        .args(["--filter-platform", &platform])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// The packages that are in the resolved tree, not only in the lock file.
fn packages(metadata: &Value) -> Vec<&Value> {
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let used: BTreeSet<&str> = nodes
        .iter()
        .filter_map(|node| node["id"].as_str())
        .collect();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .filter(|package| package["id"].as_str().is_some_and(|id| used.contains(id)))
        .collect()
}

/// Whether an SPDX expression can be satisfied with these licences. `OR` binds weaker than `AND`; old manifests write
/// `/` for `OR`.
fn satisfied(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let answer = either(&mut rest, allowed);
    assert!(rest.is_empty(), "not an SPDX expression: {expression}");
    answer
}

fn either(words: &mut &[&str], allowed: &BTreeSet<&str>) -> bool {
    let mut answer = both(words, allowed);
    while let ["OR", rest @ ..] = words {
        *words = rest;
        answer |= both(words, allowed);
    }
    answer
}

fn both(words: &mut &[&str], allowed: &BTreeSet<&str>) -> bool {
    let mut answer = one(words, allowed);
    while let ["AND", rest @ ..] = words {
        *words = rest;
        answer &= one(words, allowed);
    }
    answer
}

fn one(words: &mut &[&str], allowed: &BTreeSet<&str>) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let answer = either(words, allowed);
            let [")", rest @ ..] = *words else {
                panic!("a parenthesis is not closed")
            };
            *words = rest;
            answer
        }
        [license, "WITH", exception, rest @ ..] => {
            *words = rest;
            allowed.contains(format!("{license} WITH {exception}").as_str())
        }
        [license, rest @ ..] => {
            *words = rest;
            allowed.contains(license)
        }
        [] => panic!("an expression ends early"),
    }
}

#[test]
fn every_package_may_be_used_under_an_allowed_licence() {
    let allowed = list("allow");
    let exceptions = exceptions();
    assert!(exceptions.contains(&("option-ext", "MPL-2.0")));
    let metadata = metadata();
    for package in packages(&metadata) {
        let license = package["license"].as_str().unwrap_or("NONE");
        let name = package["name"].as_str().unwrap();
        assert!(
            satisfied(license, &allowed) || exceptions.contains(&(name, license)),
            "{} {}: {license}",
            package["name"],
            package["version"]
        );
    }
}

#[test]
fn no_banned_package_is_in_the_tree_and_all_come_from_one_registry_or_from_here() {
    let banned = list("deny");
    assert!(banned.contains("openssl-sys"));
    let metadata = metadata();
    for package in packages(&metadata) {
        let name = package["name"].as_str().unwrap();
        assert!(!banned.contains(name), "{name} is banned");
        let source = package["source"].as_str().unwrap_or("path");
        assert!(
            source == "path" || source.starts_with("registry+"),
            "{name} comes from {source}"
        );
    }
}

#[test]
fn an_expression_of_licences_is_read_as_spdx_says() {
    let allowed = BTreeSet::from(["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"]);
    for yes in [
        "MIT",
        "MIT/GPL-2.0",
        "GPL-2.0 OR MIT",
        "MIT AND (ISC OR GPL-2.0)",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(satisfied(yes, &allowed), "{yes}");
    }
    for no in [
        "GPL-2.0",
        "MIT AND GPL-2.0",
        "(MIT OR ISC) AND GPL-2.0",
        "Apache-2.0",
        "GPL-2.0 OR MIT AND BSD-3-Clause",
    ] {
        assert!(!satisfied(no, &allowed), "{no}");
    }
}
