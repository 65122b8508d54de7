//! A backup: the database at one moment and every file that it names, with the signed checkpoint that vouches for them.
//!
//! ```text
//! DIR/backup.json   what it is, and the checkpoint; written last
//! DIR/ledger.db     log, vault and rows
//! DIR/blobs/        gems, metadata documents, trust roots, bundles and statements by digest; kept from one backup to the next
//! DIR/tuf/          what was verified last of TUF repositories
//! DIR/keys/         signing keys and subject keys, only where they were asked for
//! ```
//! Files are on disk before the event that names them, so whatever the copy of the database names can be copied after it. If we
//! crash here, the folder holds the backup before, or one that `restore` refuses because manifest and database differ.
use std::{fs, os::unix::fs::DirBuilderExt as _, path::Path};

use events::{digest::Digest, time::Timestamp};
use serde::{Deserialize, Serialize};
use tlog::{Checkpoint, VerifierKey};

use super::{RecoveryError, at, log_key, rename, tuf, write_whole};
use crate::{
    app::replay::replay,
    blobs::Blobs,
    config::Folder,
    store::{
        anchor::{Anchor, Anchored},
        reader::Reader,
        sqlite,
        statement_keys::{self, StatementKey},
    },
    views::{attestations, comparisons, files, trust_roots},
};

/// The manifest's format.
pub const FORMAT: u32 = 1;
/// Releases whose files are looked up at once.
pub(super) const SLICE: u32 = 512;
/// The longest manifest that is read, in bytes.
const MAX_MANIFEST: u64 = 1 << 20;

/// What a backup is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The format of the folder.
    pub format: u32,
    /// When it was taken.
    pub taken: Timestamp,
    /// The key that verifies the log's checkpoints.
    pub vkey: String,
    /// How the registry was reached.
    pub url: String,
    /// Events in the database.
    pub size: u64,
    /// The root of their tree, in base64.
    pub root: String,
    /// The newest signed checkpoint that they cover.
    pub checkpoint: String,
    /// Files that the log names.
    pub files: u64,
    /// Whether the keys are in it.
    pub keys: bool,
}

impl Manifest {
    /// Reads the manifest of a backup; `None` if there is none.
    pub fn read(folder: &Path) -> Result<Option<Self>, RecoveryError> {
        let path = folder.join("backup.json");
        let length = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at(&path)(error)),
        };
        let refused = |reason: &str| RecoveryError::Refused(format!("{} {reason}", path.display()));
        if length > MAX_MANIFEST {
            return Err(refused("is too long for a manifest"));
        }
        let text = fs::read(&path).map_err(at(&path))?;
        let manifest: Self = serde_json::from_slice(&text)
            .map_err(|error| refused(&format!("is no manifest of a backup: {error}")))?;
        if manifest.format != FORMAT {
            return Err(refused("is of another version of gemledger: use that one"));
        }
        Ok(Some(manifest))
    }

    /// The key, and the checkpoint if that key signed it.
    pub fn signed(&self) -> Result<(VerifierKey, Anchored), RecoveryError> {
        let refused = |reason: String| {
            RecoveryError::Mismatch(format!("the manifest's checkpoint: {reason}"))
        };
        let key = VerifierKey::parse(&self.vkey).map_err(|error| refused(error.to_string()))?;
        let checkpoint = Checkpoint::open(self.checkpoint.as_bytes(), &key)
            .map_err(|error| refused(error.to_string()))?;
        let note = self.checkpoint.clone();
        Ok((key, Anchored { checkpoint, note }))
    }
}

/// What was done.
#[derive(Clone, Debug)]
pub struct Taken {
    /// What it is.
    pub manifest: Manifest,
    /// Files that were copied now; the others were there.
    pub copied: u64,
    /// Files that the log names and the ledger does not have.
    pub missing: Vec<String>,
}

