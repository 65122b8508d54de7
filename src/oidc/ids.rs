//! The immutable ids of a github.com repository, asked for when a publisher is added.
//!
//! Never fatal: without ids the publisher is provisional and its ids are pinned by the first token that matches.
use serde_json::Value;

use super::{
    address::Address,
    fetch::{Fetch, FetchError},
    json,
};

/// The ids behind `OWNER/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryIds {
    /// The id of the owner.
    pub owner_id: String,
    /// The id of the repository.
    pub repository_id: String,
}

/// Why the ids are not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// Not `OWNER/NAME` as GitHub spells names.
    #[error("is not OWNER/NAME")]
    NotARepository,
    /// GitHub knows no public repository of this name.
    #[error("is not a public repository that github.com knows")]
    NotPublic,
    /// The name leads to a repository that is called otherwise now.
    #[error("has another name now; use that")]
    Renamed,
    /// GitHub's answer could not be had or read; its limit for strangers is 60 questions an hour.
    #[error("could not be looked up: {0}")]
    Unavailable(#[from] FetchError),
    /// GitHub's answer is not what it has always been.
    #[error("could not be looked up: the answer is not understood")]
    NotUnderstood,
}

/// Asks GitHub for the ids of a public repository.
pub async fn github_ids(fetch: &dyn Fetch, repository: &str) -> Result<RepositoryIds, Unresolved> {
    if !is_repository(repository) {
        return Err(Unresolved::NotARepository);
    }
    let url = format!("https://api.github.com/repos/{repository}");
    let address = Address::parse(&url, false).map_err(|_| Unresolved::NotARepository)?;
    let body = match fetch.get(&address).await {
        Ok(body) => body,
        Err(FetchError::Status(404)) => return Err(Unresolved::NotPublic),
        Err(error) => return Err(Unresolved::Unavailable(error)),
    };
    let answer = json::object(&body).map_err(|_| Unresolved::NotUnderstood)?;
    // A renamed repository is redirected to: its ids belong to the new name, and whoever takes the old one has others.
    let name = answer
        .get("full_name")
        .and_then(Value::as_str)
        .ok_or(Unresolved::NotUnderstood)?;
    if !name.eq_ignore_ascii_case(repository) {
        return Err(Unresolved::Renamed);
    }
    let id = |value: Option<&Value>| value.and_then(Value::as_u64).map(|id| id.to_string());
    let owner = answer.get("owner").and_then(|owner| owner.get("id"));
    match (id(answer.get("id")), id(owner)) {
        (Some(repository_id), Some(owner_id)) => Ok(RepositoryIds {
            owner_id,
            repository_id,
        }),
        _ => Err(Unresolved::NotUnderstood),
    }
}

/// `OWNER/NAME` of letters, digits and `-`, `_`, `.`; neither part may be a path's `.` or `..`.
fn is_repository(text: &str) -> bool {
    let plain = |part: &str| {
        (1..=100).contains(&part.len())
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            && part != "."
            && part != ".."
    };
    text.split_once('/')
        .is_some_and(|(owner, name)| plain(owner) && plain(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oidc::given::{Canned, changed};
    use serde_json::json;

    fn answer() -> Value {
        json!({"id": 1_420_893, "full_name": "Acme/rake", "owner": {"id": 210_414, "login": "Acme"}})
    }

    #[tokio::test]
    async fn both_ids_are_read() {
        let ids = github_ids(&Canned::with(answer()), "acme/Rake")
            .await
            .unwrap();
        assert_eq!(
            (ids.repository_id.as_str(), ids.owner_id.as_str()),
            ("1420893", "210414")
        );
    }

    #[tokio::test]
    async fn a_repository_that_was_renamed_is_not_taken_for_the_old_one() {
        let renamed = changed(answer(), json!({"full_name": "acme/rake-next"}));
        assert_eq!(
            github_ids(&Canned::with(renamed), "acme/rake").await,
            Err(Unresolved::Renamed)
        );
    }

    #[tokio::test]
    async fn whatever_goes_wrong_is_a_reason() {
        let network = Canned::with(json!({}));
        assert_eq!(
            github_ids(&network, "acme/rake").await,
            Err(Unresolved::NotUnderstood)
        );
        network.now_answers(Err(FetchError::Status(404)));
        assert_eq!(
            github_ids(&network, "acme/rake").await,
            Err(Unresolved::NotPublic)
        );
        network.now_answers(Err(FetchError::Status(403)));
        assert_eq!(
            github_ids(&network, "acme/rake").await,
            Err(Unresolved::Unavailable(FetchError::Status(403)))
        );
    }

    #[tokio::test]
    async fn nothing_but_a_repository_is_asked_for() {
        let network = Canned::with(answer());
        for bad in [
            "",
            "acme",
            "acme/",
            "/rake",
            "a/b/c",
            "../x",
            "acme/..",
            "acme/rake?x",
            "acme/%2e%2e",
            "ac me/rake",
        ] {
            assert_eq!(
                github_ids(&network, bad).await,
                Err(Unresolved::NotARepository),
                "{bad}"
            );
        }
        assert_eq!(network.asked(), 0);
    }
}
