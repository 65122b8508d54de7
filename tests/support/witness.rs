//! A stand-in witness: honest, or wrong in one of the ways that a client must bear.
use std::{
    io::{BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
};

use gemledger::world::Clock;
use tlog::{Checkpoint, CosignerKey, CosigningKey, Hash, Note, verify_consistency};

/// How it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Honest,
    /// Signs with another key under its own name.
    WrongKey,
    /// Puts its own key's id before a signature of something else.
    WrongSignature,
    /// Answers 200 with what is no signature line.
    Garbage,
    /// Answers 200 with more than anybody should read.
    Endless,
    /// Names a time this many seconds from now.
    Time(i64),
    /// Closes the connection without a word.
    HangsUp,
    /// Takes the request, and answers when it is honest again.
    Holds,
    /// Answers with this status and nothing else.
    Status(u16),
    /// Says that it has seen this size.
    HasSeen(u64),
}

struct State {
    manner: Manner,
    /// The largest tree that it cosigned.
    seen: (u64, Hash),
    /// Questions that came, and cosignatures that were given.
    asked: u64,
    cosigned: u64,
}

/// A witness on a socket, until the test ends.
#[derive(Clone)]
pub(crate) struct StandIn {
    key: Arc<CosigningKey>,
    other: Arc<CosigningKey>,
    url: String,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl StandIn {
    /// An honest witness that has seen nothing.
    pub(crate) fn start(name: &str) -> Self {
        let seed = |n: u8| {
            let mut seed = [n; 32];
            seed[..name.len().min(31)].copy_from_slice(&name.as_bytes()[..name.len().min(31)]);
            seed
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = State {
            manner: Manner::Honest,
            seen: (0, tlog::EMPTY_ROOT),
            asked: 0,
            cosigned: 0,
        };
        let witness = Self {
            key: Arc::new(CosigningKey::from_seed(name, &seed(1)).unwrap()),
            other: Arc::new(CosigningKey::from_seed(name, &seed(2)).unwrap()),
            url,
            state: Arc::new((Mutex::new(state), Condvar::new())),
        };
        let serving = witness.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let witness = serving.clone();
                std::thread::spawn(move || witness.serve(&stream));
            }
        });
        witness
    }

    /// As `--witness` wants it.
    pub(crate) fn flag(&self) -> String {
        format!("{} {}", self.key.verifier(), self.url)
    }

    pub(crate) fn key(&self) -> CosignerKey {
        self.key.verifier().clone()
    }

    pub(crate) fn behaves(&self, manner: Manner) {
        self.state.0.lock().unwrap().manner = manner;
        self.state.1.notify_all();
    }

    /// Forgets, or learns, what it has seen.
    pub(crate) fn remembers(&self, size: u64, root: Hash) {
        self.state.0.lock().unwrap().seen = (size, root);
    }

    pub(crate) fn seen(&self) -> (u64, Hash) {
        self.state.0.lock().unwrap().seen
    }

    pub(crate) fn asked(&self) -> u64 {
        self.state.0.lock().unwrap().asked
    }

    pub(crate) fn cosigned(&self) -> u64 {
        self.state.0.lock().unwrap().cosigned
    }

    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Some(body) = request(&mut reader) {
            let Some((status, answer)) = self.answer(&body) else {
                return;
            };
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n",
                answer.len()
            );
            let mut stream = stream;
            if stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(&answer))
                .is_err()
            {
                return;
            }
        }
    }

    fn answer(&self, body: &str) -> Option<(u16, Vec<u8>)> {
        let (lock, changed) = &*self.state;
        let mut state = lock.lock().unwrap();
        state.asked += 1;
        let mut state = changed
            .wait_while(state, |state| state.manner == Manner::Holds)
            .unwrap();
        let (old, proof, note) = parse(body);
        let note = Note::parse(note.as_bytes()).unwrap();
        let checkpoint = Checkpoint::parse(note.text()).unwrap();
        let now = Clock::system().now().seconds();
        let line = |key: &CosigningKey, checkpoint: &Checkpoint, time: u64| {
            let line = key.cosign(checkpoint, time).unwrap();
            Some((200, format!("{line}\n").into_bytes()))
        };
        match state.manner {
            Manner::Honest | Manner::Holds => {}
            Manner::WrongKey => return line(&self.other, &checkpoint, now),
            Manner::WrongSignature => {
                let other =
                    Checkpoint::new(checkpoint.origin(), 1, tlog::leaf_hash(b"other")).unwrap();
                return line(&self.key, &other, now);
            }
            Manner::Garbage => return Some((200, b"\xe2\x80\x94 what is this\n".to_vec())),
            Manner::Endless => return Some((200, vec![b'x'; 1 << 20])),
            Manner::Time(seconds) => {
                return line(&self.key, &checkpoint, now.saturating_add_signed(seconds));
            }
            Manner::HangsUp => return None,
            Manner::Status(status) => return Some((status, Vec::new())),
            Manner::HasSeen(size) => return Some((409, format!("{size}\n").into_bytes())),
        }
        let (size, root) = state.seen;
        if old != size {
            return Some((409, format!("{size}\n").into_bytes()));
        }
        if verify_consistency(size, &root, checkpoint.size(), checkpoint.root(), &proof).is_err() {
            return Some((422, Vec::new()));
        }
        state.seen = (checkpoint.size(), *checkpoint.root());
        state.cosigned += 1;
        line(&self.key, &checkpoint, now)
    }
}

/// The body of the next request on a connection.
fn request(reader: &mut impl std::io::BufRead) -> Option<String> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    String::from_utf8(body).ok()
}

fn parse(body: &str) -> (u64, Vec<Hash>, &str) {
    let (head, note) = body.split_once("\n\n").unwrap();
    let mut lines = head.lines();
    let old = lines
        .next()
        .unwrap()
        .strip_prefix("old ")
        .unwrap()
        .parse()
        .unwrap();
    let proof = lines.map(|line| Hash::from_base64(line).unwrap()).collect();
    (old, proof, note)
}
