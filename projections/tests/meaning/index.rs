//! The compact index after any history: the bytes that Bundler reads.
use std::collections::{BTreeMap, BTreeSet};

use events::{
    Body, Recorded,
    gem::IndexLine,
    name::GemName,
    platform::{FullName, Platform},
    stream::StreamName,
    time::Timestamp,
    version::GemVersion,
};
use md5::{Digest as _, Md5};
use projections::{
    Cell,
    index::versions_head,
    memory::Memory,
    tables::{GEM, INFO, RELEASE, VERSION_LINE},
};
use proptest::prelude::*;

use crate::{after, golden};

/// A release of this gem, some seconds into the history.
fn release(index: u64, gem: &str, number: &str, platform: &str) -> Recorded {
    let mut recorded = golden!("release.pushed.v1", index);
    let event = &mut recorded.event;
    event.time = Timestamp::from_millis(event.time.millis() + index * 1500);
    let name = GemName::parse(gem).unwrap();
    event.stream = StreamName::gem(&name.folded());
    event.revision = index;
    if let Body::ReleasePushed(pushed) = &mut event.body {
        let dash = if platform == "ruby" {
            String::new()
        } else {
            format!("-{platform}")
        };
        let line = format!("{number}{dash} |checksum:{}", pushed.digest.hex());
        pushed.info = IndexLine::parse(&line).unwrap();
        pushed.name = name;
        pushed.number = GemVersion::parse(number).unwrap();
        pushed.platform = Platform::parse(platform).unwrap();
    }
    recorded
}

fn column(memory: &Memory, table: &str, column: &str) -> Vec<String> {
    let rows = memory
        .tables
        .get(table)
        .into_iter()
        .flat_map(BTreeMap::values);
    rows.map(|row| match &row[column] {
        Cell::Text(text) => text.clone(),
        Cell::Integer(number) => number.to_string(),
        Cell::Null => String::new(),
    })
    .collect()
}

#[test]
fn the_bytes_are_those_that_rubygems_would_serve() {
    let memory = after([
        release(0, "Rake", "1.0", "ruby"),
        release(1, "Rake", "1.0", "x86_64-linux"),
    ]);
    // SHA-256 of `rake-13.2.1.gem`, which stands for the file's bytes; the MD5 sums below are md5sum's.
    let digest = "a0627cc09f91b7ae398bd7df1ddf9bddb574f3f510f06b37594be8f2877fa91d";
    assert_eq!(
        column(&memory, INFO, "body"),
        [format!(
            "---\n1.0 |checksum:{digest},created_at:2026-11-23T02:55:02Z\n\
             1.0-x86_64-linux |checksum:{digest},created_at:2026-11-23T02:55:03Z\n"
        )]
    );
    assert_eq!(column(&memory, INFO, "name"), ["Rake"]);
    assert_eq!(
        column(&memory, INFO, "md5"),
        ["28c98b46a372f582d9747f900003d932"]
    );
    assert_eq!(
        column(&memory, VERSION_LINE, "line"),
        [
            "Rake 1.0 5daaa82f788272c0a010d9fc3fc7ea3f\n",
            "Rake 1.0-x86_64-linux 28c98b46a372f582d9747f900003d932\n"
        ]
    );
}

#[test]
fn versions_start_with_the_moment_the_ledger_was_opened() {
    let opened = golden!("log.opened.v1", 0).event.time;
    assert_eq!(
        versions_head(opened),
        "created_at: 2026-11-23T02:55:02Z\n---\n"
    );
}

#[test]
fn an_index_line_without_its_time_is_what_the_log_holds() {
    let recorded = release(0, "rake", "1.0", "ruby");
    let Body::ReleasePushed(pushed) = &recorded.event.body else {
        panic!("another event")
    };
    let line = projections::index::info_line(pushed, recorded.event.time);
    let created = format!(",created_at:{}", recorded.event.time.to_seconds_text());
    assert_eq!(line.strip_suffix(&created), Some(pushed.info.as_str()));
}

