//! Pages of the index that the client has already, in whole or in part.
use std::io::Read as _;

use flate2::read::GzDecoder;

use super::{
    given::good,
    index::{describes, released, with},
};

#[tokio::test]
async fn a_part_is_given_with_the_digest_of_the_whole() {
    let app = released().await;
    for path in ["/names", "/versions", "/info/Tool"] {
        let whole = app.get(path).await.body;
        let length = whole.len();
        for (range, from, to) in [
            ("bytes=4-", 4, length),
            ("bytes=0-0", 0, 1),
            ("bytes=2-5", 2, 6),
            ("bytes=-3", length - 3, length),
            ("bytes=3-99999999", 3, length),
        ] {
            let part = with(&app, path, &[("range", range)]).await.is(206);
            assert_eq!(part.body, whole[from..to], "{range}");
            assert_eq!(
                part.header("content-range").unwrap(),
                format!("bytes {from}-{}/{length}", to - 1)
            );
            describes(&part, &whole);
        }
        for range in [
            format!("bytes={length}-"),
            "bytes=99999999-".into(),
            "bytes=-0".into(),
        ] {
            let none = with(&app, path, &[("range", &range)]).await.is(416);
            assert_eq!(
                none.header("content-range").unwrap(),
                format!("bytes */{length}")
            );
            assert!(none.body.is_empty());
        }
        for range in [
            "bytes=5-2",
            "bytes=a-",
            "bytes=0-1,3-4",
            "lines=1-2",
            "bytes=+3-",
            "bytes=99999999999999999999999-",
        ] {
            assert_eq!(
                with(&app, path, &[("range", range)]).await.is(200).body,
                whole,
                "{range}"
            );
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_part_of_other_bytes_than_the_client_has_is_not_given() {
    let app = released().await;
    let whole = app.get("/versions").await;
    let etag = whole.header("etag").unwrap();
    with(
        &app,
        "/versions",
        &[("range", "bytes=4-"), ("if-range", etag)],
    )
    .await
    .is(206);
    let changed = with(
        &app,
        "/versions",
        &[("range", "bytes=4-"), ("if-range", "\"other\"")],
    )
    .await
    .is(200);
    assert_eq!(changed.body, whole.body);
    app.finish().await;
}

#[tokio::test]
async fn bundler_goes_on_where_it_stopped() {
    let app = released().await;
    let key = app.push_key("bob").await;
    let old = app.get("/versions").await;
    app.push(&key, good("zeta", "1.0.0")).await.is(200);
    let range = format!("bytes={}-", old.body.len() - 1);
    let part = with(
        &app,
        "/versions",
        &[
            ("range", &range),
            ("if-none-match", old.header("etag").unwrap()),
        ],
    )
    .await
    .is(206);
    let grown = [&old.body[..], &part.body[1..]].concat();
    assert_eq!(grown, app.get("/versions").await.body);
    describes(&part, &grown);
    app.finish().await;
}

#[tokio::test]
async fn the_index_comes_compressed_to_who_asks_and_plain_in_parts() {
    let app = released().await;
    for path in ["/names", "/versions"] {
        let plain = app.get(path).await;
        let small = with(&app, path, &[("accept-encoding", "gzip")])
            .await
            .is(200);
        assert_eq!(small.header("content-encoding"), Some("gzip"), "{path}");
        assert!(
            small
                .header("vary")
                .unwrap()
                .to_lowercase()
                .contains("accept-encoding")
        );
        let mut text = Vec::new();
        GzDecoder::new(&small.body[..])
            .read_to_end(&mut text)
            .unwrap();
        assert_eq!(text, plain.body);
        describes(&small, &plain.body);
        let part = with(
            &app,
            path,
            &[("accept-encoding", "gzip"), ("range", "bytes=4-")],
        )
        .await
        .is(206);
        assert_eq!(part.body, plain.body[4..]);
        assert_ne!(part.header("content-encoding"), Some("gzip"));
    }
    app.finish().await;
}

#[tokio::test]
async fn a_page_is_described_by_its_headers_and_not_sent_to_who_has_it() {
    let app = released().await;
    for path in ["/names", "/versions", "/info/Tool"] {
        let whole = app.get(path).await.is(200);
        assert_eq!(
            whole.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
        describes(&whole, &whole.body);
        let etag = whole.header("etag").unwrap();
        for tags in [etag, &format!("W/{etag}"), &format!("\"x\", {etag}"), "*"] {
            let known = with(
                &app,
                path,
                &[("if-none-match", tags), ("range", "bytes=0-1")],
            )
            .await
            .is(304);
            assert!(known.body.is_empty());
            describes(&known, &whole.body);
        }
        with(&app, path, &[("if-none-match", "\"x\"")])
            .await
            .is(200);
    }
    app.finish().await;
}
