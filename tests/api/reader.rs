//! A log of 70,000 events read by a program that shares no code with this one.
use std::{path::Path, process::Command};

use deciders::account::{self, Account};
use events::{event::Sealed, id::AccountId, stream::StreamName};
use gemledger::{
    store::{states::Read, writer::Verdict},
    world,
};
use serde_json::Value;

use super::app::TestApp;
use crate::support::{
    liar::{Liar, Said},
    program::{Ran, run},
};

/// The size at which the specification's own example has tiles of three levels, all of them partial.
const EVENTS: u64 = 70_000;
/// Accounts that are made in one append.
const TOGETHER: usize = 1000;

impl TestApp {
    /// Makes accounts, many at once, until the log has so many events.
    async fn grow(&self, size: u64) {
        let mut missing = size - self.traces().await.events;
        while missing > 0 {
            let count = missing.min(u64::try_from(TOGETHER).unwrap());
            let now = self.clock.now();
            let fresh = |_| AccountId::new(world::fresh_id(now));
            let ids: Vec<AccountId> = (0..count).map(fresh).collect();
            let streams = ids.iter().map(|id| StreamName::account(*id));
            let reads = streams.map(Read::of::<Account>).collect();
            let request = self.app.console();
            let appended = self.app.writer.append(reads, move |desk| {
                let create = |id: &AccountId| {
                    let account = desk.state::<Account>(&StreamName::account(*id));
                    account::create(account.unwrap(), *id, Sealed::new()).unwrap()
                };
                let drafts = ids.iter().flat_map(create).collect();
                Verdict {
                    group: Some(request.group(drafts)),
                    answer: (),
                }
            });
            appended.await.unwrap();
            missing -= count;
        }
    }
}

/// Runs the reader, away from the thread that serves.
async fn read(log: String, folder: &Path, indexes: &[u64]) -> Ran {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(root.join(".cache/venv/bin/python"));
    command
        .arg(root.join("tests/api/reader.py"))
        .arg(log)
        .args([folder.join("vkey"), folder.join("old")])
        .args(indexes.iter().map(u64::to_string))
        .env("no_proxy", "*");
    tokio::task::spawn_blocking(move || run(&command))
        .await
        .unwrap()
}

#[tokio::test]
async fn an_independent_reader_verifies_every_tile_and_entry_of_70_000_events() {
    let app = TestApp::public().await;
    let folder = tempfile::tempdir().unwrap();
    for (path, name, size) in [
        ("/log/checkpoint", "old", 300),
        ("/log/vkey", "vkey", EVENTS),
    ] {
        app.grow(size).await;
        let bytes = app.get(path).await.is(200).body;
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let indexes = [0, 255, 256, 299, 300, 65_535, 65_536, EVENTS - 1];
    let log = format!("http://{}/log", app.address);
    let told = read(log, folder.path(), &indexes).await.ok();
    let told: Value = serde_json::from_str(&told.out).unwrap();
    // 273 full ones and a partial one; one full and one partial above; one partial at the top.
    assert_eq!(
        (&told["size"], &told["tiles"], &told["bundles"]),
        (&EVENTS.into(), &277.into(), &274.into())
    );

    // It would have noticed: one hash of one full tile that no proof above has read.
    let liar = Liar::before(&format!("http://{}", app.address));
    let mut tile = app.get("/log/tile/0/100").await.is(200).body;
    tile[77] ^= 1;
    liar.says("/log/tile/0/100", Said::Bytes(tile));
    let log = format!("{}/log", liar.url());
    let noticed = read(log, folder.path(), &[]).await;
    assert_eq!(noticed.code, 1, "{}", noticed.err);
    // And a checkpoint that the tree does not continue.
    let mut old = app.get("/log/checkpoint").await.is(200).body;
    old.truncate(old.len() - 3);
    std::fs::write(folder.path().join("old"), old).unwrap();
    let log = format!("http://{}/log", app.address);
    assert_eq!(read(log, folder.path(), &[]).await.code, 1);
}
