//! A registry that lies to `verify`: each lie by name, and what is kept of it.
use std::sync::Arc;

use tlog::{
    Checkpoint, CosigningKey, Note, Receipt, SigningKey, TileEdge, TileMap, inclusion_proof,
    leaf_hash,
};

use super::project::{GEMS, Project, found};
use crate::support::{liar::Said, published::Published};

/// The messages of the ledger's flaws.
fn lies(report: &gemledger::project::Report) -> String {
    let messages = report.flaws.iter().map(|flaw| flaw.message.clone());
    messages.collect::<Vec<_>>().join("\n")
}

fn receipt_path(gem: &str) -> String {
    format!("/gems/{gem}-1.0.0.gem.tlog-proof")
}

/// Another history, signed with the registry's own key: the same leaves except the first, and its receipts.
struct Fork {
    log: Published,
    receipts: Vec<(String, Vec<u8>)>,
}

impl Fork {
    async fn of(project: &Project) -> Self {
        let reader = &project.app.app.reader;
        let size = project.app.traces().await.events;
        let mut leaves = reader.leaves(0, size).await.unwrap();
        leaves[0] = br#"{"another":"history"}"#.to_vec();
        let log = Published::of(&project.app.app.key, leaves);
        let mut receipts = Vec::new();
        for gem in GEMS {
            let honest = project.app.get(&receipt_path(gem)).await.is(200);
            let honest = Receipt::parse(&honest.body).unwrap();
            receipts.push((
                receipt_path(gem),
                receipt(&log, honest.index(), honest.extra()),
            ));
        }
        Self { log, receipts }
    }

    fn is_shown(&self, project: &Project) {
        for (path, bytes) in &self.log.files {
            project
                .liar
                .says(&format!("/log/{path}"), Said::Bytes(bytes.clone()));
        }
        self.receipts_are_shown(project);
    }

    fn receipts_are_shown(&self, project: &Project) {
        for (path, receipt) in &self.receipts {
            project.liar.says(path, Said::Bytes(receipt.clone()));
        }
    }
}

/// A receipt under the checkpoint of this log.
fn receipt(log: &Published, index: u64, leaf: &[u8]) -> Vec<u8> {
    let hashes: Vec<_> = log.leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    let mut tiles = TileMap::new();
    tiles.extend(TileEdge::new().append(&hashes));
    let size = u64::try_from(hashes.len()).unwrap();
    let proof = inclusion_proof(index, size, &tiles).unwrap();
    let receipt = Receipt::new(leaf, index, proof, log.note()).unwrap();
    receipt.text().into_bytes()
}

#[tokio::test]
async fn a_stale_tree_is_caught_by_who_saw_a_later_one() {
    let project = Project::new().await;
    let paths = [receipt_path("rake"), receipt_path("tool")];
    project
        .liar
        .stops_at(&["/log/checkpoint", &paths[0], &paths[1]]);
    let size = project.app.traces().await.events;
    let old = [
        format!("/log/tile/0/000.p/{size}"),
        format!("/log/tile/entries/000.p/{size}"),
    ];
    project.liar.stops_at(&[&old[0], &old[1]]);
    // Whoever has not seen more cannot know.
    assert_eq!(project.report().await.verdict(), Some(true));
    project.app.account("bob").await;
    project.liar.repents();
    project.report().await;
    let later = project.seen().unwrap();
    let stale = project.app.app.reader.head().await.unwrap().size - 1;
    let checkpoint = Checkpoint::new(&later.origin, stale, root_at(&project, stale).await).unwrap();
    let note = checkpoint.sign(&project.app.app.key).unwrap();
    project
        .liar
        .says("/log/checkpoint", Said::Bytes(note.clone().into_bytes()));
    for gem in GEMS {
        let honest = project.app.get(&receipt_path(gem)).await.is(200);
        let honest = Receipt::parse(&honest.body).unwrap();
        let leaves = project.app.app.reader.leaves(0, stale).await.unwrap();
        let log = Published::of(&project.app.app.key, leaves);
        let old = receipt(&log, honest.index(), honest.extra());
        project.liar.says(&receipt_path(gem), Said::Bytes(old));
    }
    let report = project.report().await;
    assert!(lies(&report).contains("tree_smaller"), "{}", lies(&report));
    assert_eq!(report.verdict(), Some(false));
    // What was seen stays, and both checkpoints are kept.
    assert_eq!(project.seen().unwrap(), later);
    let evidence = project.evidence();
    assert_eq!(evidence.len(), 1);
    let kept: serde_json::Value = serde_json::from_str(&evidence[0]).unwrap();
    assert_eq!(
        (
            kept["seen"].as_str().unwrap(),
            kept["shown"].as_str().unwrap()
        ),
        (later.note.as_str(), note.as_str())
    );
    project.app.finish().await;
}

