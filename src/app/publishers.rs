//! Trusted publishers: added and removed by the operator or by a gem's owners.
use deciders::{
    Ledger,
    account::Account,
    policy::{self, Policy},
    provider::Provider,
};
use events::{
    Body,
    claims::ProviderKind,
    id::{AccountId, Actor, Owner, PublisherId},
    name::{FoldedName, GemName},
    policy::Publisher,
    stream::StreamName,
    text::Text,
    time::Timestamp,
};

use super::{App, CommandError, Request, policy::effective, settled, unread};
use crate::{
    oidc::ids,
    store::{states::Read, writer::Verdict},
    views,
};

/// A publisher that was added.
#[derive(Clone, Debug)]
pub struct Added {
    /// Its id within the gem.
    pub id: PublisherId,
    /// The log index of the event.
    pub index: u64,
    /// When it takes effect, if the gem exists already and loosening waits.
    pub effective: Option<Timestamp>,
    /// It waits for the first push of a name that is still free.
    pub pending: bool,
    /// Those that it takes the place of: they let in more, or had expired.
    pub replaced: Vec<PublisherId>,
    /// The publisher, with the ids that were found.
    pub publisher: Publisher,
    /// Why its ids are not known.
    pub unresolved: Option<String>,
}

fn account_of(actor: &Actor, owner: Owner) -> Option<AccountId> {
    match (actor, owner) {
        (Actor::Account(id), _) => Some(*id),
        (_, Owner::Account(id)) => Some(id),
        (Actor::Operator | Actor::Workflow(..), Owner::Operator) => None,
    }
}

impl App {
    /// Adds a publisher. On github.com, ids that were not given are looked up; where that fails, the publisher is
    /// provisional and the first push pins them.
    pub async fn add_publisher(
        &self,
        request: Request,
        gem: GemName,
        mut publisher: Publisher,
        owner: Owner,
    ) -> Result<Added, CommandError> {
        let unresolved = self.resolve_ids(&mut publisher).await?;
        let (log, policy_stream) = (StreamName::log(), StreamName::policy(&gem.folded()));
        let provider_stream = StreamName::provider(&publisher.provider);
        let account = account_of(&request.actor, owner).map(StreamName::account);
        let mut reads = vec![
            Read::of::<Ledger>(log.clone()),
            Read::of::<Policy>(policy_stream.clone()),
            Read::of::<Provider>(provider_stream.clone()),
        ];
        reads.extend(account.clone().map(Read::of::<Account>));
        let added = publisher.clone();
        let outcome = self
            .writer
            .append(reads, move |desk| {
                let (ledger, policy) = (
                    desk.state::<Ledger>(&log),
                    desk.state::<Policy>(&policy_stream),
                );
                match (ledger, policy, desk.state::<Provider>(&provider_stream)) {
                    (Some(ledger), Some(policy), Some(provider)) => {
                        let account = account
                            .as_ref()
                            .and_then(|stream| desk.state::<Account>(stream));
                        let states = policy::States {
                            ledger,
                            policy,
                            provider,
                            account,
                        };
                        let by = request.actor.clone();
                        request.verdict(policy::add_publisher(
                            &states, &gem, publisher, owner, &by, desk.now,
                        ))
                    }
                    _ => Verdict::answer(unread()),
                }
            })
            .await?;
        let outcome = settled(outcome)?;
        let replaced = outcome.appended.iter().filter_map(|recorded| {
            if let Body::PublisherRemoved(removed) = &recorded.event.body {
                Some(removed.publisher)
            } else {
                None
            }
        });
        let last = outcome
            .appended
            .last()
            .ok_or_else(|| CommandError::Malformed("nothing was recorded".into()))?;
        Ok(Added {
            id: PublisherId(last.event.revision),
            index: last.index,
            effective: effective(&last.event.body),
            pending: matches!(last.event.body, Body::PendingAdded(_)),
            replaced: replaced.collect(),
            publisher: added,
            unresolved,
        })
    }

    async fn resolve_ids(&self, publisher: &mut Publisher) -> Result<Option<String>, CommandError> {
        let provider: Provider =
            views::state(&self.reader, &StreamName::provider(&publisher.provider)).await?;
        let github = provider.issuer().is_some_and(|issuer| {
            provider.kind() == Some(ProviderKind::Github)
                && issuer.as_str() == super::exchange::GITHUB_ISSUER
        });
        if publisher.repository_id.is_some() {
            return Ok(None);
        }
        if !github {
            return Ok(Some("ids are looked up for github.com only".into()));
        }
        match ids::github_ids(&*self.fetch, publisher.repository.as_str()).await {
            Ok(ids) => {
                publisher.repository_id = Text::configured(&ids.repository_id).ok();
                publisher.owner_id = Text::configured(&ids.owner_id).ok();
                Ok(None)
            }
            Err(error) => Ok(Some(format!("the repository {error}"))),
        }
    }

    /// Removes a publisher; keys that were minted for it no longer push this gem.
    pub async fn remove_publisher(
        &self,
        request: Request,
        gem: FoldedName,
        id: PublisherId,
    ) -> Result<u64, CommandError> {
        let stream = StreamName::policy(&gem);
        let account = account_of(&request.actor, Owner::Operator).map(StreamName::account);
        let mut reads = vec![Read::of::<Policy>(stream.clone())];
        reads.extend(account.clone().map(Read::of::<Account>));
        let outcome = self
            .writer
            .append(reads, move |desk| match desk.state::<Policy>(&stream) {
                Some(state) => {
                    let account = account
                        .as_ref()
                        .and_then(|stream| desk.state::<Account>(stream));
                    let by = request.actor.clone();
                    request.verdict(policy::remove_publisher(
                        state, account, &gem, id, &by, desk.now,
                    ))
                }
                None => Verdict::answer(unread()),
            })
            .await?;
        Ok(settled(outcome)?.indexes().start)
    }
}
