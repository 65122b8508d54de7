//! Every command that a document shows is one that the command line takes: asked of its own definition, to the last option.
use std::{collections::BTreeSet, fs};

use clap::Command;

use super::{blocks, documents};

/// The words of a line as a shell reads it, up to what it does with the output.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars().chain([' ']) {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, c) if c.is_whitespace() => words.push(std::mem::take(&mut word)),
            (_, c) => word.push(c),
        }
    }
    let ends = |word: &str| ["|", ">", "&&", "#", ";"].contains(&word);
    let words = words.into_iter().filter(|word| !word.is_empty());
    words.take_while(|word| !ends(word)).collect()
}

/// The commands at a prompt, whole.
fn shown(text: &str) -> Vec<String> {
    let blocks = blocks(text, "console");
    let joined = blocks.iter().map(|block| block.replace("\\\n", " "));
    let lines: Vec<String> = joined
        .flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let commands = lines.iter().filter_map(|line| line.strip_prefix("$ "));
    commands
        .filter(|command| command.starts_with("gemledger "))
        .map(str::to_owned)
        .collect()
}

/// The commands in the midst of a sentence, which may leave out what is not spoken of.
fn mentioned(text: &str) -> Vec<String> {
    let outside: String = text.split("\n```").step_by(2).collect();
    let spans = outside.split('`').skip(1).step_by(2);
    let spans = spans.filter(|span| span.starts_with("gemledger "));
    spans.map(str::to_owned).collect()
}

/// Follows the words to the command that they name. A word where a command must be is one.
fn named<'a>(root: &'a Command, words: &[String]) -> Result<&'a Command, String> {
    let mut command = root;
    for word in words.iter().skip(1) {
        if !command.has_subcommands() {
            break;
        }
        // Of `add|list`, each.
        let mut names = word.split('|');
        let first = names.next().unwrap_or_default();
        let (name, found) = (command.get_name(), command.find_subcommand(first));
        if let Some(other) = names.find(|name| command.find_subcommand(name).is_none()) {
            return Err(format!("{name} has no {other}"));
        }
        command = match found {
            Some(found) => found,
            None if word.starts_with('-') || word == "…" => break,
            None => return Err(format!("{name} has no {word}")),
        };
    }
    Ok(command)
}

/// What this command, or its relatives below, do not know of these options.
fn unknown(command: &Command, words: &[String]) -> Option<String> {
    let known: BTreeSet<String> = command
        .get_arguments()
        .filter_map(|argument| argument.get_long())
        .map(|name| format!("--{name}"))
        .collect();
    let options = words.iter().filter(|word| word.starts_with("--"));
    let names = options.map(|option| option.split('=').next().unwrap_or_default());
    let mut names = names.map(|name| name.trim_end_matches(|c: char| !c.is_ascii_lowercase()));
    let stranger = names.find(|name| !known.contains(*name) && *name != "--help");
    stranger.map(|name| format!("{} has no {name}", command.get_name()))
}

/// The definition of the command line, with what holds for every command in each.
fn definition() -> Command {
    let mut root = gemledger::cli::command();
    root.build();
    root
}

#[test]
fn every_command_that_is_shown_is_taken_as_it_stands() {
    let mut seen = 0;
    for document in documents() {
        for line in shown(&fs::read_to_string(&document).unwrap()) {
            let taken = definition().try_get_matches_from(words(&line));
            let wrong = taken.err().map(|error| error.to_string());
            assert_eq!(wrong, None, "{}: {line}", document.display());
            seen += 1;
        }
    }
    assert!(seen > 60, "only {seen} commands were found");
}

#[test]
fn every_command_that_is_mentioned_exists_with_its_options() {
    let (root, mut seen) = (definition(), 0);
    for document in documents() {
        for span in mentioned(&fs::read_to_string(&document).unwrap()) {
            let words = words(&span);
            let wrong = named(&root, &words).map(|command| unknown(command, &words));
            assert_eq!(wrong, Ok(None), "{}: {span}", document.display());
            seen += 1;
        }
    }
    assert!(seen > 60, "only {seen} commands were found");
}

#[test]
fn a_command_that_does_not_exist_is_noticed_at_any_depth() {
    let root = definition();
    for wrong in [
        "gemledger policy xyz gem 7",
        "gemledger log rules sit",
        "gemledger policy cancel gem 7 --because it-is",
        "gemledger trust-root add|lost",
    ] {
        let words = words(wrong);
        let mentioned = named(&root, &words).map(|command| unknown(command, &words));
        assert_ne!(mentioned, Ok(None), "{wrong}");
        let taken = definition().try_get_matches_from(words);
        assert!(taken.is_err(), "{wrong}");
    }
}
