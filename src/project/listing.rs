//! Whether the registry's own list of all versions has the locked one: a lookup in its verifiable map.
//!
//! A receipt shows that a release was recorded. The map shows what the log says of the gem now, and that it says nothing
//! else: a release that the registry hides from others, or has withheld since, is seen here.
use std::collections::BTreeMap;

use events::{digest::Digest, name::FoldedName};
use serde::{Deserialize, Serialize};

use super::{
    Asked, GemReport, TOGETHER,
    gem::signed,
    rules::{self, Flaw},
    tree::Checkpoints,
};
use crate::{
    app::{
        lookup::{self, MAX_ANSWER},
        verify::prove,
    },
    remote::{HttpClient, RemoteError},
};
use futures::stream::{self, StreamExt as _};
use tlog::VerifierKey;

/// What the map says of a gem's versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Listing {
    /// These are all the versions there are, as of the first `through` events.
    Complete {
        /// How many there are, platforms counted.
        versions: usize,
        /// How many events of the log the list is made of.
        through: u64,
    },
    /// The list is older than the locked version.
    Older {
        /// How many events of the log the list is made of.
        through: u64,
    },
    /// The registry keeps no such map, or it is not ready.
    None,
}

/// The state document of `docs/formats/map.md`, as far as it is looked at here. Its format is frozen.
#[derive(Deserialize)]
struct Document {
    releases: Vec<Release>,
}

#[derive(Deserialize)]
struct Release {
    digest: Digest,
    number: String,
    platform: String,
    status: String,
}

/// An answer that was checked.
struct Versions {
    through: u64,
    releases: Vec<Release>,
}

/// Holds every gem that a receipt proves against the registry's list of its versions.
pub(super) async fn hold(
    registry: &HttpClient,
    key: &VerifierKey,
    asked: &Asked,
    gems: &mut [GemReport],
    checkpoints: &mut Checkpoints,
) {
    let mut names: BTreeMap<FoldedName, Vec<&mut GemReport>> = BTreeMap::new();
    for gem in gems.iter_mut().filter(|gem| gem.logged.is_some()) {
        if let Some(release) = gem.locked.release() {
            names.entry(release.name.folded()).or_default().push(gem);
        }
    }
    let mut answers = stream::iter(names)
        .map(|(name, gems)| async move {
            let path = format!("log/lookup/{}", name.as_str());
            (registry.get(&path, MAX_ANSWER).await, name, gems)
        })
        .buffered(TOGETHER);
    while let Some((answer, name, gems)) = answers.next().await {
        let versions = match answer {
            // Kept nowhere, or not now: the receipts are what they are without it.
            Ok(None) | Err(RemoteError::Status { status: 503, .. }) => Ok(None),
            Ok(Some(answer)) => check(&answer, &name, key, asked, checkpoints).map(Some),
            Err(error @ RemoteError::Lie(_)) => Err(error.to_string()),
            Err(error) => {
                for gem in gems {
                    gem.unknown.get_or_insert_with(|| error.to_string());
                }
                continue;
            }
        };
        for gem in gems {
            match &versions {
                Ok(None) => gem.listing = Some(Listing::None),
                Ok(Some(versions)) => compare(gem, versions),
                Err(reason) => gem.flaws.push(Flaw::new(&rules::LIST_INVALID, reason)),
            }
        }
    }
}

fn check(
    answer: &[u8],
    name: &FoldedName,
    key: &VerifierKey,
    asked: &Asked,
    checkpoints: &mut Checkpoints,
) -> Result<Versions, String> {
    let verified = lookup::check(answer, name, key, asked.now, None);
    let verified = verified.map_err(|error| error.to_string())?;
    let answer: lookup::Answer =
        serde_json::from_slice(answer).map_err(|error| error.to_string())?;
    checkpoints.add(signed(&prove(answer.receipt.as_bytes(), key)?, asked)?);
    let document: Option<Document> = answer
        .state
        .as_deref()
        .map(serde_json::from_str)
        .transpose()
        .map_err(|error| error.to_string())?;
    Ok(Versions {
        through: verified.rooted.through,
        releases: document.map_or_else(Vec::new, |document| document.releases),
    })
}

fn compare(gem: &mut GemReport, versions: &Versions) {
    let (Some(origin), Some(locked)) = (&gem.logged, gem.locked.release()) else {
        return;
    };
    let through = versions.through;
    let listed = versions.releases.iter().find(|listed| {
        listed.number == locked.number.as_str() && listed.platform == locked.platform.as_str()
    });
    let flaw = match listed {
        None if origin.log_index >= through => {
            gem.listing = Some(Listing::Older { through });
            return;
        }
        None => Some(Flaw::new(
            &rules::NOT_LISTED,
            "it was recorded, and the registry's list of all versions does not have it",
        )),
        Some(listed) if listed.digest != origin.digest => Some(Flaw::new(
            &rules::NOT_LISTED,
            format!(
                "the registry's list of all versions has it with {}",
                listed.digest
            ),
        )),
        Some(listed) if listed.status != "released" => Some(Flaw::new(
            &rules::WITHHELD,
            format!("the registry says that it is {}", listed.status),
        )),
        Some(_) => None,
    };
    gem.flaws.extend(flaw);
    gem.listing = Some(Listing::Complete {
        versions: versions.releases.len(),
        through,
    });
}
