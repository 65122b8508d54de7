//! Quarantine: the operator withholds a release at once, and serves it again when it turns out well.
//!
//! Nothing is deleted: the file stays where it is, and the record, its receipt and the taken version stay too. What if we
//! crash here? The event, the index line and the row are one transaction: the release is withheld, or it is not.
use deciders::{Denial, Ledger, gem, gem::Gem};
use events::{
    event::Draft, name::FoldedName, platform::Platform, stream::StreamName, text::Text,
    version::GemVersion,
};

use super::{App, CommandError, settled, unread};
use crate::store::{states::Read, writer::Verdict};

/// A release as somebody names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The gem.
    pub gem: FoldedName,
    /// Its version, however it is spelled.
    pub number: GemVersion,
    /// Its platform.
    pub platform: Platform,
}

impl App {
    /// Withholds a release. Returns the log index of the event.
    pub async fn quarantine(&self, release: Named, reason: Text) -> Result<u64, CommandError> {
        self.withhold(release, move |ledger, gem, number, platform| {
            gem::quarantine(ledger, gem, number, platform, reason)
        })
        .await
    }

    /// Serves a release again that was withheld. Returns the log index of the event.
    pub async fn restore(&self, release: Named, reason: Option<Text>) -> Result<u64, CommandError> {
        self.withhold(release, move |ledger, gem, number, platform| {
            gem::restore(ledger, gem, number, platform, reason)
        })
        .await
    }

    async fn withhold<D>(&self, release: Named, decide: D) -> Result<u64, CommandError>
    where
        D: FnOnce(&Ledger, &Gem, &GemVersion, &Platform) -> Result<Vec<Draft>, Denial>
            + Send
            + 'static,
    {
        let (log, stream) = (StreamName::log(), StreamName::gem(&release.gem));
        let reads = vec![
            Read::of::<Ledger>(log.clone()),
            Read::of::<Gem>(stream.clone()),
        ];
        let (request, forgotten) = (self.console(), release.gem.clone());
        let outcome = self
            .writer
            .append(reads, move |desk| {
                match (desk.state::<Ledger>(&log), desk.state::<Gem>(&stream)) {
                    (Some(ledger), Some(gem)) => {
                        request.verdict(decide(ledger, gem, &release.number, &release.platform))
                    }
                    _ => Verdict::answer(unread()),
                }
            })
            .await;
        self.index.forget(&forgotten);
        Ok(settled(outcome?)?.indexes().start)
    }
}
