//! What the operator does: opening, providers, accounts, keys, erasure.
use deciders::{Code, Denial};
use events::{
    Body,
    api_key::Scope,
    claims::ProviderKind,
    log::{Rules, Succeeded, Visibility},
    provider::{ClaimName, Registered},
    stream::StreamName,
};

use crate::{
    fixtures::{
        account_id, api_key_id, folded, generic, github, gitlab, key_called, observed_key,
        publisher, rules, slug, text,
    },
    history::{History, audit},
    job::job,
};

fn code<T>(outcome: Result<T, Denial>) -> Result<T, Code> {
    outcome.map_err(|denial| denial.code)
}

#[test]
fn a_ledger_is_opened_once() {
    let mut history = History::public();
    assert_eq!(
        code(history.open(Visibility::Private)),
        Err(Code::AlreadyExists)
    );
    assert!(history.ledger().is_public());
    assert_eq!(
        history.ledger().origin(),
        Some(&text("gems.example.com/log/1"))
    );
}

#[test]
fn a_log_goes_on_under_the_next_number_and_nothing_else() {
    let mut history = History::public();
    let good = history.successor();
    let with = |change: &dyn Fn(&mut Succeeded)| {
        let mut other = good.clone();
        change(&mut other);
        other
    };
    for wrong in [
        with(&|other| other.origin = text("gems.example.com/log/3")),
        with(&|other| other.origin = text("gems.example.com/log/1")),
        with(&|other| other.origin = text("evil.example.com/log/2")),
        with(&|other| other.vkey = other.old_vkey.clone()),
        with(&|other| other.vkey = text("gems.example.com/log/3+00000000+AQID")),
        with(&|other| other.old_vkey = text("gems.example.com/log/1+00000001+AQID")),
        with(&|other| other.old_origin = text("gems.example.com/log/0")),
        with(&|other| other.size += 1),
    ] {
        assert_eq!(code(history.succeed(wrong)), Err(Code::SuccessorInvalid));
    }
    history.succeed(good.clone()).unwrap();
    assert_eq!(history.ledger().origin(), Some(&good.origin));
    assert_eq!(history.ledger().vkey(), Some(&good.vkey));
    assert_eq!(code(history.succeed(good)), Err(Code::SuccessorInvalid));
}

#[test]
fn rules_change_to_something_else_that_is_known() {
    let mut history = History::public();
    assert_eq!(
        code(history.change_rules(2, rules(0))),
        Err(Code::AlreadyExists)
    );
    assert_eq!(
        code(history.change_rules(3, rules(0))),
        Err(Code::UnknownEdition)
    );
    let rules = Rules {
        leeway_seconds: 10,
        ..rules(0)
    };
    history.change_rules(2, rules).unwrap();
    assert_eq!(history.ledger().rulebook().unwrap().rules, rules);
}

