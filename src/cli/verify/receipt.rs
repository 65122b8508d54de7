//! A receipt, perhaps with its gem, without any server.
use std::{fs, path::Path};

use anyhow::Context as _;
use events::text::Text;
use serde_json::{Value, json, value::RawValue};

use super::{Answer, Common, out};
use crate::app::verify::{Logged, Proven, prove, stated, verify};

pub(super) fn run(
    common: &Common,
    gem: Option<&Path>,
    receipt: &Path,
    key: &str,
    vsa: Option<&Path>,
) -> anyhow::Result<Answer> {
    let read =
        |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let gem = gem.map(read).transpose()?;
    let receipt = read(receipt)?;
    let vsa = vsa.map(read).transpose()?;
    let key = super::key(key)?;
    let told = match gem {
        Some(gem) => verify(&gem, &receipt, &key).and_then(|proven| {
            let said = vsa.map(|vsa| stated(&proven.release, &vsa)).transpose()?;
            release(common, &proven, said.as_ref());
            Ok(())
        }),
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

fn release(common: &Common, proven: &Proven, said: Option<&Value>) {
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
        let mut told = json!({
            "verified": true, "name": release.name, "number": release.number, "platform": release.platform,
            "digest": release.digest, "origin": checkpoint.origin(), "tree_size": checkpoint.size(),
            "log_index": index, "time": time, "repository": repository, "commit": commit,
        });
        if let (Some(told), Some(said)) = (told.as_object_mut(), said) {
            told.insert("statement".to_owned(), said.clone());
        }
        out::json(&told);
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
    if let Some(said) = said {
        let predicate = &said["predicate"];
        let levels = predicate["verifiedLevels"].as_array();
        let levels = levels.into_iter().flatten().filter_map(Value::as_str);
        out::line(&format!(
            "statement: the one that the log names; {}",
            levels.collect::<Vec<_>>().join(", ")
        ));
    }
}
