//! The feed: leaves verbatim, cursors that lose and repeat nothing, long polls that wake, readers that are slow.
use std::time::Duration;

use events::{Event, api_key::Scope};
use futures::future::join_all;
use reqwest::Method;
use serde_json::Value;

use super::{
    answer::answer,
    app::TestApp,
    given::{good, rake},
    index::released,
};

const FEED: &str = "/api/v1/ledger/events";

/// The leaves of an answer with their indexes, and its last line.
fn read(body: &[u8]) -> (Vec<(u64, Vec<u8>)>, Value) {
    let mut lines: Vec<&[u8]> = body.split_inclusive(|byte| *byte == b'\n').collect();
    let last = serde_json::from_slice(lines.pop().unwrap()).unwrap();
    let leaf = |line: &&[u8]| {
        let line = line.strip_suffix(b"}\n").unwrap();
        let text = std::str::from_utf8(line).unwrap();
        let (index, leaf) = text.split_once(",\"leaf\":").unwrap();
        let index = index.strip_prefix("{\"index\":").unwrap();
        (index.parse().unwrap(), leaf.as_bytes().to_vec())
    };
    (lines.iter().map(leaf).collect(), last)
}

async fn ask(app: &TestApp, query: &str) -> (Vec<(u64, Vec<u8>)>, Value) {
    read(&app.get(&format!("{FEED}?{query}")).await.is(200).body)
}

fn indexes(leaves: &[(u64, Vec<u8>)]) -> Vec<u64> {
    leaves.iter().map(|(index, _)| *index).collect()
}

#[actix_web::test]
async fn leaves_come_verbatim_in_order_and_the_last_line_says_where_to_go_on() {
    let app = released().await;
    let size = app.app.reader.head().await.unwrap().size;
    let (leaves, last) = ask(&app, "").await;
    assert_eq!(indexes(&leaves), (0..size).collect::<Vec<_>>());
    for (index, leaf) in &leaves {
        assert_eq!(
            app.app.reader.leaf(*index).await.unwrap().as_ref(),
            Some(leaf)
        );
        Event::read(leaf).unwrap();
    }
    assert_eq!(last, serde_json::json!({"next": size, "size": size}));
    // In small steps, the same.
    let (mut next, mut again) = (0, Vec::new());
    while next < size {
        let (some, last) = ask(&app, &format!("from={next}&limit=2")).await;
        assert!(some.len() <= 2);
        again.extend(some);
        next = last["next"].as_u64().unwrap();
    }
    assert_eq!(again, leaves);
    let (none, last) = ask(&app, &format!("from={size}")).await;
    assert!(none.is_empty());
    assert_eq!(last["next"], size);
    app.finish().await;
}

#[actix_web::test]
async fn filters_choose_by_stream_gem_type_and_time() {
    let app = rake().await;
    let key = app.push_key("alice").await;
    app.push(&key, good("Tool", "1.0.0")).await.is(200);
    app.pass(3600);
    let later = app.clock.now();
    app.push(&key, good("Tool", "1.1.0")).await.is(200);
    app.push(&key, good("apex", "1.0.0")).await.is(200);
    let types = |leaves: &[(u64, Vec<u8>)]| -> Vec<String> {
        let kind = |leaf: &[u8]| Event::read(leaf).unwrap().body.event_type().name.to_owned();
        leaves.iter().map(|(_, leaf)| kind(leaf)).collect()
    };
    let (leaves, last) = ask(&app, "gem=tool").await;
    assert_eq!(
        types(&leaves),
        [
            "gem.registered",
            "owner.added",
            "release.pushed",
            "release.pushed"
        ]
    );
    assert_eq!(last["next"], last["size"]);
    let (leaves, _) = ask(&app, "type=release.pushed").await;
    assert_eq!(leaves.len(), 3);
    let (leaves, _) = ask(&app, "stream=gem/tool&limit=1").await;
    assert_eq!(leaves.len(), 1);
    let since = String::from(later);
    let (leaves, _) = ask(&app, &format!("type=release.pushed&since={since}")).await;
    assert_eq!(leaves.len(), 2);
    let (leaves, _) = ask(&app, &format!("gem=tool&since={since}&type=release.pushed")).await;
    assert_eq!(leaves.len(), 1);
    let before = String::from(later.minus_seconds(1));
    let (leaves, last) = ask(&app, &format!("type=release.pushed&until={before}")).await;
    assert_eq!(leaves.len(), 1);
    // There will never be more before that time, however long somebody waits.
    assert_eq!(last["complete"], true);
    let (leaves, last) = ask(
        &app,
        &format!("from={}&until={before}&wait=60", last["next"]),
    )
    .await;
    assert!(leaves.is_empty() && last["complete"] == true);
    // A time that has not come yet is not the end.
    let (leaves, last) = ask(&app, "until=2999-01-01&type=release.pushed").await;
    assert!(leaves.len() == 3 && last.get("complete").is_none());
    let (leaves, last) = ask(&app, "since=2999-01-01").await;
    assert!(leaves.is_empty() && last["next"] == last["size"]);
    app.finish().await;
}

