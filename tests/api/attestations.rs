//! A push with attestations: bound to the run, recorded with the release, and served byte by byte.
use events::log::Visibility;
use gemledger::{
    app::quarantine::Named,
    demo::{
        issuer::GithubJob,
        sigstore::{CERTIFICATE_SECONDS, Content, How},
    },
};
use serde_json::{Value, json};

use super::{
    answer::answer,
    app::{TestApp, job, publisher, text},
    attested::{
        A_FILE, SIGSTORE, certified, form, provenance, signed, signed_at, stamped, start, stated,
        trusting, trusting_with,
    },
    given::good,
};

const SERVED: &str = "/api/v1/attestations/rake-1.0.0.json";

/// The certificate's side and the expected side of a pair in the last event.
async fn pair(app: &TestApp, field: &str) -> (Value, Value) {
    let data = app.last().await["data"].clone();
    let pairs = data["compared"].as_array().unwrap();
    let pair = pairs.iter().find(|pair| pair["field"] == field).unwrap();
    (pair["certificate"].clone(), pair["expected"].clone())
}

#[actix_web::test]
async fn a_gem_with_its_attestation_is_released_and_served_with_it() {
    let app = trusting().await;
    let (gem, claims) = (good("rake", "1.0.0"), certified(&job("acme/rake")));
    // As it may stand in a file: with a line's end, which is between the bundles.
    let bundle = signed(&gem, &claims);
    let key = app.key_of(&job("acme/rake")).await;
    let before = app.traces().await;
    let pushed = app
        .attest(&key, &gem, &[format!("{bundle}\n")])
        .await
        .is(200);
    let digest = events::digest::Digest::of(bundle.as_bytes());
    assert_eq!(pushed.json()["attestations"], json!([digest.to_string()]));
    assert_eq!(pushed.json()["warning"], Value::Null);
    let after = app.traces().await;
    assert_eq!(after.files, before.files + 3);
    let types = app.since(before.events).await;
    assert_eq!(
        types.last_chunk::<3>().unwrap(),
        &["file.taken", "release.pushed", "release.attested"]
    );
    let event = app.last().await;
    assert_eq!(event["data"]["bundle"], digest.to_string());
    assert_eq!(event["data"]["root"]["stream"], "trust_root/own");
    assert_eq!(event["data"]["signed"], "2024-06-01T12:00:01.000Z");
    let run = json!("https://github.com/acme/rake/actions/runs/9876543210");
    assert_eq!(pair(&app, "run").await, (run.clone(), run));
    let served = app.get(SERVED).await.is(200);
    assert_eq!(served.text(), format!("[{bundle}]"));
    assert_eq!(served.header("content-type"), Some("application/json"));
    let tag = served.header("etag").unwrap().to_owned();
    let again = app
        .request(reqwest::Method::GET, SERVED)
        .header("if-none-match", tag);
    assert!(answer(again).await.is(304).body.is_empty());
    app.finish().await;
}

#[actix_web::test]
async fn a_signature_and_a_statement_come_in_their_order() {
    let app = trusting().await;
    let (gem, claims) = (good("rake", "1.0.0"), certified(&job("acme/rake")));
    let statement = stated(&provenance("rake-1.0.0.gem", &gem, &claims), &claims);
    let bundles = [statement, signed(&gem, &claims)];
    let key = app.key_of(&job("acme/rake")).await;
    let pushed = app.attest(&key, &gem, &bundles).await.is(200);
    assert_eq!(pushed.json()["attestations"].as_array().unwrap().len(), 2);
    let served = app.get(SERVED).await;
    assert_eq!(served.text(), format!("[{}]", bundles.join(",")));
    let size = app.app.reader.head().await.unwrap().size;
    let leaf = app.app.reader.leaf(size - 2).await.unwrap().unwrap();
    let leaf: Value = serde_json::from_slice(&leaf).unwrap();
    assert_eq!(leaf["data"]["predicate"], "https://slsa.dev/provenance/v1");
    app.finish().await;
}

#[actix_web::test]
async fn a_form_without_attestations_is_a_push() {
    let app = trusting().await;
    let key = app.key_of(&job("acme/rake")).await;
    let gem = good("rake", "1.0.0");
    app.send(&key, form(&[("gem", A_FILE, &gem)])).await.is(200);
    app.get(SERVED).await.says(200, "[]");
    app.get("/api/v1/attestations/rake-2.0.0.json")
        .await
        .refuses(404, "not_found", "could not be found");
    // A person may send the form too, as long as nothing is attested.
    let key = app.push_key("alice").await;
    let tool = form(&[("gem", A_FILE, &good("tool", "1.0.0"))]);
    app.send(&key, tool).await.is(200);
    app.finish().await;
}

