//! What a witness is asked, what it answers, and what an answer is worth (c2sp.org/tlog-witness v1.1). Pure.
//!
//! ```text
//! POST <witness>/add-checkpoint
//!   old <size of the tree it cosigned last>\n
//!   [<hash of the consistency proof, base64>\n]*
//!   \n
//!   <checkpoint, signed by the log alone>
//! 200  signature lines   409  its size, if it is not `old`   422  another tree than it saw
//! ```
//! Witnesses in use differ from the text: a 409 without a size says that a tree of the same size has another root (v1.0), 429
//! and 503 ask for time.
use std::time::Duration;

use events::time::Timestamp;
use tlog::{CosignatureError, CosignerKey, Hash, Note, NoteError, NoteSignature, cosignatures};

/// Longest answer that is read, in bytes: room for lines of post-quantum signatures beside the one that counts.
pub const MAX_ANSWER: usize = 64 << 10;
/// Longest time that a witness may ask to be left alone.
const MAX_LEAVE: Duration = Duration::from_mins(10);
/// How old a fresh cosignature's time may be, by our clock.
const PAST_SECONDS: u64 = 120;
/// How far in the future it may be.
const FUTURE_SECONDS: u64 = 60;

/// What a witness answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It cosigned, if one of these lines is its own.
    Cosigned(Vec<NoteSignature>),
    /// It has seen another size than it was told, this one if it says so.
    Conflict(Option<u64>),
    /// The proof does not lead from what it saw to what it was shown.
    Inconsistent,
    /// It does not know this log, or not its key.
    Stranger(u16),
    /// Not now; not before this time has passed.
    Busy(u16, Duration),
    /// Something else.
    Other(u16),
}

/// Why a cosignature is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No line is by the witness's key.
    #[error("no line of the answer is by the witness's key")]
    OtherKey,
    /// The line does not fit into the note.
    #[error("its line cannot stand in the note: {0}")]
    Note(#[from] NoteError),
    /// The signature is none.
    #[error("its cosignature is not valid: {0}")]
    Signature(#[from] CosignatureError),
    /// The time in it is not the present.
    #[error("its cosignature is of {0}, which is not now")]
    Time(Timestamp),
}

/// The body that asks for a cosignature. Only the log's own signature is sent along: others' lines could be too long for it.
pub fn request(old: u64, proof: &[Hash], note: &str) -> String {
    let mut body = format!("old {old}\n");
    for hash in proof {
        body.push_str(&hash.to_base64());
        body.push('\n');
    }
    body.push('\n');
    body.push_str(note);
    body
}

/// Reads an answer; in words what is wrong with it.
pub fn answer(status: u16, retry_after: Option<&str>, body: &[u8]) -> Result<Answer, String> {
    let leave = || {
        let seconds = retry_after.and_then(|text| text.trim().parse().ok());
        seconds
            .map_or(Duration::ZERO, Duration::from_secs)
            .min(MAX_LEAVE)
    };
    Ok(match status {
        200 => Answer::Cosigned(lines(body)?),
        403 | 404 => Answer::Stranger(status),
        409 => Answer::Conflict(size(body)),
        422 => Answer::Inconsistent,
        429 | 503 => Answer::Busy(status, leave()),
        other => Answer::Other(other),
    })
}

fn lines(body: &[u8]) -> Result<Vec<NoteSignature>, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the answer is not text".to_owned())?;
    let text = text.strip_suffix('\n').ok_or("the answer has no line")?;
    let parsed = text.split('\n').map(NoteSignature::parse);
    parsed
        .collect::<Option<_>>()
        .ok_or_else(|| "a line of the answer is no signature line".into())
}

