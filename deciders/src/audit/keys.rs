//! API keys as the audit remembers them: those of accounts whole, those of CI jobs in some seventy bytes and only while
//! they live.
//!
//! Half a million jobs may hold a live key. Instead of what each job stated, its digest is kept: the release that the
//! key pushes repeats the statement, and must repeat it exactly.
use alloc::{boxed::Box, collections::BTreeMap, vec, vec::Vec};
use events::{
    Body, Event, State,
    api_key::{Holder, Issued, Scope},
    claims::Workflow,
    digest::Digest,
    gem::Source,
    id::{Actor, ApiKeyId},
    stream::StreamName,
    text::Text,
    time::Timestamp,
    token::Exchanged,
};

use crate::{
    api_key::ApiKey,
    token::{Stated, Token},
};

/// How often dead keys are forgotten, in seconds of the log's time.
const SWEEP_SECONDS: u64 = 60;

/// A key of a CI job.
#[derive(Debug)]
struct JobKey {
    expires: Timestamp,
    /// Digest of the exchange's stream and of what the job stated.
    statement: [u8; 32],
    /// Who holds it, by place in [`Keys::actors`].
    holder: u32,
    /// What signed the token, by place in [`Keys::thumbprints`].
    provider_key: u32,
    revoked: bool,
}

/// A value and its place, for values that come again and again.
#[derive(Debug)]
struct Interned<T> {
    places: BTreeMap<T, u32>,
    values: Vec<T>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self {
            places: BTreeMap::new(),
            values: Vec::new(),
        }
    }
}

impl<T: Ord + Clone> Interned<T> {
    fn place(&mut self, value: &T) -> u32 {
        if let Some(place) = self.places.get(value) {
            return *place;
        }
        let place = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.places.insert(value.clone(), place);
        self.values.push(value.clone());
        place
    }

    fn get(&self, place: u32) -> Option<&T> {
        self.values.get(usize::try_from(place).ok()?)
    }
}

/// All keys that are worth remembering.
#[derive(Debug, Default)]
pub(super) struct Keys {
    accounts: BTreeMap<ApiKeyId, ApiKey>,
    jobs: BTreeMap<ApiKeyId, JobKey>,
    actors: Interned<Actor>,
    thumbprints: Interned<Digest>,
    swept: Timestamp,
    scratch: Vec<u8>,
}

/// What the audit knows of the key that pushed a release.
pub(super) enum Pusher<'a> {
    /// An account's.
    Account(&'a ApiKey),
    /// A CI job's, with its exchange as the release repeats it.
    Job(Box<(ApiKey, Token)>),
    /// A CI job's, and the release says something else of its origin than the exchange.
    Contradicted,
    /// None that lives.
    Unknown,
}

impl Keys {
    /// A key was minted in an exchange.
    pub(super) fn minted(&mut self, issued: &Issued, exchange: &Event, exchanged: &Exchanged) {
        self.sweep(exchange.time);
        let mut scratch = core::mem::take(&mut self.scratch);
        let statement = statement(&exchange.stream, &exchanged.workflow, &mut scratch);
        self.scratch = scratch;
        let key = JobKey {
            expires: issued.expires.unwrap_or_default(),
            statement,
            holder: self.actors.place(&exchange.actor),
            provider_key: self.thumbprints.place(&exchanged.provider_key),
            revoked: false,
        };
        self.jobs.insert(exchanged.api_key, key);
    }

    /// A key was revoked, or issued outside of an exchange.
    pub(super) fn evolve(&mut self, id: ApiKeyId, event: &Event) {
        match self.jobs.get_mut(&id) {
            Some(job) => job.revoked |= matches!(event.body, Body::ApiKeyRevoked(_)),
            None => self.accounts.entry(id).or_default().evolve(event),
        }
    }

    /// Dead keys are told apart from keys that never were by their streams alone.
    fn sweep(&mut self, now: Timestamp) {
        if now >= self.swept.plus_seconds(SWEEP_SECONDS) {
            self.jobs.retain(|_, key| now < key.expires);
            self.swept = now;
        }
    }

