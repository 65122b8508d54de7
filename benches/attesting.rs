//! What a bundle is held against: a ledger that trusts a private Sigstore, and a job whose token it exchanged.
use std::sync::Arc;

use anyhow::Context as _;
use deciders::{
    attestation::{Facts, judge},
    matching::Job,
    policy::Policy,
    provider::Provider,
    trust_root,
};
use events::{
    Body, attestation::Compared, claims::Workflow, digest::Digest, id::Via, name::GemName,
    policy::Publisher, stream::StreamName, text::Slug, time::Timestamp, trust_root::Requires,
};
use gemledger::{
    app::{
        attestations,
        trust_roots::{NewTrustRoot, TrustRoot},
    },
    demo::{
        issuer::GithubJob,
        sigstore::{Claims, PrivateSigstore, slsa, statement},
    },
    sigstore::{Artifact, SLSA_PROVENANCE_V1, Uploaded, verify},
    views::state,
    world::Clock,
};
use serde_json::Value;

use super::{
    load,
    stage::{GEM, PROVIDER, Stage},
    tokens::{self, AUDIENCE, Issuer, REPOSITORY, WORKFLOW},
};

/// A stage whose job signs.
pub(crate) struct Attesting {
    pub(crate) stage: Stage,
    pub(crate) issuer: Issuer,
    pub(crate) sigstore: PrivateSigstore,
    /// When it signs: its certificates are valid then.
    pub(crate) at: Timestamp,
}

/// Everything beside a bundle that it is judged on.
pub(crate) struct Against {
    pub(crate) root: TrustRoot,
    issuer: String,
    slug: Slug,
    recorded: trust_root::TrustRoot,
    provider: Provider,
    publisher: Publisher,
    workflow: Workflow,
}

impl Attesting {
    /// A ledger that trusts the jobs of one workflow, and a private Sigstore to vouch for them.
    pub(crate) fn open() -> anyhow::Result<Self> {
        let issuer = Issuer::start()?;
        let stage = Stage::open(&issuer)?;
        let now = Clock::system().now();
        let sigstore = PrivateSigstore::new(now.minus_seconds(3600))?;
        let new = NewTrustRoot {
            slug: Slug::parse("bench")?,
            json: sigstore.trusted_root().to_string().into(),
            issuers: vec![issuer.stand_in.url().to_owned()],
            public: false,
            requires: Requires {
                log: true,
                sct: true,
                timestamp: false,
            },
            repository: None,
        };
        runtime()?.block_on(stage.app.record_trust_root(new, Via::Console))?;
        Ok(Self {
            stage,
            issuer,
            sigstore,
            at: now.minus_seconds(1),
        })
    }

    /// What the certificate of the job says that the tokens are of: all that Fulcio writes for one of GitHub's.
    pub(crate) fn claims(&self) -> Claims {
        let job = GithubJob {
            environment: Some("release".into()),
            ..GithubJob::release(REPOSITORY, WORKFLOW, "v1.0.0")
        };
        let issuer = &self.issuer.stand_in;
        let claims = issuer.github_claims(&job, AUDIENCE, self.at, "signs");
        Claims::github(&claims, issuer.url())
    }

    /// A key, for this token.
    pub(crate) fn exchange(&self, token: &String) -> anyhow::Result<String> {
        let request = Arc::new(vec![tokens::request(token)]);
        let answered = load::send(self.stage.address, &request, 1, "HTTP/1.1 201")?;
        let answer: Value = serde_json::from_slice(&answered.body)?;
        let key = answer.get("rubygems_api_key").and_then(Value::as_str);
        Ok(key.context("no key")?.to_owned())
    }

    /// What a bundle of this job is judged on, once it has exchanged a token.
    pub(crate) fn against(&self) -> anyhow::Result<Against> {
        for token in self.issuer.sign(1)? {
            self.exchange(&token)?;
        }
        let (reader, issuer) = (&self.stage.app.reader, self.issuer.stand_in.url());
        runtime()?.block_on(async {
            let now = Clock::system().now();
            let roots = self.stage.app.trust_roots_for(issuer).await?;
            let root = roots.into_iter().next().context("no trust root")?;
            let slug = Slug::parse(PROVIDER)?;
            let policy = StreamName::policy(&GemName::parse(GEM)?.folded());
            let policy: Policy = state(reader, &policy).await?;
            let policy = policy.at(now);
            let reserved = policy.pending.values().next().context("no publisher")?;
            let events = reader.events(0, reader.head().await?.size).await?;
            let mut workflows = events.into_iter().filter_map(|recorded| {
                if let Body::TokenExchanged(exchanged) = recorded.event.body {
                    Some(exchanged.workflow)
                } else {
                    None
                }
            });
            Ok(Against {
                issuer: issuer.to_owned(),
                recorded: state(reader, &root.reference.stream).await?,
                provider: state(reader, &StreamName::provider(&slug)).await?,
                publisher: reserved.publisher.clone(),
                workflow: workflows.next_back().context("no exchange")?,
                root,
                slug,
            })
        })
    }
}

impl Against {
    /// Reads a bundle, verifies it, and holds it against the job, as a push does: what it proves, and every pair.
    pub(crate) fn judged(
        &self,
        bundle: &[u8],
        artifact: &Artifact<'_>,
        now: Timestamp,
    ) -> anyhow::Result<(Facts, Vec<Compared>)> {
        let upload = Uploaded::read(bundle)?;
        let verified = verify(&self.root.root, &upload, artifact, &self.issuer, now)?;
        let facts = attestations::facts(&self.root, &verified);
        let job = Job {
            slug: &self.slug,
            provider: self.provider.settings(now).context("no provider")?,
            workflow: &self.workflow,
        };
        let root = Some(&self.recorded);
        let pairs = judge(&facts, root, &job, &self.publisher, false, now);
        let pairs = pairs.map_err(|denial| anyhow::anyhow!("{denial}"))?;
        Ok((facts, pairs))
    }
}

/// The statement that GitHub's action makes of a file.
pub(crate) fn provenance(claims: &Claims, file: &str, digest: &Digest) -> String {
    statement(file, digest, SLSA_PROVENANCE_V1, &slsa(claims))
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    Ok(builder.enable_all().build()?)
}
