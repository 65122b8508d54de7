//! Signed notes.

use tlog::{Note, NoteError, NoteSignature, SigningKey, VerifierKey, note::MAX_NOTE_LEN};

use crate::{
    key::{GO_KEY, GO_SECRET, SPEC_KEY},
    neighbours, vector,
};

fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(name, &[name.len().try_into().unwrap(); 32]).unwrap()
}

fn known(keys: &[&SigningKey]) -> Vec<VerifierKey> {
    keys.iter().map(|key| key.verifier().clone()).collect()
}

fn line(name: &str, place: u8) -> NoteSignature {
    // An id of zeros, and a signature of one byte.
    let encoded = tlog::Hash::from_bytes([place; 32]).to_base64();
    NoteSignature::parse(&format!("\u{2014} {name} {encoded}")).unwrap()
}

#[test]
fn notes_of_others_verify_and_read_back() {
    for (file, text) in [("spec.note", SPEC_KEY), ("go.note", GO_KEY)] {
        let note = Note::parse(vector(file).as_bytes()).unwrap();
        let keys = [VerifierKey::parse(text).unwrap()];
        assert_eq!(note.verify(&keys).unwrap(), [&keys[0]]);
        assert_eq!(note.to_string(), vector(file));
    }
}

#[test]
fn a_signature_is_the_one_that_others_make() {
    let text = "If you think cryptography is the answer to your problem,\n\
                then you don't know what your problem is.\n";
    let note = Note::sign(text, &SigningKey::parse(GO_SECRET).unwrap()).unwrap();
    assert!(vector("go.note").starts_with(&note.to_string()));
    let enoch = vector("go.note")
        .lines()
        .last()
        .and_then(NoteSignature::parse)
        .unwrap();
    assert_eq!(note.with(enoch).unwrap().to_string(), vector("go.note"));
}

#[test]
fn a_text_may_have_empty_lines() {
    for text in [
        "\n",
        "a\n",
        "\na\n",
        "a\n\nb\n",
        "a\n\n",
        "a\n\n\n",
        "\u{2014} a b\n\n",
    ] {
        let key = key("a");
        let note = Note::sign(text, &key).unwrap();
        let parsed = Note::parse(note.to_string().as_bytes()).unwrap();
        assert_eq!(parsed, note);
        assert_eq!(parsed.text(), text);
        assert!(parsed.verify(&known(&[&key])).is_ok());
    }
}

#[test]
fn a_text_that_cannot_be_read_back_is_not_signed() {
    assert_eq!(Note::sign("", &key("a")), Err(NoteError::Text));
    assert_eq!(Note::sign("a", &key("a")), Err(NoteError::Text));
    assert_eq!(
        Note::sign("a\r\n", &key("a")),
        Err(NoteError::ControlCharacter)
    );
    assert_eq!(
        Note::sign(&"a\n".repeat(MAX_NOTE_LEN / 2), &key("a")),
        Err(NoteError::TooLong)
    );
}

#[test]
fn unknown_signatures_are_ignored() {
    let (log, other) = (key("log"), key("other"));
    let note = Note::sign("text\n", &log)
        .unwrap()
        .with(line("stranger", 1))
        .unwrap();
    assert_eq!(
        note.verify(&known(&[&other, &log])).unwrap(),
        [log.verifier()]
    );
    assert_eq!(note.verify(&known(&[&other])), Err(NoteError::NotSigned));
    assert_eq!(note.verify(&[]), Err(NoteError::NotSigned));
    // The same name with another id is another key, and so is the same id under another name.
    let twin = SigningKey::from_seed("log", &[99; 32]).unwrap();
    assert_eq!(note.verify(&known(&[&twin])), Err(NoteError::NotSigned));
    let borrowed = note
        .signature_of("log", log.verifier().id())
        .unwrap()
        .to_string()
        .replace(" log ", " rog ");
    let note = note.with(NoteSignature::parse(&borrowed).unwrap()).unwrap();
    assert_eq!(note.verify(&known(&[&log])).unwrap(), [log.verifier()]);
}

#[test]
fn one_bad_signature_of_a_known_key_spoils_the_note() {
    let (log, other) = (key("log"), key("other"));
    let note = Note::sign("text\n", &log).unwrap();
    let foreign = Note::sign("another text\n", &other).unwrap().signatures()[0].clone();
    let note = note.with(foreign).unwrap();
    let bad = NoteError::BadSignature {
        name: "other".into(),
        id: other.verifier().id(),
    };
    assert_eq!(note.verify(&known(&[&log, &other])), Err(bad.clone()));
    assert_eq!(note.verify(&known(&[&other, &log])), Err(bad));
    assert_eq!(note.verify(&known(&[&log])).unwrap(), [log.verifier()]);
}

#[test]
fn a_signature_of_another_length_is_bad() {
    let log = key("log");
    let note = Note::sign("text\n", &log).unwrap();
    let text = note.to_string();
    let encoded = text.lines().last().unwrap().rsplit(' ').next().unwrap();
    // 68 bytes end in one padding character; without the last group they are 66.
    let shorter = text.replace(encoded, &encoded[..encoded.len() - 4]);
    let bad = NoteError::BadSignature {
        name: "log".into(),
        id: log.verifier().id(),
    };
    assert_eq!(
        Note::parse(shorter.as_bytes())
            .unwrap()
            .verify(&known(&[&log])),
        Err(bad)
    );
}

