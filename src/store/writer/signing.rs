//! What follows a commit: sign, anchor, publish, answer, in this order, while the next transaction is under way.
use std::sync::Arc;

use tlog::{Checkpoint, SigningKey};
use tokio::{
    sync::watch,
    task::{JoinError, JoinHandle},
};

use super::{
    Answers, AppendError, Job, Served, answer,
    core::{Core, Fatal},
    edge::anchored_edge,
};
use crate::store::{
    Backend, Head,
    anchor::{Anchor, Anchored},
};

/// A batch that is committed and not signed yet: nobody was answered.
pub(super) struct Unsigned {
    pub(super) head: Head,
    pub(super) answers: Answers,
}

/// What came of signing and anchoring.
pub(super) enum Settled {
    /// Everybody was answered.
    Done,
    /// The anchor holds a larger checkpoint: another process signed after this batch, or it is of another log.
    Newer(Box<Anchored>, String, Unsigned),
    /// The process must end.
    Failed(Fatal),
}

/// A checkpoint on its way to the disk.
pub(super) type Anchoring = JoinHandle<Settled>;

impl<B: Backend> Core<B> {
    /// Signs and anchors a batch on a thread that may wait for the disk; then publishes and answers, in this order, so
    /// that whoever is answered can have a receipt.
    pub(super) fn anchor(
        &self,
        unsigned: Unsigned,
        publish: watch::Sender<Arc<Served>>,
    ) -> Anchoring {
        let (key, anchor) = (Arc::clone(&self.key), self.anchor.clone());
        tokio::task::spawn_blocking(
            move || match sign_and_raise(&key, &anchor, &unsigned.head) {
                Ok((note, None)) => {
                    unsigned.serve(note, &publish);
                    Settled::Done
                }
                Ok((note, Some(newer))) => Settled::Newer(newer, note, unsigned),
                Err(fatal) => {
                    unsigned.refuse(&fatal);
                    Settled::Failed(fatal)
                }
            },
        )
    }

    /// Takes note of what came of anchoring.
    ///
    /// If the anchor is ahead of this process, another one has signed meanwhile, and its events are in this database: if
    /// they are not, it signed those of another one, and what was about to be served is a fork.
    pub(super) async fn settle(
        &mut self,
        settled: Result<Settled, JoinError>,
        publish: &watch::Sender<Arc<Served>>,
    ) -> Result<(), Fatal> {
        match settled {
            Ok(Settled::Done) => Ok(()),
            Ok(Settled::Failed(fatal)) => Err(fatal),
            Ok(Settled::Newer(newer, note, unsigned)) => {
                let explained = self.explain(&newer.checkpoint).await;
                match &explained {
                    Ok(()) => unsigned.serve(note, publish),
                    Err(fatal) => unsigned.refuse(fatal),
                }
                explained
            }
            Err(error) => Err(Fatal::Sign(error.to_string())),
        }
    }

    async fn explain(&mut self, newer: &Checkpoint) -> Result<(), Fatal> {
        self.backend.begin().await?;
        let head = self.backend.head().await?;
        anchored_edge(&mut self.backend, head, newer).await?;
        Ok(self.backend.rollback().await?)
    }
}

impl Unsigned {
    fn serve(self, note: String, publish: &watch::Sender<Arc<Served>>) {
        let head = self.head;
        publish.send_replace(Arc::new(Served { head, note }));
        answer(self.answers);
    }

    fn refuse(self, fatal: &Fatal) {
        refuse(self.answers.into_iter().map(|(job, _)| job), fatal);
    }
}

/// Tells everybody that nothing can be recorded, and why.
pub(super) fn refuse(jobs: impl IntoIterator<Item = Box<dyn Job>>, error: &Fatal) {
    for job in jobs {
        job.finish(Err(AppendError::Unavailable(error.to_string())));
    }
}

/// Signs this head and anchors it. If a larger checkpoint is anchored already, that one comes back too.
pub(super) fn sign_and_raise(
    key: &SigningKey,
    anchor: &Anchor,
    head: &Head,
) -> Result<(String, Option<Box<Anchored>>), Fatal> {
    let sign = |error: tlog::CheckpointError| Fatal::Sign(error.to_string());
    let checkpoint = Checkpoint::new(key.name(), head.size, head.root).map_err(sign)?;
    let note = checkpoint.sign(key).map_err(sign)?;
    let newer = anchor.raise(&checkpoint, &note)?;
    Ok((note, newer.map(Box::new)))
}
