//! Settings of a provider: what waits, what need not, and what the memory of those before lets in.
use deciders::{
    Code,
    provider::{When, when},
};
use events::{
    Body,
    event::Draft,
    id::{Actor, Via},
    provider::{Algorithm, ClaimName, Registered},
    stream::StreamName,
    text::Text,
    time::Timestamp,
};
use proptest::prelude::*;

use crate::{
    fixtures::{DELAY, github, publisher, rules, slug, text},
    forge::found,
    history::{History, audit},
    job::job,
    loosening::others_job,
    ratchet::rake,
    release::release,
};

/// GitHub's settings where every token must be of this enterprise.
fn strict(enterprise: &str) -> Registered {
    let claim = ClaimName::parse("enterprise").unwrap();
    Registered {
        required: [(claim, text(enterprise))].into(),
        ..github()
    }
}

fn with_audience(audience: &str) -> Registered {
    Registered {
        audience: text(audience),
        ..github()
    }
}

fn asked(history: &History, to: &Registered) -> When {
    when(
        &history.ledger(),
        &history.provider("github"),
        to,
        history.now,
    )
}

fn in_force(history: &History) -> Registered {
    let provider = history.provider("github");
    provider.settings(history.now).unwrap().clone()
}

#[test]
fn less_strict_settings_of_a_provider_wait_and_stricter_ones_do_not() {
    let strict = strict("acme");
    let mut history = History::delayed(DELAY);
    assert_eq!(history.reregister("github", strict.clone()), None);
    history.later(DELAY);
    let looser: [fn(&mut Registered); 6] = [
        |one| one.required.clear(),
        |one| one.private_repositories = true,
        |one| one.algorithms.push(Algorithm::ES256),
        |one| one.jwks_uri = text("https://elsewhere.example.com/keys"),
        |one| one.audience = text("other.example.com"),
        |one| one.loopback = true,
    ];
    for loosen in looser {
        let mut settings = strict.clone();
        loosen(&mut settings);
        let effective = history.now.plus_seconds(DELAY);
        assert_eq!(
            history.reregister("github", settings.clone()),
            Some(effective)
        );
        let provider = history.provider("github");
        assert_eq!(provider.live(history.now), Ok(&strict));
        assert_ne!(provider.live(effective), Ok(&strict));
        let again = history.register("github", settings, &["k1"]).unwrap_err();
        assert_eq!(again.code, Code::AlreadyExists);
        // Said again as they are, the settings take back what waits.
        assert_eq!(history.reregister("github", strict.clone()), None);
        assert_eq!(history.provider("github").waiting(history.now), None);
    }
    assert_eq!(audit(&history.log), []);
}

