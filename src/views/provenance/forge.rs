//! Addresses at the forges: github.com, and GitLab where the issuer itself names the host.
//!
//! Claims are other people's text. An address is put together from parts that have the form such a part always has,
//! each percent-encoded; where one does not, there is no address.
use events::{
    claims::{ProviderKind, Workflow},
    provider::Registered,
    text::Text,
};

use super::record::Urls;
use crate::app::exchange::GITHUB_ISSUER;

/// The addresses of a job's repository, commit, run and workflow file.
pub(super) fn urls(registered: &Registered, workflow: &Workflow) -> Urls {
    let issuer = registered.issuer.as_str();
    match registered.kind {
        ProviderKind::Github if issuer == GITHUB_ISSUER => {
            github("https://github.com", workflow).unwrap_or_default()
        }
        ProviderKind::Gitlab if is_plain_https(issuer) => {
            gitlab(issuer, workflow).unwrap_or_default()
        }
        // An enterprise server's issuer does not say where its pages are, a generic one not even what it is.
        ProviderKind::Github | ProviderKind::Gitlab | ProviderKind::Generic => Urls::default(),
    }
}

fn github(home: &str, workflow: &Workflow) -> Option<Urls> {
    let repository = repository(home, &workflow.repository, 2..=2)?;
    let run = workflow.run_id.as_ref().and_then(digits).map(|run| {
        let attempt = workflow.run_attempt.as_ref().and_then(digits);
        let attempt = attempt.map_or_else(String::new, |attempt| format!("/attempts/{attempt}"));
        format!("{repository}/actions/runs/{run}{attempt}")
    });
    let commit = workflow.commit.as_ref().and_then(commit);
    let file = workflow.workflow_ref.as_ref().and_then(|text| {
        let (path, _) = text.as_str().split_once('@')?;
        path.strip_prefix(workflow.repository.as_str())?
            .strip_prefix('/')
    });
    Some(Urls {
        commit: commit.map(|commit| format!("{repository}/commit/{commit}")),
        workflow: file_url(&format!("{repository}/blob"), workflow, file),
        run,
        repository: Some(repository),
    })
}

fn gitlab(home: &str, workflow: &Workflow) -> Option<Urls> {
    let repository = repository(home, &workflow.repository, 2..=20)?;
    let host = home.strip_prefix("https://")?;
    let file = workflow.workflow_ref.as_ref().and_then(|text| {
        let (path, _) = text.as_str().split_once('@')?;
        path.strip_prefix(host)?
            .strip_prefix('/')?
            .strip_prefix(workflow.repository.as_str())?
            .strip_prefix("//")
    });
    let run = workflow.run_id.as_ref().and_then(digits);
    let commit = workflow.commit.as_ref().and_then(commit);
    Some(Urls {
        commit: commit.map(|commit| format!("{repository}/-/commit/{commit}")),
        run: run.map(|run| format!("{repository}/-/pipelines/{run}")),
        workflow: file_url(&format!("{repository}/-/blob"), workflow, file),
        repository: Some(repository),
    })
}

fn repository(home: &str, path: &Text, depth: std::ops::RangeInclusive<usize>) -> Option<String> {
    let fits = depth.contains(&path.as_str().split('/').count());
    let path = fits.then(|| encoded_path(path.as_str())).flatten()?;
    Some(format!("{home}/{path}"))
}

/// The workflow's file at the commit it was read from.
fn file_url(blob: &str, workflow: &Workflow, file: Option<&str>) -> Option<String> {
    let read_from = workflow.workflow_commit.as_ref().and_then(commit)?;
    Some(format!("{blob}/{read_from}/{}", encoded_path(file?)?))
}

/// A full commit id: SHA-1 or SHA-256.
fn commit(text: &Text) -> Option<&str> {
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let text = text.as_str();
    (matches!(text.len(), 40 | 64) && text.bytes().all(hex)).then_some(text)
}

fn digits(text: &Text) -> Option<&str> {
    let text = text.as_str();
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some(text)
}

