//! What was found, for people: what needs a look first, then what is explained, then how many.
use super::out;
use crate::compare::{
    Comparison, StatedBy, Verdict,
    report::{Class, Difference},
};

/// Prints a comparison.
pub(super) fn show(comparison: &Comparison) {
    let Comparison {
        gem,
        commit,
        repository,
        ..
    } = comparison;
    let by = match commit.stated_by {
        StatedBy::Ledger => "named by the release's record in the log",
        StatedBy::Caller => "named by --commit; no record vouches for it",
    };
    let recorded = repository.recorded.as_deref().unwrap_or("not recorded");
    let folder = match repository.path.as_str() {
        "" => "the root",
        path => path,
    };
    table(&[
        ["gem", &format!("{}  sha256:{}", gem.file, gem.sha256)],
        ["commit", &format!("{}  {by}", commit.id)],
        [
            "repository",
            &format!("{recorded}, read from {}", repository.read_from),
        ],
        ["folder", folder],
    ]);
    differences(comparison);
    summary(comparison);
}

/// What needs a look first, then what is explained.
fn differences(comparison: &Comparison) {
    group(comparison, "CHANGED", |class| {
        matches!(class, Class::Changed { .. })
    });
    group(comparison, "ONLY IN THE GEM", |class| {
        matches!(class, Class::Extra { .. })
    });
    group(comparison, "LEFT OUT", |class| {
        matches!(class, Class::LeftOut)
    });
    fields(comparison, "METADATA", false);
    fields(
        comparison,
        "METADATA, BUILT FOR A PLATFORM BY YOUR WORD",
        true,
    );
    group(comparison, "NOT COMPARED", |class| {
        matches!(class, Class::NotCompared { .. })
    });
    group(comparison, "EXPLAINED", explained);
}

fn fields(comparison: &Comparison, title: &str, built: bool) {
    let fields = comparison.metadata.iter();
    let found: Vec<_> = fields.filter(|field| field.built == built).collect();
    if found.is_empty() {
        return;
    }
    out::line(&format!("\n{title} ({})", found.len()));
    for field in found {
        out::line(&format!(
            "  {}: the gemspec says {:?}, the gem {:?}",
            field.field, field.gemspec, field.gem
        ));
    }
}

/// How many, and what that means.
fn summary(comparison: &Comparison) {
    let gemspec = &comparison.gemspec;
    let counts = &comparison.counts;
    let by_word = match counts.by_word() {
        0 => String::new(),
        some => format!(" ({some} by your word alone)"),
    };
    out::line("");
    out::line(&format!(
        "{} files: {} the same, {} explained{by_word}, {} changed, {} only in the gem, {} not compared; {} left out",
        counts.files,
        counts.same,
        counts.explained(),
        counts.changed,
        counts.extra,
        counts.not_compared,
        if gemspec.files_known {
            counts.left_out.to_string()
        } else {
            "not known how many".into()
        }
    ));
    out::line(match (comparison.verdict, comparison.files_only) {
        (Verdict::Same, false) => "nothing in the gem is unexplained",
        (Verdict::Same, true) => "no file in the gem is unexplained; nothing else was compared",
        (Verdict::Different, _) => "the gem differs from its repository",
        (Verdict::CouldNotTell, _) => {
            "it could not be told whether the gem differs from its repository"
        }
    });
    if comparison.files_only {
        return;
    }
    if let Some(why) = &gemspec.why_not {
        out::note(&format!("what was left out is not known: {why}"));
    }
    for field in gemspec.unknown.iter().filter(|field| field.decides) {
        out::note(&format!("{} is not known: {}", field.field, field.why));
    }
    if !gemspec.compared.is_empty() {
        out::note(&format!(
            "the gemspec was read without running it; compared with the gem's metadata: {}",
            gemspec.compared.join(", ")
        ));
    }
    if comparison.verdict == Verdict::CouldNotTell && counts.not_compared == 0 {
        out::note("hint: --files-only compares the files alone");
    }
}

fn explained(class: &Class) -> bool {
    matches!(
        class,
        Class::LineEndings
            | Class::Lfs
            | Class::Moved { .. }
            | Class::Generated { .. }
            | Class::Built { .. }
    )
}

fn table(rows: &[[&str; 2]]) {
    let width = rows.iter().map(|[name, _]| name.len()).max().unwrap_or(0);
    for [name, value] in rows {
        out::line(&format!("{name:width$}  {value}"));
    }
}

fn group(comparison: &Comparison, title: &str, belongs: impl Fn(&Class) -> bool) {
    let found: Vec<&Difference> = comparison
        .differences
        .iter()
        .filter(|difference| belongs(&difference.class))
        .collect();
    if found.is_empty() {
        return;
    }
    out::line(&format!("\n{title} ({})", found.len()));
    let width = found
        .iter()
        .map(|difference| difference.path.chars().count())
        .max()
        .unwrap_or(0)
        .min(60);
    for difference in found {
        let path = &difference.path;
        out::line(format!("  {path:width$}  {}", words(&difference.class)).trim_end());
    }
}

fn words(class: &Class) -> String {
    match class {
        Class::LineEndings => "only line endings differ".into(),
        Class::Lfs => "the file that the commit's Git LFS pointer names by SHA-256".into(),
        Class::Moved { tree_path } => format!("the same bytes as {tree_path}"),
        Class::Generated { pattern } => format!("made by the build, by your word: {pattern}"),
        Class::Built { packed: true } => "built for the platform, by your word".into(),
        Class::Built { packed: false } => {
            "only needed to build, and left out of the gem by your word".into()
        }
        Class::Changed {
            what,
            gem_size,
            tree_size,
            first_line,
        } => {
            let line = first_line.map(|line| format!(" from line {line} on"));
            let sizes = tree_size.map(|size| format!(": {gem_size} bytes, {size} in the commit"));
            format!(
                "{}{}{}",
                what.join(" and "),
                line.unwrap_or_default(),
                sizes.unwrap_or_default()
            )
        }
        Class::Extra { gem_size, same_as } => {
            let same = same_as.as_ref().map(|path| format!(", the same as {path}"));
            format!("{gem_size} bytes{}", same.unwrap_or_default())
        }
        Class::LeftOut => "the gemspec lists it and the commit has it".into(),
        Class::NotCompared { why } => why.clone(),
    }
}
