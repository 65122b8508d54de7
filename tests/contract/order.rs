//! The order that the writer makes: indexes, revisions, groups, time, and what a decision sees.
use events::{Body, api_key::Revoked, event::Draft, stream::StreamName};
use gemledger::store::{states::Read, writer::Verdict};

use super::on_every_kind;
use crate::support::{
    history::{self, account_created, exchanged, key_issued, pushed},
    store::{Count, Kind, Place, Request},
};

on_every_kind! {
    an_empty_log_is_signed_and_audited,
    log_indexes_and_revisions_are_dense_over_transactions,
    a_group_is_adjacent_also_when_its_neighbours_write_to_the_same_streams,
    a_later_closure_sees_what_earlier_ones_of_its_batch_did,
    a_batch_bears_one_time_and_time_never_goes_back,
    a_request_without_events_is_answered_and_leaves_nothing,
    whoever_is_answered_finds_the_checkpoint_served,
    the_tree_is_right_at_every_size_up_to_the_second_tile,
    two_states_of_one_stream_are_each_folded_and_advanced,
    a_state_from_the_cache_is_that_of_a_fresh_fold,
    a_hundred_pushes_to_one_gem_are_all_decided_by_rules,
}

async fn an_empty_log_is_signed_and_audited<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    assert_eq!(running.writer.served().head.size, 0);
    place.audit().await;
    assert!(running.stop().await.is_none());
}

async fn log_indexes_and_revisions_are_dense_over_transactions<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    for round in 0..5 {
        let outcome = running.append(vec![pushed(0, round, "ruby"), pushed(1, round, "ruby")]);
        let outcome = outcome.await.unwrap();
        assert_eq!(outcome.indexes(), 2 * round..2 * round + 2);
        for (recorded, index) in outcome.appended.iter().zip(2 * round..) {
            assert_eq!((recorded.index, recorded.event.revision), (index, round));
        }
        place.audit().await;
    }
    running.stop().await;
    let running = place.open().await;
    let outcome = running.append(vec![pushed(0, 9, "ruby")]).await.unwrap();
    assert_eq!(outcome.appended[0].event.revision, 5);
    assert_eq!(place.audit().await.head.size, 11);
}

async fn a_group_is_adjacent_also_when_its_neighbours_write_to_the_same_streams<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    let requests = (0..7).map(|n| {
        let drafts = vec![pushed(0, n, "ruby"), key_issued(n), pushed(0, n, "java")];
        running.append(drafts)
    });
    let outcomes = running.together(requests.collect()).await;
    for (outcome, first) in outcomes.into_iter().zip((0..).step_by(3)) {
        let outcome = outcome.unwrap();
        let indexes: Vec<u64> = outcome
            .appended
            .iter()
            .map(|recorded| recorded.index)
            .collect();
        assert_eq!(indexes, [first, first + 1, first + 2]);
        let request = outcome.appended[0].event.request;
        assert!(
            outcome
                .appended
                .iter()
                .all(|recorded| recorded.event.request == request)
        );
    }
    assert_eq!(place.audit().await.head.size, 21);
}

/// A request that appends a draft only if its stream has no event yet.
fn first_only(draft: Draft) -> (Vec<Read>, Request) {
    (Vec::new(), Request::new(vec![draft]))
}

async fn a_later_closure_sees_what_earlier_ones_of_its_batch_did<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    let requests = (0..9).map(|_| {
        let (_, Request { reads, group }) = first_only(exchanged(1));
        let stream = group.drafts[0].stream.clone();
        running.decide(reads, move |desk| {
            let before = desk.state::<Count>(&stream).unwrap().0;
            Verdict {
                group: (before == 0).then_some(group),
                answer: before,
            }
        })
    });
    let outcomes = running.together(requests.collect()).await;
    let answers: Vec<u64> = outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap().answer)
        .collect();
    assert_eq!(answers, [0, 1, 1, 1, 1, 1, 1, 1, 1]);
    assert_eq!(place.audit().await.head.size, 1);
}

async fn a_batch_bears_one_time_and_time_never_goes_back<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    let requests = (0..4).map(|n| running.append(vec![account_created(n)]));
    let outcomes = running.together(requests.collect()).await;
    for outcome in outcomes {
        assert_eq!(outcome.unwrap().appended[0].event.time, history::start());
    }
    // Within what is tolerated, the time of the log stands still until the clock has caught up.
    place.clock.jump(history::start().minus_seconds(20));
    let outcome = running.append(vec![account_created(5)]).await.unwrap();
    assert_eq!(outcome.appended[0].event.time, history::start());
    place.clock.advance(std::time::Duration::from_secs(30));
    let outcome = running.append(vec![account_created(6)]).await.unwrap();
    assert_eq!(
        outcome.appended[0].event.time,
        history::start().plus_seconds(10)
    );
    place.audit().await;
}

