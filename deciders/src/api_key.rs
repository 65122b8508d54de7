//! An API key: what it may do, on whose word, and until when.
use alloc::{collections::BTreeMap, format, vec, vec::Vec};
use events::{
    Body, Event, State,
    api_key::{Holder, Issued, Reason, Revoked, Scope},
    event::Draft,
    id::ApiKeyId,
    stream::StreamName,
    time::Timestamp,
};

use crate::{Code, Denial, account::Account};

/// State of `api_key/<id>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiKey {
    /// As it was issued.
    pub issued: Option<Issued>,
    /// It was revoked.
    pub revoked: bool,
}

impl ApiKey {
    /// The key as issued, if it lives at this moment. It dies at the very moment it expires.
    pub fn live(&self, now: Timestamp) -> Result<&Issued, Denial> {
        let issued = self.issued.as_ref().ok_or(Code::KeyUnknown)?;
        match (self.revoked, issued.expires) {
            (true, _) => Err(Code::KeyRevoked.into()),
            (false, Some(expires)) if now >= expires => Err(Code::KeyExpired.into()),
            _ => Ok(issued),
        }
    }

    /// As [`live`](Self::live), and with this scope.
    pub fn allows(&self, scope: Scope, now: Timestamp) -> Result<&Issued, Denial> {
        let issued = self.live(now)?;
        if issued.scopes.contains(&scope) {
            return Ok(issued);
        }
        Err(Denial::new(Code::ScopeMissing).expected(scope.as_str()))
    }
}

/// Issues a key to an account. Keys of a CI job are minted by the exchange and by nothing else.
pub fn issue(
    api_key: &ApiKey,
    account: &Account,
    id: ApiKeyId,
    mut issued: Issued,
    now: Timestamp,
) -> Result<Vec<Draft>, Denial> {
    account.live()?;
    if api_key.issued.is_some() {
        return Err(Code::AlreadyExists.into());
    }
    issued.scopes.sort_unstable();
    issued.scopes.dedup();
    if matches!(issued.holder, Holder::Exchange(_)) || issued.scopes.is_empty() {
        return Err(Denial::new(Code::ApiKeyInvalid).expected("an account and at least one scope"));
    }
    if issued.expires.is_some_and(|expires| expires <= now) {
        return Err(Code::KeyExpired.into());
    }
    let body = Body::ApiKeyIssued(issued);
    Ok(vec![Draft::new(StreamName::api_key(id), body)])
}

/// Revokes a key that lives. What is dead already stays as it is: a second revocation would say nothing.
pub fn revoke(
    api_key: &ApiKey,
    id: ApiKeyId,
    reason: Reason,
    now: Timestamp,
) -> Result<Vec<Draft>, Denial> {
    api_key.live(now)?;
    let body = Body::ApiKeyRevoked(Revoked { reason });
    Ok(vec![Draft::new(StreamName::api_key(id), body)])
}

/// Most keys that one command revokes together: a group stays small enough for one transaction.
pub const MAX_REVOKED: usize = 100;

/// Revokes several keys together, as the operator, in the order of their ids. The dead among them are left out; if all
/// are, there is nothing to do.
pub fn revoke_all(keys: &[(ApiKeyId, &ApiKey)], now: Timestamp) -> Result<Vec<Draft>, Denial> {
    if keys.len() > MAX_REVOKED {
        return Err(
            Denial::new(Code::ApiKeyInvalid).expected(format!("at most {MAX_REVOKED} keys"))
        );
    }
    let ordered: BTreeMap<_, _> = keys.iter().copied().collect();
    let living = |(id, key): (ApiKeyId, &ApiKey)| revoke(key, id, Reason::Operator, now).ok();
    let drafts: Vec<Draft> = ordered.into_iter().filter_map(living).flatten().collect();
    if drafts.is_empty() {
        return Err(Code::NotFound.into());
    }
    Ok(drafts)
}

impl State for ApiKey {
    fn evolve(&mut self, event: &Event) {
        if let Body::ApiKeyIssued(issued) = &event.body {
            self.issued = Some(issued.clone());
        }
        self.revoked |= matches!(event.body, Body::ApiKeyRevoked(_));
    }
}