#[test]
fn two_signatures_of_one_key_are_refused() {
    let note = Note::sign("text\n", &key("log")).unwrap();
    let again = note.signatures()[0].clone();
    let duplicate = NoteError::DuplicateSignature {
        name: "log".into(),
        id: again.id(),
    };
    let text = format!("{note}{again}\n");
    assert_eq!(note.with(again), Err(duplicate.clone()));
    assert_eq!(Note::parse(text.as_bytes()), Err(duplicate));
    // Also of unknown keys, and also when the signatures differ.
    let text = "text\n\n\u{2014} x AAAAAAE=\n\u{2014} x AAAAAAI=\n";
    assert!(matches!(
        Note::parse(text.as_bytes()),
        Err(NoteError::DuplicateSignature { .. })
    ));
}

#[test]
fn a_note_has_at_most_64_signatures_and_128_kibibytes() {
    let mut note = Note::sign("text\n", &key("log")).unwrap();
    for place in 1..64 {
        note = note.with(line("x", place)).unwrap();
    }
    assert_eq!(Note::parse(note.to_string().as_bytes()).as_ref(), Ok(&note));
    let longer = format!("{note}{}\n", line("x", 64));
    assert_eq!(
        Note::parse(longer.as_bytes()),
        Err(NoteError::TooManySignatures)
    );
    assert_eq!(note.with(line("x", 64)), Err(NoteError::TooManySignatures));

    let signature = "\n\u{2014} x AAAAAAE=\n";
    let fits = "a".repeat(MAX_NOTE_LEN - signature.len() - 1) + "\n" + signature;
    assert_eq!(fits.len(), MAX_NOTE_LEN);
    assert!(Note::parse(fits.as_bytes()).is_ok());
    assert_eq!(
        Note::parse(format!("a{fits}").as_bytes()),
        Err(NoteError::TooLong)
    );
}

#[test]
fn a_malformed_note_is_refused_for_what_is_wrong() {
    let good = "text\n\n\u{2014} x AAAAAAE=\n";
    assert!(Note::parse(good.as_bytes()).is_ok());
    for (note, error) in [
        ("", NoteError::Text),
        ("text\n", NoteError::Text),
        ("text\n\u{2014} x AAAAAAE=\n", NoteError::Text),
        ("text\n\n", NoteError::NoSignatures),
        ("text\n\n\u{2014} x AAAAAAE=", NoteError::NoSignatures),
        ("text\n\n\u{2014} x AAAAAAE=\n\n", NoteError::NoSignatures),
        ("text\n\nx AAAAAAE=\n", NoteError::MalformedSignature(1)),
        ("text\n\n- x AAAAAAE=\n", NoteError::MalformedSignature(1)),
        (
            "text\n\n\u{2014}x AAAAAAE=\n",
            NoteError::MalformedSignature(1),
        ),
        (
            "text\n\n\u{2014}  x AAAAAAE=\n",
            NoteError::MalformedSignature(1),
        ),
        (
            "text\n\n\u{2014} x  AAAAAAE=\n",
            NoteError::MalformedSignature(1),
        ),
        (
            "text\n\n\u{2014} x AAAAAAE= \n",
            NoteError::MalformedSignature(1),
        ),
        (
            "text\n\n\u{2014} x+y AAAAAAE=\n",
            NoteError::MalformedSignature(1),
        ),
        (
            "text\n\n\u{2014} x\u{a0}y AAAAAAE=\n",
            NoteError::MalformedSignature(1),
        ),
        (
            "text\n\n\u{2014} x AAAAAA==\n",
            NoteError::MalformedSignature(1),
        ),
        (
            "text\n\n\u{2014} x AAAAAAF=\n",
            NoteError::MalformedSignature(1),
        ),
        (
            "text\n\n\u{2014} x AAAAAAE\n",
            NoteError::MalformedSignature(1),
        ),
        (
            "text\n\n\u{2014} x AAAAAAE=\ny\n",
            NoteError::MalformedSignature(2),
        ),
        (
            "te\0xt\n\n\u{2014} x AAAAAAE=\n",
            NoteError::ControlCharacter,
        ),
        (
            "text\r\n\n\u{2014} x AAAAAAE=\n",
            NoteError::ControlCharacter,
        ),
        (
            "text\n\n\u{2014} x AAAAAAE=\r\n",
            NoteError::ControlCharacter,
        ),
    ] {
        assert_eq!(Note::parse(note.as_bytes()), Err(error), "{note:?}");
    }
    assert_eq!(
        Note::parse(b"te\xffxt\n\n\xe2\x80\x94 x AAAAAAE=\n"),
        Err(NoteError::NotUtf8)
    );
}

#[test]
fn no_neighbour_of_a_note_verifies() {
    let keys = [VerifierKey::parse(SPEC_KEY).unwrap()];
    for near in neighbours(&vector("spec.note")) {
        let verifies = Note::parse(near.as_bytes()).is_ok_and(|note| note.verify(&keys).is_ok());
        assert!(!verifies, "{near}");
    }
}
