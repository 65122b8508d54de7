//! A ledger's store in a folder of its own, on any backend: opened, appended to, and audited after every step.
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use events::{
    Event, Recorded, State,
    event::Draft,
    id::{Actor, Via},
    stream::StreamName,
};
use gemledger::{
    store::{
        Backend, Head, StoredEvent, VaultRow,
        anchor::Anchor,
        memory::MemoryLog,
        reader::Reader,
        replay,
        sqlite::SqliteLog,
        states::{Desk, Read},
        vault::SubjectKeys,
        writer::{self, AppendError, Core, Fatal, Group, Outcome, Served, Verdict, Writer},
    },
    world::Clock,
};
use projections::{Cell, memory::Memory, tables};
use sqlx::{AssertSqlSafe, Column as _, Row as _, TypeInfo as _, ValueRef as _};
use tempfile::TempDir;
use tlog::{Checkpoint, Hash, SigningKey, leaf_hash, root_of};
use tokio::sync::oneshot;

use super::history;

/// A kind of log. The contract runs on every kind; each test gets one of its own.
pub(crate) trait Kind: Clone + Send + Sync + 'static {
    type Log: Backend;
    /// A log that does not exist yet, in this folder.
    fn within(folder: &Path) -> Self;
    /// A connection to it, as another process would have one.
    async fn connect(&self) -> Self::Log;
    /// All that it holds.
    async fn stored(&self) -> Stored;
}

/// All that a log holds.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) head: Head,
    pub(crate) events: Vec<StoredEvent>,
    pub(crate) tiles: BTreeMap<(u8, u64), Vec<u8>>,
    pub(crate) rows: Rows,
    pub(crate) vault: Vec<VaultRow>,
}

/// Rows by table, each as its columns that have a value; in the order of their text.
pub(crate) type Rows = BTreeMap<&'static str, Vec<BTreeMap<String, Cell>>>;

#[derive(Clone)]
pub(crate) struct InMemory(MemoryLog);

impl Kind for InMemory {
    type Log = MemoryLog;

    fn within(_: &Path) -> Self {
        Self(MemoryLog::default())
    }

    async fn connect(&self) -> MemoryLog {
        self.0.clone()
    }

    async fn stored(&self) -> Stored {
        let contents = self.0.contents();
        let mut events: Vec<Option<StoredEvent>> = vec![None; contents.leaves.len()];
        for (stream, indexes) in &contents.streams {
            for (at, revision) in indexes.iter().zip(0..) {
                events[*at] = Some(StoredEvent {
                    stream: stream.clone(),
                    revision,
                    leaf: contents.leaves[*at].clone(),
                });
            }
        }
        Stored {
            head: contents.head.unwrap_or_else(Head::empty),
            events: events.into_iter().map(Option::unwrap).collect(),
            tiles: contents.tiles,
            rows: rows_in_memory(&contents.rows),
            vault: contents.vault.into_values().collect(),
        }
    }
}

#[derive(Clone)]
pub(crate) struct OnSqlite(pub(crate) PathBuf);

impl Kind for OnSqlite {
    type Log = SqliteLog;

    fn within(folder: &Path) -> Self {
        Self(folder.join("log.db"))
    }

    async fn connect(&self) -> SqliteLog {
        let mut log = SqliteLog::open(&self.0).await.unwrap();
        replay::catch_up(&mut log, |_, _| {}).await.unwrap();
        log
    }

