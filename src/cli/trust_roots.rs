//! `gemledger trust-root`
use anyhow::Context as _;
use clap::Subcommand;
use events::{Body, id::Via, text::Slug, trust_root};
use serde_json::json;

use super::{Answer, Common, out, providers::done};
use crate::{
    app::trust_roots::{Asked, Refreshed},
    views,
};

mod add;

/// Trust roots.
#[derive(Subcommand)]
pub(super) enum TrustRootCommand {
    /// Record a trust root, or a new version of it: from a file, or from what comes with this program
    Add(Box<add::Add>),
    /// List the trust roots and their versions
    List,
    /// Look for newer versions in the TUF repositories that they came from
    Refresh {
        /// Only this one [default: all that live]
        name: Option<String>,
    },
    /// Verify no bundle with a trust root any more
    Retire {
        /// Its name here
        name: String,
    },
}

impl TrustRootCommand {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        match self {
            Self::Add(add) => add.run(common).await,
            Self::List => list(common).await,
            Self::Refresh { name } => refresh(common, name.as_deref()).await,
            Self::Retire { name } => {
                let slug = Slug::parse(&name).context("the trust root's name")?;
                let index = common.open().await?.retire_trust_root(slug).await?;
                Ok(done(
                    common,
                    &format!("trust root {name} is retired"),
                    index,
                ))
            }
        }
    }
}

/// What a root requires, by kind.
fn evidence(requires: trust_root::Requires) -> [(&'static str, bool); 3] {
    let trust_root::Requires {
        log,
        sct,
        timestamp,
    } = requires;
    [("log", log), ("sct", sct), ("timestamp", timestamp)]
}

/// The same in words.
fn requires(requires: trust_root::Requires) -> String {
    let words = evidence(requires).into_iter();
    let words: Vec<&str> = words
        .filter_map(|(word, required)| required.then_some(word))
        .collect();
    words.join(",")
}

/// Whether its repository confirmed it, in words.
fn confirmed(asked: &Asked) -> String {
    match (&asked.why, asked.confirmed) {
        (None, _) => format!("confirmed {}", asked.asked),
        (Some(why), Some(time)) => format!("not confirmed since {time}: {why}"),
        (Some(why), None) => format!("never confirmed: {why}"),
    }
}

async fn list(common: &Common) -> anyhow::Result<Answer> {
    let (reader, folder) = (common.reader().await?, common.folder());
    for root in views::trust_roots::newest(&reader).await? {
        let state = if root.retired { "retired" } else { "live" };
        for recorded in views::trust_roots::history(&reader, &root.slug).await? {
            let Body::TrustRootRecorded(version) = &recorded.event.body else {
                continue;
            };
            let number = recorded.event.revision;
            let newest = number == root.revision;
            let state = if newest { state } else { "replaced" };
            let class = views::trust_roots::class(version).as_str();
            let asked = (newest && !root.retired)
                .then(|| Asked::of(&folder, &root.slug))
                .flatten();
            if common.json {
                out::json(&json!({
                    "name": root.slug, "version": number, "state": state, "class": class,
                    "log_index": recorded.index, "recorded": recorded.event.time, "root": version,
                    "refresh": asked,
                }));
                continue;
            }
            let issuers: Vec<&str> = version
                .issuers
                .iter()
                .map(events::text::Text::as_str)
                .collect();
            let weaker = if version.requires.log {
                ""
            } else {
                " (weaker: no log)"
            };
            let from = version
                .repository
                .as_ref()
                .map_or("a file", |from| from.url.as_str());
            let asked = asked.map_or_else(String::new, |asked| format!("\t{}", confirmed(&asked)));
            out::line(&format!(
                "{}\tversion {number}\t{state}\t{class}{weaker}\trequires {}\t{}\tfrom {from}\t{}{asked}",
                root.slug,
                requires(version.requires),
                issuers.join(" "),
                version.digest,
            ));
        }
    }
    Ok(Answer::True)
}

async fn refresh(common: &Common, name: Option<&str>) -> anyhow::Result<Answer> {
    let only = name
        .map(Slug::parse)
        .transpose()
        .context("the trust root's name")?;
    let app = common.open().await?;
    let outcomes = app.refresh_trust_roots(only.as_ref(), Via::Console).await?;
    let mut answer = Answer::True;
    for (root, refreshed) in outcomes {
        let (word, index, why) = match &refreshed {
            Refreshed::Unchanged => ("unchanged", None, None),
            Refreshed::Changed(index) => ("changed", Some(*index), None),
            Refreshed::NoRepository => ("no_repository", None, None),
            Refreshed::Kept { why, .. } => ("kept", None, Some(why)),
        };
        if why.is_some() || (only.is_some() && word == "no_repository") {
            answer = Answer::CouldNotTell;
        }
        if common.json {
            let expired = matches!(refreshed, Refreshed::Kept { expired: true, .. });
            out::json(
                &json!({"name": root, "outcome": word, "log_index": index, "why": why, "expired": expired}),
            );
            continue;
        }
        let text = match &refreshed {
            Refreshed::Unchanged => "is the newest".to_owned(),
            Refreshed::Changed(index) => format!("has a new version: log index {index}"),
            Refreshed::NoRepository => {
                "was given as a file; `trust-root add` with a newer file replaces it".to_owned()
            }
            Refreshed::Kept { why, .. } => format!("keeps its last good version: {why}"),
        };
        out::line(&format!("trust root {root} {text}"));
    }
    Ok(answer)
}
