//! Ruby's Marshal 4.8, the writing half, for the few classes that gem clients load.
//!
//! ```text
//! 04 08  value            nil `0`  true `T`  false `F`  integer `i` n   array `[` n value…  hash `{` n (key value)…
//! string in UTF-8  I " n bytes 1 :E T        symbol  `:` n bytes, the second time `;` index
//! object  `o` class n (ivar value)…          marshal_dump  `U` class value        _dump  `u` class n bytes
//! ```
//! `n` is Ruby's packed integer. Objects are never written as links to earlier ones: every reader takes a copy as well, and the bytes of one value
//! do not depend on its neighbours.

use super::date::Date;
use super::requirement::Requirement;

/// A value being written; classes and symbols are remembered as Ruby remembers them.
pub(super) struct Writer {
    bytes: Vec<u8>,
    symbols: Vec<&'static str>,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![4, 8],
            symbols: Vec::new(),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn nil(&mut self) {
        self.bytes.push(b'0');
    }

    pub(super) fn boolean(&mut self, value: bool) {
        self.bytes.push(if value { b'T' } else { b'F' });
    }

    pub(super) fn integer(&mut self, value: u32) {
        self.bytes.push(b'i');
        self.packed(value);
    }

    pub(super) fn string(&mut self, text: &str) {
        self.bytes.extend(b"I\"");
        self.counted(text.as_bytes());
        self.packed(1);
        self.symbol("E");
        self.boolean(true);
    }

    pub(super) fn optional_string(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.string(text),
            None => self.nil(),
        }
    }

    pub(super) fn strings<'a>(&mut self, texts: impl ExactSizeIterator<Item = &'a str>) {
        self.array(texts.len());
        for text in texts {
            self.string(text);
        }
    }

    pub(super) fn symbol(&mut self, name: &'static str) {
        if let Some(place) = self.symbols.iter().position(|known| *known == name) {
            self.bytes.push(b';');
            self.packed(count(place));
        } else {
            self.symbols.push(name);
            self.bytes.push(b':');
            self.counted(name.as_bytes());
        }
    }

    /// The start of an array; its values follow.
    pub(super) fn array(&mut self, length: usize) {
        self.bytes.push(b'[');
        self.packed(count(length));
    }

    /// The start of a hash; its keys and values follow in turn.
    pub(super) fn hash(&mut self, length: usize) {
        self.bytes.push(b'{');
        self.packed(count(length));
    }

    /// The start of an object; its instance variables and their values follow in turn.
    pub(super) fn object(&mut self, class: &'static str, variables: usize) {
        self.bytes.push(b'o');
        self.symbol(class);
        self.packed(count(variables));
    }

    /// An object whose class has `_dump`.
    pub(super) fn dumped(&mut self, class: &'static str, dump: &[u8]) {
        self.bytes.push(b'u');
        self.symbol(class);
        self.counted(dump);
    }

    /// `Gem::Version`, which dumps its text alone.
    pub(super) fn version(&mut self, text: &str) {
        self.bytes.push(b'U');
        self.symbol("Gem::Version");
        self.array(1);
        self.string(text);
    }

    /// `Gem::Requirement`, which dumps its pairs of operator and version.
    pub(super) fn requirement(&mut self, requirement: &Requirement) {
        self.bytes.push(b'U');
        self.symbol("Gem::Requirement");
        self.array(1);
        self.array(requirement.constraints().len());
        for constraint in requirement.constraints() {
            self.array(2);
            self.string(constraint.operator.as_str());
            self.version(constraint.version.as_str());
        }
    }

    /// `Time` at midnight UTC: two little-endian words, the first with a mark, the UTC flag, year − 1900, month − 1, day and hour.
    pub(super) fn midnight(&mut self, date: Date) {
        let year = u32::from(date.year().saturating_sub(1900));
        let month = u32::from(date.month().saturating_sub(1));
        let first = (0b11 << 30) | (year << 14) | (month << 10) | (u32::from(date.day()) << 5);
        self.bytes.extend(b"Iu");
        self.symbol("Time");
        let mut words = first.to_le_bytes().to_vec();
        words.extend([0; 4]);
        self.counted(&words);
        self.packed(1);
        self.symbol("zone");
        self.bytes.extend(b"I\"");
        self.counted(b"UTC");
        self.packed(1);
        self.symbol("E");
        self.boolean(false);
    }

    fn counted(&mut self, bytes: &[u8]) {
        self.packed(count(bytes.len()));
        self.bytes.extend(bytes);
    }

    /// 0 is one zero byte, 1 to 122 are one byte five higher, more is the number of bytes and then those bytes, lowest first.
    fn packed(&mut self, value: u32) {
        match u8::try_from(value) {
            Ok(0) => self.bytes.push(0),
            Ok(small @ 1..=122) => self.bytes.push(small.saturating_add(5)),
            _ => {
                let bytes = value.to_le_bytes();
                let used = bytes
                    .iter()
                    .rposition(|byte| *byte != 0)
                    .map_or(1, |last| last.saturating_add(1));
                self.bytes.push(u8::try_from(used).unwrap_or(4));
                self.bytes.extend(bytes.iter().take(used));
            }
        }
    }
}

/// Everything counted here has a bound far below Ruby's 2^30.
fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut writer = Writer::new();
        write(&mut writer);
        writer.finish().split_off(2)
    }

    #[test]
    fn integers_are_packed_as_ruby_packs_them() {
        for (value, bytes) in [
            (0, vec![0]),
            (1, vec![6]),
            (122, vec![127]),
            (123, vec![1, 123]),
            (255, vec![1, 255]),
            (256, vec![2, 0, 1]),
            (65_536, vec![3, 0, 0, 1]),
            (1 << 24, vec![4, 0, 0, 0, 1]),
        ] {
            assert_eq!(
                written(|writer| writer.integer(value)),
                [vec![b'i'], bytes].concat(),
                "{value}"
            );
        }
    }

    #[test]
    fn a_symbol_is_spelled_once() {
        assert_eq!(
            written(|writer| {
                writer.string("a");
                writer.string("b");
            }),
            b"I\"\x06a\x06:\x06ETI\"\x06b\x06;\x00T"
        );
    }

    #[test]
    fn a_day_is_written_as_ruby_writes_midnight() {
        let date = Date::parse("2023-02-01").unwrap();
        assert_eq!(
            written(|writer| writer.midnight(date)),
            b"Iu:\tTime\r \xC4\x1E\xC0\0\0\0\0\x06:\tzoneI\"\x08UTC\x06:\x06EF"
        );
    }
}
