//! A stand-in identity provider: it makes its own keys, serves them on loopback, and signs any claims it is given.
//!
//! For `gemledger demo`, the tests and the benches. It proves nothing about anybody: a registry takes its word only
//! where an operator registered its loopback address. Times and ids come in as parameters, so that runs repeat.
mod jobs;
mod reading;

use std::{
    io,
    net::TcpListener,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use actix_web::{
    App, HttpResponse, HttpServer,
    dev::{Server, ServerHandle},
    web,
};
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
        RSA_PSS_SHA256, RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use events::{provider::Algorithm, time::Timestamp};
use serde_json::{Value, json};

pub use self::jobs::{GithubJob, GitlabJob};

/// Where it serves its key set, below its URL.
const JWKS_PATH: &str = "/.well-known/jwks";

/// An identity provider of which this process holds the keys.
pub struct StandInIssuer {
    algorithm: Algorithm,
    down: AtomicBool,
    fetches: AtomicU64,
    key: RwLock<SigningKey>,
    rotations: AtomicU64,
    server: RwLock<Option<ServerHandle>>,
    url: String,
}

struct SigningKey {
    jwk: Value,
    kid: String,
    secret: Secret,
}

enum Secret {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl StandInIssuer {
    /// A provider on an ephemeral loopback port, signing with RS256 as the forges do. It answers once the returned
    /// server is awaited or spawned, until [`stop`](Self::stop).
    pub fn start() -> io::Result<(Arc<Self>, Server)> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let url = format!("http://{}", listener.local_addr()?);
        let issuer = Arc::new(Self::unserved(&url, Algorithm::RS256)?);
        let data = web::Data::from(Arc::clone(&issuer));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .route(
                    "/.well-known/openid-configuration",
                    web::get().to(serve_discovery),
                )
                .route(JWKS_PATH, web::get().to(serve_jwks))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)?
        .run();
        *issuer
            .server
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(server.handle());
        Ok((issuer, server))
    }

    /// A provider of this URL that signs but does not serve.
    pub fn unserved(url: &str, algorithm: Algorithm) -> io::Result<Self> {
        Ok(Self {
            algorithm,
            down: AtomicBool::new(false),
            fetches: AtomicU64::new(0),
            key: RwLock::new(SigningKey::generate(algorithm, 1)?),
            rotations: AtomicU64::new(1),
            server: RwLock::new(None),
            url: url.to_owned(),
        })
    }

    /// Its issuer URL, `iss` of its tokens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where its keys are.
    pub fn jwks_uri(&self) -> String {
        format!("{}{JWKS_PATH}", self.url)
    }

    /// Its discovery document.
    pub fn discovery(&self) -> Value {
        json!({
            "issuer": self.url,
            "jwks_uri": self.jwks_uri(),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [format!("{:?}", self.algorithm)],
            "scopes_supported": ["openid"],
        })
    }

    /// Its key set: the one key it signs with.
    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.key.read().unwrap_or_else(PoisonError::into_inner).jwk] })
    }

    /// The name of the key it signs with.
    pub fn kid(&self) -> String {
        self.key
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .kid
            .clone()
    }

    /// Makes a new key. The old one is withdrawn at once, as after a leak.
    pub fn rotate(&self) -> io::Result<()> {
        let number = self.rotations.fetch_add(1, Ordering::Relaxed) + 1;
        let key = SigningKey::generate(self.algorithm, number)?;
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = key;
        Ok(())
    }

    /// How often its key set was asked for.
    pub fn fetches(&self) -> u64 {
        self.fetches.load(Ordering::Relaxed)
    }

    /// From now on it answers 503, or no longer does.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    /// Stops serving.
    pub async fn stop(&self) {
        let server = self
            .server
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(server) = server {
            server.stop(false).await;
        }
    }

    /// A token with these claims, as its forge would sign it.
    pub fn sign(&self, claims: &Value) -> io::Result<String> {
        let header =
            json!({ "alg": format!("{:?}", self.algorithm), "kid": self.kid(), "typ": "JWT" });
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// A token of any header and payload, however wrong, with a good signature of this provider's algorithm.
    pub fn sign_text(&self, header: &str, payload: &str) -> io::Result<String> {
        let input = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(payload)
        );
        let key = self.key.read().unwrap_or_else(PoisonError::into_inner);
        let signature = key.sign(self.algorithm, input.as_bytes())?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The claims of a token that it signed itself, with the key of now, for this audience, and that is valid now.
    pub fn read(&self, token: &str, audience: &str, now: Timestamp) -> Option<Value> {
        let key = self.key.read().unwrap_or_else(PoisonError::into_inner);
        reading::read(&key, self.algorithm, token, audience, now)
    }

    /// Every claim of a GitHub Actions token for this job.
    pub fn github_claims(
        &self,
        job: &GithubJob,
        audience: &str,
        issued_at: Timestamp,
        jti: &str,
    ) -> Value {
        job.claims(&self.url, audience, issued_at, jti)
    }

    /// Every claim of a GitLab CI ID token for this job.
    pub fn gitlab_claims(
        &self,
        job: &GitlabJob,
        audience: &str,
        issued_at: Timestamp,
        jti: &str,
    ) -> Value {
        job.claims(&self.url, audience, issued_at, jti)
    }
}