#[actix_web::test]
async fn what_cannot_be_asked_is_refused_with_the_reason() {
    let app = released().await;
    for (query, said) in [
        ("from=x", "from must be a number"),
        ("from=-1", "from must be a number"),
        ("wait=61", "wait must be a number of at most 60"),
        ("limit=10001", "limit must be a number of at most 10000"),
        ("type=release.eaten", "type must be a type of event"),
        ("stream=everything", "stream must be a stream"),
        ("gem=..%2f..", "gem must be a gem's name"),
        ("since=yesterday", "since must be a time like"),
        ("sinse=2026-11-23", "sinse must be left out"),
    ] {
        let answer = app.get(&format!("{FEED}?{query}")).await;
        answer.refuses(400, "malformed", said);
    }
    let streams = "stream=log&".repeat(22);
    let answer = app.get(&format!("{FEED}?{streams}")).await;
    answer.refuses(400, "malformed", "at most 20 streams");
    let answer = app.get(&format!("{FEED}?from=9999")).await;
    answer.refuses(
        416,
        "beyond_the_log",
        "another log, or a part of it was lost",
    );
    app.finish().await;
}

#[actix_web::test]
async fn a_cursor_loses_and_repeats_nothing_while_many_push() {
    let app = rake().await;
    let keys = [app.push_key("alice").await, app.push_key("bob").await];
    let pushes = async {
        for number in 0..12 {
            let gems = ["Tool", "apex"].map(|name| good(name, &format!("1.{number}.0")));
            let pushed = keys.iter().zip(gems).map(|(key, gem)| app.push(key, gem));
            for answer in join_all(pushed).await {
                answer.is(200);
            }
        }
    };
    // The last release ends each reader.
    let follow = |query: &'static str| {
        let app = &app;
        async move {
            let (mut next, mut seen) = (0, Vec::new());
            loop {
                let query = format!("from={next}&wait=20&{query}");
                let (leaves, last) = ask(app, &query).await;
                seen.extend(leaves);
                next = last["next"].as_u64().unwrap();
                let ends = |(_, leaf): &(u64, Vec<u8>)| {
                    let text = String::from_utf8_lossy(leaf);
                    text.contains("\"release.pushed\"") && text.contains("\"1.11.0\"")
                };
                if seen.iter().filter(|leaf| ends(leaf)).count() == 2 {
                    return seen;
                }
            }
        }
    };
    let ((), all, some) = tokio::join!(pushes, follow("limit=3"), follow("type=release.pushed"));
    let size = u64::try_from(all.len()).unwrap();
    assert_eq!(indexes(&all), (0..size).collect::<Vec<_>>());
    let releases = all
        .iter()
        .filter(|(_, leaf)| String::from_utf8_lossy(leaf).contains("\"release.pushed\""));
    assert_eq!(some, releases.cloned().collect::<Vec<_>>());
    app.finish().await;
}

#[actix_web::test]
async fn a_long_poll_wakes_when_something_comes_and_moves_on_when_it_is_something_else() {
    let app = rake().await;
    let key = app.push_key("alice").await;
    let (_, last) = ask(&app, "").await;
    let query = format!("from={}&wait=60&type=release.pushed", last["next"]);
    let wait = ask(&app, &query);
    let push = async {
        // Somebody waits by now, or will not have to.
        while app.app.followers.available_permits() == 256 {
            tokio::task::yield_now().await;
        }
        app.account("bob").await;
        app.push(&key, good("Tool", "1.0.0")).await.is(200);
    };
    let ((leaves, last), ()) = tokio::join!(wait, push);
    assert_eq!(leaves.len(), 1);
    assert_eq!(last["next"], last["size"]);
    // It was another process that wrote.
    let other = app.reopened().await;
    let query = format!("from={}&wait=60", last["next"]);
    let (waited, added) = tokio::join!(ask(&app, &query), other.add_account("carol"));
    added.unwrap();
    assert_eq!(waited.0.len(), 1);
    // Nothing comes: the answer does.
    let (leaves, _) = ask(&app, &format!("from={}&wait=1", waited.1["next"])).await;
    assert!(leaves.is_empty());
    app.finish().await;
}

