//! What must be seen in the text of YAML because the events of its parser do not show it.

use super::yaml::YamlError;

/// The most lines, most of which hold a value.
pub(super) const MAX_LINES: usize = 500_000;

/// Refuses what must be seen in the source because the parser's events do not show it.
pub(super) fn check(text: &str) -> Result<(), YamlError> {
    for (place, line) in text.split('\n').enumerate() {
        let number = place.saturating_add(1);
        if number > MAX_LINES {
            return Err(YamlError::TooBig);
        }
        if let Some(character) = line.chars().find(|c| !is_plain_character(*c)) {
            return Err(YamlError::Character {
                line: number,
                character,
            });
        }
        let unusual = |what| Err(YamlError::Unusual { line: number, what });
        if line.starts_with('%') {
            return unusual("a directive");
        }
        // RubyGems edits these two before it parses, wherever they stand.
        if line.ends_with(" !!null ") {
            return unusual("`!!null`");
        }
        if line.starts_with("date: ") && line.contains('Z') && !line.ends_with(" Z") {
            return unusual("a date without a space before `Z`");
        }
    }
    Ok(())
}

/// Printable for libyaml, and neither a line break nor a byte order mark for it.
fn is_plain_character(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::super::yaml::parse;
    use super::*;

    #[test]
    fn characters_that_ruby_escapes_are_refused() {
        for character in [
            '\t', '\r', '\0', '\u{7f}', '\u{85}', '\u{2028}', '\u{feff}', '\u{ffff}',
        ] {
            let found = parse(&format!("a: b{character}c\n"));
            assert_eq!(found, Err(YamlError::Character { line: 1, character }));
        }
        assert!(parse("a: \u{e9}\u{a0}\u{1f600}\n").is_ok());
    }

    #[test]
    fn what_rubygems_edits_before_it_parses_is_refused() {
        let unusual = |text: &str| matches!(check(text), Err(YamlError::Unusual { line: 2, .. }));
        assert!(unusual("a: b\nc: !!null \n"));
        assert!(unusual("a: |\ndate: 2011-04-26 00:00:00.000000000Z\n"));
        assert!(check("date: 2011-04-26 00:00:00.000000000 Z\n").is_ok());
    }
}
