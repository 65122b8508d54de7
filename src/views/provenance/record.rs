//! The shape of the transparency record; its JSON is `docs/formats/provenance.md`.
use events::{
    attestation::Compared,
    claims::{ProviderKind, Workflow},
    digest::Digest,
    id::{AccountId, Actor, ApiKeyId, PublisherId, Via},
    name::GemName,
    platform::Platform,
    policy::Publisher,
    provider::PublicJwk,
    stream::StreamName,
    text::{Slug, Text},
    time::Timestamp,
    version::GemVersion,
};
use serde::Serialize;

use crate::views::{comparisons::Comparison, index::Quarantine};

/// The version of this shape. A field may be added under the same number; one that changes its meaning raises it.
pub const RECORD_VERSION: u32 = 1;

/// How something is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// Nobody's word is needed: it stands in the signed log, and that was checked for this answer; or a certificate says
    /// so that anybody can verify again.
    Proven,
    /// This registry says so, and its word in the log is all there is.
    StatedByRegistry,
    /// Nothing here tells.
    NotKnown,
}

/// Everything this registry knows about where a release came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TransparencyRecord {
    /// [`RECORD_VERSION`].
    pub record_version: u32,
    /// The registry's address.
    pub registry: String,
    /// The gem's name as it is spelled.
    pub gem: GemName,
    /// The version as it is spelled.
    pub number: GemVersion,
    /// The platform, `ruby` for plain gems.
    pub platform: Platform,
    /// The name of the file.
    pub file: String,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Size of the file in bytes.
    pub size: u64,
    /// SHA-256 of the public metadata document.
    pub document: Digest,
    /// When it was released, by this registry's clock.
    pub released: Timestamp,
    /// Since when and why its file is withheld; absent while it is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quarantined: Option<Quarantine>,
    /// Where it came from; absent if it was pushed with an account's key.
    pub source: Option<Source>,
    /// What is known of it, and how.
    pub statements: Vec<Statement>,
    /// The way from the source repository to the log, link by link.
    pub links: Vec<Link>,
    /// The build attestations that came with it, each verified before it was let in.
    pub attestations: Vec<Attestation>,
    /// Where its bundles and the registry's own word on it are; absent where there are none.
    pub evidence: Evidence,
    /// The events behind it.
    pub chain: Chain,
    /// Later events that bear on it, in the order of the log.
    pub since: Vec<Entry>,
    /// What others state of its files and its repository; left out if nobody does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub comparisons: Vec<Comparison>,
    /// The log that holds all this.
    pub log: LogAt,
    /// The receipt of the release's event, the text of a `.tlog-proof` file.
    pub receipt: String,
}

/// The log at the checkpoint that everything was held against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogAt {
    /// Its origin.
    pub origin: String,
    /// How many events the checkpoint covers.
    pub size: u64,
    /// The root of their tree, base64.
    pub root: String,
    /// The key that signed the checkpoint.
    pub vkey: String,
}

/// What the identity provider stated about the job that pushed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// How this is known.
    pub known: Known,
    /// The provider's name here.
    pub provider: Slug,
    /// The provider's issuer.
    pub issuer: Option<Text>,
    /// The claims, as the exchange recorded them.
    #[serde(flatten)]
    pub workflow: Workflow,
    /// Where to look at it, for the forges that are known here.
    pub urls: Urls,
}

/// Addresses at the forge: derived from checked parts, `None` where a part has an unexpected form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Urls {
    /// The repository.
    pub repository: Option<String>,
    /// The commit.
    pub commit: Option<String>,
    /// The run.
    pub run: Option<String>,
    /// The workflow's file, at the commit it was read from.
    pub workflow: Option<String>,
}

/// One thing that one may want to know about a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// A stable name.
    pub subject: &'static str,
    /// How it is known.
    pub known: Known,
    /// What is stated, as a sentence.
    pub says: String,
    /// What was checked, or why it cannot be known.
    pub how: String,
}

/// One link of the way from the source repository to the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// What it is; a stable name.
    pub link: LinkName,
    /// How it is known.
    pub known: Known,
    /// What it is here: a repository, a commit, a log index; absent where nothing is known.
    pub value: Option<String>,
    /// Which of [`TransparencyRecord::attestations`] it stands on or is part of, from 0.
    pub attestation: Option<usize>,
    /// How it was checked, or why it is not known.
    pub how: String,
    /// Where to look at it.
    pub url: Option<String>,
}

/// The links, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkName {
    /// The source repository.
    Repository,
    /// The commit.
    Commit,
    /// The workflow's file.
    Workflow,
    /// The run; at GitLab, the job.
    Run,
    /// The certificate that signed the file.
    Certificate,
    /// Its entry in a transparency log.
    LogEntry,
    /// A timestamp, where no transparency log has it.
    Timestamp,
    /// The identity token that bought the key.
    IdentityToken,
    /// The key that pushed.
    ApiKey,
    /// The gem's policy.
    Policy,
    /// The place of the release in this registry's log.
    LogIndex,
}