/// Takes a backup of a ledger, which may be served meanwhile.
pub async fn backup(
    folder: &Folder,
    to: &Path,
    with_keys: bool,
    now: Timestamp,
    mut progress: impl FnMut(u64, u64),
) -> Result<Taken, RecoveryError> {
    let live = Reader::open(&folder.database(), 1).await?;
    let key = log_key(&live).await?;
    live.pool().close().await;
    prepare(to, &key)?;
    let anchor = Anchor::new(&folder.anchor, key.clone());
    let before = anchor.read()?;
    let fresh = to.join("ledger.db.new");
    if fresh.exists() {
        fs::remove_file(&fresh).map_err(at(&fresh))?;
    }
    sqlite::copy_into(&folder.database(), &fresh).await?;
    let after = anchor.read()?;
    let copy = Reader::open(&fresh, 4).await?;
    let size = copy.head().await?.size;
    let covered = |anchored: &Anchored| anchored.checkpoint.size() <= size;
    let signed = after.filter(covered).or_else(|| before.filter(covered));
    let signed = signed.ok_or_else(|| {
        RecoveryError::Refused(
            "the database is older than its anchor: restore a newer one first".into(),
        )
    })?;
    let root = verify(&copy, &signed, false, &mut progress).await?;
    let target = Blobs::local(&to.join("blobs"))?;
    let copied = copy_files(
        &copy,
        &Blobs::local(&folder.blobs())?,
        &target,
        &mut progress,
    )
    .await?;
    copy.pool().close().await;
    sqlite::settle(&fresh)?;
    tuf::copy(&folder.tuf(), &to.join("tuf"))?;
    if with_keys {
        copy_keys(folder, &to.join("keys")).await?;
    }
    put_in_place(&fresh, &to.join("ledger.db"))?;
    let manifest = Manifest {
        format: FORMAT,
        taken: now,
        vkey: key.to_string(),
        url: fs::read_to_string(folder.url_file())
            .unwrap_or_default()
            .trim()
            .to_owned(),
        size,
        root: root.to_base64(),
        checkpoint: signed.note,
        files: copied.files,
        keys: with_keys,
    };
    let mut text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| RecoveryError::Refused(error.to_string()))?;
    text.push(b'\n');
    write_whole(&to.join("backup.json"), &text)?;
    Ok(Taken {
        manifest,
        copied: copied.fresh,
        missing: copied.missing,
    })
}

/// The new copy in place of the earlier one, which must be at rest: a write-ahead log that somebody left beside it would be read
/// into this one.
fn put_in_place(fresh: &Path, place: &Path) -> Result<(), RecoveryError> {
    if place.exists() {
        sqlite::settle(place)?;
    }
    rename(fresh, place)
}

/// The folder is new, or holds an earlier backup of the same log, perhaps one that was interrupted.
fn prepare(to: &Path, key: &VerifierKey) -> Result<(), RecoveryError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(to);
    made.map_err(at(to))?;
    let ours = ["backup.json", "ledger.db", "blobs", "tuf", "keys"];
    for entry in fs::read_dir(to).map_err(at(to))? {
        let name = entry.map_err(at(to))?.file_name();
        let name = name.to_string_lossy();
        if !ours.iter().any(|known| name.starts_with(known)) {
            let text = format!(
                "{} holds {name}, which is no part of a backup: name a folder of its own",
                to.display()
            );
            return Err(RecoveryError::Refused(text));
        }
    }
    match Manifest::read(to)? {
        Some(earlier) if earlier.vkey != key.to_string() && !same_log(&earlier.vkey, key) => {
            let text = format!(
                "{} is a backup of another log: {}",
                to.display(),
                earlier.vkey
            );
            Err(RecoveryError::Refused(text))
        }
        _ => Ok(()),
    }
}

/// Whether two keys are of origins that differ in their number alone: a log and its successor.
fn same_log(earlier: &str, key: &VerifierKey) -> bool {
    let stem = |name: &str| {
        name.trim_end_matches(|c: char| c.is_ascii_digit())
            .to_owned()
    };
    VerifierKey::parse(earlier).is_ok_and(|earlier| stem(earlier.name()) == stem(key.name()))
}

