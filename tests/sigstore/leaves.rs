//! Every member of a bundle, changed and taken away: nothing is accepted that changes what was verified.
//!
//! What may change is listed here exactly, and in `docs/formats/attestations.md` with the reason.
use gemledger::{
    demo::sigstore::{Content, How, slsa, statement},
    sigstore::{LogName, Requires, Root, SLSA_PROVENANCE_V1, Uploaded, Verified, verify},
};
use serde_json::{Value, json};

use super::{FILE, Given, ISSUER, bytes, now, parsed, signed_at};

/// The way to every value in a bundle, the lists and objects among them.
fn paths(value: &Value, path: &str, into: &mut Vec<String>) {
    if !path.is_empty() {
        into.push(path.to_owned());
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                paths(member, &format!("{path}/{name}"), into);
            }
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                paths(item, &format!("{path}/{place}"), into);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The same kind of value, saying something else.
fn changed(value: &Value) -> Option<Value> {
    let text = value.as_str()?;
    if let Ok(number) = text.parse::<u64>() {
        return Some(json!((number + 1).to_string()));
    }
    // In the middle: a letter of base64 that stays one.
    let middle = text.len() / 2;
    let middle = (0..=middle).rev().find(|at| text.is_char_boundary(*at))?;
    let (before, after) = text.split_at(middle);
    let mut rest = after.chars();
    let other = if rest.next()? == 'A' { 'B' } else { 'A' };
    Some(json!(format!("{before}{other}{}", rest.as_str())))
}

fn removed(bundle: &Value, path: &str) -> Value {
    let mut bundle = bundle.clone();
    let (above, name) = path.rsplit_once('/').unwrap();
    match bundle.pointer_mut(above).unwrap() {
        Value::Object(members) => {
            members.remove(name);
        }
        Value::Array(items) => {
            items.remove(name.parse().unwrap());
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => unreachable!(),
    }
    bundle
}

/// What can be done to this bundle without its being refused, in words, and how much was tried.
fn accepted(given: &Given, root: &Root, bundle: &Value) -> (Vec<String>, usize) {
    let read = |bundle: &Value| {
        let bytes = bytes(bundle);
        let upload = Uploaded::read(&bytes).ok()?;
        verify(root, &upload, &given.artifact(), ISSUER, now()).ok()
    };
    let good = read(bundle).unwrap();
    let mut all = Vec::new();
    paths(bundle, "", &mut all);
    let mut accepted = Vec::new();
    let mut tried = 0;
    for path in &all {
        let put = |value: Value| {
            let mut other = bundle.clone();
            *other.pointer_mut(path).unwrap() = value;
            other
        };
        let change = changed(bundle.pointer(path).unwrap()).map(put);
        let others = [
            change.map(|other| ("changed", other)),
            Some(("removed", removed(bundle, path))),
            Some(("null", put(Value::Null))),
        ];
        for (what, other) in others.into_iter().flatten() {
            tried += 1;
            if let Some(verified) = read(&other) {
                let done = format!("{} {what}", path.trim_start_matches('/'));
                assert_says_no_more(&verified, &good, &done);
                accepted.push(done);
            }
        }
    }
    (accepted, tried)
}

/// A change changes nothing that was verified but the digest of the bytes. Evidence that was taken away is missed where it
/// was required; elsewhere less was checked, and less is said.
#[track_caller]
fn assert_says_no_more(verified: &Verified, good: &Verified, done: &str) {
    let mut expected = Verified {
        bundle: verified.bundle,
        ..good.clone()
    };
    if !done.ends_with("changed") {
        expected.times.retain(|time| verified.times.contains(time));
        expected.checked.timestamp &= verified.checked.timestamp;
    }
    if done.contains("inclusionPromise") {
        // Its index in the whole log is gone with it, and the key's id: the checkpoint names the log.
        let entry = expected.log_entry.as_mut().unwrap();
        entry.index = "5".into();
        entry.log = LogName::Origin("rekor.gemledger.localhost - 1193050959916656506".into());
    }
    assert_eq!(*verified, expected, "{done}");
}

fn slsa_statement(given: &Given) -> String {
    statement(
        FILE,
        &given.digest(),
        SLSA_PROVENANCE_V1,
        &slsa(&given.claims),
    )
}

fn signed(given: &Given, content: Content<'_>, how: How) -> Value {
    let signer = given.sigstore.signer(&given.claims, signed_at()).unwrap();
    parsed(&given.sigstore.sign(&signer, content, how).unwrap())
}

/// Where there is a timestamp, and none is required.
const STAMPS: [&str; 3] = [
    "verificationMaterial/timestampVerificationData removed",
    "verificationMaterial/timestampVerificationData null",
    "verificationMaterial/timestampVerificationData/rfc3161Timestamps removed",
];

/// The digest of what was signed, which the verifier has from elsewhere.
const MESSAGE_DIGEST: [&str; 2] = [
    "messageSignature/messageDigest removed",
    "messageSignature/messageDigest null",
];

/// The middle of the checkpoint, where the signature line has the name of the signer: see below.
const CHECKPOINT: &str =
    "verificationMaterial/tlogEntries/0/inclusionProof/checkpoint/envelope changed";

/// What the second log's specification says to ignore.
const UNSIGNED_V2: [&str; 5] = [
    "verificationMaterial/tlogEntries/0/inclusionProof/logIndex changed",
    "verificationMaterial/tlogEntries/0/inclusionProof/logIndex removed",
    "verificationMaterial/tlogEntries/0/inclusionProof/rootHash changed",
    "verificationMaterial/tlogEntries/0/inclusionProof/treeSize changed",
    "verificationMaterial/tlogEntries/0/logId/keyId changed",
];

/// With a timestamp beside the first log, one of the two that vouch for a time is enough; and a name that is not signed.
const ONE_OF_TWO: [&str; 5] = [
    "dsseEnvelope/signatures/0/keyid changed",
    "dsseEnvelope/signatures/0/keyid removed",
    "verificationMaterial/timestampVerificationData/rfc3161Timestamps/0 removed",
    "verificationMaterial/tlogEntries/0/inclusionPromise null",
    "verificationMaterial/tlogEntries/0/inclusionPromise removed",
];

/// An empty list.
const NO_LOG: [&str; 1] = ["verificationMaterial/tlogEntries removed"];

#[track_caller]
fn assert_accepted(came: (Vec<String>, usize), expected: &[&[&str]], least: usize) {
    let (came, tried) = came;
    let mut expected = expected.concat();
    expected.sort_unstable();
    let mut came: Vec<&str> = came.iter().map(String::as_str).collect();
    came.sort_unstable();
    assert_eq!(came, expected);
    assert!(tried >= least, "tried {tried}");
}

#[test]
fn a_message_signature_in_the_first_log() {
    let given = Given::new();
    let bundle = signed(&given, given.content(), How::logged(signed_at()));
    let root = given.root(Requires::LOGGED);
    let came = accepted(&given, &root, &bundle);
    assert_accepted(came, &[&MESSAGE_DIGEST, &STAMPS, &[CHECKPOINT]], 80);
}

#[test]
fn a_message_signature_in_the_second_log() {
    let given = Given::new();
    let bundle = signed(&given, given.content(), How::logged_v2(signed_at()));
    let root = given.root(Requires::LOGGED);
    let came = accepted(&given, &root, &bundle);
    assert_accepted(came, &[&MESSAGE_DIGEST, &[CHECKPOINT], &UNSIGNED_V2], 75);
}

#[test]
fn a_statement_in_the_first_log_with_a_timestamp() {
    let given = Given::new();
    let text = slsa_statement(&given);
    let how = How {
        timestamp: true,
        ..How::logged(signed_at())
    };
    let mut bundle = signed(&given, Content::Statement(&text), how);
    bundle["dsseEnvelope"]["signatures"][0]["keyid"] = json!("a name that is not signed");
    let root = given.root(Requires::LOGGED);
    let came = accepted(&given, &root, &bundle);
    assert_accepted(came, &[&STAMPS, &[CHECKPOINT], &ONE_OF_TWO], 80);
}

#[test]
fn a_statement_in_the_second_log() {
    let given = Given::new();
    let text = slsa_statement(&given);
    let how = How::logged_v2(signed_at());
    let bundle = signed(&given, Content::Statement(&text), how);
    let root = given.root(Requires::LOGGED);
    let came = accepted(&given, &root, &bundle);
    assert_accepted(came, &[&[CHECKPOINT], &UNSIGNED_V2], 75);
}

#[test]
fn a_timestamp_alone() {
    let given = Given::new();
    let signer = given
        .sigstore
        .unlogged_signer(&given.claims, signed_at())
        .unwrap();
    let how = How::timestamped(signed_at());
    let bundle = parsed(&given.sigstore.sign(&signer, given.content(), how).unwrap());
    let root = given.root(Requires::TIMESTAMPED);
    let came = accepted(&given, &root, &bundle);
    assert_accepted(came, &[&MESSAGE_DIGEST, &NO_LOG], 30);
}

/// Every character of a checkpoint, another one in its place: the key finds its signature by a hint of four bytes, and the
/// name beside it is read by nobody.
#[test]
fn a_checkpoint_may_change_in_the_name_of_its_signer_alone() {
    let given = Given::new();
    let root = given.root(Requires::LOGGED);
    for how in [How::logged(signed_at()), How::logged_v2(signed_at())] {
        let mut bundle = signed(&given, given.content(), how);
        let place = "/verificationMaterial/tlogEntries/0/inclusionProof/checkpoint/envelope";
        let good = bundle.pointer(place).unwrap().as_str().unwrap().to_owned();
        let verified = given.verify(&bytes(&bundle)).unwrap();
        let name = good.find("— ").unwrap() + "— ".len();
        let name = name..good.rfind(' ').unwrap();
        for (at, c) in good.char_indices() {
            let other = if c == 'x' { 'y' } else { 'x' };
            let text = format!("{}{other}{}", &good[..at], &good[at + c.len_utf8()..]);
            *bundle.pointer_mut(place).unwrap() = json!(text);
            match given.verify_under(&root, &bytes(&bundle)) {
                Ok(same) => {
                    assert!(name.contains(&at), "{text}");
                    assert_says_no_more(&same, &verified, "envelope changed");
                }
                Err(_) => assert!(!name.contains(&at), "{text}"),
            }
        }
    }
}

/// The way to a member as the document writes it: `logId.keyId`, `signatures[0].keyid`.
fn written(done: &str) -> String {
    let (path, _) = done.rsplit_once(' ').unwrap();
    let mut written = String::new();
    for name in path.split('/') {
        if name.parse::<usize>().is_ok() {
            written = format!("{written}[{name}]");
        } else {
            written = format!("{written}.{name}");
        }
    }
    written
}

/// The members in the first column of the table.
fn listed() -> Vec<String> {
    let document = include_str!("../../docs/formats/attestations.md");
    let (_, list) = document.split_once("| what may change |").unwrap();
    let rows = list
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let columns = rows.map(|row| row.split('|').nth(1).unwrap());
    columns
        .flat_map(|column| column.split('`').skip(1).step_by(2))
        .map(|name| format!(".{name}"))
        .collect()
}

#[test]
fn the_document_lists_exactly_what_is_accepted_here() {
    let lists: [&[&str]; 6] = [
        &MESSAGE_DIGEST,
        &STAMPS,
        &[CHECKPOINT],
        &UNSIGNED_V2,
        &ONE_OF_TWO,
        &NO_LOG,
    ];
    let accepted: Vec<String> = lists.concat().into_iter().map(written).collect();
    let listed = listed();
    for member in &accepted {
        let found = listed.iter().any(|name| member.ends_with(name.as_str()));
        assert!(found, "{member} may change, and is not listed");
    }
    for name in &listed {
        let found = accepted
            .iter()
            .any(|member| member.ends_with(name.as_str()));
        assert!(found, "{name} is listed, and may not change");
    }
}
