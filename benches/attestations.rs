//! How many Sigstore bundles one core verifies, of each kind that is accepted.
use anyhow::Context as _;
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
        ParsedPublicKey,
    },
};
use events::{digest::Digest, provider::Algorithm, time::Timestamp};
use gemledger::{
    demo::{
        gem,
        issuer::{GithubJob, StandInIssuer},
        sigstore::{Claims, Content, How, PrivateSigstore, slsa, statement},
    },
    sigstore::{Artifact, Requires, Root, SLSA_PROVENANCE_V1, Uploaded, verify},
};

use super::{
    report::{Bound, Line, Report},
    watch::{Took, Watch},
};

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const FORGE: &str = "https://github.com";
const FILE: &str = "hello-1.0.0.gem";

/// Verifications in a round.
const COUNT: usize = 300;
/// Rounds; the best one counts.
const ROUNDS: usize = 5;
/// Bundles a second: two milliseconds for each.
const SLOWEST: f64 = 500.0;

/// Measures each kind of bundle beside the bare signatures that are in it.
pub(crate) fn measure(report: &mut Report) -> anyhow::Result<()> {
    let bare = bare_signatures()?;
    let at = Timestamp::parse("2024-06-01T12:00:00.000Z")?;
    let sigstore = PrivateSigstore::new(at)?;
    let issuer = StandInIssuer::unserved(ISSUER, Algorithm::ES256)?;
    let job = GithubJob::release("octo-org/hello", "release.yml", "v1.0.0");
    let claims = Claims::github(&issuer.github_claims(&job, "sigstore", at, "1"), FORGE);
    let gem = gem::build("hello", "1.0.0", "Is verified", b"puts 'hello'\n");
    let digest = Digest::of(&gem);
    let text = statement(FILE, &digest, SLSA_PROVENANCE_V1, &slsa(&claims));
    let root = Root::read(
        sigstore.trusted_root().to_string().as_bytes(),
        Requires::LOGGED,
    )?;
    let artifact = Artifact {
        digest,
        file_name: FILE,
    };
    let signer = sigstore.signer(&claims, at)?;
    // Promise, checkpoint, certificate, its SCT, the signature; with the second log two for the timestamp in place of one
    // for the promise.
    let kinds = [
        (
            "message signature, Rekor v1",
            Content::File(&gem),
            How::logged(at),
            5.0,
        ),
        (
            "statement, Rekor v1",
            Content::Statement(&text),
            How::logged(at),
            5.0,
        ),
        (
            "statement, Rekor v2 and timestamp",
            Content::Statement(&text),
            How::logged_v2(at),
            6.0,
        ),
    ];
    for (name, content, how, signatures) in kinds {
        let bundle = sigstore.sign(&signer, content, how)?;
        let round = || {
            let watch = Watch::start();
            for _ in 0..COUNT {
                let upload = Uploaded::read(&bundle)?;
                verify(&root, &upload, &artifact, ISSUER, at)?;
            }
            anyhow::Ok(watch.stop(COUNT))
        };
        let rounds = (0..ROUNDS)
            .map(|_| round())
            .collect::<Result<Vec<_>, _>>()?;
        let took = Took::best(rounds);
        report.add(Line {
            name: format!("bundles verified, one core: {name}"),
            value: took.rate,
            unit: "1/s",
            ceiling: Some(bare.rate / signatures),
            bound: Bound::AtLeast(SLOWEST),
            note: format!(
                "{:.0} µs each; the ceiling is its {signatures} signatures alone",
                took.micros
            ),
        });
    }
    Ok(())
}

/// ECDSA on P-256, with a key that is prepared.
fn bare_signatures() -> anyhow::Result<Took> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
    let message = [7; 1000];
    let signature = pair.sign(&SystemRandom::new(), &message)?;
    let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, pair.public_key().as_ref())?;
    let round = || {
        let watch = Watch::start();
        for _ in 0..COUNT {
            key.verify_sig(&message, signature.as_ref())
                .ok()
                .context("a signature does not hold")?;
        }
        anyhow::Ok(watch.stop(COUNT))
    };
    let rounds = (0..ROUNDS)
        .map(|_| round())
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Took::best(rounds))
}
