//! The real program: a ledger's folder, the command line on it, and the server of it.
use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

/// What loosens a policy does not wait. Most tests are not about that.
const AT_ONCE: [&str; 2] = ["--loosening-delay", "0"];

/// Longer than anything takes here, even where everything else runs as well.
const PATIENCE: &str = "120";

/// What a program printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: code(output.status),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}

impl Ran {
    /// It must have ended so, and said this somewhere.
    #[track_caller]
    pub(crate) fn ends(self, code: i32, said: &str) -> Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert!(
            format!("{}{}", self.out, self.err).contains(said),
            "{said:?} was not said:\n{}{}",
            self.out,
            self.err
        );
        self
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.ends(0, "")
    }
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}

/// Runs a command that ends by itself, and ends it where it does not.
#[track_caller]
pub(crate) fn run(command: &Command) -> Ran {
    let mut patient = Command::new("timeout");
    patient
        .arg(PATIENCE)
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => patient.env(name, value),
            None => patient.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        patient.current_dir(folder);
    }
    let output = patient.stdin(Stdio::null()).output();
    output
        .unwrap_or_else(|error| {
            panic!("{command:?}: {error}; run `make test`, which installs what is missing")
        })
        .into()
}

/// A place on the loopback range that no other test uses.
fn address() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let (process, number) = (std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
    format!(
        "127.{}.{}.{}:8808",
        1 + process % 250,
        1 + process / 250 % 250,
        1 + number % 250
    )
}

/// A folder, and the address under which its ledger is served.
pub(crate) struct Ledger {
    folder: TempDir,
    address: String,
    path: String,
    /// What the command line is told beside `--data`.
    pub(crate) common: Vec<String>,
}

impl Ledger {
    /// No ledger yet: the first server opens one.
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            address: address(),
            path: String::new(),
            common: Vec::new(),
        }
    }

    /// The same in memory where there is such a folder, for tests that make many commits and lose no power.
    pub(crate) fn in_memory() -> Self {
        let memory = std::path::Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        Self {
            folder: folder.unwrap(),
            ..Self::new()
        }
    }

    /// The same, below this path.
    pub(crate) fn below(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            ..Self::new()
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}{}", self.address, self.path)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("ledger")
    }

    /// A file beside the ledger.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command
            .arg("--data")
            .arg(self.data())
            .args(&self.common)
            .args(arguments);
        command
    }

    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        run(&self.command(arguments))
    }

    /// Runs a command that must succeed and print one JSON value.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ran = run(self.command(arguments).arg("--json")).ok();
        serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("not one JSON value: {}", ran.out))
    }

    fn serve_command(&self, more: &[&str]) -> Command {
        let mut command = self.command(&["serve", "--listen", &self.address, "--url", &self.url()]);
        command
            .args(more)
            .env("GEMLEDGER_RATE_LIMIT", "off")
            .env("GEMLEDGER_LOG", "gemledger=debug");
        command
    }

    /// Starts the server and waits until it answers.
    pub(crate) fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    pub(crate) fn serve_with(&self, more: &[&str]) -> Server {
        let more = [AT_ONCE.as_slice(), more].concat();
        Server::start(self.serve_command(&more))
    }

    /// The same without what tests set that are not about the delay for what loosens.
    pub(crate) fn serve_as_it_comes(&self) -> Server {
        Server::start(self.serve_command(&[]))
    }

    /// Starts a server that must not come up.
    #[track_caller]
    pub(crate) fn serve_refused(&self, more: &[&str], said: &str) -> Ran {
        let more = [AT_ONCE.as_slice(), more].concat();
        run(&self.serve_command(&more)).ends(2, said)
    }

    /// A fresh account's key with these scopes.
    pub(crate) fn key(&self, account: &str, scopes: &str) -> String {
        self.run(&["account", "add", account]).ok();
        let issued = self.json(&["api-key", "issue", "--account", account, "--scopes", scopes]);
        issued["key"].as_str().unwrap().to_owned()
    }

    /// Replays and audits what is there.
    #[track_caller]
    pub(crate) fn is_sound(&self) {
        self.run(&["replay", "--check"]).ok();
        self.run(&["audit"]).ends(0, "every decision was lawful");
    }
}

/// The program, without the settings of whoever runs the tests. Its servers record no roots of the map unless told to:
/// when one comes depends on the clock, and a test counts events.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gemledger"));
    for name in [
        "DATA",
        "KEYS",
        "ANCHOR",
        "LISTEN",
        "URL",
        "LOG",
        "RATE_LIMIT",
        "REFRESH_TRUST_ROOTS",
        "WITNESSES",
        "API_KEY",
    ] {
        command.env_remove(format!("GEMLEDGER_{name}"));
    }
    command.env("GEMLEDGER_MAP_INTERVAL_MILLIS", "0");
    command
}

/// A running command that talks and does not end by itself; it is killed when it is dropped, also by a test that fails.
pub(crate) struct Talking(Child);

impl Talking {
    /// The command, and what it prints.
    pub(crate) fn start(mut command: Command) -> (Self, ChildStdout) {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let out = child.stdout.take().unwrap();
        (Self(child), out)
    }
}

impl Drop for Talking {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running server; it is killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let (up, is_up) = mpsc::channel();
        let copy = log.clone();
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if line.starts_with("serving ") {
                    let _ = up.send(());
                }
                *copy.lock().unwrap() += &(line + "\n");
            }
        });
        let server = Self {
            child,
            log,
            reader: Some(reader),
        };
        let came = is_up.recv_timeout(Duration::from_mins(1));
        assert!(
            came.is_ok(),
            "the server did not come up:\n{}",
            server.log()
        );
        server
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// `kill -9`: nothing is answered, nothing is closed.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, as an init system does.
    pub(crate) fn ask_to_stop(&self) {
        let signal = format!("kill -TERM {}", self.child.id());
        run(Command::new("sh").args(["-c", &signal])).ok();
    }

    /// Waits for it to end by itself.
    pub(crate) fn ended(mut self) -> Ran {
        let status = self.child.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        Ran {
            code: code(status),
            out: String::new(),
            err: self.log(),
        }
    }

    pub(crate) fn stop(self) -> Ran {
        self.ask_to_stop();
        self.ended()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
