//! The HTTP of a fetch with every answer counted: a server that never stops talking is not listened to for ever.
//!
//! What refs there are is kept in memory while it is read, a pack goes to the disk: each has its own bound.
use std::{
    io::{self, BufRead, Read, Write},
    sync::{Arc, Mutex, PoisonError},
};

use backend::Remote;
use gix::protocol::transport::client::blocking_io::http::{
    GetResponse, Http, PostBodyDataKind, PostResponse, Transport, reqwest as backend,
};

/// The most bytes of headers and of names that a server may tell before it gives out objects.
const REFS: u64 = 16 << 20;
/// How much of a request tells what it asks for, in bytes.
const HEAD: usize = 64;

/// A transport to this address whose packs may have so many bytes.
pub(super) fn transport(url: &str, pack: u64) -> gix::Result<Transport<Bounded>> {
    let http = Bounded {
        inner: Remote::default(),
        refs: Bound::new(REFS, "before it gave out any object"),
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
    refs: Bound,
    pack: Bound,
}

/// An answer that is counted while it is read.
pub(super) struct Counted<R> {
    inner: R,
    bound: Bound,
    /// An answer to this request, unless it asks for refs, may be a pack.
    request: Option<(Head, Bound)>,
}

/// What a request begins with.
type Head = Arc<Mutex<Vec<u8>>>;

impl<R> Counted<R> {
    fn new(inner: R, bound: Bound) -> Self {
        Self {
            inner,
            bound,
            request: None,
        }
    }

    fn count(&mut self, bytes: usize) -> io::Result<()> {
        // By now the request was written.
        if let Some((head, pack)) = self.request.take() {
            let head = head.lock().unwrap_or_else(PoisonError::into_inner);
            if memchr::memmem::find(&head, b"command=ls-refs").is_none() {
                self.bound = pack;
            }
        }
        self.bound.take(bytes)
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count(read)?;
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.count(0)?;
        self.inner.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        // What is too much is so when more is asked for.
        let _ = self.count(bytes);
        self.inner.consume(bytes);
    }
}

/// A request whose beginning is remembered.
pub(super) struct Asking<W> {
    inner: W,
    head: Head,
}

impl<W: Write> Write for Asking<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        let mut head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        let room = HEAD.saturating_sub(head.len()).min(written);
        head.extend_from_slice(bytes.get(..room).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Http for Bounded {
    type Headers = Counted<<Remote as Http>::Headers>;
    type ResponseBody = Counted<<Remote as Http>::ResponseBody>;
    type PostBody = Asking<<Remote as Http>::PostBody>;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<Self::Headers, Self::ResponseBody>> {
        let GetResponse { headers, body } = self.inner.get(url, base_url, headers)?;
        Ok(GetResponse {
            headers: Counted::new(headers, self.refs.clone()),
            body: Counted::new(body, self.refs.clone()),
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
        let head = Head::default();
        Ok(PostResponse {
            post_body: Asking {
                inner: post_body,
                head: head.clone(),
            },
            headers: Counted::new(headers, self.refs.clone()),
            body: Counted {
                request: Some((head, self.pack.clone())),
                ..Counted::new(body, self.refs.clone())
            },
        })
    }

    fn configure(&mut self, config: &dyn std::any::Any) -> gix::Result {
        self.inner.configure(config)
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.inner.redirected_base_url()
    }
}
