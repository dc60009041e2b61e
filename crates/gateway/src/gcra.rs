//! So many a minute: the generic cell rate algorithm (ITU-T I.371), with reservations. A full minute's worth may come at once; it comes
//! back evenly.
//!
//! What a request reserves does not come back with time, and is not yet counted: it is held until it is known what was used, and only
//! that is counted then. So giving back what was not used can never give more than was there without the request.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const MINUTE: u64 = 60_000_000_000;
/// Whatever is counted, after a day all of it has come back.
const MOST: u64 = MINUTE * 60 * 24;

/// One counter.
#[derive(Debug, Default)]
pub struct Gcra(Mutex<Inside>);

#[derive(Clone, Copy, Debug, Default)]
struct Inside {
    /// Nanoseconds on the clock that never goes back, at which all that was counted has come back.
    full_at: u64,
    /// What is reserved.
    held: u64,
    /// The latest moment seen.
    seen: u64,
}

/// What is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Of so many a minute.
    pub limit: u64,
    /// So many may come now.
    pub remaining: u64,
    /// Until all of it has come back, if all that is reserved is used.
    pub reset: Duration,
}

/// Why nothing was reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// It would fit after a while.
    Until(Duration),
    /// It is more than a whole minute's worth.
    Never,
}

impl Gcra {
    /// Reserves `wanted`, of `limit` a minute; no more than a whole minute's worth, of which `least` must not be more. Gives what is
    /// reserved, for [`settle`](Self::settle).
    ///
    /// # Errors
    /// When it would fit.
    pub fn hold(&self, (least, wanted): (u64, u64), limit: u64, now: Duration) -> Result<u64, Over> {
        if least > limit {
            return Err(Over::Never);
        }
        let count = wanted.max(least).min(limit);
        let mut inside = self.at(now);
        let after = inside.away(limit).saturating_add(time_of(count, limit));
        if after > MINUTE {
            return Err(Over::Until(Duration::from_nanos(after - MINUTE)));
        }
        inside.held = inside.held.saturating_add(count);
        Ok(count)
    }

    /// Counts what was used in the place of what was reserved. It may be more: then the next ones wait.
    pub fn settle(&self, held: u64, used: u64, limit: u64, now: Duration) {
        let mut inside = self.at(now);
        inside.held = inside.held.saturating_sub(held);
        let full_at = inside.full_at.max(inside.seen).saturating_add(time_of(used, limit));
        inside.full_at = full_at.min(inside.seen.saturating_add(MOST));
    }

    /// How it stands.
    pub fn left(&self, limit: u64, now: Duration) -> Left {
        let away = self.at(now).away(limit);
        let free = MINUTE.saturating_sub(away);
        let remaining = u128::from(free) * u128::from(limit) / u128::from(MINUTE);
        Left { limit, remaining: u64::try_from(remaining).unwrap_or(limit), reset: Duration::from_nanos(away) }
    }

    /// What is inside, at a moment that is never before another one.
    fn at(&self, now: Duration) -> MutexGuard<'_, Inside> {
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inside.seen = inside.seen.max(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX));
        inside
    }
}

impl Inside {
    /// The time in which all that is counted or reserved comes back.
    fn away(&self, limit: u64) -> u64 {
        self.full_at.saturating_sub(self.seen).saturating_add(time_of(self.held, limit))
    }
}