#[test]
fn accounts_and_tokens_can_be_erased_and_nothing_else() {
    let mut history = History::public();
    history.create_account(account_id(1)).unwrap();
    history.add("rake", publisher()).unwrap();
    history.exchange(&job(1)).unwrap();
    let token = history.log[history.log.len() - 2].event.stream.clone();
    history.erase(token).unwrap();
    history.erase(StreamName::account(account_id(1))).unwrap();
    history.erase(StreamName::account(account_id(1))).unwrap();
    let policy = StreamName::policy(&folded("rake"));
    assert_eq!(code(history.erase(policy)), Err(Code::NotFound));
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_provider_is_registered_with_its_issuer_and_its_first_keys() {
    let mut history = History::public();
    let before = history.log.len();
    history.register("gitlab", gitlab(), &["g1", "g2"]).unwrap();
    assert_eq!(
        history.types_since(before),
        [
            "issuer.taken",
            "provider.registered",
            "provider.keys_observed"
        ]
    );
    assert_eq!(
        code(history.register("gitlab", gitlab(), &["g1"])),
        Err(Code::AlreadyExists)
    );
    let before = history.log.len();
    history.register("gitlab", gitlab(), &["g3"]).unwrap();
    assert_eq!(history.types_since(before), ["provider.keys_observed"]);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn an_issuer_belongs_to_one_provider_for_good() {
    let mut history = History::public();
    let denial = history.register("mirror", github(), &[]).unwrap_err();
    assert_eq!(
        (denial.code, denial.found.as_deref()),
        (Code::IssuerTaken, Some("github"))
    );
    history.disable_provider("github").unwrap();
    assert_eq!(
        code(history.register("mirror", github(), &[])),
        Err(Code::IssuerTaken)
    );
    let renamed = Registered {
        issuer: text("https://github.example.com"),
        ..github()
    };
    assert_eq!(
        code(history.register("github", renamed, &[])),
        Err(Code::ProviderInvalid)
    );
    history.register("github", github(), &[]).unwrap();
    assert!(history.provider("github").live(history.now).is_ok());
    assert_eq!(
        code(history.disable_provider("gitlab")),
        Err(Code::ProviderUnknown)
    );
    assert_eq!(audit(&history.log), []);
}

#[test]
fn settings_that_contradict_one_another_are_invalid() {
    let mut history = History::public();
    let mut refused = |change: &dyn Fn(&mut Registered)| {
        let mut settings = gitlab();
        change(&mut settings);
        let outcome = history.register("gitlab", settings.clone(), &[]);
        assert_eq!(code(outcome), Err(Code::ProviderInvalid), "{settings:?}");
    };
    refused(&|it| it.algorithms.clear());
    refused(&|it| it.kind = ProviderKind::Generic);
    refused(&|it| it.mapping = generic().mapping);
    refused(&|it| {
        let claims = (0..21).map(|n| (ClaimName::parse(&format!("c{n}")).unwrap(), text("x")));
        it.required = claims.collect();
    });
    for url in [
        "http://gitlab.example.com",
        "http://127.0.0.1:8080",
        "ftp://127.0.0.1",
        "https://",
        "gitlab.example.com",
    ] {
        refused(&|it| it.jwks_uri = text(url));
        refused(&|it| it.issuer = text(url));
    }
    for url in [
        "http://localhost/jwks",
        "http://127.0.0.1.evil.example/jwks",
        "http://127.0.0.1:80@evil.example/jwks",
        "http://10.0.0.1/jwks",
    ] {
        refused(&|it| {
            it.loopback = true;
            it.jwks_uri = text(url);
        });
    }
    let kind = Registered {
        kind: ProviderKind::Gitlab,
        ..github()
    };
    assert_eq!(
        code(history.register("github", kind, &[])),
        Err(Code::ProviderInvalid)
    );
}

#[test]
fn a_test_provider_may_speak_plain_http_from_this_machine() {
    for url in [
        "http://127.0.0.1:9000",
        "http://[::1]:9000/x",
        "http://127.1.2.3/",
    ] {
        let mut history = History::public();
        let local = Registered {
            issuer: text(url),
            jwks_uri: text(url),
            loopback: true,
            ..gitlab()
        };
        history.register("local", local, &[]).unwrap();
    }
}

#[test]
fn each_key_is_recorded_once_and_at_most_twenty_in_one_event() {
    let mut history = History::public();
    let keys: Vec<_> = (0..45)
        .map(|number| observed_key(&format!("n{number}")))
        .collect();
    let before = history.log.len();
    history.observe("github", &keys);
    let sizes: Vec<_> = history.log[before..]
        .iter()
        .map(|recorded| {
            let Body::ProviderKeysObserved(observed) = &recorded.event.body else {
                panic!("{recorded:?}")
            };
            observed.keys.len()
        })
        .collect();
    assert_eq!(sizes, [20, 20, 5]);
    let before = history.log.len();
    history.observe("github", &keys);
    history.observe(
        "github",
        &[observed_key("k1"), key_called("other name", "k1")],
    );
    assert_eq!(history.log.len(), before);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_key_that_is_not_what_it_says_is_left_out() {
    let mut history = History::public();
    let mut swapped = observed_key("a");
    swapped.thumbprint = observed_key("b").thumbprint;
    let mut symmetric = observed_key("c");
    symmetric.jwk.kty = observed_key("c").jwk.kty.clone();
    symmetric.jwk.x.clone_from(&symmetric.jwk.n);
    symmetric.thumbprint = symmetric.jwk.thumbprint();
    let before = history.log.len();
    history.observe("github", &[swapped, symmetric]);
    history.observe("nobody", &[observed_key("d")]);
    assert_eq!(history.log.len(), before);
}

#[test]
fn the_largest_keys_fit_into_a_leaf() {
    let mut history = History::public();
    let kid = "\"".repeat(255);
    let keys: Vec<_> = (0..20)
        .map(|number| {
            let mut key = observed_key(&format!("n{number}"));
            let modulus = format!("{number:0>1366}");
            key.jwk.n = Some(events::provider::KeyPart::parse(&modulus).unwrap());
            key.thumbprint = key.jwk.thumbprint();
            key.kid = text(&kid);
            key
        })
        .collect();
    history.observe("github", &keys);
    assert_eq!(history.provider("github").keys.len(), 21);
}

#[test]
fn every_key_of_a_distrusted_name_is_distrusted() {
    let mut history = History::public();
    history.observe("github", &[key_called("k1", "another key of that name")]);
    let before = history.log.len();
    history.distrust_key("github", "k1").unwrap();
    assert_eq!(
        history.types_since(before),
        ["provider.key_distrusted", "provider.key_distrusted"]
    );
    assert_eq!(
        code(history.distrust_key("github", "k1")),
        Err(Code::ProviderKeyDistrusted)
    );
    assert_eq!(
        code(history.distrust_key("github", "k9")),
        Err(Code::ProviderKeyUnknown)
    );
    assert_eq!(
        code(history.distrust_key("gitlab", "k1")),
        Err(Code::ProviderUnknown)
    );
    assert_eq!(audit(&history.log), []);
}

#[test]
fn accounts_are_created_once_and_disabled_once() {
    let mut history = History::public();
    let id = account_id(1);
    assert_eq!(code(history.disable_account(id)), Err(Code::NotFound));
    history.create_account(id).unwrap();
    assert_eq!(code(history.create_account(id)), Err(Code::AlreadyExists));
    history.disable_account(id).unwrap();
    assert_eq!(
        code(history.disable_account(id)),
        Err(Code::AccountDisabled)
    );
    assert_eq!(code(history.create_account(id)), Err(Code::AlreadyExists));
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_key_is_issued_to_an_account_that_lives_with_scopes_in_order() {
    let mut history = History::public();
    let id = account_id(1);
    let scopes = [Scope::Read, Scope::PushRubygem, Scope::Read];
    assert_eq!(
        code(history.issue(id, &scopes, |_| {})),
        Err(Code::NotFound)
    );
    history.create_account(id).unwrap();
    let key = history.issue(id, &scopes, |_| {}).unwrap();
    let state: deciders::api_key::ApiKey = history.state(&StreamName::api_key(key));
    assert_eq!(
        state.issued.unwrap().scopes,
        [Scope::PushRubygem, Scope::Read]
    );
    assert_eq!(
        code(history.issue(id, &[], |_| {})),
        Err(Code::ApiKeyInvalid)
    );
    let now = history.now;
    let dead = history.issue(id, &scopes, |issued| issued.expires = Some(now));
    assert_eq!(code(dead), Err(Code::KeyExpired));
    history.disable_account(id).unwrap();
    assert_eq!(
        code(history.issue(id, &scopes, |_| {})),
        Err(Code::AccountDisabled)
    );
    assert_eq!(audit(&history.log), []);
}

#[test]
fn nobody_issues_a_key_of_a_ci_job_but_the_exchange() {
    let mut history = History::public();
    history.create_account(account_id(1)).unwrap();
    let exchange = events::stream::EventRef {
        revision: 0,
        stream: StreamName::token(
            &slug("github"),
            history.now,
            &events::digest::Digest::of(b""),
        ),
    };
    let outcome = history.issue(account_id(1), &[Scope::PushRubygem], |issued| {
        issued.holder = events::api_key::Holder::Exchange(exchange);
    });
    assert_eq!(code(outcome), Err(Code::ApiKeyInvalid));
}

#[test]
fn a_key_is_revoked_while_it_lives_and_once() {
    let mut history = History::public();
    history.add("rake", publisher()).unwrap();
    assert_eq!(code(history.revoke(api_key_id(77))), Err(Code::KeyUnknown));
    let (first, second) = (
        history.exchange(&job(1)).unwrap(),
        history.exchange(&job(2)).unwrap(),
    );
    history.give_back(first).unwrap();
    assert_eq!(code(history.give_back(first)), Err(Code::KeyRevoked));
    history.later(15 * 60);
    assert_eq!(code(history.revoke(second)), Err(Code::KeyExpired));
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_key_acts_within_its_scopes() {
    let mut history = History::public();
    history.create_account(account_id(1)).unwrap();
    let key = history
        .issue(account_id(1), &[Scope::Read], |_| {})
        .unwrap();
    let state: deciders::api_key::ApiKey = history.state(&StreamName::api_key(key));
    assert!(state.allows(Scope::Read, history.now).is_ok());
    let denial = state
        .allows(Scope::ConfigureTrustedPublishers, history.now)
        .unwrap_err();
    assert_eq!(denial.code, Code::ScopeMissing);
    assert_eq!(
        denial.expected.as_deref(),
        Some("configure_trusted_publishers")
    );
}

#[test]
fn every_code_has_a_name_of_its_own_a_sentence_and_a_test() {
    let tests = [
        include_str!("attestations.rs"),
        include_str!("vouched.rs"),
        include_str!("builders.rs"),
        include_str!("../../src/attestation/bind.rs"),
        include_str!("comparisons.rs"),
        include_str!("denials.rs"),
        include_str!("evidence.rs"),
        include_str!("exchange.rs"),
        include_str!("keys.rs"),
        include_str!("loosening.rs"),
        include_str!("management.rs"),
        include_str!("matching.rs"),
        include_str!("overrides.rs"),
        include_str!("owners.rs"),
        include_str!("publishers.rs"),
        include_str!("push.rs"),
        include_str!("quarantine.rs"),
        include_str!("trust_roots.rs"),
        include_str!("statement.rs"),
        include_str!("ratchet.rs"),
    ]
    .concat();
    for code in Code::ALL {
        assert_eq!(Code::parse(code.as_str()), Some(*code));
        assert!(!code.message().ends_with('.'));
        // `Clock` is the writer's: no rule here knows when an event is recorded.
        let tested = tests.contains(&format!("Code::{code:?}"));
        assert!(tested || *code == Code::Clock, "{code:?}");
    }
    assert_eq!(Code::parse("no_such_code"), None);
}
