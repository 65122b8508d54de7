//! The push: a file in, a release out, or a reason why not.
//!
//! The file and its metadata document are on disk before the event that names them. Whoever pushes the same bytes again
//! gets the same answer, and mends a file that was lost or damaged.
use std::sync::Arc;

use bytes::Bytes;
use deciders::{
    Code, Denial,
    denied::Denied,
    push::{self, Facts, States},
};
use events::{
    Body,
    denied::PushDenied,
    digest::Digest,
    gem::IndexLine,
    id::{Actor, Via},
    platform::FullName,
    stream::StreamName,
    text::TextError,
};

use super::{
    App,
    attestations::{AttestationError, digests, warning},
};
use crate::{
    blobs::BlobError,
    rubygems::{Document, GemError, Limits, compact_index, read_gem},
    store::{
        StoreError,
        states::Desk,
        writer::{AppendError, Outcome, Verdict},
    },
    views::api_keys::ApiKeyRow,
};

mod context;

use self::context::Context;

/// Why a push was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The file is not a gem that can be kept.
    #[error("{0}")]
    Gem(#[from] GemError),
    /// Something in it cannot stand in the log.
    #[error("{what} {error}")]
    Text {
        /// What.
        what: &'static str,
        /// Why.
        error: TextError,
    },
    /// The rules deny it.
    #[error("{0}")]
    Denied(Denial),
    /// It could not be recorded.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file could not be kept.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// Its metadata document cannot be written.
    #[error("the gem's metadata cannot be kept: {0}")]
    Document(String),
    /// Its attestations prove nothing.
    #[error("{0}")]
    Attestations(#[from] AttestationError),
    /// The work was given up: the server is shutting down.
    #[error("the server is shutting down")]
    GivenUp,
}

/// What became of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The file's name without `.gem`.
    pub file: FullName,
    /// The gem.
    pub name: String,
    /// The version, with its platform if it has one.
    pub number: String,
    /// The log index of the release; `None` if it was there already.
    pub index: Option<u64>,
    /// SHA-256 of each attestation that was recorded with it.
    pub attestations: Vec<Digest>,
    /// SHA-256 of each attestation that came with a file that was there already, and is not among those of its release.
    pub attestations_ignored: Vec<Digest>,
    /// Something that whoever pushed may not have meant.
    pub warning: Option<String>,
}

/// What comes with a push.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The file.
    pub gem: Bytes,
    /// A JSON array of Sigstore bundles, as it came.
    pub attestations: Option<Bytes>,
}

impl From<Bytes> for Upload {
    fn from(gem: Bytes) -> Self {
        Self {
            gem,
            attestations: None,
        }
    }
}

/// A push on its way.
struct Push<'a> {
    key: &'a ApiKeyRow,
    gem: Bytes,
    attestations: Option<Bytes>,
    parsed: Parsed,
    context: Arc<Context>,
}

/// What was read from a file.
struct Parsed {
    facts: Facts,
    document: Vec<u8>,
}

impl App {
    /// Pushes a file with this key, and the attestations that came with it.
    pub async fn push(
        &self,
        key: &ApiKeyRow,
        upload: impl Into<Upload>,
    ) -> Result<Pushed, PushError> {
        let Upload { gem, attestations } = upload.into();
        let (id, file) = (key.id, gem.clone());
        // Parsing is bounded work of up to seconds for the largest files; it must not hold up other connections.
        let turn = self
            .parses
            .acquire()
            .await
            .map_err(|_| PushError::GivenUp)?;
        let parsed = tokio::task::spawn_blocking(move || parse(id, &file))
            .await
            .map_err(|_| PushError::GivenUp)??;
        drop(turn);
        let context = Arc::new(self.context(key).await?);
        let push = Push {
            key,
            gem,
            attestations,
            parsed,
            context,
        };
        match self.release(&push).await {
            // A trust root was refreshed after it had verified the bundles: the next version is asked, once.
            Err(PushError::Denied(denial)) if denial.code == Code::AttestationRootUnknown => {
                self.release(&push).await
            }
            released => released,
        }
    }

    /// Verifies the attestations, judges, stores and records.
    async fn release(&self, push: &Push<'_>) -> Result<Pushed, PushError> {
        let Parsed { facts, document } = &push.parsed;
        let bundles = match &push.attestations {
            Some(part) => self.verify_attestations(push.key, part, facts).await?,
            None => Vec::new(),
        };
        let attestations = bundles.iter().map(|bundle| bundle.facts.clone()).collect();
        let facts = Arc::new(Facts {
            attestations,
            ..facts.clone()
        });
        let context = Arc::clone(&push.context);
        // Judged twice: nothing is stored for whoever is denied, and what counts is the state when all is stored.
        let judged = self.judge(&context, &facts, false).await?;
        let releases = judged.answer.map_err(PushError::Denied)?;
        let document = document.clone().into();
        self.keep_file(&facts.digest, push.gem.clone(), releases)
            .await?;
        self.keep_file(&facts.document, document, releases).await?;
        let ignored = self.keep_attestations(&facts, &bundles, releases).await?;
        let (app, ready) = (self.clone(), Arc::clone(&facts));
        // In a task of its own: the index must not stay old because whoever pushed has hung up.
        let recording = tokio::spawn(async move {
            let outcome = app.judge(&context, &ready, true).await;
            app.index.forget(&ready.name.folded());
            outcome
        });
        let outcome = recording.await.map_err(|_| PushError::GivenUp)??;
        outcome.answer.map_err(PushError::Denied)?;
        let mut appended = outcome.appended.iter();
        let release =
            appended.find(|recorded| matches!(recorded.event.body, Body::ReleasePushed(_)));
        let recorded = release.map_or_else(Vec::new, |_| digests(&bundles));
        let number = facts.file.as_str().get(facts.name.as_str().len() + 1..);
        Ok(Pushed {
            file: facts.file.clone(),
            name: facts.name.to_string(),
            number: number.unwrap_or_default().to_owned(),
            index: release.map(|recorded| recorded.index),
            warning: warning(&bundles, &ignored),
            attestations: recorded,
            attestations_ignored: ignored,
        })
    }