#[test]
fn keys_from_elsewhere_are_not_recorded_before_their_time() {
    let mut history = History::delayed(DELAY);
    let elsewhere = Registered {
        jwks_uri: text("https://elsewhere.example.com/keys"),
        ..github()
    };
    history
        .register("github", elsewhere, &["stranger"])
        .unwrap();
    assert_eq!(history.provider("github").keys.len(), 1);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_disabled_provider_is_taken_back_as_it_was_and_otherwise_waits() {
    let mut history = History::delayed(DELAY);
    history.disable_provider("github").unwrap();
    let private = Registered {
        private_repositories: true,
        ..github()
    };
    history.register("github", private, &["k1"]).unwrap();
    let live = |history: &History| history.provider("github").live(history.now).is_ok();
    assert!(!live(&history));
    history.later(DELAY);
    assert!(live(&history));
    history.disable_provider("github").unwrap();
    assert!(!live(&history));
    assert_eq!(audit(&history.log), []);
    let mut history = History::delayed(DELAY);
    history.disable_provider("github").unwrap();
    history.register("github", github(), &["k1"]).unwrap();
    assert!(live(&history));
}

#[test]
fn disabling_takes_back_settings_that_wait() {
    let mut history = History::delayed(DELAY);
    let private = Registered {
        private_repositories: true,
        ..github()
    };
    history.reregister("github", private);
    history.disable_provider("github").unwrap();
    history.later(2 * DELAY);
    assert!(history.provider("github").live(history.now).is_err());
}

#[test]
fn a_provider_that_is_younger_than_the_delay_is_corrected_at_once() {
    let mut history = History::empty();
    let open = rules(DELAY);
    history
        .open_with(
            deciders::ledger::EDITION,
            open,
            events::log::Visibility::Public,
        )
        .unwrap();
    history
        .register("github", with_audience("typo.example.com"), &["k1"])
        .unwrap();
    assert_eq!(asked(&history, &github()), When::Young);
    history.later(DELAY - 10);
    assert_eq!(history.reregister("github", github()), None);
    assert_eq!(in_force(&history), github());
    // Correcting it does not make it young again.
    history.later(10);
    let other = with_audience("other.example.com");
    let effective = history.now.plus_seconds(DELAY);
    assert_eq!(asked(&history, &other), When::Later(effective));
    assert_eq!(history.reregister("github", other), Some(effective));
    assert_eq!(audit(&history.log), []);
}

#[test]
fn no_publisher_of_a_gem_that_existed_is_in_effect_while_its_provider_is_young() {
    let (mut history, _) = rake(History::delayed(DELAY));
    let elsewhere = Registered {
        issuer: text("https://elsewhere.example.com"),
        ..github()
    };
    history.register("late", elsewhere, &["k2"]).unwrap();
    let registered = history.now;
    let of_late = events::policy::Publisher {
        provider: slug("late"),
        ..publisher()
    };
    let id = history.add("rake", of_late).unwrap();
    let effective = history.policy("rake").publishers[&id].effective.unwrap();
    assert!(effective >= registered.plus_seconds(DELAY));
}

#[test]
fn a_provider_is_not_young_where_the_delay_became_longer_after_its_registration() {
    let mut history = History::delayed(0);
    // Publishers that were added by now are in effect, and gems rely on them.
    history.later(60).change_rules(2, rules(DELAY)).unwrap();
    let effective = history.now.plus_seconds(DELAY);
    let other = with_audience("other.example.com");
    assert_eq!(asked(&history, &other), When::Later(effective));
    // A delay that is lowered and raised again was never shorter.
    let mut history = History::empty();
    history
        .open_with(2, rules(DELAY), events::log::Visibility::Public)
        .unwrap();
    history.register("github", github(), &["k1"]).unwrap();
    history.later(60).change_rules(2, rules(60)).unwrap();
    history.later(60).change_rules(2, rules(DELAY)).unwrap();
    assert_eq!(asked(&history, &other), When::Young);
}

#[test]
fn a_typo_in_stricter_settings_is_corrected_at_once_and_stops_no_release_for_the_delay() {
    let (mut history, _) = rake(History::delayed(DELAY));
    let tightened = history.now;
    history.reregister("github", strict("acmee"));
    history.now = tightened.plus_seconds(DELAY - 10);
    assert_eq!(asked(&history, &strict("acme")), When::TakenBack(tightened));
    assert_eq!(asked(&history, &github()), When::TakenBack(tightened));
    assert_eq!(history.reregister("github", strict("acme")), None);
    let key = history.exchange(&job(7)).unwrap();
    history.released(key, &release("rake", "2.0"));
    assert!(history.exchange(&others_job(8)).is_err());
    // A delay after it was last in force, it is as new to whoever watches as anything else.
    history.later(10);
    assert!(matches!(asked(&history, &github()), When::Later(_)));
    assert_eq!(audit(&history.log), []);
}

#[test]
fn what_was_let_in_only_while_a_provider_was_young_is_not_taken_back() {
    let with = |settings: Registered| {
        let mut history = History::empty();
        let public = events::log::Visibility::Public;
        history.open_with(2, rules(DELAY), public).unwrap();
        let registered = history.now;
        history.register("github", settings, &["k1"]).unwrap();
        (history, registered.plus_seconds(DELAY))
    };
    let (mut history, grown) = with(strict("acme"));
    history.later(DELAY / 2);
    assert_eq!(asked(&history, &github()), When::Young);
    assert_eq!(history.reregister("github", github()), None);
    assert_eq!(history.reregister("github", strict("acme")), None);
    history.now = grown;
    assert!(matches!(asked(&history, &github()), When::Later(_)));
    assert_eq!(audit(&history.log), []);
    // What was still in force when its youth ended is.
    for (after, counts) in [(DELAY - 1, false), (DELAY, true)] {
        let (mut history, _) = with(github());
        history.later(after - 1);
        history.reregister("github", strict("acme"));
        history.now = grown.plus_seconds(1);
        let taken_back = matches!(asked(&history, &github()), When::TakenBack(_));
        assert_eq!(taken_back, counts);
    }
}

#[test]
fn what_was_never_in_force_is_not_taken_back() {
    let mut history = History::delayed(DELAY);
    history.reregister("github", strict("acme"));
    let mut private = github();
    private.private_repositories = true;
    assert!(history.reregister("github", private.clone()).is_some());
    // It waited, and was taken back by what is stricter.
    assert_eq!(history.reregister("github", strict("other")), None);
    assert!(matches!(asked(&history, &private), When::Later(_)));
    assert!(matches!(
        asked(&history, &with_audience("b")),
        When::Later(_)
    ));
    assert_eq!(audit(&history.log), []);
}

#[test]
fn what_took_effect_after_its_delay_ends_the_memory_of_what_was_before() {
    let mut history = History::delayed(DELAY);
    let mut other = strict("acme");
    other.audience = text("other.example.com");
    let declared = history.reregister("github", other.clone());
    history.later(DELAY - 10);
    assert_eq!(in_force(&history), github());
    history.now = declared.unwrap();
    assert_eq!(in_force(&history).audience, other.audience);
    assert!(matches!(asked(&history, &github()), When::Later(_)));
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_tightening_before_a_loosening_that_takes_effect_is_not_taken_back_after_it() {
    let mut history = History::delayed(DELAY);
    let mut private = strict("acme");
    private.private_repositories = true;
    history.reregister("github", strict("acme"));
    let effective = history.reregister("github", private).unwrap();
    // The memory of the open settings would be young enough under a longer delay.
    history.change_rules(2, rules(10 * DELAY)).unwrap();
    history.now = effective;
    assert!(matches!(asked(&history, &github()), When::Later(_)));
    history.observe("github", &[crate::fixtures::observed_key("k9")]);
    assert!(matches!(asked(&history, &github()), When::Later(_)));
}

#[test]
fn the_memory_of_settings_is_bounded_and_forgets_the_oldest() {
    let mut history = History::delayed(DELAY);
    history.reregister("github", strict("0"));
    for number in 1..=16 {
        assert_eq!(
            history.reregister("github", strict(&number.to_string())),
            None
        );
    }
    // What lets in the least is not worth remembering twice, but seventeen different ones are too many.
    assert!(matches!(asked(&history, &github()), When::Later(_)));
    let month = deciders::ledger::MAX_LOOSENING_DELAY_SECONDS;
    let mut history = History::delayed(month);
    history.reregister("github", strict("acme"));
    history.later(month - 10);
    assert!(matches!(asked(&history, &github()), When::TakenBack(_)));
    history.later(10);
    assert!(matches!(asked(&history, &github()), When::Later(_)));
}

/// Writes these settings of GitHub, and says what the auditor finds there.
fn forged(mut history: History, settings: Registered) -> &'static str {
    let from = history.log.len();
    let stream = StreamName::provider(&slug("github"));
    let draft = Draft::new(stream, Body::ProviderRegistered(settings));
    history.append(&Actor::Operator, Via::Console, vec![draft]);
    found(&history, from)
}

#[test]
fn settings_that_were_taken_back_too_late_or_wait_although_they_need_not_are_found() {
    let mut history = History::delayed(DELAY);
    history.reregister("github", strict("acme"));
    // In time it is lawful at once, and only so.
    let waits = Registered {
        effective: Some(history.now.plus_seconds(DELAY)),
        ..github()
    };
    assert_eq!(forged(history.clone(), waits), "events");
    let mut in_time = history.clone();
    in_time.reregister("github", github());
    assert_eq!(audit(&in_time.log), []);
    history.later(DELAY);
    assert_eq!(forged(history, github()), "events");
}

/// A token, as far as settings tell tokens apart.
#[derive(Clone, Copy, Debug)]
struct Token {
    audience: &'static str,
    algorithm: Algorithm,
    enterprise: Option<&'static str>,
    private: bool,
}

const AUDIENCES: [&str; 2] = ["gems.example.com", "other.example.com"];
const ALGORITHMS: [Algorithm; 2] = [Algorithm::RS256, Algorithm::ES256];
const ENTERPRISES: [Option<&str>; 3] = [None, Some("acme"), Some("acmee")];

fn tokens() -> impl Iterator<Item = Token> {
    (0..24_usize).map(|number| Token {
        audience: AUDIENCES[number % 2],
        algorithm: ALGORITHMS[number / 2 % 2],
        enterprise: ENTERPRISES[number / 4 % 3],
        private: number / 12 == 1,
    })
}

fn accepts(settings: &Registered, token: &Token) -> bool {
    let enterprise = token.enterprise;
    let mut required = settings.required.values().map(Text::as_str);
    settings.audience.as_str() == token.audience
        && settings.algorithms.contains(&token.algorithm)
        && required.all(|value| Some(value) == enterprise)
        && (settings.private_repositories || !token.private)
}

fn chosen(choice: u8) -> Registered {
    let choice = usize::from(choice);
    let mut settings = ENTERPRISES[choice / 6 % 3].map_or_else(github, strict);
    settings.audience = text(AUDIENCES[choice / 36 % 2]);
    settings.algorithms = ALGORITHMS.into_iter().skip(choice % 3 / 2).collect();
    settings.algorithms.truncate(1 + choice % 3 % 2);
    settings.private_repositories = choice / 3 % 2 == 1;
    settings
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is declared for a provider: once it is no longer young, a token is accepted that was not accepted a moment
    /// ago only if it was accepted since its youth and less than one delay ago, or if the settings that accept it were
    /// declared a delay ago.
    #[test]
    fn nothing_is_let_in_that_was_neither_let_in_nor_declared_a_delay_before(
        young in any::<bool>(),
        steps in proptest::collection::vec((0_u8..72, 0_u8..10, any::<u16>()), 0..40),
    ) {
        let mut history = if young { History::young(DELAY) } else { History::delayed(DELAY) };
        let registered = history.log.iter().find(|one| matches!(one.event.body, Body::ProviderRegistered(_)));
        let grown = registered.unwrap().event.time.plus_seconds(DELAY);
        let mut last: Vec<Option<Timestamp>> = vec![None; 24];
        for (choice, what, wait) in steps {
            let provider = history.provider("github");
            let before = in_force(&history);
            // A command is judged at this moment; the history is a second older once it is recorded.
            let now = history.now;
            for (token, last) in tokens().zip(&mut last) {
                if now >= grown && accepts(&before, &token) {
                    *last = Some(now);
                }
            }
            match what {
                0 => drop(history.disable_provider("github")),
                1..6 => drop(history.register("github", chosen(choice), &["k1"])),
                _ => {
                    history.later(u64::from(wait) * 4);
                }
            }
            let declared = history.provider("github");
            let declared = declared.in_force(history.now).unwrap();
            let waited = declared.settings.effective.is_some()
                && declared.time.plus_seconds(DELAY) <= history.now;
            for (token, last) in tokens().zip(&last) {
                let recently = last.is_some_and(|last| now < last.plus_seconds(DELAY));
                let lawful = now < grown || recently || waited;
                prop_assert!(
                    !accepts(&declared.settings, &token) || accepts(&before, &token) || lawful,
                    "{:?} by {:?} after {:?}", token, declared, provider
                );
            }
        }
        prop_assert_eq!(audit(&history.log), []);
    }
}
