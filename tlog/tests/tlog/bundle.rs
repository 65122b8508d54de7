//! Bundles of entries.

use proptest::prelude::*;
use tlog::{BundleError, parse_bundle, write_bundle};

#[test]
fn an_entry_stands_behind_its_length() {
    assert_eq!(
        write_bundle(&[&b"ab"[..], b"", b"c"]).unwrap(),
        b"\x00\x02ab\x00\x00\x00\x01c"
    );
    assert_eq!(
        parse_bundle(b"\x00\x02ab\x00\x00\x00\x01c").unwrap(),
        [&b"ab"[..], b"", b"c"]
    );
}

#[test]
fn the_longest_entry_has_65_535_bytes() {
    let longest = vec![7; 65_535];
    assert_eq!(
        parse_bundle(&write_bundle(&[&longest]).unwrap()).unwrap(),
        [&longest[..]]
    );
    let longer = vec![7; 65_536];
    assert_eq!(
        write_bundle(&[&longest, &longer]),
        Err(BundleError::EntryTooLong {
            place: 1,
            len: 65_536
        })
    );
}

#[test]
fn a_bundle_has_1_to_256_entries() {
    assert_eq!(write_bundle::<&[u8]>(&[]), Err(BundleError::Empty));
    assert_eq!(parse_bundle(b""), Err(BundleError::Empty));
    assert_eq!(
        parse_bundle(&write_bundle(&[b""; 256]).unwrap())
            .unwrap()
            .len(),
        256
    );
    assert_eq!(write_bundle(&[b""; 257]), Err(BundleError::TooManyEntries));
    assert_eq!(parse_bundle(&[0; 514]), Err(BundleError::TooManyEntries));
}

#[test]
fn a_bundle_that_ends_early_is_refused() {
    assert_eq!(
        parse_bundle(b"\x00"),
        Err(BundleError::Truncated { place: 0 })
    );
    assert_eq!(
        parse_bundle(b"\x00\x01"),
        Err(BundleError::Truncated { place: 0 })
    );
    assert_eq!(
        parse_bundle(b"\x00\x01a\x00\x02b"),
        Err(BundleError::Truncated { place: 1 })
    );
}

proptest! {
    #[test]
    fn entries_read_back_from_their_bundle(
        entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..=256),
    ) {
        let bundle = write_bundle(&entries).unwrap();
        prop_assert_eq!(parse_bundle(&bundle).unwrap(), entries);
    }

    #[test]
    fn bytes_that_are_a_bundle_are_written_back(bytes in prop::collection::vec(0..4_u8, 0..60)) {
        if let Ok(entries) = parse_bundle(&bytes) {
            prop_assert_eq!(write_bundle(&entries).unwrap(), bytes);
        }
    }
}
