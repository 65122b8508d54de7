//! Erasing a subject: its key is destroyed, and with it every sealed value of it, in every copy of the database.
use deciders::{Ledger, ledger};
use events::stream::StreamName;

use super::{App, CommandError, settled, unread};
use crate::store::{states::Read, writer::Verdict};

impl App {
    /// Records that a subject is erased, and destroys its key.
    ///
    /// If we crash between the two, the event says more than is true; saying it again makes it true.
    pub async fn erase(&self, subject: StreamName) -> Result<u64, CommandError> {
        let request = self.console();
        let erased = subject.clone();
        let log = StreamName::log();
        let outcome = self
            .writer
            .append(
                vec![Read::of::<Ledger>(log.clone())],
                move |desk| match desk.state::<Ledger>(&log) {
                    Some(state) => request.verdict(ledger::erase(state, erased)),
                    None => Verdict::answer(unread()),
                },
            )
            .await?;
        let index = settled(outcome)?.indexes().start;
        self.subjects.erase(&subject).await?;
        Ok(index)
    }
}
