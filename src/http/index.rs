//! What `bundle` and `gem install` read: the compact index, the legacy indexes, gemspecs and files.
use std::collections::BTreeMap;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{
            ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_RANGE,
            ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
        },
    },
    web::{Data, Path},
};
use events::{name::GemName, platform::Platform, version::GemVersion};

use super::problem::Problem;
use crate::{
    app::App,
    rubygems::{Document, quick_gemspec_rz, specs_gz},
    views::{cache::Page, index},
};

/// The bytes of a release never change, but whether they are served may: a cache asks again after a minute, as it does
/// for the index, and is told with a few bytes that nothing changed.
pub(super) const WHILE_SERVED: &str = "public, max-age=60";

/// `/names`
pub async fn names(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    Ok(page(&request, &*app.index.names(&app.reader).await?))
}

/// `/versions`
pub async fn versions(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    Ok(page(&request, &*app.index.versions(&app.reader).await?))
}

/// `/info/<name>`
pub async fn info(
    request: HttpRequest,
    app: Data<App>,
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    match app.index.info(&app.reader, &name).await? {
        Some(info) => Ok(page(&request, &info)),
        None => Err(Problem::not_found("This gem could not be found.")),
    }
}

/// A page of the compact index: whole, unchanged, or the part that was asked for. The digests are always of the whole.
fn page(request: &HttpRequest, page: &Page) -> HttpResponse {
    let headers = request.headers();
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &actix_web::http::header::HeaderValue| value.to_str().ok())
    };
    let known = text(IF_NONE_MATCH).is_some_and(|tags| {
        tags.split(',')
            .map(|tag| tag.trim().trim_start_matches("W/"))
            .any(|tag| tag == page.etag || tag == "*")
    });
    // A part of these bytes is no use to whoever has the rest of other ones.
    let fits = text(IF_RANGE).is_none_or(|tag| tag.trim() == page.etag);
    let range = text(RANGE).filter(|_| fits && !known);
    let range = range.and_then(|range| asked(range, page.body.len()));
    let mut response = match (known, &range) {
        (true, _) => HttpResponse::NotModified(),
        (false, None) => HttpResponse::Ok(),
        (false, Some(Ok(_))) => HttpResponse::PartialContent(),
        (false, Some(Err(()))) => HttpResponse::RangeNotSatisfiable(),
    };
    response
        .content_type("text/plain; charset=utf-8")
        .insert_header((ETAG, page.etag.as_str()))
        .insert_header(("Digest", format!("sha-256={}", page.sha256)))
        .insert_header(("Repr-Digest", format!("sha-256=:{}:", page.sha256)))
        .insert_header((ACCEPT_RANGES, "bytes"))
        .insert_header((CACHE_CONTROL, "public, max-age=60"));
    let length = page.body.len();
    match range {
        _ if known => response.finish(),
        None => response.body(page.body.clone()),
        Some(Ok((from, to))) => {
            response.insert_header((CONTENT_RANGE, format!("bytes {from}-{}/{length}", to - 1)));
            // A part of the bytes is a part of the plain bytes: it must not be compressed on the way.
            response.insert_header((CONTENT_ENCODING, "identity"));
            response.body(page.body.slice(from..to))
        }
        Some(Err(())) => response
            .insert_header((CONTENT_RANGE, format!("bytes */{length}")))
            .finish(),
    }
}

/// The one range that was asked for, as a half-open interval. `None` for what is not understood, which RFC 9110 has
/// answered with the whole; an error for what lies outside.
fn asked(range: &str, length: usize) -> Option<Result<(usize, usize), ()>> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(from) || !digits(to) {
        return None;
    }
    let interval = match (from.parse::<usize>(), to.parse::<usize>()) {
        (Ok(from), Ok(to)) if from <= to => (from, to.saturating_add(1).min(length)),
        (Ok(from), Err(_)) if to.is_empty() => (from, length),
        (Err(_), Ok(last)) if from.is_empty() => (length.saturating_sub(last), length),
        _ => return None,
    };
    Some(if interval.0 < interval.1 {
        Ok(interval)
    } else {
        Err(())
    })
}

/// `/specs.4.8.gz`: releases.
pub async fn specs(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let releases = index::releases(&app.reader).await?;
    Ok(legacy(
        &request,
        specs_gz(
            releases
                .into_iter()
                .filter(|(_, number, _)| !number.is_prerelease()),
        ),
    ))
}

/// `/prerelease_specs.4.8.gz`: the others.
pub async fn prerelease_specs(
    request: HttpRequest,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let releases = index::releases(&app.reader).await?;
    Ok(legacy(
        &request,
        specs_gz(
            releases
                .into_iter()
                .filter(|(_, number, _)| number.is_prerelease()),
        ),
    ))
}

