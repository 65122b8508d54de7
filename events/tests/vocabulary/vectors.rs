//! Golden vectors: for each version of each event one readable page, its leaf and the leaf's hash, only ever added to.
//!
//! `BLESS=1 cargo test -p events` writes those that are absent. One that exists is never written again: the past does
//! not change.
use std::fs;

use events::{Body, Event, digest::Digest};
use serde_json::Value;

use crate::{blessing, path, read, samples::samples};

const FOLDER: &str = "vectors";

/// The three files of a vector.
struct Vector {
    json: String,
    bytes: String,
    leaf: String,
}

fn vector(event: &Event) -> Vector {
    let bytes = event.to_leaf().unwrap();
    let value: Value = serde_json::from_slice(&bytes).unwrap();
    Vector {
        json: format!("{}\n", serde_json::to_string_pretty(&value).unwrap()),
        leaf: format!("{}\n", leaf_hash(&bytes)),
        bytes: String::from_utf8(bytes).unwrap(),
    }
}

/// The hash of a leaf in the log: SHA-256 of a zero byte and the leaf (RFC 6962, section 2.1).
fn leaf_hash(leaf: &[u8]) -> String {
    Digest::of_parts(&[0], leaf).hex()
}

fn hold(name: &str, extension: &str, content: &str) {
    let file = format!("{FOLDER}/{name}.{extension}");
    match read(&file) {
        Some(golden) => assert_eq!(golden, content, "{file} is golden and this is not it"),
        None if blessing() => {
            fs::create_dir_all(path(FOLDER)).unwrap();
            fs::write(path(&file), content).unwrap();
        }
        None => panic!("{file} is missing: BLESS=1 cargo test -p events"),
    }
}

#[test]
fn every_sample_is_written_as_it_always_was() {
    for sample in samples() {
        let (name, vector) = (sample.name(), vector(&sample.event));
        hold(&name, "json", &vector.json);
        hold(&name, "bytes", &vector.bytes);
        hold(&name, "leaf", &vector.leaf);
    }
}

#[test]
fn every_type_of_event_has_a_vector_of_its_current_version() {
    let names: Vec<String> = samples().iter().map(crate::samples::Sample::name).collect();
    for kind in Body::TYPES {
        let name = format!("{}.v{}", kind.name, kind.version);
        assert!(names.contains(&name), "{name}");
    }
}

/// Every leaf that was ever golden, retired versions included.
fn golden_leaves() -> Vec<(String, Vec<u8>)> {
    // Without the folder the test above fails.
    let entries = fs::read_dir(path(FOLDER)).into_iter().flatten();
    let files = entries.map(|entry| entry.unwrap().path());
    let leaves = files.filter(|file| file.extension().is_some_and(|it| it == "bytes"));
    leaves
        .map(|file| (file.display().to_string(), fs::read(&file).unwrap()))
        .collect()
}

#[test]
fn every_golden_leaf_is_read_to_this_day_and_hashes_to_the_same() {
    for (file, leaf) in golden_leaves() {
        let event = Event::read(&leaf).unwrap_or_else(|error| panic!("{file}: {error}"));
        let hash = fs::read_to_string(file.replace(".bytes", ".leaf")).unwrap();
        assert_eq!(hash.trim_end(), leaf_hash(&leaf), "{file}");
        let page = fs::read_to_string(file.replace(".bytes", ".json")).unwrap();
        let readable: Value = serde_json::from_str(&page).unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&leaf).unwrap(),
            readable,
            "{file}"
        );
        assert!(file.contains(event.body.event_type().name), "{file}");
    }
}

#[test]
fn rfc_7638_gives_its_own_example_the_same_thumbprint() {
    let observed = samples().into_iter().find_map(|sample| {
        if let Body::ProviderKeysObserved(observed) = sample.event.body {
            Some(observed)
        } else {
            None
        }
    });
    let thumbprint = observed.unwrap().keys[0].thumbprint;
    // NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs, from base64url.
    let expected = "3736cbb1787cb8309c77ee8c3705c5e16ffb9e8597159 01f1e4c59b11182f57b";
    assert_eq!(thumbprint.hex(), expected.replace(' ', ""));
}
