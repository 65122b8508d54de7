//! A quarantined release as `gem` and `bundle` meet it, and as the command line makes it.
use std::fs;

use super::ruby::{Edition, Gem, Ruby};
use crate::support::{
    http,
    program::{Ledger, Server},
};

const REASON: &str = "pushed by a stolen workflow";

/// Waits until the server's pages are those of the log, whoever wrote to it.
fn until(what: impl Fn() -> bool) {
    let mut tries = 0;
    while !what() {
        tries += 1;
        assert!(tries < 10_000, "the index stays as it was");
    }
}

fn served(ledger: &Ledger, release: &str) -> bool {
    let info = http::found(&format!("{}/info/parts", ledger.url()));
    let info = String::from_utf8(info).unwrap();
    info.lines()
        .any(|line| line.starts_with(&format!("{release} ")))
}

fn with_parts() -> (Ledger, Server) {
    let ledger = Ledger::new();
    let server = ledger.serve();
    let ruby = Ruby::new(Edition::Installed).with_key(&ledger.key("alice", "push_rubygem"));
    for version in ["1.0.0", "1.1.0"] {
        ruby.release(&ledger.url(), &Gem::new("parts", version));
    }
    (ledger, server)
}

#[test]
fn bundle_and_gem_no_longer_find_what_is_quarantined_and_find_it_again_when_it_is_lifted() {
    let (ledger, _server) = with_parts();
    let gemfile = format!("source '{}'\ngem 'parts'\n", ledger.url());
    let url = ledger.url();
    for edition in Edition::ALL {
        let ruby = Ruby::new(edition);
        // A copy of the index from before.
        let project = ruby.project("app", &gemfile);
        ruby.bundle(&project, &["lock"]).ok();
        let lock = fs::read_to_string(project.join("Gemfile.lock")).unwrap();
        assert!(lock.contains("    parts (1.1.0)\n"), "{lock}");

        let withheld = ledger.run(&["quarantine", "parts", "1.1.0", "--reason", REASON]);
        withheld.ends(0, "parts 1.1.0 is quarantined (log index");
        until(|| !served(&ledger, "1.1.0"));
        let gone = ruby.bundle(&project, &["install"]);
        assert_ne!(gone.code, 0, "{}{}", gone.out, gone.err);
        let install = [
            "install",
            "parts",
            "-v",
            "1.1.0",
            "--clear-sources",
            "--source",
            &url,
        ];
        let gone = ruby.gem(&[&install[..], &["--no-document"]].concat());
        assert_ne!(gone.code, 0, "{}{}", gone.out, gone.err);
        let other = ruby.project("other", &gemfile);
        ruby.bundle(&other, &["lock"]).ok();
        let lock = fs::read_to_string(other.join("Gemfile.lock")).unwrap();
        assert!(lock.contains("    parts (1.0.0)\n"), "{lock}");

        ledger
            .run(&["quarantine", "lift", "parts", "1.1.0"])
            .ends(0, "is served again");
        until(|| served(&ledger, "1.1.0"));
        ruby.bundle(&project, &["install"])
            .ends(0, "Bundle complete!");
        ruby.gem(&[&install[..], &["--no-document"]].concat())
            .ends(0, "1 gem installed");
    }
    ledger.is_sound();
}

#[test]
fn whoever_asks_for_the_file_itself_reads_that_it_is_quarantined() {
    let (ledger, _server) = with_parts();
    for edition in Edition::ALL {
        let ruby = Ruby::new(edition);
        let project = ruby.project("app", &format!("source '{}'\ngem 'parts'\n", ledger.url()));
        ruby.bundle(&project, &["lock"]).ok();
        ledger
            .run(&["quarantine", "parts", "1.1.0", "--reason", REASON])
            .ok();
        // What a client does that resolved a moment ago.
        let code = format!(
            "require 'rubygems'; require 'rubygems/remote_fetcher'; \
             begin; Gem::RemoteFetcher.new.fetch_path('{}/gems/parts-1.1.0.gem'); \
             rescue Gem::RemoteFetcher::FetchError => e; puts e.message; end",
            ledger.url()
        );
        ruby.ruby(&code).ends(0, "bad response Quarantined 403");
        ledger
            .run(&[
                "quarantine",
                "lift",
                "parts",
                "1.1.0",
                "--reason",
                "checked",
            ])
            .ok();
    }
}
