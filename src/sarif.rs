//! Findings as SARIF 2.1.0 (OASIS), the format that code scanning services read.
//!
//! One run with the rules that were applied and what they found. A finding's fingerprint is made of its rule and its
//! subject alone: the same finding of tomorrow's run is recognised although its words or its line have changed.
use std::fmt::Write as _;

use events::digest::Digest;
use serde::Serialize;

/// Where the program is explained, for whoever meets a finding.
const INFORMATION: &str = env!("CARGO_PKG_REPOSITORY");

/// A rule that can find something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its stable name, in `snake_case`.
    pub id: &'static str,
    /// What it finds, in a sentence.
    pub summary: &'static str,
    /// What to do about it.
    pub help: &'static str,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing.
    Note,
    /// Worth a look.
    Warning,
    /// Wrong.
    Error,
}

/// Where something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of a file. Services show it beside the code, so the path is best relative to the repository.
    File {
        /// The path as it was given.
        path: String,
        /// The line, from 1.
        line: u64,
    },
    /// A leaf of a log.
    Leaf {
        /// The address of the log, without a slash at its end: `https://gems.example.com/log`.
        log: String,
        /// Its log index.
        index: u64,
    },
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's `id`.
    pub rule: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found, in words.
    pub message: String,
    /// What it was found on, for ever the same: `gem hello-ledger 1.0.0`, `gems.example.com/log/1#17`.
    pub subject: String,
    /// Where; the most telling place first.
    pub places: Vec<Place>,
}

/// What one run of the program found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The rules that were applied, whether they found something or not.
    pub rules: Vec<Rule>,
    /// What they found, in order.
    pub findings: Vec<Finding>,
    /// Whether everything that was to be looked at could be looked at.
    pub complete: bool,
}

impl Run {
    /// The run as a SARIF log file.
    pub fn to_sarif(&self) -> impl Serialize {
        Log {
            schema: "https://json.schemastore.org/sarif-2.1.0.json",
            version: "2.1.0",
            runs: [RunOut {
                tool: Tool {
                    driver: Driver {
                        name: env!("CARGO_PKG_NAME"),
                        semantic_version: env!("CARGO_PKG_VERSION"),
                        information_uri: INFORMATION,
                        rules: self.rules.iter().map(rule).collect(),
                    },
                },
                invocations: [Invocation {
                    execution_successful: self.complete,
                }],
                results: self
                    .findings
                    .iter()
                    .map(|finding| self.result(finding))
                    .collect(),
                column_kind: "unicodeCodePoints",
            }],
        }
    }

    fn result(&self, finding: &Finding) -> ResultOut {
        ResultOut {
            rule_id: finding.rule,
            rule_index: self.rules.iter().position(|rule| rule.id == finding.rule),
            level: finding.level,
            message: Message {
                text: finding.message.clone(),
            },
            locations: finding.places.iter().map(location).collect(),
            partial_fingerprints: Fingerprints {
                subject: fingerprint(finding),
            },
        }
    }
}

/// Of the rule and the subject, which hold no zero byte.
fn fingerprint(finding: &Finding) -> String {
    Digest::of(format!("{}\0{}", finding.rule, finding.subject).as_bytes()).hex()
}

fn rule(rule: &Rule) -> RuleOut {
    let message = |text: &str| Message {
        text: text.to_owned(),
    };
    RuleOut {
        id: rule.id,
        short_description: message(rule.summary),
        help: message(rule.help),
    }
}

fn location(place: &Place) -> Location {
    let (uri, uri_base_id, region, logical) = match place {
        Place::File { path, line } => {
            let relative = !path.starts_with('/');
            let uri = if relative {
                escaped(path)
            } else {
                format!("file://{}", escaped(path))
            };
            let region = Region {
                start_line: (*line).max(1),
            };
            (uri, relative.then_some("%SRCROOT%"), Some(region), None)
        }
        Place::Leaf { log, index } => {
            let logical = Logical {
                fully_qualified_name: format!("{log}#{index}"),
                kind: "event",
            };
            (format!("{log}/proof/{index}"), None, None, Some(logical))
        }
    };
    Location {
        physical_location: Physical {
            artifact_location: Artifact { uri, uri_base_id },
            region,
        },
        logical_locations: logical.into_iter().collect(),
    }
}

/// A path as the path of a URI: RFC 3986's unreserved characters and slashes stand for themselves.
fn escaped(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [RunOut; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunOut {
    tool: Tool,
    invocations: [Invocation; 1],
    results: Vec<ResultOut>,
    column_kind: &'static str,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    information_uri: &'static str,
    rules: Vec<RuleOut>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleOut {
    id: &'static str,
    short_description: Message,
    help: Message,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultOut {
    rule_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: Level,
    message: Message,
    locations: Vec<Location>,
    partial_fingerprints: Fingerprints,
}

#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "gemledgerSubject/v1")]
    subject: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Physical,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<Logical>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Logical {
    fully_qualified_name: String,
    kind: &'static str,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const RULES: [Rule; 2] = [
        Rule {
            id: "digest_mismatch",
            summary: "The digest is another one",
            help: "Do not install it",
        },
        Rule {
            id: "unlogged",
            summary: "It is not in the log",
            help: "Ask the registry",
        },
    ];

    fn finding(rule: &'static str, subject: &str, places: Vec<Place>) -> Finding {
        Finding {
            rule,
            level: Level::Error,
            message: "no".into(),
            subject: subject.into(),
            places,
        }
    }

    fn sarif(findings: Vec<Finding>) -> Value {
        let run = Run {
            rules: RULES.to_vec(),
            findings,
            complete: true,
        };
        serde_json::to_value(run.to_sarif()).unwrap()
    }

    #[test]
    fn a_run_is_what_code_scanning_reads() {
        let file = Place::File {
            path: "a b/Gemfile.lock".into(),
            line: 7,
        };
        let leaf = Place::Leaf {
            log: "https://gems.example.com/log".into(),
            index: 17,
        };
        let log = sarif(vec![finding("unlogged", "gem a 1", vec![file, leaf])]);
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"][1]["id"], "unlogged");
        assert_eq!(run["invocations"][0]["executionSuccessful"], true);
        let result = &run["results"][0];
        assert_eq!(
            (&result["ruleIndex"], &result["level"]),
            (&json!(1), &json!("error"))
        );
        let physical = |at: usize| &result["locations"][at]["physicalLocation"];
        assert_eq!(
            physical(0),
            &json!({
                "artifactLocation": {"uri": "a%20b/Gemfile.lock", "uriBaseId": "%SRCROOT%"}, "region": {"startLine": 7},
            })
        );
        assert_eq!(
            physical(1),
            &json!({"artifactLocation": {"uri": "https://gems.example.com/log/proof/17"}})
        );
    }

    #[test]
    fn a_finding_is_recognised_by_its_rule_and_subject_alone() {
        let print = |finding: Finding| {
            let log = sarif(vec![finding]);
            log["runs"][0]["results"][0]["partialFingerprints"].clone()
        };
        let first = finding("unlogged", "gem a 1", vec![]);
        let moved = Finding {
            message: "still no".into(),
            places: vec![Place::File {
                path: "/x".into(),
                line: 0,
            }],
            ..first.clone()
        };
        assert_eq!(print(first.clone()), print(moved));
        assert_ne!(
            print(first.clone()),
            print(finding("unlogged", "gem a 2", vec![]))
        );
        assert_ne!(
            print(first),
            print(finding("digest_mismatch", "gem a 1", vec![]))
        );
    }
}
