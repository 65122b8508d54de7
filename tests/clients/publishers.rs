//! The requests of the published `configure_trusted_publisher`.
use std::fs;

use events::time::Timestamp;
use gemledger::demo::sigstore::PrivateSigstore;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    issuer::Issuer,
    ruby::{Edition, Gem, Ruby},
};
use crate::support::{
    http::{Answer, request},
    program::Ledger,
};

fn call(
    method: Method,
    ledger: &Ledger,
    path: &str,
    key: Option<&str>,
    body: Option<&Value>,
) -> Answer {
    let url = format!("{}/api/v1/gems/{path}", ledger.url());
    let mut headers = vec![("accept", "application/json")];
    headers.extend(key.map(|key| ("authorization", key)));
    headers.extend(body.map(|_| ("content-type", "application/json")));
    request(
        method,
        &url,
        &headers,
        body.map(Value::to_string).unwrap_or_default().as_bytes(),
    )
}

fn github(workflow: &str) -> Value {
    json!({
        "trusted_publisher_type": "OIDC::TrustedPublisher::GitHubAction",
        "trusted_publisher": {
            "repository_owner": "octo-org", "repository_name": "hello",
            "environment": "release", "workflow_filename": workflow,
        },
    })
}

#[test]
fn publishers_are_managed_by_an_owner_whose_key_has_the_scope() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let owner = ledger.key("alice", "push_rubygem,configure_trusted_publishers");
    let ruby = Ruby::new(Edition::Installed).with_key(&owner);
    ruby.release(&ledger.url(), &Gem::new("hello", "1.0.0"));
    let list =
        |key: Option<&str>| call(Method::GET, &ledger, "hello/trusted_publishers", key, None);
    assert_eq!(list(None).status, 401);
    assert_eq!(list(Some(&ledger.key("bob", "push_rubygem"))).status, 403);
    assert_eq!(
        list(Some(&ledger.key("eve", "configure_trusted_publishers"))).status,
        403
    );
    let mine = list(Some(&owner));
    assert_eq!((mine.status, mine.json()), (200, json!([])));
    assert_eq!(
        call(
            Method::GET,
            &ledger,
            "nowhere/trusted_publishers",
            Some(&owner),
            None
        )
        .status,
        404
    );
    assert_eq!(
        call(
            Method::GET,
            &ledger,
            "hello/trusted_publishers/7",
            Some(&owner),
            None
        )
        .status,
        404
    );
}

#[test]
fn a_publisher_that_cannot_be_is_refused_as_the_client_expects_it() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let owner = ledger.key("alice", "push_rubygem,configure_trusted_publishers");
    Ruby::new(Edition::Installed)
        .with_key(&owner)
        .release(&ledger.url(), &Gem::new("hello", "1.0.0"));
    let add = |body: &Value| {
        call(
            Method::POST,
            &ledger,
            "hello/trusted_publishers",
            Some(&owner),
            Some(body),
        )
    };
    let other = add(
        &json!({"trusted_publisher_type": "OIDC::TrustedPublisher::Other", "trusted_publisher": {}}),
    );
    assert_eq!(
        (other.status, &other.json()["error"]),
        (422, &json!("Unsupported trusted publisher type"))
    );
    // Its GitHub type means github.com and nothing else, and this registry does not know github.com.
    let issuer = Issuer::start();
    issuer.introduce(&ledger, "other");
    let unknown = add(&github("release.yml"));
    assert_eq!(unknown.status, 422, "{}", unknown.text());
    assert!(
        unknown.json()["error"]
            .as_str()
            .unwrap()
            .contains("GitHub is not registered"),
        "{}",
        unknown.text()
    );
    assert_eq!(add(&json!({"trusted_publisher": 1})).status, 400);
}

#[test]
fn an_owner_sees_and_removes_what_the_operator_added() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let owner = ledger.key("alice", "push_rubygem,configure_trusted_publishers");
    Ruby::new(Edition::Installed)
        .with_key(&owner)
        .release(&ledger.url(), &Gem::new("hello", "1.0.0"));
    let issuer = Issuer::start();
    issuer.introduce(&ledger, "hello");
    let listed = call(
        Method::GET,
        &ledger,
        "hello/trusted_publishers",
        Some(&owner),
        None,
    )
    .json();
    let publisher = &listed[0]["trusted_publisher"];
    assert_eq!(publisher["repository_owner"], "octo-org");
    assert_eq!(publisher["repository_owner_id"], "210414");
    assert_eq!(publisher["workflow_filename"], "release.yml");
    assert_eq!(publisher["environment"], "release");
    for null in ["workflow_repository_owner", "workflow_repository_name"] {
        assert_eq!(publisher.get(null), Some(&Value::Null), "{null}");
    }
    assert_ne!(
        listed[0]["trusted_publisher_type"],
        "OIDC::TrustedPublisher::GitHubAction"
    );

    let key = issuer.key(&ledger, "hello");
    let path = format!("hello/trusted_publishers/{}", listed[0]["id"]);
    assert_eq!(
        call(Method::GET, &ledger, &path, Some(&owner), None).json(),
        listed[0]
    );
    let removed = call(Method::DELETE, &ledger, &path, Some(&owner), None);
    assert_eq!((removed.status, removed.body.len()), (204, 0));
    assert_eq!(
        call(Method::DELETE, &ledger, &path, Some(&owner), None).status,
        404
    );
    // A key that was minted for it no longer pushes.
    let job = Ruby::new(Edition::Installed).with_key(&key);
    let next = job.build(&Gem::new("hello", "1.1.0"));
    job.push(&ledger.url(), &next)
        .ends(1, "You are not allowed to push this gem.");
    ledger.is_sound();
}

