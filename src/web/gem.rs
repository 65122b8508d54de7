//! `/gems/NAME`: each release with its source, who may release the gem now, and how that came to be.
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use events::{name::GemName, policy::Publisher};

use super::{
    frame::{Fault, Frame, answer},
    text::{Moment, line, sentence, short_commit, typeset, workflow_name},
};
use crate::{
    app::App,
    views::{
        gems::{self, Change, Denied, Released, who, whose},
        provenance,
        rules::{Beyond, ChangeAt, RuleAt},
    },
};

#[derive(Template)]
#[template(path = "gem.html")]
struct Page {
    frame: Frame,
    name: String,
    summary: Option<String>,
    newest: Option<String>,
    releases: Vec<Release>,
    /// How many releases there are in all.
    count: u64,
    owners: Vec<String>,
    /// An owner's key could keep the rules.
    owners_push: bool,
    publishers: Vec<Trusted>,
    rules: Vec<Ruled>,
    changes: Vec<Waiting>,
    beyond: Vec<Outside>,
    overrides: Vec<Overridden>,
    history: Vec<Line>,
    /// How many changes of the policy there are in all.
    changed: usize,
    denials: Vec<Refusal>,
}

struct Release {
    /// `VERSION[-PLATFORM]`
    version: String,
    prerelease: bool,
    /// It is withheld, for this reason.
    quarantined: Option<String>,
    log_index: u64,
    released: Moment,
    source: Option<Source>,
}

struct Source {
    repository: String,
    commit: Option<String>,
    workflow: Option<String>,
}

/// A trusted publisher, or one that waits for the first push.
struct Trusted {
    id: u64,
    publisher: Publisher,
    pending_until: Option<Moment>,
    /// The gem exists: it may release it until then.
    left_over: bool,
    /// It takes effect then.
    effective: Option<Moment>,
}

/// A rule, and what it demands of the next release.
struct Ruled {
    rule: &'static str,
    setting: &'static str,
    demanded: &'static str,
}

/// A change that waits for its time.
struct Waiting {
    id: u64,
    effective: Moment,
    what: String,
    who: String,
    /// Why somebody wants it at once.
    proposed: Vec<String>,
}

/// What waits outside the policy and bears on it.
struct Outside {
    effective: Moment,
    what: String,
    who: String,
    take_back: String,
}

/// A delay that two people overrode.
struct Overridden {
    log_index: u64,
    time: Moment,
    who: String,
    reason: String,
}

/// A line of the policy's history.
struct Line {
    log_index: u64,
    time: Moment,
    who: String,
    what: String,
}

struct Refusal {
    time: Moment,
    why: String,
    denied: Denied,
}

/// The page.
pub(super) async fn page(app: web::Data<App>, request: HttpRequest) -> HttpResponse {
    let page = gem(&app, request.match_info().query("name")).await;
    answer(&app, page)
}

