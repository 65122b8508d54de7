//! Asking Ruby: the scripts beside this file, what they print, and the files they write.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gemledger::rubygems::{Document, Gem, GemError, Limits, read_gem};
use serde_json::Value;

pub(super) fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rubygems")
}

pub(super) fn ruby(script: &str, arguments: &[&str], input: &str) -> Vec<u8> {
    let mut child = Command::new("ruby")
        .args(["-E", "UTF-8"])
        .arg(scripts().join(script))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("these tests need `ruby`: run `make test`, which installs it");
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{script} failed");
    output.stdout
}

pub(super) fn judge(arguments: &[&str], input: &str) -> Value {
    serde_json::from_slice(&ruby("judge.rb", arguments, input)).unwrap()
}

pub(super) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let read = |entry: std::fs::DirEntry| {
        (
            entry.file_name().into_string().unwrap(),
            std::fs::read(entry.path()).unwrap(),
        )
    };
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| read(entry.unwrap()))
        .collect()
}

pub(super) fn corpus(seed: &str, odd: &str) -> (tempfile::TempDir, BTreeMap<String, Vec<u8>>) {
    let folder = tempfile::tempdir().unwrap();
    ruby(
        "corpus.rb",
        &[seed, odd, folder.path().to_str().unwrap()],
        "",
    );
    let files = files(folder.path());
    (folder, files)
}

pub(super) fn read(bytes: &[u8]) -> Result<Gem, GemError> {
    read_gem(bytes, &Limits::default())
}

pub(super) fn document(gem: &Gem) -> Value {
    serde_json::to_value(Document::from(&gem.specification)).unwrap()
}
