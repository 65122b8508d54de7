//! Addresses at the forges, wherever a provider's issuer says where its repositories are.
//!
//! Claims are other people's text, a certificate's as well as a token's. An address is put together from parts that have
//! the form such a part always has, each percent-encoded; where one does not, there is no address.
use std::ops::RangeInclusive;

use deciders::forge::home;
use events::{
    claims::{ProviderKind, Workflow},
    provider::Registered,
    text::Text,
};

use super::record::Urls;

/// How deep a project lies below a GitLab's address.
const GITLAB_DEPTH: RangeInclusive<usize> = 2..=20;

/// A forge with pages that one can look at.
pub(super) struct Forge {
    /// Before every repository's path, without a slash at its end.
    home: String,
    kind: ProviderKind,
}

impl Forge {
    /// The forge of this provider; `None` where the issuer does not say where it is, or where nobody else gets to.
    pub(super) fn of(provider: &Registered) -> Option<Self> {
        let home = home(provider).filter(|home| is_plain_https(home))?;
        let kind = provider.kind;
        Some(Self { home, kind })
    }

    /// The addresses of a job's repository, commit, run and workflow files.
    pub(super) fn urls(&self, workflow: &Workflow) -> Urls {
        let urls = match self.kind {
            ProviderKind::Github => self.github(workflow),
            ProviderKind::Gitlab => self.gitlab(workflow),
            ProviderKind::Generic => None,
        };
        urls.unwrap_or_default()
    }

    /// The address of the run or job that a certificate names, if it has the form of one.
    pub(super) fn certified(&self, run: &str, attempt: Option<&str>) -> Option<String> {
        let path = run.strip_prefix(&self.home)?.strip_prefix('/')?;
        match self.kind {
            ProviderKind::Github => {
                let (path, run) = path.split_once("/actions/runs/")?;
                let run = digits(run)?;
                let attempt = attempt.and_then(digits);
                let attempt = attempt.map_or_else(String::new, |text| format!("/attempts/{text}"));
                let repository = self.repository(path, 2..=2)?;
                Some(format!("{repository}/actions/runs/{run}{attempt}"))
            }
            ProviderKind::Gitlab => {
                let (path, job) = path.split_once("/-/jobs/")?;
                let (repository, job) = (self.repository(path, GITLAB_DEPTH)?, digits(job)?);
                Some(format!("{repository}/-/jobs/{job}"))
            }
            ProviderKind::Generic => None,
        }
    }

    fn github(&self, workflow: &Workflow) -> Option<Urls> {
        let repository = self.repository(workflow.repository.as_str(), 2..=2)?;
        let run = number(workflow.run_id.as_ref()).map(|run| {
            let attempt = number(workflow.run_attempt.as_ref());
            let attempt = attempt.map_or_else(String::new, |text| format!("/attempts/{text}"));
            format!("{repository}/actions/runs/{run}{attempt}")
        });
        let commit = workflow.commit.as_ref().and_then(commit);
        Some(Urls {
            commit: commit.map(|commit| format!("{repository}/commit/{commit}")),
            run,
            job: None,
            workflow: self.file(
                workflow.workflow_ref.as_ref(),
                workflow.workflow_commit.as_ref(),
            ),
            signer: self.file(
                workflow.job_workflow_ref.as_ref(),
                workflow.job_workflow_commit.as_ref(),
            ),
            repository: Some(repository),
        })
    }

    /// A workflow's file, `OWNER/NAME/PATH@REF`, at the commit it was read from.
    fn file(&self, stated: Option<&Text>, read_from: Option<&Text>) -> Option<String> {
        let read_from = read_from.and_then(commit)?;
        let (path, _) = stated?.as_str().split_once('@')?;
        let (second, _) = path.match_indices('/').nth(1)?;
        let (repository, file) = path.split_at_checked(second)?;
        let repository = self.repository(repository, 2..=2)?;
        let file = encoded_path(file.strip_prefix('/')?)?;
        Some(format!("{repository}/blob/{read_from}/{file}"))
    }

    fn gitlab(&self, workflow: &Workflow) -> Option<Urls> {
        let repository = self.repository(workflow.repository.as_str(), GITLAB_DEPTH)?;
        let read_from = workflow.workflow_commit.as_ref().and_then(commit);
        let file = workflow.workflow_ref.as_ref().and_then(|text| {
            let (path, _) = text.as_str().split_once('@')?;
            let path = path.strip_prefix(self.home.strip_prefix("https://")?)?;
            let path = path.strip_prefix('/')?;
            let file = path.strip_prefix(workflow.repository.as_str())?;
            encoded_path(file.strip_prefix("//")?)
        });
        let file = read_from.zip(file);
        let commit = workflow.commit.as_ref().and_then(commit);
        Some(Urls {
            commit: commit.map(|commit| format!("{repository}/-/commit/{commit}")),
            run: number(workflow.run_id.as_ref())
                .map(|id| format!("{repository}/-/pipelines/{id}")),
            job: number(workflow.run_attempt.as_ref())
                .map(|id| format!("{repository}/-/jobs/{id}")),
            workflow: file.map(|(commit, file)| format!("{repository}/-/blob/{commit}/{file}")),
            signer: None,
            repository: Some(repository),
        })
    }

