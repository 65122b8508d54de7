//! `gemledger api-key revoke` in bulk.
use events::{
    api_key::Scope,
    claims::ProviderKind,
    id::{ApiKeyId, Owner},
};

use super::told::{Told, file};
use crate::api::app::{job, publisher};

#[actix_web::test]
async fn every_living_key_of_a_repository_dies_and_nobody_elses() {
    let told = Told::new().await;
    let other = job("octo-org/other");
    told.app.publisher("other", "octo-org/other").await;
    let spared = told
        .app
        .exchange(&told.app.token(&told.issuer, &other))
        .await
        .key();
    let keys = [told.exchanged().await, told.exchanged().await];
    let given_back = told.exchanged().await;
    told.app.revoke(&given_back).await.is(200);
    let size = told.app.traces().await.events;
    let revoked = told
        .json(&["api-key", "revoke", "--repository", "Octo-Org/Tool"])
        .await;
    // The key of the release lives as well.
    assert_eq!(revoked.len(), 3, "{revoked:?}");
    assert!(
        revoked
            .iter()
            .all(|line| line["key"]["repository"] == "octo-org/tool")
    );
    let since = told.app.since(size).await;
    assert_eq!(since, ["api_key.revoked"; 3]);
    for key in &keys {
        told.app.push(key, file("tool", "2.0.0")).await.is(401);
    }
    told.app.push(&spared, file("other", "1.0.0")).await.is(200);
    told.app
        .push(&told.key, file("mine", "2.0.0"))
        .await
        .is(200);
    let again = told
        .run(&["api-key", "revoke", "--repository", "octo-org/tool"])
        .await;
    again.ends(0, "nothing was revoked");
    told.app.finish().await;
}

#[actix_web::test]
async fn keys_are_chosen_by_provider_and_by_time_together() {
    let told = Told::new().await;
    let early = told.exchanged().await;
    told.app.pass(60);
    let since = String::from(told.app.clock.now());
    let late = told.exchanged().await;
    let revoke = [
        "api-key",
        "revoke",
        "--provider",
        "github",
        "--since",
        &since,
    ];
    let ran = told.run(&revoke).await.ends(0, "1 key was revoked");
    assert!(ran.out.contains("octo-org/tool"), "{}", ran.out);
    told.app.push(&late, file("tool", "2.0.0")).await.is(401);
    told.app.push(&early, file("tool", "2.0.0")).await.is(200);
    // By time alone, accounts' keys as well.
    let fresh = told.app.api_key(told.alice, &[Scope::PushRubygem]).await;
    told.run(&["api-key", "revoke", "--since", &since])
        .await
        .ok();
    told.app.push(&fresh, file("mine", "3.0.0")).await.is(401);
    told.app
        .push(&told.key, file("mine", "3.0.0"))
        .await
        .is(200);
    told.app.finish().await;
}

#[actix_web::test]
async fn more_keys_than_one_group_holds_are_revoked_group_by_group() {
    let told = Told::new().await;
    told.app.pass(60);
    let since = String::from(told.app.clock.now());
    for _ in 0..130 {
        told.app.api_key(told.alice, &[Scope::Read]).await;
    }
    let revoked = told.json(&["api-key", "revoke", "--since", &since]).await;
    assert_eq!(revoked.len(), 130);
    let requests: std::collections::BTreeSet<String> = told
        .json(&["log", "--type", "api_key.revoked"])
        .await
        .iter()
        .map(|line| line["event"]["request"].to_string())
        .collect();
    assert_eq!(requests.len(), 2);
    told.app.finish().await;
}

#[actix_web::test]
async fn what_cannot_be_revoked_is_said_and_leaves_nothing_behind() {
    let told = Told::new().await;
    let before = told.app.traces().await;
    let id = String::from(ApiKeyId::parse("01900000-0000-7000-8000-000000000000").unwrap());
    for (arguments, code, said) in [
        (&["api-key", "revoke"][..], 2, "required"),
        (&["api-key", "revoke", "mine"], 2, "the key's id"),
        (&["api-key", "revoke", &id], 1, "never issued"),
        (
            &["api-key", "revoke", &id, "--provider", "github"],
            2,
            "cannot be used with",
        ),
        (
            &["api-key", "revoke", "--provider", "gitlab"],
            2,
            "no provider called gitlab",
        ),
        (
            &["api-key", "revoke", "--provider", "Git Hub"],
            2,
            "the provider's name",
        ),
        (
            &["api-key", "revoke", "--since", "yesterday"],
            2,
            "is not a time like",
        ),
        (
            &["api-key", "revoke", "--repository", ""],
            2,
            "the repository",
        ),
        (
            &["api-key", "revoke", "--repository", "octo-org/nothing"],
            0,
            "nothing was revoked",
        ),
    ] {
        told.run(arguments).await.ends(code, said);
    }
    told.app.left_nothing(before).await;
    // A publisher of another provider's is not one of GitHub's.
    let gitlab = std::sync::Arc::new(gemledger::demo::issuer::StandInIssuer::new(
        "https://gitlab.example.com",
    ));
    told.app
        .provider("gitlab", ProviderKind::Gitlab, &gitlab)
        .await;
    told.app
        .trust("mine", publisher("octo-org/mine"), Owner::Operator)
        .await;
    let ran = told
        .run(&["api-key", "revoke", "--provider", "gitlab"])
        .await;
    ran.ends(0, "nothing was revoked");
    told.app.finish().await;
}
