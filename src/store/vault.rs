//! The vault: values that the log commits to and does not hold, each readable only with its subject's key.
//!
//! A sealed value is `SHA-256(nonce ‖ value)` in the event, and `XChaCha20-Poly1305(subject key, nonce ‖ value)` in the
//! database. The subject's key is in a file of its own, beside the signing key and outside the database and its backups.
//! Deleting the key erases the value from every copy of the database at once, and changes no leaf and no proof.
use std::{fmt, path::Path, sync::Arc};

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use events::{canonical, digest::Digest, stream::StreamName};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Row as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use zeroize::Zeroizing;

use super::{StoreError, VaultRow, sink::chunked, sqlite::anonymous};
use crate::world;

/// Random bytes before each value, so that nobody can guess a value and compare.
const NONCE: usize = 32;
/// The nonce of the cipher.
const CIPHER_NONCE: usize = 24;
/// The name under which the key of keyed hashes is kept.
const HASH_KEY: &str = "unique values";

/// The key of one subject.
#[derive(Clone)]
pub struct SubjectKey {
    subject: StreamName,
    bytes: Zeroizing<[u8; 32]>,
    fresh: bool,
}

impl SubjectKey {
    /// Whose key it is.
    pub(super) fn subject(&self) -> &StreamName {
        &self.subject
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SubjectKey").field(&self.subject).finish()
    }
}

/// Where the keys of subjects are kept.
#[derive(Clone)]
pub struct SubjectKeys {
    connection: Arc<tokio::sync::Mutex<SqliteConnection>>,
    hash_key: Arc<Zeroizing<[u8; 32]>>,
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn failed(error: sqlx::Error) -> StoreError {
    StoreError::Database(format!("the subject keys: {error}"))
}

impl SubjectKeys {
    /// Opens the file, or makes it.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            // A deleted key is overwritten with zeros in the file, not merely unlinked.
            .pragma("secure_delete", "ON")
            .pragma("temp_store", "MEMORY")
            .disable_statement_logging();
        let mut connection = options.connect().await.map_err(failed)?;
        let sql = "CREATE TABLE IF NOT EXISTS subject (name TEXT NOT NULL PRIMARY KEY, key BLOB NOT NULL) WITHOUT ROWID";
        sqlx::query(sql)
            .execute(&mut connection)
            .await
            .map_err(failed)?;
        let fresh = Zeroizing::new(world::random::<32>());
        let sql = "INSERT INTO subject (name, key) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        sqlx::query(sql)
            .bind(HASH_KEY)
            .bind(fresh.to_vec())
            .execute(&mut connection)
            .await
            .map_err(failed)?;
        let hash_key = select(&mut connection, HASH_KEY).await?.unwrap_or(fresh);
        Ok(Self {
            connection: Arc::new(connection.into()),
            hash_key: Arc::new(hash_key),
        })
    }

    /// A fresh key for a subject that nothing is recorded of yet. It travels with the value that it seals, and is kept
    /// if and only if that value's event is: a request that is denied leaves no key behind.
    pub fn fresh(&self, subject: &StreamName) -> SubjectKey {
        SubjectKey {
            subject: subject.clone(),
            bytes: Zeroizing::new(world::random::<32>()),
            fresh: true,
        }
    }

    /// Writes fresh keys to disk.
    ///
    /// A key that is there already belongs to a batch that was lost after this step: nothing is sealed with it.
    pub(super) async fn persist(&self, keys: &[SubjectKey]) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        let mut connection = self.connection.lock().await;
        execute(&mut connection, "BEGIN IMMEDIATE").await?;
        let written = upsert(&mut connection, keys).await;
        let ended = if written.is_ok() {
            "COMMIT"
        } else {
            "ROLLBACK"
        };
        written.and(execute(&mut connection, ended).await)
    }

    /// The key of a subject; `None` once it is erased.
    pub async fn key(&self, subject: &StreamName) -> Result<Option<SubjectKey>, StoreError> {
        let bytes = select(&mut *self.connection.lock().await, subject.as_str()).await?;
        Ok(bytes.map(|bytes| SubjectKey {
            subject: subject.clone(),
            bytes,
            fresh: false,
        }))
    }

    /// Destroys the key of a subject, in the file and in its write-ahead log.
    pub async fn erase(&self, subject: &StreamName) -> Result<(), StoreError> {
        let mut connection = self.connection.lock().await;
        let query =
            sqlx::query("DELETE FROM subject WHERE name = $1").bind(subject.as_str().to_owned());
        query.execute(&mut *connection).await.map_err(failed)?;
        // Pages that were split or merged may still hold old copies of the key in their unused space: write them anew.
        execute(&mut connection, "VACUUM").await?;
        let emptied = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&mut *connection)
            .await
            .and_then(|row| row.try_get::<i64, _>(0))
            .map_err(failed)?;
        if emptied == 0 {
            return Ok(());
        }
        let text = "the subject keys: the key is deleted, but another process is reading the file, and so its write-ahead \
                    log still holds it: erase again";
        Err(StoreError::Database(text.into()))
    }

    /// A keyed hash of a value that may exist once only: equal values give equal hashes, and only here.
    pub fn unique_hash(&self, kind: &str, value: &str) -> String {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &self.hash_key[..]);
        let tag = aws_lc_rs::hmac::sign(&key, format!("{kind}\0{value}").as_bytes());
        events::digest::hex(tag.as_ref())
    }
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), StoreError> {
    let done = sqlx::query(sql).execute(connection).await;
    done.map(|_| ()).map_err(failed)
}

