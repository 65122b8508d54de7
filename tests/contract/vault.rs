//! The vault: what is erased is gone from every byte on disk, and nothing that was proven changes.
use std::fs;

use events::{Body, digest::Digest, event::Draft, log::SubjectErased, stream::StreamName};
use gemledger::store::{
    VaultRow,
    vault::{self, SubjectKeys},
};
use sqlx::{Connection as _, SqliteConnection};

use super::on_every_kind;
use crate::support::{
    history::{exchanged, sealing, token},
    store::{Kind, OnSqlite, Place, Request, Running},
};

on_every_kind! {
    erasing_a_subject_leaves_the_log_and_its_proofs_as_they_were,
    a_token_that_is_denied_and_accepted_later_opens_with_the_key_that_sealed_it,
    a_file_of_keys_that_fails_fails_the_batch_and_works_again_afterwards,
}

/// Seals this value with the exchange of token `number`, and appends both.
async fn exchange<K: Kind>(running: &Running<K>, subjects: &SubjectKeys, number: u64) -> Digest {
    let (request, commitment) = sealed_exchange(subjects, number);
    running.request(request).await.unwrap();
    commitment
}

fn sealed_exchange(subjects: &SubjectKeys, number: u64) -> (Request, Digest) {
    let stream = token(number);
    let value = format!("a.b.{number}");
    let seal = vault::seal(&subjects.fresh(&stream), &stream, &value, None).unwrap();
    let mut request = Request::new(vec![sealing(exchanged(number), seal.commitment)]);
    request.group.vault.push(seal.row);
    (request, seal.commitment)
}

async fn open(
    subjects: &SubjectKeys,
    rows: &[VaultRow],
    number: u64,
    of: &Digest,
) -> Option<String> {
    let row = rows.iter().find(|row| row.commitment == of.hex()).unwrap();
    let key = subjects.key(&token(number)).await.unwrap()?;
    vault::open(&key, of, &row.sealed).map(|value| value.as_str().to_owned())
}

async fn erasing_a_subject_leaves_the_log_and_its_proofs_as_they_were<K: Kind>() {
    let place = Place::<K>::new();
    let (running, subjects) = (place.open().await, place.subjects().await);
    let first = exchange(&running, &subjects, 1).await;
    let second = exchange(&running, &subjects, 2).await;
    let before = place.audit().await;
    assert_eq!(
        open(&subjects, &before.vault, 1, &first).await.as_deref(),
        Some("a.b.1")
    );
    let body = Body::SubjectErased(SubjectErased { subject: token(1) });
    running
        .append(vec![Draft::new(StreamName::log(), body)])
        .await
        .unwrap();
    subjects.erase(&token(1)).await.unwrap();
    let after = place.audit().await;
    assert_eq!(open(&subjects, &after.vault, 1, &first).await, None);
    assert_eq!(
        open(&subjects, &after.vault, 2, &second).await.as_deref(),
        Some("a.b.2")
    );
    assert_eq!(
        after.events[..2],
        before.events,
        "the leaves and what they commit to stay"
    );
    running.stop().await;
    // A replay needs no sealed value, and no key.
    fs::remove_file(place.path("subjects.db")).unwrap();
    place.open().await;
    place.audit().await;
}

async fn a_token_that_is_denied_and_accepted_later_opens_with_the_key_that_sealed_it<K: Kind>() {
    let place = Place::<K>::new();
    let (running, subjects) = (place.open().await, place.subjects().await);
    let attempt = |limit: Option<u64>| {
        let (mut request, commitment) = sealed_exchange(&subjects, 1);
        request.group.not_after = limit.map(events::time::Timestamp::from_seconds);
        (running.request(request), commitment)
    };
    let attempts = vec![attempt(Some(0)), attempt(None), attempt(Some(0))];
    let (requests, commitments): (Vec<_>, Vec<_>) = attempts.into_iter().unzip();
    let outcomes = running.together(requests).await;
    assert!(outcomes[0].is_err() && outcomes[1].is_ok() && outcomes[2].is_err());
    let stored = place.audit().await;
    let opened = open(&subjects, &stored.vault, 1, &commitments[1]).await;
    assert_eq!(opened.as_deref(), Some("a.b.1"));
}

