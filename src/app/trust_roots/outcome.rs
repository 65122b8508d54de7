//! What asking the repository of a trust root led to last, for whoever looks: a small file for each root, lost without
//! harm, and written by the server and by commands beside it alike.
use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use events::{text::Slug, time::Timestamp};
use serde::{Deserialize, Serialize};

use super::Refreshed;
use crate::{app::App, config::Folder};

/// When a repository was asked, and what it said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// When it was asked last.
    pub asked: Timestamp,
    /// When it last confirmed the newest version, or had a newer one.
    pub confirmed: Option<Timestamp>,
    /// How that ended.
    pub outcome: Outcome,
    /// Why the last good version was kept.
    pub why: Option<String>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The newest version is the repository's.
    Confirmed,
    /// The last good version is kept.
    Kept,
    /// The last good version is kept, because the repository's metadata has expired.
    Expired,
}

impl Asked {
    /// What asking the repository of this root led to last; `None` if it never was asked, or nobody remembers.
    pub fn of(folder: &Folder, slug: &Slug) -> Option<Self> {
        read(&file(folder, slug))
    }

    /// The roots whose last good version is kept, and whether for expired metadata, in the order of their names.
    pub fn kept(folder: &Folder) -> BTreeMap<String, Outcome> {
        let entries = fs::read_dir(folder.tuf()).into_iter().flatten();
        let kept = entries.filter_map(|entry| {
            let path = entry.ok()?.path();
            let slug = path.file_name()?.to_str()?.strip_suffix(SUFFIX)?.to_owned();
            Some((slug, read(&path)?.outcome))
        });
        kept.filter(|(_, outcome)| *outcome != Outcome::Confirmed)
            .collect()
    }
}

/// How such a file's name ends: the folders beside it are named by digests.
const SUFFIX: &str = ".asked.json";

fn file(folder: &Folder, slug: &Slug) -> PathBuf {
    folder.tuf().join(format!("{slug}{SUFFIX}"))
}

fn read(path: &Path) -> Option<Asked> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

impl App {
    /// Remembers what asking led to. That it cannot be written down harms nobody.
    pub(super) fn remember(&self, slug: &Slug, refreshed: &Refreshed) {
        let now = self.clock.now();
        let (outcome, why) = match refreshed {
            Refreshed::NoRepository => return,
            Refreshed::Unchanged | Refreshed::Changed(_) => (Outcome::Confirmed, None),
            Refreshed::Kept { why, expired: true } => (Outcome::Expired, Some(why.clone())),
            Refreshed::Kept { why, .. } => (Outcome::Kept, Some(why.clone())),
        };
        let confirmed = match outcome {
            Outcome::Confirmed => Some(now),
            Outcome::Kept | Outcome::Expired => {
                let before = Asked::of(&self.folder, slug);
                before.and_then(|before| before.confirmed)
            }
        };
        let asked = Asked {
            asked: now,
            confirmed,
            outcome,
            why,
        };
        if let Err(error) = self.write_down(slug, &asked) {
            tracing::warn!(%error, root = %slug, "what a repository answered cannot be written down");
        }
    }

    /// A root that is not refreshed any more has nothing to be told of.
    pub(super) fn forget(&self, slug: &Slug) {
        let _ = fs::remove_file(file(&self.folder, slug));
    }

    fn write_down(&self, slug: &Slug, asked: &Asked) -> std::io::Result<()> {
        fs::create_dir_all(self.folder.tuf())?;
        let beside = self.folder.tuf().join(format!("{slug}.new"));
        fs::File::create(&beside)?.write_all(&serde_json::to_vec(asked)?)?;
        fs::rename(&beside, file(&self.folder, slug))
    }
}
