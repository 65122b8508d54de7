//! What is known of a release, and how: each sentence says no more than what stands behind it.
//!
//! *Proven* is what can be checked without this registry's word: with the log alone, that these bytes are this release,
//! and what the policy said; with a bundle and its trust root, who signed them. *Stated by this registry* is its word,
//! which it cannot take back: what a token claimed, so that the run that signed is the one that pushed, which key was
//! shown, what time it was. *Not known* is what no registry learns from a push, above all how the file was made.
use events::{attestation::Field, claims::ProviderKind};

use super::{
    certificates::{missing, weaker},
    links::opened,
    record::{Attestation, Chain, Known, Source, Statement, TransparencyRecord},
};
use crate::views::gems::who;

/// Every statement about a release, the most telling first.
pub(super) fn of(record: &TransparencyRecord) -> Vec<Statement> {
    let mut statements: Vec<Statement> = quarantine(record).into_iter().collect();
    statements.push(file(record));
    statements.extend(record.attestations.iter().map(attested));
    statements.extend(same_run(record));
    if let Some(source) = &record.source {
        statements.push(origin(source, record));
        statements.extend(token(&record.chain));
        statements.extend(policy(&record.chain));
        statements.extend(minted_key(record));
        statements.push(time(record));
        statements.push(build(!record.attestations.is_empty()));
    } else {
        statements.extend(held_key(record));
        statements.push(time(record));
        statements.push(no_origin());
    }
    statements
}

fn statement(subject: &'static str, known: Known, says: String, how: String) -> Statement {
    Statement {
        subject,
        known,
        weaker: None,
        says,
        how,
    }
}

fn quarantine(record: &TransparencyRecord) -> Option<Statement> {
    let quarantine = record.quarantined.as_ref()?;
    let says = format!(
        "It is quarantined since {}, and its file is not served: {}",
        quarantine.since, quarantine.reason
    );
    let how = format!(
        "Event {} of the log says so, in the operator's words. Version and file name stay taken.",
        quarantine.log_index
    );
    let known = if quarantine.log_index < record.log.size {
        Known::Proven
    } else {
        Known::StatedByRegistry
    };
    Some(statement("quarantine", known, says, how))
}

fn file(record: &TransparencyRecord) -> Statement {
    let says = format!(
        "{} has {} bytes and the SHA-256 {}.",
        record.file,
        record.size,
        record.digest.hex()
    );
    let how = format!(
        "Event {} of the log says so, and the signed checkpoint of {} events covers it. The file is hashed again whenever it is sent.",
        record.chain.release.log_index, record.log.size
    );
    statement("file", Known::Proven, says, how)
}

fn origin(source: &Source, record: &TransparencyRecord) -> Statement {
    let job = &source.workflow;
    let commit = job
        .commit
        .as_ref()
        .map_or_else(String::new, |commit| format!(" at commit {commit}"));
    let run = match (is_gitlab(record), &job.run_id, &job.run_attempt) {
        (true, Some(pipeline), Some(job)) => format!("Job {job} of pipeline {pipeline}"),
        (false, Some(run), _) => format!("Run {run}"),
        (true, ..) | (false, None, _) => "A job".to_owned(),
    };
    let says = format!("{run} of {}{commit} pushed it.", job.repository);
    let exchanged = record
        .chain
        .exchange
        .as_ref()
        .map_or_else(String::new, |step| {
            format!(
                " when it was exchanged at log index {}",
                step.entry.log_index
            )
        });
    let sealed = record.opened().map_or_else(
        || "The token is sealed and the log commits to it: whoever is shown it can check the provider's own signature.".to_owned(),
        opened,
    );
    let how = format!(
        "An identity token of {} said so; its signature, audience and lifetime were checked{exchanged}. {sealed}",
        source.issuer()
    );
    statement("origin", source.known, says, how)
}

fn token(chain: &Chain) -> Option<Statement> {
    let (key, provider) = (chain.provider_key.as_ref()?, chain.provider.as_ref()?);
    let says = format!(
        "The key {} of {} signed that token.",
        key.kid, provider.issuer
    );
    let how = format!(
        "The public key is recorded at log index {}, as {} gave it to this registry. Others who log that provider's keys can confirm it.",
        key.entry.log_index, provider.jwks_uri
    );
    Some(statement(
        "provider_key",
        Known::StatedByRegistry,
        says,
        how,
    ))
}

fn policy(chain: &Chain) -> Option<Statement> {
    let publisher = chain.publisher.as_ref()?;
    let decided = publisher.decided();
    let environment = publisher.asks.environment.as_ref();
    let environment =
        environment.map_or_else(String::new, |name| format!(" in environment {name}"));
    let says = format!(
        "The gem's policy trusted {}{environment} before the push.",
        publisher.trusts()
    );
    let how = format!(
        "Added by {} at log index {}, before the push at {}. Every audit of the log judges again whether the token's claims fit it.",
        who(&decided.actor),
        decided.log_index,
        chain.release.log_index
    );
    Some(statement("policy", Known::Proven, says, how))
}

