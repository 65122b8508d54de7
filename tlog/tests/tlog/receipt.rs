//! Receipts.

use tlog::{
    Checkpoint, CheckpointError, CosignerKey, Note, NoteError, Receipt, ReceiptError, SigningKey,
    VerifierKey, VerifyError, cosignatures, inclusion_proof, leaf_hash,
    receipt::{MAX_EXTRA_LEN, MAX_RECEIPT_LEN},
};

use crate::{leaves, log_of, neighbours, vector};

const LOG: &str = "ledger.example/log/1+132c082b+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
const WITNESS: &str = "witness.example/w1+df1c0a35+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU";

fn log_key() -> VerifierKey {
    VerifierKey::parse(LOG).unwrap()
}

/// The receipt of entry 2 of the log "0", "1", "2", "3", "4".
fn small(extra: &[u8]) -> Receipt {
    let (tiles, edge) = log_of(&leaves(5));
    let key = SigningKey::from_seed("ledger.example/log/1", &[1; 32]).unwrap();
    let note = Checkpoint::new("ledger.example/log/1", 5, edge.root())
        .unwrap()
        .sign(&key)
        .unwrap();
    let proof = inclusion_proof(2, 5, &tiles).unwrap();
    Receipt::new(extra, 2, proof, Note::parse(note.as_bytes()).unwrap()).unwrap()
}

#[test]
fn a_receipt_written_by_another_program_verifies() {
    let file = vector("receipt.tlog-proof");
    let receipt = Receipt::parse(file.as_bytes()).unwrap();
    let checkpoint = receipt.verify(receipt.extra(), &log_key()).unwrap();
    assert_eq!(
        (receipt.extra(), receipt.index(), checkpoint.size()),
        (&b"12345"[..], 12_345, 70_000)
    );
    let cosigned = cosignatures(
        receipt.checkpoint(),
        &[CosignerKey::parse(WITNESS).unwrap()],
    )
    .unwrap();
    assert_eq!(
        cosigned
            .iter()
            .map(|cosigned| cosigned.time)
            .collect::<Vec<_>>(),
        [1_700_000_000]
    );
    assert_eq!(receipt.text(), file);
}

#[test]
fn the_same_receipt_is_made_from_tiles() {
    let (tiles, edge) = log_of(&leaves(70_000));
    let golden = Receipt::parse(vector("receipt.tlog-proof").as_bytes()).unwrap();
    let proof = inclusion_proof(12_345, 70_000, &tiles).unwrap();
    let made = Receipt::new(b"12345", 12_345, proof, golden.checkpoint().clone()).unwrap();
    assert_eq!(made, golden);
    let log = SigningKey::from_seed("ledger.example/log/1", &[1; 32]).unwrap();
    let signed = Checkpoint::new("ledger.example/log/1", 70_000, edge.root())
        .unwrap()
        .sign(&log)
        .unwrap();
    assert!(vector("receipt.tlog-proof").contains(&signed));
}

#[test]
fn a_receipt_without_extra_data_has_no_such_line() {
    let receipt = small(b"");
    assert!(
        receipt
            .text()
            .starts_with("c2sp.org/tlog-proof@v1\nindex 2\n")
    );
    assert_eq!(
        Receipt::parse(receipt.text().as_bytes()).as_ref(),
        Ok(&receipt)
    );
    assert!(receipt.verify(b"2", &log_key()).is_ok());
}

#[test]
fn the_receipt_of_the_only_entry_has_no_hashes() {
    let key = SigningKey::from_seed("ledger.example/log/1", &[1; 32]).unwrap();
    let note = Checkpoint::new("ledger.example/log/1", 1, leaf_hash(b"0"))
        .unwrap()
        .sign(&key)
        .unwrap();
    let receipt = Receipt::new(b"", 0, vec![], Note::parse(note.as_bytes()).unwrap()).unwrap();
    assert_eq!(
        receipt.text(),
        format!("c2sp.org/tlog-proof@v1\nindex 0\n\n{note}")
    );
    let receipt = Receipt::parse(receipt.text().as_bytes()).unwrap();
    assert!(receipt.verify(b"0", &log_key()).is_ok());
}

#[test]
fn nothing_vouches_for_the_extra_data() {
    let receipt = small(b"something else");
    assert!(receipt.verify(b"2", &log_key()).is_ok());
    assert_eq!(
        receipt.verify(receipt.extra(), &log_key()),
        Err(VerifyError::Root.into())
    );
}

