//! Bytes from strangers: nothing panics, and what parses is written back to the byte.

use proptest::prelude::*;
use tlog::{
    Checkpoint, CosignerKey, Hash, Note, NoteSignature, Receipt, Resource, SigningKey, VerifierKey,
    parse_bundle,
};

use crate::{
    key::{GO_SECRET, SPEC_KEY, WITNESS_KEY},
    tile::name_like,
    vector,
};

/// Feeds the bytes to every parser of the crate.
fn feed(bytes: &[u8]) {
    let _ = parse_bundle(bytes);
    let _ = Hash::from_slice(bytes);
    if let Ok(note) = Note::parse(bytes) {
        assert_eq!(note.to_string().as_bytes(), bytes);
        let _ = note.verify(&[VerifierKey::parse(SPEC_KEY).unwrap()]);
        let _ = tlog::cosignatures(&note, &[CosignerKey::parse(WITNESS_KEY).unwrap()]);
    }
    if let Ok(receipt) = Receipt::parse(bytes) {
        assert_eq!(receipt.text().as_bytes(), bytes);
        let _ = receipt.verify(b"", &VerifierKey::parse(SPEC_KEY).unwrap());
    }
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let read_back = [
        Checkpoint::parse(text).map(|found| found.text()).ok(),
        Resource::parse(text).map(|found| found.to_string()).ok(),
        VerifierKey::parse(text).map(|found| found.to_string()).ok(),
        CosignerKey::parse(text).map(|found| found.to_string()).ok(),
        SigningKey::parse(text)
            .map(|found| found.to_text().to_string())
            .ok(),
        NoteSignature::parse(text).map(|found| found.to_string()),
        Hash::from_base64(text).map(|found| found.to_base64()),
        Hash::from_hex(text).map(|found| found.to_hex()),
    ];
    for found in read_back.into_iter().flatten() {
        assert_eq!(found, text);
    }
}

/// Texts that are almost right.
fn seeds() -> Vec<String> {
    let files = [
        "spec.note",
        "go.note",
        "witnessed.note",
        "receipt.tlog-proof",
    ];
    let mut seeds: Vec<String> = files.iter().map(|file| vector(file)).collect();
    seeds.push(
        vector("witnessed.note")
            .split("\n\n")
            .next()
            .unwrap()
            .to_string()
            + "\n",
    );
    seeds.extend(
        [
            SPEC_KEY,
            WITNESS_KEY,
            GO_SECRET,
            "0/x001/x234/067.p/8",
            "entries/x001/000",
        ]
        .map(String::from),
    );
    seeds.push(Hash::from_bytes([7; 32]).to_hex());
    seeds
}

#[test]
fn every_seed_is_understood_by_some_parser() {
    for seed in seeds() {
        feed(seed.as_bytes());
    }
    assert!(Checkpoint::parse(&seeds()[4]).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        feed(&bytes);
    }

    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        feed(text.as_bytes());
    }

    #[test]
    fn names_of_no_tile_never_panic(text in name_like()) {
        feed(text.as_bytes());
    }

    #[test]
    fn spliced_texts_never_panic(
        head in prop::sample::select(seeds()),
        tail in prop::sample::select(seeds()),
        cuts in any::<(prop::sample::Index, prop::sample::Index)>(),
        noise in prop::collection::vec(any::<u8>(), 0..3),
    ) {
        let head = &head.as_bytes()[..cuts.0.index(head.len() + 1)];
        let tail = &tail.as_bytes()[cuts.1.index(tail.len() + 1)..];
        feed(&[head, &noise, tail].concat());
    }
}
