//! Checkpoints.

use tlog::{
    Checkpoint, CheckpointError, EMPTY_ROOT, MAX_SIZE, Note, NoteError, SigningKey, VerifierKey,
    leaf_hash,
};

use crate::{neighbours, vector};

const ORIGIN: &str = "ledger.example/log/1";

fn key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[1; 32]).unwrap()
}

#[test]
fn a_checkpoint_of_a_public_log_opens_under_the_key_of_the_log() {
    let key = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f";
    let note = vector("witnessed.note");
    let checkpoint = Checkpoint::open(note.as_bytes(), &VerifierKey::parse(key).unwrap()).unwrap();
    assert_eq!(
        checkpoint.origin(),
        "arche2025h1.staging.ct.transparency.dev"
    );
    assert_eq!(checkpoint.size(), 1_432_088_532);
    assert_eq!(
        checkpoint.root().to_base64(),
        "U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro="
    );
    assert!(checkpoint.extensions().is_empty());
    assert!(note.starts_with(&checkpoint.text()));
}

#[test]
fn a_checkpoint_is_three_lines() {
    let checkpoint = Checkpoint::new(ORIGIN, 70_000, leaf_hash(b"")).unwrap();
    assert_eq!(
        checkpoint.text(),
        "ledger.example/log/1\n70000\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n"
    );
    assert_eq!(Checkpoint::parse(&checkpoint.text()), Ok(checkpoint));
}

#[test]
fn what_the_log_signs_it_opens() {
    for (size, root) in [
        (0, EMPTY_ROOT),
        (1, leaf_hash(b"")),
        (MAX_SIZE, leaf_hash(b"x")),
    ] {
        let checkpoint = Checkpoint::new(ORIGIN, size, root).unwrap();
        let note = checkpoint.sign(&key()).unwrap();
        assert_eq!(
            Checkpoint::open(note.as_bytes(), key().verifier()),
            Ok(checkpoint)
        );
    }
}

#[test]
fn extension_lines_are_kept_under_the_signature() {
    let text = Checkpoint::new(ORIGIN, 0, EMPTY_ROOT).unwrap().text() + "one\ntwo three\n";
    let note = Note::sign(&text, &key()).unwrap();
    let checkpoint = Checkpoint::of(&note, key().verifier()).unwrap();
    assert_eq!(checkpoint.extensions(), ["one", "two three"]);
    assert_eq!(checkpoint.text(), text);
    assert_eq!(checkpoint.sign(&key()), Ok(note.to_string()));
}

#[test]
fn the_key_is_the_key_of_the_origin() {
    let other = SigningKey::from_seed("other.example/log/1", &[1; 32]).unwrap();
    let checkpoint = Checkpoint::new(ORIGIN, 0, EMPTY_ROOT).unwrap();
    let error = CheckpointError::Origin {
        origin: ORIGIN.into(),
        key: "other.example/log/1".into(),
    };
    assert_eq!(checkpoint.sign(&other), Err(error.clone()));
    let note = Note::sign(&checkpoint.text(), &other).unwrap();
    assert_eq!(Checkpoint::of(&note, other.verifier()), Err(error));
}

#[test]
fn a_checkpoint_without_the_signature_of_its_log_does_not_open() {
    let note = Checkpoint::new(ORIGIN, 0, EMPTY_ROOT)
        .unwrap()
        .sign(&key())
        .unwrap();
    let other = SigningKey::from_seed(ORIGIN, &[2; 32]).unwrap();
    assert_eq!(
        Checkpoint::open(note.as_bytes(), other.verifier()),
        Err(NoteError::NotSigned.into())
    );
    assert_eq!(
        Checkpoint::open(b"", key().verifier()),
        Err(NoteError::Text.into())
    );
    let note = Note::sign("no checkpoint\n", &key()).unwrap();
    assert_eq!(
        Checkpoint::of(&note, key().verifier()),
        Err(CheckpointError::Lines)
    );
}

#[test]
fn a_malformed_checkpoint_is_refused_for_what_is_wrong() {
    use CheckpointError::{EmptyRoot, Lines, Root, Size};
    let root = leaf_hash(b"").to_base64();
    let empty = EMPTY_ROOT.to_base64();
    for (text, error) in [
        (String::new(), Lines),
        ("\n".into(), Lines),
        (format!("log\n1\n{root}"), Lines),
        ("log\n1\n".into(), Lines),
        (format!("\n1\n{root}\n"), Lines),
        (format!("log\n1\n{root}\n\n"), Lines),
        (format!("log\n1\n{root}\n\nmore\n"), Lines),
        (format!("lo\tg\n1\n{root}\n"), Lines),
        (format!("log\r\n1\r\n{root}\r\n"), Lines),
        (format!("log\n01\n{root}\n"), Size),
        (format!("log\n00\n{empty}\n"), Size),
        (format!("log\n+1\n{root}\n"), Size),
        (format!("log\n-1\n{root}\n"), Size),
        (format!("log\n 1\n{root}\n"), Size),
        (format!("log\n1 \n{root}\n"), Size),
        (format!("log\n0x1\n{root}\n"), Size),
        (format!("log\n٣\n{root}\n"), Size),
        (format!("log\n9223372036854775808\n{root}\n"), Size),
        (format!("log\n18446744073709551617\n{root}\n"), Size),
        ("log\n1\nroot\n".into(), Root),
        ("log\n1\nAAAA\n".into(), Root),
        (format!("log\n1\n{root} \n"), Root),
        (format!("log\n1\n{}\n", root.trim_end_matches('=')), Root),
        (format!("log\n0\n{root}\n"), EmptyRoot),
    ] {
        assert_eq!(Checkpoint::parse(&text), Err(error), "{text:?}");
    }
}

#[test]
fn what_could_not_be_read_back_is_not_made() {
    let root = leaf_hash(b"");
    assert_eq!(Checkpoint::new("", 1, root), Err(CheckpointError::Lines));
    assert_eq!(
        Checkpoint::new("log\n1", 1, root),
        Err(CheckpointError::Root)
    );
    let smuggled = format!("log\n5\n{}\nmore", root.to_base64());
    assert_eq!(
        Checkpoint::new(&smuggled, 1, root),
        Err(CheckpointError::Lines)
    );
    assert_eq!(
        Checkpoint::new("log", MAX_SIZE + 1, root),
        Err(CheckpointError::Size)
    );
    assert_eq!(
        Checkpoint::new("log", 0, root),
        Err(CheckpointError::EmptyRoot)
    );
}

#[test]
fn no_neighbour_of_a_signed_checkpoint_opens() {
    let note = Checkpoint::new(ORIGIN, 70_000, leaf_hash(b""))
        .unwrap()
        .sign(&key())
        .unwrap();
    for near in neighbours(&note) {
        assert!(
            Checkpoint::open(near.as_bytes(), key().verifier()).is_err(),
            "{near}"
        );
    }
}
