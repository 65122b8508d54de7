//! Leaves that are asked for one by one and read together: while one question is at the database, those that come wait
//! for the next, which asks for all of them.
//!
//! A question to the database is a journey to its thread and back, and costs more than a leaf. What if whoever asked goes
//! away? The question goes on in a task of its own, for the others.
use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::oneshot;

use super::{StoreError, reader::Reader};

/// Questions that are at the database at the same time.
const LANES: usize = 2;
/// Most leaves of one question.
const MOST: usize = 64;

type Answer = Result<Option<Vec<u8>>, StoreError>;

/// Who waits for which leaf.
#[derive(Clone, Default)]
pub struct Together(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    asked: Vec<(u64, oneshot::Sender<Answer>)>,
    lanes: usize,
}

impl Together {
    /// One leaf.
    pub async fn leaf(&self, reader: &Reader, index: u64) -> Answer {
        let (tell, told) = oneshot::channel();
        let is_free = {
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.asked.push((index, tell));
            let is_free = waiting.lanes < LANES;
            waiting.lanes += usize::from(is_free);
            is_free
        };
        if is_free {
            let lane = Lane {
                together: self.clone(),
                is_held: true,
            };
            tokio::spawn(lane.run(reader.clone()));
        }
        let gone = |_| StoreError::Database("the question was given up".into());
        told.await.map_err(gone)?
    }
}

/// A place at the database. Whoever finds none free relies on those who hold one to look again.
struct Lane {
    together: Together,
    is_held: bool,
}

impl Drop for Lane {
    /// Only where the task was ended from outside; what waits then is told by the next who asks.
    fn drop(&mut self) {
        if self.is_held {
            let together = self.together.clone();
            let mut waiting = together.0.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.lanes -= 1;
        }
    }
}

impl Lane {
    /// Asks until nobody waits.
    async fn run(mut self, reader: Reader) {
        while let Some(asked) = self.next() {
            let indexes: Vec<u64> = asked.iter().map(|(index, _)| *index).collect();
            let leaves = reader.leaves_at(&indexes).await;
            for (index, tell) in asked {
                // Two may have asked for the same one.
                let answer = match &leaves {
                    Ok(leaves) => Ok(leaves.get(&index).cloned()),
                    Err(error) => Err(StoreError::Database(error.to_string())),
                };
                // Whoever asked may have gone away.
                let _ = tell.send(answer);
            }
        }
    }

    /// Who waits; with nobody, the place is free in the same moment, so that nobody who comes relies on it.
    fn next(&mut self) -> Option<Vec<(u64, oneshot::Sender<Answer>)>> {
        let together = self.together.clone();
        let mut waiting = together.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.asked.is_empty() {
            waiting.lanes -= 1;
            self.is_held = false;
            return None;
        }
        let count = waiting.asked.len().min(MOST);
        let later = waiting.asked.split_off(count);
        Some(mem::replace(&mut waiting.asked, later))
    }
}