/// Reads a whole copy again: its leaves must give its root, its tiles the signed one, and the rows the log where that is asked.
pub(super) async fn verify(
    copy: &Reader,
    signed: &Anchored,
    rows: bool,
    progress: impl FnMut(u64, u64),
) -> Result<tlog::Hash, RecoveryError> {
    let replayed = replay(copy, None, None, rows, progress).await?;
    if replayed.root_matches != Some(true) {
        let text = "the events do not give the root of the database".into();
        return Err(RecoveryError::Mismatch(text));
    }
    if !replayed.different.is_empty() {
        let text = format!(
            "the rows of {} are not those of the log",
            replayed.different.join(", ")
        );
        return Err(RecoveryError::Mismatch(text));
    }
    let size = signed.checkpoint.size();
    if size > replayed.events || copy.root_at(size).await? != *signed.checkpoint.root() {
        let text = format!("the signed checkpoint of {size} events is not one of this database");
        return Err(RecoveryError::Mismatch(text));
    }
    Ok(replayed.root)
}

/// What copying files led to.
#[derive(Debug, Default)]
pub(super) struct Copied {
    pub(super) files: u64,
    pub(super) fresh: u64,
    pub(super) missing: Vec<String>,
}

/// Copies every file that the log names and the target lacks. Each is hashed when it is read, and again as it was written.
pub(super) async fn copy_files(
    log: &Reader,
    source: &Blobs,
    target: &Blobs,
    progress: &mut impl FnMut(u64, u64),
) -> Result<Copied, RecoveryError> {
    let size = log.head().await?.size;
    let (mut done, mut last) = (Copied::default(), None);
    let roots = trust_roots::files(log).await?.into_iter();
    let mut others: Vec<_> = roots.map(|file| (file.digest, file.name)).collect();
    others.extend(comparisons::files(log).await?);
    for (digest, name) in others {
        copy_file(&digest, &name, (source, target), &mut done).await?;
    }
    copy_bundles(log, (source, target), &mut done).await?;
    loop {
        let slice = files::named(log, last, SLICE).await?;
        let Some(end) = slice.last() else {
            return Ok(done);
        };
        last = Some(end.log_index);
        for named in &slice {
            for (digest, kind) in [(&named.digest, ".gem"), (&named.document, ", its metadata")] {
                let name = format!("{}{kind}", named.file);
                copy_file(digest, &name, (source, target), &mut done).await?;
            }
        }
        progress(last.unwrap_or(0), size);
    }
}

/// Copies the attestations.
async fn copy_bundles(
    log: &Reader,
    blobs: (&Blobs, &Blobs),
    done: &mut Copied,
) -> Result<(), RecoveryError> {
    let mut last = None;
    loop {
        let slice = attestations::named(log, last, SLICE).await?;
        let Some(end) = slice.last() else {
            return Ok(());
        };
        last = Some(end.log_index);
        for named in &slice {
            let name = format!("{}.gem, an attestation", named.file);
            copy_file(&named.bundle, &name, blobs, done).await?;
        }
    }
}

/// Copies one file, unless the target has it. One that is nowhere is taken note of by its name.
async fn copy_file(
    digest: &Digest,
    name: &str,
    (source, target): (&Blobs, &Blobs),
    done: &mut Copied,
) -> Result<(), RecoveryError> {
    done.files += 1;
    if target.has(digest).await? {
        return Ok(());
    }
    let Some(bytes) = source.get(digest).await? else {
        done.missing.push(name.to_owned());
        return Ok(());
    };
    target.put(digest, bytes).await?;
    if target.get(digest).await?.is_none() {
        return Err(RecoveryError::Mismatch(format!(
            "{digest} was written and is not there"
        )));
    }
    done.fresh += 1;
    Ok(())
}

async fn copy_keys(folder: &Folder, to: &Path) -> Result<(), RecoveryError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(to);
    made.map_err(at(to))?;
    let key = to.join("log.key");
    // With its mode: only its owner may read it.
    fs::copy(folder.signing_key(), &key).map_err(at(&key))?;
    for thumbprint in StatementKey::all(&folder.keys)? {
        let key = statement_keys::path(to, &thumbprint);
        fs::copy(statement_keys::path(&folder.keys, &thumbprint), &key).map_err(at(&key))?;
    }
    let subjects = to.join("subjects.db.new");
    if subjects.exists() {
        fs::remove_file(&subjects).map_err(at(&subjects))?;
    }
    sqlite::copy_into(&folder.subject_keys(), &subjects).await?;
    rename(&subjects, &to.join("subjects.db"))
}