async fn root_at(project: &Project, size: u64) -> tlog::Hash {
    let leaves = project.app.app.reader.leaves(0, size).await.unwrap();
    let hashes: Vec<_> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    tlog::root_of(&hashes)
}

#[tokio::test]
async fn a_forged_checkpoint_is_caught_by_the_key() {
    let project = Project::new().await;
    project.report().await;
    let seen = project.seen();
    let forger = SigningKey::from_seed("gems.example.com/log/1", &[9; 32]).unwrap();
    let size = project.app.traces().await.events;
    let checkpoint = Checkpoint::new(forger.name(), size, root_at(&project, size).await).unwrap();
    let note = checkpoint.sign(&forger).unwrap();
    project
        .liar
        .says("/log/checkpoint", Said::Bytes(note.into_bytes()));
    // A vkey to go with it helps as little: the first one is pinned.
    let vkey = format!("{}\n", forger.verifier());
    project
        .liar
        .says("/log/vkey", Said::Bytes(vkey.clone().into_bytes()));
    let report = project.report().await;
    assert!(
        lies(&report).contains("checkpoint_forged"),
        "{}",
        lies(&report)
    );
    assert_eq!(report.verdict(), Some(false));
    assert_eq!(project.seen(), seen);
    // Whoever pinned nothing believes the forger, and is told so; the true receipts give it away.
    let mut asked = project.asked();
    asked.state = None;
    let report = project.verify(&asked).await.unwrap();
    assert_eq!(
        found(&report),
        ["rake receipt_invalid", "tool receipt_invalid"]
    );
    // A key that was given is not the one that was pinned before: one of the two is wrong.
    let mut asked = project.asked();
    asked.key = Some(forger.verifier().clone());
    assert_eq!(project.verify(&asked).await.unwrap().verdict(), Some(false));
    assert_eq!(project.seen(), seen);
    project.app.finish().await;
}

#[tokio::test]
async fn a_fork_is_caught_by_who_saw_the_other_one_and_both_checkpoints_are_kept() {
    let project = Project::new().await;
    let fork = Fork::of(&project).await;
    fork.is_shown(&project);
    let mut stranger = project.asked();
    stranger.state = Some(project.folder.path().join("stranger.json"));
    // To whoever sees only the fork it is a log like any other.
    assert_eq!(
        project.verify(&stranger).await.unwrap().verdict(),
        Some(true)
    );
    project.liar.repents();
    assert_eq!(project.report().await.verdict(), Some(true));
    let seen = project.seen().unwrap();
    fork.is_shown(&project);
    let report = project.report().await;
    assert!(lies(&report).contains("tree_forked"), "{}", lies(&report));
    assert_eq!(
        (report.verdict(), project.seen()),
        (Some(false), Some(seen.clone()))
    );
    let evidence: serde_json::Value = serde_json::from_str(&project.evidence()[0]).unwrap();
    assert_eq!(evidence["seen"].as_str().unwrap(), seen.note);
    assert_eq!(
        evidence["shown"].as_str().unwrap(),
        fork.log.note().to_string()
    );
    // And the other way round.
    project.liar.repents();
    let report = project.verify(&stranger).await.unwrap();
    assert!(lies(&report).contains("tree_forked"), "{}", lies(&report));
    project.app.finish().await;
}

#[tokio::test]
async fn receipts_of_another_history_than_the_checkpoint_are_caught_at_once() {
    let project = Project::new().await;
    let fork = Fork::of(&project).await;
    fork.receipts_are_shown(&project);
    let report = project.report().await;
    assert!(lies(&report).contains("two histories"), "{}", lies(&report));
    assert_eq!((report.verdict(), project.seen()), (Some(false), None));
    assert_eq!(project.evidence().len(), 1);
    // Also where the receipts are of an older tree than the checkpoint.
    project.app.account("bob").await;
    let report = project.report().await;
    assert!(lies(&report).contains("two histories"), "{}", lies(&report));
    assert_eq!((report.verdict(), project.seen()), (Some(false), None));
    project.app.finish().await;
}

