//! Somebody else's ledger, read from outside: what is believed, what is noticed, what is waited for.
mod honest;
mod lies;
mod manners;
mod seen;

use std::{path::Path, time::Duration};

use futures::TryStreamExt as _;
use gemledger::remote::{Credential, Ledger, Lie, RemoteError, Settings, Source, TileFolder, Tree};

use crate::support::published::{Published, TileServer};

/// As patient as tests need.
pub(crate) fn settings() -> Settings {
    Settings {
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(20),
        ..Settings::default()
    }
}

/// The ledger at this place, with the key that it shows.
async fn open(place: &str) -> Result<Ledger, RemoteError> {
    open_as(place, None).await
}

async fn open_as(place: &str, key: Option<&str>) -> Result<Ledger, RemoteError> {
    let credential = key.and_then(Credential::new);
    Ledger::open(Source::parse(place, credential, settings())?, None).await
}

async fn tree(ledger: &Ledger) -> Result<Tree, RemoteError> {
    let signed = ledger.checkpoint(&[]).await?;
    ledger.tree(&signed).await
}

/// All leaves of the tree, verified.
async fn leaves(tree: &Tree) -> Result<Vec<Vec<u8>>, RemoteError> {
    let pages: Vec<_> = tree
        .pages(0..u64::MAX, |_, leaf: &[u8]| leaf.to_vec())
        .try_collect()
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.read).collect())
}

/// Everything there is to read.
async fn read(place: &str) -> Result<Vec<Vec<u8>>, RemoteError> {
    let ledger = open(place).await?;
    leaves(&tree(&ledger).await?).await
}

/// The lie that reading everything uncovers.
#[track_caller]
fn caught<T: std::fmt::Debug>(read: Result<T, RemoteError>) -> Lie {
    match read {
        Err(RemoteError::Lie(lie)) => lie,
        other => panic!("no lie was noticed: {other:?}"),
    }
}

/// The same log over HTTP and as a folder.
struct Both {
    server: TileServer,
    folder: tempfile::TempDir,
}

impl Both {
    fn of(log: &Published) -> Self {
        let folder = tempfile::tempdir().unwrap();
        log.write_to(folder.path());
        Self {
            server: log.clone().serve(),
            folder,
        }
    }

    fn places(&self) -> [String; 2] {
        [
            self.server.url(),
            self.folder.path().to_str().unwrap().to_owned(),
        ]
    }
}

fn folder(path: &Path) -> TileFolder {
    TileFolder::new(path)
}
