//! The story's attested part: a private Sigstore that the ledger trusts, a gem signed in the run that pushes it, a bundle
//! of another run that is refused, and what is shown and proved of the release afterwards.
use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use events::{
    digest::{Digest, hex},
    id::{Actor, Via},
    text::Slug,
    trust_root::Requires,
};
use serde_json::Value;

use super::{
    GEM, Stage, Teller, VERSION,
    issuer::GithubJob,
    sigstore::{Claims, Content, slsa, statement},
};
use crate::{
    app::trust_roots::NewTrustRoot,
    sigstore::{Artifact, SLSA_PROVENANCE_V1, Uploaded, verify},
    world,
};

/// Where the log introduces the key of the registry's statements.
pub(super) const STATEMENT_KEY: u64 = 1;
/// What parts a form.
const BOUNDARY: &str = "----gemledger-demo";

impl Stage {
    /// What a server does before it lets anything in.
    pub(super) async fn find_words(&self, teller: &mut dyn Teller) -> anyhow::Result<()> {
        let request = self.app.request(Actor::Operator, Via::Server);
        self.app.introduce_statement_key(request).await?;
        teller.step(
            Some(STATEMENT_KEY),
            "introduced the key that signs what this registry says of its releases",
        );
        Ok(())
    }

    /// The private Sigstore vouches for the jobs of the stand-in.
    pub(super) async fn trust_sigstore(&self, teller: &mut dyn Teller) -> anyhow::Result<()> {
        let root = NewTrustRoot {
            slug: Slug::parse("demo-sigstore")?,
            json: Bytes::from(self.sigstore.trusted_root().to_string()),
            issuers: vec![self.issuer.url().to_owned()],
            public: false,
            requires: Requires {
                log: true,
                sct: true,
                timestamp: false,
            },
            repository: None,
        };
        let recorded = self.app.record_trust_root(root, Via::Console).await?;
        teller.step(
            Some(recorded),
            "trusted a private Sigstore, with a log of its own, to vouch for that provider's jobs",
        );
        Ok(())
    }

    /// What Fulcio would read from the token of this job.
    fn certified(&self, job: &GithubJob) -> Claims {
        let (audience, now) = (self.app.url.authority(), self.app.clock.now());
        let name = hex(&world::random::<16>());
        let claims = self.issuer.github_claims(job, audience, now, &name);
        Claims::github(&claims, self.issuer.url())
    }

    /// What this job signs: the file, and the provenance that GitHub's action writes of it.
    pub(super) fn sign(&self, job: &GithubJob, gem: &[u8]) -> anyhow::Result<[Vec<u8>; 2]> {
        let (now, claims) = (self.app.clock.now(), self.certified(job));
        let digest = Digest::of(gem);
        let provenance = statement(&file_name(), &digest, SLSA_PROVENANCE_V1, &slsa(&claims));
        let sign = |content| self.sigstore.attest(&claims, content, now);
        Ok([
            sign(Content::File(gem))?,
            sign(Content::Statement(&provenance))?,
        ])
    }

    /// What another run of the same workflow, at the same commit, signed for the same file.
    pub(super) async fn refuse(
        &self,
        key: &str,
        job: &GithubJob,
        gem: &[u8],
        teller: &mut dyn Teller,
    ) -> anyhow::Result<()> {
        let other = GithubJob {
            run_id: job.run_id + 1,
            ..job.clone()
        };
        let answer = self.send(key, gem, &self.sign(&other, gem)?).await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(
            status.is_client_error(),
            "bundles of another run were answered with {status}: {text}"
        );
        let why = text.lines().nth(1).or_else(|| text.lines().next());
        teller.step(
            None,
            &format!(
                "refused the gem with what another run had signed: {}",
                why.unwrap_or_default()
            ),
        );
        Ok(())
    }

