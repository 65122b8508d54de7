//! The commands that would contain an identity: what still acts first, then what it left behind.
use events::{
    id::{ChangeId, Owner},
    time::Timestamp,
};

use super::{Identity, MOST, Radius};

impl Radius {
    /// Commands in the order in which to give them, and how many more things did not find room. Ask after
    /// [`settle`](Self::settle).
    ///
    /// `name` is what the account is called by whoever asks.
    pub fn containment(&self, now: Timestamp, name: &str) -> (Vec<String>, u64) {
        // What waits first: it takes effect whatever becomes of whoever declared it.
        let mut commands = self.cancellations();
        // Then publishers: whoever is trusted still buys a new key for each that is revoked.
        if matches!(
            self.identity,
            Identity::Repository(_) | Identity::Account(_)
        ) {
            commands.extend(self.removals());
        }
        let live = self.live_keys(now);
        match &self.identity {
            Identity::Account(_) if !self.account_disabled => {
                commands.push(format!("gemledger account disable {}", quoted(name)));
            }
            Identity::ProviderKey(_) => {
                let distrust = |(slug, kid): (_, &events::text::Text)| {
                    format!(
                        "gemledger provider distrust-key {slug} {}",
                        quoted(kid.as_str())
                    )
                };
                commands.extend(self.kids.iter().map(distrust));
            }
            Identity::Repository(repository) if !live.is_empty() => {
                let repository = quoted(repository.as_str());
                commands.push(format!(
                    "gemledger api-key revoke --repository {repository}"
                ));
            }
            Identity::Account(_) | Identity::Repository(_) => {}
            Identity::ApiKey(_) | Identity::Run(_) => {
                let revoke = |id| format!("gemledger api-key revoke {id}");
                commands.extend(live.iter().take(MOST).map(revoke));
            }
        }
        for (release, name) in &self.releases {
            let platform = if release.platform.is_ruby() {
                String::new()
            } else {
                format!("-{}", release.platform)
            };
            commands.push(format!(
                "gemledger quarantine {name} {}{platform} --reason 'under investigation'",
                release.number
            ));
        }
        (commands, self.more)
    }

    fn cancellations(&self) -> Vec<String> {
        let cancel = |(gem, id): &(_, _)| format!("gemledger policy cancel {gem} {id}");
        self.left.changes.keys().map(cancel).collect()
    }

    /// Publishers and owners that are in effect; the others never are once their change is cancelled.
    fn removals(&self) -> Vec<String> {
        let left = &self.left;
        let mut publishers: Vec<_> = left.publishers.keys().collect();
        publishers.retain(|(gem, id)| !left.changes.contains_key(&(gem.clone(), ChangeId(id.0))));
        let publishers = publishers.into_iter();
        let remove = |(gem, id): &(_, _)| format!("gemledger publisher remove {gem} {id}");
        let owners = left.owners.iter().map(|(gem, owner)| match owner {
            Owner::Operator => format!("gemledger owner remove {gem} operator"),
            Owner::Account(id) => format!("gemledger owner remove {gem} {}", String::from(*id)),
        });
        publishers.map(remove).chain(owners).collect()
    }
}

/// One word of a shell, whatever is in it.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    if !text.is_empty() && !text.starts_with('-') && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_repository_is_called_it_stays_one_word() {
        assert_eq!(quoted("octo-org/hello"), "octo-org/hello");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("a'; rm -rf ~ #"), "'a'\\''; rm -rf ~ #'");
        assert_eq!(quoted("-x"), "'-x'");
    }
}
