//! What was served and what was signed do not fit together: each way of it has a name, and is noticed by every reader.
use tlog::{EMPTY_ROOT, SigningKey};

use super::{Both, caught, open, read, tree};
use crate::support::published::Published;

/// Tells a lie, and says by what name every reader notices it.
async fn noticed(code: &str, tell: impl FnOnce(&mut Published)) -> Vec<Option<u64>> {
    let mut log = Published::of_size(700);
    tell(&mut log);
    let mut indexes = Vec::new();
    for place in Both::of(&log).places() {
        let lie = caught(read(&place).await);
        assert_eq!(lie.code, code, "{place}: {lie}");
        indexes.push(lie.index);
    }
    indexes
}

#[tokio::test]
async fn a_changed_leaf_is_noticed_at_its_place() {
    let indexes = noticed("leaf_wrong", |log| log.flip("tile/entries/001", 5)).await;
    assert_eq!(indexes, [Some(256), Some(256)]);
    let last = noticed("leaf_wrong", |log| {
        let path = "tile/entries/002.p/188";
        let end = log.files[path].len() - 1;
        log.flip(path, end);
    });
    assert_eq!(last.await, [Some(699), Some(699)]);
}

#[tokio::test]
async fn a_changed_tile_is_noticed_at_every_level() {
    for path in [
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/188",
        "tile/1/000.p/2",
    ] {
        noticed("tile_wrong", |log| log.flip(path, 40)).await;
    }
}

#[tokio::test]
async fn leaves_and_tiles_that_fit_each_other_must_fit_the_signed_root_too() {
    // Both are changed alike: only the way up to the signature tells.
    noticed("tile_wrong", |log| {
        let note = log.files["checkpoint"].clone();
        log.leaves[3] = b"another".to_vec();
        log.publish();
        log.files.insert("checkpoint".into(), note);
    })
    .await;
}

#[tokio::test]
async fn a_removed_leaf_or_tile_is_noticed() {
    noticed("entries_missing", |log| {
        log.files.remove("tile/entries/000").unwrap();
    })
    .await;
    noticed("tile_missing", |log| {
        log.files.remove("tile/0/000").unwrap();
    })
    .await;
    noticed("tile_missing", |log| {
        log.files.remove("tile/1/000.p/2").unwrap();
    })
    .await;
    // The last entry is left out of its bundle.
    noticed("entries_malformed", |log| {
        let shorter = tlog::write_bundle(&log.leaves[512..699]).unwrap();
        log.files.insert("tile/entries/002.p/188".into(), shorter);
    })
    .await;
}

#[tokio::test]
async fn garbage_is_no_bundle_and_no_tile() {
    noticed("entries_malformed", |log| {
        log.files.insert("tile/entries/000".into(), vec![0xff; 10]);
    })
    .await;
    noticed("tile_wrong", |log| {
        log.files.get_mut("tile/0/000").unwrap().truncate(8191);
    })
    .await;
    noticed("answer_too_long", |log| {
        log.files.get_mut("tile/0/000").unwrap().push(0);
    })
    .await;
    noticed("answer_too_long", |log| {
        log.files.insert("checkpoint".into(), vec![b'a'; 200_000]);
    })
    .await;
}

#[tokio::test]
async fn a_checkpoint_of_another_key_name_or_form_is_noticed() {
    for name in ["log.example/log/1", "log.example/log/2"] {
        noticed("checkpoint_forged", |log| {
            let vkey = log.files["vkey"].clone();
            log.key = std::sync::Arc::new(SigningKey::from_seed(name, &[8; 32]).unwrap());
            log.publish();
            log.files.insert("vkey".into(), vkey);
        })
        .await;
    }
    noticed("checkpoint_malformed", |log| {
        log.files.insert("checkpoint".into(), b"no note".to_vec());
    })
    .await;
    noticed("checkpoint_forged", |log| log.flip("checkpoint", 20)).await;
}

#[tokio::test]
async fn a_signed_tree_that_nothing_was_published_for_is_noticed() {
    noticed("tile_missing", |log| log.sign(100_000, EMPTY_ROOT)).await;
    noticed("tile_wrong", |log| log.sign(700, EMPTY_ROOT)).await;
}

#[tokio::test]
async fn a_cosignature_that_is_none_is_noticed_and_strangers_are_not_looked_at() {
    let witness = tlog::CosigningKey::from_seed("witness.example/w1", &[1; 32]).unwrap();
    let mut log = Published::of_size(3);
    log.cosign(&witness, 1_795_402_502);
    let good = log.clone().serve();
    let ledger = open(&good.url()).await.unwrap();
    let signed = ledger
        .checkpoint(&[witness.verifier().clone()])
        .await
        .unwrap();
    assert_eq!(signed.cosignatures[0].time, 1_795_402_502);
    tree(&ledger).await.unwrap();

    // Its line is moved to a checkpoint that it never saw.
    let line = log.note().signatures()[1].clone();
    log.leaves.push(b"later".to_vec());
    log.publish();
    let note = log.note().with(line).unwrap().to_string();
    log.files.insert("checkpoint".into(), note.into_bytes());
    let bad = log.serve();
    let ledger = open(&bad.url()).await.unwrap();
    let lie = caught(ledger.checkpoint(&[witness.verifier().clone()]).await);
    assert_eq!(lie.code, "cosignature_wrong");
    tree(&ledger).await.unwrap();
}
