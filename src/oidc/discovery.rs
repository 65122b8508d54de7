//! `OpenID` Connect discovery, asked once when a provider is registered: where its keys are, and how it signs.
//!
//! What is found is recorded with the provider and fixed from then on: a provider cannot move its keys by itself.
use events::{
    provider::Algorithm,
    text::{Text, TextError},
};
use serde_json::{Map, Value};

use super::{
    address::{Address, AddressError},
    fetch::{Fetch, FetchError},
    json,
    token::algorithm,
};

/// What a provider says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovered {
    /// The algorithms it signs with that can be accepted here, in its order.
    pub algorithms: Vec<Algorithm>,
    /// Where its keys are.
    pub jwks_uri: Text,
}

/// Why a provider cannot be registered by its discovery document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// The issuer is not an address that may be fetched.
    #[error("the issuer {0}")]
    Issuer(AddressError),
    /// The issuer has a query, which no issuer has.
    #[error("the issuer has a query")]
    IssuerQuery,
    /// The document could not be fetched.
    #[error("{url}: {reason}")]
    Fetch {
        /// The document's address.
        url: String,
        /// What went wrong.
        reason: FetchError,
    },
    /// The document is not a JSON object, or repeats a name.
    #[error("the discovery document is not a JSON object in which every name occurs once")]
    NotJson,
    /// The document speaks of another issuer.
    #[error("the discovery document is that of `{0}`")]
    OtherIssuer(Text),
    /// A member is missing or of the wrong kind.
    #[error("the discovery document has no acceptable `{0}`")]
    Member(&'static str),
    /// The address of the keys may not be fetched.
    #[error("the address of the keys {0}")]
    JwksUri(AddressError),
    /// The address of the keys does not fit into the log.
    #[error("the address of the keys {0}")]
    JwksUriText(TextError),
    /// The keys are not on the issuer's own scheme, host and port.
    #[error("the keys are not served by the issuer itself but at `{0}`")]
    JwksElsewhere(Text),
    /// It signs with nothing that is accepted here.
    #[error("the provider signs with none of RS256, PS256, ES256 and EdDSA")]
    NoAlgorithm,
}

/// Asks an issuer for its keys' address and algorithms. `loopback` allows plain http to a literal loopback address.
pub async fn discover(
    fetch: &dyn Fetch,
    issuer: &str,
    loopback: bool,
) -> Result<Discovered, DiscoveryError> {
    let home = Address::parse(issuer, loopback).map_err(DiscoveryError::Issuer)?;
    if home.url().query().is_some() {
        return Err(DiscoveryError::IssuerQuery);
    }
    let url = format!(
        "{}/.well-known/openid-configuration",
        issuer.trim_end_matches('/')
    );
    let address = Address::parse(&url, loopback).map_err(DiscoveryError::Issuer)?;
    let body = fetch
        .get(&address)
        .await
        .map_err(|reason| DiscoveryError::Fetch { url, reason })?;
    let document = json::object(&body).map_err(|_| DiscoveryError::NotJson)?;
    match document.get("issuer").and_then(Value::as_str) {
        Some(named) if named == issuer => {}
        Some(other) => return Err(DiscoveryError::OtherIssuer(Text::claim(other))),
        None => return Err(DiscoveryError::Member("issuer")),
    }
    let jwks_uri = document.get("jwks_uri").and_then(Value::as_str);
    let jwks_uri = jwks_uri.ok_or(DiscoveryError::Member("jwks_uri"))?;
    let keys = Address::parse(jwks_uri, loopback).map_err(DiscoveryError::JwksUri)?;
    if !keys.same_origin(&home) {
        return Err(DiscoveryError::JwksElsewhere(Text::claim(jwks_uri)));
    }
    Ok(Discovered {
        algorithms: algorithms(&document)?,
        jwks_uri: Text::parse(jwks_uri).map_err(DiscoveryError::JwksUriText)?,
    })
}

fn algorithms(document: &Map<String, Value>) -> Result<Vec<Algorithm>, DiscoveryError> {
    const MEMBER: &str = "id_token_signing_alg_values_supported";
    let list = document
        .get(MEMBER)
        .and_then(Value::as_array)
        .ok_or(DiscoveryError::Member(MEMBER))?;
    let mut known = Vec::new();
    for name in list.iter().filter_map(Value::as_str).filter_map(algorithm) {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    if known.is_empty() {
        Err(DiscoveryError::NoAlgorithm)
    } else {
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oidc::given::{Canned, URL, changed, discovery_document};
    use serde_json::json;

    async fn found(document: Value) -> Result<Discovered, DiscoveryError> {
        discover(&Canned::with(document), URL, false).await
    }

    #[tokio::test]
    async fn keys_and_algorithms_are_found() {
        let discovered = found(discovery_document()).await.unwrap();
        assert_eq!(
            discovered.jwks_uri.as_str(),
            "https://issuer.example/.well-known/jwks"
        );
        assert_eq!(discovered.algorithms, [Algorithm::RS256, Algorithm::ES256]);
    }

    #[tokio::test]
    async fn keys_on_another_host_port_or_scheme_are_refused() {
        for elsewhere in [
            "https://keys.example/",
            "https://issuer.example:8443/",
            "https://issuer.example.evil.test/",
            "https://sub.issuer.example/",
        ] {
            let error = found(changed(
                discovery_document(),
                json!({"jwks_uri": elsewhere}),
            ))
            .await
            .unwrap_err();
            assert_eq!(error, DiscoveryError::JwksElsewhere(Text::claim(elsewhere)));
        }
        for unfetchable in [
            "http://issuer.example/keys",
            "https://a@issuer.example/keys",
            "/keys",
            "file:///keys",
        ] {
            let error = found(changed(
                discovery_document(),
                json!({"jwks_uri": unfetchable}),
            ))
            .await
            .unwrap_err();
            assert!(matches!(error, DiscoveryError::JwksUri(_)), "{unfetchable}");
        }
    }

    #[tokio::test]
    async fn a_document_of_another_issuer_is_refused() {
        for other in ["https://issuer.example/", "https://evil.example"] {
            let error = found(changed(discovery_document(), json!({"issuer": other})))
                .await
                .unwrap_err();
            assert_eq!(error, DiscoveryError::OtherIssuer(Text::claim(other)));
        }
    }

    #[tokio::test]
    async fn a_provider_that_signs_with_nothing_acceptable_is_refused() {
        const MEMBER: &str = "id_token_signing_alg_values_supported";
        let only = |names: Value| changed(discovery_document(), json!({MEMBER: names}));
        assert_eq!(
            found(only(json!(["HS256", "none"]))).await,
            Err(DiscoveryError::NoAlgorithm)
        );
        assert_eq!(
            found(only(json!(null))).await,
            Err(DiscoveryError::Member(MEMBER))
        );
    }

    #[tokio::test]
    async fn an_issuer_that_may_not_be_fetched_is_not() {
        let network = Canned::with(discovery_document());
        for issuer in [
            "http://issuer.example",
            "http://localhost:8080",
            "https://u:p@issuer.example",
            "https://issuer.example#x",
            "issuer.example",
        ] {
            let answer = discover(&network, issuer, true).await;
            assert!(matches!(answer, Err(DiscoveryError::Issuer(_))), "{issuer}");
        }
        assert_eq!(
            discover(&network, "https://issuer.example?x", true).await,
            Err(DiscoveryError::IssuerQuery)
        );
        assert_eq!(network.asked(), 0);
    }
}