#[actix_web::test]
async fn a_rare_type_is_looked_for_in_bounded_steps_that_always_move() {
    let app = rake().await;
    // As many events as one answer looks at, and some.
    let account = app.account("alice").await;
    for _ in 0..420 {
        let issued = (0..50).map(|_| {
            app.app
                .issue_api_key(account, vec![Scope::Read], None, None)
        });
        for issued in join_all(issued).await {
            issued.unwrap();
        }
    }
    let (leaves, last) = ask(&app, "type=log.rules_changed&wait=1").await;
    let (next, size) = (
        last["next"].as_u64().unwrap(),
        last["size"].as_u64().unwrap(),
    );
    assert!(leaves.is_empty() && next > 0 && next < size, "{last}");
    let (leaves, last) = ask(&app, &format!("from={next}&type=log.rules_changed")).await;
    assert!(leaves.is_empty() && last["next"] == size, "{last}");
    app.finish().await;
}

#[actix_web::test]
async fn readers_who_stop_reading_hold_nobody_up_and_lose_nothing() {
    let app = rake().await;
    let account = app.account("alice").await;
    for _ in 0..40 {
        let issued = (0..50).map(|_| {
            app.app
                .issue_api_key(account, vec![Scope::Read], None, None)
        });
        for issued in join_all(issued).await {
            issued.unwrap();
        }
    }
    let size = app.app.reader.head().await.unwrap().size;
    // More of them than the store has connections.
    let mut slow = Vec::new();
    for _ in 0..20 {
        let request = app.request(Method::GET, &format!("{FEED}?limit=10000"));
        let mut response = request.send().await.unwrap();
        let first = response.chunk().await.unwrap().unwrap();
        slow.push((response, first.to_vec()));
    }
    let key = app.push_key("bob").await;
    app.push(&key, good("Tool", "1.0.0")).await.is(200);
    app.get("/info/Tool").await.is(200);
    app.get("/log/checkpoint").await.is(200);
    for (mut response, mut body) in slow {
        while let Some(chunk) = response.chunk().await.unwrap() {
            body.extend_from_slice(&chunk);
        }
        let (leaves, last) = read(&body);
        assert!(last["next"].as_u64().unwrap() >= size);
        let expected: Vec<u64> = (0..u64::try_from(leaves.len()).unwrap()).collect();
        assert_eq!(indexes(&leaves), expected);
    }
    app.finish().await;
}

#[actix_web::test]
async fn whoever_hangs_up_gives_its_place_among_the_waiting_back() {
    let app = released().await;
    let (_, last) = ask(&app, "").await;
    let path = format!("{FEED}?wait=60&from={}", last["next"]);
    let room = app.app.followers.available_permits();
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(app.request(Method::GET, &path).send().await.unwrap());
    }
    assert_eq!(app.app.followers.available_permits(), room - 3);
    drop(waiting);
    while app.app.followers.available_permits() < room {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Without room nobody waits, and whoever does not wait is answered.
    let all = u32::try_from(room).unwrap();
    let taken = app.app.followers.acquire_many(all).await.unwrap();
    app.get(&path)
        .await
        .refuses(429, "too_many_requests", "try again");
    app.get(FEED).await.is(200);
    drop(taken);
    app.finish().await;
}

#[actix_web::test]
async fn a_private_feed_is_read_with_the_read_scope_alone() {
    let app = TestApp::private().await;
    let account = app.account("alice").await;
    let reader = app.api_key(account, &[Scope::Read]).await;
    let pusher = app.api_key(account, &[Scope::PushRubygem]).await;
    app.get(FEED).await.is(401);
    let with = |key: String| {
        let request = app.request(Method::GET, FEED);
        answer(request.header("authorization", key))
    };
    assert_eq!(with(pusher).await.status, 403);
    let told = with(reader).await.is(200);
    let (leaves, _) = read(&told.body);
    assert_eq!(leaves.len(), 4);
    assert_eq!(told.header("cache-control"), Some("no-store"));
    app.finish().await;
}
