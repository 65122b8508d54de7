//! `/gems/NAME/versions/VERSION[-PLATFORM]`: where a release came from, what was checked, and how that is known.
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use events::name::GemName;

use super::{
    frame::{Fault, Frame, answer},
    text::{Moment, grouped, paragraphs, short_commit, typeset, workflow_name},
};
use crate::{
    app::App,
    views::{
        gems::{self, who},
        provenance::{
            self, TransparencyRecord,
            record::{Entry, Known, Source, Statement, Weaker},
        },
    },
};

mod about;
mod comparisons;
mod source;
mod way;

use about::About;
use way::Stage;

#[derive(Template)]
#[template(path = "release.html")]
struct Page {
    frame: Frame,
    record: TransparencyRecord,
    /// `VERSION[-PLATFORM]`
    version: String,
    released: Moment,
    /// Since when it is withheld, and why.
    quarantined: Option<(Moment, String)>,
    size: String,
    origin: Option<Origin>,
    /// What the run said of itself.
    source: Vec<source::Row>,
    way: Vec<Stage>,
    /// How many links of the way are known how.
    legend: Vec<(Badge, usize)>,
    /// Who pushed, where no workflow did.
    pusher: String,
    statements: Vec<Row>,
    chain: Vec<Step>,
    roots: Vec<Root>,
    about: Option<About>,
    comparisons: Vec<comparisons::Compared>,
}

/// Where it came from, in one sentence.
struct Origin {
    repository: String,
    commit: Option<String>,
    workflow: Option<String>,
}

/// A statement with its badge.
struct Row {
    says: String,
    how: String,
    badge: Badge,
    /// What is weaker than proven could be.
    weaker: Option<&'static str>,
}

/// How something is known: as a word, and as a class of the style sheet.
struct Badge {
    class: &'static str,
    glyph: &'static str,
    words: &'static str,
}

/// A trust root that verified a bundle of the release.
#[derive(PartialEq)]
struct Root {
    name: String,
    version: u64,
    url: String,
    log: &'static str,
}

/// One entry of the chain, in words.
struct Step {
    entry: Entry,
    time: Moment,
    who: String,
    what: String,
    /// It came after the release.
    later: bool,
}

impl From<Known> for Badge {
    fn from(known: Known) -> Self {
        let (class, glyph, words) = match known {
            Known::Proven => ("proven", "\u{25CF}", "proven"),
            Known::StatedByRegistry => ("stated", "\u{25D0}", "stated by this registry"),
            Known::NotKnown => ("unknown", "\u{25CB}", "not known"),
        };
        Self {
            class,
            glyph,
            words,
        }
    }
}

/// The page.
pub(super) async fn page(app: web::Data<App>, request: HttpRequest) -> HttpResponse {
    let (name, version) = (
        request.match_info().query("name"),
        request.match_info().query("version"),
    );
    let page = release(&app, name, version).await;
    answer(&app, page)
}

async fn release(app: &App, name: &str, version: &str) -> Result<Page, Fault> {
    let missing = || Fault::NotFound("This version of this gem was never released here.".into());
    let name = GemName::parse(name).map_err(|_| missing())?.folded();
    let (number, platform) = provenance::number_and_platform(version).ok_or_else(missing)?;
    let record = provenance::of(app, &name, &number, &platform)
        .await?
        .ok_or_else(missing)?;
    let document = gems::document(app, &record.document).await?;
    let platform = (!record.platform.is_ruby()).then(|| format!("-{}", record.platform));
    Ok(Page {
        frame: Frame::new(app, Some(record.log.size)),
        version: format!("{}{}", record.number, platform.unwrap_or_default()),
        released: record.released.into(),
        quarantined: record
            .quarantined
            .as_ref()
            .map(|quarantine| (quarantine.since.into(), typeset(&quarantine.reason))),
        size: grouped(record.size),
        origin: record.source.as_ref().map(Origin::from),
        source: record
            .source
            .as_ref()
            .map(|source| source::rows(&record, source))
            .unwrap_or_default(),
        way: way::stages(&record),
        legend: way::legend(&record),
        pusher: who(&record.chain.release.actor),
        statements: record.statements.iter().cloned().map(Row::from).collect(),
        chain: chain(&record),
        roots: roots(&record),
        about: document.as_ref().map(About::from),
        comparisons: record
            .comparisons
            .newest
            .iter()
            .map(|one| comparisons::Compared::new(one, &record, app.url.as_str()))
            .collect(),
        record,
    })
}

impl From<&Source> for Origin {
    fn from(source: &Source) -> Self {
        let job = &source.workflow;
        Self {
            repository: job.repository.to_string(),
            commit: job.commit.as_ref().map(|text| short_commit(text.as_str())),
            workflow: workflow_name(job),
        }
    }
}

