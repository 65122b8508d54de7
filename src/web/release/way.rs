//! The picture of a release's way: from the source through the build evidence into this registry, as lists that read well
//! without a style sheet, and aloud.
use super::{super::text::typeset, Badge};
use crate::views::provenance::record::{Class, Link, LinkName, TransparencyRecord};

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
    /// A remark beside the badge.
    pub(super) tag: Option<String>,
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
            LinkName::Repository | LinkName::Commit | LinkName::Workflow | LinkName::Run => source,
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
    let attestation = link
        .attestation
        .and_then(|place| record.attestations.get(place));
    let evidence = matches!(
        link.link,
        LinkName::Certificate | LinkName::LogEntry | LinkName::Timestamp
    );
    let many = record.attestations.len() > 1 && evidence;
    let place = link.attestation.map_or(0, |place| place + 1);
    let weaker = attestation.is_some_and(|found| found.class == Class::Timestamped);
    let tag = if weaker && link.link == LinkName::Timestamp {
        Some("weaker: no log".to_owned())
    } else if many {
        Some(format!("bundle {place} of {}", record.attestations.len()))
    } else {
        None
    };
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
        tag,
    }
}

fn name(link: LinkName) -> &'static str {
    match link {
        LinkName::Repository => "Repository",
        LinkName::Commit => "Commit",
        LinkName::Workflow => "Workflow",
        LinkName::Run => "Run",
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
