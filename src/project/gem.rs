//! One locked gem: its receipt, what the log says of it, and how sure its origin is.
use events::{Body, claims::Workflow, gem::Pushed, id::Actor, text::Text, time::Timestamp};
use serde::Serialize;
use tlog::{Receipt, VerifierKey, cosignatures, receipt::MAX_RECEIPT_LEN};

use super::{
    Asked,
    attested::{self, Unproven},
    listing::Listing,
    rules::{self, Flaw},
    tree::{Checkpoints, TreeReport},
};
use crate::{
    app::verify::{Logged, prove},
    lockfile::{Locked, Release},
    remote::{HttpClient, RemoteError, Signed},
};

/// How far a leaf's time may be ahead of this machine's clock, in seconds.
const LEEWAY_SECONDS: u64 = 300;

/// How sure a gem's origin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The log has it; an account's key pushed it, from nobody knows where.
    Logged,
    /// A trusted publisher's workflow pushed it, and the log says from which repository and commit.
    Trusted,
    /// With the file came an attestation of that very run, and a timestamp authority alone vouches for its time: the weaker
    /// class.
    AttestedUnlogged,
    /// With the file came an attestation of that very run, which a transparency log has: the registry's log holds each pair
    /// that it compared, and which trust root verified the bundle. The bundle itself is not verified here.
    Attested,
}

impl Level {
    /// Its name, as it is typed and printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Logged => "logged",
            Self::Trusted => "trusted",
            Self::AttestedUnlogged => "attested_unlogged",
            Self::Attested => "attested",
        }
    }
}

/// What was found of one gem.
#[derive(Clone, Debug)]
pub struct GemReport {
    /// The gem as it is locked.
    pub locked: Locked,
    /// What the log says of it, if a receipt proves it.
    pub logged: Option<Origin>,
    /// What the list of all versions says, if it was asked.
    pub listing: Option<Listing>,
    /// What is wrong.
    pub flaws: Vec<Flaw>,
    /// Why it could not be told, if it could not.
    pub unknown: Option<String>,
}

/// Where a gem came from, by the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// How sure that is.
    pub level: Level,
    /// Who published it: an account, or a workflow at a provider.
    pub published_by: String,
    /// The repository.
    pub repository: Option<String>,
    /// The commit.
    pub commit: Option<String>,
    /// The run.
    pub run_id: Option<String>,
    /// When it was recorded.
    pub time: Timestamp,
    /// Its log index.
    pub log_index: u64,
    /// The digest of its file.
    pub digest: events::digest::Digest,
}

impl GemReport {
    /// Whether nothing is wrong with it, and that is known.
    pub fn passed(&self) -> bool {
        self.flaws.is_empty() && self.unknown.is_none()
    }

    fn flaw(&mut self, rule: &'static crate::sarif::Rule, message: impl Into<String>) {
        self.flaws.push(Flaw::new(rule, message));
    }

    /// What the tree says of it, once that was held against everything shown.
    pub(super) fn under(&mut self, tree: &TreeReport, asked: &Asked, sound: bool) {
        if !sound && self.passed() {
            self.unknown = Some("the ledger itself is not as it must be".into());
        }
        let Some(origin) = &self.logged else {
            return;
        };
        let index = origin.log_index;
        if let Some(witnessed) = tree.witnessed_size
            && index >= witnessed
        {
            let message = format!(
                "log index {index} is in no tree that {} of the given witnesses have cosigned",
                asked.quorum
            );
            self.flaw(&rules::QUORUM_MISSED, message);
        }
    }
}

/// What a registry answered about a gem.
pub(super) struct Answer {
    receipt: Result<Option<Vec<u8>>, RemoteError>,
    /// The receipts of the events after the release, where its attestations stand; asked for where one is required.
    next: Vec<attested::Answer>,
}

/// Asks for the receipt of a gem, and for those of its attestations, until one is as good as required.
pub(super) async fn receipt(registry: &HttpClient, locked: &Locked, require: Level) -> Answer {
    let mut answer = Answer {
        receipt: Ok(None),
        next: Vec::new(),
    };
    if locked.release().is_none() {
        // No registry of ours has it, and its name may not even be one in an address.
        return answer;
    }
    let path = format!("gems/{}.gem.tlog-proof", locked.full_name());
    answer.receipt = registry.get(&path, MAX_RECEIPT_LEN).await;
    let Ok(Some(receipt)) = &answer.receipt else {
        return answer;
    };
    let Ok(receipt) = Receipt::parse(receipt) else {
        return answer;
    };
    answer.next = attested::receipts(registry, receipt.index(), require).await;
    answer
}

