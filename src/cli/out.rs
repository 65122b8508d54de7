//! Everything that is printed goes through here: data to standard output, words to standard error.
use std::io::{IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::{
    app::{CommandError, OpenError, statements::StatementError},
    compare::CompareError,
    remote::RemoteError,
};

/// A line of data. Text of strangers is made harmless for terminals.
pub(super) fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    // A reader that went away has read enough.
    let _ = writeln!(out, "{}", harmless(text));
}

/// A value as one line of JSON.
pub(super) fn json<T: Serialize>(value: &T) {
    let mut out = std::io::stdout().lock();
    let _ = serde_json::to_writer(&mut out, value);
    let _ = writeln!(out);
}

/// Text that is data as it is, such as a workflow to be copied.
pub(super) fn verbatim(text: &str) {
    let _ = write!(std::io::stdout().lock(), "{text}");
}

/// A remark.
pub(super) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", harmless(text));
}

/// An error, its causes, and what to do about it.
pub(super) fn error(error: &anyhow::Error, as_json: bool) {
    if as_json {
        json(&serde_json::json!({"error": format!("{error:#}"), "hint": hint(error)}));
    }
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    note(&format!("error: {}", causes.join(": ")));
    if let Some(hint) = hint(error) {
        note(&format!("hint: {hint}"));
    }
}

fn hint(error: &anyhow::Error) -> Option<String> {
    if let Some(OpenError::Missing(_)) = error.downcast_ref() {
        return Some("name the data folder with --data or GEMLEDGER_DATA".into());
    }
    if let Some(OpenError::VisibilityNeeded) = error.downcast_ref() {
        return Some("public: everybody may read; private: only holders of a key with the read scope. It is for good".into());
    }
    if let Some(StatementError::KeyMissing(thumbprint)) = error.downcast_ref() {
        return Some(format!(
            "put statement-{}.pem back into the folder of keys",
            thumbprint.hex()
        ));
    }
    if let Some(error) = error.downcast_ref::<RemoteError>() {
        return error.hint().map(str::to_owned);
    }
    if let Some(error) = error.downcast_ref::<CompareError>() {
        return error.hint();
    }
    match error.downcast_ref()? {
        CommandError::Denied(denial) => {
            let expected = denial.expected.as_ref()?;
            Some(format!("expected {expected}"))
        }
        CommandError::Append(_)
        | CommandError::Store(_)
        | CommandError::Blob(_)
        | CommandError::Malformed(_) => None,
    }
}

/// Control and bidirectional characters, shown as what they are.
fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| {
            if !matches!(c, '\n' | '\t') && events::text::is_forbidden(c) {
                c.escape_unicode().to_string()
            } else {
                c.to_string()
            }
        })
        .collect()
}

/// A sign of life during work of unknown length, where somebody is watching.
pub(super) fn spinner(what: &'static str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(what);
    if std::io::stderr().is_terminal() {
        spinner.enable_steady_tick(std::time::Duration::from_millis(100));
    } else {
        spinner.set_draw_target(ProgressDrawTarget::hidden());
    }
    spinner
}

/// A progress bar for long work, where somebody is watching.
pub(super) fn progress(length: u64, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(length);
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let template = "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}";
    bar.set_style(
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    bar.set_message(what);
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_play_tricks_on_a_terminal_is_shown_as_what_it_is() {
        assert_eq!(harmless("a\u{1b}[31mb\u{202e}c"), "a\\u{1b}[31mb\\u{202e}c");
    }
}
