//! The registry's own word: which bytes, of which key, and that another word, or none, is found.
use deciders::{
    Code, ledger,
    statement::{self, Facts, policy_digest},
};
use events::{
    Body, Recorded,
    attestation::{Attested, Compared, Field, LogEntry},
    digest::Digest,
    gem::Pushed,
    id::{Actor, Owner, Via},
    provider::{KeyPart, PublicJwk},
    stream::{EventRef, StreamName},
};

use crate::{
    fixtures::{account_id, folded, publisher, slug, statement_key, text},
    forge::found,
    history::{History, audit},
    job::job,
    release::release,
};

/// A ledger with a statement key, and `rake` 1.0 released by its publisher.
fn spoken() -> History {
    let mut history = History::public();
    history.introduce("a").unwrap();
    history.add("rake", publisher()).unwrap();
    let key = history.exchange(&job(1)).unwrap();
    history.released(key, &release("rake", "1.0"));
    history
}

fn pushed(history: &History) -> (&Pushed, &Recorded) {
    let last = history.log.last().unwrap();
    let Body::ReleasePushed(pushed) = &last.event.body else {
        panic!("no release");
    };
    (pushed, last)
}

fn said(history: &History, attested: &[&Attested]) -> String {
    let (pushed, recorded) = pushed(history);
    let facts = Facts {
        pushed,
        policy: &history.policy(pushed.name.as_str()).digest.unwrap(),
        attested,
        time: recorded.event.time,
    };
    let statement = statement::of(&history.ledger(), &facts).unwrap();
    String::from_utf8(statement).unwrap()
}

#[test]
fn the_statement_of_a_trusted_push_is_these_bytes() {
    let history = spoken();
    let (release, _) = pushed(&history);
    let statement = said(&history, &[]);
    let policy = history.policy("rake").digest.unwrap().hex();
    let digest = release.digest.hex();
    let expected = concat!(
        r#"{"_type":"https://in-toto.io/Statement/v1","predicate":{"inputAttestations":[],"#,
        r#""policy":{"digest":{"sha256":"POLICY"},"#,
        r#""uri":"https://gems.example.com/api/v1/ledger/events?stream=policy/rake#3"},"#,
        r#""resourceUri":"pkg:gem/rake@1.0?repository_url=gems.example.com","slsaVersion":"1.1","#,
        r#""timeVerified":"2026-11-23T02:55:07.000Z","verificationResult":"PASSED","#,
        r#""verifiedLevels":["SLSA_BUILD_LEVEL_0","GEMLEDGER_TRUSTED_PUBLISHING"],"#,
        r#""verifier":{"id":"https://gems.example.com"}},"#,
        r#""predicateType":"https://slsa.dev/verification_summary/v1","#,
        r#""subject":[{"digest":{"sha256":"DIGEST"},"name":"rake-1.0.gem"}]}"#,
    );
    let expected = expected
        .replace("POLICY", &policy)
        .replace("DIGEST", &digest);
    assert_eq!(statement, expected);
    assert_eq!(release.statement, Some(Digest::of(statement.as_bytes())));
    // The keys of every object stand in order, so whoever writes canonical JSON writes these bytes.
    let value: serde_json::Value = serde_json::from_str(&statement).unwrap();
    assert_eq!(serde_json::to_string(&value).unwrap(), statement);
}

#[test]
fn the_digest_of_a_policy_follows_from_its_events_alone() {
    let history = spoken();
    let stream = StreamName::policy(&folded("rake"));
    let events = history.log.iter().map(|recorded| &recorded.event);
    let digest = events.filter(|event| event.stream == stream).fold(
        None,
        |before: Option<Digest>, event| {
            let mut bytes = before.map_or(vec![0; 32], |before| before.as_bytes().to_vec());
            bytes.extend(event.body.event_type().name.bytes());
            bytes.push(b'\n');
            bytes.extend(event.body.data().unwrap());
            Some(Digest::of(&bytes))
        },
    );
    assert_eq!(history.policy("rake").digest, digest);
    let other = Body::OwnerAdded(events::policy::OwnerAdded {
        effective: None,
        owner: Owner::Operator,
    });
    assert_ne!(Some(policy_digest(digest.as_ref(), &other)), digest);
}

