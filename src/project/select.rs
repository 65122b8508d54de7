//! Which registry is meant, which of the locked gems come from it, and what it is asked with.
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    config::BaseUrl,
    lockfile::{Locked, Lockfile, Remote},
};

/// Registries whose gems nobody holds against a ledger, because they keep none.
const WITHOUT_LEDGER: [&str; 2] = ["https://rubygems.org", "https://index.rubygems.org"];

/// A registry of a lockfile, and the gems from there.
pub struct Selected {
    /// Its address.
    pub registry: BaseUrl,
    /// Its gems, in the lockfile's order.
    pub gems: Vec<Locked>,
    /// `user:password` as the lockfile has them in the address.
    pub user: Option<String>,
}

/// Why no registry could be selected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// The lockfile names none that may keep a ledger.
    #[error("the lockfile names no registry that keeps a ledger: give it with --registry URL")]
    None,
    /// The lockfile names several.
    #[error("the lockfile names several registries: choose one with --registry: {}", .0.join(", "))]
    Several(Vec<String>),
    /// The lockfile names others than the one that was asked for.
    #[error("no gem is locked from {registry}; the lockfile names {}", list(.named))]
    Missing {
        /// What was asked for.
        registry: String,
        /// What is there.
        named: Vec<String>,
    },
}

fn list(named: &[String]) -> String {
    if named.is_empty() {
        "none".to_owned()
    } else {
        named.join(", ")
    }
}

/// The gems of this registry; without one, of the only registry that the lockfile names beside rubygems.org.
pub fn select(lockfile: Lockfile, registry: Option<BaseUrl>) -> Result<Selected, SelectError> {
    let mut named: Vec<BaseUrl> = Vec::new();
    for remote in lockfile
        .sections
        .iter()
        .flat_map(|section| &section.remotes)
    {
        named.extend(
            remote
                .address
                .clone()
                .filter(|address| !named.contains(address)),
        );
    }
    let texts = |named: &[BaseUrl]| named.iter().map(|url| url.as_str().to_owned()).collect();
    let registry = match registry {
        Some(registry) if named.contains(&registry) => registry,
        Some(registry) => {
            return Err(SelectError::Missing {
                registry: registry.as_str().to_owned(),
                named: texts(&named),
            });
        }
        None => {
            named.retain(|url| !WITHOUT_LEDGER.contains(&url.as_str()));
            match named.as_slice() {
                [only] => only.clone(),
                [] => return Err(SelectError::None),
                several => return Err(SelectError::Several(texts(several))),
            }
        }
    };
    let is_it = |remote: &&Remote| remote.address.as_ref() == Some(&registry);
    let (mut gems, mut user) = (Vec::new(), None);
    for section in lockfile.sections {
        if let Some(remote) = section.remotes.iter().find(is_it) {
            user = user.or(remote.user().map(str::to_owned));
            gems.extend(section.gems);
        }
    }
    Ok(Selected {
        registry,
        gems,
        user,
    })
}

/// The variable in which Bundler looks for the user and password of a host.
pub fn bundler_variable(registry: &BaseUrl) -> String {
    let authority = registry.authority();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let name = host.replace('-', "___").replace('.', "__").to_uppercase();
    format!("BUNDLE_{name}")
}

/// `user:password` as the header that Bundler sends.
pub fn basic(user: &str) -> String {
    let user = if user.contains(':') {
        user.to_owned()
    } else {
        format!("{user}:")
    };
    format!("Basic {}", STANDARD.encode(user))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(
        text: &str,
        registry: Option<&str>,
    ) -> Result<(String, Vec<String>, Option<String>), String> {
        let registry = registry.map(|url| BaseUrl::parse(url).unwrap());
        let selected =
            select(Lockfile::parse(text).unwrap(), registry).map_err(|error| error.to_string())?;
        let gems = selected.gems.iter().map(Locked::full_name).collect();
        Ok((selected.registry.as_str().to_owned(), gems, selected.user))
    }

    const OURS: &str = "GEM\n  remote: https://u:p@gems.example.com/\n  specs:\n    a (1)\n\n";
    const THEIRS: &str = "GEM\n  remote: https://rubygems.org/\n  specs:\n    b (2)\n\n";
    const OTHER: &str = "GEM\n  remote: https://other.example/gems\n  specs:\n    c (3)\n";

    #[test]
    fn the_only_registry_beside_rubygems_org_is_meant_and_of_several_one_is_chosen() {
        let ours = |gems: &str| {
            Ok((
                "https://gems.example.com".into(),
                vec![gems.into()],
                Some("u:p".into()),
            ))
        };
        assert_eq!(selected(&[OURS, THEIRS].concat(), None), ours("a-1"));
        let all = [OURS, THEIRS, OTHER].concat();
        assert_eq!(
            selected(&all, Some("https://GEMS.example.com/")),
            ours("a-1")
        );
        assert_eq!(
            selected(&all, Some("https://rubygems.org")).unwrap().1,
            ["b-2"]
        );
        let several = selected(&all, None).unwrap_err();
        assert!(
            several.contains("https://gems.example.com, https://other.example/gems"),
            "{several}"
        );
        assert!(!several.contains("u:p"), "{several}");
        assert!(selected(THEIRS, None).unwrap_err().contains("--registry"));
        let missing = selected(OTHER, Some("https://gems.example.com")).unwrap_err();
        assert!(
            missing.contains("names https://other.example/gems"),
            "{missing}"
        );
    }

    #[test]
    fn credentials_are_those_that_bundler_would_send() {
        let name = |url| bundler_variable(&BaseUrl::parse(url).unwrap());
        assert_eq!(
            name("https://gems.my-host.example.com/x"),
            "BUNDLE_GEMS__MY___HOST__EXAMPLE__COM"
        );
        assert_eq!(name("http://127.0.0.1:8808"), "BUNDLE_127__0__0__1");
        assert_eq!(basic("user:pass"), "Basic dXNlcjpwYXNz");
        assert_eq!(basic("token"), "Basic dG9rZW46");
    }
}
