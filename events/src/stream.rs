//! Stream names: the places in which events are counted, and what "must not exist yet" is said of.
//!
//! ```text
//! log                              account/<uuid>              gem/<folded name>
//! provider/<slug>                  policy/<folded name>        name/<folded name>
//! issuer/<sha256 of the issuer>    denied/<folded name>        file/<folded full name>
//! token/<provider>/<exp>.<sha256>  api_key/<uuid>              map/<yyyy-mm-dd>
//! trust_root/<slug>
//! ```
use alloc::{
    format,
    string::{String, ToString},
};
use core::fmt;
use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    id::{AccountId, ApiKeyId},
    name::FoldedName,
    platform::FullName,
    text::{Slug, TextError},
    time::Timestamp,
};

/// The name of a stream, at most 512 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName(String);

/// The kinds of streams; each has events of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StreamKind {
    /// The ledger itself.
    Log,
    /// One identity provider.
    Provider,
    /// Whose an issuer is.
    Issuer,
    /// One trust root, in its versions.
    TrustRoot,
    /// One account.
    Account,
    /// Who may release a gem.
    Policy,
    /// One identity token, spent.
    Token,
    /// Denials that concern a gem.
    Denied,
    /// One API key.
    ApiKey,
    /// A gem's releases.
    Gem,
    /// A gem name, taken.
    Name,
    /// A file name, taken.
    File,
    /// The roots of one day.
    Map,
}

impl StreamName {
    /// `log`
    pub fn log() -> Self {
        Self("log".into())
    }
    /// `provider/<slug>`
    pub fn provider(slug: &Slug) -> Self {
        Self(format!("provider/{slug}"))
    }
    /// `issuer/<sha256 of the issuer>`
    pub fn issuer(issuer: &str) -> Self {
        Self(format!("issuer/{}", Digest::of(issuer.as_bytes()).hex()))
    }
    /// `trust_root/<slug>`
    pub fn trust_root(slug: &Slug) -> Self {
        Self(format!("trust_root/{slug}"))
    }

    /// `account/<id>`
    pub fn account(id: AccountId) -> Self {
        Self(format!("account/{id}"))
    }
    /// `policy/<gem>`
    pub fn policy(gem: &FoldedName) -> Self {
        Self(format!("policy/{gem}"))
    }
    /// `denied/<gem>`
    pub fn denied(gem: &FoldedName) -> Self {
        Self(format!("denied/{gem}"))
    }
    /// `token/<provider>/<exp>.<hex>`: names that sort by expiry keep the index of this large set compact.
    pub fn token(provider: &Slug, expires: Timestamp, id: &Digest) -> Self {
        Self(format!(
            "token/{provider}/{:010}.{}",
            expires.seconds(),
            id.hex()
        ))
    }
    /// `api_key/<id>`
    pub fn api_key(id: ApiKeyId) -> Self {
        Self(format!("api_key/{id}"))
    }
    /// `gem/<gem>`
    pub fn gem(gem: &FoldedName) -> Self {
        Self(format!("gem/{gem}"))
    }
    /// `name/<gem>`
    pub fn name(gem: &FoldedName) -> Self {
        Self(format!("name/{gem}"))
    }
    /// `file/<full name>`
    pub fn file(file: &FullName) -> Self {
        Self(format!("file/{}", file.folded()))
    }

    /// `map/<yyyy-mm-dd>`: the UTC day of this moment.
    pub fn map(time: Timestamp) -> Self {
        Self(format!("map/{}", time.to_date_text()))
    }

    /// Reads a stream's name; the part after the kind must follow that kind's grammar.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let rest = rest_of(text);
        let known = match kind_of(text) {
            None => false,
            Some(StreamKind::Log) => text == "log",
            Some(StreamKind::Provider | StreamKind::TrustRoot) => Slug::check(rest).is_ok(),
            Some(StreamKind::Issuer) => Digest::from_hex(rest).is_ok(),
            Some(StreamKind::Account) => AccountId::parse(rest).is_ok(),
            Some(StreamKind::ApiKey) => ApiKeyId::parse(rest).is_ok(),
            Some(StreamKind::Token) => parse_token(rest).is_some(),
            Some(StreamKind::Policy | StreamKind::Denied | StreamKind::Gem | StreamKind::Name) => {
                FoldedName::check(rest).is_ok()
            }
            Some(StreamKind::File) => FullName::is_folded(rest),
            Some(StreamKind::Map) => Timestamp::parse(&format!("{rest}T00:00:00.000Z")).is_ok(),
        };
        if known {
            Ok(Self(text.to_string()))
        } else {
            Err(TextError::Grammar("a stream's name, such as policy/<gem>"))
        }
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Which kind of stream this is.
    pub fn kind(&self) -> StreamKind {
        kind_of(&self.0).unwrap_or(StreamKind::Log)
    }

    /// What stands after the kind: a slug, a gem's folded name, an id.
    pub fn rest(&self) -> &str {
        rest_of(&self.0)
    }

    /// For a token stream: provider, expiry and the digest that identifies the token.
    pub fn token_parts(&self) -> Option<(Slug, Timestamp, Digest)> {
        let (provider, expires, id) = self.0.strip_prefix("token/").and_then(parse_token)?;
        Some((Slug::parse(provider).ok()?, expires, id))
    }
}

fn rest_of(name: &str) -> &str {
    name.split_once('/').map_or("", |(_, rest)| rest)
}

fn kind_of(name: &str) -> Option<StreamKind> {
    Some(match name.split_once('/').map_or(name, |(kind, _)| kind) {
        "log" => StreamKind::Log,
        "provider" => StreamKind::Provider,
        "issuer" => StreamKind::Issuer,
        "trust_root" => StreamKind::TrustRoot,
        "account" => StreamKind::Account,
        "policy" => StreamKind::Policy,
        "token" => StreamKind::Token,
        "denied" => StreamKind::Denied,
        "api_key" => StreamKind::ApiKey,
        "gem" => StreamKind::Gem,
        "name" => StreamKind::Name,
        "file" => StreamKind::File,
        "map" => StreamKind::Map,
        _ => return None,
    })
}

fn parse_token(rest: &str) -> Option<(&str, Timestamp, Digest)> {
    let (provider, token) = rest.split_once('/')?;
    let (expires, id) = token.split_once('.')?;
    if expires.len() != 10 || !expires.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let expires = Timestamp::from_seconds(expires.parse().ok()?);
    Slug::check(provider).ok()?;
    Some((provider, expires, Digest::from_hex(id).ok()?))
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

crate::spelled::kept_as_text!(StreamName: TextError);

impl TryFrom<String> for StreamName {
    type Error = TextError;
    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(&text)
    }
}

impl From<StreamName> for String {
    fn from(name: StreamName) -> Self {
        name.0
    }
}

/// One event of one stream: how events refer to one another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventRef {
    /// The event's place in the stream, from 0.
    pub revision: u64,
    /// The stream.
    pub stream: StreamName,
}
