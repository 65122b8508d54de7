//! The arrows: which room of the server may use which, and what the pure crates may know.
//!
//! A room is a file or folder directly below `src`. Tests inside a room may use what they like.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// For each room: which other rooms, and which of our crates, it may use.
const ROOMS: &[(&str, &[&str], &[&str])] = &[
    ("world", &[], &["events"]),
    ("config", &[], &[]),
    ("blobs", &[], &["events"]),
    ("rubygems", &[], &["events"]),
    ("oidc", &[], &["events"]),
    (
        "monitor",
        &["world", "oidc", "remote", "sarif", "app"],
        &["events", "tlog", "deciders"],
    ),
    ("sarif", &[], &["events"]),
    ("sigstore", &[], &["events"]),
    ("compare", &["config", "rubygems"], &["events"]),
    ("remote", &[], &["tlog"]),
    ("store", &["world"], &["events", "projections", "tlog"]),
    ("witness", &["world", "store"], &["events", "tlog"]),
    (
        "views",
        &["store", "blobs", "rubygems", "app"],
        &["events", "projections", "tlog", "deciders"],
    ),
    (
        "app",
        &[
            "world", "config", "blobs", "rubygems", "oidc", "remote", "sigstore", "store", "views",
            "witness", "compare",
        ],
        &["events", "projections", "tlog", "deciders"],
    ),
    (
        "web",
        &["app", "views", "store", "blobs", "rubygems"],
        &["events"],
    ),
    (
        "http",
        &[
            "world", "config", "blobs", "rubygems", "oidc", "store", "views", "app", "web",
        ],
        &["events", "tlog", "deciders"],
    ),
    ("lockfile", &["config"], &["events"]),
    (
        "project",
        &["app", "config", "lockfile", "remote", "sarif"],
        &["events", "tlog"],
    ),
    (
        "demo",
        &["world", "config", "app", "http", "sigstore", "compare"],
        &["events", "tlog"],
    ),
    (
        "cli",
        &[
            "world", "config", "blobs", "oidc", "lockfile", "project", "sarif", "remote",
            "monitor", "store", "witness", "views", "app", "http", "demo", "compare",
        ],
        &["events", "tlog", "deciders"],
    ),
];

/// Which room alone may know an outside crate.
const DOORS: [(&str, &[&str]); 13] = [
    ("sqlx", &["store", "views"]),
    ("actix_web", &["http", "web", "demo"]),
    (
        "reqwest",
        &["oidc", "remote", "sigstore", "witness", "demo"],
    ),
    ("object_store", &["blobs"]),
    ("clap", &["cli"]),
    ("askama", &["web"]),
    ("getrandom", &["world"]),
    ("rcgen", &["demo"]),
    ("sigstore_types", &["sigstore"]),
    ("sigstore_trust_root", &["sigstore"]),
    ("sigstore_tuf", &["sigstore"]),
    ("sigstore_verify", &["sigstore"]),
    ("gix", &["compare", "demo"]),
];

