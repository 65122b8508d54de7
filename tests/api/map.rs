//! The verifiable map over HTTP: what is said of a gem is all that there is, and can be checked without this server.
use std::time::Duration;

use deciders::{Code, policy::Policy};
use events::{
    Body,
    event::Draft,
    id::Owner,
    map::Rooted,
    name::{FoldedName, GemName},
    policy::{GemRegistered, OwnerAdded},
    stream::StreamName,
};
use gemledger::{
    app::{
        App, CommandError,
        lookup::{LookupError, Verified, check},
        map::{Follower, KeepError, Stage, rebuild},
    },
    store::{states::Read, writer::Verdict},
};

use super::{
    answer::Answer,
    app::TestApp,
    given::{for_platform, good, rake},
    map_lies::root_of,
};

pub(super) fn folded(name: &str) -> FoldedName {
    FoldedName::parse(name).unwrap()
}

/// What an answer proves about a gem, of whatever age its root is.
pub(super) fn checked(app: &TestApp, gem: &str, answer: &[u8]) -> Result<Verified, LookupError> {
    let key = app.app.key.verifier();
    check(answer, &folded(gem), key, app.clock.now(), None)
}

impl TestApp {
    pub(super) async fn lookup(&self, gem: &str) -> Answer {
        self.get(&format!("/log/lookup/{gem}")).await
    }

    /// What the log says of a gem, proven.
    pub(super) async fn looked_up(&self, gem: &str) -> Verified {
        let answer = self.lookup(gem).await.is(200);
        checked(self, gem, &answer.body).unwrap()
    }

    pub(super) async fn follower(&self) -> Follower {
        Follower::start(&self.app).await.unwrap()
    }

    async fn size(&self) -> u64 {
        self.app.reader.head().await.unwrap().size
    }
}

fn releases(verified: &Verified) -> Vec<String> {
    let releases = verified.releases().iter();
    releases
        .map(|release| format!("{} {}", release.number(), release.platform()))
        .collect()
}

#[tokio::test]
async fn a_lookup_shows_every_release_and_the_policy_and_proves_it() {
    let app = rake().await;
    let key = app.job_key("acme/rake").await;
    app.push(&key, good("rake", "1.0.0")).await.is(200);
    let java = for_platform("rake", "1.0.0", "java");
    app.push(&key, java).await.is(200);
    let before = app.size().await;
    assert_eq!(
        app.follower().await.step(&app.app).await.unwrap(),
        Some(before)
    );
    let verified = app.looked_up("rake").await;
    assert_eq!(releases(&verified), ["1.0.0 ruby", "1.0.0 java"]);
    assert_eq!((verified.index, verified.rooted.through), (before, before));
    assert_eq!(verified.rooted.gems, 1);
    assert_eq!(verified.checkpoint.size(), app.size().await);
    let state = verified.state.clone().unwrap();
    assert_eq!(state.name.unwrap().as_str(), "rake");
    let publisher = &state.policy.publishers[0].publisher;
    assert_eq!(publisher.repository.as_str(), "acme/rake");
    assert!(publisher.repository_id.is_some());
    // Bundler is shown the same.
    let info = app.get("/info/rake").await.is(200);
    assert!(verified.hidden_from(info.text()).is_empty());
    let last = app.last().await;
    assert_eq!(last["stream"], "map/2026-11-23");
    assert_eq!(
        (&last["actor"], &last["via"]),
        (&"operator".into(), &"server".into())
    );
    app.finish().await;
}

#[tokio::test]
async fn a_gem_that_is_not_there_is_proven_absent() {
    let app = rake().await;
    app.follower().await.step(&app.app).await.unwrap();
    let answer = app.lookup("rack").await.is(200);
    assert!(answer.json()["state"].is_null());
    assert_eq!(app.looked_up("rack").await.state, None);
    // A name that only waits for its first push is known, and has no releases.
    let waiting = app.looked_up("rake").await;
    assert!(waiting.releases().is_empty());
    assert_eq!(waiting.state.unwrap().policy.pending.len(), 1);
    app.publisher("rack", "acme/rack").await;
    app.follower().await.step(&app.app).await.unwrap();
    assert!(app.looked_up("rack").await.state.is_some());
    // The earlier proof is of the earlier root, and of this gem alone.
    assert!(checked(&app, "rack", &answer.body).unwrap().state.is_none());
    let other = checked(&app, "rake", &answer.body);
    assert_eq!(other, Err(LookupError::AnotherGem(folded("rack"))));
    app.finish().await;
}

