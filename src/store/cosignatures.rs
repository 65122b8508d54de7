//! What witnesses answered: the last cosignature of each, and the newest checkpoint that enough of them cosigned.
//!
//! Disposable: if a crash loses some of it, the witnesses are asked again. So nobody waits for its disk.
use std::path::Path;

use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};
use tlog::Hash;
use tokio::sync::Mutex;

use super::{
    StoreError,
    sqlite::{self, execute, integer, natural},
};

/// A witness's last cosignature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// Its verification key.
    pub witness: String,
    /// Events in the tree that it cosigned.
    pub size: u64,
    /// The root of that tree.
    pub root: Hash,
    /// The signature line, without its newline.
    pub line: String,
}

/// Where cosignatures are kept.
pub struct Cosignatures(Mutex<SqliteConnection>);

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn failed(error: sqlx::Error) -> StoreError {
    StoreError::Database(error.to_string())
}

impl Cosignatures {
    /// Opens them in the database of the log, which must exist.
    pub async fn open(database: &Path) -> Result<Self, StoreError> {
        Ok(Self(Mutex::new(sqlite::scribe(database).await?)))
    }

    /// The last cosignature of each witness that ever answered, and the note that was published last.
    pub async fn load(&self) -> Result<(Vec<Cosigned>, Option<String>), StoreError> {
        let mut connection = self.0.lock().await;
        let rows = sqlx::query("SELECT witness, size, root, line FROM cosignature")
            .fetch_all(&mut *connection)
            .await
            .map_err(failed)?;
        let cosigned: Result<_, _> = rows.iter().map(cosigned).collect();
        let note = sqlx::query_scalar("SELECT note FROM cosigned_checkpoint")
            .fetch_optional(&mut *connection)
            .await
            .map_err(failed)?;
        Ok((cosigned?, note))
    }

    /// Keeps a witness's cosignature.
    pub async fn keep(&self, cosigned: &Cosigned) -> Result<(), StoreError> {
        let sql = "INSERT INTO cosignature (witness, size, root, line) VALUES (?, ?, ?, ?)
                   ON CONFLICT (witness) DO UPDATE SET size = excluded.size, root = excluded.root, line = excluded.line";
        let query = sqlx::query(sql)
            .bind(cosigned.witness.clone())
            .bind(integer(cosigned.size))
            .bind(cosigned.root.as_bytes().to_vec())
            .bind(cosigned.line.clone());
        execute(&mut *self.0.lock().await, query).await.map(|_| ())
    }

    /// Keeps the note that is published from now on.
    pub async fn publish(&self, note: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO cosigned_checkpoint (id, note) VALUES (1, ?)
                   ON CONFLICT (id) DO UPDATE SET note = excluded.note";
        let query = sqlx::query(sql).bind(note.to_owned());
        execute(&mut *self.0.lock().await, query).await.map(|_| ())
    }
}

fn cosigned(row: &SqliteRow) -> Result<Cosigned, StoreError> {
    let root: &[u8] = row.try_get(2).map_err(failed)?;
    let root = Hash::from_slice(root);
    Ok(Cosigned {
        witness: row.try_get(0).map_err(failed)?,
        size: natural(row.try_get(1).map_err(failed)?),
        root: root.ok_or_else(|| StoreError::Corrupt("the root of a cosignature".into()))?,
        line: row.try_get(3).map_err(failed)?,
    })
}
