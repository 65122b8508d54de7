//! `gemledger audit`
use clap::Args;
use deciders::audit::Kind;
use serde_json::json;

use super::{Answer, Common, out};
use crate::app::audit::{Flaw, audit};

/// Check that the log is whole and that every decision in it was lawful.
#[derive(Args)]
pub(super) struct Audit {}

impl Audit {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let reader = common.reader().await?;
        let bar = out::progress(0, "auditing");
        let (mut flaws, mut undecided) = (0_u64, 0_u64);
        let tell = |flaw: Flaw| {
            let could_not_tell =
                matches!(&flaw, Flaw::Decision(finding) if finding.kind == Kind::CouldNotTell);
            *(if could_not_tell {
                &mut undecided
            } else {
                &mut flaws
            }) += 1;
            bar.suspend(|| show(common, &flaw));
        };
        let progress = |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        };
        let events = audit(&reader, &common.folder().anchor, tell, progress).await?;
        bar.finish_and_clear();
        if common.json {
            out::json(&json!({"events": events, "flaws": flaws, "undecided": undecided}));
        } else if flaws + undecided == 0 {
            out::line(&format!(
                "{events} events: the log is whole and every decision was lawful"
            ));
        } else {
            out::line(&format!(
                "{events} events: {flaws} flaws, {undecided} undecided"
            ));
        }
        Ok(match (flaws, undecided) {
            (0, 0) => Answer::True,
            (0, _) => Answer::CouldNotTell,
            _ => Answer::False,
        })
    }
}

fn show(common: &Common, flaw: &Flaw) {
    match flaw {
        Flaw::Decision(finding) => {
            let kind = if finding.kind == Kind::Unlawful {
                "unlawful"
            } else {
                "could not tell"
            };
            if common.json {
                out::json(
                    &json!({"index": finding.index, "kind": kind, "code": finding.code, "message": finding.message}),
                );
            } else {
                out::line(&format!(
                    "log index {}: {kind}: {} ({})",
                    finding.index, finding.message, finding.code
                ));
            }
        }
        Flaw::Damage(message) if common.json => {
            out::json(&json!({"kind": "damaged", "message": message}));
        }
        Flaw::Damage(message) => out::line(&format!("damaged: {message}")),
    }
}