    /// Pushes the gem with what the run that pushes has signed, as `gem push --attestation` does.
    pub(super) async fn push(
        &self,
        key: &str,
        gem: &[u8],
        bundles: &[Vec<u8>],
        teller: &mut dyn Teller,
    ) -> anyhow::Result<()> {
        let answer = self.send(key, gem, bundles).await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(
            status.is_success(),
            "the push was answered with {status}: {text}"
        );
        let first = text.lines().next().unwrap_or_default();
        let index = text
            .split("log index ")
            .nth(1)
            .and_then(|rest| rest.split(':').next()?.parse().ok());
        let page = self.page();
        teller.step(
            index,
            &format!(
                "pushed the gem with what this run signed, the file and a SLSA provenance: {first}. Its page: {page}"
            ),
        );
        Ok(())
    }

    async fn send(
        &self,
        key: &str,
        gem: &[u8],
        bundles: &[Vec<u8>],
    ) -> anyhow::Result<reqwest::Response> {
        let part = |head: &str, content: &[u8]| {
            let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n");
            [head.as_bytes(), content, b"\r\n"].concat()
        };
        let file = format!(
            "name=\"gem\"; filename=\"{}\"\r\nContent-Type: application/octet-stream",
            file_name()
        );
        let body = [
            part(&file, gem),
            part("name=\"attestations\"", &array(bundles)),
            format!("--{BOUNDARY}--\r\n").into_bytes(),
        ];
        let request = self
            .client
            .post(self.url("/api/v1/gems"))
            .header("authorization", key)
            .header(
                "content-type",
                format!("multipart/form-data; boundary={BOUNDARY}"),
            );
        Ok(request.body(body.concat()).send().await?)
    }

    /// Fetches what was uploaded, holds it against what was sent, and verifies it once more.
    pub(super) async fn verify_again(
        &self,
        gem: &[u8],
        bundles: &[Vec<u8>],
        teller: &mut dyn Teller,
    ) -> anyhow::Result<()> {
        let path = format!("/api/v1/attestations/{GEM}-{VERSION}.json");
        let served = self.get(&path).await?;
        ensure!(
            served == array(bundles),
            "other bundles are served than were pushed"
        );
        let issuer = self.issuer.url();
        let roots = self.app.trust_roots_for(issuer).await?;
        let root = roots.first().context("no trust root is left")?;
        let artifact = Artifact {
            digest: Digest::of(gem),
            file_name: &file_name(),
        };
        let mut entries = Vec::new();
        for bundle in bundles {
            let (bundle, now) = (Uploaded::read(bundle)?, self.app.clock.now());
            let verified = verify(&root.root, &bundle, &artifact, issuer, now)?;
            let entry = verified.log_entry.context("a bundle has no log entry")?;
            entries.push(entry.index);
        }
        teller.step(
            None,
            &format!(
                "fetched its bundles, byte for byte as they were pushed, and verified them again: entries {} of the \
                 transparency log",
                entries.join(" and ")
            ),
        );
        Ok(())
    }

    /// The way from the repository to the log, in one line.
    pub(super) async fn show_way(&self, teller: &mut dyn Teller) -> anyhow::Result<()> {
        let path = format!("/api/v1/gems/{GEM}/versions/{VERSION}/provenance");
        let record: Value = serde_json::from_slice(&self.get(&path).await?)?;
        let links = record.get("links").and_then(Value::as_array);
        let links = links.context("the record has no links")?;
        let known = |wanted: &str| {
            let word = |link: &Value, name: &str| link.get(name)?.as_str().map(str::to_owned);
            let mut names = links
                .iter()
                .filter(|link| word(link, "known").is_some_and(|known| known == wanted))
                .filter_map(|link| word(link, "link"))
                .collect::<Vec<_>>();
            // Each of two bundles has a certificate and an entry.
            let mut seen = BTreeSet::new();
            names.retain(|name| seen.insert(name.clone()));
            names.join(", ").replace('_', " ")
        };
        let (proven, stated) = (known("proven"), known("stated_by_registry"));
        ensure!(!proven.is_empty(), "nothing is proven");
        teller.step(
            None,
            &format!("read its way here. Proven: {proven}; stated by this registry: {stated}"),
        );
        Ok(())
    }
}

fn file_name() -> String {
    format!("{GEM}-{VERSION}.gem")
}

/// Bundles as they are sent and served.
fn array(bundles: &[Vec<u8>]) -> Vec<u8> {
    [b"[", bundles.join(&b","[..]).as_slice(), b"]"].concat()
}
