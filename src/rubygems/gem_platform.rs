//! `Gem::Platform`: the parts that `RubyGems` reads out of a platform's text.
//!
//! Ruby rewrites what it reads (`i686-linux` becomes `x86-linux`, an unknown system becomes `unknown`), and each of its versions a little
//! differently. Only texts that come out as they went in are accepted, so that a file is called the same by whoever asks for it.

use events::platform::Platform;

/// The three parts of a platform that is not `ruby`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GemPlatform {
    /// The processor; none for `java`.
    pub cpu: Option<String>,
    /// The system.
    pub os: String,
    /// The system's version or its C library.
    pub version: Option<String>,
}

/// Ruby would call the platform by another text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "RubyGems does not know the platform `{0}` by this text; use one that `gem build --platform` writes, like `x86_64-linux`, `x86-mingw32` or `java`"
)]
pub struct GemPlatformError(pub String);

/// What may follow a system.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Suffix {
    None,
    Number,
    /// `7.1`
    Decimal,
    /// `musl`, `gnu`, `ucrt`, or a number.
    Word,
}

const SYSTEMS: [(&str, Suffix); 16] = [
    ("aix", Suffix::Number),
    ("cygwin", Suffix::None),
    ("dalvik", Suffix::None),
    ("darwin", Suffix::Number),
    ("dotnet", Suffix::None),
    ("freebsd", Suffix::Number),
    ("java", Suffix::None),
    ("linux", Suffix::Word),
    ("macruby", Suffix::None),
    ("mingw", Suffix::Word),
    ("mingw32", Suffix::None),
    ("mswin32", Suffix::Number),
    ("mswin64", Suffix::Number),
    ("netbsdelf", Suffix::None),
    ("openbsd", Suffix::Decimal),
    ("solaris", Suffix::Decimal),
];

impl GemPlatform {
    /// The parts of a platform; none for `ruby`.
    pub fn read(platform: &Platform) -> Result<Option<Self>, GemPlatformError> {
        if platform.is_ruby() {
            return Ok(None);
        }
        let text = platform.as_str();
        Self::split(text)
            .map(Some)
            .ok_or_else(|| GemPlatformError(text.to_owned()))
    }

    fn split(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        let first = parts.next()?;
        let Some(os) = parts.next() else {
            // `mswin32` alone gains a processor.
            let known = SYSTEMS.iter().any(|(os, _)| *os == first) && first != "mswin32";
            return known.then(|| Self {
                cpu: None,
                os: first.to_owned(),
                version: None,
            });
        };
        let (_, suffix) = SYSTEMS.iter().find(|(known, _)| *known == os)?;
        let version = parts.next();
        if is_old_intel(first)
            || first.is_empty()
            || !version.is_none_or(|version| suffix.allows(version))
        {
            return None;
        }
        Some(Self {
            cpu: Some(first.to_owned()),
            os: os.to_owned(),
            version: version.map(str::to_owned),
        })
    }
}

impl Suffix {
    fn allows(self, text: &str) -> bool {
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let letters = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase());
        match self {
            Self::None => false,
            Self::Number => digits(text),
            Self::Decimal => text
                .split_once('.')
                .is_some_and(|(major, minor)| digits(major) && digits(minor)),
            Self::Word => letters || digits(text),
        }
    }
}

/// `i386` to `i986`, which Ruby turns into `x86` wherever it stands.
fn is_old_intel(cpu: &str) -> bool {
    cpu.as_bytes()
        .windows(4)
        .any(|window| matches!(window, [b'i', digit, b'8', b'6'] if digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<GemPlatform>, GemPlatformError> {
        GemPlatform::read(&Platform::parse(text).unwrap())
    }

    #[test]
    fn platforms_come_apart_as_ruby_takes_them() {
        let parts = |text| {
            read(text)
                .unwrap()
                .map(|found| (found.cpu, found.os, found.version))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(parts("ruby"), None);
        assert_eq!(parts("java"), Some((None, "java".to_owned(), None)));
        assert_eq!(
            parts("x86_64-linux"),
            Some((some("x86_64"), "linux".to_owned(), None))
        );
        assert_eq!(
            parts("aarch64-linux-musl"),
            Some((some("aarch64"), "linux".to_owned(), some("musl")))
        );
        assert_eq!(
            parts("x86-mswin32-60"),
            Some((some("x86"), "mswin32".to_owned(), some("60")))
        );
    }

    #[test]
    fn platforms_that_ruby_would_rename_are_refused() {
        for text in [
            "i686-linux",
            "jruby",
            "mswin32",
            "current",
            "x86-linux-musl1",
            "x86-beos",
            "x86-darwin20",
            "windows",
            "x86-openbsd-7",
            "a-linux-a-b",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
