//! From the events of one request to the command behind it: what it must have known, and what it had to lead to.
use alloc::{format, string::String, string::ToString, vec::Vec};
use events::{Body, Event, event::Draft, gem::Pushed, id::Owner, name::FoldedName};

use super::{
    Finding, actor,
    compare::compare,
    comparison, evidence, management,
    order::{Group, Order, unlawful},
    policy, records, release,
    world::World,
};
use crate::{Code, Denial, ledger};

/// Why a group cannot be what its request led to.
pub(super) struct Fault {
    code: &'static str,
    message: String,
}

impl Fault {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl From<Denial> for Fault {
    fn from(denial: Denial) -> Self {
        let told = Denial {
            tell: true,
            ..denial
        };
        Self::new(told.code.as_str(), told.to_string())
    }
}

impl From<Code> for Fault {
    fn from(code: Code) -> Self {
        Denial::new(code).into()
    }
}

/// A group and the states before it.
pub(super) struct Case<'a> {
    pub(super) world: &'a World,
    pub(super) order: &'a Order,
    pub(super) group: &'a Group,
    /// The group's last event, which says which command it was.
    pub(super) last: &'a Event,
}

impl Case<'_> {
    /// The gem whose stream the last event stands in.
    pub(super) fn gem(&self) -> Result<FoldedName, Fault> {
        FoldedName::parse(self.last.stream.rest()).map_err(|_| self.misplaced())
    }

    /// The release that the group makes.
    pub(super) fn pushed(&self) -> Option<&Pushed> {
        self.group.events().find_map(|event| {
            if let Body::ReleasePushed(pushed) = &event.body {
                Some(pushed)
            } else {
                None
            }
        })
    }

    pub(super) fn misplaced(&self) -> Fault {
        Fault::new(
            "stream",
            format!("{} is no stream for it", self.last.stream),
        )
    }
}

/// Judges a group.
pub(super) fn judge(world: &World, order: &Order, group: &Group, findings: &mut Vec<Finding>) {
    let Some(last) = group.recorded().last() else {
        return;
    };
    let case = Case {
        world,
        order,
        group,
        last: &last.event,
    };
    match lawful(&case) {
        Ok(Some(drafts)) => compare(&drafts, group, findings),
        Ok(None) => {}
        Err(fault) => {
            let name = case.last.body.event_type().name;
            let message = format!("{name} was not lawful: {}", fault.message);
            findings.push(unlawful(last.index, fault.code, message));
        }
    }
    actor::check(&case, findings);
}

/// The events that the command behind this group leads to, or nothing if they were compared already.
fn lawful(case: &Case<'_>) -> Result<Option<Vec<Draft>>, Fault> {
    let (ledger, event) = (&case.world.ledger, case.last);
    Ok(Some(match &event.body {
        Body::LogOpened(opened) => ledger::open(ledger, opened.clone())?,
        _ if ledger.opened.is_none() => {
            return Err(Fault::new(
                "events",
                "the log does not start with log.opened",
            ));
        }
        Body::LogRulesChanged(to) => ledger::change_rules(ledger, to.edition, to.rules)?,
        Body::LogSucceeded(to) => ledger::succeed(ledger, case.group.index(), to.clone())?,
        Body::SubjectErased(erased) => ledger::erase(ledger, erased.subject.clone())?,
        Body::StatementKeyIntroduced(introduced) => {
            ledger::introduce_statement_key(ledger, introduced.jwk.clone())?
        }
        Body::ProviderRegistered(_) | Body::ProviderKeysObserved(_) | Body::IssuerTaken(_) => {
            management::provider(case)?
        }
        Body::ProviderKeyDistrusted(distrusted) => management::distrust(case, &distrusted.kid)?,
        Body::ProviderDisabled(_) => management::disable_provider(case)?,
        Body::AccountCreated(_) => management::create_account(case)?,
        Body::AccountDisabled(_) => management::disable_account(case)?,
        Body::PublisherAdded(added) => {
            let gem = management::registered_name(case)?;
            management::add(case, &gem, &added.publisher, Owner::Operator)?
        }
        Body::PendingAdded(added) => {
            management::add(case, &added.name, &added.publisher, added.owner)?
        }
        Body::PublisherRemoved(removed) => management::remove(case, removed.publisher)?,
        Body::PendingRemoved(removed) => management::remove(case, removed.publisher)?,
        Body::OwnerAdded(added) => policy::add_owner(case, added.owner)?,
        Body::OwnerRemoved(removed) => policy::remove_owner(case, removed.owner)?,
        Body::RuleChanged(changed) => policy::set_rule(case, changed)?,
        Body::ChangeCancelled(cancelled) => policy::cancel(case, cancelled.change)?,
        Body::OverrideProposed(proposed) => {
            policy::overrule(case, proposed.change, Some(&proposed.reason))?
        }
        Body::PolicyOverridden(overridden) => {
            policy::overrule(case, overridden.change, overridden.reason.as_ref())?
        }
        Body::ApiKeyIssued(issued) => match case.group.events().next().map(|first| &first.body) {
            Some(Body::TokenExchanged(exchanged)) => {
                return release::exchange(case, exchanged, issued);
            }
            _ => management::issue(case, issued)?,
        },
        Body::ApiKeyRevoked(revoked) => management::revoke(case, revoked)?,
        Body::ReleasePushed(pushed) => release::push(case, pushed)?,
        Body::ReleaseAttested(_) => release::attested(case)?,
        Body::ReleaseCompared(compared) => comparison::attach(case, compared)?,
        Body::ReleaseQuarantined(quarantined) => management::quarantine(case, quarantined)?,
        Body::ReleaseRestored(restored) => management::restore(case, restored)?,
        Body::ExchangeDenied(denied) => records::exchange(case, denied)?,
        Body::PushDenied(denied) => records::push(case, denied)?,
        Body::MapRooted(rooted) => management::root(case, *rooted)?,
        Body::TrustRootRecorded(recorded) => evidence::record(case, recorded)?,
        Body::TrustRootRetired(_) => evidence::retire(case)?,
        Body::EvidenceOpened(opened) => evidence::open(case, opened)?,
        Body::TokenExchanged(_)
        | Body::GemRegistered(_)
        | Body::PublisherPinned(_)
        | Body::NameTaken(_)
        | Body::FileTaken(_) => {
            return Err(Fault::new("events", "no command ends with it"));
        }
    }))
}
