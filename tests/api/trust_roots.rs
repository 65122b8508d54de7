//! Trust roots: recorded from files, served as they were given, and found by the issuer whose jobs they vouch for.
use std::sync::LazyLock;

use bytes::Bytes;
use events::{id::Via, text::Slug, time::Timestamp, trust_root::Requires};
use gemledger::{
    app::{
        CommandError,
        exchange::GITHUB_ISSUER,
        trust_roots::{Known, NewTrustRoot, Repository},
    },
    demo::sigstore::{Claims, Content, PrivateSigstore},
    sigstore::{Artifact, bundles, verify},
};
use serde_json::json;

use super::{
    app::{TestApp, job},
    given::{GITHUB, good},
};

/// A private instance, as old as the tests' ledgers.
pub(super) static SIGSTORE: LazyLock<PrivateSigstore> =
    LazyLock::new(|| PrivateSigstore::new(Timestamp::from_seconds(1_795_400_000)).unwrap());

pub(super) const LOGGED: Requires = Requires {
    log: true,
    sct: true,
    timestamp: false,
};

pub(super) fn root(name: &str, json: impl Into<Bytes>) -> NewTrustRoot {
    NewTrustRoot {
        slug: Slug::parse(name).unwrap(),
        json: json.into(),
        issuers: vec![GITHUB_ISSUER.to_owned()],
        public: false,
        requires: LOGGED,
        repository: None,
    }
}

pub(super) fn trusted_root() -> String {
    SIGSTORE.trusted_root().to_string()
}

pub(super) async fn record(app: &TestApp, new: NewTrustRoot) -> Result<u64, CommandError> {
    app.app.record_trust_root(new, Via::Console).await
}

async fn names(app: &TestApp, issuer: &str) -> Vec<String> {
    let roots = app.app.trust_roots_for(issuer).await.unwrap();
    let name = |root: &gemledger::app::trust_roots::TrustRoot| {
        let reference = &root.reference;
        format!("{}@{}", reference.stream.rest(), reference.revision)
    };
    roots.iter().map(name).collect()
}

#[tokio::test]
async fn a_recorded_root_verifies_a_bundle_of_its_issuers_jobs() {
    let app = TestApp::public().await;
    record(&app, root("own", trusted_root())).await.unwrap();
    let roots = app.app.trust_roots_for(GITHUB_ISSUER).await.unwrap();
    let [found] = roots.as_slice() else {
        panic!("{roots:?}")
    };
    assert_eq!((found.requires, found.public), (LOGGED, false));
    let gem = good("rake", "1.0.0");
    let claims = GITHUB.github_claims(&job("acme/rake"), "sigstore", app.clock.now(), "jti");
    let claims = Claims::github(&claims, "https://github.com");
    let bundle = SIGSTORE
        .attest(&claims, Content::File(&gem), app.clock.now())
        .unwrap();
    let part = [b"[".as_slice(), &bundle, b"]"].concat();
    let uploads = bundles(&part).unwrap();
    let artifact = Artifact {
        digest: events::digest::Digest::of(&gem),
        file_name: "rake-1.0.0.gem",
    };
    let now = app.clock.now().plus_seconds(1);
    verify(&found.root, &uploads[0], &artifact, GITHUB_ISSUER, now).unwrap();
    app.finish().await;
}

#[tokio::test]
async fn roots_are_found_by_their_issuer_in_the_order_of_their_names_each_in_its_newest_version() {
    let app = TestApp::public().await;
    assert_eq!(names(&app, GITHUB_ISSUER).await, Vec::<String>::new());
    record(&app, root("own", trusted_root())).await.unwrap();
    let known = |name: &str, known| NewTrustRoot::known(Slug::parse(name).unwrap(), known);
    record(&app, known("public-good", Known::PublicGood))
        .await
        .unwrap();
    record(&app, known("github", Known::Github)).await.unwrap();
    assert_eq!(
        names(&app, GITHUB_ISSUER).await,
        ["github@0", "own@0", "public-good@0"]
    );
    assert_eq!(names(&app, "https://gitlab.com").await, ["public-good@0"]);
    assert!(names(&app, "https://GITLAB.com").await.is_empty());
    let stricter = NewTrustRoot {
        requires: Requires {
            timestamp: true,
            ..LOGGED
        },
        ..root("own", trusted_root())
    };
    record(&app, stricter).await.unwrap();
    app.app
        .retire_trust_root(Slug::parse("github").unwrap())
        .await
        .unwrap();
    let found = names(&app, GITHUB_ISSUER).await;
    assert_eq!(found, ["own@1", "public-good@0"]);
    record(&app, known("github", Known::Github)).await.unwrap();
    let found = names(&app, GITHUB_ISSUER).await;
    assert_eq!(found, ["github@2", "own@1", "public-good@0"]);
    app.finish().await;
}

