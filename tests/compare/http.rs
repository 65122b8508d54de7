//! A repository behind an address: fetched into a folder that is gone afterwards, within bounds, without credentials.
use std::time::Duration;

use gemledger::compare::{
    Address, CompareError, Comparison, RepositoryError, Verdict, compare, fetch::FetchLimits,
};

use super::{asked, file, gem, tree};
use crate::support::{
    git::Git,
    git_server::{GitServer, Manner},
    program::{program, run},
};

fn fetched(
    server: &GitServer,
    commit: &str,
    limits: FetchLimits,
) -> Result<Comparison, CompareError> {
    let repository = Address::parse(&server.url())?.open(commit, limits)?;
    compare(&gem().bytes(), &repository, &asked(commit))
}

/// A repository whose branch went on after the release.
fn moved_on() -> (Git, String) {
    let mut git = Git::bare();
    let commit = git.commit(&tree());
    git.commit(&[("other", file("x"))]);
    (git, commit)
}

#[test]
fn a_commit_is_fetched_alone_also_when_no_branch_names_it_any_more() {
    let (git, commit) = moved_on();
    let server = GitServer::start(&git, Manner::Honest);
    let comparison = fetched(&server, &commit, FetchLimits::default()).unwrap();
    assert_eq!(comparison.verdict, Verdict::Same);
    assert_eq!(comparison.repository.read_from, server.url());
    let asked = server.asked.lock().unwrap();
    assert!(
        asked.iter().all(|request| request.ends_with("None")),
        "{asked:?}"
    );
}

#[test]
fn a_server_that_gives_out_only_what_refs_name_gives_everything() {
    let mut git = Git::bare();
    let commit = git.commit(&tree());
    let server = GitServer::start(&git, Manner::RefsOnly);
    let comparison = fetched(&server, &commit, FetchLimits::default()).unwrap();
    assert_eq!(comparison.verdict, Verdict::Same);
    let (git, old) = moved_on();
    let server = GitServer::start(&git, Manner::RefsOnly);
    // Its pack has the commit all the same; a commit that it has not is not there.
    assert!(fetched(&server, &old, FetchLimits::default()).is_ok());
    let nowhere = fetched(&server, &"ab".repeat(20), FetchLimits::default());
    assert!(matches!(
        nowhere,
        Err(CompareError::Repository(RepositoryError::NoCommit { .. }))
    ));
}

