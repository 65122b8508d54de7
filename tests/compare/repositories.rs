//! Which repositories are read, and that nothing of them is run.
use std::{fs, os::unix::fs::PermissionsExt as _};

use gemledger::compare::{
    Address, CompareError, Repository, RepositoryError, Verdict, fetch::FetchLimits,
};

use super::{asked, compare, compared, gem, tree};
use crate::support::git::Git;

fn error(git: &Git, commit: &str) -> RepositoryError {
    match compared(git, commit, &gem()) {
        Err(CompareError::Repository(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn bare_clones_worktrees_and_linked_worktrees_are_read() {
    let mut git = Git::bare();
    let commit = git.commit(&tree());
    let folder = tempfile::tempdir().unwrap();
    let worktree = folder.path().join("clone");
    fs::create_dir(&worktree).unwrap();
    let moved = worktree.join(".git");
    fs::rename(git.path(), &moved).unwrap();
    fs::write(
        moved.join("config"),
        "[core]\n\trepositoryformatversion = 0\n\tbare = false\n",
    )
    .unwrap();
    let linked = folder.path().join("linked");
    let private = moved.join("worktrees/linked");
    fs::create_dir_all(&private).unwrap();
    fs::create_dir(&linked).unwrap();
    fs::write(
        linked.join(".git"),
        format!("gitdir: {}\n", private.display()),
    )
    .unwrap();
    fs::write(private.join("commondir"), "../..\n").unwrap();
    fs::write(private.join("HEAD"), format!("{commit}\n")).unwrap();
    fs::write(
        private.join("gitdir"),
        format!("{}/.git\n", linked.display()),
    )
    .unwrap();
    let address = format!("file://{}", worktree.display());
    for place in [
        worktree.to_str().unwrap(),
        moved.to_str().unwrap(),
        linked.to_str().unwrap(),
        &address,
    ] {
        let repository = Address::parse(place)
            .and_then(|address| address.open(&commit, FetchLimits::default()))
            .unwrap_or_else(|error| panic!("{place}: {error}"));
        let comparison = compare(&gem().bytes(), &repository, &asked(&commit)).unwrap();
        assert_eq!(comparison.verdict, Verdict::Same, "{place}");
        assert_eq!(comparison.repository.read_from, "a local clone");
    }
    // What the test's guard would remove has moved; it is fine that it finds nothing.
    fs::create_dir_all(git.path()).unwrap();
}

#[test]
fn a_commit_is_named_by_its_full_id_or_by_an_annotated_tag_s() {
    let mut git = Git::bare();
    let commit = git.commit(&tree());
    let tag = git.tag("v1.0", "commit", &commit);
    let again = git.tag("v1.0-signed", "tag", &tag);
    for id in [&commit, &tag, &again, &commit.to_uppercase()] {
        let comparison = compared(&git, id, &gem()).unwrap();
        assert_eq!(comparison.commit.id, commit);
    }
    for bad in ["main", "HEAD", &commit[..12], "", &format!("{commit}^{{}}")] {
        let error = error(&git, bad);
        assert!(
            matches!(error, RepositoryError::NotAnId(_)),
            "{bad}: {error}"
        );
    }
    let tree = git.tree(&tree());
    let blob = git.put("blob", b"x");
    let of_blob = git.tag("v2", "blob", &blob);
    for id in [tree, blob, of_blob] {
        let error = error(&git, &id);
        assert!(
            matches!(error, RepositoryError::NotACommit { .. }),
            "{error}"
        );
    }
}

#[test]
fn a_commit_that_is_not_there_is_not_told_about_and_the_hint_says_how_to_get_it() {
    let mut git = Git::bare();
    git.commit(&tree());
    let other = "ab".repeat(20);
    let missing = CompareError::from(error(&git, &other));
    assert!(missing.hint().unwrap().contains("git fetch"), "{missing}");
    let main = fs::read_to_string(git.path().join("refs/heads/main")).unwrap();
    fs::write(git.path().join("shallow"), main).unwrap();
    let shallow = error(&git, &other);
    assert!(matches!(
        shallow,
        RepositoryError::NoCommit { shallow: true, .. }
    ));
}

#[test]
fn a_folder_without_a_repository_and_addresses_that_would_run_programs_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Repository::open(folder.path()).is_err());
    for bad in [
        "ssh://git@example.com/a/b",
        "git@example.com:a/b.git",
        "git://example.com/a",
        "ext::sh -c evil",
        "http://example.com/a/b",
        "https://user:secret@example.com/a",
        "https://example.com/a?b",
        "ftp://example.com/a",
    ] {
        let opened = Address::parse(bad).and_then(|address| {
            assert!(matches!(address, Address::Folder(_)), "{bad}");
            address.open(&"ab".repeat(20), FetchLimits::default())
        });
        assert!(opened.is_err(), "{bad}");
    }
    let said = |typed| Address::parse(typed).unwrap_err().to_string();
    assert!(said("http://example.com/a").contains("https"));
    assert!(!said("https://user:x@example.com/a").is_empty());
}

/// A program that leaves a trace when it is run.
fn trap(git: &Git) -> (String, std::path::PathBuf) {
    let trace = git.path().join("was-run");
    let program = git.path().join("trap.sh");
    fs::write(&program, format!("#!/bin/sh\ntouch {}\n", trace.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    (program.display().to_string(), trace)
}

#[test]
fn nothing_that_a_repository_configures_is_run() {
    let mut git = Git::bare();
    let mut files = tree();
    files.push((
        ".gitattributes",
        super::file("* filter=evil diff=evil text eol=crlf\n"),
    ));
    let commit = git.commit(&files);
    let (program, trace) = trap(&git);
    git.configure(&format!(
        "\tfsmonitor = {program}\n\tsshCommand = {program}\n\tpager = {program}\n\teditor = {program}\n\
         \thooksPath = {0}\n\talternateRefsCommand = {program}\n\
         [filter \"evil\"]\n\tclean = {program}\n\tsmudge = {program}\n\tprocess = {program}\n\trequired = true\n\
         [diff \"evil\"]\n\ttextconv = {program}\n\tcommand = {program}\n\
         [credential]\n\thelper = {program}\n[uploadpack]\n\tpackObjectsHook = {program}\n\
         [gpg]\n\tprogram = {program}\n[include]\n\tpath = {0}/more\n",
        git.path().display()
    ));
    fs::write(
        git.path().join("more"),
        "[core]\n\trepositoryformatversion = 99\n",
    )
    .unwrap();
    for hook in ["post-checkout", "reference-transaction", "pre-auto-gc"] {
        fs::create_dir_all(git.path().join("hooks")).unwrap();
        fs::copy(&program, git.path().join("hooks").join(hook)).unwrap();
    }
    let comparison = compared(&git, &commit, &gem()).unwrap();
    // The attributes ask for CR LF; what is compared is what the repository holds.
    assert_eq!(comparison.counts.line_endings, 0);
    assert_eq!(comparison.counts.changed, 0);
    assert!(!trace.exists(), "a program of the repository was run");
}

#[test]
fn replacement_refs_do_not_put_another_commit_in_place_of_the_one_that_was_asked_for() {
    let mut git = Git::bare();
    let mut changed = tree();
    changed[1].1 = super::file("other\n");
    let commit = git.commit(&changed);
    let nice = git.commit(&tree());
    let replace = git.path().join("refs/replace");
    fs::create_dir_all(&replace).unwrap();
    fs::write(replace.join(&commit), format!("{nice}\n")).unwrap();
    let comparison = compared(&git, &commit, &gem()).unwrap();
    assert_eq!(comparison.verdict, Verdict::Different);
    assert_eq!(comparison.commit.id, commit);
}
