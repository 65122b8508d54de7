//! Field by field: what a change must lead to, and what is truly free, with the reason.
//!
//! Whatever is not named here is bound. So a new field is either noticed by the auditor or named here with its excuse.
use events::{Body, Event, Recorded, api_key::Holder, id::Actor};

/// What must come of a change to one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// It follows from other events: a change contradicts them.
    Bound,
    /// Somebody chose it; a change is noticed as soon as something follows from the choice. In the tour, something does.
    Chosen,
    /// No other event says anything of it. The reason.
    Free(&'static str),
}

use Field::{Bound, Chosen, Free};

const COMMITMENT: Field =
    Free("a commitment to a value off the log: whoever is shown the value can tell");
const EVIDENCE: Field =
    Free("a claim that no rule reads: whoever is shown the sealed token can tell");
const FILE: Field = Free("a fact about the file: whoever has the file can tell");
const BUNDLE: Field = Free("a fact about the bundle: whoever has it can tell");
const WILL: Field =
    Free("the operator's or an owner's own choice, and the log is where it is made");
const COUNT: Field = Free("what was not recorded leaves no trace to count");
const ANCHOR: Field = Free("held against the signed checkpoints by whoever verifies them");
const SECRET: Field = Free("the digest of a secret: whoever has the key can tell");
const WINDOW: Field = Free("a moment within its window: the sealed token says when it was issued");
const MAP: Field = Free("what the log itself leads to: whoever folds the map of all gems can tell");
const STATED: Field =
    Free("the word of whoever compared: whoever has file, repository and statement can tell");
const NAME: Field = Free("an opaque name, of a command that is whole without the others");

/// Denials whose expectation is the publisher's own setting.
const ASKED_BY_PUBLISHER: [&str; 4] = [
    "repository_id_mismatch",
    "owner_id_mismatch",
    "workflow_mismatch",
    "environment_mismatch",
];

/// A history, and the event of it that is changed.
pub(crate) struct Mutant<'a> {
    pub(crate) log: &'a [Recorded],
    pub(crate) index: usize,
}

