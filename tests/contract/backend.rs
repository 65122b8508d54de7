//! What the writer relies on in every backend: isolation, compare-and-swap, all or nothing.
use events::{Event, stream::StreamName};
use gemledger::store::{Backend, Batch, Head, StoreError, StoredEvent};
use tlog::{TileEdge, leaf_hash};

use super::on_every_kind;
use crate::support::{
    history::{self, exchanged, key_issued},
    store::{Kind, Place},
};

on_every_kind! {
    a_batch_on_another_head_is_not_written,
    what_is_rolled_back_never_was,
    a_revision_that_is_not_the_next_is_refused,
    streams_come_in_their_order_and_empty_ones_not_at_all,
    a_second_writer_waits_for_the_first,
    leaves_are_short_where_the_log_ends,
}

fn event(number: u64, revision: u64) -> StoredEvent {
    let draft = if revision == 0 {
        exchanged(number)
    } else {
        key_issued(number)
    };
    let event = Event {
        actor: events::id::Actor::Operator,
        body: draft.body,
        request: history::request_id(number),
        revision,
        sealed: draft.sealed,
        stream: draft.stream,
        time: history::start(),
        via: events::id::Via::Http,
    };
    StoredEvent {
        stream: event.stream.clone(),
        revision,
        leaf: event.to_leaf().unwrap(),
    }
}

fn batch(before: Head, edge: &mut TileEdge, events: Vec<StoredEvent>) -> Batch {
    let hashes: Vec<_> = events.iter().map(|event| leaf_hash(&event.leaf)).collect();
    let tiles = edge.append(&hashes);
    let after = Head {
        size: edge.size(),
        root: edge.root(),
        time: history::start(),
    };
    Batch {
        before,
        after,
        events,
        tiles,
        rows: Vec::new(),
        vault: Vec::new(),
    }
}

async fn write<B: Backend>(log: &mut B, batch: Batch) -> Result<(), StoreError> {
    log.begin().await?;
    match log.write(batch).await {
        Ok(()) => log.commit().await,
        Err(error) => log.rollback().await.and(Err(error)),
    }
}

async fn a_batch_on_another_head_is_not_written<K: Kind>() {
    let place = Place::<K>::new();
    let (mut log, mut edge) = (place.log.connect().await, TileEdge::new());
    let first = batch(Head::empty(), &mut edge, vec![event(1, 0)]);
    let head = first.after;
    write(&mut log, first.clone()).await.unwrap();
    assert!(matches!(
        write(&mut log, first).await,
        Err(StoreError::Moved)
    ));
    let fork = Head {
        root: leaf_hash(b"another"),
        ..head
    };
    let other = batch(fork, &mut edge.clone(), vec![event(2, 0)]);
    assert!(matches!(
        write(&mut log, other).await,
        Err(StoreError::Moved)
    ));
    write(&mut log, batch(head, &mut edge, vec![event(2, 0)]))
        .await
        .unwrap();
    assert_eq!(place.audit().await.head.size, 2);
}

async fn what_is_rolled_back_never_was<K: Kind>() {
    let place = Place::<K>::new();
    let (mut log, mut edge) = (place.log.connect().await, TileEdge::new());
    log.begin().await.unwrap();
    log.write(batch(Head::empty(), &mut edge, vec![event(1, 0)]))
        .await
        .unwrap();
    log.rollback().await.unwrap();
    place.audit().await;
    log.begin().await.unwrap();
    assert_eq!(log.head().await.unwrap(), Head::empty());
    log.rollback().await.unwrap();
}

async fn a_revision_that_is_not_the_next_is_refused<K: Kind>() {
    let place = Place::<K>::new();
    let mut log = place.log.connect().await;
    let gap = StoredEvent {
        revision: 1,
        ..event(1, 0)
    };
    let refused = write(
        &mut log,
        batch(Head::empty(), &mut TileEdge::new(), vec![gap]),
    )
    .await;
    assert!(
        matches!(refused, Err(StoreError::Database(_))),
        "{refused:?}"
    );
    assert_eq!(place.audit().await.head.size, 0);
}

async fn streams_come_in_their_order_and_empty_ones_not_at_all<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    let mut names = Vec::new();
    for n in 0..150 {
        running.append(vec![exchanged(n)]).await.unwrap();
        names.push(history::token(n));
    }
    running
        .append(vec![
            history::pushed(0, 1, "ruby"),
            history::pushed(0, 2, "ruby"),
        ])
        .await
        .unwrap();
    let gem = StreamName::gem(&history::gem(0).folded());
    names.extend([gem.clone(), StreamName::gem(&history::gem(1).folded())]);
    let mut log = place.log.connect().await;
    log.begin().await.unwrap();
    let found = log.streams(&names).await.unwrap();
    log.rollback().await.unwrap();
    assert_eq!(found.len(), 151);
    let revisions = |name: &StreamName| {
        let events = found[name].iter().map(|leaf| Event::read(leaf).unwrap());
        events
            .map(|event| (event.stream, event.revision))
            .collect::<Vec<_>>()
    };
    assert_eq!(revisions(&gem), [(gem.clone(), 0), (gem.clone(), 1)]);
    assert_eq!(revisions(&history::token(149)), [(history::token(149), 0)]);
}

async fn a_second_writer_waits_for_the_first<K: Kind>() {
    let place = Place::<K>::new();
    let (mut one, mut other) = (place.log.connect().await, place.log.connect().await);
    one.begin().await.unwrap();
    let waiting = async {
        other.begin().await.unwrap();
        let head = other.head().await.unwrap();
        other.rollback().await.unwrap();
        head
    };
    let writing = async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        one.write(batch(
            Head::empty(),
            &mut TileEdge::new(),
            vec![event(1, 0)],
        ))
        .await
        .unwrap();
        one.commit().await.unwrap();
    };
    let (head, ()) = tokio::join!(waiting, writing);
    assert_eq!(head.size, 1, "it sees what the first one did");
}

async fn leaves_are_short_where_the_log_ends<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    running
        .append((0..5).map(exchanged).collect())
        .await
        .unwrap();
    let mut log = place.log.connect().await;
    for (from, to, expected) in [
        (0, 5, 5),
        (0, 9, 5),
        (3, 4, 1),
        (4, 9, 1),
        (5, 9, 0),
        (7, 9, 0),
        (2, 2, 0),
    ] {
        let leaves = log.leaves(from, to).await.unwrap();
        assert_eq!(leaves.len(), expected, "{from} to {to}");
    }
}
