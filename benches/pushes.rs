//! What an attestation adds to a push: a gem pushed without and then with one, one request at a time. Not in turn: once a
//! gem came with an attestation, it does not come without.
use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use events::{digest::Digest, id::Via, text::Slug};
use gemledger::{
    app::trust_roots::NewTrustRoot,
    demo::{
        gem,
        issuer::GithubJob,
        sigstore::{Claims, Content, PrivateSigstore},
    },
    sigstore::{Artifact, Requires, Root, Uploaded, verify},
    world::Clock,
};
use serde_json::Value;

use super::{
    load,
    report::{Bound, Line, Report},
    stage::{GEM, Stage},
    tokens::{self, AUDIENCE, Issuer, REPOSITORY, WORKFLOW},
    watch::Watch,
};

/// Pushes of each kind.
const COUNT: usize = 60;
/// What an attestation may add at most, in milliseconds.
const MOST: f64 = 5.0;
/// Between the parts of a form.
const BOUNDARY: &str = "----RubyFormBoundaryBench";

/// Measures pushes of both kinds.
pub(crate) fn measure(report: &mut Report) -> anyhow::Result<()> {
    let issuer = Issuer::start()?;
    let stage = Stage::open(&issuer)?;
    let sigstore = PrivateSigstore::new(Clock::system().now().minus_seconds(3600))?;
    trust(&stage, &issuer, &sigstore)?;
    let tokens = issuer.sign(2 * COUNT)?;
    let (mut plain, mut attested, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for (number, token) in tokens.iter().enumerate() {
        let key = exchange(&stage, token)?;
        let version = format!("1.{number}.0");
        let file = gem::build(GEM, &version, "Is pushed", b"puts 'hello'\n");
        if number < COUNT {
            plain.push(pushed(&stage, raw(&key, &file))?);
        } else {
            let bundle = sign(&issuer, &sigstore, &file)?;
            alone.push(verified(&issuer, &sigstore, &file, &version, &bundle)?);
            attested.push(pushed(&stage, form(&key, &file, &bundle))?);
        }
    }
    let [plain, attested, alone] = [plain, attested, alone].map(median);
    report.context(
        "a push without an attestation, p50",
        plain,
        "ms",
        "over HTTP",
    );
    report.context(
        "a push with one, p50",
        attested,
        "ms",
        "over HTTP, as a form",
    );
    report.add(Line {
        name: "what an attestation adds to a push".into(),
        value: attested - plain,
        unit: "ms",
        ceiling: Some(alone),
        bound: Bound::AtMost(MOST),
        note: "the ceiling is verifying the bundle alone".into(),
    });
    Ok(())
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    middle.as_secs_f64() * 1000.0
}

fn trust(stage: &Stage, issuer: &Issuer, sigstore: &PrivateSigstore) -> anyhow::Result<()> {
    let new = NewTrustRoot {
        slug: Slug::parse("bench")?,
        json: sigstore.trusted_root().to_string().into(),
        issuers: vec![issuer.stand_in.url().to_owned()],
        public: false,
        requires: Requires::LOGGED,
        repository: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(stage.app.record_trust_root(new, Via::Console))?;
    Ok(())
}

fn exchange(stage: &Stage, token: &String) -> anyhow::Result<String> {
    let request = Arc::new(vec![tokens::request(token)]);
    let answered = load::send(stage.address, &request, 1, "HTTP/1.1 201")?;
    let answer: Value = serde_json::from_slice(&answered.body)?;
    let key = answer.get("rubygems_api_key").and_then(Value::as_str);
    Ok(key.context("no key")?.to_owned())
}

/// What the job that the tokens are of says in its certificate.
fn sign(issuer: &Issuer, sigstore: &PrivateSigstore, file: &[u8]) -> anyhow::Result<Vec<u8>> {
    let job = GithubJob {
        environment: Some("release".into()),
        ..GithubJob::release(REPOSITORY, WORKFLOW, "v1.0.0")
    };
    let now = Clock::system().now();
    let claims = issuer.stand_in.github_claims(&job, AUDIENCE, now, "signs");
    let claims = Claims::github(&claims, issuer.stand_in.url());
    Ok(sigstore.attest(&claims, Content::File(file), now.minus_seconds(1))?)
}

/// How long the bundle takes alone.
fn verified(
    issuer: &Issuer,
    sigstore: &PrivateSigstore,
    file: &[u8],
    version: &str,
    bundle: &[u8],
) -> anyhow::Result<Duration> {
    let json = sigstore.trusted_root().to_string();
    let root = Root::read(json.as_bytes(), Requires::LOGGED)?;
    let (now, name) = (Clock::system().now(), format!("{GEM}-{version}.gem"));
    let artifact = Artifact {
        digest: Digest::of(file),
        file_name: &name,
    };
    let watch = Watch::start();
    let upload = Uploaded::read(bundle)?;
    verify(&root, &upload, &artifact, issuer.stand_in.url(), now)?;
    Ok(watch.elapsed())
}

fn pushed(stage: &Stage, request: Vec<u8>) -> anyhow::Result<Duration> {
    let answered = load::send(stage.address, &Arc::new(vec![request]), 1, "HTTP/1.1 200")?;
    Ok(answered.p50)
}

fn request(key: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /api/v1/gems HTTP/1.1\r\nHost: {AUDIENCE}\r\nAuthorization: {key}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn raw(key: &str, file: &[u8]) -> Vec<u8> {
    request(key, "application/octet-stream", file)
}

/// As `gem push --attestation` sends it.
fn form(key: &str, file: &[u8], bundle: &[u8]) -> Vec<u8> {
    let part =
        |head: &str| format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n");
    let gem = part("name=\"gem\"; filename=\"x.gem\"\r\nContent-Type: application/octet-stream");
    let array = format!("\r\n{}[", part("name=\"attestations\""));
    let end = format!("]\r\n--{BOUNDARY}--\r\n");
    let body = [
        gem.as_bytes(),
        file,
        array.as_bytes(),
        bundle,
        end.as_bytes(),
    ]
    .concat();
    request(
        key,
        &format!("multipart/form-data; boundary={BOUNDARY}"),
        &body,
    )
}
