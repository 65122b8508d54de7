//! An identity token: spent or not, and what its provider stated.
use events::{Body, Event, State, token::Exchanged};

/// State of `token/…`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Token {
    /// The exchange that spent it.
    pub exchanged: Option<Exchanged>,
}

impl State for Token {
    fn evolve(&mut self, event: &Event) {
        if let Body::TokenExchanged(exchanged) = &event.body {
            self.exchanged = Some(exchanged.clone());
        }
    }
}
