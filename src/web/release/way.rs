//! The picture of a release's way: from the source through the build evidence into this registry, as lists that read well
//! without a style sheet, and aloud.
use super::{super::text::typeset, Badge, weaker};
use crate::views::provenance::record::{Known, Link, LinkName, TransparencyRecord};

/// Characters of a foreign log's id that tell it from others; the whole of it is in the record.
const LOG_ID: usize = 16;

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

/// How many links are proven, stated and not known; what there is none of is left out.
pub(super) fn legend(record: &TransparencyRecord) -> Vec<(Badge, usize)> {
    let count = |known| {
        record
            .links
            .iter()
            .filter(|link| link.known == known)
            .count()
    };
    [Known::Proven, Known::StatedByRegistry, Known::NotKnown]
        .map(|known| (known.into(), count(known)))
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect()
}

fn step(record: &TransparencyRecord, link: &Link) -> Step {
    Step {
        name: name(link.link),
        value: link
            .value
            .as_deref()
            .map(|value| shown(record, link.link, value)),
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

/// What one may want to know without opening the link: which of several bundles it is, whose trust root issued the
/// certificate, that the bundle is missing, that the token was opened.
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
        if link.link == LinkName::Certificate {
            tags.push(format!("trust root {}", attestation.root.name));
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

/// A value as short as its place allows; the whole of it is in the record.
fn shown(record: &TransparencyRecord, name: LinkName, value: &str) -> String {
    let repository = record.links.first().and_then(|link| link.value.as_deref());
    let within = repository.and_then(|repository| value.strip_prefix(repository));
    let within = within.and_then(|rest| rest.strip_prefix('/'));
    match (name, within, value.split_once(" of ")) {
        // Below the repository, which stands above it. GitLab puts `/` or `-/` in between.
        (LinkName::Workflow | LinkName::Signer | LinkName::Run | LinkName::Job, Some(rest), _) => {
            let rest = rest.strip_prefix("-/").unwrap_or(rest);
            let rest = rest.trim_start_matches('/');
            match rest.split_once('@') {
                Some((file, git_ref)) => format!("{file} at {git_ref}"),
                None => rest.to_owned(),
            }
        }
        (LinkName::LogEntry, _, Some((entry, log))) if log.chars().count() > LOG_ID => {
            let log: String = log.chars().take(LOG_ID).collect();
            format!("{entry} of {log}\u{2026}")
        }
        _ => value.strip_prefix("https://").unwrap_or(value).to_owned(),
    }
}
