//! `gemledger explain`: why an event is in the log.
use std::pin::pin;

use anyhow::Context as _;
use clap::Args;
use deciders::audit::{Auditor, Finding, Kind};
use futures::StreamExt as _;
use serde_json::json;

use super::{Answer, Common, out};
use crate::{
    store::{reader::Reader, scan::scan},
    views::{
        explain::{self, Checked, Explanation},
        gems::who,
    },
};

/// Why an event was allowed or denied, and whether today's policy would decide the same.
#[derive(Args)]
pub(super) struct Explain {
    /// The log index of the event
    #[arg(value_name = "INDEX")]
    index: u64,
}

impl Explain {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let reader = common.reader().await?;
        let explained = explain::explain(&reader, self.index).await?;
        let size = reader.head().await?.size;
        let explained = explained.with_context(|| {
            let index = self.index;
            format!("there is no log index {index}: the log has {size} events, from 0 on")
        })?;
        let findings = judge(&reader, explained.group).await?;
        let lawful = findings.is_empty();
        if common.json {
            let findings: Vec<_> = findings
                .iter()
                .map(|finding| json!({"index": finding.index, "code": finding.code, "message": finding.message}))
                .collect();
            out::json(&json!({"explanation": explained, "lawful": lawful, "findings": findings}));
        } else {
            show(&explained);
            verdict(&findings);
        }
        let unsure = findings
            .iter()
            .all(|finding| finding.kind == Kind::CouldNotTell);
        Ok(match (lawful, unsure) {
            (true, _) => Answer::True,
            (false, true) => Answer::CouldNotTell,
            (false, false) => Answer::False,
        })
    }
}

/// Judges the event's command again, on the states that the log before it leads to.
async fn judge(reader: &Reader, (first, end): (u64, u64)) -> anyhow::Result<Vec<Finding>> {
    let bar = out::progress(end, "judging");
    let (mut auditor, mut findings) = (Auditor::new(), Vec::new());
    let mut pages = pin!(scan(reader, 0, end));
    while let Some(page) = pages.next().await {
        let page = page?;
        bar.inc(u64::try_from(page.len()).unwrap_or(0));
        for scanned in page {
            findings.extend(match scanned.recorded {
                Ok(recorded) => auditor.take(recorded),
                Err(error) => auditor.unreadable(scanned.index, &error),
            });
        }
    }
    findings.extend(auditor.finish());
    bar.finish_and_clear();
    findings.retain(|finding| finding.index >= first);
    Ok(findings)
}

fn show(explained: &Explanation) {
    let Explanation {
        log_index,
        time,
        event_type,
        stream,
        actor,
        via,
        request,
        group: (first, end),
        decision,
        rule,
        checks,
        today,
    } = explained;
    out::line(&format!(
        "log index {log_index}: {event_type} in {stream}, {decision}"
    ));
    let door = match via {
        events::id::Via::Console => "at the console",
        events::id::Via::Http => "over HTTP",
        events::id::Via::Server => "by the server itself",
    };
    out::line(&format!("{time}, by {}, {door}", who(actor)));
    let with = if end - first > 1 {
        format!(", log indexes {first} to {}", end - 1)
    } else {
        String::new()
    };
    out::line(&format!("request {request}{with}"));
    out::line(&format!("rule: {rule}"));
    for check in checks {
        out::line(&line(check));
    }
    if let Some(today) = today {
        let same = if today.same {
            "the same"
        } else {
            "another decision"
        };
        out::line(&format!("today: {same}; {}", today.why));
    }
}

fn line(check: &Checked) -> String {
    let mark = if check.passed { "passed" } else { "failed" };
    let part = |word: &str, text: &Option<String>| {
        text.as_ref()
            .map_or_else(String::new, |text| format!("; {word} {text}"))
    };
    let code = check
        .code
        .as_ref()
        .map_or_else(String::new, |code| format!(" ({code})"));
    let (expected, found) = (
        part("expected", &check.expected),
        part("found", &check.found),
    );
    format!("  {mark}  {}{code}{expected}{found}", check.name)
}

fn verdict(findings: &[Finding]) {
    if findings.is_empty() {
        out::line("judged again on the log before it: lawful");
    }
    for finding in findings {
        let kind = match finding.kind {
            Kind::Unlawful => "unlawful",
            Kind::CouldNotTell => "could not tell",
        };
        out::line(&format!(
            "judged again: log index {}: {kind}: {} ({})",
            finding.index, finding.message, finding.code
        ));
    }
}