#[tokio::test]
async fn every_version_is_listed_and_served_with_its_very_bytes() {
    let app = TestApp::public().await;
    // White space that no writer of JSON would make again.
    let first = format!("  {}\n\n", trusted_root());
    record(&app, root("own", first.clone())).await.unwrap();
    record(&app, root("own", trusted_root())).await.unwrap();
    app.app
        .retire_trust_root(Slug::parse("own").unwrap())
        .await
        .unwrap();
    let answer = app.get("/api/v1/trust_roots/own/0.json").await.is(200);
    assert_eq!(answer.text(), first);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(
        answer
            .header("cache-control")
            .unwrap()
            .contains("immutable")
    );
    let answer = app.get("/api/v1/trust_roots/own/1.json").await.is(200);
    assert_eq!(answer.text(), trusted_root());
    let listed = app.get("/api/v1/trust_roots").await.is(200).json();
    let [own] = listed["trust_roots"].as_array().unwrap().as_slice() else {
        panic!("{listed}")
    };
    assert_eq!(
        (&own["name"], &own["retired"]),
        (&json!("own"), &json!(true))
    );
    let versions = own["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 2);
    assert_eq!(versions[0]["class"], "private log");
    assert_eq!(
        versions[0]["url"],
        "https://gems.example.com/api/v1/trust_roots/own/0.json"
    );
    assert_eq!(versions[0]["issuers"], json!([GITHUB_ISSUER]));
    for missing in [
        "own/2.json",
        "own/00.json",
        "own/x.json",
        "other/0.json",
        "OWN/0.json",
    ] {
        let path = format!("/api/v1/trust_roots/{missing}");
        app.get(&path)
            .await
            .refuses(404, "not_found", "no such version");
    }
    app.finish().await;
}

#[tokio::test]
async fn what_no_bundle_can_be_verified_with_is_refused_and_leaves_nothing() {
    let app = TestApp::public().await;
    record(&app, root("own", trusted_root())).await.unwrap();
    let before = app.traces().await;
    let mut without_log = SIGSTORE.trusted_root();
    without_log["tlogs"] = json!([]);
    let mut broken = SIGSTORE.trusted_root();
    broken["tlogs"][0]["publicKey"]["rawBytes"] = json!("AAAA");
    let nobody = NewTrustRoot {
        issuers: Vec::new(),
        ..root("other", trusted_root())
    };
    let nothing = NewTrustRoot {
        requires: Requires {
            log: false,
            sct: true,
            timestamp: false,
        },
        ..root("other", trusted_root())
    };
    let from = |url: &str, bootstrap: &[u8]| NewTrustRoot {
        repository: Some(Repository {
            url: url.to_owned(),
            bootstrap: Bytes::copy_from_slice(bootstrap),
        }),
        ..root("other", trusted_root())
    };
    let good = Known::PublicGood.bootstrap();
    for (new, said) in [
        (root("other", ""), "not a Sigstore trust root"),
        (root("other", "{}"), ""),
        (root("other", "not JSON"), "not a Sigstore trust root"),
        (root("other", vec![0xff; 10]), "not a Sigstore trust root"),
        (root("other", vec![b' '; 300_000]), "300000 bytes"),
        (
            root("other", without_log.to_string()),
            "no transparency logs",
        ),
        (root("other", broken.to_string()), ""),
        (nobody, "trust root's settings"),
        (nothing, "a transparency log or a timestamp"),
        (from("http://tuf.example.com", good), "not https"),
        (from("https://user@tuf.example.com", good), "user"),
        (from("https://tuf.example.com", b"{}"), "begins with"),
        // The same again: nothing new to say.
        (root("own", trusted_root()), "exists already"),
    ] {
        let error = record(&app, new).await.unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
        app.left_nothing(before).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn a_backup_has_every_file_that_trust_roots_name() {
    let app = TestApp::public().await;
    record(&app, root("own", trusted_root())).await.unwrap();
    let known = NewTrustRoot::known(Slug::parse("public-good").unwrap(), Known::PublicGood);
    record(&app, known).await.unwrap();
    let to = app.folder.path().join("backup");
    let now = app.clock.now();
    let taken =
        gemledger::app::recovery::backup::backup(&app.app.folder, &to, false, now, |_, _| {})
            .await
            .unwrap();
    // Two roots, and the metadata that one repository's trust began with.
    assert_eq!((taken.copied, taken.missing.len()), (3, 0));
    app.finish().await;
}

#[tokio::test]
async fn a_root_whose_file_was_lost_fails_closed() {
    let app = TestApp::public().await;
    record(&app, root("own", trusted_root())).await.unwrap();
    let blobs = app.app.folder.blobs();
    for file in super::app::files(&blobs) {
        std::fs::remove_file(file).unwrap();
    }
    let error = app.app.trust_roots_for(GITHUB_ISSUER).await.unwrap_err();
    assert!(error.to_string().contains("is not here"), "{error}");
    app.get("/api/v1/trust_roots/own/0.json").await.is(404);
    app.finish().await;
}
