//! Each way in which a file can be the same, or not.
use gemledger::compare::{
    Asked, Repository, Verdict, compare,
    glob::Glob,
    report::{Class, Comparison},
};

use super::{CODE, GEMSPEC, asked, at, compared, file, found, gem, tree, with};
use crate::support::{
    git::{At, Git},
    package::Packed,
};

fn changed(comparison: &Comparison, path: &str) -> (Vec<&'static str>, Option<u64>) {
    match found(comparison).as_slice() {
        [
            (
                found,
                Class::Changed {
                    what, first_line, ..
                },
            ),
        ] if *found == path => (what.clone(), *first_line),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_gem_that_is_its_repository_is_the_same() {
    let comparison = with(&tree(), &gem());
    assert_eq!(found(&comparison), []);
    assert_eq!(comparison.metadata, []);
    assert_eq!(comparison.verdict, Verdict::Same);
    assert_eq!((comparison.counts.files, comparison.counts.same), (5, 5));
    assert!(comparison.gemspec.files_known, "{:?}", comparison.gemspec);
    assert!(comparison.gemspec.is_known());
    for field in ["authors", "dependencies", "licenses", "name", "version"] {
        assert!(comparison.gemspec.compared.contains(&field), "{field}");
    }
}

#[test]
fn a_changed_line_is_found_and_named() {
    let mut gem = gem();
    at(&mut gem, "lib/hello.rb").bytes = CODE.replace("puts", "eval").into_bytes();
    let comparison = with(&tree(), &gem);
    assert_eq!(
        changed(&comparison, "lib/hello.rb"),
        (vec!["content"], Some(4))
    );
    assert_eq!(comparison.verdict, Verdict::Different);
}

#[test]
fn line_endings_alone_are_explained_and_a_lone_carriage_return_is_not() {
    let mut crlf = gem();
    at(&mut crlf, "lib/hello.rb").bytes = CODE.replace('\n', "\r\n").into_bytes();
    let comparison = with(&tree(), &crlf);
    assert_eq!(found(&comparison), [("lib/hello.rb", &Class::LineEndings)]);
    assert_eq!(comparison.verdict, Verdict::Same);

    // A comment in the repository, a line of code in the gem.
    let mut files = tree();
    files.push(("lib/a.rb", file("# a\rsystem(1)\n")));
    let mut code = gem();
    code.files
        .push(Packed::file("lib/a.rb", b"# a\nsystem(1)\n"));
    let comparison = with(&files, &code);
    assert_eq!(changed(&comparison, "lib/a.rb").0, ["content"]);
}

#[test]
fn a_smuggled_file_is_only_in_the_gem() {
    let mut gem = gem();
    gem.files
        .push(Packed::file("lib/hello/evil.rb", b"system\n"));
    let comparison = with(&tree(), &gem);
    let extra = Class::Extra {
        gem_size: 7,
        same_as: None,
    };
    assert_eq!(found(&comparison), [("lib/hello/evil.rb", &extra)]);
    assert_eq!(comparison.verdict, Verdict::Different);
}

#[test]
fn a_file_that_the_gemspec_lists_is_missed_and_one_that_it_does_not_is_not() {
    let mut gem = gem();
    gem.files.retain(|file| file.path != "README.md");
    let comparison = with(&tree(), &gem);
    assert_eq!(found(&comparison), [("README.md", &Class::LeftOut)]);
    assert_eq!(comparison.verdict, Verdict::Different);
    assert_eq!(comparison.counts.files, 4);

    // The list is not understood: what was left out is not known, and the rest is compared all the same.
    let mut files = tree();
    let strange = GEMSPEC.replace("`git ls-files -z`", "everything");
    files[0].1 = file(&strange);
    at(&mut gem, "hello.gemspec").bytes = strange.into_bytes();
    let comparison = with(&files, &gem);
    assert_eq!(
        (found(&comparison), comparison.verdict),
        (vec![], Verdict::CouldNotTell)
    );
    assert!(!comparison.gemspec.files_known);
    assert!(comparison.gemspec.why_not.is_some());
}

#[test]
fn the_executable_bit_counts() {
    let mut gem = gem();
    at(&mut gem, "lib/hello.rb").mode = "0100755\0";
    let comparison = with(&tree(), &gem);
    assert_eq!(
        changed(&comparison, "lib/hello.rb"),
        (vec!["executable"], None)
    );
    assert_eq!(comparison.verdict, Verdict::Different);
}

#[test]
fn a_program_that_runs_as_its_owner_is_none_of_the_repository_s() {
    let mut gem = gem();
    at(&mut gem, "exe/hello").mode = "0106755\0";
    let comparison = with(&tree(), &gem);
    assert_eq!(changed(&comparison, "exe/hello"), (vec!["mode"], None));
    assert_eq!(comparison.verdict, Verdict::Different);
}

#[test]
fn links_are_compared_by_where_they_lead() {
    let mut files = tree();
    files.push(("lib/hi.rb", At::Link("hello.rb")));
    let linked = |target: &str| {
        let mut gem = gem();
        gem.files.push(Packed {
            link: Some(target.into()),
            ..Packed::file("lib/hi.rb", b"")
        });
        gem
    };
    assert_eq!(with(&files, &linked("hello.rb")).verdict, Verdict::Same);
    let elsewhere = with(&files, &linked("hello/version.rb"));
    assert_eq!(changed(&elsewhere, "lib/hi.rb").0, ["content"]);
    // A file where the repository has a link, and a link where it has a file.
    let mut plain = gem();
    plain.files.push(Packed::file("lib/hi.rb", b"hello.rb"));
    assert_eq!(changed(&with(&files, &plain), "lib/hi.rb").0, ["kind"]);
    let mut swapped = gem();
    at(&mut swapped, "README.md").link = Some("lib/hello.rb".into());
    at(&mut swapped, "README.md").bytes.clear();
    assert_eq!(changed(&with(&tree(), &swapped), "README.md").0, ["kind"]);
}

#[test]
fn the_same_bytes_under_the_same_name_elsewhere_are_explained_and_under_another_name_are_not() {
    let mut files = tree();
    files.push(("LICENSE", file("MIT\n")));
    files.push(("spec/fixtures/evil.rb", file("system\n")));
    let mut gem = gem();
    gem.files.push(Packed::file("LICENSE", b"MIT\n"));
    gem.files.push(Packed::file("doc/LICENSE", b"MIT\n"));
    let comparison = with(&files, &gem);
    let moved = Class::Moved {
        tree_path: "LICENSE".into(),
    };
    assert_eq!(found(&comparison), [("doc/LICENSE", &moved)]);
    assert_eq!(comparison.verdict, Verdict::Same);

    gem.files
        .push(Packed::file("lib/hello/run.rb", b"system\n"));
    let comparison = with(&files, &gem);
    let extra = Class::Extra {
        gem_size: 7,
        same_as: Some("spec/fixtures/evil.rb".into()),
    };
    assert_eq!(found(&comparison)[1], ("lib/hello/run.rb", &extra));
    assert_eq!(comparison.verdict, Verdict::Different);
}

#[test]
fn what_can_be_loaded_or_run_is_explained_nowhere_but_at_its_own_path() {
    let mut files = tree();
    let fixtures = [
        "rubygems_plugin.rb",
        "data.txt",
        "extconf.rb",
        "run",
        "init.so",
    ];
    let paths: Vec<String> = fixtures.map(|name| format!("spec/fixtures/{name}")).into();
    files.extend(
        paths
            .iter()
            .map(|path| (path.as_str(), file(path.as_str()))),
    );
    let moved = |to: &str, mode| {
        let mut gem = gem();
        gem.bindir = "tools".into();
        let name = to.rsplit('/').next().unwrap();
        gem.files.push(Packed {
            mode,
            ..Packed::file(to, format!("spec/fixtures/{name}").as_bytes())
        });
        let comparison = with(&files, &gem);
        let explained = matches!(found(&comparison).as_slice(), [(_, Class::Moved { .. })]);
        explained || comparison.counts.extra == 0
    };
    for code in [
        "lib/rubygems_plugin.rb",
        "lib/data.txt",
        "exe/run",
        "bin/run",
        "tools/run",
        "ext/a/extconf.rb",
        "ext/data.txt",
        "doc/extconf.rb",
        "doc/init.so",
    ] {
        assert!(!moved(code, "0100644\0"), "{code}");
    }
    assert!(!moved("doc/run", "0100755\0"));
    assert!(moved("doc/data.txt", "0100644\0"));
}

#[test]
fn what_the_build_makes_is_explained_by_the_word_of_whoever_compares() {
    let mut gem = gem();
    gem.files
        .push(Packed::file("lib/hello/hello.so", b"\x7fELF"));
    gem.files.push(Packed::file("lib/hello/other.rb", b"1\n"));
    let mut git = Git::bare();
    let commit = git.commit(&tree());
    let repository = Repository::open(git.path()).unwrap();
    let asked = Asked {
        generated: vec![Glob::parse("lib/**/*.so", true).unwrap()],
        ..asked(&commit)
    };
    let comparison = compare(&gem.bytes(), &repository, &asked).unwrap();
    let pattern = "lib/**/*.so".to_owned();
    assert_eq!(found(&comparison)[0].1, &Class::Generated { pattern });
    assert!(matches!(found(&comparison)[1].1, Class::Extra { .. }));
    assert_eq!(comparison.counts.generated, 1);
    // What the repository has is compared, whatever a pattern says.
    at(&mut gem, "lib/hello.rb").bytes = b"changed\n".to_vec();
    let asked = Asked {
        generated: vec![Glob::parse("**/*", true).unwrap()],
        ..asked
    };
    let comparison = compare(&gem.bytes(), &repository, &asked).unwrap();
    assert_eq!(comparison.counts.changed, 1);
}

#[test]
fn a_pointer_of_git_lfs_stands_for_the_file_that_it_names() {
    let real = b"a model\n".to_vec();
    let digest = events::digest::Digest::of(&real).hex();
    let pointer = |digest: &str| {
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize 8\n")
    };
    let mut gem = gem();
    gem.files.push(Packed::file("data/model", &real));
    let mut files = tree();
    files.push(("data/model", file(pointer(&digest))));
    let comparison = with(&files, &gem);
    assert_eq!(found(&comparison), [("data/model", &Class::Lfs)]);
    assert_eq!(comparison.verdict, Verdict::Same);
    files[6].1 = file(pointer(&"ab".repeat(32)));
    assert_eq!(with(&files, &gem).verdict, Verdict::Different);
}

#[test]
fn files_of_a_submodule_are_not_compared_and_nothing_is_told() {
    let mut files = tree();
    files.push(("vendor/c", At::Submodule("ab".repeat(20))));
    let mut gem = gem();
    gem.files
        .push(Packed::file("vendor/c/main.c", b"int main;\n"));
    let comparison = with(&files, &gem);
    assert!(matches!(found(&comparison)[0].1, Class::NotCompared { .. }));
    assert_eq!(comparison.verdict, Verdict::CouldNotTell);
    // A difference elsewhere is one all the same.
    at(&mut gem, "README.md").bytes = b"other\n".to_vec();
    assert_eq!(with(&files, &gem).verdict, Verdict::Different);
}

#[test]
fn a_gem_in_a_folder_is_found_by_its_gemspec_and_several_must_be_named() {
    let nested = |folder: &str| -> Vec<(String, At)> {
        tree()
            .into_iter()
            .map(|(path, at)| (format!("{folder}/{path}"), at))
            .collect()
    };
    let mut files = nested("gems/hello");
    files.push(("README.md".into(), file("# All\n")));
    let all: Vec<(&str, At)> = files
        .iter()
        .map(|(path, at)| (path.as_str(), at.clone()))
        .collect();
    let comparison = with(&all, &gem());
    assert_eq!(comparison.verdict, Verdict::Same, "{comparison:?}");
    assert_eq!(comparison.repository.path, "gems/hello");

    let more = nested("old/hello");
    let all: Vec<(&str, At)> = files
        .iter()
        .chain(&more)
        .map(|(path, at)| (path.as_str(), at.clone()))
        .collect();
    let mut git = Git::bare();
    let commit = git.commit(&all);
    let error = compared(&git, &commit, &gem()).unwrap_err();
    assert!(error.hint().unwrap().contains("--path"), "{error}");
    let repository = Repository::open(git.path()).unwrap();
    let named = |folder: &str| {
        let path = Some(folder.to_owned());
        compare(
            &gem().bytes(),
            &repository,
            &Asked {
                path,
                ..asked(&commit)
            },
        )
    };
    for folder in ["gems/hello", "./gems/hello/"] {
        assert_eq!(named(folder).unwrap().verdict, Verdict::Same);
    }
    assert!(named("gems/other").is_err());
    assert!(named("../etc").is_err());
}

#[test]
fn metadata_that_the_gemspec_does_not_say_is_a_difference() {
    let mut gem = gem();
    gem.needs.push(("evil".into(), ">= 0".into()));
    gem.licenses = vec!["GPL-3.0".into()];
    let comparison = with(&tree(), &gem);
    let fields: Vec<&str> = comparison
        .metadata
        .iter()
        .map(|field| field.field)
        .collect();
    assert_eq!(fields, ["dependencies", "licenses"]);
    assert_eq!(comparison.metadata[0].gem, "evil (>= 0)");
    assert_eq!(comparison.verdict, Verdict::Different);
}
