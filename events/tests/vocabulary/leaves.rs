//! Leaves: what is read is what was written, and nothing else is.
use events::{
    Body, Event,
    api_key::{Holder, Issued, Scope},
    digest::Digest,
    event::{DecodeError, EncodeError, MAX_LEAF},
    gem::IndexLine,
    id::ApiKeyId,
    name::FoldedName,
    provider::{KeyPart, PublicJwk},
    stream::{EventRef, StreamName},
    text::{MAX_TEXT, Text},
    token::{MAX_MATCHES, Match},
};
use proptest::{prelude::*, sample::Index};

use crate::samples::samples;

fn leaves() -> Vec<Vec<u8>> {
    samples()
        .iter()
        .map(|sample| sample.event.to_leaf().unwrap())
        .collect()
}

/// A sample's leaf as text.
fn leaf(name: &str) -> String {
    let sample = samples()
        .into_iter()
        .find(|sample| sample.name() == name)
        .unwrap();
    String::from_utf8(sample.event.to_leaf().unwrap()).unwrap()
}

fn read(leaf: &str) -> Result<Event, DecodeError> {
    Event::read(leaf.as_bytes())
}

#[test]
fn every_sample_reads_back_as_itself() {
    for sample in samples() {
        let leaf = sample.event.to_leaf().unwrap();
        assert_eq!(Event::read(&leaf), Ok(sample.event));
    }
}

proptest! {
    #[test]
    fn no_changed_byte_leaves_the_event_the_same(which in any::<Index>(), at in any::<Index>(), byte in any::<u8>()) {
        let (samples, leaves) = (samples(), leaves());
        let place = which.index(leaves.len());
        let mut leaf = leaves[place].clone();
        let at = at.index(leaf.len());
        prop_assume!(leaf[at] != byte);
        leaf[at] = byte;
        if let Ok(event) = Event::read(&leaf) {
            prop_assert_ne!(&event, &samples[place].event);
            prop_assert_eq!(event.to_leaf().unwrap(), leaf);
        }
    }

    #[test]
    fn no_leaf_is_read_without_its_end_or_with_more(which in any::<Index>(), at in any::<Index>(), more in ".{1,8}") {
        let leaves = leaves();
        let leaf = &leaves[which.index(leaves.len())];
        prop_assert!(Event::read(&leaf[..at.index(leaf.len())]).is_err());
        let mut longer = leaf.clone();
        longer.extend_from_slice(more.as_bytes());
        prop_assert!(Event::read(&longer).is_err());
    }

    #[test]
    fn bytes_of_a_stranger_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Event::read(&bytes).is_err());
    }
}

#[test]
fn white_space_has_no_place_in_a_leaf() {
    let leaf = leaf("name.taken.v1");
    for (at, byte) in leaf.bytes().enumerate() {
        let punctuation = b"{}:,".contains(&byte);
        if punctuation {
            for space in [" ", "\n", "\t", "\r"] {
                let spaced = format!("{}{space}{}", &leaf[..at], &leaf[at..]);
                assert!(read(&spaced).is_err(), "{spaced:?}");
            }
        }
    }
    assert!(read(&format!("{leaf}\n")).is_err());
    assert!(read(&format!("\u{feff}{leaf}")).is_err());
}

