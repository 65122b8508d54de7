//! `docs/events.md`, made from the vocabulary itself: types from [`Body::TYPES`], fields and their meaning from the
//! comments in `events/src`, samples from the golden vectors. `BLESS=1 cargo test -p events` writes it anew.
use std::{collections::BTreeMap, fmt::Write, fs};

use events::{Body, body::EventType, event::MAX_LEAF, text::MAX_TEXT};

use crate::{
    blessing, path, read,
    samples::samples,
    source::{Shape, data_types, shapes},
};

const PAGE: &str = "../docs/events.md";

/// The files that hold the data of events, in the order of the streams, by the name of their module.
const SOURCES: [(&str, &str); 16] = [
    ("log", include_str!("../../src/log.rs")),
    ("provider", include_str!("../../src/provider.rs")),
    ("account", include_str!("../../src/account.rs")),
    ("policy", include_str!("../../src/policy.rs")),
    ("token", include_str!("../../src/token.rs")),
    ("denied", include_str!("../../src/denied.rs")),
    ("api_key", include_str!("../../src/api_key.rs")),
    ("gem", include_str!("../../src/gem.rs")),
    ("attestation", include_str!("../../src/attestation.rs")),
    ("trust_root", include_str!("../../src/trust_root.rs")),
    ("rule", include_str!("../../src/rule.rs")),
    ("map", include_str!("../../src/map.rs")),
    ("claims", include_str!("../../src/claims.rs")),
    ("stream", include_str!("../../src/stream.rs")),
    ("event", include_str!("../../src/event.rs")),
    ("id", include_str!("../../src/id.rs")),
];

/// What stands in a leaf for a type of the vocabulary that is no structure of its own.
const SCALARS: [(&str, &str); 34] = [
    ("AccountId", "UUID of an account"),
    ("Algorithm", "`RS256`, `PS256`, `ES256` or `EdDSA`"),
    (
        "Actor",
        "`operator`, `account:<uuid>` or `workflow:<provider>/<repository id>`",
    ),
    ("ApiKeyId", "UUID of an API key"),
    (
        "BTreeMap<ClaimName, Text>",
        "list of `{\"claim\", \"value\"}`, by claim",
    ),
    ("ChangeId", "revision in `policy/<gem>`"),
    ("ClaimName", "name of a claim"),
    ("Digest", "`sha256:` and 64 hexadecimal digits"),
    ("Field", "name of a field, such as `commit` or `run`"),
    ("FoldedName", "gem name in lower case"),
    ("FullName", "file name without `.gem`"),
    ("GemName", "gem name"),
    ("GemVersion", "version"),
    (
        "Holder",
        "`{\"account\": UUID}` or `{\"exchange\": reference}`",
    ),
    ("IndexLine", "line of the compact index"),
    ("KeyPart", "base64url"),
    ("Owner", "`operator` or `account:<uuid>`"),
    ("Platform", "platform"),
    ("ProposalId", "revision in `policy/<gem>`"),
    ("ProviderKind", "`github`, `gitlab` or `generic`"),
    ("PublisherId", "revision in `policy/<gem>`"),
    ("Reason", "`holder` or `operator`"),
    ("RequestId", "UUID"),
    ("Rule", "a rule's name, such as `attestation_required`"),
    ("Scope", "a scope's name, as rubygems.org's"),
    ("Sealed", "object of digests"),
    ("Setting", "`auto`, `off`, `on` or `timestamped`"),
    ("Slug", "provider's name here"),
    ("StreamName", "stream"),
    ("Text", "text"),
    ("Timestamp", "time"),
    ("Verdict", "`same` or `different`"),
    ("Via", "`console`, `http` or `server`"),
    ("Visibility", "`public` or `private`"),
];

