//! An identity provider whose tokens are made by an independent library, `PyJWT`, with its own RSA key.
use std::{
    cell::RefCell,
    io::{BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

use super::ruby::cached;
use crate::support::{
    http::{self, Answer},
    program::Ledger,
};

/// The provider, as long as this value lives.
pub(super) struct Issuer {
    child: Child,
    pipes: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
    url: String,
}

impl Issuer {
    pub(super) fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/issuer.py");
        let mut command = Command::new(cached("venv/bin/python"));
        let mut child = command
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let url = line(&mut lines);
        let pipes = RefCell::new((child.stdin.take().unwrap(), lines));
        Self { child, pipes, url }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// A token with these claims. Issuer, times and `jti` are made for it unless they are given.
    pub(super) fn token(&self, claims: &Value) -> String {
        let (input, output) = &mut *self.pipes.borrow_mut();
        writeln!(input, "{claims}").unwrap();
        line(output)
    }

    /// Registers it, and lets the workflow `release.yml` of `octo-org/NAME` release the gem.
    #[track_caller]
    pub(super) fn introduce(&self, ledger: &Ledger, gem: &str) {
        ledger
            .run(&[
                "provider", "add", "ci", "--kind", "github", "--issuer", &self.url,
            ])
            .ok();
        let repository = format!("octo-org/{gem}");
        let publisher = [
            "publisher",
            "add",
            gem,
            "--provider",
            "ci",
            "--workflow",
            "release.yml",
            "--repository",
            &repository,
        ];
        ledger
            .run(
                &[
                    publisher.as_slice(),
                    &[
                        "--environment",
                        "release",
                        "--repository-id",
                        "1420893",
                        "--owner-id",
                        "210414",
                    ],
                ]
                .concat(),
            )
            .ok();
    }

    /// A key for the gem's release job.
    #[track_caller]
    pub(super) fn key(&self, ledger: &Ledger, gem: &str) -> String {
        let answer = exchange(&ledger.url(), &self.token(&job(ledger.address(), gem)));
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["rubygems_api_key"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn line(from: &mut impl std::io::BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    assert!(!line.is_empty(), "the provider has ended");
    line.trim_end().to_owned()
}

/// What GitHub says of a job that releases `octo-org/NAME` because a tag was pushed.
pub(super) fn job(audience: &str, name: &str) -> Value {
    let repository = format!("octo-org/{name}");
    let workflow = format!("{repository}/.github/workflows/release.yml@refs/tags/v1.0.0");
    let commit = "5a0f1d3c2b4e6f708192a3b4c5d6e7f801234567";
    json!({
        "aud": audience, "sub": format!("repo:{repository}:environment:release"),
        "ref": "refs/tags/v1.0.0", "ref_type": "tag", "ref_protected": "false", "sha": commit, "head_ref": "", "base_ref": "",
        "repository": repository, "repository_id": "1420893", "repository_owner": "octo-org",
        "repository_owner_id": "210414", "repository_visibility": "public",
        "actor": "octocat", "actor_id": "583231", "event_name": "push", "runner_environment": "github-hosted",
        "workflow": "Release", "workflow_ref": workflow, "workflow_sha": commit,
        "job_workflow_ref": workflow, "job_workflow_sha": commit,
        "run_id": "9876543210", "run_number": "7", "run_attempt": "1", "environment": "release",
    })
}

/// The request of `rubygems/configure-rubygems-credentials`, to the byte: JSON printed over three lines.
pub(super) fn exchange(url: &str, jwt: &str) -> Answer {
    let headers = [
        ("content-type", "application/json"),
        ("accept", "application/json"),
        ("user-agent", "rubygems-oidc-action"),
    ];
    let body = format!("{{\n  \"jwt\": \"{jwt}\"\n}}");
    let url = format!("{url}/api/v1/oidc/trusted_publisher/exchange_token");
    http::request(reqwest::Method::POST, &url, &headers, body.as_bytes())
}
