//! What was stated of the release and its repository, as its page shows it: whose word it is, never that it is safe.
use super::Moment;
use crate::views::{comparisons::Comparison, gems::who};

/// A comparison, made ready for the page.
pub(super) struct Compared {
    pub(super) by: Option<String>,
    pub(super) attached_by: String,
    pub(super) time: Moment,
    pub(super) commit: String,
    pub(super) verdict: &'static str,
    pub(super) counts: String,
    pub(super) log_index: u64,
    /// Below the registry's address.
    pub(super) path: String,
}

impl Compared {
    pub(super) fn new(comparison: &Comparison, base: &str) -> Self {
        let Comparison {
            log_index,
            time,
            actor,
            compared_by,
            verdict,
            commit,
            same,
            changed,
            extra,
            missing,
            statement: _,
            url,
        } = comparison;
        Self {
            by: compared_by.as_ref().map(ToString::to_string),
            attached_by: who(actor),
            time: (*time).into(),
            commit: commit.to_string(),
            verdict: match verdict.as_deref() {
                Some("same") => "nothing unexplained",
                Some(_) => "differences",
                None => "the statement is not kept any more",
            },
            counts: format!(
                "{same} files the same, {changed} changed, {extra} only in the gem, {missing} left out"
            ),
            log_index: *log_index,
            path: url.strip_prefix(base).unwrap_or(url).to_owned(),
        }
    }
}
