//! Where a release came from: the transparency record, and the receipt that proves it offline.
//!
//! The record follows the references that events hold: release → API key → exchange → policy → provider and its key.
//! Each entry on the way is held against the newest anchored checkpoint before it is called proven; what only this
//! registry says is called so; what nobody here can know is said too. Its JSON is specified in
//! `docs/formats/provenance.md`.
//!
//! | room | what it does |
//! |---|---|
//! | [`record`] | the record's shape |
//! | [`walk`] | following the references |
//! | [`chain`] | the events that it stands on |
//! | [`attestations`] | the build attestations that came with it |
//! | [`links`] | the way from the source repository to the log, link by link |
//! | [`source`] | the links that identity token and certificates state |
//! | [`certificates`] | the links that a bundle proves |
//! | [`statements`] | what is known of the release, and how |
//! | [`forge`] | addresses at the forges that are known here |
use events::{name::FoldedName, platform::Platform, version::GemVersion};
use projections::tables::RELEASE;
use sqlx::{AssertSqlSafe, Row as _};
use tlog::Receipt;

use super::{comparisons, failed, index::Quarantine};
use crate::{
    app::App,
    store::{
        StoreError,
        anchor::{AnchorError, Anchored},
    },
};

mod attestations;
mod certificates;
mod chain;
mod forge;
mod links;
pub mod record;
mod source;
mod statements;
mod walk;

pub use record::TransparencyRecord;

/// The transparency record of a release; `None` if there is no such release under a signed and anchored checkpoint.
pub async fn of(
    app: &App,
    gem: &FoldedName,
    number: &GemVersion,
    platform: &Platform,
) -> Result<Option<TransparencyRecord>, StoreError> {
    let Some((index, quarantine)) = released(app, gem, number, platform).await? else {
        return Ok(None);
    };
    let Some(anchored) = newest(app)?.filter(|anchored| index < anchored.checkpoint.size()) else {
        return Ok(None);
    };
    let mut record = walk::record(app, &anchored, index, quarantine).await?;
    record.comparisons = comparisons::of_release(app, &anchored, gem, number, platform).await?;
    Ok(Some(record))
}

/// What others state of a release and its repository; `None` if there is no such release under a signed and anchored
/// checkpoint.
pub async fn comparisons(
    app: &App,
    gem: &FoldedName,
    number: &GemVersion,
    platform: &Platform,
) -> Result<Option<comparisons::Comparisons>, StoreError> {
    let index = released_at(app, gem, number, platform).await?;
    let anchored = newest(app)?.filter(|anchored| {
        let covers = |index| index < anchored.checkpoint.size();
        index.is_some_and(covers)
    });
    let Some(anchored) = anchored else {
        return Ok(None);
    };
    let found = comparisons::of_release(app, &anchored, gem, number, platform);
    found.await.map(Some)
}

/// The receipt of one event, the text of a `.tlog-proof` file with the leaf in it; `None` if no anchored checkpoint
/// covers the event yet.
pub async fn receipt(app: &App, index: u64) -> Result<Option<String>, StoreError> {
    match app.witnesses.covering(anchored(app)?, index) {
        Some(anchored) => Ok(Some(prove(app, &anchored, index).await?.text())),
        None => Ok(None),
    }
}

/// The newest checkpoint that may be shown, with the cosignatures that are known of it; nothing beyond it is shown. It is the
/// newest that was signed and anchored, unless witnesses are required.
pub fn newest(app: &App) -> Result<Option<Anchored>, StoreError> {
    Ok(app.witnesses.newest(anchored(app)?))
}

/// The checkpoint for `/log/checkpoint`, where cosignatures count more than the last second.
pub fn published(app: &App) -> Result<Option<Anchored>, StoreError> {
    Ok(app.witnesses.published(anchored(app)?))
}

/// The newest checkpoint that was signed and anchored, by whichever process.
fn anchored(app: &App) -> Result<Option<Anchored>, StoreError> {
    app.anchor.read().map_err(|error| match error {
        AnchorError::Io { .. } => StoreError::Database(error.to_string()),
        AnchorError::Damaged(_) | AnchorError::TooLong | AnchorError::Forked => {
            StoreError::Corrupt(error.to_string())
        }
    })
}

/// How many events the newest anchored checkpoint covers.
pub fn covered(app: &App) -> Result<u64, StoreError> {
    Ok(newest(app)?.map_or(0, |anchored| anchored.checkpoint.size()))
}

/// The receipt of an event that the checkpoint covers, verified before anybody sees it.
async fn prove(app: &App, anchored: &Anchored, index: u64) -> Result<Receipt, StoreError> {
    app.receipts.prove(&app.reader, anchored, index).await
}

/// The log index of a release, withheld or not.
pub async fn released_at(
    app: &App,
    gem: &FoldedName,
    number: &GemVersion,
    platform: &Platform,
) -> Result<Option<u64>, StoreError> {
    let released = released(app, gem, number, platform).await?;
    Ok(released.map(|(index, _)| index))
}

/// The log index of a release, and whether it is withheld now.
pub(super) async fn released(
    app: &App,
    gem: &FoldedName,
    number: &GemVersion,
    platform: &Platform,
) -> Result<Option<(u64, Option<Quarantine>)>, StoreError> {
    let sql = format!(
        "SELECT log_index, quarantined_at, quarantine_index, quarantine_reason FROM {RELEASE}
         WHERE gem = $1 AND number = $2 AND platform = $3"
    );
    let query = sqlx::query(AssertSqlSafe(sql))
        .bind(gem.as_str().to_owned())
        .bind(number.as_str().to_owned())
        .bind(platform.as_str().to_owned());
    let row = query
        .fetch_optional(app.reader.pool())
        .await
        .map_err(failed)?;
    let Some(row) = row else { return Ok(None) };
    let index: Option<i64> = row.try_get(0).map_err(failed)?;
    let quarantine = Quarantine::of(&row, 1)?;
    let index = index.and_then(|index| u64::try_from(index).ok());
    Ok(index.map(|index| (index, quarantine)))
}

/// Reads `VERSION` or `VERSION-PLATFORM`: a version has no `-`, so the first one is where the platform starts.
pub fn number_and_platform(text: &str) -> Option<(GemVersion, Platform)> {
    let (number, platform) = match text.split_once('-') {
        Some((number, platform)) => (number, Platform::parse(platform).ok()?),
        None => (text, Platform::ruby()),
    };
    Some((GemVersion::parse(number).ok()?, platform))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_cut_from_its_platform_at_the_first_hyphen() {
        let cut = |text| {
            number_and_platform(text)
                .map(|(number, platform)| format!("{number} on {platform}"))
                .unwrap_or_default()
        };
        assert_eq!(cut("1.0"), "1.0 on ruby");
        assert_eq!(cut("1.0-x86_64-linux"), "1.0 on x86_64-linux");
        for bad in ["", "-", "1.0-", "a", "1.0-a/b", "1.0-\u{202E}"] {
            assert_eq!(cut(bad), "", "{bad}");
        }
    }
}
