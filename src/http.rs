//! Every route on one screen, grouped by who calls it. No rule lives here.
use std::sync::Arc;

use actix_web::{
    HttpResponse, Route,
    dev::{HttpServiceFactory, ServiceRequest, ServiceResponse},
    guard,
    middleware::{Compress, Next, from_fn},
    web::{self, Data},
};
use events::{api_key::Scope, log::Visibility};

use crate::{
    app::{App, map::Stage, trust_roots::Asked},
    web as pages,
};

pub mod api;
pub mod authorized;
pub mod body;
pub mod index;
pub mod limits;
pub mod log;
pub mod lookup;
pub mod problem;
pub mod receipts;
pub mod serve;
mod witnessed;

use self::{authorized::Credential, limits::Limits, problem::Problem};

/// Largest gem that is taken, in bytes. Multipart overhead and the like are not part of it.
pub const MAX_GEM: usize = 500 << 20;
/// Largest request body of everything else.
pub const MAX_BODY: usize = 64 << 10;

/// Where identity tokens are exchanged.
const EXCHANGE: &str = "/api/v1/oidc/trusted_publisher/exchange_token";

fn reading() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// Everything, below the base path.
pub fn service(app: App, limits: Arc<Limits>) -> impl HttpServiceFactory + 'static {
    let path = app.url.path().to_owned();
    web::scope(&path)
        .app_data(Data::new(app))
        .app_data(Data::from(limits))
        .wrap(from_fn(witnessed::witnessed))
        .wrap(from_fn(readers_only))
        .configure(routes)
}

fn routes(config: &mut web::ServiceConfig) {
    config
        // for whoever watches the process
        .route("/healthz", reading().to(healthz))
        // for CI jobs and `gem`
        .service(
            // The published action puts two slashes here when its server is configured with one at the end.
            web::resource([
                EXCHANGE,
                concat!("/", "/api/v1/oidc/trusted_publisher/exchange_token"),
            ])
            .route(web::post().to(api::exchange::exchange))
            .route(web::delete().to(api::exchange::revoke)),
        )
        .service(web::resource("/api/v1/gems").route(web::post().to(api::push::push)))
        .service(web::resource("/api/v1/gems/yank").route(web::delete().to(api::push::yank)))
        .service(web::resource("/api/v1/api_key").route(web::route().to(api::push::sign_in)))
        .service(
            web::resource("/api/v1/gems/{gem}/trusted_publishers")
                .route(reading().to(api::publishers::list))
                .route(web::post().to(api::publishers::add)),
        )
        .service(
            web::resource("/api/v1/gems/{gem}/trusted_publishers/{id}")
                .route(reading().to(api::publishers::show))
                .route(web::delete().to(api::publishers::remove)),
        )
        .configure(api::gem_owners::routes)
        .configure(api::policy::routes)
        .configure(releases)
        .route("/api/v1/ledger/events", reading().to(api::events::events))
        .configure(index_files)
        // for monitors and auditors
        .route("/log/checkpoint", reading().to(log::checkpoint))
        .route("/log/vkey", reading().to(log::vkey))
        .route("/log/vkey/{number}", reading().to(log::vkey_of))
        .route("/log/tile/{path:.*}", reading().to(log::tile))
        .route("/log/lookup/{gem}", reading().to(lookup::lookup))
        .route("/log/statement-keys", reading().to(api::vsa::keys))
        .route("/log/proof/{index}", reading().to(receipts::event))
        // for people
        .configure(pages::configure)
        .default_service(web::route().to(not_found));
}

/// What is known of a release, and of who vouches for it.
fn releases(config: &mut web::ServiceConfig) {
    config
        .route(
            "/api/v1/gems/{gem}/versions/{version}/provenance",
            reading().to(api::provenance::show),
        )
        .route("/api/v1/trust_roots", reading().to(api::trust_roots::list))
        .route(
            "/api/v1/trust_roots/{name}/{version}.json",
            reading().to(api::trust_roots::show),
        )
        .route(
            "/api/v1/trust_roots/{name}/{version}/root.json",
            reading().to(api::trust_roots::bootstrap),
        )
        // No GET: whoever asks is shown a token, and that is recorded.
        .route(
            "/api/v1/gems/{gem}/versions/{version}/evidence",
            web::post().to(api::evidence::show),
        )
        .route(
            "/api/v1/gems/{gem}/versions/{version}/vsa",
            reading().to(api::vsa::show),
        )
        .route(
            "/api/v1/attestations/sha256/{hex}",
            reading().to(api::attestations::bundle),
        )
        .route(
            "/api/v1/attestations/{file}.json",
            reading().to(api::attestations::show),
        )
        .configure(comparisons);
}

