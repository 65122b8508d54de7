//! What was verified last of TUF repositories, taken along: so that no repository can go back behind it after a restore.
//!
//! It is verified again whenever it is read, and lost without harm to anything but that. If we crash here, some of it is
//! older than the rest, as after a refresh that was interrupted.
use std::{fs, io, path::Path};

use super::{RecoveryError, at, write_whole};

/// Folders within folders: a repository, and the history of its root metadata.
const DEEP: u32 = 3;

/// Copies what is there over what the target has.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), RecoveryError> {
    copy_folder(from, to, DEEP)
}

fn copy_folder(from: &Path, to: &Path, deep: u32) -> Result<(), RecoveryError> {
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(at(from)(error)),
    };
    fs::create_dir_all(to).map_err(at(to))?;
    for entry in entries {
        let entry = entry.map_err(at(from))?;
        let (path, place) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(at(&path))?;
        if kind.is_dir() && deep > 0 {
            copy_folder(&path, &place, deep - 1)?;
        } else if kind.is_file() && path.extension().is_some_and(|known| known == "json") {
            match fs::read(&path) {
                Ok(bytes) => write_whole(&place, &bytes)?,
                // A refresh may run meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(at(&path)(error)),
            }
        }
    }
    Ok(())
}
