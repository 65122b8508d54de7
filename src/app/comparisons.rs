//! Comparisons with a repository: a statement is read, held to the release, kept by its digest, and recorded.
//!
//! The statement is durable before the event that names it. What if we crash in between? A file that nothing names is
//! left, and attaching the same statement again finds it. What a statement says stays its author's word.
use std::sync::Arc;

use bytes::Bytes;
use deciders::{
    Denial, Ledger,
    account::Account,
    comparison::{self, Comparisons, States},
    policy::Policy,
};
use events::{
    digest::Digest,
    event::Draft,
    gem::{Compared, Verdict as Found},
    id::Actor,
    name::GemName,
    platform::{FullName, Platform},
    stream::StreamName,
    text::Text,
    version::GemVersion,
};

use super::{App, CommandError, Request, quarantine::Named, settled, unread};
use crate::{
    compare::{
        StatedBy,
        statement::{MAX_STATEMENT, PREDICATE, Predicate, STATEMENT, Statement},
    },
    store::{
        states::{Desk, Read},
        writer::Verdict,
    },
    views,
};

/// The most files that a comparison counts.
const MAX_FILES: u64 = 1_000_000;

/// A statement that is held to the release that it is to be attached to, before the ledger has its say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Who compared, in their own words.
    pub compared_by: Text,
    /// Who names the commit.
    stated_by: StatedBy,
    /// The repository that the release's record is said to name.
    recorded: Option<String>,
    compared: Compared,
}

/// Reads a statement: pure.
pub fn check(bytes: &[u8], release: &Named) -> Result<Checked, String> {
    if bytes.len() > MAX_STATEMENT {
        return Err(format!("the statement has more than {MAX_STATEMENT} bytes"));
    }
    let statement: Statement = serde_json::from_slice(bytes)
        .map_err(|error| format!("it is no such statement: {error}"))?;
    if statement.statement_type != STATEMENT {
        return Err(format!("its `_type` is not {STATEMENT}"));
    }
    if statement.predicate_type != PREDICATE {
        return Err(format!("its `predicateType` is not {PREDICATE}"));
    }
    let [subject] = statement.subject.as_slice() else {
        return Err("it must have exactly one subject, the gem file".into());
    };
    let said = &statement.predicate;
    let (name, number, platform) = named(said, release, &subject.name)?;
    let digest = Digest::from_hex(&subject.digest.sha256)
        .map_err(|_| "the subject's `sha256` is no SHA-256 in hexadecimal digits".to_owned())?;
    let text =
        |field: &str, text: &str| Text::parse(text).map_err(|error| format!("`{field}`: {error}"));
    let compared_by = text("comparedBy", &said.compared_by)?;
    let commit = text("commit", &said.commit.id)?;
    let verdict = match said.verdict.as_str() {
        "same" => Found::Same,
        "different" => Found::Different,
        other => return Err(format!("`verdict`: {other:?}")),
    };
    let counts = said.counts.counts();
    if counts.files > MAX_FILES || counts.left_out > MAX_FILES || !said.adds_up() {
        return Err("its counts do not add up".into());
    }
    let compared = Compared {
        by_word: counts.by_word(),
        changed: counts.changed,
        commit,
        digest,
        explained: counts.explained(),
        extra: counts.extra,
        files_only: said.files_only,
        left_out: said.left_out_known.then_some(counts.left_out),
        metadata: (!said.metadata_compared.is_empty()).then_some(counts.metadata),
        name,
        not_compared: said.not_compared(),
        number,
        platform,
        same: counts.same,
        statement: Digest::of(bytes),
        verdict,
    };
    if comparison::verdict(&compared) != Some(compared.verdict) {
        return Err("its verdict does not follow from its counts".into());
    }
    Ok(Checked {
        compared_by,
        stated_by: said.commit.stated_by,
        recorded: said.repository.recorded.clone(),
        compared,
    })
}

