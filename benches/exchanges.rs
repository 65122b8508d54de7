//! Exchanges a second over HTTP: identity token in, key out, both events on disk and signed before the answer.
use std::{sync::Arc, time::Duration};

use actix_web::http::StatusCode;

use super::{
    constant, inserts,
    load::{self, Answered},
    report::{Bound, Line, Report, millis, ratio, remark},
    signatures::Signatures,
    stage::{Running, Stage, scratch, workers},
    tokens::{self, Issuer},
    watch::Took,
};

/// Exchanges of one round.
const COUNT: usize = 16_000;
/// The first of them, which are not counted: connections, caches and files grow to their size.
const WARM: usize = 1000;
/// Rounds; the best one counts, of the ledger and of each ceiling.
const ROUNDS: usize = 3;

/// What one round gave.
struct Round {
    exchanges: Took,
    p50: Duration,
    p99: Duration,
    events_a_batch: f64,
    constant: Took,
    signatures: Took,
    inserts: Took,
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
        let Round {
            exchanges,
            constant,
            signatures,
            inserts,
            ..
        } = &round;
        remark(&format!(
            "  {exchanges:.0?}, constant {constant:.0?}, verifying {signatures:.0?}, inserting {inserts:.0?}"
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
        took: exchanges,
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
        events_a_batch: ratio(events, batches.len()),
        constant,
        signatures: signatures.per_second(workers()),
        inserts: leaves.by(2.0),
    })
}

/// Answers a second of a server that answers these requests with this body, whatever they ask.
pub(crate) fn constant_per_second(
    requests: &Arc<Vec<Vec<u8>>>,
    body: Vec<u8>,
    status: StatusCode,
    line: &'static str,
) -> anyhow::Result<Took> {
    let (_running, address) = Running::start(move || async move {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        Ok((
            constant::server(listener, workers(), status, body)?,
            address,
        ))
    })?;
    load::send(address, requests, requests.len() / 8, line)?;
    Ok(load::send(address, requests, requests.len(), line)?.took)
}

/// What the ceilings allow together, if nothing else cost anything: each takes its share of the same cores. Constant
/// answers and verifications were measured on all cores; inserts on one, where the log has its one writer.
fn allowed(constant: Took, signatures: Took, inserts: Took) -> f64 {
    let cores = f64::from(u32::try_from(workers()).unwrap_or(1));
    1.0 / (1.0 / constant.rate + 1.0 / signatures.rate + 1.0 / (inserts.rate * cores))
}

fn tell(report: &mut Report, rounds: &[Round]) {
    let of = |what: fn(&Round) -> Took| Took::best(rounds.iter().map(what));
    let (constant, signatures, inserts) = (
        of(|round| round.constant),
        of(|round| round.signatures),
        of(|round| round.inserts),
    );
    let exchanges = of(|round| round.exchanges);
    let fastest = rounds
        .iter()
        .find(|round| round.exchanges.rate >= exchanges.rate);
    let note = fastest.map_or(String::new(), |round| {
        format!(
            "p50 {}, p99 {}, {} connections, {:.0} events a batch",
            millis(round.p50),
            millis(round.p99),
            load::CONNECTIONS,
            round.events_a_batch
        )
    });
    let cost = |took: Took| format!("processor time {:.0} µs", took.micros);
    let line = |name: &str, bound, ceiling, note: String| Line {
        name: name.into(),
        value: exchanges.rate,
        unit: "/s",
        ceiling,
        bound,
        note,
    };
    report.add(line(
        "exchanges over HTTP, each with its durable events",
        Bound::AtLeast(7000.0),
        None,
        note,
    ));
    let together = Some(allowed(constant, signatures, inserts));
    report.add(line(
        "  beside what the ceilings allow together",
        Bound::Share(0.5),
        together,
        cost(exchanges),
    ));
    let on_all = |took| format!("all cores, {}", cost(took));
    report.context(
        "  ceiling: the same server answering a constant",
        constant.rate,
        "/s",
        on_all(constant),
    );
    report.context(
        "  ceiling: RS256 verification alone",
        signatures.rate,
        "/s",
        on_all(signatures),
    );
    let on_one = format!(
        "one thread, the two leaves of each in the same batches, {}",
        cost(inserts)
    );
    report.context(
        "  ceiling: bare inserts of the same leaves",
        inserts.rate,
        "/s",
        on_one,
    );
    least(report, [constant, signatures, inserts], exchanges);
}

/// How much processor time the ceilings take together, beside an exchange's.
fn least(report: &mut Report, ceilings: [Took; 3], exchanges: Took) {
    let least = ceilings.iter().map(|took| took.micros).sum();
    report.add(Line {
        name: "  the ceilings' processor time beside an exchange's".into(),
        value: least,
        unit: "µs",
        ceiling: Some(exchanges.micros),
        bound: Bound::None,
        note: "client included".into(),
    });
}
