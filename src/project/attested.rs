//! The attestations that came with a locked gem: the events right behind its release, by their receipts.
//!
//! They say what the registry verified and compared before it let the release in. The bundles themselves are verified by
//! whoever asks for them: `docs/verifying.md`.
use events::{
    Body, Event,
    attestation::{Attested, Compared, Field},
};
use tlog::{Receipt, VerifierKey, receipt::MAX_RECEIPT_LEN};

use super::{Asked, Level, gem::signed, tree::Checkpoints};
use crate::{
    app::verify::{Logged, prove},
    remote::{HttpClient, RemoteError},
};

/// Most attestations of a release.
const MOST: u64 = 4;

/// What the registry answered when it was asked for a receipt.
pub(super) type Answer = Result<Option<Vec<u8>>, RemoteError>;

/// Asks for the receipts of the events after a release, until one is as good as required.
pub(super) async fn receipts(registry: &HttpClient, release: u64, require: Level) -> Vec<Answer> {
    let mut answers = Vec::new();
    for after in 1..=MOST {
        let asks = match answers.last().map(claimed) {
            None => require > Level::Trusted,
            Some(level) => level.is_some_and(|level| level < require),
        };
        if !asks {
            break;
        }
        let path = format!("log/proof/{}", release.saturating_add(after));
        answers.push(registry.get(&path, MAX_RECEIPT_LEN).await);
    }
    answers
}

/// The level that an answer claims, which nobody has verified yet.
fn claimed(answer: &Answer) -> Option<Level> {
    let receipt = Receipt::parse(answer.as_ref().ok()?.as_ref()?).ok()?;
    let event = Event::read(receipt.extra()).ok()?;
    if let Body::ReleaseAttested(attested) = &event.body {
        Some(level(attested))
    } else {
        None
    }
}

fn level(attested: &Attested) -> Level {
    if attested.entry.is_some() {
        Level::Attested
    } else {
        Level::AttestedUnlogged
    }
}

/// Why it cannot be told whether a release was attested.
pub(super) enum Unproven {
    /// The registry shows something that its log does not have.
    Lie(String),
    /// It could not be asked.
    Unknown(String),
}

/// The best level of the events after the release, of the same request, that attest it. They came with the release or never.
pub(super) fn best(
    answers: Vec<Answer>,
    release: &Logged,
    key: &VerifierKey,
    asked: &Asked,
    checkpoints: &mut Checkpoints,
) -> Result<Option<Level>, Unproven> {
    let mut best = None;
    for (index, answer) in (release.index + 1..).zip(answers) {
        let receipt = match answer {
            Ok(Some(receipt)) => receipt,
            // The log ends before it.
            Ok(None) => break,
            Err(RemoteError::Lie(lie)) => return Err(Unproven::Lie(lie.to_string())),
            Err(error) => return Err(Unproven::Unknown(error.to_string())),
        };
        let next = prove(&receipt, key).map_err(Unproven::Lie)?;
        if next.index != index {
            let reason = format!("the receipt of index {} is of another index", next.index);
            return Err(Unproven::Lie(reason));
        }
        checkpoints.add(signed(&next, asked).map_err(Unproven::Lie)?);
        match attests(release, &next) {
            Some(level) => best = best.max(Some(level)),
            None => break,
        }
    }
    Ok(best)
}

/// How well the next event attests the release, if it does.
fn attests(release: &Logged, next: &Logged) -> Option<Level> {
    let (release, next) = (release.event().ok()?, next.event().ok()?);
    let (Body::ReleasePushed(pushed), Body::ReleaseAttested(attested)) =
        (&release.body, &next.body)
    else {
        return None;
    };
    let of_the_run = |pair: &Compared| matches!(pair.field, Field::Run | Field::Job);
    let bound = next.request == release.request
        && next.stream == release.stream
        && attested.digest == pushed.digest
        && attested.number == pushed.number
        && attested.platform == pushed.platform
        && attested.compared.iter().any(of_the_run);
    bound.then(|| level(attested))
}
