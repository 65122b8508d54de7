//! What weakens a proven way: a private log, a bundle that is missing, a token that is sealed; and what strangers write in it.
use events::{claims::ProviderKind, id::Via, text::Slug, trust_root::Requires};
use gemledger::{
    app::{exchange::GITHUB_ISSUER, trust_roots::NewTrustRoot},
    demo::issuer::GithubJob,
};
use serde_json::{Value, json};

use super::{
    app::{Setup, TestApp, job},
    attested::{LOGGED, SIGSTORE, certified, provenance, signed, stamped, start, stated, trusting},
    given::{GITHUB, good},
    way::{drawing, known, link, record, stated_as},
};

const PAGE: &str = "/gems/rake/versions/1.0.0";
/// The links that a bundle proves.
const CERTIFIED: [&str; 6] = [
    "repository",
    "commit",
    "workflow",
    "run",
    "certificate",
    "log_entry",
];

/// An attested `rake` 1.0.0.
async fn attested() -> TestApp {
    let app = trusting().await;
    let gem = good("rake", "1.0.0");
    app.attest_rake(&signed(&gem, &certified(&job("acme/rake"))))
        .await
        .is(200);
    app
}

fn bundle(app: &TestApp, record: &Value) -> std::path::PathBuf {
    let digest = record["attestations"][0]["bundle"].as_str().unwrap();
    let hex = digest.strip_prefix("sha256:").unwrap();
    app.app.folder.blobs().join(&hex[..2]).join(&hex[2..])
}

#[actix_web::test]
async fn what_a_missing_bundle_proved_is_the_registrys_word_until_it_is_back() {
    let app = attested().await;
    let before = record(&app).await;
    assert_eq!(before["attestations"][0]["kept"], true);
    assert_eq!(before["source"]["certified"]["commit"], 0);
    let (place, aside) = (bundle(&app, &before), app.folder.path().join("aside"));
    std::fs::rename(&place, &aside).unwrap();
    let missing = record(&app).await;
    assert_eq!(missing["attestations"][0]["kept"], false);
    assert_eq!(missing["evidence"]["attestations"], Value::Null);
    assert_eq!(missing["source"]["certified"], json!({}));
    assert_eq!(stated_as(&missing, "attestation"), "stated_by_registry");
    for name in CERTIFIED {
        let link = link(&missing, name);
        assert_eq!(link["known"], "stated_by_registry", "{name}");
        let how = link["how"].as_str().unwrap();
        assert!(how.contains("The bundle is missing here"), "{how}");
    }
    let page = app.get(PAGE).await.is(200);
    assert_eq!(page.text().matches("bundle missing").count(), 6);
    assert!(page.text().contains("a bundle is missing"));
    let drawn = drawing(&app, "rake");
    assert!(
        drawn.contains("◐ commit stated by this registry, its bundle is missing"),
        "{drawn}"
    );
    std::fs::rename(&aside, &place).unwrap();
    assert_eq!(record(&app).await, before);
    app.finish().await;
}

#[actix_web::test]
async fn a_private_log_is_told_on_every_link_that_it_vouches_for() {
    let app = TestApp::with(Setup {
        now: start(),
        ..Setup::default()
    })
    .await;
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    app.publisher("rake", "acme/rake").await;
    let root = NewTrustRoot {
        slug: Slug::parse("own").unwrap(),
        json: SIGSTORE.trusted_root().to_string().into(),
        issuers: vec![GITHUB_ISSUER.to_owned()],
        public: false,
        requires: LOGGED,
        repository: None,
    };
    app.app.record_trust_root(root, Via::Console).await.unwrap();
    let gem = good("rake", "1.0.0");
    app.attest_rake(&signed(&gem, &certified(&job("acme/rake"))))
        .await
        .is(200);
    let record = record(&app).await;
    for name in CERTIFIED {
        let link = link(&record, name);
        assert_eq!(link["weaker"], "private_log", "{name}");
        let how = link["how"].as_str().unwrap();
        assert!(how.contains("to whoever trusts own"), "{how}");
    }
    assert_eq!(record["attestations"][0]["root"]["public"], false);
    assert_eq!(record["attestations"][0]["class"], "private log");
    let roots = app.get("/api/v1/trust_roots").await.is(200).json();
    let version = &roots["trust_roots"][0]["versions"][0];
    assert_eq!(version["class"], "private log");
    let rows = format!("SELECT public FROM {}", projections::tables::ATTESTATION);
    let public: Vec<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(rows))
        .fetch_all(app.app.reader.pool())
        .await
        .unwrap();
    assert_eq!(public, [0]);
    let page = app.get(PAGE).await.is(200);
    assert!(page.text().contains("version 0, with a private log"));
    let drawn = drawing(&app, "rake");
    assert!(
        drawn.contains("● commit proven, in a private log"),
        "{drawn}"
    );
    app.finish().await;
}

