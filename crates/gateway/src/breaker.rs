//! A circuit for one provider: after many failures it is left alone for a while, then one call tries whether it is back.
//!
//! Three numbers, no lock. While nothing fails, a call costs two loads and no write.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use bartizan_vocabulary::Timestamp;

use crate::settings::Breaking;

/// How a circuit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// Calls pass.
    Closed,
    /// The next call tries, or one is trying.
    HalfOpen,
    /// No call passes.
    Open,
}

/// How a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// The provider does its work.
    Good,
    /// It does not.
    Bad,
    /// Says nothing about it, such as a rate limit.
    Unsaid,
}

/// The circuit of one provider.
#[derive(Debug, Default)]
pub struct Breaker {
    /// The last calls, newest in the lowest bit; a failure is a one.
    history: AtomicU64,
    /// Microseconds since the epoch until which nothing passes; 0: closed.
    until: AtomicI64,
    opened: AtomicU64,
}

impl Breaker {
    /// How it stands.
    pub fn circuit(&self, now: Timestamp) -> Circuit {
        match self.until.load(Ordering::Acquire) {
            0 => Circuit::Closed,
            until if now.as_micros() >= until => Circuit::HalfOpen,
            _ => Circuit::Open,
        }
    }

    /// Whether a call would pass; none is let through by asking.
    pub fn passes(&self, now: Timestamp) -> bool {
        self.circuit(now) != Circuit::Open
    }

    /// How long it stays open.
    pub fn left(&self, now: Timestamp) -> Duration {
        let left = self.until.load(Ordering::Acquire).saturating_sub(now.as_micros());
        Duration::from_micros(u64::try_from(left).unwrap_or(0))
    }

    /// How often it opened.
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// A call is about to be made. `false`: it must not be. After a pause one call tries, and holds the others off for as long again:
    /// if its caller leaves before anything is known, the next one tries then.
    pub fn enter(&self, now: Timestamp, breaking: &Breaking) -> bool {
        let until = self.until.load(Ordering::Acquire);
        if until == 0 {
            return true;
        }
        let again = now.plus_micros(micros(breaking.pause)).as_micros();
        now.as_micros() >= until && self.until.compare_exchange(until, again, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// A call that was let through ended.
    pub fn note(&self, health: Health, now: Timestamp, breaking: &Breaking) {
        match health {
            Health::Unsaid => {}
            Health::Good if self.until.load(Ordering::Acquire) != 0 => {
                // It is back: what was before does not count against it.
                self.history.store(0, Ordering::Relaxed);
                self.until.store(0, Ordering::Release);
            }
            Health::Good if self.history.load(Ordering::Relaxed) == 0 => {}
            Health::Good => {
                self.push(0, breaking);
            }
            Health::Bad => {
                let failed = self.push(1, breaking);
                if breaking.failures > 0 && failed >= breaking.failures {
                    self.open(now, breaking);
                }
            }
        }
    }

    fn open(&self, now: Timestamp, breaking: &Breaking) {
        let until = now.plus_micros(micros(breaking.pause)).as_micros().max(1);
        if self.until.swap(until, Ordering::AcqRel) == 0 {
            self.opened.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Puts one outcome into the window; how many failures are in it then.
    fn push(&self, failed: u64, breaking: &Breaking) -> u32 {
        let mask = u64::MAX.checked_shr(64_u32.saturating_sub(breaking.window.max(1))).unwrap_or(u64::MAX);
        let next = |history: u64| (history << 1 | failed) & mask;
        let before = self.history.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |history| Some(next(history)));
        next(before.unwrap_or_default()).count_ones()
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BREAKING: Breaking = Breaking { window: 4, failures: 3, pause: Duration::from_secs(10) };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(1_790_000_000_000_000 + seconds * 1_000_000)
    }

    fn ill(breaker: &Breaker, times: usize) {
        for _ in 0..times {
            breaker.note(Health::Bad, at(0), &BREAKING);
        }
    }

    #[test]
    fn opens_after_failures_within_the_window_only() {
        let breaker = Breaker::default();
        ill(&breaker, 2);
        // Two good ones later the window holds one failure.
        (0..3).for_each(|_| breaker.note(Health::Good, at(0), &BREAKING));
        ill(&breaker, 2);
        assert_eq!(breaker.circuit(at(0)), Circuit::Closed);
        ill(&breaker, 1);
        assert_eq!((breaker.circuit(at(0)), breaker.opened(), breaker.left(at(4)).as_secs()), (Circuit::Open, 1, 6));
        assert!(!breaker.enter(at(9), &BREAKING));
    }

    #[test]
    fn one_call_tries_after_the_pause() {
        let breaker = Breaker::default();
        ill(&breaker, 3);
        assert_eq!(breaker.circuit(at(10)), Circuit::HalfOpen);
        assert!(breaker.passes(at(10)) && breaker.enter(at(10), &BREAKING));
        assert!(!breaker.enter(at(10), &BREAKING), "one call only");
        breaker.note(Health::Bad, at(11), &BREAKING);
        assert_eq!((breaker.circuit(at(20)), breaker.circuit(at(21)), breaker.opened()), (Circuit::Open, Circuit::HalfOpen, 1));
        assert!(breaker.enter(at(21), &BREAKING));
        breaker.note(Health::Good, at(22), &BREAKING);
        assert_eq!(breaker.circuit(at(22)), Circuit::Closed);
        ill(&breaker, 2);
        assert_eq!(breaker.circuit(at(22)), Circuit::Closed, "what was before does not count");
    }

    #[test]
    fn a_call_that_tries_and_never_ends_does_not_keep_it_open_for_ever() {
        let breaker = Breaker::default();
        ill(&breaker, 3);
        assert!(breaker.enter(at(10), &BREAKING));
        assert!(!breaker.enter(at(19), &BREAKING) && breaker.enter(at(20), &BREAKING));
    }

    #[test]
    fn a_rate_limit_and_a_breaker_that_is_off_open_nothing() {
        let breaker = Breaker::default();
        (0..100).for_each(|_| breaker.note(Health::Unsaid, at(0), &BREAKING));
        let off = Breaking { failures: 0, ..BREAKING };
        (0..100).for_each(|_| breaker.note(Health::Bad, at(0), &off));
        assert_eq!(breaker.circuit(at(0)), Circuit::Closed);
    }
}
