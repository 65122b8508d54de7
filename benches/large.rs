//! A ledger of a million events: what an append costs there, how fast it starts, how much memory reading all of it takes.
use tempfile::TempDir;

use super::{
    appends::per_second,
    child,
    lawful::Exchanges,
    report::{Bound, Line, Report, remark},
    stage::{LEDGER, Stage},
    tokens::Issuer,
    watch::Took,
};

/// Events of the small ledger and of the large one.
const SIZES: [u64; 2] = [10_000, 1_000_000];
/// Rounds of appends, in turns; the best one of each counts.
const ROUNDS: usize = 7;
/// Requests of a batch, and how many batches.
const BATCHES: (usize, usize) = (8, 200);
/// Most memory that replay and audit may take, in megabytes.
const MOST_MEMORY: f64 = 300.0;
/// Longest start, in seconds.
const LONGEST_START: f64 = 2.0;

/// Measures a small and a large ledger in turns.
pub(crate) fn measure(report: &mut Report) -> anyhow::Result<()> {
    let issuer = Issuer::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut stages = Vec::new();
    for size in SIZES {
        remark(&format!("writing {size} events"));
        let stage = Stage::open(&issuer)?;
        runtime.block_on(async { Exchanges::of(&stage.app, &issuer).await?.fill(size).await })?;
        stages.push(stage);
    }
    // Before the appends: what they append is no decision, and an audit says so.
    let copy = stages.last().map(Stage::copy).transpose()?;
    append(report, &stages)?;
    drop(stages);
    copy.map_or(Ok(()), |copy| read_all(report, &copy))
}

fn read_all(report: &mut Report, folder: &TempDir) -> anyhow::Result<()> {
    let data = folder.path().join(LEDGER);
    let started = child::start_up(&data)?;
    report.add(Line {
        name: "start of the server with 1,000,000 events".into(),
        value: started.took.as_secs_f64(),
        unit: "s",
        ceiling: None,
        bound: Bound::AtMost(LONGEST_START),
        note: format!("{:.0} MB", started.peak_mb),
    });
    for arguments in [&["replay"][..], &["audit"], &["replay", "--check"]] {
        let name = arguments.join(" ");
        remark(&format!("running {name}"));
        let ran = child::run(&data, arguments)?;
        report.add(Line {
            name: format!("{name} of 1,000,000 events, most memory"),
            value: ran.peak_mb,
            unit: "MB",
            ceiling: None,
            bound: Bound::AtMost(MOST_MEMORY),
            note: format!("{:.1} s; {}", ran.took.as_secs_f64(), ran.said),
        });
    }
    Ok(())
}

fn append(report: &mut Report, stages: &[Stage]) -> anyhow::Result<()> {
    let mut rates = vec![Vec::new(); stages.len()];
    for _ in 0..ROUNDS {
        for (stage, rates) in stages.iter().zip(&mut rates) {
            rates.push(per_second(&stage.app, BATCHES.0, BATCHES.1)?);
        }
    }

    let mut best = rates.into_iter().map(Took::best);
    let (small, large) = (
        best.next().unwrap_or_default(),
        best.next().unwrap_or_default(),
    );
    report.add(Line {
        name: "appends at 1,000,000 events beside those at 10,000".into(),
        value: large.rate,
        unit: "/s",
        ceiling: Some(small.rate),
        bound: Bound::Share(1.0 / 1.2),
        note: format!(
            "batches of {}, processor time {:.0} µs beside {:.0} µs",
            BATCHES.0, large.micros, small.micros
        ),
    });
    Ok(())
}