    async fn stored(&self) -> Stored {
        let reader = Reader::open(&self.0, 1).await.unwrap();
        let pool = reader.pool();
        let all = |sql: &'static str| sqlx::query(sql).fetch_all(pool);
        let found = all("SELECT log_index, stream, revision, leaf FROM event ORDER BY log_index");
        let mut events = Vec::new();
        for (row, index) in found.await.unwrap().iter().zip(0_i64..) {
            assert_eq!(row.get::<i64, _>(0), index, "log indexes are dense");
            events.push(StoredEvent {
                stream: StreamName::parse(row.get(1)).unwrap(),
                revision: u64::try_from(row.get::<i64, _>(2)).unwrap(),
                leaf: row.get(3),
            });
        }
        let found = all("SELECT level, tile_index, hashes FROM tile").await;
        let tiles = found.unwrap().iter().map(|row| {
            let place = (row.get::<u8, _>(0), row.get::<i64, _>(1));
            ((place.0, u64::try_from(place.1).unwrap()), row.get(2))
        });
        let tiles = tiles.collect();
        let found = all("SELECT commitment, subject, sealed, unique_hash FROM vault").await;
        let vault = found.unwrap().iter().map(|row| VaultRow {
            commitment: row.get(0),
            subject: StreamName::parse(row.get(1)).unwrap(),
            sealed: row.get(2),
            unique: row.get(3),
            fresh_key: None,
        });
        let vault = vault.collect();
        let head = reader.head().await.unwrap();
        let behind: i64 = sqlx::query_scalar("SELECT count(*) FROM projection WHERE position != $1")
            .bind(i64::try_from(head.size).unwrap())
            .fetch_one(pool)
            .await
            .unwrap();
        assert_eq!(behind, 0, "every projection is at the head");
        let stored = Stored {
            head,
            events,
            tiles,
            rows: rows_on_sqlite(&reader).await,
            vault,
        };
        reader.pool().close().await;
        stored
    }
}

pub(crate) fn rows_in_memory(memory: &Memory) -> Rows {
    let known = |(table, rows): (&&'static str, &BTreeMap<_, projections::memory::Row>)| {
        let rows = rows.values().map(|row| {
            let cells = row.iter().filter(|(_, cell)| **cell != Cell::Null);
            cells
                .map(|(column, cell)| ((*column).to_owned(), cell.clone()))
                .collect()
        });
        (*table, sorted(rows.collect()))
    };
    let mut all: Rows = empty();
    all.extend(memory.tables.iter().map(known));
    all
}

pub(crate) async fn rows_on_sqlite(reader: &Reader) -> Rows {
    let mut all = empty();
    for (table, rows) in &mut all {
        let found = sqlx::query(AssertSqlSafe(format!("SELECT * FROM {table}")))
            .fetch_all(reader.pool())
            .await
            .unwrap();
        *rows = sorted(found.iter().map(cells).collect());
    }
    all
}

fn cells(row: &sqlx::sqlite::SqliteRow) -> BTreeMap<String, Cell> {
    let cell = |(at, column): (usize, &sqlx::sqlite::SqliteColumn)| {
        let value = row.try_get_raw(at).unwrap();
        let cell = match (value.is_null(), value.type_info().name()) {
            (true, _) => return None,
            (false, "TEXT") => Cell::Text(row.get(at)),
            (false, _) => Cell::Integer(row.get(at)),
        };
        Some((column.name().to_owned(), cell))
    };
    row.columns().iter().enumerate().filter_map(cell).collect()
}

fn empty() -> Rows {
    let all = tables::ALL.iter().flat_map(|projection| projection.tables);
    all.map(|table| (*table, Vec::new())).collect()
}

fn sorted(mut rows: Vec<BTreeMap<String, Cell>>) -> Vec<BTreeMap<String, Cell>> {
    rows.sort_unstable();
    rows
}

/// How many events a stream has, as a decision sees it.
#[derive(Default)]
pub(crate) struct Count(pub(crate) u64);

impl State for Count {
    fn evolve(&mut self, _: &Event) {
        self.0 += 1;
    }
}

/// The store of one ledger: everything that outlives a process, and what everybody outside has seen of it.
#[derive(Clone)]
pub(crate) struct Place<K> {
    pub(crate) log: K,
    pub(crate) clock: Clock,
    folder: Arc<TempDir>,
    seen: Arc<Mutex<Seen>>,
}

/// What was said to others, and may never be taken back.
#[derive(Default)]
struct Seen {
    acknowledged: Vec<Recorded>,
    notes: Vec<String>,
}

/// A writer that runs.
pub(crate) struct Running<K> {
    pub(crate) writer: Writer,
    pub(crate) ended: oneshot::Receiver<Option<Fatal>>,
    place: Place<K>,
}

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed("gems.example.org/log/1", &[7; 32]).unwrap()
}

