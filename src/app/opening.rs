//! Opening a ledger: its files made or found, its keys loaded, its first event written or held against what was asked.
use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use deciders::{Denial, Ledger, ledger::EDITION};
use events::{
    log::{FORMAT, Opened, Rules, Visibility},
    stream::StreamName,
    text::{Text, TextError},
};
use tlog::SigningKey;
use tokio::sync::oneshot;

use super::{App, recovery, unread};
use crate::{
    blobs::{BlobError, Blobs},
    config::{BaseUrl, Folder, UrlError},
    oidc::{Fetch, HttpFetch, KeyCache, NoFetch},
    store::{
        StoreError,
        anchor::{Anchor, AnchorError},
        halt,
        keys::{self, KeyFileError},
        reader::Reader,
        replay as rows,
        sqlite::SqliteLog,
        statement_keys::{self, StatementKey},
        states::Read,
        vault::SubjectKeys,
        writer::{self, AppendError, Core, Fatal, Verdict},
    },
    views,
    witness::{self, Board},
    world::{self, Clock},
};

/// Mebibytes of gems that are in memory at the same time; more wait for their turn.
const UPLOADS: usize = 2048;
/// Readers of the feed who wait for the next event at the same time.
const FOLLOWERS: usize = 256;
/// Gems that are parsed at the same time.
const PARSES: usize = 4;

/// Why a ledger cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its files cannot be reached.
    #[error("{path}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// There is no ledger in the folder.
    #[error("there is no ledger in {0}: `gemledger serve` opens one")]
    Missing(PathBuf),
    /// Keys or an anchor exist, and no database.
    #[error(
        "{0} belongs to a ledger whose database is missing; restore it, or open another ledger with --open-new"
    )]
    Lost(PathBuf),
    /// A succession was begun and not ended.
    #[error("{0} waits to take its place: a `gemledger log succeed` was interrupted; say it again")]
    Pending(PathBuf),
    /// A new ledger must be told who may read it.
    #[error(
        "a ledger that is reached from elsewhere must be opened with --visibility public or --visibility private"
    )]
    VisibilityNeeded,
    /// It was opened with another visibility.
    #[error("this ledger was opened as {0:?}, and that is for good")]
    Visibility(Visibility),
    /// It was opened under another address.
    #[error("this ledger's origin is {found}, and --url gives {given}: an origin is for good")]
    Origin {
        /// The log's origin.
        found: String,
        /// What the address gives.
        given: String,
    },
    /// Something cannot stand in the log.
    #[error("{0}")]
    Text(#[from] TextError),
    /// The address is none.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The signing key.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The anchor.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The writer.
    #[error(transparent)]
    Writer(#[from] Fatal),
    /// The files.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// The first event was refused.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The first event was denied.
    #[error("{0}")]
    Denied(Denial),
}

/// How to open a ledger.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Where it lives.
    pub folder: Folder,
    /// How it is reached; `None` takes the address it was last served under.
    pub url: Option<BaseUrl>,
    /// Who may read a new ledger.
    pub visibility: Option<Visibility>,
    /// Whether a new ledger may be opened if there is none.
    pub create: bool,
    /// Whether a new ledger may be opened although keys of an older one are there.
    pub open_new: bool,
    /// How long what loosens a gem's policy waits in a new ledger, in seconds; `None` takes the default.
    pub loosening_delay_seconds: Option<u64>,
    /// The clock.
    pub clock: Clock,
}

/// A ledger that was opened, and how its writer ends.
pub struct Open {
    /// The ledger.
    pub app: App,
    /// It was made just now.
    pub is_new: bool,
    /// Resolves when the writer ends; with a reason, the process must end too.
    pub ended: oneshot::Receiver<Option<Fatal>>,
}

fn io_error(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.into();
    move |error| OpenError::Io { path, error }
}

