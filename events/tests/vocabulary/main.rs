//! What the vocabulary promises: bytes that never change, one spelling for each event, and pages that cannot drift.
#![cfg(test)]

mod attested;
mod canonical;
mod docs;
mod leaves;
mod parts;
mod samples;
mod source;
mod vectors;

use std::{fs, path::PathBuf};

/// A file of this crate, or of the workspace when the path starts with `..`.
fn path(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(relative)
}

/// Whether files may be written: `BLESS=1 cargo test -p events`.
fn blessing() -> bool {
    std::env::var_os("BLESS").is_some()
}

fn read(relative: &str) -> Option<String> {
    fs::read_to_string(path(relative)).ok()
}
