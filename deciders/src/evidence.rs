//! Sealed evidence: who may be shown the identity token behind an exchange, and when.
use alloc::{collections::BTreeMap, vec, vec::Vec};
use events::{
    Body, Event, State,
    event::Draft,
    id::{AccountId, Actor, ApiKeyId},
    name::FoldedName,
    stream::StreamName,
    time::Timestamp,
    token::EvidenceOpened,
};

use crate::{
    Code, Denial, Ledger,
    account::Account,
    gem::Gem,
    policy::{self, Policy},
};

/// For how many seconds an owner who was shown a token is shown it again without another event: a stream that is there for
/// ever must not grow with each look.
pub const AGAIN_SECONDS: u64 = 3600;

/// What showing a token leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// It is recorded first.
    Recorded(Vec<Draft>),
    /// The event of this revision says already that this owner was shown it for this gem.
    Said(u64),
}

/// State of `token/…`, as far as its evidence goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The token was exchanged, and so kept.
    pub exchanged: bool,
    /// The key that it bought.
    pub api_key: Option<ApiKeyId>,
    /// Who was shown it last for which gem, when, and the revision that says so.
    pub opened: BTreeMap<(AccountId, FoldedName), (Timestamp, u64)>,
}

/// A gem by whose owner the token is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The gem.
    pub name: &'a FoldedName,
    /// `policy/<gem>`
    pub policy: &'a Policy,
    /// `gem/<gem>`
    pub gem: &'a Gem,
    /// `account/<id>` of whoever asks.
    pub account: Option<&'a Account>,
}

/// The states that showing a token is judged on.
#[derive(Clone, Copy, Debug)]
pub struct States<'a> {
    /// `log`
    pub ledger: &'a Ledger,
    /// `token/…`
    pub evidence: &'a Evidence,
    /// The gem for which an owner asks; `None` for the operator.
    pub asked: Option<Asked<'a>>,
}

/// Records that somebody is shown the token: the operator at any time, an owner once the token has expired and if it
/// released a version of the owner's gem. An owner who looks again within the hour is shown it, and it is not said again.
pub fn open(
    states: &States<'_>,
    token: &StreamName,
    by: &Actor,
    now: Timestamp,
) -> Result<Opening, Denial> {
    let rules = states.ledger.rulebook()?;
    let rules = rules.known()?;
    let (_, expires, _) = token.token_parts().ok_or(Code::NotFound)?;
    let gem = match (&states.asked, by) {
        (None, Actor::Operator) => None,
        (None, _) => return Err(Code::NotOwner.into()),
        (Some(asked), _) => {
            may_ask(asked, states.evidence, by, now)?;
            if now < expires.plus_seconds(rules.leeway_seconds) {
                return Err(Code::EvidenceEarly.into());
            }
            Some(asked.name.clone())
        }
    };
    if !states.evidence.exchanged {
        return Err(Code::NotFound.into());
    }
    if let (Actor::Account(account), Some(gem)) = (by, &gem)
        && let Some((time, revision)) = states.evidence.opened.get(&(*account, gem.clone()))
        && now < time.plus_seconds(AGAIN_SECONDS)
    {
        return Ok(Opening::Said(*revision));
    }
    let body = Body::EvidenceOpened(EvidenceOpened { gem });
    Ok(Opening::Recorded(vec![Draft::new(token.clone(), body)]))
}

/// An owner of the gem now, and a token whose key released a version of it.
fn may_ask(
    asked: &Asked<'_>,
    evidence: &Evidence,
    by: &Actor,
    now: Timestamp,
) -> Result<(), Denial> {
    if *by == Actor::Operator {
        return Err(Code::NotOwner.into());
    }
    policy::may_manage(&asked.policy.at(now), asked.account, by)?;
    let released = evidence
        .api_key
        .is_some_and(|key| asked.gem.by_key.contains_key(&key));
    if released {
        Ok(())
    } else {
        Err(Code::EvidenceElsewhere.into())
    }
}

impl State for Evidence {
    fn evolve(&mut self, event: &Event) {
        if let Body::TokenExchanged(exchanged) = &event.body {
            self.exchanged = true;
            self.api_key = Some(exchanged.api_key);
        } else if let (Body::EvidenceOpened(opened), Actor::Account(account)) =
            (&event.body, &event.actor)
            && let Some(gem) = &opened.gem
        {
            let who = (*account, gem.clone());
            self.opened.insert(who, (event.time, event.revision));
        }
    }
}