fn attested(history: &History, builder: Option<&str>, runner: &str, logged: bool) -> Attested {
    let (release, recorded) = pushed(history);
    let compared = |field, value: &str| Compared {
        certificate: text(value),
        expected: text(value),
        field,
    };
    let provenance = builder.map(|_| text("https://slsa.dev/provenance/v1"));
    Attested {
        builder: builder.map(text),
        bundle: Digest::of(b"bundle"),
        certificate: Digest::of(b"certificate"),
        compared: vec![
            compared(Field::Run, "9876543210"),
            compared(Field::Runner, runner),
        ],
        digest: release.digest,
        entry: logged.then(|| LogEntry {
            index: text("42"),
            log: text("rekor"),
        }),
        name: release.name.clone(),
        number: release.number.clone(),
        platform: release.platform.clone(),
        predicate: provenance,
        public: logged,
        root: EventRef {
            revision: 0,
            stream: StreamName::trust_root(&slug("public-good")),
        },
        sct: true,
        signed: recorded.event.time,
        timestamp: !logged,
    }
}

#[test]
fn a_level_is_said_only_where_it_was_earned() {
    let history = spoken();
    let slsa = Some("https://github.com/ruby/rake/.github/workflows/release.yml@refs/tags/v1.0");
    let levels = |attested: &[&Attested]| {
        let statement: serde_json::Value = serde_json::from_str(&said(&history, attested)).unwrap();
        let levels = statement["predicate"]["verifiedLevels"].clone();
        serde_json::from_value::<Vec<String>>(levels).unwrap()[..].join(" ")
    };
    let trusted = "GEMLEDGER_TRUSTED_PUBLISHING";
    for (builder, runner, logged, build, class) in [
        (
            None,
            "github-hosted",
            true,
            0,
            "GEMLEDGER_ATTESTED_SAME_RUN",
        ),
        (
            None,
            "github-hosted",
            false,
            0,
            "GEMLEDGER_ATTESTED_SAME_RUN_UNLOGGED",
        ),
        (slsa, "self-hosted", true, 1, "GEMLEDGER_ATTESTED_SAME_RUN"),
        (
            slsa,
            "github-hosted",
            true,
            2,
            "GEMLEDGER_ATTESTED_SAME_RUN",
        ),
        (
            slsa,
            "gitlab-hosted",
            false,
            2,
            "GEMLEDGER_ATTESTED_SAME_RUN_UNLOGGED",
        ),
    ] {
        let attested = attested(&history, builder, runner, logged);
        let expected = format!("SLSA_BUILD_LEVEL_{build} {trusted} {class}");
        assert_eq!(levels(&[&attested]), expected);
    }
    // Neither a run nor a job was compared: whose run it was is not said.
    let mut other = attested(&history, slsa, "github-hosted", true);
    other.compared.remove(0);
    assert_eq!(levels(&[&other]), format!("SLSA_BUILD_LEVEL_2 {trusted}"));
    // Several bundles: the best of each, and every one of them is named.
    let (logged, provenance) = (
        attested(&history, None, "github-hosted", true),
        attested(&history, slsa, "github-hosted", false),
    );
    let both = [&provenance, &logged];
    assert_eq!(
        levels(&both),
        format!("SLSA_BUILD_LEVEL_2 {trusted} GEMLEDGER_ATTESTED_SAME_RUN")
    );
    // Each is fetched where its very bytes are.
    let hex = logged.bundle.hex();
    let uri = format!(r#""uri":"https://gems.example.com/api/v1/attestations/sha256/{hex}"}}"#);
    assert_eq!(said(&history, &both).matches(&uri).count(), 2);
    // A builder that nobody compared earns what any provenance does.
    let mut unnamed = attested(&history, slsa, "github-hosted", true);
    unnamed.builder = None;
    assert!(levels(&[&unnamed]).starts_with("SLSA_BUILD_LEVEL_1 "));
}

#[test]
fn a_person_s_push_has_level_0_and_a_platform_is_part_of_its_address() {
    let mut history = History::public();
    history.introduce("a").unwrap();
    history.create_account(account_id(1)).unwrap();
    let scopes = [events::api_key::Scope::PushRubygem];
    let key = history.issue(account_id(1), &scopes, |_| {}).unwrap();
    history.released(key, &release("Thor_x", "1.0.a").platform("x86_64-linux"));
    let statement = said(&history, &[]);
    for part in [
        r#""verifiedLevels":["SLSA_BUILD_LEVEL_0"],"#,
        r#""resourceUri":"pkg:gem/Thor_x@1.0.a?platform=x86_64-linux&repository_url=gems.example.com","#,
        r#""name":"Thor_x-1.0.a-x86_64-linux.gem""#,
    ] {
        assert!(statement.contains(part), "{statement}");
    }
}

#[test]
fn a_release_before_the_first_key_says_nothing_and_later_ones_follow_their_key() {
    let mut history = History::public();
    history.add("rake", publisher()).unwrap();
    let key = history.exchange(&job(1)).unwrap();
    history.released(key, &release("rake", "1.0"));
    assert_eq!(pushed(&history).0.statement, None);
    history.introduce("a").unwrap();
    history.introduce("b").unwrap();
    assert_eq!(history.ledger().statement_key(), Some(&statement_key("b")));
    let key = history.exchange(&job(2)).unwrap();
    history.released(key, &release("rake", "2.0"));
    assert!(pushed(&history).0.statement.is_some());
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_key_is_introduced_once_and_is_an_ed25519_key() {
    let mut history = spoken();
    assert_eq!(
        history.introduce("a").unwrap_err().code,
        Code::AlreadyExists
    );
    let part = |text: &str| Some(KeyPart::parse(text).unwrap());
    let good = statement_key("b");
    let text = good.x.clone().unwrap();
    let two_spellings = format!("{}B", &text.as_str()[..42]);
    for bad in [
        PublicJwk {
            crv: part("X25519"),
            ..good.clone()
        },
        PublicJwk {
            crv: None,
            ..good.clone()
        },
        PublicJwk {
            kty: part("EC").unwrap(),
            ..good.clone()
        },
        PublicJwk {
            x: None,
            ..good.clone()
        },
        PublicJwk {
            x: part("AQAB"),
            ..good.clone()
        },
        PublicJwk {
            x: part(&two_spellings),
            ..good.clone()
        },
        PublicJwk {
            y: good.x.clone(),
            ..good.clone()
        },
        PublicJwk {
            n: good.x.clone(),
            ..good.clone()
        },
    ] {
        let denial = ledger::introduce_statement_key(&history.ledger(), bad).unwrap_err();
        assert_eq!(denial.code, Code::StatementKeyInvalid);
    }
    assert!(history.introduce("b").is_ok());
}

/// The code of what is found when the last release says this of its statement.
fn lie(history: &mut History, statement: Option<Digest>) -> &'static str {
    let last = history.log.len() - 1;
    let group = history.log[last].event.request;
    if let Body::ReleasePushed(pushed) = &mut history.log[last].event.body {
        pushed.statement = statement;
    }
    let mut events = history.log.iter();
    let from = events.position(|recorded| recorded.event.request == group);
    found(history, from.unwrap())
}

#[test]
fn another_word_no_word_and_a_word_without_a_key_are_found() {
    assert_eq!(lie(&mut spoken(), Some(Digest::of(b"another"))), "events");
    assert_eq!(lie(&mut spoken(), None), "events");
    let mut mute = crate::forge::rake();
    assert_eq!(lie(&mut mute, Some(Digest::of(b"a word"))), "events");
    // The word on what was another policy, or a minute later, is another word.
    let mut history = spoken();
    let last = history.log.len() - 1;
    let before = &mut history.log[last - 1].event;
    assert!(matches!(before.body, Body::FileTaken(_)));
    for recorded in &mut history.log[last - 2..] {
        recorded.event.time = recorded.event.time.plus_seconds(60);
    }
    assert_eq!(found(&history, 0), "events");
}

#[test]
fn a_key_that_nobody_may_introduce_is_found() {
    let mut history = spoken();
    let (from, alice) = (history.log.len(), Actor::Account(account_id(1)));
    let ledger = history.ledger();
    let drafts = ledger::introduce_statement_key(&ledger, statement_key("b")).unwrap();
    history.append(&alice, Via::Http, drafts.clone());
    assert_eq!(found(&history, from), "actor");
    let mut history = spoken();
    history.append(&Actor::Operator, Via::Server, drafts.clone());
    let from = history.log.len();
    history.append(&Actor::Operator, Via::Server, drafts);
    assert_eq!(found(&history, from), "already_exists");
}
