//! A small TUF repository on loopback, with keys of its own: honest, or changed by a test in whatever way.
use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use events::digest::{Digest, hex};
use serde_json::{Value, json};

/// A while, for who waits.
const MOMENT: Duration = Duration::from_millis(5);

/// What takes longer never happens.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Later than any test is run.
pub(crate) const NEVER: &str = "2199-01-01T00:00:00Z";

/// What it serves, by path.
type Files = BTreeMap<String, Vec<u8>>;

/// How it serves.
#[derive(Default)]
struct Served {
    /// None once it has stopped answering.
    files: Option<Files>,
    /// Where else who asks for a path is sent.
    elsewhere: BTreeMap<String, String>,
    /// Whoever asks for this path waits until it is let go.
    held: Option<String>,
    /// What was asked for.
    asked: Vec<String>,
}

/// A repository, as long as this value lives.
pub(crate) struct Tuf {
    pub(crate) url: String,
    served: Arc<Mutex<Served>>,
    go: Arc<Condvar>,
    root: Ed25519KeyPair,
    role: Ed25519KeyPair,
    root_version: u64,
    version: u64,
}

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn public(key: &Ed25519KeyPair) -> String {
    hex(key.public_key().as_ref())
}

fn id(key: &Ed25519KeyPair) -> String {
    Digest::of(public(key).as_bytes()).hex()
}

