//! What is kept of an exchange: its sealed token, the provider as it was then, and the key that signed.
use deciders::{Ledger, provider::Provider as State};
use events::{
    Body, Recorded, State as _,
    gem::Pushed,
    log::Rules,
    name::FoldedName,
    platform::Platform,
    provider::{ObservedKey, Registered},
    stream::StreamName,
    text::Slug,
    time::Timestamp,
    token::Exchanged,
    version::GemVersion,
};
use zeroize::Zeroizing;

use super::{LONGEST, failed, provenance};
use crate::{
    app::App,
    store::{StoreError, sqlite::integer, vault},
};

/// A sealed value, or why there is none.
pub enum Sealed {
    /// It is the value that the event commits to.
    Opened(Zeroizing<String>),
    /// Its subject's key is not here: erased, as this log index says, or kept elsewhere.
    NoKey(Option<u64>),
    /// There is a key, and no value that it opens.
    Missing,
}

/// Opens the one value that an event seals.
pub async fn sealed(app: &App, recorded: &Recorded) -> Result<Sealed, StoreError> {
    let stream = &recorded.event.stream;
    let Some(key) = app.subjects.key(stream).await? else {
        return Ok(Sealed::NoKey(erased(app, stream).await?));
    };
    let Some(commitment) = recorded.event.sealed.values().next().copied() else {
        return Ok(Sealed::Missing);
    };
    let sql = "SELECT sealed FROM vault WHERE log_index = $1 AND commitment = $2";
    let sealed: Option<Vec<u8>> = sqlx::query_scalar(sql)
        .bind(integer(recorded.index))
        .bind(commitment.hex())
        .fetch_optional(app.reader.pool())
        .await
        .map_err(failed)?;
    let opened = sealed.and_then(|sealed| vault::open(&key, &commitment, &sealed));
    Ok(opened.map_or(Sealed::Missing, Sealed::Opened))
}

/// The log index that says that this subject was erased.
async fn erased(app: &App, subject: &StreamName) -> Result<Option<u64>, StoreError> {
    let log = app.reader.stream(&StreamName::log(), 0, LONGEST).await?;
    let said = log.iter().find(|recorded| {
        matches!(&recorded.event.body, Body::SubjectErased(erased) if erased.subject == *subject)
    });
    Ok(said.map(|recorded| recorded.index))
}

/// The event at this log index.
pub async fn at(app: &App, index: u64) -> Result<Option<Recorded>, StoreError> {
    let found = app.reader.events(index, index.saturating_add(1)).await?;
    Ok(found.into_iter().next())
}

/// The exchange that bought the key of this release; `None` if a person's key pushed it.
pub async fn behind(app: &App, pushed: &Pushed) -> Result<Option<Recorded>, StoreError> {
    match &pushed.source {
        Some(source) => {
            let reference = &source.exchange;
            app.reader
                .event(&reference.stream, reference.revision)
                .await
        }
        None => Ok(None),
    }
}

/// The release of this version.
pub async fn release(
    app: &App,
    gem: &FoldedName,
    number: &GemVersion,
    platform: &Platform,
) -> Result<Option<Recorded>, StoreError> {
    match provenance::released_at(app, gem, number, platform).await? {
        Some(index) => at(app, index).await,
        None => Ok(None),
    }
}

/// The provider of an exchange, as the log had it then.
pub struct Provider {
    /// Its name here.
    pub slug: Slug,
    /// Its settings in force.
    pub registered: Registered,
    /// The key that signed the token, and the log index that recorded it.
    pub key: Option<(u64, ObservedKey)>,
    /// When this key was distrusted, by now.
    pub distrusted: Option<Timestamp>,
    /// The rules in force.
    pub rules: Rules,
}

/// The provider behind an exchange, from what stood in the log before it: with the settings in force, not those that were
/// declared and waited.
pub async fn provider(
    app: &App,
    exchange: &Recorded,
    exchanged: &Exchanged,
) -> Result<Option<Provider>, StoreError> {
    let Some((slug, ..)) = exchange.event.stream.token_parts() else {
        return Ok(None);
    };
    let (mut then, mut key, mut distrusted) = (State::default(), None, None);
    let stream = StreamName::provider(&slug);
    for recorded in app.reader.stream(&stream, 0, LONGEST).await? {
        let before = recorded.index < exchange.index;
        if before {
            then.evolve(&recorded.event);
        }
        if let Body::ProviderKeysObserved(observed) = &recorded.event.body {
            let mut keys = observed.keys.iter();
            let found = keys.find(|key| before && key.thumbprint == exchanged.provider_key);
            key = key.or_else(|| found.map(|key| (recorded.index, key.clone())));
        } else if let Body::ProviderKeyDistrusted(gone) = &recorded.event.body
            && gone.thumbprint == exchanged.provider_key
        {
            distrusted = Some(recorded.event.time);
        }
    }
    let log = app.reader.stream(&StreamName::log(), 0, LONGEST).await?;
    let before = log.iter().filter(|said| said.index < exchange.index);
    let ledger: Ledger = events::fold(before.map(|said| &said.event));
    Ok(then
        .settings(exchange.event.time)
        .map(|registered| Provider {
            slug,
            registered: registered.clone(),
            key,
            distrusted,
            rules: ledger
                .rulebook
                .map(|rulebook| rulebook.rules)
                .unwrap_or_default(),
        }))
}
