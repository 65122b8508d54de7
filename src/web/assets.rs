//! The style sheet and the icon: compiled in, and served under the digest of their bytes so that they never go stale.
use std::sync::LazyLock;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    web::Data,
};
use events::digest::Digest;

use super::frame::{Fault, secured};
use crate::app::App;

struct Asset {
    name: String,
    kind: &'static str,
    bytes: &'static str,
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let bytes = include_str!("../../web/static/style.css");
    Asset::new("css", "text/css; charset=utf-8", bytes)
});

static ICON: LazyLock<Asset> = LazyLock::new(|| {
    let bytes = include_str!("../../web/static/icon.svg");
    Asset::new("svg", "image/svg+xml", bytes)
});

impl Asset {
    fn new(suffix: &str, kind: &'static str, bytes: &'static str) -> Self {
        let digest = Digest::of(bytes.as_bytes()).hex();
        let short: String = digest.chars().take(16).collect();
        Self {
            name: format!("{short}.{suffix}"),
            kind,
            bytes,
        }
    }
}

/// The path of the style sheet below the base path.
pub(super) fn style() -> String {
    format!("/static/{}", STYLE.name)
}

/// The path of the icon below the base path.
pub(super) fn icon() -> String {
    format!("/static/{}", ICON.name)
}

/// One of the two.
pub(super) async fn file(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let asked = request.match_info().query("file");
    let Some(asset) = [&*STYLE, &*ICON]
        .into_iter()
        .find(|asset| asset.name == asked)
    else {
        return Fault::NotFound("There is no such file.".into()).page(&app);
    };
    secured(
        HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, asset.kind))
            .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
            .body(asset.bytes),
    )
}