/// How strong the evidence of a bundle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A transparency log has it: others can see that it was signed.
    Logged,
    /// Only a timestamp authority vouches for the time: weaker, because nobody else can see it.
    Timestamped,
}

/// A build attestation: `release.attested`, with what its trust root was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attestation {
    /// The event.
    #[serde(flatten)]
    pub entry: Entry,
    /// SHA-256 of the bundle as it was uploaded.
    pub bundle: Digest,
    /// SHA-256 of the signing certificate.
    pub certificate: Digest,
    /// How strong its evidence is.
    pub class: Class,
    /// The predicate of an in-toto statement; absent for a signature over the file itself.
    pub predicate: Option<Text>,
    /// When it was signed, as log or timestamp authority vouch.
    pub signed: Timestamp,
    /// The certificate was shown to a certificate transparency log.
    pub sct: bool,
    /// A timestamp authority vouches for the time.
    pub timestamp: bool,
    /// Its entry in a transparency log.
    pub log_entry: Option<LoggedEntry>,
    /// The trust root that verified it.
    pub root: RootStep,
    /// Every field of the certificate that was compared with the pushing job's token.
    pub compared: Vec<Compared>,
}

/// An entry of somebody else's transparency log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoggedEntry {
    /// Its index there.
    pub index: Text,
    /// That log: the id of its key, or its origin.
    pub log: Text,
    /// Where to look at it, if it is the public-good log of Sigstore.
    pub url: Option<String>,
}

/// A version of a trust root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RootStep {
    /// Its name here.
    pub name: String,
    /// Its version: the revision of its event.
    pub version: u64,
    /// `trust_root.recorded`, its inclusion checked.
    pub recorded: Option<Entry>,
    /// Whether everybody can read its log.
    pub public: bool,
    /// Where its `trusted_root.json` is.
    pub url: String,
}

/// Where the evidence is that others can check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The bundles, as they were uploaded.
    pub attestations: Option<String>,
    /// The registry's own word, signed: `docs/formats/vsa.md`.
    pub vsa: Option<String>,
}

/// One event of the log, its inclusion checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its place in the log.
    pub log_index: u64,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: &'static str,
    /// The stream it stands in.
    pub stream: StreamName,
    /// Its place there.
    pub revision: u64,
    /// When, by this registry's clock.
    pub time: Timestamp,
    /// Who, by an opaque id.
    pub actor: Actor,
    /// Through which door.
    pub via: Via,
}

/// The events behind a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chain {
    /// `release.pushed`
    pub release: Entry,
    /// The key that pushed it.
    pub api_key: Option<ApiKeyStep>,
    /// The exchange that minted the key.
    pub exchange: Option<ExchangeStep>,
    /// The last event of the gem's policy that the decision stands on.
    pub policy: Option<Entry>,
    /// The trusted publisher that matched.
    pub publisher: Option<PublisherStep>,
    /// The key that signed the identity token.
    pub provider_key: Option<ProviderKeyStep>,
    /// The identity provider.
    pub provider: Option<ProviderStep>,
}

/// `api_key.issued`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApiKeyStep {
    /// The event.
    #[serde(flatten)]
    pub entry: Entry,
    /// The key's id.
    pub id: ApiKeyId,
    /// The account that holds it, by an opaque id; absent for a key of a CI job.
    pub account: Option<AccountId>,
    /// When it dies.
    pub expires: Option<Timestamp>,
}

/// `token.exchanged`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExchangeStep {
    /// The event.
    #[serde(flatten)]
    pub entry: Entry,
    /// `aud` of the token.
    pub audience: Text,
    /// `iat` of the token.
    pub issued_at: Timestamp,
    /// The commitment to the raw token, which is sealed.
    pub sealed_token: Option<Digest>,
}

/// `publisher.added`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublisherStep {
    /// The event.
    #[serde(flatten)]
    pub entry: Entry,
    /// The publisher's id within the gem.
    pub id: PublisherId,
    /// `pending_publisher.added`, if it waited for the gem's first push: whoever added that one added it.
    pub pending: Option<Entry>,
    /// `publisher.pinned`, if its ids came with a push.
    pub pinned: Option<Entry>,
    /// What it asks of a job, as it was added.
    pub asks: Publisher,
}

impl PublisherStep {
    /// The event in which somebody decided to trust this publisher.
    pub fn decided(&self) -> &Entry {
        self.pending.as_ref().unwrap_or(&self.entry)
    }
}

/// `provider.keys_observed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProviderKeyStep {
    /// The event.
    #[serde(flatten)]
    pub entry: Entry,
    /// RFC 7638 thumbprint of the key.
    pub thumbprint: Digest,
    /// The name that tokens call it by.
    pub kid: Text,
    /// The public key.
    pub jwk: PublicJwk,
}

/// `provider.registered`, whose settings were in force at the exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProviderStep {
    /// The event.
    #[serde(flatten)]
    pub entry: Entry,
    /// The provider's name here.
    pub slug: Slug,
    /// Which dialect it speaks.
    pub kind: ProviderKind,
    /// `iss` of its tokens.
    pub issuer: Text,
    /// Where its keys are fetched.
    pub jwks_uri: Text,
}
