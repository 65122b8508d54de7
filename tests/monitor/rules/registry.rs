//! Rules about the registry itself: providers, and what it allows.
use events::{
    Body,
    claims::ProviderKind,
    digest::Digest,
    log::{FORMAT, Opened, Rules, RulesChanged, Visibility},
    provider::{Algorithm, ClaimName, Disabled, KeyDistrusted, KeysObserved, Registered},
    stream::StreamName,
};

use super::{Story, fired, slug, text};

fn registered() -> Registered {
    Registered {
        algorithms: vec![Algorithm::RS256],
        audience: text("gems.example.com"),
        effective: None,
        issuer: text("https://issuer.example.com"),
        jwks_uri: text("https://issuer.example.com/keys"),
        kind: ProviderKind::Github,
        loopback: false,
        mapping: None,
        private_repositories: false,
        required: [].into(),
    }
}

fn provider(name: &str) -> StreamName {
    StreamName::provider(&slug(name))
}

#[test]
fn provider_added_fires_for_a_provider_that_was_not_there() {
    let mut story = Story::new();
    let findings = story.say(provider("github"), Body::ProviderRegistered(registered()));
    fired(&findings, &["provider_added"]);
    assert!(findings[0].message.contains("https://issuer.example.com"));
    let other = story.say(provider("gitlab"), Body::ProviderRegistered(registered()));
    fired(&other, &["provider_added"]);
}

#[test]
fn provider_added_does_not_fire_for_new_keys_of_one_that_is_known() {
    let mut story = Story::new();
    story.say(provider("github"), Body::ProviderRegistered(registered()));
    let observed = KeysObserved { keys: Vec::new() };
    fired(
        &story.say(provider("github"), Body::ProviderKeysObserved(observed)),
        &[],
    );
}

#[test]
fn provider_changed_fires_for_other_settings_and_says_which() {
    let mut story = Story::new();
    story.say(provider("github"), Body::ProviderRegistered(registered()));
    let changed = Registered {
        private_repositories: true,
        ..registered()
    };
    let findings = story.say(provider("github"), Body::ProviderRegistered(changed));
    fired(&findings, &["provider_changed"]);
    let found = findings[0].found.as_ref().unwrap();
    assert!(found.contains("private repositories"), "{found}");
    let expected = findings[0].expected.as_ref().unwrap();
    assert!(!expected.contains("private repositories"), "{expected}");
    let distrusted = KeyDistrusted {
        kid: text("key-1"),
        thumbprint: Digest::of(b"key"),
    };
    let findings = story.say(provider("github"), Body::ProviderKeyDistrusted(distrusted));
    fired(&findings, &["provider_changed"]);
    let findings = story.say(provider("github"), Body::ProviderDisabled(Disabled {}));
    fired(&findings, &["provider_changed"]);
}

#[test]
fn provider_changed_compares_with_the_settings_in_force_and_not_with_those_that_wait() {
    let mut story = Story::new();
    story.say(provider("github"), Body::ProviderRegistered(registered()));
    let effective = story.now.plus_seconds(60);
    let waits = Registered {
        effective: Some(effective),
        audience: text("later.example.com"),
        ..registered()
    };
    let strict = Registered {
        required: [(ClaimName::parse("enterprise").unwrap(), text("acme"))].into(),
        ..registered()
    };
    let say = |story: &mut Story, settings: &Registered| {
        let body = Body::ProviderRegistered(settings.clone());
        story.say(provider("github"), body)
    };
    let findings = say(&mut story, &waits);
    fired(&findings, &["loosening_declared", "provider_changed"]);
    let message = &findings[1].message;
    assert!(message.contains(&effective.to_string()), "{message}");
    let findings = say(&mut story, &registered());
    fired(&findings, &["provider_changed"]);
    assert!(
        findings[0].message.contains("taken back"),
        "{}",
        findings[0].message
    );
    assert_eq!(findings[0].expected, None);
    say(&mut story, &waits);
    let findings = say(&mut story, &strict);
    let expected = findings[0].expected.as_ref().unwrap();
    assert!(expected.contains("gems.example.com"), "{expected}");
    say(&mut story, &waits);
    let findings = say(story.after(60), &strict);
    let expected = findings[0].expected.as_ref().unwrap();
    assert!(expected.contains("later.example.com"), "{expected}");
}