async fn a_file_of_keys_that_fails_fails_the_batch_and_works_again_afterwards<K: Kind>() {
    let place = Place::<K>::new();
    let (running, subjects) = (place.open().await, place.subjects().await);
    exchange(&running, &subjects, 1).await;
    let mut connection = connect(&place).await;
    let stop =
        "CREATE TRIGGER stop BEFORE INSERT ON subject BEGIN SELECT RAISE(ABORT, 'no room'); END";
    sqlx::query(stop).execute(&mut connection).await.unwrap();
    for _ in 0..2 {
        let (request, _) = sealed_exchange(&subjects, 2);
        let refused = running.request(request).await.err().unwrap().to_string();
        assert!(refused.contains("the subject keys: "), "{refused}");
        assert_eq!(place.audit().await.head.size, 1);
    }
    running.append(vec![exchanged(3)]).await.unwrap();
    sqlx::query("DROP TRIGGER stop")
        .execute(&mut connection)
        .await
        .unwrap();
    let commitment = exchange(&running, &subjects, 2).await;
    let stored = place.audit().await;
    assert_eq!(
        open(&subjects, &stored.vault, 2, &commitment)
            .await
            .as_deref(),
        Some("a.b.2")
    );
}

async fn connect<K: Kind>(place: &Place<K>) -> SqliteConnection {
    let url = format!("sqlite://{}", place.path("subjects.db").display());
    SqliteConnection::connect(&url).await.unwrap()
}

/// The key as it stands in the file.
async fn raw_key(place: &Place<OnSqlite>, subject: &StreamName) -> Vec<u8> {
    let mut connection = connect(place).await;
    let query = sqlx::query_scalar("SELECT key FROM subject WHERE name = $1");
    query
        .bind(subject.as_str())
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

/// The files of keys and of the database that hold these bytes.
fn holding(place: &Place<OnSqlite>, bytes: &[u8]) -> Vec<String> {
    let files = fs::read_dir(place.path(""))
        .unwrap()
        .map(|entry| entry.unwrap());
    let holds = files.filter(|file| {
        let contents = fs::read(file.path()).unwrap();
        let starts = contents
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == bytes[0]);
        starts
            .into_iter()
            .any(|(at, _)| contents[at..].starts_with(bytes))
    });
    holds
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .collect()
}

#[tokio::test]
async fn an_erased_key_is_in_no_byte_of_any_file() {
    let place = Place::<OnSqlite>::new();
    let (running, subjects) = (place.open().await, place.subjects().await);
    // Enough that pages of the tree are split and merged again.
    for batch in 0..12 {
        let numbers = (0..40).map(|n| (batch * 40 + n) * 7 % 480);
        let requests = numbers.map(|n| running.request(sealed_exchange(&subjects, n).0));
        for outcome in running.together(requests.collect()).await {
            outcome.unwrap();
        }
    }
    let mut erased = Vec::new();
    for number in (0..480).filter(|n| n % 7 < 3) {
        erased.push(raw_key(&place, &token(number)).await);
        subjects.erase(&token(number)).await.unwrap();
    }
    for key in erased {
        assert_eq!(holding(&place, &key), Vec::<String>::new());
    }
    let kept = raw_key(&place, &token(3)).await;
    assert_eq!(holding(&place, &kept), ["subjects.db"], "and nowhere else");
    place.audit().await;
}

#[tokio::test]
async fn an_erasure_that_a_reader_holds_up_says_so() {
    let place = Place::<OnSqlite>::new();
    let (running, subjects) = (place.open().await, place.subjects().await);
    exchange(&running, &subjects, 1).await;
    let mut reader = connect(&place).await;
    sqlx::query("BEGIN").execute(&mut reader).await.unwrap();
    sqlx::query("SELECT * FROM subject")
        .fetch_all(&mut reader)
        .await
        .unwrap();
    let error = subjects.erase(&token(1)).await.unwrap_err().to_string();
    assert!(error.contains("erase again"), "{error}");
    sqlx::query("COMMIT").execute(&mut reader).await.unwrap();
    subjects.erase(&token(1)).await.unwrap();
}

#[tokio::test]
async fn keyed_hashes_are_the_same_after_a_restart_and_different_in_every_ledger() {
    let place = Place::<OnSqlite>::new();
    let hash = place.subjects().await.unique_hash("handle", "alice");
    assert_eq!(place.subjects().await.unique_hash("handle", "alice"), hash);
    assert_ne!(place.subjects().await.unique_hash("email", "alice"), hash);
    let other = Place::<OnSqlite>::new();
    assert_ne!(other.subjects().await.unique_hash("handle", "alice"), hash);
}
