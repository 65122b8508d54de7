//! The registry's own word on a release, signed: which key is introduced when, and the envelope that holds the statement.
//!
//! What is said follows from the log (`deciders::statement`), and so does which key signs it: the last that was introduced
//! before the release. A key is on disk before its event, so if we crash between the two the next start finds a key that
//! the log does not know, and introduces that one.
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use deciders::{Code, Ledger, ledger};
use events::{
    digest::Digest, name::FoldedName, platform::Platform, provider::PublicJwk, stream::StreamName,
    version::GemVersion,
};
use serde::Serialize;

use super::{App, CommandError, Request, settled, unread};
use crate::{
    store::{
        StoreError,
        keys::KeyFileError,
        statement_keys::{StatementKey, key_id},
        states::Read,
        writer::{AppendError, Verdict},
    },
    views::{self, index::Quarantine, statement::Word},
};

/// What the payload is.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A signed statement, in a DSSE envelope: <https://github.com/secure-systems-lab/dsse>.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Envelope {
    /// The statement's bytes, in base64.
    pub payload: String,
    /// What they are.
    #[serde(rename = "payloadType")]
    pub payload_type: &'static str,
    /// One signature.
    pub signatures: Vec<Signature>,
}

/// A signature over an envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// The OpenSSH fingerprint of the key.
    pub keyid: String,
    /// Ed25519 over the payload and its type, in base64.
    pub sig: String,
}

/// Envelopes that are kept: a few megabytes.
const KEPT: usize = 2048;

/// Envelopes that were signed, by the log index of their release. The log fixes statement and key, and Ed25519 the
/// signature, so that none ever changes.
#[derive(Default)]
pub struct Signed(Mutex<Kept>);

/// What is kept, and in which order it came.
#[derive(Default)]
struct Kept {
    envelopes: BTreeMap<u64, Arc<Envelope>>,
    order: VecDeque<u64>,
}

impl Signed {
    fn of(&self, release: u64) -> Option<Arc<Envelope>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.envelopes.get(&release).cloned()
    }

    /// What came first makes room: whoever asks for old releases finds what was asked for just now.
    fn keep(&self, release: u64, envelope: &Arc<Envelope>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { envelopes, order } = &mut *kept;
        if envelopes.insert(release, Arc::clone(envelope)).is_some() {
            return;
        }
        order.push_back(release);
        if order.len() > KEPT
            && let Some(first) = order.pop_front()
        {
            envelopes.remove(&first);
        }
    }
}

/// Why there is no signed statement, or no key.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// The release came before the first statement key.
    #[error(
        "the release is older than this registry's first statement key: there is no statement of it"
    )]
    Unspoken,
    /// The release is withheld, as its file is: nobody is told that it passed.
    #[error(
        "the release is quarantined since {}: {}; its record stays, at log index {}", .0.since, .0.reason, .0.log_index
    )]
    Quarantined(Quarantine),
    /// The key that must sign it is gone.
    #[error("the key that signs this statement, {0}, is not in the folder of keys")]
    KeyMissing(Digest),
    /// A key's file cannot be used.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The log could not be read, or holds another word than it leads to.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key was not introduced.
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl From<AppendError> for StatementError {
    fn from(error: AppendError) -> Self {
        Self::Command(error.into())
    }
}

impl App {
    /// The signed statement of a release; `None` if there is no such release under a signed and anchored checkpoint.
    pub async fn signed_statement(
        &self,
        gem: &FoldedName,
        number: &GemVersion,
        platform: &Platform,
    ) -> Result<Option<Arc<Envelope>>, StatementError> {
        let place = views::statement::place(self, gem, number, platform).await?;
        let Some((index, quarantine)) = place else {
            return Ok(None);
        };
        if let Some(quarantine) = quarantine {
            return Err(StatementError::Quarantined(quarantine));
        }
        if let Some(envelope) = self.statements.of(index) {
            return Ok(Some(envelope));
        }
        let (statement, jwk) = match views::statement::written(&self.reader, index).await? {
            Word::None => return Err(StatementError::Unspoken),
            Word::Said { statement, key } => (statement, key),
        };
        let thumbprint = jwk.thumbprint();
        let key = StatementKey::load(&self.folder.keys, &thumbprint)?;
        let key = key.ok_or(StatementError::KeyMissing(thumbprint))?;
        let envelope = Arc::new(envelope(&key, &statement));
        self.statements.keep(index, &envelope);
        Ok(Some(envelope))
    }

