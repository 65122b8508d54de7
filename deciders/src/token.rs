//! An identity token: spent or not, and what a push must know of it.
use events::{Body, Event, State, claims::Workflow, digest::Digest};

/// What the token's provider stated, and with which key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// Thumbprint of the key that signed the token.
    pub provider_key: Digest,
    /// The job.
    pub workflow: Workflow,
}

/// State of `token/…`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Token {
    /// The exchange that spent it.
    pub exchanged: Option<Stated>,
}

impl State for Token {
    fn evolve(&mut self, event: &Event) {
        if let Body::TokenExchanged(exchanged) = &event.body {
            self.exchanged = Some(Stated {
                provider_key: exchanged.provider_key,
                workflow: exchanged.workflow.clone(),
            });
        }
    }
}
