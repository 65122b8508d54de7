//! Gems that the real `bundle gem` and `gem build` made, against the repository that they were built of.
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::ruby::{Edition, Ruby};
use crate::support::{
    git::{At, Git},
    program::{program, run},
};

/// What a gemspec asks git for: every file below its folder.
const GIT: &str = r#"#!/bin/sh
[ "$1" != ls-files ] || find . -type f | sed 's,^[.]/,,' | sort | tr '\n' '\0'
"#;

/// A gem as `bundle gem` makes it, and what its author adds.
fn made(ruby: &Ruby) -> PathBuf {
    ruby.has_program("git", GIT);
    let asked = ["gem", "hello", "--no-git", "--no-coc", "--no-mit"];
    let more = [
        "--no-ext",
        "--no-linter",
        "--no-changelog",
        "--test=minitest",
        "--ci=github",
    ];
    ruby.bundle(ruby.home(), &[asked.as_slice(), more.as_slice()].concat())
        .ends(0, "successfully created");
    let folder = ruby.home().join("hello");
    let gemspec = folder.join("hello.gemspec");
    let text = fs::read_to_string(&gemspec).unwrap();
    let mut parts = text.split("\"TODO");
    let mut finished = parts.next().unwrap().to_owned();
    for part in parts {
        let (_, rest) = part.split_once('"').unwrap();
        finished.extend(["\"https://example.com/hello\"", rest]);
    }
    fs::write(&gemspec, finished).unwrap();
    fs::create_dir(folder.join("exe")).unwrap();
    fs::write(folder.join("exe/hello"), "#!/usr/bin/env ruby\n").unwrap();
    for (path, mode) in [("exe/hello", 0o775), ("lib/hello.rb", 0o664)] {
        fs::set_permissions(folder.join(path), Permissions::from_mode(mode)).unwrap();
    }
    folder
}

/// Its files, by their paths in it.
fn files(folder: &Path, below: &str) -> Vec<(String, At)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder.join(below)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{below}{}", entry.file_name().to_str().unwrap());
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            found.extend(files(folder, &format!("{path}/")));
            continue;
        }
        let bytes = fs::read(entry.path()).unwrap();
        let at = match metadata.permissions().mode() & 0o111 {
            0 => At::File(bytes),
            _ => At::Executable(bytes),
        };
        found.push((path, at));
    }
    found
}

#[test]
fn a_gem_that_bundler_began_and_rubygems_built_is_its_repository() {
    for edition in Edition::ALL {
        let ruby = Ruby::new(edition);
        let folder = made(&ruby);
        let files = files(&folder, "");
        let tree: Vec<(&str, At)> = files
            .iter()
            .map(|(path, at)| (path.as_str(), at.clone()))
            .collect();
        let mut git = Git::bare();
        let commit = git.commit(&tree);
        ruby.gem(&["build", "-C", folder.to_str().unwrap(), "hello.gemspec"])
            .ends(0, "Successfully built RubyGem");
        let mut command = program();
        command
            .args(["compare", "--json", "--commit", &commit, "--repo"])
            .arg(git.path())
            .arg("--gem")
            .arg(folder.join("hello-0.1.0.gem"));
        let ran = run(&command).ends(0, "");
        let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(told["verdict"], "same", "{told}");
        assert_eq!(told["differences"], serde_json::json!([]), "{told}");
        assert_eq!(told["gemspec"]["files_known"], true, "{told}");
        assert_eq!(told["gemspec"]["unknown"], serde_json::json!([]), "{told}");
        assert_eq!(
            told["counts"]["same"], told["counts"]["files"],
            "{edition:?}: {told}"
        );
    }
}
