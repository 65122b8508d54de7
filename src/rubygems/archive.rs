//! A `.gem` file: a tar archive of `metadata.gz`, `data.tar.gz`, usually `checksums.yaml.gz`, and perhaps their signatures.
//!
//! An uncompressed `metadata`, which `RubyGems` still reads, is refused: no `RubyGems` since 0.9 writes it, and a file with both has been read two ways.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::checksums::{self, ChecksumError};
use super::contents::{Contents, ContentsError, read_contents};
use super::gzip::{self, GzipError};
use super::specification::{SpecError, Specification};
use super::tar::{self, Kind, TarError};
use super::yaml::YamlError;

/// The entries a gem may have; a signature of each may stand beside it.
const ENTRIES: [&str; 3] = ["metadata.gz", "data.tar.gz", "checksums.yaml.gz"];

/// The bounds within which a gem is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub file: u64,
    /// Bytes that `metadata.gz` inflates to.
    pub metadata: u64,
    /// Bytes that `checksums.yaml.gz` inflates to.
    pub checksums: u64,
    /// Bytes of a signature.
    pub signature: u64,
    /// Bytes that `data.tar.gz` inflates to.
    pub data: u64,
    /// Files in `data.tar.gz`.
    pub entries: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file: 500 << 20,
            metadata: 10 << 20,
            checksums: 64 << 10,
            signature: 64 << 10,
            data: 4 << 30,
            entries: 100_000,
        }
    }
}

/// A gem file that was read whole and found in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gem {
    /// What it says of itself.
    pub specification: Specification,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// Bytes of the file.
    pub size: u64,
    /// How much it installs.
    pub contents: Contents,
    /// Whether it carries signatures. They are not verified here.
    pub is_signed: bool,
}

impl Gem {
    /// SHA-256 of the file in lower-case hexadecimal digits.
    pub fn sha256_hex(&self) -> String {
        checksums::hex(&self.sha256)
    }
}

