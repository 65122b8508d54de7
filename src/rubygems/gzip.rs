//! One gzip member and nothing after it, read within a bound.
//!
//! RFC 1952 lets members follow one another; Ruby reads the first and forgets the rest, other readers join them. The header's optional fields are
//! refused too: Ruby takes one of their flags for "multi-part" and raises. What Ruby writes has none.

use std::io::Read;

use flate2::bufread::GzDecoder;

/// Why bytes are not one gzip member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GzipError {
    /// No gzip header.
    #[error("is not gzip")]
    NotGzip,
    /// A flag in the header.
    #[error("has optional fields in its gzip header, which RubyGems never writes")]
    Flags,
    /// The compressed data or its checksum is wrong.
    #[error("is damaged: the gzip data does not inflate to what its checksum says")]
    Damaged,
    /// Bytes after the member's end, perhaps another member.
    #[error("has {0} bytes after the end of its gzip data")]
    Trailing(usize),
    /// Inflates to more than allowed.
    #[error("inflates to more than {0} bytes")]
    TooBig(u64),
}

/// A member being inflated, at most so many bytes of it.
pub(super) struct Member<'a> {
    decoder: GzDecoder<&'a [u8]>,
    limit: u64,
    left: u64,
}

impl<'a> Member<'a> {
    pub(super) fn open(bytes: &'a [u8], limit: u64) -> Result<Self, GzipError> {
        match bytes {
            [0x1f, 0x8b, 8, 0, ..] => Ok(Self {
                decoder: GzDecoder::new(bytes),
                limit,
                left: limit,
            }),
            [0x1f, 0x8b, 8, _, ..] => Err(GzipError::Flags),
            _ => Err(GzipError::NotGzip),
        }
    }

    /// Fills the buffer; less only at the end of the data.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, GzipError> {
        let mut filled: usize = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let read = self.decoder.read(rest).map_err(|_| GzipError::Damaged)?;
            if read == 0 {
                break;
            }
            self.left = u64::try_from(read)
                .ok()
                .and_then(|read| self.left.checked_sub(read))
                .ok_or(GzipError::TooBig(self.limit))?;
            filled = filled.saturating_add(read);
        }
        Ok(filled)
    }

    /// How many bytes came out.
    pub(super) fn inflated(&self) -> u64 {
        self.limit.saturating_sub(self.left)
    }

    /// Checks that the data has ended, its checksum held, and nothing follows.
    pub(super) fn close(mut self) -> Result<(), GzipError> {
        // Reading on at the end is what makes the decoder compare the checksum.
        if self.fill(&mut [0])? != 0 {
            return Err(GzipError::TooBig(self.inflated().saturating_sub(1)));
        }
        match self.decoder.into_inner() {
            [] => Ok(()),
            rest => Err(GzipError::Trailing(rest.len())),
        }
    }
}

/// Inflates all of one member.
pub(super) fn inflate(bytes: &[u8], limit: u64) -> Result<Vec<u8>, GzipError> {
    let mut member = Member::open(bytes, limit)?;
    let mut inflated = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let filled = member.fill(&mut buffer)?;
        let Some(read) = buffer.get(..filled).filter(|read| !read.is_empty()) else {
            break;
        };
        inflated.extend_from_slice(read);
    }
    member.close()?;
    Ok(inflated)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, GzBuilder, write::GzEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn one_member_inflates_to_what_was_written() {
        assert_eq!(inflate(&gzip(b"hello"), 5).unwrap(), b"hello");
        assert_eq!(inflate(&gzip(b""), 0).unwrap(), b"");
    }

    #[test]
    fn a_second_member_is_refused() {
        let two = [gzip(b"a"), gzip(b"b")].concat();
        assert!(matches!(inflate(&two, 10), Err(GzipError::Trailing(_))));
    }

    #[test]
    fn a_bomb_stops_at_the_bound() {
        let bomb = gzip(&vec![0; 10_000_000]);
        assert!(bomb.len() < 20_000);
        assert_eq!(inflate(&bomb, 1_000), Err(GzipError::TooBig(1_000)));
    }

    #[test]
    fn damage_anywhere_is_seen() {
        let whole = gzip(b"hello, hello, hello");
        for place in (4..whole.len()).filter(|place| !(4..10).contains(place)) {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            assert!(
                inflate(&damaged, 100).map_or(true, |bytes| bytes != b"hello"),
                "{place}"
            );
            assert!(inflate(&whole[..place], 100).is_err(), "{place}");
        }
    }

    #[test]
    fn a_copy_from_before_the_start_is_refused_as_zlib_refuses_it() {
        // One fixed block that repeats three bytes nobody wrote; some inflaters take them for zeros.
        let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
        bytes.extend([0x03, 0x02, 0x00]);
        bytes.extend(0xff41_d912_u32.to_le_bytes());
        bytes.extend(3_u32.to_le_bytes());
        assert_eq!(inflate(&bytes, 100), Err(GzipError::Damaged));
    }

    #[test]
    fn header_fields_are_refused() {
        let mut encoder = GzBuilder::new()
            .filename("metadata")
            .write(Vec::new(), Compression::fast());
        encoder.write_all(b"x").unwrap();
        assert_eq!(
            inflate(&encoder.finish().unwrap(), 100),
            Err(GzipError::Flags)
        );
        assert_eq!(inflate(b"", 100), Err(GzipError::NotGzip));
        assert_eq!(inflate(b"--- x", 100), Err(GzipError::NotGzip));
    }
}
