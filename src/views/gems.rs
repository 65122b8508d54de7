//! Gems and their releases, for people.
use std::collections::BTreeMap;

use events::{
    Body, Recorded,
    event::Event,
    gem::Pushed,
    id::{Actor, Owner},
    name::FoldedName,
    platform::Platform,
    stream::StreamName,
    time::Timestamp,
    version::GemVersion,
};
use projections::tables::{GEM, RELEASE};
use sqlx::{AssertSqlSafe, Row as _, sqlite::SqliteRow};

use super::{failed, index::Quarantine};
use crate::{
    app::App,
    blobs::BlobError,
    rubygems::Document,
    store::{StoreError, reader::Reader, sqlite::integer},
};

mod history;

pub use history::{Change, Denied, Override, Policy, denials, policy};

/// Most gems in one list.
pub const MOST_GEMS: i64 = 50;
/// Most releases of one gem in one list.
pub const MOST_RELEASES: u64 = 200;

/// A gem with its newest release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name as it is spelled.
    pub name: String,
    /// How many releases it has.
    pub releases: u64,
    /// The newest one's version.
    pub number: GemVersion,
    /// The newest one's platform.
    pub platform: Platform,
    /// When it was released.
    pub released: Timestamp,
    /// Its log index.
    pub log_index: u64,
    /// The repository that it came from.
    pub repository: Option<String>,
    /// The commit that it came from.
    pub commit: Option<String>,
}

/// The gems with the newest releases among the first `covered` events.
pub async fn newest(reader: &Reader, covered: u64) -> Result<Vec<Listed>, StoreError> {
    let sql = listing("", "g.updated_at DESC, g.gem");
    let query = sqlx::query(AssertSqlSafe(sql)).bind(integer(covered));
    let rows = query.fetch_all(reader.pool()).await.map_err(failed)?;
    rows.iter().map(listed).collect()
}

/// The gems whose name contains this text: first the one that is called so, then those that start with it.
pub async fn search(reader: &Reader, text: &str, covered: u64) -> Result<Vec<Listed>, StoreError> {
    let text = text.to_ascii_lowercase();
    let escaped = like_escaped(&text);
    let sql = listing(
        "AND g.gem LIKE $3 ESCAPE '!'",
        "CASE WHEN g.gem = $2 THEN 0 WHEN g.gem LIKE $4 ESCAPE '!' THEN 1 ELSE 2 END, g.updated_at DESC, g.gem",
    );
    let query = sqlx::query(AssertSqlSafe(sql))
        .bind(integer(covered))
        .bind(text)
        .bind(format!("%{escaped}%"))
        .bind(format!("{escaped}%"));
    let rows = query.fetch_all(reader.pool()).await.map_err(failed)?;
    rows.iter().map(listed).collect()
}

/// Gems, each joined with its newest release below index `$1`.
fn listing(condition: &str, order: &str) -> String {
    format!(
        "SELECT g.name, g.releases, r.number, r.platform, r.released_at, r.log_index, r.repository, r.commit_id
         FROM {GEM} g JOIN {RELEASE} r ON r.gem = g.gem
         WHERE r.log_index = (SELECT MAX(n.log_index) FROM {RELEASE} n WHERE n.gem = g.gem AND n.log_index < $1 AND n.quarantined_at IS NULL) {condition}
         ORDER BY {order} LIMIT {MOST_GEMS}"
    )
}

/// The text with everything that `LIKE` would read as more than itself escaped by `!`.
fn like_escaped(text: &str) -> String {
    let escape = |c: char| {
        let special = matches!(c, '!' | '%' | '_').then_some('!');
        special.into_iter().chain([c])
    };
    text.chars().flat_map(escape).collect()
}

