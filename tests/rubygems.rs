//! Ruby judges the `RubyGems` dialect: whatever is accepted here, Ruby itself reads the same.
//!
//! `rubygems/corpus.rb` writes gems, good, crooked and odd; `rubygems/judge.rb` says how Ruby reads them. Both are deterministic.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use events::name::GemName;
use events::platform::Platform;
use events::version::GemVersion;
use gemledger::rubygems::compact_index::{info_line, info_line_head};
use gemledger::rubygems::gem_platform::GemPlatform;
use gemledger::rubygems::requirement::Requirement;
use gemledger::rubygems::{
    Document, Gem, GemError, IndexLine, Limits, quick_gemspec_rz, read_gem, specs_gz,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What `make test` runs; more for a longer look.
const ODD_GEMS: &str = "1600";

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rubygems")
}

fn ruby(script: &str, arguments: &[&str], input: &str) -> Vec<u8> {
    let mut child = Command::new("ruby")
        .args(["-E", "UTF-8"])
        .arg(scripts().join(script))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("these tests need `ruby`: run `make test`, which installs it");
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{script} failed");
    output.stdout
}

fn judge(arguments: &[&str], input: &str) -> Value {
    serde_json::from_slice(&ruby("judge.rb", arguments, input)).unwrap()
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let read = |entry: std::fs::DirEntry| {
        (
            entry.file_name().into_string().unwrap(),
            std::fs::read(entry.path()).unwrap(),
        )
    };
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| read(entry.unwrap()))
        .collect()
}

fn corpus(seed: &str, odd: &str) -> (tempfile::TempDir, BTreeMap<String, Vec<u8>>) {
    let folder = tempfile::tempdir().unwrap();
    ruby(
        "corpus.rb",
        &[seed, odd, folder.path().to_str().unwrap()],
        "",
    );
    let files = files(folder.path());
    (folder, files)
}

fn read(bytes: &[u8]) -> Result<Gem, GemError> {
    read_gem(bytes, &Limits::default())
}

fn document(gem: &Gem) -> Value {
    serde_json::to_value(Document::from(&gem.specification)).unwrap()
}

#[test]
fn whatever_is_accepted_ruby_reads_the_same() {
    let (folder, files) = corpus("20261123", ODD_GEMS);
    let judged = judge(&["gems", folder.path().to_str().unwrap()], "");
    let mut accepted = 0;
    let mut refused = Vec::new();
    for (name, bytes) in &files {
        match read(bytes) {
            Ok(gem) => {
                let ruby = &judged[name];
                assert_eq!(
                    ruby["error"],
                    Value::Null,
                    "{name} is accepted, and Ruby says"
                );
                assert_eq!(document(&gem), ruby["ok"], "{name}");
                // This Ruby reads `x86_64-linux-gnu` as `x86_64-linux`; those since RubyGems 3.3.22 keep the text.
                if !gem.specification.platform.as_str().ends_with("-gnu") {
                    assert_eq!(
                        json!(format!("{}.gem", gem.specification.full_name)),
                        ruby["file_name"],
                        "{name}"
                    );
                }
                assert_eq!(json!(gem.contents.entries), ruby["entries"], "{name}");
                assert!(!name.starts_with("bad-"), "{name} must be refused");
                accepted += 1;
            }
            Err(error) => {
                assert!(
                    !name.starts_with("good-"),
                    "{name} must be accepted: {error}"
                );
                refused.push(format!("{name}: {error}"));
            }
        }
    }
    assert!(
        accepted > 300 && refused.len() > 500,
        "accepted {accepted}, refused {}",
        refused.len()
    );
}

