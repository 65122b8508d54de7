//! A bundle that verified: what the certificate of a job says, as its provider and its forge would have it.
use deciders::attestation::{Claims, Facts};
use events::{
    attestation::LogEntry,
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
    Claims {
        build_config: below(&workflow.workflow_ref),
        build_config_commit: workflow.workflow_commit.clone(),
        commit: workflow.commit.clone(),
        environment: workflow.environment.clone(),
        identity: signer.clone(),
        issuer: Some(text(issuer)),
        owner_id: workflow.owner_id.clone(),
        git_ref: workflow.git_ref.clone(),
        repository: Some(text(&repository)),
        repository_id: Some(workflow.repository_id.clone()),
        run: Some(text(&run)),
        runner: workflow.runner.clone(),
        signer,
        signer_commit,
        trigger: workflow.trigger.clone(),
        visibility: workflow.visibility.clone(),
    }
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
    let signer = facts.claims.signer.clone().unwrap();
    provenance(facts, signer.as_str())
}

/// Something that a certificate may say.
pub(crate) type Claim = (&'static str, fn(&mut Claims) -> &mut Option<Text>);

/// Every claim, by the name of the field that it is compared as.
pub(crate) const CLAIMS: [Claim; 16] = [
    ("build_config", |claims| &mut claims.build_config),
    ("build_config_commit", |claims| {
        &mut claims.build_config_commit
    }),
    ("commit", |claims| &mut claims.commit),
    ("environment", |claims| &mut claims.environment),
    ("signer", |claims| &mut claims.identity),
    ("issuer", |claims| &mut claims.issuer),
    ("owner_id", |claims| &mut claims.owner_id),
    ("ref", |claims| &mut claims.git_ref),
    ("repository", |claims| &mut claims.repository),
    ("repository_id", |claims| &mut claims.repository_id),
    ("run", |claims| &mut claims.run),
    ("runner", |claims| &mut claims.runner),
    ("signer", |claims| &mut claims.signer),
    ("signer_commit", |claims| &mut claims.signer_commit),
    ("trigger", |claims| &mut claims.trigger),
    ("visibility", |claims| &mut claims.visibility),
];
