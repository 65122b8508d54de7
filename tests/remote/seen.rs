//! The last tree seen: a ledger may only ever add to it.
use std::fs;

use gemledger::remote::{
    Advance, LastSeen, Lie, RemoteError,
    seen::{self, SeenError},
};

use super::{caught, open};
use crate::support::published::Published;

/// Whether this log continues the other one.
async fn continues(before: &Published, after: &Published) -> Result<Advance, RemoteError> {
    let server = before.clone().serve();
    let ledger = open(&server.url()).await?;
    let last = LastSeen::of(ledger.key(), &ledger.checkpoint(&[]).await?);
    *server.log() = after.clone();
    let ledger = open(&server.url()).await?;
    let signed = ledger.checkpoint(&[]).await?;
    last.check(ledger.key(), &ledger.tree(&signed).await?).await
}

#[tokio::test]
async fn a_log_that_grows_is_the_same_log() {
    for (old, new) in [(0, 1), (1, 2), (255, 256), (256, 257), (3, 700), (600, 700)] {
        let advance = continues(&Published::of_size(old), &Published::of_size(new)).await;
        let from = u64::try_from(old).unwrap();
        assert_eq!(advance, Ok(Advance::Grown { from }));
    }
    let same = continues(&Published::of_size(300), &Published::of_size(300)).await;
    assert_eq!(same, Ok(Advance::Same));
}

#[tokio::test]
async fn a_log_that_shrinks_or_forks_or_is_another_one_is_noticed() {
    let log = Published::of_size(300);
    let lie = caught(continues(&log, &Published::of_size(299)).await);
    assert_eq!(lie.code, "tree_smaller");
    for changed in [0, 299] {
        let mut fork = Published::of_size(400);
        fork.leaves[changed] = b"another".to_vec();
        fork.publish();
        let lie = caught(continues(&log, &fork).await);
        assert_eq!(lie.code, "tree_forked", "{changed}");
    }
    let mut same_size = log.clone();
    same_size.leaves[7] = b"another".to_vec();
    same_size.publish();
    let lie: Lie = caught(continues(&log, &same_size).await);
    assert_eq!(lie.code, "tree_forked");
    let mut other = log.clone();
    other.key =
        std::sync::Arc::new(tlog::SigningKey::from_seed("log.example/log/1", &[9; 32]).unwrap());
    other.publish();
    assert_eq!(caught(continues(&log, &other).await).code, "ledger_changed");
}

#[tokio::test]
async fn the_state_is_replaced_whole_and_both_notes_of_a_fork_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    assert!(seen::read::<LastSeen>(&path).unwrap().is_none());
    let server = Published::of_size(300).serve();
    let ledger = open(&server.url()).await.unwrap();
    let signed = ledger.checkpoint(&[]).await.unwrap();
    let last = LastSeen::of(ledger.key(), &signed);
    seen::write(&path, &last).unwrap();
    assert_eq!(seen::read(&path).unwrap(), Some(last.clone()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

    let mut fork = Published::of_size(300);
    fork.leaves[0] = b"another".to_vec();
    fork.publish();
    *server.log() = fork;
    let shown = ledger.checkpoint(&[]).await.unwrap();
    let kept = last.keep_evidence(&path, &shown).unwrap();
    assert_eq!(last.keep_evidence(&path, &shown).unwrap(), kept);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    let kept: serde_json::Value = serde_json::from_slice(&fs::read(kept).unwrap()).unwrap();
    for (which, signed) in [("seen", &signed), ("shown", &shown)] {
        assert_eq!(kept[which], signed.note.to_string());
    }
    assert_eq!(seen::read(&path).unwrap(), Some(last));

    fs::write(&path, "{}").unwrap();
    assert!(matches!(
        seen::read::<LastSeen>(&path),
        Err(SeenError::Malformed { .. })
    ));
}
