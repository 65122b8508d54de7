//! Bytes from strangers: nothing panics, and nothing grows beyond its bound.

use gemledger::rubygems::requirement::Requirement;
use gemledger::rubygems::{IndexLine, Limits, Specification, read_gem};
use proptest::prelude::*;

use super::ruby::corpus;

/// Good gems, written once.
fn good_gems() -> &'static [Vec<u8>] {
    static GEMS: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
    GEMS.get_or_init(|| {
        let (_folder, files) = corpus("1", "0");
        files
            .into_iter()
            .filter(|(name, _)| name.starts_with("good-"))
            .map(|(_, bytes)| bytes)
            .collect()
    })
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
    fn damaged_gems_are_read_without_panic(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = which.get(good_gems()).clone();
        for (place, byte) in edits {
            *place.get_mut(&mut bytes) = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        // Most damage is refused; what is not was in a field that no reader looks at.
        if let Ok(gem) = read_gem(&bytes, &small()) {
            prop_assert!(gem.contents.entries <= small().entries && gem.contents.bytes <= small().data);
        }
    }

    #[test]
    fn arbitrary_text_is_no_gemspec_that_panics(text in "(?s).{0,200}") {
        let head = "--- !ruby/object:Gem::Specification\n";
        let _ = Specification::parse(&format!("{head}{text}"));
        let _ = Specification::parse(&format!("{head}name: {text}\n"));
        let _ = IndexLine::parse(&text);
        let _ = Requirement::parse(&text);
    }

    #[test]
    fn arbitrary_yaml_does_not_panic(parts in prop::collection::vec(prop::sample::select(vec![
        "\n", "\n  ", "- ", ": ", "a", "'", "\"", "? ", "|", ">", "[", "]", "{", "}", "&a", "*a", "!b ", "#", " ", "---", "...", ",", "\\", "%", "~", "\u{e9}", "-", "2",
    ]), 0..60)) {
        let _ = Specification::parse(&format!("--- !ruby/object:Gem::Specification\n{}", parts.concat()));
    }
}
