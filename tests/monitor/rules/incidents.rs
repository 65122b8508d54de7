//! The rules about what an operator does in an incident.
use events::{
    Body,
    digest::Digest,
    gem::{Quarantined, Restored},
    log::{Rules, RulesChanged, Succeeded},
    name::{FoldedName, GemName},
    platform::Platform,
    stream::StreamName,
    version::GemVersion,
};

use super::{Story, fired, job, text};

fn withheld() -> Body {
    Body::ReleaseQuarantined(Quarantined {
        digest: Digest::of(b"rake"),
        name: GemName::parse("rake").unwrap(),
        number: GemVersion::parse("1.0.0").unwrap(),
        platform: Platform::ruby(),
        reason: text("a stolen key"),
    })
}

fn restored() -> Body {
    Body::ReleaseRestored(Restored {
        digest: Digest::of(b"rake"),
        name: GemName::parse("rake").unwrap(),
        number: GemVersion::parse("1.0.0").unwrap(),
        platform: Platform::ruby(),
        reason: None,
    })
}

fn rake() -> StreamName {
    StreamName::gem(&FoldedName::parse("rake").unwrap())
}

#[test]
fn release_quarantined_fires_with_the_reason_and_release_restored_when_it_is_lifted() {
    let mut story = Story::new();
    story.released("rake", job(1));
    let findings = story.say(rake(), withheld());
    fired(&findings, &["release_quarantined"]);
    assert!(
        findings[0].message.contains("a stolen key"),
        "{findings:#?}"
    );
    assert_eq!(findings[0].gem.as_deref(), Some("rake"));
    fired(&story.say(rake(), restored()), &["release_restored"]);
}

#[test]
fn release_quarantined_and_release_restored_do_not_fire_for_a_release() {
    let mut story = Story::new();
    fired(&story.released("rake", job(1)), &[]);
    fired(&story.released("rake", job(2)), &[]);
}

#[test]
fn log_succeeded_fires_with_both_origins() {
    let succeeded = Succeeded {
        known: None,
        old_origin: text("gems.example.com/log/1"),
        old_vkey: text("gems.example.com/log/1+00000000+AA"),
        origin: text("gems.example.com/log/2"),
        reason: text("the disk is lost"),
        root: Digest::of(b"root"),
        size: 7,
        vkey: text("gems.example.com/log/2+00000000+AA"),
    };
    let findings = Story::new().say(StreamName::log(), Body::LogSucceeded(succeeded));
    fired(&findings, &["log_succeeded"]);
    assert_eq!(
        (
            findings[0].expected.as_deref(),
            findings[0].found.as_deref()
        ),
        (
            Some("gems.example.com/log/1"),
            Some("gems.example.com/log/2")
        )
    );
}

#[test]
fn log_succeeded_does_not_fire_for_other_events_of_the_log() {
    let changed = RulesChanged {
        edition: 1,
        rules: Rules::default(),
    };
    let findings = Story::new().say(StreamName::log(), Body::LogRulesChanged(changed));
    assert!(
        findings
            .iter()
            .all(|finding| finding.rule != "log_succeeded")
    );
}
