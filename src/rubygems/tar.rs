//! POSIX ustar headers, the only ones that `RubyGems` writes.
//!
//! ```text
//!   0 name 100    100 mode 8     108 uid 8      116 gid 8     124 size 12   136 mtime 12   148 checksum 8   156 type 1
//! 157 link 100    257 "ustar\0"  263 "00"       265 user 32   297 group 32  329 major 8    337 minor 8      345 prefix 155
//! ```
//! Numbers are octal digits, texts end at their first NUL. Every other dialect (GNU long names, pax, sparse files, base-256 numbers) is refused,
//! because readers that do not know it see other entries than those that do.

/// The size of a header, and what entries are padded to.
pub const BLOCK: usize = 512;
/// No number in a header is longer; eleven octal digits are 8 GiB.
const MAX_DIGITS: usize = 11;

/// One header of a tar archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The path: prefix and name.
    pub path: String,
    /// What the entry is.
    pub kind: Kind,
    /// How many bytes follow, before padding.
    pub size: u64,
    /// The permission bits.
    pub mode: u64,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link to this path.
    Link(String),
}

/// Why a block is not a header, or an archive not an archive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TarError {
    /// The checksum of a header.
    #[error("the header of entry {entry} has a wrong checksum")]
    Checksum {
        /// Counted from 1.
        entry: usize,
    },
    /// A header in another dialect of tar.
    #[error(
        "entry {entry} is not in the plain ustar format: {what}; build the gem with `gem build`"
    )]
    Dialect {
        /// Counted from 1.
        entry: usize,
        /// What is not.
        what: &'static str,
    },
    /// The archive ends too soon.
    #[error(
        "the archive ends inside entry {entry}, or before it without the two empty blocks that end one"
    )]
    Truncated {
        /// Counted from 1.
        entry: usize,
    },
    /// One empty block, or part of a block, ends the archive.
    #[error("the archive does not end with two empty blocks and nothing else")]
    End,
    /// Bytes where only zeros belong.
    #[error("the archive has data after {what}")]
    Garbage {
        /// After what.
        what: &'static str,
    },
}

impl Header {
    /// Reads a header, the `entry`th of its archive; none if the block is empty.
    pub fn parse(block: &[u8; BLOCK], entry: usize) -> Result<Option<Self>, TarError> {
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let wrong = |what| TarError::Dialect { entry, what };
        let field = |start: usize, length: usize| {
            block
                .get(start..start.saturating_add(length))
                .unwrap_or_default()
        };
        let number =
            |start, length| octal(field(start, length)).ok_or(wrong("a number is not octal"));
        let string = |start, length| {
            text(field(start, length)).ok_or(wrong(
                "a text is not UTF-8, or has spaces or zeros around it",
            ))
        };

        let sum: u64 = block
            .iter()
            .enumerate()
            .map(|(place, byte)| {
                u64::from(if (148..156).contains(&place) {
                    b' '
                } else {
                    *byte
                })
            })
            .sum();
        if number(148, 8)? != sum {
            return Err(TarError::Checksum { entry });
        }
        if field(257, 8) != b"ustar\x0000" {
            return Err(wrong("the header does not say `ustar` and `00`"));
        }
        if field(500, 12).iter().any(|byte| *byte != 0) {
            return Err(wrong("the header has data after its last field"));
        }
        // Ruby raises on these when they are not octal.
        for (start, length) in [(108, 8), (116, 8), (136, 12), (329, 8), (337, 8)] {
            number(start, length)?;
        }
        let mode = number(100, 8)?;
        let size = number(124, 12)?;
        let link = string(157, 100)?;
        let kind = match field(156, 1) {
            b"0" | b"\0" if link.is_empty() => Kind::File,
            b"5" if link.is_empty() && size == 0 => Kind::Directory,
            b"2" if !link.is_empty() && size == 0 => Kind::Link(link),
            _ => return Err(wrong("an entry is no file, directory or symbolic link")),
        };
        let (prefix, name) = (string(345, 155)?, string(0, 100)?);
        if name.is_empty() || prefix.ends_with('/') || name.starts_with('/') {
            return Err(wrong("a path is empty, absolute or has `//`"));
        }
        let path = if prefix.is_empty() {
            name
        } else {
            format!("{prefix}/{name}")
        };
        Ok(Some(Self {
            path,
            kind,
            size,
            mode,
        }))
    }

    /// The zeros after the entry's bytes.
    pub fn padding(&self) -> usize {
        let block = u64::try_from(BLOCK).unwrap_or(1);
        usize::try_from(self.size.next_multiple_of(block).saturating_sub(self.size)).unwrap_or(0)
    }
}

