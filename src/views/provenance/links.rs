//! The way from the source repository to the log, link by link, each with how it was checked.
//!
//! A link is *proven* where this registry's word is not needed: a certificate that can be verified again says so, or the
//! signed log does. What only the identity token said is *stated by this registry*: the token is sealed, and until it is
//! opened nobody else can check it.
use super::{
    certificates,
    forge::Forge,
    record::{Entry, Known, Link, LinkName, Source, TransparencyRecord},
    source,
};
use crate::views::gems::who;

/// Every link, in the order of the way.
pub(super) fn of(record: &TransparencyRecord, forge: Option<&Forge>) -> Vec<Link> {
    let mut links = source::links(record, forge);
    links.extend(certificates::links(record));
    links.push(token(record));
    links.push(api_key(record));
    links.push(policy(record));
    links.push(log_index(record));
    links
}

impl Link {
    /// A link of which nothing is known.
    pub(super) fn unknown(link: LinkName, why: &str) -> Self {
        Self {
            link,
            known: Known::NotKnown,
            weaker: None,
            value: None,
            attestation: None,
            how: why.to_owned(),
            url: None,
        }
    }

    /// A link of this registry's own, which no bundle bears.
    fn own(link: LinkName, known: Known, value: String, how: String) -> Self {
        Self {
            link,
            known,
            weaker: None,
            value: Some(value),
            attestation: None,
            how,
            url: None,
        }
    }
}

impl Source {
    /// Whose word it is.
    pub fn issuer(&self) -> String {
        let issuer = self.issuer.as_ref();
        issuer.map_or_else(|| self.provider.to_string(), ToString::to_string)
    }
}

/// Who was shown the sealed token, and what that means for everybody else.
pub(super) fn opened(entry: &Entry) -> String {
    format!(
        "The token was opened for {} at {}, log index {}: whoever was shown it has the provider's own signature, and to everybody else it stays the registry's word.",
        who(&entry.actor),
        entry.time,
        entry.log_index
    )
}

fn token(record: &TransparencyRecord) -> Link {
    let (Some(source), Some(exchange)) = (&record.source, &record.chain.exchange) else {
        return Link::unknown(
            LinkName::IdentityToken,
            "No identity token was exchanged for the key that pushed.",
        );
    };
    let key = record.chain.provider_key.as_ref();
    let key = key.map_or_else(String::new, |key| {
        format!(
            " with the provider's key {}, recorded at log index {}",
            key.kid, key.entry.log_index
        )
    });
    let bound = match record.attestations.as_slice() {
        [] => "",
        [_] => " The certificate that signed the file was held against it.",
        _ => " The certificates that signed the file were held against it.",
    };
    let sealed = record.opened().map_or_else(
        || "It is sealed, and the log commits to it: whoever is shown it can check the provider's signature.".to_owned(),
        opened,
    );
    let how = format!(
        "Its signature{key}, its audience and its lifetime were checked at log index {}.{bound} {sealed}",
        exchange.entry.log_index
    );
    let known = Known::StatedByRegistry;
    Link::own(LinkName::IdentityToken, known, source.issuer(), how)
}

fn api_key(record: &TransparencyRecord) -> Link {
    let Some(key) = &record.chain.api_key else {
        return Link::unknown(LinkName::ApiKey, "The log does not say which key pushed.");
    };
    let how = match key.account {
        None => "The token bought it for a few minutes",
        Some(_) => "It was issued to an account",
    };
    let how = format!(
        "{how}, at log index {}, and the log holds its digest. That this very key was shown is the registry's word.",
        key.entry.log_index
    );
    let known = Known::StatedByRegistry;
    Link::own(LinkName::ApiKey, known, key.id.to_string(), how)
}

fn policy(record: &TransparencyRecord) -> Link {
    let Some(policy) = &record.chain.policy else {
        return Link::unknown(
            LinkName::Policy,
            "The log does not say which policy it was.",
        );
    };
    let how = match &record.chain.publisher {
        Some(publisher) => format!(
            "It trusted {}, added by {} at log index {}. Every audit of the log judges the push again.",
            publisher.trusts(),
            who(&publisher.decided().actor),
            publisher.decided().log_index
        ),
        None => "It names the account as an owner. Every audit of the log judges the push again."
            .to_owned(),
    };
    let value = format!(
        "revision {}, log index {}",
        policy.revision, policy.log_index
    );
    Link::own(LinkName::Policy, Known::Proven, value, how)
}

fn log_index(record: &TransparencyRecord) -> Link {
    let index = record.chain.release.log_index;
    let how = format!(
        "The release's event was found under the signed checkpoint of {} events of {}. The receipt proves it offline.",
        record.log.size, record.log.origin
    );
    Link {
        url: Some(format!("{}/log/proof/{index}", record.registry)),
        ..Link::own(LinkName::LogIndex, Known::Proven, index.to_string(), how)
    }
}
