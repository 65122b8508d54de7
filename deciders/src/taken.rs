//! Uniqueness across streams: a name, a file or an issuer is free as long as its stream has no event.
use events::{Body, Event, State, text::Slug};

/// State of `name/…`, `file/…` and `issuer/…`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Something has it.
    pub taken: bool,
    /// For an issuer: the provider that has it.
    pub provider: Option<Slug>,
}

impl State for Taken {
    fn evolve(&mut self, event: &Event) {
        self.taken = true;
        if let Body::IssuerTaken(taken) = &event.body {
            self.provider = Some(taken.provider.clone());
        }
    }
}