#[test]
fn nobody_is_asked_for_a_password() {
    let (git, commit) = moved_on();
    let server = GitServer::start(&git, Manner::Locked);
    // A helper that a user has configured would leave a trace.
    let home = tempfile::tempdir().unwrap();
    let trace = home.path().join("was-run");
    let helper = format!("[credential]\n\thelper = \"!touch {}\"\n", trace.display());
    std::fs::write(home.path().join(".gitconfig"), &helper).unwrap();
    let gem_file = home.path().join("hello-1.0.gem");
    std::fs::write(&gem_file, gem().bytes()).unwrap();
    let mut command = program();
    command
        .env("HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path())
        .env("GIT_ASKPASS", format!("touch {}", trace.display()))
        .args([
            "compare",
            "--repo",
            &server.url(),
            "--commit",
            &commit,
            "--gem",
        ])
        .arg(&gem_file);
    run(&command).ends(2, "asks for credentials");
    assert!(!trace.exists());
    let asked = server.asked.lock().unwrap();
    assert!(
        asked.iter().all(|request| request.ends_with("None")),
        "{asked:?}"
    );
}

#[test]
fn a_clone_that_is_too_large_or_never_ends_is_given_up() {
    let mut git = Git::bare();
    let mut files = tree();
    // Bytes that do not compress.
    let noise: Vec<u8> = (0..60_000_u32)
        .flat_map(|n| {
            events::digest::Digest::of(&n.to_be_bytes())
                .as_bytes()
                .to_vec()
        })
        .collect();
    files.push(("noise", file(noise)));
    let commit = git.commit(&files);
    let small = FetchLimits {
        bytes: 1 << 20,
        ..FetchLimits::default()
    };
    let reason = |outcome: Result<Comparison, CompareError>| match outcome {
        Err(CompareError::Repository(RepositoryError::Clone { reason, .. })) => reason,
        other => panic!("{other:?}"),
    };
    let server = GitServer::start(&git, Manner::Honest);
    assert!(reason(fetched(&server, &commit, small)).contains("bytes"));
    let server = GitServer::start(&git, Manner::Silent);
    let brief = FetchLimits {
        time: Duration::from_millis(300),
        ..FetchLimits::default()
    };
    assert!(reason(fetched(&server, &commit, brief)).contains("longer"));
}

#[test]
fn a_server_that_names_refs_for_ever_is_not_listened_to_for_ever() {
    let (git, commit) = moved_on();
    for manner in [Manner::Chatty, Manner::Shallow] {
        let server = GitServer::start(&git, manner);
        // More of objects than of everything else, so that each is told from the other.
        let limits = FetchLimits {
            bytes: 64 << 20,
            ..FetchLimits::default()
        };
        let told = fetched(&server, &commit, limits);
        let Err(CompareError::Repository(RepositoryError::Clone { reason, .. })) = told else {
            panic!("{told:?}");
        };
        assert!(reason.contains("more than 16777216 bytes"), "{reason}");
    }
}

#[test]
fn a_file_larger_than_is_read_comes_along_and_nothing_is_fetched_twice() {
    let mut git = Git::bare();
    let mut files = tree();
    files.push(("spec/big.bin", file(vec![b'x'; 70 << 20])));
    // So that the pack is larger than all that may be said before it.
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_be_bytes()[0]
    });
    files.push((
        "spec/noise.bin",
        file(noise.take(17 << 20).collect::<Vec<_>>()),
    ));
    let commit = git.commit(&files);
    let server = GitServer::start(&git, Manner::Honest);
    let comparison = fetched(&server, &commit, FetchLimits::default()).unwrap();
    assert_eq!(comparison.verdict, Verdict::Same);
    // What fails for another reason than the id is not tried again with everything.
    let server = GitServer::start(&git, Manner::Honest);
    let small = FetchLimits {
        bytes: 100,
        ..FetchLimits::default()
    };
    assert!(fetched(&server, &commit, small).is_err());
    let asked = server.asked.lock().unwrap();
    let handshakes = asked.iter().filter(|line| line.starts_with("GET "));
    assert_eq!(handshakes.count(), 1, "{asked:?}");
}

#[test]
fn what_was_fetched_is_gone_when_the_program_is_interrupted() {
    let (git, commit) = moved_on();
    let server = GitServer::start(&git, Manner::Silent);
    let folder = tempfile::tempdir().unwrap();
    let gem_file = folder.path().join("hello-1.0.gem");
    std::fs::write(&gem_file, gem().bytes()).unwrap();
    let scratch = folder.path().join("tmp");
    std::fs::create_dir(&scratch).unwrap();
    let mut command = program();
    command.env("TMPDIR", &scratch);
    command.args(["compare", "--repo", &server.url(), "--commit", &commit]);
    let mut child = command.arg("--gem").arg(&gem_file).spawn().unwrap();
    // Once it has begun to fetch.
    let interrupt = format!(
        "until [ -n \"$(ls {})\" ]; do sleep 0.05; done; kill -INT {}",
        scratch.display(),
        child.id()
    );
    let interrupted = std::process::Command::new("sh")
        .args(["-c", &interrupt])
        .status();
    assert!(interrupted.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0);
}

#[test]
fn what_was_fetched_is_gone_afterwards_however_it_ended() {
    let (git, commit) = moved_on();
    let folder = tempfile::tempdir().unwrap();
    let gem_file = folder.path().join("hello-1.0.gem");
    std::fs::write(&gem_file, gem().bytes()).unwrap();
    let scratch = folder.path().join("tmp");
    std::fs::create_dir(&scratch).unwrap();
    for (manner, commit, code) in [
        (Manner::Honest, commit.as_str(), 0),
        (Manner::Honest, &"ab".repeat(20), 2),
        (Manner::Locked, &commit, 2),
    ] {
        let server = GitServer::start(&git, manner);
        let mut command = program();
        command
            .env("TMPDIR", &scratch)
            .args([
                "compare",
                "--repo",
                &server.url(),
                "--commit",
                commit,
                "--gem",
            ])
            .arg(&gem_file);
        run(&command).ends(code, "");
        let left: Vec<_> = std::fs::read_dir(&scratch).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
