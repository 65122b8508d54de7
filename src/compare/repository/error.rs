//! Why a repository tells nothing, and what to do about it.

/// Why a repository tells nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RepositoryError {
    /// There is no repository.
    #[error("{path} is not a git repository that can be read: {reason}")]
    Unreadable {
        /// Where it was looked for.
        path: String,
        /// What the git library says.
        reason: String,
    },
    /// The address cannot be used.
    #[error("{address} cannot be cloned: {reason}")]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The clone failed.
    #[error("{address} could not be cloned: {reason}")]
    Clone {
        /// What was given.
        address: String,
        /// Why.
        reason: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// Not a full object id.
    #[error("{0:?} is not a full commit id of 40 hexadecimal digits")]
    NotAnId(String),
    /// The commit is not there.
    #[error("the repository does not have commit {commit}")]
    NoCommit {
        /// Which.
        commit: String,
        /// Whether the repository has only a part of its history.
        shallow: bool,
    },
    /// The id is of something else.
    #[error("{commit} is not a commit but {found}")]
    NotACommit {
        /// The id.
        commit: String,
        /// What it is of.
        found: String,
    },
    /// An object is damaged, or not what its id says.
    #[error("the repository is damaged: object {0} {1}")]
    Damaged(String, String),
    /// An object is not there.
    #[error("the repository does not have object {0}, which the commit needs")]
    NoObject(String),
    /// More than is read.
    #[error("the commit has {0}")]
    TooMuch(String),
}

impl RepositoryError {
    /// What to do about it.
    pub(in crate::compare) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoCommit {
                commit,
                shallow: true,
            } => {
                format!("the clone is shallow: git fetch --depth 1 origin {commit}")
            }
            Self::NoCommit { commit, .. } => {
                format!(
                    "fetch it: git fetch origin {commit}, or git fetch --tags; is it the right repository?"
                )
            }
            Self::NoObject(_) => {
                "a partial clone lacks files until they are checked out: git fetch --refetch --no-filter".into()
            }
            Self::Unreadable { .. } => {
                "name the top folder of a clone (git rev-parse --show-toplevel), or an address: --repo https://github.com/OWNER/NAME"
                    .into()
            }
            Self::Clone { hint, .. } => (*hint).into(),
            Self::NotAnId(_) => "git rev-parse v1.2.3^{commit} prints one".into(),
            Self::Address { .. }
            | Self::NotACommit { .. }
            | Self::Damaged(..)
            | Self::TooMuch(_) => return None,
        })
    }
}