/// Why a gem file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GemError {
    /// The file is larger than allowed.
    #[error("the gem is larger than {0} bytes")]
    TooBig(u64),
    /// The archive around the entries.
    #[error("the gem is not an archive that RubyGems wrote: {0}")]
    Tar(#[from] TarError),
    /// An entry that does not belong there.
    #[error(
        "the gem has the unexpected entry {0:?}; a gem has metadata.gz, data.tar.gz, checksums.yaml.gz and their .sig files"
    )]
    UnexpectedEntry(String),
    /// The old, uncompressed form.
    #[error("the gem has an uncompressed `metadata`; build it with a current RubyGems")]
    UncompressedMetadata,
    /// An entry that is there twice.
    #[error("the gem has the entry {0:?} twice")]
    DuplicateEntry(String),
    /// An entry that must be there.
    #[error("the gem has no {0}")]
    MissingEntry(&'static str),
    /// The compression of an entry.
    #[error("the gem's {entry} {reason}")]
    Gzip {
        /// The entry.
        entry: &'static str,
        /// What is wrong with it.
        reason: GzipError,
    },
    /// A signature larger than allowed.
    #[error("the gem's {entry} is larger than {most} bytes")]
    SignatureTooBig {
        /// The entry.
        entry: String,
        /// The bound.
        most: u64,
    },
    /// Some entries are signed and some are not.
    #[error("the gem signs some of its entries but not {0}; sign all of them or none")]
    MissingSignature(&'static str),
    /// The gemspec has a certificate chain and the file has no signatures.
    #[error("you have added cert_chain in gemspec but signature was empty")]
    CertChainWithoutSignature,
    /// The file has signatures and the gemspec has no certificate chain.
    #[error("the gem has signatures, but its gemspec has no cert_chain")]
    SignatureWithoutCertChain,
    /// The gemspec.
    #[error(transparent)]
    Specification(#[from] SpecError),
    /// The checksums.
    #[error("the gem's checksums.yaml.gz {0}")]
    Checksums(#[from] ChecksumError),
    /// The files.
    #[error("the gem's data.tar.gz {0}")]
    Contents(#[from] ContentsError),
}

/// Reads a gem file.
pub fn read_gem(bytes: &[u8], limits: &Limits) -> Result<Gem, GemError> {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size > limits.file {
        return Err(GemError::TooBig(limits.file));
    }
    let entries = read_entries(bytes)?;
    let entry = |name| entries.get(name).copied();
    let metadata = entry("metadata.gz").ok_or(GemError::MissingEntry("metadata.gz"))?;
    let data = entry("data.tar.gz").ok_or(GemError::MissingEntry("data.tar.gz"))?;

    let specification = Specification::parse(&inflate("metadata.gz", metadata, limits.metadata)?)?;
    if let Some(bytes) = entry("checksums.yaml.gz") {
        checksums::check(
            &inflate("checksums.yaml.gz", bytes, limits.checksums)?,
            metadata,
            data,
        )?;
    }
    let is_signed = check_signatures(&entries, limits.signature)?;
    match (specification.has_cert_chain, is_signed) {
        (true, false) => return Err(GemError::CertChainWithoutSignature),
        (false, true) => return Err(GemError::SignatureWithoutCertChain),
        (true, true) | (false, false) => {}
    }
    let contents = read_contents(data, limits.data, limits.entries)?;
    Ok(Gem {
        specification,
        sha256: Sha256::digest(bytes).into(),
        size,
        contents,
        is_signed,
    })
}

pub(super) fn read_entries(bytes: &[u8]) -> Result<BTreeMap<String, &[u8]>, GemError> {
    let mut entries = BTreeMap::new();
    tar::walk(bytes, |header, bytes| {
        let name = header.path;
        if name == "metadata" {
            return Err(GemError::UncompressedMetadata);
        }
        if header.kind != Kind::File
            || !ENTRIES.contains(&name.strip_suffix(".sig").unwrap_or(&name))
        {
            return Err(GemError::UnexpectedEntry(name));
        }
        match entries.insert(name.clone(), bytes) {
            Some(_) => Err(GemError::DuplicateEntry(name)),
            None => Ok(()),
        }
    })?;
    Ok(entries)
}

fn inflate(entry: &'static str, bytes: &[u8], limit: u64) -> Result<String, GemError> {
    let inflated =
        gzip::inflate(bytes, limit).map_err(|reason| GemError::Gzip { entry, reason })?;
    String::from_utf8(inflated).map_err(|_| SpecError::Yaml(YamlError::Encoding).into())
}

/// Whether every entry is signed; some but not all is an error.
fn check_signatures(entries: &BTreeMap<String, &[u8]>, limit: u64) -> Result<bool, GemError> {
    let mut any = false;
    for (name, bytes) in entries
        .iter()
        .filter(|(name, _)| name.strip_suffix(".sig").is_some())
    {
        any = true;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
            return Err(GemError::SignatureTooBig {
                entry: name.clone(),
                most: limit,
            });
        }
    }
    for name in ENTRIES {
        // A signature needs its entry, and with one signature every entry needs its own.
        let is_signed = entries.contains_key(&format!("{name}.sig"));
        if any && is_signed != entries.contains_key(name) {
            return Err(if is_signed {
                GemError::MissingEntry(name)
            } else {
                GemError::MissingSignature(name)
            });
        }
    }
    Ok(any)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{GEMSPEC, checksums, edited, entry, gem, gzip, parts};
    use super::*;

    fn read(bytes: &[u8]) -> Result<Gem, GemError> {
        read_gem(bytes, &Limits::default())
    }

    fn read_entries(entries: &[(&str, Vec<u8>)]) -> Result<Gem, GemError> {
        read(&gem(entries))
    }

    #[test]
    fn a_gem_is_read() {
        let bytes = gem(&parts(GEMSPEC));
        let gem = read(&bytes).unwrap();
        assert_eq!(
            (gem.size, gem.contents.entries, gem.is_signed),
            (u64::try_from(bytes.len()).unwrap(), 1, false)
        );
        assert_eq!(gem.sha256_hex().len(), 64);
    }

    #[test]
    fn entries_stand_once_and_are_the_known_ones() {
        let with = |name, bytes: &[u8]| {
            read_entries(&[parts(GEMSPEC), vec![(name, bytes.to_vec())]].concat()).unwrap_err()
        };
        assert_eq!(
            with("metadata.gz", b"x"),
            GemError::DuplicateEntry("metadata.gz".to_owned())
        );
        assert_eq!(with("metadata", b"x"), GemError::UncompressedMetadata);
        assert_eq!(
            with("evil", b"x"),
            GemError::UnexpectedEntry("evil".to_owned())
        );
        assert_eq!(
            read_entries(&parts(GEMSPEC)[1..]).unwrap_err(),
            GemError::MissingEntry("metadata.gz")
        );
        assert_eq!(
            read_entries(&parts(GEMSPEC)[..1]).unwrap_err(),
            GemError::MissingEntry("data.tar.gz")
        );
        assert!(read_entries(&parts(GEMSPEC)[..2]).is_ok());
    }

    #[test]
    fn nothing_follows_the_end() {
        let whole = gem(&parts(GEMSPEC));
        assert!(read(&[whole.clone(), vec![0; 512]].concat()).is_ok());
        assert!(matches!(
            read(&[whole.clone(), b"x".to_vec()].concat()),
            Err(GemError::Tar(TarError::Garbage { .. }))
        ));
        assert!(matches!(
            read(&[whole.clone(), entry("x", b"", b'0')].concat()),
            Err(GemError::Tar(TarError::Garbage { .. }))
        ));
        for cut in [
            0,
            1,
            512,
            700,
            whole.len() - 1024,
            whole.len() - 512,
            whole.len() - 1,
        ] {
            assert!(
                matches!(read(&whole[..cut]), Err(GemError::Tar(_))),
                "{cut}"
            );
        }
    }

    #[test]
    fn checksums_must_hold() {
        let mut parts = parts(GEMSPEC);
        parts[2].1 = checksums(b"other", &parts[1].1);
        assert!(matches!(
            read_entries(&parts),
            Err(GemError::Checksums(ChecksumError::Mismatch { .. }))
        ));
        parts[2].1 = gzip(b"---\nMD5: {}\n");
        assert!(matches!(
            read_entries(&parts),
            Err(GemError::Checksums(ChecksumError::Algorithm(_)))
        ));
        parts[2].1 = gzip(b"--- {}\n");
        assert!(read_entries(&parts).is_err());
    }

    #[test]
    fn all_entries_are_signed_or_none_and_the_gemspec_says_so() {
        let signed = edited("cert_chain: []", "cert_chain:\n- x");
        let all: Vec<_> = parts(&signed)
            .into_iter()
            .chain(
                [
                    "metadata.gz.sig",
                    "data.tar.gz.sig",
                    "checksums.yaml.gz.sig",
                ]
                .map(|name| (name, b"x".to_vec())),
            )
            .collect();
        assert!(read_entries(&all).unwrap().is_signed);
        assert_eq!(
            read_entries(&all[..5]).unwrap_err(),
            GemError::MissingSignature("checksums.yaml.gz")
        );
        assert_eq!(
            read_entries(&all[..3]).unwrap_err(),
            GemError::CertChainWithoutSignature
        );
        let unsaid: Vec<_> = parts(GEMSPEC)
            .into_iter()
            .chain(all[3..].iter().cloned())
            .collect();
        assert_eq!(
            read_entries(&unsaid).unwrap_err(),
            GemError::SignatureWithoutCertChain
        );
    }

    #[test]
    fn bounds_hold() {
        let bytes = gem(&parts(GEMSPEC));
        let tight = |limits| read_gem(&bytes, &limits).unwrap_err();
        assert_eq!(
            tight(Limits {
                file: 100,
                ..Limits::default()
            }),
            GemError::TooBig(100)
        );
        assert!(matches!(
            tight(Limits {
                metadata: 100,
                ..Limits::default()
            }),
            GemError::Gzip {
                reason: GzipError::TooBig(100),
                ..
            }
        ));
        assert!(matches!(
            tight(Limits {
                data: 600,
                ..Limits::default()
            }),
            GemError::Contents(ContentsError::Gzip(GzipError::TooBig(600)))
        ));
        assert!(matches!(
            tight(Limits {
                entries: 0,
                ..Limits::default()
            }),
            GemError::Contents(ContentsError::TooMany(0))
        ));
    }
}
