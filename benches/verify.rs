//! How long it takes to verify a lockfile: receipt, list of all versions, one tree, for each of its gems.
use std::{fmt::Write as _, sync::Arc};

use events::{api_key::Scope, digest::Digest};
use gemledger::{
    app::map::Follower,
    config::BaseUrl,
    demo::gem,
    lockfile::Lockfile,
    project::{self, Asked, Level, select::select},
    remote::{HttpClient, Settings, Source},
};

use super::{
    load,
    report::{Bound, Line, Report},
    stage::Stage,
    tokens::Issuer,
    watch::Watch,
};

/// Gems of the lockfile.
const GEMS: usize = 300;
/// Rounds; the best one counts.
const ROUNDS: usize = 5;
/// Seconds that it may take.
const LONGEST: f64 = 2.0;

/// Measures a lockfile whose gems are all from one registry.
pub(crate) fn measure(report: &mut Report) -> anyhow::Result<()> {
    let issuer = Issuer::start()?;
    let stage = Stage::open(&issuer)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let key = runtime.block_on(async {
        let account = stage.app.add_account("bench").await?;
        let scopes = vec![Scope::PushRubygem];
        anyhow::Ok(
            stage
                .app
                .issue_api_key(account, scopes, None, None)
                .await?
                .1,
        )
    })?;
    let url = format!("http://{}", stage.address);
    let mut lockfile = format!("GEM\n  remote: {url}/\n  specs:\n");
    let mut checksums = String::from("\nCHECKSUMS\n");
    let mut requests = Vec::with_capacity(GEMS);
    for number in 0..GEMS {
        let name = format!("gem-{number}");
        let gem = gem::build(&name, "1.0.0", "Is verified", b"puts 'hello'\n");
        writeln!(lockfile, "    {name} (1.0.0)")?;
        writeln!(
            checksums,
            "  {name} (1.0.0) sha256={}",
            Digest::of(&gem).hex()
        )?;
        let head = format!(
            "POST /api/v1/gems HTTP/1.1\r\nHost: gems.example.com\r\nAuthorization: {}\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n",
            key.reveal(),
            gem.len()
        );
        requests.push([head.as_bytes(), &gem].concat());
    }
    load::send(stage.address, &Arc::new(requests), GEMS, "HTTP/1.1 200")?;
    runtime.block_on(async {
        Follower::start(&stage.app).await?.step(&stage.app).await?;
        anyhow::Ok(())
    })?;
    lockfile += &checksums;
    let (mut best, mut said) = (f64::MAX, String::new());
    for _ in 0..ROUNDS {
        let watch = Watch::start();
        let verified = runtime.block_on(verify(&stage, &url, &lockfile))?;
        let took = watch.stop(verified);
        let seconds = super::report::ratio(verified, 1) / took.rate;
        if seconds < best {
            best = seconds;
            said = format!(
                "{:.0} gems/s, processor time {:.0} µs each, server included",
                took.rate, took.micros
            );
        }
    }
    report.add(Line {
        name: format!("verify a lockfile of {GEMS} gems"),
        value: best,
        unit: "s",
        ceiling: None,
        bound: Bound::AtMost(LONGEST),
        note: said,
    });
    Ok(())
}

async fn verify(stage: &Stage, url: &str, lockfile: &str) -> anyhow::Result<usize> {
    let asked = Asked {
        key: Some(stage.app.key.verifier().clone()),
        require: Level::Logged,
        witnesses: Vec::new(),
        quorum: 0,
        max_age_seconds: None,
        state: None,
        now: stage.app.clock.now(),
    };
    let selected = select(Lockfile::parse(lockfile)?, Some(BaseUrl::parse(url)?))?;
    let client = HttpClient::new(url, None, Settings::default())?;
    let log = Source::parse(url, None, Settings::default())?;
    let report = project::verify(&client, log, &selected.gems, &asked, || ()).await?;
    anyhow::ensure!(
        report.verdict() == Some(true),
        "not verified: {}",
        report.to_json()
    );
    Ok(report.gems.len())
}
