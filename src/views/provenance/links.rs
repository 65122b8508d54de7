//! The way from the source repository to the log, link by link, each with how it was checked.
//!
//! A link is *proven* where nobody's word is needed: a certificate that anybody can verify again says so, or the signed log
//! does. What only the identity token said is *stated by this registry*: the token is sealed, and until it is opened
//! nobody else can check it.
use events::{
    attestation::{Compared, Field},
    text::Text,
};

use super::record::{Attestation, Class, Known, Link, LinkName, Source, TransparencyRecord, Urls};
use crate::views::gems::who;

/// Every link, in the order of the way.
pub(super) fn of(record: &TransparencyRecord) -> Vec<Link> {
    let mut links = source(record);
    for (place, attestation) in record.attestations.iter().enumerate() {
        links.push(certificate(place, attestation));
        links.push(logged(place, attestation));
    }
    if record.attestations.is_empty() {
        let why = "No build attestation came with it.";
        links.push(unknown(LinkName::Certificate, why));
        links.push(unknown(LinkName::LogEntry, why));
    }
    links.push(token(record));
    links.push(api_key(record));
    links.push(policy(record));
    links.push(log_index(record));
    links
}

fn unknown(link: LinkName, why: &str) -> Link {
    Link {
        link,
        known: Known::NotKnown,
        value: None,
        attestation: None,
        how: why.to_owned(),
        url: None,
    }
}

/// Repository, commit, workflow and run: by the first certificate that says so, else by the token.
fn source(record: &TransparencyRecord) -> Vec<Link> {
    let names = [
        LinkName::Repository,
        LinkName::Commit,
        LinkName::Workflow,
        LinkName::Run,
    ];
    let Some(source) = &record.source else {
        let why = "A key of an account says who pushed, not from where. Trusted publishing would.";
        return names.map(|name| unknown(name, why)).into();
    };
    let link = |name: LinkName| {
        let url = url(name, &source.urls);
        let mut attestations = record.attestations.iter().enumerate();
        let certified = attestations.find_map(|(place, attestation)| {
            let compared = compared(attestation, name)?;
            Some((place, attestation, compared))
        });
        if let Some((place, attestation, compared)) = certified {
            return Link {
                link: name,
                known: Known::Proven,
                value: Some(certified_value(name, attestation, compared)),
                attestation: Some(place),
                how: certified_how(record, place, attestation),
                url,
            };
        }
        match stated_value(name, source) {
            Some(value) => Link {
                link: name,
                known: Known::StatedByRegistry,
                value: Some(value),
                attestation: None,
                how: stated_how(record, source),
                url,
            },
            None => unknown(name, "The identity token did not say."),
        }
    };
    names.map(link).into()
}

fn url(name: LinkName, urls: &Urls) -> Option<String> {
    match name {
        LinkName::Repository => urls.repository.clone(),
        LinkName::Commit => urls.commit.clone(),
        LinkName::Workflow => urls.workflow.clone(),
        LinkName::Run => urls.run.clone(),
        LinkName::Certificate
        | LinkName::LogEntry
        | LinkName::Timestamp
        | LinkName::IdentityToken
        | LinkName::ApiKey
        | LinkName::Policy
        | LinkName::LogIndex => None,
    }
}

/// The pair of this link that the certificate was held against the token with.
fn compared(attestation: &Attestation, name: LinkName) -> Option<&Compared> {
    let wanted = |field: Field| match name {
        LinkName::Repository => field == Field::Repository,
        LinkName::Commit => field == Field::Commit,
        LinkName::Workflow => field == Field::BuildConfig,
        LinkName::Run => matches!(field, Field::Run | Field::Job),
        LinkName::Certificate
        | LinkName::LogEntry
        | LinkName::Timestamp
        | LinkName::IdentityToken
        | LinkName::ApiKey
        | LinkName::Policy
        | LinkName::LogIndex => false,
    };
    let mut pairs = attestation.compared.iter();
    pairs.find(|pair| wanted(pair.field))
}

/// What the certificate says, and of a run also which attempt signed.
fn certified_value(name: LinkName, attestation: &Attestation, compared: &Compared) -> String {
    let said = compared.certificate.to_string();
    let mut pairs = attestation.compared.iter();
    let attempt = pairs.find(|pair| pair.field == Field::Attempt);
    match attempt.filter(|_| name == LinkName::Run) {
        Some(attempt) => format!("{said} (attempt {})", attempt.certificate),
        None => said,
    }
}

fn certified_how(record: &TransparencyRecord, place: usize, attestation: &Attestation) -> String {
    let root = root(attestation);
    let which = if record.attestations.len() > 1 {
        format!(" ({} of {})", place + 1, record.attestations.len())
    } else {
        String::new()
    };
    let when = match (&attestation.log_entry, attestation.class) {
        (Some(entry), Class::Logged) => format!(
            "entry {} of the transparency log {} proves that it was used at {}",
            entry.index, entry.log, attestation.signed
        ),
        _ => format!(
            "a timestamp authority vouches that it was used at {}, and no transparency log has it, which is weaker",
            attestation.signed
        ),
    };
    format!(
        "The certificate that signed this file says so{which}. The certificate authority of {root} issued it; {when}. It was held against the identity token of the pushing run."
    )
}

fn root(attestation: &Attestation) -> String {
    let root = &attestation.root;
    let recorded = root.recorded.as_ref().map_or_else(String::new, |entry| {
        format!(", log index {}", entry.log_index)
    });
    format!(
        "the trust root {} (version {}{recorded})",
        root.name, root.version
    )
}

