//! An import that is interrupted between two transactions, and one that is given what cannot follow.
use gemledger::store::sqlite::Importer;

use crate::support::{
    history::{exchanged, key_issued, pushed},
    store::{OnSqlite, Place},
};

/// A log of some events, and another place with the first few of them.
async fn leaves() -> (Place<OnSqlite>, Vec<Vec<u8>>) {
    let place = Place::<OnSqlite>::new();
    let running = place.open().await;
    for number in 0..8 {
        let drafts = vec![
            pushed(number % 2, number, "ruby"),
            exchanged(number),
            key_issued(number),
        ];
        running.append(drafts).await.unwrap();
    }
    running.stop().await;
    let stored = place.audit().await;
    let leaves = stored.events.into_iter().map(|event| event.leaf).collect();
    (place, leaves)
}

#[tokio::test]
async fn an_import_that_was_interrupted_goes_on_where_it_stopped_and_gives_the_same_log() {
    let (source, leaves) = leaves().await;
    let target = Place::<OnSqlite>::new();
    for part in leaves.chunks(6) {
        // Each part by a process of its own; the rows are behind until the last one has finished.
        let mut importer = Importer::open(&target.log.0).await.unwrap();
        importer.append(part.to_vec()).await.unwrap();
    }
    let importer = Importer::open(&target.log.0).await.unwrap();
    let head = importer.finish(|_, _| {}).await.unwrap();
    let (ours, theirs) = (target.audit().await, source.audit().await);
    assert_eq!((head, &ours.events), (theirs.head, &theirs.events));
    assert_eq!((&ours.tiles, &ours.rows), (&theirs.tiles, &theirs.rows));
}

#[tokio::test]
async fn leaves_that_cannot_follow_leave_nothing_behind() {
    let (_source, leaves) = leaves().await;
    let target = Place::<OnSqlite>::new();
    let mut importer = Importer::open(&target.log.0).await.unwrap();
    importer.append(leaves[..6].to_vec()).await.unwrap();
    let before = importer.head();
    for wrong in [
        leaves[12..13].to_vec(),
        leaves[..3].to_vec(),
        vec![leaves[6].clone(), b"{}".to_vec()],
    ] {
        assert!(importer.append(wrong).await.is_err());
        assert_eq!(importer.head(), before);
    }
    importer.append(leaves[6..].to_vec()).await.unwrap();
    importer.finish(|_, _| {}).await.unwrap();
    target.audit().await;
}
