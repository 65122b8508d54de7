//! The log over HTTP: what monitors fetch, by names that have one spelling, and receipts that need no server.
use events::{Body, Event};
use gemledger::app::verify::verify;
use tlog::{Checkpoint, Hash, VerifierKey, leaf_hash, parse_bundle, root_of};

use super::{
    app::TestApp,
    given::{good, rake},
};

/// The log's own word about itself: its key, and its newest checkpoint.
async fn checkpoint(app: &TestApp) -> (VerifierKey, Checkpoint) {
    let vkey = app.get("/log/vkey").await.is(200);
    let key = VerifierKey::parse(vkey.text().trim_end()).unwrap();
    let note = app.get("/log/checkpoint").await.is(200);
    let checkpoint = Checkpoint::open(&note.body, &key).unwrap();
    (key, checkpoint)
}

/// A ledger with so many events.
async fn with_events(count: u64) -> TestApp {
    let app = rake().await;
    let mut size = app.traces().await.events;
    while size < count {
        app.account(&format!("account-{size}")).await;
        size += 1;
    }
    app
}

#[tokio::test]
async fn the_checkpoint_is_signed_and_covers_every_event() {
    let app = rake().await;
    let (key, checkpoint) = checkpoint(&app).await;
    assert_eq!(checkpoint.origin(), "gems.example.com/log/1");
    assert_eq!(key.name(), checkpoint.origin());
    assert_eq!(checkpoint.size(), app.traces().await.events);
    let answer = app.get("/log/checkpoint").await;
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    app.finish().await;
}

#[tokio::test]
async fn the_entries_are_the_events_and_give_the_root() {
    let app = with_events(300).await;
    let (_, checkpoint) = checkpoint(&app).await;
    assert_eq!(checkpoint.size(), 300);
    let mut leaves: Vec<Vec<u8>> = Vec::new();
    for path in ["/log/tile/entries/000", "/log/tile/entries/001.p/44"] {
        let bundle = app.get(path).await.is(200);
        assert_eq!(
            bundle.header("content-type"),
            Some("application/octet-stream")
        );
        assert_eq!(
            bundle.header("cache-control"),
            Some("public, max-age=31536000, immutable")
        );
        leaves.extend(
            parse_bundle(&bundle.body)
                .unwrap()
                .into_iter()
                .map(<[u8]>::to_vec),
        );
    }
    let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    assert_eq!(root_of(&hashes), *checkpoint.root());
    assert!(matches!(
        Event::read(&leaves[0]).unwrap().body,
        Body::LogOpened(_)
    ));
    assert_eq!(leaves, app.app.reader.leaves(0, 300).await.unwrap());
    for (path, from, to) in [
        ("/log/tile/0/000", 0, 256),
        ("/log/tile/0/001.p/44", 256, 300),
        ("/log/tile/0/000.p/7", 0, 7),
    ] {
        let tile = app.get(path).await.is(200);
        let expected: Vec<u8> = hashes[from..to]
            .iter()
            .flat_map(|hash| *hash.as_bytes())
            .collect();
        assert_eq!(tile.body, expected, "{path}");
    }
    let above = app.get("/log/tile/1/000.p/1").await.is(200);
    assert_eq!(above.body, root_of(&hashes[..256]).as_bytes());
    app.finish().await;
}

/// Beyond the log, or beyond what the tile holds now.
const BEYOND: &str = "0/002.p/1 0/001 0/001.p/45 1/000 1/000.p/2 1/001.p/1 2/000.p/1 entries/001 entries/001.p/45 \
                      entries/002.p/1 0/x001/000.p/1 63/000.p/1";
/// Other spellings of tiles that are there.
const SPELLINGS: &str = "0/0 0/00 0/0000 00/000 +0/000 0/x000/000 0/x00/000 0/000.p/0 0/000.p/256 0/000.p/01 0/000.p/ 0/000.p \
                         0/000/ /0/000 0//000 0/000.p/1/ 64/000 0/-01 0/1e2 0/000.P/1 entries/0 entries/000/ Entries/000 data/000";
/// The same names behind percent signs and dots.
const DISGUISES: &str = "%30/000 0/%30%30%30 0%2F000 0/000%2Ep/1 0/000%2ep/1 0/000.p%2F1 entries%2F000 %65ntries/000 ./0/000 \
                         0/../0/000 0/%2e%2e/0/000 0/000.p/%31 0/000%00 0/000;x 0/%20000";

#[tokio::test]
async fn a_tile_has_one_name_and_what_is_not_there_is_kept_by_no_cache() {
    let app = with_events(300).await;
    let names = [BEYOND, SPELLINGS, DISGUISES]
        .into_iter()
        .flat_map(str::split_whitespace);
    for name in names.chain([""]) {
        let (status, text) = app.line(&format!("GET /log/tile/{name}")).await;
        assert_eq!(status, 404, "{name}: {text}");
        assert!(text.contains("cache-control: no-store"), "{name}: {text}");
    }
    for name in ["checkpoint/", "Checkpoint", "tile", "", "checkpoint.json"] {
        let (status, text) = app.line(&format!("GET /log/{name}")).await;
        assert_eq!(status, 404, "{name}: {text}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_receipt_proves_a_release_without_this_server() {
    let app = rake().await;
    let key = app.job_key("acme/rake").await;
    app.push(&key, good("rake", "1.0.0")).await.is(200);
    let index = app.traces().await.events - 1;
    let (vkey, _) = checkpoint(&app).await;
    let receipt = app.get("/gems/rake-1.0.0.gem.tlog-proof").await.is(200);
    assert_eq!(
        receipt.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    let gem = app.get("/gems/rake-1.0.0.gem").await.body;
    let proven = verify(&gem, &receipt.body, &vkey).unwrap();
    assert_eq!(proven.index, index);
    assert_eq!(
        proven.release.source.unwrap().workflow.repository.as_str(),
        "acme/rake"
    );
    // Of another file, with another key, or with a bit changed it proves nothing.
    assert!(verify(&good("rake", "1.0.1"), &receipt.body, &vkey).is_err());
    let stranger = TestApp::public().await;
    assert!(verify(&gem, &receipt.body, stranger.app.key.verifier()).is_err());
    let text = receipt.text().to_owned();
    for at in (0..text.len()).step_by(97) {
        let mut changed = text.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert!(verify(&gem, &changed, &vkey).is_err(), "byte {at}");
    }
    for path in [
        "/gems/rake-1.0.1.gem.tlog-proof",
        "/gems/Rake-1.0.0.gem.tlog-proof",
    ] {
        app.get(path).await.is(404);
    }
    stranger.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn the_provenance_of_a_release_leads_to_the_commit() {
    let app = rake().await;
    let key = app.job_key("acme/rake").await;
    app.push(&key, good("rake", "1.0.0")).await.is(200);
    let record = app
        .get("/api/v1/gems/rake/versions/1.0.0/provenance")
        .await
        .is(200);
    for part in [
        "5a0f1d3c2b4e6f708192a3b4c5d6e7f801234567",
        "acme/rake",
        "release.yml",
        "9876543210",
    ] {
        assert!(record.text().contains(part), "{part}: {}", record.text());
    }
    for path in [
        "rake/versions/1.0.1",
        "rake/versions/1.0.0-java",
        "rack/versions/1.0.0",
        "rake/versions/x",
        "rake/versions/1.0.0-",
    ] {
        app.get(&format!("/api/v1/gems/{path}/provenance"))
            .await
            .refuses(404, "not_found", "");
    }
    app.finish().await;
}
