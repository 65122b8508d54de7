//! Several processes on one database: each catches up with the others, and their groups never mix.
use gemledger::store::writer::{Fatal, Verdict};

use super::on_every_kind;
use crate::support::{
    history::{exchanged, key_issued, pushed},
    store::{Fault, Faults, Faulty, Kind, Place, Step},
};

on_every_kind! {
    a_process_takes_in_what_another_one_appended,
    a_request_without_events_serves_what_another_process_appended,
    many_requests_of_two_processes_are_all_recorded_once,
    leaves_of_another_process_that_do_not_give_its_root_stop_this_one,
}

async fn a_process_takes_in_what_another_one_appended<K: Kind>() {
    let place = Place::<K>::new();
    let (server, command) = (place.open().await, place.open().await);
    for round in 0..4 {
        server
            .append(vec![pushed(0, 2 * round, "ruby")])
            .await
            .unwrap();
        let outcome = command.append(vec![pushed(0, 2 * round + 1, "ruby"), key_issued(round)]);
        let outcome = outcome.await.unwrap();
        assert_eq!(outcome.appended[0].event.revision, 2 * round + 1);
        assert_eq!(outcome.indexes(), 3 * round + 1..3 * round + 3);
        place.audit().await;
    }
    assert!(server.stop().await.is_none() && command.stop().await.is_none());
}

async fn a_request_without_events_serves_what_another_process_appended<K: Kind>() {
    let place = Place::<K>::new();
    let (server, command) = (place.open().await, place.open().await);
    command.append(vec![exchanged(1)]).await.unwrap();
    assert_eq!(server.writer.served().head.size, 0);
    server
        .decide(Vec::new(), |_| Verdict::answer(()))
        .await
        .unwrap();
    assert_eq!(server.writer.served().head.size, 1);
    assert_eq!(*server.writer.served().note, *command.writer.served().note);
    place.audit().await;
}

async fn many_requests_of_two_processes_are_all_recorded_once<K: Kind>() {
    let place = Place::<K>::new();
    let (server, command) = (place.open().await, place.open().await);
    let requests = (0..120).map(|n| {
        let process = if n % 3 == 0 { &command } else { &server };
        process.append(vec![pushed(n % 2, n, "ruby"), exchanged(n)])
    });
    let outcomes = futures::future::join_all(requests).await;
    assert!(
        outcomes.iter().all(Result::is_ok),
        "{:?}",
        outcomes.iter().find(|o| o.is_err())
    );
    assert_eq!(place.audit().await.head.size, 240);
    assert!(server.stop().await.is_none() && command.stop().await.is_none());
    place.audit().await;
}

async fn leaves_of_another_process_that_do_not_give_its_root_stop_this_one<K: Kind>() {
    let place = Place::<K>::new();
    let (server, command) = (place.open().await, place.open().await);
    server.append(vec![exchanged(0)]).await.unwrap();
    command.stop().await;
    // A bit flips in its memory after the leaf was hashed.
    let (inner, faults) = (place.log.connect().await, Faults::default());
    let faulty = Faulty {
        inner,
        faults: faults.clone(),
    };
    let command = place.open_on(faulty).await.unwrap();
    faults.arm(Step::Write, Fault::Flips);
    let refused = command.append(vec![exchanged(1)]).await;
    assert!(refused.is_err(), "it reads back what it wrote");
    assert!(matches!(command.stop().await, Some(Fatal::ReadBack(_))));
    assert!(server.append(vec![exchanged(2)]).await.is_err());
    let fatal = server.stop().await.unwrap();
    assert!(
        fatal
            .to_string()
            .contains("the leaves do not give the root"),
        "{fatal}"
    );
    let again = place.core(place.log.connect().await).await;
    assert!(again.is_err(), "and nobody signs it later");
    let anchored = place.anchor().read().unwrap().unwrap();
    assert_eq!(anchored.checkpoint.size(), 1);
}
