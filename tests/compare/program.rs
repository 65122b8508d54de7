//! `gemledger compare`, as people run it.
use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use super::{at, gem, tree};
use crate::support::{
    git::Git,
    package::{Package, Packed},
    program::{Ran, program, run},
};

struct Place {
    folder: TempDir,
    git: Git,
    commit: String,
}

impl Place {
    fn new() -> Self {
        let mut git = Git::bare();
        let commit = git.commit(&tree());
        Self {
            folder: tempfile::tempdir().unwrap(),
            git,
            commit,
        }
    }

    fn file(&self, gem: &Package) -> String {
        let path = self.folder.path().join("hello-1.0.gem");
        fs::write(&path, gem.bytes()).unwrap();
        path.display().to_string()
    }

    fn run(&self, gem: &Package, more: &[&str]) -> Ran {
        let repository = self.git.path().display().to_string();
        let file = self.file(gem);
        let mut command = program();
        command.args(["compare", "--gem", &file, "--repo", &repository]);
        run(command.args(["--commit", &self.commit]).args(more))
    }
}

#[test]
fn the_exit_code_is_the_answer() {
    let place = Place::new();
    let same = place
        .run(&gem(), &[])
        .ends(0, "nothing in the gem is unexplained");
    assert!(same.out.contains("named by --commit"), "{}", same.out);
    let mut other = gem();
    other.files.push(Packed::file("lib/evil.rb", b"system\n"));
    at(&mut other, "lib/hello.rb").bytes = b"x\n".to_vec();
    let ran = place
        .run(&other, &[])
        .ends(1, "the gem differs from its repository");
    assert!(
        ran.out
            .contains("ONLY IN THE GEM (1)\n  lib/evil.rb  7 bytes"),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .contains("CHANGED (1)\n  lib/hello.rb  content from line 1 on"),
        "{}",
        ran.out
    );
    let generated = ["--generated", "lib/evil.rb", "--generated", "lib/*.so"];
    at(&mut other, "lib/hello.rb").bytes = super::CODE.as_bytes().to_vec();
    place
        .run(&other, &generated)
        .ends(0, "1 explained (1 by your word alone)");
}

#[test]
fn what_is_not_known_is_named_and_the_files_alone_can_be_asked_for() {
    let mut place = Place::new();
    let strange =
        super::GEMSPEC.replace("spec.licenses", "spec.extensions = find\n  spec.licenses");
    let mut files = tree();
    files[0].1 = super::file(strange.as_str());
    place.commit = place.git.commit(&files);
    let mut gem = gem();
    at(&mut gem, "hello.gemspec").bytes = strange.into_bytes();
    let ran = place.run(&gem, &[]).ends(2, "it could not be told");
    let said = format!("{}{}", ran.out, ran.err);
    assert!(said.contains("extensions is not known: `find`"), "{said}");
    assert!(said.contains("--files-only"), "{said}");
    let name = place.folder.path().join("statement.json");
    let stated = ["--statement", name.to_str().unwrap(), "--by", "Ann"];
    place.run(&gem, &stated).ends(2, "nothing is stated");
    let files_only = [&stated[..], &["--files-only"]].concat();
    place
        .run(&gem, &files_only)
        .ends(0, "nothing else was compared");
    let json: Value = serde_json::from_slice(&fs::read(&name).unwrap()).unwrap();
    assert_eq!(json["predicate"]["filesOnly"], true);
    assert_eq!(json["predicate"]["leftOutKnown"], false);
    assert_eq!(json["predicate"]["metadataCompared"], serde_json::json!([]));
}

#[test]
fn what_cannot_be_told_says_what_to_do() {
    let place = Place::new();
    let file = place.file(&gem());
    let repository = place.git.path().display().to_string();
    let compare = |arguments: &[&str]| {
        let mut command = program();
        command.arg("compare").args(arguments);
        run(&command)
    };
    let missing = "ab".repeat(20);
    let missing = ["--gem", &file, "--repo", &repository, "--commit", &missing];
    compare(&missing).ends(2, "hint: fetch it: git fetch origin");
    let nowhere = [
        "--gem",
        &file,
        "--repo",
        "/nowhere",
        "--commit",
        &place.commit,
    ];
    compare(&nowhere).ends(2, "is not a git repository");
    let ssh = [
        "--gem",
        &file,
        "--repo",
        "git@example.com:a/b",
        "--commit",
        &place.commit,
    ];
    compare(&ssh).ends(2, "https");
    compare(&["--gem", &file, "--repo", &repository]).ends(2, "--commit");
    let not_a_gem = place.folder.path().join("x");
    fs::write(&not_a_gem, "x").unwrap();
    let not_a_gem = not_a_gem.display().to_string();
    compare(&[
        "--gem",
        &not_a_gem,
        "--repo",
        &repository,
        "--commit",
        &place.commit,
    ])
    .ends(2, "archive");
}

#[test]
fn json_has_everything_and_a_stranger_s_path_plays_no_tricks() {
    let place = Place::new();
    let mut other = gem();
    other
        .files
        .push(Packed::file("lib/\u{202e}bad.rb", b"system\n"));
    let ran = place.run(&other, &["--json"]).ends(1, "");
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json["verdict"], "different");
    assert_eq!(json["commit"]["id"], place.commit.as_str());
    assert_eq!(json["commit"]["stated_by"], "caller");
    assert_eq!(json["counts"]["extra"], 1);
    assert_eq!(json["counts"]["same"], 5);
    assert_eq!(json["differences"][0]["class"], "extra");
    assert_eq!(json["gem"]["file"], "hello-1.0.gem");
    let ran = place.run(&other, &[]).ends(1, "lib/\\u{202e}bad.rb");
    assert!(!ran.out.contains('\u{202e}'));
}

#[test]
fn a_statement_names_who_compared_and_has_the_same_bytes_each_time() {
    let place = Place::new();
    let path = place.folder.path().join("statement.json");
    let name = path.display().to_string();
    let stated = |gem: &Package, code| {
        place
            .run(
                gem,
                &["--statement", &name, "--by", "Ann of the security team"],
            )
            .ends(code, "");
        fs::read(&path).unwrap()
    };
    let first = stated(&gem(), 0);
    assert_eq!(first, stated(&gem(), 0));
    let json: Value = serde_json::from_slice(&first).unwrap();
    assert_eq!(json["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(json["subject"][0]["name"], "hello-1.0.gem");
    let digest = events::digest::Digest::of(&gem().bytes()).hex();
    assert_eq!(json["subject"][0]["digest"]["sha256"], digest);
    assert_eq!(json["predicate"]["comparedBy"], "Ann of the security team");
    assert_eq!(json["predicate"]["commit"]["id"], place.commit.as_str());
    assert_eq!(json["predicate"]["verdict"], "same");
    assert_eq!(json["predicate"]["repository"]["readFrom"], "a local clone");
    place.run(&gem(), &["--statement", &name]).ends(2, "--by");

    // More differences than a statement lists.
    let mut many = gem();
    let long = "x".repeat(80);
    many.files
        .extend((0..1000).map(|n| Packed::file(&format!("{long}{n}"), b"x")));
    let json: Value = serde_json::from_slice(&stated(&many, 1)).unwrap();
    let listed = json["predicate"]["differences"].as_array().unwrap().len();
    assert!(listed > 100 && listed < 1000);
    assert_eq!(json["predicate"]["moreDifferences"], 1000 - listed);
    assert_eq!(json["predicate"]["counts"]["extra"], 1000);
}
