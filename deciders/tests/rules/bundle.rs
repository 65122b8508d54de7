//! A bundle that verified: what the certificate of a job says, as its provider and its forge would have it.
use deciders::attestation::{Claims, Facts};
use events::{
    attestation::{Field, LogEntry},
    digest::Digest,
    stream::{EventRef, StreamName},
    text::Text,
    time::Timestamp,
};

use crate::{
    fixtures::{slug, text},
    history::History,
    job::Job,
};

/// What a certificate of this job says.
pub(crate) fn claims(job: &Job) -> Claims {
    let workflow = &job.workflow;
    let gitlab = job.provider == "gitlab";
    let (issuer, home) = if gitlab {
        ("https://gitlab.example.com", "https://gitlab.example.com")
    } else {
        (
            "https://token.actions.githubusercontent.com",
            "https://github.com",
        )
    };
    let below = |path: &Option<Text>| {
        let path = path.as_ref()?;
        Some(if gitlab {
            text(&format!("https://{path}"))
        } else {
            text(&format!("{home}/{path}"))
        })
    };
    let repository = format!("{home}/{}", workflow.repository);
    let id = |id: &Option<Text>| id.as_ref().map_or_else(String::new, ToString::to_string);
    let (run, attempt) = (id(&workflow.run_id), id(&workflow.run_attempt));
    let (run, signer, signer_commit) = if gitlab {
        (
            format!("{repository}/-/jobs/{attempt}"),
            below(&workflow.workflow_ref),
            workflow.workflow_commit.clone(),
        )
    } else {
        (
            format!("{repository}/actions/runs/{run}/attempts/{attempt}"),
            below(&workflow.job_workflow_ref),
            workflow.job_workflow_commit.clone(),
        )
    };
    let mut claims = Claims::default();
    claims.identity = signer.clone();
    for (field, said) in [
        (Field::BuildConfig, below(&workflow.workflow_ref)),
        (Field::BuildConfigCommit, workflow.workflow_commit.clone()),
        (Field::Commit, workflow.commit.clone()),
        (Field::Environment, workflow.environment.clone()),
        (Field::Issuer, Some(text(issuer))),
        (Field::OwnerId, workflow.owner_id.clone()),
        (Field::Ref, workflow.git_ref.clone()),
        (Field::Repository, Some(text(&repository))),
        (Field::RepositoryId, Some(workflow.repository_id.clone())),
        (Field::Run, Some(text(&run))),
        (Field::Runner, workflow.runner.clone()),
        (Field::Signer, signer),
        (Field::SignerCommit, signer_commit),
        (Field::Trigger, workflow.trigger.clone()),
        (Field::Visibility, workflow.visibility.clone()),
    ] {
        claims.say(field, said);
    }
    claims
}

/// A bundle with these claims, as the public-good instance would have it, at its version of this moment.
pub(crate) fn logged(history: &History, claims: Claims) -> Facts {
    Facts {
        entry: Some(LogEntry {
            index: text("122963775"),
            log: text("c0d23d6ad406973f"),
        }),
        sct: true,
        ..timestamped(history, "public-good", claims)
    }
}

/// A bundle with these claims that is in no log, with the version of this root that is there now.
pub(crate) fn timestamped(history: &History, root: &str, claims: Claims) -> Facts {
    let newest = history
        .trust_root(root)
        .newest()
        .map(|(revision, _)| revision);
    Facts {
        builder: None,
        bundle: Digest::of(format!("{claims:?}").as_bytes()),
        certificate: Digest::of(b"certificate"),
        claims,
        entry: None,
        predicate: None,
        root: EventRef {
            revision: newest.unwrap_or(0),
            stream: StreamName::trust_root(&slug(root)),
        },
        sct: false,
        signed: Timestamp::from_millis(history.now.millis() - 2000),
        timestamp: root != "public-good",
    }
}

/// The same as a provenance, by this builder.
pub(crate) fn provenance(facts: Facts, builder: &str) -> Facts {
    Facts {
        builder: Some(text(builder)),
        predicate: Some(text("https://slsa.dev/provenance/v1")),
        ..facts
    }
}

/// The provenance that GitHub's action writes: its builder is the signer.
pub(crate) fn by_signer(facts: Facts) -> Facts {
    let signer = facts.claims.of(Field::Signer).unwrap().clone();
    provenance(facts, signer.as_str())
}

/// Something that a certificate may say; its own name where it is none of its extensions.
#[derive(Clone, Copy)]
pub(crate) struct Claim(Option<Field>);

impl Claim {
    pub(crate) fn said(self, claims: &Claims) -> Option<Text> {
        let Some(field) = self.0 else {
            return claims.identity.clone();
        };
        claims.of(field).cloned()
    }

    pub(crate) fn say(self, claims: &mut Claims, said: Option<Text>) {
        match self.0 {
            Some(field) => claims.say(field, said),
            None => claims.identity = said,
        }
    }
}

/// Every claim, by the name of the field that it is compared as.
pub(crate) const CLAIMS: [(&str, Claim); 16] = [
    ("build_config", Claim(Some(Field::BuildConfig))),
    ("build_config_commit", Claim(Some(Field::BuildConfigCommit))),
    ("commit", Claim(Some(Field::Commit))),
    ("environment", Claim(Some(Field::Environment))),
    ("signer", Claim(None)),
    ("issuer", Claim(Some(Field::Issuer))),
    ("owner_id", Claim(Some(Field::OwnerId))),
    ("ref", Claim(Some(Field::Ref))),
    ("repository", Claim(Some(Field::Repository))),
    ("repository_id", Claim(Some(Field::RepositoryId))),
    ("run", Claim(Some(Field::Run))),
    ("runner", Claim(Some(Field::Runner))),
    ("signer", Claim(Some(Field::Signer))),
    ("signer_commit", Claim(Some(Field::SignerCommit))),
    ("trigger", Claim(Some(Field::Trigger))),
    ("visibility", Claim(Some(Field::Visibility))),
];