/// Some releases, each gem's versions and platforms once, in any order.
fn releases() -> impl Strategy<Value = Vec<(&'static str, &'static str, &'static str)>> {
    let gem = prop::sample::select(vec!["rake", "thor", "Rack", "a", "foo-1"]);
    let number = prop::sample::select(vec!["1.0", "1.1", "2.0.a", "10", "0"]);
    let platform = prop::sample::select(vec!["ruby", "ruby", "java", "x86_64-linux"]);
    proptest::collection::vec((gem, number, platform), 0..40).prop_map(|all| {
        let mut seen = BTreeSet::new();
        all.into_iter()
            .filter(|release| seen.insert(*release))
            .collect()
    })
}

proptest! {
    #[test]
    fn info_and_versions_hold_every_release_in_the_order_of_the_log(releases in releases()) {
        let history: Vec<_> = (0..).zip(&releases).map(|(index, (gem, number, platform))| release(index, gem, number, platform)).collect();
        let memory = after(history.clone());
        let mut infos = BTreeMap::<String, String>::new();
        let mut versions = String::new();
        for (recorded, (gem, number, platform)) in history.iter().zip(&releases) {
            let Body::ReleasePushed(pushed) = &recorded.event.body else { panic!("another event") };
            let info = infos.entry(gem.to_ascii_lowercase()).or_insert_with(|| "---\n".into());
            info.push_str(pushed.info.as_str());
            info.push_str(",created_at:");
            info.push_str(&recorded.event.time.to_seconds_text());
            info.push('\n');
            let dash = if *platform == "ruby" { String::new() } else { format!("-{platform}") };
            let md5 = events::digest::hex(&Md5::digest(info.as_bytes()));
            versions.extend([*gem, " ", *number, dash.as_str(), " ", md5.as_str(), "\n"]);
        }
        let expected: Vec<String> = infos.values().cloned().collect();
        prop_assert_eq!(column(&memory, INFO, "body"), expected);
        prop_assert_eq!(column(&memory, INFO, "gem"), infos.keys().cloned().collect::<Vec<_>>());
        let sums: Vec<_> = infos.values().map(|info| events::digest::hex(&Md5::digest(info.as_bytes()))).collect();
        prop_assert_eq!(column(&memory, INFO, "md5"), sums);
        prop_assert_eq!(column(&memory, VERSION_LINE, "line").concat(), versions);
    }

    #[test]
    fn counts_are_those_of_the_releases(releases in releases()) {
        let history = (0..).zip(&releases).map(|(index, (gem, number, platform))| release(index, gem, number, platform));
        let memory = after(history);
        let mut counts = BTreeMap::<String, u64>::new();
        let mut files = BTreeSet::new();
        for (gem, number, platform) in &releases {
            *counts.entry(gem.to_ascii_lowercase()).or_default() += 1;
            let (name, number) = (GemName::parse(gem).unwrap(), GemVersion::parse(number).unwrap());
            let platform = Platform::parse(platform).unwrap();
            files.insert(String::from(FullName::compose(&name, &number, &platform).unwrap()));
        }
        let expected: Vec<_> = counts.values().map(u64::to_string).collect();
        prop_assert_eq!(column(&memory, GEM, "releases"), expected);
        prop_assert_eq!(column(&memory, RELEASE, "log_index").len(), releases.len());
        prop_assert_eq!(column(&memory, RELEASE, "file").into_iter().collect::<BTreeSet<_>>(), files);
    }

    /// Reading the log in two halves, or twice as fast, changes nothing.
    #[test]
    fn a_replay_in_slices_gives_the_same_rows(releases in releases(), cut in any::<prop::sample::Index>()) {
        let history: Vec<_> = (0..).zip(&releases).map(|(index, (gem, number, platform))| release(index, gem, number, platform)).collect();
        let cut = cut.index(history.len() + 1);
        let mut sliced = after(history[..cut].to_vec());
        for recorded in &history[cut..] {
            sliced.advance(recorded);
        }
        prop_assert_eq!(sliced, after(history));
    }
}