#[test]
fn a_receipt_is_refused_for_what_does_not_hold() {
    let receipt = small(b"2");
    assert_eq!(
        receipt.verify(b"3", &log_key()),
        Err(VerifyError::Root.into())
    );
    let other = VerifierKey::parse(crate::key::SPEC_KEY).unwrap();
    let error = CheckpointError::from(NoteError::NotSigned);
    assert_eq!(receipt.verify(b"2", &other), Err(error.into()));

    let (proof, note) = (receipt.proof().to_vec(), receipt.checkpoint().clone());
    let moved = Receipt::new(b"2", 3, proof.clone(), note.clone()).unwrap();
    assert_eq!(
        moved.verify(b"2", &log_key()),
        Err(VerifyError::Root.into())
    );
    let outside = Receipt::new(b"2", 5, proof, note.clone()).unwrap();
    assert_eq!(
        outside.verify(b"2", &log_key()),
        Err(VerifyError::IndexOutOfRange { index: 5, size: 5 }.into())
    );
    let bare = Receipt::new(b"2", 2, vec![], note).unwrap();
    assert_eq!(
        bare.verify(b"2", &log_key()),
        Err(VerifyError::Length(0).into())
    );
}

#[test]
fn a_malformed_receipt_is_refused_for_what_is_wrong() {
    use ReceiptError::{Extra, Header, Index, Proof};
    let good = small(b"2").text();
    let with = |from: &str, to: &str| {
        let changed = good.replacen(from, to, 1);
        assert_ne!(changed, good);
        changed
    };
    let blank = good.find("\n\n").unwrap();
    for (text, error) in [
        (String::new(), Header),
        (with("@v1", "@v2"), Header),
        (with("c2sp", " c2sp"), Header),
        (with("@v1\n", "@v1\r\n"), Header),
        (with("extra Mg==", "extra "), Extra),
        (with("extra Mg==", "extra Mg"), Extra),
        (with("extra Mg==", "extra Mh=="), Extra),
        (with("extra Mg==", "extra  Mg=="), Extra),
        (with("extra Mg==\n", "extra Mg==\nextra Mg==\n"), Index),
        (with("extra Mg==", "extra"), Index),
        (with("index 2\n", ""), Index),
        (with("index 2\n", "\nindex 2\n"), Index),
        (with("index 2", "index"), Index),
        (with("index 2", "index 02"), Index),
        (with("index 2", "index +2"), Index),
        (with("index 2", "index -2"), Index),
        (with("index 2", "index 2 "), Index),
        (with("index 2", "index 18446744073709551616"), Index),
        (with("index 2\n", "index 2\nroot\n"), Proof),
        (with("index 2\n", "index 2\nAAAA\n"), Proof),
        (
            with(
                "index 2\n",
                &format!(
                    "index 2\n{}",
                    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".repeat(61)
                ),
            ),
            Proof,
        ),
        (good[..=blank].to_string(), NoteError::Text.into()),
        (good[..blank + 2].to_string(), NoteError::Text.into()),
        (good.trim_end().to_string(), NoteError::NoSignatures.into()),
    ] {
        assert_eq!(Receipt::parse(text.as_bytes()), Err(error), "{text}");
    }
    assert_eq!(
        Receipt::parse(b"c2sp.org/tlog-proof@v1\n\xff"),
        Err(ReceiptError::NotUtf8)
    );
    assert_eq!(
        Receipt::parse(&vec![b'a'; MAX_RECEIPT_LEN + 1]),
        Err(ReceiptError::TooLong)
    );
}

#[test]
fn the_largest_receipt_reads_back_and_a_larger_one_is_not_made() {
    let (proof, note) = (vec![leaf_hash(b""); 63], small(b"").checkpoint().clone());
    let extra = vec![7; MAX_EXTRA_LEN];
    let largest = Receipt::new(&extra, u64::MAX, proof.clone(), note.clone()).unwrap();
    assert_eq!(Receipt::parse(largest.text().as_bytes()), Ok(largest));
    let longer = vec![7; MAX_EXTRA_LEN + 1];
    assert_eq!(
        Receipt::new(&longer, 0, proof, note.clone()),
        Err(ReceiptError::Extra)
    );
    assert_eq!(
        Receipt::new(b"", 0, vec![leaf_hash(b""); 64], note),
        Err(ReceiptError::Proof)
    );
}

#[test]
fn no_neighbour_of_a_receipt_proves_the_entry() {
    let receipt = small(b"").text();
    for near in neighbours(&receipt) {
        let verdict =
            Receipt::parse(near.as_bytes()).and_then(|near| near.verify(b"2", &log_key()));
        assert!(verdict.is_err(), "{near}");
    }
}