    /// Keeps a file of a push. What the log names already is read, and put in place of one that is lost or damaged.
    pub(super) async fn keep_file(
        &self,
        digest: &Digest,
        bytes: Bytes,
        releases: bool,
    ) -> Result<(), BlobError> {
        if releases {
            return self.blobs.put(digest, bytes).await;
        }
        self.blobs.mend(digest, bytes).await.map(|_| ())
    }

    /// Judges a push on the state of this instant, and says whether it is a release. A denial is recorded if one is due; a
    /// release only once its files are `stored`.
    async fn judge(
        &self,
        context: &Arc<Context>,
        facts: &Arc<Facts>,
        stored: bool,
    ) -> Result<Outcome<Result<bool, Denial>>, AppendError> {
        let (context, facts) = (Arc::clone(context), Arc::clone(facts));
        let request = self.request(context.actor.clone(), Via::Http);
        let counts = Arc::clone(&self.denials);
        let reads = context.reads(&facts);
        let decide = move |desk: &Desk<'_>| {
            let Some(states) = context.states(desk, &facts) else {
                return Verdict::answer(super::unread());
            };
            match push::decide(&states, &facts, desk.now) {
                Ok(push::Verdict::Release(drafts)) if stored => {
                    let mut group = request.group(drafts);
                    let issued = states.api_key.issued.as_ref();
                    group.not_after = issued.and_then(|issued| issued.expires);
                    Verdict {
                        group: Some(group),
                        answer: Ok(true),
                    }
                }
                Ok(push::Verdict::Release(_)) => Verdict::answer(Ok(true)),
                Ok(push::Verdict::AlreadyPushed) => Verdict::answer(Ok(false)),
                // It is verified once more, with the root of now.
                Err(denial) if denial.code == Code::AttestationRootUnknown => {
                    Verdict::answer(Err(denial))
                }
                Err(denial) => {
                    let record = recorded(desk, &states, &facts, &denial, &counts);
                    Verdict {
                        group: record.map(|draft| request.group(vec![draft])),
                        answer: Err(denial),
                    }
                }
            }
        };
        self.writer.append(reads, decide).await
    }

    /// Which streams a push with this key is judged on.
    async fn context(&self, key: &ApiKeyRow) -> Result<Context, StoreError> {
        let token = key.exchange.clone();
        let provider = token
            .as_ref()
            .and_then(StreamName::token_parts)
            .map(|(slug, ..)| slug);
        let actor = match (key.account, &token, &provider) {
            (Some(account), ..) => Actor::Account(account),
            (None, Some(token), Some(slug)) => {
                let exchanged = self
                    .reader
                    .event(token, 0)
                    .await?
                    .map(|recorded| recorded.event.actor);
                exchanged.unwrap_or_else(|| {
                    Actor::Workflow(slug.clone(), events::text::Text::claim("unknown"))
                })
            }
            _ => Actor::Operator,
        };
        Ok(Context {
            key: StreamName::api_key(key.id),
            account: key.account.map(StreamName::account),
            token,
            provider,
            actor,
        })
    }
}

/// Reads a file: pure.
fn parse(api_key: events::id::ApiKeyId, bytes: &[u8]) -> Result<Parsed, PushError> {
    let gem = read_gem(bytes, &Limits::default())?;
    let spec = &gem.specification;
    // Keys of the author's own metadata are any text, so these are not the canonical bytes of an event: just bytes.
    let document = serde_json::to_vec(&Document::from(spec))
        .map_err(|error| PushError::Document(error.to_string()))?;
    let line = compact_index::info_line_head(spec, &gem.sha256_hex());
    let info = IndexLine::parse(line.as_str()).map_err(|error| PushError::Text {
        what: "the gem's index line",
        error,
    })?;
    let facts = Facts {
        api_key,
        name: spec.name.clone(),
        number: spec.version.clone(),
        platform: spec.platform.clone(),
        file: spec.full_name.clone(),
        digest: Digest::from_bytes(gem.sha256),
        size: gem.size,
        document: Digest::of(&document),
        info,
        attestations: Vec::new(),
    };
    Ok(Parsed { facts, document })
}

/// The metadata document of a gem, with its digest; `None` if the file is no gem.
pub(super) fn document(bytes: &[u8]) -> Option<(Digest, Vec<u8>)> {
    let gem = read_gem(bytes, &Limits::default()).ok()?;
    let document = serde_json::to_vec(&Document::from(&gem.specification)).ok()?;
    Some((Digest::of(&document), document))
}

/// The record of a denial, if one is due, with how often it came.
fn recorded(
    desk: &Desk<'_>,
    states: &States<'_>,
    facts: &Facts,
    denial: &Denial,
    counts: &super::exchange::DenialCounts,
) -> Option<events::event::Draft> {
    let gem = facts.name.folded();
    // Whose denial it is does not depend on what was recorded before; what is nobody's is not counted either.
    let whose = push::record(states, &Denied::default(), facts, denial, 1, desk.now)?;
    let Body::PushDenied(PushDenied { publisher, .. }) = whose.body else {
        return None;
    };
    let count = counts.count(&gem, publisher, denial.code);
    let denied = desk.state::<Denied>(&StreamName::denied(&gem))?;
    let record = push::record(states, denied, facts, denial, count, desk.now)?;
    counts.recorded(&gem, publisher, denial.code);
    Some(record)
}
