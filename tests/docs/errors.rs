//! `docs/errors.md`, made from the codes themselves. `BLESS=1 cargo test --test main docs::` writes it anew.
use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use deciders::{Code, Denial};
use events::{claims::ProviderKind, provider::Algorithm, text::Text, time::Timestamp};
use gemledger::{
    app::exchange::ExchangeError,
    http::problem::Problem,
    oidc::{Elsewhere, KeysError, MalformedToken, TokenError},
};

use super::{read, root};

mod advice;
mod attestations;

const PAGE: &str = "docs/errors.md";

const OPENING: &str = "\
<!-- Made from the code by `BLESS=1 cargo test --test main docs::`; a test holds it to the code. Do not edit. -->
# Errors

A code is stable: scripts and events may hold it. Answers to who asks in JSON carry `error` (the status in words), `code` and `message`, and where they
help `found`, `expected` and `hint`. What was expected is told only to a job that proved to be the publisher's own repository. `gem` gets the
same as text, with the code of a denied push in brackets at its end. Answers 429 and 503 carry `Retry-After`; 401 carries `WWW-Authenticate`.

";

/// One line of a table.
struct Row {
    code: String,
    status: String,
    message: String,
    advice: String,
}

fn table(page: &mut String, title: &str, words: &str, rows: impl IntoIterator<Item = Row>) {
    let _ = writeln!(page, "## {title}\n\n{words}\n");
    let _ = writeln!(
        page,
        "| code | status | what is | what to do |\n|---|---|---|---|"
    );
    for row in rows {
        let Row {
            code,
            status,
            message,
            advice,
        } = row;
        let message = message.replace('|', "\\|");
        let _ = writeln!(page, "| `{code}` | {status} | {message} | {advice} |");
    }
    page.push('\n');
}

/// A denial, by the rules.
fn denied(code: Code) -> Row {
    Row {
        code: code.as_str().to_owned(),
        status: Problem::from(Denial::new(code))
            .status()
            .as_u16()
            .to_string(),
        message: code.message().to_owned(),
        advice: advice::denied(code).to_owned(),
    }
}

/// A refusal of the exchange, with what differs from token to token left out.
fn refused(error: ExchangeError) -> Row {
    let (code, message, advice) = match &error {
        ExchangeError::Malformed(error) => (
            error.code(),
            error.to_string(),
            advice::malformed(*error).to_owned(),
        ),
        ExchangeError::Token(error) => (error.code(), error.to_string(), advice::token(error)),
        ExchangeError::Keys(error) => (
            error.code(),
            error.to_string(),
            advice::keys(error).to_owned(),
        ),
        other @ (ExchangeError::UnknownIssuer
        | ExchangeError::Denied(_)
        | ExchangeError::TooMany
        | ExchangeError::Append(_)
        | ExchangeError::Store(_)
        | ExchangeError::Command(_)) => panic!("{other} has no row"),
    };
    let (code, message) = (
        code.to_owned(),
        message.replace(&Timestamp::default().to_string(), "…"),
    );
    let status = Problem::from(error).status().as_u16().to_string();
    Row {
        code,
        status,
        message,
        advice,
    }
}

fn malformed() -> Vec<MalformedToken> {
    vec![
        MalformedToken::TooLong,
        MalformedToken::NotThreeParts,
        MalformedToken::NotBase64("…"),
        MalformedToken::NotJson("…"),
        MalformedToken::ForbiddenHeader("…"),
        MalformedToken::BadHeader("…"),
        MalformedToken::NoIssuer,
    ]
}

/// One of each: `advice::token` is exhaustive, and says so where one is missing here.
fn tokens() -> Vec<TokenError> {
    let text = || Text::claim("…");
    let (kind, time) = (ProviderKind::Github, Timestamp::default());
    let elsewhere = |made_for| TokenError::AudienceElsewhere {
        came: text(),
        expected: text(),
        kind,
        made_for,
    };
    vec![
        TokenError::AlgorithmNotAllowed {
            came: text(),
            allowed: vec![Algorithm::RS256],
        },
        TokenError::UnknownKey { kid: text() },
        TokenError::NoKeyNamed,
        TokenError::KeyDoesNotFit {
            algorithm: Algorithm::RS256,
            kid: text(),
        },
        TokenError::BadSignature,
        TokenError::WrongIssuer { came: text() },
        TokenError::MissingClaim { claim: text() },
        TokenError::InvalidClaim {
            claim: text(),
            expected: "…",
        },
        TokenError::SeveralAudiences {
            count: 2,
            expected: text(),
            kind,
        },
        TokenError::WrongAudience {
            came: text(),
            expected: text(),
            kind,
        },
        elsewhere(Elsewhere::Registry("rubygems.org")),
        elsewhere(Elsewhere::GithubDefault),
        TokenError::Expired {
            expired_at: time,
            now: time,
        },
        TokenError::NotYetValid {
            claim: "iat",
            from: time,
            now: time,
        },
        TokenError::LifetimeTooLong {
            came: 86_400,
            max: 3600,
        },
        TokenError::RequiredClaim { claim: text() },
        TokenError::PipelineElsewhere,
        TokenError::NoMapping,
    ]
}

