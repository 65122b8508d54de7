//! HTTP clients that cost little: prepared requests over kept connections, answers read as far as their length.
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use gemledger::world::Clock;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

use super::watch::{Took, Watch};

/// Connections that ask at the same time.
pub(crate) const CONNECTIONS: usize = 32;

/// What became of a load.
pub(crate) struct Answered {
    /// Answers a second, and what one costs, client included.
    pub(crate) took: Took,
    /// Half of the answers came within this time.
    pub(crate) p50: Duration,
    /// Ninety-nine of a hundred came within this time.
    pub(crate) p99: Duration,
    /// Bytes of the last body.
    pub(crate) body: Vec<u8>,
}

/// Sends `count` requests, taken from the list again and again, over [`CONNECTIONS`] connections from one thread. Every
/// answer must begin with this status line.
pub(crate) fn send(
    address: SocketAddr,
    requests: &Arc<Vec<Vec<u8>>>,
    count: usize,
    status: &'static str,
) -> anyhow::Result<Answered> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (clock, next) = (Clock::system(), Arc::new(AtomicUsize::new(0)));
        let (watch, mut connections) = (Watch::start(), JoinSet::new());
        for _ in 0..CONNECTIONS {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let client = Client {
                stream,
                clock: clock.clone(),
                buffer: vec![0; 16 << 10],
                status,
            };
            connections.spawn(client.run(Arc::clone(requests), Arc::clone(&next), count));
        }
        let (mut times, mut body) = (Vec::with_capacity(count), Vec::new());
        while let Some(ended) = connections.join_next().await {
            let (some, last) = ended??;
            times.extend(some);
            // Whoever had nothing to ask heard nothing.
            if !last.is_empty() {
                body = last;
            }
        }
        let took = watch.stop(times.len());
        times.sort_unstable();
        let at = |share: usize| {
            times
                .get(times.len() * share / 100)
                .copied()
                .unwrap_or_default()
        };
        Ok(Answered {
            took,
            p50: at(50),
            p99: at(99),
            body,
        })
    })
}

struct Client {
    stream: TcpStream,
    clock: Clock,
    buffer: Vec<u8>,
    status: &'static str,
}

impl Client {
    async fn run(
        mut self,
        requests: Arc<Vec<Vec<u8>>>,
        next: Arc<AtomicUsize>,
        count: usize,
    ) -> io::Result<(Vec<Duration>, Vec<u8>)> {
        let (mut times, mut body) = (Vec::with_capacity(count / CONNECTIONS * 2), Vec::new());
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let request = requests
                .get(at % requests.len().max(1))
                .filter(|_| at < count);
            let Some(request) = request else {
                return Ok((times, body));
            };
            let start = self.clock.elapsed();
            self.stream.write_all(request).await?;
            let (from, to) = self.answer().await?;
            times.push(self.clock.elapsed().saturating_sub(start));
            if at + CONNECTIONS >= count {
                body = self.buffer.get(from..to).unwrap_or_default().to_vec();
            }
        }
    }

    /// Reads one answer, and says where its body lies in the buffer.
    async fn answer(&mut self) -> io::Result<(usize, usize)> {
        let mut filled = 0;
        loop {
            let room = self.buffer.get_mut(filled..).unwrap_or_default();
            let read = self.stream.read(room).await?;
            if read == 0 {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the server hung up, or its answer is too long",
                ));
            }
            filled += read;
            let so_far = self.buffer.get(..filled).unwrap_or_default();
            let Some(head) = so_far.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
                continue;
            };
            if !so_far.starts_with(self.status.as_bytes()) {
                return Err(io::Error::other(
                    String::from_utf8_lossy(so_far).into_owned(),
                ));
            }
            let end = head + 4 + length(so_far.get(..head).unwrap_or_default());
            if filled >= end {
                return Ok((head + 4, end));
            }
        }
    }
}

fn length(head: &[u8]) -> usize {
    let name = b"content-length:";
    let line = head.split(|byte| *byte == b'\n').find_map(|line| {
        let (start, value) = line.split_at_checked(name.len())?;
        start.eq_ignore_ascii_case(name).then_some(value)
    });
    line.and_then(|value| std::str::from_utf8(value).ok()?.trim().parse().ok())
        .unwrap_or(0)
}
