//! The files that a gem installs, one after another, each with its bytes: for whoever compares them.

use sha2::{Digest as _, Sha256};

use super::archive::{self, Gem, GemError, Limits, read_gem};
use super::contents::{Part, visit_contents};
use super::tar::{Header, Kind};

/// A file or link of a gem. Folders are not told of: they have nothing in them that their files do not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path below the gem's folder, without `.` parts.
    pub path: String,
    /// Where it leads, if it is a symbolic link.
    pub link: Option<String>,
    /// Its size in bytes; 0 for a link.
    pub size: u64,
    /// Its permissions, and the bits above them.
    pub mode: u64,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// Its bytes; `None` if there are more than were asked for.
    pub bytes: Option<Vec<u8>>,
}

impl File {
    /// Whether anybody may execute it.
    pub fn is_executable(&self) -> bool {
        self.mode & 0o111 != 0
    }
}

/// Sees every byte of every file, however large.
pub trait Watch {
    /// A file of this size begins; of a link, what it leads to stands for its bytes.
    fn begin(&mut self, size: usize);
    /// Some of its bytes.
    fn bytes(&mut self, bytes: &[u8]);
}

impl Watch for () {
    fn begin(&mut self, _: usize) {}
    fn bytes(&mut self, _: &[u8]) {}
}

/// The files of a gem that was read whole and found in order.
pub struct Files<'a> {
    data: &'a [u8],
    limits: Limits,
}

/// Reads a gem. Of a gem that is refused there are no files.
pub fn open<'a>(gem: &'a [u8], limits: &Limits) -> Result<(Gem, Files<'a>), GemError> {
    let read = read_gem(gem, limits)?;
    let entries = archive::read_entries(gem)?;
    let data = entries.get("data.tar.gz").copied();
    let data = data.ok_or(GemError::MissingEntry("data.tar.gz"))?;
    let limits = *limits;
    Ok((read, Files { data, limits }))
}

impl Files<'_> {
    /// Shows each file, in the archive's order; of files larger than `most` bytes only the digest.
    pub fn each<W: Watch>(
        &self,
        most: u64,
        watch: &mut W,
        mut show: impl FnMut(File, &mut W),
    ) -> Result<(), GemError> {
        let mut digest = Sha256::new();
        let mut kept = Vec::new();
        let Limits { data, entries, .. } = self.limits;
        visit_contents(self.data, data, entries, |part| match part {
            Part::Begin(header) => {
                digest = Sha256::new();
                kept = Vec::new();
                match &header.kind {
                    Kind::Link(target) => {
                        watch.begin(target.len());
                        watch.bytes(target.as_bytes());
                    }
                    Kind::Directory | Kind::File => {
                        watch.begin(usize::try_from(header.size).unwrap_or(usize::MAX));
                    }
                }
            }
            Part::Bytes(bytes) => {
                digest.update(bytes);
                watch.bytes(bytes);
                let size = kept.len().saturating_add(bytes.len());
                if u64::try_from(size).is_ok_and(|size| size <= most) {
                    kept.extend_from_slice(bytes);
                }
            }
            Part::End(header) => {
                if header.kind != Kind::Directory {
                    let is_whole = u64::try_from(kept.len()).is_ok_and(|size| size == header.size);
                    let file = File {
                        path: clean(&header.path),
                        link: leads(header),
                        size: header.size,
                        mode: header.mode,
                        sha256: std::mem::take(&mut digest).finalize().into(),
                        bytes: is_whole.then(|| std::mem::take(&mut kept)),
                    };
                    show(file, watch);
                }
            }
        })?;
        Ok(())
    }
}

/// Where a link leads.
fn leads(header: &Header) -> Option<String> {
    match &header.kind {
        Kind::Link(target) => Some(target.clone()),
        Kind::Directory | Kind::File => None,
    }
}

/// The path without `.` parts. What else a path could have was refused before.
fn clean(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| *part != ".").collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{GEMSPEC, checksums, entry, gem, gzip, link, parts};
    use super::*;

    fn with(entries: &[Vec<u8>]) -> Vec<u8> {
        let mut parts = parts(GEMSPEC);
        parts[1].1 = gzip(&[entries.concat(), vec![0; 1024]].concat());
        parts[2].1 = checksums(&parts[0].1, &parts[1].1);
        gem(&parts)
    }

    #[test]
    fn every_file_is_shown_once_with_its_bytes_and_large_ones_with_their_digest_alone() {
        let gem = with(&[
            entry("lib/", b"", b'5'),
            entry("./lib/a.rb", b"A = 1\n", b'0'),
            link("bin/a", "../lib/a.rb"),
            entry("big", &[b'x'; 1000], b'0'),
            entry("empty", b"", b'0'),
        ]);
        let mut files = Vec::new();
        let (_, open) = open(&gem, &Limits::default()).unwrap();
        open.each(999, &mut (), |file, ()| files.push(file))
            .unwrap();
        let told: Vec<_> = files
            .iter()
            .map(|file| (file.path.as_str(), file.size, file.bytes.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("lib/a.rb", 6, Some(b"A = 1\n".as_slice())),
                ("bin/a", 0, Some(b"".as_slice())),
                ("big", 1000, None),
                ("empty", 0, Some(b"".as_slice())),
            ]
        );
        assert_eq!(files[1].link.as_deref(), Some("../lib/a.rb"));
        let digest: [u8; 32] = Sha256::digest([b'x'; 1000]).into();
        assert_eq!(files[2].sha256, digest);
    }

    #[test]
    fn a_refused_gem_has_no_files() {
        for bad in ["../a", "/a", "a/../b", "a//b"] {
            let gem = with(&[entry("ok", b"x", b'0'), entry(bad, b"x", b'0')]);
            assert!(open(&gem, &Limits::default()).is_err(), "{bad}");
        }
        let twice = with(&[entry("a", b"x", b'0'), entry("./a", b"y", b'0')]);
        assert!(open(&twice, &Limits::default()).is_err());
    }
}
