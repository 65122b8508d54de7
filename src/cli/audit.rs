//! `gemledger audit`
use clap::Args;
use deciders::audit::Kind;
use serde_json::{Value, json};

use super::{Answer, Common, out};
use crate::{
    app::{
        audit::{Flaw, audit},
        reverify::{self, reverify},
    },
    blobs::Blobs,
    world::Clock,
};

/// Check that the log is whole and that every decision in it was lawful.
#[derive(Args)]
pub(super) struct Audit {
    /// Also verify every stored attestation again, with the trust root of then and with its newest version
    #[arg(long)]
    attestations: bool,
}

/// What is wrong, and what could not be told.
#[derive(Default)]
struct Found {
    flaws: u64,
    undecided: u64,
}

impl Audit {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let (events, mut found) = decisions(common).await?;
        let bundles = if self.attestations {
            Some(attestations(common, &mut found).await?)
        } else {
            None
        };
        if common.json {
            let Found { flaws, undecided } = found;
            let mut told = json!({"events": events, "flaws": flaws, "undecided": undecided});
            if let (Some(bundles), Some(members)) = (bundles, told.as_object_mut()) {
                members.insert("attestations".to_owned(), bundles);
            }
            out::json(&told);
        }
        Ok(match (found.flaws, found.undecided) {
            (0, 0) => Answer::True,
            (0, _) => Answer::CouldNotTell,
            _ => Answer::False,
        })
    }
}

/// The log itself.
async fn decisions(common: &Common) -> anyhow::Result<(u64, Found)> {
    let reader = common.reader().await?;
    let bar = out::progress(0, "auditing");
    let mut found = Found::default();
    let tell = |flaw: Flaw| {
        let could_not_tell =
            matches!(&flaw, Flaw::Decision(finding) if finding.kind == Kind::CouldNotTell);
        *(if could_not_tell {
            &mut found.undecided
        } else {
            &mut found.flaws
        }) += 1;
        bar.suspend(|| show(common, &flaw));
    };
    let progress = |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let events = audit(&reader, &common.folder().anchor, tell, progress).await?;
    bar.finish_and_clear();
    let Found { flaws, undecided } = found;
    if common.json {
        // Told at the end, with everything else.
    } else if flaws + undecided == 0 {
        out::line(&format!(
            "{events} events: the log is whole and every decision was lawful"
        ));
    } else {
        out::line(&format!(
            "{events} events: {flaws} flaws, {undecided} undecided"
        ));
    }
    Ok((events, found))
}

/// The bundles that came with releases, counted as an answer tells it.
async fn attestations(common: &Common, found: &mut Found) -> anyhow::Result<Value> {
    let reader = common.reader().await?;
    let blobs = Blobs::local(&common.folder().blobs())?;
    let bar = out::progress(0, "verifying");
    let (mut damaged, mut unvouched, mut withdrawn, mut unknown) = (0_u64, 0_u64, 0_u64, 0_u64);
    let tell = |finding: reverify::Finding| {
        *(match finding.kind {
            reverify::Kind::Damaged => &mut damaged,
            reverify::Kind::NoLongerVouched => &mut unvouched,
            reverify::Kind::Withdrawn => &mut withdrawn,
            reverify::Kind::CouldNotTell => &mut unknown,
        }) += 1;
        bar.suspend(|| show_bundle(common, &finding));
    };
    let progress = |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let now = Clock::system().now();
    let bundles = reverify(&reader, &blobs, now, tell, progress).await?;
    bar.finish_and_clear();
    found.flaws += damaged + unvouched;
    // Whether trust was taken back for a reason, the log does not say: nobody but the operator can tell what these are worth.
    found.undecided += unknown + withdrawn;
    if common.json {
        // Told at the end, with everything else.
    } else if damaged + unvouched + withdrawn + unknown == 0 {
        out::line(&format!(
            "{bundles} attestations: each still holds, with the trust root of then and with its newest version, which vouches for its issuer today"
        ));
    } else {
        out::line(&format!(
            "{bundles} attestations: {damaged} damaged, {unvouched} no longer vouched for, {withdrawn} whose trust root was withdrawn, {unknown} undecided"
        ));
    }
    Ok(json!({
        "bundles": bundles, "damaged": damaged, "no_longer_vouched": unvouched, "withdrawn": withdrawn,
        "undecided": unknown,
    }))
}

fn show_bundle(common: &Common, finding: &reverify::Finding) {
    let reverify::Finding {
        index,
        release,
        bundle,
        kind,
        what,
    } = finding;
    let (code, word) = match kind {
        reverify::Kind::Damaged => ("damaged", "damaged"),
        reverify::Kind::NoLongerVouched => ("no_longer_vouched", "no longer vouched for"),
        reverify::Kind::Withdrawn => ("withdrawn", "trust root withdrawn"),
        reverify::Kind::CouldNotTell => ("could_not_tell", "could not tell"),
    };
    if common.json {
        out::json(
            &json!({"index": index, "release": release, "bundle": bundle, "kind": code, "message": what}),
        );
    } else {
        out::line(&format!("log index {index}: {release}: {word}: {what}"));
    }
}

fn show(common: &Common, flaw: &Flaw) {
    match flaw {
        Flaw::Decision(finding) => {
            let (code, kind) = match finding.kind {
                Kind::Unlawful => ("unlawful", "unlawful"),
                Kind::CouldNotTell => ("could_not_tell", "could not tell"),
            };
            if common.json {
                out::json(
                    &json!({"index": finding.index, "kind": code, "code": finding.code, "message": finding.message}),
                );
            } else {
                out::line(&format!(
                    "log index {}: {kind}: {} ({})",
                    finding.index, finding.message, finding.code
                ));
            }
        }
        Flaw::Damage(message) if common.json => {
            out::json(&json!({"kind": "damaged", "message": message}));
        }
        Flaw::Damage(message) => out::line(&format!("damaged: {message}")),
    }
}
