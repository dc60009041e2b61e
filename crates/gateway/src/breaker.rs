//! A circuit: after many failures whatever stands behind it is left alone for a while, then one call tries whether it is back.
//!
//! Three numbers, no lock. While nothing fails, a call costs a few loads and no write.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use bartizan_vocabulary::Timestamp;

use crate::settings::Breaking;

/// How a circuit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// Calls pass.
    Closed,
    /// The next call tries.
    HalfOpen,
    /// No call passes, or one is trying.
    Open,
}

/// How a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// The work was done.
    Good,
    /// It was not.
    Bad,
    /// There was an answer that counts neither for nor against, such as a rate limit: whoever gives one is there.
    Neither,
    /// Nothing was learnt.
    Unsaid,
}

/// One circuit.
#[derive(Debug, Default)]
pub struct Breaker {
    /// The last calls, newest in the lowest bit; a failure is a one.
    history: AtomicU64,
    /// Microseconds since the epoch until which nothing passes; 0: closed.
    until: AtomicI64,
    opened: AtomicU64,
}

/// Leave to make one call. One that tries whether all is well again gives its turn back when it is dropped without a word: the client
/// left, or the call was not made in the end.
#[derive(Debug)]
#[must_use]
pub struct Permit<'a> {
    breaker: &'a Breaker,
    /// Of a call that tries: until when it holds the others off.
    trial: Option<i64>,
}

/// A moment that is long past: the next call tries.
const NOW: i64 = 1;

impl Breaker {
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

    /// Whether a call would pass; none is let through by asking.
    pub fn passes(&self, now: Timestamp, breaking: &Breaking) -> bool {
        self.circuit(now, breaking) != Circuit::Open
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

    /// A call is about to be made. `None`: it must not be. After a pause one call tries, and holds the others off until it is known how
    /// it went, at most for as long again.
    pub fn enter(&self, now: Timestamp, breaking: &Breaking) -> Option<Permit<'_>> {
        let until = self.until.load(Ordering::Acquire);
        if until == 0 || breaking.failures == 0 {
            return Some(Permit { breaker: self, trial: None });
        }
        if !self.passes(now, breaking) {
            return None;
        }
        let again = later(now, breaking);
        let won = self.until.compare_exchange(until, again, Ordering::AcqRel, Ordering::Acquire).is_ok();
        won.then_some(Permit { breaker: self, trial: Some(again) })
    }

    /// The call that tried is over.
    fn tried(&self, held: i64, health: Health, now: Timestamp, breaking: &Breaking) {
        match health {
            Health::Good | Health::Neither => {
                // It is back: what was before does not count against it.
                self.history.store(0, Ordering::Relaxed);
                self.until.store(0, Ordering::Release);
            }
            Health::Bad => self.pass_on(held, later(now, breaking)),
            Health::Unsaid => self.pass_on(held, NOW),
        }
    }

    /// The turn of a call that tried ends, and the next one may try at `again`. If somebody else had the turn meanwhile, what that one
    /// learnt is newer, and stands.
    fn pass_on(&self, held: i64, again: i64) {
        let _somebody_else_had_it = self.until.compare_exchange(held, again, Ordering::AcqRel, Ordering::Acquire);
    }

