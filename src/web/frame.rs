//! What every page has around it: the registry's name, the log it stands on, and headers that leave no room for script.
use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use askama::Template;
use events::log::Visibility;

use super::assets;
use crate::{app::App, blobs::BlobError, store::StoreError, views::provenance};

/// Nothing is loaded but the style sheet and the icon, nothing runs, nobody frames the page, forms stay here.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The headers of every page and file of this room.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Adds the headers to an answer; what it already says stays.
pub fn secured(mut response: HttpResponse) -> HttpResponse {
    for (name, value) in HEADERS {
        if !response.headers().contains_key(&name) {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

/// What the layout shows around a page.
pub(super) struct Frame {
    /// The base path: empty, or `/…`.
    pub(super) base: String,
    /// The registry's address without its scheme.
    pub(super) name: String,
    /// The registry's address.
    pub(super) url: String,
    /// The log's origin.
    pub(super) origin: String,
    /// How many events the page can see; `None` where that could not be found out.
    pub(super) covered: Option<u64>,
    /// The log's verification key.
    pub(super) vkey: String,
    /// Only some may read this.
    pub(super) private: bool,
    pub(super) style: String,
    pub(super) icon: String,
}

impl Frame {
    pub(super) fn new(app: &App, covered: Option<u64>) -> Self {
        let url = app.url.as_str();
        Self {
            base: app.url.path().to_owned(),
            name: format!("{}{}", app.url.authority(), app.url.path()),
            url: url.to_owned(),
            origin: app.key.name().to_owned(),
            covered,
            vkey: app.key.verifier().to_string(),
            private: app.visibility == Visibility::Private,
            style: assets::style(),
            icon: assets::icon(),
        }
    }
}

/// Why there is no page.
#[derive(Debug)]
pub(super) enum Fault {
    /// There is no such thing.
    NotFound(String),
    /// It was asked for in a way that means nothing.
    Malformed(String),
    /// The store failed.
    Store(StoreError),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<BlobError> for Fault {
    fn from(error: BlobError) -> Self {
        Self::Store(StoreError::Database(error.to_string()))
    }
}

impl Fault {
    pub(super) fn page(self, app: &App) -> HttpResponse {
        match self {
            Self::NotFound(why) => {
                error_page(app, StatusCode::NOT_FOUND, "There is nothing here", &why)
            }
            Self::Malformed(why) => {
                error_page(app, StatusCode::BAD_REQUEST, "That cannot be read", &why)
            }
            Self::Store(error) => {
                tracing::error!(%error, "a page could not be made");
                let why = "The ledger cannot be read right now. The operator finds the reason in the server's log.";
                error_page(
                    app,
                    StatusCode::SERVICE_UNAVAILABLE,
                    "Not available right now",
                    why,
                )
            }
        }
    }
}

/// A page's answer, whatever came of it.
pub(super) fn answer<T: Template>(app: &App, page: Result<T, Fault>) -> HttpResponse {
    match page {
        Ok(page) => rendered(StatusCode::OK, &page),
        Err(fault) => fault.page(app),
    }
}

fn rendered<T: Template>(status: StatusCode, page: &T) -> HttpResponse {
    let html = match page.render() {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            return secured(HttpResponse::InternalServerError().finish());
        }
    };
    secured(
        HttpResponse::build(status)
            .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .body(html),
    )
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    frame: Frame,
    code: u16,
    title: &'a str,
    why: &'a str,
}

/// An error as a page of the house, for browsers.
pub fn error_page(app: &App, status: StatusCode, title: &str, why: &str) -> HttpResponse {
    let page = ErrorPage {
        frame: Frame::new(app, provenance::covered(app).ok()),
        code: status.as_u16(),
        title,
        why,
    };
    rendered(status, &page)
}
