//! A backup put back into an empty folder, held against its signed checkpoint before it is called a ledger.
//!
//! What was signed after the backup was taken is missing from it. If the anchor survived, it says so; if not, nothing here
//! knows, and appends stay stopped until the missing events are back or a person has said that there are none.
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use deciders::Ledger;
use events::{provider::PublicJwk, stream::StreamName};

use super::{
    RecoveryError, at,
    backup::{Manifest, copy_files, verify},
    rename, tuf,
};
use crate::{
    blobs::Blobs,
    config::Folder,
    store::{
        anchor::Anchor,
        halt,
        reader::Reader,
        sqlite,
        statement_keys::{self, StatementKey},
    },
    views,
};

/// What is in the folder now.
#[derive(Clone, Debug)]
pub struct Restored {
    /// What it was made from.
    pub manifest: Manifest,
    /// Files that the log names and the backup does not have.
    pub missing: Vec<String>,
    /// Key files that must be put in place before it can be served.
    pub keys: Vec<PathBuf>,
    /// What the anchor that survived has signed; `None` if none did.
    pub anchored: Option<u64>,
}

/// Restores a backup. If we crash here, the folder has no `ledger.db`: remove it, and begin again.
pub async fn restore(
    from: &Path,
    folder: &Folder,
    mut progress: impl FnMut(u64, u64),
) -> Result<Restored, RecoveryError> {
    let manifest = Manifest::read(from)?.ok_or_else(|| {
        RecoveryError::Refused(format!(
            "{} holds no backup.json: it is no backup, or one that was interrupted",
            from.display()
        ))
    })?;
    let (key, signed) = manifest.signed()?;
    refuse_full(&folder.data)?;
    let anchor = Anchor::new(&folder.anchor, key);
    let survived = if folder.anchor.exists() {
        anchor.read()?
    } else {
        None
    };
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder.data);
    made.map_err(at(&folder.data))?;
    let fresh = folder.data.join("ledger.db.new");
    sqlite::copy_into(&from.join("ledger.db"), &fresh).await?;
    let copy = Reader::open(&fresh, 4).await?;
    let root = verify(&copy, &signed, true, &mut progress).await?;
    let size = copy.head().await?.size;
    if size != manifest.size || root.to_base64() != manifest.root {
        let text =
            "database and manifest are not of the same backup: one was interrupted; take it again"
                .into();
        return Err(RecoveryError::Mismatch(text));
    }
    let blobs = Blobs::local(&folder.blobs())?;
    let copied = copy_files(
        &copy,
        &Blobs::local(&from.join("blobs"))?,
        &blobs,
        &mut progress,
    )
    .await?;
    let ledger: Ledger = views::state(&copy, &StreamName::log()).await?;
    copy.pool().close().await;
    sqlite::settle(&fresh)?;
    tuf::copy(&from.join("tuf"), &folder.tuf())?;
    if !manifest.url.is_empty() {
        fs::write(folder.url_file(), &manifest.url).map_err(at(&folder.url_file()))?;
    }
    let keys = put_keys(from, folder, manifest.keys, &ledger)?;
    let anchored = survived.map(|anchored| anchored.checkpoint.size());
    if anchored.is_none() {
        // The marker first: an old anchor beside an old database would agree with it, and protect nothing.
        halt::write(&folder.halted(), &reason(&manifest)).map_err(at(&folder.halted()))?;
        if !folder.anchor.exists() {
            anchor.create()?;
        }
        anchor.raise(&signed.checkpoint, &signed.note)?;
    }
    rename(&fresh, &folder.database())?;
    Ok(Restored {
        manifest,
        missing: copied.missing,
        keys,
        anchored,
    })
}

fn reason(manifest: &Manifest) -> String {
    format!(
        "the database was restored from a backup of {} events, taken at {}, and no anchor survived that says what was \
         signed since. Bring the missing events back with `gemledger log import`; if you are certain that there are none, remove the \
         file `halted` beside the database",
        manifest.size, manifest.taken
    )
}

fn refuse_full(folder: &Path) -> Result<(), RecoveryError> {
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(RecoveryError::Refused(format!(
                "{} is not empty: a backup is restored into a new folder",
                folder.display()
            ))),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(at(folder)(error)),
    }
}

/// Puts the keys of the backup in place, never over others; names those that are still missing. The log says which keys
/// sign statements: every one of them is needed for good, to sign what was said of old releases again.
fn put_keys(
    from: &Path,
    folder: &Folder,
    there: bool,
    ledger: &Ledger,
) -> Result<Vec<PathBuf>, RecoveryError> {
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder.keys);
    made.map_err(at(&folder.keys))?;
    let mut missing = Vec::new();
    let mut wanted = vec![folder.signing_key(), folder.subject_keys()];
    let introduced = ledger.statement_keys.iter();
    let mut statement_keys: BTreeSet<_> = introduced.map(PublicJwk::thumbprint).collect();
    if there {
        statement_keys.extend(StatementKey::all(&from.join("keys"))?);
    }
    let statement_keys = statement_keys.iter();
    wanted.extend(statement_keys.map(|key| statement_keys::path(&folder.keys, key)));
    for path in wanted {
        let kept = from.join("keys").join(path.file_name().unwrap_or_default());
        if !path.exists() && there && kept.exists() {
            fs::copy(&kept, &path).map_err(at(&path))?;
            fs::File::open(&path)
                .and_then(|file| file.sync_all())
                .map_err(at(&path))?;
        }
        if !path.exists() {
            missing.push(path);
        }
    }
    Ok(missing)
}
