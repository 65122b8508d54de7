//! A server between a ledger and its readers: it tells the truth, except where a test has it lie.
#![cfg(test)]
use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use super::http;

/// What is said instead of the truth.
#[derive(Clone)]
pub(crate) enum Said {
    /// These bytes.
    Bytes(Vec<u8>),
    /// What the ledger says of another path.
    Of(String),
    /// This status, and nothing else.
    Status(u16),
}

type Lies = Arc<Mutex<BTreeMap<String, Said>>>;

/// Serves for as long as the process lives.
pub(crate) struct Liar {
    address: String,
    upstream: String,
    lies: Lies,
}

impl Liar {
    /// In front of the ledger at this address.
    pub(crate) fn before(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let lies = Lies::default();
        let (shared, ledger) = (lies.clone(), upstream.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (lies, ledger) = (shared.clone(), ledger.clone());
                std::thread::spawn(move || {
                    // A client that went away has read enough.
                    let _ = answer(&stream.unwrap(), &lies, &ledger);
                });
            }
        });
        Self {
            address,
            upstream: upstream.to_owned(),
            lies,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on this is said of a path.
    pub(crate) fn says(&self, path: &str, said: Said) {
        self.lies.lock().unwrap().insert(path.to_owned(), said);
    }

    /// What is true of these paths now is said of them from now on.
    pub(crate) fn stops_at(&self, paths: &[&str]) {
        for path in paths {
            let url = format!("{}{path}", self.upstream);
            let bytes = std::thread::spawn(move || http::found(&url))
                .join()
                .unwrap();
            self.says(path, Said::Bytes(bytes));
        }
    }

    /// The truth from now on.
    pub(crate) fn repents(&self) {
        self.lies.lock().unwrap().clear();
    }
}

fn answer(mut stream: &TcpStream, lies: &Lies, upstream: &str) -> std::io::Result<()> {
    let (mut reader, mut path, mut authorization) = (BufReader::new(stream), String::new(), None);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if path.is_empty() {
            line.split(' ')
                .nth(1)
                .unwrap_or_default()
                .clone_into(&mut path);
        } else if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("authorization")
        {
            authorization = Some(value.trim().to_owned());
        }
    }
    let said = lies.lock().unwrap().get(&path).cloned();
    let truth = |path: &str| {
        let headers: Vec<_> = authorization
            .iter()
            .map(|key| ("authorization", key.as_str()))
            .collect();
        let answer = http::request(
            reqwest::Method::GET,
            &format!("{upstream}{path}"),
            &headers,
            &[],
        );
        (answer.status, answer.body)
    };
    let (status, body) = match said {
        None => truth(&path),
        Some(Said::Of(other)) => truth(&other),
        Some(Said::Bytes(bytes)) => (200, bytes),
        Some(Said::Status(status)) => (status, Vec::new()),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} Said\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(&body)?;
    stream.flush()
}
