//! From one look to the next: what is new is told, and nothing is lost.
use std::fs;

use super::{
    Watch, broken,
    ledger::{Honest, change, indexes},
    rules_of,
};

#[tokio::test]
async fn the_first_look_remembers_and_the_next_ones_tell_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let watch = Watch::with_state(folder.path());
    let ledger = Honest::with_releases().await;
    let look = watch.look_at(&ledger.published().await).await;
    assert_eq!(
        rules_of(&look.findings),
        [""; 0],
        "what was before is not news"
    );
    ledger.trust("hello", "acme/hello").await;
    let log = ledger.published().await;
    let look = watch.look_at(&log).await;
    assert_eq!(rules_of(&look.findings), ["publisher_added"]);
    let look = watch.look_at(&log).await;
    assert_eq!(rules_of(&look.findings), [""; 0], "told once");
    assert_eq!(
        Some(look.read),
        look.size,
        "and the log is read all the same"
    );
}

#[tokio::test]
async fn without_a_state_or_with_history_everything_is_told() {
    let log = Honest::with_releases().await.published().await;
    let all = Watch::default().look_at(&log).await.findings;
    assert_eq!(rules_of(&all), ["provider_added", "publisher_added"]);
    let folder = tempfile::tempdir().unwrap();
    let history = Watch {
        history: true,
        ..Watch::with_state(folder.path())
    };
    assert_eq!(history.look_at(&log).await.findings, all);
    assert!(history.look_at(&log).await.findings.is_empty());
}

#[tokio::test]
async fn what_was_not_told_is_told_by_who_comes_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let watch = Watch::with_state(folder.path());
    let mut log = Honest::with_releases().await.published().await;
    let pushed = indexes(&log, "release.pushed")[0];
    change(&mut log, pushed, |leaf| {
        leaf["data"]["source"]["publisher"] = 77.into();
    });
    log.publish();
    let server = log.serve();
    // It looks and dies before it could tell.
    let mut monitor = watch.monitor(&server.url()).await.unwrap();
    let untold = monitor.look(|_, _| {}).await.unwrap();
    assert!(!broken(&untold).is_empty());
    drop(monitor);
    assert_eq!(
        broken(&watch.look(&server.url()).await.unwrap()),
        broken(&untold)
    );
    assert_eq!(broken(&watch.look(&server.url()).await.unwrap()), []);
}

#[tokio::test]
async fn a_kept_copy_is_read_instead_of_the_network_and_is_a_mirror() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let watch = Watch {
        keep: Some(copy.clone()),
        ..Watch::with_state(folder.path())
    };
    let ledger = Honest::with_releases().await;
    // More than one bundle: a full one is never fetched again.
    for number in 0..270 {
        ledger
            .app
            .add_account(&format!("account-{number}"))
            .await
            .unwrap();
    }
    let server = ledger.published().await.serve();
    watch.look(&server.url()).await.unwrap();
    server.manners().asked.clear();
    let look = watch.look(&server.url()).await.unwrap();
    assert_eq!(Some(look.read), look.size);
    let asked = server.manners().asked.clone();
    assert!(
        !asked.iter().any(|path| path.contains("entries/000")),
        "{asked:?}"
    );
    let mirror = Watch::default();
    let look = mirror.look(copy.to_str().unwrap()).await.unwrap();
    assert_eq!(broken(&look), []);
    assert_eq!(Some(look.read), look.size);
}

#[tokio::test]
async fn a_monitor_that_goes_on_reads_only_what_is_new() {
    let ledger = Honest::with_releases().await;
    let server = ledger.published().await.serve();
    let mut monitor = Watch::default().monitor(&server.url()).await.unwrap();
    let first = monitor.look(|_, _| {}).await.unwrap();
    monitor.told(&first).unwrap();
    ledger.trust("hello", "acme/hello").await;
    ledger.release("rake", "1.0.1", "acme/rake").await;
    *server.log() = ledger.published().await;
    let mut steps = Vec::new();
    let second = monitor
        .look(|done, all| steps.push((done, all)))
        .await
        .unwrap();
    assert_eq!(rules_of(&second.findings), ["publisher_added"]);
    assert_eq!(steps, [(second.read, second.size.unwrap())]);
    monitor.told(&second).unwrap();
    let third = monitor.look(|_, _| {}).await.unwrap();
    assert!(third.findings.is_empty() && third.decided && third.complete);
}

#[tokio::test]
async fn what_cannot_be_read_is_no_finding() {
    let folder = tempfile::tempdir().unwrap();
    let watch = Watch::with_state(folder.path());
    let server = Honest::open().await.published().await.serve();
    watch.look(&server.url()).await.unwrap();
    server.manners().busy = 100;
    assert!(watch.look(&server.url()).await.is_err());
    server.manners().busy = 0;
    fs::write(watch.state.as_ref().unwrap(), "no state").unwrap();
    assert!(watch.look(&server.url()).await.is_err());
}

#[tokio::test]
async fn what_a_look_noticed_before_it_failed_is_told_by_the_next_one() {
    let ledger = Honest::with_releases().await;
    for number in 0..270 {
        let handle = format!("account-{number}");
        ledger.app.add_account(&handle).await.unwrap();
    }
    let log = ledger.published().await;
    let server = log.clone().serve();
    // The first bundle is read, the second one is somebody else's trouble.
    let second = format!("tile/entries/001.p/{}", log.leaves.len() - 256);
    server.manners().broken = Some(format!("/log/{second}"));
    let mut monitor = Watch::default().monitor(&server.url()).await.unwrap();
    assert!(monitor.look(|_, _| {}).await.is_err());
    server.manners().broken = None;
    let look = monitor.look(|_, _| {}).await.unwrap();
    assert_eq!(
        rules_of(&look.findings),
        ["provider_added", "publisher_added"]
    );
    assert_eq!(Some(look.read), look.size);
}
