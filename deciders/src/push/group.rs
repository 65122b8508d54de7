//! The events of a push: what the policy gains, the names that are taken, and the release, together or not at all.
use alloc::vec::Vec;
use events::{
    Body,
    attestation::Attested,
    digest::Digest,
    event::Draft,
    gem::{FileTaken, NameTaken, Pushed, Source},
    id::{Owner, PublisherId},
    policy::{GemRegistered, OwnerAdded, PublisherAdded, PublisherPinned},
    stream::{EventRef, StreamName},
    time::Timestamp,
};

use super::{
    Facts, States,
    authority::{Authority, Trusted},
};
use crate::{Ledger, statement};

/// The group so far, and the revision that the policy's next event will have.
struct Group<'a> {
    facts: &'a Facts,
    policy: StreamName,
    next: u64,
    /// The policy so far, with what this group adds to it.
    digest: Option<Digest>,
    drafts: Vec<Draft>,
}

/// The events that a push with this authority and these attestations leads to.
pub(super) fn events(
    states: &States<'_>,
    facts: &Facts,
    authority: &Authority<'_>,
    attested: Vec<Attested>,
    now: Timestamp,
) -> Vec<Draft> {
    let mut group = Group {
        facts,
        policy: StreamName::policy(&facts.name.folded()),
        next: states.policy.next_revision(),
        digest: states.policy.digest().copied(),
        drafts: Vec::new(),
    };
    let (owner, trusted) = match authority {
        Authority::Owner => (None, None),
        Authority::NewName(owner) => (Some(*owner), None),
        Authority::Publisher(trusted) => (trusted.pending, Some(trusted)),
    };
    if let Some(owner) = owner.filter(|_| states.policy.name().is_none()) {
        group.registers(owner);
    }
    let source = trusted.map(|trusted| group.source(trusted));
    if !states.name.taken {
        group.takes_name();
    }
    group.takes_file();
    group.releases(source, &attested, states.ledger, now);
    let stream = StreamName::gem(&facts.name.folded());
    let attested = attested.into_iter().map(Body::ReleaseAttested);
    group
        .drafts
        .extend(attested.map(|body| Draft::new(stream.clone(), body)));
    group.drafts
}

impl Group<'_> {
    fn policy_event(&mut self, body: Body) -> PublisherId {
        self.digest = Some(statement::policy_digest(self.digest.as_ref(), &body));
        self.drafts.push(Draft::new(self.policy.clone(), body));
        self.next += 1;
        PublisherId(self.next - 1)
    }

    fn registers(&mut self, owner: Owner) {
        let name = self.facts.name.clone();
        self.policy_event(Body::GemRegistered(GemRegistered { name }));
        self.policy_event(Body::OwnerAdded(OwnerAdded {
            effective: None,
            owner,
        }));
    }

    /// Where the release comes from. A pending publisher becomes a publisher first, and one without ids gets them.
    fn source(&mut self, trusted: &Trusted<'_>) -> Source {
        let mut publisher = trusted.id;
        if trusted.pending.is_some() {
            publisher = self.policy_event(Body::PublisherAdded(PublisherAdded {
                effective: None,
                pending: Some(trusted.id),
                publisher: trusted.publisher.clone(),
            }));
        }
        if trusted.needs_pin() {
            self.policy_event(Body::PublisherPinned(PublisherPinned {
                owner_id: trusted.workflow.owner_id.clone(),
                publisher,
                repository_id: trusted.workflow.repository_id.clone(),
            }));
        }
        Source {
            exchange: trusted.exchange.clone(),
            publisher,
            workflow: trusted.workflow.clone(),
        }
    }

    fn takes_name(&mut self) {
        let name = self.facts.name.clone();
        let stream = StreamName::name(&name.folded());
        let body = Body::NameTaken(NameTaken { name });
        self.drafts.push(Draft::new(stream, body));
    }

    fn takes_file(&mut self) {
        let file = self.facts.file.clone();
        let stream = StreamName::file(&file);
        let body = Body::FileTaken(FileTaken { file });
        self.drafts.push(Draft::new(stream, body));
    }

    /// The release, with the digest of what the registry says of it where a key is in force that can sign it.
    fn releases(
        &mut self,
        source: Option<Source>,
        attested: &[Attested],
        ledger: &Ledger,
        now: Timestamp,
    ) {
        let facts = self.facts;
        let mut pushed = Pushed {
            api_key: facts.api_key,
            digest: facts.digest,
            document: facts.document,
            info: facts.info.clone(),
            name: facts.name.clone(),
            number: facts.number.clone(),
            platform: facts.platform.clone(),
            policy: EventRef {
                revision: self.next.saturating_sub(1),
                stream: self.policy.clone(),
            },
            size: facts.size,
            source,
            statement: None,
        };
        let said = self.digest.as_ref().and_then(|policy| {
            let facts = statement::Facts {
                pushed: &pushed,
                policy,
                attested: &attested.iter().collect::<Vec<_>>(),
                time: now,
            };
            statement::of(ledger, &facts)
        });
        pushed.statement = said.as_deref().map(Digest::of);
        let stream = StreamName::gem(&facts.name.folded());
        self.drafts
            .push(Draft::new(stream, Body::ReleasePushed(pushed)));
    }
}
