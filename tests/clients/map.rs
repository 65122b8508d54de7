//! The verifiable map of the real server: roots between pushes, `kill -9`, and the map made again at start.
use events::{name::FoldedName, time::Timestamp};
use gemledger::{
    app::lookup::{Verified, check},
    demo::gem::build,
};
use tlog::VerifierKey;

use crate::support::{
    http::{self, found, get},
    program::Ledger,
};

/// Roots as often as the server can.
const EAGER: [&str; 2] = ["--map-interval-millis", "1"];

fn gem(name: &str, version: &str) -> Vec<u8> {
    build(name, version, "Is in the map", b"puts 1\n")
}

/// What the log says of a gem, checked with the log's key; `None` while the map is not ready.
fn looked_up(ledger: &Ledger, gem: &str) -> Option<Verified> {
    let url = ledger.url();
    let vkey = String::from_utf8(found(&format!("{url}/log/vkey"))).unwrap();
    let answer = get(&format!("{url}/log/lookup/{gem}"));
    if answer.status == 503 {
        return None;
    }
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (key, gem) = (
        VerifierKey::parse(vkey.trim_end()).unwrap(),
        FoldedName::parse(gem).unwrap(),
    );
    Some(check(&answer.body, &gem, &key, Timestamp::default(), None).unwrap())
}

/// Waits until the map has so many releases of a gem.
fn until(ledger: &Ledger, gem: &str, releases: usize) -> Verified {
    loop {
        match looked_up(ledger, gem).filter(|found| found.releases().len() == releases) {
            Some(verified) => return verified,
            None => std::thread::yield_now(),
        }
    }
}

#[test]
fn roots_between_pushes_are_right_whenever_the_server_is_killed() {
    let ledger = Ledger::new();
    let mut server = ledger.serve_with(&EAGER);
    let key = ledger.key("alice", "push_rubygem");
    for round in 1..=4 {
        let url = ledger.url();
        std::thread::scope(|scope| {
            for client in 0..3 {
                let (url, key) = (&url, &key);
                scope.spawn(move || {
                    for patch in 0..5 {
                        let name = format!("map-{client}");
                        let version = format!("1.{round}.{patch}");
                        let pushed = http::push(url, key, &gem(&name, &version)).unwrap();
                        assert_eq!(pushed.status, 200, "{}", pushed.text());
                    }
                });
            }
        });
        // Whether or not the last root has been recorded.
        server.kill();
        ledger.is_sound();
        server = ledger.serve_with(&EAGER);
        for client in 0..3 {
            let name = format!("map-{client}");
            let verified = until(&ledger, &name, 5 * round);
            let info = String::from_utf8(found(&format!("{url}/info/{name}"))).unwrap();
            assert!(verified.hidden_from(&info).is_empty());
        }
        assert_eq!(looked_up(&ledger, "nothing").unwrap().state, None);
        assert!(!server.log().contains("ERROR"), "{}", server.log());
    }
    server.stop().ok();
    ledger.is_sound();
}

#[test]
fn a_server_that_records_no_roots_says_so() {
    let ledger = Ledger::new();
    let server = ledger.serve_with(&["--map-interval-millis", "0"]);
    let health = get(&format!("{}/healthz", ledger.url())).json();
    assert_eq!(health["map"], "off");
    let answer = get(&format!("{}/log/lookup/hello", ledger.url()));
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (404, Some("not_found"))
    );
    server.stop().ok();
}
