//! A gem against its repository: what is the same, what is not, and what nobody can tell.
mod classes;
mod hostile;
mod http;
mod metadata;
mod platforms;
mod program;
mod repositories;

use gemledger::compare::{
    Asked, CompareError, Comparison, Repository, StatedBy, compare, report::Class,
};

use crate::support::{
    git::{At, Git, file},
    package::{Package, Packed},
};

/// A gemspec that lists everything that git knows.
const GEMSPEC: &str = r#"require_relative "lib/hello/version"

Gem::Specification.new do |spec|
  spec.name = "hello"
  spec.version = Hello::VERSION
  spec.authors = ["A"]
  spec.licenses = %w[MIT]
  spec.files = `git ls-files -z`.split("\x0").reject { |f| f.match(%r{^(test|spec)/}) }
end
"#;
const VERSION: &str = "module Hello\n  VERSION = \"1.0\".freeze\nend\n";
const CODE: &str =
    "require \"hello/version\"\n\nmodule Hello\n  def self.say = puts(\"hello\")\nend\n";

/// The files of a small repository.
pub(crate) fn tree() -> Vec<(&'static str, At)> {
    vec![
        ("hello.gemspec", file(GEMSPEC)),
        ("lib/hello.rb", file(CODE)),
        ("lib/hello/version.rb", file(VERSION)),
        (
            "exe/hello",
            At::Executable(b"#!/usr/bin/env ruby\n".to_vec()),
        ),
        ("README.md", file("# Hello\n")),
        ("spec/hello_spec.rb", file("nothing\n")),
    ]
}

/// The gem that is built of them.
pub(crate) fn gem() -> Package {
    let mut gem = Package::new("hello", "1.0");
    let executable = Packed {
        mode: "0100755\0",
        ..Packed::file("exe/hello", b"#!/usr/bin/env ruby\n")
    };
    gem.files = vec![
        Packed::file("README.md", b"# Hello\n"),
        executable,
        Packed::file("hello.gemspec", GEMSPEC.as_bytes()),
        Packed::file("lib/hello.rb", CODE.as_bytes()),
        Packed::file("lib/hello/version.rb", VERSION.as_bytes()),
    ];
    gem
}

/// The file of the gem at this path.
fn at<'a>(gem: &'a mut Package, path: &str) -> &'a mut Packed {
    gem.files.iter_mut().find(|file| file.path == path).unwrap()
}

fn asked(commit: &str) -> Asked {
    Asked {
        commit: commit.to_owned(),
        stated_by: StatedBy::Caller,
        recorded: None,
        path: None,
        generated: Vec::new(),
        built_for_platform: false,
        files_only: false,
    }
}

fn compared(git: &Git, commit: &str, gem: &Package) -> Result<Comparison, CompareError> {
    let repository = Repository::open(git.path())?;
    compare(&gem.bytes(), &repository, &asked(commit))
}

/// Compares the gem with these files.
fn with(files: &[(&str, At)], gem: &Package) -> Comparison {
    let mut git = Git::bare();
    let commit = git.commit(files);
    compared(&git, &commit, gem).unwrap()
}

/// What was found that is not the same.
fn found(comparison: &Comparison) -> Vec<(&str, &Class)> {
    comparison
        .differences
        .iter()
        .map(|difference| (difference.path.as_str(), &difference.class))
        .collect()
}