#[actix_web::test]
async fn the_same_push_again_adds_nothing() {
    let app = trusting().await;
    let (gem, claims) = (good("rake", "1.0.0"), certified(&job("acme/rake")));
    let bundle = signed(&gem, &claims);
    let key = app.key_of(&job("acme/rake")).await;
    app.attest(&key, &gem, std::slice::from_ref(&bundle))
        .await
        .is(200);
    let before = app.traces().await;
    let again = app
        .attest(&key, &gem, std::slice::from_ref(&bundle))
        .await
        .is(200);
    assert_eq!(again.json()["already_pushed"], true);
    let other = signed_at(&gem, &claims, start().plus_seconds(2));
    app.pass(10);
    let told = app
        .attest(&key, &gem, std::slice::from_ref(&other))
        .await
        .is(200)
        .json();
    let other = events::digest::Digest::of(other.as_bytes());
    assert_eq!(told["attestations_ignored"], json!([other]));
    let warning = told["warning"].as_str().unwrap();
    assert!(warning.contains("was not recorded; release a new version"));
    // Of what is recorded already there is nothing to warn.
    assert_eq!(again.json().get("warning"), None);
    assert_eq!(again.json().get("attestations_ignored"), None);
    app.left_nothing(before).await;
    // A bundle that was lost or damaged comes back with the same push.
    let digest = events::digest::Digest::of(bundle.as_bytes()).hex();
    let file = app.app.folder.blobs().join(&digest[..2]).join(&digest[2..]);
    for damaged in [false, true] {
        if damaged {
            std::fs::write(&file, b"{}").unwrap();
        } else {
            std::fs::remove_file(&file).unwrap();
            app.get(SERVED)
                .await
                .refuses(404, "not_found", "is missing");
        }
        app.attest(&key, &gem, std::slice::from_ref(&bundle))
            .await
            .is(200);
        assert_eq!(app.get(SERVED).await.text(), format!("[{bundle}]"));
    }
    app.finish().await;
}

#[actix_web::test]
async fn each_bundle_is_served_where_the_registrys_statement_says() {
    let app = trusting().await;
    app.introduce().await;
    let (gem, claims) = (good("rake", "1.0.0"), certified(&job("acme/rake")));
    let both = [
        signed(&gem, &claims),
        stated(&provenance("rake-1.0.0.gem", &gem, &claims), &claims),
    ];
    let key = app.key_of(&job("acme/rake")).await;
    app.attest(&key, &gem, &both).await.is(200);
    let envelope = app.vsa("1.0.0").await;
    let said = super::vsa::statement(&envelope);
    let inputs = said["predicate"]["inputAttestations"].as_array().unwrap();
    for (input, bundle) in inputs.iter().zip(&both) {
        let digest = events::digest::Digest::of(bundle.as_bytes()).hex();
        assert_eq!(input["digest"]["sha256"], digest.as_str());
        let uri = input["uri"].as_str().unwrap();
        let path = uri.strip_prefix("https://gems.example.com").unwrap();
        let served = app.get(path).await.is(200);
        assert_eq!(served.text(), *bundle);
        let cached = served.header("cache-control").unwrap();
        assert!(cached.contains("immutable"), "{cached}");
    }
    // A file that is there for another reason is no attestation.
    let gem = events::digest::Digest::of(&gem).hex();
    for unknown in [&gem, &"0".repeat(64), "x"] {
        let path = format!("/api/v1/attestations/sha256/{unknown}");
        app.get(&path)
            .await
            .refuses(404, "not_found", "No release came with this");
    }
    app.finish().await;
}

#[actix_web::test]
async fn failed_jobs_that_run_again_push_what_an_earlier_attempt_signed() {
    let app = trusting().await;
    let gem = good("rake", "1.0.0");
    let earlier = signed(&gem, &certified(&job("acme/rake")));
    let later = GithubJob {
        run_attempt: 3,
        ..job("acme/rake")
    };
    let key = app.key_of(&later).await;
    app.attest(&key, &gem, &[earlier]).await.is(200);
    assert_eq!(pair(&app, "attempt").await, (json!("1"), json!("3")));
    app.finish().await;
}

#[actix_web::test]
async fn a_reusable_workflow_signs_where_the_publisher_names_it() {
    let app = trusting().await;
    let reusable = "acme/ci/.github/workflows/release.yml@refs/heads/main";
    let named = events::policy::Publisher {
        workflow_repository: Some(text("acme/ci")),
        ..publisher("acme/rake")
    };
    app.trust("rack", named, events::id::Owner::Operator).await;
    let called = GithubJob {
        job_workflow_ref: Some(reusable.to_owned()),
        ..job("acme/rake")
    };
    let gem = good("rack", "1.0.0");
    // Signed by the caller's own file, and by the one that the publisher names.
    let key = app.key_of(&called).await;
    let own = signed(&gem, &certified(&job("acme/rake")));
    let refused = app.attest(&key, &gem, &[own]).await;
    let refused = refused.refuses(422, "attestation_signer_mismatch", "another workflow file");
    let expected = format!("https://github.com/{reusable}");
    assert_eq!(refused.json()["expected"], expected);
    let bundle = signed(&gem, &certified(&called));
    app.attest(&key, &gem, &[bundle]).await.is(200);
    app.finish().await;
}