/// The canonical JSON that TUF signs: names in order, no white space, nothing escaped but quotes and backslashes.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<&String, &Value> = members.iter().collect();
            let members: Vec<String> = sorted
                .iter()
                .map(|(name, value)| format!("\"{name}\":{}", canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

fn signed(body: &Value, keys: &[&Ed25519KeyPair]) -> Vec<u8> {
    let text = canonical(body);
    let signatures: Vec<Value> = keys
        .iter()
        .map(|key| json!({"keyid": id(key), "sig": hex(key.sign(text.as_bytes()).as_ref())}))
        .collect();
    json!({"signed": body, "signatures": signatures})
        .to_string()
        .into_bytes()
}

impl Tuf {
    /// A repository that has this target, whose keys are made from this seed.
    pub(crate) fn start(seed: u8, target: &[u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut tuf = Self {
            url,
            go: Arc::default(),
            served: Arc::new(Mutex::new(Served {
                files: Some(Files::new()),
                ..Served::default()
            })),
            root: key(seed),
            role: key(seed + 100),
            root_version: 1,
            version: 0,
        };
        tuf.put("/1.root.json", tuf.root_of(1, &tuf.root, &[&tuf.root]));
        tuf.publish(target, NEVER);
        let (served, go) = (tuf.served.clone(), tuf.go.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                serve(&stream, &served, &go);
            }
        });
        tuf
    }

    fn root_of(&self, version: u64, root: &Ed25519KeyPair, by: &[&Ed25519KeyPair]) -> Vec<u8> {
        let listed = |key: &Ed25519KeyPair| json!({"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": public(key)}});
        let role = |key: &Ed25519KeyPair| json!({"keyids": [id(key)], "threshold": 1});
        let roles = json!({
            "root": role(root), "timestamp": role(&self.role), "snapshot": role(&self.role), "targets": role(&self.role),
        });
        let mut keys = serde_json::Map::new();
        keys.insert(id(root), listed(root));
        keys.insert(id(&self.role), listed(&self.role));
        let body = json!({
            "_type": "root", "spec_version": "1.0.31", "version": version, "expires": NEVER,
            "consistent_snapshot": true, "keys": keys, "roles": roles,
        });
        signed(&body, by)
    }

    /// The metadata that trust in it begins with.
    pub(crate) fn bootstrap(&self) -> Vec<u8> {
        self.get("/1.root.json")
    }

    /// Publishes the next version, with this target and metadata that expires then.
    pub(crate) fn publish(&mut self, target: &[u8], expires: &str) {
        self.version += 1;
        let version = self.version;
        let head = |kind: &str| json!({"_type": kind, "spec_version": "1.0.31", "version": version, "expires": expires});
        let with = |mut body: Value, name: &str, value: Value| {
            body[name] = value;
            signed(&body, &[&self.role])
        };
        let hash = Digest::of(target).hex();
        let listed =
            json!({"trusted_root.json": {"length": target.len(), "hashes": {"sha256": hash}}});
        let targets = with(head("targets"), "targets", listed);
        let meta = json!({"targets.json": {"version": version}});
        let snapshot = with(head("snapshot"), "meta", meta);
        let meta = json!({"snapshot.json": {"version": version}});
        let timestamp = with(head("timestamp"), "meta", meta);
        self.put(
            &format!("/targets/{hash}.trusted_root.json"),
            target.to_vec(),
        );
        self.put(&format!("/{version}.targets.json"), targets);
        self.put(&format!("/{version}.snapshot.json"), snapshot);
        self.put("/timestamp.json", timestamp);
    }

    /// A new key for the root, introduced by the old one or by a forger who has only the new one.
    pub(crate) fn rotate(&mut self, honest: bool) {
        self.root_version += 1;
        let next = key(200 + u8::try_from(self.root_version).unwrap());
        let by: &[&Ed25519KeyPair] = if honest {
            &[&self.root, &next]
        } else {
            &[&next]
        };
        let root = self.root_of(self.root_version, &next, by);
        self.put(&format!("/{}.root.json", self.root_version), root);
        self.root = next;
    }

    /// What is served there.
    pub(crate) fn get(&self, path: &str) -> Vec<u8> {
        self.served.lock().unwrap().files.as_ref().unwrap()[path].clone()
    }

    /// Serves this there.
    pub(crate) fn put(&self, path: &str, bytes: Vec<u8>) {
        let mut served = self.served.lock().unwrap();
        let files = served.files.as_mut().unwrap();
        files.insert(path.to_owned(), bytes);
    }

    /// Answers nobody any more.
    pub(crate) fn stop(&self) {
        self.served.lock().unwrap().files = None;
    }

    /// Sends who asks for this path elsewhere.
    pub(crate) fn redirect(&self, path: &str, to: &str) {
        let mut served = self.served.lock().unwrap();
        served.elsewhere.insert(path.to_owned(), to.to_owned());
    }

    /// Lets whoever asks for this path wait.
    pub(crate) fn hold(&self, path: &str) {
        self.served.lock().unwrap().held = Some(path.to_owned());
    }

    /// Waits until somebody has asked for the path that is held.
    pub(crate) async fn is_asked(&self) {
        let asked = |served: &Served| {
            let held = served.held.as_ref().unwrap();
            served.asked.contains(held)
        };
        let asking = async {
            while !asked(&self.served.lock().unwrap()) {
                tokio::time::sleep(MOMENT).await;
            }
        };
        let asked = tokio::time::timeout(PATIENCE, asking).await;
        asked.expect("nobody asks for what is held");
    }

    /// Goes on.
    pub(crate) fn let_go(&self) {
        self.served.lock().unwrap().held = None;
        self.go.notify_all();
    }

    /// What it was asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.served.lock().unwrap().asked.clone()
    }
}

fn serve(stream: &TcpStream, served: &Mutex<Served>, go: &Condvar) {
    if served.lock().unwrap().files.is_none() {
        return;
    }
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default();
    // The head ends with an empty line.
    let _ = lines.by_ref().find(String::is_empty);
    let mut served = served.lock().unwrap();
    served.asked.push(path.to_owned());
    let held = |served: &mut Served| served.held.as_deref() == Some(path);
    let served = go.wait_while(served, held).unwrap();
    let none = Files::new();
    let files = served.files.as_ref().unwrap_or(&none);
    let (status, body) = match (served.elsewhere.get(path), files.get(path)) {
        (Some(to), _) => (format!("302 Found\r\nlocation: {to}"), b"".as_slice()),
        (None, Some(bytes)) => ("200 OK".to_owned(), bytes.as_slice()),
        (None, None) => ("404 Not Found".to_owned(), b"".as_slice()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = stream;
    let _ = stream.write_all(&[head.as_bytes(), body].concat());
}
