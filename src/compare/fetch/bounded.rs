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
/// What a pack begins with (gitformat-pack): its name, and a version below 256.
const PACK: &[u8] = b"PACK\0\0\0";

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
    /// The last bytes before it, in which it may have begun.
    last: Vec<u8>,
}

impl<R> Counted<R> {
    fn new(inner: R, bound: Bound, pack: Option<Bound>) -> Self {
        Self {
            inner,
            bound,
            pack,
            last: Vec::new(),
        }
    }

    fn count(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.pack.is_some() {
            self.last.extend_from_slice(bytes);
            if memchr::memmem::find(&self.last, PACK).is_some()
                && let Some(pack) = self.pack.take()
            {
                self.bound = pack;
            }
            let kept = self.last.len().min(PACK.len());
            self.last.drain(..self.last.len().saturating_sub(kept));
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
