//! The answer to a push is lost on the way: `gem` sends again by itself, and is told what it wants to hear.
use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
};

use super::ruby::{Edition, Gem, Ruby};
use crate::support::program::Ledger;

/// Between a client and the server: swallows the first answer and hangs up, passes on everything after it.
fn between(listener: &TcpListener, server: &str) {
    let (client, _) = listener.accept().unwrap();
    let upstream = TcpStream::connect(server).unwrap();
    forward_request(&client, &upstream);
    let mut swallowed = [0_u8; 12];
    (&upstream).read_exact(&mut swallowed).unwrap();
    assert_eq!(&swallowed, b"HTTP/1.1 200");
    client.shutdown(Shutdown::Both).unwrap();

    let (client, _) = listener.accept().unwrap();
    let upstream = TcpStream::connect(server).unwrap();
    forward_request(&client, &upstream);
    // Both sides keep their connection alive, so the answer is passed on until the client hangs up.
    let mut buffer = [0_u8; 4096];
    loop {
        let read = (&upstream).read(&mut buffer).unwrap_or_default();
        if read == 0 || (&client).write_all(&buffer[..read]).is_err() {
            return;
        }
        upstream
            .set_read_timeout(Some(std::time::Duration::from_secs(1)))
            .unwrap();
    }
}

/// Passes on one request: its head, and as much body as the head announces.
fn forward_request(mut client: &TcpStream, mut upstream: &TcpStream) {
    let mut request = Vec::new();
    let mut buffer = [0_u8; 4096];
    loop {
        let read = client.read(&mut buffer).unwrap();
        assert!(read > 0, "the client hung up");
        request.extend_from_slice(&buffer[..read]);
        upstream.write_all(&buffer[..read]).unwrap();
        if length(&request).is_some_and(|length| request.len() >= length) {
            return;
        }
    }
}

/// How long the request is, once its head is complete.
fn length(request: &[u8]) -> Option<usize> {
    let end = request
        .windows(4)
        .position(|window| window == b"\r\n\r\n")?
        + 4;
    let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
    let line = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))?;
    Some(end + line.trim().parse::<usize>().unwrap())
}

#[test]
fn a_push_whose_answer_was_lost_is_sent_again_and_succeeds() {
    for edition in Edition::ALL {
        let ledger = Ledger::new();
        let _server = ledger.serve();
        let ruby = Ruby::new(edition).with_key(&ledger.key("alice", "push_rubygem"));
        let file = ruby.build(&Gem::new("hello", "1.0.0"));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::scope(|scope| {
            scope.spawn(|| between(&listener, ledger.address()));
            ruby.push(&url, &file)
                .ends(0, "Gem was already pushed: hello (1.0.0)");
        });
        let pushed = ledger.run(&["log", "--type", "release.pushed"]).ok();
        assert_eq!(pushed.out.lines().count(), 1, "{}", pushed.out);
    }
}
