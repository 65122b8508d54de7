//! The compact index and the legacy indexes as the rows have them.
use events::{
    digest::Digest,
    name::{FoldedName, GemName},
    platform::Platform,
    time::Timestamp,
    version::GemVersion,
};
use projections::tables::{GEM, INFO, RELEASE, VERSION_LINE};
use sqlx::{AssertSqlSafe, Row as _, sqlite::SqliteRow};

use super::failed;
use crate::store::{StoreError, reader::Reader};

/// The bytes of `/info/<name>`; `None` if there is no such gem, or it is spelled differently.
pub async fn info(reader: &Reader, name: &GemName) -> Result<Option<String>, StoreError> {
    let sql = format!("SELECT body FROM {INFO} WHERE gem = $1 AND name = $2");
    let query = sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(name.folded().as_str().to_owned())
        .bind(name.as_str().to_owned());
    query.fetch_optional(reader.pool()).await.map_err(failed)
}

/// The names of all gems with a release that is served, in the order of their bytes.
pub async fn names(reader: &Reader) -> Result<Vec<String>, StoreError> {
    // Few gems have a quarantined release: those of which nothing is left are found from these few.
    let sql = format!(
        "SELECT name FROM {GEM} WHERE releases > 0 AND gem NOT IN (
           SELECT q.gem FROM {RELEASE} q WHERE q.quarantined_at > 0 GROUP BY q.gem
           HAVING COUNT(*) >= (SELECT g.releases FROM {GEM} g WHERE g.gem = q.gem))
         ORDER BY name"
    );
    sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_all(reader.pool())
        .await
        .map_err(failed)
}

/// The lines of `/versions` from one log index on, in the order of the log, and the index after the last of them.
pub async fn version_lines(reader: &Reader, from: u64) -> Result<(String, u64), StoreError> {
    let sql = format!(
        "SELECT log_index, line FROM {VERSION_LINE} WHERE log_index >= $1 ORDER BY log_index"
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(i64::try_from(from).unwrap_or(i64::MAX));
    let (mut lines, mut next) = (String::new(), from);
    for row in query.fetch_all(reader.pool()).await.map_err(failed)? {
        let index: i64 = row.try_get(0).map_err(failed)?;
        lines.push_str(row.try_get(1).map_err(failed)?);
        next = u64::try_from(index).unwrap_or(0) + 1;
    }
    Ok((lines, next))
}

/// The gems whose lines of `/info` changed in a range of the log.
pub async fn touched(reader: &Reader, from: u64, to: u64) -> Result<Vec<FoldedName>, StoreError> {
    let sql = format!("SELECT line FROM {VERSION_LINE} WHERE log_index >= $1 AND log_index < $2");
    let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(i64::try_from(from).unwrap_or(i64::MAX))
        .bind(i64::try_from(to).unwrap_or(i64::MAX))
        .fetch_all(reader.pool())
        .await
        .map_err(failed)?;
    let name = |line: &String| Some(GemName::parse(line.split(' ').next()?).ok()?.folded());
    Ok(lines.iter().filter_map(name).collect())
}

/// A release in the legacy indexes.
pub type Spec = (GemName, GemVersion, Platform);

/// Every release that is served, in the order of names; versions in the order of releases.
pub async fn releases(reader: &Reader) -> Result<Vec<Spec>, StoreError> {
    let sql = format!(
        "SELECT g.name, r.number, r.platform FROM {RELEASE} r JOIN {GEM} g ON g.gem = r.gem
         WHERE r.quarantined_at IS NULL ORDER BY g.name, r.log_index"
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .fetch_all(reader.pool())
        .await
        .map_err(failed)?;
    rows.iter().map(spec).collect()
}

fn spec(row: &SqliteRow) -> Result<Spec, StoreError> {
    let text = |at: usize| row.try_get::<String, _>(at).map_err(failed);
    let corrupt = || StoreError::Corrupt("a row of a release".into());
    let name = GemName::parse(&text(0)?).map_err(|_| corrupt())?;
    let number = GemVersion::parse(&text(1)?).map_err(|_| corrupt())?;
    Ok((
        name,
        number,
        Platform::parse(&text(2)?).map_err(|_| corrupt())?,
    ))
}

/// What is behind a file name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// The gem.
    pub gem: FoldedName,
    /// The digest of the file.
    pub digest: Digest,
    /// The digest of its metadata document.
    pub document: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The log index of its release.
    pub log_index: u64,
    /// It is withheld.
    pub quarantine: Option<Quarantine>,
}

/// Since when and why a release is withheld.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Quarantine {
    /// Since when.
    pub since: Timestamp,
    /// The event that says so.
    pub log_index: u64,
    /// Why, in the operator's words.
    pub reason: String,
}

impl Quarantine {
    /// From `quarantined_at, quarantine_index, quarantine_reason`, which start at this column of a row.
    pub(super) fn of(row: &SqliteRow, at: usize) -> Result<Option<Self>, StoreError> {
        let number = |at: usize| {
            let value: Option<i64> = row.try_get(at).map_err(failed)?;
            Ok::<_, StoreError>(value.and_then(|value| u64::try_from(value).ok()))
        };
        let (since, index) = (number(at)?, number(at + 1)?);
        let reason: Option<String> = row.try_get(at + 2).map_err(failed)?;
        Ok(since.map(|since| Self {
            since: Timestamp::from_millis(since),
            log_index: index.unwrap_or_default(),
            reason: reason.unwrap_or_default(),
        }))
    }
}

/// The release with this full name, exactly as spelled.
pub async fn file(reader: &Reader, full_name: &str) -> Result<Option<FileRow>, StoreError> {
    let sql = format!(
        "SELECT gem, digest, document, size, log_index, quarantined_at, quarantine_index, quarantine_reason FROM {RELEASE} WHERE file = $1"
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(full_name.to_owned());
    let Some(row) = query.fetch_optional(reader.pool()).await.map_err(failed)? else {
        return Ok(None);
    };
    let corrupt = || StoreError::Corrupt("a row of a release".into());
    let text = |at: usize| row.try_get::<String, _>(at).map_err(failed);
    let number = |at: usize| {
        row.try_get::<i64, _>(at)
            .map(|value| u64::try_from(value).unwrap_or(0))
            .map_err(failed)
    };
    Ok(Some(FileRow {
        gem: FoldedName::parse(&text(0)?).map_err(|_| corrupt())?,
        digest: Digest::from_hex(&text(1)?).map_err(|_| corrupt())?,
        document: Digest::from_hex(&text(2)?).map_err(|_| corrupt())?,
        size: number(3)?,
        log_index: number(4)?,
        quarantine: Quarantine::of(&row, 5)?,
    }))
}

/// Every release that is withheld, by its file's name, the oldest quarantine first.
pub async fn quarantined(reader: &Reader) -> Result<Vec<(String, Quarantine)>, StoreError> {
    let sql = format!(
        "SELECT quarantined_at, quarantine_index, quarantine_reason, file FROM {RELEASE}
         WHERE quarantined_at > 0 ORDER BY quarantine_index"
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .fetch_all(reader.pool())
        .await
        .map_err(failed)?;
    let mut found = Vec::new();
    for row in &rows {
        let file: String = row.try_get(3).map_err(failed)?;
        found.extend(Quarantine::of(row, 0)?.map(|quarantine| (file, quarantine)));
    }
    Ok(found)
}
