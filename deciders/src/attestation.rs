//! A build attestation that was verified: whether its trust root may vouch for the job, and whether the certificate is of
//! the very run that bought the pushing key.
//!
//! Signatures and logs were checked outside, against a root of the operator's choice. What they say is a fact here, and
//! stands in `release.attested` field by field beside what was expected, so that whoever reads the log decides again.
use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString as _},
    vec::Vec,
};
use events::{
    attestation::{Attested, Compared, Field, LogEntry},
    claims::ProviderKind,
    digest::Digest,
    policy::Publisher,
    stream::EventRef,
    text::Text,
    time::Timestamp,
};

use crate::{Code, Denial, matching::Job, push, statement, trust_root::TrustRoot};

mod bind;
mod run;

pub use bind::{bind, code_of, name_of};

/// What a verified certificate says, each as [`Text::claim`] has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// The name that the certificate was issued to, its subject alternative name.
    pub identity: Option<Text>,
    /// Its extensions, by the field that they are compared as; what it does not say is not there.
    fields: BTreeMap<Field, Text>,
}

impl Claims {
    /// What it says of this field. Run, attempt and job are one extension.
    pub fn of(&self, field: Field) -> Option<&Text> {
        self.fields.get(&extension(field))
    }

    /// Takes down what it says of this field, if anything. A run is taken whole.
    pub fn say(&mut self, field: Field, said: Option<Text>) {
        let field = extension(field);
        match said {
            Some(said) => self.fields.insert(field, said),
            None => self.fields.remove(&field),
        };
    }

    /// The fields that it says something of.
    pub fn fields(&self) -> impl Iterator<Item = Field> {
        self.fields.keys().copied()
    }
}

fn extension(field: Field) -> Field {
    if matches!(field, Field::Attempt | Field::Job) {
        Field::Run
    } else {
        field
    }
}

/// One bundle that verified.
///
/// Of its evidence, only what its trust root requires is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Who built it, by the word of a provenance.
    pub builder: Option<Text>,
    /// SHA-256 of the bundle's bytes as they were uploaded.
    pub bundle: Digest,
    /// SHA-256 of the signing certificate.
    pub certificate: Digest,
    /// What the certificate says.
    pub claims: Claims,
    /// Its entry in a transparency log.
    pub entry: Option<LogEntry>,
    /// The predicate's type, of an in-toto statement.
    pub predicate: Option<Text>,
    /// The trust root that verified it.
    pub root: EventRef,
    /// It proves that the certificate was shown to a certificate transparency log.
    pub sct: bool,
    /// When it was signed.
    pub signed: Timestamp,
    /// A timestamp authority vouches for that time.
    pub timestamp: bool,
}

impl Facts {
    /// The facts that led to this event. The pairs hold the certificate's side, so that it can be decided again.
    pub fn recorded(attested: &Attested) -> Self {
        let mut claims = Claims::default();
        let mut attempt = None;
        for Compared {
            certificate, field, ..
        } in &attested.compared
        {
            if *field == Field::Attempt {
                attempt = Some(certificate);
                continue;
            }
            if *field == Field::Signer {
                claims.identity = Some(certificate.clone());
            }
            claims.say(*field, Some(certificate.clone()));
        }
        if let (Some(attempt), Some(run)) = (attempt, claims.of(Field::Run)) {
            claims.say(Field::Run, Some(run::joined(run, attempt)));
        }
        Self {
            builder: attested.builder.clone(),
            bundle: attested.bundle,
            certificate: attested.certificate,
            claims,
            entry: attested.entry.clone(),
            predicate: attested.predicate.clone(),
            root: attested.root.clone(),
            sct: attested.sct,
            signed: attested.signed,
            timestamp: attested.timestamp,
        }
    }

    /// The event that a push with this bundle leads to, which this root verified.
    pub(crate) fn event(
        &self,
        release: &push::Facts,
        root: Option<&TrustRoot>,
        compared: Vec<Compared>,
    ) -> Attested {
        let root = root.and_then(|root| root.version(self.root.revision));
        Attested {
            builder: self.builder.clone(),
            bundle: self.bundle,
            certificate: self.certificate,
            compared,
            digest: release.digest,
            entry: self.entry.clone(),
            name: release.name.clone(),
            number: release.number.clone(),
            platform: release.platform.clone(),
            predicate: self.predicate.clone(),
            public: self.entry.is_some() && root.is_some_and(|recorded| recorded.public),
            root: self.root.clone(),
            sct: self.sct,
            signed: self.signed,
            timestamp: self.timestamp,
        }
    }
}