#[test]
fn real_gems_are_accepted_and_read_as_ruby_reads_them() {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors");
    let folder = std::env::var_os("GEMLEDGER_VECTORS")
        .map_or_else(beside, PathBuf::from)
        .join("gems");
    if !folder.is_dir() {
        return;
    }
    let gems = tempfile::tempdir().unwrap();
    for (name, bytes) in files(&folder)
        .iter()
        .filter(|(name, _)| name.strip_suffix(".gem").is_some())
    {
        std::fs::write(gems.path().join(name), bytes).unwrap();
    }
    let judged = judge(&["gems", gems.path().to_str().unwrap()], "");
    for (name, bytes) in files(gems.path()) {
        let gem = read(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(document(&gem), judged[&name]["ok"], "{name}");
    }
}

#[test]
fn quick_specs_and_index_lines_say_to_ruby_what_the_gem_says() {
    let (_folder, files) = corpus("7", "400");
    let quick = tempfile::tempdir().unwrap();
    let mut gems = BTreeMap::new();
    for (name, bytes) in files {
        let Ok(gem) = read(&bytes) else { continue };
        std::fs::write(
            quick.path().join(&name),
            quick_gemspec_rz(&Document::from(&gem.specification)),
        )
        .unwrap();
        gems.insert(name, gem);
    }
    let judged = judge(&["quick", quick.path().to_str().unwrap()], "");
    let time = "2026-11-23T02:30:00Z";
    let lines: Vec<String> = gems
        .values()
        .map(|gem| info_line(&gem.specification, &gem.sha256_hex(), time))
        .collect();
    let parsed = judge(&["info"], &lines.join("\n"));
    assert!(gems.len() > 80, "{}", gems.len());
    for (place, (name, gem)) in gems.iter().enumerate() {
        let mut expected = document(gem);
        // Quick specs leave these out.
        expected["executables"] = json!([]);
        expected["has_extensions"] = json!(false);
        assert_eq!(expected, judged[name]["ok"], "{name}");
        assert_eq!(
            json!(gem.specification.full_name),
            judged[name]["full_name"],
            "{name}"
        );
        let parts = gem
            .specification
            .platform_parts
            .as_ref()
            .map(|parts| json!([parts.cpu, parts.os, parts.version]));
        assert_eq!(json!(parts), judged[name]["parts"], "{name}");
        check_line(gem, &lines[place], &parsed[place], time);
    }
}

/// A line means to Bundler's parser, and to ours, what the gem says.
fn check_line(gem: &Gem, line: &str, parsed: &Value, time: &str) {
    let spec = &gem.specification;
    assert_eq!(parsed["version"], json!(spec.version));
    assert_eq!(
        parsed["platform"],
        if spec.platform.is_ruby() {
            Value::Null
        } else {
            json!(spec.platform)
        }
    );
    assert_eq!(
        parsed["properties"][0],
        json!(["checksum", [gem.sha256_hex()]])
    );
    let mut expected: Vec<(String, Vec<String>)> = Vec::new();
    for dependency in spec
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind.as_str() == "runtime")
    {
        let mut constraints: Vec<String> = dependency
            .requirement
            .constraints()
            .iter()
            .map(ToString::to_string)
            .collect();
        constraints.sort();
        expected.push((dependency.name.to_string(), constraints));
    }
    expected.sort();
    assert_eq!(parsed["dependencies"], json!(expected));
    let back = IndexLine::parse(line).unwrap();
    assert_eq!(
        (back.version, back.platform, back.checksum),
        (
            spec.version.clone(),
            spec.platform.clone(),
            gem.sha256_hex()
        )
    );
    assert_eq!(back.created_at.as_deref(), Some(time));
    assert_eq!(
        IndexLine::parse(info_line_head(spec, &gem.sha256_hex()).as_str())
            .unwrap()
            .created_at,
        None
    );
}

#[test]
fn specs_indexes_load_in_ruby() {
    let row = |name: &str, version: &str, platform: &str| {
        (
            GemName::parse(name).unwrap(),
            GemVersion::parse(version).unwrap(),
            Platform::parse(platform).unwrap(),
        )
    };
    let mut rows = vec![
        row("b", "1.0", "ruby"),
        row("a", "1.9", "ruby"),
        row("a", "1.10", "ruby"),
        row("a", "1.10", "java"),
        row("a", "1.10.rc1", "ruby"),
    ];
    rows.extend((0..300).map(|number| row("z", &format!("{number}.0"), "ruby")));
    let folder = tempfile::tempdir().unwrap();
    let write =
        |name: &str, bytes: Vec<u8>| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("specs", specs_gz(rows.clone()));
    write("empty", specs_gz([]));
    let judged = judge(&["index", folder.path().to_str().unwrap()], "");
    assert_eq!(judged["empty"], json!([]));
    let found = judged["specs"].as_array().unwrap();
    assert_eq!(found.len(), rows.len());
    let start = [
        json!(["a", "1.10", "java"]),
        json!(["a", "1.10", "ruby"]),
        json!(["a", "1.10.rc1", "ruby"]),
        json!(["a", "1.9", "ruby"]),
    ];
    assert_eq!(found[..4], start);
    assert_eq!(found[5], json!(["z", "299.0", "ruby"]));
    rows.reverse();
    assert_eq!(
        specs_gz(rows.clone()),
        specs_gz(rows.into_iter().rev()),
        "the bytes depend on the rows alone"
    );
}

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
        assert_eq!(json!(order as i8), ruby["order"], "{left} {right}");
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

fn small() -> Limits {
    Limits {
        file: 1 << 20,
        metadata: 1 << 16,
        checksums: 1 << 12,
        signature: 1 << 12,
        data: 1 << 18,
        entries: 100,
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        prop_assert!(read_gem(&bytes, &small()).is_err());
    }

    #[test]
    fn arbitrary_text_is_no_gemspec_that_panics(text in "(?s).{0,200}") {
        let head = "--- !ruby/object:Gem::Specification\n";
        let _ = gemledger::rubygems::Specification::parse(&format!("{head}{text}"));
        let _ = gemledger::rubygems::Specification::parse(&format!("{head}name: {text}\n"));
        let _ = IndexLine::parse(&text);
        let _ = Requirement::parse(&text);
    }

    #[test]
    fn arbitrary_yaml_does_not_panic(parts in prop::collection::vec(prop::sample::select(vec![
        "\n", "\n  ", "- ", ": ", "a", "'", "\"", "? ", "|", ">", "[", "]", "{", "}", "&a", "*a", "!b ", "#", " ", "---", "...", ",", "\\", "%", "~", "\u{e9}", "-", "2",
    ]), 0..60)) {
        let _ = gemledger::rubygems::Specification::parse(&format!("--- !ruby/object:Gem::Specification\n{}", parts.concat()));
    }
}