#[test]
fn keys_stand_in_order_each_once() {
    let leaf = leaf("issuer.taken.v1");
    let swapped = leaf.replacen(r#""actor":"operator","#, "", 1);
    let swapped = swapped.replacen(r#","request""#, r#","actor":"operator","request""#, 1);
    assert_eq!(read(&swapped), Err(DecodeError::NotCanonical));
    let doubled = leaf.replacen('{', r#"{"actor":"operator","#, 1);
    assert!(matches!(read(&doubled), Err(DecodeError::Malformed(_))));
    let within = leaf.replacen(r#""data":{"#, r#""data":{"provider":"github","#, 1);
    assert!(matches!(read(&within), Err(DecodeError::Malformed(_))));
    let sealed = self::leaf("account.created.v1");
    let (start, rest) = sealed.split_once(r#""sealed":{"#).unwrap();
    let (entry, end) = rest.split_once('}').unwrap();
    let doubled = format!(r#"{start}"sealed":{{{entry},{entry}}}{end}"#);
    assert_eq!(read(&doubled), Err(DecodeError::NotCanonical));
}

#[test]
fn other_spellings_of_a_value_are_refused() {
    let leaf = leaf("publisher.pinned.v1");
    let spelled = |from: &str, to: &str| {
        assert!(leaf.contains(from), "{from}");
        read(&leaf.replacen(from, to, 1)).unwrap_err()
    };
    for (from, to) in [
        (r#""actor":"workflow"#, "\"actor\":\"\\u0077orkflow"),
        ("github", "git\\u0068ub"),
        ("policy/rake", "policy\\/rake"),
    ] {
        assert_eq!(spelled(from, to), DecodeError::NotCanonical, "{to}");
    }
    for (from, to) in [
        (r#""revision":4"#, r#""revision":4.0"#),
        (r#""revision":4"#, r#""revision":4e0"#),
        (r#""revision":4"#, r#""revision":-4"#),
        (r#""revision":4"#, r#""revision":04"#),
        (r#""revision":4"#, r#""revision":"4""#),
        (r#""revision":4"#, r#""revision":null"#),
        (r#""publisher":3"#, r#""publisher":3.0"#),
        ("01938a3e-5c7b", "01938A3E-5C7B"),
        ("2026-11-23T02:55:02.123Z", "2026-11-23T02:55:02.123+00:00"),
        (
            r#""type":"publisher.pinned""#,
            r#""type":"publisher.pinned","x":1"#,
        ),
    ] {
        assert!(
            matches!(spelled(from, to), DecodeError::Malformed(_)),
            "{to}"
        );
    }
    // Read, but not written: larger than every reader can hold exactly.
    let large = spelled(r#""revision":4"#, r#""revision":9007199254740992"#);
    assert_eq!(large, DecodeError::NotCanonical);
}

#[test]
fn what_is_absent_is_left_out() {
    let leaf = leaf("publisher.pinned.v1");
    let null = leaf.replacen(r#""owner_id":"210414""#, r#""owner_id":null"#, 1);
    assert_eq!(read(&null), Err(DecodeError::NotCanonical));
    let absent = leaf.replacen(r#""owner_id":"210414","#, "", 1);
    assert!(read(&absent).is_ok());
    let sealed = leaf.replacen(r#","stream""#, r#","sealed":{},"stream""#, 1);
    assert_eq!(read(&sealed), Err(DecodeError::NotCanonical));
}

#[test]
fn a_list_of_claims_is_in_order_each_once() {
    let leaf = leaf("provider.registered.v1.generic");
    let (queue, tier) = (
        r#"{"claim":"Queue","value":"trusted"}"#,
        r#"{"claim":"https://ci.example.com/tier","value":"release"}"#,
    );
    let list = format!("[{queue},{tier}]");
    assert!(leaf.contains(&list), "{leaf}");
    for crooked in [format!("[{tier},{queue}]"), format!("[{queue},{queue}]")] {
        assert!(matches!(
            read(&leaf.replace(&list, &crooked)),
            Err(DecodeError::Malformed(_))
        ));
    }
}

#[test]
fn an_event_stands_in_a_stream_of_its_kind() {
    let leaf = leaf("account.created.v1");
    let stream = r#""stream":"account/01938a3e-5c00-7000-8000-00000000a11c""#;
    assert!(leaf.contains(stream));
    let moved = leaf.replace(stream, r#""stream":"log""#);
    assert_eq!(
        read(&moved),
        Err(DecodeError::WrongStream {
            name: "account.created",
            stream: StreamName::log()
        })
    );
    let nowhere = leaf.replace(stream, r#""stream":"attic/1""#);
    assert!(matches!(read(&nowhere), Err(DecodeError::Malformed(_))));
}

#[test]
fn types_and_versions_of_the_future_are_named_as_such() {
    let leaf = leaf("account.created.v1");
    let blessed = leaf.replace("account.created", "account.blessed");
    assert_eq!(
        read(&blessed),
        Err(DecodeError::UnknownType("account.blessed".into()))
    );
    for version in ["0", "2", "4294967295"] {
        let newer = leaf.replace(r#""v":1"#, &format!(r#""v":{version}"#));
        let found = version.parse().unwrap();
        assert_eq!(
            read(&newer),
            Err(DecodeError::UnknownVersion {
                name: "account.created",
                found,
                current: 1
            })
        );
    }
    let more = leaf.replace(r#""data":{}"#, r#""data":{"handle":"mallory"}"#);
    assert!(matches!(read(&more), Err(DecodeError::Malformed(_))));
}

fn sample_of(name: &str) -> Event {
    samples()
        .into_iter()
        .find(|sample| sample.name() == name)
        .unwrap()
        .event
}

#[test]
fn a_leaf_has_at_most_sixty_thousand_bytes() {
    let mut event = sample_of("provider.keys_observed.v1");
    let Body::ProviderKeysObserved(observed) = &mut event.body else {
        panic!("another event")
    };
    let modulus = KeyPart::parse(&"n".repeat(1366)).unwrap();
    let mut key = observed.keys[0].clone();
    key.jwk.n = Some(modulus);
    observed.keys = vec![key; 40];
    let EncodeError::TooLong(length) = event.to_leaf().unwrap_err() else {
        panic!("another error")
    };
    assert!(length > MAX_LEAF);
}

/// The widest text: 255 bytes that take 510 in a leaf.
fn widest() -> Text {
    Text::parse(&"\"".repeat(MAX_TEXT)).unwrap()
}

#[test]
fn the_largest_exchange_and_the_largest_release_fit_into_a_leaf() {
    let mut event = sample_of("release.pushed.v1");
    let Body::ReleasePushed(pushed) = &mut event.body else {
        panic!("another event")
    };
    pushed.info = IndexLine::parse(&"x".repeat(32_768)).unwrap();
    let source = pushed.source.as_mut().unwrap();
    let wide = Some(widest());
    let workflow = &mut source.workflow;
    for claim in [
        &mut workflow.commit,
        &mut workflow.environment,
        &mut workflow.job_repository_id,
        &mut workflow.job_workflow_commit,
        &mut workflow.job_workflow_ref,
        &mut workflow.owner_id,
        &mut workflow.git_ref,
        &mut workflow.ref_type,
        &mut workflow.run_attempt,
        &mut workflow.run_id,
        &mut workflow.runner,
        &mut workflow.trigger,
        &mut workflow.visibility,
        &mut workflow.workflow_commit,
        &mut workflow.workflow_ref,
    ] {
        claim.clone_from(&wide);
    }
    workflow.repository = widest();
    workflow.repository_id = widest();
    let workflow = workflow.clone();
    assert!(event.to_leaf().unwrap().len() > 40_000);

    let mut event = sample_of("token.exchanged.v1");
    let Body::TokenExchanged(exchanged) = &mut event.body else {
        panic!("another event")
    };
    let gem = FoldedName::parse(&"g".repeat(255)).unwrap();
    let found = Match {
        policy: EventRef {
            revision: u64::from(u32::MAX),
            stream: StreamName::policy(&gem),
        },
        gem,
        publisher: events::id::PublisherId(u64::from(u32::MAX)),
    };
    exchanged.matches = vec![found; MAX_MATCHES];
    exchanged.workflow = workflow;
    exchanged.audience = widest();
    assert!(event.to_leaf().unwrap().len() > 35_000);
}

#[test]
fn an_index_line_is_plain_ascii() {
    assert!(IndexLine::parse("1.0 a:>= 1&< 2|checksum:00,ruby:>= 3").is_ok());
    for bad in [
        "",
        "1.0 \"",
        "1.0 \\",
        "1.0 é",
        "1.0\n",
        "1.0\t",
        "1.0\u{7f}",
    ] {
        assert!(IndexLine::parse(bad).is_err(), "{bad:?}");
    }
    assert!(IndexLine::parse(&"x".repeat(32_769)).is_err());
}

#[test]
fn a_sealed_name_is_a_key_like_any_other() {
    let mut event = sample_of("account.created.v1");
    event
        .sealed
        .insert(Text::parse("E-Mail").unwrap(), Digest::of(b""));
    assert!(matches!(event.to_leaf(), Err(EncodeError::Canonical(_))));
}

#[test]
fn an_event_is_referred_to_by_stream_and_revision() {
    let event = sample_of("release.pushed.v1");
    let reference = event.reference();
    assert_eq!(
        (reference.stream.as_str(), reference.revision),
        ("gem/rake", 0)
    );
}

#[test]
fn a_holder_is_one_of_two_and_never_both() {
    let leaf = leaf("api_key.issued.v1.account");
    let id = ApiKeyId::parse("01938a3e-5c00-7000-8000-0000000000ce").unwrap();
    assert!(leaf.contains(&format!("api_key/{id}")));
    let holder = r#""holder":{"account":"01938a3e-5c00-7000-8000-00000000a11c"}"#;
    assert!(leaf.contains(holder), "{leaf}");
    for other in [
        r#""holder":{}"#,
        r#""holder":{"operator":"x"}"#,
        r#""holder":{"account":"01938a3e-5c00-7000-8000-00000000a11c","exchange":{}}"#,
        r#""holder":"account""#,
    ] {
        assert!(matches!(
            read(&leaf.replace(holder, other)),
            Err(DecodeError::Malformed(_))
        ));
    }
    let Body::ApiKeyIssued(Issued { holder, scopes, .. }) = read(&leaf).unwrap().body else {
        panic!("another event")
    };
    assert!(matches!(holder, Holder::Account(_)));
    assert_eq!(scopes.len(), 5);
    let all = self::leaf("api_key.issued.v1.policies");
    let Body::ApiKeyIssued(Issued { scopes, .. }) = read(&all).unwrap().body else {
        panic!("another event")
    };
    assert_eq!(scopes, Scope::ALL);
}

#[test]
fn a_key_without_members_still_has_a_thumbprint_of_its_type() {
    let part = |text: &str| KeyPart::parse(text).unwrap();
    let bare = |kty: &str| PublicJwk {
        crv: None,
        e: None,
        kty: part(kty),
        n: None,
        x: None,
        y: None,
    };
    assert_eq!(bare("EC").thumbprint(), Digest::of(br#"{"kty":"EC"}"#));
    assert_ne!(bare("EC").thumbprint(), bare("OKP").thumbprint());
}