/// What others state of a release.
fn comparisons(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/api/v1/gems/{gem}/versions/{version}/comparisons")
                .route(reading().to(api::comparisons::list))
                .route(web::post().to(api::comparisons::add)),
        )
        .route(
            "/api/v1/gems/{gem}/versions/{version}/comparisons/{digest}",
            reading().to(api::comparisons::show),
        );
}

/// For `bundle` and `gem install`.
fn index_files(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/names")
                .wrap(Compress::default())
                .route(reading().to(index::names)),
        )
        .service(
            web::resource("/versions")
                .wrap(Compress::default())
                .route(reading().to(index::versions)),
        )
        .route("/info/{gem}", reading().to(index::info))
        .route("/specs.4.8.gz", reading().to(index::specs))
        .route("/latest_specs.4.8.gz", reading().to(index::latest_specs))
        .route(
            "/prerelease_specs.4.8.gz",
            reading().to(index::prerelease_specs),
        )
        .route(
            "/quick/Marshal.4.8/{file}.gemspec.rz",
            reading().to(index::quick_spec),
        )
        .route(
            "/gems/{file}.gem.tlog-proof",
            reading().to(receipts::release),
        )
        .route("/gems/{file}.gem", reading().to(index::download));
}

async fn not_found() -> Result<HttpResponse, Problem> {
    Err(Problem::not_found("there is nothing here"))
}

/// Alive: the writer takes requests. A map that differs is not healed by another start, so it is said and no more.
async fn healthz(app: Data<App>) -> HttpResponse {
    if let Some(reason) = app.writer.halted() {
        let reason = (app.visibility == Visibility::Public).then_some(reason);
        let body = serde_json::json!({"status": "appends are stopped", "reason": reason});
        return HttpResponse::ServiceUnavailable().json(body);
    }
    let (size, map) = (app.writer.served().head.size, app.map.stage());
    let kept = Asked::kept(&app.folder);
    let status = match map {
        Stage::Differs(_) => "the map differs",
        Stage::Off | Stage::Rebuilding | Stage::Unrooted | Stage::Rooted(_) => "ok",
    };
    if app.writer.is_running() && app.visibility == Visibility::Private {
        HttpResponse::Ok().json(serde_json::json!({"status": status}))
    } else if app.writer.is_running() {
        let mut body = serde_json::json!({"status": status, "size": size, "map": map.word()});
        if let (false, Some(fields)) = (app.witnesses.is_off(), body.as_object_mut()) {
            let cosigned = *app.witnesses.reached().borrow();
            fields.insert("cosigned".into(), cosigned.into());
        }
        if let (false, Some(fields)) = (kept.is_empty(), body.as_object_mut()) {
            fields.insert("trust_roots".into(), serde_json::json!(kept));
        }
        HttpResponse::Ok().json(body)
    } else {
        HttpResponse::ServiceUnavailable()
            .json(serde_json::json!({"status": "the writer has stopped"}))
    }
}

/// Paths that check their caller themselves, because they do not read.
fn checks_itself(path: &str) -> bool {
    path == "/healthz"
        || path == "/api/v1/gems"
        || path.trim_start_matches('/') == EXCHANGE.trim_start_matches('/')
        || path == "/api/v1/api_key"
}

/// A private ledger is read by holders of a key with the `read` scope, and its answers are kept by nobody else.
async fn readers_only(
    request: ServiceRequest,
    next: Next<impl actix_web::body::MessageBody + 'static>,
) -> Result<ServiceResponse<impl actix_web::body::MessageBody>, actix_web::Error> {
    let app = request.app_data::<Data<App>>().cloned();
    let private = app
        .as_ref()
        .filter(|app| app.visibility == Visibility::Private);
    let Some(app) = private else {
        return next
            .call(request)
            .await
            .map(ServiceResponse::map_into_boxed_body);
    };
    let path = request
        .path()
        .strip_prefix(app.url.path())
        .unwrap_or(request.path());
    if !checks_itself(path) {
        let credential = Credential::of(app, request.headers()).await;
        let allowed =
            credential.and_then(|credential| credential.may(Scope::Read, app.clock.now()));
        if let Err(problem) = allowed {
            let mut response = problem.into_response();
            authorized::private_headers(response.headers_mut());
            return Ok(request.into_response(response).map_into_boxed_body());
        }
    }
    let mut response = next.call(request).await?.map_into_boxed_body();
    authorized::private_headers(response.headers_mut());
    Ok(response)
}
