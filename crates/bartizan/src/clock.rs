//! The one place that reads the wall clock, and the clock that never goes back.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bartizan_vocabulary::Timestamp;

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// Now, in UTC.
#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else takes as an argument")]
pub fn now() -> Timestamp {
    let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
    };
    Timestamp::from_micros(micros)
}

impl bartizan_gateway::Clock for SystemClock {
    fn now(&self) -> Timestamp {
        now()
    }

    fn steady(&self) -> Duration {
        static STARTED: OnceLock<Instant> = OnceLock::new();
        STARTED.get_or_init(Instant::now).elapsed()
    }
}

/// The clock as the store takes it.
pub fn for_store() -> bartizan_store::Clock {
    Arc::new(now)
}
