//! `gemledger verify Gemfile.lock` after a real `bundle install`, from public and private ledgers.
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    issuer::Issuer,
    ruby::{Edition, Gem, Ruby},
};
use crate::support::{
    http::found,
    program::{Ledger, Ran, program, run},
};

/// `verify` in a project's folder, with a home of its own.
fn verify(project: &Path, more: &[&str]) -> Command {
    let mut command = program();
    command
        .args(["verify", "Gemfile.lock"])
        .args(more)
        .current_dir(project)
        .env("HOME", project.join("home"))
        .env_remove("XDG_STATE_HOME")
        .env_remove("GEMLEDGER_API_KEY");
    command
}

fn lockfile(project: &Path) -> String {
    fs::read_to_string(project.join("Gemfile.lock")).unwrap()
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("not JSON: {}{}", ran.out, ran.err))
}

/// A gem by its workflow, and one that needs it by an account.
fn library(ledger: &Ledger) -> Issuer {
    let issuer = Issuer::start();
    issuer.introduce(ledger, "parts");
    let ruby = Ruby::new(Edition::Installed).with_key(&issuer.key(ledger, "parts"));
    ruby.release(&ledger.url(), &Gem::new("parts", "1.0.0"));
    let whole = Gem {
        needs: &[("parts", ">= 1")],
        ..Gem::new("whole", "1.0.0")
    };
    let ruby = Ruby::new(Edition::Installed).with_key(&ledger.key("alice", "push_rubygem"));
    ruby.release(&ledger.url(), &whole);
    let linux = Gem {
        platform: "x86_64-linux",
        ..Gem::new("native", "1.0.0")
    };
    ruby.release(&ledger.url(), &linux);
    issuer
}

/// A project with everything that there is, installed.
fn installed(ledger: &Ledger, ruby: &Ruby, checksums: bool) -> PathBuf {
    let gemfile = format!("source '{}'\ngem 'whole'\ngem 'native'\n", ledger.url());
    let project = ruby.project("app", &gemfile);
    if checksums {
        ruby.bundle(&project, &["lock", "--add-checksums"]).ok();
    }
    ruby.bundle(&project, &["install"])
        .ends(0, "Bundle complete!");
    project
}

#[test]
fn what_bundle_installed_is_verified_with_who_published_it_and_from_which_commit() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let _issuer = library(&ledger);
    let vkey = String::from_utf8(found(&format!("{}/log/vkey", ledger.url()))).unwrap();
    for edition in Edition::ALL {
        let newer = edition == Edition::Newer;
        let ruby = Ruby::new(edition);
        let project = installed(&ledger, &ruby, newer);
        let first = run(&verify(&project, &[])).ends(0, "3 of 3 gems verified");
        let said = &first.err;
        assert_eq!(said.contains("checksum not locked"), !newer, "{said}");
        // The key is believed once, and loudly.
        assert!(
            said.contains(vkey.trim()) && said.contains("--key"),
            "{said}"
        );
        let cells = |line: &str| -> Vec<String> {
            let cells = line.split("  ").map(str::trim);
            cells
                .filter(|cell| !cell.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let lines: Vec<Vec<String>> = first.out.lines().map(cells).collect();
        let heading = [
            "GEM",
            "VERSION",
            "SURE",
            "PUBLISHED BY",
            "REPOSITORY",
            "COMMIT",
        ];
        assert_eq!(lines[0], heading);
        assert_eq!(lines[1][..3], ["native", "1.0.0-x86_64-linux", "logged"]);
        let publisher = ".github/workflows/release.yml at ci";
        let parts = [
            "parts",
            "1.0.0",
            "trusted",
            publisher,
            "octo-org/parts",
            "5a0f1d3c2b4e",
        ];
        assert_eq!(lines[2], parts);
        let again = run(&verify(&project, &["--json"])).ok();
        assert!(!again.err.contains(vkey.trim()), "{}", again.err);
        let told = json(&again);
        assert_eq!(
            (&told["verified"], &told["key_is"]),
            (&true.into(), &"pinned".into())
        );
        assert_eq!(told["tree"]["since"]["is"], "same");
        run(&verify(
            &project,
            &["--key", vkey.trim(), "--max-age", "1d"],
        ))
        .ok();
    }
}

#[test]
fn what_is_not_as_it_must_be_fails_and_is_shown_to_code_scanning() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let _issuer = library(&ledger);
    let ruby = Ruby::new(Edition::Newer);
    let project = installed(&ledger, &ruby, true);
    let sarif = ["--require", "trusted", "--sarif", "found.sarif"];
    run(&verify(&project, &sarif)).ends(1, "FAILED whole 1.0.0: it is logged, not trusted");
    let sarif = fs::read(project.join("found.sarif")).unwrap();
    let sarif: Value = serde_json::from_slice(&sarif).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 2);
    run(&verify(&project, &["--require", "attested"])).ends(1, "no attestation came with it");
    let lock = lockfile(&project);
    let (start, digest) = lock.split_once("parts (1.0.0) sha256=").unwrap();
    let zeros = "0".repeat(64);
    let other = format!("{start}parts (1.0.0) sha256={zeros}{}", &digest[64..]);
    fs::write(project.join("Gemfile.lock"), other).unwrap();
    run(&verify(&project, &[])).ends(1, "FAILED parts 1.0.0: the lockfile has sha256:000");
}