async fn gem(app: &App, name: &str) -> Result<Page, Fault> {
    let missing =
        || Fault::NotFound("No gem of this name was ever pushed or reserved here.".into());
    let name = GemName::parse(name).map_err(|_| missing())?.folded();
    let covered = provenance::covered(app)?;
    let policy = gems::policy(&app.reader, &name, covered, app.clock.now()).await?;
    if policy.history.is_empty() {
        return Err(missing());
    }
    let (releases, count) = gems::releases(&app.reader, &name, covered).await?;
    let summary = match releases.first() {
        Some(newest) => gems::document(app, &newest.pushed.document).await?,
        None => None,
    };
    let pending = policy.pending.iter().map(|(id, pending)| Trusted {
        id: id.0,
        publisher: pending.publisher.clone(),
        pending_until: Some(pending.expires.into()),
        left_over: policy.name.is_some(),
        effective: None,
    });
    let publishers = policy
        .publishers
        .iter()
        .map(|(id, publisher, waits)| Trusted {
            id: id.0,
            publisher: publisher.clone(),
            pending_until: None,
            left_over: false,
            effective: waits.map(Moment::from),
        });
    let denials = gems::denials(&app.reader, &name, covered).await?;
    Ok(Page {
        frame: Frame::new(app, Some(covered)),
        summary: summary
            .map(|document| line(&document.summary))
            .filter(|summary| !summary.is_empty()),
        newest: latest(&releases),
        count,
        owners: policy.owners.iter().copied().map(whose).collect(),
        owners_push: policy.owners_push,
        publishers: publishers.chain(pending).collect(),
        rules: policy.rules.iter().map(Ruled::from).collect(),
        changes: policy.changes.iter().map(Waiting::from).collect(),
        beyond: policy.beyond.iter().map(Outside::from).collect(),
        changed: policy.count,
        overrides: policy.overrides.into_iter().map(Overridden::from).collect(),
        history: policy.history.into_iter().map(Line::from).collect(),
        denials: denials.into_iter().map(Refusal::from).collect(),
        name: policy.name.unwrap_or_else(|| name.to_string()),
        releases: releases.into_iter().map(Release::from).collect(),
    })
}

/// The highest version that is no pre-release, else the highest.
fn latest(releases: &[Released]) -> Option<String> {
    let served = releases
        .iter()
        .filter(|release| release.quarantine.is_none());
    let numbers = || served.clone().map(|release| &release.pushed.number);
    let settled = numbers().filter(|number| !number.is_prerelease()).max();
    settled.or(numbers().max()).map(ToString::to_string)
}

impl From<Released> for Release {
    fn from(released: Released) -> Self {
        let pushed = released.pushed;
        let source = pushed.source.map(|source| Source {
            workflow: workflow_name(&source.workflow),
            commit: source
                .workflow
                .commit
                .map(|commit| short_commit(commit.as_str())),
            repository: source.workflow.repository.into(),
        });
        let platform = (!pushed.platform.is_ruby()).then(|| format!("-{}", pushed.platform));
        Self {
            version: format!("{}{}", pushed.number, platform.unwrap_or_default()),
            prerelease: pushed.number.is_prerelease(),
            quarantined: released
                .quarantine
                .map(|quarantine| typeset(&quarantine.reason)),
            log_index: released.log_index,
            released: released.time.into(),
            source,
        }
    }
}

impl From<&RuleAt> for Ruled {
    fn from(rule: &RuleAt) -> Self {
        Self {
            rule: rule.rule.as_str(),
            setting: rule.setting.as_str(),
            demanded: rule.demanded.as_str(),
        }
    }
}

impl From<&ChangeAt> for Waiting {
    fn from(change: &ChangeAt) -> Self {
        let proposed = change.proposed.iter();
        Self {
            id: change.id.0,
            effective: change.effective.into(),
            what: sentence(&change.sentence()),
            who: who(&change.by),
            proposed: proposed
                .map(|proposed| typeset(proposed.reason.as_str()))
                .collect(),
        }
    }
}

impl From<&Beyond> for Outside {
    fn from(beyond: &Beyond) -> Self {
        Self {
            effective: beyond.effective.into(),
            what: sentence(&beyond.says),
            who: who(&beyond.by),
            take_back: typeset(&beyond.take_back),
        }
    }
}

impl From<gems::Override> for Overridden {
    fn from(overridden: gems::Override) -> Self {
        let [proposed, agreed] = &overridden.by;
        Self {
            log_index: overridden.log_index,
            time: overridden.time.into(),
            who: format!("{} and {}", who(proposed), who(agreed)),
            reason: typeset(&overridden.reason),
        }
    }
}

impl From<Change> for Line {
    fn from(change: Change) -> Self {
        Self {
            log_index: change.log_index,
            time: change.time.into(),
            who: who(&change.actor),
            what: typeset(&change.what),
        }
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self {
            time: denied.time.into(),
            why: sentence(&denied.why),
            denied,
        }
    }
}