    /// Whoever the key was given to.
    pub(super) fn holder(&self, id: ApiKeyId) -> Option<Actor> {
        if let Some(job) = self.jobs.get(&id) {
            return self.actors.get(job.holder).cloned();
        }
        match &self.accounts.get(&id)?.issued.as_ref()?.holder {
            Holder::Account(account) => Some(Actor::Account(*account)),
            Holder::Exchange(_) => None,
        }
    }

    /// The state of a key, as far as a revocation needs it.
    pub(super) fn state(&self, id: ApiKeyId) -> Option<ApiKey> {
        let Some(job) = self.jobs.get(&id) else {
            return self.accounts.get(&id).cloned();
        };
        let nobody = Holder::Exchange(events::stream::EventRef {
            revision: 0,
            stream: StreamName::api_key(id),
        });
        Some(job.state(nobody))
    }

    /// The key that pushed a release with this source.
    pub(super) fn pusher(&self, id: ApiKeyId, source: Option<&Source>) -> Pusher<'_> {
        let Some(job) = self.jobs.get(&id) else {
            return self
                .accounts
                .get(&id)
                .map_or(Pusher::Unknown, Pusher::Account);
        };
        let repeated = source.filter(|source| {
            let stated = statement(&source.exchange.stream, &source.workflow, &mut Vec::new());
            source.exchange.revision == 0 && stated == job.statement
        });
        let (Some(source), Some(provider_key)) = (repeated, self.thumbprints.get(job.provider_key))
        else {
            return Pusher::Contradicted;
        };
        let token = Token {
            exchanged: Some(Stated {
                provider_key: *provider_key,
                workflow: source.workflow.clone(),
            }),
        };
        let holder = Holder::Exchange(source.exchange.clone());
        Pusher::Job(Box::new((job.state(holder), token)))
    }
}

impl JobKey {
    fn state(&self, holder: Holder) -> ApiKey {
        let issued = Issued {
            // No rule reads it.
            digest: Digest::from_bytes([0; 32]),
            expires: Some(self.expires),
            gem: None,
            holder,
            scopes: vec![Scope::PushRubygem],
        };
        ApiKey {
            issued: Some(issued),
            revoked: self.revoked,
        }
    }
}

/// Whether this is the stream of that key.
pub(super) fn is_stream_of(stream: &StreamName, id: ApiKeyId) -> bool {
    let mut text = [0; 36];
    let id: &str = id.uuid().as_hyphenated().encode_lower(&mut text);
    stream.as_str().strip_prefix("api_key/") == Some(id)
}

/// The digest of an exchange's stream and of every field that the job stated, each with its length before it.
fn statement(stream: &StreamName, workflow: &Workflow, scratch: &mut Vec<u8>) -> [u8; 32] {
    let Workflow {
        commit,
        environment,
        job_repository_id,
        job_workflow_commit,
        job_workflow_ref,
        owner_id,
        git_ref,
        ref_protected,
        ref_type,
        repository,
        repository_id,
        run_attempt,
        run_id,
        runner,
        trigger,
        visibility,
        workflow_commit,
        workflow_ref,
    } = workflow;
    scratch.clear();
    for text in [stream.as_str(), repository.as_str(), repository_id.as_str()] {
        write(scratch, Some(text));
    }
    let optional = [
        commit,
        environment,
        job_repository_id,
        job_workflow_commit,
        job_workflow_ref,
        owner_id,
        git_ref,
        ref_type,
        run_attempt,
        run_id,
        runner,
        trigger,
        visibility,
        workflow_commit,
        workflow_ref,
    ];
    for text in optional {
        write(scratch, text.as_ref().map(Text::as_str));
    }
    scratch.push(match ref_protected {
        None => 0,
        Some(false) => 1,
        Some(true) => 2,
    });
    *Digest::of(scratch).as_bytes()
}

/// A text is never empty, so that a length of zero means there is none.
fn write(bytes: &mut Vec<u8>, text: Option<&str>) {
    let text = text.unwrap_or_default();
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
}
