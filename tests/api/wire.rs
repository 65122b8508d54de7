//! Requests byte by byte, as no client would send them.
use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::app::TestApp;

/// Longer than any answer takes here.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection on which a test writes and reads what it likes.
pub(super) struct Wire(TcpStream);

impl TestApp {
    pub(super) async fn wire(&self) -> Wire {
        Wire(TcpStream::connect(self.address).await.unwrap())
    }

    /// The status and the whole answer to a request with this line, and headers that end the connection.
    pub(super) async fn line(&self, line: &str) -> (u16, String) {
        let mut wire = self.wire().await;
        wire.send(&format!(
            "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        ))
        .await;
        wire.answer().await
    }
}

impl Wire {
    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    pub(super) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.0.write_all(bytes.as_ref()).await
    }

    /// Ends the connection as a program that was killed does.
    pub(super) fn reset(self) {
        self.0.set_zero_linger().unwrap();
    }

    /// The head of the next answer, and what came with it.
    pub(super) async fn head(&mut self) -> (u16, String) {
        let mut text = Vec::new();
        while !text.windows(4).any(|end| end == b"\r\n\r\n") {
            let mut buffer = [0; 4096];
            let read = timeout(PATIENCE, self.0.read(&mut buffer))
                .await
                .expect("an answer in time")
                .unwrap();
            assert!(read > 0, "{}", String::from_utf8_lossy(&text));
            text.extend_from_slice(&buffer[..read]);
        }
        status(&text)
    }

    /// Everything until the other side closes.
    pub(super) async fn answer(mut self) -> (u16, String) {
        let mut text = Vec::new();
        timeout(PATIENCE, self.0.read_to_end(&mut text))
            .await
            .expect("an answer in time")
            .unwrap();
        status(&text)
    }
}

fn status(text: &[u8]) -> (u16, String) {
    let text = String::from_utf8_lossy(text).into_owned();
    let status = text
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no answer: {text}")), text)
}
