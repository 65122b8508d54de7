//! Gems for the unit tests, made by hand.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

use super::checksums::hex;

/// A gemspec with everything in it that most gems have.
pub(super) const GEMSPEC: &str = r#"--- !ruby/object:Gem::Specification
name: rake
version: !ruby/object:Gem::Version
  version: '1.0'
platform: ruby
authors:
- A
autorequire:
bindir: bin
cert_chain: []
date: 2024-01-02 00:00:00.000000000 Z
dependencies:
- !ruby/object:Gem::Dependency
  name: b
  requirement: !ruby/object:Gem::Requirement
    requirements:
    - - "~>"
      - !ruby/object:Gem::Version
        version: '1.2'
    - - "!="
      - !ruby/object:Gem::Version
        version: 1.2.3
  type: :runtime
- !ruby/object:Gem::Dependency
  name: a
  requirement: !ruby/object:Gem::Requirement
    requirements:
    - - ">="
      - !ruby/object:Gem::Version
        version: '0'
  type: :runtime
  prerelease: false
  version_requirements: !ruby/object:Gem::Requirement
    requirements:
    - - ">="
      - !ruby/object:Gem::Version
        version: '0'
description:
email:
executables: []
extensions: []
extra_rdoc_files: []
files: []
homepage: https://example.com
licenses: []
metadata:
  homepage_uri: https://example.com
post_install_message:
rdoc_options: []
require_paths:
- lib
required_ruby_version: !ruby/object:Gem::Requirement
  requirements:
  - - ">="
    - !ruby/object:Gem::Version
      version: '0'
required_rubygems_version: !ruby/object:Gem::Requirement
  requirements:
  - - ">="
    - !ruby/object:Gem::Version
      version: '0'
requirements: []
rubygems_version: 3.3.15
signing_key:
specification_version: 4
summary: S
test_files: []
"#;

/// The gemspec with its one `from` replaced.
pub(super) fn edited(from: &str, to: &str) -> String {
    let text = GEMSPEC.replacen(&format!("\n{from}"), &format!("\n{to}"), 1);
    let text = if text == GEMSPEC {
        GEMSPEC.replacen(from, to, 1)
    } else {
        text
    };
    assert_ne!(text, GEMSPEC, "{from:?} is not in the gemspec");
    text
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A ustar entry of this kind.
pub(super) fn entry(name: &str, bytes: &[u8], kind: u8) -> Vec<u8> {
    block(name, bytes, kind, "")
}

/// A symbolic link.
pub(super) fn link(name: &str, target: &str) -> Vec<u8> {
    block(name, b"", b'2', target)
}

fn block(name: &str, bytes: &[u8], kind: u8, target: &str) -> Vec<u8> {
    let mut block = vec![0; 512];
    let mut put =
        |place: usize, text: &[u8]| block[place..place + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    for (place, text) in [
        (100, "0000644\0"),
        (108, "0000000\0"),
        (116, "0000000\0"),
        (136, "00000000000\0"),
        (148, "        "),
    ] {
        put(place, text.as_bytes());
    }
    put(124, format!("{:011o}\0", bytes.len()).as_bytes());
    put(156, &[kind]);
    put(157, target.as_bytes());
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block.extend(bytes);
    block.resize(block.len().next_multiple_of(512), 0);
    block
}

/// `checksums.yaml.gz` of these parts.
pub(super) fn checksums(metadata: &[u8], data: &[u8]) -> Vec<u8> {
    let digest = |bytes: &[u8]| hex(&Sha256::digest(bytes));
    gzip(
        format!(
            "---\nSHA256:\n  metadata.gz: {}\n  data.tar.gz: {}\n",
            digest(metadata),
            digest(data)
        )
        .as_bytes(),
    )
}

/// The parts of a gem with this gemspec and one file.
pub(super) fn parts(gemspec: &str) -> Vec<(&'static str, Vec<u8>)> {
    let metadata = gzip(gemspec.as_bytes());
    let data = gzip(&[entry("lib/a.rb", b"A = 1\n", b'0'), vec![0; 1024]].concat());
    let sums = checksums(&metadata, &data);
    vec![
        ("metadata.gz", metadata),
        ("data.tar.gz", data),
        ("checksums.yaml.gz", sums),
    ]
}

/// A gem of these parts.
pub(super) fn gem(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes: Vec<u8> = entries
        .iter()
        .flat_map(|(name, bytes)| entry(name, bytes, b'0'))
        .collect();
    bytes.extend([0; 1024]);
    bytes
}
