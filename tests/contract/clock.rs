//! A clock that jumps, or lags behind the log, stops appends until it is right again.
use std::time::Duration;

use gemledger::store::writer::AppendError;

use super::on_every_kind;
use crate::support::{
    history::{self, account_created},
    store::{Kind, Place, Running},
};

on_every_kind! {
    a_clock_that_jumps_forward_stops_appends_until_it_is_right_again,
    a_clock_that_jumps_back_stops_appends_until_it_is_right_again,
    a_restart_accepts_a_clock_that_went_forward_but_not_one_behind_the_log,
    time_that_passes_is_no_jump,
}

async fn refusal<K: Kind>(running: &Running<K>) -> String {
    match running.append(vec![account_created(1)]).await {
        Err(AppendError::Unavailable(text)) => text,
        other => panic!("not refused: {other:?}"),
    }
}

async fn a_clock_that_jumps_forward_stops_appends_until_it_is_right_again<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    running.append(vec![account_created(0)]).await.unwrap();
    place.clock.jump(history::start().plus_seconds(7200));
    let text = refusal(&running).await;
    assert!(
        text.contains("the clock jumped from 2026-11-23T02:55:02.000Z to 2026-11-23T04:55:02.000Z"),
        "{text}"
    );
    refusal(&running).await;
    place.clock.jump(history::start());
    running.append(vec![account_created(2)]).await.unwrap();
    assert_eq!(place.audit().await.head.size, 2);
}

async fn a_clock_that_jumps_back_stops_appends_until_it_is_right_again<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    running.append(vec![account_created(0)]).await.unwrap();
    place.clock.jump(history::start().minus_seconds(61));
    assert!(refusal(&running).await.contains("the clock jumped"));
    place.clock.advance(Duration::from_secs(10));
    assert!(
        refusal(&running).await.contains("the clock jumped"),
        "it is still as far off"
    );
    place.clock.jump(history::start().plus_seconds(10));
    let outcome = running.append(vec![account_created(2)]).await.unwrap();
    assert_eq!(
        outcome.appended[0].event.time,
        history::start().plus_seconds(10)
    );
    place.audit().await;
}

async fn a_restart_accepts_a_clock_that_went_forward_but_not_one_behind_the_log<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    running.append(vec![account_created(0)]).await.unwrap();
    place.clock.jump(history::start().plus_seconds(7200));
    refusal(&running).await;
    running.stop().await;
    let running = place.open().await;
    running.append(vec![account_created(2)]).await.unwrap();
    running.stop().await;
    place.clock.jump(history::start());
    let running = place.open().await;
    let text = refusal(&running).await;
    assert!(
        text.contains("the clock says 2026-11-23T02:55:02.000Z and the last event was at 2026-11-23T04:55:02.000Z"),
        "{text}"
    );
    place.clock.advance(Duration::from_mins(119));
    let outcome = running.append(vec![account_created(3)]).await.unwrap();
    let time = outcome.appended[0].event.time;
    assert_eq!(
        time,
        history::start().plus_seconds(7200),
        "never less than the last event's"
    );
    place.audit().await;
}

async fn time_that_passes_is_no_jump<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    for days in [0, 1, 400] {
        place.clock.advance(Duration::from_secs(days * 86_400));
        running.append(vec![account_created(days)]).await.unwrap();
    }
    place.audit().await;
}
