//! Stored attestations verified again: ten thousand bundles of a private Sigstore, each read, verified and held against
//! its event.
use anyhow::Context as _;
use bytes::Bytes;
use events::{
    Body,
    attestation::{Attested, Compared, Field, LogEntry},
    digest::Digest,
    event::Draft,
    id::{Actor, Via},
    name::GemName,
    platform::Platform,
    stream::StreamName,
    text::{Slug, Text},
    time::Timestamp,
    trust_root::Requires,
    version::GemVersion,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use gemledger::{
    app::{
        App,
        reverify::reverify,
        trust_roots::{NewTrustRoot, TrustRoot},
    },
    demo::sigstore::{Claims, Content, PrivateSigstore},
    sigstore::{Artifact, LogName, Uploaded, verify},
    store::{states::Read, writer::Verdict},
};
use serde_json::json;

use super::{
    report::{Bound, Line, Report, remark},
    stage::Stage,
    tokens::Issuer,
};

/// Bundles that are stored.
const BUNDLES: u64 = 10_000;
/// Files that are written at the same time.
const TOGETHER: usize = 64;
/// Rounds; the best one counts.
const ROUNDS: usize = 3;
/// Seconds that one look at all of them may take on two cores.
const SECONDS: f64 = 15.0;
/// Whose jobs sign.
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// Measures one look at all stored bundles.
pub(crate) fn measure(report: &mut Report) -> anyhow::Result<()> {
    let issuer = Issuer::start()?;
    let stage = Stage::open(&issuer)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        remark(&format!("signing and storing {BUNDLES} bundles"));
        fill(&stage.app).await?;
        let mut best = f64::INFINITY;
        for _ in 0..ROUNDS {
            let watch = super::watch::Watch::start();
            let mut found = 0_u64;
            let app = &stage.app;
            let now = app.clock.now();
            let done = reverify(&app.reader, &app.blobs, now, |_| found += 1, |_, _| {}).await?;
            anyhow::ensure!(
                (done, found) == (BUNDLES, 0),
                "{found} of {done} do not hold"
            );
            best = best.min(watch.elapsed().as_secs_f64());
        }
        report.add(Line {
            name: format!("`audit --attestations`, {BUNDLES} stored bundles"),
            value: best,
            unit: "s",
            ceiling: None,
            bound: Bound::AtMost(SECONDS),
            note: "each read, verified and held against its event, on all cores".into(),
        });
        Ok(())
    })
}

/// Signs, stores and records the bundles, as a push would have left them.
async fn fill(app: &App) -> anyhow::Result<()> {
    let now = app.clock.now();
    let sigstore = PrivateSigstore::new(Timestamp::from_seconds(now.seconds() - 3600))?;
    let new = NewTrustRoot {
        slug: Slug::parse("own")?,
        json: sigstore.trusted_root().to_string().into(),
        issuers: vec![ISSUER.to_owned()],
        public: true,
        requires: Requires {
            log: true,
            sct: true,
            timestamp: false,
        },
        repository: None,
    };
    app.record_trust_root(new, Via::Console).await?;
    let roots = app.trust_roots_for(ISSUER).await?;
    let root = roots.first().context("no trust root")?;
    let claims = Claims::github(
        &json!({ "iss": ISSUER, "repository": "acme/rake" }),
        "https://github.com",
    );
    let at = Timestamp::from_seconds(now.seconds() - 60);
    stream::iter(0..BUNDLES)
        .map(|number| {
            let signed = signed(&sigstore, &claims, root, number, at);
            async move {
                let (attested, bytes) = signed?;
                app.blobs.put(&attested.bundle, bytes).await?;
                record(app, attested).await
            }
        })
        .buffer_unordered(TOGETHER)
        .try_collect::<()>()
        .await
}

fn signed(
    sigstore: &PrivateSigstore,
    claims: &Claims,
    root: &TrustRoot,
    number: u64,
    at: Timestamp,
) -> anyhow::Result<(Attested, Bytes)> {
    let gem = number.to_be_bytes();
    let bundle = sigstore.attest(claims, Content::File(&gem), at)?;
    let upload = Uploaded::read(&bundle)?;
    let file = format!("rake-1.0.{number}.gem");
    let artifact = Artifact {
        digest: Digest::of(&gem),
        file_name: &file,
    };
    let now = Timestamp::from_seconds(at.seconds() + 30);
    let verified = verify(&root.root, &upload, &artifact, ISSUER, now)?;
    let entry = verified.log_entry.as_ref().context("no log entry")?;
    let log = match &entry.log {
        LogName::KeyId(name) | LogName::Origin(name) => name,
    };
    let attested = Attested {
        bundle: verified.bundle,
        certificate: verified.certificate.digest,
        compared: vec![Compared {
            certificate: Text::parse(ISSUER)?,
            expected: Text::parse(ISSUER)?,
            field: Field::Issuer,
        }],
        digest: artifact.digest,
        entry: Some(LogEntry {
            index: Text::parse(&entry.index)?,
            log: Text::parse(log)?,
        }),
        name: GemName::parse("rake")?,
        number: GemVersion::parse(&format!("1.0.{number}"))?,
        platform: Platform::ruby(),
        predicate: None,
        public: true,
        root: root.reference.clone(),
        sct: true,
        signed: verified.signed_by().context("no time")?,
        timestamp: false,
    };
    Ok((attested, bundle.into()))
}

/// Appends the event alone: what is measured reads nothing else.
async fn record(app: &App, attested: Attested) -> anyhow::Result<()> {
    let stream = StreamName::gem(&attested.name.folded());
    let request = app.request(Actor::Operator, Via::Console);
    let reads = vec![Read::of::<deciders::gem::Gem>(stream.clone())];
    let draft = Draft::new(stream, Body::ReleaseAttested(attested));
    let appended = app.writer.append(reads, move |_| Verdict {
        group: Some(request.group(vec![draft])),
        answer: (),
    });
    appended.await?;
    Ok(())
}
