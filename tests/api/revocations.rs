//! Revoking many keys: in groups of bounded size, each whole or not at all, and pages that miss none.
use deciders::{Code, api_key::MAX_REVOKED};
use events::{api_key::Scope, id::ApiKeyId};
use futures::future::join_all;
use gemledger::{
    app::CommandError,
    views::live_keys::{self, Which},
};

use super::app::TestApp;

async fn issue(app: &TestApp, count: usize) -> Vec<ApiKeyId> {
    let account = app.account("alice").await;
    let mut keys = Vec::new();
    for _ in 0..count.div_ceil(50) {
        let issued = (0..50).map(|_| {
            app.app
                .issue_api_key(account, vec![Scope::Read], None, None)
        });
        for issued in join_all(issued).await {
            keys.push(issued.unwrap().0);
        }
    }
    keys.truncate(count);
    keys
}

#[actix_web::test]
async fn a_group_is_bounded_and_one_command_of_the_log() {
    let app = TestApp::public().await;
    let keys = issue(&app, MAX_REVOKED + 1).await;
    let before = app.traces().await;
    let refused = app.app.revoke_api_keys(keys.clone()).await;
    assert!(
        matches!(refused, Err(CommandError::Denied(denial)) if denial.code == Code::ApiKeyInvalid)
    );
    app.left_nothing(before).await;
    let revoked = app.app.revoke_api_keys(keys[1..].to_vec()).await.unwrap();
    assert_eq!(revoked.len(), MAX_REVOKED);
    let events = app
        .app
        .reader
        .events(before.events, u64::MAX >> 1)
        .await
        .unwrap();
    let request = events[0].event.request;
    assert!(
        events
            .iter()
            .all(|recorded| recorded.event.request == request)
    );
    // The one that was left out lives; the others have nothing left to revoke.
    assert!(
        app.app
            .revoke_api_keys(keys[1..].to_vec())
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        app.app.revoke_api_keys(vec![keys[0]]).await.unwrap()[0].0,
        keys[0]
    );
    app.finish().await;
}

#[actix_web::test]
async fn pages_of_living_keys_miss_none_and_repeat_none() {
    let app = TestApp::public().await;
    let mut keys = issue(&app, 1150).await;
    let dead = keys.split_off(1100);
    app.app.revoke_api_keys(dead).await.unwrap();
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let (page, next) =
            live_keys::page(&app.app.reader, &Which::default(), after, app.clock.now())
                .await
                .unwrap();
        found.extend(page.into_iter().map(|key| key.id));
        after = next;
        if after.is_none() {
            break;
        }
    }
    // Ids of one millisecond have no order among themselves.
    keys.sort_unstable();
    // What was issued beyond those that were asked for lives as well.
    found.retain(|id| keys.binary_search(id).is_ok());
    assert_eq!(found, keys);
    app.finish().await;
}
