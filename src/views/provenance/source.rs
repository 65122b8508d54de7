//! The source of a release: what the identity token of its run stated, and which of that a build certificate proves too.
//!
//! A registry that lies could write what a token said. It cannot make a certificate, so each claim is held to be proven
//! only where a bundle that is here says the same.
use std::collections::BTreeMap;

use events::{
    attestation::{Compared, Field},
    claims::{ProviderKind, Workflow},
    gem::Source as Claimed,
    provider::Registered,
};

use super::{
    certificates::says_so,
    forge::Forge,
    links::opened,
    record::{Attestation, Known, Link, LinkName, Source, TransparencyRecord, Urls},
};

/// A link of the source, and the claims of certificate and token that say it.
struct Place {
    link: LinkName,
    field: Field,
    stated: fn(&Workflow) -> Option<String>,
    url: fn(&Urls) -> Option<&String>,
}

const REPOSITORY: Place = Place {
    link: LinkName::Repository,
    field: Field::Repository,
    stated: |job| Some(job.repository.to_string()),
    url: |urls| urls.repository.as_ref(),
};
const COMMIT: Place = Place {
    link: LinkName::Commit,
    field: Field::Commit,
    stated: |job| job.commit.as_ref().map(ToString::to_string),
    url: |urls| urls.commit.as_ref(),
};
const WORKFLOW: Place = Place {
    link: LinkName::Workflow,
    field: Field::BuildConfig,
    stated: |job| job.workflow_ref.as_ref().map(ToString::to_string),
    url: |urls| urls.workflow.as_ref(),
};
const SIGNER: Place = Place {
    link: LinkName::Signer,
    field: Field::Signer,
    stated: |job| job.job_workflow_ref.as_ref().map(ToString::to_string),
    url: |urls| urls.signer.as_ref(),
};
const RUN: Place = Place {
    link: LinkName::Run,
    field: Field::Run,
    stated: |job| {
        let run = job.run_id.as_ref()?;
        let attempt = job.run_attempt.as_ref();
        Some(attempt.map_or_else(|| run.to_string(), |attempt| in_attempt(run, attempt)))
    },
    url: |urls| urls.run.as_ref(),
};
/// A certificate of GitLab's names the job and not the pipeline.
const JOB: Place = Place {
    link: LinkName::Job,
    field: Field::Job,
    stated: |job| match (&job.run_attempt, &job.run_id) {
        (Some(job), Some(pipeline)) => Some(format!("{job} of pipeline {pipeline}")),
        (Some(job), None) => Some(job.to_string()),
        (None, _) => None,
    },
    url: |urls| urls.job.as_ref(),
};

/// Which links the source of such a provider has, in their order.
fn places(kind: ProviderKind, job: &Workflow) -> Vec<&'static Place> {
    let run = match kind {
        ProviderKind::Gitlab => &JOB,
        ProviderKind::Github | ProviderKind::Generic => &RUN,
    };
    let mut places: Vec<&Place> = vec![&REPOSITORY, &COMMIT, &WORKFLOW];
    if is_defined_elsewhere(job) {
        places.push(&SIGNER);
    }
    places.push(run);
    places
}

/// Whether a reusable workflow defines the job: another file than the one that was triggered.
pub(super) fn is_defined_elsewhere(job: &Workflow) -> bool {
    job.job_workflow_ref.is_some() && job.job_workflow_ref != job.workflow_ref
}

fn in_attempt(run: impl std::fmt::Display, attempt: impl std::fmt::Display) -> String {
    format!("{run} (attempt {attempt})")
}

/// What the token stated. Which of it is proven is known once the certificates are: [`certified`].
pub(super) fn stated(claimed: &Claimed, registered: Option<&Registered>) -> Option<Source> {
    let (provider, ..) = claimed.exchange.stream.token_parts()?;
    let forge = registered.and_then(Forge::of);
    Some(Source {
        known: Known::StatedByRegistry,
        certified: BTreeMap::new(),
        provider,
        issuer: registered.map(|registered| registered.issuer.clone()),
        workflow: claimed.workflow.clone(),
        urls: forge.map_or_else(Urls::default, |forge| forge.urls(&claimed.workflow)),
    })
}

