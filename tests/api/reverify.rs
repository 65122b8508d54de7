//! Stored attestations verified again: what is damaged, what its newest trust root no longer vouches for, what is missing.
use std::{fs, path::PathBuf};

use events::{
    Body,
    attestation::{Attested, Field},
    digest::Digest,
    event::Draft,
    id::{Actor, Via},
    name::GemName,
    stream::StreamName,
    text::Text,
    trust_root::Requires,
};
use gemledger::{
    app::reverify::{Finding, Kind, reverify},
    demo::sigstore::PrivateSigstore,
    store::writer::Verdict,
};

use super::{
    app::{TestApp, job},
    attested::{LOGGED, SIGSTORE, certified, signed, start, trusting},
    given::good,
};
use crate::support::program::program;

/// A ledger with one attested release.
async fn released() -> TestApp {
    let app = trusting().await;
    let gem = good("rake", "1.0.0");
    let bundle = signed(&gem, &certified(&job("acme/rake")));
    app.attest_rake(&bundle).await.is(200);
    app
}

async fn again(app: &TestApp) -> (u64, Vec<Finding>) {
    let mut findings = Vec::new();
    let now = app.clock.now().plus_seconds(10);
    let tell = |finding| findings.push(finding);
    let bundles = reverify(&app.app.reader, &app.app.blobs, now, tell, |_, _| {}).await;
    (bundles.unwrap(), findings)
}

/// One finding of this kind, which says this.
async fn finds(app: &TestApp, kind: Kind, said: &str) {
    let (bundles, findings) = again(app).await;
    assert_eq!(bundles, 1);
    let [finding] = findings.as_slice() else {
        panic!("{findings:#?}")
    };
    assert_eq!(finding.kind, kind, "{finding:?}");
    assert!(finding.what.contains(said), "{said}: {}", finding.what);
    assert_eq!(finding.release, "rake-1.0.0");
}

async fn attested(app: &TestApp) -> Attested {
    let events = app.app.reader.events(0, u64::MAX >> 1).await.unwrap();
    let found = events.into_iter().find_map(|recorded| {
        if let Body::ReleaseAttested(attested) = recorded.event.body {
            Some(attested)
        } else {
            None
        }
    });
    found.unwrap()
}

fn blob(app: &TestApp, digest: &Digest) -> PathBuf {
    let hex = digest.hex();
    app.app.folder.blobs().join(&hex[..2]).join(&hex[2..])
}

/// Writes what no decision led to: a registry that lies about a bundle that it has.
async fn writes(app: &TestApp, attested: Attested) {
    let stream = StreamName::gem(&GemName::parse("rake").unwrap().folded());
    let request = app.app.request(Actor::Operator, Via::Console);
    let draft = Draft::new(stream.clone(), Body::ReleaseAttested(attested));
    let reads = vec![gemledger::store::states::Read::of::<deciders::gem::Gem>(
        stream,
    )];
    let written = app.app.writer.append(reads, move |_| Verdict {
        group: Some(request.group(vec![draft])),
        answer: (),
    });
    written.await.unwrap();
}

#[actix_web::test]
async fn bundles_that_are_as_they_were_hold_again() {
    let app = released().await;
    assert_eq!(again(&app).await, (1, Vec::new()));
    // A year later, when the certificate of ten minutes is long expired.
    app.pass(365 * 24 * 3600);
    assert_eq!(again(&app).await, (1, Vec::new()));
    app.finish().await;
}

#[actix_web::test]
async fn a_changed_bundle_is_damaged_and_a_missing_one_is_not_told() {
    let app = released().await;
    let path = blob(&app, &attested(&app).await.bundle);
    let honest = fs::read(&path).unwrap();
    let mut changed = honest.clone();
    let place = changed.len() / 2;
    changed[place] ^= 1;
    fs::write(&path, changed).unwrap();
    finds(&app, Kind::Damaged, "is damaged").await;
    fs::remove_file(&path).unwrap();
    finds(&app, Kind::CouldNotTell, "is not here").await;
    fs::write(&path, honest).unwrap();
    assert_eq!(again(&app).await.1, []);
    app.finish().await;
}

#[actix_web::test]
async fn a_trust_root_that_is_missing_is_not_told_and_a_changed_one_neither() {
    let app = released().await;
    let root = Digest::of(SIGSTORE.trusted_root().to_string().as_bytes());
    let path = blob(&app, &root);
    fs::write(&path, "{}").unwrap();
    finds(&app, Kind::CouldNotTell, "damaged").await;
    fs::remove_file(&path).unwrap();
    finds(&app, Kind::CouldNotTell, "is not here").await;
    app.finish().await;
}

#[actix_web::test]
async fn what_the_newest_root_no_longer_vouches_for_is_told_apart() {
    let app = released().await;
    // The authority that issued the certificate is trusted no longer.
    let other = PrivateSigstore::new(start().minus_seconds(3600)).unwrap();
    app.trusts("own", &other, LOGGED).await;
    finds(&app, Kind::NoLongerVouched, "version 1, the newest").await;
    // It is trusted again, and asks for more than this bundle has.
    let more = Requires {
        timestamp: true,
        ..LOGGED
    };
    app.trusts("own", &SIGSTORE, more).await;
    finds(&app, Kind::NoLongerVouched, "timestamp").await;
    app.trusts("own", &SIGSTORE, LOGGED).await;
    assert_eq!(again(&app).await.1, []);
    app.finish().await;
}

