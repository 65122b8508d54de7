//! Appends a second: one event each, decided, written, in the tree, read back, signed and anchored before the answer.
use events::{
    Body,
    claims::Workflow,
    digest::Digest,
    event::Draft,
    id::{Actor, ApiKeyId, Via},
    stream::StreamName,
    text::{Slug, Text},
    time::Timestamp,
    token::Exchanged,
};
use futures::future::join_all;
use gemledger::{app::App, store::states::Read, world};

use super::{
    inserts,
    report::{Bound, Line, Report, ratio},
    stage::{Stage, scratch},
    tokens::Issuer,
    watch::{Took, Watch},
};

/// Requests of a batch, and how many batches of them.
const SIZES: [(usize, usize); 2] = [(8, 400), (128, 80)];
/// Rounds; the best one counts.
const ROUNDS: usize = 3;

/// Measures appends beside bare inserts.
pub(crate) fn measure(report: &mut Report) -> anyhow::Result<()> {
    let issuer = Issuer::start()?;
    let stage = Stage::open(&issuer)?;
    for (batch, batches) in SIZES {
        let (mut appends, mut bare, mut found) = (Vec::new(), Vec::new(), (0.0, 0.0));
        for _ in 0..ROUNDS {
            let before = stage.app.writer.served().head.size;
            appends.push(per_second(&stage.app, batch, batches)?);
            let rows: Vec<_> = stage.batches(before)?.concat();
            found = (
                ratio(rows.len(), stage.batches(before)?.len()),
                ratio(rows.iter().map(|row| row.leaf.len()).sum(), rows.len()),
            );
            let same: Vec<_> = rows.chunks(batch).map(<[_]>::to_vec).collect();
            bare.push(inserts::per_second(scratch(), &same)?);
        }
        let (appends, bare) = (Took::best(appends), Took::best(bare));
        report.add(Line {
            name: format!("appends with checkpoints, batches of {batch}, beside bare inserts"),
            value: appends.rate,
            unit: "/s",
            ceiling: Some(bare.rate),
            bound: Bound::Share(0.5),
            note: format!(
                "{:.0} a batch found, leaves of {:.0} bytes, processor time {:.0} µs beside {:.0} µs",
                found.0, found.1, appends.micros, bare.micros
            ),
        });
    }
    Ok(())
}

/// Appends a second. Two batches are always under way, so that the writer finds a whole one whenever it looks.
pub(crate) fn per_second(app: &App, batch: usize, batches: usize) -> anyhow::Result<Took> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let watch = Watch::start();
        let lane = async || -> anyhow::Result<()> {
            for _ in 0..batches / 2 {
                for appended in join_all((0..batch).map(|_| append(app))).await {
                    appended?;
                }
            }
            Ok(())
        };
        let (first, second) = tokio::join!(lane(), lane());
        first.and(second)?;
        Ok(watch.stop(batch * (batches / 2) * 2))
    })
}

/// Appends one event of some 1.5 kB to a stream of its own.
async fn append(app: &App) -> anyhow::Result<()> {
    let (slug, id) = (Slug::parse("bench")?, Digest::from_bytes(world::random()));
    let stream = StreamName::token(&slug, Timestamp::from_seconds(1_795_402_502), &id);
    let request = app.request(Actor::Operator, Via::Console);
    let body = Body::TokenExchanged(exchanged(
        id,
        ApiKeyId::new(world::fresh_id(app.clock.now())),
    )?);
    let reads = vec![Read::of::<deciders::token::Token>(stream.clone())];
    let appended = app
        .writer
        .append(reads, move |_| {
            request.verdict(Ok(vec![Draft::new(stream, body)]))
        })
        .await?;
    appended
        .answer
        .map_err(|denial| anyhow::anyhow!("{denial}"))
}

fn exchanged(id: Digest, api_key: ApiKeyId) -> anyhow::Result<Exchanged> {
    let long = Text::configured(&format!(
        "octo-org/hello-ledger/.github/workflows/{}.yml@refs/tags/v1.0.0",
        "release".repeat(16)
    ))?;
    let commit = Text::configured("5a0f1d3c2b4e6f708192a3b4c5d6e7f801234567")?;
    let workflow = Workflow {
        commit: Some(commit.clone()),
        environment: Some(Text::configured(&"release".repeat(16))?),
        job_repository_id: None,
        job_workflow_commit: Some(commit.clone()),
        job_workflow_ref: Some(long.clone()),
        owner_id: Some(Text::configured("210414")?),
        git_ref: Some(Text::configured("refs/tags/v1.0.0")?),
        ref_protected: Some(true),
        ref_type: Some(Text::configured("tag")?),
        repository: Text::configured("octo-org/hello-ledger")?,
        repository_id: Text::configured("1420893")?,
        run_attempt: Some(Text::configured("1")?),
        run_id: Some(Text::configured("9876543210")?),
        runner: Some(Text::configured("github-hosted")?),
        trigger: Some(Text::configured("push")?),
        visibility: Some(Text::configured("public")?),
        workflow_commit: Some(commit),
        workflow_ref: Some(long),
    };
    Ok(Exchanged {
        api_key,
        audience: Text::configured("gems.example.com")?,
        issued_at: Timestamp::from_seconds(1_795_402_502),
        keys_fetched: Timestamp::from_seconds(1_795_402_000),
        matches: Vec::new(),
        provider_key: id,
        workflow,
    })
}
