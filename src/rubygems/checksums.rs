//! `checksums.yaml.gz`: digests that a gem carries of its own parts.
//!
//! ```text
//! ---
//! SHA256:
//!   metadata.gz: <hex>
//!   data.tar.gz: <hex>
//! SHA512:
//!   …
//! ```
//! They prove nothing about who made the gem, but `gem install` compares them, so a gem whose checksums are wrong is one that nobody can install.

use std::fmt::Write;

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::yaml::{self, Node, Value, YamlError};

/// Why a gem's checksums are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChecksumError {
    /// The YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// Not two levels of mappings with texts in them.
    #[error("is not a mapping of algorithms to files to digests")]
    Shape,
    /// An algorithm that `RubyGems` never wrote.
    #[error("uses {0:?}; RubyGems writes SHA256 and SHA512")]
    Algorithm(String),
    /// Neither SHA256 nor SHA512 is there.
    #[error("has neither SHA256 nor SHA512 digests; build the gem with a newer RubyGems")]
    Weak,
    /// A file is missing from a section, or one too many.
    #[error("does not list exactly `metadata.gz` and `data.tar.gz` under {0}")]
    Files(String),
    /// A digest differs.
    #[error(
        "says that {algorithm} of {file} is something else than it is; the gem was changed after it was built"
    )]
    Mismatch {
        /// The algorithm.
        algorithm: String,
        /// The entry.
        file: String,
    },
}

/// Checks every digest against the entries it is about.
pub(super) fn check(text: &str, metadata: &[u8], data: &[u8]) -> Result<(), ChecksumError> {
    // `safe_load` would read another start just as well; RubyGems writes this one.
    if !text.starts_with("---\n") {
        return Err(ChecksumError::Shape);
    }
    let mut strong = false;
    for (algorithm, section) in mapping(yaml::parse(text)?)? {
        let digest = match algorithm.as_str() {
            "SHA1" => |bytes: &[u8]| hex(&Sha1::digest(bytes)),
            "SHA256" => |bytes: &[u8]| hex(&Sha256::digest(bytes)),
            "SHA512" => |bytes: &[u8]| hex(&Sha512::digest(bytes)),
            _ => return Err(ChecksumError::Algorithm(super::fields::shorten(&algorithm))),
        };
        strong |= algorithm != "SHA1";
        let files = mapping(section)?;
        let mut names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if names != ["data.tar.gz", "metadata.gz"] {
            return Err(ChecksumError::Files(algorithm));
        }
        for (file, stated) in files {
            let bytes = if file == "metadata.gz" {
                metadata
            } else {
                data
            };
            match stated {
                Node {
                    tag: None,
                    value: Value::Plain(stated) | Value::Quoted(stated),
                    ..
                } if stated == digest(bytes) => {}
                Node { .. } => return Err(ChecksumError::Mismatch { algorithm, file }),
            }
        }
    }
    if strong {
        Ok(())
    } else {
        Err(ChecksumError::Weak)
    }
}

fn mapping(node: Node) -> Result<Vec<(String, Node)>, ChecksumError> {
    match (node.value, node.tag) {
        (Value::Mapping(entries), None) => Ok(entries),
        _ => Err(ChecksumError::Shape),
    }
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
