//! The metadata that decides what is loaded, run and installed: compared, or not known, and never the same for that.
use gemledger::compare::{Asked, Comparison, Repository, Verdict, compare};

use super::{GEMSPEC, asked, at, file, gem, tree, with};
use crate::support::{
    git::{At, Git},
    package::{Package, Packed},
};

/// What somebody does to a gem.
type Change<'a> = &'a dyn Fn(&mut Package);

fn fields(comparison: &Comparison) -> Vec<&'static str> {
    let fields = comparison.metadata.iter();
    fields.map(|field| field.field).collect()
}

/// The repository and the gem, with this gemspec in both.
fn shaped(gemspec: &str) -> (Vec<(&'static str, At)>, Package) {
    let mut files = tree();
    files[0].1 = file(gemspec);
    let mut gem = gem();
    at(&mut gem, "hello.gemspec").bytes = gemspec.as_bytes().to_vec();
    (files, gem)
}

#[test]
fn each_field_that_decides_is_compared() {
    let changes: [(&str, Change<'_>); 7] = [
        ("bindir", &|gem| gem.bindir = "spec/fixtures".into()),
        ("dependencies", &|gem| {
            gem.needs.push(("evil".into(), ">= 0".into()));
        }),
        ("executables", &|gem| gem.executables = vec!["hello".into()]),
        ("extensions", &|gem| {
            gem.extensions = vec!["spec/extconf.rb".into()];
        }),
        ("platform", &|gem| gem.platform = "java".into()),
        ("require_paths", &|gem| {
            gem.require_paths.insert(0, "spec/fixtures".into());
        }),
        ("required_ruby_version", &|gem| gem.ruby = ">= 1.8".into()),
    ];
    for (field, change) in changes {
        let mut gem = gem();
        change(&mut gem);
        let comparison = with(&tree(), &gem);
        assert_eq!(fields(&comparison), [field]);
        assert_eq!(comparison.verdict, Verdict::Different, "{field}");
    }
}

#[test]
fn a_fixture_of_the_repository_does_not_become_code_by_the_metadata_alone() {
    let listed = "  spec.extensions = [\"ext/extconf.rb\"]\nend\n";
    let gemspec = GEMSPEC
        .replace("end\n", listed)
        .replace("^(test|spec)/", "^x/");
    let (mut files, mut gem) = shaped(&gemspec);
    files.push(("ext/extconf.rb", file("good\n")));
    files.push(("spec/fixtures/extconf.rb", file("bad\n")));
    gem.files.push(Packed::file("ext/extconf.rb", b"good\n"));
    gem.files
        .push(Packed::file("spec/fixtures/extconf.rb", b"bad\n"));
    gem.files
        .push(Packed::file("spec/hello_spec.rb", b"nothing\n"));
    gem.extensions = vec!["ext/extconf.rb".into()];
    assert_eq!(with(&files, &gem).verdict, Verdict::Same);
    gem.extensions = vec!["spec/fixtures/extconf.rb".into()];
    let comparison = with(&files, &gem);
    assert_eq!(comparison.counts.same, comparison.counts.files);
    assert_eq!(fields(&comparison), ["extensions"]);
    assert_eq!(comparison.verdict, Verdict::Different);
}

#[test]
fn what_was_not_looked_at_is_never_the_same() {
    let strange = GEMSPEC.replace("  spec.name", "  configure(spec)\n  spec.name");
    let (files, mut gem) = shaped(&strange);
    gem.needs.push(("evil".into(), ">= 0".into()));
    gem.extensions = vec!["exe/hello".into()];
    let comparison = with(&files, &gem);
    assert_eq!(comparison.verdict, Verdict::CouldNotTell);
    assert_eq!(comparison.gemspec.compared, [""; 0]);
    let unknown = comparison.gemspec.unknown.iter();
    let names: Vec<&str> = unknown
        .filter(|field| field.decides)
        .map(|field| field.field)
        .collect();
    assert_eq!(names.len(), 9);
    assert!(comparison.gemspec.unknown[0].why.contains("configure"));

    // One deciding field is enough; one that only says something is not.
    let one = GEMSPEC.replace("end\n", "  spec.extensions = find_them\nend\n");
    let (files, gem) = shaped(&one);
    assert_eq!(with(&files, &gem).verdict, Verdict::CouldNotTell);
    let one = GEMSPEC.replace("%w[MIT]", "find_them");
    let (files, gem) = shaped(&one);
    assert_eq!(with(&files, &gem).verdict, Verdict::Same);

    // No gemspec of this name, and a folder without one.
    let none: Vec<_> = tree().into_iter().skip(1).collect();
    let mut without = super::gem();
    without.files.retain(|file| file.path != "hello.gemspec");
    assert_eq!(with(&none, &without).verdict, Verdict::CouldNotTell);
}

#[test]
fn the_files_alone_are_compared_where_only_they_are_asked_for() {
    let strange = GEMSPEC.replace("  spec.name", "  configure(spec)\n  spec.name");
    let (files, mut gem) = shaped(&strange);
    let mut git = Git::bare();
    let commit = git.commit(&files);
    let repository = Repository::open(git.path()).unwrap();
    let asked = Asked {
        files_only: true,
        ..asked(&commit)
    };
    let comparison = compare(&gem.bytes(), &repository, &asked).unwrap();
    assert_eq!(comparison.verdict, Verdict::Same);
    assert!(comparison.files_only && !comparison.gemspec.files_known);
    assert_eq!(comparison.gemspec.compared, [""; 0]);
    gem.files.push(Packed::file("lib/evil.rb", b"system\n"));
    let comparison = compare(&gem.bytes(), &repository, &asked).unwrap();
    assert_eq!(comparison.verdict, Verdict::Different);
}

#[test]
fn files_that_other_fields_pack_are_missed_too() {
    let gemspec = GEMSPEC.replace(
        "`git ls-files -z`.split(\"\\x0\").reject { |f| f.match(%r{^(test|spec)/}) }",
        "Dir[\"lib/**/*\", \"hello.gemspec\"]\n  spec.bindir = \"exe\"\n  spec.executables = [\"hello\"]\n  spec.extra_rdoc_files = [\"README.md\"]",
    );
    let (files, mut gem) = shaped(&gemspec);
    gem.bindir = "exe".into();
    gem.executables = vec!["hello".into()];
    let same = with(&files, &gem);
    assert_eq!(same.verdict, Verdict::Same, "{same:?}");
    gem.files
        .retain(|file| !matches!(file.path.as_str(), "README.md" | "exe/hello"));
    let comparison = with(&files, &gem);
    assert_eq!(comparison.counts.left_out, 2);
}

#[test]
fn versions_are_compared_as_rubygems_keeps_them() {
    let gemspec = GEMSPEC.replace("Hello::VERSION", "\"1.0-beta\"");
    let (files, mut gem) = shaped(&gemspec);
    gem.number = "1.0.pre.beta".into();
    assert_eq!(with(&files, &gem).verdict, Verdict::Same);
    gem.number = "1.0.beta".into();
    assert_eq!(fields(&with(&files, &gem)), ["version"]);
}
