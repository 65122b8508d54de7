//! Who may have done it: every event of a group by the same actor, through the same door, in the same moment, and that
//! actor the one whom the command belongs to.
use alloc::{format, vec::Vec};
use events::{
    Body,
    api_key::{Holder, Reason},
    id::{Actor, ApiKeyId, Via},
    stream::StreamName,
};

use super::{Finding, command::Case, order::unlawful};

/// Reports the first event of the group that somebody else did, and a command that is not its actor's.
pub(super) fn check(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let last = case.last;
    for recorded in case.group.recorded() {
        let event = &recorded.event;
        if (&event.actor, event.via) != (&last.actor, last.via) {
            let message = format!("{} and {} in one request", event.actor, last.actor);
            findings.push(unlawful(recorded.index, "actor", message));
        }
        if event.time != last.time {
            let message = format!("{} and {} in one request", event.time, last.time);
            findings.push(unlawful(recorded.index, "time", message));
        }
    }
    let door = match last.actor {
        Actor::Operator => last.via != Via::Http,
        Actor::Account(_) | Actor::Workflow(..) => last.via == Via::Http,
    };
    if !door || !may(case) {
        let name = last.body.event_type().name;
        let via = match last.via {
            Via::Console => "console",
            Via::Http => "http",
            Via::Server => "server",
        };
        let message = format!("{name} is not for {} by {via}", last.actor);
        findings.push(unlawful(case.group.index(), "actor", message));
    }
}

/// Whether the command is the actor's. Of what owners may do, the policy's own decision has judged.
fn may(case: &Case<'_>) -> bool {
    let (actor, last) = (&case.last.actor, case.last);
    let operator = *actor == Actor::Operator;
    match &last.body {
        Body::LogOpened(_)
        | Body::StatementKeyIntroduced(_)
        | Body::TrustRootRecorded(_)
        | Body::TrustRootRetired(_)
        | Body::LogRulesChanged(_)
        | Body::LogSucceeded(_)
        | Body::SubjectErased(_)
        | Body::ProviderRegistered(_)
        | Body::ProviderKeysObserved(_)
        | Body::ProviderKeyDistrusted(_)
        | Body::ProviderDisabled(_)
        | Body::IssuerTaken(_)
        | Body::AccountCreated(_)
        | Body::AccountDisabled(_)
        | Body::ReleaseQuarantined(_)
        | Body::ReleaseRestored(_) => operator,
        Body::MapRooted(_) => operator && last.via == Via::Server,
        Body::PublisherAdded(_)
        | Body::PublisherRemoved(_)
        | Body::PendingAdded(_)
        | Body::PendingRemoved(_)
        | Body::OwnerAdded(_)
        | Body::OwnerRemoved(_)
        | Body::RuleChanged(_)
        | Body::ChangeCancelled(_)
        | Body::OverrideProposed(_)
        | Body::PolicyOverridden(_)
        | Body::ReleaseCompared(_) => !matches!(actor, Actor::Workflow(..)),
        Body::EvidenceOpened(opened) => match (&opened.gem, actor) {
            (None, _) => operator,
            (Some(_), Actor::Account(_)) => true,
            (Some(_), Actor::Operator | Actor::Workflow(..)) => false,
        },
        Body::ApiKeyIssued(issued) => match &issued.holder {
            Holder::Account(account) => operator || *actor == Actor::Account(*account),
            Holder::Exchange(_) => stated_by(case, actor),
        },
        Body::ApiKeyRevoked(revoked) => match revoked.reason {
            Reason::Operator => operator,
            Reason::Holder => ApiKeyId::parse(last.stream.rest())
                .is_ok_and(|id| case.world.keys.holder(id).as_ref() == Some(actor)),
        },
        Body::ReleasePushed(_) | Body::ReleaseAttested(_) => {
            let holder = case
                .pushed()
                .and_then(|pushed| case.world.keys.holder(pushed.api_key));
            // A key that is not known, or an attestation alone, is a finding of its own.
            holder.is_none_or(|holder| holder == *actor)
        }
        Body::ExchangeDenied(denied) => is_workflow(
            actor,
            denied.provider.as_str(),
            denied.repository_id.as_str(),
        ),
        Body::PushDenied(denied) => match case.world.keys.holder(denied.api_key) {
            Some(holder) => holder == *actor,
            None => case.order.exists(&StreamName::api_key(denied.api_key)),
        },
        Body::TokenExchanged(_)
        | Body::GemRegistered(_)
        | Body::PublisherPinned(_)
        | Body::NameTaken(_)
        | Body::FileTaken(_) => true,
    }
}

/// An exchange is the deed of the workflow that its token names.
fn stated_by(case: &Case<'_>, actor: &Actor) -> bool {
    case.group.events().any(|event| {
        let slug = event.stream.rest().split('/').next().unwrap_or_default();
        matches!(&event.body, Body::TokenExchanged(exchanged)
            if is_workflow(actor, slug, exchanged.workflow.repository_id.as_str()))
    })
}

fn is_workflow(actor: &Actor, provider: &str, repository_id: &str) -> bool {
    match actor {
        Actor::Workflow(slug, id) => slug.as_str() == provider && id == repository_id,
        Actor::Operator | Actor::Account(_) => false,
    }
}
