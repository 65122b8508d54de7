//! Cosignatures.

use tlog::{
    Checkpoint, CheckpointError, CosignatureError, CosignerKey, CosigningKey, EMPTY_ROOT, Note,
    NoteSignature, SigningKey, cosignature::MAX_TIME, cosignatures, leaf_hash,
};

use crate::{key::WITNESS_KEY, neighbours, vector};

const WITNESSES: [&str; 4] = [
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
    WITNESS_KEY,
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
];

fn witness() -> CosigningKey {
    CosigningKey::from_seed("witness.example/w1", &[2; 32]).unwrap()
}

fn checkpoint() -> Checkpoint {
    Checkpoint::new("ledger.example/log/1", 3, leaf_hash(b"")).unwrap()
}

fn note() -> Note {
    let key = SigningKey::from_seed("ledger.example/log/1", &[1; 32]).unwrap();
    Note::parse(checkpoint().sign(&key).unwrap().as_bytes()).unwrap()
}

fn bad(key: &CosignerKey) -> CosignatureError {
    CosignatureError::BadSignature {
        name: key.name().into(),
        id: key.id(),
    }
}

#[test]
fn the_cosignatures_of_public_witnesses_verify() {
    let note = Note::parse(vector("witnessed.note").as_bytes()).unwrap();
    let known: Vec<CosignerKey> = WITNESSES
        .iter()
        .map(|text| CosignerKey::parse(text).unwrap())
        .collect();
    let found = cosignatures(&note, &known).unwrap();
    let expected: Vec<_> = known.into_iter().map(|key| (key, 1_779_573_024)).collect();
    assert_eq!(
        found
            .into_iter()
            .map(|found| (found.cosigner, found.time))
            .collect::<Vec<_>>(),
        expected
    );
}

#[test]
fn a_cosignature_stands_beside_the_signature_of_the_log() {
    for time in [0, 1, 1_700_000_000, MAX_TIME] {
        let note = note()
            .with(witness().cosign(&checkpoint(), time).unwrap())
            .unwrap();
        let read = Note::parse(note.to_string().as_bytes()).unwrap();
        let found = cosignatures(&read, &[witness().verifier().clone()]).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(
            (&found[0].cosigner, found[0].time),
            (witness().verifier(), time)
        );
    }
}

#[test]
fn extension_lines_are_cosigned_too() {
    let text = checkpoint().text() + "extension\n";
    let extended = Checkpoint::parse(&text).unwrap();
    let line = witness().cosign(&extended, 5).unwrap();
    let log = SigningKey::from_seed("ledger.example/log/1", &[1; 32]).unwrap();
    let known = [witness().verifier().clone()];
    let with_it = Note::sign(&text, &log).unwrap().with(line.clone()).unwrap();
    assert_eq!(cosignatures(&with_it, &known).unwrap().len(), 1);
    let without_it = note().with(line).unwrap();
    assert_eq!(cosignatures(&without_it, &known), Err(bad(&known[0])));
}

#[test]
fn cosigners_that_are_unknown_or_absent_do_not_count() {
    let other = CosigningKey::from_seed("witness.example/w2", &[3; 32]).unwrap();
    let twin = CosigningKey::from_seed("witness.example/w1", &[3; 32]).unwrap();
    let note = note()
        .with(witness().cosign(&checkpoint(), 5).unwrap())
        .unwrap();
    assert_eq!(cosignatures(&note, &[]), Ok(vec![]));
    assert_eq!(
        cosignatures(&note, &[other.verifier().clone(), twin.verifier().clone()]),
        Ok(vec![])
    );
}

#[test]
fn a_cosignature_of_another_time_or_checkpoint_spoils_the_note() {
    let known = [witness().verifier().clone()];
    let later = Checkpoint::new("ledger.example/log/1", 4, leaf_hash(b"")).unwrap();
    let foreign = note().with(witness().cosign(&later, 5).unwrap()).unwrap();
    assert_eq!(cosignatures(&foreign, &known), Err(bad(&known[0])));

    // The eight bytes of the time stand in base64 digits 6 to 15; the fifteenth says 5 seconds.
    let line = witness().cosign(&checkpoint(), 5).unwrap().to_string();
    let at = line.rfind(' ').unwrap() + 1;
    let (head, encoded) = line.split_at(at);
    assert_eq!(&encoded[6..16], "AAAAAAAAAF");
    let moved = format!("{head}{}AAAAAAAAAG{}", &encoded[..6], &encoded[16..]);
    let moved = note().with(NoteSignature::parse(&moved).unwrap()).unwrap();
    assert_eq!(cosignatures(&moved, &known), Err(bad(&known[0])));
}

#[test]
fn a_plain_signature_is_not_a_cosignature() {
    // As a witness answered that signed the text itself: 64 bytes without a time, under the id of a cosigner.
    let known = [witness().verifier().clone()];
    let plain = SigningKey::from_seed("witness.example/w1", &[2; 32]).unwrap();
    let signed = Note::sign(&checkpoint().text(), &plain)
        .unwrap()
        .signatures()[0]
        .clone();
    assert_eq!(
        cosignatures(&note().with(signed.clone()).unwrap(), &known),
        Ok(vec![])
    );

    let cosigned = witness().cosign(&checkpoint(), 5).unwrap();
    let encoded = cosigned.to_string().rsplit(' ').next().unwrap().to_string();
    let truncated = format!(
        "\u{2014} witness.example/w1 {}",
        &encoded[..encoded.len() - 12]
    );
    let truncated = NoteSignature::parse(&truncated).unwrap();
    assert_eq!(truncated.id(), known[0].id());
    assert_eq!(
        cosignatures(&note().with(truncated).unwrap(), &known),
        Err(bad(&known[0]))
    );
}

#[test]
fn only_checkpoints_of_others_are_cosigned() {
    let own = CosigningKey::from_seed("ledger.example/log/1", &[2; 32]).unwrap();
    let refused = CosignatureError::OwnLog("ledger.example/log/1".into());
    assert_eq!(own.cosign(&checkpoint(), 5), Err(refused));
    let log = SigningKey::from_seed("a", &[1; 32]).unwrap();
    let text = Note::sign("no checkpoint\n", &log).unwrap();
    assert_eq!(cosignatures(&text, &[]), Err(CheckpointError::Lines.into()));
}

#[test]
fn a_time_fits_in_63_bits() {
    let late = CosignatureError::Time(MAX_TIME + 1);
    assert_eq!(witness().cosign(&checkpoint(), MAX_TIME + 1), Err(late));
}

#[test]
fn no_neighbour_of_a_cosigned_checkpoint_is_cosigned() {
    let empty = Checkpoint::new("log", 0, EMPTY_ROOT).unwrap();
    let log = SigningKey::from_seed("log", &[1; 32]).unwrap();
    let line = witness().cosign(&empty, 5).unwrap();
    let known = [witness().verifier().clone()];
    let text = format!("{}\n{line}\n", empty.text());
    assert_eq!(
        cosignatures(&Note::parse(text.as_bytes()).unwrap(), &known)
            .unwrap()
            .len(),
        1
    );
    assert!(Note::sign(&empty.text(), &log).is_ok());
    for near in neighbours(&text) {
        let found = Note::parse(near.as_bytes())
            .ok()
            .and_then(|note| cosignatures(&note, &known).ok());
        assert_eq!(found.unwrap_or_default(), [], "{near}");
    }
}
