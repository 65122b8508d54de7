//! The audiences of other registries: a token made for one of them must never open this one, and says so plainly.

/// Whom a token with a foreign audience was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elsewhere {
    /// Another registry, by name.
    Registry(&'static str),
    /// Nobody: GitHub's audience when the workflow asked for none.
    GithubDefault,
}

const REGISTRIES: [(&str, &str); 13] = [
    ("rubygems.org", "rubygems.org"),
    ("staging.rubygems.org", "rubygems.org (staging)"),
    ("gem.coop", "gem.coop"),
    ("pypi", "PyPI"),
    ("testpypi", "TestPyPI"),
    ("crates.io", "crates.io"),
    ("staging.crates.io", "crates.io (staging)"),
    ("https://www.nuget.org", "NuGet"),
    ("https://pub.dev", "pub.dev"),
    ("https://jsr.io", "JSR"),
    ("sigstore", "Sigstore"),
    ("sts.amazonaws.com", "AWS"),
    ("api://AzureADTokenExchange", "Azure"),
];

/// The registry or service that is known to ask for this audience.
///
/// Ask it also when a provider is registered: an audience of somebody else must not be configured here.
pub fn other_registry(audience: &str) -> Option<Elsewhere> {
    if audience.starts_with("npm:") {
        return Some(Elsewhere::Registry("npm"));
    }
    // JSR puts the permissions it is asked for into the audience, as JSON.
    if audience.starts_with("{\"permissions\"") {
        return Some(Elsewhere::Registry("JSR"));
    }
    if audience.starts_with("https://github.com/") {
        return Some(Elsewhere::GithubDefault);
    }
    let known = REGISTRIES.iter().find(|(name, _)| *name == audience);
    known.map(|(_, registry)| Elsewhere::Registry(registry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audiences_of_other_registries_are_known() {
        for audience in ["rubygems.org", "pypi", "crates.io", "npm:registry.npmjs.org", "sigstore"] {
            assert!(matches!(other_registry(audience), Some(Elsewhere::Registry(_))), "{audience}");
        }
        assert_eq!(other_registry("https://github.com/acme"), Some(Elsewhere::GithubDefault));
        assert_eq!(other_registry("gems.example.com"), None);
    }
}
