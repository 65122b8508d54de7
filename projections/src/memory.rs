//! The model: rows in memory, which every database must equal.
use alloc::{collections::BTreeMap, string::String};
use events::Recorded;

use crate::{
    index::{self, Info},
    rows,
    write::{Cell, Cells, Write},
};

/// A row: its columns that were ever written.
pub type Row = BTreeMap<&'static str, Cell>;

/// All tables, their rows by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Rows by table and key.
    pub tables: BTreeMap<&'static str, BTreeMap<alloc::vec::Vec<Cell>, Row>>,
    infos: BTreeMap<String, Info>,
}

impl Memory {
    /// Takes the next event into account.
    pub fn advance(&mut self, recorded: &Recorded) {
        for write in rows::project(recorded) {
            self.write(write);
        }
        if let Some(gem) = index::key(recorded) {
            let info = self.infos.entry(gem.into()).or_default();
            for write in index::fold(info, recorded) {
                self.write(write);
            }
        }
    }

    /// Applies one write.
    pub fn write(&mut self, write: Write) {
        match write {
            Write::Put { table, key, set } => {
                let row = self.row(table, &key);
                row.extend(set);
            }
            Write::Add {
                table,
                key,
                column,
                by,
            } => {
                let row = self.row(table, &key);
                let value = match row.get(column) {
                    Some(Cell::Integer(value)) => *value,
                    Some(Cell::Null | Cell::Text(_)) | None => 0,
                };
                row.insert(column, Cell::Integer(value.saturating_add(by)));
            }
            Write::Delete { table, key } => {
                let key = key
                    .into_iter()
                    .map(|(_, cell)| cell)
                    .collect::<alloc::vec::Vec<_>>();
                self.tables.entry(table).or_default().remove(&key);
            }
        }
    }

    fn row(&mut self, table: &'static str, key: &Cells) -> &mut Row {
        let cells = key.iter().map(|(_, cell)| cell.clone()).collect();
        let row = self
            .tables
            .entry(table)
            .or_default()
            .entry(cells)
            .or_default();
        row.extend(key.iter().cloned());
        row
    }
}
