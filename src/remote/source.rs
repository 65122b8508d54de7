//! The bytes behind a name, from wherever a log is: a server or a folder of tiles.
use std::{fmt, path::Path};

use tlog::{EntriesPath, Hash, Resource, TILE_WIDTH, TilePath};

use super::{Credential, HttpClient, RemoteError, Settings, TileFolder};

/// Bytes in the longest verification key that is read.
const MAX_VKEY_LEN: usize = 4096;

/// Bytes in the longest bundle: 256 entries of 65,535 bytes, each after its length.
const MAX_BUNDLE_LEN: usize = 256 * (2 + 65_535);

/// What a log is made of, by the names of c2sp.org/tlog-tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// The newest checkpoint.
    Checkpoint,
    /// The verification key, as this registry publishes it beside the log.
    Vkey,
    /// A tile, or the entries below one.
    Tile(Resource),
}

impl Name {
    /// The longest that an honest answer can be, in bytes.
    pub fn limit(&self) -> usize {
        match self {
            Self::Checkpoint => tlog::note::MAX_NOTE_LEN,
            Self::Vkey => MAX_VKEY_LEN,
            Self::Tile(Resource::Hashes(_)) => usize::from(TILE_WIDTH) * Hash::LEN,
            Self::Tile(Resource::Entries(_)) => MAX_BUNDLE_LEN,
        }
    }

    /// The full tile or bundle that begins with this partial one; `None` if this is not partial.
    pub(super) fn full(&self) -> Option<Self> {
        let resource = match self {
            Self::Tile(Resource::Hashes(tile)) if tile.width() < TILE_WIDTH => {
                Resource::Hashes(TilePath::new(tile.level(), tile.index(), TILE_WIDTH).ok()?)
            }
            Self::Tile(Resource::Entries(path)) if path.width() < TILE_WIDTH => {
                Resource::Entries(EntriesPath::new(path.index(), TILE_WIDTH).ok()?)
            }
            Self::Checkpoint | Self::Vkey | Self::Tile(_) => return None,
        };
        Some(Self::Tile(resource))
    }

    /// Where the parts of this full tile are kept; `None` for anything else.
    pub(super) fn partials(&self) -> Option<String> {
        let full = match self {
            Self::Checkpoint | Self::Vkey => false,
            Self::Tile(Resource::Hashes(tile)) => tile.width() == TILE_WIDTH,
            Self::Tile(Resource::Entries(path)) => path.width() == TILE_WIDTH,
        };
        full.then(|| format!("{self}.p"))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint => f.write_str("checkpoint"),
            Self::Vkey => f.write_str("vkey"),
            Self::Tile(resource) => write!(f, "tile/{resource}"),
        }
    }
}

/// Where a log is read from.
#[derive(Clone)]
pub enum Source {
    /// A server.
    Http(HttpClient),
    /// A folder of tiles.
    Folder(TileFolder),
}

impl Source {
    /// Takes a registry's address, the address of its log (ending in `/log`), or a folder of tiles.
    pub fn parse(
        place: &str,
        credential: Option<Credential>,
        settings: Settings,
    ) -> Result<Self, RemoteError> {
        if !place.contains("://") {
            if !Path::new(place).is_dir() {
                return Err(RemoteError::Address {
                    address: place.to_owned(),
                    reason: "it is neither a URL nor a folder",
                });
            }
            return Ok(Self::Folder(TileFolder::new(Path::new(place))));
        }
        let place = place.trim_end_matches('/');
        if place.ends_with(':') {
            return Err(RemoteError::Address {
                address: place.to_owned(),
                reason: "it has no host",
            });
        }
        let log = if place.ends_with("/log") {
            place.to_owned()
        } else {
            format!("{place}/log")
        };
        HttpClient::new(&log, credential, settings).map(Self::Http)
    }

    /// The bytes under this name, as they are served; `None` where there is no such thing.
    pub async fn get(&self, name: Name) -> Result<Option<Vec<u8>>, RemoteError> {
        match self {
            Self::Http(client) => client.get(&name.to_string(), name.limit()).await,
            Self::Folder(folder) => {
                let folder = folder.clone();
                blocking(move || folder.get(&name)).await?
            }
        }
    }

    /// As [`get`](Self::get); a partial tile that is gone is taken from the full one, of which it is the beginning.
    ///
    /// The answer may be longer than what was asked for: a full tile or bundle in place of its first part.
    pub async fn get_or_full(&self, name: Name) -> Result<Option<Vec<u8>>, RemoteError> {
        match (self.get(name).await?, name.full()) {
            (None, Some(full)) => self.get(full).await,
            (answer, _) => Ok(answer),
        }
    }

    /// Whether it is a server on this very machine.
    pub fn is_local_server(&self) -> bool {
        matches!(self, Self::Http(client) if client.is_local())
    }

    /// How many bundles to fetch ahead.
    pub(super) fn ahead(&self) -> usize {
        match self {
            Self::Http(client) => client.settings().ahead.max(1),
            // A folder is as fast as the processor: enough to keep a few cores at work.
            Self::Folder(_) => 8,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(client) => f.write_str(client.address().trim_end_matches('/')),
            Self::Folder(folder) => folder.root().display().fmt(f),
        }
    }
}

/// Runs what blocks or computes on a thread of its own.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RemoteError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| RemoteError::File {
            path: "a thread of this program".into(),
            reason: error.to_string(),
        })
}