#[actix_web::test]
async fn of_several_bundles_the_source_stands_on_the_strongest_that_is_here() {
    let app = trusting().await;
    let weaker = Requires {
        log: false,
        sct: false,
        timestamp: true,
    };
    app.trusts("weak", &SIGSTORE, weaker).await;
    let (gem, claims) = (good("rake", "1.0.0"), certified(&job("acme/rake")));
    let bundles = [
        stamped(&gem, &claims),
        stated(&provenance("rake-1.0.0.gem", &gem, &claims), &claims),
    ];
    let key = app.key_of(&job("acme/rake")).await;
    app.attest(&key, &gem, &bundles).await.is(200);
    let both = record(&app).await;
    let classes = [0, 1].map(|at| both["attestations"][at]["class"].clone());
    assert_eq!(classes, ["timestamp", "public log"]);
    let commit = link(&both, "commit");
    assert_eq!(
        (&commit["attestation"], &commit["weaker"]),
        (&json!(1), &Value::Null)
    );
    // Without it, the weaker one is still proven.
    let digest = both["attestations"][1]["bundle"].as_str().unwrap();
    let hex = digest.strip_prefix("sha256:").unwrap();
    let blobs = app.app.folder.blobs();
    let (place, aside) = (
        blobs.join(&hex[..2]).join(&hex[2..]),
        app.folder.path().join("aside"),
    );
    std::fs::rename(&place, &aside).unwrap();
    let one = record(&app).await;
    let commit = link(&one, "commit");
    assert_eq!(
        (&commit["attestation"], &commit["known"]),
        (&json!(0), &json!("proven"))
    );
    assert_eq!(commit["weaker"], "no_log");
    std::fs::rename(&aside, &place).unwrap();
    app.finish().await;
}

#[actix_web::test]
async fn an_opened_token_is_told_with_who_was_shown_it_and_when() {
    let app = attested().await;
    let sealed = record(&app).await;
    let release = sealed["chain"]["release"]["log_index"].as_u64().unwrap();
    let how = |record: &Value, name: &str| link(record, name)["how"].as_str().unwrap().to_owned();
    assert!(how(&sealed, "identity_token").contains("It is sealed"));
    app.app.evidence(release).await.unwrap();
    app.pass(60);
    let opened = app.app.evidence(release).await.unwrap();
    let after = record(&app).await;
    // Twice by the same, told once.
    assert_eq!(after["since"].as_array().unwrap().len(), 1);
    assert_eq!(after["since"][0]["log_index"], opened.index);
    let time = after["since"][0]["time"].as_str().unwrap();
    let words = format!(
        "opened for the operator at {time}, log index {}",
        opened.index
    );
    assert!(how(&after, "identity_token").contains(&words), "{after}");
    // Who was not shown it has still nothing but the registry's word.
    assert_eq!(known(&after), known(&sealed));
    assert_eq!(stated_as(&after, "same_run"), "stated_by_registry");
    let page = app.get(PAGE).await.is(200);
    assert!(page.text().contains("<span class=\"tag\">opened</span>"));
    let drawn = drawing(&app, "rake");
    assert!(
        drawn.contains("identity token stated by this registry, opened"),
        "{drawn}"
    );
    app.finish().await;
}

#[actix_web::test]
async fn what_no_certificate_says_stays_the_tokens_word_on_page_and_in_the_record() {
    let app = trusting().await;
    let (signing, pushing) = (
        job("acme/rake"),
        GithubJob {
            environment: Some("release".into()),
            ref_protected: true,
            run_attempt: 2,
            ..job("acme/rake")
        },
    );
    let gem = good("rake", "1.0.0");
    let key = app.key_of(&pushing).await;
    app.attest(&key, &gem, &[signed(&gem, &certified(&signing))])
        .await
        .is(200);
    let record = record(&app).await;
    assert_eq!(record["source"]["known"], "stated_by_registry");
    let certified = record["source"]["certified"].as_object().unwrap();
    for claim in [
        "commit",
        "issuer",
        "repository",
        "repository_id",
        "run_id",
        "runner",
    ] {
        assert_eq!(certified[claim], 0, "{claim}");
    }
    for claim in ["environment", "ref_protected", "run_attempt"] {
        assert!(!certified.contains_key(claim), "{claim}");
    }
    let page = app.get(PAGE).await.is(200);
    for (name, words) in [
        ("Commit", "proven"),
        ("Environment", "stated by this registry"),
        ("Protected ref", "stated by this registry"),
        ("Attempt", "stated by this registry"),
    ] {
        let (_, row) = page.text().split_once(&format!("<dt>{name}</dt>")).unwrap();
        let (row, _) = row.split_once("</div>").unwrap();
        assert!(row.contains(words), "{name}: {row}");
    }
    app.finish().await;
}

#[actix_web::test]
async fn what_strangers_write_into_tokens_and_certificates_is_text_on_page_and_terminal() {
    let app = trusting().await;
    let hostile = GithubJob {
        environment: Some("<img src=x onerror=alert(1)>".into()),
        git_ref: "refs/tags/v1.0.0\"><script>alert(1)</script>".into(),
        runner: "self\u{1b}[31m\u{202e}hosted".into(),
        commit: "</code><b>javascript:alert(1)</b>".into(),
        ..job("acme/rake")
    };
    let gem = good("rake", "1.0.0");
    let key = app.key_of(&hostile).await;
    app.attest(&key, &gem, &[signed(&gem, &certified(&hostile))])
        .await
        .is(200);
    let page = app.get(PAGE).await.is(200);
    let text = page.text();
    for bad in [
        "<script",
        "<img src=x",
        "<b>",
        "\u{1b}",
        "\u{202e}",
        "<style",
        " style=",
        " onerror=\"",
    ] {
        assert!(!text.contains(bad), "{bad}");
    }
    assert!(text.contains("&#60;script&#62;"));
    for (place, _) in text.match_indices("href=\"") {
        let target = text[place + 6..].split('"').next().unwrap();
        assert!(
            ["/", "#", "https://"]
                .iter()
                .any(|start| target.starts_with(start)),
            "{target}"
        );
    }
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'self';"),
        "{policy}"
    );
    assert!(!policy.contains("script-src"), "{policy}");
    let record = record(&app).await;
    assert_eq!(link(&record, "commit")["url"], Value::Null);
    let drawn = drawing(&app, "rake");
    for bad in ['\u{1b}', '\u{202e}'] {
        assert!(!drawn.contains(bad) && !record.to_string().contains(bad));
    }
    app.finish().await;
}