/// `/latest_specs.4.8.gz`: the highest release of each gem for each platform.
pub async fn latest_specs(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let mut latest = BTreeMap::<(GemName, Platform), GemVersion>::new();
    for (name, number, platform) in index::releases(&app.reader).await? {
        if number.is_prerelease() {
            continue;
        }
        let highest = latest
            .entry((name, platform))
            .or_insert_with(|| number.clone());
        if *highest < number {
            *highest = number;
        }
    }
    Ok(legacy(
        &request,
        specs_gz(
            latest
                .into_iter()
                .map(|((name, platform), number)| (name, number, platform)),
        ),
    ))
}

fn legacy(request: &HttpRequest, bytes: Vec<u8>) -> HttpResponse {
    let page = Page::new(bytes);
    let known = request
        .headers()
        .get(IF_NONE_MATCH)
        .is_some_and(|tag| tag.as_bytes() == page.etag.as_bytes());
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .content_type("application/x-gzip")
        .insert_header((ETAG, page.etag))
        .insert_header((CACHE_CONTROL, "public, max-age=60"));
    if known {
        response.finish()
    } else {
        response.body(page.body)
    }
}

/// `/quick/Marshal.4.8/<full name>.gemspec.rz`, made from the release's metadata document.
pub async fn quick_spec(app: Data<App>, file: Path<String>) -> Result<HttpResponse, Problem> {
    let unknown = || Problem::not_found("This rubygem could not be found.");
    let row = index::file(&app.reader, &file).await?.ok_or_else(unknown)?;
    if let Some(quarantine) = &row.quarantine {
        return Ok(withheld(&file, quarantine));
    }
    let bytes = app
        .blobs
        .get(&row.document)
        .await?
        .ok_or_else(|| Problem::not_found("The gemspec of this release was removed."))?;
    let document: Document = serde_json::from_slice(&bytes)
        .map_err(|_| Problem::not_found("The gemspec of this release is damaged."))?;
    let response = HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header((CACHE_CONTROL, WHILE_SERVED))
        .body(quick_gemspec_rz(&document));
    Ok(response)
}

/// `/gems/<full name>.gem`
pub async fn download(
    request: HttpRequest,
    app: Data<App>,
    file: Path<String>,
) -> Result<HttpResponse, Problem> {
    let unknown = || Problem::not_found("This rubygem could not be found.");
    let row = index::file(&app.reader, &file).await?.ok_or_else(unknown)?;
    if let Some(quarantine) = &row.quarantine {
        return Ok(withheld(&file, quarantine));
    }
    let etag = format!("\"{}\"", row.digest.hex());
    let known = request
        .headers()
        .get(IF_NONE_MATCH)
        .is_some_and(|tag| tag.as_bytes() == etag.as_bytes());
    if known {
        let mut response = HttpResponse::NotModified();
        response.insert_header((ETAG, etag));
        return Ok(response
            .insert_header((CACHE_CONTROL, WHILE_SERVED))
            .finish());
    }
    let bytes = app.blobs.get(&row.digest).await?.ok_or_else(|| {
        Problem::not_found("The file of this release is missing; push the same file again.")
    })?;
    let name = format!("attachment; filename=\"{file}.gem\"");
    let response = HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header((ETAG, etag))
        .insert_header((CACHE_CONTROL, WHILE_SERVED))
        .insert_header((CONTENT_DISPOSITION, name))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .body(bytes);
    Ok(response)
}

/// A quarantined file: 403, as rubygems.org answers for what was yanked, and with a reason phrase of its own, because
/// `gem` and `bundle` print that phrase and never the body.
fn withheld(file: &str, quarantine: &index::Quarantine) -> HttpResponse {
    let text = format!(
        "{file} is quarantined since {}: {}\nIts record stays, at log index {}.",
        quarantine.since, quarantine.reason, quarantine.log_index
    );
    let problem = Problem::new(StatusCode::FORBIDDEN, "release_quarantined", text);
    let mut response = problem.into_response();
    response.head_mut().reason = Some("Quarantined");
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_rfc_9110_has_them() {
        assert_eq!(asked("bytes=0-3", 10), Some(Ok((0, 4))));
        assert_eq!(asked("bytes=9-", 10), Some(Ok((9, 10))));
        assert_eq!(asked("bytes=-4", 10), Some(Ok((6, 10))));
        assert_eq!(asked("bytes=-40", 10), Some(Ok((0, 10))));
        assert_eq!(asked("bytes=5-99", 10), Some(Ok((5, 10))));
        assert_eq!(asked("bytes=10-", 10), Some(Err(())));
        assert_eq!(asked("bytes=-0", 10), Some(Err(())));
        for whole in [
            "bytes=3-1",
            "lines=1-2",
            "bytes=1-2,4-5",
            "bytes=-",
            "bytes=a-b",
            "bytes=+3-",
        ] {
            assert_eq!(asked(whole, 10), None, "{whole}");
        }
    }
}
