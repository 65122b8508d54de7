//! Replay a second: every leaf read from the database, parsed, checked to be canonical and hashed into the tree.
use std::thread;

use events::Event;
use gemledger::app::replay::replay;
use tlog::{Frontier, leaf_hash};

use super::{
    lawful::Exchanges,
    report::{Bound, Line, Report, remark},
    stage::{Stage, workers},
    tokens::Issuer,
    watch::{Took, Watch},
};

/// Events of the log.
const EVENTS: u64 = 100_000;
/// Rounds; the best one counts.
const ROUNDS: usize = 5;

/// Measures the replay beside parsing and hashing alone.
pub(crate) fn measure(report: &mut Report) -> anyhow::Result<()> {
    let issuer = Issuer::start()?;
    let stage = Stage::open(&issuer)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    remark(&format!("writing {EVENTS} events"));
    let leaves = runtime.block_on(async {
        Exchanges::of(&stage.app, &issuer)
            .await?
            .fill(EVENTS)
            .await?;
        anyhow::Ok(stage.app.reader.leaves(0, EVENTS).await?)
    })?;
    let (mut replayed, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let watch = Watch::start();
        let done = runtime.block_on(replay(&stage.app.reader, None, None, false, |_, _| {}))?;
        anyhow::ensure!(
            done.root_matches == Some(true),
            "the replay gave another root"
        );
        replayed.push(watch.stop(usize::try_from(done.events)?));
        alone.push(parse_and_hash(&leaves, workers())?);
    }
    let (replayed, alone) = (Took::best(replayed), Took::best(alone));
    let bytes: usize = leaves.iter().map(Vec::len).sum();
    let size = super::report::ratio(bytes, leaves.len());
    let note = format!(
        "leaves of {size:.0} bytes, processor time {:.1} µs beside {:.1} µs",
        replayed.micros, alone.micros
    );
    let line = |name: &str, bound, ceiling| Line {
        name: name.into(),
        value: replayed.rate,
        unit: "/s",
        ceiling,
        bound,
        note: note.clone(),
    };
    report.add(line(
        "replay with hashing, events",
        Bound::AtLeast(300_000.0),
        None,
    ));
    report.add(line(
        "  beside parsing and hashing alone, from memory",
        Bound::None,
        Some(alone.rate),
    ));
    report.context(
        "  parsing and hashing alone, one thread",
        parse_and_hash(&leaves, 1)?.rate,
        "/s",
        "",
    );
    Ok(())
}

/// Events a second, parsed and hashed from memory on so many threads.
fn parse_and_hash(leaves: &[Vec<u8>], threads: usize) -> anyhow::Result<Took> {
    let watch = Watch::start();
    let part = leaves.len().div_ceil(threads).max(1);
    let read = |part: &[Vec<u8>]| -> anyhow::Result<Frontier> {
        let mut frontier = Frontier::new();
        for leaf in part {
            std::hint::black_box(Event::read(leaf)?);
            frontier.push(leaf_hash(leaf));
        }
        Ok(frontier)
    };
    thread::scope(|scope| {
        let parts: Vec<_> = leaves
            .chunks(part)
            .map(|part| scope.spawn(move || read(part)))
            .collect();
        for part in parts {
            part.join()
                .map_err(|_| anyhow::anyhow!("parsing failed"))??;
        }
        anyhow::Ok(())
    })?;
    Ok(watch.stop(leaves.len()))
}
