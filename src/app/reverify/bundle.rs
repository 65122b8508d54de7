//! One stored bundle, held against the log and against its trust root of then and of today; pure.
use bytes::Bytes;
use deciders::attestation::{Claims, Facts, name_of};
use events::{
    attestation::{Attested, Field},
    text::Text,
    time::Timestamp,
};

use super::{Kind, Pair, Today};
use crate::{
    app::{attestations, trust_roots::TrustRoot},
    sigstore::{Artifact, Uploaded, VerifyError, verify},
};

/// A stored bundle beside what the log says of it.
pub(super) struct Evidence<'a> {
    pub(super) attested: &'a Attested,
    pub(super) bytes: &'a Bytes,
    pub(super) file: &'a str,
    pub(super) now: Timestamp,
}

impl Evidence<'_> {
    /// What is not as it was.
    pub(super) fn findings(&self, roots: &Pair) -> Vec<(Kind, String)> {
        let mut findings = Vec::new();
        match &roots.named {
            Err(text) => findings.push((Kind::CouldNotTell, text.clone())),
            Ok(root) => match self.facts(root) {
                Ok(facts) => findings.extend(self.differs(&facts)),
                Err(error @ VerifyError::Future { .. }) => {
                    findings.push((Kind::CouldNotTell, error.to_string()));
                }
                Err(error) => {
                    let version = root.reference.revision;
                    let text = format!("version {version} of its trust root refuses it: {error}");
                    findings.push((Kind::Damaged, text));
                }
            },
        }
        let newest = match &roots.newest {
            None => None,
            Some(Err(text)) => Some((Kind::CouldNotTell, text.clone())),
            Some(Ok(root)) => self.refused(root),
        };
        findings.extend(newest);
        if findings.is_empty() {
            findings.extend(
                roots
                    .today
                    .as_deref()
                    .and_then(|today| self.withdrawn(today)),
            );
        }
        findings
    }

    /// Why the newest version of its root refuses it.
    fn refused(&self, newest: &TrustRoot) -> Option<(Kind, String)> {
        let error = self.facts(newest).err()?;
        let kind = if matches!(error, VerifyError::Future { .. }) {
            Kind::CouldNotTell
        } else {
            Kind::NoLongerVouched
        };
        let version = newest.reference.revision;
        let text = format!("version {version}, the newest of its trust root, refuses it: {error}");
        Some((kind, text))
    }

    /// Why its root vouches for it no longer, although it still holds.
    fn withdrawn(&self, today: &Today) -> Option<(Kind, String)> {
        let issuer = self.pair(Field::Issuer);
        let text = if today.retired {
            "it holds, and its trust root was retired since".to_owned()
        } else if issuer.is_some_and(|issuer| !today.issuers.contains(issuer)) {
            "it holds, and its trust root vouches for the jobs of its issuer no longer".to_owned()
        } else {
            return None;
        };
        Some((Kind::Withdrawn, text))
    }

    /// What the bundle proves under this root.
    fn facts(&self, root: &TrustRoot) -> Result<Facts, VerifyError> {
        let upload = Uploaded::read(self.bytes)
            .map_err(|error| VerifyError::Unsupported(error.to_string()))?;
        let artifact = Artifact {
            digest: self.attested.digest,
            file_name: self.file,
        };
        let issuer = self.pair(Field::Issuer).map_or("", Text::as_str);
        let verified = verify(&root.root, &upload, &artifact, issuer, self.now)?;
        Ok(attestations::facts(root, &verified))
    }

    fn pair(&self, field: Field) -> Option<&Text> {
        let mut pairs = self.attested.compared.iter();
        let pair = pairs.find(|pair| pair.field == field);
        pair.map(|pair| &pair.certificate)
    }

    /// What the event says and the bundle does not.
    fn differs(&self, facts: &Facts) -> Option<(Kind, String)> {
        let said = Facts::recorded(self.attested);
        let mut differs: Vec<&str> = [
            ("builder", said.builder == facts.builder),
            ("bundle", said.bundle == facts.bundle),
            ("certificate", said.certificate == facts.certificate),
            ("entry", said.entry == facts.entry),
            ("predicate", said.predicate == facts.predicate),
            ("sct", said.sct == facts.sct),
            ("signed", said.signed == facts.signed),
            ("timestamp", said.timestamp == facts.timestamp),
        ]
        .iter()
        .filter_map(|(name, same)| (!same).then_some(*name))
        .collect();
        differs.extend(claimed(&said.claims, &facts.claims));
        let text = || format!("the log says something else of its {}", differs.join(", "));
        (!differs.is_empty()).then(|| (Kind::Damaged, text()))
    }
}

/// The claims that the event has and the certificate does not, by name. What was not compared is not in the event.
fn claimed(said: &Claims, certificate: &Claims) -> Vec<&'static str> {
    let other = said.identity.is_some() && said.identity != certificate.identity;
    let fields = said.fields();
    let fields = fields.filter(|field| said.of(*field) != certificate.of(*field));
    let names = other.then_some("identity").into_iter();
    names.chain(fields.map(name_of)).collect()
}