/// `https://HOST[:PORT]` and nothing more.
fn is_plain_https(url: &str) -> bool {
    let host =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:".contains(&byte);
    url.strip_prefix("https://")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(host))
}

/// The segments of a path, percent-encoded; `None` if one is empty or would lead elsewhere.
fn encoded_path(path: &str) -> Option<String> {
    let segments: Option<Vec<String>> = path
        .split('/')
        .map(|segment| (!matches!(segment, "" | "." | "..")).then(|| encoded(segment)))
        .collect();
    Some(segments?.join("/"))
}

fn encoded(segment: &str) -> String {
    let mut text = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push_str(&events::digest::hex(&[byte]).to_ascii_uppercase());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const COMMIT: &str = "5a0f1d3c2b4e6f708192a3b4c5d6e7f801234567";

    fn registered(kind: &str, issuer: &str) -> Registered {
        let registered = json!({
            "algorithms": ["RS256"], "audience": "a", "issuer": issuer, "jwks_uri": "https://x/y", "kind": kind,
            "loopback": false, "private_repositories": false, "required": [],
        });
        serde_json::from_value(registered).unwrap()
    }

    fn workflow(changes: &serde_json::Value) -> Workflow {
        let mut claims = json!({
            "commit": COMMIT, "repository": "ruby/rake", "repository_id": "1", "run_id": "77", "run_attempt": "2",
            "workflow_commit": COMMIT, "workflow_ref": "ruby/rake/.github/workflows/release.yml@refs/tags/v1",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        serde_json::from_value(claims).unwrap()
    }

    #[test]
    fn a_github_job_is_found_at_github() {
        let found = urls(&registered("github", GITHUB_ISSUER), &workflow(&json!({})));
        let repository = "https://github.com/ruby/rake";
        let expected = Urls {
            repository: Some(repository.into()),
            commit: Some(format!("{repository}/commit/{COMMIT}")),
            run: Some(format!("{repository}/actions/runs/77/attempts/2")),
            workflow: Some(format!(
                "{repository}/blob/{COMMIT}/.github/workflows/release.yml"
            )),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_gitlab_job_is_found_at_its_issuer() {
        let job = workflow(&json!({
            "repository": "acme/tools/rake",
            "workflow_ref": "gitlab.com/acme/tools/rake//ci/release us.yml@refs/tags/v1",
        }));
        let found = urls(&registered("gitlab", "https://gitlab.com"), &job);
        let repository = "https://gitlab.com/acme/tools/rake";
        assert_eq!(found.run, Some(format!("{repository}/-/pipelines/77")));
        assert_eq!(
            found.workflow,
            Some(format!("{repository}/-/blob/{COMMIT}/ci/release%20us.yml"))
        );
    }

    #[test]
    fn there_is_no_address_at_a_forge_that_is_not_known() {
        for (kind, issuer) in [
            ("github", "https://ghes.example/_services/token"),
            ("github", "http://127.0.0.1:1"),
            ("gitlab", "http://127.0.0.1:1"),
            ("gitlab", "https://git.example/sub"),
            ("generic", "https://gitlab.com"),
        ] {
            let found = urls(&registered(kind, issuer), &workflow(&json!({})));
            assert_eq!(found, Urls::default(), "{kind} {issuer}");
        }
    }

    #[test]
    fn parts_of_an_unexpected_form_make_no_address() {
        let github = registered("github", GITHUB_ISSUER);
        for repository in ["ruby/..", "ruby", "a/b/c", "/b", "./a"] {
            let found = urls(&github, &workflow(&json!({ "repository": repository })));
            assert_eq!(found, Urls::default(), "{repository}");
        }
        let odd = workflow(&json!({
            "repository": "a\"b/<c>?", "commit": "main", "run_id": "1/../2", "workflow_ref": "evil/x@y",
        }));
        let found = urls(&github, &odd);
        assert_eq!(
            found.repository.as_deref(),
            Some("https://github.com/a%22b/%3Cc%3E%3F")
        );
        assert_eq!(
            (found.commit, found.run, found.workflow),
            (None, None, None)
        );
    }
}
