//! A small gem, made without Ruby: the same bytes for the same words.
use std::io::Write as _;

use flate2::{Compression, GzBuilder};
use sha2::{Digest as _, Sha256};

/// The mode of a gem's own parts, as RubyGems writes it.
const PART: &str = "0000444\0";
/// The mode of a packed file, as RubyGems writes it: with the kind of file.
const FILE: &str = "0100644\0";

/// Builds a gem with one file, `lib/<name>.rb`. Name, version and summary are the caller's and must need no escaping.
pub fn build(name: &str, version: &str, summary: &str, code: &[u8]) -> Vec<u8> {
    let data = gzip(&tar(FILE, &[(&format!("lib/{name}.rb"), code)]));
    let metadata = gzip(gemspec(name, version, summary).as_bytes());
    let digest = |bytes: &[u8]| events::digest::hex(&Sha256::digest(bytes));
    let checksums = format!(
        "---\nSHA256:\n  metadata.gz: {}\n  data.tar.gz: {}\n",
        digest(&metadata),
        digest(&data)
    );
    tar(
        PART,
        &[
            ("metadata.gz", &metadata),
            ("data.tar.gz", &data),
            ("checksums.yaml.gz", &gzip(checksums.as_bytes())),
        ],
    )
}

fn gemspec(name: &str, version: &str, summary: &str) -> String {
    format!(
        "--- !ruby/object:Gem::Specification
name: {name}
version: !ruby/object:Gem::Version
  version: {version}
platform: ruby
authors:
- The gemledger authors
autorequire:
bindir: bin
cert_chain: []
date: 2026-11-23 00:00:00.000000000 Z
dependencies: []
description:
email:
executables: []
extensions: []
extra_rdoc_files: []
files:
- lib/{name}.rb
homepage: https://example.com/{name}
licenses:
- MIT
metadata: {{}}
post_install_message:
rdoc_options: []
require_paths:
- lib
required_ruby_version: !ruby/object:Gem::Requirement
  requirements:
  - - \">=\"
    - !ruby/object:Gem::Version
      version: '0'
required_rubygems_version: !ruby/object:Gem::Requirement
  requirements:
  - - \">=\"
    - !ruby/object:Gem::Version
      version: '0'
requirements: []
rubygems_version: 3.3.15
signing_key:
specification_version: 4
summary: {summary}
test_files: []
"
    )
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::default());
    // Writing into memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// A POSIX ustar archive of plain files with this mode.
fn tar(mode: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, content) in files {
        archive.extend_from_slice(&header(mode, name, content.len()));
        archive.extend_from_slice(content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

fn header(mode: &str, name: &str, size: usize) -> [u8; 512] {
    let mut header = [0_u8; 512];
    let mut put = |at: usize, text: &str| {
        for (slot, byte) in header.iter_mut().skip(at).zip(text.bytes()) {
            *slot = byte;
        }
    };
    put(0, name);
    put(100, mode);
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{size:011o}\0"));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\0");
    put(263, "00");
    put(265, "wheel");
    put(297, "wheel");
    put(329, "0000000\0");
    put(337, "0000000\0");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    for (slot, byte) in header
        .iter_mut()
        .skip(148)
        .zip(format!("{sum:06o}\0 ").bytes())
    {
        *slot = byte;
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rubygems::{Limits, read_gem};

    #[test]
    fn what_is_built_is_a_gem_that_this_registry_takes() {
        let gem = read_gem(
            &build("hello", "1.0.0", "Says hello", b"puts 1\n"),
            &Limits::default(),
        )
        .unwrap();
        assert_eq!(gem.specification.full_name.as_str(), "hello-1.0.0");
    }
}
