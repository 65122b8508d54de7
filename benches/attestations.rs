//! How many Sigstore bundles one core verifies and binds to the run that pushes, of each kind that is accepted.
use anyhow::Context as _;
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
        ParsedPublicKey,
    },
};
use events::digest::Digest;
use gemledger::{
    demo::{
        gem,
        sigstore::{Content, How},
    },
    sigstore::Artifact,
    world::Clock,
};

use super::{
    attesting::{Attesting, provenance},
    report::{Bound, Line, Report},
    watch::{Took, Watch},
};

const FILE: &str = "hello-1.0.0.gem";

/// Verifications in a round.
const COUNT: usize = 300;
/// Rounds; the best one counts.
const ROUNDS: usize = 5;
/// Bundles a second: two milliseconds for each.
const SLOWEST: f64 = 500.0;

/// Measures each kind of bundle, verified and held against the job that pushes, beside the bare signatures that are in it.
pub(crate) fn measure(report: &mut Report) -> anyhow::Result<()> {
    let bare = bare_signatures()?;
    let attesting = Attesting::open()?;
    let (against, claims, at) = (attesting.against()?, attesting.claims(), attesting.at);
    let gem = gem::build("hello", "1.0.0", "Is verified", b"puts 'hello'\n");
    let digest = Digest::of(&gem);
    let text = provenance(&claims, FILE, &digest);
    let artifact = Artifact {
        digest,
        file_name: FILE,
    };
    let sigstore = &attesting.sigstore;
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
        let now = Clock::system().now();
        let (_, pairs) = against.judged(&bundle, &artifact, now)?;
        let round = || {
            let watch = Watch::start();
            for _ in 0..COUNT {
                against.judged(&bundle, &artifact, now)?;
            }
            anyhow::Ok(watch.stop(COUNT))
        };
        let rounds = (0..ROUNDS)
            .map(|_| round())
            .collect::<Result<Vec<_>, _>>()?;
        let took = Took::best(rounds);
        report.add(Line {
            name: format!("bundles verified and bound, one core: {name}"),
            value: took.rate,
            unit: "1/s",
            ceiling: Some(bare.rate / signatures),
            bound: Bound::AtLeast(SLOWEST),
            note: format!(
                "{:.0} µs each, with {} pairs compared; the ceiling is its {signatures} signatures alone",
                took.micros,
                pairs.len()
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
