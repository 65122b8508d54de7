//! Time and chance: the only doors through which either enters.
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use events::time::Timestamp;
use uuid::Uuid;

/// A clock: the real one, or one that a test sets.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    /// The machine's clocks; the instant is when this clock was made.
    System(Instant),
    /// Milliseconds of the wall and of the steady clock.
    Manual(Arc<(AtomicU64, AtomicU64)>),
}

impl Clock {
    /// The machine's clocks.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn system() -> Self {
        Self(Source::System(Instant::now()))
    }

    /// A clock that stands still until it is set.
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new((
            AtomicU64::new(start.millis()),
            AtomicU64::new(0),
        ))))
    }

    /// The wall clock, UTC.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System(_) => {
                let since = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
            }
            Source::Manual(clocks) => Timestamp::from_millis(clocks.0.load(Ordering::SeqCst)),
        }
    }

    /// The steady clock: time since this clock was made, which no correction of the wall clock touches.
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            Source::System(start) => start.elapsed(),
            Source::Manual(clocks) => Duration::from_millis(clocks.1.load(Ordering::SeqCst)),
        }
    }

    /// Waits. On a manual clock nobody waits: as much time passes at once.
    pub async fn sleep(&self, duration: Duration) {
        match &self.0 {
            Source::System(_) => tokio::time::sleep(duration).await,
            Source::Manual(_) => self.advance(duration),
        }
    }

    /// Lets time pass on a manual clock; the machine's clock ignores it.
    pub fn advance(&self, duration: Duration) {
        if let Source::Manual(clocks) = &self.0 {
            let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
            clocks.0.fetch_add(millis, Ordering::SeqCst);
            clocks.1.fetch_add(millis, Ordering::SeqCst);
        }
    }

    /// Sets the wall of a manual clock without letting time pass: a clock that jumps.
    pub fn jump(&self, to: Timestamp) {
        if let Source::Manual(clocks) = &self.0 {
            clocks.0.store(to.millis(), Ordering::SeqCst);
        }
    }
}

/// Random bytes from the operating system.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0_u8; N];
    // Without randomness there are no keys, nonces or ids: nothing sensible is left to do.
    #[expect(
        clippy::expect_used,
        reason = "an operating system without randomness cannot run a registry"
    )]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A fresh UUID version 7 for this moment: ids sort by the time they were made.
pub fn fresh_id(now: Timestamp) -> Uuid {
    let random = random::<10>();
    uuid::Builder::from_unix_timestamp_millis(now.millis(), &random).into_uuid()
}
