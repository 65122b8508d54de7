//! The missing end of a log, taken back from a mirror or a monitor's copy.
//!
//! The leaves' bytes are the truth: they are held against a checkpoint that this log's own key signed, and then written as they
//! are, with their revisions, groups and times. Nobody needs to trust whoever kept them. What is not in leaves does not come
//! back: sealed values are lost, and gem files, bundles and trust roots come from the mirror only if it serves them.
//!
//! Each transaction ends where a request ends. If we crash between two, the database holds a true beginning of what was signed,
//! and the same command goes on from there.
use std::pin::pin;

use events::{Event, id::RequestId};
use futures::StreamExt as _;
use tlog::{Checkpoint, VerifierKey};

use super::{RecoveryError, at, backup::SLICE, log_key, others};
use crate::{
    app::push::document,
    blobs::Blobs,
    config::Folder,
    remote::{Ledger, Lie, Page, RemoteError, Signed, Source, Tree},
    store::{StoreError, anchor::Anchor, halt, reader::Reader, sqlite::Importer},
    views::files,
};

/// Leaves in one transaction, about.
const BATCH: usize = 1024;
/// The longest gem that is fetched, in bytes.
const MAX_GEM: usize = 500 << 20;

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Events that were there before.
    pub before: u64,
    /// Events that are there now.
    pub size: u64,
    /// Sealed values of the imported events, which are lost.
    pub sealed: u64,
    /// Gem files, bundles and trust roots that were fetched, and metadata documents that were made of gems again.
    pub fetched: u64,
    /// Files that the log names and nobody has.
    pub missing: Vec<String>,
}

/// A leaf, and what must be known of it to write it.
struct Leaf {
    bytes: Vec<u8>,
    request: RequestId,
    sealed: usize,
}

/// Brings the log up to this checkpoint. Nobody may serve the ledger meanwhile.
pub async fn import(
    folder: &Folder,
    source: Source,
    until: &[u8],
    mut progress: impl FnMut(u64, u64),
) -> Result<Imported, RecoveryError> {
    let reader = Reader::open(&folder.database(), 2).await?;
    let key = log_key(&reader).await?;
    let signed = Signed::open(until, &key, &[]).map_err(RemoteError::from)?;
    let mut importer = Importer::open(&folder.database()).await?;
    let before = importer.head();
    let anchored = covered(folder, &key, signed.size(), before.size)?;
    let ledger = Ledger::open(source, Some(key.clone())).await?;
    let tree = ledger.tree(&signed).await?;
    continues(&tree, before.size, before.root, anchored).await?;
    let mut done = Imported {
        before: before.size,
        ..Imported::default()
    };
    let read = |_, leaf: &[u8]| (leaf.to_vec(), Event::read(leaf));
    let mut pages = pin!(tree.pages(before.size..signed.size(), read));
    let mut waiting: Vec<Leaf> = Vec::new();
    while let Some(page) = pages.next().await {
        let Page { first, read } = page?;
        for (index, (bytes, event)) in (first..).zip(read) {
            let event = event.map_err(StoreError::from)?;
            let leaf = Leaf {
                bytes,
                request: event.request,
                sealed: event.sealed.len(),
            };
            let ends = waiting
                .last()
                .is_some_and(|last| last.request != leaf.request);
            if waiting.len() >= BATCH && ends {
                write(&mut importer, &mut waiting, &mut done).await?;
                progress(index, signed.size());
            }
            waiting.push(leaf);
        }
    }
    write(&mut importer, &mut waiting, &mut done).await?;
    let head = importer.finish(&mut progress).await?;
    if (head.size, &head.root) != (signed.size(), signed.checkpoint.root()) {
        let text = format!(
            "there are {} events now, and the checkpoint has {}",
            head.size,
            signed.size()
        );
        return Err(RecoveryError::Mismatch(text));
    }
    done.size = head.size;
    fetch_files(&reader, folder, ledger.source(), &mut done).await?;
    let anchor = Anchor::new(&folder.anchor, key);
    if !folder.anchor.exists() {
        anchor.create()?;
    }
    // Our own line alone: cosignatures would not fit into a slot, and are not the anchor's business.
    if let Some(own) = signed
        .note
        .signature_of(anchor.key().name(), anchor.key().id())
    {
        let note = format!("{}\n{own}\n", signed.note.text());
        anchor.raise(&signed.checkpoint, &note)?;
    }
    halt::clear(&folder.halted()).map_err(at(&folder.halted()))?;
    Ok(done)
}

