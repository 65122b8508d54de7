//! The compact index as a fold: the bytes of `/info/<name>`, their running checksum, and the lines of `/versions`.
//!
//! `/info/<name>` is `---\n` and one line for each release in the order of the log. `/versions` starts with its date and
//! `---\n`; each release appends `NAME VERSION[-PLATFORM] MD5`, where MD5 is that of the gem's `/info` after it. Both
//! only ever grow, so a client that has the first part needs the rest alone.
use alloc::{format, string::String, vec, vec::Vec};
use events::{Body, Recorded, digest::hex, gem::Pushed, time::Timestamp};
use md5::{Digest as _, Md5};

use crate::{
    tables::{INFO, VERSION_LINE},
    write::Write,
};

/// What `/info/<name>` starts with.
pub const INFO_HEAD: &str = "---\n";

/// State of one gem: the bytes of its `/info`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The body so far.
    pub body: String,
}

impl Default for Info {
    fn default() -> Self {
        Self {
            body: INFO_HEAD.into(),
        }
    }
}

/// What `/versions` starts with in a ledger that was opened at this moment.
pub fn versions_head(opened: Timestamp) -> String {
    format!("created_at: {}\n---\n", opened.to_seconds_text())
}

/// The gem whose state this event advances.
pub fn key(recorded: &Recorded) -> Option<&str> {
    matches!(recorded.event.body, Body::ReleasePushed(_)).then(|| recorded.event.stream.rest())
}

/// Advances the state of the event's gem.
pub fn fold(info: &mut Info, recorded: &Recorded) -> Vec<Write> {
    let Body::ReleasePushed(pushed) = &recorded.event.body else {
        return Vec::new();
    };
    let line = info_line(pushed, recorded.event.time);
    info.body.push_str(&line);
    info.body.push('\n');
    let md5 = hex(&Md5::digest(info.body.as_bytes()));
    let platform = if pushed.platform.is_ruby() {
        String::new()
    } else {
        format!("-{}", pushed.platform)
    };
    let version_line = format!("{} {}{platform} {md5}\n", pushed.name, pushed.number);
    let gem = recorded.event.stream.rest();
    vec![
        Write::Put {
            table: INFO,
            key: vec![("gem", gem.into())],
            set: vec![
                ("name", pushed.name.as_str().into()),
                ("body", info.body.as_str().into()),
                ("md5", md5.into()),
            ],
        },
        Write::Put {
            table: VERSION_LINE,
            key: vec![("log_index", recorded.index.into())],
            set: vec![("line", version_line.into())],
        },
    ]
}

/// A release's line of `/info`: what the event holds verbatim, and the event's own time.
pub fn info_line(pushed: &Pushed, time: Timestamp) -> String {
    format!(
        "{},created_at:{}",
        pushed.info.as_str(),
        time.to_seconds_text()
    )
}
