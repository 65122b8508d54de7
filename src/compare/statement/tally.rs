//! The numbers of a statement: those of the report, spelled as a predicate spells them.
use serde::{Deserialize, Serialize};

use crate::compare::report::Counts;

/// [`Counts`], as the predicate spells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "as in `Counts`")]
pub struct Tally {
    pub files: u64,
    pub same: u64,
    pub line_endings: u64,
    pub lfs: u64,
    pub moved: u64,
    pub generated: u64,
    pub built: u64,
    pub built_left_out: u64,
    pub built_metadata: u64,
    pub changed: u64,
    pub extra: u64,
    pub left_out: u64,
    pub not_compared: u64,
    pub metadata: u64,
}

impl Tally {
    /// The same numbers, each in its place.
    pub fn counts(self) -> Counts {
        let Self {
            files,
            same,
            line_endings,
            lfs,
            moved,
            generated,
            built,
            built_left_out,
            built_metadata,
            changed,
            extra,
            left_out,
            not_compared,
            metadata,
        } = self;
        Counts {
            files,
            same,
            line_endings,
            lfs,
            moved,
            generated,
            built,
            built_left_out,
            built_metadata,
            changed,
            extra,
            left_out,
            not_compared,
            metadata,
        }
    }
}

impl From<Counts> for Tally {
    fn from(counts: Counts) -> Self {
        let Counts {
            files,
            same,
            line_endings,
            lfs,
            moved,
            generated,
            built,
            built_left_out,
            built_metadata,
            changed,
            extra,
            left_out,
            not_compared,
            metadata,
        } = counts;
        Self {
            files,
            same,
            line_endings,
            lfs,
            moved,
            generated,
            built,
            built_left_out,
            built_metadata,
            changed,
            extra,
            left_out,
            not_compared,
            metadata,
        }
    }
}