/// Judges a gem by its receipt. Under which tree the receipt's checkpoint is, is held later for all of them.
pub(super) fn judge(
    locked: &Locked,
    answer: Answer,
    key: &VerifierKey,
    asked: &Asked,
    checkpoints: &mut Checkpoints,
) -> GemReport {
    let mut report = GemReport {
        locked: locked.clone(),
        logged: None,
        listing: None,
        flaws: Vec::new(),
        unknown: None,
    };
    let Answer {
        receipt: answer,
        next,
    } = answer;
    let (receipt, release) = match (answer, locked.release()) {
        (Ok(Some(receipt)), Some(release)) => (receipt, release),
        (Ok(_), _) if locked.remotes > 1 => {
            report.unknown = Some(format!(
                "the registry's log does not have it, and the lockfile does not say which of {} remotes it is from",
                locked.remotes
            ));
            return report;
        }
        (Ok(_), _) => {
            report.flaw(&rules::NOT_LOGGED, "the registry's log does not have it");
            return report;
        }
        (Err(RemoteError::Lie(lie)), _) => {
            report.flaw(&rules::RECEIPT_INVALID, lie.to_string());
            return report;
        }
        (Err(error), _) => {
            report.unknown = Some(error.to_string());
            return report;
        }
    };
    match prove(&receipt, key) {
        Err(reason) => report.flaw(&rules::RECEIPT_INVALID, reason),
        Ok(logged) => match signed(&logged, asked) {
            Err(reason) => report.flaw(&rules::RECEIPT_INVALID, reason),
            Ok(signed) => {
                checkpoints.add(signed);
                match attested::best(next, &logged, key, asked, checkpoints) {
                    Err(Unproven::Lie(reason)) => report.flaw(&rules::RECEIPT_INVALID, reason),
                    Err(Unproven::Unknown(reason)) => report.unknown = Some(reason),
                    Ok(attested) => compare(&mut report, &logged, &release, asked, attested),
                }
            }
        },
    }
    report
}

pub(super) fn signed(logged: &Logged, asked: &Asked) -> Result<Signed, String> {
    let cosignatures =
        cosignatures(&logged.note, &asked.witnesses).map_err(|error| error.to_string())?;
    Ok(Signed {
        note: logged.note.clone(),
        checkpoint: logged.checkpoint.clone(),
        cosignatures,
    })
}

/// Holds what the log says against what is locked and asked for.
fn compare(
    report: &mut GemReport,
    logged: &Logged,
    release: &Release,
    asked: &Asked,
    attested: Option<Level>,
) {
    let event = match logged.event() {
        Ok(event) => event,
        Err(reason) => {
            report.unknown = Some(format!("{reason}; a newer gemledger may know it"));
            return;
        }
    };
    let kind = event.body.event_type().name;
    let Body::ReleasePushed(pushed) = event.body else {
        let message = format!("the receipt is of {kind}, not of a release");
        return report.flaw(&rules::RECEIPT_MISMATCH, message);
    };
    let found = Release {
        name: pushed.name.clone(),
        number: pushed.number.clone(),
        platform: pushed.platform.clone(),
    };
    if found != *release {
        let message = format!(
            "the receipt is of {} {} for {}",
            found.name,
            found.number,
            found.platform.as_str()
        );
        return report.flaw(&rules::RECEIPT_MISMATCH, message);
    }
    let mut origin = origin(&pushed, &event.actor, event.time, logged.index);
    origin.level = attested.unwrap_or(origin.level);
    if let Some(locked) = report
        .locked
        .checksum
        .filter(|locked| *locked != pushed.digest)
    {
        let message = format!(
            "the lockfile has {locked} and the log says {}",
            pushed.digest
        );
        report.flaw(&rules::DIGEST_MISMATCH, message);
    }
    if event.time > asked.now.plus_seconds(LEEWAY_SECONDS) {
        let message = format!("it was recorded {}, and now is {}", event.time, asked.now);
        report.flaw(&rules::TIME_IN_FUTURE, message);
    }
    if origin.level < asked.require {
        let (is, wanted) = (origin.level.as_str(), asked.require.as_str());
        let message = match asked.require {
            Level::Attested if origin.level == Level::AttestedUnlogged => {
                format!(
                    "it is {is}, not {wanted}: no transparency log has the attestation that came with it"
                )
            }
            Level::AttestedUnlogged | Level::Attested => {
                format!("it is {is}, not {wanted}: no attestation came with it")
            }
            Level::Logged | Level::Trusted => format!(
                "it is {is}, not {wanted}: {} pushed it, not a trusted publisher's workflow",
                origin.published_by
            ),
        };
        report.flaw(&rules::NOT_SURE_ENOUGH, message);
    }
    report.logged = Some(origin);
}

/// The workflow's file, without the repository before it and the ref after it.
fn file(workflow: &Workflow) -> &str {
    let Some(full) = workflow.workflow_ref.as_ref().map(Text::as_str) else {
        return "a workflow";
    };
    let path = full.split('@').next().unwrap_or(full);
    let path = path
        .strip_prefix(workflow.repository.as_str())
        .unwrap_or(path);
    path.trim_start_matches('/')
}

fn origin(pushed: &Pushed, actor: &Actor, time: Timestamp, log_index: u64) -> Origin {
    let workflow = pushed.source.as_ref().map(|source| &source.workflow);
    let text = |text: &Text| text.as_str().to_owned();
    let provider = match actor {
        Actor::Workflow(provider, _) => format!(" at {}", provider.as_str()),
        Actor::Operator | Actor::Account(_) => String::new(),
    };
    Origin {
        level: match workflow {
            Some(_) => Level::Trusted,
            None => Level::Logged,
        },
        published_by: workflow.map_or_else(
            || actor.to_string(),
            |workflow| format!("{}{provider}", file(workflow)),
        ),
        repository: workflow.map(|workflow| text(&workflow.repository)),
        commit: workflow.and_then(|workflow| workflow.commit.as_ref().map(text)),
        run_id: workflow.and_then(|workflow| workflow.run_id.as_ref().map(text)),
        time,
        log_index,
        digest: pushed.digest,
    }
}
