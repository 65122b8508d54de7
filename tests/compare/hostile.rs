//! Repositories and gems that lie: about their objects, their names, their sizes.
use gemledger::compare::{CompareError, RepositoryError, Verdict, report::Class};

use super::{CODE, at, compared, file, found, gem, tree};
use crate::support::{
    git::{At, Git, id_of},
    package::{Package, Packed},
};

fn error(git: &Git, commit: &str) -> RepositoryError {
    match compared(git, commit, &gem()) {
        Err(CompareError::Repository(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_object_that_is_not_what_its_id_says_is_not_believed() {
    let mut git = Git::bare();
    let commit = git.commit(&tree());
    let tree_id = String::from_utf8(git.objects[&commit].1[5..45].to_vec()).unwrap();
    // The file of the gem under the id of the file of the commit.
    let evil = CODE.replace("puts", "eval").into_bytes();
    git.put_as(&id_of("blob", CODE.as_bytes()), "blob", &evil);
    let mut gem = gem();
    at(&mut gem, "lib/hello.rb").bytes = evil;
    let comparison = compared(&git, &commit, &gem).unwrap();
    assert!(
        matches!(found(&comparison).as_slice(), [("lib/hello.rb", Class::NotCompared { why })] if why.contains("has the hash")),
        "{comparison:?}"
    );
    assert_eq!(comparison.verdict, Verdict::CouldNotTell);

    // A tree or a commit of somebody else's making.
    let other = git.tree(&[("a", file("x"))]);
    let bytes = git.objects[&other].1.clone();
    git.put_as(&tree_id, "tree", &bytes);
    assert!(matches!(error(&git, &commit), RepositoryError::Damaged(..)));
    let mut git = Git::bare();
    let commit = git.commit(&tree());
    let other = git.commit(&[("a", file("x"))]);
    let bytes = git.objects[&other].1.clone();
    git.put_as(&commit, "commit", &bytes);
    assert!(matches!(error(&git, &commit), RepositoryError::Damaged(..)));
}

#[test]
fn an_object_of_another_kind_or_none_at_all_tells_nothing() {
    let mut git = Git::bare();
    let blob = git.put("blob", b"x");
    let commit = git.commit_of(&blob);
    assert!(matches!(error(&git, &commit), RepositoryError::Damaged(..)));
    let commit = git.commit_of(&"ab".repeat(20));
    assert!(matches!(error(&git, &commit), RepositoryError::NoObject(_)));
    let mut files = tree();
    files[1].1 = At::Missing("ab".repeat(20));
    let commit = git.commit(&files);
    let comparison = compared(&git, &commit, &gem()).unwrap();
    assert_eq!(comparison.verdict, Verdict::CouldNotTell);
    assert_eq!(comparison.counts.not_compared, 1);
}

#[test]
fn names_that_no_git_writes_are_refused() {
    for bad in [b"..".as_slice(), b".", b"", b"a/b"] {
        let mut git = Git::bare();
        let blob = git.put("blob", b"x");
        let tree = git.raw_tree(&[("100644", bad, blob)]);
        let commit = git.commit_of(&tree);
        assert!(
            matches!(error(&git, &commit), RepositoryError::Damaged(..)),
            "{bad:?}"
        );
    }
    // The same name twice: which of both would be checked out?
    let mut git = Git::bare();
    let (one, other) = (git.put("blob", b"1"), git.put("blob", b"2"));
    let twice = git.raw_tree(&[("100644", b"a", one.clone()), ("100644", b"a", other)]);
    let commit = git.commit_of(&twice);
    assert!(matches!(error(&git, &commit), RepositoryError::Damaged(..)));
    // A name that is not UTF-8 is no gem's, and harms nobody.
    let odd = git.raw_tree(&[("100644", b"\xff", one)]);
    let commit = git.commit_of(&odd);
    assert_eq!(
        compared(&git, &commit, &gem()).unwrap().verdict,
        Verdict::Different
    );
}

#[test]
fn trees_that_explode_are_given_up() {
    let mut git = Git::bare();
    let blob = git.put("blob", b"x");
    let mut tree = git.raw_tree(&[("100644", b"f", blob)]);
    for _ in 0..8 {
        let names: Vec<String> = (0..10).map(|n| n.to_string()).collect();
        let entries: Vec<_> = names
            .iter()
            .map(|name| ("40000", name.as_bytes(), tree.clone()))
            .collect();
        tree = git.raw_tree(&entries);
    }
    let commit = git.commit_of(&tree);
    assert!(matches!(error(&git, &commit), RepositoryError::TooMuch(_)));
    let mut deep = git.tree(&[("a", file("x"))]);
    for _ in 0..200 {
        deep = git.raw_tree(&[("40000", b"d", deep)]);
    }
    let commit = git.commit_of(&deep);
    assert!(matches!(error(&git, &commit), RepositoryError::TooMuch(_)));
}

#[test]
fn a_file_too_large_to_read_is_compared_by_its_id() {
    let large = vec![b'x'; (64 << 20) + 1];
    let mut git = Git::bare();
    let mut files = tree();
    files.push(("data/large", file(&large)));
    let commit = git.commit(&files);
    let mut gem = gem();
    gem.files.push(Packed::file("data/large", &large));
    let verdict = |gem: &Package| compared(&git, &commit, gem).unwrap().verdict;
    assert_eq!(verdict(&gem), Verdict::Same);
    // The same size, another byte.
    at(&mut gem, "data/large").bytes[1000] = b'y';
    assert_eq!(verdict(&gem), Verdict::Different);
    // A small file where the repository has a large one.
    at(&mut gem, "data/large").bytes = b"small".to_vec();
    assert_eq!(verdict(&gem), Verdict::Different);
}

#[test]
fn paths_longer_than_any_gem_s_are_not_remembered_and_too_many_are_given_up() {
    let blob = |git: &mut Git| git.put("blob", b"x");
    let nested = |git: &mut Git, files: usize, length: usize, folders: usize| {
        let blob = blob(git);
        let names: Vec<String> = (0..files).map(|n| format!("{n:06}")).collect();
        let entries: Vec<_> = names
            .iter()
            .map(|name| ("100644", name.as_bytes(), blob.clone()))
            .collect();
        let mut tree = git.raw_tree(&entries);
        let name = "d".repeat(length);
        for _ in 0..folders {
            tree = git.raw_tree(&[("40000", name.as_bytes(), tree)]);
        }
        git.commit_of(&tree)
    };
    // 6,000 paths of two million bytes each, if anybody remembered them.
    let mut git = Git::bare();
    let commit = nested(&mut git, 6_000, 20_000, 100);
    let comparison = compared(&git, &commit, &gem()).unwrap();
    assert_eq!(comparison.counts.same, 0);
    let mut git = Git::bare();
    let commit = nested(&mut git, 80_000, 900, 1);
    assert!(matches!(error(&git, &commit), RepositoryError::TooMuch(_)));
}

#[test]
fn a_gem_that_leads_elsewhere_is_not_compared_at_all() {
    let mut git = Git::bare();
    let commit = git.commit(&tree());
    for bad in ["../evil", "/etc/passwd", "lib/../../evil", "lib/hello.rb"] {
        let mut gem = gem();
        gem.files.push(Packed::file(bad, b"x"));
        let refused = compared(&git, &commit, &gem);
        assert!(matches!(refused, Err(CompareError::Gem(_))), "{bad}");
    }
}
