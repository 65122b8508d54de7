//! The board under a clock that stands still.
use super::*;
use events::time::Timestamp;
use tlog::{CosigningKey, SigningKey};

fn log() -> SigningKey {
    SigningKey::from_seed("gems.example.com/log/1", &[9; 32]).unwrap()
}

fn witness(n: u8) -> CosigningKey {
    CosigningKey::from_seed(&format!("w.example/{n}"), &[n; 32]).unwrap()
}

fn signed(size: u64) -> Anchored {
    let root = tlog::leaf_hash(&size.to_be_bytes());
    let checkpoint = Checkpoint::new(log().name(), size, root).unwrap();
    let note = checkpoint.sign(&log()).unwrap();
    Anchored { checkpoint, note }
}

/// Two of three witnesses are enough.
fn board(mode: Mode) -> (Board, Clock) {
    let lines: Vec<String> = (1..4)
        .map(|n| format!("{} https://w.example/{n}", witness(n).verifier()))
        .collect();
    let clock = Clock::manual(Timestamp::from_seconds(1_795_402_502));
    let settings = Settings::new(&lines, None, Some(mode)).unwrap();
    (Board::new(settings, clock.clone()), clock)
}

fn cosign(board: &Board, n: u8, size: u64) -> Option<String> {
    let checkpoint = signed(size).checkpoint;
    let line = witness(n).cosign(&checkpoint, 1_795_402_502).unwrap();
    board.add(usize::from(n) - 1, size, checkpoint.root(), &line)
}

fn shown(anchored: Option<Anchored>) -> (u64, usize) {
    let anchored = anchored.unwrap();
    let note = Note::parse(anchored.note.as_bytes()).unwrap();
    assert_eq!(
        Checkpoint::of(&note, log().verifier()).unwrap(),
        anchored.checkpoint
    );
    (anchored.checkpoint.size(), note.signatures().len() - 1)
}

#[test]
fn the_quorum_is_shown_while_it_is_fresh_and_the_newest_after_that() {
    let (board, clock) = board(Mode::Prefer);
    board.begin(signed(5));
    assert_eq!(shown(board.published(Some(signed(5)))), (5, 0));
    assert_eq!(cosign(&board, 1, 5), None, "one is not enough");
    assert_eq!(
        shown(board.published(Some(signed(5)))),
        (5, 1),
        "and is shown all the same"
    );
    assert!(cosign(&board, 3, 5).is_some());
    assert_eq!(shown(board.published(Some(signed(7)))), (5, 2));
    assert_eq!(shown(board.newest(Some(signed(7)))), (7, 0));
    assert_eq!(shown(board.covering(Some(signed(7)), 4)), (5, 2));
    assert_eq!(shown(board.covering(Some(signed(7)), 5)), (7, 0));
    assert!(board.covering(Some(signed(7)), 7).is_none());
    clock.advance(FRESH);
    assert_eq!(shown(board.published(Some(signed(7)))), (5, 2));
    clock.advance(Duration::from_millis(1));
    assert_eq!(shown(board.published(Some(signed(7)))), (7, 0));
    // What was shown is never followed by something smaller.
    board.begin(signed(6));
    cosign(&board, 1, 6);
    cosign(&board, 2, 6);
    assert_eq!(shown(board.published(Some(signed(7)))), (7, 0));
    board.begin(signed(7));
    cosign(&board, 1, 7);
    cosign(&board, 2, 7);
    assert_eq!(shown(board.published(Some(signed(8)))), (7, 2));
}

#[test]
fn a_line_of_an_older_tree_or_for_another_root_is_not_put_under_the_newest() {
    let (board, _) = board(Mode::Prefer);
    board.begin(signed(5));
    cosign(&board, 1, 5);
    board.begin(signed(6));
    assert_eq!(cosign(&board, 2, 5), None);
    let other = Checkpoint::new(log().name(), 6, tlog::leaf_hash(b"other")).unwrap();
    let line = witness(2).cosign(&other, 1_795_402_502).unwrap();
    assert_eq!(board.add(1, 6, other.root(), &line), None);
    assert_eq!(shown(board.newest(Some(signed(6)))), (6, 0));
}

#[tokio::test]
async fn where_they_are_required_nothing_else_is_shown_and_answers_wait() {
    let (board, _) = board(Mode::Require);
    board.begin(signed(5));
    cosign(&board, 1, 5);
    assert!(board.newest(Some(signed(5))).is_none());
    assert!(board.published(Some(signed(5))).is_none());
    let (covered, _) = tokio::join!(board.covers(5), async { cosign(&board, 2, 5) });
    assert!(covered);
    for anchored in [
        board.newest(Some(signed(6))),
        board.published(Some(signed(6))),
    ] {
        assert_eq!(shown(anchored), (5, 2));
    }
    assert!(board.covering(Some(signed(6)), 5).is_none());
}

#[test]
fn what_an_earlier_process_left_counts_only_by_witnesses_that_count_still() {
    let (before, _) = board(Mode::Require);
    before.begin(signed(5));
    cosign(&before, 1, 5);
    let note = cosign(&before, 2, 5).unwrap();
    let (after, _) = board(Mode::Require);
    after.restore(&note, log().verifier());
    assert_eq!(shown(after.newest(None)), (5, 2));
    let other = SigningKey::from_seed(log().name(), &[8; 32]).unwrap();
    let spoilt = note.replace("gems.example.com/log/1\n5\n", "gems.example.com/log/1\n6\n");
    let torn = note.rsplitn(3, '\n').last().unwrap().to_owned() + "\n";
    for (note, key) in [
        (&note, other.verifier()),
        (&spoilt, log().verifier()),
        (&torn, log().verifier()),
    ] {
        let (after, _) = board(Mode::Require);
        after.restore(note, key);
        assert!(after.newest(Some(signed(5))).is_none());
    }
}
