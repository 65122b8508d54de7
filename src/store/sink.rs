//! Row writes as SQL: one text for every database, coalesced by key, few statements of bounded variety.
use std::collections::BTreeMap;

use projections::{Cell, Write, write::Cells};

/// A statement with its arguments in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The text, with `$n` parameters.
    pub sql: String,
    /// The arguments.
    pub arguments: Vec<Cell>,
}

/// Most rows in one statement.
const MOST: usize = 64;
/// Up to so many rows, each number has a text of its own.
const EXACT: usize = 16;

/// What is left to do for one key of one table once its writes are taken together.
#[derive(Clone, Debug, Default)]
struct Row {
    deleted: bool,
    set: BTreeMap<&'static str, Cell>,
    add: BTreeMap<&'static str, i64>,
}

/// The statements that bring the tables to where these writes, one after the other, would bring them.
pub fn statements(writes: &[Write]) -> Vec<Statement> {
    let mut rows: BTreeMap<(&'static str, Vec<&'static str>, Vec<Cell>), Row> = BTreeMap::new();
    for write in writes {
        match write {
            Write::Put { table, key, set } => {
                let row = entry(&mut rows, table, key);
                for (column, cell) in set {
                    row.add.remove(column);
                    row.set.insert(column, cell.clone());
                }
            }
            Write::Add {
                table,
                key,
                column,
                by,
            } => {
                let row = entry(&mut rows, table, key);
                match row.set.get_mut(column) {
                    Some(Cell::Integer(value)) => *value = value.saturating_add(*by),
                    Some(Cell::Null | Cell::Text(_)) | None => {
                        *row.add.entry(column).or_default() += by;
                    }
                }
            }
            Write::Delete { table, key } => {
                *entry(&mut rows, table, key) = Row {
                    deleted: true,
                    ..Row::default()
                };
            }
        }
    }
    let (mut upserts, mut out) = (BTreeMap::<Shape, Vec<Vec<Cell>>>::new(), Vec::new());
    for ((table, key, cells), row) in rows {
        if row.deleted {
            out.push(delete(table, &key, cells.clone()));
        }
        if row.deleted && row.set.is_empty() && row.add.is_empty() {
            continue;
        }
        let shape = Shape {
            table,
            key,
            set: row.set.keys().copied().collect(),
            add: row.add.keys().copied().collect(),
        };
        let arguments = cells
            .into_iter()
            .chain(row.set.into_values())
            .chain(row.add.into_values().map(Cell::Integer));
        upserts.entry(shape).or_default().push(arguments.collect());
    }
    for (shape, rows) in upserts {
        out.extend(chunked(&rows).map(|chunk| Statement {
            sql: shape.upsert(chunk.len()),
            arguments: chunk.concat(),
        }));
    }
    out
}

fn entry<'a>(
    rows: &'a mut BTreeMap<(&'static str, Vec<&'static str>, Vec<Cell>), Row>,
    table: &'static str,
    key: &Cells,
) -> &'a mut Row {
    let (columns, cells) = key.iter().cloned().unzip();
    rows.entry((table, columns, cells)).or_default()
}

fn delete(table: &str, key: &[&str], arguments: Vec<Cell>) -> Statement {
    let conditions: Vec<String> = key
        .iter()
        .zip(1..)
        .map(|(column, n)| format!("{column} = ${n}"))
        .collect();
    Statement {
        sql: format!("DELETE FROM {table} WHERE {}", conditions.join(" AND ")),
        arguments,
    }
}

/// Splits a number of rows into runs of at most 64. A run of more than 16 is a multiple of 8 long: each statement is a
/// way to another thread and back, so there are few of them, and few texts, which the database prepares once and keeps.
pub(super) fn sizes(mut rows: usize) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let size = match rows.min(MOST) {
            few @ ..=EXACT => few,
            many => many / 8 * 8,
        };
        rows -= size;
        (size > 0).then_some(size)
    })
}

/// Splits rows into runs, see [`sizes`].
pub(super) fn chunked<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    sizes(rows.len()).filter_map(move |size| {
        let (chunk, after) = rest.split_at_checked(size)?;
        rest = after;
        Some(chunk)
    })
}

/// `($1, $2), ($3, $4)` for so many rows of so many columns.
pub(super) fn placeholders(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let values: Vec<String> = (1..=columns)
            .map(|column| format!("${}", row * columns + column))
            .collect();
        format!("({})", values.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// Upserts of one table that set the same columns share a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    table: &'static str,
    key: Vec<&'static str>,
    set: Vec<&'static str>,
    add: Vec<&'static str>,
}

impl Shape {
    fn upsert(&self, rows: usize) -> String {
        let columns: Vec<&str> = [&self.key[..], &self.set[..], &self.add[..]].concat();
        let values = placeholders(rows, columns.len());
        let set = self
            .set
            .iter()
            .map(|column| format!("{column} = excluded.{column}"));
        let table = self.table;
        let add = self
            .add
            .iter()
            .map(|column| format!("{column} = coalesce({table}.{column}, 0) + excluded.{column}"));
        let updates: Vec<String> = set.chain(add).collect();
        let action = if updates.is_empty() {
            "NOTHING".to_owned()
        } else {
            format!("UPDATE SET {}", updates.join(", "))
        };
        format!(
            "INSERT INTO {table} ({}) VALUES {values} ON CONFLICT ({}) DO {action}",
            columns.join(", "),
            self.key.join(", "),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &str, column: &'static str, value: u64) -> Write {
        Write::Put {
            table: "t",
            key: vec![("k", key.into())],
            set: vec![(column, value.into())],
        }
    }

    #[test]
    fn writes_of_one_key_become_one_row_and_rows_of_one_shape_one_statement() {
        let writes = [
            put("a", "x", 1),
            put("a", "y", 2),
            put("b", "x", 3),
            put("b", "y", 4),
        ];
        let statements = statements(&writes);
        assert_eq!(statements.len(), 1);
        assert_eq!(
            statements[0].sql,
            "INSERT INTO t (k, x, y) VALUES ($1, $2, $3), ($4, $5, $6) \
             ON CONFLICT (k) DO UPDATE SET x = excluded.x, y = excluded.y"
        );
    }

    #[test]
    fn a_row_that_is_deleted_and_put_again_keeps_nothing_of_its_past() {
        let gone = Write::Delete {
            table: "t",
            key: vec![("k", "a".into())],
        };
        let statements = statements(&[put("a", "x", 1), gone, put("a", "y", 2)]);
        assert_eq!(statements[0].sql, "DELETE FROM t WHERE k = $1");
        assert_eq!(
            statements[1].arguments,
            vec![Cell::from("a"), Cell::Integer(2)]
        );
    }

    #[test]
    fn any_number_of_rows_is_split_into_few_sizes() {
        let rows: Vec<u8> = vec![0; 107];
        let sizes: Vec<usize> = chunked(&rows).map(<[u8]>::len).collect();
        assert_eq!(sizes, [64, 40, 3]);
    }
}
