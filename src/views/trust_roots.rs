//! Which trust roots are there, and in which versions?
use deciders::{rule::Class, trust_root::TrustRoot};
use events::{
    Body, Recorded,
    digest::Digest,
    stream::StreamName,
    text::{Slug, Text},
    trust_root::{self, Requires},
};
use projections::tables::TRUST_ROOT;
use sqlx::{AssertSqlSafe, Row as _, sqlite::SqliteRow};

use super::{LONGEST, failed, state};
use crate::store::{StoreError, reader::Reader};

/// A trust root in its newest version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newest {
    /// Its name.
    pub slug: Slug,
    /// The revision of its newest version.
    pub revision: u64,
    /// What was recorded.
    pub recorded: trust_root::Recorded,
    /// It was retired since.
    pub retired: bool,
}

/// The class of what a root verifies.
pub fn class(root: &trust_root::Recorded) -> Class {
    Class::with(root.requires.log, root.public)
}

/// Every trust root that was ever recorded, in the order of their names.
pub async fn newest(reader: &Reader) -> Result<Vec<Newest>, StoreError> {
    let sql = format!(
        "SELECT slug, revision, digest, size, issuers, public, requires_log, requires_sct, requires_timestamp, \
         repository, bootstrap, retired FROM {TRUST_ROOT} ORDER BY slug"
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .fetch_all(reader.pool())
        .await
        .map_err(failed)?;
    rows.iter().map(read).collect()
}

fn read(row: &SqliteRow) -> Result<Newest, StoreError> {
    let corrupt = || StoreError::Corrupt("a row of a trust root".into());
    let text = |name: &str| row.try_get::<String, _>(name).map_err(failed);
    let maybe = |name: &str| row.try_get::<Option<String>, _>(name).map_err(failed);
    let number = |name: &str| {
        let number: i64 = row.try_get(name).map_err(failed)?;
        u64::try_from(number).map_err(|_| corrupt())
    };
    let flag = |name: &str| Ok::<_, StoreError>(number(name)? != 0);
    let digest = |hex: &str| Digest::from_hex(hex).map_err(|_| corrupt());
    let issuers: Vec<Text> = serde_json::from_str(&text("issuers")?).map_err(|_| corrupt())?;
    let repository = match (maybe("repository")?, maybe("bootstrap")?) {
        (None, None) => None,
        (Some(url), Some(bootstrap)) => Some(trust_root::Repository {
            bootstrap: digest(&bootstrap)?,
            url: Text::parse(&url).map_err(|_| corrupt())?,
        }),
        (Some(_), None) | (None, Some(_)) => return Err(corrupt()),
    };
    let recorded = trust_root::Recorded {
        digest: digest(&text("digest")?)?,
        issuers,
        public: flag("public")?,
        repository,
        requires: Requires {
            log: flag("requires_log")?,
            sct: flag("requires_sct")?,
            timestamp: flag("requires_timestamp")?,
        },
        size: number("size")?,
    };
    Ok(Newest {
        slug: Slug::parse(&text("slug")?).map_err(|_| corrupt())?,
        revision: number("revision")?,
        recorded,
        retired: flag("retired")?,
    })
}

/// One trust root, in all its versions.
pub async fn one(reader: &Reader, slug: &Slug) -> Result<TrustRoot, StoreError> {
    state(reader, &StreamName::trust_root(slug)).await
}

/// The events of one trust root, the oldest first.
pub async fn history(reader: &Reader, slug: &Slug) -> Result<Vec<Recorded>, StoreError> {
    let stream = StreamName::trust_root(slug);
    reader.stream(&stream, 0, LONGEST).await
}

/// A file that a trust root names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct File {
    /// Its SHA-256.
    pub digest: Digest,
    /// What it is.
    pub name: String,
    /// Where a registry serves it.
    pub path: String,
}

/// Every file that trust roots name, each once: their `trusted_root.json`, and the metadata that trust in their
/// repository began with.
pub async fn files(reader: &Reader) -> Result<Vec<File>, StoreError> {
    let mut files = Vec::new();
    for root in newest(reader).await? {
        for recorded in history(reader, &root.slug).await? {
            let Body::TrustRootRecorded(version) = &recorded.event.body else {
                continue;
            };
            let (slug, number) = (&root.slug, recorded.event.revision);
            let name = format!("trust root {slug} version {number}");
            let path = format!("api/v1/trust_roots/{slug}/{number}");
            if let Some(repository) = &version.repository {
                files.push(File {
                    digest: repository.bootstrap,
                    name: format!("{name}, the root metadata of its repository"),
                    path: format!("{path}/root.json"),
                });
            }
            files.push(File {
                digest: version.digest,
                name,
                path: format!("{path}.json"),
            });
        }
    }
    files.sort_unstable();
    files.dedup_by_key(|file| file.digest);
    Ok(files)
}
