//! A folder for what is fetched, gone when it has been read, and when the program is told to end.
use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder},
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

/// A folder that only this user can read, removed when it is dropped.
pub(in crate::compare) struct Scratch(PathBuf);

/// Every folder that is in use.
static OPEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn open() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what has been fetched, for a program that is told to end.
pub fn abandon() {
    for path in std::mem::take(&mut *open()) {
        remove(&path);
    }
}

fn remove(path: &Path) {
    // What cannot be removed is left to whoever empties the folder of temporary files.
    let _ = fs::remove_dir_all(path);
}

impl Scratch {
    pub(super) fn new() -> std::io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let process = std::process::id();
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("gemledger-compare-{process}-{number}"));
            // One that is there already is somebody else's, whatever it is.
            match builder.create(&path) {
                Ok(()) => {
                    open().insert(path.clone());
                    return Ok(Self(path));
                }
                Err(error)
                    if error.kind() == std::io::ErrorKind::AlreadyExists && number < 1000 => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn size(&self) -> u64 {
        fn size(folder: &Path) -> u64 {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            let sizes = entries.map(|entry| match entry.metadata() {
                Ok(found) if found.is_dir() => size(&entry.path()),
                Ok(found) => found.len(),
                // It went away while it was looked at.
                Err(_) => 0,
            });
            sizes.sum()
        }
        size(&self.0)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.0);
        open().remove(&self.0);
    }
}