#[actix_web::test]
async fn a_root_that_was_retired_or_dropped_the_issuer_is_said_of_each_bundle_that_it_vouched_for()
{
    let app = released().await;
    app.trusts_for("own", &SIGSTORE, LOGGED, "https://gitlab.com")
        .await;
    finds(&app, Kind::Withdrawn, "its issuer no longer").await;
    app.trusts("own", &SIGSTORE, LOGGED).await;
    assert_eq!(again(&app).await.1, []);
    let own = events::text::Slug::parse("own").unwrap();
    app.app.retire_trust_root(own.clone()).await.unwrap();
    finds(&app, Kind::Withdrawn, "retired").await;
    // What holds no longer is said before what is only vouched for no longer.
    let other = PrivateSigstore::new(start().minus_seconds(3600)).unwrap();
    app.trusts("own", &other, LOGGED).await;
    app.app.retire_trust_root(own).await.unwrap();
    finds(&app, Kind::NoLongerVouched, "the newest").await;
    app.finish().await;
}

#[actix_web::test]
async fn a_time_that_is_in_the_future_here_is_not_told_under_any_version() {
    let app = released().await;
    let more = format!("{} ", SIGSTORE.trusted_root());
    let same = super::trust_roots::root("own", more);
    super::trust_roots::record(&app, same).await.unwrap();
    let mut findings = Vec::new();
    let early = start().minus_seconds(24 * 3600);
    let tell = |finding: Finding| findings.push(finding.kind);
    let bundles = reverify(&app.app.reader, &app.app.blobs, early, tell, |_, _| {}).await;
    assert_eq!(bundles.unwrap(), 1);
    assert_eq!(findings, [Kind::CouldNotTell, Kind::CouldNotTell]);
    app.finish().await;
}

#[actix_web::test]
async fn a_bundle_that_cannot_be_read_is_not_told_and_the_others_are() {
    let app = released().await;
    let path = blob(&app, &attested(&app).await.bundle);
    fs::remove_file(&path).unwrap();
    let folder = path.parent().unwrap();
    fs::remove_dir_all(folder).unwrap();
    fs::write(folder, b"").unwrap();
    finds(&app, Kind::CouldNotTell, "file store").await;
    app.finish().await;
}

#[actix_web::test]
async fn an_event_that_says_something_else_than_its_bundle_is_found_field_by_field() {
    let honest = attested(&released().await).await;
    let with = |change: &dyn Fn(&mut Attested)| {
        let mut lie = honest.clone();
        change(&mut lie);
        lie
    };
    let claim = |field: Field| {
        with(&|lie| {
            let pair = lie.compared.iter_mut().find(|pair| pair.field == field);
            pair.unwrap().certificate = Text::parse("invented").unwrap();
        })
    };
    for (lie, said) in [
        (claim(Field::Commit), "its commit"),
        (claim(Field::Run), "its run"),
        (claim(Field::RepositoryId), "its repository_id"),
        (claim(Field::Signer), "identity, signer"),
        (claim(Field::Issuer), "refuses it"),
        (with(&|lie| lie.digest = Digest::of(b"other")), "refuses it"),
        (
            with(&|lie| lie.certificate = Digest::of(b"other")),
            "certificate",
        ),
        (
            with(&|lie| lie.builder = Some(Text::parse("x").unwrap())),
            "builder",
        ),
        (with(&|lie| lie.entry = None), "entry"),
        (with(&|lie| lie.sct = false), "sct"),
        (with(&|lie| lie.timestamp = true), "timestamp"),
        (
            with(&|lie| lie.signed = lie.signed.plus_seconds(1)),
            "signed",
        ),
        (
            with(&|lie| lie.predicate = Some(Text::parse("x").unwrap())),
            "predicate",
        ),
    ] {
        let app = released().await;
        let stored = attested(&app).await;
        // The same job signs again in each ledger: what identifies the bundle is that ledger's own.
        let lie = Attested {
            bundle: stored.bundle,
            certificate: if lie.certificate == honest.certificate {
                stored.certificate
            } else {
                lie.certificate
            },
            entry: lie.entry.as_ref().and(stored.entry),
            ..lie
        };
        writes(&app, lie).await;
        let (bundles, findings) = again(&app).await;
        assert_eq!((bundles, findings.len()), (2, 1), "{said}: {findings:#?}");
        assert_eq!(findings[0].kind, Kind::Damaged);
        assert!(
            findings[0].what.contains(said),
            "{said}: {}",
            findings[0].what
        );
    }
    let app = released().await;
    let mut lie = attested(&app).await;
    lie.root.revision = 7;
    writes(&app, lie).await;
    let (_, findings) = again(&app).await;
    assert!(findings[0].what.contains("no version 7"), "{findings:#?}");
}

#[actix_web::test]
async fn the_command_tells_each_kind_and_ends_as_it_must() {
    let app = released().await;
    let run = || {
        let mut command = program();
        let data = app.folder.path().join("ledger");
        let command = command.arg("--data").arg(data);
        crate::support::program::run(command.args(["audit", "--attestations"]))
    };
    run().ends(0, "1 attestations: each still holds");
    let other = PrivateSigstore::new(start().minus_seconds(3600)).unwrap();
    app.trusts("own", &other, LOGGED).await;
    run()
        .ends(1, "rake-1.0.0: no longer vouched for")
        .ends(1, "0 damaged, 1 no longer vouched for");
    app.trusts("own", &SIGSTORE, LOGGED).await;
    let own = events::text::Slug::parse("own").unwrap();
    app.app.retire_trust_root(own).await.unwrap();
    let withdrawn = run().ends(2, "1 whose trust root was withdrawn");
    assert!(!withdrawn.out.contains("still holds"), "{}", withdrawn.out);
    app.trusts("own", &SIGSTORE, LOGGED).await;
    fs::remove_file(blob(&app, &attested(&app).await.bundle)).unwrap();
    run().ends(2, "could not tell: its bundle is not here");
    app.finish().await;
}