/// Structures that events share, with the heading that fields link to.
struct Book {
    shapes: BTreeMap<(&'static str, String), Shape>,
    /// Structures that were mentioned, in the order in which they were, and are not described yet.
    mentioned: Vec<(&'static str, String)>,
}

impl Book {
    fn new() -> Self {
        let of = |(module, source): &(&'static str, &str)| {
            let module = *module;
            shapes(source)
                .into_iter()
                .map(move |(name, shape)| ((module, name), shape))
        };
        Self {
            shapes: SOURCES.iter().flat_map(of).collect(),
            mentioned: Vec::new(),
        }
    }

    /// What stands in a leaf for this Rust type.
    fn kind(&mut self, rust: &str) -> String {
        if let Some((_, meaning)) = SCALARS.iter().find(|(name, _)| *name == rust) {
            return (*meaning).into();
        }
        if let Some(inner) = rust
            .strip_prefix("Vec<")
            .and_then(|rest| rest.strip_suffix('>'))
        {
            return format!("list of {}", self.kind(inner));
        }
        match rust {
            "bool" => return "`true` or `false`".into(),
            "u32" | "u64" => return "integer".into(),
            _ => {}
        }
        let key = self.shapes.keys().find(|(_, name)| name == rust).cloned();
        let key = key.unwrap_or_else(|| panic!("docs.rs does not know the type {rust}"));
        if !self.mentioned.contains(&key) {
            self.mentioned.push(key);
        }
        format!("[{}](#{})", spaced(rust), spaced(rust).replace(' ', "-"))
    }

    fn table(&mut self, page: &mut String, key: &(&'static str, String)) {
        let shape = self
            .shapes
            .remove(key)
            .unwrap_or_else(|| panic!("{key:?} is nowhere"));
        if shape.fields.is_empty() {
            let _ = writeln!(page, "No fields.\n");
        } else {
            let _ = writeln!(page, "| field | | meaning |\n|---|---|---|");
            for field in &shape.fields {
                let kind = self.kind(&field.kind);
                let optional = if field.optional { ", optional" } else { "" };
                assert!(
                    !field.meaning.is_empty(),
                    "{key:?} {} has no comment",
                    field.name
                );
                let _ = writeln!(
                    page,
                    "| `{}` | {kind}{optional} | {} |",
                    field.name, field.meaning
                );
            }
            page.push('\n');
        }
        self.shapes.insert(key.clone(), shape);
    }
}

/// `EventRef` becomes `event ref`.
fn spaced(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.extend(c.to_lowercase());
    }
    text
}

fn page() -> String {
    let mut page = String::from(OPENING);
    let _ = writeln!(
        page,
        "A leaf has at most {MAX_LEAF} bytes. A text has at most {MAX_TEXT} bytes and neither control nor bidirectional\n\
         characters; a claim that does not fit is recorded as its digest. Times are UTC with milliseconds.\n"
    );
    let mut book = Book::new();
    envelope(&mut page, &mut book);
    contents(&mut page);
    let data = data_types();
    for kind in Body::TYPES {
        let (module, structure) = &data[kind.name];
        let module = SOURCES.iter().find(|(name, _)| name == module).unwrap().0;
        section(&mut page, &mut book, *kind, &(module, structure.clone()));
    }
    page.push_str("## Shared shapes\n\n");
    let mut described = 0;
    while let Some(key) = book.mentioned.get(described).cloned() {
        described += 1;
        let _ = writeln!(page, "### {}\n", spaced(&key.1));
        let _ = writeln!(page, "{}\n", book.shapes[&key].meaning);
        book.table(&mut page, &key);
    }
    format!("{}\n", page.trim_end())
}

const OPENING: &str = "\
<!-- Made from events/src by `BLESS=1 cargo test -p events`; a test holds it to the code. Do not edit. -->
# Events

Everything that this registry knows follows from its events, and each event is one leaf of its log: the canonical JSON
(RFC 8785) of the envelope below, hashed as SHA-256 of a zero byte and these bytes. What is absent is left out; nothing
is ever null. The log index is the leaf's place in the log and not inside the leaf. Golden samples of every event are in
[`events/vectors`](../events/vectors).

";

/// The fields around `data`. In the code they are those of `Event`, whose body writes three of them.
fn envelope(page: &mut String, book: &mut Book) {
    page.push_str("## The envelope\n\n");
    let event = book.shapes.get_mut(&("event", "Event".into())).unwrap();
    let body = event
        .fields
        .iter()
        .position(|field| field.name == "body")
        .unwrap();
    event.fields.remove(body);
    let written = [
        (
            "data",
            "object",
            "What happened: the fields below, by type.",
        ),
        ("type", "text", "What kind of event it is."),
        (
            "v",
            "integer",
            "The version of `data`. Old versions are read for ever and written no more.",
        ),
    ];
    let mut rows: BTreeMap<String, String> = BTreeMap::new();
    for (name, kind, meaning) in written {
        rows.insert(name.into(), format!("| `{name}` | {kind} | {meaning} |"));
    }
    let fields: Vec<_> = event
        .fields
        .iter()
        .map(|field| {
            (
                field.name.clone(),
                field.kind.clone(),
                field.meaning.clone(),
            )
        })
        .collect();
    for (name, kind, meaning) in fields {
        let kind = book.kind(&kind);
        rows.insert(name.clone(), format!("| `{name}` | {kind} | {meaning} |"));
    }
    let rows: Vec<_> = rows.into_values().collect();
    let _ = writeln!(
        page,
        "| field | | meaning |\n|---|---|---|\n{}\n",
        rows.join("\n")
    );
}

fn contents(page: &mut String) {
    page.push_str("## The vocabulary\n\n| event | stream | version |\n|---|---|---|\n");
    for kind in Body::TYPES {
        let anchor = kind.name.replace('.', "");
        let (name, stream) = (kind.name, stream(*kind));
        let _ = writeln!(
            page,
            "| [`{name}`](#{anchor}) | `{stream}` | {} |",
            kind.version
        );
    }
    page.push('\n');
}

/// The stream's name with what varies in angle brackets, from the sample.
fn stream(kind: EventType) -> String {
    use events::stream::StreamKind as Kind;
    match kind.stream {
        Kind::Log => "log",
        Kind::Provider => "provider/<slug>",
        Kind::Issuer => "issuer/<sha256 of the issuer>",
        Kind::TrustRoot => "trust_root/<slug>",
        Kind::Account => "account/<uuid>",
        Kind::Policy => "policy/<gem>",
        Kind::Token => "token/<provider>/<expiry>.<sha256>",
        Kind::Denied => "denied/<gem>",
        Kind::ApiKey => "api_key/<uuid>",
        Kind::Gem => "gem/<gem>",
        Kind::Name => "name/<gem>",
        Kind::File => "file/<full name>",
        Kind::Map => "map/<yyyy-mm-dd>",
    }
    .into()
}

fn section(page: &mut String, book: &mut Book, kind: EventType, key: &(&'static str, String)) {
    let _ = writeln!(page, "### {}\n", kind.name);
    let meaning = book.shapes[key].meaning.clone();
    // The heading names the event already.
    let prefix = format!("Data of `{}`", kind.name);
    let meaning = meaning.strip_prefix(&prefix).unwrap_or(&meaning);
    let meaning = meaning.trim_start_matches([',', ':', ';', '.', ' ']);
    assert!(!meaning.is_empty(), "{} has no comment", kind.name);
    let _ = writeln!(
        page,
        "In `{}`, version {}. {}\n",
        stream(kind),
        kind.version,
        capital(meaning)
    );
    book.table(page, key);
    let sample = samples()
        .into_iter()
        .find(|sample| sample.event.body.event_type() == kind);
    let name = sample.unwrap().name();
    let json = read(&format!("vectors/{name}.json")).unwrap();
    let _ = writeln!(
        page,
        "<details><summary>Sample</summary>\n\n```json\n{json}```\n</details>\n"
    );
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        let mut text = String::from(first.to_ascii_uppercase());
        text.push_str(chars.as_str());
        text
    })
}

#[test]
fn the_page_about_events_is_what_the_code_says() {
    let page = page();
    if blessing() && read(PAGE).as_ref() != Some(&page) {
        fs::write(path(PAGE), &page).unwrap();
    }
    let written = read(PAGE).unwrap_or_default();
    assert!(
        written == page,
        "docs/events.md is stale: BLESS=1 cargo test -p events"
    );
}
