//! What a publisher may say at all, by the kind of its provider.
use events::{claims::ProviderKind, policy::Publisher, text::Text};

use crate::{Code, Denial};

/// Whether a job of this kind of provider could ever be the publisher.
pub(super) fn sound(publisher: &Publisher, kind: ProviderKind) -> Result<(), Denial> {
    let Publisher {
        any_ref: _,
        environment,
        owner_id,
        provider: _,
        repository,
        repository_id,
        workflow,
        workflow_repository,
    } = publisher;
    let texts = [Some(repository), Some(workflow)];
    let options = [environment, owner_id, repository_id, workflow_repository].map(Option::as_ref);
    for text in texts.into_iter().chain(options).flatten() {
        Text::configured(text.as_str())
            .map_err(|_| invalid("a value that a token can state", text))?;
    }
    if kind == ProviderKind::Generic {
        return match workflow_repository {
            None => Ok(()),
            Some(text) => Err(invalid("no workflow repository: only GitHub has one", text)),
        };
    }
    for id in [owner_id, repository_id].into_iter().flatten() {
        if !id.as_str().bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid("an id of digits", id));
        }
    }
    path(repository, kind)?;
    workflow_file(workflow, kind)?;
    match workflow_repository {
        None => Ok(()),
        Some(text) if kind == ProviderKind::Gitlab => {
            Err(invalid("no workflow repository: only GitHub has one", text))
        }
        Some(text) if text.as_str().eq_ignore_ascii_case(repository.as_str()) => {
            Err(invalid("another repository than the publisher's own", text))
        }
        Some(text) => path(text, kind),
    }
}

fn invalid(expected: &str, found: &Text) -> Denial {
    Denial {
        tell: true,
        ..Denial::new(Code::PublisherInvalid)
            .expected(expected)
            .found(found.as_str())
    }
}

/// `OWNER/NAME`; at GitLab groups may be nested.
fn path(repository: &Text, kind: ProviderKind) -> Result<(), Denial> {
    let segments = || repository.as_str().split('/');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let depth = match kind {
        ProviderKind::Github => segments().count() == 2,
        ProviderKind::Gitlab | ProviderKind::Generic => segments().count() >= 2,
    };
    let sound = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(plain);
    if depth && segments().all(sound) {
        Ok(())
    } else {
        Err(invalid("a repository's path (OWNER/NAME)", repository))
    }
}

/// A file of YAML. An `@` would leave open where the file ends and its ref begins.
fn workflow_file(workflow: &Text, kind: ProviderKind) -> Result<(), Denial> {
    let text = workflow.as_str();
    let stem = text
        .strip_suffix(".yml")
        .or_else(|| text.strip_suffix(".yaml"));
    let folder = kind == ProviderKind::Github && text.contains('/');
    let named = stem.is_some_and(|stem| kind == ProviderKind::Gitlab || !stem.is_empty());
    if named && !folder && !text.contains('@') && !text.starts_with('/') {
        Ok(())
    } else {
        let expected = match kind {
            ProviderKind::Github => "a file's name in .github/workflows, ending in .yml or .yaml",
            ProviderKind::Gitlab | ProviderKind::Generic => {
                "a file's path, ending in .yml or .yaml"
            }
        };
        Err(invalid(expected, workflow))
    }
}
