//! `/info` a second, beside the same server answering the same bytes as a constant.
use std::sync::Arc;

use actix_web::http::StatusCode;
use events::api_key::Scope;
use gemledger::demo::gem;

use super::{
    exchanges::constant_per_second,
    load,
    report::{Bound, Line, Report, millis},
    stage::Stage,
    tokens::Issuer,
    watch::Took,
};

/// Releases of the gem, each a line of its `/info`.
const RELEASES: usize = 32;
/// Reads of one round.
const COUNT: usize = 80_000;
/// Rounds; the best one counts.
const ROUNDS: usize = 3;
/// The gem.
const GEM: &str = "reader";

/// Measures reads of a gem with some releases.
pub(crate) fn measure(report: &mut Report) -> anyhow::Result<()> {
    let issuer = Issuer::start()?;
    let stage = Stage::open(&issuer)?;
    release(&stage)?;
    let request = format!(
        "GET /info/{GEM} HTTP/1.1\r\nHost: gems.example.com\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
    );
    let requests = Arc::new(vec![request.into_bytes(); COUNT]);
    let (mut reads, mut constant, mut note) = (Vec::new(), Vec::new(), String::new());
    for _ in 0..ROUNDS {
        let answered = load::send(stage.address, &requests, COUNT, "HTTP/1.1 200")?;
        reads.push(answered.took);
        note = format!(
            "{} bytes, p50 {}, p99 {}",
            answered.body.len(),
            millis(answered.p50),
            millis(answered.p99)
        );
        constant.push(constant_per_second(
            &requests,
            answered.body,
            StatusCode::OK,
            "HTTP/1.1 200",
        )?);
    }
    let (reads, constant) = (Took::best(reads), Took::best(constant));
    let note = format!(
        "{note}, processor time {:.0} µs beside {:.0} µs",
        reads.micros, constant.micros
    );
    report.add(Line {
        name: "/info beside the same server answering a constant".into(),
        value: reads.rate,
        unit: "/s",
        ceiling: Some(constant.rate),
        bound: Bound::Share(0.6),
        note,
    });
    Ok(())
}

/// Pushes the releases with an account's key.
fn release(stage: &Stage) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let key = runtime.block_on(async {
        let account = stage.app.add_account("bench").await?;
        let (_, key, _) = stage
            .app
            .issue_api_key(account, vec![Scope::PushRubygem], None, None)
            .await?;
        anyhow::Ok(key)
    })?;
    let push = |number: usize| {
        let gem = gem::build(GEM, &format!("1.{number}.0"), "Is read", b"puts 'hello'\n");
        let head = format!(
            "POST /api/v1/gems HTTP/1.1\r\nHost: gems.example.com\r\nAuthorization: {}\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n",
            key.reveal(),
            gem.len()
        );
        [head.as_bytes(), &gem].concat()
    };
    let requests = Arc::new((0..RELEASES).map(push).collect::<Vec<_>>());
    load::send(stage.address, &requests, RELEASES, "HTTP/1.1 200")?;
    Ok(())
}