#[test]
fn provider_changed_does_not_fire_for_another_provider() {
    let mut story = Story::new();
    story.say(provider("github"), Body::ProviderRegistered(registered()));
    let other = Registered {
        private_repositories: true,
        ..registered()
    };
    fired(
        &story.say(provider("gitlab"), Body::ProviderRegistered(other)),
        &["provider_added"],
    );
}

#[test]
fn loosening_declared_fires_for_a_lower_delay_with_the_moment_from_which_it_holds() {
    let mut story = opened();
    let of = |seconds| Rules {
        loosening_delay_seconds: Some(seconds),
        ..Rules::default()
    };
    let hours = 72 * 3600;
    let findings = changed(&mut story, 2, of(60));
    let rules = ["rules_changed", "rules_loosened", "loosening_declared"];
    fired(&findings, &rules);
    let until = story.now.plus_seconds(hours).to_string();
    let message = &findings[2].message;
    assert!(
        message.contains(&until) && message.contains("60 seconds"),
        "{message}"
    );
    // Raised again in time, nothing waits any more; and a higher one holds at once.
    fired(&changed(story.after(60), 2, of(hours)), &["rules_changed"]);
    fired(&changed(&mut story, 2, of(2 * hours)), &["rules_changed"]);
}

/// A ledger that was opened with the usual rules.
fn opened() -> Story {
    let mut story = Story::new();
    let opened = Opened {
        edition: 1,
        format: FORMAT,
        nonce: Digest::of(b"nonce"),
        origin: text("gems.example.com/log/1"),
        rules: Rules::default(),
        visibility: Visibility::Public,
        vkey: text("gems.example.com/log/1+00000000+AA"),
    };
    fired(&story.say(StreamName::log(), Body::LogOpened(opened)), &[]);
    story
}

fn changed(story: &mut Story, edition: u32, rules: Rules) -> Vec<gemledger::monitor::Finding> {
    let changed = RulesChanged { edition, rules };
    story.say(StreamName::log(), Body::LogRulesChanged(changed))
}

#[test]
fn rules_changed_fires_with_what_changed_and_loosened_does_not_where_less_is_allowed() {
    let stricter = Rules {
        key_lifetime_seconds: 300,
        ..Rules::default()
    };
    let findings = changed(&mut opened(), 1, stricter);
    fired(&findings, &["rules_changed"]);
    assert_eq!(
        findings[0].expected.as_deref(),
        Some("key_lifetime_seconds 900")
    );
    assert_eq!(
        findings[0].found.as_deref(),
        Some("key_lifetime_seconds 300")
    );
    // A newer edition is no loosening, and neither is how often denials are recorded.
    fired(
        &changed(&mut opened(), 2, Rules::default()),
        &["rules_changed"],
    );
    let quieter = Rules {
        denial_interval_seconds: 7200,
        ..Rules::default()
    };
    fired(&changed(&mut opened(), 1, quieter), &["rules_changed"]);
}

#[test]
fn rules_loosened_fires_for_every_setting_that_allows_more() {
    let base = Rules::default();
    let looser = [
        Rules {
            key_lifetime_seconds: base.key_lifetime_seconds + 1,
            ..base
        },
        Rules {
            leeway_seconds: base.leeway_seconds + 1,
            ..base
        },
        Rules {
            loosening_delay_seconds: Some(60),
            ..base
        },
        Rules {
            pending_seconds: base.pending_seconds + 1,
            ..base
        },
        Rules {
            provider_keys_max_age_seconds: base.provider_keys_max_age_seconds + 1,
            ..base
        },
        Rules {
            provisional_seconds: base.provisional_seconds + 1,
            ..base
        },
        Rules {
            token_lifetime_max_seconds: base.token_lifetime_max_seconds + 1,
            ..base
        },
    ];
    for rules in looser {
        let findings = changed(&mut opened(), 1, rules);
        fired(&findings[..2], &["rules_changed", "rules_loosened"]);
    }
    fired(
        &changed(&mut opened(), 0, base),
        &["rules_changed", "rules_loosened"],
    );
    // It is the rules before that count, not those of the beginning.
    let mut story = opened();
    changed(
        &mut story,
        1,
        Rules {
            leeway_seconds: 100,
            ..base
        },
    );
    fired(
        &changed(
            &mut story,
            1,
            Rules {
                leeway_seconds: 60,
                ..base
            },
        ),
        &["rules_changed"],
    );
}
