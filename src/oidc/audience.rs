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
    use crate::oidc::{
        TokenError,
        given::{AUDIENCE, github, provider, release_with, signed},
    };
    use events::{claims::ProviderKind, provider::Algorithm};
    use serde_json::{Value, json};

    fn code(claims: &Value) -> &'static str {
        signed(claims, &github()).unwrap_err().code()
    }

    #[test]
    fn the_audiences_of_other_registries_are_known() {
        for audience in [
            "rubygems.org",
            "pypi",
            "crates.io",
            "npm:registry.npmjs.org",
            "sigstore",
        ] {
            assert!(
                matches!(other_registry(audience), Some(Elsewhere::Registry(_))),
                "{audience}"
            );
        }
        assert_eq!(
            other_registry("https://github.com/acme"),
            Some(Elsewhere::GithubDefault)
        );
        assert_eq!(other_registry("gems.example.com"), None);
    }

    #[test]
    fn exactly_one_audience_is_accepted_as_a_string_or_a_list_of_one() {
        assert!(signed(&release_with(json!({"aud": [AUDIENCE]})), &github()).is_ok());
        for (audience, expected) in [
            (json!(null), "token_claim_missing"),
            (json!([]), "token_several_audiences"),
            (json!([AUDIENCE, AUDIENCE]), "token_several_audiences"),
            (json!([AUDIENCE, "rubygems.org"]), "token_several_audiences"),
            (json!([[AUDIENCE]]), "token_claim_invalid"),
            (json!({"a": AUDIENCE}), "token_claim_invalid"),
            (json!(1), "token_claim_invalid"),
            (json!(""), "token_audience_mismatch"),
            (json!("GEMS.example.com"), "token_audience_mismatch"),
            (json!("https://gems.example.com"), "token_audience_mismatch"),
        ] {
            assert_eq!(
                code(&release_with(json!({"aud": audience}))),
                expected,
                "{audience}"
            );
        }
    }

    #[test]
    fn the_audience_of_another_registry_is_called_by_its_name() {
        for audience in [
            "rubygems.org",
            "pypi",
            "crates.io",
            "npm:registry.npmjs.org",
            "sigstore",
        ] {
            let error = signed(&release_with(json!({"aud": audience})), &github()).unwrap_err();
            assert_eq!(error.code(), "token_audience_of_another_registry");
            assert!(matches!(
                error,
                TokenError::AudienceElsewhere {
                    made_for: Elsewhere::Registry(_),
                    ..
                }
            ));
        }
        assert_eq!(
            code(&release_with(json!({"aud": "https://github.com/acme"}))),
            "token_audience_not_requested"
        );
    }

    #[test]
    fn an_audience_error_says_the_line_to_put_into_the_workflow() {
        let claims = release_with(json!({"aud": "rubygems.org"}));
        let error = signed(&claims, &github()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the identity token was made for rubygems.org (audience `rubygems.org`), but this registry is `gems.example.com`"
        );
        assert_eq!(
            error.hint().unwrap(),
            "put `audience: gems.example.com` under `with:` of rubygems/configure-rubygems-credentials"
        );
        let gitlab = provider(ProviderKind::Gitlab, &[Algorithm::RS256]);
        let hint = signed(&claims, &gitlab).unwrap_err().hint().unwrap();
        assert!(hint.contains("`aud: gems.example.com`"), "{hint}");
    }
}
