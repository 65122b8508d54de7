//! Where a provider's repositories are: the address that its forge puts before every repository, run and workflow file.
//!
//! An identity token names its repository without a host. A build certificate names it with one, which has to be that of
//! the forge that this very issuer belongs to.
use alloc::{
    format,
    string::{String, ToString as _},
};
use events::{claims::ProviderKind, provider::Registered};

/// The issuer of github.com; one of an enterprise has the enterprise's name behind it.
pub const GITHUB_ISSUER: &str = "https://token.actions.githubusercontent.com";

/// The address below which the provider's repositories are, without a slash at its end; `None` where the issuer does not
/// say.
///
/// github.com issues from a host of its own, an enterprise with data residency from `token.actions.NAME.ghe.com`, an
/// enterprise server from `HOST/_services/token`. GitLab is its own issuer. A stand-in on loopback is a forge of its own.
pub fn home(provider: &Registered) -> Option<String> {
    let issuer = provider.issuer.as_str().trim_end_matches('/');
    match provider.kind {
        ProviderKind::Generic => None,
        ProviderKind::Gitlab => Some(issuer.to_string()),
        ProviderKind::Github if provider.loopback => Some(issuer.to_string()),
        ProviderKind::Github => github(issuer),
    }
}

fn github(issuer: &str) -> Option<String> {
    if let Some(enterprise) = issuer.strip_prefix(GITHUB_ISSUER) {
        let github = enterprise.is_empty() || enterprise.starts_with('/');
        return github.then(|| "https://github.com".to_string());
    }
    let resident = issuer
        .strip_prefix("https://token.actions.")
        .filter(|host| host.ends_with(".ghe.com") && !host.contains('/'));
    if let Some(host) = resident {
        return Some(format!("https://{host}"));
    }
    issuer.strip_suffix("/_services/token").map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::text::Text;

    fn registered(kind: ProviderKind, issuer: &str, loopback: bool) -> Registered {
        Registered {
            algorithms: alloc::vec::Vec::new(),
            audience: Text::parse("a").unwrap(),
            effective: None,
            issuer: Text::parse(issuer).unwrap(),
            jwks_uri: Text::parse("https://x/y").unwrap(),
            kind,
            loopback,
            mapping: None,
            private_repositories: false,
            required: [].into(),
        }
    }

    #[test]
    fn a_forge_is_found_by_its_issuer_and_by_nothing_else() {
        use ProviderKind::{Generic, Github, Gitlab};
        for (kind, issuer, home_of) in [
            (Github, GITHUB_ISSUER, Some("https://github.com")),
            (
                Github,
                "https://token.actions.githubusercontent.com/octo",
                Some("https://github.com"),
            ),
            (
                Github,
                "https://token.actions.octo.ghe.com",
                Some("https://octo.ghe.com"),
            ),
            (
                Github,
                "https://git.example/_services/token",
                Some("https://git.example"),
            ),
            (
                Github,
                "https://token.actions.githubusercontent.com.evil.example",
                None,
            ),
            (Github, "https://token.actions.evil.example/x.ghe.com", None),
            (Github, "https://git.example", None),
            (Gitlab, "https://gitlab.com", Some("https://gitlab.com")),
            (
                Gitlab,
                "https://git.example/sub/",
                Some("https://git.example/sub"),
            ),
            (Generic, "https://gitlab.com", None),
        ] {
            let found = home(&registered(kind, issuer, false));
            assert_eq!(found.as_deref(), home_of, "{issuer}");
        }
        let stand_in = registered(Github, "http://127.0.0.1:8080", true);
        assert_eq!(home(&stand_in).as_deref(), Some("http://127.0.0.1:8080"));
    }
}
