//! Findings posted as JSON to whoever wants to know. Never in the way of the monitor: a queue, a task, bounded retries.
use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::{sync::mpsc, task::JoinHandle};

use super::Finding;
use crate::remote::{HttpClient, RemoteError};

/// Most posts that wait.
const WAITING: usize = 64;
/// Most findings in one post.
const TOGETHER: usize = 100;

/// Posts findings from a task of its own.
pub struct Notifier {
    queue: mpsc::Sender<Vec<u8>>,
    task: JoinHandle<Vec<RemoteError>>,
}

impl Notifier {
    /// Starts the task. Each post is tried as often as the client's settings say, with their pauses.
    pub fn start(client: HttpClient) -> Self {
        let (queue, mut waiting) = mpsc::channel::<Vec<u8>>(WAITING);
        let client = Arc::new(client);
        let task = tokio::spawn(async move {
            let mut failed = Vec::new();
            while let Some(body) = waiting.recv().await {
                if let Err(error) = post(&client, body).await {
                    tracing::warn!(%error, "findings could not be posted");
                    if failed.len() < WAITING {
                        failed.push(error);
                    }
                }
            }
            failed
        });
        Self { queue, task }
    }

    /// Posts these findings when it can. How many could not even wait for it, because too many wait already.
    pub fn post(&self, ledger: &str, origin: &str, findings: &[Finding]) -> usize {
        let mut lost = 0;
        for some in findings.chunks(TOGETHER) {
            let body = json!({
                "ledger": ledger, "origin": origin,
                "findings": some.iter().map(Finding::to_json).collect::<Vec<_>>(),
            });
            if self.queue.try_send(body.to_string().into_bytes()).is_err() {
                lost += some.len();
            }
        }
        lost
    }

    /// Waits until everything was posted or given up, and says what was given up.
    pub async fn finish(self) -> Vec<RemoteError> {
        drop(self.queue);
        self.task.await.unwrap_or_default()
    }
}

async fn post(client: &HttpClient, body: Vec<u8>) -> Result<(), RemoteError> {
    let attempts = client.settings().attempts.max(1);
    let mut attempt = 1;
    loop {
        match client.post_json(body.clone()).await {
            Ok(()) => return Ok(()),
            Err(error) if attempt >= attempts || is_final(&error) => return Err(error),
            Err(_) => {
                let pause: Duration = client.pause(attempt, None);
                tokio::time::sleep(pause).await;
                attempt += 1;
            }
        }
    }
}

/// A receiver that refuses will refuse again.
fn is_final(error: &RemoteError) -> bool {
    matches!(error, RemoteError::Status { status, .. } if (400..500).contains(status) && *status != 429)
}
