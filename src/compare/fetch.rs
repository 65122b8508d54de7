//! A repository's address: one commit of it fetched into a folder of its own, which is removed afterwards.
//!
//! Fetched is the commit alone, without its history, and nothing is checked out. Only `https` is spoken (`http` with this
//! machine). No credential is looked for, no program is run, and a clone that grows too large or takes too long is given
//! up. A folder or a `file://` address is read where it is.
use std::{
    fs::{self, DirBuilder},
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use super::repository::{self, Repository, RepositoryError, one_line};
use crate::config::BaseUrl;

/// How much of a repository is fetched, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchLimits {
    /// Bytes on disk.
    pub bytes: u64,
    /// From the first connection to the last byte.
    pub time: Duration,
}

impl Default for FetchLimits {
    /// 2 GiB, ten minutes.
    fn default() -> Self {
        Self {
            bytes: 2 << 30,
            time: Duration::from_mins(10),
        }
    }
}

/// How often size and time are looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How long a fetch that was told to stop may take to do so.
const GRACE: Duration = Duration::from_secs(2);

/// Where a repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A server.
    Http(String),
}

impl Address {
    /// Takes a folder, a `file://` address, or one of a server.
    pub fn parse(typed: &str) -> Result<Self, RepositoryError> {
        let refused = |reason| {
            Err(RepositoryError::Address {
                address: typed.to_owned(),
                reason,
            })
        };
        match typed.split_once("://") {
            None if typed.contains('@') && typed.contains(':') && !Path::new(typed).exists() => {
                refused("SSH would run a program: clone it yourself, or give its https address")
            }
            None | Some(("file", _)) => Ok(Self::Folder(repository::folder(typed))),
            Some(("https" | "http", rest)) => {
                let authority = rest.split('/').next().unwrap_or_default();
                if authority.contains('@') {
                    return refused("an address with a password in it would be written down");
                }
                match BaseUrl::parse(typed) {
                    Ok(url) if typed.starts_with("https") || url.is_loopback() => {
                        Ok(Self::Http(url.as_str().to_owned()))
                    }
                    Ok(_) => refused("it is not encrypted: use https"),
                    Err(_) => refused("it is no plain address"),
                }
            }
            Some(_) => refused("only https addresses and folders can be read"),
        }
    }

    /// Opens the repository, with this commit in it if it is a server's.
    pub fn open(&self, commit: &str, limits: FetchLimits) -> Result<Repository, RepositoryError> {
        match self {
            Self::Folder(path) => Repository::open(path),
            Self::Http(address) => fetch(address, commit, limits),
        }
    }
}

/// A folder that only this user can read, removed when it is dropped.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    fn new() -> std::io::Result<Self> {
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
                Ok(()) => return Ok(Self(path)),
                Err(error)
                    if error.kind() == std::io::ErrorKind::AlreadyExists && number < 1000 => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn size(&self) -> u64 {
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
        // What cannot be removed is left to whoever empties the folder of temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn fetch(address: &str, commit: &str, limits: FetchLimits) -> Result<Repository, RepositoryError> {
    let failed = |reason: String| RepositoryError::Clone {
        address: address.to_owned(),
        reason,
    };
    let scratch = Scratch::new().map_err(|error| failed(error.to_string()))?;
    let folder = scratch.0.join("clone.git");
    let stop = Arc::new(AtomicBool::new(false));
    let (tell, told) = mpsc::channel();
    let (url, into, id, stopped) = (
        address.to_owned(),
        folder.clone(),
        commit.to_owned(),
        stop.clone(),
    );
    // On a thread of its own: a server that says nothing more must not keep this program waiting.
    thread::spawn(move || {
        // Nobody waits any more if it cannot be told.
        let _ = tell.send(clone(&url, &into, &id, &stopped));
    });
    let mut waited = Duration::ZERO;
    let mut given_up: Option<(String, Duration)> = None;
    loop {
        match told.recv_timeout(LOOK) {
            Ok(Ok(())) if given_up.is_none() && scratch.size() <= limits.bytes => break,
            Ok(Ok(())) if given_up.is_none() => {
                return Err(failed(format!("it has more than {} bytes", limits.bytes)));
            }
            Ok(Err(reason)) if given_up.is_none() => return Err(failed(reason)),
            Ok(_) | Err(RecvTimeoutError::Disconnected) => {
                let reason = given_up.map_or_else(|| "it ended early".into(), |(reason, _)| reason);
                return Err(failed(reason));
            }
            Err(RecvTimeoutError::Timeout) => waited = waited.saturating_add(LOOK),
        }
        match &given_up {
            Some((reason, since)) if waited.saturating_sub(*since) > GRACE => {
                return Err(failed(reason.clone()));
            }
            Some(_) => {}
            None => {
                let reason = if waited >= limits.time {
                    Some(format!("it took longer than {:?}", limits.time))
                } else if scratch.size() > limits.bytes {
                    Some(format!("it has more than {} bytes", limits.bytes))
                } else {
                    None
                };
                if let Some(reason) = reason {
                    stop.store(true, Ordering::Relaxed);
                    given_up = Some((reason, waited));
                }
            }
        }
    }
    Repository::fetched(&folder, address.to_owned(), scratch)
}

/// Fetches the commit alone; from a server that gives out only what its refs name, everything.
fn clone(url: &str, into: &Path, commit: &str, stop: &AtomicBool) -> Result<(), String> {
    let alone = prepare(url, into)
        .and_then(|fetch| {
            fetch
                .with_shallow(gix::remote::fetch::Shallow::DepthAtRemote(NonZeroU32::MIN))
                .with_revision(Some(commit))
        })
        .and_then(|mut fetch| fetch.fetch_only(gix::progress::Discard, stop));
    match alone {
        Ok(_) => return Ok(()),
        Err(_) if stop.load(Ordering::Relaxed) => return Err("it was given up".into()),
        Err(error) if needs_credentials(&error) => return Err(CREDENTIALS.into()),
        Err(_) => {}
    }
    let everything =
        prepare(url, into).and_then(|mut fetch| fetch.fetch_only(gix::progress::Discard, stop));
    match everything {
        Ok(_) => Ok(()),
        Err(error) if needs_credentials(&error) => Err(CREDENTIALS.into()),
        Err(error) => Err(one_line(&chain(&error))),
    }
}

const CREDENTIALS: &str = "the server asks for credentials, and none are looked for";

fn prepare(url: &str, into: &Path) -> gix::Result<gix::clone::PrepareFetch> {
    let fetch = gix::clone::PrepareFetch::new(
        url,
        into,
        gix::create::Kind::Bare,
        gix::create::Options::default(),
        repository::options(),
    )?;
    Ok(fetch.configure_connection(|connection| {
        // Without this, helpers that Git is configured with would be run.
        connection.set_credentials(|_| Ok(None));
        Ok(())
    }))
}

fn needs_credentials(error: &gix::Error) -> bool {
    let text = chain(error);
    text.contains("401") || text.to_lowercase().contains("credentials")
}

/// An error and its causes.
fn chain(error: &gix::Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