/// The checkpoint must cover what is here and what was anchored; the anchored one comes back.
fn covered(
    folder: &Folder,
    key: &VerifierKey,
    until: u64,
    size: u64,
) -> Result<Option<Checkpoint>, RecoveryError> {
    let refused = |text: String| Err(RecoveryError::Refused(text));
    if until < size {
        return refused(format!(
            "the checkpoint is of {until} events, and the database has {size}: there is nothing to bring back"
        ));
    }
    let anchored = if folder.anchor.exists() {
        Anchor::new(&folder.anchor, key.clone()).read()?
    } else {
        None
    };
    match anchored.map(|anchored| anchored.checkpoint) {
        Some(anchored) if until < anchored.size() => refused(format!(
            "the anchor says that {} events were signed, and this checkpoint is of {until}: give a newer one",
            anchored.size()
        )),
        anchored => Ok(anchored),
    }
}

/// What is here, and what was anchored, must be beginnings of what was signed.
async fn continues(
    tree: &Tree,
    size: u64,
    root: tlog::Hash,
    anchored: Option<Checkpoint>,
) -> Result<(), RecoveryError> {
    if size > 0 && tree.root_at(size).await? != root {
        return Err(RecoveryError::Mismatch(format!(
            "the {size} events of the database are not the beginning of the log that was signed: it has been forked"
        )));
    }
    let Some(anchored) = anchored.filter(|anchored| anchored.size() > 0) else {
        return Ok(());
    };
    if tree.root_at(anchored.size()).await? != *anchored.root() {
        let text = "the anchored checkpoint is not one of the log that this checkpoint is of: it has been forked";
        return Err(RecoveryError::Mismatch(text.into()));
    }
    Ok(())
}

async fn write(
    importer: &mut Importer,
    waiting: &mut Vec<Leaf>,
    done: &mut Imported,
) -> Result<(), StoreError> {
    if waiting.is_empty() {
        return Ok(());
    }
    let leaves = std::mem::take(waiting);
    let sealed: usize = leaves.iter().map(|leaf| leaf.sealed).sum();
    importer
        .append(leaves.into_iter().map(|leaf| leaf.bytes).collect())
        .await?;
    done.sealed += u64::try_from(sealed).unwrap_or(0);
    Ok(())
}

/// Fetches the gems that the log names and this folder lacks. A metadata document is made of its gem again.
async fn fetch_files(
    reader: &Reader,
    folder: &Folder,
    source: &Source,
    done: &mut Imported,
) -> Result<(), RecoveryError> {
    let blobs = Blobs::local(&folder.blobs())?;
    let mut last = None;
    loop {
        let slice = files::named(reader, last, SLICE).await?;
        let Some(end) = slice.last() else {
            return others::fetch(reader, &blobs, source, done).await;
        };
        last = Some(end.log_index);
        for named in &slice {
            let (gem, document_there) = (
                blobs.get(&named.digest).await?,
                blobs.has(&named.document).await?,
            );
            if gem.is_some() && document_there {
                continue;
            }
            let bytes = match gem {
                Some(bytes) => Some(bytes),
                None => fetched(source, named).await?,
            };
            let Some(bytes) = bytes else {
                done.missing.push(format!("{}.gem", named.file));
                continue;
            };
            blobs.put(&named.digest, bytes.clone()).await?;
            done.fetched += 1;
            match tokio::task::spawn_blocking(move || document(&bytes))
                .await
                .ok()
                .flatten()
            {
                Some((digest, document)) if digest == named.document => {
                    blobs.put(&digest, document.into()).await?;
                }
                Some(_) | None if document_there => {}
                Some(_) | None => done.missing.push(format!("{}, its metadata", named.file)),
            }
        }
    }
}

/// The gem as the mirror has it, if it is the one that the log names.
async fn fetched(
    source: &Source,
    named: &files::Named,
) -> Result<Option<bytes::Bytes>, RecoveryError> {
    let name = format!("gems/{}.gem", named.file);
    let bytes = match source {
        // A mirror of the log alone may answer anything here.
        Source::Http(client) => client
            .get(&format!("../{name}"), MAX_GEM)
            .await
            .unwrap_or_default(),
        Source::Folder(folder) => tokio::fs::read(folder.root().join(&name)).await.ok(),
    };
    match bytes {
        Some(bytes) if events::digest::Digest::of(&bytes) == named.digest => Ok(Some(bytes.into())),
        Some(_) => Err(RemoteError::from(Lie {
            code: "gem_wrong",
            index: Some(named.log_index),
            message: format!("{source} serves another {name} than the log names"),
        })
        .into()),
        None => Ok(None),
    }
}
