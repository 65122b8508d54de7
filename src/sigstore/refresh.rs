//! The one place of this room that reaches for the network: the newest `trusted_root.json` of a TUF repository.
//!
//! [The Update Framework](https://theupdateframework.github.io/specification/latest/): trust begins with root metadata that
//! the operator gave; from it a chain of root metadata leads to the newest, each signed by enough keys of the one before;
//! the newest says whose timestamp, snapshot and targets count, none of which may have expired or gone back; and the file
//! has the length and digest that the targets name. What was verified last is kept in a folder, verified again whenever it
//! is read, and is what a repository cannot go behind. If we crash while it is written, the next refresh fetches it again.
use std::{path::Path, time::Duration};

use events::time::Timestamp;
use reqwest::Client;
use sigstore_trust_root::SigstoreInstance;
use sigstore_tuf::{Error, FileStore, HttpRepository, Updater, UpdaterConfig};

use super::{
    error::told,
    root::{GITHUB, MAX_ROOT_BYTES, PUBLIC_GOOD},
};

/// The target that every Sigstore repository has.
const TARGET: &str = "trusted_root.json";
/// How long a whole refresh may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// An instance whose trust root, repository and first metadata come with this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The public-good instance of sigstore.dev: its logs are read by everybody.
    PublicGood,
    /// GitHub's own, which signs for private repositories: timestamps, no log.
    Github,
}

impl Known {
    fn instance(self) -> SigstoreInstance {
        match self {
            Self::PublicGood => SigstoreInstance::PublicGood,
            Self::Github => SigstoreInstance::GitHub,
        }
    }

    /// Its `trusted_root.json`, as it was when this program was made.
    pub fn trusted_root(self) -> &'static str {
        match self {
            Self::PublicGood => PUBLIC_GOOD,
            Self::Github => GITHUB,
        }
    }

    /// The address of its TUF repository.
    pub fn repository(self) -> &'static str {
        self.instance().tuf_url()
    }

    /// The root metadata that trust in its repository begins with.
    pub fn bootstrap(self) -> &'static [u8] {
        self.instance().tuf_root()
    }
}

/// Why there is no newer trust root. The last good one stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// The repository's metadata has expired: it may be old, or somebody holds the newer one back.
    #[error("the metadata of {url} has expired: {what}")]
    Expired {
        /// The repository.
        url: String,
        /// Which, and when.
        what: String,
    },
    /// What came is not what the keys of the repository signed, or it goes back behind what was seen.
    #[error("the metadata of {url} is refused: {what}")]
    Refused {
        /// The repository.
        url: String,
        /// Why.
        what: String,
    },
    /// It cannot be reached.
    #[error("{url} cannot be reached: {what}")]
    Unreachable {
        /// The repository.
        url: String,
        /// Why.
        what: String,
    },
    /// What was verified last cannot be read or kept.
    #[error("what was seen last of the repository cannot be read or kept: {0}")]
    Folder(String),
    /// What was given to begin with is no root metadata, or is not signed by its own keys.
    #[error("the root metadata that trust in {url} begins with cannot be used: {what}")]
    Bootstrap {
        /// The repository.
        url: String,
        /// Why.
        what: String,
    },
}

/// Whether these bytes are root metadata that trust can begin with.
pub fn check_bootstrap(url: &str, bootstrap: &[u8]) -> Result<(), RefreshError> {
    updater(None, url, bootstrap).map(|_| ())
}

/// The newest `trusted_root.json` of the repository at this address, the very bytes that its targets name.
///
/// `client` says where it may lead. `seen` is the folder of what was verified last; it is made where it is missing.
pub async fn fetch(
    client: Client,
    url: &str,
    bootstrap: &[u8],
    (seen, now): (&Path, Timestamp),
) -> Result<Vec<u8>, RefreshError> {
    let unreachable = |what: &str| RefreshError::Unreachable {
        url: url.to_owned(),
        what: what.to_owned(),
    };
    let mut updater = updater(Some(client), url, bootstrap)?.with_store(FileStore::new(seen));
    let moment = now.to_seconds_text();
    let now = moment.parse().map_err(|_| unreachable("the clock"))?;
    let fetching = async {
        updater.refresh(now).await?;
        updater.get_target(TARGET, now).await
    };
    match tokio::time::timeout(PATIENCE, fetching).await {
        Ok(fetched) => fetched.map_err(|error| refused(url, &error)),
        Err(_) => Err(unreachable("it took longer than two minutes")),
    }
}

fn updater(client: Option<Client>, url: &str, bootstrap: &[u8]) -> Result<Updater, RefreshError> {
    let unusable = |error: &Error| RefreshError::Bootstrap {
        url: url.to_owned(),
        what: told(error),
    };
    let mut repository = HttpRepository::new(url).map_err(|error| refused(url, &error))?;
    if let Some(client) = client {
        repository = repository.with_http_client(client);
    }
    let updater = Updater::new(repository, bootstrap).map_err(|error| unusable(&error))?;
    let mut config = UpdaterConfig::default();
    config.target_max_length = u64::try_from(MAX_ROOT_BYTES).unwrap_or(u64::MAX);
    Ok(updater.with_config(config))
}

fn refused(url: &str, error: &Error) -> RefreshError {
    let (url, what) = (url.to_owned(), told(error));
    match error {
        Error::Expired { .. } => RefreshError::Expired { url, what },
        Error::Transport { .. } => RefreshError::Unreachable { url, what },
        Error::Io { .. } => RefreshError::Folder(what),
        Error::Json(_)
        | Error::Malformed(_)
        | Error::NonIntegerNumber
        | Error::UnusableKey { .. }
        | Error::UnsupportedScheme { .. }
        | Error::UnknownRole(_)
        | Error::DuplicateSignature { .. }
        | Error::ThresholdNotMet { .. }
        | Error::Rollback { .. }
        | Error::EqualVersion { .. }
        | Error::BadRootVersion { .. }
        | Error::IntegrityMismatch(_)
        | Error::Crypto(_)
        | Error::NotRefreshed
        | Error::TargetNotFound(_)
        | _ => RefreshError::Refused { url, what },
    }
}
