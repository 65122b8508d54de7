//! The names and widths of tiles.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tlog::{EntriesPath, PathError, Resource, TilePath, entries_of, tiles_of, width_at};

use crate::neighbours;

fn tile(level: u8, index: u64, width: u16) -> TilePath {
    TilePath::new(level, index, width).unwrap()
}

#[test]
fn names_are_those_of_the_specification() {
    for (name, level, index, width) in [
        ("0/000", 0, 0, 256),
        ("0/005", 0, 5, 256),
        ("63/999", 63, 999, 256),
        ("1/x001/000", 1, 1000, 256),
        ("0/x001/x234/067", 0, 1_234_067, 256),
        ("0/x001/x234/067.p/8", 0, 1_234_067, 8),
        ("2/000.p/255", 2, 0, 255),
        ("0/x018/x446/x744/x073/x709/x551/615", 0, u64::MAX, 256),
    ] {
        assert_eq!(tile(level, index, width).to_string(), name);
        assert_eq!(TilePath::parse(name), Ok(tile(level, index, width)));
        assert_eq!(
            Resource::parse(name),
            Ok(Resource::Hashes(tile(level, index, width)))
        );
    }
}

#[test]
fn bundles_are_named_by_their_tile() {
    let bundle = EntriesPath::new(1_234_067, 8).unwrap();
    assert_eq!(bundle.to_string(), "entries/x001/x234/067.p/8");
    assert_eq!(
        Resource::parse("entries/x001/x234/067.p/8"),
        Ok(Resource::Entries(bundle))
    );
    assert_eq!(bundle.first_entry(), Some(1_234_067 * 256));
    assert_eq!(EntriesPath::parse("0/000"), Err(PathError::Level));
    assert_eq!(TilePath::parse("entries/000"), Err(PathError::Level));
}

#[test]
fn every_other_spelling_is_refused() {
    use PathError::{Index, Level, Width};
    for (name, error) in [
        ("", Level),
        ("0", Level),
        ("00/000", Level),
        ("01/000", Level),
        ("64/000", Level),
        ("256/000", Level),
        ("-1/000", Level),
        ("+1/000", Level),
        ("/0/000", Level),
        ("data/000", Level),
        ("entries", Level),
        ("Entries/000", Level),
        ("0/", Index),
        ("0/0", Index),
        ("0/00", Index),
        ("0/0000", Index),
        ("0/x000", Index),
        ("0/+00", Index),
        ("0/00x", Index),
        ("0/1000", Index),
        ("0/001/234", Index),
        ("0/x000/005", Index),
        ("0/x000/x001/005", Index),
        ("0/x001/x234/x067", Index),
        ("0/X001/067", Index),
        ("0/xx01/067", Index),
        ("0/x01/067", Index),
        ("0/x001//067", Index),
        ("0/x001/067/", Index),
        ("0//067", Index),
        ("0/x018/x446/x744/x073/x709/x551/616", Index),
        ("0/x999/x999/x999/x999/x999/x999/x999/x999/999", Index),
        ("0/٠٠٥", Index),
        ("0/000.p", Index),
        ("0/000.p8", Index),
        ("0/000 ", Index),
        ("0/000?x", Index),
        ("0/000.p/", Width),
        ("0/000.p/0", Width),
        ("0/000.p/256", Width),
        ("0/000.p/01", Width),
        ("0/000.p/+1", Width),
        ("0/000.p/1/", Width),
        ("0/000.p/1.p/1", Width),
        ("0/000.p/65537", Width),
        ("0/000.p/18446744073709551617", Width),
        ("entries/5", Index),
        ("entries/000/", Index),
        ("entries/000.p/256", Width),
    ] {
        assert_eq!(Resource::parse(name), Err(error), "{name}");
    }
}

#[test]
fn a_tile_has_a_level_up_to_63_and_1_to_256_hashes() {
    assert_eq!(TilePath::new(64, 0, 1), Err(PathError::Level));
    assert_eq!(TilePath::new(63, 0, 0), Err(PathError::Width));
    assert_eq!(TilePath::new(63, 0, 257), Err(PathError::Width));
    assert_eq!(EntriesPath::new(0, 0), Err(PathError::Width));
    assert_eq!(EntriesPath::new(0, 257), Err(PathError::Width));
}

