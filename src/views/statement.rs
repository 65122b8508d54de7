//! What the registry says of a release, written again from the log: the bytes whose digest stands in `release.pushed`.
use deciders::{
    Ledger,
    statement::{self, Facts, policy_digest},
};
use events::{
    Body, Recorded,
    attestation::Attested,
    digest::Digest,
    fold,
    name::FoldedName,
    platform::Platform,
    provider::PublicJwk,
    stream::{EventRef, StreamName},
    version::GemVersion,
};
use serde::Serialize;

use super::{LONGEST, index::Quarantine, provenance, together};
use crate::{
    app::App,
    store::{
        StoreError,
        reader::Reader,
        statement_keys::{key_id, public_pem},
    },
};

/// The registry's word on a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// No statement key was in force.
    None,
    /// This was said.
    Said {
        /// The statement's bytes.
        statement: Vec<u8>,
        /// The key that signs it: the last that was introduced before the release.
        key: PublicJwk,
    },
}

/// The log index of a release that a signed and anchored checkpoint covers, and whether it is withheld now.
pub async fn place(
    app: &App,
    gem: &FoldedName,
    number: &GemVersion,
    platform: &Platform,
) -> Result<Option<(u64, Option<Quarantine>)>, StoreError> {
    let released = provenance::released(app, gem, number, platform).await?;
    let covered = provenance::covered(app)?;
    Ok(released.filter(|(index, _)| *index < covered))
}

/// The word on the release at this log index. It is held against the log before anybody sees it.
pub async fn written(reader: &Reader, index: u64) -> Result<Word, StoreError> {
    let corrupt =
        |what: &str| StoreError::Corrupt(format!("the statement of event {index}: {what}"));
    let release = reader.events(index, index.saturating_add(1)).await?.pop();
    let release = release.ok_or_else(|| corrupt("there is no such event"))?;
    let Body::ReleasePushed(pushed) = &release.event.body else {
        return Err(corrupt("it is no release"));
    };
    let Some(said) = pushed.statement else {
        return Ok(Word::None);
    };
    let log = reader.stream(&StreamName::log(), 0, LONGEST).await?;
    let before = log.iter().filter(|recorded| recorded.index < index);
    let ledger: Ledger = fold(before.map(|recorded| &recorded.event));
    let policy = policy(reader, &pushed.policy).await?;
    let group = together::with(reader, &release).await?;
    let attested: Vec<&Attested> = together::attested(&group)
        .map(|(_, attested)| attested)
        .collect();
    let facts = Facts {
        pushed,
        policy: &policy.ok_or_else(|| corrupt("its policy has no event"))?,
        attested: &attested,
        time: release.event.time,
    };
    let statement = statement::of(&ledger, &facts);
    let (statement, key) = statement
        .zip(ledger.statement_key())
        .ok_or_else(|| corrupt("no key was in force"))?;
    if Digest::of(&statement) != said {
        return Err(corrupt("the log leads to other bytes than it names"));
    }
    Ok(Word::Said {
        statement,
        key: key.clone(),
    })
}

/// The digest of a policy up to this event.
async fn policy(reader: &Reader, last: &EventRef) -> Result<Option<Digest>, StoreError> {
    let events = reader.stream(&last.stream, 0, LONGEST).await?;
    let stands_on = |recorded: &&Recorded| recorded.event.revision <= last.revision;
    let digest = |before: Option<Digest>, recorded: &Recorded| {
        Some(policy_digest(before.as_ref(), &recorded.event.body))
    };
    Ok(events.iter().filter(stands_on).fold(None, digest))
}

/// A key that signs statements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IntroducedKey {
    /// The name that envelopes call it by: its OpenSSH fingerprint, as tools for DSSE compute it.
    pub keyid: Option<String>,
    /// The log index of its introduction: it signs the releases behind it, up to the next key.
    pub log_index: u64,
    /// The log index of the key that replaced it: it signs nothing that was released behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced_at: Option<u64>,
    /// The key.
    pub jwk: PublicJwk,
    /// The same as PEM.
    pub pem: Option<String>,
}

/// The keys that sign statements, in the order of their introduction, as far as the log is anchored.
pub async fn keys(app: &App) -> Result<Vec<IntroducedKey>, StoreError> {
    let covered = provenance::covered(app)?;
    let log = app.reader.stream(&StreamName::log(), 0, LONGEST).await?;
    let introduced = log.iter().filter_map(|recorded| {
        let log_index = Some(recorded.index).filter(|index| *index < covered)?;
        if let Body::StatementKeyIntroduced(introduced) = &recorded.event.body {
            Some((log_index, &introduced.jwk))
        } else {
            None
        }
    });
    let introduced: Vec<_> = introduced.collect();
    let next = introduced.iter().skip(1).map(|(index, _)| Some(*index));
    let keys = introduced.iter().zip(next.chain([None]));
    let keys = keys.map(|((log_index, jwk), replaced_at)| IntroducedKey {
        keyid: key_id(jwk),
        log_index: *log_index,
        replaced_at,
        jwk: (*jwk).clone(),
        pem: public_pem(jwk),
    });
    Ok(keys.collect())
}
