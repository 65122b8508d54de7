//! The flags of `gemledger serve` that say who witnesses its checkpoints.
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::time;
use crate::witness::{Mode, Settings, settings::SettingsError};

/// What waits for witnesses.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ModeArg {
    Off,
    Prefer,
    Require,
}

/// Who witnesses checkpoints.
#[derive(Args)]
pub(super) struct WitnessFlags {
    /// A witness that cosigns checkpoints, as `VKEY URL`; may be given several times
    #[arg(
        long,
        value_name = "VKEY URL",
        env = "GEMLEDGER_WITNESSES",
        value_delimiter = ','
    )]
    witness: Vec<String>,
    /// How many witnesses must cosign a checkpoint [default: more than half]
    #[arg(long, value_name = "N")]
    witness_quorum: Option<usize>,
    /// prefer: show what is cosigned; require: answer nothing as done before it is [default: prefer]
    #[arg(long, value_enum)]
    witness_mode: Option<ModeArg>,
    /// The least time between two rounds of questions, in milliseconds
    #[arg(long, value_name = "MS", default_value = "1000")]
    witness_pause: u64,
    /// How often an unchanged checkpoint is cosigned again
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = time::seconds)]
    witness_refresh: u64,
    /// How long an answer waits for witnesses that are required
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time::seconds)]
    witness_wait: u64,
}

impl WitnessFlags {
    /// What they mean, or why they cannot be meant.
    pub(super) fn settings(&self) -> Result<Settings, SettingsError> {
        let mode = self.witness_mode.map(|mode| match mode {
            ModeArg::Off => Mode::Off,
            ModeArg::Prefer => Mode::Prefer,
            ModeArg::Require => Mode::Require,
        });
        Ok(Settings {
            pause: Duration::from_millis(self.witness_pause.min(60_000)),
            refresh: Duration::from_secs(self.witness_refresh.clamp(1, 86_400)),
            wait: Duration::from_secs(self.witness_wait.clamp(1, 300)),
            ..Settings::new(&self.witness, self.witness_quorum, mode)?
        })
    }
}
