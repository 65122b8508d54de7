//! Receipts a second, of events from all over a log, beside the same server answering as many bytes as a constant.
use std::sync::Arc;

use actix_web::http::StatusCode;

use super::{
    exchanges::constant_per_second,
    lawful::Exchanges,
    load,
    report::{Bound, Line, Report, millis, remark},
    stage::Stage,
    tokens::Issuer,
    watch::Took,
};

/// Events of the log, and of the one that the bound speaks of.
const EVENTS: (u64, u64) = (100_000, 1_000_000);
/// Different receipts that are asked for, and how many requests a round has.
const COUNTS: (u64, usize) = (50_000, 100_000);
/// Rounds; the best one counts.
const ROUNDS: usize = 3;
/// Receipts a second from the log of a million events.
const BOUND: f64 = 10_000.0;

/// Measures a log that is quickly written.
pub(crate) fn measure(report: &mut Report) -> anyhow::Result<()> {
    of_log(report, EVENTS.0)
}

/// Measures a log of a million events.
pub(crate) fn measure_full(report: &mut Report) -> anyhow::Result<()> {
    of_log(report, EVENTS.1)
}

fn of_log(report: &mut Report, events: u64) -> anyhow::Result<()> {
    let issuer = Issuer::start()?;
    let stage = Stage::open(&issuer)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    remark(&format!("writing {events} events"));
    runtime.block_on(async { Exchanges::of(&stage.app, &issuer).await?.fill(events).await })?;
    let requests = Arc::new(
        (0..COUNTS.0)
            .map(|at| request(at, events))
            .collect::<Vec<_>>(),
    );
    let (mut proven, mut constant, mut note) = (Vec::new(), Vec::new(), String::new());
    for _ in 0..ROUNDS {
        let answered = load::send(stage.address, &requests, COUNTS.1, "HTTP/1.1 200")?;
        proven.push(answered.took);
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
    let (proven, constant) = (Took::best(proven), Took::best(constant));
    report.add(Line {
        name: format!("receipts of {events} events, over HTTP"),
        value: proven.rate,
        unit: "/s",
        ceiling: Some(constant.rate),
        bound: Bound::AtLeast(BOUND),
        note: format!(
            "{note}, processor time {:.0} µs beside {:.0} µs",
            proven.micros, constant.micros
        ),
    });
    Ok(())
}

/// Asks for one of the events. Neighbours in this order lie far apart in the log.
fn request(at: u64, events: u64) -> Vec<u8> {
    let index = at.wrapping_mul(0x9e37_79b9_7f4a_7c15) % events;
    format!(
        "GET /log/proof/{index} HTTP/1.1\r\nHost: gems.example.com\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
    )
    .into_bytes()
}