/// The release that a statement names, if it is this one.
fn named(
    said: &Predicate,
    release: &Named,
    subject: &str,
) -> Result<(GemName, GemVersion, Platform), String> {
    let name = GemName::parse(&said.name).map_err(|error| format!("`name`: {error}"))?;
    let number = GemVersion::parse(&said.number).map_err(|error| format!("`number`: {error}"))?;
    let platform =
        Platform::parse(&said.platform).map_err(|error| format!("`platform`: {error}"))?;
    let is_named = name.folded() == release.gem
        && number.canonical() == release.number.canonical()
        && platform == release.platform;
    if !is_named {
        return Err(format!(
            "it is of {name} {number} for {platform}, another release"
        ));
    }
    let file = FullName::compose(&name, &number, &platform).map_err(|error| error.to_string())?;
    if subject != format!("{file}.gem") {
        return Err("its subject is not the release's file".into());
    }
    Ok((name, number, platform))
}

/// The streams that attaching reads.
struct Streams {
    log: StreamName,
    gem: StreamName,
    policy: StreamName,
    account: Option<StreamName>,
}

impl Streams {
    fn of(release: &Named, actor: &Actor) -> Self {
        Self {
            log: StreamName::log(),
            gem: StreamName::gem(&release.gem),
            policy: StreamName::policy(&release.gem),
            account: match actor {
                Actor::Account(id) => Some(StreamName::account(*id)),
                Actor::Operator | Actor::Workflow(..) => None,
            },
        }
    }

    fn reads(&self) -> Vec<Read> {
        let mut reads = vec![
            Read::of::<Ledger>(self.log.clone()),
            Read::of::<Comparisons>(self.gem.clone()),
            Read::of::<Policy>(self.policy.clone()),
        ];
        reads.extend(self.account.clone().map(Read::of::<Account>));
        reads
    }

    fn decide(&self, desk: &Desk<'_>, checked: &Checked, by: &Actor) -> Result<Vec<Draft>, Denial> {
        let (Some(ledger), Some(gem), Some(policy)) = (
            desk.state::<Ledger>(&self.log),
            desk.state::<Comparisons>(&self.gem),
            desk.state::<Policy>(&self.policy),
        ) else {
            return unread();
        };
        let account = self.account.as_ref();
        let states = States {
            ledger,
            gem,
            policy,
            account: account.and_then(|stream| desk.state::<Account>(stream)),
        };
        let compared = &checked.compared;
        let drafts = comparison::attach(&states, compared.clone(), by, desk.now)?;
        let key = (compared.number.canonical(), compared.platform.clone());
        if let Some(release) = gem.releases.get(&key) {
            let by_record = checked.stated_by == StatedBy::Ledger;
            release.recorded(by_record, checked.recorded.as_deref())?;
        }
        Ok(drafts)
    }
}

impl App {
    /// Attaches a statement to a release. Returns the log index of the event and the statement's digest.
    pub async fn attach_comparison(
        &self,
        request: Request,
        release: Named,
        bytes: Bytes,
    ) -> Result<(u64, Digest), CommandError> {
        let checked = check(&bytes, &release).map_err(CommandError::Malformed)?;
        let statement = checked.compared.statement;
        let streams = Arc::new(Streams::of(&release, &request.actor));
        // Judged twice: nothing is kept for whoever is denied, and what counts is the state when the statement is kept.
        let (first, stated) = (streams.clone(), checked.clone());
        let by = request.actor.clone();
        let judged = self
            .writer
            .append(streams.reads(), move |desk| {
                Verdict::answer(first.decide(desk, &stated, &by).map(|_| ()))
            })
            .await?;
        settled(judged)?;
        self.blobs.put(&statement, bytes).await.map_err(|error| {
            CommandError::Store(crate::store::StoreError::Database(error.to_string()))
        })?;
        let reads = streams.reads();
        let outcome = self
            .writer
            .append(reads, move |desk| {
                let by = request.actor.clone();
                request.verdict(streams.decide(desk, &checked, &by))
            })
            .await?;
        Ok((settled(outcome)?.indexes().start, statement))
    }

    /// The statement with this digest, if it is attached to this release.
    pub async fn comparison(
        &self,
        release: &Named,
        statement: &Digest,
    ) -> Result<Option<Bytes>, CommandError> {
        let gem: Comparisons = views::state(&self.reader, &StreamName::gem(&release.gem)).await?;
        let key = (release.number.canonical(), release.platform.clone());
        let attached = gem
            .releases
            .get(&key)
            .is_some_and(|release| release.statements.contains_key(statement));
        if !attached {
            return Ok(None);
        }
        self.blobs.get(statement).await.map_err(|error| {
            CommandError::Store(crate::store::StoreError::Database(error.to_string()))
        })
    }
}
