//! A folder of tiles: the files of a log as c2sp.org/tlog-tiles names them, read from a mirror or kept as a copy.
//!
//! ```text
//! DIR/checkpoint   the newest signed checkpoint     DIR/tile/0/x001/234        a full tile
//! DIR/vkey         the verification key             DIR/tile/0/x001/235.p/17   a partial one
//! ```
//!
//! Files are written beside their place and renamed into it, and the checkpoint comes after everything that it covers.
//! What if we crash here? The folder is a log up to its checkpoint. Only the checkpoint is waited for to reach the disk:
//! a tile that a power cut tore does not give the root, and whoever reads the copy next fetches it again.
use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use super::{Lie, RemoteError, codes, source::Name};

/// A folder of tiles.
#[derive(Clone, Debug)]
pub struct TileFolder {
    root: PathBuf,
}

impl TileFolder {
    /// The folder, which need not exist yet.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The bytes under this name; `None` where there is no such file. It blocks.
    pub fn get(&self, name: &Name) -> Result<Option<Vec<u8>>, RemoteError> {
        let path = self.path(name);
        let limit = name.limit();
        let mut bytes = Vec::new();
        let read = File::open(&path).and_then(|file| {
            let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
            file.take(most).read_to_end(&mut bytes)
        });
        match read {
            Ok(_) if bytes.len() > limit => Err(Lie::new(
                codes::TOO_LONG,
                format!("{} has more than {limit} bytes", path.display()),
            )
            .into()),
            Ok(_) => Ok(Some(bytes)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(failed(&path, &error)),
        }
    }

    /// Puts bytes under this name, in place of what is there. It blocks.
    pub fn put(&self, name: &Name, bytes: &[u8]) -> Result<(), RemoteError> {
        let path = self.path(name);
        let durable = matches!(name, Name::Checkpoint | Name::Vkey);
        write(&path, bytes, durable).map_err(|error| failed(&path, &error))?;
        // The parts that a full tile was made of are of no more use.
        if let Some(partial) = name.partials() {
            match fs::remove_dir_all(self.root.join(&partial)) {
                Err(error) if !is_absent(&error) => return Err(failed(&path, &error)),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.root.join(name.to_string())
    }
}

/// Files written so far: whoever writes the same file at the same time writes it beside, under another name.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// Writes a file so that whoever looks finds it whole or not at all; a durable one survives a power cut too.
pub(super) fn write(path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}-{number}.new", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = File::create(&beside)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            if durable { file.sync_all() } else { Ok(()) }
        })
        .and_then(|()| fs::rename(&beside, path))
        .and_then(|()| {
            if durable {
                File::open(folder)?.sync_all()
            } else {
                Ok(())
            }
        });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// No such file, or a file where a folder would be.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
    )
}

fn failed(path: &Path, error: &io::Error) -> RemoteError {
    RemoteError::File {
        path: path.display().to_string(),
        reason: error.to_string(),
    }
}
