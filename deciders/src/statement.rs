//! The registry's own word on a release: the bytes of an in-toto statement whose predicate is a SLSA verification
//! summary. The format is in `docs/formats/vsa.md`.
//!
//! The bytes are a pure function of what the push was decided on, so that whoever reads the log writes the very same ones;
//! `release.pushed` holds their SHA-256. What changes a byte of them is a new edition of the rulebook.
//!
//! - <https://in-toto.io/Statement/v1>
//! - <https://slsa.dev/verification_summary/v1>
//! - Package URLs: <https://github.com/package-url/purl-spec>
use alloc::{format, string::String, vec::Vec};
use core::fmt::Write as _;
use events::{
    Body,
    attestation::{Attested, Field},
    canonical,
    digest::Digest,
    gem::Pushed,
    platform::{FullName, Platform},
    stream::EventRef,
    text::Text,
    time::Timestamp,
};

use crate::Ledger;

/// The predicate of a SLSA provenance, as far as levels are concerned.
pub(crate) const PROVENANCE: &str = "https://slsa.dev/provenance/v1";

/// Runners that the forge itself keeps: a machine for one job, which the job's author does not.
const HOSTED: [&str; 2] = ["github-hosted", "gitlab-hosted"];

/// The digest of a policy after this event, from that before it: SHA-256 over the digest before (32 zero bytes at the
/// beginning of the stream), the event's type, a newline, and its data in canonical form.
///
/// Who recomputes it needs the events of `policy/<gem>` and nothing else.
pub fn policy_digest(before: Option<&Digest>, body: &Body) -> Digest {
    let mut bytes = Vec::from(*before.map_or(&[0; 32], Digest::as_bytes));
    bytes.extend_from_slice(body.event_type().name.as_bytes());
    bytes.push(b'\n');
    // Whatever stands in the log, or is about to, has canonical data.
    bytes.extend_from_slice(&body.data().unwrap_or_default());
    Digest::of(&bytes)
}

/// What a release is and stands on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The release, whatever it says of its statement.
    pub pushed: &'a Pushed,
    /// [`policy_digest`] at `pushed.policy`.
    pub policy: &'a Digest,
    /// The bundles that came with it, in the order of their events.
    pub attested: &'a [&'a Attested],
    /// The time of its events.
    pub time: Timestamp,
}

