//! The successor of a log that cannot go on under its name: the same leaves, signed onward by a new key under the next origin.
//!
//! It is for the loss that nothing brings back: the end of a log that was signed and that nobody has, or the signing key. The old
//! origin has signed what cannot be shown any more, so it never signs again. The event `log.succeeded` says where the tree
//! stood, what was the last checkpoint known, and why.
//!
//! What if we crash here? The new key and anchor lie beside the old ones, with `.next` at their names, until the event is in the
//! log and signed; then they take their places. While they lie there nothing opens the ledger, and the same command goes on.
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use deciders::{Ledger, ledger};
use events::{
    digest::Digest,
    id::{Actor, RequestId, Via},
    log::{Known, Succeeded},
    stream::StreamName,
    text::Text,
};
use tlog::{Checkpoint, SigningKey, VerifierKey};

use super::{RecoveryError, at, rename};
use crate::{
    app::{Request, set_aside, unread},
    config::Folder,
    store::{
        StoreError,
        anchor::Anchor,
        halt, keys,
        reader::Reader,
        replay as rows,
        sqlite::SqliteLog,
        states::Read,
        vault::SubjectKeys,
        writer::{self, Core, Verdict},
    },
    views,
    world::{self, Clock},
};

/// How the log goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Successor {
    /// The new origin.
    pub origin: String,
    /// The key that signs from now on.
    pub vkey: String,
    /// Events that survived.
    pub size: u64,
    /// Events of the last checkpoint known of the old origin, if any is.
    pub known: Option<u64>,
}

/// Where a file lies until it takes its place.
pub(in crate::app) fn next(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".next");
    PathBuf::from(beside)
}

/// Ends the old origin and begins the next. Nobody may serve the ledger meanwhile. `known` is the newest signed checkpoint of the
/// old origin that anybody has; the anchor's is taken where it is newer.
pub async fn succeed(
    folder: &Folder,
    reason: &str,
    known: Option<&[u8]>,
    clock: Clock,
) -> Result<Successor, RecoveryError> {
    let refused = |error: &dyn std::fmt::Display| RecoveryError::Refused(error.to_string());
    let reason = Text::parse(reason).map_err(|error| refused(&format!("the reason {error}")))?;
    let reader = Reader::open(&folder.database(), 1).await?;
    let state: Ledger = views::state(&reader, &StreamName::log()).await?;
    let head = reader.head().await?;
    reader.pool().close().await;
    if let Some(done) = finished(folder, &state)? {
        return Ok(done);
    }
    let (Some(origin), Some(vkey)) = (state.origin().cloned(), state.vkey().cloned()) else {
        return Err(StoreError::Corrupt("the log names no origin".into()).into());
    };
    let known = last_known(folder, &vkey, known)?;
    let new_origin = ledger::next_origin(&origin)
        .ok_or_else(|| refused(&format!("{origin} has no number", origin = origin.as_str())))?;
    let (key, anchor) = prepare(folder, new_origin.as_str())?;
    let succeeded = Succeeded {
        known: known.as_ref().map(|checkpoint| Known {
            root: Digest::from_bytes(*checkpoint.root().as_bytes()),
            size: checkpoint.size(),
        }),
        old_origin: origin,
        old_vkey: vkey,
        origin: new_origin,
        reason,
        root: Digest::from_bytes(*head.root.as_bytes()),
        size: head.size,
        vkey: Text::parse(&key.verifier().to_string()).map_err(|error| refused(&error))?,
    };
    append(folder, anchor, Arc::new(key), succeeded.clone(), clock).await?;
    finish(folder)?;
    Ok(Successor {
        origin: succeeded.origin.as_str().to_owned(),
        vkey: succeeded.vkey.as_str().to_owned(),
        size: succeeded.size,
        known: known.map(|checkpoint| checkpoint.size()),
    })
}