#[tokio::test]
async fn a_receipt_of_another_gem_or_event_is_caught() {
    let project = Project::new().await;
    project
        .liar
        .says(&receipt_path("rake"), Said::Of(receipt_path("tool")));
    assert_eq!(found(&project.report().await), ["rake receipt_mismatch"]);
    project
        .liar
        .says(&receipt_path("rake"), Said::Of("/log/proof/0".into()));
    assert_eq!(found(&project.report().await), ["rake receipt_mismatch"]);
    project.app.finish().await;
}

#[tokio::test]
async fn a_receipt_with_a_changed_byte_is_caught() {
    let project = Project::new().await;
    let honest = project.app.get(&receipt_path("rake")).await.is(200).body;
    for at in (0..honest.len()).step_by(101) {
        let mut changed = honest.clone();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        project
            .liar
            .says(&receipt_path("rake"), Said::Bytes(changed));
        assert_eq!(
            found(&project.report().await),
            ["rake receipt_invalid"],
            "byte {at}"
        );
    }
    for nothing in [Vec::new(), vec![b'x'; 1 << 20]] {
        project
            .liar
            .says(&receipt_path("rake"), Said::Bytes(nothing));
        assert_eq!(found(&project.report().await), ["rake receipt_invalid"]);
    }
    project.app.finish().await;
}

#[tokio::test]
async fn a_signed_tree_that_is_not_served_is_caught() {
    let project = Project::new().await;
    let checkpoint = Checkpoint::new("gems.example.com/log/1", 700, leaf_hash(b"x")).unwrap();
    let note = checkpoint.sign(&project.app.app.key).unwrap();
    project
        .liar
        .says("/log/checkpoint", Said::Bytes(note.into_bytes()));
    let report = project.report().await;
    assert!(lies(&report).contains("tile_missing"), "{}", lies(&report));
    assert_eq!((report.verdict(), project.seen()), (Some(false), None));
    project.app.finish().await;
}

#[tokio::test]
async fn a_release_of_tomorrow_is_caught() {
    let project = Project::new().await;
    let mut asked = project.asked();
    asked.now = asked.now.minus_seconds(301);
    let report = project.verify(&asked).await.unwrap();
    assert_eq!(
        found(&report),
        ["rake time_in_future", "tool time_in_future"]
    );
    project.app.finish().await;
}

#[tokio::test]
async fn a_tree_that_too_few_witnesses_have_seen_or_long_ago_is_caught() {
    let project = Project::new().await;
    let witness = |name: &str, seed| Arc::new(CosigningKey::from_seed(name, &[seed; 32]).unwrap());
    let (first, second) = (witness("w.example/1", 1), witness("w.example/2", 2));
    let mut asked = project.asked();
    asked.witnesses = vec![first.verifier().clone(), second.verifier().clone()];
    asked.quorum = 2;
    asked.max_age_seconds = Some(3600);
    let report = project.verify(&asked).await.unwrap();
    assert!(
        found(&report).contains(&"quorum_missed".to_owned()),
        "{:?}",
        found(&report)
    );
    let honest = project.app.get("/log/checkpoint").await.is(200).body;
    let cosigned = |times: &[(&CosigningKey, u64)]| {
        let note = Note::parse(&honest).unwrap();
        let checkpoint = Checkpoint::parse(note.text()).unwrap();
        let note = times.iter().fold(note, |note, (witness, time)| {
            note.with(witness.cosign(&checkpoint, *time).unwrap())
                .unwrap()
        });
        project.liar.says(
            "/log/checkpoint",
            Said::Bytes(note.to_string().into_bytes()),
        );
    };
    let now = asked.now.seconds();
    cosigned(&[(&first, now)]);
    let report = project.verify(&asked).await.unwrap();
    assert_eq!(found(&report)[0], "quorum_missed");
    cosigned(&[(&first, now), (&second, now - 3599)]);
    let report = project.verify(&asked).await.unwrap();
    assert_eq!(found(&report), [""; 0]);
    assert_eq!(report.tree.witnessed_at, Some(now - 3599));
    cosigned(&[(&first, now), (&second, now - 3601)]);
    assert_eq!(found(&project.verify(&asked).await.unwrap())[0], "stale");
    // A line in a witness's name that is not its signature is no line that is missing.
    let forger = CosigningKey::from_seed("w.example/2", &[3; 32]).unwrap();
    cosigned(&[(&first, now), (&forger, now)]);
    assert_eq!(
        found(&project.verify(&asked).await.unwrap())[0],
        "quorum_missed"
    );
    project.app.finish().await;
}
