//! An honest log is read whole, from a server, a folder or a copy, at every size at which its tiles have another shape.
use tlog::{Hash, leaf_hash, verify_consistency, verify_inclusion};

use super::{Both, folder, leaves, open, read, tree};
use crate::support::published::Published;

/// Around the edges of tiles and levels.
const SIZES: [usize; 8] = [0, 1, 2, 255, 256, 257, 700, 66_000];

#[tokio::test(flavor = "multi_thread")]
async fn every_leaf_of_every_shape_of_tree_is_read_in_order() {
    for size in SIZES {
        let log = Published::of_size(size);
        let both = Both::of(&log);
        // The large one over HTTP would be requests and nothing else.
        for place in both.places().iter().skip(usize::from(size > 1000)) {
            assert!(read(place).await.unwrap() == log.leaves, "{size} {place}");
        }
    }
}

#[tokio::test]
async fn a_range_is_cut_out_of_its_bundles() {
    let log = Published::of_size(700);
    for place in Both::of(&log).places() {
        let tree = tree(&open(&place).await.unwrap()).await.unwrap();
        for (from, to) in [
            (0, 1),
            (255, 257),
            (300, 301),
            (699, 700),
            (256, 512),
            (5, 5),
        ] {
            let pages = tree.pages(from..to, |index, leaf: &[u8]| (index, leaf.to_vec()));
            let pages: Vec<_> = futures::TryStreamExt::try_collect(pages).await.unwrap();
            let read: Vec<_> = pages.into_iter().flat_map(|page| page.read).collect();
            let expected: Vec<_> = (from..to)
                .map(|index| (index, log.leaves[usize::try_from(index).unwrap()].clone()))
                .collect();
            assert_eq!(read, expected, "{from}..{to}");
        }
        assert_eq!(tree.leaf(699).await.unwrap(), log.leaves[699]);
        assert!(tree.leaf(700).await.is_err());
    }
}

#[tokio::test]
async fn proofs_made_from_tiles_are_those_that_others_accept() {
    let log = Published::of_size(700);
    let both = Both::of(&log);
    let tree = tree(&open(&both.places()[0]).await.unwrap()).await.unwrap();
    for index in [0, 255, 256, 511, 512, 699] {
        let leaf = leaf_hash(&log.leaves[usize::try_from(index).unwrap()]);
        let proof = tree.inclusion(index).await.unwrap();
        verify_inclusion(&leaf, index, 700, &proof, &log.root()).unwrap();
        let receipt = tree.receipt(index).await.unwrap();
        let leaf = &log.leaves[usize::try_from(index).unwrap()];
        assert_eq!(receipt.extra(), leaf);
        receipt.verify(leaf, log.key.verifier()).unwrap();
    }
    for old in [0, 1, 255, 256, 300, 512, 699, 700] {
        let before: Vec<Hash> = log.leaves[..usize::try_from(old).unwrap()]
            .iter()
            .map(|leaf| leaf_hash(leaf))
            .collect();
        let before = tlog::root_of(&before);
        assert_eq!(tree.root_at(old).await.unwrap(), before);
        let proof = tree.consistency(old).await.unwrap();
        verify_consistency(old, &before, 700, &log.root(), &proof).unwrap();
    }
    assert!(tree.root_at(701).await.is_err());
    assert!(tree.consistency(701).await.is_err());
    assert!(tree.inclusion(700).await.is_err());
}

#[tokio::test]
async fn a_kept_copy_is_a_mirror_and_is_not_fetched_again() {
    let server = Published::of_size(300).serve();
    let copy = tempfile::tempdir().unwrap();
    let ledger = open(&server.url())
        .await
        .unwrap()
        .keeping(folder(copy.path()));
    let signed = ledger.checkpoint(&[]).await.unwrap();
    leaves(&ledger.tree(&signed).await.unwrap()).await.unwrap();
    ledger.keep(&signed).await.unwrap();
    let mirrored = read(copy.path().to_str().unwrap()).await.unwrap();
    assert_eq!(mirrored, server.log().leaves);

    // The log grows: only what is new crosses the network.
    *server.log() = Published::of_size(600);
    server.manners().asked.clear();
    let signed = ledger.checkpoint(&[]).await.unwrap();
    let all = leaves(&ledger.tree(&signed).await.unwrap()).await.unwrap();
    ledger.keep(&signed).await.unwrap();
    assert_eq!(all, server.log().leaves);
    let asked = server.manners().asked.clone();
    assert!(
        !asked.contains(&"/log/tile/entries/000".to_owned()),
        "{asked:?}"
    );
    assert!(
        asked.contains(&"/log/tile/entries/001".to_owned()),
        "{asked:?}"
    );
    assert!(!copy.path().join("tile/entries/001.p").exists());
    assert_eq!(read(copy.path().to_str().unwrap()).await.unwrap(), all);
}

#[tokio::test]
async fn a_damaged_copy_is_mended_from_the_ledger() {
    let server = Published::of_size(300).serve();
    let copy = tempfile::tempdir().unwrap();
    let ledger = open(&server.url())
        .await
        .unwrap()
        .keeping(folder(copy.path()));
    let signed = ledger.checkpoint(&[]).await.unwrap();
    leaves(&ledger.tree(&signed).await.unwrap()).await.unwrap();
    for name in ["tile/entries/000", "tile/0/000"] {
        let path = copy.path().join(name);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..100]).unwrap();
        let all = leaves(&ledger.tree(&signed).await.unwrap()).await.unwrap();
        assert_eq!(all, server.log().leaves);
        assert_eq!(std::fs::read(&path).unwrap(), whole);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tile_that_many_bundles_stand_on_is_asked_for_once() {
    let server = Published::of_size(66_000).serve();
    let copy = tempfile::tempdir().unwrap();
    let ledger = open(&server.url())
        .await
        .unwrap()
        .keeping(folder(copy.path()));
    let signed = ledger.checkpoint(&[]).await.unwrap();
    let tree = ledger.tree(&signed).await.unwrap();
    // Sixteen bundles, eight at a time, all below one tile.
    let pages = tree.pages(0..4096, |index, _: &[u8]| index);
    let pages: Vec<_> = futures::TryStreamExt::try_collect(pages).await.unwrap();
    let read: Vec<u64> = pages.into_iter().flat_map(|page| page.read).collect();
    assert_eq!(read, (0..4096).collect::<Vec<_>>());
    let asked = server.manners().asked.clone();
    let upper = asked.iter().filter(|path| *path == "/log/tile/1/000");
    assert_eq!(upper.count(), 1, "{asked:?}");
    let left = std::fs::read_dir(copy.path().join("tile/0")).unwrap();
    let beside = left.filter(|entry| {
        let path = entry.as_ref().unwrap().path();
        path.extension().is_some_and(|extension| extension == "new")
    });
    assert_eq!(beside.count(), 0);
}
