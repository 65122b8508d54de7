//! The verifiable map of 200,000 gems: the trie alone, the map made again from the log as at every start, and its proofs.
use anyhow::Context as _;
use events::{
    Body,
    digest::Digest,
    event::Draft,
    gem::{IndexLine, Pushed},
    id::{Actor, ApiKeyId, Owner, Via},
    name::GemName,
    platform::Platform,
    policy::{GemRegistered, OwnerAdded, Publisher, PublisherAdded},
    stream::{EventRef, StreamName},
    text::{Slug, Text},
    version::GemVersion,
};
use futures::future::join_all;
use gemledger::{
    app::{App, map::rebuild},
    store::{
        states::Read,
        writer::{AppendError, Verdict},
    },
    world,
};
use tlog::Map;

use super::{
    report::{Bound, Line, Report, millis, remark},
    stage::{PROVIDER, Stage},
    tokens::Issuer,
    watch::Watch,
};

/// Gems.
const GEMS: u64 = 200_000;
/// Gems that wait for the writer together.
const TOGETHER: u64 = 256;
/// Rounds; the best one counts.
const ROUNDS: usize = 5;

/// Measures the trie, the rebuild and the proofs.
pub(crate) fn measure(report: &mut Report) -> anyhow::Result<()> {
    let map = trie(report)?;
    proofs(report, &map);
    let issuer = Issuer::start()?;
    let stage = Stage::open(&issuer)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    remark(&format!("writing {GEMS} gems"));
    runtime.block_on(fill(&stage.app))?;
    let size = runtime.block_on(stage.app.reader.head())?.size;
    let (mut best, mut spent) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        let watch = Watch::start();
        let rebuilt = runtime.block_on(rebuild(&stage.app.reader, size))?;
        best = best.min(watch.elapsed().as_secs_f64());
        spent = spent.min(watch.stop(1).micros / 1e6);
        anyhow::ensure!(
            rebuilt.map.len() >= usize::try_from(GEMS)?,
            "gems are missing"
        );
    }
    let note = format!("a log of {size} events, four for each gem; processor time {spent:.2} s");
    report.add(seconds("map of 200,000 gems made from the log", best, note));
    Ok(())
}

fn seconds(name: &str, value: f64, note: String) -> Line {
    Line {
        name: name.into(),
        value,
        unit: "s",
        ceiling: None,
        bound: Bound::AtMost(2.0),
        note,
    }
}

fn key(number: u64) -> [u8; 32] {
    *Digest::of(number.to_string().as_bytes()).as_bytes()
}

fn trie(report: &mut Report) -> anyhow::Result<Map> {
    let (mut best, mut map) = (f64::MAX, Map::new());
    for _ in 0..ROUNDS {
        let entries: Vec<_> = (0..GEMS)
            .map(|number| (key(number), key(number + 1)))
            .collect();
        let watch = Watch::start();
        map = entries.into_iter().collect();
        best = best.min(watch.elapsed().as_secs_f64());
    }
    report.add(seconds(
        "  its trie alone, 200,000 entries",
        best,
        String::new(),
    ));
    let watch = Watch::start();
    let changed: u64 = 1000;
    map.extend((0..changed).map(|number| (key(number), key(number))));
    let each = watch.elapsed() / u32::try_from(changed)?;
    report.context("  one entry changed", each.as_secs_f64() * 1e6, "µs", "");
    let watch = Watch::start();
    let copy = map.clone();
    report.context(
        "  the trie copied for the next root",
        watch.elapsed().as_secs_f64() * 1e3,
        "ms",
        millis(watch.elapsed()),
    );
    Ok(copy)
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "lengths of proofs are far below 2^53"
)]
fn proofs(report: &mut Report, map: &Map) {
    let lengths = |offset: u64| {
        (0..GEMS).map(move |number| map.prove(&key(number + offset)).to_bytes().len())
    };
    for (name, offset) in [
        ("  proof of a gem, longest", 0),
        ("  proof of absence, longest", 10 * GEMS),
    ] {
        let longest = lengths(offset).max().unwrap_or(0) as f64;
        let mean = lengths(offset).sum::<usize>() as f64 / GEMS as f64;
        report.add(Line {
            name: name.into(),
            value: longest,
            unit: "bytes",
            ceiling: None,
            bound: Bound::AtMost(1000.0),
            note: format!("mean {mean:.0} bytes"),
        });
    }
}

/// Gems with an owner, a publisher and a release, as the writer takes them; nobody judges here.
async fn fill(app: &App) -> anyhow::Result<()> {
    let lane = async |odd: u64| -> anyhow::Result<()> {
        for first in (0..GEMS).step_by(usize::try_from(2 * TOGETHER)?) {
            let from = first + odd * TOGETHER;
            let gems = (from..GEMS.min(from + TOGETHER)).map(|number| gem(app, number));
            for appended in join_all(gems).await {
                appended?;
            }
        }
        Ok(())
    };
    let (first, second) = tokio::join!(lane(0), lane(1));
    first.and(second)
}

async fn gem(app: &App, number: u64) -> anyhow::Result<()> {
    let name = GemName::parse(&format!("gem-{number}-of-many"))?;
    let (policy, stream) = (
        StreamName::policy(&name.folded()),
        StreamName::gem(&name.folded()),
    );
    let drafts = drafts(&name, number, &policy, &stream)?;
    let request = app.request(Actor::Operator, Via::Console);
    let reads = vec![
        Read::of::<deciders::policy::Policy>(policy),
        Read::of::<deciders::gem::Gem>(stream),
    ];
    let appended = app.writer.append(reads, move |_| Verdict {
        group: Some(request.group(drafts)),
        answer: (),
    });
    appended
        .await
        .map(drop)
        .map_err(|error: AppendError| error.into())
}

fn drafts(
    name: &GemName,
    number: u64,
    policy: &StreamName,
    stream: &StreamName,
) -> anyhow::Result<Vec<Draft>> {
    let digest = Digest::from_bytes(key(number));
    let publisher = Publisher {
        any_ref: false,
        environment: Some(Text::configured("release")?),
        owner_id: Some(Text::configured("210414")?),
        provider: Slug::parse(PROVIDER)?,
        repository: Text::configured(&format!("owner/repository-{number}"))?,
        repository_id: Some(Text::configured(&format!("{}", 6_000_000 + number))?),
        workflow: Text::configured("release.yml")?,
        workflow_repository: None,
    };
    let line = format!("1.0.0 rack:>= 2|checksum:{},ruby:>= 3.0", digest.hex());
    let pushed = Pushed {
        api_key: ApiKeyId::new(world::fresh_id(events::time::Timestamp::default())),
        digest,
        document: digest,
        info: IndexLine::parse(&line)?,
        name: name.clone(),
        number: GemVersion::parse("1.0.0")?,
        platform: Platform::parse("ruby").context("the platform")?,
        policy: EventRef {
            revision: 2,
            stream: policy.clone(),
        },
        size: 10_000,
        source: None,
        statement: None,
    };
    let of_the_policy = [
        Body::GemRegistered(GemRegistered { name: name.clone() }),
        Body::OwnerAdded(OwnerAdded {
            effective: None,
            owner: Owner::Operator,
        }),
        Body::PublisherAdded(PublisherAdded {
            effective: None,
            pending: None,
            publisher,
        }),
    ];
    let mut drafts = of_the_policy
        .map(|body| Draft::new(policy.clone(), body))
        .to_vec();
    drafts.push(Draft::new(stream.clone(), Body::ReleasePushed(pushed)));
    Ok(drafts)
}
