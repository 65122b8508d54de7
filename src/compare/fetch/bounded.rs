//! The HTTP of a fetch with every answer counted: a server that never stops talking is not listened to for ever.
//!
//! What is said before a pack begins is kept in memory, a pack goes to the disk: each has its own bound.
use std::{
    io::{self, BufRead, Read},
    sync::{Arc, Mutex, PoisonError},
};

use backend::Remote;
use gix::protocol::transport::client::blocking_io::http::{
    GetResponse, Http, PostBodyDataKind, PostResponse, Transport, reqwest as backend,
};

/// The most bytes of headers, refs and other lines that a server may say before it gives out objects.
const TALK: u64 = 16 << 20;
/// A transport to this address whose packs may have so many bytes.
pub(super) fn transport(url: &str, pack: u64) -> gix::Result<Transport<Bounded>> {
    let http = Bounded {
        inner: Remote::default(),
        talk: Bound::new(TALK, "before it gave out any object"),
        pack: Bound::new(pack, "of objects"),
    };
    let url = gix::url::parse(url)?;
    let version = gix::protocol::transport::Protocol::V2;
    Ok(Transport::new_http(http, url, version, false))
}

/// How many bytes have come, of all answers of a kind together, and how many may.
#[derive(Clone)]
struct Bound {
    seen: Arc<Mutex<u64>>,
    most: u64,
    what: &'static str,
}

impl Bound {
    fn new(most: u64, what: &'static str) -> Self {
        Self {
            seen: Arc::default(),
            most,
            what,
        }
    }

    fn take(&self, bytes: usize) -> io::Result<()> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = seen.saturating_add(bytes);
        if *seen <= self.most {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "the server said more than {} bytes {}",
            self.most, self.what
        )))
    }
}

/// Where a line of an answer begins: a pack begins nowhere else, whatever stands in a name (gitprotocol-common).
#[derive(Default)]
struct Lines {
    /// What has come of a line's length, in four hex digits, and of what is behind it.
    head: Vec<u8>,
    /// How many bytes of the line are still to come.
    left: usize,
}

impl Lines {
    /// Whether a pack begins in these bytes: on the first side band, or, where there are none, in place of a line.
    fn reach_pack(&mut self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        while let Some((byte, behind)) = rest.split_first() {
            if self.left > 0 {
                let passed = self.left.min(rest.len());
                self.left = self.left.saturating_sub(passed);
                rest = rest.get(passed..).unwrap_or_default();
                continue;
            }
            rest = behind;
            self.head.push(*byte);
            let read = self.head.len();
            match self.head.as_slice() {
                b"PACK" | [_, _, _, _, 1, b'P', b'A', b'C', b'K'] => return true,
                // What is shorter than such a beginning, or no length, is none.
                length if read == 4 && !(9..usize::MAX).contains(&line(length)) => self.pass(read),
                _ if read == 9 => self.pass(read),
                _ => {}
            }
        }
        false
    }

    /// Leaves the rest of a line of which so much was read.
    fn pass(&mut self, read: usize) {
        let length = self.head.get(..4).map_or(0, line);
        self.left = length.saturating_sub(read);
        self.head.clear();
    }
}

/// A line's length, its four digits counted. After what is none, no line is known to begin.
fn line(digits: &[u8]) -> usize {
    let digits = std::str::from_utf8(digits).ok();
    let length = digits.and_then(|digits| usize::from_str_radix(digits, 16).ok());
    length.unwrap_or(usize::MAX)
}

/// An HTTP client that counts.
pub(super) struct Bounded {
    inner: Remote,
    talk: Bound,
    pack: Bound,
}

/// An answer that is counted while it is read.
pub(super) struct Counted<R> {
    inner: R,
    bound: Bound,
    /// What is counted from where a pack begins.
    pack: Option<Bound>,
    /// The lines before it.
    lines: Lines,
}

impl<R> Counted<R> {
    fn new(inner: R, bound: Bound, pack: Option<Bound>) -> Self {
        Self {
            inner,
            bound,
            pack,
            lines: Lines::default(),
        }
    }

    fn count(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.pack.is_some()
            && self.lines.reach_pack(bytes)
            && let Some(pack) = self.pack.take()
        {
            self.bound = pack;
        }
        self.bound.take(bytes.len())
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count(buffer.get(..read).unwrap_or_default())?;
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.bound.take(0)?;
        self.inner.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        // What is too much is so when more is asked for.
        let _ = if self.pack.is_some() {
            let seen = self.inner.fill_buf().unwrap_or_default();
            let seen = seen.get(..bytes).unwrap_or_default().to_vec();
            self.count(&seen)
        } else {
            self.bound.take(bytes)
        };
        self.inner.consume(bytes);
    }
}

impl Http for Bounded {
    type Headers = Counted<<Remote as Http>::Headers>;
    type ResponseBody = Counted<<Remote as Http>::ResponseBody>;
    type PostBody = <Remote as Http>::PostBody;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<Self::Headers, Self::ResponseBody>> {
        let GetResponse { headers, body } = self.inner.get(url, base_url, headers)?;
        Ok(GetResponse {
            headers: Counted::new(headers, self.talk.clone(), None),
            body: Counted::new(body, self.talk.clone(), None),
        })
    }

    fn post(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        body: PostBodyDataKind,
    ) -> gix::Result<PostResponse<Self::Headers, Self::ResponseBody, Self::PostBody>> {
        let PostResponse {
            post_body,
            headers,
            body,
        } = self.inner.post(url, base_url, headers, body)?;
        Ok(PostResponse {
            post_body,
            headers: Counted::new(headers, self.talk.clone(), None),
            body: Counted::new(body, self.talk.clone(), Some(self.pack.clone())),
        })
    }

    fn configure(&mut self, config: &dyn std::any::Any) -> gix::Result {
        self.inner.configure(config)
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.inner.redirected_base_url()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a pack begins, however the bytes come.
    fn begins(answer: &[u8]) -> bool {
        let whole = Lines::default().reach_pack(answer);
        let mut lines = Lines::default();
        let mut bytes = answer.chunks(1);
        assert_eq!(whole, bytes.any(|byte| lines.reach_pack(byte)));
        whole
    }

    #[test]
    fn a_pack_begins_where_a_line_does() {
        assert!(begins(b"000dpackfile\n0011\x01PACK\0\0\0\x02\0\0\0\x01"));
        assert!(begins(b"0009\x01PACK"));
        assert!(begins(b"0008NAK\n000a\x02hello0009\x01PACK"));
        assert!(begins(b"00000001000200040005x0008NAK\nPACK\0\0\0\x02"));
        assert!(!begins(b"0000000c\x01nothing0008\x01PAC"));
    }

    #[test]
    fn what_is_named_so_is_no_pack() {
        assert!(!begins(b"0010 PACK\0\0\0\x02...0008NAK\n"));
        assert!(!begins(b"001aname\x01PACK0009\x01PACK...."));
        assert!(!begins(b"0009\x02PACK0009PACK\x01"));
        assert!(!begins(b"none\x01PACK0009\x01PACK"));
    }
}
