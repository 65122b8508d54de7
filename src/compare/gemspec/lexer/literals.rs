//! Literals: strings, words, commands, regular expressions and heredocs.
use std::rc::Rc;

use super::{super::Known, Lexer, Token, is_word};

impl Lexer<'_> {
    /// Turns the text that was just read into something else.
    pub(super) fn retold(&mut self, tell: impl Fn(Rc<str>) -> Token) {
        if let Some(Token::Text(text)) = self.tokens.last() {
            let told = tell(text.clone());
            self.tokens.pop();
            self.tokens.push(told);
        }
    }

    /// `<<~NAME`, `<<-NAME`, `<<NAME`.
    pub(super) fn heredoc(&mut self) -> bool {
        let Some(rest) = self.rest().strip_prefix("<<") else {
            return false;
        };
        let bare = rest.strip_prefix(['~', '-']);
        if self.after_value() && bare.is_none() {
            return false;
        }
        let name = bare.unwrap_or(rest);
        let name = name.strip_prefix(['\'', '"']).unwrap_or(name);
        let end = name.find(|c| !is_word(c)).unwrap_or(name.len());
        let end = name.get(..end).unwrap_or_default();
        if !end.starts_with(|c: char| c.is_ascii_uppercase()) {
            return false;
        }
        self.skip(2);
        self.take_while(|c| is_word(c) || matches!(c, '~' | '-' | '\'' | '"'));
        self.heredocs.push(end.to_owned());
        self.tokens.push(Token::Mixed);
        true
    }

    pub(super) fn percent(&mut self) -> Known<()> {
        let mut rest = self.rest().chars().skip(1);
        let Some(first) = rest.next() else {
            return self.wrong("a `%` at the end");
        };
        let (kind, open) = if first.is_ascii_alphabetic() {
            (first, rest.next())
        } else {
            ('Q', Some(first))
        };
        let Some(open) = open.filter(char::is_ascii_punctuation) else {
            return self.wrong("a `%` that is not understood");
        };
        let close = match open {
            '(' => ')',
            '[' => ']',
            '{' => '}',
            '<' => '>',
            other => other,
        };
        self.skip(if first.is_ascii_alphabetic() { 2 } else { 1 });
        match kind {
            'r' => {
                self.skip(1);
                return self.regex(open, close);
            }
            'q' | 'w' => self.quoted(open, close, false)?,
            'Q' | 'W' | 'x' => self.quoted(open, close, true)?,
            _ => return self.wrong("a literal that is not understood"),
        }
        match kind {
            'w' | 'W' => {
                self.retold(|text| Token::Words(text.split_whitespace().map(Rc::from).collect()));
            }
            'x' => self.retold(Token::Shell),
            _ => {}
        }
        Ok(())
    }

    /// A string from its opening to its closing quote.
    pub(super) fn quoted(&mut self, open: char, close: char, evaluated: bool) -> Known<()> {
        self.skip(1);
        let mut text = String::new();
        let mut mixed = false;
        let mut depth = 0_usize;
        loop {
            let Some(c) = self.peek() else {
                return self.wrong("a string that does not end");
            };
            self.skip(c.len_utf8());
            match c {
                '\\' => match self.escape(close, evaluated) {
                    Some(plain) => text.push_str(&plain),
                    None => mixed = true,
                },
                '#' if evaluated && self.rest().starts_with(['{', '$', '@']) => {
                    mixed = true;
                    self.interpolation()?;
                }
                c if c == close && depth == 0 => break,
                c => {
                    if open != close && c == open {
                        depth = depth.saturating_add(1);
                    } else if c == close {
                        depth = depth.saturating_sub(1);
                    }
                    text.push(c);
                }
            }
        }
        self.tokens.push(if mixed {
            Token::Mixed
        } else {
            Token::Text(text.into())
        });
        Ok(())
    }

    /// What stands behind a backslash; `None` for what is not understood.
    fn escape(&mut self, close: char, evaluated: bool) -> Option<String> {
        let c = self.peek()?;
        self.skip(c.len_utf8());
        if !evaluated {
            let kept = if c == close || c == '\\' { "" } else { "\\" };
            return Some(format!("{kept}{c}"));
        }
        let plain = match c {
            'n' => '\n',
            't' => '\t',
            's' => ' ',
            '0' => '\0',
            'x' => {
                let digits = self.take_while(|c| c.is_ascii_hexdigit());
                let value = u8::from_str_radix(digits, 16).ok()?;
                char::from(Some(value).filter(u8::is_ascii)?)
            }
            c if c.is_ascii_punctuation() => c,
            _ => return None,
        };
        Some(plain.into())
    }

    /// `#{…}`, to its closing brace. Quotes within it are not looked at.
    fn interpolation(&mut self) -> Known<()> {
        if !self.rest().starts_with('{') {
            return Ok(());
        }
        let mut depth = 0_usize;
        while let Some(c) = self.peek() {
            self.skip(c.len_utf8());
            match c {
                '{' => depth = depth.saturating_add(1),
                '}' if depth <= 1 => return Ok(()),
                '}' => depth = depth.saturating_sub(1),
                '\n' => break,
                _ => {}
            }
        }
        self.wrong("a string with something in it that is not understood")
    }

    pub(super) fn regex(&mut self, open: char, close: char) -> Known<()> {
        let mut text = String::new();
        let mut depth = 0_usize;
        loop {
            let Some(c) = self.peek() else {
                return self.wrong("a regular expression that does not end");
            };
            self.skip(c.len_utf8());
            match c {
                '\\' => {
                    text.push(c);
                    text.extend(self.peek());
                    self.skip(self.peek().map_or(0, char::len_utf8));
                }
                '#' if self.rest().starts_with('{') => {
                    return self.wrong("a regular expression with something in it");
                }
                c if c == close && depth == 0 => break,
                c => {
                    if open != close && c == open {
                        depth = depth.saturating_add(1);
                    } else if c == close {
                        depth = depth.saturating_sub(1);
                    }
                    text.push(c);
                }
            }
        }
        let flags = self.take_while(|c| c.is_ascii_alphabetic());
        self.tokens.push(if flags.is_empty() {
            Token::Regex(text)
        } else {
            Token::Value("a regular expression with flags".into())
        });
        Ok(())
    }
}
