//! Files that are no gems, or crooked ones: each is refused with a reason, and nothing of it is kept.
use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};

use super::given::{Parts, gemspec, good, gzip, of, rake, tar};

/// Every file is refused with the reason beside it, in the words that `gem` users know, and leaves nothing behind.
async fn refused(files: Vec<(Vec<u8>, &str)>) {
    let app = rake().await;
    let key = app.push_key("alice").await;
    let before = app.traces().await;
    for (file, reason) in files {
        let answer = app.push(&key, file).await;
        let text = answer.text().to_owned();
        assert!(
            text.to_lowercase().contains(reason),
            "{reason:?} is not in: {text}"
        );
        let answer = answer.is(422);
        assert!(
            answer
                .text()
                .starts_with("This registry cannot process this gem.\n"),
            "{text}"
        );
        assert!(text.len() < 1000);
        app.left_nothing(before).await;
    }
    app.push(&key, good("tool", "1.0.0")).await.is(200);
    app.finish().await;
}

fn spec(from: &str, to: &str) -> Vec<u8> {
    let spec = gemspec("tool", "1.0.0");
    assert!(spec.contains(from), "{spec}");
    of(&spec.replace(from, to))
}

#[tokio::test]
async fn an_empty_body_is_no_gem() {
    let app = rake().await;
    let key = app.push_key("alice").await;
    let before = app.traces().await;
    app.push(&key, Vec::new())
        .await
        .says(400, "the body is empty");
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_archive_or_only_the_beginning_of_one_is_refused() {
    let gem = good("tool", "1.0.0");
    let mut cut = vec![
        (b"not a gem".to_vec(), "archive"),
        (vec![0; 10_240], "no metadata"),
        (vec![0xff; 4096], "archive"),
    ];
    for length in [
        1,
        511,
        512,
        600,
        1024,
        gem.len() / 2,
        gem.len() - 1024,
        gem.len() - 512,
        gem.len() - 1,
    ] {
        cut.push((gem[..length].to_vec(), "the gem"));
    }
    refused(cut).await;
}

#[tokio::test]
async fn what_follows_the_end_of_an_archive_is_refused() {
    let mut behind = good("tool", "1.0.0");
    behind.extend_from_slice(&good("evil", "1.0.0"));
    let mut garbage = good("tool", "1.0.0");
    garbage.extend_from_slice(&[7; 512]);
    refused(vec![(behind, "end"), (garbage, "end")]).await;
}

#[tokio::test]
async fn an_entry_that_is_there_twice_missing_or_foreign_is_refused() {
    let parts = Parts::of(&gemspec("tool", "1.0.0"));
    let entries = parts.entries();
    let with = |more: (&'static str, Vec<u8>)| {
        let mut entries = parts.entries();
        entries.push(more);
        tar(&entries)
    };
    refused(vec![
        (with(entries[0].clone()), "twice"),
        (with(entries[1].clone()), "twice"),
        (with(("metadata", b"x".to_vec())), "uncompressed"),
        (
            with(("../metadata.gz", entries[0].1.clone())),
            "unexpected entry",
        ),
        (with(("evil.rb", b"x".to_vec())), "unexpected entry"),
        (tar(&entries[1..]), "metadata.gz"),
        (
            tar(&[entries[0].clone(), entries[2].clone()]),
            "data.tar.gz",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_bomb_is_refused_before_it_is_unpacked() {
    let mut parts = Parts::of(&gemspec("tool", "1.0.0"));
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        bomb.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    parts.metadata = bomb.finish().unwrap();
    let metadata = parts.gem();
    let mut parts = Parts::of(&gemspec("tool", "1.0.0"));
    parts.checksums = Some(gzip(&vec![b' '; 1 << 20]));
    refused(vec![(metadata, "bytes"), (parts.gem(), "bytes")]).await;
}

#[tokio::test]
async fn a_part_that_two_readers_would_unpack_differently_is_refused() {
    let mut parts = Parts::of(&gemspec("tool", "1.0.0"));
    parts.metadata.extend_from_slice(&gzip(b"name: evil\n"));
    let two_members = parts.gem();
    let mut parts = Parts::of(&gemspec("tool", "1.0.0"));
    parts.data.extend_from_slice(b"behind");
    let behind = parts.gem();
    let mut parts = Parts::of(&gemspec("tool", "1.0.0"));
    parts.metadata = gemspec("tool", "1.0.0").into_bytes();
    let plain = parts.gem();
    refused(vec![
        (two_members, "gzip"),
        (behind, "gzip"),
        (plain, "gzip"),
    ])
    .await;
}

#[tokio::test]
async fn checksums_that_are_not_those_of_the_parts_are_refused() {
    let mut parts = Parts::of(&gemspec("tool", "1.0.0"));
    let honest = parts.entries()[2].1.clone();
    parts.checksums = Some(honest);
    parts.metadata = gzip(gemspec("evil", "1.0.0").as_bytes());
    let metadata = parts.gem();
    let mut parts = Parts::of(&gemspec("tool", "1.0.0"));
    let honest = parts.entries()[2].1.clone();
    parts.checksums = Some(honest);
    parts.data = gzip(&tar(&[("lib/evil.rb", b"exit".to_vec())]));
    refused(vec![(metadata, "checksum"), (parts.gem(), "checksum")]).await;
}

#[tokio::test]
async fn yaml_that_refers_to_itself_or_to_ruby_is_refused() {
    refused(vec![
        (
            spec("summary: A gem", "summary: &a A gem\ndescription2: *a"),
            "anchor",
        ),
        (
            spec(
                "authors:\n- The gemledger authors",
                "authors: &x\n- Me\nemail: *x",
            ),
            "anchor",
        ),
        (
            spec("summary: A gem", "summary: A gem\nsummary: Another"),
            "twice",
        ),
        (
            spec("summary: A gem", "summary: !ruby/object:Kernel {}"),
            "not a string",
        ),
        (of("--- !ruby/object:Gem::Specification\n"), "the gem"),
        (of(""), "the gem"),
        (of("[[[[[[[[[[[[[[[["), "the gem"),
        (of(&"a: ".repeat(10_000)), "the gem"),
    ])
    .await;
}

#[tokio::test]
async fn a_name_or_version_that_leads_elsewhere_is_refused() {
    let name = |name: &str| spec("name: tool", &format!("name: \"{name}\""));
    let version = |version: &str| spec("version: '1.0.0'", &format!("version: \"{version}\""));
    let mut files: Vec<(Vec<u8>, &str)> = Vec::new();
    for bad in [
        "../evil",
        "a/b",
        "..",
        ".",
        "-tool",
        "tool.gem",
        "to ol",
        "tool\\u0000",
        "tool\\n",
        "tóol",
        "",
        "1",
    ] {
        files.push((name(bad), "name"));
    }
    for bad in ["../1", "1/0", "1-0", "", "x", "1..0", "1.0 ", "1.0\\n2"] {
        files.push((version(bad), "version"));
    }
    for bad in ["../java", "a/b", "..", "x y"] {
        files.push((
            spec("platform: ruby", &format!("platform: \"{bad}\"")),
            "platform",
        ));
    }
    refused(files).await;
}

#[tokio::test]
async fn files_that_would_be_installed_elsewhere_are_refused() {
    let data = |path: &'static str| {
        let mut parts = Parts::of(&gemspec("tool", "1.0.0"));
        parts.data = gzip(&tar(&[(path, b"x".to_vec())]));
        parts.gem()
    };
    refused(vec![
        (data("../evil.rb"), "path"),
        (data("/etc/passwd"), "path"),
        (data("lib/../../evil.rb"), "path"),
    ])
    .await;
}
