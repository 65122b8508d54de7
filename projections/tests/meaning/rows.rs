//! Each event, and the rows that are there after it.
use events::{Body, Recorded, id::PublisherId};
use projections::{
    Cell, Write, rows,
    tables::{
        ACCOUNT, API_KEY, COMPARISON, GEM, INFO, POLICY_CHANGE, PROVIDER, PUBLISHER, RELEASE,
        TRUST_ROOT, VERSION_LINE,
    },
};

use crate::{after, golden, number, row, text};

/// The moment of every golden event.
const MOMENT: u64 = 1_795_402_502_123;

#[test]
fn a_provider_is_found_by_its_issuer_until_it_is_disabled_and_again_when_it_is_registered() {
    let (registered, disabled) = (
        || golden!("provider.registered.v1", 0),
        || golden!("provider.disabled.v1", 1),
    );
    let memory = after([registered()]);
    let provider = row(&memory, PROVIDER).unwrap();
    assert_eq!(provider["slug"], text("github"));
    assert_eq!(
        provider["issuer"],
        text("https://token.actions.githubusercontent.com")
    );
    assert_eq!(
        (&provider["kind"], &provider["disabled"]),
        (&text("github"), &number(0))
    );
    let memory = after([registered(), disabled()]);
    assert_eq!(row(&memory, PROVIDER).unwrap()["disabled"], number(1));
    let memory = after([registered(), disabled(), registered()]);
    assert_eq!(row(&memory, PROVIDER).unwrap()["disabled"], number(0));
}