#[test]
fn a_private_ledger_is_asked_with_what_bundler_uses_and_nothing_of_it_is_printed() {
    let ledger = Ledger::new();
    let _server = ledger.serve_with(&["--visibility", "private"]);
    let _issuer = library(&ledger);
    let key = ledger.key("reader", "read");
    let ruby = Ruby::new(Edition::Newer);
    let with_user = ledger
        .url()
        .replace("http://", &format!("http://reader:{key}@"));
    let project = ruby.project("app", &format!("source '{with_user}'\ngem 'parts'\n"));
    ruby.bundle(&project, &["lock", "--add-checksums"]).ok();
    ruby.bundle(&project, &["install"])
        .ends(0, "Bundle complete!");
    let silent = |ran: Ran| {
        let said = format!("{}{}", ran.out, ran.err);
        assert!(
            !said.contains(&key) && !said.contains(&STANDARD.encode(format!("reader:{key}"))),
            "{said}"
        );
        ran
    };
    // By the address in the lockfile, where Bundler left the password in it.
    let lock = lockfile(&project);
    let plain = lock.replace(&with_user, &ledger.url());
    fs::write(
        project.join("Gemfile.lock"),
        plain.replace(&ledger.url(), &with_user),
    )
    .unwrap();
    silent(run(&verify(&project, &[])).ends(0, "1 of 1 gems verified"));
    fs::write(project.join("Gemfile.lock"), plain).unwrap();
    silent(
        run(&verify(&project, &[]))
            .ends(2, "answered 401")
            .ends(2, "hint: "),
    );
    let host = ledger
        .address()
        .split(':')
        .next()
        .unwrap()
        .replace('.', "__");
    let ways = [
        (format!("BUNDLE_{host}"), format!("reader:{key}"), &[][..]),
        (format!("BUNDLE_{host}"), key.clone(), &[]),
        ("GEMLEDGER_API_KEY".into(), key.clone(), &[]),
        (
            "MY_KEY".into(),
            key.clone(),
            &["--credentials-env", "MY_KEY"],
        ),
    ];
    for (name, value, more) in &ways {
        let mut command = verify(&project, more);
        silent(run(command.env(name, value)).ends(0, "1 of 1 gems verified"));
        silent(run(command.env(name, "rubygems_0000")).ends(2, "401"));
    }
    run(&verify(&project, &["--credentials-env", "MY_KEY"])).ends(2, "MY_KEY is not set");
}

#[test]
fn what_cannot_be_verified_is_said_with_what_to_do() {
    let ledger = Ledger::new();
    let server = ledger.serve();
    let _issuer = library(&ledger);
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path();
    let write = |text: &str| fs::write(project.join("Gemfile.lock"), text).unwrap();
    run(&verify(project, &[])).ends(2, "cannot read Gemfile.lock");
    write("nothing of the kind");
    run(&verify(project, &[])).ends(2, "this is not a Gemfile.lock");
    write("GEM\n  remote: https://rubygems.org/\n  specs:\n    rake (1)\n");
    run(&verify(project, &[])).ends(2, "--registry");
    run(&verify(project, &["--registry", &ledger.url()]))
        .ends(2, "the lockfile names https://rubygems.org");
    write(&format!(
        "GEM\n  remote: {}/\n  specs:\n    parts (1.0.0)\n",
        ledger.url()
    ));
    run(&verify(project, &["--quorum", "1"])).ends(2, "--witness");
    run(&verify(project, &["--key", "nonsense"])).ends(2, "the verification key");
    run(&verify(project, &["--state", "s.json"])).ends(0, "bundle lock --add-checksums");
    // A registry of the same address with another key: the pinned one stays.
    let state = fs::read_to_string(project.join("s.json")).unwrap();
    let mut seen: Value = serde_json::from_str(&state).unwrap();
    seen["vkey"] = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k".into();
    fs::write(project.join("s.json"), seen.to_string()).unwrap();
    run(&verify(project, &["--state", "s.json"])).ends(1, "checkpoint_forged");
    fs::write(project.join("s.json"), "{}").unwrap();
    run(&verify(project, &["--state", "s.json"])).ends(2, "is not a state file");
    fs::write(project.join("s.json"), &state).unwrap();
    server.stop();
    run(&verify(project, &["--state", "s.json"])).ends(2, "did not answer");
}
