//! Jobs that buy keys: one needs one token.
//!
//! Providers name a run, its attempt and the workflow that defines the job, but no job: jobs of one matrix look alike.
//! What is remembered is bounded by time: a run that exchanges again after more hours than the rule has is not recognised.
use std::collections::{BTreeMap, VecDeque};

use events::{Recorded, digest::Digest, text::Text, time::Timestamp, token::Exchanged};

use super::Numbers;
use crate::monitor::{Finding, catalogue};

/// A job, in 16 bytes of the digest of its names.
type JobKey = [u8; 16];

/// A job that has exchanged a token.
#[derive(Clone, Copy, Debug)]
struct Seen {
    index: u64,
    told: bool,
}

/// The jobs of the last hours.
#[derive(Debug, Default)]
pub struct Jobs {
    seen: BTreeMap<JobKey, Seen>,
    order: VecDeque<(Timestamp, JobKey)>,
}

impl Jobs {
    /// `two_tokens_one_job`: told once for each job.
    pub fn exchanged(
        &mut self,
        recorded: &Recorded,
        exchanged: &Exchanged,
        numbers: &Numbers,
    ) -> Option<Finding> {
        let time = recorded.event.time;
        self.forget(time.minus_seconds(numbers.two_tokens_hours.saturating_mul(3600)));
        let workflow = &exchanged.workflow;
        let run = workflow.run_id.as_ref()?;
        let key = key(recorded, exchanged, run);
        let Some(first) = self.seen.get_mut(&key) else {
            let seen = Seen {
                index: recorded.index,
                told: false,
            };
            self.seen.insert(key, seen);
            self.order.push_back((time, key));
            return None;
        };
        if core::mem::replace(&mut first.told, true) {
            return None;
        }
        let text = format!(
            "a job of run {run} of {} exchanged another token",
            workflow.repository
        );
        let finding = Finding::new(&catalogue::TWO_TOKENS_ONE_JOB, text)
            .at(recorded)
            .since(first.index)
            .not("one token for each job", "another one");
        Some(match exchanged.matches.first() {
            Some(first) => finding.of_gem(first.gem.as_str()),
            None => finding,
        })
    }

    fn forget(&mut self, before: Timestamp) {
        while let Some((time, key)) = self.order.front().copied() {
            if time >= before {
                break;
            }
            self.seen.remove(&key);
            self.order.pop_front();
        }
    }
}

fn key(recorded: &Recorded, exchanged: &Exchanged, run: &Text) -> JobKey {
    let workflow = &exchanged.workflow;
    let provider = recorded
        .event
        .stream
        .rest()
        .split('/')
        .next()
        .unwrap_or_default();
    let text = |text: &Option<Text>| text.as_ref().map_or("", Text::as_str).to_owned();
    // No text of a leaf has a newline, so no two jobs run into one.
    let names = [
        provider,
        workflow.repository_id.as_str(),
        run.as_str(),
        &text(&workflow.run_attempt),
        &text(&workflow.job_workflow_ref),
        &text(&workflow.environment),
    ]
    .join("\n");
    let digest = Digest::of(names.as_bytes());
    digest.as_bytes().first_chunk().copied().unwrap_or_default()
}