#[test]
fn publisher_add_prints_the_finished_workflow_for_this_server() {
    let ledger = Ledger::below("/ruby");
    let _server = ledger.serve();
    let issuer = Issuer::start();
    issuer.introduce(&ledger, "other");
    let add = [
        "publisher",
        "add",
        "hello",
        "--provider",
        "ci",
        "--repository",
        "octo-org/hello",
    ];
    let more = ["--workflow", "release.yml", "--environment", "release"];
    let added = ledger.run(&[add.as_slice(), more.as_slice()].concat()).ok();
    assert!(added.err.contains("pending publisher"), "{}", added.err);
    let workflow = added.out;
    for line in [
        "    environment: release".to_owned(),
        format!("          gem-server: {}", ledger.url()),
        format!("          audience: {}", ledger.address()),
        format!("      - run: gem push --host {} *.gem", ledger.url()),
    ] {
        assert!(
            workflow.lines().any(|have| have == line),
            "{line:?} is missing:\n{workflow}"
        );
    }
    assert!(!workflow.contains('%'), "{workflow}");
    let listed = ledger.run(&["publisher", "list", "hello"]).ok();
    assert!(
        listed
            .out
            .contains("octo-org/hello @ release.yml in release"),
        "{}",
        listed.out
    );
}

#[test]
fn the_workflow_signs_as_soon_as_the_root_that_vouches_for_its_provider_is_the_signers() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let issuer = Issuer::start();
    issuer.introduce(&ledger, "hello");
    let printed = || ledger.run(&["publisher", "workflow", "hello"]).ok().out;
    assert!(!printed().contains("--attestation"), "{}", printed());

    let sigstore = PrivateSigstore::new(Timestamp::from_seconds(1_795_400_000)).unwrap();
    let root = ledger.beside("trusted_root.json");
    fs::write(&root, sigstore.trusted_root().to_string()).unwrap();
    let add = ["trust-root", "add", "own", root.to_str().unwrap()];
    let issuer = ["--issuer", issuer.url()];
    ledger
        .run(&[add.as_slice(), issuer.as_slice()].concat())
        .ok();
    // The signer would sign with the public-good instance, for which this root does not vouch.
    let own = printed();
    assert!(own.contains("of the trust root own, and add --attestation"));
    assert!(!own.contains("sigstore-cli"), "{own}");
    let add = ["trust-root", "add", "public", "--from", "public-good"];
    ledger
        .run(&[add.as_slice(), issuer.as_slice()].concat())
        .ok();
    let signs = printed();
    for part in [
        "gem exec sigstore-cli:0.2.3 sign \"$gem\"",
        "--attestation \"$gem.sigstore.json\" \"$gem\"",
    ] {
        assert!(signs.contains(part), "{part:?} is missing:\n{signs}");
    }
    assert!(!signs.contains('%'), "{signs}");
    ledger
        .run(&["publisher", "workflow", "nothing"])
        .ends(2, "nothing has no such publisher");
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the program has the real clock, and time must pass without an event"
)]
fn a_workflow_names_the_audience_in_force_whatever_waits_or_has_taken_effect_without_an_event() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let issuer = Issuer::start();
    issuer.introduce(&ledger, "other");
    // A provider that is older than the delay, which outlasts a few starts of the program however slow they are.
    let start = std::time::Instant::now();
    ledger.run(&["provider", "list"]).ok();
    let delay = format!("{}s", 8 + 10 * start.elapsed().as_secs());
    ledger
        .run(&["log", "rules", "set", "--loosening-delay", &delay])
        .ok();
    let provider = [
        "provider",
        "add",
        "ci",
        "--kind",
        "github",
        "--issuer",
        issuer.url(),
    ];
    let later = ["--audience", "later.example.com"];
    let later = [provider.as_slice(), &later].concat();
    let effective = ledger.json(&later)["effective"].clone();
    let effective = Timestamp::parse(effective.as_str().unwrap()).unwrap();
    let workflow = |gem: &str| {
        let repository = format!("octo-org/{gem}");
        let add = [
            "publisher",
            "add",
            gem,
            "--provider",
            "ci",
            "--workflow",
            "release.yml",
        ];
        let more = ["--repository", repository.as_str()];
        ledger.run(&[add.as_slice(), &more].concat()).ok().out
    };
    let audience = |audience: &str| format!("          audience: {audience}\n");
    assert!(workflow("hello").contains(&audience(ledger.address())));
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis();
    let wait = (effective.millis() + 100).saturating_sub(u64::try_from(now).unwrap());
    std::thread::sleep(std::time::Duration::from_millis(wait));
    assert!(workflow("world").contains(&audience("later.example.com")));
    // Corrected within the delay: by what was in force a moment ago, or only after it.
    let strict = [
        "--audience",
        "later.example.com",
        "--require",
        "enterprise=acmee",
    ];
    let strict = ledger.json(&[provider.as_slice(), &strict].concat());
    assert_eq!(strict["why"], "nothing_loosened");
    let corrected = ledger.json(&later);
    assert_eq!(
        (&corrected["why"], &corrected["effective"]),
        (&json!("taken_back"), &Value::Null)
    );
    ledger.is_sound();
}
