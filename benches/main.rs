//! The benches: what one ledger does in a second, each number beside its ceiling from the same run.
//!
//! `cargo bench` runs everything that is quick. After `--`: names of sections to run (`exchanges`, `appends`, `info`,
//! `receipts`, `verify`, `replay`, `map`, `monitor`, `attestations`, `stored`, `pushes`, `large`), `--full` for the map of 200,000 gems and for ledgers of a
//! million events, `--json` for one JSON object a line.
//!
//! | room | what it does |
//! |---|---|
//! | [`exchanges`], [`appends`], [`info`], [`receipts`], [`verify`], [`replay`], [`map`], [`monitor`], [`attestations`], [`stored`], [`pushes`], [`large`] | what is measured |
//! | [`inserts`], [`signatures`], [`constant`] | the ceilings |
//! | [`stage`], [`tokens`], [`attesting`], [`lawful`] | a ledger, its identity tokens, who attests there, and lawful events by the hundred thousand |
//! | [`load`], [`child`] | HTTP clients, and processes whose memory is watched |
//! | [`watch`], [`report`] | the stopwatch, the table |
use std::process::ExitCode;

use anyhow::Context as _;

mod appends;
mod attestations;
mod attesting;
mod child;
mod constant;
mod exchanges;
mod info;
mod inserts;
mod large;
mod lawful;
mod load;
mod map;
mod monitor;
mod pushes;
mod receipts;
mod replay;
mod report;
mod signatures;
mod stage;
mod stored;
mod tokens;
mod verify;
mod watch;

use report::Report;

/// The sections, in the order they run.
const SECTIONS: [&str; 12] = [
    "exchanges",
    "appends",
    "info",
    "receipts",
    "verify",
    "replay",
    "map",
    "monitor",
    "attestations",
    "stored",
    "pushes",
    "large",
];

/// What was asked for.
struct Asked {
    sections: Vec<String>,
    full: bool,
    json: bool,
}

impl Asked {
    fn read() -> anyhow::Result<Self> {
        let mut asked = Self {
            sections: Vec::new(),
            full: false,
            json: false,
        };
        for argument in std::env::args().skip(1) {
            match argument.as_str() {
                // cargo says this to every bench.
                "--bench" => {}
                "--full" => asked.full = true,
                "--json" => asked.json = true,
                section if SECTIONS.contains(&section) => asked.sections.push(argument),
                other => anyhow::bail!(
                    "{other}: there are {} and --full, --json",
                    SECTIONS.join(", ")
                ),
            }
        }
        Ok(asked)
    }

    fn wants(&self, section: &str) -> bool {
        if self.sections.is_empty() {
            return self.full || !matches!(section, "map" | "large");
        }
        self.sections.iter().any(|asked| asked == section)
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::remark(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// One part of the measurements.
type Section = fn(&mut Report) -> anyhow::Result<()>;

fn run() -> anyhow::Result<()> {
    let asked = Asked::read()?;
    stage::log_as_a_server_does();
    let mut report = Report::new(asked.json);
    let receipts = if asked.full {
        receipts::measure_full
    } else {
        receipts::measure
    };
    let sections: [Section; 12] = [
        exchanges::measure,
        appends::measure,
        info::measure,
        receipts,
        verify::measure,
        replay::measure,
        map::measure,
        monitor::measure,
        attestations::measure,
        stored::measure,
        pushes::measure,
        large::measure,
    ];
    for (name, section) in SECTIONS.iter().zip(sections) {
        if asked.wants(name) {
            report::remark(&format!("measuring {name}"));
            let measured = section(&mut report).with_context(|| format!("measuring {name}"));
            if measured.is_err() {
                // What was measured before is told all the same.
                report.print();
                return measured;
            }
        }
    }
    report.print();
    Ok(())
}
