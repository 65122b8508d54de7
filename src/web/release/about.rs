//! What a gem says of itself. Nobody checked it; here it is only made harmless to look at.
use super::{
    super::text::{https, line},
    paragraphs,
};
use crate::rubygems::{Document, dependency::Kind, document::DependencyText};

/// Most lines of any of its lists.
const MOST: usize = 100;
/// Most entries of the author's own metadata.
const MOST_METADATA: usize = 40;

/// The metadata document, made ready for a page.
pub(super) struct About {
    pub(super) summary: String,
    pub(super) description: Vec<String>,
    pub(super) authors: Vec<String>,
    pub(super) licenses: Vec<String>,
    pub(super) links: Vec<Link>,
    pub(super) metadata: Vec<(String, String)>,
    pub(super) runtime: Vec<Dependency>,
    pub(super) development: Vec<Dependency>,
    pub(super) executables: Vec<String>,
    pub(super) has_extensions: bool,
    pub(super) ruby: String,
    pub(super) rubygems: String,
}

/// A web address that the gem gives.
pub(super) struct Link {
    pub(super) label: String,
    /// What is shown.
    pub(super) text: String,
    /// Where it leads, if that is somewhere a page may lead to.
    pub(super) url: Option<String>,
}

/// A gem that it needs.
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) requirement: String,
}

impl From<&Document> for About {
    fn from(document: &Document) -> Self {
        let summary = line(&document.summary);
        let description = document.description.as_deref().unwrap_or_default();
        let description = Some(paragraphs(description)).filter(|text| *text != [summary.as_str()]);
        let address = |key: &str| key.ends_with("_uri");
        let own = document.metadata.iter().filter(|(key, _)| !address(key));
        Self {
            description: description.unwrap_or_default(),
            authors: lines(&document.authors),
            licenses: lines(&document.licenses),
            links: links(document),
            metadata: own
                .take(MOST_METADATA)
                .map(|(key, value)| (line(key), line(value)))
                .collect(),
            runtime: dependencies(document, Kind::Runtime),
            development: dependencies(document, Kind::Development),
            executables: lines(&document.executables),
            has_extensions: document.has_extensions,
            ruby: document.required_ruby_version.0.to_string(),
            rubygems: document.required_rubygems_version.0.to_string(),
            summary,
        }
    }
}

fn lines(texts: &[String]) -> Vec<String> {
    texts.iter().take(MOST).map(|text| line(text)).collect()
}

fn dependencies(document: &Document, kind: Kind) -> Vec<Dependency> {
    let of_kind = |dependency: &&DependencyText| dependency.kind == kind;
    let shown = |dependency: &DependencyText| Dependency {
        name: dependency.name.to_string(),
        requirement: dependency.requirement.0.to_string(),
    };
    let found = document.dependencies.iter().filter(of_kind);
    found.take(MOST).map(shown).collect()
}

/// The homepage and everything whose key says that it is an address, each address once.
fn links(document: &Document) -> Vec<Link> {
    let homepage = document
        .homepage
        .iter()
        .map(|url| ("homepage_uri", url.as_str()));
    let own = document
        .metadata
        .iter()
        .filter(|(key, _)| key.ends_with("_uri"))
        .map(|(key, url)| (key.as_str(), url.as_str()));
    let mut links: Vec<Link> = Vec::new();
    for (key, url) in homepage.chain(own) {
        let text = line(url);
        if url.is_empty() || links.iter().any(|link| link.text == text) {
            continue;
        }
        links.push(Link {
            label: label(key),
            url: https(url),
            text,
        });
    }
    links.truncate(MOST);
    links
}

fn label(key: &str) -> String {
    let known = match key {
        "homepage_uri" => "Homepage",
        "source_code_uri" => "Source code",
        "documentation_uri" => "Documentation",
        "changelog_uri" => "Changelog",
        "bug_tracker_uri" => "Bug tracker",
        "wiki_uri" => "Wiki",
        "mailing_list_uri" => "Mailing list",
        "funding_uri" => "Funding",
        other => return line(other),
    };
    known.to_owned()
}