#[test]
fn a_tree_of_70_000_leaves_has_the_shape_of_the_specification() {
    let mut shape: BTreeMap<(u8, u16), usize> = BTreeMap::new();
    tiles_of(70_000).for_each(|tile| *shape.entry((tile.level(), tile.width())).or_default() += 1);
    let known = [
        ((0, 112), 1),
        ((0, 256), 273),
        ((1, 17), 1),
        ((1, 256), 1),
        ((2, 1), 1),
    ];
    assert_eq!(shape.into_iter().collect::<Vec<_>>(), known);
    assert_eq!(
        tiles_of(70_000)
            .filter(|tile| tile.width() < 256)
            .collect::<Vec<_>>(),
        [tile(0, 273, 112), tile(1, 1, 17), tile(2, 0, 1),]
    );
    assert_eq!(entries_of(70_000).count(), 274);
    assert_eq!(entries_of(70_000).last(), EntriesPath::new(273, 112).ok());
}

#[test]
fn a_tree_of_256_leaves_has_a_full_tile_and_one_of_width_1_above() {
    assert_eq!(
        tiles_of(256).collect::<Vec<_>>(),
        [tile(0, 0, 256), tile(1, 0, 1)]
    );
    assert_eq!(
        entries_of(256).collect::<Vec<_>>(),
        [EntriesPath::new(0, 256).unwrap()]
    );
}

#[test]
fn a_tile_without_hashes_does_not_exist() {
    assert_eq!(tiles_of(0).count() + entries_of(0).count(), 0);
    assert_eq!(width_at(0, 0, 0), None);
    assert_eq!(width_at(0, 1, 256), None);
    assert_eq!(width_at(0, 1, 257), Some(1));
    assert_eq!(width_at(1, 0, 255), None);
    assert_eq!(width_at(1, 0, 256), Some(1));
    assert_eq!(width_at(7, 0, u64::MAX), Some(255));
    assert_eq!(width_at(8, 0, u64::MAX), None);
    assert_eq!(width_at(63, 0, u64::MAX), None);
    assert_eq!(width_at(255, 0, u64::MAX), None);
    assert_eq!(width_at(0, u64::MAX, u64::MAX), None);
}

#[test]
fn a_tree_holds_a_tile_and_each_of_its_beginnings() {
    assert!(tile(0, 273, 112).exists_in(70_000));
    assert!(tile(0, 273, 1).exists_in(70_000));
    assert!(!tile(0, 273, 113).exists_in(70_000));
    assert!(!tile(0, 273, 256).exists_in(70_000));
    assert!(!tile(0, 274, 1).exists_in(70_000));
    assert!(
        Resource::parse("entries/273.p/112")
            .unwrap()
            .exists_in(70_000)
    );
    assert!(
        !Resource::parse("entries/273.p/113")
            .unwrap()
            .exists_in(70_000)
    );
    assert!(!Resource::parse("3/000.p/1").unwrap().exists_in(70_000));
}

#[test]
fn no_name_has_a_neighbour_that_names_the_same() {
    for name in [
        "0/000",
        "0/x001/x234/067",
        "12/x001/067.p/25",
        "entries/x001/067.p/8",
    ] {
        let resource = Resource::parse(name).unwrap();
        for near in neighbours(name) {
            assert_ne!(Resource::parse(&near), Ok(resource), "{near}");
        }
    }
}

fn any_tile() -> impl Strategy<Value = TilePath> {
    let index = prop_oneof![0..2000_u64, any::<u64>()];
    (0..64_u8, index, 1..=256_u16).prop_map(|(level, index, width)| tile(level, index, width))
}

/// Texts made of the pieces that names are made of, so that some of them are names.
pub(crate) fn name_like() -> impl Strategy<Value = String> {
    "(0|1|7|63|64|00|entries)/(x?[0-9]{3}/){0,3}x?[0-9]{2,4}(\\.p/[0-9]{0,3}/?)?"
}

proptest! {
    #[test]
    fn a_tile_reads_back_from_its_name(tile in any_tile()) {
        prop_assert_eq!(TilePath::parse(&tile.to_string()), Ok(tile));
    }

    #[test]
    fn a_text_that_names_something_is_its_name(text in name_like()) {
        if let Ok(resource) = Resource::parse(&text) {
            prop_assert_eq!(resource.to_string(), text);
        }
    }

    #[test]
    fn the_tiles_of_a_tree_hold_every_hash_once(size in 0..200_000_u64) {
        let mut levels: BTreeMap<u8, u64> = BTreeMap::new();
        for tile in tiles_of(size) {
            prop_assert_eq!(width_at(tile.level(), tile.index(), size), Some(tile.width()));
            *levels.entry(tile.level()).or_default() += u64::from(tile.width());
        }
        let expected: BTreeMap<u8, u64> =
            (0..8).map(|level| (level, size >> (8 * level))).filter(|(_, hashes)| *hashes > 0).collect();
        prop_assert_eq!(levels, expected);
    }
}
