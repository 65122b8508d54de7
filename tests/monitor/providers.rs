//! Recorded provider keys, and the provider asked by somebody else than the registry.
use gemledger::world::Clock;
use serde_json::{Value, json};

use super::{Watch, broken, ledger::Honest, rules_of};

#[tokio::test]
async fn an_exchange_with_a_key_that_the_provider_never_had_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Honest::with_releases().await;
    let seen = ledger.provider.seen_elsewhere();
    seen.shows(Some(seen.issuer.jwks()));
    let watch = Watch {
        fetch: Some(seen.clone()),
        ..Watch::with_state(folder.path())
    };
    assert_eq!(broken(&watch.look_at(&ledger.published().await).await), []);

    // The registry records a key of its own making for github.com, and releases with it. Everybody else still sees the
    // old key.
    seen.issuer.rotate().unwrap();
    ledger.pass(3600);
    ledger.release("rake", "1.0.1", "acme/rake").await;
    let forged = ledger.published().await;
    let look = watch.look_at(&forged).await;
    let observed = super::ledger::indexes(&forged, "provider.keys_observed");
    assert_eq!(observed.len(), 2);
    let index = u64::try_from(observed[1]).unwrap();
    assert!(
        broken(&look).contains(&("provider_key_unknown", Some(index))),
        "{look:#?}"
    );
}

#[tokio::test]
async fn a_key_that_was_shown_once_may_go() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Honest::with_releases().await;
    let seen = ledger.provider.seen_elsewhere();
    let watch = Watch {
        fetch: Some(seen.clone()),
        ..Watch::with_state(folder.path())
    };
    assert_eq!(broken(&watch.look_at(&ledger.published().await).await), []);
    seen.issuer.rotate().unwrap();
    ledger.pass(1800);
    ledger.release("rake", "1.0.1", "acme/rake").await;
    // The new key is shown, the old one is gone.
    assert_eq!(broken(&watch.look_at(&ledger.published().await).await), []);
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_compared_later() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Honest::with_releases().await;
    let seen = ledger.provider.seen_elsewhere();
    let watch = Watch {
        fetch: Some(seen.clone()),
        ..Watch::with_state(folder.path())
    };
    for silent in [Value::Null, json!("no key set")] {
        seen.shows(Some(silent));
        let look = watch.look_at(&ledger.published().await).await;
        assert_eq!(rules_of(&look.findings), ["provider_unreachable"]);
        assert!(!look.decided && look.complete);
    }
    seen.shows(Some(json!({"keys": []})));
    let look = watch.look_at(&ledger.published().await).await;
    assert_eq!(rules_of(&look.findings), ["provider_key_unknown"]);
}

#[tokio::test]
async fn a_disabled_provider_is_not_asked() {
    let ledger = Honest::with_releases().await;
    let slug = events::text::Slug::parse("github").unwrap();
    ledger.app.disable_provider(slug).await.unwrap();
    let seen = ledger.provider.seen_elsewhere();
    seen.shows(Some(Value::Null));
    let watch = Watch {
        fetch: Some(seen.clone()),
        ..Watch::default()
    };
    let look = watch.look_at(&ledger.published().await).await;
    assert!(look.decided, "{:#?}", look.findings);
}

#[tokio::test]
async fn a_provider_is_asked_at_the_address_in_force_and_not_at_one_that_waits() {
    let ledger = Honest::open_with(3600).await;
    ledger.pass(3600);
    ledger.provider.moves_keys();
    ledger.register().await;
    // Elsewhere nothing has moved yet: what waits cannot be fetched there.
    let at = |seconds| Watch {
        fetch: Some(ledger.provider.seen_elsewhere()),
        clock: Some(Clock::manual(super::ledger::start().plus_seconds(seconds))),
        ..Watch::default()
    };
    let log = ledger.published().await;
    let look = at(3700).look_at(&log).await;
    assert!(look.decided, "{:#?}", look.findings);
    let look = at(3 * 3600).look_at(&log).await;
    assert!(!look.decided);
    let found = &look.findings.last().unwrap();
    assert_eq!(found.rule, "provider_unreachable");
    assert!(found.message.contains("/moved/jwks"), "{}", found.message);
}