async fn upsert(connection: &mut SqliteConnection, keys: &[SubjectKey]) -> Result<(), StoreError> {
    for keys in chunked(keys) {
        let sql = format!(
            "INSERT INTO subject (name, key) VALUES {} ON CONFLICT (name) DO UPDATE SET key = excluded.key",
            anonymous(keys.len(), 2)
        );
        let query = keys
            .iter()
            .fold(sqlx::query(AssertSqlSafe(sql)), |query, key| {
                let name = key.subject.as_str().to_owned();
                query.bind(name).bind(key.bytes.to_vec())
            });
        query.execute(&mut *connection).await.map_err(failed)?;
    }
    Ok(())
}

async fn select(
    connection: &mut SqliteConnection,
    name: &str,
) -> Result<Option<Zeroizing<[u8; 32]>>, StoreError> {
    let query = sqlx::query_scalar::<_, Vec<u8>>("SELECT key FROM subject WHERE name = $1")
        .bind(name.to_owned());
    let key = query
        .fetch_optional(connection)
        .await
        .map_err(failed)?
        .map(Zeroizing::new);
    let sized = |key: Zeroizing<Vec<u8>>| {
        <[u8; 32]>::try_from(key.as_slice())
            .map(Zeroizing::new)
            .ok()
    };
    Ok(key.and_then(sized))
}

/// A sealed value: what the event says of it, and what the vault keeps.
#[derive(Clone, Debug)]
pub struct Seal {
    /// The commitment for the event.
    pub commitment: Digest,
    /// The row for the vault.
    pub row: VaultRow,
}

/// Seals a value under its subject's key.
pub fn seal(
    key: &SubjectKey,
    subject: &StreamName,
    value: &str,
    unique: Option<String>,
) -> Result<Seal, StoreError> {
    let unwritable = |_| StoreError::Database("a value cannot be sealed".into());
    let value = canonical::to_bytes(value).map_err(unwritable)?;
    let nonce = world::random::<NONCE>();
    let commitment = Digest::of_parts(&nonce, &value);
    let mut plain = Zeroizing::new(nonce.to_vec());
    plain.extend_from_slice(&value);
    let cipher_nonce = world::random::<CIPHER_NONCE>();
    let payload = Payload {
        msg: &plain,
        aad: commitment.as_bytes(),
    };
    let encrypted = cipher(key).encrypt(&XNonce::from(cipher_nonce), payload);
    let encrypted =
        encrypted.map_err(|_| StoreError::Database("a value cannot be encrypted".into()))?;
    let row = VaultRow {
        log_index: 0,
        commitment: commitment.hex(),
        subject: subject.clone(),
        sealed: [&cipher_nonce[..], &encrypted].concat(),
        unique,
        fresh_key: key.fresh.then(|| key.clone()),
    };
    Ok(Seal { commitment, row })
}

/// Opens a sealed value, and checks that it is the one that the event commits to.
pub fn open(key: &SubjectKey, commitment: &Digest, sealed: &[u8]) -> Option<Zeroizing<String>> {
    let (nonce, encrypted) = sealed.split_first_chunk::<CIPHER_NONCE>()?;
    let payload = Payload {
        msg: encrypted,
        aad: commitment.as_bytes(),
    };
    let plain = Zeroizing::new(cipher(key).decrypt(&XNonce::from(*nonce), payload).ok()?);
    if Digest::of(&plain) != *commitment {
        return None;
    }
    serde_json::from_slice::<String>(plain.get(NONCE..)?)
        .ok()
        .map(Zeroizing::new)
}

fn cipher(key: &SubjectKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&(*key.bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SubjectKey {
        SubjectKey {
            subject: StreamName::log(),
            bytes: Zeroizing::new([byte; 32]),
            fresh: byte == 1,
        }
    }

    #[test]
    fn a_sealed_value_opens_with_its_key_and_commitment_and_with_nothing_else() {
        let subject = StreamName::log();
        let sealed = seal(&key(1), &subject, "alice", None).unwrap();
        let opened = open(&key(1), &sealed.commitment, &sealed.row.sealed);
        assert_eq!(opened.unwrap().as_str(), "alice");
        assert!(open(&key(2), &sealed.commitment, &sealed.row.sealed).is_none());
        assert!(open(&key(1), &Digest::of(b"alice"), &sealed.row.sealed).is_none());
        let again = seal(&key(1), &subject, "alice", None).unwrap();
        assert_ne!(
            sealed.commitment, again.commitment,
            "equal values cannot be linked"
        );
    }

    #[test]
    fn only_a_fresh_key_travels_with_its_value_and_nobody_prints_it() {
        let fresh = seal(&key(1), &StreamName::log(), "alice", None).unwrap();
        let known = seal(&key(2), &StreamName::log(), "alice", None).unwrap();
        assert!(fresh.row.fresh_key.is_some() && known.row.fresh_key.is_none());
        assert!(!format!("{:?}", fresh.row.fresh_key).contains('1'));
    }
}
