//! What the run said of itself, claim by claim: as its identity token stated it, and whether a certificate proves it too.
use events::{claims::ProviderKind, text::Text};

use super::{super::text::workflow_name, Badge, weaker};
use crate::views::provenance::record::{Attestation, Known, Source, TransparencyRecord};

/// A claim, or two that say the same thing, made ready for the page.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) value: String,
    /// A long value without spaces, set as code.
    pub(super) is_code: bool,
    pub(super) url: Option<String>,
    /// The immutable id behind a name.
    pub(super) id: Option<String>,
    pub(super) badge: Badge,
    /// What is weaker than proven could be.
    pub(super) weaker: Option<&'static str>,
}

/// Every claim that the token has of those that people ask for.
pub(super) fn rows(record: &TransparencyRecord, source: &Source) -> Vec<Row> {
    let (job, urls) = (&source.workflow, &source.urls);
    let kind = record.chain.provider.as_ref().map(|provider| provider.kind);
    let (run, attempt) = match kind {
        Some(ProviderKind::Gitlab) => ("Pipeline", "Job"),
        Some(ProviderKind::Github | ProviderKind::Generic) | None => ("Run", "Attempt"),
    };
    let claimed = Claimed { record, source };
    let signer = job.job_workflow_ref.as_ref();
    let signer = signer.filter(|_| job.job_workflow_ref != job.workflow_ref);
    let mut repository = claimed.row("Repository", "repository", Some(&job.repository));
    if let Some(row) = &mut repository {
        row.url.clone_from(&urls.repository);
        row.id = Some(format!("id {}", job.repository_id));
    }
    let mut commit = claimed.linked(
        "Commit",
        "commit",
        job.commit.as_ref(),
        urls.commit.as_ref(),
    );
    if let Some(row) = &mut commit {
        row.is_code = true;
    }
    let mut workflow = claimed.linked(
        "Workflow",
        "workflow_ref",
        job.workflow_ref.as_ref(),
        urls.workflow.as_ref(),
    );
    if let (Some(row), Some(name)) = (&mut workflow, workflow_name(job)) {
        row.value = name;
    }
    let protected = job.ref_protected.map(|protected| {
        let value = if protected { "yes" } else { "no" };
        claimed.of("Protected ref", "ref_protected", value.to_owned())
    });
    let issuer = claimed.of("Provider", "issuer", source.issuer());
    [
        repository,
        commit,
        claimed.row("Ref", "ref", job.git_ref.as_ref()).map(named),
        protected,
        workflow,
        claimed.linked(
            "Reusable workflow",
            "job_workflow_ref",
            signer,
            urls.signer.as_ref(),
        ),
        claimed.linked(run, "run_id", job.run_id.as_ref(), urls.run.as_ref()),
        claimed.linked(
            attempt,
            "run_attempt",
            job.run_attempt.as_ref(),
            urls.job.as_ref(),
        ),
        claimed.row("Started by", "trigger", job.trigger.as_ref()),
        claimed.row("Environment", "environment", job.environment.as_ref()),
        claimed.row("Runner", "runner", job.runner.as_ref()),
        Some(issuer),
    ]
    .into_iter()
    .flatten()
    .collect()
}

struct Claimed<'a> {
    record: &'a TransparencyRecord,
    source: &'a Source,
}

impl Claimed<'_> {
    /// A row of the claim with this name in the record.
    fn of(&self, name: &'static str, claim: &str, value: String) -> Row {
        let place = self.source.certified.get(claim);
        let attestation = place.and_then(|place| self.record.attestations.get(*place));
        let known = attestation.map_or(self.source.known, |_| Known::Proven);
        Row {
            name,
            value,
            is_code: false,
            url: None,
            id: None,
            badge: known.into(),
            weaker: attestation.and_then(Attestation::weaker).map(weaker),
        }
    }

    fn row(&self, name: &'static str, claim: &str, value: Option<&Text>) -> Option<Row> {
        Some(self.of(name, claim, value?.to_string()))
    }

    fn linked(
        &self,
        name: &'static str,
        claim: &str,
        value: Option<&Text>,
        url: Option<&String>,
    ) -> Option<Row> {
        let row = self.row(name, claim, value)?;
        let url = url.cloned();
        Some(Row { url, ..row })
    }
}

/// A ref as people say it: `tag v1.0`, `branch main`, or in full.
fn named(row: Row) -> Row {
    let said = |kind: &str, prefix: &str| {
        let name = row.value.strip_prefix(prefix)?;
        Some(format!("{kind} {name}"))
    };
    let value = said("tag", "refs/tags/").or_else(|| said("branch", "refs/heads/"));
    match value {
        Some(value) => Row { value, ..row },
        None => row,
    }
}
