//! The fault table: each step of the writer fails twice, once before and once after it took effect.
//!
//! After each: the log passes the audit, what was acknowledged is there, what was not is there in whole or not at all,
//! and a process that starts on what is left goes on as if nothing had been.
use std::{fs, panic::AssertUnwindSafe};

use futures::FutureExt as _;
use gemledger::store::{StoreError, writer::Fatal};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};
use tlog::Checkpoint;

use crate::support::{
    history::{exchanged, key_issued, pushed},
    store::{Fault, Faults, Faulty, InMemory, Kind, OnSqlite, Place, Running, Step, key},
};

mod kill;

fn database() -> StoreError {
    StoreError::Database("injected".into())
}

fn in_doubt() -> StoreError {
    StoreError::InDoubt("injected".into())
}

/// What must follow from a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// The batch is refused, nothing of it is kept, and the writer goes on.
    Refused,
    /// The batch is refused, nothing of it is kept, and the writer ends.
    Ended,
    /// Nobody is answered, all of it is kept, and the writer ends.
    EndedAndKept,
    /// It does not matter: the batch is appended.
    Appended,
}

fn table() -> Vec<(Step, Fault, Then)> {
    use Fault::{After, Before, Flips};
    use Then::{Appended, Ended, EndedAndKept, Refused};
    let mut table = Vec::new();
    for step in [
        Step::Begin,
        Step::Head,
        Step::Streams,
        Step::Info,
        Step::Write,
    ] {
        table.push((step, Before(database()), Refused));
        table.push((step, After(database()), Refused));
    }
    table.extend([
        (Step::Write, Before(StoreError::Moved), Refused),
        (Step::Commit, Before(database()), Refused),
        (Step::Commit, Before(in_doubt()), Ended),
        (Step::Commit, After(in_doubt()), EndedAndKept),
        (
            Step::Head,
            Before(StoreError::Corrupt("injected".into())),
            Ended,
        ),
        (Step::Leaves, Before(database()), EndedAndKept),
        (Step::Leaves, After(database()), EndedAndKept),
        (Step::Leaves, Flips, EndedAndKept),
        (Step::Tile, Before(database()), Appended),
        (Step::Taken, Before(database()), Appended),
    ]);
    table
}

/// A request that reads a stream that is not cached, writes several, and changes rows that are folded.
async fn push<K: Kind>(running: &Running<K>, number: u64) -> bool {
    let drafts = vec![
        pushed(0, number, "ruby"),
        exchanged(number),
        key_issued(number),
    ];
    running.append(drafts).await.is_ok()
}

async fn one_fault<K: Kind>(step: Step, fault: Fault, then: Then) {
    let place = Place::<K>::new();
    let (inner, faults) = (place.log.connect().await, Faults::default());
    let faulty = Faulty {
        inner,
        faults: faults.clone(),
    };
    let mut running = place.open_on(faulty).await.unwrap();
    assert!(push(&running, 0).await);
    let (armed, asked) = (&faults, &running);
    let requests = (1..4).map(|n| {
        let fault = fault.clone();
        async move {
            if n == 1 {
                armed.arm(step, fault);
            }
            push(asked, n).await
        }
    });
    let answers = running.together(requests.collect()).await;
    let (acknowledged, kept) = match then {
        Then::Refused | Then::Ended => (false, 3),
        Then::EndedAndKept => (false, 12),
        Then::Appended => (true, 12),
    };
    assert_eq!(answers, [acknowledged; 3]);
    assert_eq!(faults.spent(), !acknowledged);
    assert_eq!(place.audit().await.head.size, kept);
    let signed = if acknowledged { 12 } else { 3 };
    assert_eq!(
        place.anchor().read().unwrap().unwrap().checkpoint.size(),
        signed
    );
    if matches!(then, Then::Refused | Then::Appended) {
        assert!(push(&running, 4).await, "the writer goes on");
    } else {
        assert!(!push(&running, 4).await);
        assert!(
            (&mut running.ended).await.unwrap().is_some(),
            "the process is told to end"
        );
    }
    drop(running);
    place.audit().await;
    let running = place.open().await;
    assert!(push(&running, 5).await);
    assert!(push(&running, 6).await);
    place.audit().await;
}

