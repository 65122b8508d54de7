//! The compact index as a fold: the bytes of `/info/<name>`, their running checksum, and the lines of `/versions`.
//!
//! `/info/<name>` is `---\n` and one line for each release that is served, in the order of the log. `/versions` starts with
//! its date and `---\n` and only ever grows: each release appends `NAME VERSION[-PLATFORM] MD5`, where MD5 is that of the
//! gem's `/info` after it; a quarantine appends `NAME -VERSION[-PLATFORM] MD5`, as a yank does elsewhere, and its lifting
//! the first form again. A line that comes back takes its old place, so `/info` has the very bytes it had before.
use alloc::{format, string::String, vec, vec::Vec};
use events::{
    Body, Recorded, digest::hex, gem::Pushed, platform::Platform, time::Timestamp,
    version::GemVersion,
};
use md5::{Digest as _, Md5};

use crate::{
    tables::{INFO, VERSION_LINE},
    write::Write,
};

mod withheld;

/// What `/info/<name>` starts with.
pub const INFO_HEAD: &str = "---\n";

/// State of one gem: the bytes of its `/info`, and the lines that are withheld from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The body so far.
    pub body: String,
    /// `PLACE LINE\n` for each quarantined release, in the order of their places: how many lines of the gem, withheld
    /// ones included, come before it.
    pub withheld: String,
}

impl Default for Info {
    fn default() -> Self {
        Self {
            body: INFO_HEAD.into(),
            withheld: String::new(),
        }
    }
}

/// What `/versions` starts with in a ledger that was opened at this moment.
pub fn versions_head(opened: Timestamp) -> String {
    format!("created_at: {}\n---\n", opened.to_seconds_text())
}

/// The gem whose state this event advances.
pub fn key(recorded: &Recorded) -> Option<&str> {
    let bears = matches!(
        recorded.event.body,
        Body::ReleasePushed(_) | Body::ReleaseQuarantined(_) | Body::ReleaseRestored(_)
    );
    bears.then(|| recorded.event.stream.rest())
}

/// Advances the state of the event's gem.
pub fn fold(info: &mut Info, recorded: &Recorded) -> Vec<Write> {
    let (name, release, sign) = if let Body::ReleasePushed(pushed) = &recorded.event.body {
        info.body.push_str(&info_line(pushed, recorded.event.time));
        info.body.push('\n');
        (&pushed.name, release(&pushed.number, &pushed.platform), "")
    } else if let Body::ReleaseQuarantined(gone) = &recorded.event.body {
        let release = release(&gone.number, &gone.platform);
        if !withheld::take(info, &release) {
            return Vec::new();
        }
        (&gone.name, release, "-")
    } else if let Body::ReleaseRestored(back) = &recorded.event.body {
        let release = release(&back.number, &back.platform);
        if !withheld::give_back(info, &release) {
            return Vec::new();
        }
        (&back.name, release, "")
    } else {
        return Vec::new();
    };
    let md5 = hex(&Md5::digest(info.body.as_bytes()));
    let version_line = format!("{name} {sign}{release} {md5}\n");
    let gem = recorded.event.stream.rest();
    vec![
        Write::Put {
            table: INFO,
            key: vec![("gem", gem.into())],
            set: vec![
                ("name", name.as_str().into()),
                ("body", info.body.as_str().into()),
                ("withheld", info.withheld.as_str().into()),
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

/// `VERSION[-PLATFORM]`, as lines start and as `/versions` names a release.
pub fn release(number: &GemVersion, platform: &Platform) -> String {
    if platform.is_ruby() {
        format!("{number}")
    } else {
        format!("{number}-{platform}")
    }
}

/// A release's line of `/info`: what the event holds verbatim, and the event's own time.
pub fn info_line(pushed: &Pushed, time: Timestamp) -> String {
    format!(
        "{},created_at:{}",
        pushed.info.as_str(),
        time.to_seconds_text()
    )
}