#[tokio::test]
async fn an_answer_is_whole_although_the_world_moves_on() {
    let app = rake().await;
    let key = app.job_key("acme/rake").await;
    app.push(&key, good("rake", "1.0.0")).await.is(200);
    let mut follower = app.follower().await;
    let first = follower.step(&app.app).await.unwrap().unwrap();
    for (version, seconds) in [("1.1.0", 100), ("1.2.0", 24 * 3600)] {
        let key = app.job_key("acme/rake").await;
        app.push(&key, good("rake", version)).await.is(200);
        app.account(&format!("account-{seconds}")).await;
        app.pass(seconds);
        let verified = app.looked_up("rake").await;
        assert_eq!(releases(&verified), ["1.0.0 ruby"]);
        assert_eq!(verified.index, first);
        assert!(verified.checkpoint.size() > first + 1);
    }
    let second = follower.step(&app.app).await.unwrap().unwrap();
    let verified = app.looked_up("rake").await;
    assert_eq!(
        releases(&verified),
        ["1.0.0 ruby", "1.1.0 ruby", "1.2.0 ruby"]
    );
    assert_eq!(verified.index, second);
    assert_eq!(app.last().await["stream"], "map/2026-11-24");
    app.finish().await;
}

#[tokio::test]
async fn a_root_is_recorded_only_when_what_is_said_of_gems_has_changed() {
    let app = rake().await;
    let mut follower = app.follower().await;
    assert!(follower.step(&app.app).await.unwrap().is_some());
    // Roots, accounts and exchanges say nothing of gems.
    assert_eq!(follower.step(&app.app).await.unwrap(), None);
    app.account("alice").await;
    app.job_key("acme/rake").await;
    assert_eq!(follower.step(&app.app).await.unwrap(), None);
    // Nor does what was taken back before anybody looked.
    let before = app.looked_up("rake").await;
    let added = app.publisher("rake", "acme/other").await;
    let id = added.id;
    app.app
        .remove_publisher(app.app.console(), folded("rake"), id)
        .await
        .unwrap();
    assert_eq!(follower.step(&app.app).await.unwrap(), None);
    assert_eq!(app.looked_up("rake").await.rooted, before.rooted);
    app.publisher("rake", "acme/other").await;
    assert!(follower.step(&app.app).await.unwrap().is_some());
    app.finish().await;
}

#[tokio::test]
async fn what_is_made_again_at_start_is_what_was_followed() {
    let app = rake().await;
    let mut follower = app.follower().await;
    follower.step(&app.app).await.unwrap();
    let key = app.job_key("acme/rake").await;
    app.push(&key, good("rake", "1.0.0")).await.is(200);
    // Another start, with changes after the last root: it agrees, and records what is due.
    let mut again = app.follower().await;
    assert_eq!(releases(&app.looked_up("rake").await), [""; 0]);
    let index = again.step(&app.app).await.unwrap();
    assert_eq!(index, Some(app.size().await - 1));
    assert_eq!(releases(&app.looked_up("rake").await), ["1.0.0 ruby"]);
    let mut third = app.follower().await;
    assert_eq!(third.step(&app.app).await.unwrap(), None);
    app.finish().await;
}

#[tokio::test]
async fn a_root_of_somebody_else_that_covers_more_stands() {
    let app = rake().await;
    let mut follower = app.follower().await;
    follower.step(&app.app).await.unwrap();
    let last = app.looked_up("rake").await.rooted;
    let ahead = Rooted {
        through: last.through + 1000,
        ..last
    };
    app.records(ahead).await;
    app.publisher("rack", "acme/rack").await;
    let before = app.traces().await;
    let error = follower.step(&app.app).await.unwrap_err();
    let denied = matches!(&error, KeepError::Command(CommandError::Denied(denial)) if denial.code == Code::AlreadyExists);
    assert!(denied, "{error}");
    app.left_nothing(before).await;
}