fn listed(row: &SqliteRow) -> Result<Listed, StoreError> {
    let corrupt = || StoreError::Corrupt("a row of a gem".into());
    let text = |at: usize| row.try_get::<Option<String>, _>(at).map_err(failed);
    let number = |at: usize| {
        let number = row.try_get::<i64, _>(at).map_err(failed)?;
        u64::try_from(number).map_err(|_| corrupt())
    };
    Ok(Listed {
        name: text(0)?.ok_or_else(corrupt)?,
        releases: number(1)?,
        number: GemVersion::parse(&text(2)?.unwrap_or_default()).map_err(|_| corrupt())?,
        platform: Platform::parse(&text(3)?.unwrap_or_default()).map_err(|_| corrupt())?,
        released: Timestamp::from_millis(number(4)?),
        log_index: number(5)?,
        repository: text(6)?,
        commit: text(7)?,
    })
}

/// A release with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released {
    /// Its place in the log.
    pub log_index: u64,
    /// When.
    pub time: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// What was pushed.
    pub pushed: Pushed,
    /// It is withheld.
    pub quarantine: Option<Quarantine>,
}

/// A gem's newest releases among the first `covered` events, the newest first, and how many there are in all.
pub async fn releases(
    reader: &Reader,
    gem: &FoldedName,
    covered: u64,
) -> Result<(Vec<Released>, u64), StoreError> {
    let sql = format!(
        "SELECT log_index, revision, COUNT(*) OVER (), quarantined_at, quarantine_index, quarantine_reason
         FROM {RELEASE} WHERE gem = $1 AND log_index < $2 ORDER BY log_index DESC LIMIT {MOST_RELEASES}"
    );
    let query = sqlx::query(AssertSqlSafe(sql))
        .bind(gem.as_str().to_owned())
        .bind(integer(covered));
    let rows = query.fetch_all(reader.pool()).await.map_err(failed)?;
    let number = |row: &SqliteRow, at: usize| {
        let number = row.try_get::<i64, _>(at).map_err(failed)?;
        Ok::<_, StoreError>(u64::try_from(number).unwrap_or(0))
    };
    let (Some(newest), Some(oldest)) = (rows.first(), rows.last()) else {
        return Ok((Vec::new(), 0));
    };
    // Between them stand quarantines and liftings too.
    let (first, all) = (number(oldest, 1)?, number(newest, 2)?);
    let most = u32::try_from(number(newest, 1)? + 1 - first).unwrap_or(u32::MAX);
    let events = reader.stream(&StreamName::gem(gem), first, most).await?;
    let mut events: BTreeMap<u64, Recorded> = events
        .into_iter()
        .map(|recorded| (recorded.index, recorded))
        .collect();
    let mut releases = Vec::new();
    for row in &rows {
        let quarantine = Quarantine::of(row, 3)?;
        let recorded = events.remove(&number(row, 0)?);
        releases.extend(recorded.and_then(|recorded| released(recorded, quarantine)));
    }
    Ok((releases, all))
}

fn released(recorded: Recorded, quarantine: Option<Quarantine>) -> Option<Released> {
    let Recorded { index, event } = recorded;
    let Event {
        body, time, actor, ..
    } = event;
    let Body::ReleasePushed(pushed) = body else {
        return None;
    };
    Some(Released {
        log_index: index,
        time,
        actor,
        pushed,
        quarantine,
    })
}

/// What a release says of itself; `None` once its document is removed.
pub async fn document(
    app: &App,
    digest: &events::digest::Digest,
) -> Result<Option<Document>, BlobError> {
    let bytes = app.blobs.get(digest).await?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// Who acts, in words.
pub fn who(actor: &Actor) -> String {
    match actor {
        Actor::Operator => "the operator".to_owned(),
        Actor::Account(id) => format!("account {id}"),
        Actor::Workflow(provider, id) => format!("a workflow of repository {id} at {provider}"),
    }
}

/// Whose something is, in words.
pub fn whose(owner: Owner) -> String {
    who(&owner.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_is_searched_as_it_is_written() {
        assert_eq!(like_escaped("a_b%c!d"), "a!_b!%c!!d");
        assert_eq!(like_escaped("rake"), "rake");
    }
}
