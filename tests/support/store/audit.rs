//! The oracle: whatever happened to a log, this holds.
use std::collections::{BTreeMap, BTreeSet};

use events::{Event, Recorded, digest::Digest, stream::StreamName};
use projections::memory::Memory;
use tlog::{Checkpoint, Hash, TilePath, leaf_hash, root_of};

use super::{Kind, Place, Stored, key, rows_in_memory};

impl<K: Kind> Place<K> {
    /// Reads everything, and holds it against the definitions and against what was said to others.
    pub(crate) async fn audit(&self) -> Stored {
        let stored = self.log.stored().await;
        let events: Vec<Event> = stored
            .events
            .iter()
            .map(|stored| Event::read(&stored.leaf).unwrap())
            .collect();
        audit_events(&stored, &events);
        let hashes: Vec<Hash> = stored
            .events
            .iter()
            .map(|event| leaf_hash(&event.leaf))
            .collect();
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
            assert_eq!(
                *checkpoint.root(),
                root_of(signed),
                "no checkpoint is of a fork"
            );
        }
        for acknowledged in &seen.acknowledged {
            let at = usize::try_from(acknowledged.index).unwrap();
            assert_eq!(
                events.get(at),
                Some(&acknowledged.event),
                "what was acknowledged stays"
            );
        }
        stored
    }
}

fn audit_events(stored: &Stored, events: &[Event]) {
    let mut streams = BTreeMap::<StreamName, u64>::new();
    let (mut request, mut requests) = (None, BTreeSet::new());
    let mut time = events.first().map(|event| event.time).unwrap_or_default();
    for (event, row) in events.iter().zip(&stored.events) {
        assert_eq!((&event.stream, event.revision), (&row.stream, row.revision));
        let next = streams.entry(event.stream.clone()).or_default();
        assert_eq!(event.revision, *next, "revisions are dense");
        *next += 1;
        assert!(time <= event.time, "time does not go back");
        time = event.time;
        if request != Some(event.request) {
            request = Some(event.request);
            assert!(requests.insert(event.request), "a group is adjacent");
        }
    }
    assert_eq!(stored.head.time, time);
}

fn audit_vault(stored: &Stored, events: &[Event]) {
    let uniques: Vec<&String> = stored
        .vault
        .iter()
        .filter_map(|row| row.unique.as_ref())
        .collect();
    let distinct: BTreeSet<&&String> = uniques.iter().collect();
    assert_eq!(uniques.len(), distinct.len());
    for row in &stored.vault {
        let event = &events[usize::try_from(row.log_index).unwrap()];
        let mut sealed = event.sealed.values().map(Digest::hex);
        assert!(
            sealed.any(|commitment| commitment == row.commitment),
            "the vault holds nothing that no event seals"
        );
    }
}

fn naive_tiles(hashes: &[Hash]) -> BTreeMap<(u8, u64), Vec<u8>> {
    let size = u64::try_from(hashes.len()).unwrap();
    let bytes = |tile: TilePath| {
        let span = 256_usize.pow(u32::from(tile.level()));
        let from = usize::try_from(tile.index()).unwrap() * 256 * span;
        let subtrees = hashes[from..].chunks(span).take(usize::from(tile.width()));
        subtrees
            .flat_map(|leaves| *root_of(leaves).as_bytes())
            .collect()
    };
    tlog::tiles_of(size)
        .map(|tile| ((tile.level(), tile.index()), bytes(tile)))
        .collect()
}
