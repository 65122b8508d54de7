//! The publisher that most tests trust, and the job that is it.
#![cfg(test)]
use events::{
    policy::Publisher,
    text::{Slug, Text},
};
use gemledger::demo::issuer::GithubJob;
use serde_json::Value;

/// `release.yml` of this repository on `github`, with the ids that [`GithubJob::release`] states.
pub(crate) fn publisher(repository: &str) -> Publisher {
    Publisher {
        any_ref: false,
        environment: None,
        owner_id: Some(text("210414")),
        provider: Slug::parse("github").unwrap(),
        repository: text(repository),
        repository_id: Some(text("1420893")),
        workflow: text("release.yml"),
        workflow_repository: None,
    }
}

/// A job of this repository's `release.yml` that runs on a tag.
pub(crate) fn job(repository: &str) -> GithubJob {
    GithubJob::release(repository, "release.yml", "v1.0.0")
}

pub(crate) fn text(text: &str) -> Text {
    Text::configured(text).unwrap()
}

/// These claims with some replaced, or taken away by `null`.
pub(crate) fn changed(mut claims: Value, changes: Value) -> Value {
    let members = claims.as_object_mut().unwrap();
    if let Value::Object(changes) = changes {
        for (name, value) in changes {
            if value.is_null() {
                members.remove(&name);
            } else {
                members.insert(name, value);
            }
        }
    }
    claims
}
