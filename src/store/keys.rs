//! The signing key: one file that only its owner may read, made when a log is opened.
use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use tlog::SigningKey;
use zeroize::Zeroizing;

use crate::world;

/// Why the key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error("the signing key {path} cannot be used: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// It is not a key, or a key with another name.
    #[error("the signing key {0} is not a key of this log")]
    Malformed(PathBuf),
    /// Others may read it.
    #[error("the signing key {0} can be read by others: `chmod 600` it")]
    Exposed(PathBuf),
}

/// Makes a key for this origin; it is an error if the file exists.
pub fn create(path: &Path, origin: &str) -> Result<SigningKey, KeyFileError> {
    let malformed = |_| KeyFileError::Malformed(path.to_owned());
    let key = SigningKey::from_seed(origin, &world::random::<32>()).map_err(malformed)?;
    write_secret(
        path,
        Zeroizing::new(format!("{}\n", &*key.to_text())).as_bytes(),
    )?;
    Ok(key)
}

/// Writes a secret to a file that did not exist, readable by its owner alone, and on disk when this returns.
pub(super) fn write_secret(path: &Path, text: &[u8]) -> Result<(), KeyFileError> {
    let failed = |error| KeyFileError::Io {
        path: path.to_owned(),
        error,
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    file.write_all(text).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    // The directory entry too: a key that vanishes in a power cut takes the log's identity with it.
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::File::open(parent)
        .and_then(|parent| parent.sync_all())
        .map_err(failed)
}

/// Reads the key.
pub fn load(path: &Path) -> Result<SigningKey, KeyFileError> {
    let text = read_secret(path)?;
    SigningKey::parse(text.trim_end()).map_err(|_| KeyFileError::Malformed(path.to_owned()))
}

/// Reads a secret that nobody else may read.
pub(super) fn read_secret(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let failed = |error| KeyFileError::Io {
        path: path.to_owned(),
        error,
    };
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Exposed(path.to_owned()));
    }
    fs::read_to_string(path).map(Zeroizing::new).map_err(failed)
}