/// Judges one bundle of a push whose job is this publisher: every pair that was compared, in the order of the fields'
/// names. `same_attempt` demands the very attempt of the run that pushes.
pub fn judge(
    facts: &Facts,
    root: Option<&TrustRoot>,
    job: &Job<'_>,
    publisher: &Publisher,
    same_attempt: bool,
    now: Timestamp,
) -> Result<Vec<Compared>, Denial> {
    vouched(facts, root, job)?;
    if facts.signed > now {
        return Err(Denial {
            tell: true,
            ..Denial::new(Code::AttestationFuture)
                .found(text_of(facts.signed))
                .expected(text_of(now))
        });
    }
    let compared = bind(&facts.claims, job, publisher, same_attempt)?;
    built(facts, job)?;
    Ok(compared)
}

/// A provenance names its builder, and nothing else does: at GitHub the workflow file that signed, at GitLab a runner of
/// the repository. Both were compared by now.
fn built(facts: &Facts, job: &Job<'_>) -> Result<(), Denial> {
    const ABSENT: &str = "(absent)";
    let provenance = facts.predicate.as_ref().map(Text::as_str) == Some(statement::PROVENANCE);
    let claim = |field| {
        facts
            .claims
            .of(field)
            .map_or(ABSENT, Text::as_str)
            .to_string()
    };
    let builder = facts.builder.as_ref().map_or(ABSENT, Text::as_str);
    let (expected, same) = match job.provider.kind {
        _ if !provenance => (ABSENT.to_string(), builder == ABSENT),
        ProviderKind::Gitlab => {
            let runners = format!("{}/-/runners/", claim(Field::Repository));
            let runner = builder.strip_prefix(&runners);
            let same = runner.is_some_and(|id| run::number(id).is_some());
            (format!("{runners}ID"), same)
        }
        ProviderKind::Github | ProviderKind::Generic => {
            let signer = claim(Field::Signer);
            (signer.clone(), builder == signer && facts.builder.is_some())
        }
    };
    if same {
        return Ok(());
    }
    Err(Denial {
        tell: true,
        ..Denial::new(Code::AttestationBuilder)
            .expected(expected)
            .found(builder)
    })
}

/// The root is in force in this very version, for this issuer, and the bundle has the evidence that it requires.
fn vouched(facts: &Facts, root: Option<&TrustRoot>, job: &Job<'_>) -> Result<(), Denial> {
    let name = facts.root.stream.rest();
    let live = root
        .and_then(|root| root.live().ok())
        .filter(|(revision, _)| *revision == facts.root.revision);
    let (_, recorded) =
        live.ok_or_else(|| Denial::new(Code::AttestationRootUnknown).found(name))?;
    if !recorded.issuers.contains(&job.provider.issuer) {
        return Err(Denial::new(Code::AttestationRootIssuer)
            .found(job.provider.issuer.as_str())
            .expected(name));
    }
    let requires = recorded.requires;
    let counted = [
        ("a log entry", facts.entry.is_some(), requires.log),
        ("a certificate timestamp", facts.sct, requires.sct),
        ("a timestamp", facts.timestamp, requires.timestamp),
    ];
    match counted.iter().find(|(_, there, needed)| there != needed) {
        None => Ok(()),
        Some((what, ..)) => Err(Denial {
            tell: true,
            ..Denial::new(Code::AttestationEvidence).expected(*what)
        }),
    }
}

/// Two bundles that are the same, or say the same thing, are one too many.
pub(crate) fn distinct(attestations: &[Facts]) -> Result<(), Denial> {
    for (place, one) in attestations.iter().enumerate() {
        let mut others = attestations.iter().skip(place + 1);
        if others.any(|other| other.bundle == one.bundle || other.predicate == one.predicate) {
            let kind = one.predicate.as_ref().map(Text::as_str);
            return Err(
                Denial::new(Code::AttestationDuplicate).found(kind.unwrap_or("message signature"))
            );
        }
    }
    Ok(())
}

fn text_of(time: Timestamp) -> String {
    format!("{time}")
}
