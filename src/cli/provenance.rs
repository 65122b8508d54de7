//! `gemledger provenance`
use anyhow::Context as _;
use clap::Args;
use events::name::GemName;

use super::{Answer, Common, out};
use crate::views::{
    self,
    provenance::{
        TransparencyRecord, number_and_platform,
        record::{Known, Link, LinkName, Weaker},
    },
};

/// Where a release came from: from its repository to the log, each link with how it was checked. With --json, the whole
/// record.
#[derive(Args)]
pub(super) struct Provenance {
    /// The gem
    gem: String,
    /// The version, with its platform after a hyphen if it has one
    #[arg(value_name = "VERSION", id = "release")]
    release: String,
}

impl Provenance {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let gem = GemName::parse(&self.gem)?;
        let (number, platform) = number_and_platform(&self.release)
            .with_context(|| format!("{} is no version", self.release))?;
        let app = common.open().await?;
        let record = views::provenance::of(&app, &gem.folded(), &number, &platform).await?;
        let Some(record) = record else {
            out::note(&format!("there is no {gem} {}", self.release));
            return Ok(Answer::False);
        };
        if common.json {
            out::json(&record);
        } else {
            for line in drawing(&record) {
                out::line(&line);
            }
        }
        Ok(Answer::True)
    }
}

/// The way of a release, a link in two lines: what it is, and how that is known.
pub(crate) fn drawing(record: &TransparencyRecord) -> Vec<String> {
    let mut lines = vec![
        record.file.clone(),
        format!("  {}, released {}", record.digest, record.released),
        String::new(),
    ];
    if let Some(quarantine) = &record.quarantined {
        lines.push(format!(
            "  QUARANTINED since {}: {}",
            quarantine.since, quarantine.reason
        ));
        lines.push(String::new());
    }
    let last = record.links.len().saturating_sub(1);
    for (place, link) in record.links.iter().enumerate() {
        let (glyph, rail) = match link.known {
            Known::Proven => ('\u{25CF}', '\u{2502}'),
            Known::StatedByRegistry => ('\u{25D0}', '\u{2506}'),
            Known::NotKnown => ('\u{25CB}', '\u{250A}'),
        };
        let rail = if place == last { ' ' } else { rail };
        let words = known(record, link);
        lines.push(format!("  {glyph} {:<23} {words}", name(link.link)));
        lines.extend(link.value.iter().map(|value| format!("  {rail}   {value}")));
        // What the links that follow say too is said once, with the last of them.
        let next = record.links.get(place + 1);
        if next.is_none_or(|next| next.how != link.how) {
            lines.extend(wrapped(&link.how, 84).map(|line| format!("  {rail}     {line}")));
        }
    }
    if !record.since.is_empty() {
        lines.push(String::new());
        lines.push("  since then".to_owned());
    }
    lines.extend(record.since.iter().map(|entry| {
        let (index, time, kind) = (entry.log_index, entry.time, entry.event_type);
        format!("  {index:>7}  {time}  {kind}")
    }));
    lines.push(String::new());
    lines.push("  It says where the gem came from, never that it is safe.".to_owned());
    lines
}

/// How a link is known, and what it lacks.
fn known(record: &TransparencyRecord, link: &Link) -> String {
    let mut words = match link.known {
        Known::Proven => "proven",
        Known::StatedByRegistry => "stated by this registry",
        Known::NotKnown => "not known",
    }
    .to_owned();
    match link.weaker {
        None => {}
        Some(Weaker::PrivateLog) => words.push_str(", in a private log"),
        Some(Weaker::NoLog) => words.push_str(", weaker: in no log"),
    }
    let bundle = link.attestation.and_then(|at| record.attestations.get(at));
    if bundle.is_some_and(|bundle| !bundle.kept) {
        words.push_str(", its bundle is missing");
    }
    if link.link == LinkName::IdentityToken && record.opened().is_some() {
        words.push_str(", opened");
    }
    words
}

fn name(link: LinkName) -> &'static str {
    match link {
        LinkName::Repository => "repository",
        LinkName::Commit => "commit",
        LinkName::Workflow => "workflow",
        LinkName::Signer => "reusable workflow",
        LinkName::Run => "run",
        LinkName::Job => "job",
        LinkName::Certificate => "build certificate",
        LinkName::LogEntry => "transparency log entry",
        LinkName::Timestamp => "timestamp",
        LinkName::IdentityToken => "identity token",
        LinkName::ApiKey => "API key",
        LinkName::Policy => "policy",
        LinkName::LogIndex => "log index",
    }
}

/// A sentence in lines of so many characters, cut between words.
fn wrapped(text: &str, width: usize) -> impl Iterator<Item = String> {
    let mut lines = Vec::<String>::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines.into_iter()
}
