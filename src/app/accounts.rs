//! Accounts: made and disabled by the operator. Their handles are sealed; the log knows ids.
use deciders::account::{self, Account};
use events::{id::AccountId, stream::StreamName, text::Text};

use super::{App, CommandError, settled, unread};
use crate::{
    store::{states::Read, vault, writer::Verdict},
    world,
};

/// Under which name an account's handle is sealed.
const HANDLE: &str = "handle";

impl App {
    /// Makes an account with this handle.
    pub async fn add_account(&self, handle: &str) -> Result<AccountId, CommandError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
        if handle.is_empty() || handle.len() > 40 || !handle.bytes().all(plain) {
            return Err(CommandError::Malformed(
                "a handle has 1 to 40 of a-z, 0-9, - and _".into(),
            ));
        }
        let id = AccountId::new(world::fresh_id(self.clock.now()));
        let stream = StreamName::account(id);
        let unique = self.subjects.unique_hash(HANDLE, handle);
        let sealed = vault::seal(&self.subjects.fresh(&stream), &stream, handle, Some(unique))?;
        let name =
            Text::parse(HANDLE).map_err(|error| CommandError::Malformed(error.to_string()))?;
        let commitments = [(name, sealed.commitment)].into();
        let mut request = self.console();
        request.vault.push(sealed.row);
        let read = stream.clone();
        let outcome = self
            .writer
            .append(vec![Read::of::<Account>(stream)], move |desk| match desk
                .state::<Account>(&read)
            {
                Some(account) => request.verdict(account::create(account, id, commitments)),
                None => Verdict::answer(unread()),
            })
            .await?;
        settled(outcome).map(|_| id)
    }

    /// Disables an account; its keys are dead from here on.
    pub async fn disable_account(&self, id: AccountId) -> Result<u64, CommandError> {
        let stream = StreamName::account(id);
        let request = self.console();
        let outcome = self
            .writer
            .append(
                vec![Read::of::<Account>(stream.clone())],
                move |desk| match desk.state::<Account>(&stream) {
                    Some(account) => request.verdict(account::disable(account, id)),
                    None => Verdict::answer(unread()),
                },
            )
            .await?;
        Ok(settled(outcome)?.indexes().start)
    }
}
