//! A copy of a database as it is at one moment, made while others write to it.
use std::{fs, path::Path, time::Duration};

use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

use super::{StoreError, database};

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn io(error: std::io::Error) -> StoreError {
    StoreError::Database(error.to_string())
}

/// Copies a database of this program into a file that must not exist. When this returns, the copy is on disk and stands alone.
///
/// It reads under one snapshot: writers go on, only the write-ahead log grows until it is done.
pub async fn copy_into(source: &Path, target: &Path) -> Result<(), StoreError> {
    let patience = Duration::from_secs(10);
    let options = SqliteConnectOptions::new().filename(source).read_only(true);
    let mut connection = options
        .busy_timeout(patience)
        .connect()
        .await
        .map_err(database)?;
    let text = target.to_str().ok_or_else(|| {
        StoreError::Database(format!("the path {} is not UTF-8", target.display()))
    })?;
    let copied = sqlx::query("VACUUM INTO ?")
        .bind(text.to_owned())
        .execute(&mut connection);
    copied.await.map_err(database)?;
    connection.close().await.map_err(database)?;
    // A copy has no write-ahead log, and connections that only read could not give it one.
    let options = SqliteConnectOptions::new().filename(target);
    let mut connection = options.connect().await.map_err(database)?;
    let walled = sqlx::query("PRAGMA journal_mode = WAL").execute(&mut connection);
    walled.await.map_err(database)?;
    connection.close().await.map_err(database)?;
    settle(target)
}

/// Syncs a database that nobody has open, and takes away what readers leave beside it.
pub fn settle(path: &Path) -> Result<(), StoreError> {
    for suffix in ["-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        match fs::metadata(&beside) {
            // Commits may be in it: it is not ours to remove.
            Ok(wal) if suffix == "-wal" && wal.len() > 0 => {
                return Err(StoreError::Database(format!(
                    "{} is still written to",
                    path.display()
                )));
            }
            Ok(_) => fs::remove_file(&beside).map_err(io)?,
            Err(_) => {}
        }
    }
    fs::File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(io)
}