    /// A call that did not try is over. If it began before the circuit opened, it neither closes it nor keeps it open for longer.
    fn called(&self, health: Health, now: Timestamp, breaking: &Breaking) {
        match health {
            Health::Unsaid | Health::Neither => {}
            Health::Good if self.history.load(Ordering::Relaxed) == 0 => {}
            Health::Good => {
                self.push(0, breaking);
            }
            Health::Bad => {
                let failed = self.push(1, breaking);
                let opens = breaking.failures > 0 && failed >= breaking.failures;
                let open = || self.until.compare_exchange(0, later(now, breaking), Ordering::AcqRel, Ordering::Acquire);
                if opens && open().is_ok() {
                    self.opened.fetch_add(1, Ordering::Relaxed);
                }
            }
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

impl Permit<'_> {
    /// The call ended.
    pub fn note(mut self, health: Health, now: Timestamp, breaking: &Breaking) {
        match self.trial.take() {
            Some(held) => self.breaker.tried(held, health, now, breaking),
            None => self.breaker.called(health, now, breaking),
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if let Some(held) = self.trial.take() {
            self.breaker.pass_on(held, NOW);
        }
    }
}

/// The end of a pause that begins now.
fn later(now: Timestamp, breaking: &Breaking) -> i64 {
    now.plus_micros(micros(breaking.pause)).as_micros().max(NOW)
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

    fn call(breaker: &Breaker, health: Health, seconds: i64) -> bool {
        let permit = breaker.enter(at(seconds), &BREAKING);
        let passed = permit.is_some();
        if let Some(permit) = permit {
            permit.note(health, at(seconds), &BREAKING);
        }
        passed
    }

    fn ill(breaker: &Breaker, times: u32) {
        (0..times).for_each(|_| assert!(call(breaker, Health::Bad, 0)));
    }

    fn stands(breaker: &Breaker, seconds: i64) -> Circuit {
        breaker.circuit(at(seconds), &BREAKING)
    }

    #[test]
    fn it_opens_after_so_many_of_the_last_calls() {
        let breaker = Breaker::default();
        ill(&breaker, 2);
        (0..3).for_each(|_| assert!(call(&breaker, Health::Good, 0)));
        ill(&breaker, 2);
        assert_eq!(stands(&breaker, 0), Circuit::Closed, "the first two are out of the window");
        ill(&breaker, 1);
        assert_eq!((stands(&breaker, 0), breaker.opened()), (Circuit::Open, 1));
        assert!(!call(&breaker, Health::Good, 9) && breaker.left(at(9)) == Duration::from_secs(1));
    }

    #[test]
    fn one_call_tries_and_any_answer_that_is_not_bad_closes() {
        for (health, closes) in [(Health::Good, true), (Health::Neither, true), (Health::Bad, false)] {
            let breaker = Breaker::default();
            ill(&breaker, 3);
            assert_eq!(stands(&breaker, 10), Circuit::HalfOpen);
            let permit = breaker.enter(at(10), &BREAKING);
            assert!(permit.is_some() && breaker.enter(at(10), &BREAKING).is_none(), "only one tries");
            if let Some(permit) = permit {
                permit.note(health, at(11), &BREAKING);
            }
            assert_eq!(stands(&breaker, 11) == Circuit::Closed, closes, "{health:?}");
            assert_eq!((breaker.passes(at(20), &BREAKING), breaker.passes(at(21), &BREAKING)), (closes, true), "{health:?}");
            if closes {
                ill(&breaker, 2);
                assert_eq!(stands(&breaker, 11), Circuit::Closed, "what was before does not count");
            }
            assert_eq!(breaker.opened(), 1);
        }
    }

    #[test]
    fn a_call_that_tries_and_tells_nothing_gives_its_turn_back() {
        let breaker = Breaker::default();
        ill(&breaker, 3);
        drop(breaker.enter(at(10), &BREAKING));
        assert_eq!(stands(&breaker, 10), Circuit::HalfOpen, "nobody waited for it any more");
        assert!(call(&breaker, Health::Unsaid, 10));
        assert_eq!(stands(&breaker, 10), Circuit::HalfOpen);
        // One that never ends holds the others off for one more pause; then another one tries, whose turn it does not give away.
        let (late, next) = (breaker.enter(at(10), &BREAKING), breaker.enter(at(20), &BREAKING));
        assert!(late.is_some() && next.is_some());
        drop(late);
        assert_eq!(stands(&breaker, 20), Circuit::Open);
        drop(next);
        assert_eq!(stands(&breaker, 20), Circuit::HalfOpen);
    }

    #[test]
    fn a_late_call_that_tried_opens_nothing_that_another_one_has_closed() {
        let breaker = Breaker::default();
        ill(&breaker, 3);
        let late = breaker.enter(at(10), &BREAKING);
        assert!(call(&breaker, Health::Good, 20) && late.is_some());
        if let Some(late) = late {
            late.note(Health::Bad, at(21), &BREAKING);
        }
        assert_eq!((stands(&breaker, 21), breaker.opened()), (Circuit::Closed, 1));
    }

    #[test]
    fn calls_from_before_it_opened_change_nothing() {
        for health in [Health::Good, Health::Bad] {
            let breaker = Breaker::default();
            let early = breaker.enter(at(0), &BREAKING);
            ill(&breaker, 3);
            if let Some(permit) = early {
                permit.note(health, at(9), &BREAKING);
            }
            assert_eq!((stands(&breaker, 9), stands(&breaker, 10)), (Circuit::Open, Circuit::HalfOpen), "{health:?}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nothing_closed_off() {
        let breaker = Breaker::default();
        ill(&breaker, 3);
        assert!(call(&breaker, Health::Good, -86_400));
        assert_eq!(stands(&breaker, -86_400), Circuit::Closed);
    }

    #[test]
    fn a_rate_limit_and_a_breaker_that_is_off_open_nothing() {
        let breaker = Breaker::default();
        (0..100).for_each(|_| assert!(call(&breaker, Health::Neither, 0)));
        assert_eq!(stands(&breaker, 0), Circuit::Closed);
        let off = Breaking { failures: 0, ..BREAKING };
        for permit in (0..100).filter_map(|_| breaker.enter(at(0), &off)) {
            permit.note(Health::Bad, at(0), &off);
        }
        assert_eq!(breaker.circuit(at(0), &off), Circuit::Closed);
        // Switched off while it is open.
        let breaker = Breaker::default();
        ill(&breaker, 3);
        assert!(breaker.enter(at(0), &off).is_some() && breaker.passes(at(0), &off));
    }
}
