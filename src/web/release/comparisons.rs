//! What was stated of the release and its repository, as its page shows it: whose word it is, never that it is safe.
use events::gem::Verdict;

use super::Moment;
use crate::views::{comparisons::Comparison, gems::who, provenance::TransparencyRecord};

/// A comparison, made ready for the page.
pub(super) struct Compared {
    pub(super) by: Option<String>,
    pub(super) attached_by: String,
    pub(super) time: Moment,
    pub(super) commit: String,
    /// Whether the release's record names the commit, and not only whoever compared.
    pub(super) is_recorded: bool,
    pub(super) verdict: &'static str,
    pub(super) counts: String,
    pub(super) log_index: u64,
    /// Below the registry's address.
    pub(super) path: String,
}

impl Compared {
    pub(super) fn new(comparison: &Comparison, record: &TransparencyRecord, base: &str) -> Self {
        let source = record.source.as_ref();
        let url = &comparison.url;
        Self {
            by: comparison.compared_by.as_ref().map(ToString::to_string),
            attached_by: who(&comparison.actor),
            time: comparison.time.into(),
            commit: comparison.commit.to_string(),
            is_recorded: source.is_some_and(|source| source.workflow.commit.is_some()),
            verdict: match (comparison.verdict, comparison.files_only) {
                (Verdict::Same, false) => "nothing unexplained",
                (Verdict::Same, true) => "nothing unexplained among the files",
                (Verdict::Different, _) => "differences",
            },
            counts: counts(comparison),
            log_index: comparison.log_index,
            path: url.strip_prefix(base).unwrap_or(url).to_owned(),
        }
    }
}

/// The numbers, and in words what is not known.
fn counts(comparison: &Comparison) -> String {
    let Comparison {
        same,
        explained,
        by_word,
        changed,
        extra,
        left_out,
        metadata,
        not_compared,
        files_only,
        ..
    } = comparison;
    let mut parts = vec![format!("{same} files the same")];
    parts.push(match by_word {
        0 => format!("{explained} explained"),
        some => format!("{explained} explained, {some} of them by their word alone"),
    });
    parts.push(format!("{changed} changed"));
    parts.push(format!("{extra} only in the gem"));
    parts.push(match (left_out, files_only) {
        (Some(count), _) => format!("{count} left out"),
        (None, true) => "what was left out was not looked at".into(),
        (None, false) => "what was left out is not known".into(),
    });
    parts.push(match metadata {
        Some(count) => format!("{count} fields of the metadata differ"),
        None => "metadata not compared".into(),
    });
    if *not_compared > 0 {
        parts.push(format!("{not_compared} could not be compared"));
    }
    parts.join(", ")
}
