//! Where a ledger lives and how it is reached: what was typed, turned into what it means.
use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

/// The files of a ledger. Signing keys and anchor may be elsewhere, and for a ledger that matters they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// The data folder.
    pub data: PathBuf,
    /// The folder with the keys that sign, and those of sealed values.
    pub keys: PathBuf,
    /// The file with the last signed checkpoint.
    pub anchor: PathBuf,
}

impl Folder {
    /// The files below a data folder, with keys and anchor where the operator put them.
    pub fn new(data: &Path, keys: Option<&Path>, anchor: Option<&Path>) -> Self {
        Self {
            data: data.to_owned(),
            keys: keys.map_or_else(|| data.join("keys"), Path::to_owned),
            anchor: anchor.map_or_else(|| data.join("anchor"), Path::to_owned),
        }
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.data.join("ledger.db")
    }

    /// Gem files and metadata documents, by digest.
    pub fn blobs(&self) -> PathBuf {
        self.data.join("blobs")
    }

    /// The key that signs checkpoints.
    pub fn signing_key(&self) -> PathBuf {
        self.keys.join("log.key")
    }

    /// The keys of sealed values.
    pub fn subject_keys(&self) -> PathBuf {
        self.keys.join("subjects.db")
    }

    /// Held by the one server of this folder.
    pub fn lock(&self) -> PathBuf {
        self.data.join("serve.lock")
    }

    /// Why appends were stopped; there while they are.
    pub fn halted(&self) -> PathBuf {
        self.data.join("halted")
    }

    /// What was verified last of TUF repositories.
    pub fn tuf(&self) -> PathBuf {
        self.data.join("tuf")
    }

    /// How the ledger is reached, for the command line.
    pub fn url_file(&self) -> PathBuf {
        self.data.join("url")
    }
}

/// A variable of the environment, for names that are known only when the program runs; empty counts as not set.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where programs keep what they remember for this user (XDG Base Directory Specification); `None` without a home.
pub fn user_state() -> Option<PathBuf> {
    let absolute = |path: String| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    let state = variable("XDG_STATE_HOME").and_then(absolute);
    let home = || variable("HOME").and_then(absolute);
    let state = state.or_else(|| Some(home()?.join(".local/state")))?;
    Some(state.join("gemledger"))
}

/// The address under which clients reach the registry, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    authority: String,
    path: String,
}

/// Why an address cannot be a registry's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an address of a registry: it must be http(s)://HOST[:PORT][/PATH] without query, fragment or user"
)]
pub struct UrlError(String);

impl BaseUrl {
    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let refused = || UrlError(text.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(refused)?;
        let rest = rest.trim_end_matches('/');
        let (authority, path) = rest
            .split_once('/')
            .map_or((rest, String::new()), |(host, path)| {
                (host, format!("/{path}"))
            });
        let host = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b);
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
        let sound = matches!(scheme, "http" | "https")
            && !authority.is_empty()
            && authority.bytes().all(host);
        if !sound || !path.bytes().all(plain) || path.contains("//") {
            return Err(refused());
        }
        let authority = authority.to_ascii_lowercase();
        Ok(Self {
            text: format!("{scheme}://{authority}{path}"),
            authority,
            path,
        })
    }

    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Host and port: the audience of identity tokens unless another one is configured.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether only this machine can reach it.
    pub fn is_loopback(&self) -> bool {
        let host = match self.authority.strip_prefix('[') {
            Some(v6) => v6.split(']').next(),
            None => self.authority.split(':').next(),
        };
        let host = host.unwrap_or_default();
        host == "localhost"
            || host
                .parse()
                .is_ok_and(|address: IpAddr| address.is_loopback())
    }

    /// The path below which everything is served: empty, or `/…` without a slash at the end.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The origin of the n-th log of this registry.
    pub fn origin(&self, n: u64) -> String {
        format!("{}{}/log/{n}", self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gives_audience_path_and_origin() {
        let url = BaseUrl::parse("https://Gems.example.com/ruby/").unwrap();
        assert_eq!(
            (url.as_str(), url.authority(), url.path()),
            ("https://gems.example.com/ruby", "gems.example.com", "/ruby")
        );
        assert_eq!(url.origin(1), "gems.example.com/ruby/log/1");
    }

    #[test]
    fn what_is_no_plain_address_is_refused() {
        for bad in [
            "gems.example.com",
            "ftp://a",
            "https://",
            "https://a?b",
            "https://u@a",
            "https://a/b#c",
            "https://a/b//c",
        ] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
