//! A receipt, perhaps with its gem, without any server.
use std::{fs, path::Path};

use anyhow::Context as _;
use events::text::Text;
use serde_json::{json, value::RawValue};

use super::{Answer, Common, out};
use crate::app::verify::{Logged, Proven, prove, verify};

pub(super) fn run(
    common: &Common,
    gem: Option<&Path>,
    receipt: &Path,
    key: &str,
) -> anyhow::Result<Answer> {
    let read =
        |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let gem = gem.map(read).transpose()?;
    let receipt = read(receipt)?;
    let key = super::key(key)?;
    let told = match gem {
        Some(gem) => verify(&gem, &receipt, &key).map(|proven| release(common, &proven)),
        None => prove(&receipt, &key).map(|logged| event(common, &logged)),
    };
    if let Err(reason) = told {
        if common.json {
            out::json(&json!({"verified": false, "reason": reason}));
        }
        out::note(&format!("not verified: {reason}"));
        return Ok(Answer::False);
    }
    Ok(Answer::True)
}

/// Prints what the leaf says. An event that this program does not know is in the log all the same.
fn event(common: &Common, logged: &Logged) {
    let leaf = String::from_utf8_lossy(&logged.leaf).into_owned();
    let raw = RawValue::from_string(leaf.clone()).ok();
    let checkpoint = &logged.checkpoint;
    if common.json {
        out::json(&json!({
            "verified": true, "origin": checkpoint.origin(), "tree_size": checkpoint.size(),
            "log_index": logged.index, "event": raw,
        }));
        return;
    }
    let what = match logged.event() {
        Ok(event) => format!("{}, recorded {}", event.body.event_type().name, event.time),
        Err(reason) => reason,
    };
    out::line(&format!(
        "verified: log index {} of {} is {what}",
        logged.index,
        checkpoint.origin()
    ));
    out::line(&leaf);
}

fn release(common: &Common, proven: &Proven) {
    let Proven {
        release,
        index,
        time,
        checkpoint,
    } = proven;
    let workflow = release.source.as_ref().map(|source| &source.workflow);
    let repository = workflow.map(|workflow| &workflow.repository);
    let commit = workflow.and_then(|workflow| workflow.commit.as_ref());
    if common.json {
        out::json(&json!({
            "verified": true, "name": release.name, "number": release.number, "platform": release.platform,
            "digest": release.digest, "origin": checkpoint.origin(), "tree_size": checkpoint.size(),
            "log_index": index, "time": time, "repository": repository, "commit": commit,
        }));
        return;
    }
    out::line(&format!(
        "verified: {} {} is in {}",
        release.name,
        release.number,
        checkpoint.origin()
    ));
    out::line(&format!("log index {index}, recorded {time}"));
    let text = |text: Option<&Text>| text.map_or("not known", Text::as_str).to_owned();
    out::line(&format!(
        "source: {} at commit {}",
        text(repository),
        text(commit)
    ));
}