    fn repository(&self, path: &str, depth: RangeInclusive<usize>) -> Option<String> {
        let fits = depth.contains(&path.split('/').count());
        let path = fits.then(|| encoded_path(path)).flatten()?;
        Some(format!("{}/{path}", self.home))
    }
}

/// A full commit id: SHA-1 or SHA-256.
fn commit(text: &Text) -> Option<&str> {
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let text = text.as_str();
    (matches!(text.len(), 40 | 64) && text.bytes().all(hex)).then_some(text)
}

fn number(claim: Option<&Text>) -> Option<&str> {
    claim.and_then(|text| digits(text.as_str()))
}

fn digits(text: &str) -> Option<&str> {
    let sound = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    sound.then_some(text)
}

/// `https://HOST[:PORT]`, perhaps with a path that needs no encoding, and nothing more.
fn is_plain_https(url: &str) -> bool {
    let host =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:".contains(&byte);
    let Some(rest) = url.strip_prefix("https://") else {
        return false;
    };
    let (authority, path) = rest.split_once('/').unzip();
    let authority = authority.unwrap_or(rest);
    let plain = |path: &str| encoded_path(path).as_deref() == Some(path);
    !authority.is_empty() && authority.bytes().all(host) && path.is_none_or(plain)
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
    use deciders::forge::GITHUB_ISSUER;
    use serde_json::json;

    const COMMIT: &str = "5a0f1d3c2b4e6f708192a3b4c5d6e7f801234567";

    fn registered(kind: &str, issuer: &str) -> Registered {
        let registered = json!({
            "algorithms": ["RS256"], "audience": "a", "issuer": issuer, "jwks_uri": "https://x/y", "kind": kind,
            "loopback": false, "private_repositories": false, "required": [],
        });
        serde_json::from_value(registered).unwrap()
    }

    fn urls(registered: &Registered, workflow: &Workflow) -> Urls {
        let forge = Forge::of(registered);
        forge.map_or_else(Urls::default, |forge| forge.urls(workflow))
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
            job: None,
            signer: None,
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
        assert_eq!(found.job, Some(format!("{repository}/-/jobs/2")));
        assert_eq!(
            found.workflow,
            Some(format!("{repository}/-/blob/{COMMIT}/ci/release%20us.yml"))
        );
    }

    #[test]
    fn enterprises_and_gitlabs_below_a_path_are_found_where_their_issuers_say() {
        for (kind, issuer, home) in [
            (
                "github",
                "https://ghes.example/_services/token",
                "https://ghes.example",
            ),
            (
                "github",
                "https://token.actions.octo.ghe.com",
                "https://octo.ghe.com",
            ),
            (
                "gitlab",
                "https://git.example/sub",
                "https://git.example/sub",
            ),
        ] {
            let found = urls(&registered(kind, issuer), &workflow(&json!({})));
            assert_eq!(found.repository, Some(format!("{home}/ruby/rake")));
        }
    }

    #[test]
    fn a_reusable_workflow_is_found_in_its_own_repository() {
        let signer = "ruby/ci/.github/workflows/gem.yml@refs/tags/v3";
        let other = "0".repeat(40);
        let job = workflow(&json!({ "job_workflow_ref": signer, "job_workflow_commit": other }));
        let found = urls(&registered("github", GITHUB_ISSUER), &job);
        let file = format!("https://github.com/ruby/ci/blob/{other}/.github/workflows/gem.yml");
        assert_eq!(found.signer, Some(file));
    }

    #[test]
    fn a_certificates_own_run_is_looked_at_where_it_says_and_only_if_it_has_the_form_of_one() {
        let github = Forge::of(&registered("github", GITHUB_ISSUER)).unwrap();
        let run = "https://github.com/ruby/rake/actions/runs/77";
        assert_eq!(
            github.certified(run, Some("1")),
            Some(format!("{run}/attempts/1"))
        );
        assert_eq!(github.certified(run, None).as_deref(), Some(run));
        let gitlab = Forge::of(&registered("gitlab", "https://git.example")).unwrap();
        let job = "https://git.example/acme/tools/rake/-/jobs/302";
        assert_eq!(gitlab.certified(job, None).as_deref(), Some(job));
        for bad in [
            "https://github.com.evil.example/ruby/rake/actions/runs/77",
            "https://github.com/ruby/../actions/runs/77",
            "https://github.com/ruby/rake/actions/runs/77?x=<y>",
            "https://github.com/ruby/rake/actions/runs/",
            "javascript:alert(1)",
            job,
        ] {
            assert_eq!(github.certified(bad, None), None, "{bad}");
        }
        assert_eq!(gitlab.certified(run, None), None);
    }

    #[test]
    fn there_is_no_address_at_a_forge_that_is_not_known() {
        for (kind, issuer) in [
            ("github", "https://git.example"),
            ("github", "http://127.0.0.1:1"),
            ("gitlab", "http://127.0.0.1:1"),
            ("gitlab", "https://git.example/a?b"),
            ("gitlab", "https://git.example/../sub"),
            ("gitlab", "https://"),
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
            "job_workflow_ref": "a/../x@y", "job_workflow_commit": COMMIT,
        }));
        let found = urls(&github, &odd);
        assert_eq!(
            found.repository.as_deref(),
            Some("https://github.com/a%22b/%3Cc%3E%3F")
        );
        assert_eq!(
            (found.commit, found.run, found.workflow, found.signer),
            (None, None, None, None)
        );
    }
}