fn minted_key(record: &TransparencyRecord) -> Option<Statement> {
    let (key, exchange) = (
        record.chain.api_key.as_ref()?,
        record.chain.exchange.as_ref()?,
    );
    let says = "It was pushed with the short-lived key that this token bought.".to_owned();
    let how = format!(
        "The exchange at log index {} minted the key at {}, and the log holds the key's digest. That this very key was shown is the registry's word.",
        exchange.entry.log_index, key.entry.log_index
    );
    Some(statement("api_key", Known::StatedByRegistry, says, how))
}

fn held_key(record: &TransparencyRecord) -> Option<Statement> {
    let key = record.chain.api_key.as_ref()?;
    let account = key
        .account
        .map_or_else(|| "nobody".to_owned(), |id| format!("account {id}"));
    let says = format!("It was pushed with an API key of {account}.");
    let how = format!(
        "The key was issued at log index {}, and the log holds its digest. That this very key was shown is the registry's word.",
        key.entry.log_index
    );
    Some(statement("api_key", Known::StatedByRegistry, says, how))
}

fn time(record: &TransparencyRecord) -> Statement {
    let says = format!("It was released at {}.", record.released);
    let how = "This registry's clock says so. Order in the log is proven, time of day is not.";
    statement("time", Known::StatedByRegistry, says, how.to_owned())
}

/// The run or job that this certificate is of, in words.
fn signer(attestation: &Attestation) -> String {
    let pair = |field| attestation.pair(field).map(|pair| &pair.certificate);
    match (pair(Field::Run), pair(Field::Job)) {
        (Some(run), _) => format!("A job of the run {run}"),
        (None, Some(job)) => format!("The job {job}"),
        (None, None) => "A job".to_owned(),
    }
}

/// What a bundle proves: who signed the file, and in which run. Not what is in it, nor who pushed it.
fn attested(attestation: &Attestation) -> Statement {
    let commit = attestation.pair(Field::Commit);
    let commit = commit.map_or_else(String::new, |pair| {
        format!(", at commit {},", pair.certificate)
    });
    let says = format!("{}{commit} signed this very file.", signer(attestation));
    let how = if attestation.kept {
        let when = match &attestation.log_entry {
            Some(entry) => format!(
                "Entry {} of the transparency log {} proves when.",
                entry.index, entry.log
            ),
            None => "A timestamp authority vouches for the time.".to_owned(),
        };
        format!(
            "The certificate says so, to whoever trusts the root {}; the bundle is here to be verified again. {when}{}",
            attestation.root.name,
            weaker(attestation)
        )
    } else {
        missing(attestation)
    };
    Statement {
        weaker: attestation.weaker().filter(|_| attestation.kept),
        ..statement("attestation", attestation.known(), says, how)
    }
}

/// That whoever signed is whoever pushed: it stands on the token, which nobody else has seen.
fn same_run(record: &TransparencyRecord) -> Option<Statement> {
    let attestation = record.attestations.first()?;
    let who = if attestation.pair(Field::Job).is_some() {
        "job"
    } else {
        "run"
    };
    let says = format!("The {who} that signed it bought the key that pushed it.");
    let token = record.opened().map_or_else(
        || {
            "The token is sealed: until it is opened, what it said is the registry's word."
                .to_owned()
        },
        opened,
    );
    let how = format!(
        "{} fields of the certificate were held against the identity token that bought the key, as log index {} shows pair by pair. {token}",
        attestation.compared.len(),
        attestation.entry.log_index
    );
    Some(statement("same_run", Known::StatedByRegistry, says, how))
}

fn is_gitlab(record: &TransparencyRecord) -> bool {
    let provider = record.chain.provider.as_ref();
    provider.is_some_and(|provider| provider.kind == ProviderKind::Gitlab)
}

fn build(attested: bool) -> Statement {
    let says = "Whether the file was built from that commit, and from nothing else.";
    let how = if attested {
        "A certificate shows which run signed the file, not what that run put into it. Comparing the file with the repository would tell more."
    } else {
        "The registry saw who pushed, not how the file was made. No build attestation is recorded for it."
    };
    statement("build", Known::NotKnown, says.to_owned(), how.to_owned())
}

fn no_origin() -> Statement {
    let says = "Which repository, commit, workflow and run it came from.";
    let how = "A key of an account says who pushed, not from where. Trusted publishing would.";
    statement("origin", Known::NotKnown, says.to_owned(), how.to_owned())
}