#[test]
fn a_trust_root_stands_there_in_its_newest_version_until_it_is_retired_and_again_when_it_is_recorded()
 {
    let recorded = || golden!("trust_root.recorded.v1", 0);
    let refreshed = || golden!("trust_root.recorded.v1.refreshed", 3);
    let retired = || golden!("trust_root.retired.v1", 2);
    let memory = after([recorded()]);
    let root = row(&memory, TRUST_ROOT).unwrap();
    assert_eq!(
        root["issuers"],
        text(r#"["https://token.actions.githubusercontent.com"]"#)
    );
    assert_eq!(
        (&root["revision"], &root["size"]),
        (&number(0), &number(7014))
    );
    assert_eq!(
        (
            &root["requires_log"],
            &root["requires_timestamp"],
            &root["public"]
        ),
        (&number(1), &number(0), &number(1))
    );
    let digest = events::digest::Digest::of(b"root.json").hex();
    assert_eq!(root["bootstrap"], text(&digest));
    let memory = after([recorded(), retired()]);
    assert_eq!(row(&memory, TRUST_ROOT).unwrap()["retired"], number(1));
    let memory = after([recorded(), retired(), refreshed()]);
    let root = row(&memory, TRUST_ROOT).unwrap();
    assert_eq!(
        (&root["retired"], &root["revision"]),
        (&number(0), &number(3))
    );
    let digest = events::digest::Digest::of(b"the next trusted_root.json").hex();
    assert_eq!(root["digest"], text(&digest));
    let given = golden!("trust_root.recorded.v1.given", 0);
    let memory = after([given]);
    let root = row(&memory, TRUST_ROOT).unwrap();
    assert_eq!(
        (&root["bootstrap"], &root["repository"]),
        (&Cell::Null, &Cell::Null)
    );
}

#[test]
fn a_comparison_stands_there_by_its_release_and_statement() {
    let memory = after([golden!("release.compared.v1", 7)]);
    let row = row(&memory, COMPARISON).unwrap();
    assert_eq!(
        (&row["gem"], &row["number"], &row["platform"]),
        (&text("rake"), &text("13.2.1"), &text("ruby"))
    );
    assert_eq!(
        (
            &row["same"],
            &row["changed"],
            &row["extra"],
            &row["left_out"]
        ),
        (&number(61), &number(1), &number(2), &number(0))
    );
    assert_eq!(row["verdict"], text("different"));
    assert_eq!(row["log_index"], number(7));
    assert_eq!(
        row["actor"],
        text("account:01938a3e-5c00-7000-8000-00000000a11c")
    );
}

#[test]
fn an_account_is_there_from_its_creation_and_is_marked_when_it_is_disabled() {
    let memory = after([golden!("account.created.v1", 0)]);
    let account = row(&memory, ACCOUNT).unwrap();
    assert_eq!(account["created_at"], number(MOMENT));
    assert!(!account.contains_key("disabled"));
    let memory = after([
        golden!("account.created.v1", 0),
        golden!("account.disabled.v1", 1),
    ]);
    assert_eq!(row(&memory, ACCOUNT).unwrap()["disabled"], number(1));
}

#[test]
fn a_pending_publisher_is_a_candidate_by_its_repository_in_lower_case() {
    let mut pending = golden!("pending_publisher.added.v1", 0);
    if let Body::PendingAdded(added) = &mut pending.event.body {
        added.publisher.repository = events::text::Text::parse("Ruby/Rake").unwrap();
    }
    let memory = after([pending]);
    let publisher = row(&memory, PUBLISHER).unwrap();
    assert_eq!(
        (&publisher["gem"], &publisher["id"]),
        (&text("rake"), &number(0))
    );
    assert_eq!(publisher["provider"], text("github"));
    assert_eq!(publisher["repository"], text("ruby/rake"));
    assert_eq!(publisher["repository_id"], Cell::Null);
}

#[test]
fn a_publisher_that_was_pending_takes_the_place_of_the_one_that_waited() {
    let memory = after([
        golden!("pending_publisher.added.v1", 0),
        golden!("publisher.added.v1.pending", 1),
    ]);
    let publisher = row(&memory, PUBLISHER).unwrap();
    assert_eq!(publisher["id"], number(3));
    assert_eq!(publisher["repository_id"], Cell::Null);
    let memory = after([
        golden!("pending_publisher.added.v1", 0),
        golden!("publisher.added.v1.pending", 1),
        golden!("publisher.pinned.v1", 2),
    ]);
    assert_eq!(
        row(&memory, PUBLISHER).unwrap()["repository_id"],
        text("6034170")
    );
}

#[test]
fn a_publisher_is_a_candidate_until_it_is_removed() {
    let added = || golden!("publisher.added.v1.pending", 0);
    assert!(row(&after([added()]), PUBLISHER).is_some());
    assert!(
        row(
            &after([added(), golden!("publisher.removed.v1", 1)]),
            PUBLISHER
        )
        .is_none()
    );
    let waiting = || golden!("pending_publisher.added.v1", 0);
    let removed = golden!("pending_publisher.removed.v1", 1);
    let Body::PendingRemoved(removal) = &removed.event.body else {
        panic!("another event")
    };
    assert_eq!(removal.publisher, PublisherId(0));
    assert!(row(&after([waiting(), removed]), PUBLISHER).is_none());
}

#[test]
fn a_publisher_that_was_removed_while_it_waited_never_took_effect() {
    let added = golden!("publisher.added.v1.delayed", 0);
    let id = added.event.revision;
    let mut removed = golden!("publisher.removed.v1", 1);
    removed.event.time = added.event.time.plus_seconds(60);
    if let Body::PublisherRemoved(removal) = &mut removed.event.body {
        removal.publisher = PublisherId(id);
    }
    let memory = after([added, removed]);
    let change = row(&memory, POLICY_CHANGE).unwrap();
    assert_eq!(change["kind"], text("publisher_added"));
    let moment = |column: &str| {
        let Cell::Integer(moment) = &change[column] else {
            panic!("no moment")
        };
        *moment
    };
    assert!(moment("removed_at") < moment("effective_at"));
}

#[test]
fn a_key_is_found_by_its_digest_with_its_holder_scopes_and_end() {
    let memory = after([golden!("api_key.issued.v1", 0)]);
    let key = row(&memory, API_KEY).unwrap();
    assert_eq!(key["account"], Cell::Null);
    assert!(matches!(&key["exchange"], Cell::Text(stream) if stream.starts_with("token/github/")));
    assert_eq!(
        (&key["scopes"], &key["gem"]),
        (&text("push_rubygem"), &Cell::Null)
    );
    assert_eq!(key["expires_at"], number(MOMENT + 900_000));
    assert!(matches!(&key["digest"], Cell::Text(hex) if hex.len() == 64));
    let memory = after([
        golden!("api_key.issued.v1.account", 0),
        golden!("api_key.revoked.v1", 1),
    ]);
    let key = row(&memory, API_KEY).unwrap();
    assert_eq!(key["account"], text("01938a3e-5c00-7000-8000-00000000a11c"));
    assert_eq!(
        (&key["exchange"], &key["expires_at"]),
        (&Cell::Null, &Cell::Null)
    );
    assert_eq!((&key["gem"], &key["revoked"]), (&text("rake"), &number(1)));
    assert_eq!(
        key["scopes"],
        text("configure_trusted_publishers index_rubygems push_rubygem read yank_rubygem")
    );
}

#[test]
fn a_release_carries_its_source_and_makes_its_gem_newer() {
    let memory = after([
        golden!("gem.registered.v1", 0),
        golden!("release.pushed.v1", 7),
    ]);
    let gem = row(&memory, GEM).unwrap();
    assert_eq!((&gem["gem"], &gem["name"]), (&text("rake"), &text("Rake")));
    assert_eq!(
        (&gem["releases"], &gem["latest_number"]),
        (&number(1), &text("13.2.1"))
    );
    assert_eq!(
        (&gem["registered_at"], &gem["updated_at"]),
        (&number(MOMENT), &number(MOMENT))
    );
    let release = row(&memory, RELEASE).unwrap();
    assert_eq!(
        (&release["number"], &release["platform"]),
        (&text("13.2.1"), &text("ruby"))
    );
    assert_eq!(
        (&release["file"], &release["log_index"]),
        (&text("Rake-13.2.1"), &number(7))
    );
    assert_eq!(
        (&release["revision"], &release["size"]),
        (&number(0), &number(91_648))
    );
    assert_eq!(
        (&release["provider"], &release["repository"]),
        (&text("github"), &text("ruby/rake"))
    );
    assert_eq!(
        release["commit_id"],
        text("8f1e3c5b7d9a0b2c4d6e8f1e3c5b7d9a0b2c4d6e")
    );
    assert_eq!(release["run_id"], text("17000000001"));
    assert_eq!(release["document"], gem["document"]);
}

#[test]
fn a_release_of_an_account_says_nothing_of_a_source() {
    let memory = after([golden!("release.pushed.v1.account", 7)]);
    let release = row(&memory, RELEASE).unwrap();
    for column in ["provider", "repository", "commit_id", "run_id"] {
        assert_eq!(release[column], Cell::Null, "{column}");
    }
}

#[test]
fn a_quarantine_leaves_the_release_and_takes_its_line_until_it_is_lifted() {
    let pushed = || golden!("release.pushed.v1", 7);
    let whole = after([pushed()]);
    let memory = after([pushed(), golden!("release.quarantined.v1", 8)]);
    let release = row(&memory, RELEASE).unwrap();
    assert_eq!(release["quarantine_index"], number(8));
    assert_eq!(
        release["quarantine_reason"],
        text("pushed by a stolen workflow")
    );
    assert_eq!(release["digest"], row(&whole, RELEASE).unwrap()["digest"]);
    assert_eq!(row(&memory, INFO).unwrap()["body"], text("---\n"));
    let lines = memory.tables[VERSION_LINE].values();
    let last = lines.last().unwrap()["line"].clone();
    assert!(
        matches!(&last, Cell::Text(line) if line.starts_with("Rake -13.2.1 ")),
        "{last:?}"
    );
    let restored = after([
        pushed(),
        golden!("release.quarantined.v1", 8),
        golden!("release.restored.v1", 9),
    ]);
    assert_eq!(restored.tables[INFO], whole.tables[INFO]);
    let release = row(&restored, RELEASE).unwrap();
    assert_eq!(release["quarantined_at"], Cell::Null);
}

#[test]
fn events_that_answer_no_question_write_nothing() {
    let silent: [Recorded; 13] = [
        golden!("log.opened.v1", 0),
        golden!("log.rules_changed.v1", 0),
        golden!("log.succeeded.v1", 0),
        golden!("subject.erased.v1", 0),
        golden!("provider.keys_observed.v1", 0),
        golden!("provider.key_distrusted.v1", 0),
        golden!("issuer.taken.v1", 0),
        golden!("owner.added.v1", 0),
        golden!("token.exchanged.v1", 0),
        golden!("exchange.denied.v1", 0),
        golden!("push.denied.v1", 0),
        golden!("name.taken.v1", 0),
        golden!("file.taken.v1", 0),
    ];
    for recorded in silent {
        assert_eq!(rows::project(&recorded), [], "{:?}", recorded.event.body);
        assert_eq!(projections::index::key(&recorded), None);
    }
}

#[test]
fn a_write_touches_the_columns_it_names_and_adding_starts_at_zero() {
    let mut memory = projections::memory::Memory::default();
    let key = || vec![("gem", text("rake"))];
    let add = |by| Write::Add {
        table: GEM,
        key: key(),
        column: "releases",
        by,
    };
    memory.write(add(2));
    memory.write(Write::Put {
        table: GEM,
        key: key(),
        set: vec![("name", text("Rake"))],
    });
    memory.write(add(3));
    let gem = row(&memory, GEM).unwrap();
    assert_eq!(
        (&gem["releases"], &gem["name"]),
        (&number(5), &text("Rake"))
    );
    memory.write(Write::Delete {
        table: GEM,
        key: key(),
    });
    assert!(row(&memory, GEM).is_none());
}