#[actix_web::test]
async fn the_environment_of_the_policy_is_certified() {
    let app = trusting().await;
    let named = events::policy::Publisher {
        environment: Some(text("release")),
        ..publisher("acme/rake")
    };
    app.trust("rack", named, events::id::Owner::Operator).await;
    let staged = GithubJob {
        environment: Some("release".to_owned()),
        ..job("acme/rake")
    };
    let gem = good("rack", "1.0.0");
    let key = app.key_of(&staged).await;
    let without = signed(&gem, &certified(&staged).with(23, None));
    app.attest(&key, &gem, &[without]).await.refuses(
        422,
        "attestation_environment_mismatch",
        "absent from the certificate",
    );
    let bundle = signed(&gem, &certified(&staged));
    app.attest(&key, &gem, &[bundle]).await.is(200);
    app.finish().await;
}

#[actix_web::test]
async fn a_log_whose_clock_is_ahead_is_waited_for_once() {
    let app = trusting().await;
    let (gem, claims) = (good("rake", "1.0.0"), certified(&job("acme/rake")));
    let key = app.key_of(&job("acme/rake")).await;
    let late = app.clock.now().plus_seconds(3);
    let before = (app.traces().await, app.clock.now());
    app.attest(&key, &gem, &[signed_at(&gem, &claims, late)])
        .await
        .refuses(422, "attestation_from_the_future", "in the future");
    assert_eq!(app.clock.now(), before.1.plus_seconds(2), "it waited once");
    app.left_nothing(before.0).await;
    let soon = app.clock.now().plus_seconds(2);
    app.attest(&key, &gem, &[signed_at(&gem, &claims, soon)])
        .await
        .is(200);
    assert_eq!(app.clock.now(), before.1.plus_seconds(4));
    app.finish().await;
}

#[actix_web::test]
async fn nothing_else_is_waited_for() {
    let app = trusting().await;
    let (gem, claims) = (good("rake", "1.0.0"), certified(&job("acme/rake")));
    let before = app.clock.now();
    let long_ago = start().minus_seconds(2 * CERTIFICATE_SECONDS);
    let signer = SIGSTORE.signer(&claims, long_ago).unwrap();
    let bundle = SIGSTORE.sign(&signer, Content::File(&gem), How::logged(start()));
    let bundle = String::from_utf8(bundle.unwrap()).unwrap();
    app.attest_rake(&bundle).await.refuses(
        422,
        "attestation_certificate_invalid",
        "does not verify",
    );
    assert_eq!(app.clock.now(), before);
    app.finish().await;
}

#[actix_web::test]
async fn a_timestamp_alone_is_a_class_of_its_own() {
    let app = trusting().await;
    let (gem, claims) = (good("rake", "1.0.0"), certified(&job("acme/rake")));
    let bundle = stamped(&gem, &claims);
    app.attest_rake(&bundle).await.refuses(
        422,
        "attestation_evidence_missing",
        "transparency log entry",
    );
    let requires = events::trust_root::Requires {
        log: false,
        sct: false,
        timestamp: true,
    };
    app.trusts("stamps", &SIGSTORE, requires).await;
    app.attest_rake(&bundle).await.is(200);
    let data = app.last().await["data"].clone();
    assert_eq!(data["root"]["stream"], "trust_root/stamps");
    assert_eq!(
        (&data["entry"], &data["timestamp"]),
        (&Value::Null, &json!(true))
    );
    app.finish().await;
}

#[actix_web::test]
async fn a_private_repositorys_name_in_a_public_log_is_warned_of() {
    let app = trusting_with(Visibility::Private).await;
    let hidden = GithubJob {
        visibility: "private".to_owned(),
        ..job("acme/rake")
    };
    let (gem, claims) = (good("rake", "1.0.0"), certified(&hidden));
    let key = app.key_of(&hidden).await;
    let pushed = app
        .attest(&key, &gem, &[signed(&gem, &claims)])
        .await
        .is(200);
    let warning = pushed.json()["warning"].clone();
    assert!(
        warning.as_str().unwrap().contains("its name stands now"),
        "{warning}"
    );
    // And nobody reads the bundles of a private ledger without a key.
    app.get(SERVED).await.is(401);
    let alice = app.account("alice").await;
    let reads = app.api_key(alice, &[events::api_key::Scope::Read]).await;
    let request = app
        .request(reqwest::Method::GET, SERVED)
        .header("authorization", reads);
    let served = answer(request).await.is(200);
    assert!(served.header("cache-control").unwrap().contains("private"));
    app.finish().await;
}

#[actix_web::test]
async fn what_was_attested_is_served_while_the_release_is_withheld() {
    let app = trusting().await;
    let (gem, claims) = (good("rake", "1.0.0"), certified(&job("acme/rake")));
    app.attest_rake(&signed(&gem, &claims)).await.is(200);
    let release = Named {
        gem: events::name::FoldedName::parse("rake").unwrap(),
        number: events::version::GemVersion::parse("1.0.0").unwrap(),
        platform: events::platform::Platform::ruby(),
    };
    let reason = text("pushed by a stolen key");
    app.app.quarantine(release, reason).await.unwrap();
    app.get("/gems/rake-1.0.0.gem").await.is(403);
    app.get(SERVED).await.is(200);
    app.finish().await;
}
