//! The algebra of rows: three writes that need no read.
use alloc::{string::String, vec::Vec};

/// The value of a column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// No value.
    Null,
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
}

/// Columns with their values, in the order they are written.
pub type Cells = Vec<(&'static str, Cell)>;

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// The row with this key has exactly these values in these columns; others keep what they have.
    Put {
        /// The table.
        table: &'static str,
        /// Its key columns.
        key: Cells,
        /// The columns set.
        set: Cells,
    },
    /// The column of the row with this key grows; the row exists.
    Add {
        /// The table.
        table: &'static str,
        /// Its key columns.
        key: Cells,
        /// The column.
        column: &'static str,
        /// By how much.
        by: i64,
    },
    /// There is no row with this key.
    Delete {
        /// The table.
        table: &'static str,
        /// Its key columns.
        key: Cells,
    },
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Cell {
    fn from(value: u64) -> Self {
        Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