/// The statement, in canonical form (RFC 8785); `None` where no statement key is in force, because nobody could sign it.
pub fn of(ledger: &Ledger, facts: &Facts<'_>) -> Option<Vec<u8>> {
    ledger.statement_key()?;
    let registry = registry(ledger.origin()?);
    let Facts {
        pushed,
        policy,
        attested,
        time,
    } = *facts;
    let file = FullName::compose(&pushed.name, &pushed.number, &pushed.platform).ok()?;
    let inputs = attested.iter().map(|attested| {
        let hex = attested.bundle.hex();
        let uri = format!("https://{registry}/api/v1/attestations/sha256/{hex}");
        format!("{{{},\"uri\":{}}}", digest(&attested.bundle), quoted(&uri))
    });
    let inputs = inputs.collect::<Vec<_>>().join(",");
    let levels = levels(pushed, attested);
    let levels = levels.into_iter().map(quoted).collect::<Vec<_>>().join(",");
    let EventRef { revision, stream } = &pushed.policy;
    let policy_uri = format!("https://{registry}/api/v1/ledger/events?stream={stream}#{revision}");
    let text = format!(
        concat!(
            "{{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":{{",
            "\"inputAttestations\":[{inputs}],",
            "\"policy\":{{{policy},\"uri\":{policy_uri}}},",
            "\"resourceUri\":{resource},\"slsaVersion\":\"1.1\",\"timeVerified\":{time},",
            "\"verificationResult\":\"PASSED\",\"verifiedLevels\":[{levels}],",
            "\"verifier\":{{\"id\":{verifier}}}}},",
            "\"predicateType\":\"https://slsa.dev/verification_summary/v1\",",
            "\"subject\":[{{{subject},\"name\":{name}}}]}}",
        ),
        inputs = inputs,
        policy = digest(policy),
        policy_uri = quoted(&policy_uri),
        resource = quoted(&package_url(pushed, registry)),
        time = quoted(&format!("{time}")),
        levels = levels,
        verifier = quoted(&format!("https://{registry}")),
        subject = digest(&pushed.digest),
        name = quoted(&format!("{file}.gem")),
    );
    Some(text.into_bytes())
}

/// The registry's name, which no succession changes: its origin without `/log/<n>`.
fn registry(origin: &Text) -> &str {
    let origin = origin.as_str();
    origin
        .rsplit_once("/log/")
        .map_or(origin, |(registry, _)| registry)
}

/// A release as a package URL: without a platform for plain gems, without an address for rubygems.org.
fn package_url(pushed: &Pushed, registry: &str) -> String {
    let mut url = format!(
        "pkg:gem/{}@{}",
        encoded(pushed.name.as_str()),
        encoded(pushed.number.as_str())
    );
    let mut sign = '?';
    let mut qualify = |key: &str, value: &str| {
        url.push(core::mem::replace(&mut sign, '&'));
        url.push_str(key);
        url.push('=');
        url.push_str(&encoded(value));
    };
    if pushed.platform != Platform::ruby() {
        qualify("platform", pushed.platform.as_str());
    }
    if registry != "rubygems.org" {
        qualify("repository_url", registry);
    }
    url
}

/// Percent-encoded as package URLs are: letters, digits, `.`, `-`, `_`, `~` and `:` stand for themselves.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// What was verified, in the order in which it is written.
///
/// `SLSA_BUILD_LEVEL_…` is said only of a provenance that was verified: level 2 where the forge's own machine made it and
/// the builder that it names was held against the certificate, level 1 where not. Level 3 asks that the build cannot reach what signs, which no certificate tells.
fn levels(pushed: &Pushed, attested: &[&Attested]) -> Vec<&'static str> {
    let build = attested.iter().map(|attested| build_level(attested));
    let mut levels = Vec::from([build.max().map_or("SLSA_BUILD_LEVEL_0", Build::name)]);
    if pushed.source.is_none() {
        return levels;
    }
    levels.push("GEMLEDGER_TRUSTED_PUBLISHING");
    // What is not in a transparency log has a name of its own: who asks for the one does not get the other.
    let (mut logged, mut unlogged) = (false, false);
    for attested in attested.iter().filter(|attested| is_of_the_run(attested)) {
        logged |= attested.entry.is_some();
        unlogged |= attested.entry.is_none();
    }
    if logged {
        levels.push("GEMLEDGER_ATTESTED_SAME_RUN");
    } else if unlogged {
        levels.push("GEMLEDGER_ATTESTED_SAME_RUN_UNLOGGED");
    }
    levels
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Build {
    Nothing,
    Provenance,
    HostedProvenance,
}

impl Build {
    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "SLSA_BUILD_LEVEL_0",
            Self::Provenance => "SLSA_BUILD_LEVEL_1",
            Self::HostedProvenance => "SLSA_BUILD_LEVEL_2",
        }
    }
}

fn build_level(attested: &Attested) -> Build {
    let predicate = attested.predicate.as_ref().map(Text::as_str);
    if predicate != Some(PROVENANCE) {
        return Build::Nothing;
    }
    let mut compared = attested.compared.iter();
    let runner = compared.find(|compared| compared.field == Field::Runner);
    match runner {
        Some(runner)
            if HOSTED.contains(&runner.certificate.as_str()) && attested.builder.is_some() =>
        {
            Build::HostedProvenance
        }
        Some(_) | None => Build::Provenance,
    }
}

/// Whether its run, or at GitLab its job, was compared with that of the pushing key.
fn is_of_the_run(attested: &Attested) -> bool {
    let mut compared = attested.compared.iter();
    compared.any(|compared| matches!(compared.field, Field::Run | Field::Job))
}

fn digest(digest: &Digest) -> String {
    format!("\"digest\":{{\"sha256\":\"{}\"}}", digest.hex())
}

/// A string as canonical JSON has it.
fn quoted(text: &str) -> String {
    let bytes = canonical::to_bytes(text).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}
