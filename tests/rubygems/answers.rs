//! Index bytes: quick specs, index lines and specs indexes mean to Ruby what the gem says.

use std::collections::BTreeMap;

use events::name::GemName;
use events::platform::Platform;
use events::version::GemVersion;
use gemledger::rubygems::compact_index::{info_line, info_line_head};
use gemledger::rubygems::{Document, Gem, IndexLine, quick_gemspec_rz, specs_gz};
use serde_json::{Value, json};

use super::ruby::{corpus, document, judge, read};

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