/// The claims of the token that a certificate proves too, by their names in the record.
pub(super) fn certified(record: &TransparencyRecord) -> BTreeMap<&'static str, usize> {
    let Some(job) = record.source.as_ref().map(|source| &source.workflow) else {
        return BTreeMap::new();
    };
    let claims = [
        ("commit", Field::Commit),
        ("environment", Field::Environment),
        ("issuer", Field::Issuer),
        ("owner_id", Field::OwnerId),
        ("ref", Field::Ref),
        ("repository", Field::Repository),
        ("repository_id", Field::RepositoryId),
        ("run_attempt", Field::Attempt),
        ("run_attempt", Field::Job),
        ("run_id", Field::Run),
        ("runner", Field::Runner),
        ("trigger", Field::Trigger),
        ("visibility", Field::Visibility),
        ("workflow_commit", Field::BuildConfigCommit),
        ("workflow_ref", Field::BuildConfig),
    ];
    // GitLab states its one file once, and its certificates twice.
    let defined = [
        ("job_workflow_commit", Field::SignerCommit),
        ("job_workflow_ref", Field::Signer),
    ];
    let defined = defined.iter().filter(|_| job.job_workflow_ref.is_some());
    let claims = claims.iter().chain(defined);
    let proven = claims.filter_map(|(name, field)| {
        let (place, attestation, pair) = record.certified(*field)?;
        // A certificate of an earlier attempt says nothing of the one that pushed.
        let same = *field != Field::Attempt || pair.certificate == pair.expected;
        (same && attestation.kept).then_some((*name, place))
    });
    proven.collect()
}

/// From the repository to the run or job: by the strongest certificate that says so, else by the token.
pub(super) fn links(record: &TransparencyRecord, forge: Option<&Forge>) -> Vec<Link> {
    let Some(source) = &record.source else {
        let why = "A key of an account says who pushed, not from where. Trusted publishing would.";
        let places = [&REPOSITORY, &COMMIT, &WORKFLOW, &RUN];
        return places.map(|place| Link::unknown(place.link, why)).into();
    };
    let provider = record.chain.provider.as_ref();
    let kind = provider.map_or(ProviderKind::Generic, |provider| provider.kind);
    let places = places(kind, &source.workflow).into_iter();
    places
        .map(|place| match record.certified(place.field) {
            Some(found) => proven(record, source, forge, place, found),
            None => said(record, source, place),
        })
        .collect()
}

fn proven(
    record: &TransparencyRecord,
    source: &Source,
    forge: Option<&Forge>,
    place: &Place,
    (at, attestation, pair): (usize, &Attestation, &Compared),
) -> Link {
    let certificate = pair.certificate.as_str();
    let attempt = attestation
        .pair(Field::Attempt)
        .map(|pair| pair.certificate.as_str());
    let is_run = matches!(place.field, Field::Run | Field::Job);
    Link {
        link: place.link,
        known: attestation.known(),
        weaker: attestation.weaker().filter(|_| attestation.kept),
        value: Some(match attempt.filter(|_| is_run) {
            Some(attempt) => in_attempt(certificate, attempt),
            None => certificate.to_owned(),
        }),
        attestation: Some(at),
        how: says_so(record, at, attestation),
        url: if is_run {
            forge.and_then(|forge| forge.certified(certificate, attempt))
        } else {
            (place.url)(&source.urls).cloned()
        },
    }
}

fn said(record: &TransparencyRecord, source: &Source, place: &Place) -> Link {
    let Some(value) = (place.stated)(&source.workflow) else {
        return Link::unknown(place.link, "The identity token did not say.");
    };
    let exchanged = record.chain.exchange.as_ref();
    let exchanged = exchanged.map_or_else(String::new, |step| {
        format!(", exchanged at log index {}", step.entry.log_index)
    });
    let sealed = record.opened().map_or_else(
        || "The token is sealed: until it is opened, this is the registry's word.".to_owned(),
        opened,
    );
    Link {
        link: place.link,
        known: Known::StatedByRegistry,
        weaker: None,
        value: Some(value),
        attestation: None,
        how: format!(
            "The identity token of {}{exchanged}, said so. {sealed}",
            source.issuer()
        ),
        url: (place.url)(&source.urls).cloned(),
    }
}
