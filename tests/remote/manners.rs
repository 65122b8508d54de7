//! Servers that are busy, compress, ask who is there, have dropped what is no longer needed, or are not there at all.
use gemledger::remote::{Credential, HttpClient, RemoteError, Source};

use super::{open, open_as, read, settings};
use crate::support::published::Published;

#[tokio::test]
async fn a_busy_server_is_asked_again_and_not_for_ever() {
    let server = Published::of_size(3).serve();
    server.manners().busy = 3;
    assert_eq!(read(&server.url()).await.unwrap().len(), 3);
    server.manners().busy = 4;
    let error = read(&server.url()).await.unwrap_err();
    assert!(
        matches!(error, RemoteError::Status { status: 503, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn compressed_answers_are_the_same_and_bombs_are_not_unpacked() {
    let server = Published::of_size(300).serve();
    server.manners().gzip = true;
    assert_eq!(read(&server.url()).await.unwrap().len(), 300);
    server
        .log()
        .files
        .insert("checkpoint".into(), vec![0; 50_000_000]);
    let error = read(&server.url()).await.unwrap_err();
    assert!(error.to_string().contains("answer_too_long"), "{error}");
}

#[tokio::test]
async fn a_private_ledger_is_read_with_a_key_that_does_not_travel_in_the_clear() {
    let server = Published::of_size(3).serve();
    server.manners().authorization = Some("gemledger_key".into());
    let error = open(&server.url()).await.err().unwrap();
    assert!(matches!(error, RemoteError::Status { status: 401, .. }));
    assert!(error.hint().unwrap().contains("GEMLEDGER_API_KEY"));
    assert!(open_as(&server.url(), Some("gemledger_key")).await.is_ok());

    let key = || Credential::new("gemledger_key");
    for clear in ["http://gems.example.com", "http://10.0.0.1:80/"] {
        let error = Source::parse(clear, key(), settings()).err().unwrap();
        assert!(error.to_string().contains("in the clear"), "{error}");
        assert!(Source::parse(clear, None, settings()).is_ok());
    }
    assert!(Source::parse("https://gems.example.com", key(), settings()).is_ok());
    assert!(Credential::new("a\nb").is_none() && Credential::new(" ").is_none());
}

#[tokio::test]
async fn a_partial_tile_that_is_gone_is_taken_from_the_full_one() {
    let small = Published::of_size(300);
    let grown = Published::of_size(600);
    let mut mixed = grown.clone();
    mixed
        .files
        .insert("checkpoint".into(), small.files["checkpoint"].clone());
    // The checkpoint is still that of 300 leaves, the files are those of 600; at level 1 both have partial tiles.
    let upper = small.files["tile/1/000.p/1"].clone();
    mixed.files.insert("tile/1/000.p/1".into(), upper);
    let server = mixed.serve();
    assert_eq!(read(&server.url()).await.unwrap(), small.leaves);
    let asked = server.manners().asked.clone();
    let place = |name: &str| asked.iter().position(|path| path == name).unwrap();
    assert!(place("/log/tile/0/001.p/44") < place("/log/tile/0/001"));
    assert!(place("/log/tile/entries/001.p/44") < place("/log/tile/entries/001"));
}

#[tokio::test]
async fn nobody_there_is_no_lie() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = open(&address).await.err().unwrap();
    assert!(matches!(error, RemoteError::Unreachable { .. }), "{error}");
    let server = Published::of_size(3).serve();
    server.log().files.remove("checkpoint");
    let error = read(&server.url()).await.unwrap_err();
    assert!(matches!(error, RemoteError::Status { status: 404, .. }));
    server.log().files.remove("vkey");
    let error = read(&server.url()).await.unwrap_err();
    assert!(matches!(error, RemoteError::NoKey(_)) && error.hint().is_some());
}

#[tokio::test]
async fn only_addresses_of_registries_and_folders_are_taken() {
    for bad in [
        "/nowhere/at/all",
        "ftp://gems.example.com",
        "https://user@gems.example.com",
        "https://gems.example.com?a=b",
        "https://",
    ] {
        assert!(Source::parse(bad, None, settings()).is_err(), "{bad}");
    }
    for (given, asked) in [
        ("https://gems.example.com", "https://gems.example.com/log"),
        ("https://gems.example.com/", "https://gems.example.com/log"),
        (
            "https://gems.example.com/a/log",
            "https://gems.example.com/a/log",
        ),
    ] {
        let source = Source::parse(given, None, settings()).unwrap();
        assert_eq!(source.to_string(), asked);
    }
    let client = HttpClient::new("https://gems.example.com/hook", None, settings()).unwrap();
    assert_eq!(client.address(), "https://gems.example.com/hook/");
}
