//! A request that is denied or refused fails alone and leaves nothing behind.
use events::stream::StreamName;
use gemledger::store::{
    states::Read,
    vault,
    writer::{AppendError, Verdict},
};

use super::on_every_kind;
use crate::support::{
    history::{self, account_created, account_id, exchanged, pushed, sealing, too_long},
    store::{Count, Kind, Place, Request},
};

on_every_kind! {
    a_leaf_that_is_too_long_takes_its_group_with_it_and_nobody_else,
    what_was_decided_in_time_and_comes_too_late_is_refused,
    a_stream_that_was_not_read_is_not_written_even_if_a_neighbour_read_it,
    a_state_that_was_not_read_is_not_shown_even_if_a_neighbour_read_it,
    a_value_that_exists_already_is_refused_alone,
    a_fresh_key_is_for_a_subject_that_the_log_does_not_know,
    a_closure_whose_asker_is_gone_still_counts,
}

async fn a_leaf_that_is_too_long_takes_its_group_with_it_and_nobody_else<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    let requests = vec![
        running.append(vec![pushed(0, 1, "ruby")]),
        running.append(vec![pushed(0, 2, "ruby"), too_long(), pushed(0, 3, "ruby")]),
        running.append(vec![pushed(0, 4, "ruby")]),
    ];
    let outcomes = running.together(requests).await;
    assert!(matches!(outcomes[1], Err(AppendError::Encode(_))));
    let third = outcomes[2].as_ref().unwrap();
    assert_eq!(
        (third.appended[0].index, third.appended[0].event.revision),
        (1, 1)
    );
    let stored = place.audit().await;
    assert_eq!(stored.head.size, 2);
}

async fn what_was_decided_in_time_and_comes_too_late_is_refused<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    let limits = [Some(0), Some(1), None];
    let requests = limits.into_iter().zip(0..).map(|(limit, n)| {
        let mut request = Request::new(vec![pushed(0, n, "ruby")]);
        request.group.not_after = limit.map(|limit| history::start().plus_seconds(limit));
        running.request(request)
    });
    let outcomes = running.together(requests.collect()).await;
    assert!(
        matches!(outcomes[0], Err(AppendError::TooLate)),
        "the moment itself is too late"
    );
    assert!(outcomes[1].is_ok() && outcomes[2].is_ok());
    assert_eq!(place.audit().await.head.size, 2);
}

async fn a_stream_that_was_not_read_is_not_written_even_if_a_neighbour_read_it<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    running.append(vec![pushed(0, 0, "ruby")]).await.unwrap();
    let mut unread = Request::new(vec![exchanged(1), pushed(0, 1, "ruby")]);
    unread.reads.retain(|read| read.stream == history::token(1));
    let requests = [
        Request::new(vec![pushed(0, 2, "ruby")]),
        unread,
        Request::new(vec![pushed(0, 3, "ruby")]),
    ];
    let requests = requests.map(|request| running.request(request));
    let outcomes = running.together(requests.into()).await;
    assert!(matches!(&outcomes[1], Err(AppendError::Unread(stream)) if stream == "gem/rake"));
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok());
    assert_eq!(place.audit().await.head.size, 3);
}

async fn a_state_that_was_not_read_is_not_shown_even_if_a_neighbour_read_it<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    running.append(vec![pushed(0, 0, "ruby")]).await.unwrap();
    let stream = StreamName::gem(&history::gem(0).folded());
    let asked = stream.clone();
    let shown = running.decide(Vec::new(), move |desk| {
        Verdict::answer(desk.state::<Count>(&asked).is_some())
    });
    assert!(!shown.await.unwrap().answer);
    let asked = stream.clone();
    let shown = running.decide(vec![Read::of::<Count>(stream)], move |desk| {
        Verdict::answer(desk.state::<Count>(&asked).is_some())
    });
    assert!(shown.await.unwrap().answer);
}

async fn a_value_that_exists_already_is_refused_alone<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    let subjects = place.subjects().await;
    let account = |number: u64, handle: &str| {
        let stream = StreamName::account(account_id(number));
        let unique = subjects.unique_hash("handle", handle);
        let seal = vault::seal(&subjects.fresh(&stream), &stream, handle, Some(unique)).unwrap();
        let mut request = Request::new(vec![sealing(account_created(number), seal.commitment)]);
        request.group.vault.push(seal.row);
        running.request(request)
    };
    account(1, "alice").await.unwrap();
    let requests = vec![
        account(2, "bob"),
        account(3, "alice"),
        account(4, "bob"),
        account(5, "carol"),
    ];
    let outcomes = running.together(requests).await;
    assert!(outcomes[0].is_ok());
    assert!(
        matches!(outcomes[1], Err(AppendError::Duplicate)),
        "stored before"
    );
    assert!(
        matches!(outcomes[2], Err(AppendError::Duplicate)),
        "in this very batch"
    );
    assert!(outcomes[3].is_ok(), "the neighbours do not suffer");
    let stored = place.audit().await;
    assert_eq!((stored.head.size, stored.vault.len()), (3, 3));
    for refused in [3, 4] {
        let stream = StreamName::account(account_id(refused));
        assert!(
            subjects.key(&stream).await.unwrap().is_none(),
            "no key stays behind"
        );
    }
}

async fn a_fresh_key_is_for_a_subject_that_the_log_does_not_know<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    let subjects = place.subjects().await;
    let stream = history::token(1);
    let exchange = |read: bool| {
        let seal = vault::seal(&subjects.fresh(&stream), &stream, "a.b.c", None).unwrap();
        let mut request = Request::new(vec![sealing(exchanged(1), seal.commitment)]);
        request.group.vault.push(seal.row);
        if !read {
            request.group.drafts = vec![sealing(pushed(0, 1, "ruby"), seal.commitment)];
            request.reads = vec![Read::of::<Count>(request.group.drafts[0].stream.clone())];
        }
        (running.request(request), seal.commitment)
    };
    let unread = exchange(false).0.await;
    assert!(
        matches!(unread, Err(AppendError::Unread(_))),
        "nobody looked whether it is known"
    );
    let (first, commitment) = exchange(true);
    first.await.unwrap();
    assert!(matches!(
        exchange(true).0.await,
        Err(AppendError::Duplicate)
    ));
    let stored = place.audit().await;
    assert_eq!((stored.head.size, stored.vault.len()), (1, 1));
    let key = subjects.key(&stream).await.unwrap().unwrap();
    let opened = vault::open(&key, &commitment, &stored.vault[0].sealed);
    assert_eq!(
        opened.unwrap().as_str(),
        "a.b.c",
        "the first key is still there"
    );
}

async fn a_closure_whose_asker_is_gone_still_counts<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    let gone = tokio::time::timeout(
        std::time::Duration::ZERO,
        running.append(vec![pushed(0, 0, "ruby")]),
    );
    drop(gone.await);
    running.append(vec![pushed(0, 1, "ruby")]).await.unwrap();
    assert_eq!(place.audit().await.head.size, 2);
}
