//! The shape of the transparency record; its JSON is `docs/formats/provenance.md`.
use std::collections::BTreeMap;

use deciders::rule::Class;
use events::{
    attestation::{Compared, Field},
    claims::Workflow,
    digest::Digest,
    id::{Actor, Via},
    name::GemName,
    platform::Platform,
    stream::StreamName,
    text::{Slug, Text},
    time::Timestamp,
    version::GemVersion,
};
use serde::{Serialize, Serializer};

pub use super::chain::{
    ApiKeyStep, Chain, ExchangeStep, ProviderKeyStep, ProviderStep, PublisherStep,
};
use crate::views::{comparisons::Comparisons, index::Quarantine};

/// The version of this shape. A field may be added under the same number; one that changes its meaning raises it.
pub const RECORD_VERSION: u32 = 1;

/// How something is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// This registry's word is not needed: it stands in the signed log, and that was checked for this answer; or a
    /// certificate says so that is here to be verified again, by whoever trusts the root that is named beside it.
    Proven,
    /// This registry says so, and its word in the log is all there is.
    StatedByRegistry,
    /// Nothing here tells.
    NotKnown,
}

/// Why something that a certificate proves is less than it could be; the weakest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weaker {
    /// Not everybody can read the log that has the signature.
    PrivateLog,
    /// A timestamp authority alone vouches for the time: no log was asked for, so that nobody else can see the signature.
    NoLog,
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
    #[serde(flatten, skip_serializing_if = "Comparisons::is_empty")]
    pub comparisons: Comparisons,
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

impl TransparencyRecord {
    /// The strongest bundle whose certificate says something of this field, by its place, and what it says.
    pub fn certified(&self, field: Field) -> Option<(usize, &Attestation, &Compared)> {
        let bundles = self.attestations.iter().enumerate();
        let saying = bundles.filter_map(|(place, one)| Some((place, one, one.pair(field)?)));
        saying.min_by_key(|(_, one, _)| (!one.kept, one.weaker()))
    }

    /// The last time that somebody was shown the sealed identity token.
    pub fn opened(&self) -> Option<&Entry> {
        let mut later = self.since.iter().rev();
        later.find(|entry| entry.event_type == "evidence.opened")
    }
}

/// What the identity provider stated about the job that pushed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// How the whole of it is known: by the identity token, which is sealed.
    pub known: Known,
    /// The claims that a certificate proves too, each with the place of its attestation in
    /// [`TransparencyRecord::attestations`], from 0.
    pub certified: BTreeMap<&'static str, usize>,
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
    /// The run; at GitLab, the pipeline.
    pub run: Option<String>,
    /// The job, at GitLab.
    pub job: Option<String>,
    /// The workflow's file, at the commit it was read from.
    pub workflow: Option<String>,
    /// The file that defines the job, likewise: another one where it is a reusable workflow.
    pub signer: Option<String>,
}

/// One thing that one may want to know about a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// A stable name.
    pub subject: &'static str,
    /// How it is known.
    pub known: Known,
    /// Why it is less than proven could be; absent where it is not.
    pub weaker: Option<Weaker>,
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
    /// Why it is less than proven could be; absent where it is not.
    pub weaker: Option<Weaker>,
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
    /// The workflow that defines the job and signs, where it is another one: a reusable workflow.
    Signer,
    /// The run.
    Run,
    /// GitLab: the job, in place of the run.
    Job,
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
fn words<S: Serializer>(class: &Class, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(class.as_str())
}

/// A build attestation: `release.attested`, with what its trust root was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attestation {
    /// The event.
    #[serde(flatten)]
    pub entry: Entry,
    /// SHA-256 of the bundle as it was uploaded.
    pub bundle: Digest,
    /// Whether the bundle is here, so that it can be verified again.
    pub kept: bool,
    /// SHA-256 of the signing certificate.
    pub certificate: Digest,
    /// How strong its evidence is.
    #[serde(serialize_with = "words")]
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

impl Attestation {
    /// What the certificate says of this field, beside what was expected.
    pub fn pair(&self, field: Field) -> Option<&Compared> {
        self.compared.iter().find(|pair| pair.field == field)
    }

    /// How it is known what the certificate says: while the bundle is here, it can be verified again.
    pub fn known(&self) -> Known {
        if self.kept {
            Known::Proven
        } else {
            Known::StatedByRegistry
        }
    }

    /// Why it proves less than it could.
    pub fn weaker(&self) -> Option<Weaker> {
        match self.class {
            Class::Timestamp => Some(Weaker::NoLog),
            Class::PrivateLog => Some(Weaker::PrivateLog),
            Class::PublicLog => None,
        }
    }
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
    /// The bundles, as they were uploaded; absent where one is missing.
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