async fn a_request_without_events_is_answered_and_leaves_nothing<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    let outcome = running
        .decide(Vec::new(), |desk| Verdict::answer(desk.now))
        .await
        .unwrap();
    assert_eq!(outcome.answer, history::start());
    assert!(outcome.appended.is_empty() && outcome.indexes().is_empty());
    let outcome = running.append(Vec::new()).await.unwrap();
    assert!(
        outcome.appended.is_empty(),
        "a group without events is none"
    );
    assert_eq!(place.audit().await.head.size, 0);
}

async fn whoever_is_answered_finds_the_checkpoint_served<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    for n in 0..40 {
        let outcome = running.append(vec![exchanged(n)]).await.unwrap();
        let served = running.writer.served();
        assert!(served.head.size >= outcome.indexes().end);
        let anchored = place.anchor().read().unwrap().unwrap();
        assert!(
            served.head.size <= anchored.checkpoint.size(),
            "nothing is served beyond the anchor"
        );
    }
    place.audit().await;
}

async fn the_tree_is_right_at_every_size_up_to_the_second_tile<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    let mut number = 0;
    // Steps of every kind around the edges of tiles: one, many, exactly full, two at once.
    for step in [1, 1, 2, 60, 64, 127, 1, 1, 256, 300, 5] {
        let drafts = (0..step).map(|n| key_issued(number + n)).collect();
        running.append(drafts).await.unwrap();
        number += step;
        assert_eq!(place.audit().await.head.size, number);
    }
    running.stop().await;
    let running = place.open().await;
    running.append(vec![exchanged(1)]).await.unwrap();
    place.audit().await;
}

/// Another state of the same stream.
#[derive(Default)]
struct Revoked2(bool);

impl events::State for Revoked2 {
    fn evolve(&mut self, event: &events::Event) {
        self.0 |= matches!(event.body, Body::ApiKeyRevoked(Revoked { .. }));
    }
}

async fn two_states_of_one_stream_are_each_folded_and_advanced<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    let stream = StreamName::policy(&history::gem(0).folded());
    let policy = history::Step::Gem(0).drafts();
    running.append(policy.clone()).await.unwrap();
    let both = |stream: &StreamName| {
        vec![
            Read::of::<Revoked2>(stream.clone()),
            Read::of::<Count>(stream.clone()),
        ]
    };
    for reads in [both(&stream), both(&stream).split_off(1), both(&stream)] {
        let asked = stream.clone();
        let shown = reads.len();
        let outcome = running.decide(reads, move |desk| {
            let other = desk.state::<Revoked2>(&asked).map(|state| state.0);
            Verdict::answer((desk.state::<Count>(&asked).unwrap().0, other))
        });
        let expected = (shown == 2).then_some(false);
        assert_eq!(
            outcome.await.unwrap().answer,
            (2, expected),
            "what is not named is not shown"
        );
    }
    running.append(policy).await.unwrap();
    let asked = stream.clone();
    let outcome = running.decide(both(&stream), move |desk| {
        Verdict::answer((
            desk.state::<Count>(&asked).unwrap().0,
            desk.state::<Revoked2>(&asked).is_some(),
        ))
    });
    assert_eq!(outcome.await.unwrap().answer, (4, true));
    place.audit().await;
}

async fn a_state_from_the_cache_is_that_of_a_fresh_fold<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    for n in 0..30 {
        running
            .append(vec![pushed(n % 3, n, "ruby")])
            .await
            .unwrap();
    }
    let counts = |running: crate::support::store::Running<K>| async move {
        let streams: Vec<StreamName> = (0..4)
            .map(|n| StreamName::gem(&history::gem(n).folded()))
            .collect();
        let reads = streams.iter().cloned().map(Read::of::<Count>).collect();
        let answer = running.decide(reads, move |desk| {
            let count = |stream| desk.state::<Count>(stream).unwrap().0;
            Verdict::answer(streams.iter().map(count).collect::<Vec<u64>>())
        });
        let counts = answer.await.unwrap().answer;
        running.stop().await;
        counts
    };
    let cached = counts(running).await;
    let fresh = counts(place.open().await).await;
    assert_eq!((cached, fresh), (vec![10, 10, 10, 0], vec![10, 10, 10, 0]));
}

async fn a_hundred_pushes_to_one_gem_are_all_decided_by_rules<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    // Ten requests for each of ten versions: one of them gets it, nine are denied, nobody is told to try again.
    let requests = (0..100).map(|n| {
        let mut request = Request::new(vec![pushed(0, n % 10, "ruby")]);
        let taken = StreamName::name(&history::gem(n % 10).folded());
        request.reads.push(Read::of::<Count>(taken.clone()));
        let name = events::gem::NameTaken {
            name: history::gem(n % 10),
        };
        request
            .group
            .drafts
            .push(Draft::new(taken.clone(), Body::NameTaken(name)));
        let Request { reads, group } = request;
        running.decide(reads, move |desk| {
            let free = desk.state::<Count>(&taken).unwrap().0 == 0;
            Verdict {
                group: free.then_some(group),
                answer: free,
            }
        })
    });
    let outcomes = futures::future::join_all(requests).await;
    let won = outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap().answer)
        .filter(|won| *won);
    assert_eq!(won.count(), 10);
    assert_eq!(place.audit().await.head.size, 20);
}
