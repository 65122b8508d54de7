//! `bundle lock`, `bundle install` and `bundle update`.
use std::{fs, path::Path};

use super::ruby::{Edition, Gem, Ruby, sha256};
use crate::support::{http, program::Ledger};

fn gemfile(ledger: &Ledger, gems: &str) -> String {
    format!("source '{}'\n{gems}\n", ledger.url())
}

fn lockfile(project: &Path) -> String {
    fs::read_to_string(project.join("Gemfile.lock")).unwrap()
}

#[test]
fn bundle_installs_with_dependencies_and_platforms_from_this_server() {
    let ledger = Ledger::new();
    let server = ledger.serve();
    let publisher = Ruby::new(Edition::Installed).with_key(&ledger.key("alice", "push_rubygem"));
    let url = ledger.url();
    for version in ["1.0.0", "1.2.0", "2.0.0"] {
        publisher.release(
            &url,
            &Gem {
                code: &format!("PARTS = '{version}'\n"),
                ..Gem::new("parts", version)
            },
        );
    }
    let whole = Gem {
        needs: &[("parts", "~> 1.0")],
        code: "require 'parts'\nputs PARTS\n",
        ..Gem::new("whole", "1.0.0")
    };
    publisher.release(&url, &whole);
    publisher.release(&url, &Gem::new("native", "1.0.0"));
    publisher.release(
        &url,
        &Gem {
            platform: "x86_64-linux",
            ..Gem::new("native", "1.0.0")
        },
    );
    publisher.release(
        &url,
        &Gem {
            platform: "java",
            ..Gem::new("native", "1.0.0")
        },
    );
    for edition in Edition::ALL {
        let ruby = Ruby::new(edition);
        let project = ruby.project("app", &gemfile(&ledger, "gem 'whole'\ngem 'native'"));
        ruby.bundle(
            &project,
            &["lock", "--add-platform", "java", "x86_64-linux"],
        )
        .ok();
        let lock = lockfile(&project);
        for line in [
            "    parts (1.2.0)",
            "    whole (1.0.0)",
            "      parts (~> 1.0)",
            "    native (1.0.0-java)",
            "    native (1.0.0-x86_64-linux)",
        ] {
            assert!(lock.lines().any(|have| have == line), "{line}:\n{lock}");
        }
        ruby.bundle(&project, &["install"])
            .ends(0, "Bundle complete!");
        ruby.bundle(&project, &["exec", "ruby", "-e", "require 'whole'"])
            .ends(0, "1.2.0");
    }
    assert!(
        !server.log().contains("specs.4.8.gz"),
        "Bundler fell back to the legacy index:\n{}",
        server.log()
    );
}

#[test]
fn lockfiles_get_the_checksums_of_the_pushed_files_and_bundler_holds_downloads_against_them() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let ruby = Ruby::new(Edition::Newer).with_key(&ledger.key("alice", "push_rubygem"));
    let parts = ruby.release(&ledger.url(), &Gem::new("parts", "1.0.0"));
    let whole = ruby.release(
        &ledger.url(),
        &Gem {
            needs: &[("parts", ">= 1")],
            ..Gem::new("whole", "1.0.0")
        },
    );
    let project = ruby.project("app", &gemfile(&ledger, "gem 'whole'"));
    ruby.bundle(&project, &["lock", "--add-checksums"]).ok();
    let lock = lockfile(&project);
    let (_, checksums) = lock.split_once("CHECKSUMS\n").unwrap();
    for (name, file) in [("parts", &parts), ("whole", &whole)] {
        let line = format!("  {name} (1.0.0) sha256={}", sha256(file));
        assert!(
            checksums.lines().any(|have| have == line),
            "{line}:\n{lock}"
        );
    }
    ruby.bundle(&project, &["install"])
        .ends(0, "Bundle complete!");

    // Whoever locked other bytes is warned.
    let digest = sha256(&whole);
    fs::write(
        project.join("Gemfile.lock"),
        lock.replace(&digest, &"0".repeat(64)),
    )
    .unwrap();
    let cautious = Ruby::new(Edition::Newer);
    cautious
        .bundle(&project, &["install"])
        .ends(37, "mismatched checksums");
}

#[test]
fn an_update_fetches_only_what_was_added_to_the_index() {
    for edition in Edition::ALL {
        let ledger = Ledger::new();
        let server = ledger.serve();
        let ruby = Ruby::new(edition).with_key(&ledger.key("alice", "push_rubygem"));
        for version in ["1.0.0", "1.1.0"] {
            ruby.release(&ledger.url(), &Gem::new("parts", version));
        }
        let project = ruby.project("app", &gemfile(&ledger, "gem 'parts'"));
        ruby.bundle(&project, &["install"]).ok();
        let before = server.log().len();
        ruby.bundle(&project, &["update", "--all"]).ok();
        let unchanged = server.log().split_off(before);
        assert!(
            unchanged.contains("path=/versions}: gemledger::http::serve: answered status=304"),
            "{edition:?}:\n{unchanged}"
        );

        ruby.release(&ledger.url(), &Gem::new("parts", "1.2.0"));
        let before = server.log().len();
        ruby.bundle(&project, &["update", "--all"]).ok();
        assert!(lockfile(&project).contains("    parts (1.2.0)\n"));
        let changed = server.log().split_off(before);
        for path in ["/versions", "/info/parts"] {
            let part = format!("path={path}}}: gemledger::http::serve: answered status=206");
            assert!(changed.contains(&part), "{edition:?} {path}:\n{changed}");
        }
        let whole = http::found(&format!("{}/versions", ledger.url()));
        let cached = cached_versions(ruby.home());
        assert_eq!(
            String::from_utf8_lossy(&cached),
            String::from_utf8_lossy(&whole),
            "{edition:?}"
        );
    }
}

/// Bundler's own copy of `/versions`.
fn cached_versions(home: &Path) -> Vec<u8> {
    let caches = home.join(".bundle/cache/compact_index");
    let mut folders =
        fs::read_dir(&caches).unwrap_or_else(|error| panic!("{}: {error}", caches.display()));
    let folder = folders.next().unwrap().unwrap().path();
    fs::read(folder.join("versions")).unwrap()
}
