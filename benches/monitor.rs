//! The monitor on a mirror: every leaf hashed and traced to the signature, parsed, judged, timed, and shown to every rule.
use std::{path::Path, thread};

use deciders::audit::Auditor;
use events::{Event, Recorded};
use gemledger::{
    monitor::{Monitor, Options, Settings, times::Bounds},
    remote::{self, Ledger, Source, TileFolder},
    world::Clock,
};
use tlog::{Frontier, leaf_hash};

use super::{
    lawful::Exchanges,
    report::{Bound, Line, Report, ratio, remark},
    stage::{Stage, workers},
    tokens::Issuer,
    watch::{Took, Watch},
};

/// Events of the log.
const EVENTS: u64 = 100_000;
/// Rounds; the best one counts.
const ROUNDS: usize = 5;

/// Measures a look at a mirror beside parsing, hashing and judging alone, from memory.
pub(crate) fn measure(report: &mut Report) -> anyhow::Result<()> {
    let issuer = Issuer::start()?;
    let stage = Stage::open(&issuer)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
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
    let mirror = tempfile::tempdir_in(super::stage::scratch())?;
    let url = format!("http://{}", stage.address);
    let watch = Watch::start();
    let mirrored = runtime.block_on(look(&url, Some(mirror.path())))?;
    let mirrored = watch.stop(mirrored);
    let folder = mirror.path().display().to_string();
    let (mut watched, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let watch = Watch::start();
        let read = runtime.block_on(look(&folder, None))?;
        watched.push(watch.stop(read));
        alone.push(judged_alone(&leaves)?);
    }
    let (watched, alone) = (Took::best(watched), Took::best(alone));
    let bytes: usize = leaves.iter().map(Vec::len).sum();
    let note = format!(
        "leaves of {:.0} bytes, processor time {:.1} µs beside {:.1} µs",
        ratio(bytes, leaves.len()),
        watched.micros,
        alone.micros
    );
    let line = |name: &str, bound, ceiling| Line {
        name: name.into(),
        value: watched.rate,
        unit: "/s",
        ceiling,
        bound,
        note: note.clone(),
    };
    report.add(line(
        "monitor from local tiles, all checks, events",
        Bound::AtLeast(200_000.0),
        None,
    ));
    report.add(line(
        "  beside parsing, hashing and judging alone, from memory",
        Bound::None,
        Some(alone.rate),
    ));
    report.context(
        "  over HTTP on loopback, keeping a copy",
        mirrored.rate,
        "/s",
        format!("processor time with the server's {:.1} µs", mirrored.micros),
    );
    Ok(())
}

/// One look by a monitor that was never there before. How many events it read.
async fn look(place: &str, keep: Option<&Path>) -> anyhow::Result<usize> {
    let source = Source::parse(place, None, remote::Settings::default())?;
    let mut ledger = Ledger::open(source, None).await?;
    if let Some(folder) = keep {
        ledger = ledger.keeping(TileFolder::new(folder));
    }
    let mut monitor = Monitor::new(
        ledger,
        Options {
            settings: Settings::default(),
            bounds: Bounds {
                skew_seconds: 120,
                max_age_seconds: None,
            },
            witnesses: Vec::new(),
            state: None,
            history: true,
            clock: Clock::system(),
            fetch: None,
        },
    )?;
    let look = monitor.look(|_, _| {}).await?;
    anyhow::ensure!(look.decided && look.complete, "not everything was read");
    let broken =
        |finding: &gemledger::monitor::Finding| finding.sort == gemledger::monitor::Sort::Broken;
    anyhow::ensure!(!look.findings.iter().any(broken), "{:?}", look.findings);
    Ok(usize::try_from(look.read)?)
}

/// Events a second: parsed and hashed on all threads but judged on one, from memory. No monitor can be faster.
fn judged_alone(leaves: &[Vec<u8>]) -> anyhow::Result<Took> {
    let watch = Watch::start();
    let part = leaves.len().div_ceil(workers()).max(1);
    let read = |part: &[Vec<u8>]| -> anyhow::Result<Vec<Event>> {
        let mut frontier = Frontier::new();
        let mut events = Vec::with_capacity(part.len());
        for leaf in part {
            events.push(Event::read(leaf)?);
            frontier.push(leaf_hash(leaf));
        }
        std::hint::black_box(frontier.root());
        Ok(events)
    };
    let mut auditor = Auditor::new();
    let mut index = 0;
    thread::scope(|scope| {
        let parts: Vec<_> = leaves
            .chunks(part)
            .map(|part| scope.spawn(move || read(part)))
            .collect();
        for part in parts {
            let events = part
                .join()
                .map_err(|_| anyhow::anyhow!("parsing failed"))??;
            for event in events {
                let findings = auditor.take(Recorded { index, event });
                anyhow::ensure!(findings.is_empty(), "{findings:?}");
                index += 1;
            }
        }
        anyhow::Ok(())
    })?;
    Ok(watch.stop(leaves.len()))
}
