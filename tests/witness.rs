//! Witnesses of the real server: honest ones, crooked ones, and one that somebody else wrote.
use std::{process::Command, time::Duration};

use gemledger::demo::gem::build;
use tlog::{Checkpoint, Cosignature, CosignerKey, Note, Receipt, VerifierKey, cosignatures};

use crate::support::{
    http::{self, Answer, found, get},
    program::{Ledger, Server, run},
};

mod answers;
mod independent;
mod required;
mod rollback;

/// A ledger, and a key that may push to it.
struct Registry {
    ledger: Ledger,
    key: String,
    pushes: u64,
}

impl Registry {
    fn new() -> Self {
        let ledger = Ledger::in_memory();
        let server = ledger.serve();
        let key = ledger.key("alice", "push_rubygem");
        server.stop();
        Self {
            ledger,
            key,
            pushes: 0,
        }
    }

    /// Serves with these witnesses, asked without a pause.
    fn serve(&self, witnesses: &[String], more: &[&str]) -> Server {
        // Without roots of the map, nothing is signed between two looks of a test.
        let mut flags = vec!["--witness-pause", "0", "--map-interval-millis", "0"];
        for witness in witnesses {
            flags.extend(["--witness", witness]);
        }
        flags.extend(more);
        self.ledger.serve_with(&flags)
    }

    fn gem(number: u64) -> Vec<u8> {
        build("witnessed", &format!("1.{number}.0"), "Is seen", b"")
    }

    /// Pushes the next version.
    fn push(&mut self) -> Answer {
        self.pushes += 1;
        self.push_again()
    }

    /// Pushes the last version once more.
    fn push_again(&self) -> Answer {
        http::push(&self.ledger.url(), &self.key, &Self::gem(self.pushes)).unwrap()
    }

    fn log_key(&self) -> VerifierKey {
        let text = String::from_utf8(found(&format!("{}/log/vkey", self.ledger.url()))).unwrap();
        VerifierKey::parse(text.trim_end()).unwrap()
    }

    /// What `/log/checkpoint` shows.
    fn checkpoint(&self) -> Shown {
        let body = found(&format!("{}/log/checkpoint", self.ledger.url()));
        Shown::of(Note::parse(&body).unwrap(), &self.log_key())
    }

    /// The checkpoint in the receipt of the last version.
    fn receipt(&self) -> Shown {
        let name = format!("witnessed-1.{}.0", self.pushes);
        let body = found(&format!("{}/gems/{name}.gem.tlog-proof", self.ledger.url()));
        let receipt = Receipt::parse(&body).unwrap();
        receipt.verify(receipt.extra(), &self.log_key()).unwrap();
        Shown::of(receipt.checkpoint().clone(), &self.log_key())
    }

    /// The size that the server has signed.
    fn size(&self) -> u64 {
        get(&format!("{}/healthz", self.ledger.url())).json()["size"]
            .as_u64()
            .unwrap()
    }

    /// Waits until the newest checkpoint is shown with so many cosignatures of these keys.
    fn is_cosigned(&self, keys: &[CosignerKey], count: usize) -> Shown {
        wait_until("the newest checkpoint is cosigned", || {
            let shown = self.checkpoint();
            (shown.size() == self.size() && shown.by(keys).len() == count).then_some(shown)
        })
    }
}

/// A checkpoint that somebody was shown.
struct Shown {
    note: Note,
    checkpoint: Checkpoint,
}

impl Shown {
    fn of(note: Note, key: &VerifierKey) -> Self {
        Self {
            checkpoint: Checkpoint::of(&note, key).unwrap(),
            note,
        }
    }

    fn size(&self) -> u64 {
        self.checkpoint.size()
    }

    fn by(&self, keys: &[CosignerKey]) -> Vec<Cosignature> {
        cosignatures(&self.note, keys).unwrap()
    }
}

/// Looks again and again until there is something to see.
#[track_caller]
fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..3000 {
        if let Some(seen) = look() {
            return seen;
        }
        pause();
    }
    panic!("in vain: {what}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "between two looks at another process"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}

/// Waits until the server has said this.
#[track_caller]
fn said(server: &Server, words: &str) {
    wait_until(words, || server.log().contains(words).then_some(()));
}

/// Copies a folder as it is.
fn copy(from: &std::path::Path, to: &std::path::Path) {
    run(Command::new("cp").arg("-a").arg(from).arg(to)).ok();
}
