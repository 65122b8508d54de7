//! A repository's address: one commit of it fetched into a folder of its own, which is removed afterwards.
//!
//! Fetched is the commit alone, without its history, and nothing is checked out. Only `https` is spoken (`http` with this
//! machine). No credential is looked for, no program is run, and a clone that grows too large or takes too long is given
//! up. A folder or a `file://` address is read where it is.
use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

mod bounded;
mod scratch;

pub(super) use self::scratch::Scratch;
pub use self::scratch::abandon;

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

/// What the git library may allocate for one object while it fetches, in bytes: files larger than are read here come along.
const ALLOCATION: u64 = 512 << 20;
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

fn fetch(address: &str, commit: &str, limits: FetchLimits) -> Result<Repository, RepositoryError> {
    let failed = |reason: String| {
        let hint = hint(&reason);
        RepositoryError::Clone {
            address: address.to_owned(),
            reason,
            hint,
        }
    };
    let scratch = Scratch::new().map_err(|error| failed(error.to_string()))?;
    let folder = scratch.path().join("clone.git");
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
        let _ = tell.send(clone(&url, &into, (&id, limits.bytes), &stopped));
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

/// Fetches the commit alone; everything only from a server that refuses to give out what no ref names.
fn clone(
    url: &str,
    into: &Path,
    (commit, most): (&str, u64),
    stop: &AtomicBool,
) -> Result<(), String> {
    let alone = prepare(url, into, most)
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
        Err(error) if !refuses_the_id(&error) => return Err(one_line(&chain(&error))),
        Err(_) => {}
    }
    let everything = prepare(url, into, most)
        .and_then(|mut fetch| fetch.fetch_only(gix::progress::Discard, stop));
    match everything {
        Ok(_) => Ok(()),
        Err(error) if needs_credentials(&error) => Err(CREDENTIALS.into()),
        Err(error) => Err(one_line(&chain(&error))),
    }
}

const CREDENTIALS: &str = "the server asks for credentials, and none are looked for";

fn hint(reason: &str) -> &'static str {
    if reason == CREDENTIALS {
        "clone it yourself, with the credentials that it needs, and name the folder"
    } else if reason.contains(TOO_LARGE) {
        "a file of the commit is too large to be fetched: clone it yourself, and name the folder"
    } else {
        "clone it yourself, and name the folder"
    }
}

/// What the git library says of an object that it may not allocate.
const TOO_LARGE: &str = "too large";

/// What git, `JGit` and the git library say of an id that no ref names.
fn refuses_the_id(error: &gix::Error) -> bool {
    let text = chain(error);
    [
        "not our ref",
        "not valid",
        "have the requested revision",
        "shallow",
    ]
    .iter()
    .any(|words| text.contains(words))
}

fn prepare(url: &str, into: &Path, most: u64) -> gix::Result<gix::clone::PrepareFetch> {
    let fetch = gix::clone::PrepareFetch::new(
        url,
        into,
        gix::create::Kind::Bare,
        gix::create::Options::default(),
        repository::options(ALLOCATION),
    )?;
    let url = url.to_owned();
    Ok(fetch.configure_connection(move |connection| {
        // Without this, helpers that Git is configured with would be run.
        connection.set_credentials(|_| Ok(None));
        *connection.transport_mut() = Box::new(bounded::transport(&url, most)?);
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