/// Digits, then nothing but NULs and spaces.
fn octal(field: &[u8]) -> Option<u64> {
    let end = field
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(field.len());
    let (digits, rest) = field.split_at_checked(end)?;
    if digits.len() > MAX_DIGITS || !rest.iter().all(|byte| matches!(byte, 0 | b' ')) {
        return None;
    }
    let octal = |value: u64, digit: &u8| {
        (*digit < b'8').then(|| {
            value
                .wrapping_mul(8)
                .wrapping_add(u64::from(digit.wrapping_sub(b'0')))
        })
    };
    digits.iter().try_fold(0, octal)
}

/// Text, then nothing but NULs. Ruby strips spaces from the end of a field, so none may stand there; nor does it split lines, so no controls.
fn text(field: &[u8]) -> Option<String> {
    let end = field
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(field.len());
    let (text, rest) = field.split_at_checked(end)?;
    let text = str::from_utf8(text).ok()?;
    let plain = !text.ends_with(' ') && !text.chars().any(char::is_control);
    (plain && rest.iter().all(|byte| *byte == 0)).then(|| text.to_owned())
}

/// Calls back for each header and the entry's bytes, and checks padding and end.
pub(super) fn walk<'a, E: From<TarError>>(
    archive: &'a [u8],
    mut visit: impl FnMut(Header, &'a [u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut rest = archive;
    let mut entry: usize = 0;
    loop {
        entry = entry.saturating_add(1);
        let truncated = || TarError::Truncated { entry };
        let (block, after) = rest.split_first_chunk::<BLOCK>().ok_or_else(truncated)?;
        let Some(header) = Header::parse(block, entry)? else {
            return Ok(check_end(after)?);
        };
        let size = usize::try_from(header.size).map_err(|_| truncated())?;
        let (bytes, after) = after.split_at_checked(size).ok_or_else(truncated)?;
        let (padding, after) = after
            .split_at_checked(header.padding())
            .ok_or_else(truncated)?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(TarError::Garbage {
                what: "the end of an entry",
            }
            .into());
        }
        visit(header, bytes)?;
        rest = after;
    }
}

/// After the first empty block: at least one more, and only whole empty blocks.
fn check_end(rest: &[u8]) -> Result<(), TarError> {
    if rest.iter().any(|byte| *byte != 0) {
        return Err(TarError::Garbage { what: "its end" });
    }
    if rest.is_empty() || !rest.len().is_multiple_of(BLOCK) {
        Err(TarError::End)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::entry;
    use super::*;

    fn parse(change: impl FnOnce(&mut [u8; BLOCK])) -> Result<Option<Header>, TarError> {
        let mut block: [u8; BLOCK] = entry("lib/a.rb", b"", b'0')[..BLOCK].try_into().unwrap();
        change(&mut block);
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        Header::parse(&block, 1)
    }

    #[test]
    fn a_header_is_read() {
        let header = parse(|block| block[124..136].copy_from_slice(b"00000001001\0"))
            .unwrap()
            .unwrap();
        assert_eq!(
            (header.path.as_str(), header.kind.clone(), header.size),
            ("lib/a.rb", Kind::File, 513)
        );
        assert_eq!(header.padding(), 511);
        let prefixed = parse(|block| block[345..349].copy_from_slice(b"long"))
            .unwrap()
            .unwrap();
        assert_eq!(prefixed.path, "long/lib/a.rb");
        assert_eq!(Header::parse(&[0; BLOCK], 1), Ok(None));
    }

    #[test]
    fn fields_that_readers_take_differently_are_refused() {
        type Change = fn(&mut [u8; BLOCK]);
        let changes: [(&str, Change); 11] = [
            ("space after the name", |block| block[8] = b' '),
            ("text after the name's end", |block| block[20] = b'x'),
            ("control character", |block| block[0] = b'\n'),
            ("empty name", |block| block[..10].fill(0)),
            ("not UTF-8", |block| block[0] = 0xff),
            ("base-256 size", |block| block[124] = 0x80),
            ("digit 9", |block| block[124] = b'9'),
            ("sign", |block| block[124] = b'-'),
            ("GNU magic", |block| {
                block[257..265].copy_from_slice(b"ustar  \0");
            }),
            ("link name of a file", |block| block[157] = b'x'),
            ("data after the prefix", |block| block[511] = 1),
        ];
        for (what, change) in changes {
            assert!(
                matches!(parse(change), Err(TarError::Dialect { .. })),
                "{what}"
            );
        }
    }

    #[test]
    fn a_wrong_checksum_is_seen() {
        let mut block: [u8; BLOCK] = entry("a", b"", b'0')[..BLOCK].try_into().unwrap();
        block[0] = b'b';
        assert_eq!(
            Header::parse(&block, 7),
            Err(TarError::Checksum { entry: 7 })
        );
    }
}
