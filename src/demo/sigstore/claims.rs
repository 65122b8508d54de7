//! What a certificate says about the job that signs: Fulcio's extensions, from the claims of an identity token.
use std::collections::BTreeMap;

use serde_json::Value;

/// The subject alternative name and the extensions `1.3.6.1.4.1.57264.1.N`.
///
/// Made as Fulcio makes them (`config/identity/config.yaml` of its repository), and open to any change: a test may have
/// a certificate say what no provider ever would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    extensions: BTreeMap<u64, String>,
    identity: String,
}

impl Claims {
    /// What Fulcio reads from a GitHub Actions token. `forge` is the URL that repositories are below.
    pub fn github(token: &Value, forge: &str) -> Self {
        let claim = |name: &str| token.get(name).and_then(Value::as_str);
        let below = |name: &str| claim(name).map(|path| format!("{forge}/{path}"));
        let text = |name: &str| claim(name).map(str::to_owned);
        let run = [claim("repository"), claim("run_id"), claim("run_attempt")];
        let run = match run {
            [Some(repository), Some(id), Some(attempt)] => Some(format!(
                "{forge}/{repository}/actions/runs/{id}/attempts/{attempt}"
            )),
            _ => None,
        };
        let extensions = [
            (1, text("iss")),
            (2, text("event_name")),
            (3, text("sha")),
            (4, text("workflow")),
            (5, text("repository")),
            (6, text("ref")),
            (8, text("iss")),
            (9, below("job_workflow_ref")),
            (10, text("job_workflow_sha")),
            (11, text("runner_environment")),
            (12, below("repository")),
            (13, text("sha")),
            (14, text("ref")),
            (15, text("repository_id")),
            (16, below("repository_owner")),
            (17, text("repository_owner_id")),
            (18, below("workflow_ref")),
            (19, text("workflow_sha")),
            (20, text("event_name")),
            (21, run),
            (22, text("repository_visibility")),
            (23, text("environment")),
            (24, text("sub")),
        ];
        Self::of(below("job_workflow_ref"), extensions)
    }

    /// What Fulcio reads from a GitLab CI token. `forge` is the URL that projects are below.
    pub fn gitlab(token: &Value, forge: &str) -> Self {
        let claim = |name: &str| token.get(name).and_then(Value::as_str);
        let below = |name: &str| claim(name).map(|path| format!("{forge}/{path}"));
        let text = |name: &str| claim(name).map(str::to_owned);
        let config = claim("ci_config_ref_uri").map(|uri| format!("https://{uri}"));
        let kind = match claim("ref_type") {
            Some("tag") => "tags",
            _ => "heads",
        };
        let job = claim("project_path").zip(claim("job_id"));
        let extensions = [
            (1, text("iss")),
            (8, text("iss")),
            (9, config.clone()),
            (10, text("ci_config_sha")),
            (11, text("runner_environment")),
            (12, below("project_path")),
            (13, text("sha")),
            (14, claim("ref").map(|name| format!("refs/{kind}/{name}"))),
            (15, text("project_id")),
            (16, below("namespace_path")),
            (17, text("namespace_id")),
            (18, config.clone()),
            (19, text("ci_config_sha")),
            (20, text("pipeline_source")),
            (
                21,
                job.map(|(project, id)| format!("{forge}/{project}/-/jobs/{id}")),
            ),
            (22, text("project_visibility")),
            (23, text("environment")),
            (24, text("sub")),
        ];
        Self::of(config, extensions)
    }

    fn of<const N: usize>(
        identity: Option<String>,
        extensions: [(u64, Option<String>); N],
    ) -> Self {
        let said = |(number, value): (u64, Option<String>)| value.map(|value| (number, value));
        Self {
            extensions: extensions.into_iter().filter_map(said).collect(),
            identity: identity.unwrap_or_default(),
        }
    }

    /// With another value of the extension `.N`, or without it.
    #[must_use]
    pub fn with(mut self, number: u64, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.extensions.insert(number, value.to_owned()),
            None => self.extensions.remove(&number),
        };
        self
    }

    /// With another subject alternative name.
    #[must_use]
    pub fn identified_as(mut self, identity: &str) -> Self {
        identity.clone_into(&mut self.identity);
        self
    }

    /// The value of the extension `.N`.
    pub fn get(&self, number: u64) -> Option<&str> {
        self.extensions.get(&number).map(String::as_str)
    }

    /// The subject alternative name, a URI.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Number and value of each extension, in their order.
    pub fn extensions(&self) -> impl Iterator<Item = (u64, &str)> {
        self.extensions
            .iter()
            .map(|(number, value)| (*number, value.as_str()))
    }
}
