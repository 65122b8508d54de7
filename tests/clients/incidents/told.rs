//! A ledger in which something happened, to be looked at with the command line.
use gemledger::demo::gem::build;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    clients::issuer::{Issuer, exchange, job},
    support::{
        http,
        program::{Ledger, Ran, Server, run},
    },
};

/// A registry that is served, and what happened there.
pub(super) struct Told {
    pub(super) ledger: Ledger,
    pub(super) issuer: Issuer,
    /// Alice's key.
    pub(super) key: String,
    _server: Server,
}

fn file(name: &str, number: &str) -> Vec<u8> {
    build(name, number, "Something", b"puts 'it'\n")
}

impl Told {
    /// `mine` belongs to alice. `tool` is released by `release.yml` of `octo-org/tool`.
    pub(super) fn new() -> Self {
        let ledger = Ledger::new();
        let server = ledger.serve();
        let key = ledger.key("alice", "push_rubygem");
        let issuer = Issuer::start();
        issuer.introduce(&ledger, "tool");
        let told = Self {
            ledger,
            issuer,
            key,
            _server: server,
        };
        assert_eq!(told.push(&told.key, "mine", "1.0.0"), 200);
        let key = told.exchanged(&json!({}));
        assert_eq!(told.push(&key, "tool", "1.0.0"), 200);
        told
    }

    /// Pushes a gem; the status.
    pub(super) fn push(&self, key: &str, name: &str, number: &str) -> u16 {
        let pushed = http::push(&self.ledger.url(), key, &file(name, number));
        pushed.unwrap().status
    }

    /// A key for a job of `octo-org/tool` with some claims replaced.
    pub(super) fn exchanged(&self, changes: &Value) -> String {
        let mut claims = job(self.ledger.address(), "tool");
        let claims_of = claims.as_object_mut().unwrap();
        claims_of.extend(changes.as_object().unwrap().clone());
        let answer = exchange(&self.ledger.url(), &self.issuer.token(&claims));
        if answer.status != 201 {
            return answer.json()["code"].as_str().unwrap().to_owned();
        }
        answer.json()["rubygems_api_key"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Gives a key back.
    pub(super) fn give_back(&self, key: &str) {
        let url = format!(
            "{}/api/v1/oidc/trusted_publisher/exchange_token",
            self.ledger.url()
        );
        http::request(Method::DELETE, &url, &[("authorization", key)], &[]);
    }

    #[track_caller]
    pub(super) fn run(&self, arguments: &[&str]) -> Ran {
        self.ledger.run(arguments)
    }

    /// The lines of a command's JSON, whatever it found.
    pub(super) fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let ran = run(self.ledger.command(arguments).arg("--json"));
        assert!(ran.code < 2, "{}{}", ran.out, ran.err);
        let lines = ran.out.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Every event of this type, as `log --json` prints it.
    pub(super) fn events(&self, event_type: &str) -> Vec<Value> {
        self.json(&["log", "--type", event_type])
    }

    /// The index of the last event of this type.
    pub(super) fn last(&self, event_type: &str) -> u64 {
        self.events(event_type).last().unwrap()["index"]
            .as_u64()
            .unwrap()
    }

    /// The time of the last event of this type.
    pub(super) fn time(&self, event_type: &str) -> String {
        let event = self.events(event_type).pop().unwrap();
        event["event"]["time"].as_str().unwrap().to_owned()
    }

    /// The id of a gem's first publisher.
    pub(super) fn publisher(&self, gem: &str) -> String {
        self.json(&["publisher", "list", gem])[0]["id"].to_string()
    }

    pub(super) fn size(&self) -> usize {
        self.json(&["log"]).len()
    }

    /// Each command ends so and says so, and none leaves anything behind.
    #[track_caller]
    pub(super) fn refuses(&self, commands: &[(&[&str], i32, &str)]) {
        let before = self.size();
        for (arguments, code, said) in commands {
            self.run(arguments).ends(*code, said);
        }
        assert_eq!(self.size(), before);
        self.ledger.is_sound();
    }
}
