//! The reason why nothing is appended any more: a file beside the database, so that every process and every start knows.
//!
//! It is written when somebody outside has seen more of this log than the database holds. What the database holds may
//! still be read; one more event would fork the log. The file goes when the missing events are back, or by hand.
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

/// Longest reason that is read, in bytes.
const MAX_REASON: usize = 4096;

/// Writes the reason. The first one stays.
pub fn write(path: &Path, reason: &str) -> io::Result<()> {
    let mut file = match File::options().write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error),
    };
    file.write_all(reason.as_bytes())?;
    file.sync_all()
}

/// The reason, if appends are stopped. A file that was cut short by a crash stops them too.
pub fn read(path: &Path) -> io::Result<Option<String>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let reason = bytes.get(..MAX_REASON).unwrap_or(&bytes);
    Ok(Some(String::from_utf8_lossy(reason).trim().to_owned()))
}

/// Lets appends go on from the next start.
pub fn clear(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