impl Mutant<'_> {
    pub(crate) fn event(&self) -> &Event {
        &self.log[self.index].event
    }

    pub(crate) fn name(&self) -> &'static str {
        self.event().body.event_type().name
    }

    /// All events of its request.
    pub(crate) fn group(&self) -> Vec<&Event> {
        let request = self.event().request;
        let events = self.log.iter().map(|recorded| &recorded.event);
        events.filter(|event| event.request == request).collect()
    }

    fn is_part_of_a_push(&self) -> bool {
        let release = |event: &&Event| matches!(event.body, Body::ReleasePushed(_));
        self.group().iter().any(release)
    }

    /// Whether it stands in a group that cannot be taken apart. A registration and its keys could have been two
    /// commands, as could the removal of a publisher and its addition.
    fn is_one_of_many(&self) -> bool {
        let group = self.group();
        let first = group.first().is_some_and(|first| stands_alone(first));
        group.len() > 1 && !stands_alone(self.event()) && !first
    }

    /// Whether some release repeats what this exchange recorded.
    fn is_repeated(&self) -> bool {
        let stream = &self.event().stream;
        self.log.iter().any(|recorded| {
            matches!(&recorded.event.body, Body::ReleasePushed(pushed)
                if pushed.source.as_ref().is_some_and(|source| source.exchange.stream == *stream))
        })
    }

    fn continues(&self) -> bool {
        let mut later = self.log[self.index + 1..].iter();
        later.any(|recorded| recorded.event.stream == self.event().stream)
    }

    /// Whether the log without this event is another lawful history, which the signed checkpoints alone exclude: a
    /// command of which nothing follows, or the rest of whose events are a command too.
    pub(crate) fn may_never_have_happened(&self) -> bool {
        let event = self.event();
        let rest: Vec<_> = self
            .group()
            .into_iter()
            .filter(|other| *other != event)
            .collect();
        // A push with fewer bundles is a push.
        let alone = matches!(
            event.body,
            Body::ProviderKeysObserved(_) | Body::ReleaseAttested(_)
        );
        !self.continues() && (alone || rest.iter().all(|other| is_removal(other)))
    }

    /// What a change of this field must lead to.
    pub(crate) fn field(&self, path: &str) -> Field {
        if let Some(path) = path.strip_prefix("data.") {
            return self.data(path);
        }
        match path {
            "request" if !self.is_one_of_many() => NAME,
            "stream" => self.stream(),
            _ if path.starts_with("sealed.") => COMMITMENT,
            _ => Bound,
        }
    }

    #[expect(clippy::match_same_arms, reason = "one line for each reason")]
    fn stream(&self) -> Field {
        match self.name() {
            // Which account, and which of a holder's keys.
            "account.disabled" => WILL,
            "account.created" | "api_key.revoked" => Chosen,
            "pending_publisher.removed" | "publisher.removed" => Chosen,
            "trust_root.recorded" | "trust_root.retired" => Chosen,
            "api_key.issued" if !self.is_minted() => Chosen,
            _ => Bound,
        }
    }

    /// Whether the record of the release that was compared names a commit.
    fn has_commit(&self) -> bool {
        let Body::ReleaseCompared(compared) = &self.event().body else {
            return false;
        };
        self.log.iter().any(|recorded| {
            matches!(&recorded.event.body, Body::ReleasePushed(pushed)
                if pushed.digest == compared.digest
                    && pushed.source.as_ref().is_some_and(|source| source.workflow.commit.is_some()))
        })
    }

    fn is_minted(&self) -> bool {
        matches!(&self.event().body, Body::ApiKeyIssued(issued)
            if matches!(issued.holder, Holder::Exchange(_)))
    }

    #[expect(clippy::match_same_arms, reason = "one line for each reason")]
    fn data(&self, path: &str) -> Field {
        match (self.name(), path) {
            ("log.opened", "nonce" | "origin" | "vkey") => ANCHOR,
            ("log.opened", "visibility") => WILL,
            ("log.opened" | "log.rules_changed", _) if path.starts_with("rules.") => WILL,
            ("log.succeeded", "known.root" | "known.size" | "root" | "vkey") => ANCHOR,
            ("log.succeeded", "reason") => WILL,
            ("statement_key.introduced", "jwk.x") => WILL,
            ("subject.erased", _) => Free("which values are gone shows in the vault alone"),
            // The file and its settings, by the operator's word; the file's bytes have this digest.
            ("trust_root.recorded", _) => WILL,
            ("provider.registered", "issuer") => Bound,
            ("provider.registered", _) => WILL,
            ("provider.keys_observed", "keys[].kid") => {
                Free("the provider's own name for a key, kept to find it")
            }
            ("token.exchanged", _) => self.exchanged(path),
            ("exchange.denied", _) => self.denied(path),
            ("push.denied", "count") => COUNT,
            ("push.denied", "expected" | "found") => FILE,
            // Another key, or another publisher, of the same repository.
            ("push.denied", "api_key" | "publisher") => Chosen,
            ("api_key.issued", "digest") => SECRET,
            ("api_key.issued", "expires" | "gem" | "scopes[]") if !self.is_minted() => WILL,
            ("api_key.issued", _) if !self.is_minted() => Chosen,
            ("release.pushed", "document" | "size") => FILE,
            // Its last byte is in a requirement. What it says of version and checksum is bound.
            ("release.pushed", "info") => FILE,
            // Another key of the same account.
            ("release.pushed", "api_key") if self.event().actor == self.account() => Chosen,
            ("publisher.added" | "pending_publisher.added", _)
                if path.starts_with("publisher.") && !self.is_part_of_a_push() =>
            {
                WILL
            }
            // An account reserves for itself alone.
            ("pending_publisher.added", "owner") if self.event().actor == Actor::Operator => WILL,
            (
                "release.attested",
                "bundle" | "certificate" | "predicate" | "signed" | "entry.index" | "entry.log",
            ) => BUNDLE,
            // GitLab's certificate names no runner: only the project that it belongs to is bound.
            ("release.attested", "builder") if matches!(&self.event().actor, Actor::Workflow(slug, _) if slug.as_str() == "gitlab") => {
                BUNDLE
            }
            ("map.rooted", _) => MAP,
            ("publisher.removed" | "pending_publisher.removed", _) => Chosen,
            ("release.quarantined" | "release.restored", "reason") => WILL,
            ("override.proposed" | "policy.overridden", "reason") => WILL,
            // Other rules take other settings; when it takes effect is bound.
            ("rule.changed", "rule" | "to") => Chosen,
            ("owner.added" | "owner.removed", "owner") if !self.is_part_of_a_push() => Chosen,
            ("change.cancelled" | "override.proposed", "change") => Chosen,
            // Verdict and scope follow from the numbers.
            (
                "release.compared",
                "by_word" | "changed" | "explained" | "extra" | "left_out" | "metadata"
                | "not_compared" | "same" | "statement",
            ) => STATED,
            // Where the release's record names no commit, whoever compares names one.
            ("release.compared", "commit") if !self.has_commit() => STATED,
            _ => Bound,
        }
    }

    /// The actor, if it is an account.
    fn account(&self) -> Actor {
        let actor = self.event().actor.clone();
        if matches!(actor, Actor::Account(_)) {
            actor
        } else {
            Actor::Operator
        }
    }

    fn exchanged(&self, path: &str) -> Field {
        match path {
            "issued_at" | "keys_fetched" => WINDOW,
            "workflow.repository_id" => Bound,
            _ if path.starts_with("workflow.") && !self.is_repeated() => EVIDENCE,
            _ => Bound,
        }
    }

    fn denied(&self, path: &str) -> Field {
        let Body::ExchangeDenied(denied) = &self.event().body else {
            return Bound;
        };
        match path {
            "count" => COUNT,
            "found" | "run_id" => EVIDENCE,
            "expected" if !ASKED_BY_PUBLISHER.contains(&denied.code.as_str()) => EVIDENCE,
            // Another publisher of the same repository may have come as close.
            "publisher" => Chosen,
            _ => Bound,
        }
    }
}

fn is_removal(event: &Event) -> bool {
    matches!(
        event.body,
        Body::PublisherRemoved(_) | Body::PendingRemoved(_) | Body::ApiKeyRevoked(_)
    )
}

/// Whether it is a command even without the rest of its group.
fn stands_alone(event: &Event) -> bool {
    is_removal(event) || matches!(event.body, Body::ProviderKeysObserved(_))
}
