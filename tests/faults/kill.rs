//! A process that is killed at any moment leaves a log in which everything it acknowledged stands.
//!
//! The test runs itself again as the process to be killed: the ignored test below, in the folder of the ledger.
use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
    time::Duration,
};

use gemledger::world::Clock;
use tlog::Checkpoint;

use crate::support::{
    history::{exchanged, key_issued, pushed, request_id},
    store::{OnSqlite, Place, Request, key},
};

const KILLS: u32 = 20;
/// Where the process writes each checkpoint that it served, before it goes on.
const SERVED: &str = "served";
/// Set for the process that is killed, which is this very test again.
const VICTIM: &str = "GEMLEDGER_TEST_VICTIM";

#[tokio::test]
async fn a_process_that_is_killed_loses_nothing_that_it_acknowledged() {
    if std::env::var_os(VICTIM).is_some() {
        return write_until_killed().await;
    }
    let place = Place::<OnSqlite>::new();
    let mut largest = 0;
    for kill in 0..KILLS {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "faults::kill::a_process_that_is_killed_loses_nothing_that_it_acknowledged",
            ])
            .current_dir(place.path(""))
            .env(VICTIM, "yes")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Long enough to start, and then any moment.
        tokio::time::sleep(Duration::from_millis(60 + u64::from(kill * 37 % 150))).await;
        process.kill().unwrap();
        process.wait().unwrap();
        let served = fs::read_to_string(place.path(SERVED)).unwrap_or_default();
        let notes: Vec<&str> = served.split_inclusive("\n\n\n").collect();
        place.open().await.stop().await;
        let stored = place.audit().await;
        let hashes: Vec<_> = stored
            .events
            .iter()
            .map(|event| tlog::leaf_hash(&event.leaf))
            .collect();
        for note in notes {
            // The last one may be cut short, and so was not acknowledged.
            let Some(note) = note.strip_suffix("\n\n") else {
                continue;
            };
            let checkpoint = Checkpoint::open(note.as_bytes(), key().verifier()).unwrap();
            let size = usize::try_from(checkpoint.size()).unwrap();
            assert_eq!(*checkpoint.root(), tlog::root_of(&hashes[..size]));
            largest = largest.max(size);
        }
    }
    assert!(largest > 100, "the process did work: {largest} events");
}

/// What the process does that is killed: it writes until it cannot.
async fn write_until_killed() {
    let here = std::env::current_dir().unwrap();
    let place = Place::<OnSqlite>::over(&here, Clock::system());
    let running = place.open().await;
    let mut served = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(SERVED)
        .unwrap();
    let first = running.writer.served().head.size;
    for round in first.. {
        let requests = (0..5).map(|n| {
            let number = 5 * round + n;
            let drafts = vec![
                pushed(n % 2, number, "ruby"),
                exchanged(number),
                key_issued(number),
            ];
            let mut request = Request::new(drafts);
            request.group.request = request_id(1_000_000 + number);
            running.request(request)
        });
        for outcome in futures::future::join_all(requests).await {
            outcome.unwrap();
        }
        let note = running.writer.served().note.clone();
        served.write_all(format!("{note}\n\n").as_bytes()).unwrap();
    }
}