    /// Introduces a key where the newest in the log is not in the folder of keys: at the first start, and after a loss.
    /// Returns it if there was need.
    pub async fn introduce_statement_key(
        &self,
        request: Request,
    ) -> Result<Option<PublicJwk>, StatementError> {
        let ledger: Ledger = views::state(&self.reader, &StreamName::log()).await?;
        if let Some(newest) = ledger.statement_key()
            && StatementKey::load(&self.folder.keys, &newest.thumbprint())?.is_some()
        {
            return Ok(None);
        }
        self.next_statement_key(request, &ledger).await.map(Some)
    }

    /// Introduces another key. The one before stays good for what it signed, as long as it is kept.
    pub async fn rotate_statement_key(
        &self,
        request: Request,
    ) -> Result<PublicJwk, StatementError> {
        let ledger: Ledger = views::state(&self.reader, &StreamName::log()).await?;
        self.next_statement_key(request, &ledger).await
    }

    async fn next_statement_key(
        &self,
        request: Request,
        ledger: &Ledger,
    ) -> Result<PublicJwk, StatementError> {
        let key = match self.left_behind(ledger)? {
            Some(key) => key,
            None => StatementKey::create(&self.folder.keys)?,
        };
        let (jwk, log) = (key.jwk().clone(), StreamName::log());
        let reads = vec![Read::of::<Ledger>(log.clone())];
        let introduced = jwk.clone();
        let outcome = self
            .writer
            .append(reads, move |desk| match desk.state::<Ledger>(&log) {
                Some(state) => request.verdict(ledger::introduce_statement_key(state, introduced)),
                None => Verdict::answer(unread()),
            })
            .await?;
        match settled(outcome) {
            Ok(_) => Ok(jwk),
            // Another process of this folder was faster with the same file.
            Err(CommandError::Denied(denial)) if denial.code == Code::AlreadyExists => Ok(jwk),
            Err(error) => Err(error.into()),
        }
    }

    /// A key that was made and never introduced. A file that is none was being written when we crashed.
    fn left_behind(&self, ledger: &Ledger) -> Result<Option<StatementKey>, KeyFileError> {
        let known = |thumbprint: &Digest| {
            let mut keys = ledger.statement_keys.iter();
            keys.any(|key| key.thumbprint() == *thumbprint)
        };
        let all = StatementKey::all(&self.folder.keys)?;
        let mut strangers = all.iter().filter(|thumbprint| !known(thumbprint));
        Ok(strangers.find_map(|thumbprint| {
            StatementKey::load(&self.folder.keys, thumbprint)
                .ok()
                .flatten()
        }))
    }
}

/// The statement in its envelope.
fn envelope(key: &StatementKey, statement: &[u8]) -> Envelope {
    let signature = key.sign(&pre_authentication(PAYLOAD_TYPE, statement));
    Envelope {
        payload: STANDARD.encode(statement),
        payload_type: PAYLOAD_TYPE,
        signatures: vec![Signature {
            keyid: key_id(key.jwk()).unwrap_or_default(),
            sig: STANDARD.encode(signature),
        }],
    }
}

/// What a DSSE signature is over: lengths make two readings impossible.
fn pre_authentication(kind: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_signed_first_makes_room_and_what_is_signed_again_does_not() {
        let envelope = Arc::new(Envelope {
            payload: String::new(),
            payload_type: PAYLOAD_TYPE,
            signatures: Vec::new(),
        });
        let signed = Signed::default();
        let newest_first = (1..=2048).rev();
        for release in newest_first {
            signed.keep(release, &envelope);
        }
        signed.keep(1, &envelope);
        assert!(signed.of(2048).is_some(), "nothing came in addition");
        signed.keep(0, &envelope);
        assert!(signed.of(0).is_some() && signed.of(1).is_some());
        assert!(signed.of(2048).is_none(), "it came first");
    }

    #[test]
    fn what_is_signed_is_as_the_specification_of_dsse_writes_it() {
        let signed = pre_authentication("http://example.com/HelloWorld", b"hello world");
        assert_eq!(
            signed,
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }
}
