//! What events mean in rows: each event's writes, and the index after any history.
#![cfg(test)]

mod index;
mod rows;
mod state;
mod tables;

use events::{Event, Recorded};
use projections::{Cell, memory::Memory, memory::Row};

/// A golden event of the vocabulary, at this log index.
macro_rules! golden {
    ($name:literal, $index:expr) => {
        crate::at(
            $index,
            include_bytes!(concat!("../../../events/vectors/", $name, ".bytes")),
        )
    };
}
pub(crate) use golden;

fn at(index: u64, leaf: &[u8]) -> Recorded {
    Recorded {
        index,
        event: Event::read(leaf).unwrap(),
    }
}

fn after(history: impl IntoIterator<Item = Recorded>) -> Memory {
    let mut memory = Memory::default();
    for recorded in history {
        memory.advance(&recorded);
    }
    memory
}

/// The only row of a table, if it has one.
fn row<'a>(memory: &'a Memory, table: &str) -> Option<&'a Row> {
    let rows = memory.tables.get(table)?;
    assert!(rows.len() < 2, "{table} has {} rows", rows.len());
    rows.values().next()
}

fn text(value: &str) -> Cell {
    Cell::from(value)
}

fn number(value: u64) -> Cell {
    Cell::from(value)
}
