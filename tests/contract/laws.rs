//! The law of replay: for any history, every kind of log holds the same, and so does every way to derive it again.
use std::collections::BTreeSet;

use events::{Event, Recorded};
use gemledger::store::{
    reader::Reader,
    replay::{self, Rebuilt, live_sum},
    sqlite::SqliteLog,
};
use projections::{memory::Memory, tables};
use proptest::prelude::*;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use crate::support::{
    history::{Step, any_history},
    store::{InMemory, Kind, OnSqlite, Place, Request, Stored, rows_in_memory, rows_on_sqlite},
};

/// Request ids are the only thing that differs between two runs of one history: they are given here.
async fn told<K: Kind>(place: &Place<K>, history: &[Vec<Step>], restart: usize) {
    let mut running = place.open().await;
    let mut request = 0;
    for (at, batch) in history.iter().enumerate() {
        if at == restart {
            running.stop().await;
            running = place.open().await;
        }
        let requests = batch.iter().map(|step| {
            request += 1;
            let mut asked = Request::new(step.drafts());
            asked.group.request = crate::support::history::request_id(1_000_000 + request);
            running.request(asked)
        });
        for outcome in running.together(requests.collect()).await {
            outcome.unwrap();
        }
        place.clock.advance(std::time::Duration::from_millis(700));
    }
    running.stop().await;
}

fn recorded(stored: &Stored) -> Vec<Recorded> {
    let events = stored
        .events
        .iter()
        .map(|event| Event::read(&event.leaf).unwrap());
    (0..)
        .zip(events)
        .map(|(index, event)| Recorded { index, event })
        .collect()
}

/// Undoes the rows, in full or down to a revision, as an older version leaves them.
async fn forget(place: &Place<OnSqlite>, events: &[Recorded], position: usize) {
    let url = format!("sqlite://{}", place.log.0.display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    for projection in tables::ALL {
        for table in projection.tables {
            let sql = AssertSqlSafe(format!("DROP TABLE {table}"));
            sqlx::query(sql).execute(&mut connection).await.unwrap();
        }
    }
    sqlx::query("DELETE FROM projection")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    // Filled up to here as a catch-up that was interrupted leaves it: rows and position agree.
    let partial = Place::<OnSqlite>::new();
    drop(SqliteLog::open(&partial.log.0).await.unwrap());
    let mut rebuilt = Rebuilt::create(Some(&partial.path("rows.db")))
        .await
        .unwrap();
    rebuilt.advance(&events[..position]).await.unwrap();
    rebuilt.close().await.unwrap();
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    let attach = format!("ATTACH '{}' AS partial", partial.path("rows.db").display());
    sqlx::query(AssertSqlSafe(attach))
        .execute(&mut connection)
        .await
        .unwrap();
    for projection in tables::ALL {
        sqlx::raw_sql(projection.ddl)
            .execute(&mut connection)
            .await
            .unwrap();
        for table in projection.tables {
            let sql = AssertSqlSafe(format!(
                "INSERT INTO main.{table} SELECT * FROM partial.{table}"
            ));
            sqlx::query(sql).execute(&mut connection).await.unwrap();
        }
        let sql = "INSERT INTO projection VALUES ($1, $2)";
        let query = sqlx::query(sql)
            .bind(projection.name)
            .bind(i64::try_from(position).unwrap());
        query.execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

async fn same_everywhere(history: Vec<Vec<Step>>, restart: usize, position: usize) {
    let (memory, sqlite) = (Place::<InMemory>::new(), Place::<OnSqlite>::new());
    told(&memory, &history, restart).await;
    told(&sqlite, &history, restart).await;
    let (one, other) = (memory.audit().await, sqlite.audit().await);
    assert_eq!(
        (one.head, &one.events, &one.tiles),
        (other.head, &other.events, &other.tiles)
    );
    assert_eq!(one.rows, other.rows);
    let events = recorded(&other);
    let mut model = Memory::default();
    for event in &events {
        model.advance(event);
    }
    assert_eq!(rows_in_memory(&model), other.rows);
    let position = position % (events.len() + 1);
    rebuilt_in_slices(&sqlite, &events, position).await;
    forget(&sqlite, &events, position).await;
    let mut log = SqliteLog::open(&sqlite.log.0).await.unwrap();
    replay::catch_up(&mut log, |_, _| {}).await.unwrap();
    sqlite.audit().await;
}

async fn rebuilt_in_slices(place: &Place<OnSqlite>, events: &[Recorded], position: usize) {
    let reader = Reader::open(&place.log.0, 1).await.unwrap();
    let mut rebuilt = Rebuilt::create(None).await.unwrap();
    rebuilt.advance(&events[..position]).await.unwrap();
    for slice in events[position..].chunks(3) {
        rebuilt.advance(slice).await.unwrap();
    }
    for table in tables::ALL.iter().flat_map(|projection| projection.tables) {
        let live = live_sum(&reader, table).await.unwrap();
        assert_eq!(rebuilt.sum(table).await.unwrap(), live, "{table}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_history_is_the_same_in_memory_on_disk_and_replayed(
        history in any_history(),
        restart in 0_usize..12,
        position in any::<prop::sample::Index>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(same_everywhere(history, restart, position.index(10_000)));
    }
}

/// The bytes that Bundler has cached must not change, whatever happens to the server.
#[tokio::test]
async fn the_compact_index_has_the_same_bytes_after_a_restart_and_after_a_replay() {
    let place = Place::<OnSqlite>::new();
    let history: Vec<Vec<Step>> = (0..10)
        .map(|n| vec![Step::Push(n % 3, n, false), Step::Push(n % 3, n, true)])
        .collect();
    told(&place, &history, 5).await;
    let before = place.audit().await.rows;
    assert_eq!(before[tables::VERSION_LINE].len(), 20);
    for position in [0, 1, 17, 39] {
        let events = recorded(&place.log.stored().await);
        forget(&place, &events, position).await;
        place.open().await.stop().await;
        let reader = Reader::open(&place.log.0, 1).await.unwrap();
        let after = rows_on_sqlite(&reader).await;
        for table in [tables::INFO, tables::VERSION_LINE] {
            assert_eq!(before[table], after[table]);
        }
    }
    let names: BTreeSet<_> = tables::ALL.map(|projection| projection.name).into();
    assert_eq!(names.len(), tables::ALL.len(), "positions are kept by name");
}
