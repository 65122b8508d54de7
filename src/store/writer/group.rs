//! What closures decided: each group of events is taken into the batch in whole, or not at all.
use events::{Event, Recorded, event::Draft, time::Timestamp};

use super::{AppendError, Group, Job};
use crate::store::{
    Backend, Head, StoreError, StoredEvent, VaultRow,
    states::{Read, States},
    vault::SubjectKey,
};

/// What became of a request: how many of the batch's events are its own, or why none is.
pub(super) type Decided = Result<usize, AppendError>;

/// A batch while it is decided.
pub(super) struct Open {
    /// The time that all of it bears.
    pub(super) now: Timestamp,
    next: u64,
    pub(super) leaves: Vec<StoredEvent>,
    pub(super) recorded: Vec<Recorded>,
    pub(super) vault: Vec<VaultRow>,
    pub(super) keys: Vec<SubjectKey>,
}

impl Open {
    pub(super) fn new(head: Head, now: Timestamp) -> Self {
        Self {
            now,
            next: head.size,
            leaves: Vec::new(),
            recorded: Vec::new(),
            vault: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// Runs one closure and takes its group in whole, or leaves everything as it was.
    ///
    /// The outer error is the database's and ends the batch; the inner one is this request's alone.
    pub(super) async fn decide<B: Backend>(
        &mut self,
        job: &mut dyn Job,
        states: &mut States,
        backend: &mut B,
    ) -> Result<Decided, StoreError> {
        let (group, reads) = job.decide(states, self.now);
        let Some(mut group) = group.filter(|group| !group.drafts.is_empty()) else {
            return Ok(Ok(0));
        };
        if group.not_after.is_some_and(|limit| self.now >= limit) {
            return Ok(Err(AppendError::TooLate));
        }
        if self.is_taken(&group.vault, backend).await? {
            return Ok(Err(AppendError::Duplicate));
        }
        let drafts = std::mem::take(&mut group.drafts);
        let taken = check_subjects(&group.vault, reads, states)
            .and_then(|()| self.stamp(&group, drafts, reads, states))
            .and_then(|(leaves, recorded)| {
                place(&mut group.vault, &recorded).map(|()| (leaves, recorded))
            });
        let (leaves, recorded) = match taken {
            Ok(events) => events,
            Err(refused) => return Ok(Err(refused)),
        };
        let own = recorded.len();
        for recorded in &recorded {
            states.advance(&recorded.event);
        }
        self.next += u64::try_from(own).unwrap_or(0);
        self.leaves.extend(leaves);
        self.recorded.extend(recorded);
        for mut row in group.vault {
            self.keys.extend(row.fresh_key.take());
            self.vault.push(row);
        }
        Ok(Ok(own))
    }

    /// Whether a value that may exist once only is in the vault, or on its way there in this very batch.
    async fn is_taken<B: Backend>(
        &self,
        rows: &[VaultRow],
        backend: &mut B,
    ) -> Result<bool, StoreError> {
        for (at, row) in rows.iter().enumerate() {
            let Some(unique) = &row.unique else { continue };
            let earlier = rows.iter().take(at).chain(&self.vault);
            if earlier
                .filter_map(|row| row.unique.as_ref())
                .any(|other| other == unique)
                || backend.taken(unique).await?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Gives each draft its revision, time and log index.
    fn stamp(
        &self,
        group: &Group,
        drafts: Vec<Draft>,
        reads: &[Read],
        states: &States,
    ) -> Result<(Vec<StoredEvent>, Vec<Recorded>), AppendError> {
        let (mut leaves, mut recorded) = (Vec::new(), Vec::<Recorded>::new());
        for draft in drafts {
            let earlier = recorded
                .iter()
                .filter(|earlier| earlier.event.stream == draft.stream)
                .count();
            let next = states
                .next_revision(&draft.stream)
                .filter(|_| reads.iter().any(|read| read.stream == draft.stream))
                .ok_or_else(|| AppendError::Unread(draft.stream.to_string()))?;
            let event = Event {
                actor: group.actor.clone(),
                body: draft.body,
                request: group.request,
                revision: next + u64::try_from(earlier).unwrap_or(0),
                sealed: draft.sealed,
                stream: draft.stream,
                time: self.now,
                via: group.via,
            };
            leaves.push(StoredEvent {
                stream: event.stream.clone(),
                revision: event.revision,
                leaf: event.to_leaf()?,
            });
            recorded.push(Recorded {
                index: self.next + u64::try_from(recorded.len()).unwrap_or(0),
                event,
            });
        }
        Ok((leaves, recorded))
    }
}

/// Tells each sealed value which event commits to it: that is how it is found again.
fn place(rows: &mut [VaultRow], recorded: &[Recorded]) -> Result<(), AppendError> {
    for row in rows {
        let commits = |recorded: &&Recorded| {
            let mut sealed = recorded.event.sealed.values();
            sealed.any(|commitment| commitment.hex() == row.commitment)
        };
        let event = recorded.iter().find(commits);
        row.log_index = event
            .ok_or_else(|| AppendError::Uncommitted(row.subject.to_string()))?
            .index;
    }
    Ok(())
}

/// A fresh key replaces whatever a lost batch left in the file of keys; of a subject that the log knows, that would be
/// the key of its values.
fn check_subjects(rows: &[VaultRow], reads: &[Read], states: &States) -> Result<(), AppendError> {
    for key in rows.iter().filter_map(|row| row.fresh_key.as_ref()) {
        let subject = key.subject();
        let named = reads.iter().any(|read| read.stream == *subject);
        match states.next_revision(subject).filter(|_| named) {
            Some(0) => {}
            Some(_) => return Err(AppendError::Duplicate),
            None => return Err(AppendError::Unread(subject.to_string())),
        }
    }
    Ok(())
}
