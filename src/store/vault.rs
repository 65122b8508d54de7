//! The vault: values that the log commits to and does not hold, each readable only with its subject's key.
//!
//! A sealed value is `SHA-256(nonce ‖ value)` in the event, and `XChaCha20-Poly1305(subject key, nonce ‖ value)` in the
//! database. The subject's key is in a file of its own, beside the signing key and outside the database and its backups.
//! Deleting the key erases the value from every copy of the database at once, and changes no leaf and no proof.
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use events::{canonical, digest::Digest, stream::StreamName};
use sqlx::{
    ConnectOptions as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use zeroize::Zeroizing;

use super::{StoreError, VaultRow};
use crate::world;

/// Random bytes before each value, so that nobody can guess a value and compare.
const NONCE: usize = 32;
/// The nonce of the cipher.
const CIPHER_NONCE: usize = 24;
/// The name under which the key of keyed hashes is kept.
const HASH_KEY: &str = "unique values";

/// The key of one subject.
pub type SubjectKey = Zeroizing<[u8; 32]>;

/// Where the keys of subjects are kept.
#[derive(Clone)]
pub struct SubjectKeys {
    connection: Arc<tokio::sync::Mutex<SqliteConnection>>,
    /// Keys of subjects that are about to be recorded; they are on disk before their event is.
    pending: Arc<Mutex<Vec<(StreamName, SubjectKey)>>>,
    hash_key: Arc<SubjectKey>,
}

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
            pending: Arc::default(),
            hash_key: Arc::new(hash_key),
        })
    }

    /// A fresh key for a subject that has none yet. It is written by the writer, before the event that uses it.
    pub fn fresh(&self, subject: &StreamName) -> SubjectKey {
        let key = Zeroizing::new(world::random::<32>());
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.push((subject.clone(), key.clone()));
        key
    }

    /// Writes the fresh keys to disk.
    pub(super) async fn persist(&self) -> Result<(), StoreError> {
        let pending =
            std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        if pending.is_empty() {
            return Ok(());
        }
        let mut connection = self.connection.lock().await;
        sqlx::query("BEGIN")
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
        for (subject, key) in &pending {
            let sql = "INSERT INTO subject (name, key) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            let query = sqlx::query(sql)
                .bind(subject.as_str().to_owned())
                .bind(key.to_vec());
            query.execute(&mut *connection).await.map_err(failed)?;
        }
        sqlx::query("COMMIT")
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
        Ok(())
    }

    /// The key of a subject; `None` once it is erased.
    pub async fn key(&self, subject: &StreamName) -> Result<Option<SubjectKey>, StoreError> {
        select(&mut *self.connection.lock().await, subject.as_str()).await
    }

    /// Destroys the key of a subject, in the file and in its write-ahead log.
    pub async fn erase(&self, subject: &StreamName) -> Result<(), StoreError> {
        let mut connection = self.connection.lock().await;
        let query =
            sqlx::query("DELETE FROM subject WHERE name = $1").bind(subject.as_str().to_owned());
        query.execute(&mut *connection).await.map_err(failed)?;
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
        Ok(())
    }

    /// A keyed hash of a value that may exist once only: equal values give equal hashes, and only here.
    pub fn unique_hash(&self, kind: &str, value: &str) -> String {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &self.hash_key[..]);
        let tag = aws_lc_rs::hmac::sign(&key, format!("{kind}\0{value}").as_bytes());
        events::digest::hex(tag.as_ref())
    }
}

async fn select(
    connection: &mut SqliteConnection,
    name: &str,
) -> Result<Option<SubjectKey>, StoreError> {
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
        commitment: commitment.hex(),
        subject: subject.clone(),
        sealed: [&cipher_nonce[..], &encrypted].concat(),
        unique,
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
    XChaCha20Poly1305::new(&(**key).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_with_its_key_and_commitment_and_with_nothing_else() {
        let subject = StreamName::log();
        let (key, other) = (Zeroizing::new([1; 32]), Zeroizing::new([2; 32]));
        let sealed = seal(&key, &subject, "alice", None).unwrap();
        assert_eq!(
            open(&key, &sealed.commitment, &sealed.row.sealed)
                .unwrap()
                .as_str(),
            "alice"
        );
        assert!(open(&other, &sealed.commitment, &sealed.row.sealed).is_none());
        assert!(open(&key, &Digest::of(b"alice"), &sealed.row.sealed).is_none());
        let again = seal(&key, &subject, "alice", None).unwrap();
        assert_ne!(
            sealed.commitment, again.commitment,
            "equal values cannot be linked"
        );
    }
}
