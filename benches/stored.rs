//! Stored attestations verified again: ten thousand bundles of a private Sigstore, each read, verified and held against
//! its event.
use bytes::Bytes;
use events::{
    Body,
    attestation::Attested,
    digest::Digest,
    event::Draft,
    id::{Actor, Via},
    name::GemName,
    platform::Platform,
    stream::StreamName,
    version::GemVersion,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use gemledger::{
    app::{App, reverify::reverify},
    demo::sigstore::{Claims, Content},
    sigstore::Artifact,
    store::{states::Read, writer::Verdict},
};

use super::{
    attesting::{Against, Attesting, provenance},
    report::{Bound, Line, Report, remark},
};

/// Bundles that are stored.
const BUNDLES: u64 = 10_000;
/// Files that are written at the same time.
const TOGETHER: usize = 64;
/// Rounds; the best one counts.
const ROUNDS: usize = 3;
/// Seconds that one look at all of them may take on two cores.
const SECONDS: f64 = 15.0;

/// Measures one look at all stored bundles.
pub(crate) fn measure(report: &mut Report) -> anyhow::Result<()> {
    let attesting = Attesting::open()?;
    let against = attesting.against()?;
    let app = &attesting.stage.app;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        remark(&format!("signing and storing {BUNDLES} bundles"));
        fill(&attesting, &against).await?;
        let mut best = f64::INFINITY;
        for _ in 0..ROUNDS {
            let watch = super::watch::Watch::start();
            let mut found = 0_u64;
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

/// Signs, stores and records the bundles, as a push would have left them: signatures over the file and statements in turn.
async fn fill(attesting: &Attesting, against: &Against) -> anyhow::Result<()> {
    let (app, claims) = (&attesting.stage.app, attesting.claims());
    stream::iter(0..BUNDLES)
        .map(|number| {
            let signed = signed(attesting, against, &claims, number);
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
    attesting: &Attesting,
    against: &Against,
    claims: &Claims,
    number: u64,
) -> anyhow::Result<(Attested, Bytes)> {
    let gem = number.to_be_bytes();
    let file = format!("rake-1.0.{number}.gem");
    let artifact = Artifact {
        digest: Digest::of(&gem),
        file_name: &file,
    };
    let text = provenance(claims, &file, &artifact.digest);
    let content = if number.is_multiple_of(2) {
        Content::File(&gem)
    } else {
        Content::Statement(&text)
    };
    let bundle = attesting.sigstore.attest(claims, content, attesting.at)?;
    let now = attesting.at.plus_seconds(30);
    let (facts, compared) = against.judged(&bundle, &artifact, now)?;
    let attested = Attested {
        builder: facts.builder,
        bundle: facts.bundle,
        certificate: facts.certificate,
        compared,
        digest: artifact.digest,
        entry: facts.entry,
        name: GemName::parse("rake")?,
        number: GemVersion::parse(&format!("1.0.{number}"))?,
        platform: Platform::ruby(),
        predicate: facts.predicate,
        public: true,
        root: facts.root,
        sct: facts.sct,
        signed: facts.signed,
        timestamp: facts.timestamp,
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
