//! `gem push` and `gem yank`.
use super::{
    issuer::Issuer,
    ruby::{Edition, Gem, Ruby, sha256},
};
use crate::support::{
    http::{self, get},
    program::Ledger,
};

#[test]
fn gem_push_takes_a_gem_and_says_where_it_is_recorded() {
    for edition in Edition::ALL {
        let ledger = Ledger::new();
        let _server = ledger.serve();
        let ruby = Ruby::new(edition).with_key(&ledger.key("alice", "push_rubygem"));
        let file = ruby.build(&Gem::new("hello", "1.0.0"));
        let url = ledger.url();
        let said = ruby
            .push(&url, &file)
            .ends(0, "Successfully registered gem: hello (1.0.0)");
        let recorded = said
            .out
            .lines()
            .find(|line| line.starts_with("Recorded at log index "))
            .unwrap();
        assert!(
            recorded.ends_with(&format!(": {url}/gems/hello/versions/1.0.0")),
            "{recorded}"
        );
        assert_eq!(
            http::found(&format!("{url}/gems/hello-1.0.0.gem")),
            std::fs::read(&file).unwrap()
        );
        let info = String::from_utf8(http::found(&format!("{url}/info/hello"))).unwrap();
        let line = format!("1.0.0 |checksum:{},ruby:>= 2.7,created_at:", sha256(&file));
        assert!(info.lines().nth(1).unwrap().starts_with(&line), "{info}");
        ledger.is_sound();
    }
}

#[test]
fn the_key_of_an_exchange_pushes_and_the_release_says_where_it_came_from() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let issuer = Issuer::start();
    issuer.introduce(&ledger, "hello");
    let ruby = Ruby::new(Edition::Installed).with_key(&issuer.key(&ledger, "hello"));
    ruby.release(&ledger.url(), &Gem::new("hello", "1.0.0"));
    let record = get(&format!(
        "{}/api/v1/gems/hello/versions/1.0.0/provenance",
        ledger.url()
    ));
    assert_eq!(record.status, 200, "{}", record.text());
    assert!(
        record.text().contains("octo-org/hello")
            && record
                .text()
                .contains("5a0f1d3c2b4e6f708192a3b4c5d6e7f801234567")
    );
    ledger.is_sound();
}

#[test]
fn an_identical_push_is_answered_like_the_first_also_with_another_key() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let issuer = Issuer::start();
    issuer.introduce(&ledger, "hello");
    let ruby = Ruby::new(Edition::Installed).with_key(&issuer.key(&ledger, "hello"));
    let file = ruby.release(&ledger.url(), &Gem::new("hello", "1.0.0"));
    ruby.push(&ledger.url(), &file)
        .ends(0, "Gem was already pushed: hello (1.0.0)");
    let again = Ruby::new(Edition::Installed).with_key(&issuer.key(&ledger, "hello"));
    again
        .push(&ledger.url(), &file)
        .ends(0, "Gem was already pushed: hello (1.0.0)");
}

#[test]
fn other_content_for_a_released_version_is_refused_and_gem_fails() {
    for edition in Edition::ALL {
        let ledger = Ledger::new();
        let _server = ledger.serve();
        let ruby = Ruby::new(edition).with_key(&ledger.key("alice", "push_rubygem"));
        let file = ruby.release(&ledger.url(), &Gem::new("hello", "1.0.0"));
        let first = sha256(&file);
        let other = ruby.build(&Gem {
            code: "# something else\n",
            ..Gem::new("hello", "1.0.0")
        });
        assert_ne!(sha256(&other), first);
        ruby.push(&ledger.url(), &other)
            .ends(1, "Repushing of gem versions is not allowed.");
        let served = http::found(&format!("{}/gems/hello-1.0.0.gem", ledger.url()));
        assert_eq!(events::digest::Digest::of(&served).hex(), first);
    }
}

#[test]
fn a_key_that_may_not_push_is_told_so_and_gem_fails() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let owner = Ruby::new(Edition::Installed).with_key(&ledger.key("alice", "push_rubygem"));
    let file = owner.release(&ledger.url(), &Gem::new("hello", "1.0.0"));
    let next = owner.build(&Gem::new("hello", "1.1.0"));
    let stranger = Ruby::new(Edition::Installed).with_key(&ledger.key("mallory", "push_rubygem"));
    stranger
        .push(&ledger.url(), &next)
        .ends(1, "You do not have permission to push to this gem.");
    let reader = Ruby::new(Edition::Installed).with_key(&ledger.key("bob", "read"));
    reader.push(&ledger.url(), &next).ends(
        1,
        "This API key cannot perform the specified action on this gem.",
    );
    let unknown = Ruby::new(Edition::Installed)
        .with_key("rubygems_0123456789abcdef0123456789abcdef0123456789abcdef");
    unknown.push(&ledger.url(), &file).ends(1, "Access Denied.");

    let issued = ledger.json(&[
        "api-key",
        "issue",
        "--account",
        "alice",
        "--scopes",
        "push_rubygem",
    ]);
    ledger
        .run(&["api-key", "revoke", issued["id"].as_str().unwrap()])
        .ok();
    let revoked = Ruby::new(Edition::Installed).with_key(issued["key"].as_str().unwrap());
    revoked.push(&ledger.url(), &next).ends(1, "Access Denied.");
    assert_eq!(
        get(&format!("{}/gems/hello-1.1.0.gem", ledger.url())).status,
        404
    );
}

#[test]
fn gem_yank_is_refused_politely_and_takes_nothing_away() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let ruby =
        Ruby::new(Edition::Installed).with_key(&ledger.key("alice", "push_rubygem,yank_rubygem"));
    ruby.release(&ledger.url(), &Gem::new("hello", "1.0.0"));
    // `gem yank` prints the answer and exits 0 whatever its status is.
    let said = ruby.gem(&[
        "yank",
        "hello",
        "--version",
        "1.0.0",
        "--host",
        &ledger.url(),
    ]);
    said.ends(0, "This registry does not yank releases yet.");
    http::found(&format!("{}/gems/hello-1.0.0.gem", ledger.url()));
}

#[test]
fn what_is_no_gem_is_refused_and_gem_says_why() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let key = ledger.key("alice", "push_rubygem");
    for (bytes, said) in [
        (&b"no gem at all"[..], "cannot process this gem"),
        (b"", "empty"),
    ] {
        let answer = http::push(&ledger.url(), &key, bytes).unwrap();
        assert!(matches!(answer.status, 400 | 422), "{}", answer.status);
        assert!(answer.text().contains(said), "{}", answer.text());
    }
    assert_eq!(http::found(&format!("{}/names", ledger.url())), b"---\n\n");
}