async fn every_fault<K: Kind>() {
    for (step, fault, then) in table() {
        let name = format!("{step:?} {fault:?}: {then:?}");
        let run = AssertUnwindSafe(one_fault::<K>(step, fault, then)).catch_unwind();
        assert!(run.await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn each_step_fails_before_and_after_it_took_effect_in_memory() {
    every_fault::<InMemory>().await;
}

#[tokio::test]
async fn each_step_fails_before_and_after_it_took_effect_on_sqlite() {
    every_fault::<OnSqlite>().await;
}

/// Every kind of statement that a batch executes, by the trigger that makes it fail.
const STATEMENTS: [&str; 9] = [
    "UPDATE ON head",
    "INSERT ON event",
    "UPDATE ON tile",
    "UPDATE ON gem_r1",
    "INSERT ON release_r2",
    "INSERT ON api_key_r1",
    "UPDATE ON info_r2",
    "INSERT ON version_line_r2",
    "UPDATE ON projection",
];

/// `ABORT` leaves the transaction open, `ROLLBACK` ends it, as SQLite itself does when a disk fails.
#[tokio::test]
async fn each_statement_of_a_batch_fails_before_and_after_it_took_effect() {
    for statement in STATEMENTS {
        for (when, how) in [
            ("BEFORE", "ABORT"),
            ("AFTER", "ABORT"),
            ("BEFORE", "ROLLBACK"),
            ("AFTER", "ROLLBACK"),
        ] {
            let place = Place::<OnSqlite>::new();
            let running = place.open().await;
            assert!(push(&running, 0).await);
            let url = format!("sqlite://{}", place.log.0.display());
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            let sql = format!(
                "CREATE TRIGGER stop {when} {statement} BEGIN SELECT RAISE({how}, 'injected'); END"
            );
            sqlx::query(AssertSqlSafe(sql.clone()))
                .execute(&mut connection)
                .await
                .unwrap();
            let answers = running
                .together((1..4).map(|n| push(&running, n)).collect())
                .await;
            assert_eq!(answers, [false; 3], "{sql}");
            assert_eq!(place.audit().await.head.size, 3, "{sql}");
            sqlx::query("DROP TRIGGER stop")
                .execute(&mut connection)
                .await
                .unwrap();
            assert!(push(&running, 4).await, "{sql}");
            assert!(running.stop().await.is_none());
            assert!(push(&place.open().await, 5).await);
            place.audit().await;
        }
    }
}

#[tokio::test]
async fn a_batch_that_cannot_be_anchored_is_kept_signed_later_and_never_answered() {
    for raised in [false, true] {
        let place = Place::<OnSqlite>::new();
        let mut running = place.open().await;
        assert!(push(&running, 0).await);
        let (anchor, aside) = (place.path("anchor"), place.path("aside"));
        fs::rename(&anchor, &aside).unwrap();
        let answers = running
            .together((1..4).map(|n| push(&running, n)).collect())
            .await;
        assert_eq!(answers, [false; 3]);
        assert!(matches!(
            (&mut running.ended).await.unwrap(),
            Some(Fatal::Anchor(_))
        ));
        assert_eq!(running.writer.served().head.size, 3, "it is not served");
        fs::rename(&aside, &anchor).unwrap();
        let head = place.audit().await.head;
        assert_eq!(head.size, 12);
        if raised {
            // The other half of the table: it reached the disk, and nobody was told.
            let checkpoint =
                Checkpoint::new("gems.example.org/log/1", head.size, head.root).unwrap();
            let note = checkpoint.sign(&key()).unwrap();
            place.anchor().raise(&checkpoint, &note).unwrap();
        }
        let running = place.open().await;
        assert_eq!(running.writer.served().head, head);
        assert!(push(&running, 5).await);
        place.audit().await;
    }
}

#[tokio::test]
async fn a_start_that_fails_at_any_step_leaves_everything_as_it_was() {
    for step in [
        Step::Begin,
        Step::Head,
        Step::Tile,
        Step::Leaves,
        Step::Rollback,
    ] {
        for fault in [Fault::Before(database()), Fault::After(database())] {
            let place = Place::<OnSqlite>::new();
            let running = place.open().await;
            assert!(push(&running, 0).await);
            running.stop().await;
            let (inner, faults) = (place.log.connect().await, Faults::default());
            faults.arm(step, fault);
            let faulty = Faulty { inner, faults };
            assert!(place.open_on(faulty).await.is_err(), "{step:?}");
            place.audit().await;
            assert!(push(&place.open().await, 1).await);
            place.audit().await;
        }
    }
}

#[tokio::test]
async fn a_rollback_that_fails_does_not_stop_the_next_batch() {
    let place = Place::<OnSqlite>::new();
    let (inner, faults) = (place.log.connect().await, Faults::default());
    let running = place
        .open_on(Faulty {
            inner,
            faults: faults.clone(),
        })
        .await
        .unwrap();
    faults.arm(Step::Write, Fault::After(database()));
    faults.arm(Step::Rollback, Fault::Before(database()));
    assert!(!push(&running, 0).await);
    // The transaction is open still: this batch finds it, and ends it.
    let second = push(&running, 1).await;
    assert!(push(&running, 2).await);
    assert!(!second);
    assert_eq!(place.audit().await.head.size, 3);
}

#[tokio::test]
async fn bits_that_flip_in_the_database_are_not_signed_at_the_next_start() {
    let place = Place::<OnSqlite>::new();
    let (inner, faults) = (place.log.connect().await, Faults::default());
    let running = place
        .open_on(Faulty {
            inner,
            faults: faults.clone(),
        })
        .await
        .unwrap();
    assert!(push(&running, 0).await);
    faults.arm(Step::Write, Fault::Flips);
    assert!(!push(&running, 1).await);
    assert!(matches!(running.stop().await, Some(Fatal::ReadBack(_))));
    let error = place.core(place.log.connect().await).await.err();
    assert!(matches!(error, Some(Fatal::Store(StoreError::Corrupt(_)))));
    assert_eq!(place.anchor().read().unwrap().unwrap().checkpoint.size(), 3);
}