/// The time in which so many come back.
fn time_of(count: u64, limit: u64) -> u64 {
    let time = u128::from(count) * u128::from(MINUTE) / u128::from(limit.max(1));
    u64::try_from(time).unwrap_or(u64::MAX).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Reserves and uses the same.
    fn take(counter: &Gcra, count: u64, limit: u64, now: Duration) -> Result<u64, Over> {
        let held = counter.hold((count, count), limit, now)?;
        counter.settle(held, count, limit, now);
        Ok(counter.left(limit, now).remaining)
    }

    #[test]
    fn a_minutes_worth_at_once_and_then_evenly() {
        let counter = Gcra::default();
        let taken: Vec<_> = (0..6).map(|_| take(&counter, 1, 6, at(0))).collect();
        assert_eq!(taken, [Ok(5), Ok(4), Ok(3), Ok(2), Ok(1), Ok(0)]);
        assert_eq!(take(&counter, 1, 6, at(0)), Err(Over::Until(Duration::from_secs(10))));
        assert_eq!(take(&counter, 1, 6, at(9)), Err(Over::Until(Duration::from_secs(1))));
        assert_eq!(take(&counter, 1, 6, at(10)), Ok(0));
        assert_eq!(counter.left(6, at(10)).reset, Duration::from_mins(1));
        assert_eq!(counter.left(6, at(500)), Left { limit: 6, remaining: 6, reset: Duration::ZERO });
    }

    #[test]
    fn more_than_the_whole_is_cut_to_it_unless_all_of_it_is_needed() {
        assert_eq!(Gcra::default().hold((101, 101), 100, at(0)), Err(Over::Never));
        let counter = Gcra::default();
        assert_eq!(counter.hold((100, 5_000), 100, at(0)), Ok(100));
        assert_eq!(counter.left(100, at(0)).remaining, 0);
        counter.settle(100, 40, 100, at(0));
        // Not full: now it waits.
        assert_eq!(counter.hold((1, 5_000), 100, at(0)), Err(Over::Until(Duration::from_secs(24))));
        assert_eq!(counter.hold((1, 5_000), 100, at(24)), Ok(100));
    }

    #[test]
    fn what_was_used_may_be_less_or_more_than_was_reserved() {
        let counter = Gcra::default();
        assert_eq!(counter.hold((50, 50), 100, at(0)), Ok(50));
        counter.settle(50, 10, 100, at(0));
        assert_eq!(counter.left(100, at(0)).remaining, 90);
        counter.settle(0, 190, 100, at(0));
        assert_eq!((counter.left(100, at(0)).remaining, take(&counter, 1, 100, at(59)).is_err()), (0, true));
        assert!(take(&counter, 1, 100, at(61)).is_ok());
    }

    #[test]
    fn what_came_back_with_time_is_not_given_back_once_more() {
        let counter = Gcra::default();
        // Reserved for a minute, in which everything else comes back; another request takes all that is left then.
        assert_eq!(counter.hold((60, 60), 100, at(0)), Ok(60));
        assert_eq!(take(&counter, 40, 100, at(0)), Ok(0));
        assert_eq!(take(&counter, 40, 100, at(60)), Ok(0));
        counter.settle(60, 0, 100, at(60));
        // As without the first request: 40 of 100 are used.
        assert_eq!(counter.left(100, at(60)).remaining, 60);
        // Nor is there ever more than the whole.
        counter.settle(1_000, 0, 100, at(1_000));
        assert_eq!(counter.left(100, at(1_000)).remaining, 100);
        assert_eq!(take(&counter, 100, 100, at(1_000)), Ok(0));
    }

    /// Any mix of requests: never more left than on a counter that never saw those that used nothing.
    #[test]
    fn a_request_that_used_nothing_leaves_no_trace() {
        let (with, without) = (Gcra::default(), Gcra::default());
        let (mut held, mut seed) = (Vec::new(), 7_u64);
        for second in 0..3_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (count, choice) = (seed >> 33 & 63, seed >> 60);
            match choice {
                0..6 => held.extend(with.hold((count, count), 100, at(second))),
                6..11 => {
                    if let Some(one) = held.pop() {
                        with.settle(one, 0, 100, at(second));
                    }
                }
                _ => {
                    if take(&with, count, 100, at(second)).is_ok() {
                        without.settle(0, count, 100, at(second));
                    }
                }
            }
            assert!(with.left(100, at(second)).remaining <= without.left(100, at(second)).remaining, "{second}");
        }
        for one in held {
            with.settle(one, 0, 100, at(3_000));
        }
        assert_eq!(with.left(100, at(3_000)), without.left(100, at(3_000)));
    }

    #[test]
    fn a_clock_that_goes_back_stands_still() {
        let counter = Gcra::default();
        assert_eq!(take(&counter, 100, 100, at(600)), Ok(0));
        assert_eq!(counter.left(100, at(0)), Left { limit: 100, remaining: 0, reset: Duration::from_mins(1) });
        assert!(take(&counter, 1, 100, at(0)).is_err());
        counter.settle(0, 10, 100, at(0));
        assert_eq!(counter.left(100, at(630)).remaining, 40);
    }

    #[test]
    fn no_number_is_too_large() {
        let counter = Gcra::default();
        counter.settle(u64::MAX, u64::MAX, 1, Duration::MAX);
        counter.settle(u64::MAX, u64::MAX, u64::MAX, Duration::MAX);
        let counter = Gcra::default();
        assert_eq!(counter.hold((0, u64::MAX), u64::MAX, at(0)), Ok(u64::MAX));
        counter.settle(u64::MAX, u64::MAX, 1, at(0));
        assert_eq!(counter.left(u64::MAX, at(0)).remaining, 0);
        assert_eq!(counter.left(100, at(86_400)).remaining, 100, "a day at most");
    }
}