/// `<size>\n`, with or without its newline.
fn size(body: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(body).ok()?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// The witness's own line, if it is its word about this very note, given just now.
pub fn cosignature(
    lines: &[NoteSignature],
    note: &Note,
    key: &CosignerKey,
    now: Timestamp,
) -> Result<NoteSignature, Refused> {
    let own = |line: &&NoteSignature| line.name() == key.name() && line.id() == key.id();
    let line = lines.iter().find(own).ok_or(Refused::OtherKey)?;
    let dressed = note.clone().with(line.clone())?;
    let found = cosignatures(&dressed, std::slice::from_ref(key))?;
    let time = found.first().ok_or(Refused::OtherKey)?.time;
    let present =
        now.seconds().saturating_sub(PAST_SECONDS)..=now.seconds().saturating_add(FUTURE_SECONDS);
    if present.contains(&time) {
        Ok(line.clone())
    } else {
        Err(Refused::Time(Timestamp::from_seconds(
            time.min(now.seconds().saturating_mul(2)),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tlog::{Checkpoint, CosigningKey, SigningKey};

    #[test]
    fn a_request_is_the_old_size_the_proof_and_the_note() {
        let proof = [tlog::leaf_hash(b"a"), tlog::leaf_hash(b"b")];
        let body = request(7, &proof, "note\n\n— a b\n");
        let [a, b] = proof.map(|hash| hash.to_base64());
        assert_eq!(body, format!("old 7\n{a}\n{b}\n\nnote\n\n— a b\n"));
        assert_eq!(request(0, &[], "n\n"), "old 0\n\nn\n");
    }

    #[test]
    fn answers_are_read_as_they_are_given() {
        let read = |status, body: &str| answer(status, None, body.as_bytes());
        assert_eq!(read(409, "70000\n"), Ok(Answer::Conflict(Some(70_000))));
        assert_eq!(read(409, "70000"), Ok(Answer::Conflict(Some(70_000))));
        for odd in [
            "",
            "\n",
            "-1\n",
            "7 \n",
            "99999999999999999999\n",
            "seven\n",
            "7\n7\n",
        ] {
            assert_eq!(read(409, odd), Ok(Answer::Conflict(None)), "{odd:?}");
        }
        assert_eq!(read(422, "x"), Ok(Answer::Inconsistent));
        assert_eq!(read(404, ""), Ok(Answer::Stranger(404)));
        assert_eq!(read(500, ""), Ok(Answer::Other(500)));
        for bad in ["", "no line\n", "— a b", "— a b\n", "\n"] {
            assert!(read(200, bad).is_err(), "{bad:?}");
        }
        assert!(answer(200, None, b"\xff\n").is_err());
        let busy = |text| answer(503, text, b"");
        assert_eq!(
            busy(Some("7")),
            Ok(Answer::Busy(503, Duration::from_secs(7)))
        );
        assert_eq!(busy(Some("9999999")), Ok(Answer::Busy(503, MAX_LEAVE)));
        assert_eq!(busy(Some("soon")), Ok(Answer::Busy(503, Duration::ZERO)));
    }

    #[test]
    fn only_a_cosignature_of_this_note_by_this_key_and_of_now_is_taken() {
        let log = SigningKey::from_seed("gems.example.com/log/1", &[1; 32]).unwrap();
        let note = |size, root| {
            let checkpoint = Checkpoint::new(log.name(), size, root).unwrap();
            (
                Note::parse(checkpoint.sign(&log).unwrap().as_bytes()).unwrap(),
                checkpoint,
            )
        };
        let (this, checkpoint) = note(2, tlog::leaf_hash(b"x"));
        let (_, other) = note(2, tlog::leaf_hash(b"y"));
        let key = CosigningKey::from_seed("w.example/1", &[2; 32]).unwrap();
        let stranger = CosigningKey::from_seed("w.example/1", &[3; 32]).unwrap();
        let now = Timestamp::from_seconds(1_795_402_502);
        let take = |line| cosignature(&[line], &this, key.verifier(), now);
        for time in [now.seconds() - 120, now.seconds(), now.seconds() + 60] {
            assert!(take(key.cosign(&checkpoint, time).unwrap()).is_ok());
        }
        for time in [
            0,
            1,
            now.seconds() - 121,
            now.seconds() + 61,
            tlog::cosignature::MAX_TIME,
        ] {
            let taken = take(key.cosign(&checkpoint, time).unwrap());
            assert!(matches!(taken, Err(Refused::Time(_))), "{time}");
        }
        let of_other = take(key.cosign(&other, now.seconds()).unwrap());
        assert!(matches!(of_other, Err(Refused::Signature(_))));
        let by_other = take(stranger.cosign(&checkpoint, now.seconds()).unwrap());
        assert_eq!(by_other, Err(Refused::OtherKey));
        assert_eq!(
            cosignature(&[], &this, key.verifier(), now),
            Err(Refused::OtherKey)
        );
        // A line of another key beside its own changes nothing.
        let lines = [
            stranger.cosign(&checkpoint, 5).unwrap(),
            key.cosign(&checkpoint, now.seconds()).unwrap(),
        ];
        assert!(cosignature(&lines, &this, key.verifier(), now).is_ok());
    }
}
