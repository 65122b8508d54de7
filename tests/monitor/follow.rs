//! Looking again and again.
use std::time::Duration;

use gemledger::{
    monitor::{
        Finding, Look, catalogue,
        follow::{Pace, Standing},
        notify::Notifier,
    },
    remote::HttpClient,
};
use serde_json::Value;

use crate::{remote::settings, support::published::Published};

#[test]
fn failures_in_a_row_are_waited_for_longer_and_not_for_ever() {
    let mut pace = Pace::new(Duration::from_secs(30));
    let pauses: Vec<u64> = [true, false, false, false, false, false, false, true, false]
        .map(|went_well| pace.after(went_well).as_secs())
        .to_vec();
    assert_eq!(pauses, [30, 60, 120, 240, 480, 900, 900, 30, 60]);
    // A pause that was asked for is not shortened by failures.
    let mut slow = Pace::new(Duration::from_hours(1));
    assert_eq!(slow.after(false).as_secs(), 3600);
}

fn look(findings: Vec<Finding>) -> Look {
    Look {
        size: Some(1),
        read: 1,
        findings,
        decided: true,
        complete: true,
    }
}

#[test]
fn what_stays_as_it_is_is_told_once_and_again_when_it_comes_back() {
    let forked = || Finding::new(&catalogue::TREE_FORKED, "the tree is another one");
    let leaf = |index| Finding::new(&catalogue::LEAF_WRONG, "the leaf").at_index(index);
    let mut standing = Standing::default();
    let mut told = |findings| {
        let mut look = look(findings);
        standing.fresh(&mut look);
        look.findings.len()
    };
    assert_eq!(told(vec![forked()]), 1);
    assert_eq!(told(vec![forked()]), 0);
    assert_eq!(told(vec![forked(), leaf(1)]), 1);
    assert_eq!(told(vec![leaf(1), leaf(2)]), 1);
    assert_eq!(told(vec![forked()]), 1);
}

#[tokio::test]
async fn findings_are_posted_and_tried_again_where_the_receiver_is_busy() {
    let server = Published::of_size(1).serve();
    server.manners().busy = 2;
    let client =
        HttpClient::for_webhook(&format!("{}/hook?a=b", server.url()), settings()).unwrap();
    let notifier = Notifier::start(client);
    let findings = vec![Finding::new(&catalogue::TREE_FORKED, "the tree").at_index(7); 150];
    assert_eq!(
        notifier.post(
            "https://gems.example.com/log",
            "gems.example.com/log/1",
            &findings
        ),
        0
    );
    assert!(notifier.finish().await.is_empty());
    let posted = server.manners().posted.clone();
    assert_eq!(posted.len(), 2, "a hundred at a time");
    let body: Value = serde_json::from_str(&posted[0]).unwrap();
    assert_eq!(body["origin"], "gems.example.com/log/1");
    assert_eq!(body["findings"][0]["rule"], "tree_forked");
    assert_eq!(body["findings"][0]["indexes"][0], 7);
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_given_up_and_holds_nobody_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/hook?secret=1", listener.local_addr().unwrap());
    drop(listener);
    let notifier = Notifier::start(HttpClient::for_webhook(&address, settings()).unwrap());
    let finding = vec![Finding::new(&catalogue::TREE_FORKED, "the tree")];
    for _ in 0..64 {
        assert_eq!(notifier.post("a", "b", &finding), 0);
    }
    // The queue is full: what does not fit is counted, and nobody waits.
    assert!(
        (0..64)
            .map(|_| notifier.post("a", "b", &finding))
            .sum::<usize>()
            > 0
    );
    let failed = notifier.finish().await;
    assert!(!failed.is_empty());
    assert!(
        failed
            .iter()
            .all(|error| !error.to_string().contains("secret"))
    );
}
