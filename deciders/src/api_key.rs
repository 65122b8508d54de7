//! An API key: what it may do, on whose word, and until when.
use events::{
    Body, Event, State,
    api_key::{Issued, Scope},
    time::Timestamp,
};

use crate::{Code, Denial};

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

impl State for ApiKey {
    fn evolve(&mut self, event: &Event) {
        if let Body::ApiKeyIssued(issued) = &event.body {
            self.issued = Some(issued.clone());
        }
        self.revoked |= matches!(event.body, Body::ApiKeyRevoked(_));
    }
}
