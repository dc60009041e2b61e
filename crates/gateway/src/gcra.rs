//! So many a minute: the generic cell rate algorithm (ITU-T I.371) on one number. A full minute's worth may come at once; it comes back evenly.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bartizan_vocabulary::Timestamp;

const MINUTE: i64 = 60_000_000_000;

/// One counter.
#[derive(Debug, Default)]
pub struct Gcra {
    /// Nanoseconds since the epoch at which all of it has come back.
    full_at: AtomicI64,
}

/// What is left after a request was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Of so many a minute.
    pub limit: u64,
    /// So many may come now.
    pub remaining: u64,
    /// Until all of it has come back.
    pub reset: Duration,
}

/// Why nothing was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// It would fit after a while.
    Until(Duration),
    /// It is more than a whole minute's worth.
    Never,
}

impl Gcra {
    /// Counts `count`, of `limit` a minute.
    pub fn take(&self, count: u64, limit: u64, now: Timestamp) -> Result<Left, Over> {
        let now = now.as_micros().saturating_mul(1_000);
        let cost = cost(count, limit);
        if cost > MINUTE {
            return Err(Over::Never);
        }
        let mut wait = 0;
        let next = |full_at: i64| {
            let next = full_at.max(now).saturating_add(cost);
            wait = next.saturating_sub(now).saturating_sub(MINUTE);
            (wait <= 0).then_some(next)
        };
        match self.full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
            Ok(before) => Ok(left(before.max(now).saturating_add(cost), now, limit)),
            Err(_) => Err(Over::Until(nanos(wait))),
        }
    }

    /// How it stands.
    pub fn left(&self, limit: u64, now: Timestamp) -> Left {
        let now = now.as_micros().saturating_mul(1_000);
        left(self.full_at.load(Ordering::Relaxed).max(now), now, limit)
    }

    /// Corrects what was counted: by so many more, or, below zero, by so many less. It may go over the limit: then the next ones wait.
    pub fn correct(&self, by: i64, limit: u64) {
        let cost = cost(by.unsigned_abs(), limit);
        self.full_at.fetch_add(if by < 0 { -cost } else { cost }, Ordering::Relaxed);
    }
}

/// The time in which so many come back.
fn cost(count: u64, limit: u64) -> i64 {
    let cost = u128::from(count) * u128::from(MINUTE.unsigned_abs()) / u128::from(limit.max(1));
    // A correction cannot be so large that it is never worked off: a day at most.
    i64::try_from(cost).unwrap_or(i64::MAX).min(MINUTE * 60 * 24)
}

fn left(full_at: i64, now: i64, limit: u64) -> Left {
    let away = full_at.saturating_sub(now);
    let free = MINUTE.saturating_sub(away).max(0);
    let remaining = u128::from(free.unsigned_abs()) * u128::from(limit) / u128::from(MINUTE.unsigned_abs());
    Left { limit, remaining: u64::try_from(remaining).unwrap_or(0), reset: nanos(away) }
}

fn nanos(nanos: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(1_790_000_000_000_000 + seconds * 1_000_000)
    }

    #[test]
    fn a_minutes_worth_at_once_and_then_evenly() {
        let counter = Gcra::default();
        let taken: Vec<_> = (0..6).map(|_| counter.take(1, 6, at(0)).map(|left| left.remaining)).collect();
        assert_eq!(taken, [Ok(5), Ok(4), Ok(3), Ok(2), Ok(1), Ok(0)]);
        assert_eq!(counter.take(1, 6, at(0)), Err(Over::Until(Duration::from_secs(10))));
        assert_eq!(counter.take(1, 6, at(9)), Err(Over::Until(Duration::from_secs(1))));
        assert_eq!(counter.take(1, 6, at(10)).map(|left| (left.remaining, left.reset.as_secs())), Ok((0, 60)));
        assert_eq!(counter.left(6, at(500)), Left { limit: 6, remaining: 6, reset: Duration::ZERO });
    }

    #[test]
    fn more_than_the_whole_never_fits() {
        assert_eq!(Gcra::default().take(101, 100, at(0)), Err(Over::Never));
        assert_eq!(Gcra::default().take(100, 100, at(0)).map(|left| left.remaining), Ok(0));
    }

    #[test]
    fn corrections_count_in_both_directions() {
        let counter = Gcra::default();
        assert!(counter.take(50, 100, at(0)).is_ok());
        counter.correct(-40, 100);
        assert_eq!(counter.left(100, at(0)).remaining, 90);
        counter.correct(190, 100);
        assert_eq!((counter.left(100, at(0)).remaining, counter.take(1, 100, at(59)).is_err()), (0, true));
        assert!(counter.take(1, 100, at(61)).is_ok());
    }
}
