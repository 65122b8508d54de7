//! A ledger in which something happened, made over HTTP, to be looked at with the command line.
use std::sync::Arc;

use events::{api_key::Scope, claims::ProviderKind, id::AccountId};
use gemledger::demo::{gem::build, issuer::StandInIssuer};
use serde_json::Value;

use crate::{
    api::app::{TestApp, job},
    support::program::{Ran, program, run},
};

/// A registry, and what was found out about it.
pub(super) struct Told {
    pub(super) app: TestApp,
    pub(super) issuer: Arc<StandInIssuer>,
    pub(super) alice: AccountId,
    /// Keys: alice's, and those that jobs of `octo-org/tool` bought.
    pub(super) key: String,
}

pub(super) fn file(name: &str, number: &str) -> Vec<u8> {
    build(name, number, "Something", b"puts 'it'\n")
}

impl Told {
    /// `mine` belongs to alice. `tool` is released by the workflow of `octo-org/tool`.
    pub(super) async fn new() -> Self {
        let app = TestApp::public().await;
        let issuer = Arc::new(StandInIssuer::new(
            "https://token.actions.githubusercontent.com",
        ));
        app.provider("github", ProviderKind::Github, &issuer).await;
        let alice = app.account("alice").await;
        let key = app.api_key(alice, &[Scope::PushRubygem]).await;
        app.push(&key, file("mine", "1.0.0")).await.is(200);
        app.publisher("tool", "octo-org/tool").await;
        let told = Self {
            app,
            issuer,
            alice,
            key,
        };
        let key = told.exchanged().await;
        told.app.push(&key, file("tool", "1.0.0")).await.is(200);
        told
    }

    /// A key for a job of `octo-org/tool`.
    pub(super) async fn exchanged(&self) -> String {
        let token = self.app.token(&self.issuer, &job("octo-org/tool"));
        self.app.exchange(&token).await.key()
    }

    /// Runs a command on the ledger's folder.
    pub(super) async fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = program();
        command
            .arg("--data")
            .arg(self.app.folder.path().join("ledger"))
            .args(arguments);
        // The registry answers meanwhile: it is in this very process.
        tokio::task::spawn_blocking(move || run(&command))
            .await
            .unwrap()
    }

    /// The lines of a command's JSON.
    pub(super) async fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let ran = self.run(&[arguments, &["--json"]].concat()).await.ok();
        ran.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The index of the last event of this type.
    pub(super) async fn last(&self, event_type: &str) -> u64 {
        let lines = self.json(&["log", "--type", event_type]).await;
        lines.last().unwrap()["index"].as_u64().unwrap()
    }
}
