//! `kill -9` in the middle of pushes: what was acknowledged is there, and the ledger is sound.
use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use gemledger::demo::gem::build;

use crate::support::{
    http::{self, found},
    program::Ledger,
};

/// How many gems are pushed, by how many clients, and after how many answers the server is killed.
const GEMS: usize = 240;
const CLIENTS: usize = 4;
const KILLED_AFTER: [usize; 3] = [5, 40, 90];

fn gem(number: usize) -> (String, Vec<u8>) {
    let (name, version) = (format!("crash-{}", number % 7), format!("1.{number}.0"));
    let code = format!("NUMBER = {number}\n");
    (
        format!("{name}-{version}"),
        build(&name, &version, "Survives", code.as_bytes()),
    )
}

#[test]
fn every_acknowledged_push_survives_the_death_of_the_server() {
    let ledger = Ledger::new();
    let mut server = ledger.serve();
    let key = ledger.key("alice", "push_rubygem");
    let next = AtomicUsize::new(0);
    let acknowledged = Mutex::new(Vec::<usize>::new());
    for goal in KILLED_AFTER {
        let url = ledger.url();
        std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::SeqCst);
                        assert!(number < GEMS, "the server was not killed in time");
                        match http::push(&url, &key, &gem(number).1) {
                            Some(answer) if answer.status == 200 => {
                                acknowledged.lock().unwrap().push(number);
                            }
                            Some(answer) => panic!("{}: {}", answer.status, answer.text()),
                            None => return,
                        }
                    }
                });
            }
            while acknowledged.lock().unwrap().len() < goal {
                std::thread::yield_now();
            }
            server.kill();
        });
        // Nothing is repaired by a command: the audit looks at what the dead server left.
        ledger.is_sound();
        server = ledger.serve();
        let versions = found(&format!("{url}/versions"));
        let text = String::from_utf8(versions.clone()).unwrap();
        for number in acknowledged.lock().unwrap().iter() {
            let (full_name, bytes) = gem(*number);
            let line = format!("\n{} ", full_name.replace("-1.", " 1."));
            assert!(
                text.contains(&line),
                "{full_name} is not in /versions:\n{text}"
            );
            assert_eq!(found(&format!("{url}/gems/{full_name}.gem")), bytes);
        }
        // Whoever got no answer sends again.
        for number in 0..next.load(Ordering::SeqCst) {
            assert_eq!(
                http::push(&url, &key, &gem(number).1).unwrap().status,
                200,
                "{number}"
            );
        }
        let versions = found(&format!("{url}/versions"));
        let info = found(&format!("{url}/info/crash-0"));
        server.stop().ok();
        server = ledger.serve();
        assert_eq!(found(&format!("{url}/versions")), versions);
        assert_eq!(found(&format!("{url}/info/crash-0")), info);
        ledger.is_sound();
    }
}