/// An earlier try whose event is in the log: only the files were still to take their places.
fn finished(folder: &Folder, state: &Ledger) -> Result<Option<Successor>, RecoveryError> {
    let (key, anchor) = (next(&folder.signing_key()), next(&folder.anchor));
    let place = if key.exists() {
        key
    } else if anchor.exists() {
        folder.signing_key()
    } else {
        return Ok(None);
    };
    let Some(succeeded) = &state.succeeded else {
        return Ok(None);
    };
    if keys::load(&place)?.name() != succeeded.origin.as_str() {
        return Ok(None);
    }
    finish(folder)?;
    Ok(Some(Successor {
        origin: succeeded.origin.as_str().to_owned(),
        vkey: succeeded.vkey.as_str().to_owned(),
        size: succeeded.size,
        known: succeeded.known.as_ref().map(|known| known.size),
    }))
}

/// The newest checkpoint that the old key signed, of those that are given and anchored. The old signing key need not be there.
fn last_known(
    folder: &Folder,
    vkey: &Text,
    given: Option<&[u8]>,
) -> Result<Option<Checkpoint>, RecoveryError> {
    let key = VerifierKey::parse(vkey.as_str())
        .map_err(|error| StoreError::Corrupt(format!("the log's verification key: {error}")))?;
    let given = given
        .map(|note| Checkpoint::open(note, &key))
        .transpose()
        .map_err(|error| RecoveryError::Mismatch(format!("the checkpoint: {error}")))?;
    let anchored = if folder.anchor.exists() {
        Anchor::new(&folder.anchor, key)
            .read()?
            .map(|anchored| anchored.checkpoint)
    } else {
        None
    };
    Ok(given
        .into_iter()
        .chain(anchored)
        .max_by_key(Checkpoint::size))
}

/// The key and anchor of the new origin, made now or by a try that was interrupted.
fn prepare(folder: &Folder, origin: &str) -> Result<(SigningKey, Anchor), RecoveryError> {
    let path = next(&folder.signing_key());
    let key = if path.exists() {
        keys::load(&path)?
    } else {
        keys::create(&path, origin)?
    };
    if key.name() != origin {
        let text = format!(
            "{} is a key of {}, and the next origin is {origin}",
            path.display(),
            key.name()
        );
        return Err(RecoveryError::Refused(text));
    }
    let path = next(&folder.anchor);
    let anchor = Anchor::new(&path, key.verifier().clone());
    if !path.exists() {
        anchor.create()?;
    }
    Ok((key, anchor))
}

/// Appends the event as any other: decided in the writer, read back, signed by the new key and anchored.
async fn append(
    folder: &Folder,
    anchor: Anchor,
    key: Arc<SigningKey>,
    succeeded: Succeeded,
    clock: Clock,
) -> Result<(), RecoveryError> {
    let mut log = SqliteLog::open(&folder.database()).await?;
    rows::catch_up(&mut log, |_, _| {}).await?;
    let subjects = SubjectKeys::open(&folder.subject_keys()).await?;
    let request = Request {
        actor: Actor::Operator,
        via: Via::Console,
        id: RequestId::new(world::fresh_id(clock.now())),
        vault: Vec::new(),
    };
    let (core, served) = Core::open(log, anchor, key, subjects, clock).await?;
    let size = served.head.size;
    let (writer, ended) = writer::start(core, served);
    let reads = vec![Read::of::<Ledger>(StreamName::log())];
    let outcome = writer
        .append(reads, move |desk| {
            match desk.state::<Ledger>(&StreamName::log()) {
                Some(state) => request.verdict(ledger::succeed(state, size, succeeded)),
                None => Verdict::answer(unread()),
            }
        })
        .await;
    drop(writer);
    if let Ok(Some(fatal)) = ended.await {
        return Err(fatal.into());
    }
    let denied = outcome?.answer;
    denied.map_err(|denial| RecoveryError::Refused(denial.to_string()))
}

/// The new key and anchor take their places; the old ones are kept aside.
fn finish(folder: &Folder) -> Result<(), RecoveryError> {
    for path in [folder.signing_key(), folder.anchor.clone()] {
        let next = next(&path);
        if !next.exists() {
            continue;
        }
        if path.exists() {
            set_aside(&path).map_err(|error| RecoveryError::Refused(error.to_string()))?;
        }
        rename(&next, &path)?;
    }
    halt::clear(&folder.halted()).map_err(at(&folder.halted()))
}
