//! Rules about trust roots, and about sealed evidence that was opened.
use events::{
    Body,
    digest::Digest,
    name::FoldedName,
    stream::StreamName,
    text::Text,
    token::EvidenceOpened,
    trust_root::{Recorded, Requires, Retired},
};
use gemledger::monitor::Finding;

use super::{Story, fired, slug, text, token};

fn root(version: u8) -> Recorded {
    Recorded {
        digest: Digest::of(&[version]),
        issuers: vec![text("https://issuer.example.com")],
        public: true,
        repository: None,
        requires: Requires {
            log: true,
            sct: true,
            timestamp: false,
        },
        size: 7000,
    }
}

fn record(story: &mut Story, root: Recorded) -> Vec<Finding> {
    record_as(story, "public-good", root)
}

fn record_as(story: &mut Story, name: &str, root: Recorded) -> Vec<Finding> {
    let stream = StreamName::trust_root(&slug(name));
    story.say(stream, Body::TrustRootRecorded(root))
}

fn retire(story: &mut Story, name: &str) -> Vec<Finding> {
    let stream = StreamName::trust_root(&slug(name));
    story.say(stream, Body::TrustRootRetired(Retired {}))
}

#[test]
fn trust_root_changed_fires_for_a_new_root_a_new_version_and_a_retired_one() {
    let mut story = Story::new();
    let findings = record(&mut story, root(1));
    fired(&findings, &["trust_root_changed"]);
    let found = findings[0].found.as_ref().unwrap();
    assert!(found.contains("https://issuer.example.com"), "{found}");
    let findings = record(&mut story, root(2));
    fired(&findings, &["trust_root_changed"]);
    let (expected, found) = (&findings[0].expected, &findings[0].found);
    assert!(expected.as_ref().unwrap().contains(&Digest::of(&[1]).hex()));
    assert!(found.as_ref().unwrap().contains(&Digest::of(&[2]).hex()));
    fired(&retire(&mut story, "public-good"), &["trust_root_changed"]);
}

#[test]
fn trust_root_added_fires_for_one_more_root_of_an_issuer_that_had_one() {
    let mut story = Story::new();
    record(&mut story, root(1));
    let both = ["trust_root_changed", "trust_root_added"];
    let findings = record_as(&mut story, "another", root(2));
    fired(&findings, &both);
    let said = &findings[1].message;
    assert!(
        said.contains("another") && said.contains("beside public-good"),
        "{said}"
    );
    // The same root once more adds nobody, nor does one for others, nor the only one that is left.
    let findings = record_as(&mut story, "another", root(3));
    fired(&findings, &both[..1]);
    let mut elsewhere = root(4);
    elsewhere.issuers = vec![text("https://elsewhere.example.com")];
    fired(&record_as(&mut story, "elsewhere", elsewhere), &both[..1]);
    retire(&mut story, "another");
    let findings = record_as(&mut story, "another", root(3));
    fired(&findings, &both);
    retire(&mut story, "another");
    retire(&mut story, "public-good");
    fired(&record(&mut story, root(1)), &both[..1]);
}

#[test]
fn trust_root_loosened_fires_for_less_evidence_and_for_another_issuer_and_for_nothing_else() {
    let with = |change: &dyn Fn(&mut Recorded)| {
        let mut other = root(1);
        change(&mut other);
        other
    };
    let other: Text = text("https://other.example.com");
    let loosened = [
        with(&|root| root.requires.sct = false),
        with(&|root| root.issuers.push(other.clone())),
        with(&|root| {
            root.requires.log = false;
            root.requires.timestamp = true;
        }),
    ];
    for looser in loosened {
        let mut story = Story::new();
        record(&mut story, root(1));
        let findings = record(&mut story, looser.clone());
        fired(&findings, &["trust_root_changed", "trust_root_loosened"]);
        // And back: that is stricter, or no issuer more.
        let mut story = Story::new();
        record(&mut story, looser.clone());
        let back = record(&mut story, root(1));
        let both = looser.requires.timestamp;
        let rules = ["trust_root_changed", "trust_root_loosened"];
        fired(&back, if both { &rules } else { &rules[..1] });
    }
    let mut story = Story::new();
    record(&mut story, root(1));
    let stricter = with(&|root| root.requires.timestamp = true);
    fired(&record(&mut story, stricter), &["trust_root_changed"]);
}

#[test]
fn evidence_opened_fires_with_the_gem_by_whose_owner_it_was_asked_for() {
    let mut story = Story::new();
    let gem = |gem: Option<&str>| {
        let gem = gem.map(|gem| FoldedName::parse(gem).unwrap());
        Body::EvidenceOpened(EvidenceOpened { gem })
    };
    let findings = story.say(token("github", 1), gem(Some("rake")));
    fired(&findings, &["evidence_opened"]);
    assert_eq!(findings[0].gem.as_deref(), Some("rake"));
    let findings = story.say(token("github", 2), gem(None));
    fired(&findings, &["evidence_opened"]);
    assert_eq!(findings[0].gem, None);
    assert!(findings[0].message.contains("the operator"));
}