/// Opens a ledger, and makes it first where that is asked for and nothing speaks against it.
pub async fn open(opening: Opening) -> Result<Open, OpenError> {
    let folder = &opening.folder;
    let exists = folder.database().exists();
    if !exists {
        prepare(&opening)?;
    }
    let url = url(&opening)?;
    let key = Arc::new(signing_key(folder)?);
    let anchor = Anchor::new(&folder.anchor, key.verifier().clone());
    let mut log = SqliteLog::open(&folder.database()).await?;
    rows::catch_up(&mut log, |_, _| {}).await?;
    let subjects = SubjectKeys::open(&folder.subject_keys()).await?;
    for path in [folder.subject_keys(), folder.database()] {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(io_error(&path))?;
    }
    let (core, served) = Core::open(
        log,
        anchor.clone(),
        key.clone(),
        subjects.clone(),
        opening.clock.clone(),
    )
    .await?;
    let is_new = served.head.size == 0;
    let (writer, ended) = writer::start(core, served);
    if let Some(reason) = halt::read(&folder.halted()).map_err(io_error(folder.halted()))? {
        writer.halt(reason);
    }
    let reader = Reader::open(&folder.database(), 8).await?;
    let fetch = network();
    let app = App {
        clock: opening.clock.clone(),
        writer,
        reader,
        subjects,
        blobs: Blobs::local(&folder.blobs())?,
        keys: Arc::new(KeyCache::new(fetch.clone())),
        fetch,
        key,
        anchor,
        url,
        visibility: opening.visibility.unwrap_or(Visibility::Public),
        folder: opening.folder.clone(),
        providers: Arc::default(),
        denials: Arc::default(),
        verifiers: Arc::default(),
        map: Arc::default(),
        index: Arc::default(),
        statements: Arc::default(),
        receipts: Arc::default(),
        uploads: Arc::new(tokio::sync::Semaphore::new(UPLOADS)),
        followers: Arc::new(tokio::sync::Semaphore::new(FOLLOWERS)),
        parses: Arc::new(tokio::sync::Semaphore::new(PARSES)),
        witnesses: Arc::new(Board::new(
            witness::Settings::default(),
            opening.clock.clone(),
        )),
    };
    if is_new {
        app.first_event(opening.visibility, opening.loosening_delay_seconds)
            .await?;
    }
    let app = app.held_against(&opening).await?;
    if opening.url.is_some() {
        // Perhaps https where it was http before: the origin is the same, and commands print what is served now.
        fs::write(folder.url_file(), app.url.as_str()).map_err(io_error(folder.url_file()))?;
    }
    Ok(Open { app, is_new, ended })
}

/// Where it is served: as it was said now, or as it was when it was opened last.
fn url(opening: &Opening) -> Result<BaseUrl, OpenError> {
    let folder = &opening.folder;
    let stored = fs::read_to_string(folder.url_file()).ok();
    match (&opening.url, stored) {
        (Some(url), _) => Ok(url.clone()),
        (None, Some(text)) => Ok(BaseUrl::parse(text.trim())?),
        (None, None) => Err(OpenError::Missing(folder.data.clone())),
    }
}

/// The key that signs now; none while a succession waits to be ended, because the old one must not sign any more.
fn signing_key(folder: &Folder) -> Result<SigningKey, OpenError> {
    let pending = recovery::succeed::next(&folder.signing_key());
    if pending.exists() {
        return Err(OpenError::Pending(pending));
    }
    Ok(keys::load(&folder.signing_key())?)
}

fn network() -> Arc<dyn Fetch> {
    match HttpFetch::new() {
        Ok(fetch) => Arc::new(fetch),
        Err(error) => Arc::new(NoFetch(error)),
    }
}

