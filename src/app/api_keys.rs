//! API keys: issued to accounts by the operator, revoked by the operator or by whoever holds them.
use deciders::{
    Code,
    account::Account,
    api_key::{self, ApiKey},
};
use events::{
    Recorded,
    api_key::{Holder, Issued, Reason, Scope},
    id::{AccountId, Actor, ApiKeyId, Via},
    name::FoldedName,
    stream::StreamName,
    time::Timestamp,
};

use super::{App, CommandError, secret::Secret, settled, unread};
use crate::{
    store::{states::Read, writer::Verdict},
    world,
};

impl App {
    /// Issues a key. The secret is in the answer and nowhere else.
    pub async fn issue_api_key(
        &self,
        account: AccountId,
        scopes: Vec<Scope>,
        gem: Option<FoldedName>,
        expires: Option<Timestamp>,
    ) -> Result<(ApiKeyId, Secret, u64), CommandError> {
        let id = ApiKeyId::new(world::fresh_id(self.clock.now()));
        let secret = Secret::fresh();
        let issued = Issued {
            digest: secret.digest(),
            expires,
            gem,
            holder: Holder::Account(account),
            scopes,
        };
        let (key_stream, account_stream) = (StreamName::api_key(id), StreamName::account(account));
        let reads = vec![
            Read::of::<ApiKey>(key_stream.clone()),
            Read::of::<Account>(account_stream.clone()),
        ];
        let request = self.console();
        let outcome = self
            .writer
            .append(reads, move |desk| {
                match (
                    desk.state::<ApiKey>(&key_stream),
                    desk.state::<Account>(&account_stream),
                ) {
                    (Some(key), Some(account)) => {
                        request.verdict(api_key::issue(key, account, id, issued, desk.now))
                    }
                    _ => Verdict::answer(unread()),
                }
            })
            .await?;
        let index = settled(outcome)?.indexes().start;
        Ok((id, secret, index))
    }

    /// Revokes a key: as the operator, or as the one who holds it.
    pub async fn revoke_api_key(
        &self,
        id: ApiKeyId,
        holder: Option<Actor>,
    ) -> Result<u64, CommandError> {
        let stream = StreamName::api_key(id);
        let (request, reason) = match holder {
            Some(actor) => (self.request(actor, Via::Http), Reason::Holder),
            None => (self.console(), Reason::Operator),
        };
        let outcome = self
            .writer
            .append(
                vec![Read::of::<ApiKey>(stream.clone())],
                move |desk| match desk.state::<ApiKey>(&stream) {
                    Some(key) => request.verdict(api_key::revoke(key, id, reason, desk.now)),
                    None => Verdict::answer(unread()),
                },
            )
            .await?;
        Ok(settled(outcome)?.indexes().start)
    }
    /// Revokes up to [`api_key::MAX_REVOKED`] keys as the operator, together or not at all. Those that are dead by now are left
    /// out; the others come back with the log indexes of their events.
    pub async fn revoke_api_keys(
        &self,
        ids: Vec<ApiKeyId>,
    ) -> Result<Vec<(ApiKeyId, u64)>, CommandError> {
        let named = |id: &ApiKeyId| (*id, StreamName::api_key(*id));
        let streams: Vec<(ApiKeyId, StreamName)> = ids.iter().map(named).collect();
        let read = |(_, stream): &(ApiKeyId, StreamName)| Read::of::<ApiKey>(stream.clone());
        let reads = streams.iter().map(read).collect();
        let request = self.console();
        let outcome = self
            .writer
            .append(reads, move |desk| {
                let state = |(id, stream): &(ApiKeyId, StreamName)| {
                    Some((*id, desk.state::<ApiKey>(stream)?))
                };
                let keys: Option<Vec<_>> = streams.iter().map(state).collect();
                match keys {
                    Some(keys) => request.verdict(api_key::revoke_all(&keys, desk.now)),
                    None => Verdict::answer(unread()),
                }
            })
            .await?;
        match settled(outcome) {
            Ok(outcome) => Ok(outcome.appended.iter().filter_map(revoked).collect()),
            // All of them died meanwhile.
            Err(CommandError::Denied(denial)) if denial.code == Code::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

fn revoked(recorded: &Recorded) -> Option<(ApiKeyId, u64)> {
    let id = ApiKeyId::parse(recorded.event.stream.rest()).ok()?;
    Some((id, recorded.index))
}