/// What is weaker than proven could be, in two words.
fn weaker(weaker: Weaker) -> &'static str {
    match weaker {
        Weaker::PrivateLog => "private log",
        Weaker::NoLog => "weaker: no log",
    }
}

/// The trust roots of its bundles, each once.
fn roots(record: &TransparencyRecord) -> Vec<Root> {
    let mut roots = Vec::new();
    for attestation in &record.attestations {
        let root = Root {
            name: attestation.root.name.clone(),
            version: attestation.root.version,
            url: attestation.root.url.clone(),
            log: match attestation.weaker() {
                None => "with a log that everybody can read",
                Some(Weaker::PrivateLog) => "with a private log",
                Some(Weaker::NoLog) => "which asks for no log",
            },
        };
        if !roots.contains(&root) {
            roots.push(root);
        }
    }
    roots
}

impl From<Statement> for Row {
    fn from(statement: Statement) -> Self {
        Self {
            says: typeset(&statement.says),
            how: typeset(&statement.how),
            badge: statement.known.into(),
            weaker: statement.weaker.map(weaker),
        }
    }
}

/// Every entry behind the release and after it, the newest first: from the release down to what it stands on.
fn chain(record: &TransparencyRecord) -> Vec<Step> {
    let chain = &record.chain;
    let mut steps = vec![step(
        &chain.release,
        &format!("{} was released.", record.file),
    )];
    if let Some(key) = &chain.api_key {
        let what = match key.account {
            Some(_) => "The API key that pushed it was issued.",
            None => "A key of a few minutes was minted for the run.",
        };
        steps.push(step(&key.entry, what));
    }
    if let Some(exchange) = &chain.exchange {
        let what = "The run's identity token was checked and exchanged.";
        steps.push(step(&exchange.entry, what));
    }
    steps.extend(attested(record));
    if let Some(publisher) = &chain.publisher {
        let name = publisher.trusts();
        match &publisher.pending {
            Some(pending) => {
                let reserved =
                    format!("The name was reserved, and {name} trusted to push it first.");
                steps.push(step(pending, &reserved));
                let added = format!("{name} became the gem's trusted publisher.");
                steps.push(step(&publisher.entry, &added));
            }
            None => steps.push(step(
                &publisher.entry,
                &format!("{name} became a trusted publisher of the gem."),
            )),
        }
        if let Some(pinned) = &publisher.pinned {
            let what = "The publisher was pinned to the repository's immutable id.";
            steps.push(step(pinned, what));
        }
    }
    if let Some(provider) = &chain.provider {
        let what = format!(
            "{} became an identity provider of this registry.",
            provider.issuer
        );
        steps.push(step(&provider.entry, &what));
    }
    if let Some(key) = &chain.provider_key {
        let what = format!("The provider's public key {} was recorded.", key.kid);
        steps.push(step(&key.entry, &what));
    }
    if let Some(policy) = &chain.policy {
        let known = steps
            .iter()
            .any(|step| step.entry.log_index == policy.log_index);
        if !known {
            let what = format!(
                "The gem's policy stood at its revision {}.",
                policy.revision
            );
            steps.push(step(policy, &what));
        }
    }
    steps.extend(record.since.iter().map(later));
    steps.sort_by_key(|step| std::cmp::Reverse(step.entry.log_index));
    steps
}

/// The build attestations, and the trust roots that verified them, each once.
fn attested(record: &TransparencyRecord) -> Vec<Step> {
    let mut steps = Vec::<Step>::new();
    for attestation in &record.attestations {
        let root = &attestation.root.name;
        let what = format!("A build attestation was verified with the trust root {root}.");
        steps.push(step(&attestation.entry, &what));
        if let Some(recorded) = &attestation.root.recorded
            && !steps.iter().any(|step| step.entry == *recorded)
        {
            let what = format!("The trust root {root} was recorded.");
            steps.push(step(recorded, &what));
        }
    }
    steps
}

fn step(entry: &Entry, what: &str) -> Step {
    Step {
        time: entry.time.into(),
        who: who(&entry.actor),
        entry: entry.clone(),
        what: typeset(what),
        later: false,
    }
}

/// What a later event means for the release.
fn later(entry: &Entry) -> Step {
    let what = match entry.event_type {
        "api_key.revoked" => "The key that pushed it was revoked.",
        "account.disabled" => "The account that pushed it was disabled.",
        "provider.disabled" => "The identity provider was disabled.",
        "provider.key_distrusted" => "The key that signed the identity token was distrusted.",
        "publisher.removed" => "The publisher that pushed it was removed.",
        "evidence.opened" => "Its sealed identity token was opened.",
        "trust_root.retired" => "The trust root that verified its attestation was retired.",
        "release.quarantined" => "The release was quarantined: its file is withheld.",
        "release.restored" => "The quarantine was lifted: the same file is served again.",
        other => other,
    };
    Step {
        later: true,
        ..step(entry, what)
    }
}