impl SigningKey {
    fn generate(algorithm: Algorithm, number: u64) -> io::Result<Self> {
        let kid = format!("stand-in-{number}");
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let failed = |_| io::Error::other("no key could be made");
        let (mut jwk, secret) = match algorithm {
            Algorithm::RS256 | Algorithm::PS256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
                let n = text(
                    pair.public_key()
                        .modulus()
                        .big_endian_without_leading_zero(),
                );
                let e = text(
                    pair.public_key()
                        .exponent()
                        .big_endian_without_leading_zero(),
                );
                (json!({ "kty": "RSA", "n": n, "e": e }), Secret::Rsa(pair))
            }
            Algorithm::ES256 => {
                let pair =
                    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
                // An uncompressed point: 0x04, then two coordinates of 32 bytes.
                let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
                let (x, y) = point.split_at_checked(32).unwrap_or_default();
                (
                    json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y) }),
                    Secret::P256(pair),
                )
            }
            Algorithm::EdDSA => {
                let pair = Ed25519KeyPair::generate().map_err(failed)?;
                let x = text(pair.public_key().as_ref());
                (
                    json!({ "kty": "OKP", "crv": "Ed25519", "x": x }),
                    Secret::Ed25519(pair),
                )
            }
        };
        if let Some(members) = jwk.as_object_mut() {
            members.insert("kid".into(), json!(kid));
            members.insert("use".into(), json!("sig"));
            members.insert("alg".into(), json!(format!("{algorithm:?}")));
        }
        Ok(Self { jwk, kid, secret })
    }

    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> io::Result<Vec<u8>> {
        let random = SystemRandom::new();
        let signed = match &self.secret {
            Secret::Ed25519(pair) => pair
                .try_sign(message)
                .map(|signature| signature.as_ref().to_vec()),
            Secret::P256(pair) => pair
                .sign(&random, message)
                .map(|signature| signature.as_ref().to_vec()),
            Secret::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let signed = if algorithm == Algorithm::PS256 {
                    pair.sign(&RSA_PSS_SHA256, &random, message, &mut signature)
                } else {
                    pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                };
                signed.map(|()| signature)
            }
        };
        signed.map_err(|_| io::Error::other("the stand-in issuer could not sign"))
    }
}

async fn serve_discovery(issuer: web::Data<StandInIssuer>) -> HttpResponse {
    serve(&issuer, issuer.discovery())
}

async fn serve_jwks(issuer: web::Data<StandInIssuer>) -> HttpResponse {
    issuer.fetches.fetch_add(1, Ordering::Relaxed);
    serve(&issuer, issuer.jwks())
}

fn serve(issuer: &StandInIssuer, document: Value) -> HttpResponse {
    if issuer.down.load(Ordering::Relaxed) {
        return HttpResponse::ServiceUnavailable().finish();
    }
    HttpResponse::Ok().json(document)
}
