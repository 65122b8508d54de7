//! What the server does with keys of statements.
use deciders::{Denial, ledger};
use events::id::{Actor, Via};

use super::History;
use crate::fixtures::statement_key;

impl History {
    /// Introduces the statement key of this name, as a server does that finds none of its own in the log.
    pub(crate) fn introduce(&mut self, name: &str) -> Result<(), Denial> {
        let drafts = ledger::introduce_statement_key(&self.ledger(), statement_key(name))?;
        self.append(&Actor::Operator, Via::Server, drafts);
        Ok(())
    }
}
