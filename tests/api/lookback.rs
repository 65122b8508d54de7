//! Looking back at what was attested and compared: why it was let in, and who touched it.
use events::{Body, id::AccountId, text::Text, time::Timestamp};
use gemledger::views::{
    explain::{Checked, explain},
    radius::{Identity, Radius},
};

use super::{
    app::{TestApp, job},
    attested::{certified, provenance, signed, stated, trusting},
    comparisons::Released,
    given::good,
};

/// `rake` 1.0.0 with a signature and a provenance.
async fn attested() -> TestApp {
    let app = trusting().await;
    let (gem, claims) = (good("rake", "1.0.0"), certified(&job("acme/rake")));
    let statement = stated(&provenance("rake-1.0.0.gem", &gem, &claims), &claims);
    let key = app.key_of(&job("acme/rake")).await;
    let bundles = [signed(&gem, &claims), statement];
    app.attest(&key, &gem, &bundles).await.is(200);
    app
}

/// The types of what this identity touched.
async fn touched(app: &TestApp, identity: Identity) -> Vec<&'static str> {
    let reader = &app.app.reader;
    let size = reader.head().await.unwrap().size;
    let mut radius = Radius::new(identity, Timestamp::default());
    let events = reader.events(0, size).await.unwrap();
    let touched = events.iter().filter_map(|event| radius.take(event));
    touched.map(|touched| touched.event_type).collect()
}

fn check<'a>(checks: &'a [Checked], name: &str) -> &'a Checked {
    let found = checks.iter().find(|check| check.name == name);
    found.unwrap_or_else(|| panic!("{name}: {checks:#?}"))
}

#[actix_web::test]
async fn an_attested_push_is_explained_bundle_by_bundle_and_pair_by_pair() {
    let app = attested().await;
    let reader = &app.app.reader;
    let size = reader.head().await.unwrap().size;
    // The release, and each bundle that came with it.
    for index in size - 3..size {
        let why = explain(reader, index).await.unwrap().unwrap();
        assert!(why.checks.iter().all(|check| check.passed), "{why:#?}");
        for (name, expected, found) in [
            ("attestation 1: bundle", "the run that pushes", "sha256:"),
            (
                "attestation 1: trust_root",
                "the jobs of https://token.actions.githubusercontent.com",
                "trust_root/own, revision 0",
            ),
            (
                "attestation 1: evidence",
                "a log entry, a certificate timestamp",
                " of the log ",
            ),
            (
                "attestation 1: signed",
                "not after",
                "2024-06-01T12:00:01.000Z",
            ),
            ("attestation 1: commit", "", ""),
            (
                "attestation 2: run",
                "https://github.com/acme/rake/actions/runs/9876543210",
                "https://github.com/acme/rake/actions/runs/9876543210",
            ),
            (
                "attestation 2: bundle",
                "",
                "https://slsa.dev/provenance/v1",
            ),
            ("rules", "every rule", "none is in force"),
        ] {
            let check = check(&why.checks, name);
            let said = |text: &Option<String>| text.clone().unwrap_or_default();
            assert!(said(&check.expected).contains(expected), "{check:?}");
            assert!(said(&check.found).contains(found), "{check:?}");
        }
        let pairs = why.checks.iter();
        let pairs = pairs.filter(|check| check.name.starts_with("attestation 1: "));
        assert!(pairs.count() >= 4 + 15, "{:#?}", why.checks);
        let own = index > size - 3;
        assert_eq!(why.rule.starts_with("A bundle comes with a push"), own);
    }
    // What the first release reached holds for the second.
    let mut again = job("acme/rake");
    again.git_ref = "refs/tags/v2.0.0".into();
    let gem = good("rake", "2.0.0");
    let bundle = signed(&gem, &certified(&again));
    let key = app.key_of(&again).await;
    app.attest(&key, &gem, &[bundle]).await.is(200);
    let index = reader.head().await.unwrap().size - 1;
    let why = explain(reader, index).await.unwrap().unwrap();
    let rules = check(&why.checks, "rules");
    let in_force = "in force: attestation_required, trusted_publishing_only";
    assert_eq!(rules.found.as_deref(), Some(in_force));
    let required = check(&why.checks, "attestation_required");
    assert!(required.expected.as_ref().unwrap().starts_with("auto: "));
    assert_eq!(required.found.as_deref(), Some("public log"));
    let only = check(&why.checks, "trusted_publishing_only");
    assert_eq!(only.found.as_deref(), Some("one of acme/rake"));
    app.finish().await;
}

#[actix_web::test]
async fn attestations_are_touched_by_whoever_touched_their_release() {
    let app = attested().await;
    let size = app.app.reader.head().await.unwrap().size;
    let pushed = app.app.reader.events(size - 3, size - 2).await.unwrap();
    let Body::ReleasePushed(pushed) = &pushed[0].event.body else {
        panic!("{pushed:?}");
    };
    let key = pushed.api_key;
    let run = Text::parse("9876543210").unwrap();
    let repository = Text::parse("acme/rake").unwrap();
    for identity in [
        Identity::ApiKey(key),
        Identity::Run(run),
        Identity::Repository(repository),
    ] {
        let touched = touched(&app, identity).await;
        assert_eq!(
            touched.last_chunk::<3>().unwrap(),
            &["release.pushed", "release.attested", "release.attested"]
        );
    }
    let stranger =
        Identity::Account(AccountId::parse("01900000-0000-7000-8000-000000000000").unwrap());
    assert_eq!(touched(&app, stranger).await, Vec::<&str>::new());
    app.finish().await;
}

#[actix_web::test]
async fn a_comparison_is_touched_by_the_account_that_attached_it() {
    let released = Released::new().await;
    let statement = released.statement("Ann").to_string();
    released.post(&released.key, statement).await.is(201);
    let found = touched(&released.app, Identity::Account(released.alice)).await;
    assert_eq!(found.last(), Some(&"release.compared"));
    released.app.finish().await;
}
