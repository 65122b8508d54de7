//! The workflow that releases a gem, filled in for this server; it signs where somebody vouches for what it signs.
use events::{
    claims::ProviderKind, name::GemName, policy::Publisher, provider::Registered, text::Text,
};

use crate::{
    app::{
        App,
        trust_roots::{Known, TrustRoot},
    },
    world::Clock,
};

/// How a job pushes what it has signed, in place of the template's push. The signer is the one that gems use; its version
/// is pinned, because it runs where the identity token can be had.
const SIGNED_AT_GITHUB: &str = r#"      # The signer is fetched from rubygems.org. What it makes says which run had the gem, in a log that is not this server's
      - run: |
          for gem in *.gem; do
            gem exec sigstore-cli:0.2.3 sign "$gem" --bundle "$gem.sigstore.json"
            gem push --host %URL% --attestation "$gem.sigstore.json" "$gem"
          done
"#;
/// The same in the job of a pipeline, which asks for a second token.
const SIGNED_AT_GITLAB: &str = r#"    # The signer is fetched from rubygems.org. What it makes says which job had the gem, in a log that is not this server's
    - |
      for gem in *.gem; do
        gem exec sigstore-cli:0.2.3 sign "$gem" --identity-token "$SIGSTORE_ID_TOKEN" --bundle "$gem.sigstore.json"
        gem push --host %URL% --attestation "$gem.sigstore.json" "$gem"
      done
"#;
/// The signer's token: this line of the template, and what stands before it then.
const TOKEN_AT_GITLAB: (&str, &str) = (
    "    GEMLEDGER_ID_TOKEN:\n",
    "    SIGSTORE_ID_TOKEN:\n      aud: sigstore\n",
);

/// Who vouches for what the jobs of a provider sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Vouches {
    /// Nobody: a bundle would be refused.
    Nobody,
    /// The public-good instance, with which the signer signs unless it is told otherwise.
    Everybodys,
    /// Another instance, with the trust root of this name: how to sign with it, its operator knows.
    Own(String),
}

/// A publisher's workflow. `None` where its provider is not registered.
pub(super) async fn of(
    app: &App,
    gem: &GemName,
    publisher: &Publisher,
) -> anyhow::Result<Option<String>> {
    let known = app.reread().await?;
    let mut providers = known.by_issuer.values();
    let Some((_, provider)) = providers.find(|(slug, _)| *slug == publisher.provider) else {
        return Ok(None);
    };
    let Ok(settings) = provider.live(Clock::system().now()) else {
        return Ok(None);
    };
    let vouches = vouches(app, settings.issuer.as_str()).await?;
    Ok(Some(filled(app, gem, publisher, settings, &vouches)))
}

async fn vouches(app: &App, issuer: &str) -> anyhow::Result<Vouches> {
    let roots = app.trust_roots_for(issuer).await?;
    let public_good = |root: &TrustRoot| {
        let from = root.repository.as_ref().map(Text::as_str);
        root.requires.log && from == Some(Known::PublicGood.repository())
    };
    if roots.iter().any(public_good) {
        return Ok(Vouches::Everybodys);
    }
    let logged = roots.iter().find(|root| root.requires.log);
    let own = logged.or_else(|| roots.first());
    Ok(own.map_or(Vouches::Nobody, |own| {
        Vouches::Own(own.reference.stream.rest().to_owned())
    }))
}

fn template(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Github => include_str!("../../docs/workflows/github.yml"),
        ProviderKind::Gitlab => include_str!("../../docs/workflows/gitlab.yml"),
        ProviderKind::Generic => include_str!("../../docs/workflows/generic.sh"),
    }
}

/// The template of this kind of provider with everything in its place.
fn filled(
    app: &App,
    gem: &GemName,
    publisher: &Publisher,
    provider: &Registered,
    vouches: &Vouches,
) -> String {
    let environment = publisher.environment.as_ref().map(Text::as_str);
    let environment = match (provider.kind, environment) {
        (ProviderKind::Github, Some(name)) => format!("    environment: {name}\n"),
        (ProviderKind::Gitlab, Some(name)) => format!("  environment: {name}\n"),
        _ => String::new(),
    };
    signed(template(provider.kind), provider.kind, vouches)
        .replace("%ENVIRONMENT%\n", &environment)
        .replace("%GEM%", gem.as_str())
        .replace("%URL%", app.url.as_str())
        .replace("%AUDIENCE%", provider.audience.as_str())
        .replace("%WORKFLOW%", publisher.workflow.as_str())
}

/// The template with a push that brings a bundle, where one would be taken. Certificates of other providers do not say which
/// run it was, so theirs stays as it is.
fn signed(template: &str, kind: ProviderKind, vouches: &Vouches) -> String {
    let (push, signs) = match kind {
        ProviderKind::Github => (
            "      - run: gem push --host %URL% *.gem\n",
            SIGNED_AT_GITHUB,
        ),
        ProviderKind::Gitlab => ("    - gem push --host %URL% *.gem\n", SIGNED_AT_GITLAB),
        ProviderKind::Generic => return template.to_owned(),
    };
    match vouches {
        Vouches::Nobody => template.to_owned(),
        Vouches::Everybodys => {
            let (line, token) = TOKEN_AT_GITLAB;
            template
                .replace(push, signs)
                .replace(line, &format!("{token}{line}"))
        }
        Vouches::Own(root) => {
            let indent: String = push.chars().take_while(|c| *c == ' ').collect();
            template.replace(
                push,
                &format!(
                    "{indent}# Sign *.gem with the instance of the trust root {root}, and add --attestation BUNDLE\n{push}"
                ),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_signs_where_somebody_vouches_for_it_and_is_the_template_elsewhere() {
        for kind in [ProviderKind::Github, ProviderKind::Gitlab] {
            let plain = template(kind);
            assert_eq!(signed(plain, kind, &Vouches::Nobody), plain);
            let signs = signed(plain, kind, &Vouches::Everybodys);
            assert_eq!(
                signs
                    .matches("--attestation \"$gem.sigstore.json\"")
                    .count(),
                1
            );
            assert!(!signs.contains("gem push --host %URL% *.gem"), "{signs}");
            let own = signed(plain, kind, &Vouches::Own("own".into()));
            assert!(
                own.contains("the trust root own, and add --attestation"),
                "{own}"
            );
        }
        let gitlab = signed(
            template(ProviderKind::Gitlab),
            ProviderKind::Gitlab,
            &Vouches::Everybodys,
        );
        assert!(
            gitlab.contains("      aud: sigstore\n    GEMLEDGER_ID_TOKEN:\n"),
            "{gitlab}"
        );
    }

    #[test]
    fn other_providers_sign_nothing() {
        let plain = template(ProviderKind::Generic);
        assert_eq!(
            signed(plain, ProviderKind::Generic, &Vouches::Everybodys),
            plain
        );
    }
}
