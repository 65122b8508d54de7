//! `gem install` and what else `gem` reads.
use super::ruby::{Edition, Gem, Ruby};
use crate::support::program::Ledger;

/// A library, what it needs, a prerelease, and one build for this platform.
fn library(ledger: &Ledger) {
    let ruby = Ruby::new(Edition::Installed).with_key(&ledger.key("alice", "push_rubygem"));
    let url = ledger.url();
    for version in ["1.0.0", "1.2.0", "2.0.0", "3.0.0.pre1"] {
        let code = format!("PARTS = '{version}'\n");
        ruby.release(
            &url,
            &Gem {
                code: &code,
                ..Gem::new("parts", version)
            },
        );
    }
    let code = "require 'parts'\nputs \"whole with #{PARTS}\"\n";
    ruby.release(
        &url,
        &Gem {
            needs: &[("parts", "~> 1.0")],
            code,
            ..Gem::new("whole", "1.0.0")
        },
    );
    ruby.release(
        &url,
        &Gem {
            code: "puts 'any'\n",
            ..Gem::new("native", "1.0.0")
        },
    );
    ruby.release(
        &url,
        &Gem {
            platform: "x86_64-linux",
            code: "puts 'linux'\n",
            ..Gem::new("native", "1.0.0")
        },
    );
}

#[test]
fn gem_install_resolves_dependencies_and_platforms_and_installs_what_was_pushed() {
    let ledger = Ledger::new();
    let server = ledger.serve();
    library(&ledger);
    for edition in Edition::ALL {
        let ruby = Ruby::new(edition);
        let install = [
            "install",
            "whole",
            "native",
            "--no-document",
            "--clear-sources",
            "--source",
            &ledger.url(),
        ];
        ruby.gem(&install)
            .ends(0, "Successfully installed whole-1.0.0");
        ruby.ruby("require 'whole'").ends(0, "whole with 1.2.0");
        if cfg!(all(target_arch = "x86_64", target_os = "linux")) {
            ruby.ruby("require 'native'").ends(0, "linux");
        }
    }
    // Both read the compact index; neither fell back to the legacy one.
    let log = server.log();
    assert!(log.contains("path=/info/whole"), "{log}");
    assert!(!log.contains("path=/specs.4.8.gz"), "{log}");
    let pre = Ruby::new(Edition::Installed);
    pre.gem(&[
        "install",
        "parts",
        "--pre",
        "--no-document",
        "--clear-sources",
        "--source",
        &ledger.url(),
    ])
    .ends(0, "parts-3.0.0.pre1");
    let missing = pre.gem(&[
        "install",
        "nowhere",
        "--clear-sources",
        "--source",
        &ledger.url(),
    ]);
    missing.ends(2, "Could not find a valid gem 'nowhere'");
}

#[test]
fn gem_fetch_list_search_and_specification_read_the_legacy_indexes() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    library(&ledger);
    let source = ["--clear-sources", "--source", &ledger.url()];
    for edition in Edition::ALL {
        let ruby = Ruby::new(edition);
        let gem = |arguments: &[&str]| ruby.gem(&[arguments, &source].concat());
        gem(&["fetch", "whole"]).ends(0, "Downloaded whole-1.0.0");
        assert!(ruby.home().join("whole-1.0.0.gem").exists());
        gem(&["list", "--remote"]).ends(0, "parts (2.0.0)");
        gem(&["list", "--remote", "--all"]).ends(0, "parts (2.0.0, 1.2.0, 1.0.0)");
        gem(&["list", "--remote", "--prerelease"]).ends(0, "parts (3.0.0.pre1)");
        gem(&["search", "^nat"]).ends(0, "native (1.0.0");
        gem(&["specification", "whole", "--remote", "--version", "1.0.0"]).ends(0, "name: parts");
    }
}
