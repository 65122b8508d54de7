//! Witnesses of a ledger: starting to ask them, waiting for them, and stopping when they have seen more than there is.
use std::{sync::Arc, time::Duration};

use super::App;
use crate::{
    store::{StoreError, cosignatures::Cosignatures, halt},
    witness::{Board, Settings, keeper::Keeper},
};

/// How long a start waits for witnesses to say what they have seen.
const START: Duration = Duration::from_secs(5);

/// What to do when appends were stopped.
const RECOVERY: &str = "An older copy of the database was restored, it seems. Bring the missing events back with `gemledger log \
                        import`, or put the newer database back and remove the file `halted` beside it";

/// The quorum has not cosigned in time: what was asked for is recorded, and not answered as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is recorded in the log, and too few witnesses have seen it yet. Try again: a push of the same file is answered with \
     success once they have; an exchange needs a fresh identity token"
)]
pub struct NotWitnessed;

impl App {
    /// Asks these witnesses from now on; the task that does comes back. Whoever answers at once has said what it has seen when
    /// this returns: a database that was rolled back does not take an event first.
    pub async fn ask_witnesses(
        &mut self,
        settings: Settings,
    ) -> Result<Option<tokio::task::JoinHandle<()>>, StoreError> {
        let board = Arc::new(Board::new(settings, self.clock.clone()));
        self.witnesses = Arc::clone(&board);
        if board.is_off() {
            return Ok(None);
        }
        let alarmed = self.clone();
        let keeper = Keeper {
            board: Arc::clone(&board),
            reader: self.reader.clone(),
            anchor: self.anchor.clone(),
            kept: Cosignatures::open(&self.folder.database()).await?,
            clock: self.clock.clone(),
            alarm: Box::new(move |reason| alarmed.halt(&reason)),
        };
        let asking = tokio::spawn(keeper.run(self.writer.watch()));
        board.all_asked(START).await;
        Ok(Some(asking))
    }

    /// Stops all appends, of this process and every later one, until a person has looked.
    pub fn halt(&self, reason: &str) {
        if self.writer.halted().is_some() {
            return;
        }
        let reason = format!("{reason}. {RECOVERY}");
        self.writer.halt(reason.clone());
        tracing::error!(reason, "appends are stopped");
        if let Err(error) = halt::write(&self.folder.halted(), &reason) {
            tracing::error!(%error, "the next start will not know that appends were stopped");
        }
    }

    /// Waits until the quorum has cosigned everything that is signed now, where that is required.
    pub async fn witnessed(&self) -> Result<(), NotWitnessed> {
        if !self.witnesses.requires() {
            return Ok(());
        }
        // The anchor knows what other processes signed; without it, what this one did is known still.
        let anchored = self.anchor.read().ok().flatten();
        let anchored = anchored.map_or(0, |anchored| anchored.checkpoint.size());
        let size = anchored.max(self.writer.served().head.size);
        if self.witnesses.covers(size).await {
            Ok(())
        } else {
            Err(NotWitnessed)
        }
    }
}
