//! `gemledger demo`
use std::{net::TcpListener, path::PathBuf};

use clap::Args;
use serde_json::json;

use super::{Answer, Common, out};
use crate::{
    demo::{Teller, tell},
    world,
};

/// Run the whole story on this machine.
#[derive(Args)]
pub(super) struct Demo {
    /// Exit when the story is told, instead of staying up
    #[arg(long)]
    once: bool,
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: String,
}

struct Printer {
    json: bool,
    steps: usize,
}

impl Teller for Printer {
    fn step(&mut self, log_index: Option<u64>, text: &str) {
        self.steps += 1;
        if self.json {
            out::json(&json!({"step": self.steps, "log_index": log_index, "text": text}));
            return;
        }
        let place = log_index.map_or_else(String::new, |index| format!("log index {index}"));
        out::line(&format!("{:>2}. {place:<13} {text}", self.steps));
    }
}

impl Demo {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let folder = fresh_folder();
        let listener = TcpListener::bind(&self.listen)?;
        let stage = tell(
            &folder,
            listener,
            &mut Printer {
                json: common.json,
                steps: 0,
            },
        )
        .await?;
        if !self.once {
            stage.keep_map();
            out::note(&format!(
                "open {} in a browser; ctrl-c ends the demo",
                stage.page()
            ));
            super::serve::asked_to_stop().await;
        }
        drop(stage);
        std::fs::remove_dir_all(&folder)?;
        Ok(Answer::True)
    }
}

/// A new folder each time: a demonstration starts from nothing.
fn fresh_folder() -> PathBuf {
    std::env::temp_dir().join(format!(
        "gemledger-demo-{}",
        events::digest::hex(&world::random::<6>())
    ))
}
