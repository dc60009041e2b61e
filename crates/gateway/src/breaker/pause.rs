//! For how long calls are held off, and whose turn it is to try then. One number, no lock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bartizan_vocabulary::Timestamp;

use super::Circuit;
use crate::settings::Breaking;

/// A moment that is long past: the next call tries.
pub const NOW: i64 = 1;

/// So many pauses after its end whoever it was for begins anew.
const LONG: i64 = 100;

/// A pause, or none.
#[derive(Debug, Default)]
pub struct Pause {
    /// Microseconds since the epoch until which nothing passes; 0: closed.
    until: AtomicI64,
}

impl Pause {
    /// One that begins now.
    pub fn open_from(now: Timestamp, breaking: &Breaking) -> Self {
        Self { until: AtomicI64::new(later(now, breaking)) }
    }

    /// How it stands.
    pub fn circuit(&self, now: Timestamp, breaking: &Breaking) -> Circuit {
        let until = self.until.load(Ordering::Acquire);
        if until == 0 || breaking.failures == 0 {
            return Circuit::Closed;
        }
        let left = until.saturating_sub(now.as_micros());
        // More than the whole pause is left only where the clock was set back.
        if (1..=micros(breaking.pause)).contains(&left) { Circuit::Open } else { Circuit::HalfOpen }
    }

    /// Whether a call would pass.
    pub fn passes(&self, now: Timestamp, breaking: &Breaking) -> bool {
        self.circuit(now, breaking) != Circuit::Open
    }

    /// How much of it is left.
    pub fn left(&self, now: Timestamp) -> Duration {
        let left = self.until.load(Ordering::Acquire).saturating_sub(now.as_micros());
        Duration::from_micros(u64::try_from(left).unwrap_or(0))
    }

    /// Whether it ended long ago, and nobody has tried.
    pub fn is_long_past(&self, now: Timestamp, breaking: &Breaking) -> bool {
        let until = self.until.load(Ordering::Acquire);
        until > NOW && now.as_micros().saturating_sub(until) > micros(breaking.pause).saturating_mul(LONG)
    }

    /// Begins one, if there is none.
    pub fn open(&self, now: Timestamp, breaking: &Breaking) -> bool {
        self.until.compare_exchange(0, later(now, breaking), Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Ends it.
    pub fn close(&self) {
        self.until.store(0, Ordering::Release);
    }

    /// A call is about to be made; `None`: it must not be. Of one that tries: until when it holds the others off.
    #[expect(clippy::option_option, reason = "whether it may be made, and whether it tries")]
    pub fn enter(&self, now: Timestamp, breaking: &Breaking) -> Option<Option<i64>> {
        let until = self.until.load(Ordering::Acquire);
        if until == 0 || breaking.failures == 0 {
            return Some(None);
        }
        if !self.passes(now, breaking) {
            return None;
        }
        let again = later(now, breaking);
        let won = self.until.compare_exchange(until, again, Ordering::AcqRel, Ordering::Acquire).is_ok();
        won.then_some(Some(again))
    }

    /// The turn of a call that tried ends, and the next one may try at `again`. If somebody else had the turn meanwhile, what that one
    /// learnt is newer, and stands.
    pub fn pass_on(&self, held: i64, again: i64) {
        let _somebody_else_had_it = self.until.compare_exchange(held, again, Ordering::AcqRel, Ordering::Acquire);
    }
}

/// The end of a pause that begins now.
pub fn later(now: Timestamp, breaking: &Breaking) -> i64 {
    now.plus_micros(micros(breaking.pause)).as_micros().max(NOW)
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
