//! One folder, one server: locks, an orderly end, and what is refused when files are lost or old.
use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use gemledger::demo::gem::build;

use crate::support::{
    http::{self, found},
    program::Ledger,
};

fn hello(version: &str) -> Vec<u8> {
    build("hello", version, "Says hello", b"puts 'hello'\n")
}

#[test]
fn a_second_server_is_refused_by_name_while_commands_keep_working_on_the_running_one() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let refused = ledger.run(&["serve", "--listen", "127.0.0.1:0", "--url", &ledger.url()]);
    refused
        .ends(2, "another gemledger serves")
        .ends(2, ledger.data().to_str().unwrap());
    // What the command line writes, the running server obeys at once.
    let key = ledger.key("alice", "push_rubygem");
    assert_eq!(
        http::push(&ledger.url(), &key, &hello("1.0.0"))
            .unwrap()
            .status,
        200
    );
    ledger.run(&["account", "disable", "alice"]).ok();
    assert_eq!(
        http::push(&ledger.url(), &key, &hello("1.1.0"))
            .unwrap()
            .status,
        401
    );
    ledger.is_sound();
}

#[test]
fn commands_and_server_write_at_the_same_time_and_nothing_is_lost() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let key = ledger.key("alice", "push_rubygem");
    let url = ledger.url();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for minor in 0..30 {
                let answer = http::push(&url, &key, &hello(&format!("1.{minor}.0"))).unwrap();
                assert_eq!(answer.status, 200, "{}", answer.text());
            }
        });
        for number in 0..10 {
            ledger
                .run(&["account", "add", &format!("account-{number}")])
                .ok();
        }
    });
    let versions = String::from_utf8(found(&format!("{url}/versions"))).unwrap();
    assert_eq!(
        versions
            .lines()
            .filter(|line| line.starts_with("hello "))
            .count(),
        30
    );
    ledger.is_sound();
}

#[test]
fn a_server_that_is_asked_to_stop_answers_first_what_it_has_accepted() {
    let ledger = Ledger::new();
    let server = ledger.serve();
    let key = ledger.key("alice", "push_rubygem");
    let gem = hello("1.0.0");
    let (first, rest) = gem.split_at(gem.len() / 2);
    let mut slow = TcpStream::connect(ledger.address()).unwrap();
    let head = format!(
        "POST /api/v1/gems HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\nContent-Length: {}\r\n",
        gem.len()
    );
    slow.write_all(format!("{head}Expect: 100-continue\r\nConnection: close\r\n\r\n").as_bytes())
        .unwrap();
    // The interim answer says that the request was accepted.
    let mut interim = [0_u8; 25];
    slow.read_exact(&mut interim).unwrap();
    assert!(interim.starts_with(b"HTTP/1.1 100 Continue"));
    slow.write_all(first).unwrap();
    server.ask_to_stop();
    while TcpStream::connect(ledger.address()).is_ok() {
        std::thread::yield_now();
    }
    slow.write_all(rest).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    server.ended().ok();
    let _server = ledger.serve();
    assert_eq!(
        found(&format!("{}/gems/hello-1.0.0.gem", ledger.url())),
        gem
    );
}

#[test]
fn a_lost_data_folder_is_not_silently_replaced_and_open_new_makes_the_next_log() {
    let mut ledger = Ledger::new();
    let (keys, anchor) = (ledger.beside("keys"), ledger.beside("anchor"));
    ledger.common = [
        "--keys",
        keys.to_str().unwrap(),
        "--anchor",
        anchor.to_str().unwrap(),
    ]
    .map(str::to_owned)
    .into();
    let server = ledger.serve();
    let first = String::from_utf8(found(&format!("{}/log/vkey", ledger.url()))).unwrap();
    server.stop().ok();
    fs::remove_dir_all(ledger.data()).unwrap();
    ledger
        .serve_refused(&[], "belongs to a ledger whose database is missing")
        .ends(2, "--open-new");
    assert!(!ledger.data().join("ledger.db").exists());
    ledger.run(&["account", "add", "alice"]).ends(2, "hint:");

    let server = ledger.serve_with(&["--open-new"]);
    let second = String::from_utf8(found(&format!("{}/log/vkey", ledger.url()))).unwrap();
    assert!(
        first.starts_with(&format!("{}/log/1+", ledger.address())),
        "{first}"
    );
    assert!(
        second.starts_with(&format!("{}/log/2+", ledger.address())),
        "{second}"
    );
    server.stop().ok();
    // From now on it is an ordinary ledger.
    let _server = ledger.serve();
    ledger.is_sound();
}

#[test]
fn a_database_that_is_older_than_its_anchor_is_refused_and_the_way_out_is_said() {
    let ledger = Ledger::new();
    let server = ledger.serve();
    let key = ledger.key("alice", "push_rubygem");
    assert_eq!(
        http::push(&ledger.url(), &key, &hello("1.0.0"))
            .unwrap()
            .status,
        200
    );
    server.stop().ok();
    let names = ["ledger.db", "ledger.db-wal", "ledger.db-shm"];
    let backup = |from: &std::path::Path, to: &std::path::Path| {
        for name in names {
            let _ = fs::remove_file(to.join(name));
            if from.join(name).exists() {
                fs::copy(from.join(name), to.join(name)).unwrap();
            }
        }
    };
    let kept = ledger.beside("backup");
    fs::create_dir(&kept).unwrap();
    backup(&ledger.data(), &kept);
    let server = ledger.serve();
    assert_eq!(
        http::push(&ledger.url(), &key, &hello("1.1.0"))
            .unwrap()
            .status,
        200
    );
    server.stop().ok();
    backup(&kept, &ledger.data());
    let refused = ledger.serve_refused(&[], "anchor");
    assert!(
        refused.err.contains("hint:") || refused.err.contains("restore"),
        "{}",
        refused.err
    );
    ledger.run(&["account", "add", "bob"]).ends(2, "anchor");
    assert_ne!(ledger.run(&["audit"]).code, 0);
}