fn stated_value(name: LinkName, source: &Source) -> Option<String> {
    let job = &source.workflow;
    let owned = |text: &Text| text.to_string();
    match name {
        LinkName::Repository => Some(owned(&job.repository)),
        LinkName::Commit => job.commit.as_ref().map(owned),
        LinkName::Workflow => job.workflow_ref.as_ref().map(owned),
        LinkName::Run => job.run_id.as_ref().map(|run| match &job.run_attempt {
            Some(attempt) => format!("{run} (attempt {attempt})"),
            None => run.to_string(),
        }),
        LinkName::Certificate
        | LinkName::LogEntry
        | LinkName::Timestamp
        | LinkName::IdentityToken
        | LinkName::ApiKey
        | LinkName::Policy
        | LinkName::LogIndex => None,
    }
}

fn stated_how(record: &TransparencyRecord, source: &Source) -> String {
    let issuer = issuer(source);
    let exchanged = record.chain.exchange.as_ref();
    let exchanged = exchanged.map_or_else(String::new, |step| {
        format!(", exchanged at log index {}", step.entry.log_index)
    });
    format!(
        "The identity token of {issuer}{exchanged}, said so. The token is sealed: until it is opened, this is the registry's word."
    )
}

fn issuer(source: &Source) -> String {
    let issuer = source.issuer.as_ref();
    issuer.map_or_else(|| source.provider.to_string(), ToString::to_string)
}

fn certificate(place: usize, attestation: &Attestation) -> Link {
    let what = attestation.predicate.as_ref().map_or_else(
        || "over the file itself".to_owned(),
        |predicate| format!("over a statement of the type {predicate} that names the file"),
    );
    let sct = if attestation.sct {
        " It was shown to a certificate transparency log."
    } else {
        ""
    };
    let how = format!(
        "Its signature {what} was verified with {} before the push was let in, as log index {} says.{sct} The bundle is served as it came: anybody can verify it again.",
        root(attestation),
        attestation.entry.log_index
    );
    Link {
        link: LinkName::Certificate,
        known: Known::Proven,
        value: Some(format!("sha256:{}", attestation.certificate.hex())),
        attestation: Some(place),
        how,
        url: None,
    }
}

fn logged(place: usize, attestation: &Attestation) -> Link {
    match &attestation.log_entry {
        Some(entry) => Link {
            link: LinkName::LogEntry,
            known: Known::Proven,
            value: Some(format!("entry {} of {}", entry.index, entry.log)),
            attestation: Some(place),
            how: format!(
                "The bundle holds the entry's inclusion proof under that log's signature, which was verified. Signed at {}.",
                attestation.signed
            ),
            url: entry.url.clone(),
        },
        None => Link {
            link: LinkName::Timestamp,
            known: Known::Proven,
            value: Some(attestation.signed.to_string()),
            attestation: Some(place),
            how: "A timestamp authority signed the time. No transparency log has the signature, so nobody else can see that it was made: this is the weaker class.".to_owned(),
            url: None,
        },
    }
}

fn token(record: &TransparencyRecord) -> Link {
    let (Some(source), Some(exchange)) = (&record.source, &record.chain.exchange) else {
        return unknown(
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
    let opened = record
        .since
        .iter()
        .find(|entry| entry.event_type == "evidence.opened");
    let opened = opened.map_or_else(
        || "It is sealed, and the log commits to it: whoever is shown it can check the provider's signature.".to_owned(),
        |entry| format!(
            "It was opened at log index {}: whoever was shown it could check the provider's signature.",
            entry.log_index
        ),
    );
    Link {
        link: LinkName::IdentityToken,
        known: Known::StatedByRegistry,
        value: Some(issuer(source)),
        attestation: None,
        how: format!(
            "Its signature{key}, its audience and its lifetime were checked at log index {}. {opened}",
            exchange.entry.log_index
        ),
        url: None,
    }
}

fn api_key(record: &TransparencyRecord) -> Link {
    let Some(key) = &record.chain.api_key else {
        return unknown(LinkName::ApiKey, "The log does not say which key pushed.");
    };
    let how = match key.account {
        None => "The token bought it for a few minutes",
        Some(_) => "It was issued to an account",
    };
    Link {
        link: LinkName::ApiKey,
        known: Known::StatedByRegistry,
        value: Some(key.id.to_string()),
        attestation: None,
        how: format!(
            "{how}, at log index {}, and the log holds its digest. That this very key was shown is the registry's word.",
            key.entry.log_index
        ),
        url: None,
    }
}

fn policy(record: &TransparencyRecord) -> Link {
    let Some(policy) = &record.chain.policy else {
        return unknown(
            LinkName::Policy,
            "The log does not say which policy it was.",
        );
    };
    let how = match &record.chain.publisher {
        Some(publisher) => format!(
            "It trusted {} of {}, added by {} at log index {}. Every audit of the log judges the push again.",
            publisher.asks.workflow,
            publisher.asks.repository,
            who(&publisher.decided().actor),
            publisher.decided().log_index
        ),
        None => "It names the account as an owner. Every audit of the log judges the push again."
            .to_owned(),
    };
    Link {
        link: LinkName::Policy,
        known: Known::Proven,
        value: Some(format!(
            "revision {}, log index {}",
            policy.revision, policy.log_index
        )),
        attestation: None,
        how,
        url: None,
    }
}

fn log_index(record: &TransparencyRecord) -> Link {
    let index = record.chain.release.log_index;
    Link {
        link: LinkName::LogIndex,
        known: Known::Proven,
        value: Some(index.to_string()),
        attestation: None,
        how: format!(
            "The release's event was found under the signed checkpoint of {} events of {}. The receipt proves it offline.",
            record.log.size, record.log.origin
        ),
        url: Some(format!("{}/log/proof/{index}", record.registry)),
    }
}
