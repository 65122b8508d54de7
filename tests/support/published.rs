//! A log as it is published, file by file, and a server of those files: honest until a test changes them.
//!
//! The lies of the tests are told here: files are replaced or removed, leaves changed and the log published again, signed
//! with the real key where the lie needs it.
#![cfg(test)]
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
};

use flate2::{Compression, write::GzEncoder};
use tlog::{
    Checkpoint, CosigningKey, Hash, Note, Resource, SigningKey, TileEdge, TileMap, TileReader as _,
    entries_of, leaf_hash, root_of, tiles_of, write_bundle,
};

/// The files of a log, by the paths that c2sp.org/tlog-tiles gives them, and what they are made of.
#[derive(Clone)]
pub(crate) struct Published {
    pub(crate) key: Arc<SigningKey>,
    pub(crate) leaves: Vec<Vec<u8>>,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl Published {
    /// An honest log of these leaves.
    pub(crate) fn of(key: &Arc<SigningKey>, leaves: Vec<Vec<u8>>) -> Self {
        let mut published = Self {
            key: key.clone(),
            leaves,
            files: BTreeMap::new(),
        };
        published.publish();
        published
    }

    /// A log of so many leaves that mean nothing.
    pub(crate) fn of_size(size: usize) -> Self {
        let key = Arc::new(SigningKey::from_seed("log.example/log/1", &[7; 32]).unwrap());
        Self::of(
            &key,
            (0..size)
                .map(|number| format!("leaf {number}").into_bytes())
                .collect(),
        )
    }

    /// The root of the leaves as they are now.
    pub(crate) fn root(&self) -> Hash {
        root_of(&self.hashes())
    }

    fn hashes(&self) -> Vec<Hash> {
        self.leaves.iter().map(|leaf| leaf_hash(leaf)).collect()
    }

    /// Makes every file again from the leaves as they are now, and signs: what an operator with the key can do.
    pub(crate) fn publish(&mut self) {
        let size = u64::try_from(self.leaves.len()).unwrap();
        let mut tiles = TileMap::new();
        tiles.extend(TileEdge::new().append(&self.hashes()));
        self.files.clear();
        for path in tiles_of(size) {
            let hashes = tiles.tile(path).unwrap().to_vec();
            let name = format!("tile/{}", Resource::Hashes(path));
            self.files.insert(name, hashes);
        }
        for path in entries_of(size) {
            let first = usize::try_from(path.first_entry().unwrap()).unwrap();
            let entries = &self.leaves[first..first + usize::from(path.width())];
            let name = format!("tile/{}", Resource::Entries(path));
            self.files.insert(name, write_bundle(entries).unwrap());
        }
        let vkey = format!("{}\n", self.key.verifier());
        self.files.insert("vkey".into(), vkey.into_bytes());
        self.sign(size, self.root());
    }

    /// Signs this tree with the log's key, whether there is one or not.
    pub(crate) fn sign(&mut self, size: u64, root: Hash) {
        let checkpoint = Checkpoint::new(self.key.name(), size, root).unwrap();
        let note = checkpoint.sign(&self.key).unwrap();
        self.files.insert("checkpoint".into(), note.into_bytes());
    }

    pub(crate) fn note(&self) -> Note {
        Note::parse(&self.files["checkpoint"]).unwrap()
    }

    /// A witness cosigns the checkpoint at this time.
    pub(crate) fn cosign(&mut self, witness: &CosigningKey, seconds: u64) {
        let note = self.note();
        let checkpoint = Checkpoint::parse(note.text()).unwrap();
        let line = witness.cosign(&checkpoint, seconds).unwrap();
        let note = note.with(line).unwrap();
        self.files
            .insert("checkpoint".into(), note.to_string().into_bytes());
    }

    /// Flips one bit of a file.
    pub(crate) fn flip(&mut self, path: &str, at: usize) {
        self.files.get_mut(path).unwrap()[at] ^= 1;
    }

    /// Puts all files into a folder, in place of those of the same names.
    pub(crate) fn write_to(&self, folder: &Path) {
        for (name, bytes) in &self.files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }

    /// Serves the files below `/log/`.
    pub(crate) fn serve(self) -> TileServer {
        TileServer::start(self)
    }
}

/// What a server does beside answering.
#[derive(Default)]
pub(crate) struct Manners {
    /// So many next requests are answered 503.
    pub(crate) busy: usize,
    /// This path is answered 500, however often it is asked for.
    pub(crate) broken: Option<String>,
    /// Answers are compressed.
    pub(crate) gzip: bool,
    /// Only who sends this is answered.
    pub(crate) authorization: Option<String>,
    /// What was asked for, in order.
    pub(crate) asked: Vec<String>,
    /// What was posted, in order.
    pub(crate) posted: Vec<String>,
}

/// Serves a published log for as long as the process lives.
pub(crate) struct TileServer {
    address: String,
    log: Arc<Mutex<Published>>,
    manners: Arc<Mutex<Manners>>,
}

impl TileServer {
    fn start(log: Published) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (log, manners) = (Arc::new(Mutex::new(log)), Arc::<Mutex<Manners>>::default());
        let shared = (log.clone(), manners.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, manners) = (shared.0.clone(), shared.1.clone());
                std::thread::spawn(move || {
                    // A client that went away has read enough.
                    let _ = answer(&stream.unwrap(), &log, &manners);
                });
            }
        });
        Self {
            address,
            log,
            manners,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What is served from now on.
    pub(crate) fn log(&self) -> MutexGuard<'_, Published> {
        self.log.lock().unwrap()
    }

    pub(crate) fn manners(&self) -> MutexGuard<'_, Manners> {
        self.manners.lock().unwrap()
    }
}

fn answer(
    stream: &TcpStream,
    log: &Mutex<Published>,
    manners: &Mutex<Manners>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let Some(first) = lines.first() else {
        return Ok(());
    };
    let header = |name: &str| {
        lines.iter().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    };
    let path = first.split(' ').nth(1).unwrap_or_default();
    let mut manners = manners.lock().unwrap();
    if first.starts_with("POST ") {
        let length: usize = header("content-length")
            .unwrap_or_default()
            .parse()
            .unwrap_or(0);
        let mut body = vec![0; length];
        std::io::Read::read_exact(&mut reader, &mut body)?;
        if manners.busy > 0 {
            manners.busy -= 1;
            return send(stream, 503, "", b"busy");
        }
        manners
            .posted
            .push(String::from_utf8_lossy(&body).into_owned());
        return send(stream, 200, "", b"thanks");
    }
    manners.asked.push(path.to_owned());
    if manners.busy > 0 {
        manners.busy -= 1;
        return send(stream, 503, "Retry-After: 0\r\n", b"busy");
    }
    if manners.broken.as_deref() == Some(path) {
        return send(stream, 500, "", b"broken");
    }
    if manners.authorization.is_some() && header("authorization") != manners.authorization {
        return send(stream, 401, "", b"who are you?");
    }
    let log = log.lock().unwrap();
    match path
        .strip_prefix("/log/")
        .and_then(|name| log.files.get(name))
    {
        None => send(stream, 404, "", b"there is no such thing"),
        Some(bytes) if manners.gzip => {
            let mut zipped = GzEncoder::new(Vec::new(), Compression::fast());
            zipped.write_all(bytes)?;
            send(stream, 200, "Content-Encoding: gzip\r\n", &zipped.finish()?)
        }
        Some(bytes) => send(stream, 200, "", bytes),
    }
}

fn send(mut stream: &TcpStream, status: u16, headers: &str, body: &[u8]) -> std::io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} Said\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(body)?;
    stream.flush()
}