/// What a crate may depend on, outside its tests: of ours, and nothing that waits, reads or asks.
const CRATES: [(&str, &[&str]); 4] = [
    ("events", &[]),
    ("tlog", &[]),
    ("deciders", &["events"]),
    ("projections", &["events"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let inside = entries.flat_map(|path| {
        if path.is_dir() {
            sources(&path)
        } else {
            vec![path]
        }
    });
    inside
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The code of a file: without its comments, and without the tests at its end.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines
        .map(|line| line.split(" // ").next().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Whether a path that starts with this crate occurs.
fn names(code: &str, name: &str) -> bool {
    code.match_indices(&format!("{name}::"))
        .any(|(at, _)| !code[..at].ends_with(|c| is_word(c) || c == ':'))
}

/// What is named directly after `crate::`, alone or in braces.
fn used_rooms(code: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| is_word(*c)).collect::<String>();
    let mut rooms = BTreeSet::new();
    for (_, rest) in code
        .match_indices("crate::")
        .map(|(at, found)| code.split_at(at + found.len()))
    {
        let Some(inside) = rest.strip_prefix('{') else {
            rooms.insert(word(rest));
            continue;
        };
        let mut depth = 0_u32;
        let mut starts = true;
        for (at, c) in inside.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => starts = true,
                c if depth == 0 && starts && is_word(c) => {
                    rooms.insert(word(&inside[at..]));
                    starts = false;
                }
                _ => {}
            }
        }
    }
    rooms
}

/// Each room with the code of its files.
fn rooms() -> BTreeMap<String, Vec<(PathBuf, String)>> {
    let mut rooms = BTreeMap::<String, Vec<_>>::new();
    for file in sources(&root().join("src")) {
        let inside = file.strip_prefix(root().join("src")).unwrap();
        let room = inside
            .iter()
            .next()
            .unwrap()
            .to_str()
            .unwrap()
            .trim_end_matches(".rs")
            .to_owned();
        let code = code(&file);
        if room != "lib" && room != "main" {
            rooms.entry(room).or_default().push((file, code));
        }
    }
    rooms
}

/// Files that are tests as a whole: `#[cfg(test)] mod NAME;` in the room's head file.
fn is_test(file: &Path) -> bool {
    let (Some(stem), Some(folder)) = (
        file.file_stem().and_then(|stem| stem.to_str()),
        file.parent(),
    ) else {
        return false;
    };
    let parent = fs::read_to_string(folder.with_extension("rs")).unwrap_or_default();
    parent.contains(&format!("#[cfg(test)]\nmod {stem};"))
}

#[test]
fn each_room_uses_only_the_rooms_and_crates_below_it() {
    let known: BTreeSet<&str> = ROOMS.iter().map(|(room, ..)| *room).collect();
    let rooms = rooms();
    assert_eq!(
        rooms.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        known,
        "every room has a line in the table"
    );
    for (room, may_use, may_know) in ROOMS.iter().copied() {
        for (file, code) in rooms[room].iter().filter(|(file, _)| !is_test(file)) {
            for used in used_rooms(code) {
                let fine = used == room
                    || !known.contains(used.as_str())
                    || may_use.contains(&used.as_str());
                assert!(fine, "{}: {room} must not use {used}", file.display());
            }
            for (other, _) in CRATES {
                assert!(
                    may_know.contains(&other) || !names(code, other),
                    "{}: {room} must not know {other}",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn each_outside_crate_enters_by_its_own_door() {
    for (room, files) in rooms() {
        for (file, code) in files.iter().filter(|(file, _)| !is_test(file)) {
            for (outside, doors) in DOORS {
                assert!(
                    doors.contains(&room.as_str()) || !names(code, outside),
                    "{}: {room} must not know {outside}",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn the_table_says_no_more_than_what_is_so() {
    let rooms = rooms();
    for (room, may_use, may_know) in ROOMS.iter().copied() {
        let all: String = rooms[room].iter().map(|(_, code)| code.as_str()).collect();
        let used = used_rooms(&all);
        for other in may_use {
            assert!(
                used.contains(*other),
                "{room} does not use {other}: take it out of the table"
            );
        }
        for other in may_know {
            assert!(
                names(&all, other),
                "{room} does not know {other}: take it out of the table"
            );
        }
    }
}

#[test]
fn sql_is_written_in_the_store_and_the_views_alone() {
    for (room, files) in rooms() {
        for (file, code) in files.iter().filter(|_| room != "store" && room != "views") {
            for word in ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM"] {
                assert!(
                    !code.contains(&format!("\"{word}")),
                    "{}: SQL in {room}",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn the_pure_crates_cannot_name_a_clock_a_socket_or_a_file() {
    for (name, _) in CRATES {
        let folder = root().join(name).join("src");
        let library = fs::read_to_string(folder.join("lib.rs")).unwrap();
        assert!(library.contains("\n#![no_std]\n"), "{name} is not no_std");
        for file in sources(&folder) {
            let code = code(&file).replace("#[cfg(test)]\nextern crate std;", "");
            let text = file.display();
            assert!(!code.contains("extern crate std"), "{text}");
        }
    }
}

#[test]
fn the_pure_crates_depend_on_nothing_that_waits_stores_or_asks() {
    let outside = [
        "tokio",
        "futures",
        "sqlx",
        "libsqlite3-sys",
        "reqwest",
        "actix-web",
        "hyper",
        "getrandom",
        "rand",
        "chrono",
        "time",
    ];
    for (name, ours) in CRATES {
        let arguments = [
            "tree",
            "--package",
            name,
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--locked",
            "--offline",
        ];
        let ran = Command::new(env!("CARGO"))
            .args(arguments)
            .current_dir(root())
            .output()
            .unwrap();
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        let tree = String::from_utf8(ran.stdout).unwrap();
        let packages: BTreeSet<&str> = tree
            .lines()
            .filter_map(|line| line.split(' ').next())
            .collect();
        for package in &packages {
            assert!(!outside.contains(package), "{name} depends on {package}");
            let foreign = CRATES
                .iter()
                .any(|(other, _)| other == package && *other != name && !ours.contains(other));
            assert!(!foreign, "{name} depends on {package}");
        }
        assert!(
            !packages.contains("gemledger"),
            "{name} depends on the server"
        );
    }
}

#[test]
fn every_file_opens_with_what_it_is_for_and_none_is_too_long_to_hold() {
    let folders = [
        "src",
        "tests",
        "benches",
        "events",
        "deciders",
        "projections",
        "tlog",
    ];
    for file in folders
        .iter()
        .flat_map(|folder| sources(&root().join(folder)))
    {
        let text = fs::read_to_string(&file).unwrap();
        let bare = text.trim_start() == "fn main() {}\n";
        assert!(
            text.starts_with("//! ") || bare,
            "{} does not say what it is for",
            file.display()
        );
    }
}
