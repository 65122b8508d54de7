//! The bundles of a push: split, held against the trust roots of the operator's choice, and turned into facts.
//!
//! Nothing is stored here and nothing is decided: whether a verified certificate is of the run that pushes, the decision
//! says. Which roots are tried follows from the issuer of the pushing key's token alone; a bundle never chooses.
use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use deciders::{
    Code, Denial,
    attestation::{Claims, Facts},
    provider::Provider,
    push,
};
use events::{
    attestation::{self, Field},
    digest::Digest,
    stream::StreamName,
    text::Text,
    time::Timestamp,
};

use super::{
    App,
    push::PushError,
    trust_roots::{TrustRoot, TrustRootError},
};
use crate::{
    sigstore::{
        Artifact, BundleError, Certificate, LogName, Uploaded, Verified, VerifyError, bundles,
        distinct, verify,
    },
    views,
    views::api_keys::ApiKeyRow,
};

/// Longest `attestations` part of a push, in bytes.
pub const MAX_ATTESTATIONS: usize = crate::sigstore::MAX_PART_BYTES;

/// How long to wait before a bundle from the future is looked at once more: by so much may this server's clock lag behind
/// the one of a transparency log.
const LAG: Duration = Duration::from_secs(2);

/// Why the bundles of a push are refused.
#[derive(Debug, thiserror::Error)]
pub enum AttestationError {
    /// They cannot be read.
    #[error("{0}")]
    Malformed(#[from] BundleError),
    /// The operator trusts nobody to vouch for this issuer's jobs.
    #[error("no trust root of this registry vouches for the jobs of {issuer}")]
    NoRoot {
        /// The issuer.
        issuer: String,
    },
    /// One does not verify with any root. Bundles are numbered from 1.
    #[error("attestation {number} does not verify: {error}{}", by(.root.as_deref()))]
    Unverified {
        /// Which.
        number: usize,
        /// The root that came furthest, where several were tried.
        root: Option<String>,
        /// What is wrong.
        error: VerifyError,
    },
    /// Two of them say the same thing.
    #[error("{0}")]
    SameKind(VerifyError),
    /// A trust root cannot be used.
    #[error(transparent)]
    Root(#[from] TrustRootError),
}

fn by(root: Option<&str>) -> String {
    root.map_or_else(String::new, |root| format!(" (by the trust root {root})"))
}

/// A bundle that verified, and its bytes as they came.
#[derive(Clone, Debug)]
pub(super) struct Bundle {
    pub(super) facts: Facts,
    pub(super) bytes: Bytes,
    /// It tells everybody the name of a repository that not everybody may see.
    pub(super) publishes_name: bool,
}

/// Why no root verified a bundle.
struct Refused {
    number: usize,
    reasons: Vec<(String, VerifyError)>,
}

/// What one look at all bundles led to.
enum Looked {
    All(Vec<Bundle>),
    Refused(Refused),
    Malformed(BundleError),
    NoRoot,
    SameKind(VerifyError),
}

impl App {
    /// Verifies the bundles that came with a file. On exactly the error that a bundle is from the future, it waits two
    /// seconds and looks once more.
    pub(super) async fn verify_attestations(
        &self,
        key: &ApiKeyRow,
        part: &Bytes,
        release: &push::Facts,
    ) -> Result<Vec<Bundle>, PushError> {
        let issuer = self.issuer_of(key).await?;
        let roots = self.trust_roots_for(&issuer).await;
        let roots = Arc::new(roots.map_err(AttestationError::Root)?);
        let look = || self.look(&issuer, part, release, &roots);
        let refused = match look().await? {
            Looked::Refused(refused) if refused.is_early() => {
                self.clock.sleep(LAG).await;
                look().await?
            }
            looked @ (Looked::All(_)
            | Looked::Refused(_)
            | Looked::Malformed(_)
            | Looked::NoRoot
            | Looked::SameKind(_)) => looked,
        };
        match refused {
            Looked::All(bundles) => Ok(bundles),
            Looked::Refused(refused) => Err(AttestationError::from(refused).into()),
            Looked::Malformed(error) => Err(AttestationError::Malformed(error).into()),
            Looked::NoRoot => Err(AttestationError::NoRoot { issuer }.into()),
            Looked::SameKind(error) => Err(AttestationError::SameKind(error).into()),
        }
    }

    /// Keeps the bytes of bundles that the log will name, or names already and that were lost or damaged. Returns the
    /// others: the release is there, and they are not among what it came with.
    pub(super) async fn keep_attestations(
        &self,
        release: &push::Facts,
        bundles: &[Bundle],
        releases: bool,
    ) -> Result<Vec<Digest>, PushError> {
        let known = if releases || bundles.is_empty() {
            Vec::new()
        } else {
            views::attestations::of(&self.reader, release.file.as_str()).await?
        };
        let mut ignored = Vec::new();
        for bundle in bundles {
            let digest = &bundle.facts.bundle;
            if releases || known.contains(digest) {
                self.keep_file(digest, bundle.bytes.clone(), releases)
                    .await?;
            } else {
                ignored.push(*digest);
            }
        }
        Ok(ignored)
    }

    /// The issuer of the token that bought the key. A person's key has none, and attests nothing.
    async fn issuer_of(&self, key: &ApiKeyRow) -> Result<String, PushError> {
        let denied = |code: Code| PushError::Denied(Denial::from(code));
        let token = key.exchange.as_ref();
        let (slug, ..) = token
            .and_then(StreamName::token_parts)
            .ok_or_else(|| denied(Code::AttestationNeedsPublisher))?;
        let provider: Provider = views::state(&self.reader, &StreamName::provider(&slug)).await?;
        let registered = provider.live(self.clock.now()).map_err(PushError::Denied)?;
        Ok(registered.issuer.to_string())
    }

    /// One look at all of them, which takes milliseconds of a core.
    async fn look(
        &self,
        issuer: &str,
        part: &Bytes,
        release: &push::Facts,
        roots: &Arc<Vec<TrustRoot>>,
    ) -> Result<Looked, PushError> {
        let _turn = self
            .parses
            .acquire()
            .await
            .map_err(|_| PushError::GivenUp)?;
        let (issuer, part, roots) = (issuer.to_owned(), part.clone(), Arc::clone(roots));
        let (digest, file) = (release.digest, format!("{}.gem", release.file));
        let now = self.clock.now();
        let looked = tokio::task::spawn_blocking(move || {
            let artifact = Artifact {
                digest,
                file_name: &file,
            };
            all(&part, &roots, &artifact, &issuer, now)
        });
        looked.await.map_err(|_| PushError::GivenUp)
    }
}

/// Every bundle with the first root that verifies it.
fn all(
    part: &Bytes,
    roots: &[TrustRoot],
    artifact: &Artifact<'_>,
    issuer: &str,
    now: Timestamp,
) -> Looked {
    let uploads = match bundles(part) {
        Ok(uploads) => uploads,
        Err(error) => return Looked::Malformed(error),
    };
    // What cannot be read is told apart from what nobody vouches for, whatever roots there are.
    if roots.is_empty() {
        return Looked::NoRoot;
    }
    let mut verified = Vec::new();
    for (place, upload) in uploads.iter().enumerate() {
        match one(upload, roots, artifact, issuer, now) {
            Ok((root, found)) => verified.push((root, found, part.slice_ref(upload.bytes()))),
            Err(reasons) => {
                return Looked::Refused(Refused {
                    number: place + 1,
                    reasons,
                });
            }
        }
    }
    match distinct(verified.iter().map(|(_, found, _)| found)) {
        Ok(()) => Looked::All(
            verified
                .into_iter()
                .map(|(root, found, bytes)| bundle(root, &found, bytes))
                .collect(),
        ),
        Err(error) => Looked::SameKind(error),
    }
}

/// One bundle with the first root that verifies it, or what each root says.
fn one<'a>(
    upload: &Uploaded<'_>,
    roots: &'a [TrustRoot],
    artifact: &Artifact<'_>,
    issuer: &str,
    now: Timestamp,
) -> Result<(&'a TrustRoot, Verified), Vec<(String, VerifyError)>> {
    let mut reasons = Vec::new();
    for root in roots {
        match verify(&root.root, upload, artifact, issuer, now) {
            Ok(verified) => return Ok((root, verified)),
            Err(error) => reasons.push((root.reference.stream.rest().to_owned(), error)),
        }
    }
    Err(reasons)
}

impl Refused {
    /// The clocks disagree, by as little as may be.
    fn is_early(&self) -> bool {
        let mut errors = self.reasons.iter().map(|(_, error)| error);
        errors.any(|error| matches!(error, VerifyError::Future { .. }))
    }
}

impl From<Refused> for AttestationError {
    fn from(refused: Refused) -> Self {
        let Refused { number, reasons } = refused;
        let several = reasons.len() > 1;
        // Of those that came equally far, the first by name.
        let mut reasons = reasons.into_iter();
        let mut furthest = reasons.next();
        for (root, error) in reasons {
            if furthest
                .as_ref()
                .is_none_or(|(_, best)| best.reached() < error.reached())
            {
                furthest = Some((root, error));
            }
        }
        let nobody = || (String::new(), VerifyError::Evidence("trust root"));
        let (root, error) = furthest.unwrap_or_else(nobody);
        Self::Unverified {
            number,
            root: several.then_some(root),
            error,
        }
    }
}

/// What is known of a verified bundle. Of its evidence, what the root requires is counted and nothing else.
pub fn facts(root: &TrustRoot, verified: &Verified) -> Facts {
    let Verified {
        bundle,
        certificate,
        checked,
        content: _,
        log_entry,
        times: _,
    } = verified;
    let requires = root.requires;
    let entry = log_entry.as_ref().filter(|_| requires.log && checked.log);
    Facts {
        builder: verified.builder().map(Text::claim),
        bundle: *bundle,
        certificate: certificate.digest,
        claims: claims(certificate),
        entry: entry.map(|entry| attestation::LogEntry {
            index: Text::claim(&entry.index),
            log: Text::claim(match &entry.log {
                LogName::KeyId(name) | LogName::Origin(name) => name,
            }),
        }),
        predicate: verified.predicate_type().map(Text::claim),
        root: root.reference.clone(),
        sct: requires.sct && checked.sct,
        // Something always vouches for a time; without one, nothing would have verified.
        signed: verified.signed_by().unwrap_or(certificate.not_before),
        timestamp: requires.timestamp && checked.timestamp,
    }
}

/// A verified bundle with what is known of it.
fn bundle(root: &TrustRoot, verified: &Verified, bytes: Bytes) -> Bundle {
    let private = verified.certificate.visibility.as_deref() != Some("public");
    Bundle {
        facts: facts(root, verified),
        bytes,
        publishes_name: root.public && root.requires.log && private,
    }
}

fn claims(certificate: &Certificate) -> Claims {
    let identity = certificate.identity.as_ref();
    let mut claims = Claims::default();
    claims.identity = identity.map(|identity| Text::claim(identity.as_str()));
    let issuer = Some(certificate.issuer.clone());
    for (field, said) in [
        (Field::BuildConfig, &certificate.build_config_uri),
        (Field::BuildConfigCommit, &certificate.build_config_digest),
        (Field::Commit, &certificate.source_repository_digest),
        (Field::Environment, &certificate.environment),
        (Field::Issuer, &issuer),
        (Field::OwnerId, &certificate.source_repository_owner_id),
        (Field::Ref, &certificate.source_repository_ref),
        (Field::Repository, &certificate.source_repository_uri),
        (Field::RepositoryId, &certificate.source_repository_id),
        (Field::Run, &certificate.run_invocation_uri),
        (Field::Runner, &certificate.runner_environment),
        (Field::Signer, &certificate.build_signer_uri),
        (Field::SignerCommit, &certificate.build_signer_digest),
        (Field::Trigger, &certificate.build_trigger),
        (Field::Visibility, &certificate.visibility),
    ] {
        claims.say(field, said.as_deref().map(Text::claim));
    }
    claims
}

/// The digests of these bundles, in their order.
pub(super) fn digests(bundles: &[Bundle]) -> Vec<Digest> {
    bundles.iter().map(|bundle| bundle.facts.bundle).collect()
}

/// What whoever pushed may not have meant: attestations that nobody will see, or a private repository's name in a log that
/// everybody reads.
pub(super) fn warning(bundles: &[Bundle], ignored: &[Digest]) -> Option<String> {
    match ignored.len() {
        0 => (),
        1 => {
            let text = "the release is there without this attestation, which was not recorded; release a new version with it";
            return Some(text.to_owned());
        }
        count => {
            return Some(format!(
                "the release is there without {count} of these attestations, which were not recorded; release a new version \
                 with them"
            ));
        }
    }
    let mut bundles = bundles.iter();
    bundles.any(|bundle| bundle.publishes_name).then(|| {
        "the repository is not public, and its name stands now in a transparency log that everybody reads; a private \
         instance of Sigstore would not publish it"
            .to_owned()
    })
}
