//! Exchanges a second over HTTP: identity token in, key out, both events on disk and signed before the answer.
use std::{sync::Arc, time::Duration};

use actix_web::http::StatusCode;

use super::{
    constant, inserts,
    load::{self, Answered},
    report::{Bound, Line, Report, best, millis, remark},
    signatures::Signatures,
    stage::{Running, Stage, scratch, workers},
    tokens::{self, Issuer},
};

/// Exchanges of one round.
const COUNT: usize = 16_000;
/// The first of them, which are not counted: connections, caches and files grow to their size.
const WARM: usize = 1000;
/// Rounds; the best one counts, of the ledger and of each ceiling.
const ROUNDS: usize = 3;

/// What one round gave.
struct Round {
    exchanges: f64,
    p50: Duration,
    p99: Duration,
    events_a_batch: f64,
    constant: f64,
    signatures: f64,
    inserts: f64,
}

/// Measures exchanges and what they are made of, in turns.
pub(crate) fn measure(report: &mut Report) -> anyhow::Result<()> {
    let issuer = Issuer::start()?;
    remark(&format!("signing {} identity tokens", COUNT + WARM));
    let tokens = issuer.sign(COUNT + WARM)?;
    let signatures = Signatures::of(&tokens, &issuer.stand_in.jwks())?;
    let mut requests: Vec<Vec<u8>> = tokens.iter().map(tokens::request).collect();
    let (warm, requests) = (Arc::new(requests.split_off(COUNT)), Arc::new(requests));
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let round = round(&issuer, &warm, &requests, &signatures)?;
        remark(&format!(
            "  {:.0} exchanges/s, p50 {}, p99 {}, {:.0} events a batch; constant {:.0}/s, verifying {:.0}/s, inserting {:.0}/s",
            round.exchanges,
            millis(round.p50),
            millis(round.p99),
            round.events_a_batch,
            round.constant,
            round.signatures,
            round.inserts
        ));
        rounds.push(round);
    }
    tell(report, &rounds);
    Ok(())
}

fn round(
    issuer: &Issuer,
    warm: &Arc<Vec<Vec<u8>>>,
    requests: &Arc<Vec<Vec<u8>>>,
    signatures: &Signatures,
) -> anyhow::Result<Round> {
    let (answered, batches) = {
        let stage = Stage::open(issuer)?;
        load::send(stage.address, warm, warm.len(), "HTTP/1.1 201")?;
        let before = stage.app.writer.served().head.size;
        let answered = load::send(stage.address, requests, requests.len(), "HTTP/1.1 201")?;
        (answered, stage.batches(before)?)
    };
    let Answered {
        rate: exchanges,
        p50,
        p99,
        body,
    } = answered;
    let constant = constant_per_second(requests, body, StatusCode::CREATED, "HTTP/1.1 201")?;
    let leaves = inserts::per_second(scratch(), &batches)?;
    let events: usize = batches.iter().map(Vec::len).sum();
    anyhow::ensure!(
        events == 2 * requests.len(),
        "{events} events for {} exchanges",
        requests.len()
    );
    Ok(Round {
        exchanges,
        p50,
        p99,
        events_a_batch: super::report::ratio(events, batches.len()),
        constant,
        signatures: signatures.per_second(workers()),
        inserts: leaves / 2.0,
    })
}

/// Answers a second of a server that answers these requests with this body, whatever they ask.
pub(crate) fn constant_per_second(
    requests: &Arc<Vec<Vec<u8>>>,
    body: Vec<u8>,
    status: StatusCode,
    line: &'static str,
) -> anyhow::Result<f64> {
    let (_running, address) = Running::start(move || async move {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        Ok((
            constant::server(listener, workers(), status, body)?,
            address,
        ))
    })?;
    load::send(address, requests, requests.len() / 8, line)?;
    Ok(load::send(address, requests, requests.len(), line)?.rate)
}

/// What the ceilings allow together: each takes its share of the same cores. Constant answers and verifications were
/// measured on all cores; inserts on one, where the log has its one writer.
fn allowed(constant: f64, signatures: f64, inserts: f64) -> f64 {
    let cores = f64::from(u32::try_from(workers()).unwrap_or(1));
    1.0 / (1.0 / constant + 1.0 / signatures + 1.0 / (inserts * cores))
}

fn tell(report: &mut Report, rounds: &[Round]) {
    let of = |what: fn(&Round) -> f64| best(rounds.iter().map(what));
    let (constant, signatures, inserts) = (
        of(|round| round.constant),
        of(|round| round.signatures),
        of(|round| round.inserts),
    );
    let exchanges = of(|round| round.exchanges);
    let fastest = rounds.iter().find(|round| round.exchanges >= exchanges);
    let note = fastest.map_or(String::new(), |round| {
        format!(
            "p50 {}, p99 {}, {} connections, {:.0} events a batch",
            millis(round.p50),
            millis(round.p99),
            load::CONNECTIONS,
            round.events_a_batch
        )
    });
    let line = |name: &str, bound, ceiling, note: &str| Line {
        name: name.into(),
        value: exchanges,
        unit: "/s",
        ceiling,
        bound,
        note: note.to_owned(),
    };
    report.add(line(
        "exchanges over HTTP, each with its durable events",
        Bound::AtLeast(7000.0),
        None,
        &note,
    ));
    report.add(line(
        "  beside what the ceilings allow together",
        Bound::Share(0.5),
        Some(allowed(constant, signatures, inserts)),
        "",
    ));
    report.context(
        "  ceiling: the same server answering a constant",
        constant,
        "/s",
        "all cores, load included",
    );
    report.context(
        "  ceiling: RS256 verification alone",
        signatures,
        "/s",
        "all cores",
    );
    report.context(
        "  ceiling: bare inserts of the same leaves",
        inserts,
        "/s",
        "two leaves each, same batches, one thread",
    );
}
