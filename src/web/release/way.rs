//! The picture of a release's way: from the source through the build evidence into this registry, as lists that read well
//! without a style sheet, and aloud.
use super::{super::text::typeset, Badge, weaker};
use crate::views::provenance::record::{Link, LinkName, TransparencyRecord};

/// A part of the way.
pub(super) struct Stage {
    pub(super) title: &'static str,
    pub(super) links: Vec<Step>,
}

/// A link as the picture shows it.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) value: Option<String>,
    /// A long value without spaces, set as code.
    pub(super) is_code: bool,
    pub(super) url: Option<String>,
    pub(super) how: String,
    pub(super) badge: Badge,
    /// What is weaker than proven could be.
    pub(super) weaker: Option<&'static str>,
    /// Remarks beside the badge.
    pub(super) tags: Vec<String>,
}

/// The three stages, in the order of the way.
pub(super) fn stages(record: &TransparencyRecord) -> Vec<Stage> {
    let mut stages = ["Source", "Build evidence", "This registry"].map(|title| Stage {
        title,
        links: Vec::new(),
    });
    for link in &record.links {
        let [source, evidence, registry] = &mut stages;
        let stage = match link.link {
            LinkName::Repository
            | LinkName::Commit
            | LinkName::Workflow
            | LinkName::Signer
            | LinkName::Run
            | LinkName::Job => source,
            LinkName::Certificate | LinkName::LogEntry | LinkName::Timestamp => evidence,
            LinkName::IdentityToken | LinkName::ApiKey | LinkName::Policy | LinkName::LogIndex => {
                registry
            }
        };
        stage.links.push(step(record, link));
    }
    stages.into()
}

fn step(record: &TransparencyRecord, link: &Link) -> Step {
    Step {
        name: name(link.link),
        value: link.value.as_deref().map(shown),
        is_code: matches!(
            link.link,
            LinkName::Commit | LinkName::Certificate | LinkName::ApiKey
        ),
        url: link.url.clone(),
        how: typeset(&link.how),
        badge: link.known.into(),
        weaker: link.weaker.map(weaker),
        tags: tags(record, link),
    }
}

/// What one may want to know without opening the link: which of several bundles it is, that it is missing, that the token
/// was opened.
fn tags(record: &TransparencyRecord, link: &Link) -> Vec<String> {
    let mut tags = Vec::new();
    let (all, place) = (record.attestations.len(), link.attestation);
    if let Some((place, attestation)) =
        place.and_then(|at| Some((at, record.attestations.get(at)?)))
    {
        let evidence = matches!(
            link.link,
            LinkName::Certificate | LinkName::LogEntry | LinkName::Timestamp
        );
        if all > 1 && evidence {
            tags.push(format!("bundle {} of {all}", place + 1));
        }
        if !attestation.kept {
            tags.push("bundle missing".to_owned());
        }
    }
    if link.link == LinkName::IdentityToken && record.opened().is_some() {
        tags.push("opened".to_owned());
    }
    tags
}

fn name(link: LinkName) -> &'static str {
    match link {
        LinkName::Repository => "Repository",
        LinkName::Commit => "Commit",
        LinkName::Workflow => "Workflow",
        LinkName::Signer => "Reusable workflow",
        LinkName::Run => "Run",
        LinkName::Job => "Job",
        LinkName::Certificate => "Build certificate",
        LinkName::LogEntry => "Transparency log entry",
        LinkName::Timestamp => "Timestamp",
        LinkName::IdentityToken => "Identity token",
        LinkName::ApiKey => "API key",
        LinkName::Policy => "Policy",
        LinkName::LogIndex => "Log index",
    }
}

/// A value without the scheme that every one of its kind has; the whole of it is in the record.
fn shown(value: &str) -> String {
    value.strip_prefix("https://").unwrap_or(value).to_owned()
}