/// Values that are never the same twice in this process.
pub(crate) fn fresh_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl<K: Kind> Place<K> {
    /// An empty place.
    pub(crate) fn new() -> Self {
        Self::within(tempfile::tempdir().unwrap())
    }

    pub(crate) fn within(folder: TempDir) -> Self {
        let place = Self {
            log: K::within(folder.path()),
            clock: Clock::manual(history::start()),
            folder: Arc::new(folder),
            seen: Arc::default(),
        };
        if !place.path("anchor").exists() {
            place.anchor().create().unwrap();
        }
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn anchor(&self) -> Anchor {
        Anchor::new(&self.path("anchor"), key().verifier().clone())
    }

    pub(crate) async fn subjects(&self) -> SubjectKeys {
        SubjectKeys::open(&self.path("subjects.db")).await.unwrap()
    }

    /// Starts a writer on it, as a process does when it starts.
    pub(crate) async fn open(&self) -> Running<K> {
        let log = self.log.connect().await;
        self.open_on(log).await.unwrap()
    }

    /// Starts a writer through this connection.
    pub(crate) async fn open_on<B: Backend>(&self, log: B) -> Result<Running<K>, Fatal> {
        let (core, served) = self.core(log).await?;
        self.saw(&served);
        let (writer, ended) = writer::start(core, served);
        Ok(Running {
            writer,
            ended,
            place: self.clone(),
        })
    }

    pub(crate) async fn core<B: Backend>(&self, log: B) -> Result<(Core<B>, Served), Fatal> {
        let subjects = self.subjects().await;
        Core::open(log, self.anchor(), Arc::new(key()), subjects, self.clock.clone()).await
    }

    fn saw(&self, served: &Served) {
        self.seen.lock().unwrap().notes.push(served.note.clone());
    }

    /// The oracle: whatever happened, this holds.
    pub(crate) async fn audit(&self) -> Stored {
        let stored = self.log.stored().await;
        let events: Vec<Event> = stored
            .events
            .iter()
            .map(|stored| Event::read(&stored.leaf).unwrap())
            .collect();
        audit_events(&stored, &events);
        let hashes: Vec<Hash> = stored.events.iter().map(|event| leaf_hash(&event.leaf)).collect();
        let size = u64::try_from(hashes.len()).unwrap();
        assert_eq!(stored.head.size, size);
        assert_eq!(stored.head.root, root_of(&hashes));
        assert_eq!(stored.tiles, naive_tiles(&hashes));
        let mut model = Memory::default();
        let recorded = |(index, event)| Recorded { index, event };
        for recorded in (0..).zip(events.clone()).map(recorded) {
            model.advance(&recorded);
        }
        assert_eq!(stored.rows, rows_in_memory(&model));
        audit_vault(&stored, &events);
        let anchored = self.anchor().read().unwrap().map(|anchored| anchored.note);
        let mut seen = self.seen.lock().unwrap();
        seen.notes.extend(anchored);
        for note in &seen.notes {
            let checkpoint = Checkpoint::open(note.as_bytes(), key().verifier()).unwrap();
            let signed = hashes.get(..usize::try_from(checkpoint.size()).unwrap());
            let signed = signed.expect("nothing is signed that the log does not hold");
            assert_eq!(*checkpoint.root(), root_of(signed), "no checkpoint is of a fork");
        }
        for acknowledged in &seen.acknowledged {
            let at = usize::try_from(acknowledged.index).unwrap();
            assert_eq!(events.get(at), Some(&acknowledged.event), "what was acknowledged stays");
        }
        stored
    }
}

fn audit_events(stored: &Stored, events: &[Event]) {
    let mut streams = BTreeMap::<StreamName, u64>::new();
    let mut requests = Vec::new();
    let mut time = events.first().map(|event| event.time).unwrap_or_default();
    for (event, row) in events.iter().zip(&stored.events) {
        assert_eq!((&event.stream, event.revision), (&row.stream, row.revision));
        let next = streams.entry(event.stream.clone()).or_default();
        assert_eq!(event.revision, *next, "revisions are dense");
        *next += 1;
        assert!(time <= event.time, "time does not go back");
        time = event.time;
        if requests.last() != Some(&event.request) {
            assert!(!requests.contains(&event.request), "a group is adjacent");
            requests.push(event.request);
        }
    }
    assert_eq!(stored.head.time, time);
}

fn audit_vault(stored: &Stored, events: &[Event]) {
    let sealed: Vec<String> = events
        .iter()
        .flat_map(|event| event.sealed.values().map(events::digest::Digest::hex))
        .collect();
    let uniques: Vec<&String> = stored.vault.iter().filter_map(|row| row.unique.as_ref()).collect();
    let distinct: std::collections::BTreeSet<&&String> = uniques.iter().collect();
    assert_eq!(uniques.len(), distinct.len());
    for row in &stored.vault {
        assert!(sealed.contains(&row.commitment), "the vault holds nothing that no event seals");
    }
}

fn naive_tiles(hashes: &[Hash]) -> BTreeMap<(u8, u64), Vec<u8>> {
    let size = u64::try_from(hashes.len()).unwrap();
    let bytes = |tile: tlog::TilePath| {
        let span = 256_usize.pow(u32::from(tile.level()));
        let from = usize::try_from(tile.index()).unwrap() * 256 * span;
        let subtrees = hashes[from..].chunks(span).take(usize::from(tile.width()));
        subtrees.flat_map(|leaves| *root_of(leaves).as_bytes()).collect()
    };
    tlog::tiles_of(size)
        .map(|tile| ((tile.level(), tile.index()), bytes(tile)))
        .collect()
}

/// A request that appends these drafts, whatever the states are.
pub(crate) struct Request {
    pub(crate) reads: Vec<Read>,
    pub(crate) group: Group,
}

impl Request {
    pub(crate) fn new(drafts: Vec<Draft>) -> Self {
        let reads = drafts.iter().map(|draft| draft.stream.clone());
        let reads: std::collections::BTreeSet<StreamName> = reads.collect();
        Self {
            reads: reads.into_iter().map(Read::of::<Count>).collect(),
            group: Group {
                drafts,
                vault: Vec::new(),
                actor: Actor::Operator,
                via: Via::Http,
                request: history::request_id(fresh_number()),
                not_after: None,
            },
        }
    }
}

impl<K: Kind> Running<K> {
    /// Appends what the closure decides; what is acknowledged is remembered for the audit.
    pub(crate) async fn decide<T: Send + 'static>(
        &self,
        reads: Vec<Read>,
        decide: impl FnOnce(&Desk<'_>) -> Verdict<T> + Send + 'static,
    ) -> Result<Outcome<T>, AppendError> {
        let outcome = self.writer.append(reads, decide).await?;
        self.place.saw(&self.writer.served());
        let mut seen = self.place.seen.lock().unwrap();
        seen.acknowledged.extend(outcome.appended.iter().cloned());
        Ok(outcome)
    }

    pub(crate) async fn request(&self, request: Request) -> Result<Outcome<()>, AppendError> {
        let Request { reads, group } = request;
        let verdict = Verdict {
            group: Some(group),
            answer: (),
        };
        self.decide(reads, move |_| verdict).await
    }

    pub(crate) async fn append(&self, drafts: Vec<Draft>) -> Result<Outcome<()>, AppendError> {
        self.request(Request::new(drafts)).await
    }

    /// Holds the writer until these requests all wait, so that they make one transaction, in this order.
    pub(crate) async fn together<T>(&self, requests: Vec<impl Future<Output = T>>) -> Vec<T> {
        let (entered, is_entered) = oneshot::channel();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let gate = self.writer.append(Vec::new(), move |_| {
            entered.send(()).unwrap();
            released.recv().unwrap();
            Verdict::answer(())
        });
        let all = async {
            is_entered.await.unwrap();
            let mut all = Box::pin(futures::future::join_all(requests));
            // Polled once, every request is in the queue.
            let first = futures::poll!(&mut all);
            release.send(()).unwrap();
            match first {
                std::task::Poll::Ready(results) => results,
                std::task::Poll::Pending => all.await,
            }
        };
        let (gate, results) = futures::join!(gate, all);
        gate.unwrap();
        results
    }

    /// Ends the writer and waits until it is gone.
    pub(crate) async fn stop(self) -> Option<Fatal> {
        drop(self.writer);
        self.ended.await.unwrap()
    }
}
