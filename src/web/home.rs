//! `/`: what this is, a search, and the gems with their newest release and its source.
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{
    frame::{Fault, Frame, answer},
    text::{Moment, line, short_commit},
};
use crate::{
    app::App,
    views::{
        gems::{self, Listed, MOST_GEMS},
        provenance,
    },
};

/// Longest search, in bytes: no name is longer.
const MOST_SEARCH: usize = 255;

/// What is searched.
#[derive(Debug, Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    /// What was searched for, if anything.
    search: Option<String>,
    gems: Vec<Row>,
    /// There may be more than are shown.
    cut: bool,
}

/// A gem in the list.
struct Row {
    name: String,
    /// `VERSION[-PLATFORM]`
    version: String,
    log_index: u64,
    released: Moment,
    source: Option<(String, Option<String>)>,
}

impl From<Listed> for Row {
    fn from(listed: Listed) -> Self {
        let Listed {
            name,
            releases: _,
            number,
            platform,
            released,
            log_index,
            repository,
            commit,
        } = listed;
        let platform = (!platform.is_ruby()).then(|| format!("-{platform}"));
        Self {
            name,
            version: format!("{number}{}", platform.unwrap_or_default()),
            log_index,
            released: released.into(),
            source: repository
                .map(|repository| (repository, commit.map(|commit| short_commit(&commit)))),
        }
    }
}

/// The page.
pub(super) async fn page(
    app: web::Data<App>,
    search: Result<web::Query<Search>, actix_web::Error>,
) -> HttpResponse {
    let page = match search {
        Ok(search) => home(&app, search.q.trim()).await,
        Err(_) => Err(Fault::Malformed(
            "The search is not text that can be read.".into(),
        )),
    };
    answer(&app, page)
}

async fn home(app: &App, search: &str) -> Result<Home, Fault> {
    if search.len() > MOST_SEARCH {
        return Err(Fault::Malformed(format!(
            "A search has at most {MOST_SEARCH} characters, as a gem's name has."
        )));
    }
    let covered = provenance::covered(app)?;
    let found = if search.is_empty() {
        gems::newest(&app.reader, covered).await?
    } else {
        gems::search(&app.reader, search, covered).await?
    };
    Ok(Home {
        frame: Frame::new(app, Some(covered)),
        search: (!search.is_empty()).then(|| line(search)),
        cut: i64::try_from(found.len()).unwrap_or(i64::MAX) >= MOST_GEMS,
        gems: found.into_iter().map(Row::from).collect(),
    })
}
