//! Gems that were built for a platform: explained by the word of whoever compares, and shown as that.
use gemledger::compare::{
    Asked, CompareError, Comparison, Repository, Verdict, compare, report::Class, statement,
};

use super::{GEMSPEC, asked, at, file, found, gem, tree};
use crate::support::{
    git::{At, Git},
    package::{Package, Packed},
};

const NEEDS: &str = "  spec.extensions = [\"ext/extconf.rb\"]\n  spec.add_dependency \"mini_portile2\", \"~> 2.8\"\nend\n";

/// A repository with an extension, and the gem that was built of it for one platform.
fn built() -> (Vec<(&'static str, At)>, Package) {
    let gemspec = GEMSPEC.replace("end\n", NEEDS);
    let mut files = tree();
    files[0].1 = file(gemspec.as_str());
    files.push(("ext/extconf.rb", file("create_makefile\n")));
    files.push(("ext/hello.c", file("int main;\n")));
    let mut gem = gem();
    at(&mut gem, "hello.gemspec").bytes = gemspec.into_bytes();
    gem.platform = "x86_64-linux".into();
    gem.ruby = ">= 3.1".into();
    gem.files
        .push(Packed::file("lib/hello/3.1/hello.so", b"\x7fELF"));
    (files, gem)
}

fn compared(gem: &Package, files: &[(&str, At)], word: bool) -> Result<Comparison, CompareError> {
    let mut git = Git::bare();
    let commit = git.commit(files);
    let asked = Asked {
        built_for_platform: word,
        ..asked(&commit)
    };
    compare(&gem.bytes(), &Repository::open(git.path()).unwrap(), &asked)
}

#[test]
fn what_building_for_a_platform_changes_is_different_without_a_word_for_it() {
    let (files, gem) = built();
    let comparison = compared(&gem, &files, false).unwrap();
    assert_eq!(comparison.verdict, Verdict::Different);
    let counts = comparison.counts;
    assert_eq!((counts.extra, counts.left_out, counts.metadata), (1, 2, 4));
    assert_eq!(counts.by_word(), 0);
}

#[test]
fn it_is_a_class_of_its_own_by_the_word_of_whoever_compares() {
    let (files, gem) = built();
    let comparison = compared(&gem, &files, true).unwrap();
    assert_eq!(comparison.verdict, Verdict::Same, "{comparison:?}");
    let counts = comparison.counts;
    assert_eq!(
        (counts.built, counts.built_left_out, counts.built_metadata),
        (1, 2, 4)
    );
    assert_eq!((counts.by_word(), counts.explained()), (7, 7));
    assert_eq!(comparison.built_for.as_deref(), Some("x86_64-linux"));
    let library = found(&comparison)[2];
    assert_eq!(
        library,
        ("lib/hello/3.1/hello.so", &Class::Built { packed: true })
    );
    let bytes = statement::write(&comparison, "Ann").unwrap();
    let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(json["predicate"]["builtFor"], "x86_64-linux");
    assert_eq!(
        json["predicate"]["metadataBuilt"].as_array().unwrap().len(),
        4
    );
}

#[test]
fn the_word_explains_nothing_else() {
    let (files, gem) = built();
    let differs = |change: &dyn Fn(&mut Package)| {
        let mut gem = gem.clone();
        change(&mut gem);
        let comparison = compared(&gem, &files, true).unwrap();
        assert_eq!(comparison.verdict, Verdict::Different);
    };
    differs(&|gem| gem.files.push(Packed::file("lib/evil.rb", b"system\n")));
    differs(&|gem| gem.files.push(Packed::file("exe/evil.so", b"\x7fELF")));
    differs(&|gem| gem.needs.push(("evil".into(), ">= 0".into())));
    differs(&|gem| gem.extensions = vec!["exe/hello".into()]);
    differs(&|gem| gem.require_paths = vec!["spec".into()]);
    differs(&|gem| gem.files.retain(|file| file.path != "README.md"));
    differs(&|gem| at(gem, "lib/hello.rb").bytes = b"system\n".to_vec());
    // A plain gem was built for none.
    assert!(matches!(
        compared(&super::gem(), &tree(), true),
        Err(CompareError::NotBuilt)
    ));
}