/// Makes the files of a new ledger, except the database: if we crash here, the next try finds keys without a ledger
/// and asks for `--open-new`, because it cannot know that nothing was ever signed.
fn prepare(opening: &Opening) -> Result<(), OpenError> {
    let folder = &opening.folder;
    if !opening.create {
        return Err(OpenError::Missing(folder.data.clone()));
    }
    let url = opening
        .url
        .as_ref()
        .ok_or_else(|| OpenError::Missing(folder.data.clone()))?;
    if opening.visibility.is_none() {
        return Err(OpenError::VisibilityNeeded);
    }
    let old = [folder.signing_key(), folder.anchor.clone()];
    if let Some(path) = old.iter().find(|path| path.exists() && !opening.open_new) {
        return Err(OpenError::Lost(path.clone()));
    }
    let number = successor(&folder.signing_key(), &url.origin(1));
    for path in old.iter().filter(|path| path.exists()) {
        set_aside(path)?;
    }
    // Another ledger introduces keys of its own.
    for thumbprint in StatementKey::all(&folder.keys).unwrap_or_default() {
        set_aside(&statement_keys::path(&folder.keys, &thumbprint))?;
    }
    let parents = folder.anchor.parent().into_iter();
    for path in [folder.data.as_path(), folder.keys.as_path()]
        .into_iter()
        .chain(parents)
    {
        let made = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path);
        made.map_err(io_error(path))?;
    }
    let key = keys::create(&folder.signing_key(), &url.origin(number))?;
    Anchor::new(&folder.anchor, key.verifier().clone()).create()?;
    fs::write(folder.url_file(), url.as_str()).map_err(io_error(folder.url_file()))
}

/// Which number the next log of this registry gets: an old key's origin has signed checkpoints that a log of the same
/// name would contradict.
fn successor(key: &Path, first_origin: &str) -> u64 {
    let prefix = first_origin.trim_end_matches('1');
    let name = keys::load(key).ok().map(|key| key.name().to_owned());
    let number = name.and_then(|name| name.strip_prefix(prefix)?.parse::<u64>().ok());
    number.unwrap_or(0).saturating_add(1)
}

/// Renames an old key or anchor, never over another one.
pub(super) fn set_aside(path: &Path) -> Result<(), OpenError> {
    let aside = |n: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".old-{n}"));
        PathBuf::from(name)
    };
    let mut n = 1;
    while aside(n).exists() {
        n += 1;
    }
    fs::rename(path, aside(n)).map_err(io_error(path))
}

/// The settings of a new ledger.
fn rules(loosening_delay_seconds: Option<u64>) -> Rules {
    let default = Rules::default();
    Rules {
        loosening_delay_seconds: loosening_delay_seconds.or(default.loosening_delay_seconds),
        ..default
    }
}

impl App {
    /// The first event of a new log.
    async fn first_event(
        &self,
        visibility: Option<Visibility>,
        loosening_delay_seconds: Option<u64>,
    ) -> Result<(), OpenError> {
        let opened = Opened {
            edition: EDITION,
            format: FORMAT,
            nonce: events::digest::Digest::from_bytes(world::random()),
            origin: Text::parse(self.key.name())?,
            rules: rules(loosening_delay_seconds),
            visibility: visibility.ok_or(OpenError::VisibilityNeeded)?,
            vkey: Text::parse(&self.key.verifier().to_string())?,
        };
        let request = self.console();
        let outcome = self
            .writer
            .append(vec![Read::of::<Ledger>(StreamName::log())], move |desk| {
                let Some(ledger) = desk.state::<Ledger>(&StreamName::log()) else {
                    return Verdict::answer(unread());
                };
                request.verdict(deciders::ledger::open(ledger, opened))
            })
            .await?;
        outcome.answer.map_err(OpenError::Denied)
    }

    /// Holds what was asked for against what the log was opened with.
    async fn held_against(mut self, opening: &Opening) -> Result<Self, OpenError> {
        let first = self.reader.events(0, 1).await?.pop();
        let Some(events::Body::LogOpened(opened)) = first.map(|recorded| recorded.event.body)
        else {
            return Err(StoreError::Corrupt("the first event is not log.opened".into()).into());
        };
        self.visibility = opened.visibility;
        match opening.visibility {
            Some(asked) if asked != opened.visibility => {
                return Err(OpenError::Visibility(opened.visibility));
            }
            _ => {}
        }
        let ledger: Ledger = views::state(&self.reader, &StreamName::log()).await?;
        let found = ledger
            .origin()
            .unwrap_or(&opened.origin)
            .as_str()
            .to_owned();
        let given = self.url.origin(0);
        if found.trim_end_matches(|c: char| c.is_ascii_digit()) != given.trim_end_matches('0')
            || found != self.key.name()
        {
            return Err(OpenError::Origin {
                found,
                given: self.url.origin(1),
            });
        }
        Ok(self)
    }
}
