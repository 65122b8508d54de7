//! The build attestations of a release, each with the trust root that verified it.
use deciders::rule::Class;
use events::{
    Body, Recorded,
    attestation::{Attested, LogEntry},
    gem::Pushed,
    stream::EventRef,
};
use projections::rows::full_name;

use super::{
    record::{Attestation, Evidence, LoggedEntry, RootStep},
    walk::Walk,
};
use crate::{store::StoreError, views::together};

/// The key of the public-good transparency log of Sigstore, `rekor.sigstore.dev`, by its id. Its search page knows no other.
const PUBLIC_GOOD: &str = "c0d23d6ad406973f9559f3ba2d1ca01f84147d8ffc5b8445c224f98b9591801d";

impl Walk<'_> {
    /// The bundles that came with a release, in the order of their events.
    pub(super) async fn attestations(
        &self,
        release: &Recorded,
    ) -> Result<Vec<Attestation>, StoreError> {
        let group = together::with(&self.app.reader, release).await?;
        let mut found = Vec::new();
        for (recorded, attested) in together::attested(&group) {
            let kept = self.app.blobs.has(&attested.bundle).await;
            let kept = kept.map_err(|error| StoreError::Database(error.to_string()))?;
            let Attested {
                builder: _,
                bundle,
                certificate,
                compared,
                entry,
                predicate,
                root,
                sct,
                signed,
                timestamp,
                digest: _,
                name: _,
                number: _,
                platform: _,
                public: _,
            } = attested;
            found.push(Attestation {
                entry: self.entry(recorded).await?,
                bundle: *bundle,
                kept,
                certificate: *certificate,
                class: Class::of(attested),
                predicate: predicate.clone(),
                signed: *signed,
                sct: *sct,
                timestamp: *timestamp,
                log_entry: entry.as_ref().map(logged),
                root: self.root(root).await?,
                compared: compared.clone(),
            });
        }
        Ok(found)
    }

    async fn root(&self, root: &EventRef) -> Result<RootStep, StoreError> {
        let name = root.stream.rest().to_owned();
        let recorded = self.referred(root).await?;
        let settings = recorded.as_ref().map(|recorded| &recorded.event.body);
        let public = matches!(settings, Some(Body::TrustRootRecorded(root)) if root.public);
        let entry = match &recorded {
            Some(recorded) => Some(self.entry(recorded).await?),
            None => None,
        };
        let (registry, version) = (self.app.url.as_str(), root.revision);
        Ok(RootStep {
            url: format!("{registry}/api/v1/trust_roots/{name}/{version}.json"),
            name,
            version,
            recorded: entry,
            public,
        })
    }

    /// Where bundles and the registry's word are, if there are any. Bundles are served together or not at all.
    pub(super) fn evidence(&self, pushed: &Pushed, attestations: &[Attestation]) -> Evidence {
        let served = !attestations.is_empty() && attestations.iter().all(|one| one.kept);
        let registry = self.app.url.as_str();
        let (name, number) = (&pushed.name, &pushed.number);
        let release = if pushed.platform.is_ruby() {
            format!("{number}")
        } else {
            format!("{number}-{}", pushed.platform)
        };
        Evidence {
            attestations: served
                .then(|| format!("{registry}/api/v1/attestations/{}.json", full_name(pushed))),
            vsa: pushed
                .statement
                .map(|_| format!("{registry}/api/v1/gems/{name}/versions/{release}/vsa")),
        }
    }
}

/// The entry, with an address only if log and index have the form that those of the public-good log have.
fn logged(entry: &LogEntry) -> LoggedEntry {
    let index = entry.index.as_str();
    let digits = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
    let known = entry.log.as_str() == PUBLIC_GOOD && digits;
    LoggedEntry {
        url: known.then(|| format!("https://search.sigstore.dev/?logIndex={index}")),
        index: entry.index.clone(),
        log: entry.log.clone(),
    }
}

#[cfg(test)]
mod tests {
    use events::text::Text;

    use super::*;

    #[test]
    fn only_an_entry_of_the_public_good_log_has_an_address() {
        let url = |log: &str, index: &str| {
            let entry = LogEntry {
                index: Text::parse(index).unwrap(),
                log: Text::parse(log).unwrap(),
            };
            logged(&entry).url
        };
        assert_eq!(
            url(PUBLIC_GOOD, "123").as_deref(),
            Some("https://search.sigstore.dev/?logIndex=123")
        );
        for (log, index) in [
            (PUBLIC_GOOD, "1&x=2"),
            (PUBLIC_GOOD, "-1"),
            ("rekor.example.com", "1"),
        ] {
            assert_eq!(url(log, index), None, "{log} {index}");
        }
    }
}
