//! Small grammars: versions, requirements and platforms are read and ordered as Ruby reads and orders them.

use std::cmp::Ordering;

use events::platform::Platform;
use events::version::GemVersion;
use gemledger::rubygems::gem_platform::GemPlatform;
use gemledger::rubygems::requirement::Requirement;
use serde_json::json;

use super::ruby::judge;

/// A small deterministic source of choices.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn text(&mut self, parts: &[&str], most: usize) -> String {
        let length = 1 + self.below(most);
        (0..length)
            .map(|_| parts[self.below(parts.len())])
            .collect()
    }
}

/// Ruby's -1, 0 and 1.
fn number(order: Ordering) -> i8 {
    match order {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }
}

#[test]
fn versions_are_ordered_as_ruby_orders_them() {
    let mut choices = Choices(1);
    let mut version = || {
        let rest = choices.text(
            &[
                "",
                ".0",
                ".0",
                ".1",
                ".2",
                ".10",
                ".a",
                ".b",
                ".rc1",
                ".A",
                ".0a",
                ".00",
                ".pre.1",
                ".99999999999999999999",
            ],
            5,
        );
        let text = format!("{}{rest}", ["0", "1", "01", "10"][choices.below(4)]);
        GemVersion::parse(&text).unwrap()
    };
    let pairs: Vec<(GemVersion, GemVersion)> = (0..6000).map(|_| (version(), version())).collect();
    let lines: Vec<String> = pairs
        .iter()
        .map(|(left, right)| format!("{left} {right}"))
        .collect();
    let judged = judge(&["versions"], &lines.join("\n"));
    for (place, (left, right)) in pairs.iter().enumerate() {
        let (ruby, order) = (&judged[place], left.semantic_cmp(right));
        assert_eq!(json!(number(order)), ruby["order"], "{left} {right}");
        assert_eq!(
            left.sort_key().cmp(&right.sort_key()),
            order,
            "{left} {right}"
        );
        assert_eq!(json!(left.is_prerelease()), ruby["prerelease"], "{left}");
        for (version, canonical) in [
            (left, &ruby["canonical"][0]),
            (right, &ruby["canonical"][1]),
        ] {
            assert_eq!(
                version.canonical(),
                canonical
                    .as_str()
                    .filter(|text| !text.is_empty())
                    .unwrap_or("0"),
                "{version}"
            );
        }
    }
}

#[test]
fn requirements_are_read_as_ruby_reads_them() {
    let mut choices = Choices(2);
    let parts = [
        "=", "!=", ">", "<", ">=", "<=", "~>", "=>", "~", " ", " ", "1", "1.0", "2.a", "0", ".",
        "-", ", >= 1", ",", "x",
    ];
    let mut texts: Vec<String> = (0..3000).map(|_| choices.text(&parts, 4)).collect();
    texts.extend([">= 1.0, < 3", "~> 1.2.3", "1.0", "~>1"].map(String::from));
    let judged = judge(&["requirements"], &texts.join("\n"));
    let mut accepted = 0;
    for (place, text) in texts.iter().enumerate() {
        if let Ok(requirement) = Requirement::parse(text) {
            assert_eq!(
                judged[place]["ok"],
                json!(requirement.to_string()),
                "{text}"
            );
            accepted += 1;
        } else if let Some(read) = judged[place]["ok"].as_str() {
            // Ruby rewrites a dash, which is why it is refused here.
            assert!(text.contains('-'), "Ruby reads {text:?} as {read}");
        }
    }
    assert!(accepted > 200, "{accepted}");
}

#[test]
fn accepted_platforms_come_apart_as_in_ruby() {
    let mut choices = Choices(3);
    let parts = [
        "x86",
        "x86_64",
        "i686",
        "arm64",
        "universal",
        "-",
        "-",
        "-",
        "linux",
        "darwin",
        "java",
        "mingw",
        "mingw32",
        "mswin32",
        "musl",
        "ucrt",
        "gnu",
        "20",
        "7.1",
        "openbsd",
        "unknown",
    ];
    let mut texts: Vec<String> = (0..4000)
        .map(|_| choices.text(&parts, 5))
        .filter(|text| Platform::parse(text).is_ok())
        .collect();
    texts.extend(
        [
            "x86_64-linux",
            "arm-linux-eabihf",
            "x86-mswin32-60",
            "x86_64-openbsd-7.1",
            "java",
            "dalvik",
            "x64-mingw-ucrt",
        ]
        .map(String::from),
    );
    let judged = judge(&["platforms"], &texts.join("\n"));
    let mut accepted = 0;
    for (place, text) in texts.iter().enumerate() {
        let Ok(Some(read)) = GemPlatform::read(&Platform::parse(text).unwrap()) else {
            continue;
        };
        accepted += 1;
        if read
            .version
            .as_deref()
            .is_some_and(|version| version.starts_with("gnu"))
        {
            continue;
        }
        assert_eq!(judged[place]["text"], json!(text));
        assert_eq!(
            judged[place]["parts"],
            json!([read.cpu, read.os, read.version]),
            "{text}"
        );
    }
    assert!(accepted > 50, "{accepted}");
}