#[tokio::test]
async fn a_root_that_cannot_be_recorded_now_is_recorded_later_and_nobody_waits_for_it() {
    let app = rake().await;
    let mut follower = app.follower().await;
    let first = follower.step(&app.app).await.unwrap();
    app.publisher("rack", "acme/rack").await;
    let (before, now) = (app.traces().await, app.clock.now());
    // The clock is wrong, and nothing is appended until it is right.
    app.clock.jump(now.plus_seconds(3600));
    for _ in 0..2 {
        let error = follower.step(&app.app).await.unwrap_err();
        assert!(error.to_string().contains("the clock jumped"), "{error}");
        assert_eq!(Some(app.looked_up("rake").await.index), first);
        assert_eq!(app.looked_up("rack").await.state, None);
    }
    app.left_nothing(before).await;
    app.clock.jump(now);
    assert!(follower.step(&app.app).await.unwrap().is_some());
    assert!(app.looked_up("rack").await.state.is_some());
    app.finish().await;
}

/// Waits until the map is that far.
async fn until(app: &App, reached: impl Fn(&Stage) -> bool) {
    while !reached(&app.map.stage()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_task_follows_and_the_health_says_how_far_it_is() {
    let app = TestApp::public().await;
    assert_eq!(app.get("/healthz").await.is(200).json()["map"], "off");
    app.lookup("rake")
        .await
        .refuses(404, "not_found", "keeps no map");
    let task = tokio::spawn(app.app.clone().keep_map(Duration::from_millis(10)));
    // A ledger without gems has no root, and nothing to look up.
    until(&app.app, |stage| matches!(stage, Stage::Unrooted)).await;
    assert_eq!(app.get("/healthz").await.is(200).json()["map"], "unrooted");
    let early = app
        .lookup("rake")
        .await
        .refuses(503, "map_not_ready", "not ready");
    assert!(early.header("retry-after").is_some());
    app.push(&app.push_key("alice").await, good("rake", "1.0.0"))
        .await
        .is(200);
    until(&app.app, |stage| matches!(stage, Stage::Rooted(_))).await;
    assert_eq!(app.get("/healthz").await.is(200).json()["map"], "ok");
    assert_eq!(releases(&app.looked_up("rake").await), ["1.0.0 ruby"]);
    let size = app.size().await;
    app.push(&app.push_key("bob").await, good("rack", "1.0.0"))
        .await
        .is(200);
    let newer = |stage: &Stage| matches!(stage, Stage::Rooted(root) if root.index > size);
    until(&app.app, newer).await;
    assert_eq!(releases(&app.looked_up("rack").await), ["1.0.0 ruby"]);
    task.abort();
    app.finish().await;
}

#[tokio::test]
async fn a_lookup_takes_names_as_they_are_spelled_and_nothing_that_is_no_name() {
    let app = rake().await;
    app.follower().await.step(&app.app).await.unwrap();
    let answer = app.lookup("Rake").await.is(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    assert!(checked(&app, "rake", &answer.body).unwrap().state.is_some());
    let before = app.traces().await;
    let long = "a".repeat(256);
    for name in [
        "1",
        "a%2Fb",
        "%00",
        "a%20b",
        "-a",
        "a.gem",
        long.as_str(),
        "%C3%A4",
    ] {
        app.lookup(name).await.refuses(400, "malformed", "");
    }
    app.get("/log/lookup/").await.is(404);
    app.get("/log/lookup/rake/1").await.is(404);
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn the_streams_of_the_map_are_read_without_the_rest_of_the_log() {
    use gemledger::store::streams::{GEMS, POLICIES, ROOTS};
    let app = rake().await;
    assert_eq!(app.app.reader.last_of(ROOTS).await.unwrap(), None);
    let key = app.job_key("acme/rake").await;
    let before = app.size().await;
    app.push(&key, good("rake", "1.0.0")).await.is(200);
    let size = app.size().await;
    let touched = app
        .app
        .reader
        .touched([GEMS, POLICIES], before, size)
        .await
        .unwrap();
    let expected = [
        StreamName::gem(&folded("rake")),
        StreamName::policy(&folded("rake")),
    ];
    assert_eq!(touched.into_iter().collect::<Vec<_>>(), expected);
    assert!(
        app.app
            .reader
            .touched([GEMS, POLICIES], size, size + 9)
            .await
            .unwrap()
            .is_empty()
    );
    app.finish().await;
}

#[tokio::test]
async fn a_map_is_made_from_every_page_of_the_log() {
    let app = TestApp::public().await;
    // Several pages of either kind of streams; the gems lie otherwise in the log than in the alphabet.
    let names: Vec<GemName> = (0..400)
        .map(|number| GemName::parse(&format!("gem-{}", number * 7 % 400)).unwrap())
        .collect();
    let streams = names.iter().map(|name| StreamName::policy(&name.folded()));
    let reads = streams.map(Read::of::<Policy>).collect();
    let registered = |name: &GemName| {
        let registered = Body::GemRegistered(GemRegistered { name: name.clone() });
        let owner = Owner::Operator;
        let owned = Body::OwnerAdded(OwnerAdded {
            effective: None,
            owner,
        });
        [registered, owned].map(|body| Draft::new(StreamName::policy(&name.folded()), body))
    };
    let drafts = names.iter().flat_map(registered).collect();
    let group = app.app.console().group(drafts);
    let appended = app.app.writer.append(reads, |_| Verdict {
        group: Some(group),
        answer: (),
    });
    let size = appended.await.unwrap().indexes().end;
    let log = app.app.reader.events(0, size).await.unwrap();
    for through in [0, 1, 2, 300, 555, size - 1, size] {
        let rebuilt = rebuild(&app.app.reader, through).await.unwrap();
        let expected = root_of(&log, through);
        assert_eq!(
            rebuilt.map.root().as_bytes(),
            expected.root.as_bytes(),
            "{through}"
        );
        assert_eq!(u64::try_from(rebuilt.map.len()).unwrap(), expected.gems);
        let later = log.iter().filter(|recorded| recorded.index >= through);
        let later =
            later.filter_map(|recorded| FoldedName::parse(recorded.event.stream.rest()).ok());
        assert_eq!(rebuilt.later, later.collect(), "{through}");
    }
}

#[test]
fn the_worked_example_of_the_format_is_right() {
    use events::digest::{Digest, hex};
    use projections::state::{GemState, key};
    use tlog::{Map, MapProof, verify_map};
    let page = include_str!("../../docs/formats/map.md");
    let documents: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("{\"format\""))
        .collect();
    let [rake, rack] = documents[..] else {
        panic!("{documents:?}")
    };
    let thor = rack.replace("rack", "thor");
    let mut map = Map::new();
    for document in [rake, rack, &thor] {
        let state = GemState::read(document.as_bytes()).unwrap();
        let (key, value) = (key(&state.gem), *Digest::of(document.as_bytes()).as_bytes());
        assert!(
            page.contains(&hex(&key)) && page.contains(&hex(&value)),
            "{}",
            state.gem
        );
        map.insert(key, value);
    }
    assert!(page.contains(&map.root().to_hex()));
    // Every hash that is shown is one of a proof, or the root.
    let shown = page.lines().filter_map(|line| {
        line.split_once("leaf of ")
            .or(line.split_once("branch, bit 2"))
    });
    let shown: Vec<&str> = shown
        .map(|(_, rest)| rest.split_whitespace().last().unwrap())
        .filter(|word| word.len() == 64)
        .collect();
    let proof = |gem: &str| map.prove(&key(&folded(gem))).to_bytes();
    let proofs = ["rake", "rack", "thor"].map(|gem| hex(&proof(gem)));
    assert_eq!(shown.len(), 4);
    for hash in shown {
        assert!(proofs.iter().any(|proof| proof.contains(hash)), "{hash}");
    }
    for (gem, kind, length) in [
        ("rake", 0, 67),
        ("rails", 2, 1 + 64 + 33),
        ("bundler", 3, 1 + 97 + 33),
    ] {
        let proof = proof(gem);
        assert_eq!((proof[0], proof.len()), (kind, length), "{gem}");
        let key = key(&folded(gem));
        let proof = MapProof::parse(&proof).unwrap();
        verify_map(&map.root(), &key, map.get(&key), &proof).unwrap();
    }
}
