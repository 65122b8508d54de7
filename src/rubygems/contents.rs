//! `data.tar.gz`: the files that a gem installs, looked at without being kept.
//!
//! The archive is walked as it inflates, a block at a time, so that a gem of any size takes one buffer and the set of its paths. Installing is
//! somebody else's work; what is checked is that every reader would install the same files, all of them inside the gem's own folder.

use std::collections::BTreeSet;

use super::gzip::{GzipError, Member};
use super::tar::{BLOCK, Header, Kind, TarError};

/// The most parts of a path; the length of one is bounded by ustar's prefix and name.
const MAX_DEPTH: usize = 64;

/// How much a gem installs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Files, links and directories.
    pub entries: u64,
    /// The bytes of all files.
    pub bytes: u64,
}

/// Why a gem's files are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentsError {
    /// The compression.
    #[error(transparent)]
    Gzip(#[from] GzipError),
    /// The archive.
    #[error("holds a tar archive that is refused: {0}")]
    Tar(#[from] TarError),
    /// A path that leads elsewhere, or that readers would resolve differently.
    #[error("has the path {path:?}, which {problem}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// More entries than allowed.
    #[error("has more than {0} entries")]
    TooMany(u64),
}

/// Walks the archive in `data.tar.gz`, which may inflate to `limit` bytes and hold `most` entries.
pub fn read_contents(bytes: &[u8], limit: u64, most: u64) -> Result<Contents, ContentsError> {
    visit_contents(bytes, limit, most, |_| {})
}

/// A part of the archive, in its order.
pub(super) enum Part<'a> {
    /// An entry begins.
    Begin(&'a Header),
    /// Some of its bytes.
    Bytes(&'a [u8]),
    /// It ends.
    End(&'a Header),
}

/// Walks the archive and shows its parts. What was shown counts only once the whole walk has succeeded.
pub(super) fn visit_contents(
    bytes: &[u8],
    limit: u64,
    most: u64,
    mut visit: impl FnMut(Part<'_>),
) -> Result<Contents, ContentsError> {
    let mut member = Member::open(bytes, limit)?;
    let mut paths = Paths::default();
    let mut contents = Contents::default();
    loop {
        let mut block = [0; BLOCK];
        let entry = usize::try_from(contents.entries)
            .unwrap_or(usize::MAX)
            .saturating_add(1);
        read_block(&mut member, &mut block, entry)?;
        let Some(header) = Header::parse(&block, entry)? else {
            break;
        };
        contents.entries = contents.entries.saturating_add(1);
        if contents.entries > most {
            return Err(ContentsError::TooMany(most));
        }
        contents.bytes = contents.bytes.saturating_add(header.size);
        visit(Part::Begin(&header));
        read_entry(&mut member, &header, entry, &mut visit)?;
        visit(Part::End(&header));
        paths.insert(header)?;
    }
    let mut ends: usize = 1;
    loop {
        let mut block = [0; BLOCK];
        match member.fill(&mut block)? {
            0 if ends >= 2 => break,
            BLOCK if block.iter().all(|byte| *byte == 0) => ends = ends.saturating_add(1),
            BLOCK => return Err(TarError::Garbage { what: "its end" }.into()),
            _ => return Err(TarError::End.into()),
        }
    }
    member.close()?;
    paths.check_links()?;
    Ok(contents)
}

fn read_block(
    member: &mut Member<'_>,
    block: &mut [u8; BLOCK],
    entry: usize,
) -> Result<(), ContentsError> {
    if member.fill(block)? == BLOCK {
        Ok(())
    } else {
        Err(TarError::Truncated { entry }.into())
    }
}

/// Reads an entry's bytes; those of the last block after its end must be zeros.
fn read_entry(
    member: &mut Member<'_>,
    header: &Header,
    entry: usize,
    visit: &mut impl FnMut(Part<'_>),
) -> Result<(), ContentsError> {
    let mut left = header.size;
    let mut block = [0; BLOCK];
    while left > 0 {
        read_block(member, &mut block, entry)?;
        let used = usize::try_from(left).unwrap_or(usize::MAX).min(BLOCK);
        if block.iter().skip(used).any(|byte| *byte != 0) {
            return Err(TarError::Garbage {
                what: "the end of an entry",
            }
            .into());
        }
        visit(Part::Bytes(block.get(..used).unwrap_or_default()));
        left = left.saturating_sub(u64::try_from(used).unwrap_or(left));
    }
    Ok(())
}

/// Every path seen, without `.` parts.
#[derive(Default)]
struct Paths {
    all: BTreeSet<String>,
    directories: BTreeSet<String>,
    links: BTreeSet<String>,
}

impl Paths {
    fn insert(&mut self, header: Header) -> Result<(), ContentsError> {
        let Header {
            path,
            kind,
            size: _,
            mode: _,
        } = header;
        let wrong = |problem| ContentsError::Path {
            path: path.clone(),
            problem,
        };
        let trimmed = if kind == Kind::Directory {
            path.strip_suffix('/').unwrap_or(&path)
        } else {
            &path
        };
        let parts = resolve(&[], trimmed)
            .ok_or_else(|| wrong("leads out of the gem, is too deep or has empty parts"))?;
        if trimmed.split('/').any(|part| part == "..") {
            return Err(wrong("has `..`"));
        }
        let clean = parts.join("/");
        if kind == Kind::Directory {
            // `./` and directories named twice are harmless.
            self.directories.insert(clean);
            return Ok(());
        }
        if clean.is_empty() {
            return Err(wrong("is empty"));
        }
        if let Kind::Link(target) = &kind {
            let parent = parts
                .split_last()
                .map(|(_, parent)| parent)
                .unwrap_or_default();
            if target.starts_with('/') || resolve(parent, target).is_none() {
                return Err(wrong("is a link that leads out of the gem"));
            }
            self.links.insert(clean.clone());
        }
        if !self.all.insert(clean) {
            return Err(wrong("is there twice"));
        }
        Ok(())
    }

    /// No entry lies behind a link or under a file: what is written there depends on the reader.
    fn check_links(&self) -> Result<(), ContentsError> {
        for path in self.all.iter().chain(&self.directories) {
            let wrong = |problem| {
                Err(ContentsError::Path {
                    path: path.clone(),
                    problem,
                })
            };
            if self.directories.contains(path) && self.all.contains(path) {
                return wrong("is both a directory and a file");
            }
            for (end, _) in path.match_indices('/') {
                let ancestor = path.get(..end).unwrap_or_default();
                if self.links.contains(ancestor) {
                    return wrong("lies behind a link");
                }
                if self.all.contains(ancestor) {
                    return wrong("lies under a file");
                }
            }
        }
        Ok(())
    }
}

/// The parts of a path seen from a folder of the gem; none if it leaves the gem, has an empty part or too many.
fn resolve<'a>(from: &[&'a str], path: &'a str) -> Option<Vec<&'a str>> {
    let mut parts = from.to_vec();
    for part in path.split('/') {
        match part {
            "" => return None,
            "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    (parts.len() <= MAX_DEPTH).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{entry, gzip, link};
    use super::*;

    fn read(entries: &[Vec<u8>]) -> Result<Contents, ContentsError> {
        read_contents(
            &gzip(&[entries.concat(), vec![0; 2 * BLOCK]].concat()),
            1 << 20,
            100,
        )
    }

    fn path_problem(entries: &[Vec<u8>]) -> &'static str {
        match read(entries) {
            Err(ContentsError::Path { problem, .. }) => problem,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn files_links_and_folders_are_counted() {
        let entries = [
            entry("lib/", b"", b'5'),
            entry("./lib/a.rb", &[b'x'; 600], b'0'),
            link("bin/a", "../lib/a.rb"),
            entry("b", b"", 0),
        ];
        assert_eq!(
            read(&entries),
            Ok(Contents {
                entries: 4,
                bytes: 600
            })
        );
        assert_eq!(read(&[]), Ok(Contents::default()));
    }

    #[test]
    fn paths_stay_inside_the_gem() {
        assert_eq!(
            path_problem(&[entry("../a", b"", b'0')]),
            "leads out of the gem, is too deep or has empty parts"
        );
        assert_eq!(path_problem(&[entry("a/../b", b"", b'0')]), "has `..`");
        assert_eq!(
            path_problem(&[link("a", "/etc")]),
            "is a link that leads out of the gem"
        );
        assert_eq!(
            path_problem(&[link("a/b", "../../c")]),
            "is a link that leads out of the gem"
        );
        assert!(matches!(
            read(&[entry("/a", b"", b'0')]),
            Err(ContentsError::Tar(_))
        ));
    }

    #[test]
    fn paths_do_not_collide() {
        let file = |path| entry(path, b"x", b'0');
        assert_eq!(path_problem(&[file("a"), file("./a")]), "is there twice");
        assert_eq!(path_problem(&[file("a/b"), file("a")]), "lies under a file");
        assert_eq!(
            path_problem(&[link("a", "b"), file("a/c")]),
            "lies behind a link"
        );
        assert_eq!(
            path_problem(&[entry("a/", b"", b'5'), file("a")]),
            "is both a directory and a file"
        );
    }

    #[test]
    fn other_dialects_and_kinds_are_refused() {
        for kind in *b"13467xgLKSV" {
            assert!(
                matches!(
                    read(&[entry("a", b"", kind)]),
                    Err(ContentsError::Tar(TarError::Dialect { .. }))
                ),
                "{kind}"
            );
        }
    }

    #[test]
    fn the_end_is_the_end() {
        let whole = [entry("a", b"x", b'0'), vec![0; 2 * BLOCK]].concat();
        let read = |bytes: &[u8]| read_contents(&gzip(bytes), 1 << 20, 100);
        assert!(read(&whole).is_ok());
        assert!(read(&[whole.clone(), vec![0; BLOCK]].concat()).is_ok());
        assert!(read(&[whole.clone(), vec![0]].concat()).is_err());
        assert!(read(&[whole.clone(), entry("b", b"", b'0')].concat()).is_err());
        assert!(read(&whole[..whole.len() - BLOCK]).is_err());
        assert!(read(&whole[..BLOCK]).is_err());
    }
}
