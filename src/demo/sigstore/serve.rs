//! The private Sigstore over HTTP: as much of Fulcio, Rekor v1 and v2, and a timestamp authority as clients need to sign.
use std::{io, net::TcpListener, sync::Arc};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::Server,
    error::{ErrorBadRequest, ErrorUnauthorized},
    http::header::AUTHORIZATION,
    web::{self, Bytes, Data, Json},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use events::digest::Digest;
use rcgen::CertificateSigningRequestParams;
use serde_json::{Value, json};

use super::{PrivateSigstore, claims::Claims, log};
use crate::{demo::issuer::StandInIssuer, world::Clock};

/// Where timestamps are, below its URL.
pub(super) const TIMESTAMP_PATH: &str = "/api/v1/timestamp";

/// The audience that tokens for Sigstore have.
pub const AUDIENCE: &str = "sigstore";

/// What the handlers share.
struct Face {
    clock: Clock,
    forge: String,
    issuer: Arc<StandInIssuer>,
    sigstore: Arc<PrivateSigstore>,
}

/// Serves on an ephemeral loopback port, once the returned server is awaited or spawned. It certifies whoever shows a
/// token of this issuer, made for [`AUDIENCE`]; `forge` is the URL that the issuer's repositories are below.
pub fn start(
    sigstore: Arc<PrivateSigstore>,
    issuer: Arc<StandInIssuer>,
    forge: &str,
    clock: Clock,
) -> io::Result<(String, Server)> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let url = format!("http://{}", listener.local_addr()?);
    let face = Data::new(Face {
        clock,
        forge: forge.to_owned(),
        issuer,
        sigstore,
    });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(face.clone())
            .route("/api/v2/signingCert", web::post().to(certify))
            .route("/api/v1/log/entries", web::post().to(log_v1))
            .route("/api/v2/log/entries", web::post().to(log_v2))
            .route(TIMESTAMP_PATH, web::post().to(stamp))
    })
    .workers(1)
    .disable_signals()
    .listen(listener)?
    .run();
    Ok((url, server))
}

/// Fulcio: the token says who, the request, signed with the key, which key.
async fn certify(
    face: Data<Face>,
    request: HttpRequest,
    body: Json<Value>,
) -> actix_web::Result<HttpResponse> {
    let now = face.clock.now();
    let token = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .ok_or_else(|| ErrorUnauthorized("no identity token"))?;
    let token = face.issuer.read(token, AUDIENCE, now).ok_or_else(|| {
        ErrorUnauthorized("not an identity token of this issuer, for Sigstore, of now")
    })?;
    let pem = decoded(&body, "/certificateSigningRequest")?;
    let pem = str::from_utf8(&pem).map_err(ErrorBadRequest)?;
    // Reading it checks its signature: whoever asks holds the key.
    let request = CertificateSigningRequestParams::from_pem(pem).map_err(ErrorBadRequest)?;
    let claims = if token.get("project_path").is_some() {
        Claims::gitlab(&token, &face.forge)
    } else {
        Claims::github(&token, &face.forge)
    };
    let certificate = face
        .sigstore
        .certify(&claims, &request.public_key, now)
        .map_err(ErrorBadRequest)?;
    let [intermediate, root] = face.sigstore.authority.chain();
    let chain = [&certificate, intermediate, root].map(log::pem);
    Ok(HttpResponse::Created()
        .json(json!({ "signedCertificateEmbeddedSct": { "chain": { "certificates": chain } } })))
}

/// Rekor v1: a proposed entry becomes one. For an envelope, Rekor writes what it hashed in place of what it was given.
async fn log_v1(face: Data<Face>, entry: Json<Value>) -> actix_web::Result<HttpResponse> {
    let kind = text(&entry, "/kind")?;
    let body = match kind {
        "hashedrekord" => {
            let digest = Digest::from_hex(text(&entry, "/spec/data/hash/value")?);
            let signature = decoded(&entry, "/spec/signature/content")?;
            let certificate = pem_contents(&decoded(&entry, "/spec/signature/publicKey/content")?)?;
            let digest = digest.map_err(ErrorBadRequest)?;
            log::hashedrekord(&digest, &signature, &certificate)
        }
        "dsse" => {
            let envelope = text(&entry, "/spec/proposedContent/envelope")?;
            let certificate = decoded(&entry, "/spec/proposedContent/verifiers/0")?;
            let read: Value = serde_json::from_str(envelope).map_err(ErrorBadRequest)?;
            let (payload, signature) = (
                decoded(&read, "/payload")?,
                decoded(&read, "/signatures/0/sig")?,
            );
            log::dsse(envelope, &payload, &signature, &pem_contents(&certificate)?)
        }
        _ => return Err(ErrorBadRequest("kinds are hashedrekord and dsse")),
    };
    let entry = face.sigstore.rekor_v1.append(kind, &body, face.clock.now());
    let entry = entry.map_err(ErrorBadRequest)?;
    Ok(HttpResponse::Created().json(log::v1_answer(&entry)))
}

/// Rekor v2, which knows one kind of entry.
async fn log_v2(face: Data<Face>, entry: Json<Value>) -> actix_web::Result<HttpResponse> {
    let part = |path: &str| decoded(&entry, &format!("/hashedRekordRequestV002/{path}"));
    let digest = part("digest")?.try_into();
    let digest = Digest::from_bytes(digest.map_err(|_| ErrorBadRequest("not SHA-256"))?);
    let signature = part("signature/content")?;
    let certificate = part("signature/verifier/x509Certificate/rawBytes")?;
    let body = log::hashedrekord_v2(&digest, &signature, &certificate);
    let entry = face.sigstore.rekor_v2.append(&body);
    Ok(HttpResponse::Created().json(entry.map_err(ErrorBadRequest)?))
}

/// The timestamp authority (RFC 3161 over HTTP).
async fn stamp(face: Data<Face>, request: Bytes) -> actix_web::Result<HttpResponse> {
    let response = face.sigstore.stamps.answer(&request, face.clock.now());
    Ok(HttpResponse::Ok()
        .content_type("application/timestamp-reply")
        .body(response.map_err(ErrorBadRequest)?))
}

fn text<'v>(value: &'v Value, path: &str) -> actix_web::Result<&'v str> {
    value
        .pointer(path)
        .and_then(Value::as_str)
        .ok_or_else(|| ErrorBadRequest(format!("{path} is missing")))
}

fn decoded(value: &Value, path: &str) -> actix_web::Result<Vec<u8>> {
    STANDARD.decode(text(value, path)?).map_err(ErrorBadRequest)
}

/// The bytes between the lines of dashes.
fn pem_contents(pem: &[u8]) -> actix_web::Result<Vec<u8>> {
    let lines = str::from_utf8(pem).map_err(ErrorBadRequest)?.lines();
    let encoded: String = lines.filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(encoded).map_err(ErrorBadRequest)
}