fn keys() -> Vec<KeysError> {
    let fetched_at = Timestamp::default();
    vec![
        KeysError::NotFetched { reason: None },
        KeysError::TooOld {
            fetched_at,
            reason: None,
        },
    ]
}

/// Every source file below a folder.
fn sources(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = folder.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            files.extend(sources(&path));
        } else {
            files.push(path.to_str().unwrap().to_owned());
        }
    }
    files
}

/// Codes that stand in `src/http/` beside their status, whatever line they are broken over.
fn http() -> Vec<Row> {
    let mut statuses: BTreeMap<String, Vec<u16>> = BTreeMap::new();
    for file in sources(Path::new("src/http")) {
        let text: String = read(&file).split_whitespace().collect();
        let said = text
            .split("StatusCode::")
            .skip(1)
            .filter_map(|rest| rest.split_once(",\""));
        let said =
            said.filter(|(name, _)| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'));
        let unauthorized = text
            .split("unauthorized(\"")
            .skip(1)
            .map(|rest| ("UNAUTHORIZED", rest));
        for (name, rest) in said.chain(unauthorized) {
            let code = rest.split('"').next().unwrap_or_default().to_owned();
            statuses.entry(code).or_default().push(status(name));
        }
    }
    statuses
        .into_iter()
        .map(|(code, mut all)| {
            all.sort_unstable();
            all.dedup();
            let (message, advice) = advice::http(&code);
            let status = all
                .iter()
                .map(u16::to_string)
                .collect::<Vec<_>>()
                .join(", ");
            Row {
                code,
                status,
                message: message.to_owned(),
                advice: advice.to_owned(),
            }
        })
        .collect()
}

fn status(name: &str) -> u16 {
    match name {
        "BAD_REQUEST" => 400,
        "UNAUTHORIZED" => 401,
        "FORBIDDEN" => 403,
        "NOT_FOUND" => 404,
        "REQUEST_TIMEOUT" => 408,
        "CONFLICT" => 409,
        "GONE" => 410,
        "PAYLOAD_TOO_LARGE" => 413,
        "UNSUPPORTED_MEDIA_TYPE" => 415,
        "RANGE_NOT_SATISFIABLE" => 416,
        "UNPROCESSABLE_ENTITY" => 422,
        "TOO_MANY_REQUESTS" => 429,
        "SERVICE_UNAVAILABLE" => 503,
        other => panic!("tests/docs/errors.rs does not know the status {other}"),
    }
}

fn page() -> String {
    let mut page = OPENING.to_owned();
    let words = "The rules of the registry, `deciders/src/denial.rs`, in the order of their first check. Commands say the same and exit with 1; recorded denials and `gemledger audit` name the same codes.";
    table(
        &mut page,
        "Denied",
        words,
        Code::ALL.iter().copied().map(denied),
    );
    let words = "The text is no identity token, or none that may be looked at.";
    table(
        &mut page,
        "Malformed tokens",
        words,
        malformed().into_iter().map(|error| refused(error.into())),
    );
    let words = "The token is well-formed and proves nothing here.";
    table(
        &mut page,
        "Tokens that do not verify",
        words,
        tokens().into_iter().map(|error| refused(error.into())),
    );
    let words = "The token may be good; nobody can tell now.";
    table(
        &mut page,
        "Keys of a provider",
        words,
        keys().into_iter().map(|error| refused(error.into())),
    );
    let words = "What came beside a file cannot be read, or does not verify with a trust root of this registry. Where several roots were tried, the code is that of the one that came furthest.";
    let rows = attestations::malformed().into_iter();
    table(
        &mut page,
        "Attestations",
        words,
        rows.chain(attestations::unverified()),
    );
    table(
        &mut page,
        "Everything else over HTTP",
        "Whatever the rules were not asked about.",
        http(),
    );
    format!("{}\n", page.trim_end())
}

#[test]
fn the_page_about_errors_is_what_the_code_says() {
    let page = page();
    let path = root().join(PAGE);
    if std::env::var_os("BLESS").is_some() && fs::read_to_string(&path).ok().as_ref() != Some(&page)
    {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "{PAGE} is stale: BLESS=1 cargo test --test main docs::"
    );
}
