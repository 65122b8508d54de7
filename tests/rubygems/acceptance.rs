//! Gem files: what is accepted, Ruby accepts and reads the same; what is crooked is refused; what is real is accepted.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::ruby::{corpus, document, files, judge, read};

/// Gems made by damaging good ones.
const ODD_GEMS: &str = "1600";

#[test]
fn whatever_is_accepted_ruby_reads_the_same() {
    let (folder, files) = corpus("20261123", ODD_GEMS);
    let judged = judge(&["gems", folder.path().to_str().unwrap()], "");
    let mut accepted = 0;
    let mut refused = Vec::new();
    for (name, bytes) in &files {
        match read(bytes) {
            Ok(gem) => {
                let ruby = &judged[name];
                assert_eq!(
                    ruby["error"],
                    Value::Null,
                    "{name} is accepted, and Ruby says"
                );
                assert_eq!(document(&gem), ruby["ok"], "{name}");
                // This Ruby reads `x86_64-linux-gnu` as `x86_64-linux`; those since RubyGems 3.3.22 keep the text.
                if !gem.specification.platform.as_str().ends_with("-gnu") {
                    assert_eq!(
                        json!(format!("{}.gem", gem.specification.full_name)),
                        ruby["file_name"],
                        "{name}"
                    );
                }
                assert_eq!(json!(gem.contents.entries), ruby["entries"], "{name}");
                assert!(!name.starts_with("bad-"), "{name} must be refused");
                accepted += 1;
            }
            Err(error) => {
                assert!(
                    !name.starts_with("good-"),
                    "{name} must be accepted: {error}"
                );
                refused.push(format!("{name}: {error}"));
            }
        }
    }
    assert!(
        accepted > 300 && refused.len() > 500,
        "accepted {accepted}, refused {}",
        refused.len()
    );
}

#[test]
fn real_gems_are_accepted_and_read_as_ruby_reads_them() {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors");
    let folder = std::env::var_os("GEMLEDGER_VECTORS")
        .map_or_else(beside, PathBuf::from)
        .join("gems");
    if !folder.is_dir() {
        return;
    }
    let gems = tempfile::tempdir().unwrap();
    for (name, bytes) in files(&folder)
        .iter()
        .filter(|(name, _)| name.strip_suffix(".gem").is_some())
    {
        std::fs::write(gems.path().join(name), bytes).unwrap();
    }
    let judged = judge(&["gems", gems.path().to_str().unwrap()], "");
    for (name, bytes) in files(gems.path()) {
        let gem = read(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(document(&gem), judged[&name]["ok"], "{name}");
    }
}
