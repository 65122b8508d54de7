//! A git server of one repository over HTTP: protocol version 2, as git's documentation describes it.
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use super::git::Git;

/// What the server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Any object may be asked for.
    Honest,
    /// Only what a ref names, as old servers have it.
    RefsOnly,
    /// Who are you?
    Locked,
    /// Accepts, and says nothing.
    Silent,
    /// Names refs for ever, as if a pack began in each.
    Chatty,
    /// Says for ever where its history ends, before it gives out anything.
    Shallow,
}

/// Serves for as long as the process lives.
pub(crate) struct GitServer {
    address: String,
    /// Every request's first line, and its `Authorization`.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

struct Served {
    main: String,
    known: Vec<String>,
    pack: Vec<u8>,
    manner: Manner,
}

impl GitServer {
    pub(crate) fn start(git: &Git, manner: Manner) -> Self {
        let main = std::fs::read_to_string(git.path().join("refs/heads/main")).unwrap();
        let served = Arc::new(Served {
            main: main.trim().to_owned(),
            known: git.objects.keys().cloned().collect(),
            pack: git.pack(),
            manner,
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let seen = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (served, seen) = (served.clone(), seen.clone());
                std::thread::spawn(move || {
                    // A client that went away has read enough.
                    let _ = answer(&stream.unwrap(), &served, &seen);
                });
            }
        });
        Self { address, asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/acme/hello", self.address)
    }
}

fn line(text: &str) -> Vec<u8> {
    packet(text.as_bytes())
}

fn packet(bytes: &[u8]) -> Vec<u8> {
    [format!("{:04x}", bytes.len() + 4).as_bytes(), bytes].concat()
}

fn answer(stream: &TcpStream, served: &Served, seen: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line.trim().is_empty() {
                break;
            }
            headers.push(line.trim().to_owned());
        }
        let header = |name: &str| {
            headers.iter().find_map(|line| {
                let (found, value) = line.split_once(": ")?;
                found.eq_ignore_ascii_case(name).then(|| value.to_owned())
            })
        };
        let first = headers.first().cloned().unwrap_or_default();
        seen.lock()
            .unwrap()
            .push(format!("{first} {:?}", header("authorization")));
        let body = body(&mut reader, stream, &header)?;
        match served.manner {
            Manner::Silent => loop {
                // Until the client goes away.
                let mut byte = [0];
                if reader.read(&mut byte)? == 0 {
                    return Ok(());
                }
            },
            Manner::Locked => {
                send(
                    stream,
                    "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"",
                    "text/plain",
                    b"",
                )?;
            }
            Manner::Honest | Manner::RefsOnly | Manner::Chatty | Manner::Shallow
                if first.starts_with("GET ") =>
            {
                let lines = [
                    line("# service=git-upload-pack\n"),
                    b"0000".to_vec(),
                    line("version 2\n"),
                    line("agent=test\n"),
                    line("ls-refs\n"),
                    line("fetch=shallow\n"),
                    line("object-format=sha1\n"),
                    b"0000".to_vec(),
                ];
                let kind = "application/x-git-upload-pack-advertisement";
                send(stream, "200 OK", kind, &lines.concat())?;
            }
            Manner::Shallow if !body.contains("command=ls-refs") => {
                let ends = line(&format!("shallow {}\n", served.main));
                chatter(stream, &line("shallow-info\n"), &ends)?;
            }
            Manner::Chatty => {
                chatter(stream, b"", &named_as_a_pack(&served.main))?;
            }
            Manner::Honest | Manner::RefsOnly | Manner::Shallow => {
                let kind = "application/x-git-upload-pack-result";
                send(stream, "200 OK", kind, &command(&body, served))?;
            }
        }
    }
}

/// A ref whose name has in it what a pack begins with.
fn named_as_a_pack(id: &str) -> Vec<u8> {
    let long = "x".repeat(2_000);
    line(&format!("{id} refs/heads/\u{1}PACK\0\0\0\u{2}{long}\n"))
}

/// Says the same line until the client goes away.
fn chatter(mut stream: &TcpStream, begin: &[u8], line: &[u8]) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-result\r\nContent-Length: {}\r\n\r\n",
        1_u64 << 40
    )?;
    stream.write_all(begin)?;
    let many = line.repeat(100);
    loop {
        stream.write_all(&many)?;
    }
}

fn body(
    reader: &mut BufReader<&TcpStream>,
    mut stream: &TcpStream,
    header: &impl Fn(&str) -> Option<String>,
) -> std::io::Result<String> {
    if header("expect").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let mut body = Vec::new();
    if header("transfer-encoding").is_some() {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size)?;
            let size = u64::from_str_radix(size.trim(), 16).unwrap_or(0);
            reader.by_ref().take(size).read_to_end(&mut body)?;
            reader.read_line(&mut String::new())?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = header("content-length") {
        reader
            .by_ref()
            .take(length.parse().unwrap())
            .read_to_end(&mut body)?;
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

fn command(asked: &str, served: &Served) -> Vec<u8> {
    if asked.contains("command=ls-refs") {
        let main = &served.main;
        return [
            line(&format!("{main} HEAD symref-target:refs/heads/main\n")),
            line(&format!("{main} refs/heads/main\n")),
            b"0000".to_vec(),
        ]
        .concat();
    }
    let wants = asked
        .match_indices("want ")
        .map(|(at, _)| &asked[at + 5..at + 45]);
    for want in wants {
        let open = served.manner == Manner::Honest && served.known.iter().any(|id| id == want);
        if !open && want != served.main {
            return line(&format!("ERR upload-pack: not our ref {want}"));
        }
    }
    let mut told = Vec::new();
    if !asked.contains("0009done") {
        told.extend([line("acknowledgments\n"), line("NAK\n"), line("ready\n")].concat());
        told.extend(b"0001");
    }
    if asked.contains("deepen ") {
        told.extend([line("shallow-info\n"), b"0001".to_vec()].concat());
    }
    told.extend(line("packfile\n"));
    for chunk in served.pack.chunks(60_000) {
        told.extend(packet(&[&[1], chunk].concat()));
    }
    told.extend(b"0000");
    told
}

fn send(mut stream: &TcpStream, status: &str, kind: &str, body: &[u8]) -> std::io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    )?;
    stream.write_all(body)?;
    stream.flush()
}
